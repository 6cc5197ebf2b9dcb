/* usage: what is said about a command line that is wrong. Main thread. */
#ifndef PROXY_COMMAND_USAGE_H
#define PROXY_COMMAND_USAGE_H

/* The sentence for a '?' of getopt_long: it names the option. Good until the next call. */
const char *usage_bad_option(char **argv);
/* What is wrong, the synopsis (the text's first paragraph) and where more is told, to standard
 * error; `command` is such as "policy check". Returns EXIT_USAGE. */
int usage_wrong(const char *command, const char *what, const char *text);

#endif
