/* names: collects what the files define, before anything is decoded. Works on trees that may be
 * malformed: whatever is no mapping or no text is skipped here and reported by the tables. */
#include "policy/load.h"
#include "policy/scalar.h"

static const char *const kind_names[] = {"groups", "networks", "schedules", "devices"};

static bool is_kind(const struct doc_node *node, enum doc_kind kind)
{
    return node && node->kind == kind;
}

/* The findings of the whole file have been made; this asks whether one item of it is good. */
static bool has_form(const struct load_file *file, const struct schema_type *type,
                     const struct doc_node *node)
{
    if (file->has_form)
        return true;
    struct findings scratch;
    findings_init(&scratch);
    size_t before = scratch.errors;
    bool good = schema_check(type, node, &scratch) && scratch.errors == before;
    findings_finish(&scratch);
    return good;
}

static struct def *def_new(struct load *l, const struct load_file *file, enum def_kind kind,
                           const struct doc_node *key, const struct doc_node *node)
{
    struct def *d = arena_new(l->a, struct def);
    *d = (struct def){.name = key->text, .key = key, .node = node, .file = file, .kind = kind};
    return d;
}

static void duplicate(struct load *l, const struct def *first, const struct doc_node *key,
                      const char *what)
{
    doc_error(l->f, key, "duplicate-name", "rename one of them",
              "%s \"%.*s\" is defined a second time; the first is in %.*s:%u", what,
              STR_ARG(str_upto(key->text, 80)), STR_ARG(first->key->file->name), first->key->line);
}

/* One name may not be a group here and a schedule there. */
static bool is_name_taken(struct load *l, const struct load_file *file, enum def_kind own_kind,
                          const struct doc_node *key)
{
    for (int kind = DEF_GROUP; kind <= DEF_DEVICE; kind++) {
        const struct def *d = map_get(&l->defs[kind], key->text);
        if (!d)
            continue;
        /* Twice in one mapping is a duplicate key, and told. */
        if (d->file == file && d->kind == own_kind)
            return true;
        /* Kinds are collected in turn, whatever their order in the file. */
        bool is_first = d->file == file && key->line < d->key->line;
        const struct doc_node *first = is_first ? key : d->key, *second = is_first ? d->key : key;
        doc_error(l->f, second, "duplicate-name", "a name stands once in all files: rename one",
                  "\"%.*s\" is defined a second time; the first is in %s: in %.*s:%u",
                  STR_ARG(str_upto(key->text, 80)), kind_names[is_first ? (int)own_kind : kind],
                  STR_ARG(first->file->name), first->line);
        return true;
    }
    return false;
}

static bool define_has_form(const struct load_file *file, enum def_kind kind,
                            const struct doc_node *key, const struct doc_node *node)
{
    if (file->has_form)
        return true;
    /* The table of define checks a mapping of mappings: lend it one with this member alone. */
    struct doc_node *item = (struct doc_node *)(uintptr_t)node;
    struct doc_node *name = (struct doc_node *)(uintptr_t)key;
    struct doc_node of_kind = {.kind = DOC_MAP, .n = 1, .items = &item, .keys = &name};
    struct doc_node kind_key = {.kind = DOC_SCALAR, .text = str_of(kind_names[kind])};
    struct doc_node *of_kind_p = &of_kind, *kind_key_p = &kind_key;
    struct doc_node define = {.kind = DOC_MAP, .n = 1, .items = &of_kind_p, .keys = &kind_key_p};
    return has_form(file, &policy_define_type, &define);
}

static void collect_define(struct load *l, const struct load_file *file,
                           const struct doc_node *define)
{
    for (int kind = DEF_GROUP; kind <= DEF_DEVICE; kind++) {
        const struct doc_node *map = doc_get(define, kind_names[kind]);
        l->has_nameless[kind] |= map && !is_kind(map, DOC_MAP);
        for (size_t i = 0; is_kind(map, DOC_MAP) && i < map->n; i++) {
            if (is_name_taken(l, file, (enum def_kind)kind, map->keys[i]))
                continue;
            struct def *d = def_new(l, file, (enum def_kind)kind, map->keys[i], map->items[i]);
            d->has_form = define_has_form(file, d->kind, d->key, d->node);
            map_add(&l->defs[kind], d->name, d);
        }
    }
}

static void collect_items(struct load *l, const struct load_file *file, const struct doc_node *list,
                          enum def_kind kind, const char *name_key, const struct schema_type *type,
                          const char *what)
{
    l->has_nameless[kind] |= list && !is_kind(list, DOC_LIST);
    for (size_t i = 0; is_kind(list, DOC_LIST) && i < list->n; i++) {
        const struct doc_node *item = list->items[i], *name = doc_get(item, name_key);
        if (!is_kind(name, DOC_SCALAR)) {
            l->has_nameless[kind] = true;
            continue;
        }
        const struct def *first = map_get(&l->defs[kind], name->text);
        if (first) {
            duplicate(l, first, name, what);
            l->hosts_missing |= kind == DEF_APP;
            continue;
        }
        struct def *d = def_new(l, file, kind, name, item);
        d->has_form = has_form(file, type, item);
        d->index = l->defs[kind].n;
        map_add(&l->defs[kind], d->name, d);
    }
}

static void collect_labels(struct load *l, const struct doc_node *apps)
{
    for (size_t i = 0; is_kind(apps, DOC_LIST) && i < apps->n; i++) {
        const struct doc_node *labels = doc_get(apps->items[i], "labels");
        for (size_t k = 0; is_kind(labels, DOC_MAP) && k < labels->n; k++) {
            str key = labels->keys[k]->text;
            map_add(&l->labels, key, l);
            if (!is_kind(labels->items[k], DOC_SCALAR))
                continue;
            str value = labels->items[k]->text;
            char *both = arena_text(l->a, key.n + 1 + value.n + 1);
            memcpy(both, key.p, key.n);
            both[key.n] = '\0';
            memcpy(both + key.n + 1, value.p ? value.p : "", value.n);
            map_add(&l->labels, (str){both, key.n + 1 + value.n}, l);
        }
    }
}

static void set_zone(struct load *l, struct load_file *file)
{
    const struct doc_node *zone = doc_get(doc_get(file->root, "defaults"), "timezone");
    file->zone = zone_utc();
    if (is_kind(zone, DOC_SCALAR) && scalar_is_zone_name(zone->text))
        file->zone = load_zone(l, zone);
}

void load_names(struct load *l, struct load_file *file)
{
    const struct doc_node *root = file->root;

    l->names_missing |= !is_kind(root, DOC_MAP);
    if (!is_kind(root, DOC_MAP))
        return;
    set_zone(l, file);
    collect_define(l, file, doc_get(root, "define"));
    collect_items(l, file, doc_get(root, "apps"), DEF_APP, "name", &policy_app_type, "app");
    collect_items(l, file, doc_get(root, "rules"), DEF_RULE, "id", &policy_rule_type, "rule");
    collect_labels(l, doc_get(root, "apps"));
    l->hosts_missing |= l->has_nameless[DEF_APP];
}
