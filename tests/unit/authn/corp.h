/* corp: the issuer that most tests here use, at a fixed time. */
#ifndef TESTS_UNIT_AUTHN_CORP_H
#define TESTS_UNIT_AUTHN_CORP_H

#include "check.h"

enum { NOW = 1700000000 };

#define ISS "\"iss\":\"https://idp.example\""
#define AUD "\"aud\":\"postern\""
#define SUB "\"sub\":\"kim\""
#define EXP "\"exp\":1700003600"
#define IAT "\"iat\":1699999990"
/* Members of a good token, to put others behind. */
#define GOOD ISS "," AUD "," SUB "," EXP "," IAT

static const str CORP_AUDIENCES[] = {{"postern", 7}, {"postern-too", 11}};

static inline struct issuer corp(void)
{
    return (struct issuer){.name = STR("corp"),
                           .issuer = STR("https://idp.example"),
                           .audiences = CORP_AUDIENCES,
                           .n_audiences = 2,
                           .algs = ALG_DEFAULT};
}

/* Signed by the one key of the issuer. */
static inline enum token_verdict corp_verify_as(const struct issuer *issuer, enum token_kind kind,
                                                const char *header, const char *payload,
                                                struct identity **out)
{
    struct signer s = signer_make(ALG_ES256, "k");
    struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
    enum token_verdict verdict =
        token_verify(issuer, keys, signer_sign(&s, header, str_of(payload)), kind, NOW, out);
    keyset_unref(&keys);
    return verdict;
}

static inline enum token_verdict corp_verify(const struct issuer *issuer, const char *payload,
                                             struct identity **out)
{
    return corp_verify_as(issuer, TOKEN_KIND_ACCESS, "{\"alg\":\"ES256\",\"kid\":\"k\"}", payload,
                          out);
}

#endif
