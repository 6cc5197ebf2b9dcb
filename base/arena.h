/* arena: memory that is freed all at once.
 *
 * An arena starts in a block that its owner lends (so that a plain request allocates nothing) and
 * grows by chunks from the heap when that is full. Allocation never returns NULL: a process that
 * has no memory left ends (abort), it does not limp on half-decided. Not thread-safe: one owner. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "base/str.h"

struct arena_chunk;

struct arena {
    char *next, *end; /* free room of the current chunk */
    char *block;      /* lent by the owner, may be NULL */
    size_t block_bytes;
    struct arena_chunk *chunks; /* heap chunks, newest first */
    size_t heap_bytes;          /* what the chunks take, for limits and metrics */
    size_t chunk_bytes;         /* of a usual chunk; 0 = 16 KiB. Set after init where many arenas
                                 * stay small */
    bool is_mapped; /* chunks are the system's and go back to it at once: for what is large and
                     * soon gone. Set after init, with chunk_bytes of some MiB; no block is lent
                     * then */
};

/* `block` stays the owner's and must outlive the arena. */
void arena_init(struct arena *a, void *block, size_t block_bytes);
/* Frees the chunks and starts over in the lent block. */
void arena_reset(struct arena *a);
/* Same as reset; the arena is unusable until the next init. */
void arena_finish(struct arena *a);
/* The same, and every byte that it ever handed out is zeroed first: for what held secrets. */
void arena_wipe(struct arena *a);
/* Aligned to 16, not zeroed. */
void *arena_alloc(struct arena *a, size_t bytes);
void *arena_zalloc(struct arena *a, size_t bytes);
/* Unaligned, for text. */
char *arena_text(struct arena *a, size_t bytes);
/* Zeroed, and aligned to `align`, a power of two up to 16. */
void *arena_zalloc_at(struct arena *a, size_t bytes, size_t align);
#define arena_new(a, type) ((type *)arena_zalloc_at((a), sizeof(type), _Alignof(type)))
#define arena_array(a, type, n) ((type *)arena_zalloc_at((a), sizeof(type) * (n), _Alignof(type)))
/* The arena's answer to realloc: room for one more item, doubled when there is none. The old items
 * stay where they were until the arena goes. */
void *arena_grow(struct arena *a, void *items, size_t n, size_t *cap, size_t item_bytes);
#define arena_push(a, items, n, cap, value)                                                        \
    ((items) = arena_grow((a), (items), (n), &(cap), sizeof *(items)), (items)[(n)++] = (value))
/* A NUL-terminated copy; the NUL is not counted. */
str arena_dup(struct arena *a, str s);
str arena_lower(struct arena *a, str s);
__attribute__((format(printf, 2, 3))) str arena_printf(struct arena *a, const char *fmt, ...);
str arena_vprintf(struct arena *a, const char *fmt, va_list ap);

/* Heap helpers that end the process instead of returning NULL. */
void *mem_alloc(size_t bytes); /* zeroed */
void *mem_grow(void *p, size_t bytes);
char *mem_dup(str s); /* NUL-terminated */

#endif
