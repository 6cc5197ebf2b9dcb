/* YAML events -> tree. See doc.h.
 *
 * The trap: libyaml's marks are 0-based and count characters, and stand at 0:0 for encoding errors,
 * where the place has to be computed from problem_offset. */
#include "base/doc_impl.h"

#include <stdlib.h>

#include "base/map.h"

struct child {
    struct doc_node *key, *value;
};

/* Children of the nodes that are open, innermost last: the tree itself takes only what it keeps. */
struct children {
    struct child *items;
    size_t n, cap;
};

/* Mappings are small, and looking back is cheaper than a map; past this many keys it is not. */
enum { FEW_KEYS = 16 };

struct parse {
    struct arena *arena;
    const struct doc_file *file;
    struct findings *findings;
    yaml_parser_t yaml;
    struct children open;
    const struct doc_node *bracket; /* the innermost [ or { that is open */
    bool failed;
};

struct finding_at doc_place_of_offset(const struct doc_file *file, size_t offset)
{
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < offset && i < file->bytes.n; i++) {
        unsigned char c = (unsigned char)file->bytes.p[i];
        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xC0) != 0x80) {
            column++;
        }
    }
    return doc_place(file, line, column);
}

static void parse_error(struct parse *p, const struct finding_at *at, const char *code,
                        const char *suggestion, const char *message)
{
    findings_add(p->findings, FINDING_ERROR, code, at, suggestion, "%s", message);
    p->failed = true;
}

static void event_error(struct parse *p, const yaml_event_t *e, const char *code,
                        const char *suggestion, const char *message)
{
    struct finding_at at =
        doc_place(p->file, (unsigned)e->start_mark.line + 1, (unsigned)e->start_mark.column + 1);
    parse_error(p, &at, code, suggestion, message);
}

static bool next(struct parse *p, yaml_event_t *e)
{
    if (p->failed)
        return false;
    if (!yaml_parser_parse(&p->yaml, e)) {
        doc_problem(&p->yaml, p->file, p->bracket, p->findings);
        p->failed = true;
        return false;
    }
    return true;
}

static struct doc_node *node_new(struct parse *p, enum doc_kind kind, const yaml_event_t *e)
{
    struct doc_node *n = arena_new(p->arena, struct doc_node);
    n->kind = (uint8_t)kind;
    n->file = p->file;
    n->line = (unsigned)e->start_mark.line + 1;
    n->column = (unsigned)e->start_mark.column + 1;
    return n;
}

static struct doc_node *read_node(struct parse *p, yaml_event_t *e, unsigned depth);

/* The first key of that text among the children from `start` on, which become `seen` when they are
 * many: a file of fifty thousand keys takes no time either. */
static const struct doc_node *find_key(struct parse *p, size_t start, struct map *seen, str text)
{
    const struct child *items = p->open.items;

    if (p->open.n - start <= FEW_KEYS) {
        for (size_t i = start; i < p->open.n; i++)
            if (str_eq(items[i].key->text, text))
                return items[i].key;
        return NULL;
    }
    for (size_t i = start + (seen->n ? p->open.n - start - 1 : 0); i < p->open.n; i++)
        map_add(seen, items[i].key->text, items[i].key);
    return map_get(seen, text);
}

static void check_duplicate(struct parse *p, size_t start, struct map *seen, struct doc_node *key)
{
    const struct doc_node *first = find_key(p, start, seen, key->text);

    if (first)
        doc_error(p->findings, key, "duplicate-key", NULL,
                  "key \"%.*s\" stands here a second time; the first is in line %u",
                  STR_ARG(key->text), first->line);
}

/* Takes the children from `start` on. */
static void fill(struct parse *p, struct doc_node *node, size_t start)
{
    size_t n = p->open.n - start;
    const struct child *first = n ? p->open.items + start : NULL;

    node->n = (uint32_t)n;
    node->items = arena_array(p->arena, struct doc_node *, n ? n : 1);
    if (node->kind == DOC_MAP)
        node->keys = arena_array(p->arena, struct doc_node *, n ? n : 1);
    for (size_t i = 0; i < n; i++) {
        node->items[i] = first[i].value;
        if (node->keys)
            node->keys[i] = first[i].key;
    }
    p->open.n = start;
}

static void add_child(struct parse *p, struct child child)
{
    struct children *c = &p->open;

    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 256;
        c->items = mem_grow(c->items, c->cap * sizeof *c->items);
    }
    c->items[c->n++] = child;
}

/* A mapping's key: a plain or quoted scalar, and never the merge key. */
static struct doc_node *read_key(struct parse *p, yaml_event_t *e, unsigned depth)
{
    if (e->type != YAML_SCALAR_EVENT && e->type != YAML_ALIAS_EVENT) {
        event_error(p, e, "key", "write key: value", "a key must be one text");
        return NULL;
    }
    struct doc_node *key = read_node(p, e, depth);
    if (key && key->is_plain && str_eq(key->text, STR("<<"))) {
        doc_error(p->findings, key, "merge-key", "write the keys out",
                  "merge keys (<<) are not supported");
        p->failed = true;
        return NULL;
    }
    return key;
}

