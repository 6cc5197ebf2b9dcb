/* form: application/x-www-form-urlencoded, read strictly, and the tokens that forms of ours carry:
 * a form counts only when it comes from a page that we made for this very browser. */
#ifndef PROXY_PORTAL_FORM_H
#define PROXY_PORTAL_FORM_H

#include "base/arena.h"
#include "base/str.h"

struct keyring;

enum { FORM_FIELDS_MAX = 32, FORM_TOKEN_CHARS = 43 };

struct form {
    struct form_field {
        str name, value;
    } fields[FORM_FIELDS_MAX];
    size_t n;
};

/* A query or a body. False: a bad escape, a NUL, a name that comes twice, too many fields. */
bool form_read(struct arena *a, str text, struct form *out);
/* {NULL, 0}: not there. */
str form_get(const struct form *f, str name);
/* Everything but unreserved characters becomes %XX. */
str form_escape(struct arena *a, str text);

/* HMAC-SHA256 under the cookie key, of what binds a form to its browser. */
void form_token(const struct keyring *keys, str binding, char out[FORM_TOKEN_CHARS]);
bool form_token_check(const struct keyring *keys, str binding, str token);

#endif
