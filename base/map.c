/* Hash map. See map.h. */
#include "base/map.h"

#include <stdlib.h>

#include "base/arena.h"

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_finish(struct map *m)
{
    free(m->entries);
    free(m->slots);
    *m = (struct map){0};
}

static uint32_t *slot_of(const struct map *m, str key)
{
    size_t mask = m->slot_count - 1;
    for (size_t i = str_hash(key) & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &m->slots[i];
        if (*slot == 0 || str_eq(m->entries[*slot - 1].key, key))
            return slot;
    }
}

static void grow(struct map *m)
{
    m->cap = m->cap ? m->cap * 2 : 8;
    m->slot_count = m->cap * 2;
    m->entries = mem_grow(m->entries, m->cap * sizeof *m->entries);
    free(m->slots);
    m->slots = mem_alloc(m->slot_count * sizeof *m->slots);
    for (size_t i = 0; i < m->n; i++)
        *slot_of(m, m->entries[i].key) = (uint32_t)(i + 1);
}

bool map_add(struct map *m, str key, void *value)
{
    if (m->n == m->cap)
        grow(m);
    uint32_t *slot = slot_of(m, key);
    if (*slot)
        return false;
    m->entries[m->n] = (struct map_entry){key, value};
    *slot = (uint32_t)++m->n;
    return true;
}

void *map_get(const struct map *m, str key)
{
    if (m->n == 0)
        return NULL;
    uint32_t slot = *slot_of(m, key);
    return slot ? m->entries[slot - 1].value : NULL;
}

bool map_has(const struct map *m, str key)
{
    return m->n && *slot_of(m, key) != 0;
}
