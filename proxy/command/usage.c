/* usage: see usage.h. A whole help text would push the one line that matters off the screen. */
#include "proxy/command/usage.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "proxy/command/command.h"

enum { OPTION_CHARS = 60 };

const char *usage_bad_option(char **argv)
{
    static char text[OPTION_CHARS + 64];

    snprintf(text, sizeof text, "the option %.*s is unknown, ambiguous or lacks its value",
             OPTION_CHARS, optind > 0 ? argv[optind - 1] : "");
    return text;
}

int usage_wrong(const char *command, const char *what, const char *text)
{
    const char *end = strstr(text, "\n\n");
    size_t n = end ? (size_t)(end - text) : strlen(text);

    fprintf(stderr, "postern %s: %s\n%.*s\ntry: postern %s --help\n", command, what, (int)n, text,
            command);
    return EXIT_USAGE;
}
