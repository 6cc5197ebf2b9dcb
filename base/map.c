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

static struct map_slot *slot_of(const struct map *m, str key, uint32_t hash)
{
    size_t mask = m->slot_count - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_slot *slot = &m->slots[i];
        if (slot->at == 0 || (slot->hash == hash && str_eq(m->entries[slot->at - 1].key, key)))
            return slot;
    }
}

static void grow(struct map *m)
{
    struct map_slot *old = m->slots;
    size_t old_count = m->slot_count;
    m->cap = m->cap ? m->cap * 2 : 8;
    m->slot_count = m->cap * 2;
    m->entries = mem_grow(m->entries, m->cap * sizeof *m->entries);
    m->slots = mem_alloc(m->slot_count * sizeof *m->slots);
    for (size_t i = 0; i < old_count; i++) {
        size_t k = old[i].hash & (m->slot_count - 1);
        while (old[i].at && m->slots[k].at)
            k = (k + 1) & (m->slot_count - 1);
        if (old[i].at)
            m->slots[k] = old[i];
    }
    free(old);
}

bool map_add(struct map *m, str key, void *value)
{
    if (m->n == m->cap)
        grow(m);
    uint32_t hash = (uint32_t)str_hash(key);
    struct map_slot *slot = slot_of(m, key, hash);
    if (slot->at)
        return false;
    m->entries[m->n] = (struct map_entry){key, value};
    *slot = (struct map_slot){hash, (uint32_t)++m->n};
    return true;
}

void *map_get(const struct map *m, str key)
{
    if (m->n == 0)
        return NULL;
    uint32_t at = slot_of(m, key, (uint32_t)str_hash(key))->at;
    return at ? m->entries[at - 1].value : NULL;
}

bool map_has(const struct map *m, str key)
{
    return m->n && slot_of(m, key, (uint32_t)str_hash(key))->at != 0;
}
