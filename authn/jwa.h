/* jwa: what each algorithm of RFC 7518 and RFC 8037 needs of a key and of a signature. */
#ifndef AUTHN_JWA_H
#define AUTHN_JWA_H

#include "authn/authn.h"

enum key_type { KEY_NONE = 0, KEY_RSA, KEY_EC, KEY_OKP };

struct jwa {
    str name;
    enum key_type type;
    const char *digest; /* NULL: the algorithm brings its own (EdDSA) */
    bool is_pss;
    str curve;         /* KEY_EC: the only one that fits */
    size_t coordinate; /* KEY_EC: bytes of r and of s */
};

const struct jwa *jwa_of(enum token_alg alg);

#endif
