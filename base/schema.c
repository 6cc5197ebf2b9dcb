/* Table-driven checking of doc trees. See schema.h. */
#include "base/schema.h"

static const char *const KIND[] = {"nothing", "a single value", "a list", "a mapping"};

const char *schema_name(const struct schema_type *type)
{
    static const char *const plain[] = {"anything",  "a value",   "a list", "a value or a list",
                                        "a mapping", "a mapping", "a value"};
    return type->name ? type->name : plain[type->kind];
}

/* A section that got one value, such as `mfa: true`: its name alone does not say what is wrong. */
static bool is_section(const struct schema_type *type)
{
    return type->kind == SCHEMA_MAP && type->name && !strchr(type->name, ' ');
}

static bool accepts(const struct schema_type *type, enum doc_kind kind);
static bool lacks_space(const struct schema_type *type, str text);

/* `key:` and nothing behind it. */
static bool is_nothing(const struct doc_node *node)
{
    return node->kind == DOC_SCALAR && node->is_plain && node->text.n == 0;
}

static str list_keys(struct arena *a, const struct schema_type *type)
{
    str keys = {"", 0};
    for (const struct schema_field *k = type->fields; k->name; k++)
        keys = arena_printf(a, "%.*s%s%s", STR_ARG(keys), keys.n ? ", " : "its keys are ", k->name);
    return keys;
}

/* The word of ours for what others call so, else the nearest of the names. */
static str meant(const struct schema_type *type, str word, const str *names, size_t n)
{
    for (const struct schema_other *it = type->others; it && it->theirs; it++)
        if (str_eq_nocase(word, str_of(it->theirs)))
            return str_of(it->ours);
    return findings_nearest(word, names, n);
}

static str did_you_mean(struct arena *a, str word)
{
    return word.p ? arena_printf(a, "did you mean \"%.*s\"?", STR_ARG(word)) : (str){NULL, 0};
}

static str hint_of(const struct schema_type *type, struct arena *a, const struct doc_node *node)
{
    return type->hint && !is_nothing(node) ? type->hint(a, node) : (str){NULL, 0};
}

static bool wrong_kind(const struct schema_type *type, const struct doc_node *node,
                       struct findings *f)
{
    struct arena a;
    arena_init(&a, NULL, 0);
    str hint = hint_of(type, &a, node);
    if (node->kind == DOC_SCALAR && lacks_space(type, node->text))
        hint = STR("a space is missing after the colon");
    else if (!hint.p && is_section(type))
        hint = list_keys(&a, type);
    else if (!hint.p && node->kind == DOC_SCALAR && node->text.n && accepts(type, DOC_LIST))
        hint = arena_printf(&a, "write [%.*s]", STR_ARG(str_upto(node->text, 80)));
    doc_error(f, node, "wrong-kind", hint.p,
              is_section(type) ? "expected a mapping (%s), found %s" : "expected %s, found %s",
              schema_name(type), is_nothing(node) ? "nothing" : KIND[node->kind]);
    arena_finish(&a);
    return false;
}

static bool is_choice(const struct schema_type *type, str text)
{
    for (const char *const *c = type->choices; *c; c++)
        if (str_eq(text, str_of(*c)))
            return true;
    return false;
}

static bool wrong_choice(const struct schema_type *type, const struct doc_node *node,
                         struct findings *f)
{
    struct arena a;
    arena_init(&a, NULL, 0);
    str all = {"", 0}, names[64];
    size_t n = 0;
    for (const char *const *c = type->choices; *c && n < 64; c++) {
        names[n++] = str_of(*c);
        all = arena_printf(&a, "%.*s%s%s", STR_ARG(all), all.n ? ", " : "", *c);
    }
    str hint = hint_of(type, &a, node);
    if (!hint.p)
        hint = did_you_mean(&a, meant(type, node->text, names, n));
    doc_error(f, node, "bad-value", hint.p,
              n == 1 ? "\"%.*s\" must be %.*s, the only value that is legal here"
                     : "\"%.*s\" is not one of: %.*s",
              STR_ARG(str_upto(node->text, 80)), STR_ARG(all));
    arena_finish(&a);
    return false;
}

static bool wrong_text(const struct schema_type *type, const struct doc_node *node, const char *why,
                       struct findings *f)
{
    struct arena a;
    arena_init(&a, NULL, 0);
    doc_error(f, node, "bad-value", hint_of(type, &a, node).p, "\"%.*s\" %s",
              STR_ARG(str_upto(node->text, 80)), why);
    arena_finish(&a);
    return false;
}

