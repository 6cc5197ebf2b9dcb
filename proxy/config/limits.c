/* limits: see limits.h. Every value is bounded on both sides: a limit of nothing or of everything
 * is a typing error more often than a wish. */
#include "proxy/config/limits.h"

enum limit_kind { LIMIT_SIZE, LIMIT_DURATION, LIMIT_COUNT };

struct limit {
    const char *key;
    enum limit_kind kind;
    size_t offset;
    const char *fallback, *least, *most;
};

#define ROW(key, member, kind, fallback, least, most, doc)                                         \
    {#key, LIMIT_##kind, offsetof(struct limits, member), fallback, least, most},
static const struct limit limits[] = {LIMITS(ROW)};
#undef ROW

#define TYPE_SIZE schema_size
#define TYPE_DURATION schema_duration
#define TYPE_COUNT schema_uint
#define FIELD(key, member, kind, fallback, least, most, doc)                                       \
    {#key, &TYPE_##kind, false, fallback, doc},
static const struct schema_field limit_fields[] = {LIMITS(FIELD){0}};
#undef FIELD

const struct schema_type limits_type = {
    .kind = SCHEMA_MAP,
    .name = "limits",
    .fields = limit_fields,
    .may_be_empty = true,
    .doc = "Every size and time that a client or an upstream can influence.",
};

static uint64_t number(enum limit_kind kind, str text)
{
    uint64_t u = 0;
    int64_t ms = 0;
    if (kind == LIMIT_SIZE)
        return parse_size(text, &u) ? u : 0;
    if (kind == LIMIT_DURATION)
        return parse_duration_ms(text, &ms) ? (uint64_t)ms : 0;
    return str_to_u64(text, UINT64_MAX, &u) ? u : 0;
}

static void store(struct limits *out, const struct limit *l, uint64_t value)
{
    char *at = (char *)out + l->offset;
    if (l->kind == LIMIT_DURATION)
        *(int64_t *)(void *)at = (int64_t)value;
    else
        *(size_t *)(void *)at = (size_t)value;
}

void limits_read(const struct doc_node *node, struct limits *out, struct findings *f)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const struct limit *l = &limits[i];
        const struct doc_node *at = node ? doc_get(node, l->key) : NULL;
        uint64_t value = number(l->kind, at ? at->text : str_of(l->fallback));
        uint64_t least = number(l->kind, str_of(l->least)), most = number(l->kind, str_of(l->most));
        if (value < least || value > most) {
            doc_error(f, at, "out-of-range", NULL, "%s must be between %s and %s, not \"%.*s\"",
                      l->key, l->least, l->most, STR_ARG(at->text));
            continue;
        }
        store(out, l, value);
    }
    if (out->header_bytes > out->headers_bytes)
        doc_error(f, node, "out-of-range", NULL,
                  "header must not be larger than headers, the room for all of them");
}
