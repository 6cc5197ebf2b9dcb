/* Arena. See arena.h. */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { CHUNK_BYTES = 16 * 1024, ALIGN = 16 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t bytes;
    bool is_mapped;
    _Alignas(ALIGN) char room[];
};

void *mem_alloc(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p)
        abort();
    return p;
}

void *mem_grow(void *p, size_t bytes)
{
    void *q = realloc(p, bytes ? bytes : 1);
    if (!q)
        abort();
    return q;
}

char *mem_dup(str s)
{
    char *p = mem_alloc(s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

void arena_init(struct arena *a, void *block, size_t block_bytes)
{
    *a = (struct arena){.block = block, .block_bytes = block ? block_bytes : 0};
    a->next = a->block;
    a->end = block ? a->block + a->block_bytes : NULL;
}

static void free_chunk(struct arena_chunk *c)
{
    if (c->is_mapped)
        munmap(c, sizeof *c + c->bytes);
    else
        free(c);
}

void arena_reset(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *older = a->chunks->older;
        free_chunk(a->chunks);
        a->chunks = older;
    }
    size_t chunk_bytes = a->chunk_bytes;
    bool is_mapped = a->is_mapped;
    arena_init(a, a->block, a->block_bytes);
    a->chunk_bytes = chunk_bytes;
    a->is_mapped = is_mapped;
}

void arena_finish(struct arena *a)
{
    arena_reset(a);
}

void arena_wipe(struct arena *a)
{
    for (struct arena_chunk *c = a->chunks; c; c = c->older)
        explicit_bzero(c->room, c->bytes);
    if (a->block)
        explicit_bzero(a->block, a->block_bytes);
    arena_reset(a);
}

/* In large pages, where there are any: thousands of small ones take longer than what is put in. */
static void *map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

static char *add_chunk(struct arena *a, size_t room)
{
    struct arena_chunk *c = a->is_mapped ? map(sizeof *c + room) : malloc(sizeof *c + room);
    if (!c)
        abort();
    c->bytes = room;
    c->is_mapped = a->is_mapped;
    c->older = a->chunks;
    a->chunks = c;
    a->heap_bytes += sizeof *c + room;
    return c->room;
}

/* What is large gets a chunk of its own, and what is left of the current one stays in use. A new
 * chunk is aligned for anything. */
static char *take(struct arena *a, size_t bytes, size_t align)
{
    size_t usual = a->chunk_bytes ? a->chunk_bytes : CHUNK_BYTES;
    size_t pad = -(uintptr_t)a->next & (align - 1);

    if (bytes > SIZE_MAX / 2)
        abort();
    if (!a->next || (size_t)(a->end - a->next) < bytes + pad) {
        if (bytes > usual / 4)
            return add_chunk(a, bytes);
        a->next = add_chunk(a, usual - sizeof(struct arena_chunk));
        a->end = a->next + usual - sizeof(struct arena_chunk);
        pad = 0;
    }
    char *p = a->next + pad;
    a->next = p + bytes;
    return p;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    return take(a, bytes, ALIGN);
}

/* What the system has just mapped is zero. */
void *arena_zalloc_at(struct arena *a, size_t bytes, size_t align)
{
    char *p = take(a, bytes, align);
    return a->is_mapped ? p : memset(p, 0, bytes);
}

void *arena_zalloc(struct arena *a, size_t bytes)
{
    return arena_zalloc_at(a, bytes, ALIGN);
}

void *arena_grow(struct arena *a, void *items, size_t n, size_t *cap, size_t item_bytes)
{
    if (n < *cap)
        return items;
    size_t more = *cap ? *cap * 2 : 8;
    void *grown = arena_zalloc(a, more * item_bytes);
    if (n > 0)
        memcpy(grown, items, n * item_bytes);
    *cap = more;
    return grown;
}

char *arena_text(struct arena *a, size_t bytes)
{
    return take(a, bytes, 1);
}

str arena_dup(struct arena *a, str s)
{
    char *p = arena_text(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (str){p, s.n};
}

str arena_lower(struct arena *a, str s)
{
    str copy = arena_dup(a, s);
    char *p = (char *)copy.p;
    for (size_t i = 0; i < copy.n; i++)
        p[i] = str_lower_char(p[i]);
    return copy;
}

str arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0)
        abort();
    char *p = arena_text(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (str){p, (size_t)n};
}

str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}
