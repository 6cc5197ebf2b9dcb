/* device_csv: an inventory as CSV (RFC 4180): a header line that begins with `id`, then a line a
 * device. An empty field is a fact that is not known. Spreadsheets put a byte order mark first; it
 * is passed over. */
#include <stdlib.h>

#include "authn/device_inventory.h"
#include "base/encode.h"
#include "base/map.h"

enum { COLUMNS_MAX = DEVICE_FACTS_MAX };

struct csv {
    const struct doc_file *file;
    struct findings *findings;
    struct arena *arena;
    str rest;
    unsigned line, column; /* of the next byte */
    unsigned field_line, field_column;
    bool is_broken;
};

static void error_at(struct csv *c, unsigned line, unsigned column, const char *code,
                     const char *hint, str text)
{
    struct finding_at at = doc_place(c->file, line, column);
    findings_add(c->findings, FINDING_ERROR, code, &at, hint, "%.*s", STR_ARG(text));
}

static void field_error(struct csv *c, const char *code, const char *hint, str text)
{
    error_at(c, c->field_line, c->field_column, code, hint, text);
}

static char next(struct csv *c)
{
    char byte = c->rest.p[0];
    c->rest = str_from(c->rest, 1);
    if (byte == '\n') {
        c->line++;
        c->column = 1;
    } else if (((unsigned char)byte & 0xC0) != 0x80) {
        c->column++;
    }
    return byte;
}

static bool at_end_of_field(const struct csv *c)
{
    return !c->rest.n || c->rest.p[0] == ',' || c->rest.p[0] == '\n' ||
           (c->rest.p[0] == '\r' && (c->rest.n == 1 || c->rest.p[1] == '\n'));
}

/* Between quotes; a quote within is doubled. */
static str read_quoted(struct csv *c)
{
    char *out = arena_text(c->arena, c->rest.n);
    size_t n = 0;
    next(c);
    while (c->rest.n) {
        char byte = next(c);
        if (byte != '"') {
            out[n++] = byte;
        } else if (c->rest.n && c->rest.p[0] == '"') {
            out[n++] = next(c);
        } else if (at_end_of_field(c)) {
            return (str){out, n};
        } else {
            break;
        }
    }
    field_error(c, "quote", "a quote within a field is written twice",
                c->rest.n ? STR("something follows the closing quote of a field")
                          : STR("the quote of a field is never closed"));
    c->is_broken = true;
    return (str){out, n};
}

static str read_bare(struct csv *c)
{
    const char *begin = c->rest.p;
    while (!at_end_of_field(c))
        if (next(c) == '"' && !c->is_broken) {
            field_error(c, "quote", "put the whole field in quotes and double the one within",
                        STR("a quote in a field that does not begin with one"));
            c->is_broken = true;
        }
    return (str){begin, (size_t)(c->rest.p - begin)};
}

static str read_field(struct csv *c)
{
    c->field_line = c->line;
    c->field_column = c->column;
    return c->rest.n && c->rest.p[0] == '"' ? read_quoted(c) : read_bare(c);
}

/* True when another field of the same line follows. */
static bool read_comma(struct csv *c)
{
    if (c->rest.n && c->rest.p[0] == ',') {
        next(c);
        return true;
    }
    if (c->rest.n && c->rest.p[0] == '\r')
        next(c);
    if (c->rest.n)
        next(c);
    return false;
}

static void check_column(struct csv *c, const str *columns, size_t n, str name)
{
    char room[160];
    struct arena *a = c->arena;
    if (n == 0 && !str_eq(name, STR("id")))
        field_error(c, "no-id", NULL,
                    arena_printf(a, "the first column must be id, not \"%.*s\"",
                                 STR_ARG(str_upto(name, 80))));
    else if (n > 0 && !inventory_is_known(name))
        field_error(c, "unknown-key", inventory_hint(name, room, sizeof room).p,
                    arena_printf(a, "unknown column \"%.*s\"", STR_ARG(str_upto(name, 80))));
    for (size_t i = 0; i < n; i++)
        if (str_eq(columns[i], name))
            field_error(c, "duplicate-key", NULL,
                        arena_printf(a, "the column \"%.*s\" stands here a second time",
                                     STR_ARG(str_upto(name, 80))));
}

