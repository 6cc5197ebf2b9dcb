/* Read buffers. See buffer.h. */
#include "proxy/http/buffer.h"

#include <stdlib.h>

void buffer_pool_init(struct buffer_pool *p, size_t most_bytes)
{
    *p = (struct buffer_pool){.most = most_bytes / BUFFER_BYTES};
    if (p->most < BUFFER_KEEP)
        p->most = BUFFER_KEEP;
}

void buffer_pool_finish(struct buffer_pool *p)
{
    while (p->free) {
        struct buffer *next = p->free->next;
        free(p->free);
        p->free = next;
    }
    p->n_free = 0;
}

struct buffer *buffer_take(struct buffer_pool *p)
{
    struct buffer *b = p->free;
    if (p->n_taken >= p->most + BUFFER_SPARE)
        return NULL;
    if (b) {
        p->free = b->next;
        p->n_free--;
    } else if (!(b = malloc(sizeof *b))) {
        return NULL;
    }
    p->n_taken++;
    return b;
}

void buffer_give(struct buffer_pool *p, struct buffer **b)
{
    struct buffer *old = *b;
    *b = NULL;
    if (!old)
        return;
    p->n_taken--;
    if (p->n_free >= BUFFER_KEEP) {
        free(old);
        return;
    }
    old->next = p->free;
    p->free = old;
    p->n_free++;
}
