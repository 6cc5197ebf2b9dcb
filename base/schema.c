/* Table-driven checking of doc trees. See schema.h. */
#include "base/schema.h"

#include <stdlib.h>

#include "base/jout.h"

/* ---- scalars ---------------------------------------------------------------------------- */

bool parse_duration_ms(str s, int64_t *out)
{
    static const struct {
        str unit;
        int64_t ms;
    } units[] = {{STR("ms"), 1},
                 {STR("s"), 1000},
                 {STR("m"), 60000},
                 {STR("h"), 3600000},
                 {STR("d"), 86400000}};
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    uint64_t v;
    if (!str_to_u64(str_upto(s, digits), 1000000000, &v))
        return false;
    str unit = str_from(s, digits);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_eq(unit, units[i].unit)) {
            *out = (int64_t)v * units[i].ms;
            return true;
        }
    return false;
}

bool parse_size(str s, uint64_t *out)
{
    static const struct {
        str unit;
        unsigned shift;
    } units[] = {
        {STR(""), 0}, {STR("KiB"), 10}, {STR("MiB"), 20}, {STR("GiB"), 30}, {STR("TiB"), 40}};
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    uint64_t v;
    if (!str_to_u64(str_upto(s, digits), UINT64_MAX >> 8, &v))
        return false;
    str unit = str_from(s, digits);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_eq(unit, units[i].unit) && v <= (UINT64_MAX >> 8) >> units[i].shift) {
            *out = v << units[i].shift;
            return true;
        }
    return false;
}

static bool is_text(const struct doc_node *node, const char **why)
{
    *why = "must not be empty";
    return node->text.n > 0;
}

static bool is_bool(const struct doc_node *node, const char **why)
{
    *why = "must be true or false";
    return node->is_plain && (str_eq(node->text, STR("true")) || str_eq(node->text, STR("false")));
}

static bool is_uint(const struct doc_node *node, const char **why)
{
    uint64_t v;
    *why = "must be a whole number";
    return str_to_u64(node->text, INT64_MAX, &v);
}

static bool is_duration(const struct doc_node *node, const char **why)
{
    int64_t v;
    *why = "must be a number with a unit: ms, s, m, h or d";
    return parse_duration_ms(node->text, &v);
}

static bool is_size(const struct doc_node *node, const char **why)
{
    uint64_t v;
    *why = "must be a number of bytes, or one with KiB, MiB, GiB or TiB";
    return parse_size(node->text, &v);
}

const struct schema_type schema_text = {.kind = SCHEMA_SCALAR, .name = "text", .check = is_text};
const struct schema_type schema_bool = {
    .kind = SCHEMA_SCALAR, .name = "true or false", .check = is_bool, .json = "\"boolean\""};
const struct schema_type schema_uint = {.kind = SCHEMA_SCALAR,
                                        .name = "a whole number",
                                        .check = is_uint,
                                        .pattern = "^[0-9]+$",
                                        .json = "[\"integer\",\"string\"]"};
const struct schema_type schema_duration = {.kind = SCHEMA_SCALAR,
                                            .name = "a duration",
                                            .check = is_duration,
                                            .pattern = "^[0-9]+(ms|s|m|h|d)$"};
const struct schema_type schema_size = {.kind = SCHEMA_SCALAR,
                                        .name = "a size",
                                        .check = is_size,
                                        .pattern = "^[0-9]+(KiB|MiB|GiB|TiB)?$",
                                        .json = "[\"integer\",\"string\"]"};

/* ---- checking --------------------------------------------------------------------------- */

static const char *const KIND[] = {"nothing", "a single value", "a list", "a mapping"};

static const char *name_of(const struct schema_type *type)
{
    static const char *const plain[] = {"anything",  "a value",   "a list", "a value or a list",
                                        "a mapping", "a mapping", "a value"};
    return type->name ? type->name : plain[type->kind];
}

static bool wrong_kind(const struct schema_type *type, const struct doc_node *node,
                       struct findings *f)
{
    doc_error(f, node, "wrong-kind", NULL, "expected %s, found %s", name_of(type),
              KIND[node->kind]);
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
    str near = findings_nearest(node->text, names, n);
    str hint = near.p ? arena_printf(&a, "did you mean \"%.*s\"?", STR_ARG(near)) : (str){NULL, 0};
    doc_error(f, node, "bad-value", hint.p, "\"%.*s\" is not one of: %.*s",
              STR_ARG(str_upto(node->text, 80)), STR_ARG(all));
    arena_finish(&a);
    return false;
}

