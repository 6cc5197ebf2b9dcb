/* tls_stream: OpenSSL between two shared buffers.
 *
 * OpenSSL reads a record header, then its body, and writes each 16 KiB record with a call of its
 * own. Here its BIO reads from and writes to a scratch buffer of the loop instead: one recv brings
 * several records, one send takes a whole batch away. The scratch belongs to the stream only during
 * one call; what is left over then is copied to the stream, so an idle stream holds no buffer.
 * Order that matters: kept input is consumed before scratch input, kept output is sent before
 * scratch output. */
#include "proxy/net/tls_impl.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "base/arena.h"
#include "proxy/net/loop_impl.h"

enum {
    RECORD_BYTES = 16 << 10,
    SCRATCH_IN_BYTES = 128 << 10,
    /* A batch with the overhead of its records, and room for alerts and key updates. */
    SCRATCH_OUT_BYTES = IO_BATCH_BYTES + (16 << 10),
    /* A peer that asks for key updates and reads no answer ends here. */
    UNSENT_MAX_BYTES = 512 << 10,
};

struct tls_scratch {
    struct tls_stream *user; /* whose call is running, NULL between calls */
    size_t may_recv;         /* bytes for the one recv of this call, 0 when it was done */
    size_t in_at, in_n, out_n;
    unsigned char in[SCRATCH_IN_BYTES], out[SCRATCH_OUT_BYTES], record[RECORD_BYTES];
};

void tls_scratch_destroy(struct tls_scratch *s)
{
    free(s);
}

static struct tls_scratch *scratch_of(const struct tls_stream *t)
{
    return t->loop->tls_scratch;
}

/* --- kept bytes ----------------------------------------------------------------------------------
 */

/* Appends to a kept buffer, dropping what was consumed of it. */
static void keep(unsigned char **buf, size_t *at, size_t *n, const unsigned char *more,
                 size_t more_n)
{
    size_t rest = *n - *at;
    unsigned char *whole = malloc(rest + more_n);
    if (!whole)
        abort();
    if (rest > 0)
        memcpy(whole, *buf + *at, rest);
    memcpy(whole + rest, more, more_n);
    free(*buf);
    *buf = whole;
    *at = 0;
    *n = rest + more_n;
}

/* Moves past consumed bytes; the buffer goes when it is empty. */
static void kept_consume(unsigned char **buf, size_t *at, size_t *n, size_t used)
{
    *at += used;
    if (*at < *n)
        return;
    free(*buf);
    *buf = NULL;
    *at = *n = 0;
}

/* --- the BIO
 * -------------------------------------------------------------------------------------- */

/* The one recv of this call. */
static void scratch_fill(struct tls_scratch *s, struct tls_stream *t)
{
    size_t want = s->may_recv;
    s->may_recv = 0;
    ssize_t n = recv(t->fd, s->in, want, 0);
    if (n > 0) {
        s->in_at = 0;
        s->in_n = (size_t)n;
    } else if (n == 0) {
        t->is_eof = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        t->sock_error = errno;
    }
}

static size_t take(const unsigned char *from, size_t have, char *buf, size_t n)
{
    size_t some = have < n ? have : n;
    memcpy(buf, from, some);
    return some;
}

static int on_bio_read(BIO *bio, char *buf, size_t n, size_t *got)
{
    struct tls_stream *t = BIO_get_data(bio);
    struct tls_scratch *s = scratch_of(t);
    assert(s->user == t);
    BIO_clear_retry_flags(bio);
    *got = 0;
    if (t->in) {
        *got = take(t->in + t->in_at, t->in_n - t->in_at, buf, n);
        kept_consume(&t->in, &t->in_at, &t->in_n, *got);
        return 1;
    }
    if (s->in_at == s->in_n && s->may_recv > 0)
        scratch_fill(s, t);
    if (s->in_at < s->in_n) {
        *got = take(s->in + s->in_at, s->in_n - s->in_at, buf, n);
        s->in_at += *got;
        return 1;
    }
    if (!t->is_eof && t->sock_error == 0)
        BIO_set_retry_read(bio);
    return 0;
}

/* Never refuses: what does not fit the scratch is kept, what exceeds all bounds ends the stream in
 * stream_end. */
