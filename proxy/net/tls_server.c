/* tls_server: certificates for the server side and the choice among them.
 *
 * Every certificate has a context of its own. The choice happens in the ClientHello callback,
 * before OpenSSL looks at a session ticket: in the servername callback it would be too late, and a
 * ticket would be held against the session id context of the wrong certificate. */
#include "proxy/net/tls_impl.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/arena.h"

struct server_cert {
    SSL_CTX *ctx;
    struct tls_names names;
    int64_t not_after_s;
};

struct tls_server {
    atomic_uint refs;
    bool h2, has_client_ca;
    size_t n;
    struct server_cert certs[];
};

static const unsigned char alpn_h1[] = "\x08http/1.1", alpn_h2[] = "\x02h2\x08http/1.1";

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                   const unsigned char *offered, unsigned offered_n, void *arg)
{
    const struct tls_server *s = arg;
    const unsigned char *ours = s->h2 ? alpn_h2 : alpn_h1;
    unsigned ours_n = s->h2 ? sizeof alpn_h2 - 1 : sizeof alpn_h1 - 1;
    unsigned char *chosen;
    int r = SSL_select_next_proto(&chosen, out_n, ours, ours_n, offered, offered_n);
    if (r != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 section 3.2: no_application_protocol */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* The host name of a server_name extension (RFC 6066 section 3), absent when malformed. */
static str sni_parse(const unsigned char *p, size_t n)
{
    if (n < 5 || (size_t)(p[0] << 8 | p[1]) != n - 2 || p[2] != TLSEXT_NAMETYPE_host_name)
        return (str){NULL, 0};
    size_t len = (size_t)(p[3] << 8 | p[4]);
    if (len == 0 || len > n - 5 || len > TLSEXT_MAXLEN_host_name || memchr(p + 5, '\0', len))
        return (str){NULL, 0};
    return (str){(const char *)p + 5, len};
}

static int on_hello(SSL *ssl, int *alert, void *arg)
{
    struct tls_server *s = arg;
    struct tls_stream *t = SSL_get_app_data(ssl);
    const unsigned char *ext;
    size_t ext_n;
    str sni = {NULL, 0};
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &ext_n))
        sni = sni_parse(ext, ext_n); /* OpenSSL refuses the malformed ones by itself */
    if (sni.p) {
        free(t->sni);
        t->sni = mem_dup(sni);
        for (char *c = t->sni; *c; c++)
            *c = str_lower_char(*c);
        t->certificate = tls_server_choose(s, str_of(t->sni));
        SSL_set_SSL_CTX(ssl, s->certs[t->certificate].ctx);
    }
    if (s->has_client_ca)
        tls_peer_ask(ssl);
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* A ticket is good only with the certificate and the client CA that it was made under. */
static bool set_session_id_context(SSL_CTX *ctx, X509 *leaf, const struct tls_server_options *o)
{
    unsigned char leaf_hash[EVP_MAX_MD_SIZE], id[EVP_MAX_MD_SIZE];
    unsigned n;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && X509_digest(leaf, EVP_sha256(), leaf_hash, &n) &&
              EVP_DigestInit_ex(md, EVP_sha256(), NULL) && EVP_DigestUpdate(md, leaf_hash, n) &&
              EVP_DigestUpdate(md, o->client_ca_pem.p, o->client_ca_pem.n) &&
              EVP_DigestFinal_ex(md, id, &n) &&
              SSL_CTX_set_session_id_context(ctx, id, SSL_MAX_SID_CTX_LENGTH);
    EVP_MD_CTX_free(md);
    return ok;
}

static int64_t not_after_s(X509 *leaf)
{
    struct tm tm = {0};
    return ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) ? (int64_t)timegm(&tm) : 0;
}

static bool cert_load(struct tls_server *s, struct server_cert *c, const struct tls_cert *from,
                      const struct tls_server_options *o, struct fail *f)
{
    c->ctx = tls_context_create(TLS_server_method(), o->min, f);
    if (!c->ctx || !tls_context_use(c->ctx, from->chain_pem, from->key_pem, from->name, f))
        return false;
    X509 *leaf = SSL_CTX_get0_certificate(c->ctx);
    if (!tls_names_load(&c->names, leaf, from->name, f) ||
        (o->client_ca_pem.p && !tls_peer_offer(c->ctx, o->client_ca_pem, f)))
        return false;
    c->not_after_s = not_after_s(leaf);
    if (!set_session_id_context(c->ctx, leaf, o) || !tls_tickets_use(o->tickets, c->ctx))
        return tls_fail(f, "cannot prepare resumption for certificate %.*s", STR_ARG(from->name));
    SSL_CTX_set_alpn_select_cb(c->ctx, on_alpn, s);
    SSL_CTX_set_client_hello_cb(c->ctx, on_hello, s);
    return true;
}

struct tls_server *tls_server_create(const struct tls_server_options *o, struct fail *f)
{
    if (o->n_certs == 0) {
        fail_set(f, FAIL_INPUT, "a TLS listener needs at least one certificate");
        return NULL;
    }
    struct tls_server *s = mem_alloc(sizeof *s + sizeof s->certs[0] * o->n_certs);
    atomic_init(&s->refs, 1);
    s->h2 = o->h2;
    s->has_client_ca = o->client_ca_pem.p != NULL;
    for (size_t i = 0; i < o->n_certs; i++) {
        s->n = i + 1;
        if (!cert_load(s, &s->certs[i], &o->certs[i], o, f)) {
            tls_server_unref(&s);
            return NULL;
        }
    }
    return s;
}

struct tls_server *tls_server_ref(struct tls_server *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void tls_server_unref(struct tls_server **sp)
{
    struct tls_server *s = *sp;
    *sp = NULL;
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < s->n; i++) {
        SSL_CTX_free(s->certs[i].ctx);
        tls_names_finish(&s->certs[i].names);
    }
    free(s);
}

bool tls_server_covers(const struct tls_server *s, size_t index, str host)
{
    assert(index < s->n);
    return tls_names_match(&s->certs[index].names, host) != TLS_MATCH_NONE;
}

size_t tls_server_choose(const struct tls_server *s, str sni)
{
    size_t best = 0;
    enum tls_match best_match = TLS_MATCH_NONE;
    for (size_t i = 0; i < s->n; i++) {
        enum tls_match match = tls_names_match(&s->certs[i].names, sni);
        if (match > best_match) {
            best = i;
            best_match = match;
        }
    }
    return best;
}

int64_t tls_server_not_after_s(const struct tls_server *s, size_t index)
{
    assert(index < s->n);
    return s->certs[index].not_after_s;
}

SSL *tls_server_ssl(struct tls_server *s)
{
    SSL *ssl = SSL_new(s->certs[0].ctx);
    if (ssl)
        SSL_set_accept_state(ssl);
    return ssl;
}
