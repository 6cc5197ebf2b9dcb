/* tls_context: what server and client contexts share: protocol versions, suites, PEM. */
#include "proxy/net/tls_impl.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>

bool tls_fail(struct fail *f, const char *fmt, ...)
{
    char what[256], reason[160] = "no reason given";
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    unsigned long code = ERR_peek_last_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;
    if (text)
        snprintf(reason, sizeof reason, "%s", text);
    ERR_clear_error();
    return fail_set(f, FAIL_CRYPTO, "%s: %s", what, reason);
}

SSL_CTX *tls_context_create(const SSL_METHOD *method, enum tls_min min, struct fail *f)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        goto err;
    int least = min == TLS_MIN_13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (!SSL_CTX_set_min_proto_version(ctx, least) ||
        !SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") ||
        !SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384"))
        goto err;
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
err:
    tls_fail(f, "cannot make a TLS context");
    SSL_CTX_free(ctx);
    return NULL;
}

/* An encrypted key would ask on the terminal by default. */
static int no_password(char *buf, int size, int for_writing, void *arg)
{
    return -1;
}

static BIO *pem_open(str pem)
{
    return BIO_new_mem_buf(pem.p ? pem.p : "", (int)pem.n);
}

static bool use_chain(SSL_CTX *ctx, BIO *pem)
{
    X509 *leaf = PEM_read_bio_X509_AUX(pem, NULL, no_password, NULL);
    bool ok = leaf && SSL_CTX_use_certificate(ctx, leaf) && SSL_CTX_clear_chain_certs(ctx);
    X509_free(leaf);
    for (X509 *ca; ok && (ca = PEM_read_bio_X509(pem, NULL, no_password, NULL)) != NULL;)
        if (!SSL_CTX_add0_chain_cert(ctx, ca)) {
            X509_free(ca);
            ok = false;
        }
    if (ok)
        ERR_clear_error(); /* the end of the file is told as an error */
    return ok;
}

bool tls_context_use(SSL_CTX *ctx, str chain_pem, str key_pem, str file, struct fail *f)
{
    BIO *chain = pem_open(chain_pem), *key_bio = pem_open(key_pem);
    bool ok = use_chain(ctx, chain) || tls_fail(f, "cannot use certificate %.*s", STR_ARG(file));
    if (ok) {
        EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, no_password, NULL);
        ok = (key && SSL_CTX_use_PrivateKey(ctx, key) && SSL_CTX_check_private_key(ctx)) ||
             tls_fail(f, "cannot use the key of certificate %.*s", STR_ARG(file));
        EVP_PKEY_free(key);
    }
    BIO_free(chain);
    BIO_free(key_bio);
    return ok;
}

bool tls_context_trust(SSL_CTX *ctx, str bundle_pem, STACK_OF(X509_NAME) * *subjects,
                       struct fail *f)
{
    BIO *pem = pem_open(bundle_pem);
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    size_t n = 0;
    bool ok = true;
    for (X509 *ca; ok && (ca = PEM_read_bio_X509(pem, NULL, no_password, NULL)) != NULL; n++) {
        ok = X509_STORE_add_cert(store, ca);
        if (ok && subjects) {
            X509_NAME *name = X509_NAME_dup(X509_get_subject_name(ca));
            ok = name && sk_X509_NAME_push(*subjects, name);
        }
        X509_free(ca);
    }
    BIO_free(pem);
    unsigned long code = ERR_peek_last_error();
    bool is_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (!ok || n == 0 || !is_end)
        return tls_fail(f, "cannot read the CA certificates");
    ERR_clear_error();
    return true;
}