static int on_bio_write(BIO *bio, const char *buf, size_t n, size_t *put)
{
    struct tls_stream *t = BIO_get_data(bio);
    struct tls_scratch *s = scratch_of(t);
    assert(s->user == t);
    BIO_clear_retry_flags(bio);
    if (n > sizeof s->out - s->out_n) {
        keep(&t->out, &t->out_at, &t->out_n, s->out, s->out_n);
        s->out_n = 0;
    }
    if (n > sizeof s->out)
        return 0;
    memcpy(s->out + s->out_n, buf, n);
    s->out_n += n;
    *put = n;
    return 1;
}

static long on_bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    struct tls_stream *t = BIO_get_data(bio);
    switch (cmd) {
    case BIO_CTRL_EOF:
        return t->is_eof;
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
        return 1;
    default:
        return 0;
    }
}

static BIO_METHOD *method; /* a table of functions, made once and never undone */
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void method_init(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "batch");
    if (!method || !BIO_meth_set_read_ex(method, on_bio_read) ||
        !BIO_meth_set_write_ex(method, on_bio_write) || !BIO_meth_set_ctrl(method, on_bio_ctrl))
        abort();
}

/* --- one call
 * --------------------------------------------------------------------------------------- */

static void stream_begin(struct tls_stream *t, size_t may_recv)
{
    struct tls_scratch *s = scratch_of(t);
    assert(!s->user);
    s->user = t;
    s->may_recv = may_recv < sizeof s->in ? may_recv : sizeof s->in;
    s->in_at = s->in_n = s->out_n = 0;
    ERR_clear_error();
}

/* Sends some bytes; how many went, or -1 with sock_error. */
static ssize_t push(struct tls_stream *t, const unsigned char *p, size_t n)
{
    ssize_t sent = send(t->fd, p, n, MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    t->sock_error = errno;
    return -1;
}

static bool send_kept(struct tls_stream *t)
{
    if (!t->out)
        return true;
    ssize_t sent = push(t, t->out + t->out_at, t->out_n - t->out_at);
    if (sent > 0)
        kept_consume(&t->out, &t->out_at, &t->out_n, (size_t)sent);
    return sent >= 0;
}

static bool send_scratch(struct tls_stream *t, struct tls_scratch *s)
{
    ssize_t sent = s->out_n > 0 && !t->out ? push(t, s->out, s->out_n) : 0;
    if (sent >= 0 && (size_t)sent < s->out_n)
        keep(&t->out, &t->out_at, &t->out_n, s->out + sent, s->out_n - (size_t)sent);
    return sent >= 0;
}

/* Gives the scratch back: input left over is kept, output is sent or kept. False when the socket
 * failed or the peer lets too much pile up. */
static bool stream_end(struct tls_stream *t)
{
    struct tls_scratch *s = scratch_of(t);
    if (s->in_at < s->in_n)
        keep(&t->in, &t->in_at, &t->in_n, s->in + s->in_at, s->in_n - s->in_at);
    bool ok = (s->out_n == 0 || send_kept(t)) && send_scratch(t, s);
    s->user = NULL;
    if (ok && t->out_n - t->out_at > UNSENT_MAX_BYTES) {
        t->sock_error = ENOBUFS;
        ok = false;
    }
    return ok;
}

/* What the failure of an SSL call means. OpenSSL's queue is read before stream_end could touch it.
 */
static int stream_status(struct tls_stream *t, struct io *io, int ret)
{
    switch (SSL_get_error(t->ssl, ret)) {
    case SSL_ERROR_WANT_READ:
        return IO_AGAIN_READ;
    case SSL_ERROR_WANT_WRITE:
        return IO_AGAIN_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return IO_EOF;
    default:
        io->tls_error = ERR_peek_error();
        return IO_ERROR;
    }
}

static int stream_failed(struct tls_stream *t, struct io *io)
{
    io->error = t->sock_error;
    return IO_ERROR;
}

struct tls_stream *tls_stream_create(struct loop *loop, int fd, SSL *ssl)
{
    pthread_once(&method_once, method_init);
    BIO *bio = BIO_new(method);
    if (!bio)
        return NULL;
    if (!loop->tls_scratch)
        loop->tls_scratch = mem_alloc(sizeof *loop->tls_scratch);
    struct tls_stream *t = mem_alloc(sizeof *t);
    t->ssl = ssl;
    t->loop = loop;
    t->fd = fd;
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, t);
    return t;
}

