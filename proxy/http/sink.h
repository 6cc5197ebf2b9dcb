/* sink: what still has to be written to one side of an exchange.
 *
 * Up to two pieces (a head and the body bytes that came with it), sent with one call. What the
 * socket does not take stays here, with its buffer; the exchange then pauses the source. */
#ifndef PROXY_HTTP_SINK_H
#define PROXY_HTTP_SINK_H

#include "base/arena.h"
#include "proxy/http/buffer.h"
#include "proxy/net/net.h"

enum sink_status { SINK_ERROR = 0, SINK_BLOCKED, SINK_EMPTY };

struct sink_piece {
    struct buffer *buffer; /* owned */
    const char *p;         /* within the buffer */
    size_t n;
};

struct sink {
    struct sink_piece pieces[2];
    unsigned n;
    uint64_t sent; /* bytes that left, heads and framing included; for progress */
};

/* Takes the buffer; n == 0 gives it back at once. There must be a free place. */
void sink_put(struct sink *s, struct buffer_pool *pool, struct buffer **b, const char *p, size_t n);
/* Sends what it can. SINK_BLOCKED: go on when the socket is writable. */
enum sink_status sink_flush(struct sink *s, struct buffer_pool *pool, struct io *io);
/* Drops everything. */
void sink_clear(struct sink *s, struct buffer_pool *pool);
static inline bool sink_is_empty(const struct sink *s)
{
    return s->n == 0;
}
static inline bool sink_keeps_buffer(const struct sink *s)
{
    return s->n && (s->pieces[0].buffer || (s->n > 1 && s->pieces[1].buffer));
}
/* A small rest moves into the arena, so that who takes nothing keeps no buffer from others. */
void sink_settle(struct sink *s, struct buffer_pool *pool, struct arena *a);

#endif
