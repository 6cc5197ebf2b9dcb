/* signer: issuers for tests. Makes keys, prints them as JWK and signs what it is told, also what no
 * honest issuer would sign. Everything lives until the process ends. */
#ifndef TESTS_UNIT_AUTHN_SIGNER_H
#define TESTS_UNIT_AUTHN_SIGNER_H

#include <openssl/evp.h>

#include "authn/authn.h"

struct signer {
    enum token_alg alg; /* what it signs with unless told otherwise */
    const char *kid;
    EVP_PKEY *pkey;
};

extern struct arena signer_arena;

/* RSA 2048, or the curve of the algorithm. One key per (alg family, kid); made on first use. */
struct signer signer_make(enum token_alg alg, const char *kid);
struct signer signer_rsa(unsigned bits, unsigned long e, const char *kid);
struct signer signer_ed448(const char *kid);
/* A JWK; `extra` is further members, each with a comma in front, or "". */
const char *signer_jwk(const struct signer *s, const char *extra);
/* {"keys":[...]} of the JWKs given, ended by NULL. */
__attribute__((sentinel)) struct keyset *signer_keys(const char *jwk, ...);
/* base64url(header) "." base64url(payload), signed. */
str signer_sign(const struct signer *s, const char *header, str payload);
/* With another algorithm than its own. */
str signer_sign_as(const struct signer *s, enum token_alg alg, const char *header, str payload);
/* A good header ({"alg","kid"}) and this payload. */
str signer_token(const struct signer *s, const char *payload);
/* Any three parts, encoded. */
str signer_join(str header, str payload, str sig);
str b64(str s);

#endif
