/* postern policy: checks, tests and explains rules where no proxy runs, on a laptop or in CI. What
 * it says is what the proxy would do: the same loader, the same evaluator. */
#include "proxy/command/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proxy/command/policy_command.h"
#include "proxy/command/usage.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"check", policy_check_command,
     "loads the rules and tells every error and doubt with its place"},
    {"test", policy_test_command, "runs the tests that stand beside the rules"},
    {"explain", policy_explain_command, "shows how each rule sees one request"},
    {"who-can", policy_who_can_command, "tells what would let somebody in"},
    {"replay", policy_replay_command, "decides an access log again: who gains, who loses"},
    {"unused", policy_unused_command, "tells which rules an access log never needed"},
    {"diff", policy_diff_command, "compares two sets: the same, or a request that shows it"},
    {"fmt", policy_fmt_command, "gives files their usual layout"},
    {"schema", policy_schema_command, "prints the JSON Schema of a policy file, for editors"},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void help(FILE *out)
{
    fputs("usage: postern policy COMMAND [ARGUMENTS]\n\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
    fputs("\nRules are a directory of *.yaml files, which are read as one set, or a single file.\n"
          "Each command tells more with --help and prints JSON with --format json.\n"
          "\n"
          "Exit status: 0 good, 1 errors, 2 usage, 3 findings.\n",
          out);
}

/* An answer that nobody could read whole is none: a full disk must not look like a good set. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "postern policy: the answer cannot be written: %s\n", strerror(errno));
    return EXIT_ERRORS;
}

int command_policy(int argc, char **argv)
{
    if (usage_asks_help(argc, argv)) {
        help(stdout);
        return finish(EXIT_GOOD);
    }
    for (size_t i = 0; argc >= 2 && i < N_COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name))
            return finish(commands[i].run(argc - 1, argv + 1));
    if (argc >= 2)
        fprintf(stderr, "postern policy: there is no subcommand \"%s\"\n\n", argv[1]);
    help(stderr);
    return EXIT_USAGE;
}
