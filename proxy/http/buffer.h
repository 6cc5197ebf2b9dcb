/* buffer: read buffers of one worker, taken for an event and given back in the same event.
 *
 * A buffer stays with an exchange only while the other side does not take its bytes; then its
 * source is paused, so each direction holds one at most. `limits.buffers` bounds them all. 128 KiB
 * because a 64 KiB body with its head then needs two reads, not three. Worker thread only. */
#ifndef PROXY_HTTP_BUFFER_H
#define PROXY_HTTP_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

enum {
    BUFFER_BYTES = 128 * 1024,
    BUFFER_LEAD = 32,  /* room before the data for a chunk head */
    BUFFER_TAIL = 32,  /* and after it for the end of a chunk and of the body */
    BUFFER_KEEP = 8,   /* free ones kept warm */
    BUFFER_SPARE = 32, /* beyond the limit, for what is given back in the same event */
};

struct buffer {
    struct buffer *next; /* while free */
    char lead[BUFFER_LEAD];
    char data[BUFFER_BYTES];
    char tail[BUFFER_TAIL];
};

struct buffer_pool {
    struct buffer *free;
    size_t n_free, n_taken, most;
};

void buffer_pool_init(struct buffer_pool *p, size_t most_bytes);
void buffer_pool_finish(struct buffer_pool *p);
/* NULL when the limit is reached and the spare ones are taken too. */
struct buffer *buffer_take(struct buffer_pool *p);
/* Who would keep a buffer longer than this event must end instead: else slow readers would take the
 * buffers of all others. */
static inline bool buffer_pool_is_over(const struct buffer_pool *p)
{
    return p->n_taken > p->most;
}
/* Nulls *b; NULL is fine. */
void buffer_give(struct buffer_pool *p, struct buffer **b);

#endif
