/* token_tell: what a token says, for whoever has to find out why it does not open the door. */
#ifndef PROXY_COMMAND_TOKEN_TELL_H
#define PROXY_COMMAND_TOKEN_TELL_H

#include "authn/authn.h"

/* Whom it proves, and the facts that rules look at; on standard output. */
void token_tell_good(const struct issuer *issuer, const struct identity *id);
/* The failed check, what the token holds there and what would be right; on standard error. `issuer`
 * may be NULL: none was found. */
void token_tell_bad(enum token_verdict verdict, const struct issuer *issuer, str token);

#endif