void tls_stream_destroy(struct tls_stream *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    tls_server_unref(&t->server);
    tls_client_unref(&t->client);
    free(t->sni);
    free(t->in);
    free(t->out);
    free(t);
}

int tls_stream_handshake(struct tls_stream *t, struct io *io)
{
    stream_begin(t, RECORD_BYTES);
    int r = SSL_do_handshake(t->ssl);
    int status = r == 1 ? IO_DONE : stream_status(t, io, r);
    if (status == IO_EOF)
        status = IO_ERROR;
    /* An alert is worth sending even when the handshake failed. */
    if (!stream_end(t) || status == IO_ERROR)
        return stream_failed(t, io);
    return status;
}

ssize_t tls_stream_read(struct tls_stream *t, struct io *io, void *buf, size_t n)
{
    size_t total = 0;
    int status = IO_EOF;
    stream_begin(t, n);
    while (total < n) {
        size_t got = 0;
        int r = SSL_read_ex(t->ssl, (char *)buf + total, n - total, &got);
        if (r != 1) {
            status = stream_status(t, io, r);
            break;
        }
        total += got;
    }
    bool ok = stream_end(t);
    if (total > 0)
        return (ssize_t)total; /* an end or an error comes back with the next call */
    if (!ok || status == IO_ERROR)
        return stream_failed(t, io);
    return status;
}

/* A cursor over an iovec. */
struct pieces {
    const struct iovec *iov;
    int n;
    size_t at; /* in iov[0] */
};

/* The next record's plaintext: straight from a piece that fills a record (or is the last one),
 * else gathered in `room`, so that a small head and its body share a record. */
static size_t pieces_next(struct pieces *p, unsigned char *room, const unsigned char **out)
{
    size_t n = 0;
    while (p->n > 0 && n < RECORD_BYTES) {
        const unsigned char *from = (const unsigned char *)p->iov->iov_base + p->at;
        size_t have = p->iov->iov_len - p->at;
        size_t some = have < RECORD_BYTES - n ? have : RECORD_BYTES - n;
        bool is_whole = n == 0 && (some == RECORD_BYTES || p->n == 1);
        if (is_whole)
            *out = from;
        else if (some > 0)
            memcpy(room + n, from, some);
        n += some;
        p->at += some;
        if (some == have) {
            p->iov++;
            p->n--;
            p->at = 0;
        }
        if (is_whole)
            return n;
    }
    *out = room;
    return n;
}

ssize_t tls_stream_writev(struct tls_stream *t, struct io *io, const struct iovec *iov, int n)
{
    if (!send_kept(t))
        return stream_failed(t, io);
    if (t->out)
        return IO_AGAIN_WRITE;
    struct pieces pieces = {iov, n, 0};
    struct tls_scratch *s = scratch_of(t);
    size_t total = 0;
    int status = IO_EOF;
    stream_begin(t, 0);
    while (total + RECORD_BYTES <= IO_BATCH_BYTES) {
        const unsigned char *record;
        size_t len = pieces_next(&pieces, s->record, &record), put = 0;
        if (len == 0)
            break;
        int r = SSL_write_ex(t->ssl, record, len, &put);
        if (r != 1) {
            status = stream_status(t, io, r);
            break;
        }
        assert(put == len); /* the BIO takes everything, and a record was not exceeded */
        total += put;
    }
    if (!stream_end(t) || status == IO_ERROR)
        return stream_failed(t, io);
    return total > 0 ? (ssize_t)total : status;
}

int tls_stream_flush(struct tls_stream *t, struct io *io)
{
    if (!send_kept(t))
        return stream_failed(t, io);
    return t->out ? IO_AGAIN_WRITE : IO_DONE;
}

void tls_stream_shutdown(struct tls_stream *t)
{
    /* Before the handshake is over there is nothing to close, after a failure nothing may be sent.
     */
    if (!SSL_is_init_finished(t->ssl) || t->sock_error != 0)
        return;
    stream_begin(t, 0);
    SSL_shutdown(t->ssl);
    stream_end(t);
    ERR_clear_error();
}
