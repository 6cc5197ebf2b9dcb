/* usage: see usage.h. A whole help text would push the one line that matters off the screen. */
#include "proxy/command/usage.h"

#include <stdio.h>
#include <string.h>

#include "proxy/command/command.h"

const char usage_help[] = "help is asked for";

int usage_tell(const char *command, const char *wrong, const char *text)
{
    if (wrong == usage_help) {
        fputs(text, stdout);
        return EXIT_GOOD;
    }
    const char *end = strstr(text, "\n\n");
    int n = (int)(end ? (size_t)(end - text) : strlen(text));

    fprintf(stderr, "postern %s: %s\n%.*s\ntry: postern %s --help\n", command, wrong, n, text,
            command);
    return EXIT_USAGE;
}

bool usage_asks_help(int argc, char **argv)
{
    return argc >= 2 &&
           (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"));
}
