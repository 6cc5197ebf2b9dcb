/* token_config: a token held against the issuers and services of a configuration, as the door would
 * do it, and told what it proves. */
#ifndef PROXY_COMMAND_TOKEN_CONFIG_H
#define PROXY_COMMAND_TOKEN_CONFIG_H

#include "base/str.h"

struct keyset;

/* NULL after a word on standard error. In token.c. */
struct keyset *token_keys_read(const char *path);

/* Opens the configuration and checks the token; `jwks` is a file of keys for an issuer whose keys
 * are fetched, or NULL. Prints what there is to say; the exit status. */
int token_config_check(const char *config, const char *jwks, str token);

#endif
