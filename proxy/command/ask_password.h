/* ask_password: a new password, from the terminal or from standard input. Main thread. */
#ifndef PROXY_COMMAND_ASK_PASSWORD_H
#define PROXY_COMMAND_ASK_PASSWORD_H

#include "authn/authn.h"

/* Its hash, in `out`. From the terminal it is asked for twice and not shown; from standard input it
 * is one line. False after a word on standard error. */
bool ask_password_hash(const char *email, bool from_stdin, char out[PASSWORD_HASH_MAX]);

#endif
