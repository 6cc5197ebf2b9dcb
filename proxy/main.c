/* postern: which command is meant. */
#include <stdio.h>
#include <string.h>

#include "proxy/command/command.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} COMMANDS[] = {
    {"run", command_run, "run the proxy"},
    {"init", command_init, "make a first configuration and policy in a directory"},
    {"config", command_config, "check the configuration, list headers and settings"},
    {"policy", command_policy, "check, test and explain access rules"},
    {"token", command_token, "check a token against a key set or a configuration"},
    {"audit", command_audit, "follow, search and verify the access log"},
    {"user", command_user, "add, list and change the people who sign in at postern itself"},
    {"session", command_session, "list the people who are logged in, and log them out"},
    {"key", command_key, "list and rotate the secret keys"},
};

enum { N_COMMANDS = sizeof COMMANDS / sizeof *COMMANDS };

static void help(FILE *out)
{
    fputs("usage: postern COMMAND [ARGUMENTS]\n\n"
          "An identity-aware access proxy: who comes, with which device, to which app, decided\n"
          "by the rules in your policies, and written down.\n\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-8s %s\n", COMMANDS[i].name, COMMANDS[i].help);
    fputs("\n  postern COMMAND --help tells more; postern --version the version.\n"
          "\nStart with:  postern init DIR\n",
          out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        help(stdout);
        return EXIT_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("postern " POSTERN_VERSION);
        return EXIT_GOOD;
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(argv[1], COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 1, argv + 1);
    fprintf(stderr, "postern: there is no command \"%s\"\n\n", argv[1]);
    help(stderr);
    return EXIT_USAGE;
}
