/* One JWK (RFC 7517, 7518 section 6, 8037 section 2) becomes one key.
 *
 * Only public members are read: a private or symmetric part in a public document is nothing to rely
 * on. `x5c` and `x5u` are other ways to name a key and are ignored, else two readers could see two
 * keys. */
#include "authn/keyset.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "base/encode.h"

enum {
    RSA_MIN_BITS = 2048,
    RSA_MAX_BITS = 8192, /* verification time grows with the square */
    MAX_NUMBER_BYTES = RSA_MAX_BITS / 8 + 1,
    MAX_NUMBER_CHARS = (MAX_NUMBER_BYTES * 4 + 2) / 3,
    MAX_COORDINATE = 66,
};

/* A base64url member; false when absent, malformed or longer than any key we take. */
static bool read_bytes(const struct jnode *jwk, const char *name,
                       unsigned char out[MAX_NUMBER_BYTES], size_t *n_out)
{
    str text = jread_text(jwk, name);
    return text.n > 0 && text.n <= MAX_NUMBER_CHARS && base64url_decode(text, out, n_out) &&
           *n_out > 0;
}

static EVP_PKEY *key_from_params(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1)
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static EVP_PKEY *rsa_key(const BIGNUM *n, const BIGNUM *e)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;
    if (build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        pkey = key_from_params("RSA", build);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

static bool rsa_is_sound(const BIGNUM *n, const BIGNUM *e)
{
    int bits = BN_num_bits(n);
    return bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS && BN_is_odd(n) && BN_is_odd(e) &&
           !BN_is_one(e) && BN_num_bits(e) <= 64;
}

static bool read_rsa(const struct jnode *jwk, struct key *out)
{
    unsigned char bytes[MAX_NUMBER_BYTES];
    size_t len;
    BIGNUM *n = NULL, *e = NULL;
    if (read_bytes(jwk, "n", bytes, &len))
        n = BN_bin2bn(bytes, (int)len, NULL);
    if (read_bytes(jwk, "e", bytes, &len))
        e = BN_bin2bn(bytes, (int)len, NULL);
    if (n && e && rsa_is_sound(n, e)) {
        out->pkey = rsa_key(n, e);
        out->rsa_exponent = BN_get_word(e);
    }
    BN_free(n);
    BN_free(e);
    return out->pkey != NULL;
}

static const char *ec_group(str curve, size_t *coordinate)
{
    static const struct {
        const char *curve, *group;
        size_t coordinate;
    } groups[] = {
        {"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (str_eq(curve, str_of(groups[i].curve))) {
            *coordinate = groups[i].coordinate;
            return groups[i].group;
        }
    }
    return NULL;
}

/* A point off the curve would let its maker forge: EVP_PKEY_public_check looks again, whatever the
 * import did. */
static bool point_is_sound(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool is_sound = ctx && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return is_sound;
}

static EVP_PKEY *ec_key(const char *group, const unsigned char *point, size_t n)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;
    if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, n))
        pkey = key_from_params("EC", build);
    OSSL_PARAM_BLD_free(build);
    if (pkey && !point_is_sound(pkey)) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    return pkey;
}

/* RFC 7518, 6.2.1: both coordinates at full length. */
static bool read_ec(const struct jnode *jwk, struct key *out)
{
    unsigned char bytes[MAX_NUMBER_BYTES], point[1 + 2 * MAX_COORDINATE];
    size_t len, want;
    const char *group = ec_group(out->curve, &want);
    if (!group)
        return false;
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    if (!read_bytes(jwk, "x", bytes, &len) || len != want)
        return false;
    memcpy(point + 1, bytes, want);
    if (!read_bytes(jwk, "y", bytes, &len) || len != want)
        return false;
    memcpy(point + 1 + want, bytes, want);
    out->pkey = ec_key(group, point, 1 + 2 * want);
    return out->pkey != NULL;
}

static bool read_okp(const struct jnode *jwk, struct key *out)
{
    unsigned char bytes[MAX_NUMBER_BYTES];
    size_t len;
    if (!str_eq(out->curve, STR("Ed25519")) && !str_eq(out->curve, STR("Ed448")))
        return false;
    if (!read_bytes(jwk, "x", bytes, &len))
        return false;
    out->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, out->curve.p, NULL, bytes, len);
    return out->pkey != NULL;
}

/* `use` absent or sig; `key_ops` absent or a list of strings with verify (RFC 7517, 4.2 and 4.3).
 */
static bool is_for_verifying(const struct jnode *jwk)
{
    const struct jnode *use = jread_get(jwk, "use"), *ops = jread_get(jwk, "key_ops");
    if (use && (use->kind != J_STRING || !str_eq(use->text, STR("sig"))))
        return false;
    if (!ops)
        return true;
    if (!jread_is_texts(ops))
        return false;
    for (const struct jnode *op = ops->first; op; op = op->next)
        if (str_eq(op->text, STR("verify")))
            return true;
    return false;
}

/* A text member that may be absent; false when it is there and of another kind. */
static bool optional_text(struct arena *a, const struct jnode *jwk, const char *name, str *out)
{
    const struct jnode *m = jread_get(jwk, name);
    if (!m)
        return true;
    if (m->kind != J_STRING)
        return false;
    *out = arena_dup(a, m->text);
    return true;
}

static enum key_type type_of(str kty)
{
    if (str_eq(kty, STR("RSA")))
        return KEY_RSA;
    if (str_eq(kty, STR("EC")))
        return KEY_EC;
    return str_eq(kty, STR("OKP")) ? KEY_OKP : KEY_NONE;
}

/* Every algorithm that type and curve allow. */
static unsigned algs_of(const struct key *key)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < ALG_COUNT; i++) {
        const struct jwa *jwa = jwa_of((enum token_alg)i);
        if (jwa->type == key->type && (!jwa->curve.p || str_eq(jwa->curve, key->curve)))
            mask |= ALG_BIT(i);
    }
    return mask;
}

static bool read_material(const struct jnode *jwk, struct key *out)
{
    switch (out->type) {
    case KEY_RSA:
        return read_rsa(jwk, out);
    case KEY_EC:
        return read_ec(jwk, out);
    case KEY_OKP:
        return read_okp(jwk, out);
    case KEY_NONE:
        break;
    }
    return false;
}

bool jwk_read(struct arena *a, const struct jnode *jwk, struct key *out)
{
    str alg_text = {NULL, 0};
    enum token_alg alg;
    out->type = type_of(jread_text(jwk, "kty"));
    if (out->type == KEY_NONE || !is_for_verifying(jwk) ||
        !optional_text(a, jwk, "kid", &out->kid) || out->kid.n > JWKS_KID_MAX_BYTES ||
        !optional_text(a, jwk, "alg", &alg_text) || !optional_text(a, jwk, "crv", &out->curve))
        return false;
    out->algs = algs_of(out);
    if (alg_text.p)
        out->algs &= alg_from_name(alg_text, &alg) ? ALG_BIT(alg) : 0;
    bool is_good = out->algs != 0 && read_material(jwk, out);
    ERR_clear_error();
    return is_good;
}

void jwk_finish(struct key *key)
{
    for (size_t i = 0; i < ALG_COUNT; i++)
        verifier_free(atomic_load(&key->spare[i]));
    EVP_PKEY_free(key->pkey);
}
