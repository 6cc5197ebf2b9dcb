/* The client's private key: private_key_jwt (OpenID Connect Core, section 9; RFC 7523). */
#include "authn/oidc_inner.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/jout.h"
#include "base/secret.h"

enum {
    RSA_MIN_BITS = 2048,
    RSA_MAX_BITS = 8192,
    MAX_SIGNATURE = RSA_MAX_BITS / 8,
    P256_BYTES = 32,
    JTI_BYTES = 16,
};

struct oidc_key {
    EVP_PKEY *pkey;
    enum token_alg alg;
};

/* Without one OpenSSL would ask the terminal. */
static int no_passphrase(char *buf, int size, int is_writing, void *ctx)
{
    (void)buf, (void)size, (void)is_writing, (void)ctx;
    return -1;
}

static EVP_PKEY *read_pem(str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    return pkey;
}

static bool choose_alg(EVP_PKEY *pkey, enum token_alg *out)
{
    char group[32] = "";
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        *out = ALG_RS256;
        int bits = EVP_PKEY_get_bits(pkey);
        return bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS;
    }
    *out = ALG_ES256;
    return EVP_PKEY_is_a(pkey, "EC") &&
           EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

struct oidc_key *oidc_key_read(str pem, struct fail *fail)
{
    enum token_alg alg;
    EVP_PKEY *pkey = pem.n <= OIDC_MAX_FORM ? read_pem(pem) : NULL;
    bool is_good = pkey && choose_alg(pkey, &alg);
    ERR_clear_error();
    if (!is_good) {
        fail_set(fail, FAIL_INPUT, "%s",
                 pkey ? "the private key must be RSA of 2048 to 8192 bits, or EC on P-256"
                      : "there is no private key in PEM without a passphrase");
        EVP_PKEY_free(pkey);
        return NULL;
    }
    struct oidc_key *key = mem_alloc(sizeof *key);
    *key = (struct oidc_key){pkey, alg};
    return key;
}

void oidc_key_free(struct oidc_key **key)
{
    struct oidc_key *k = *key;
    *key = NULL;
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

/* RFC 7518, 3.4: r || s at full length, where OpenSSL gives DER. */
static bool raw_of_der(const unsigned char *der, size_t n, unsigned char out[2 * P256_BYTES])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool is_good = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, P256_BYTES) == P256_BYTES &&
                   BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + P256_BYTES, P256_BYTES) == P256_BYTES;
    ECDSA_SIG_free(sig);
    return is_good;
}

static bool sign(const struct oidc_key *key, str input, unsigned char out[MAX_SIGNATURE], size_t *n)
{
    unsigned char der[MAX_SIGNATURE];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = sizeof der;
    bool is_good = ctx &&
                   EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key->pkey, NULL) == 1 &&
                   EVP_DigestSign(ctx, der, &len, (const unsigned char *)input.p, input.n) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    if (!is_good)
        return false;
    if (key->alg == ALG_ES256) {
        *n = 2 * P256_BYTES;
        return raw_of_der(der, len, out);
    }
    memcpy(out, der, len);
    *n = len;
    return true;
}

static str payload_of(struct arena *a, str client_id, str audience, int64_t now_s)
{
    unsigned char random[JTI_BYTES];
    char jti[2 * JTI_BYTES];
    struct jout j;
    size_t room = 256 + 2 * JOUT_ESCAPED_MAX(client_id.n) + JOUT_ESCAPED_MAX(audience.n);
    random_fill(random, sizeof random);
    hex_encode(random, sizeof random, jti);
    jout_init(&j, arena_text(a, room), room);
    jout_open(&j, '{');
    jout_kstr(&j, STR("iss"), client_id);
    jout_kstr(&j, STR("sub"), client_id);
    jout_kstr(&j, STR("aud"), audience);
    jout_kplain(&j, STR("jti"), (str){jti, sizeof jti});
    jout_kint(&j, STR("iat"), now_s);
    jout_kint(&j, STR("exp"), now_s + OIDC_ASSERTION_S);
    jout_close(&j, '}');
    return jout_text(&j);
}

static str b64(struct arena *a, str s)
{
    char *out = arena_text(a, base64url_len(s.n) + 1);
    base64url_encode(s, out);
    return (str){out, base64url_len(s.n)};
}

str oidc_key_assertion(struct arena *a, const struct oidc_key *key, str client_id, str audience,
                       int64_t now_s)
{
    unsigned char sig[MAX_SIGNATURE];
    size_t n;
    str header = arena_printf(a, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", alg_name(key->alg).p);
    str input = arena_printf(a, "%.*s.%.*s", STR_ARG(b64(a, header)),
                             STR_ARG(b64(a, payload_of(a, client_id, audience, now_s))));
    if (!sign(key, input, sig, &n))
        return (str){NULL, 0};
    return arena_printf(a, "%.*s.%.*s", STR_ARG(input), STR_ARG(b64(a, (str){(char *)sig, n})));
}
