/* map: str -> pointer, open addressing. Keys are not copied and must outlive the map.
 * Iteration is in insertion order. Owner frees the values. One thread, or immutable after building.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct map_entry {
    str key;
    void *value;
};

struct map_slot {
    uint32_t hash; /* of the key: most others are told apart without a look at them */
    uint32_t at;   /* index + 1 into entries, 0 = free */
};

struct map {
    struct map_entry *entries; /* in insertion order */
    struct map_slot *slots;
    size_t n, cap, slot_count;
};

void map_init(struct map *m);
void map_finish(struct map *m);
/* False, and nothing changes, when the key is there already. */
bool map_add(struct map *m, str key, void *value);
/* NULL when absent. */
void *map_get(const struct map *m, str key);
bool map_has(const struct map *m, str key);

#endif
