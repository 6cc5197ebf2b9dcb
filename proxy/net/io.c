/* io: see io.h. The clear path here; TLS goes on to tls_stream. */
#include "proxy/net/io.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "proxy/net/tls_impl.h"

void io_open_plain(struct io *io, int fd)
{
    *io = (struct io){.fd = fd};
}

static bool open_tls(struct io *io, struct loop *loop, int fd, SSL *ssl, struct fail *f)
{
    *io = (struct io){.fd = fd};
    io->tls = ssl ? tls_stream_create(loop, fd, ssl) : NULL;
    if (io->tls)
        return true;
    SSL_free(ssl);
    return fail_set(f, FAIL_CRYPTO, "cannot begin TLS on a connection");
}

bool io_open_server(struct io *io, struct loop *loop, int fd, struct tls_server *ctx,
                    struct fail *f)
{
    if (!open_tls(io, loop, fd, tls_server_ssl(ctx), f))
        return false;
    io->tls->server = tls_server_ref(ctx);
    return true;
}

bool io_open_client(struct io *io, struct loop *loop, int fd, struct tls_client *ctx,
                    str server_name, struct fail *f)
{
    *io = (struct io){.fd = fd};
    SSL *ssl = tls_client_ssl(ctx, server_name, f);
    if (!ssl || !open_tls(io, loop, fd, ssl, f))
        return false;
    io->tls->client = tls_client_ref(ctx);
    return true;
}

void io_finish(struct io *io)
{
    tls_stream_destroy(io->tls);
    io->tls = NULL;
}

static int plain_failed(struct io *io, int again)
{
    if (errno == EAGAIN || errno == EINTR)
        return again;
    io->error = errno;
    return IO_ERROR;
}

int io_handshake(struct io *io)
{
    return io->tls ? tls_stream_handshake(io->tls, io) : IO_DONE;
}

bool io_spoke_http(const struct io *io)
{
    return ERR_GET_LIB(io->tls_error) == ERR_LIB_SSL &&
           ERR_GET_REASON(io->tls_error) == SSL_R_HTTP_REQUEST;
}

void io_answer_in_clear(struct io *io, str bytes)
{
    if (send(io->fd, bytes.p, bytes.n, MSG_NOSIGNAL) == (ssize_t)bytes.n)
        shutdown(io->fd, SHUT_WR);
}

ssize_t io_read(struct io *io, void *buf, size_t n)
{
    if (io->tls)
        return tls_stream_read(io->tls, io, buf, n);
    ssize_t got = recv(io->fd, buf, n, 0);
    return got >= 0 ? got : plain_failed(io, IO_AGAIN_READ);
}

ssize_t io_writev(struct io *io, const struct iovec *iov, int n)
{
    if (io->tls)
        return tls_stream_writev(io->tls, io, iov, n);
    if (n == 1) {
        ssize_t one = send(io->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
        return one >= 0 ? one : plain_failed(io, IO_AGAIN_WRITE);
    }
    struct msghdr msg = {.msg_iov = (struct iovec *)iov,
                         .msg_iovlen = (size_t)(n < IOV_MAX ? n : IOV_MAX)};
    ssize_t put = sendmsg(io->fd, &msg, MSG_NOSIGNAL);
    return put >= 0 ? put : plain_failed(io, IO_AGAIN_WRITE);
}

size_t io_pending(const struct io *io)
{
    if (!io->tls)
        return 0;
    return (size_t)SSL_pending(io->tls->ssl) + io->tls->in_n - io->tls->in_at;
}

size_t io_unsent(const struct io *io)
{
    return io->tls ? io->tls->out_n - io->tls->out_at : 0;
}

int io_flush(struct io *io)
{
    return io->tls ? tls_stream_flush(io->tls, io) : IO_DONE;
}

void io_shutdown(struct io *io)
{
    if (io->tls)
        tls_stream_shutdown(io->tls);
    shutdown(io->fd, SHUT_WR);
}

void io_error_text(const struct io *io, char *buf, size_t n)
{
    long verify = io->tls ? SSL_get_verify_result(io->tls->ssl) : X509_V_OK;
    const char *reason = io->tls_error ? ERR_reason_error_string(io->tls_error) : NULL;
    if (io->error)
        snprintf(buf, n, "%s", strerror(io->error));
    else if (io->tls_error && ERR_GET_REASON(io->tls_error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        snprintf(buf, n, "certificate refused: %s", X509_verify_cert_error_string(verify));
    else if (reason)
        snprintf(buf, n, "%s", reason);
    else
        snprintf(buf, n, "closed by the peer");
}

str io_alpn(const struct io *io)
{
    const unsigned char *p = NULL;
    unsigned n = 0;
    if (io->tls)
        SSL_get0_alpn_selected(io->tls->ssl, &p, &n);
    return p ? (str){(const char *)p, n} : (str){NULL, 0};
}

str io_sni(const struct io *io)
{
    return str_of(io->tls ? io->tls->sni : NULL);
}

str io_tls_version(const struct io *io)
{
    return str_of(io->tls ? SSL_get_version(io->tls->ssl) : NULL);
}

str io_cipher(const struct io *io)
{
    return str_of(io->tls ? SSL_get_cipher_name(io->tls->ssl) : NULL);
}

str io_tls_group(const struct io *io)
{
    int id = io->tls ? (int)SSL_get_negotiated_group(io->tls->ssl) : 0;
    return str_of(id > 0 ? SSL_group_to_name(io->tls->ssl, id) : NULL);
}

bool io_is_resumed(const struct io *io)
{
    return io->tls && SSL_session_reused(io->tls->ssl);
}

bool io_covers_host(const struct io *io, str host)
{
    return io->tls && io->tls->server &&
           tls_server_covers(io->tls->server, io->tls->certificate, host);
}

size_t io_certificate(const struct io *io)
{
    return io->tls ? io->tls->certificate : 0;
}

void io_ask_certificate(struct io *io, io_asks_fn *asks, void *ctx)
{
    if (!io->tls)
        return;
    io->tls->asks = asks;
    io->tls->asks_ctx = ctx;
}

bool io_asked_certificate(const struct io *io)
{
    return io->tls && io->tls->has_asked;
}

bool io_peer_certificate(const struct io *io, unsigned char *out, size_t cap, size_t *n_out)
{
    X509 *leaf = io->tls ? SSL_get0_peer_certificate(io->tls->ssl) : NULL;
    int n = leaf ? i2d_X509(leaf, NULL) : 0;
    if (n <= 0 || (size_t)n > cap)
        return false;
    unsigned char *p = out;
    *n_out = (size_t)i2d_X509(leaf, &p);
    return true;
}
