/* Findings. See findings.h. */
#include "base/findings.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/jout.h"

enum { LINE_CHARS = 160, LINE_BEFORE = 80 };

void findings_init(struct findings *f)
{
    *f = (struct findings){.per_file_cap = 20};
    arena_init(&f->arena, NULL, 0);
}

void findings_finish(struct findings *f)
{
    arena_finish(&f->arena);
    free(f->items);
    *f = (struct findings){0};
}

bool findings_is_full(const struct findings *f, str file)
{
    size_t errors = 0;
    if (f->errors < f->per_file_cap)
        return false;
    if (f->full.n && str_eq(f->full, file))
        return true;
    for (size_t i = 0; i < f->n; i++)
        errors += f->items[i].severity == FINDING_ERROR && str_eq(f->items[i].file, file);
    return errors >= f->per_file_cap;
}

/* What several things share (a test that others are like) is found wrong with each of them. */
static bool is_known(const struct findings *f, const char *code, const struct finding_at *at,
                     str message)
{
    for (size_t i = 0; at->line && i < f->n; i++) {
        const struct finding *it = &f->items[i];
        if (it->line == at->line && it->column == at->column && it->severity == FINDING_ERROR &&
            str_eq(it->file, at->file) && str_eq(it->code, str_of(code)) &&
            str_eq(it->message, message))
            return true;
    }
    return false;
}

/* ---- text of others ---------------------------------------------------------------------------
 */

