/* device_inventory: what the two ways to write an inventory share. */
#ifndef AUTHN_DEVICE_INVENTORY_H
#define AUTHN_DEVICE_INVENTORY_H

#include "authn/device_table.h"
#include "authn/device_words.h"

enum { INVENTORY_CSV_MAX = 32 << 20 };

/* A device while it is read. Setters return NULL, or why not ("must be ..."). */
struct inventory_row {
    struct device_table *table;
    struct device device;
    str serial;
    int64_t written_s, seen_s;
    struct device_fact facts[DEVICE_FACTS_MAX];
    size_t n;
};

void inventory_row_begin(struct inventory_row *row, struct device_table *t, int64_t written_s);
const char *inventory_row_id(struct inventory_row *row, str id);
const char *inventory_row_set(struct inventory_row *row, str attribute, str value);
/* False: the table is full. */
bool inventory_row_end(struct inventory_row *row);
bool inventory_is_known(str attribute);
/* What to suggest instead of an attribute that is not known. */
str inventory_hint(str attribute, char *room, size_t cap);

void inventory_read_csv(struct device_table *t, const struct doc_file *file, int64_t written_s,
                        struct findings *f);

#endif