static bool check_scalar(const struct schema_type *type, const struct doc_node *node,
                         struct findings *f)
{
    const char *why = "is not valid here";
    if (node->kind != DOC_SCALAR)
        return wrong_kind(type, node, f);
    if (type->choices && !is_choice(type, node->text))
        return wrong_choice(type, node, f);
    if (type->check && !type->check(node, &why)) {
        doc_error(f, node, "bad-value", NULL, "\"%.*s\" %s", STR_ARG(str_upto(node->text, 80)),
                  why);
        return false;
    }
    return true;
}

static bool check_items(const struct schema_type *type, const struct doc_node *node,
                        struct findings *f)
{
    bool good = true;
    if (node->n == 0 && !type->may_be_empty) {
        doc_error(f, node, "empty", NULL, "an empty list");
        return false;
    }
    for (size_t i = 0; i < node->n; i++)
        good &= schema_check(type->item, node->items[i], f);
    return good;
}

static bool check_dict(const struct schema_type *type, const struct doc_node *node,
                       struct findings *f)
{
    bool good = true;
    if (node->n == 0 && !type->may_be_empty) {
        doc_error(f, node, "empty", NULL, "an empty mapping");
        return false;
    }
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
    return findings_nearest(word, names, n);
}

static void unknown_key(const struct schema_type *type, const struct doc_node *key,
                        struct findings *f)
{
    char hint[160];
    str near = nearest_key(type, key->text);
    if (near.p)
        snprintf(hint, sizeof hint, "did you mean \"%.*s\"?", STR_ARG(near));
    doc_error(f, key, "unknown-key", near.p ? hint : NULL, "unknown key \"%.*s\" in %s",
              STR_ARG(str_upto(key->text, 80)), name_of(type));
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
        doc_error(f, map, "missing-key", NULL, "key \"%s\" is missing in %s", name, name_of(type));
}