static bool check_scalar(const struct schema_type *type, const struct doc_node *node,
                         struct findings *f)
{
    const char *why = "is not valid here";
    if (node->kind != DOC_SCALAR)
        return wrong_kind(type, node, f);
    if (is_nothing(node) && (type->choices || (type->check && !type->check(node, &why)))) {
        doc_error(f, node, "bad-value", NULL, "expected %s, found nothing", schema_name(type));
        return false;
    }
    if (type->choices && !is_choice(type, node->text))
        return wrong_choice(type, node, f);
    if (type->check && !type->check(node, &why))
        return wrong_text(type, node, why, f);
    return true;
}

static bool check_items(const struct schema_type *type, const struct doc_node *node,
                        struct findings *f)
{
    bool good = true;
    if (node->n == 0 && !type->may_be_empty) {
        doc_error(f, node, "empty", "write at least one item, or leave the key out",
                  "this list is empty");
        return false;
    }
    for (size_t i = 0; i < node->n; i++)
        good &= schema_check(type->item, node->items[i], f);
    return good;
}

static bool empty_map(const struct doc_node *node, struct findings *f)
{
    doc_error(f, node, "empty", "write at least one key, or leave it out", "this mapping is empty");
    return false;
}

static bool check_dict(const struct schema_type *type, const struct doc_node *node,
                       struct findings *f)
{
    bool good = true;
    if (node->n == 0 && !type->may_be_empty)
        return empty_map(node, f);
    for (size_t i = 0; i < node->n; i++) {
        if (type->key)
            good &= schema_check(type->key, node->keys[i], f);
        good &= schema_check(type->item, node->items[i], f);
    }
    return good;
}

static const struct schema_field *field_of(const struct schema_type *type, str name)
{
    for (const struct schema_field *field = type->fields; field->name; field++)
        if (name.n && field->name[0] == name.p[0] && str_eq(str_of(field->name), name))
            return field;
    return NULL;
}

static str nearest_key(const struct schema_type *type, str word)
{
    str names[64];
    size_t n = 0;
    for (const struct schema_field *field = type->fields; field->name && n < 64; field++)
        names[n++] = str_of(field->name);
    return meant(type, word, names, n);
}

/* `id:a` is one text, not a key and its value. */
static bool lacks_space(const struct schema_type *type, str text)
{
    size_t colon = str_find(text, ':');
    return type->kind == SCHEMA_MAP && colon < text.n && field_of(type, str_upto(text, colon));
}

static size_t count_fields(const struct schema_type *type)
{
    size_t n = 0;
    while (type->fields[n].name)
        n++;
    return n;
}

static bool has_below(const struct schema_type *type, str name)
{
    switch (type->kind) {
    case SCHEMA_MAP:
        return field_of(type, name) != NULL;
    case SCHEMA_LIST:
    case SCHEMA_ONE_OR_LIST:
        return has_below(type->item, name);
    case SCHEMA_EITHER: /* what may be a list is a value, whose keys nobody looks for here */
        for (const struct schema_type *const *t = type->alternatives; *t; t++)
            if (accepts(type, DOC_LIST) || has_below(*t, name))
                return !accepts(type, DOC_LIST);
        return false;
    default:
        return false;
    }
}

/* `paths` in a rule belongs into its `to`. */
static const char *home_of(const struct schema_type *type, str name)
{
    for (const struct schema_field *field = type->fields; field->name; field++)
        if (has_below(field->type, name))
            return field->name;
    return NULL;
}

/* Where no key is near, all are told, unless they are too many to read. */
static void unknown_key(const struct schema_type *type, const struct doc_node *key,
                        struct findings *f)
{
    enum { FEW_KEYS = 12 };
    struct arena a;
    arena_init(&a, NULL, 0);
    str near = nearest_key(type, key->text), hint = {NULL, 0};
    const char *home = home_of(type, key->text);
    if (lacks_space(type, key->text))
        hint = STR("a space is missing after the colon");
    else if (home)
        hint = arena_printf(&a, "it is a key of %s", home);
    else if (near.p)
        hint = arena_printf(&a, "did you mean \"%.*s\"?", STR_ARG(near));
    else if (count_fields(type) <= FEW_KEYS)
        hint = list_keys(&a, type);
    doc_error(f, key, "unknown-key", hint.p, "unknown key \"%.*s\" in %s",
              STR_ARG(str_upto(key->text, 80)), schema_name(type));
    arena_finish(&a);
}

