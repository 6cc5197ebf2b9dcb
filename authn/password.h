/* password: what the reader of the users file asks of a stored hash. See builtin.h. */
#ifndef AUTHN_PASSWORD_H
#define AUTHN_PASSWORD_H

#include "base/str.h"

/* False: *why is a phrase, "is not ...". */
bool password_hash_is_sound(str hash, const char **why);

#endif
