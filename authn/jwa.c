/* The algorithms that exist here. See jwa.h. */
#include "authn/jwa.h"

#include <assert.h>

/* A str in a static initialiser. */
#define TEXT(s)                                                                                    \
    {                                                                                              \
        (s), sizeof(s) - 1                                                                         \
    }

static const struct jwa table[ALG_COUNT] = {
    [ALG_RS256] = {TEXT("RS256"), KEY_RSA, "SHA256"},
    [ALG_RS384] = {TEXT("RS384"), KEY_RSA, "SHA384"},
    [ALG_RS512] = {TEXT("RS512"), KEY_RSA, "SHA512"},
    [ALG_PS256] = {TEXT("PS256"), KEY_RSA, "SHA256", .is_pss = true},
    [ALG_PS384] = {TEXT("PS384"), KEY_RSA, "SHA384", .is_pss = true},
    [ALG_PS512] = {TEXT("PS512"), KEY_RSA, "SHA512", .is_pss = true},
    [ALG_ES256] = {TEXT("ES256"), KEY_EC, "SHA256", .curve = TEXT("P-256"), .coordinate = 32},
    [ALG_ES384] = {TEXT("ES384"), KEY_EC, "SHA384", .curve = TEXT("P-384"), .coordinate = 48},
    [ALG_ES512] = {TEXT("ES512"), KEY_EC, "SHA512", .curve = TEXT("P-521"), .coordinate = 66},
    [ALG_EDDSA] = {TEXT("EdDSA"), KEY_OKP},
};
#undef TEXT

const struct jwa *jwa_of(enum token_alg alg)
{
    assert((unsigned)alg < ALG_COUNT);
    return &table[alg];
}

bool alg_from_name(str name, enum token_alg *out)
{
    for (unsigned i = 0; i < ALG_COUNT; i++) {
        if (str_eq(table[i].name, name)) {
            *out = (enum token_alg)i;
            return true;
        }
    }
    return false;
}

str alg_name(enum token_alg alg)
{
    return jwa_of(alg)->name;
}
