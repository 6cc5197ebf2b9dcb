/* device_inventory: an inventory file. YAML here, CSV in device_csv.c.
 *
 *   version: 1
 *   devices:
 *     laptop-7: {serial: C02XYZ, seen: 2026-11-25T09:00:00Z, managed: true, os: macos,
 *                os_version: "14.10", jamf.group: finance} */
#include "authn/device_inventory.h"

#include "base/schema.h"

/* ---- one device, whatever the file is written in ------------------------------------------- */

void inventory_row_begin(struct inventory_row *row, struct device_table *t, int64_t written_s)
{
    *row = (struct inventory_row){.table = t, .written_s = written_s, .seen_s = written_s};
}

const char *inventory_row_id(struct inventory_row *row, str id)
{
    row->device.id = arena_dup(device_table_arena(row->table), id);
    return device_id_is_good(id) ? NULL : "must be one line of at most 128 bytes";
}

/* A row cannot have been seen after the file was written: it would never become stale. */
static const char *set_seen(struct inventory_row *row, str value)
{
    int64_t at;
    if (!device_instant(value, &at))
        return "must be an instant, such as 2026-11-25T09:30:00Z";
    row->seen_s = at < row->written_s ? at : row->written_s;
    return NULL;
}

const char *inventory_row_set(struct inventory_row *row, str attribute, str value)
{
    struct arena *a = device_table_arena(row->table);
    struct device_fact *fact = &row->facts[row->n];
    const char *why = NULL;
    if (str_eq(attribute, STR("seen")))
        return set_seen(row, value);
    if (str_eq(attribute, STR("serial"))) {
        row->serial = arena_dup(a, value);
        return device_id_is_good(value) ? NULL : "must be one line of at most 128 bytes";
    }
    if (row->n == DEVICE_FACTS_MAX)
        return "is one fact too many: a device has at most 64";
    if (!device_word_read(device_word_find(attribute), value, fact, &why))
        return why;
    fact->attribute = arena_dup(a, attribute);
    fact->text = arena_dup(a, fact->text);
    fact->source = device_table_source(row->table);
    row->n++;
    return NULL;
}

bool inventory_row_end(struct inventory_row *row)
{
    struct device_fact *facts =
        arena_array(device_table_arena(row->table), struct device_fact, row->n + 1);
    for (size_t i = 0; i < row->n; i++) {
        facts[i] = row->facts[i];
        facts[i].seen_s = row->seen_s;
    }
    row->device.facts = facts;
    row->device.n_facts = row->n;
    row->device.seen_s = row->seen_s;
    return device_table_add(row->table, &row->device, row->serial);
}

bool inventory_is_known(str attribute)
{
    return str_eq(attribute, STR("seen")) || str_eq(attribute, STR("serial")) ||
           device_word_find(attribute) != WORD_NONE;
}

str inventory_hint(str attribute, char *room, size_t cap)
{
    str near = device_word_nearest(attribute);
    if (!near.p)
        return STR("attributes of your own are written provider.name");
    int n = snprintf(room, cap, "did you mean \"%.*s\"?", STR_ARG(near));
    return (str){room, n > 0 ? (size_t)n : 0};
}

/* ---- YAML ------------------------------------------------------------------------------------ */

static bool is_one(const struct doc_node *node, const char **why)
{
    *why = "must be 1, the only version that there is";
    return str_eq(node->text, STR("1"));
}

static const struct schema_type version = {
    .kind = SCHEMA_SCALAR, .name = "a version", .check = is_one};
static const struct schema_type value = {.kind = SCHEMA_SCALAR, .name = "a value"};
static const struct schema_type device = {
    .kind = SCHEMA_DICT, .name = "a device", .item = &value, .may_be_empty = true};
static const struct schema_type devices = {
    .kind = SCHEMA_DICT, .name = "a mapping of device ids", .item = &device, .may_be_empty = true};
static const struct schema_field fields[] = {
    {"version", &version, .required = true},
    {"devices", &devices, .required = true},
    {0},
};
static const struct schema_type inventory = {
    .kind = SCHEMA_MAP, .name = "an inventory", .fields = fields};

static bool read_attribute(struct inventory_row *row, const struct doc_node *key,
                           const struct doc_node *node, struct findings *f)
{
    char room[160];
    if (!inventory_is_known(key->text)) {
        doc_error(f, key, "unknown-key", inventory_hint(key->text, room, sizeof room).p,
                  "unknown key \"%.*s\" in a device", STR_ARG(str_upto(key->text, 80)));
        return false;
    }
    const char *why = inventory_row_set(row, key->text, node->text);
    if (why)
        doc_error(f, node, "bad-value", NULL, "\"%.*s\" %s", STR_ARG(str_upto(node->text, 80)),
                  why);
    return !why;
}

static void read_device(struct device_table *t, const struct doc_node *key,
                        const struct doc_node *node, int64_t written_s, struct findings *f)
{
    struct inventory_row row;
    inventory_row_begin(&row, t, written_s);
    const char *why = inventory_row_id(&row, key->text);
    bool good = !why;
    if (why)
        doc_error(f, key, "bad-value", NULL, "the id of a device %s", why);
    for (size_t i = 0; i < node->n; i++)
        good &= read_attribute(&row, node->keys[i], node->items[i], f);
    if (good && !inventory_row_end(&row))
        doc_error(f, key, "too-many", NULL, "more than %d devices", DEVICE_TABLE_MAX);
}

static void read_yaml(struct device_table *t, const struct doc_file *file, int64_t written_s,
                      struct findings *f)
{
    struct arena a;
    arena_init(&a, NULL, 0);
    const struct doc_node *root = doc_parse(&a, file, f);
    if (root && schema_check(&inventory, root, f)) {
        const struct doc_node *all = doc_get(root, "devices");
        for (size_t i = 0; i < all->n && !findings_is_full(f, file->name); i++)
            read_device(t, all->keys[i], all->items[i], written_s, f);
    }
    arena_finish(&a);
}

static void warn_of_twins(const struct device_table *t, const struct doc_file *file,
                          struct findings *f)
{
    const struct device *first = device_table_first_twin(t);
    if (first)
        findings_add(f, FINDING_WARNING, "device-twins", &(struct finding_at){.file = file->name},
                     NULL,
                     "%zu devices are unknown, since the id of each is also another's id or serial "
                     "number; \"%.*s\" is one",
                     device_table_twins(t), STR_ARG(str_upto(first->id, 80)));
}

struct device_table *inventory_parse(const struct doc_file *file, str source, int64_t written_s,
                                     struct findings *f)
{
    struct device_table *t = device_table_create(source);
    size_t before = f->errors + f->dropped + f->repeated;
    if (file->name.n > 4 && str_eq_nocase(str_from(file->name, file->name.n - 4), STR(".csv")))
        inventory_read_csv(t, file, written_s, f);
    else
        read_yaml(t, file, written_s, f);
    device_table_close(t);
    if (f->errors + f->dropped + f->repeated != before)
        device_table_unref(&t);
    else
        warn_of_twins(t, file, f);
    return t;
}
