/* tls_client: contexts for connections to upstreams. Verification is one callback, so that chain,
 * name and pins are decided in one place. */
#include "proxy/net/tls_impl.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/arena.h"

struct tls_client {
    atomic_uint refs;
    SSL_CTX *ctx;
    enum tls_verify verify;
    size_t n_pins;
    unsigned char pins[][TLS_PIN_BYTES];
};

static bool pin_matches(const struct tls_client *c, X509 *leaf)
{
    unsigned char *spki = NULL, hash[EVP_MAX_MD_SIZE];
    int n = leaf ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &spki) : -1;
    bool ok = n > 0 && EVP_Digest(spki, (size_t)n, hash, NULL, EVP_sha256(), NULL);
    OPENSSL_free(spki);
    for (size_t i = 0; ok && i < c->n_pins; i++)
        if (memcmp(c->pins[i], hash, TLS_PIN_BYTES) == 0)
            return true;
    return false;
}

static int on_verify(X509_STORE_CTX *store, void *arg)
{
    const struct tls_client *c = arg;
    if (c->verify == TLS_VERIFY_NONE)
        return 1;
    if (c->verify == TLS_VERIFY_CA && X509_verify_cert(store) != 1)
        return 0;
    bool wants_pin = c->verify == TLS_VERIFY_PIN || c->n_pins > 0;
    if (!wants_pin || pin_matches(c, X509_STORE_CTX_get0_cert(store)))
        return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

static bool trust(struct tls_client *c, const struct tls_client_options *o, struct fail *f)
{
    if (o->verify != TLS_VERIFY_CA)
        return true;
    if (o->ca_pem.p)
        return tls_context_trust(c->ctx, o->ca_pem, NULL, f);
    return SSL_CTX_set_default_verify_paths(c->ctx) ||
           tls_fail(f, "cannot find the system's CA certificates");
}

static bool prepare(struct tls_client *c, const struct tls_client_options *o, struct fail *f)
{
    c->ctx = tls_context_create(TLS_client_method(), o->min, f);
    if (!c->ctx || !trust(c, o, f))
        return false;
    if (o->cert_pem.p &&
        !tls_context_use(c->ctx, o->cert_pem, o->key_pem, STR("for the upstream"), f))
        return false;
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(c->ctx, on_verify, c);
    SSL_CTX_set_options(c->ctx,
                        SSL_OP_NO_TICKET); /* connections are pooled, sessions are not kept */
    static const unsigned char h2[] = "\x02h2\x08http/1.1", h1[] = "\x08http/1.1";
    const unsigned char *alpn = o->h2 ? h2 : h1;
    unsigned alpn_n = o->h2 ? sizeof h2 - 1 : sizeof h1 - 1;
    return SSL_CTX_set_alpn_protos(c->ctx, alpn, alpn_n) == 0 || tls_fail(f, "cannot offer ALPN");
}

struct tls_client *tls_client_create(const struct tls_client_options *o, struct fail *f)
{
    if (o->verify == TLS_VERIFY_PIN && o->n_pins == 0) {
        fail_set(f, FAIL_INPUT, "verification by pin needs at least one pin");
        return NULL;
    }
    struct tls_client *c = mem_alloc(sizeof *c + TLS_PIN_BYTES * o->n_pins);
    atomic_init(&c->refs, 1);
    c->verify = o->verify;
    c->n_pins = o->n_pins;
    if (o->n_pins > 0)
        memcpy(c->pins, o->pins, TLS_PIN_BYTES * o->n_pins);
    if (!prepare(c, o, f))
        tls_client_unref(&c);
    return c;
}

struct tls_client *tls_client_ref(struct tls_client *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void tls_client_unref(struct tls_client **cp)
{
    struct tls_client *c = *cp;
    *cp = NULL;
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(c->ctx);
    free(c);
}

static bool expect_name(SSL *ssl, str server_name)
{
    struct addr ip;
    char *name = mem_dup(server_name);
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    bool ok;
    if (addr_parse(server_name, &ip)) { /* RFC 6066 section 3: no SNI for addresses */
        char text[ADDR_TEXT_BYTES];
        addr_text(&ip, text);
        ok = X509_VERIFY_PARAM_set1_ip_asc(param, text);
    } else {
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        /* An empty name would switch the check off. */
        ok = server_name.n > 0 && SSL_set1_host(ssl, name) && SSL_set_tlsext_host_name(ssl, name);
    }
    free(name);
    return ok;
}

SSL *tls_client_ssl(struct tls_client *c, str server_name, struct fail *f)
{
    SSL *ssl = SSL_new(c->ctx);
    if (!ssl || !expect_name(ssl, server_name)) {
        tls_fail(f, "cannot begin TLS to \"%.*s\"", STR_ARG(server_name));
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return ssl;
}
