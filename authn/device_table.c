/* device_table: all devices of one source. See device.h and device_table.h. */
#include "authn/device_table.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/map.h"

struct row {
    struct device device;
    str serial;
    bool is_twin, is_serial_twin;
};

struct device_table {
    atomic_uint refs;
    struct arena arena;
    str source;
    struct row *rows;
    size_t n, cap, n_twins;
    struct map by_id, by_serial;
};

struct device_table *device_table_create(str source)
{
    struct device_table *t = mem_alloc(sizeof *t);
    atomic_init(&t->refs, 1);
    arena_init(&t->arena, NULL, 0);
    map_init(&t->by_id);
    map_init(&t->by_serial);
    t->source = arena_dup(&t->arena, source);
    return t;
}

struct device_table *device_table_ref(const struct device_table *t)
{
    struct device_table *own = (struct device_table *)t; /* the count alone changes */
    if (own)
        atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
    return own;
}

void device_table_unref(struct device_table **tp)
{
    struct device_table *t = *tp;
    *tp = NULL;
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    map_finish(&t->by_id);
    map_finish(&t->by_serial);
    free(t->rows);
    arena_finish(&t->arena);
    free(t);
}

struct arena *device_table_arena(struct device_table *t)
{
    return &t->arena;
}

str device_table_source(const struct device_table *t)
{
    return t->source;
}

bool device_table_add(struct device_table *t, const struct device *d, str serial)
{
    if (t->n == DEVICE_TABLE_MAX)
        return false;
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->rows = mem_grow(t->rows, t->cap * sizeof *t->rows);
    }
    t->rows[t->n++] = (struct row){.device = *d, .serial = serial};
    return true;
}

/* Who asks for it could mean the device by its id, or the other by its serial number. */
static void mark_crossed(struct device_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct row *r = &t->rows[i];
        struct row *other = r->serial.n ? map_get(&t->by_id, r->serial) : NULL;
        if (other && other != r && !str_eq(other->device.id, r->device.id))
            other->is_twin = r->is_twin = true;
    }
}

size_t device_table_close(struct device_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct row *r = &t->rows[i];
        if (!map_add(&t->by_id, r->device.id, r)) {
            struct row *first = map_get(&t->by_id, r->device.id);
            first->is_twin = r->is_twin = true;
        }
        if (r->serial.n && !map_add(&t->by_serial, r->serial, r))
            ((struct row *)map_get(&t->by_serial, r->serial))->is_serial_twin = true;
    }
    mark_crossed(t);
    for (size_t i = 0; i < t->n; i++)
        t->n_twins += t->rows[i].is_twin;
    return t->n_twins;
}

size_t device_table_twins(const struct device_table *t)
{
    return t ? t->n_twins : 0;
}

const struct device *device_table_first_twin(const struct device_table *t)
{
    for (size_t i = 0; t->n_twins && i < t->n; i++)
        if (t->rows[i].is_twin)
            return &t->rows[i].device;
    return NULL;
}

size_t device_table_count(const struct device_table *t)
{
    return t ? t->n : 0;
}

const struct device *device_table_at(const struct device_table *t, size_t i)
{
    return t && i < t->n ? &t->rows[i].device : NULL;
}

const struct device *device_table_find(const struct device_table *t, str id)
{
    if (!t || !id.n || !t->n)
        return NULL;
    const struct row *r = map_get(&t->by_id, id);
    if (r)
        return r->is_twin ? NULL : &r->device;
    r = map_get(&t->by_serial, id);
    return r && !r->is_serial_twin && !r->is_twin ? &r->device : NULL;
}