static bool check_map(const struct schema_type *type, const struct doc_node *node,
                      struct findings *f)
{
    bool good = true;
    if (node->n == 0 && !type->may_be_empty) {
        doc_error(f, node, "empty", NULL, "an empty mapping");
        return false;
    }
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

static bool check_either(const struct schema_type *type, const struct doc_node *node,
                         struct findings *f)
{
    for (const struct schema_type *const *t = type->alternatives; *t; t++)
        if (accepts(*t, node->kind))
            return schema_check(*t, node, f);
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

/* ---- readers ---------------------------------------------------------------------------- */

bool read_bool(const struct doc_node *node, bool fallback)
{
    return node ? str_eq(node->text, STR("true")) : fallback;
}

uint64_t read_uint(const struct doc_node *node, uint64_t fallback)
{
    uint64_t v = fallback;
    if (node)
        str_to_u64(node->text, INT64_MAX, &v);
    return v;
}

int64_t read_duration_ms(const struct doc_node *node, int64_t fallback_ms)
{
    int64_t v = fallback_ms;
    if (node)
        parse_duration_ms(node->text, &v);
    return v;
}

uint64_t read_size(const struct doc_node *node, uint64_t fallback)
{
    uint64_t v = fallback;
    if (node)
        parse_size(node->text, &v);
    return v;
}

size_t read_count(const struct doc_node *node)
{
    return !node ? 0 : node->kind == DOC_LIST ? node->n : 1;
}

const struct doc_node *read_item(const struct doc_node *node, size_t i)
{
    return node->kind == DOC_LIST ? node->items[i] : node;
}

/* ---- printing --------------------------------------------------------------------------- */

static void print_json_str(const char *s, FILE *out)
{
    char buf[2048];
    struct jout j;
    jout_init(&j, buf, sizeof buf);
    jout_str(&j, str_of(s));
    fwrite(buf, 1, j.n, out);
}

static void print_type(const struct schema_type *type, const char *doc, FILE *out);

static void print_scalar(const struct schema_type *type, FILE *out)
{
    fprintf(out, "\"type\":%s", type->json ? type->json : "\"string\"");
    if (type->pattern) {
        fputs(",\"pattern\":", out);
        print_json_str(type->pattern, out);
    }
    if (type->check == is_text)
        fputs(",\"minLength\":1", out);
    if (type->choices) {
        fputs(",\"enum\":[", out);
        for (const char *const *c = type->choices; *c; c++) {
            fputs(c == type->choices ? "" : ",", out);
            print_json_str(*c, out);
        }
        fputs("]", out);
    }
}

static void print_map(const struct schema_type *type, FILE *out)
{
    fputs("\"type\":\"object\",\"additionalProperties\":false,\"properties\":{", out);
    for (const struct schema_field *field = type->fields; field->name; field++) {
        fputs(field == type->fields ? "" : ",", out);
        print_json_str(field->name, out);
        fputs(":", out);
        print_type(field->type, field->doc, out);
    }
    fputs("}", out);
    const char *sep = ",\"required\":[";
    for (const struct schema_field *field = type->fields; field->name; field++)
        if (field->required) {
            fputs(sep, out);
            print_json_str(field->name, out);
            sep = ",";
        }
    if (*sep == ',' && sep[1] == '\0')
        fputs("]", out);
    if (!type->may_be_empty)
        fputs(",\"minProperties\":1", out);
}

static void print_list(const struct schema_type *type, FILE *out)
{
    fputs("\"type\":\"array\",\"items\":", out);
    print_type(type->item, NULL, out);
    if (!type->may_be_empty)
        fputs(",\"minItems\":1", out);
}

static void print_dict(const struct schema_type *type, FILE *out)
{
    fputs("\"type\":\"object\",\"additionalProperties\":", out);
    print_type(type->item, NULL, out);
    if (!type->may_be_empty)
        fputs(",\"minProperties\":1", out);
}

static void print_either(const struct schema_type *type, FILE *out)
{
    fputs("\"anyOf\":[", out);
    for (const struct schema_type *const *t = type->alternatives; *t; t++) {
        fputs(t == type->alternatives ? "" : ",", out);
        print_type(*t, NULL, out);
    }
    fputs("]", out);
}

static void print_one_or_list(const struct schema_type *type, FILE *out)
{
    fputs("\"anyOf\":[", out);
    print_type(type->item, NULL, out);
    fputs(",{", out);
    print_list(type, out);
    fputs("}]", out);
}

static void print_type(const struct schema_type *type, const char *doc, FILE *out)
{
    static void (*const print[])(const struct schema_type *, FILE *) = {
        [SCHEMA_SCALAR] = print_scalar,
        [SCHEMA_LIST] = print_list,
        [SCHEMA_ONE_OR_LIST] = print_one_or_list,
        [SCHEMA_MAP] = print_map,
        [SCHEMA_DICT] = print_dict,
        [SCHEMA_EITHER] = print_either,
    };
    fputs("{", out);
    if (type->kind != SCHEMA_ANY)
        print[type->kind](type, out);
    if (doc || type->doc) {
        fputs(type->kind == SCHEMA_ANY ? "\"description\":" : ",\"description\":", out);
        print_json_str(doc ? doc : type->doc, out);
    }
    fputs("}", out);
}

void schema_print_json(const struct schema_type *type, const char *id, const char *title, FILE *out)
{
    fputs("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"$id\":", out);
    print_json_str(id, out);
    fputs(",\"title\":", out);
    print_json_str(title, out);
    fputs(",", out);
    if (type->kind == SCHEMA_MAP)
        print_map(type, out);
    fputs("}\n", out);
}

static const struct schema_type *inner_map(const struct schema_type *type)
{
    while (type->kind == SCHEMA_LIST || type->kind == SCHEMA_ONE_OR_LIST ||
           type->kind == SCHEMA_DICT)
        type = type->item;
    if (type->kind == SCHEMA_EITHER)
        for (const struct schema_type *const *t = type->alternatives; *t; t++)
            if ((*t)->kind == SCHEMA_MAP)
                return *t;
    return type->kind == SCHEMA_MAP ? type : NULL;
}

static void print_section(const struct schema_type *type, const char *path, int level, FILE *out)
{
    fprintf(out, "\n%.*s %s\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n",
            level, "######", path);
    for (const struct schema_field *field = type->fields; field->name; field++)
        fprintf(out, "| `%s`%s | %s | %s | %s |\n", field->name,
                field->required ? " (required)" : "", name_of(field->type),
                field->fallback ? field->fallback : "", field->doc ? field->doc : "");
    for (const struct schema_field *field = type->fields; field->name; field++) {
        const struct schema_type *below = inner_map(field->type);
        char deeper[256];
        if (!below)
            continue;
        snprintf(deeper, sizeof deeper, "%s%s%s", level > 1 ? path : "", level > 1 ? "." : "",
                 field->name);
        print_section(below, deeper, level < 4 ? level + 1 : level, out);
    }
}

void schema_print_markdown(const struct schema_type *type, const char *title, FILE *out)
{
    print_section(type, title, 1, out);
}
