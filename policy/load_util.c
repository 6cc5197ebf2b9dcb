#include "policy/load.h"
#include "policy/scalar.h"

#include <stdlib.h>

size_t load_count(const struct doc_node *node)
{
    if (!node)
        return 0;
    return node->kind == DOC_LIST ? node->n : 1;
}

const struct doc_node *load_item(const struct doc_node *node, size_t i)
{
    return node->kind == DOC_LIST ? node->items[i] : node;
}

struct str_list load_texts(struct load *l, const struct doc_node *node)
{
    size_t n = load_count(node);
    str *items = arena_array(l->a, str, n);
    for (size_t i = 0; i < n; i++)
        items[i] = load_item(node, i)->text;
    return (struct str_list){items, n};
}

str load_keep(struct load *l, str s)
{
    return s.p ? arena_dup(&l->p->arena, s) : s;
}

struct str_list load_keep_texts(struct load *l, const struct doc_node *node)
{
    size_t n = load_count(node);
    str *items = arena_array(&l->p->arena, str, n);
    for (size_t i = 0; i < n; i++)
        items[i] = load_keep(l, load_item(node, i)->text);
    return (struct str_list){items, n};
}

struct str_list load_texts_lower(struct load *l, const struct doc_node *node)
{
    size_t n = load_count(node);
    str *items = arena_array(l->a, str, n);
    for (size_t i = 0; i < n; i++)
        items[i] = arena_lower(l->a, load_item(node, i)->text);
    return (struct str_list){items, n};
}

struct want_list load_wants(struct load *l, const struct doc_node *node)
{
    size_t n = load_count(node);
    struct want *items = arena_array(l->a, struct want, n);
    for (size_t i = 0; i < n; i++) {
        const struct doc_node *item = load_item(node, i);
        items[i] = (struct want){item->text, item->is_plain};
    }
    return (struct want_list){items, n};
}

int64_t load_seconds(const struct doc_node *node, int64_t fallback)
{
    int64_t s = fallback;
    if (node)
        scalar_seconds(node->text, &s);
    return s;
}

/* The nearest name, or all when they are few. */
static void suggest(str word, const char *what, const str *names, size_t n, char *hint, size_t cap)
{
    enum { FEW_NAMES = 5 };
    str near = findings_nearest(word, names, n);
    if (near.p) {
        snprintf(hint, cap, "did you mean \"%.*s\"?", STR_ARG(str_upto(near, 128)));
        return;
    }
    size_t at = 0;
    if (!n)
        snprintf(hint, cap, "no %s is known", what);
    for (size_t i = 0; i < n && i < FEW_NAMES; i++)
        at += (size_t)snprintf(hint + at, cap - at, "%s%.*s",
                               i ? ", " : "known: ", STR_ARG(str_upto(names[i], 64)));
    if (n > FEW_NAMES)
        snprintf(hint + at, cap - at, " and %zu more", n - FEW_NAMES);
}

void load_unknown(struct load *l, const struct doc_node *node, const char *what, const str *names,
                  size_t n)
{
    /* What an unreadable file defines would be reported as unknown all over the others. */
    if (l->names_missing)
        return;
    char hint[600], code[64];
    snprintf(code, sizeof code, "unknown-%s", what);
    for (char *c = code; *c; c++)
        *c = *c == ' ' ? '-' : *c;
    suggest(node->text, what, names, n, hint, sizeof hint);
    doc_error(l->f, node, code, hint, "unknown %s \"%.*s\"", what,
              STR_ARG(str_upto(node->text, 80)));
}

static void unknown_def(struct load *l, const struct doc_node *node, const char *what,
                        const struct map *defs)
{
    str *names = mem_alloc((defs->n + 1) * sizeof *names);
    for (size_t i = 0; i < defs->n; i++)
        names[i] = defs->entries[i].key;
    load_unknown(l, node, what, names, defs->n);
    free(names);
}

const struct def *load_find(struct load *l, enum def_kind kind, const struct doc_node *node)
{
    static const char *const words[] = {
        [DEF_GROUP] = "group",   [DEF_NETWORK] = "network", [DEF_SCHEDULE] = "schedule",
        [DEF_DEVICE] = "device", [DEF_APP] = "app",         [DEF_RULE] = "rule",
    };
    const struct def *d = map_get(&l->defs[kind], node->text);
    if (!d && !l->has_nameless[kind])
        unknown_def(l, node, words[kind], &l->defs[kind]);
    return d;
}

void load_check_known(struct load *l, const struct doc_node *node, const char *what,
                      const str *names, size_t n)
{
    if (!l->in->known)
        return;
    for (size_t i = 0; i < load_count(node); i++) {
        const struct doc_node *item = load_item(node, i);
        bool found = false;
        for (size_t k = 0; k < n && !found; k++)
            found = str_eq(item->text, names[k]);
        if (!found)
            load_unknown(l, item, what, names, n);
    }
}

static const struct zone *read_zone(struct load *l, const struct doc_node *node)
{
    str name = node->text;
    if (str_eq(name, STR("UTC")) || str_eq(name, STR("Etc/UTC")))
        return zone_utc();
    str bytes = {NULL, 0};
    if (l->in->zone)
        bytes = l->in->zone(l->in->zone_ctx, l->a, name);
    struct fail fail = {0};
    const struct zone *z = bytes.p ? zone_parse(&l->p->arena, name, bytes, &fail) : NULL;
    if (!z && bytes.p)
        doc_error(l->f, node, "bad-zone", NULL, "time zone \"%.*s\" cannot be used: %s",
                  STR_ARG(str_upto(name, 80)), fail.text);
    else if (!z)
        doc_error(l->f, node, "unknown-zone", "use a name such as Europe/Stockholm",
                  "unknown time zone \"%.*s\"", STR_ARG(str_upto(name, 80)));
    return z;
}

const struct zone *load_zone(struct load *l, const struct doc_node *node)
{
    const struct zone *z = map_get(&l->zones, node->text);
    if (z)
        return z;
    z = read_zone(l, node);
    /* An unknown zone has been reported at its first place; UTC stands in for the rest. */
    if (!z)
        z = zone_utc();
    map_add(&l->zones, node->text, (void *)(uintptr_t)z);
    return z;
}

bool load_excludes(struct load *l, const struct doc_node *map, const char *const *keys,
                   const char *code, const char *suggestion)
{
    const struct doc_node *first = NULL;
    for (size_t i = 0; i < map->n; i++) {
        for (const char *const *key = keys; *key; key++) {
            if (!str_eq(map->keys[i]->text, str_of(*key)))
                continue;
            if (first) {
                doc_error(l->f, map->keys[i], code, suggestion,
                          "\"%.*s\" cannot stand beside \"%.*s\"", STR_ARG(map->keys[i]->text),
                          STR_ARG(first->text));
                return true;
            }
            first = map->keys[i];
        }
    }
    return false;
}
