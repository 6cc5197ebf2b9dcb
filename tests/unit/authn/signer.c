/* Keys, JWKs and tokens for tests. See signer.h. */
#include "signer.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/encode.h"

struct arena signer_arena;

static const char *const DIGESTS[] = {"SHA256", "SHA384", "SHA512"};
static const char *const CURVES[] = {"P-256", "P-384", "P-521"};
static const size_t COORDINATES[] = {32, 48, 66};

struct made {
    const char *type, *kid;
    EVP_PKEY *pkey;
};

static struct made made[64];

static EVP_PKEY *rsa_pkey(unsigned bits, unsigned long e)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *exponent = BN_new();
    BN_set_word(exponent, e);
    assert(EVP_PKEY_keygen_init(ctx) == 1);
    assert(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1);
    assert(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent) == 1);
    assert(EVP_PKEY_keygen(ctx, &pkey) == 1);
    BN_free(exponent);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static EVP_PKEY *make_pkey(const char *type)
{
    if (strcmp(type, "RSA") == 0)
        return rsa_pkey(2048, 65537);
    if (type[0] == 'P')
        return EVP_EC_gen(type);
    return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

static EVP_PKEY *pkey_of(const char *type, const char *kid)
{
    struct made *m = made;
    for (; m->pkey; m++)
        if (strcmp(m->type, type) == 0 && strcmp(m->kid, kid) == 0)
            return m->pkey;
    assert(m < made + sizeof made / sizeof *made - 1);
    *m = (struct made){type, kid, make_pkey(type)};
    assert(m->pkey);
    return m->pkey;
}

static const char *type_of(enum token_alg alg)
{
    if (alg <= ALG_PS512)
        return "RSA";
    return alg == ALG_EDDSA ? "ED25519" : CURVES[alg - ALG_ES256];
}

struct signer signer_make(enum token_alg alg, const char *kid)
{
    return (struct signer){alg, kid, pkey_of(type_of(alg), kid)};
}

struct signer signer_rsa(unsigned bits, unsigned long e, const char *kid)
{
    return (struct signer){ALG_RS256, kid, rsa_pkey(bits, e)};
}

struct signer signer_ed448(const char *kid)
{
    return (struct signer){ALG_EDDSA, kid, pkey_of("ED448", kid)};
}

str b64(str s)
{
    char *out = arena_text(&signer_arena, base64url_len(s.n) + 1);
    base64url_encode(s, out);
    out[base64url_len(s.n)] = '\0';
    return (str){out, base64url_len(s.n)};
}

static const char *number_b64(const EVP_PKEY *pkey, const char *param, int bytes)
{
    BIGNUM *n = NULL;
    unsigned char buf[2048];
    assert(EVP_PKEY_get_bn_param(pkey, param, &n) == 1);
    if (bytes == 0)
        bytes = BN_num_bytes(n);
    assert(BN_bn2binpad(n, buf, bytes) == bytes);
    BN_free(n);
    return b64((str){(char *)buf, (size_t)bytes}).p;
}

static const char *okp_jwk(const struct signer *s, const char *extra)
{
    unsigned char raw[64];
    size_t n = sizeof raw;
    assert(EVP_PKEY_get_raw_public_key(s->pkey, raw, &n) == 1);
    return arena_printf(&signer_arena, "{\"kty\":\"OKP\",\"crv\":\"%s\",\"x\":\"%s\"%s}",
                        n == 32 ? "Ed25519" : "Ed448", b64((str){(char *)raw, n}).p, extra)
        .p;
}

const char *signer_jwk(const struct signer *s, const char *extra)
{
    if (s->kid)
        extra = arena_printf(&signer_arena, ",\"kid\":\"%s\"%s", s->kid, extra).p;
    if (s->alg == ALG_EDDSA)
        return okp_jwk(s, extra);
    if (s->alg <= ALG_PS512)
        return arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
                            number_b64(s->pkey, OSSL_PKEY_PARAM_RSA_N, 0),
                            number_b64(s->pkey, OSSL_PKEY_PARAM_RSA_E, 0), extra)
            .p;
    int bytes = (int)COORDINATES[s->alg - ALG_ES256];
    return arena_printf(
               &signer_arena, "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"%s}",
               CURVES[s->alg - ALG_ES256], number_b64(s->pkey, OSSL_PKEY_PARAM_EC_PUB_X, bytes),
               number_b64(s->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, bytes), extra)
        .p;
}

struct keyset *signer_keys(const char *jwk, ...)
{
    va_list ap;
    str json = arena_printf(&signer_arena, "{\"keys\":[%s", jwk);
    va_start(ap, jwk);
    for (const char *more; (more = va_arg(ap, const char *));)
        json = arena_printf(&signer_arena, "%s,%s", json.p, more);
    va_end(ap);
    json = arena_printf(&signer_arena, "%s]}", json.p);
    return keyset_parse(json, NULL);
}

static size_t raw_of_der(const unsigned char *der, size_t n, size_t coordinate, unsigned char *out)
{
    const unsigned char *p = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
    assert(sig);
    assert(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)coordinate) == (int)coordinate);
    assert(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + coordinate, (int)coordinate) ==
           (int)coordinate);
    ECDSA_SIG_free(sig);
    return 2 * coordinate;
}

static str sign_bytes(const struct signer *s, enum token_alg alg, str input)
{
    unsigned char sig[2048], raw[256];
    size_t n = sizeof sig;
    EVP_PKEY_CTX *pctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const char *digest = alg == ALG_EDDSA ? NULL : DIGESTS[alg % 3];
    assert(EVP_DigestSignInit_ex(ctx, &pctx, digest, NULL, NULL, s->pkey, NULL) == 1);
    if (alg >= ALG_PS256 && alg <= ALG_PS512) {
        assert(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1);
        assert(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    assert(EVP_DigestSign(ctx, sig, &n, (const unsigned char *)input.p, input.n) == 1);
    EVP_MD_CTX_free(ctx);
    if (alg < ALG_ES256 || alg > ALG_ES512)
        return b64((str){(char *)sig, n});
    n = raw_of_der(sig, n, COORDINATES[alg - ALG_ES256], raw);
    return b64((str){(char *)raw, n});
}

str signer_join(str header, str payload, str sig)
{
    return arena_printf(&signer_arena, "%s.%s.%s", b64(header).p, b64(payload).p, b64(sig).p);
}

str signer_sign_as(const struct signer *s, enum token_alg alg, const char *header, str payload)
{
    str input = arena_printf(&signer_arena, "%s.%s", b64(str_of(header)).p, b64(payload).p);
    return arena_printf(&signer_arena, "%s.%s", input.p, sign_bytes(s, alg, input).p);
}

str signer_sign(const struct signer *s, const char *header, str payload)
{
    return signer_sign_as(s, s->alg, header, payload);
}

str signer_token(const struct signer *s, const char *payload)
{
    str header =
        arena_printf(&signer_arena, "{\"alg\":\"%s\",\"kid\":\"%s\"}", alg_name(s->alg).p, s->kid);
    return signer_sign(s, header.p, str_of(payload));
}
