/* One side's unsent bytes. See sink.h. */
#include "proxy/http/sink.h"

#include <assert.h>

enum { SETTLE_BYTES = 32 * 1024 };

void sink_put(struct sink *s, struct buffer_pool *pool, struct buffer **b, const char *p, size_t n)
{
    if (n == 0) {
        buffer_give(pool, b);
        return;
    }
    assert(s->n < 2);
    s->pieces[s->n++] = (struct sink_piece){*b, p, n};
    *b = NULL;
}

static void took(struct sink *s, struct buffer_pool *pool, size_t n)
{
    s->sent += n;
    while (s->n && n >= s->pieces[0].n) {
        n -= s->pieces[0].n;
        buffer_give(pool, &s->pieces[0].buffer);
        s->pieces[0] = s->pieces[1];
        s->n--;
    }
    if (s->n) {
        s->pieces[0].p += n;
        s->pieces[0].n -= n;
    }
}

static bool is_again(ssize_t n)
{
    return n == IO_AGAIN_WRITE || n == IO_AGAIN_READ;
}

enum sink_status sink_flush(struct sink *s, struct buffer_pool *pool, struct io *io)
{
    while (s->n) {
        struct iovec iov[2];
        size_t total = 0;
        for (unsigned i = 0; i < s->n; i++) {
            iov[i] = (struct iovec){(void *)(uintptr_t)s->pieces[i].p, s->pieces[i].n};
            total += s->pieces[i].n;
        }
        ssize_t n = io_writev(io, iov, (int)s->n);
        if (n <= 0)
            return is_again(n) ? SINK_BLOCKED : SINK_ERROR;
        took(s, pool, (size_t)n);
        /* A short write on a plain socket: it is full, another call would only say so. */
        if ((size_t)n < total && !io_is_tls(io))
            return SINK_BLOCKED;
    }
    if (io_unsent(io) == 0)
        return SINK_EMPTY;
    int status = io_flush(io);
    return status == IO_DONE ? SINK_EMPTY : is_again(status) ? SINK_BLOCKED : SINK_ERROR;
}

void sink_settle(struct sink *s, struct buffer_pool *pool, struct arena *a)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct sink_piece *piece = &s->pieces[i];
        if (!piece->buffer || piece->n > SETTLE_BYTES)
            continue;
        piece->p = arena_dup(a, (str){piece->p, piece->n}).p;
        buffer_give(pool, &piece->buffer);
    }
}

void sink_clear(struct sink *s, struct buffer_pool *pool)
{
    for (unsigned i = 0; i < s->n; i++)
        buffer_give(pool, &s->pieces[i].buffer);
    s->n = 0;
}