/* One child, and for a mapping its key before it. */
static bool read_child(struct parse *p, struct doc_node *node, yaml_event_t *e, size_t start,
                       struct map *seen, unsigned depth)
{
    struct child c = {0};
    if (node->kind == DOC_MAP) {
        c.key = read_key(p, e, depth);
        yaml_event_delete(e);
        if (!c.key || !next(p, e))
            return false;
        check_duplicate(p, start, seen, c.key);
    }
    c.value = read_node(p, e, depth);
    yaml_event_delete(e);
    if (c.value)
        add_child(p, c);
    return c.value;
}

/* Children until the closing event, in order. */
static bool read_children(struct parse *p, struct doc_node *node, yaml_event_type_t end,
                          unsigned depth)
{
    size_t start = p->open.n;
    struct map seen;
    bool good = false;
    yaml_event_t e;
    map_init(&seen);
    while (next(p, &e)) {
        if (e.type == end) {
            yaml_event_delete(&e);
            fill(p, node, start);
            good = true;
            break;
        }
        if (!read_child(p, node, &e, start, &seen, depth))
            break;
    }
    map_finish(&seen);
    return good;
}

static const char NO_TAG[] = "leave it out: a value is typed by its place";

static struct doc_node *read_scalar(struct parse *p, const yaml_event_t *e)
{
    if (e->data.scalar.anchor || e->data.scalar.tag) {
        event_error(p, e, e->data.scalar.anchor ? "anchor" : "tag",
                    e->data.scalar.anchor ? "write the value where it is needed" : NO_TAG,
                    e->data.scalar.anchor ? "anchors are not supported" : "tags are not supported");
        return NULL;
    }
    struct doc_node *n = node_new(p, DOC_SCALAR, e);
    n->is_plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    n->is_flow = p->bracket != NULL;
    n->text = arena_dup(p->arena, (str){(char *)e->data.scalar.value, e->data.scalar.length});
    return n;
}

static struct doc_node *read_branch(struct parse *p, const yaml_event_t *e, unsigned depth)
{
    bool is_map = e->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *anchor =
        is_map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor;
    const yaml_char_t *tag = is_map ? e->data.mapping_start.tag : e->data.sequence_start.tag;
    if (anchor || tag) {
        event_error(p, e, anchor ? "anchor" : "tag",
                    anchor ? "write the value where it is needed" : NO_TAG,
                    anchor ? "anchors are not supported" : "tags are not supported");
        return NULL;
    }
    if (depth >= DOC_MAX_DEPTH) {
        event_error(p, e, "depth", NULL, "nested deeper than 16 levels");
        return NULL;
    }
    bool is_flow = is_map ? e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                          : e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    struct doc_node *n = node_new(p, is_map ? DOC_MAP : DOC_LIST, e);
    const struct doc_node *around = p->bracket;
    p->bracket = is_flow ? n : around;
    bool good =
        read_children(p, n, is_map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, depth + 1);
    p->bracket = around;
    return good ? n : NULL;
}

static struct doc_node *read_node(struct parse *p, yaml_event_t *e, unsigned depth)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(p, e);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return read_branch(p, e, depth);
    case YAML_ALIAS_EVENT:
        event_error(p, e, "alias", "write the value out, or quote the text if * is meant",
                    "aliases are not supported");
        return NULL;
    default:
        event_error(p, e, "yaml", NULL, "a value was expected here");
        return NULL;
    }
}

/* stream start, document start, one node, document end, stream end. */
static struct doc_node *read_document(struct parse *p)
{
    yaml_event_t e;
    struct doc_node *root = NULL;
    for (;;) {
        if (!next(p, &e))
            return NULL;
        yaml_event_type_t type = e.type;
        if (type == YAML_DOCUMENT_START_EVENT && root)
            event_error(p, &e, "second-document", "put it into a file of its own",
                        "a second document starts here");
        else if (type >= YAML_ALIAS_EVENT && type <= YAML_MAPPING_START_EVENT)
            root = read_node(p, &e, 0);
        else if (type == YAML_DOCUMENT_START_EVENT &&
                 (e.data.document_start.version_directive ||
                  e.data.document_start.tag_directives.start !=
                      e.data.document_start.tag_directives.end))
            event_error(p, &e, "directive", "remove the line", "YAML directives are not supported");
        yaml_event_delete(&e);
        if (type == YAML_STREAM_END_EVENT || p->failed)
            break;
    }
    if (!root && !p->failed) {
        struct finding_at at = doc_place(p->file, 1, 1);
        parse_error(p, &at, "empty", NULL, "the file is empty");
    }
    return p->failed ? NULL : root;
}

struct doc_node *doc_parse(struct arena *a, const struct doc_file *file, struct findings *f)
{
    struct parse p = {.arena = a, .file = file, .findings = f};
    if (!doc_check_bytes(file, f) || !yaml_parser_initialize(&p.yaml))
        return NULL;
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)file->bytes.p, file->bytes.n);
    struct doc_node *root = read_document(&p);
    yaml_parser_delete(&p.yaml);
    free(p.open.items);
    return root;
}