static bool is_hidden(int32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

static bool is_clean(str s)
{
    for (size_t i = 0; i < s.n;)
        if (is_hidden(utf8_next(s, &i))) /* -1 is hidden too */
            return false;
    return true;
}

static size_t put_escape(char *to, int32_t c)
{
    if (c == '\n' || c == '\r' || c == '\t') {
        to[0] = '\\';
        to[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
        return 2;
    }
    return (size_t)sprintf(to, c < 0x100 ? "\\x%02X" : "\\u%04X", (unsigned)c);
}

/* A text that was cut to its first bytes may end in half a character, which is left out. */
static str clean(struct arena *a, str s)
{
    enum { MOST = 6 };
    if (is_clean(s))
        return s;
    str out = {arena_text(a, s.n * MOST + 1), 0};
    char *to = (char *)(uintptr_t)out.p;
    for (size_t i = 0; i < s.n;) {
        size_t at = i;
        int32_t c = utf8_next(s, &i);
        if (c < 0)
            continue;
        if (is_hidden(c)) {
            out.n += put_escape(to + out.n, c);
        } else {
            memcpy(to + out.n, s.p + at, i - at);
            out.n += i - at;
        }
    }
    to[out.n] = '\0';
    return out;
}

static size_t char_end(str s, size_t i)
{
    do
        i++;
    while (i < s.n && ((unsigned char)s.p[i] & 0xC0) == 0x80);
    return i;
}

/* Where the character with that number begins; 0 is the first. */
static size_t char_at(str s, size_t from, unsigned count)
{
    while (count-- > 0 && from < s.n)
        from = char_end(s, from);
    return from;
}

/* A file of one line of a megabyte may have twenty errors in it. */
static void keep_source(struct findings *f, const struct finding_at *at, struct finding *it)
{
    str line = at->source;
    if (!line.p)
        return;
    it->skipped = at->column > LINE_CHARS ? at->column - LINE_BEFORE : 0;
    size_t start = char_at(line, 0, it->skipped), end = char_at(line, start, LINE_CHARS);
    /* An ellipsis tells that the line goes on; see print_source. */
    it->source = arena_printf(&f->arena, "%s%.*s%s", start ? "..." : "", (int)(end - start),
                              line.p + start, end < line.n ? "..." : "");
}

void findings_add(struct findings *f, enum finding_severity severity, const char *code,
                  const struct finding_at *at, const char *suggestion, const char *fmt, ...)
{
    struct finding_at none = {0};
    at = at ? at : &none;
    if (severity == FINDING_ERROR && findings_is_full(f, at->file)) {
        if (!str_eq(f->full, at->file))
            f->full = arena_dup(&f->arena, at->file);
        f->errors++;
        f->dropped++;
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    str message = clean(&f->arena, arena_vprintf(&f->arena, fmt, ap));
    va_end(ap);
    if (severity == FINDING_ERROR && is_known(f, code, at, message)) {
        f->errors++;
        f->repeated++;
        return;
    }
    if (f->n == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 16;
        f->items = mem_grow(f->items, f->cap * sizeof *f->items);
    }
    f->items[f->n++] = (struct finding){
        .severity = severity,
        .code = arena_dup(&f->arena, str_of(code)),
        .file = arena_dup(&f->arena, at->file),
        .line = at->line,
        .column = at->column,
        .message = message,
        .suggestion = suggestion ? clean(&f->arena, arena_dup(&f->arena, str_of(suggestion)))
                                 : (str){NULL, 0},
    };
    keep_source(f, at, &f->items[f->n - 1]);
    f->errors += severity == FINDING_ERROR;
    f->warnings += severity == FINDING_WARNING;
}

/* A stable insertion-order tie-break: items of one place stay in the order they were found. */
static int by_place(const void *pa, const void *pb)
{
    const struct finding *a = pa, *b = pb;
    int order = str_cmp(a->file, b->file);
    if (order == 0)
        order = (a->line > b->line) - (a->line < b->line);
    if (order == 0)
        order = (a->column > b->column) - (a->column < b->column);
    /* Messages are allocated in order, but chunks are not: compare the texts as the last resort. */
    return order ? order : str_cmp(a->message, b->message);
}

void findings_sort(struct findings *f)
{
    if (f->n)
        qsort(f->items, f->n, sizeof *f->items, by_place);
}

size_t findings_told(const struct findings *f)
{
    return f->errors - f->repeated;
}

static const char *const SEVERITY[] = {"error", "warning", "note"};

/* Bytes that are no text, and characters that would move the cursor, are one ? each. */
static void print_line(str line, FILE *out)
{
    for (size_t i = 0; i < line.n;) {
        size_t at = i;
        int32_t c = utf8_next(line, &i);
        if (c == '\t')
            fputc(' ', out);
        else if (is_hidden(c))
            fputc('?', out);
        else
            fwrite(line.p + at, 1, i - at, out);
    }
}

/* What a terminal shows in color; all empty for whatever else reads. */
struct look {
    const char *severity[3], *place, *caret, *off;
};

/* NO_COLOR: see no-color.org. */
static const struct look *look_of(FILE *out)
{
    static const struct look plain = {{"", "", ""}, "", "", ""},
                             color = {{"\033[1;31m", "\033[1;33m", "\033[1;36m"},
                                      "\033[1m",
                                      "\033[1;32m",
                                      "\033[0m"};
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    bool wants = !(no && *no) && !(term && str_eq(str_of(term), STR("dumb")));

    return wants && isatty(fileno(out)) ? &color : &plain;
}

static void print_source(const struct finding *it, const struct look *look, FILE *out)
{
    unsigned before = it->skipped ? it->column - it->skipped + 3 : it->column;
    fprintf(out, "%6u | ", it->line);
    print_line(it->source, out);
    fputs("\n       | ", out);
    for (unsigned i = 1; i < before; i++)
        fputc(' ', out);
    fprintf(out, "%s^%s\n", look->caret, look->off);
}

static void print_place(const struct finding *it, const struct look *look, FILE *out)
{
    if (!it->file.n && !it->line)
        return;
    fputs(look->place, out);
    if (it->file.n)
        fprintf(out, "%.*s:", STR_ARG(it->file));
    if (it->line)
        fprintf(out, "%u:%u:", it->line, it->column);
    fprintf(out, "%s ", look->off);
}

void findings_print(const struct findings *f, FILE *out)
{
    const struct look *look = look_of(out);

    for (size_t i = 0; i < f->n; i++) {
        const struct finding *it = &f->items[i];
        print_place(it, look, out);
        fprintf(out, "%s%s:%s %.*s\n", look->severity[it->severity], SEVERITY[it->severity],
                look->off, STR_ARG(it->message));
        if (it->source.p && it->line)
            print_source(it, look, out);
        if (it->suggestion.n)
            fprintf(out, "       = %.*s\n", STR_ARG(it->suggestion));
    }
    if (f->dropped)
        fprintf(out, "and %zu more error%s in files that have %zu already\n", f->dropped,
                f->dropped == 1 ? "" : "s", f->per_file_cap);
}

static void print_json_text(str s, FILE *out)
{
    size_t cap = JOUT_ESCAPED_MAX(s.n);
    char *buf = mem_alloc(cap);
    struct jout j;
    jout_init(&j, buf, cap);
    jout_str(&j, s);
    fwrite(buf, 1, j.n, out);
    free(buf);
}

void findings_print_json(const struct findings *f, FILE *out)
{
    fputs("{\"findings\":[", out);
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *it = &f->items[i];
        fputs(i ? ",{\"file\":" : "{\"file\":", out);
        print_json_text(it->file, out);
        fprintf(out, ",\"line\":%u,\"column\":%u,\"severity\":\"%s\",\"code\":", it->line,
                it->column, SEVERITY[it->severity]);
        print_json_text(it->code, out);
        fputs(",\"message\":", out);
        print_json_text(it->message, out);
        fputs(",\"suggestion\":", out);
        if (it->suggestion.p)
            print_json_text(it->suggestion, out);
        else
            fputs("null", out);
        fputs("}", out);
    }
    fprintf(out, "],\"errors\":%zu,\"warnings\":%zu}\n", findings_told(f), f->warnings);
}

str findings_nearest(str word, const str *names, size_t n)
{
    unsigned limit = word.n < 2 ? 0 : word.n < 6 ? 1 : word.n < 12 ? 2 : 3, best = limit + 1;
    str found = {NULL, 0};
    for (size_t i = 0; i < n; i++) {
        unsigned d = str_distance(word, names[i], limit);
        if (d < best) {
            best = d;
            found = names[i];
        }
    }
    return found;
}