/* Then the unknown key has been told with this one as its suggestion. */
static bool is_misspelt(const struct schema_type *type, const struct doc_node *map, str name)
{
    for (size_t i = 0; i < map->n; i++)
        if (!field_of(type, map->keys[i]->text) &&
            str_eq(nearest_key(type, map->keys[i]->text), name))
            return true;
    return false;
}

static void missing_key(const struct schema_type *type, const struct doc_node *map,
                        const char *name, struct findings *f)
{
    if (!is_misspelt(type, map, str_of(name)))
        doc_error(f, map, "missing-key", NULL, "key \"%s\" is missing in %s", name,
                  schema_name(type));
}

static bool check_map(const struct schema_type *type, const struct doc_node *node,
                      struct findings *f)
{
    bool good = true;
    if (node->n == 0 && !type->may_be_empty)
        return empty_map(node, f);
    for (size_t i = 0; i < node->n; i++) {
        const struct schema_field *field = field_of(type, node->keys[i]->text);
        if (!field)
            unknown_key(type, node->keys[i], f);
        good &= field && schema_check(field->type, node->items[i], f);
    }
    for (const struct schema_field *field = type->fields; field->name; field++)
        if (field->required && !doc_get(node, field->name)) {
            missing_key(type, node, field->name, f);
            good = false;
        }
    return good;
}

static bool accepts(const struct schema_type *type, enum doc_kind kind)
{
    switch (type->kind) {
    case SCHEMA_ANY:
        return true;
    case SCHEMA_SCALAR:
        return kind == DOC_SCALAR;
    case SCHEMA_LIST:
        return kind == DOC_LIST;
    case SCHEMA_ONE_OR_LIST:
        return kind == DOC_LIST || accepts(type->item, kind);
    case SCHEMA_MAP:
    case SCHEMA_DICT:
        return kind == DOC_MAP;
    case SCHEMA_EITHER:
        for (const struct schema_type *const *t = type->alternatives; *t; t++)
            if (accepts(*t, kind))
                return true;
        return false;
    }
    return false;
}

/* A word that is none of the legal ones: a mapping would have been legal too. */
static bool wrong_word(const struct schema_type *type, const struct schema_type *words,
                       const struct doc_node *node, struct findings *f)
{
    struct arena a;
    str names[64];
    size_t n = 0;
    arena_init(&a, NULL, 0);
    for (; words->choices[n] && n < 64; n++)
        names[n] = str_of(words->choices[n]);
    doc_error(f, node, "bad-value", did_you_mean(&a, meant(words, node->text, names, n)).p,
              "expected %s, found \"%.*s\"", schema_name(type), STR_ARG(str_upto(node->text, 80)));
    arena_finish(&a);
    return false;
}

static bool check_either(const struct schema_type *type, const struct doc_node *node,
                         struct findings *f)
{
    if (is_nothing(node))
        return wrong_kind(type, node, f);
    for (const struct schema_type *const *t = type->alternatives; *t; t++) {
        if (!accepts(*t, node->kind))
            continue;
        if ((*t)->choices && node->kind == DOC_SCALAR && !is_choice(*t, node->text))
            return wrong_word(type, *t, node, f);
        return schema_check(*t, node, f);
    }
    return wrong_kind(type, node, f);
}

bool schema_check(const struct schema_type *type, const struct doc_node *node, struct findings *f)
{
    if (!accepts(type, node->kind))
        return wrong_kind(type, node, f);
    switch (type->kind) {
    case SCHEMA_ANY:
        return true;
    case SCHEMA_SCALAR:
        return check_scalar(type, node, f);
    case SCHEMA_LIST:
        return check_items(type, node, f);
    case SCHEMA_ONE_OR_LIST:
        return node->kind == DOC_LIST ? check_items(type, node, f)
                                      : schema_check(type->item, node, f);
    case SCHEMA_MAP:
        return check_map(type, node, f);
    case SCHEMA_DICT:
        return check_dict(type, node, f);
    case SCHEMA_EITHER:
        return check_either(type, node, f);
    }
    return false;
}
