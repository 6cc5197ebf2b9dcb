/* usage: what is said about a command line that is wrong, or asks for help. Main thread. */
#ifndef PROXY_COMMAND_USAGE_H
#define PROXY_COMMAND_USAGE_H

#include <stdbool.h>

/* Stands where else a sentence says what is wrong: nothing is, help is asked for. */
extern const char usage_help[];

/* Ends a command that does not run. usage_help: the whole text to standard output, EXIT_GOOD. Else
 * `wrong`, the synopsis (the text's first paragraph) and where more is told to standard error,
 * EXIT_USAGE; `command` is such as "policy check". */
int usage_tell(const char *command, const char *wrong, const char *text);
/* Of a command that takes a verb first: --help, -h or help stands in its place. */
bool usage_asks_help(int argc, char **argv);

#endif
