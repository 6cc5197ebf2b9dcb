/* tls_peer: client certificates on the server side.
 *
 * Clients are asked on hosts that want one, not everywhere: a browser that holds a certificate
 * shows a dialog. The choice is made in the ClientHello callback, connection by connection, so that
 * new rules count at once and no context is made anew for them.
 *
 * Every certificate is taken: a handshake that fails leaves the person with a browser's error page
 * and no word. What the chain is worth is judged above, and the visit is told by a page of ours.
 * The client does prove that it holds the key (CertificateVerify); that is OpenSSL's part. */
#include "proxy/net/tls_impl.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "base/arena.h"

enum {
    LIST_BYTES = 32 << 10, /* of what a client may send */
    REST_BYTES = 8 << 10,  /* of a chain without its leaf, that a ticket carries */
    REST_WHOLE = 1,
    REST_CUT,
};

static int take_any(X509_STORE_CTX *ctx, void *arg)
{
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

/* --- tickets -------------------------------------------------------------------------------------
 *
 * OpenSSL puts the leaf into a ticket, and nothing else of the chain. The rest goes with it as data
 * of ours: a byte that says whether it is whole, then each certificate as DER, which knows its own
 * length. */

static size_t put_rest(STACK_OF(X509) * chain, unsigned char *out)
{
    unsigned char *p = out + 1;
    out[0] = REST_WHOLE;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *x = sk_X509_value(chain, i);
        int n = i2d_X509(x, NULL);
        if (n <= 0 || i + 1 >= IO_CHAIN_MOST || (size_t)n > REST_BYTES - (size_t)(p - out)) {
            out[0] = REST_CUT;
            return 1;
        }
        i2d_X509(x, &p);
    }
    return (size_t)(p - out);
}

static int on_ticket_made(SSL *ssl, void *arg)
{
    unsigned char rest[REST_BYTES];
    SSL_SESSION *session = SSL_get_session(ssl);
    void *old;
    size_t n;
    /* Of a resumed session: it is there already. */
    if (SSL_SESSION_get0_ticket_appdata(session, &old, &n) && n > 0)
        return 1;
    if (!SSL_SESSION_get0_peer(session))
        return 1;
    return SSL_SESSION_set1_ticket_appdata(session, rest,
                                           put_rest(SSL_get_peer_cert_chain(ssl), rest));
}

/* Where a certificate is asked for, a ticket without one (from a host where it is not, or from
 * before the rules wanted it, or before it was installed) would keep it from being asked. */
static bool has_what_is_asked(SSL_SESSION *session)
{
    void *rest;
    size_t n;
    return SSL_SESSION_get0_peer(session) && SSL_SESSION_get0_ticket_appdata(session, &rest, &n) &&
           n > 0 && *(unsigned char *)rest == REST_WHOLE;
}

static SSL_TICKET_RETURN on_ticket_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                          size_t name_n, SSL_TICKET_STATUS status, void *arg)
{
    const struct tls_stream *t = SSL_get_app_data(ssl);
    switch (status) {
    case SSL_TICKET_SUCCESS:
    case SSL_TICKET_SUCCESS_RENEW:
        if (t->has_asked && !has_what_is_asked(session))
            return SSL_TICKET_RETURN_IGNORE_RENEW;
        return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
    case SSL_TICKET_EMPTY:
    case SSL_TICKET_NO_DECRYPT:
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    default:
        return SSL_TICKET_RETURN_IGNORE;
    }
}

/* --- asking --------------------------------------------------------------------------------------
 */

bool tls_peer_offer(SSL_CTX *ctx, str client_ca_pem, struct fail *f)
{
    STACK_OF(X509_NAME) *subjects = sk_X509_NAME_new_null();
    if (!tls_context_trust(ctx, client_ca_pem, &subjects, f)) {
        sk_X509_NAME_pop_free(subjects, X509_NAME_free);
        return false;
    }
    SSL_CTX_set_client_CA_list(ctx, subjects); /* takes */
    SSL_CTX_set_cert_verify_callback(ctx, take_any, NULL);
    SSL_CTX_set_max_cert_list(ctx, LIST_BYTES);
    return SSL_CTX_set_session_ticket_cb(ctx, on_ticket_made, on_ticket_opened, NULL) ||
           tls_fail(f, "cannot prepare tickets for client certificates");
}

void tls_peer_ask(SSL *ssl)
{
    struct tls_stream *t = SSL_get_app_data(ssl);
    if (!t->asks || !t->asks(t->asks_ctx, str_of(t->sni)))
        return;
    t->has_asked = true;
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
}

/* --- what came
 * ------------------------------------------------------------------------------------
 */

static str der_of(X509 *x, struct arena *a)
{
    int n = i2d_X509(x, NULL);
    if (n <= 0)
        return (str){NULL, 0};
    unsigned char *der = (unsigned char *)arena_text(a, (size_t)n), *p = der;
    i2d_X509(x, &p);
    return (str){(char *)der, (size_t)n};
}

/* The rest of a ticket was sealed by us, and is ours to believe in its form. */
static size_t take_rest(SSL_SESSION *session, struct arena *a, str *out, size_t most)
{
    void *rest;
    size_t bytes, n = 0;
    if (!SSL_SESSION_get0_ticket_appdata(session, &rest, &bytes) || bytes < 2)
        return 0;
    const unsigned char *p = rest, *end = p + bytes;
    for (p++; p < end && n < most;) {
        const unsigned char *begin = p;
        X509 *x = d2i_X509(NULL, &p, (long)(end - p));
        if (!x)
            return 0;
        X509_free(x);
        out[n++] = arena_dup(a, (str){(const char *)begin, (size_t)(p - begin)});
    }
    return n;
}

size_t io_peer_chain(const struct io *io, struct arena *a, str out[IO_CHAIN_MOST])
{
    X509 *leaf = io->tls ? SSL_get0_peer_certificate(io->tls->ssl) : NULL;
    size_t n = 0;
    if (!leaf)
        return 0;
    out[n++] = der_of(leaf, a);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(io->tls->ssl);
    if (SSL_session_reused(io->tls->ssl))
        return n + take_rest(SSL_get_session(io->tls->ssl), a, out + n, IO_CHAIN_MOST - n);
    for (int i = 0; i < sk_X509_num(chain) && n < IO_CHAIN_MOST; i++)
        out[n++] = der_of(sk_X509_value(chain, i), a);
    return n;
}
