/* The inside of contexts and streams; of this folder only. */
#ifndef PROXY_NET_TLS_IMPL_H
#define PROXY_NET_TLS_IMPL_H

#include <openssl/ssl.h>

#include "base/addr.h"
#include "proxy/net/io.h"
#include "proxy/net/tls.h"

/* The host names and addresses of one certificate. */
struct tls_names {
    char **hosts; /* lower case, maybe "*.": NUL-terminated */
    size_t n_hosts;
    struct addr *ips;
    size_t n_ips;
};

/* False and fail when the certificate names nobody: browsers would refuse it too. */
bool tls_names_load(struct tls_names *names, X509 *leaf, str file, struct fail *f);
void tls_names_finish(struct tls_names *names);
enum tls_match { TLS_MATCH_NONE = 0, TLS_MATCH_WILDCARD, TLS_MATCH_EXACT };
enum tls_match tls_names_match(const struct tls_names *names, str host);

/* Options that both sides share. */
SSL_CTX *tls_context_create(const SSL_METHOD *method, enum tls_min min, struct fail *f);
/* Leaf, chain and key into ctx. */
bool tls_context_use(SSL_CTX *ctx, str chain_pem, str key_pem, str file, struct fail *f);
/* All certificates of a bundle into the context's store; their names into *subjects when given. */
bool tls_context_trust(SSL_CTX *ctx, str bundle_pem, STACK_OF(X509_NAME) * *subjects,
                       struct fail *f);
/* Sets a failure from OpenSSL's queue and empties the queue; returns false. */
__attribute__((format(printf, 2, 3))) bool tls_fail(struct fail *f, const char *fmt, ...);

/* tls_peer.c: client certificates on the server side. */
bool tls_peer_offer(SSL_CTX *ctx, str client_ca_pem, struct fail *f);
/* In the ClientHello callback, when SNI is known. */
void tls_peer_ask(SSL *ssl);

bool tls_tickets_use(struct tls_tickets *t, SSL_CTX *ctx);

/* One connection's TLS. */
struct tls_stream {
    SSL *ssl;
    struct loop *loop;
    int fd;
    int sock_error;            /* errno of the call that failed */
    struct tls_server *server; /* one of both, referenced */
    struct tls_client *client;
    io_asks_fn *asks;
    void *asks_ctx;
    bool has_asked;          /* for a certificate */
    char *sni;               /* what the client asked for, lower case */
    size_t certificate;      /* what we chose */
    unsigned char *in, *out; /* kept between calls: read but not decrypted; not sent yet */
    size_t in_at, in_n, out_at, out_n;
    bool is_eof;
};

/* A new SSL of the context; the stream's reference is taken by the caller. */
SSL *tls_server_ssl(struct tls_server *s);
SSL *tls_client_ssl(struct tls_client *c, str server_name, struct fail *f);

struct tls_stream *tls_stream_create(struct loop *loop, int fd, SSL *ssl);
void tls_stream_destroy(struct tls_stream *t);
int tls_stream_handshake(struct tls_stream *t, struct io *io);
ssize_t tls_stream_read(struct tls_stream *t, struct io *io, void *buf, size_t n);
ssize_t tls_stream_writev(struct tls_stream *t, struct io *io, const struct iovec *iov, int n);
int tls_stream_flush(struct tls_stream *t, struct io *io);
void tls_stream_shutdown(struct tls_stream *t);

#endif
