/* The tree of doc.h and the places in it. Reading is in doc_parse.c. */
#include "base/doc.h"

/* The text of one line of the file, 1-based. */
static str source_line(const struct doc_file *file, unsigned line)
{
    str rest = file->bytes;
    for (unsigned i = 1; i < line && rest.p; i++)
        str_cut(&rest, '\n');
    str text = str_cut(&rest, '\n');
    return text.n && text.p[text.n - 1] == '\r' ? str_upto(text, text.n - 1) : text;
}

struct finding_at doc_place(const struct doc_file *file, unsigned line, unsigned column)
{
    return (struct finding_at){file->name, source_line(file, line), line, column};
}

struct finding_at doc_at(const struct doc_node *node)
{
    if (!node || !node->file)
        return (struct finding_at){0};
    return doc_place(node->file, node->line, node->column);
}

static size_t index_of(const struct doc_node *map, const char *key)
{
    if (!map || map->kind != DOC_MAP)
        return SIZE_MAX;
    size_t n = strlen(key);
    for (size_t i = 0; i < map->n; i++) {
        str text = map->keys[i]->text;
        if (text.n == n && text.p[0] == key[0] && memcmp(text.p, key, n) == 0)
            return i;
    }
    return SIZE_MAX;
}

const struct doc_node *doc_get(const struct doc_node *map, const char *key)
{
    size_t i = index_of(map, key);
    return i == SIZE_MAX ? NULL : map->items[i];
}

const struct doc_node *doc_key(const struct doc_node *map, const char *key)
{
    size_t i = index_of(map, key);
    return i == SIZE_MAX ? NULL : map->keys[i];
}

str doc_text(const struct doc_node *map, const char *key)
{
    const struct doc_node *n = doc_get(map, key);
    return n && n->kind == DOC_SCALAR ? n->text : (str){NULL, 0};
}

static void add(struct findings *f, enum finding_severity severity, const struct doc_node *node,
                const char *code, const char *suggestion, const char *fmt, va_list ap)
{
    struct arena scratch;
    arena_init(&scratch, NULL, 0);
    str text = arena_vprintf(&scratch, fmt, ap);
    bool is_counted_only =
        severity == FINDING_ERROR && node && node->file && findings_is_full(f, node->file->name);
    /* Looking for the source line takes a walk through the file: not for what nobody will see. */
    struct finding_at at =
        is_counted_only ? (struct finding_at){.file = node->file->name} : doc_at(node);
    findings_add(f, severity, code, &at, suggestion, "%s", text.p);
    arena_finish(&scratch);
}

void doc_error(struct findings *f, const struct doc_node *node, const char *code,
               const char *suggestion, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(f, FINDING_ERROR, node, code, suggestion, fmt, ap);
    va_end(ap);
}

void doc_warn(struct findings *f, const struct doc_node *node, const char *code,
              const char *suggestion, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(f, FINDING_WARNING, node, code, suggestion, fmt, ap);
    va_end(ap);
}
