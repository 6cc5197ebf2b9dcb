/* The ready scalar types of schema.h, the parsers behind them, and the readers of what was checked.
 */
#include "base/schema.h"

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

static str hint_bool(struct arena *a, const struct doc_node *node)
{
    bool is_word = str_eq(node->text, STR("true")) || str_eq(node->text, STR("false"));
    return is_word ? arena_printf(a, "write %.*s without quotes", STR_ARG(node->text))
                   : (str){NULL, 0};
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
const struct schema_type schema_bool = {.kind = SCHEMA_SCALAR,
                                        .name = "true or false",
                                        .check = is_bool,
                                        .hint = hint_bool,
                                        .json = "\"boolean\""};
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
