/* Checking one signature with one key. See keyset.h. */
#include "authn/keyset.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

enum {
    MAX_COORDINATE = 66, /* of P-521 */
    MAX_DER_SIG = 3 + 2 * (2 + 1 + MAX_COORDINATE),
};

void verifier_free(struct verifier *v)
{
    if (!v)
        return;
    EVP_MD_CTX_free(v->digest);
    EVP_PKEY_CTX_free(v->key);
    OPENSSL_free(v);
}

static bool pkey_ctx_init(EVP_PKEY_CTX *ctx, const struct jwa *jwa, const EVP_MD *md)
{
    if (EVP_PKEY_verify_init(ctx) != 1)
        return false;
    if (jwa->type == KEY_RSA &&
        EVP_PKEY_CTX_set_rsa_padding(ctx,
                                     jwa->is_pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1)
        return false;
    if (EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
        return false;
    /* RFC 7518, 3.5: MGF1 with the same hash, the salt as long as the hash. */
    return !jwa->is_pss || (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
                            EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static struct verifier *verifier_new(const struct key *key, const struct jwa *jwa)
{
    struct verifier *v = OPENSSL_zalloc(sizeof *v);
    EVP_MD *md = NULL;
    bool is_good = v && (v->digest = EVP_MD_CTX_new()) != NULL;
    if (is_good && jwa->digest) {
        md = EVP_MD_fetch(NULL, jwa->digest, NULL);
        v->key = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
        is_good = md && v->key && EVP_DigestInit_ex2(v->digest, md, NULL) == 1 &&
                  pkey_ctx_init(v->key, jwa, md);
    }
    EVP_MD_free(md);
    if (is_good)
        return v;
    verifier_free(v);
    return NULL;
}

/* DER INTEGER of an unsigned number: no leading zeros, one before a high bit. Returns the end. */
static unsigned char *put_der_integer(unsigned char *o, const unsigned char *p, size_t n)
{
    while (n > 1 && *p == 0)
        p++, n--;
    size_t pad = *p >> 7;
    *o++ = 0x02;
    *o++ = (unsigned char)(n + pad);
    if (pad)
        *o++ = 0;
    memcpy(o, p, n);
    return o + n;
}

/* r || s of RFC 7518, 3.4 as OpenSSL wants it: SEQUENCE of two INTEGERs. */
static size_t der_of_raw(const unsigned char *raw, size_t coordinate,
                         unsigned char out[MAX_DER_SIG])
{
    unsigned char body[MAX_DER_SIG];
    unsigned char *end = put_der_integer(body, raw, coordinate);
    size_t n = (size_t)(put_der_integer(end, raw + coordinate, coordinate) - body), head = 0;
    out[head++] = 0x30;
    if (n > 127)
        out[head++] = 0x81;
    out[head++] = (unsigned char)n;
    memcpy(out + head, body, n);
    return head + n;
}

static bool verify_digest(struct verifier *v, const struct jwa *jwa, str input,
                          const unsigned char *sig, size_t n_sig)
{
    unsigned char hash[EVP_MAX_MD_SIZE], der[MAX_DER_SIG];
    unsigned n_hash = 0;
    if (jwa->type == KEY_EC) {
        if (n_sig != 2 * jwa->coordinate)
            return false;
        n_sig = der_of_raw(sig, jwa->coordinate, der);
        sig = der;
    }
    return EVP_DigestInit_ex2(v->digest, NULL, NULL) == 1 &&
           EVP_DigestUpdate(v->digest, input.p, input.n) == 1 &&
           EVP_DigestFinal_ex(v->digest, hash, &n_hash) == 1 &&
           EVP_PKEY_verify(v->key, sig, n_sig, hash, n_hash) == 1;
}

static bool verify_whole(struct verifier *v, EVP_PKEY *pkey, str input, const unsigned char *sig,
                         size_t n_sig)
{
    return EVP_MD_CTX_reset(v->digest) == 1 &&
           EVP_DigestVerifyInit_ex(v->digest, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
           EVP_DigestVerify(v->digest, sig, n_sig, (const unsigned char *)input.p, input.n) == 1;
}

bool key_verify(struct key *key, enum token_alg alg, str input, const unsigned char *sig,
                size_t n_sig)
{
    const struct jwa *jwa = jwa_of(alg);
    bool is_good = false;
    if (!(key->algs & ALG_BIT(alg)))
        return false;
    struct verifier *v = atomic_exchange(&key->spare[alg], NULL);
    if (!v)
        v = verifier_new(key, jwa);
    if (v)
        is_good = jwa->digest ? verify_digest(v, jwa, input, sig, n_sig)
                              : verify_whole(v, key->pkey, input, sig, n_sig);
    /* A bad signature leaves errors behind that the next TLS call on this thread would read as its
     * own. */
    ERR_clear_error();
    verifier_free(atomic_exchange(&key->spare[alg], v));
    return is_good;
}