static size_t read_header(struct csv *c, str columns[COLUMNS_MAX])
{
    size_t n = 0;
    do {
        str name = read_field(c);
        if (n == COLUMNS_MAX) {
            field_error(c, "too-many", NULL, STR("more than 64 columns"));
            return 0;
        }
        check_column(c, columns, n, name);
        columns[n++] = name;
    } while (!c->is_broken && read_comma(c));
    return n;
}

static bool read_value(struct csv *c, struct inventory_row *row, str column, str text, bool is_id)
{
    const char *why = NULL;
    if (is_id)
        why = inventory_row_id(row, text);
    else if (text.n)
        why = inventory_row_set(row, column, text);
    if (why)
        field_error(c, "bad-value", NULL,
                    arena_printf(c->arena, "\"%.*s\" %s", STR_ARG(str_upto(text, 80)), why));
    return !why;
}

static bool is_second(struct csv *c, struct map *ids, struct inventory_row *row, unsigned line)
{
    if (map_add(ids, row->device.id, (void *)(uintptr_t)line))
        return false;
    error_at(c, line, 1, "duplicate-key", NULL,
             arena_printf(c->arena, "the device \"%.*s\" stands in line %u already",
                          STR_ARG(row->device.id),
                          (unsigned)(uintptr_t)map_get(ids, row->device.id)));
    return true;
}

static void read_line(struct csv *c, struct inventory_row *row, struct map *ids, const str *columns,
                      size_t n)
{
    unsigned line = c->line;
    size_t i = 0;
    bool good = true;
    do {
        str text = read_field(c);
        if (i < n)
            good &= read_value(c, row, columns[i], text, i == 0);
        i++;
    } while (!c->is_broken && read_comma(c));
    if (c->is_broken)
        return;
    if (i != n)
        error_at(c, line, 1, "wrong-count", NULL,
                 arena_printf(c->arena, "%zu fields where the header has %zu", i, n));
    else if (good && !is_second(c, ids, row, line) && !inventory_row_end(row))
        error_at(c, line, 1, "too-many", NULL,
                 arena_printf(c->arena, "more than %d devices", DEVICE_TABLE_MAX));
}

static bool is_text(struct csv *c)
{
    if (c->rest.n > INVENTORY_CSV_MAX) {
        error_at(c, 1, 1, "too-long", NULL, STR("an inventory has at most 32 MiB"));
        return false;
    }
    if (utf8_valid(c->rest))
        return true;
    error_at(c, 1, 1, "bad-utf8", "save it as UTF-8", STR("the file is not valid UTF-8"));
    return false;
}

/* An empty line is not a device: editors leave one at the end. */
static bool skip_empty(struct csv *c)
{
    bool is_crlf = c->rest.n > 1 && c->rest.p[0] == '\r' && c->rest.p[1] == '\n';
    if (!is_crlf && c->rest.p[0] != '\n')
        return false;
    read_comma(c);
    return true;
}

void inventory_read_csv(struct device_table *t, const struct doc_file *file, int64_t written_s,
                        struct findings *f)
{
    struct arena a;
    struct map ids;
    str columns[COLUMNS_MAX];
    struct csv c = {.file = file, .findings = f, .arena = &a, .line = 1, .column = 1};
    c.rest = str_starts(file->bytes, STR("\xEF\xBB\xBF")) ? str_from(file->bytes, 3) : file->bytes;
    arena_init(&a, NULL, 0);
    map_init(&ids);
    size_t before = f->errors;
    size_t n = is_text(&c) ? read_header(&c, columns) : 0;
    bool has_header = n && f->errors == before;
    struct inventory_row *row = mem_alloc(sizeof *row);
    while (has_header && c.rest.n && !c.is_broken && !findings_is_full(f, file->name)) {
        if (skip_empty(&c))
            continue;
        inventory_row_begin(row, t, written_s);
        read_line(&c, row, &ids, columns, n);
    }
    free(row);
    map_finish(&ids);
    arena_finish(&a);
}
