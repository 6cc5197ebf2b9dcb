/* keyset: the keys of one issuer and what checks a signature with one of them. */
#ifndef AUTHN_KEYSET_H
#define AUTHN_KEYSET_H

#include <stdatomic.h>

#include <openssl/evp.h>

#include "authn/jread.h"
#include "authn/jwa.h"

/* Contexts made ready for one key and algorithm. OpenSSL's contexts belong to one thread at a time,
 * and making one costs as much as a fifth of an RSA verification, so each key keeps one spare per
 * algorithm: taken and given back by an atomic exchange, no lock. */
struct verifier {
    EVP_MD_CTX *digest; /* hashing the input; for EdDSA the one-shot context */
    EVP_PKEY_CTX *key;  /* NULL for EdDSA */
};

struct key {
    enum key_type type;
    EVP_PKEY *pkey;
    str kid;               /* absent when none */
    str curve;             /* EC, OKP */
    unsigned algs;         /* what it may verify: by type and curve, narrowed by `alg` */
    uint64_t rsa_exponent; /* RSA */
    _Atomic(struct verifier *) spare[ALG_COUNT];
};

struct keyset {
    atomic_uint refs;
    size_t n, skipped;
    struct key *keys;
    unsigned char digest[32]; /* SHA-256 of the document */
    struct arena arena;       /* texts and keys */
};

/* Makes a key of a JWK. False leaves nothing to free: weak, malformed, unsupported, or not meant
 * for verifying signatures. */
bool jwk_read(struct arena *a, const struct jnode *jwk, struct key *out);
void jwk_finish(struct key *key);
void verifier_free(struct verifier *v);

/* The one key that the header means. TOKEN_OK, TOKEN_UNKNOWN_KID, TOKEN_AMBIGUOUS_KEY or TOKEN_KEY.
 */
enum token_verdict keyset_choose(const struct keyset *set, str kid, enum token_alg alg,
                                 struct key **out);
/* Constant in everything but the spare contexts. Leaves OpenSSL's error queue empty. */
bool key_verify(struct key *key, enum token_alg alg, str input, const unsigned char *sig,
                size_t n_sig);

#endif
