/* The end of a head, found as bytes arrive, and its field lines. See h1_head.h. */
#include "proxy/http/h1_head.h"
#include "proxy/http/fields.h"
#include "proxy/http/h1_inner.h"

const struct h1_limits h1_limits_default = {8192, 20480, 65536, 100};

static enum h1_scan_result scan_bad(struct h1_scan *s, const char *id)
{
    s->verdict = s->is_response ? h1_refuse_answer(id) : h1_refuse(id);
    return H1_SCAN_BAD;
}

/* The checks below run on lines that may still grow. Each holds for every longer line too, so that
 * the verdict does not depend on how the bytes were cut into reads. */
static const char *first_line_start(const struct h1_scan *s, str line)
{
    const char *bad = s->is_response ? h1_status_prefix(line) : h1_method_prefix(line);
    if (bad)
        return bad;
    return line.n > s->limits->request_line_bytes ? "line.long" : NULL;
}

static const char *field_line_start(const struct h1_scan *s, str line)
{
    if (line.n == 0)
        return NULL;
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return "head.fold";
    if (s->fields >= s->limits->fields)
        return "head.fields-many";
    if (line.n > s->limits->field_bytes)
        return "head.field-long";
    if (s->line - s->fields_start + line.n + 2 > s->limits->fields_bytes)
        return "head.fields-long";
    return NULL;
}

static const char *line_start(const struct h1_scan *s, str line)
{
    return s->fields_start ? field_line_start(s, line) : first_line_start(s, line);
}

static const char *first_line_end(struct h1_scan *s, str line, size_t next)
{
    struct h1_request_line request;
    struct h1_status_line status;
    if (line.n == 0 && !s->is_response) {
        if (s->skipped_crlf)
            return "line.empty";
        s->skipped_crlf = true;
        return NULL;
    }
    s->fields_start = next;
    return s->is_response ? h1_status_line_parse(line, &status)
                          : h1_request_line_parse(line, &request);
}

enum h1_scan_result h1_head_end(const char *buf, size_t n, struct h1_scan *s)
{
    for (;;) {
        const char *lf = n > s->seen ? memchr(buf + s->seen, '\n', n - s->seen) : NULL;
        size_t end = lf ? (size_t)(lf - buf) : n;
        bool has_cr = end > s->line && buf[end - 1] == '\r';
        str line = {buf + s->line, end - s->line - has_cr};
        const char *bad = line_start(s, line);
        if (bad)
            return scan_bad(s, bad);
        s->seen = end;
        if (!lf)
            return H1_SCAN_MORE;
        if (!has_cr)
            return scan_bad(s, "head.bare-lf");
        s->seen = end + 1;
        if (!s->fields_start) {
            if ((bad = first_line_end(s, line, end + 1)))
                return scan_bad(s, bad);
        } else if (line.n == 0) {
            s->head_len = end + 1;
            return H1_SCAN_END;
        } else {
            s->fields++;
        }
        s->line = end + 1;
    }
}

/* Any byte below 0x20 or 0x7f, eight at a time: a bearer token is most of a head. */
static bool has_control_word(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t del = w ^ (ones * 0x7f);
    return ((((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & high) != 0;
}

static const char *value_check(str v)
{
    size_t i = 0;
    for (; i + 8 <= v.n; i += 8) {
        uint64_t w;
        memcpy(&w, v.p + i, 8);
        if (has_control_word(w))
            break;
    }
    for (; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c == '\r')
            return "head.bare-cr";
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "field.value";
    }
    return NULL;
}

static str trim_space(str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_from(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static const char *name_fault(str line, size_t colon)
{
    str name = str_upto(line, colon);
    if (str_find(line, '\r') < line.n)
        return "head.bare-cr";
    if (colon == line.n)
        return "field.no-colon";
    if (name.n == 0)
        return "field.empty-name";
    char last = name.p[name.n - 1];
    return last == ' ' || last == '\t' ? "field.space-before-colon" : "field.name";
}

static const char *field_parse(str line, bool is_response, struct http_field *out)
{
    size_t colon = str_find(line, ':');
    out->name = str_upto(line, colon);
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return "head.fold";
    if (colon == line.n || !(is_response ? fields_classify_response(out) : fields_classify(out)))
        return name_fault(line, colon);
    str value = str_from(line, colon + 1);
    const char *bad = value_check(value);
    out->value = trim_space(value);
    return bad;
}

static size_t count_lines(str s)
{
    size_t n = 0;
    for (const char *p = s.p, *end = s.p + s.n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        n++;
    return n;
}

const char *h1_line_cut(str *rest, str *line_out)
{
    size_t lf = str_find(*rest, '\n');
    if (lf == rest->n)
        return "head.end";
    if (lf == 0 || rest->p[lf - 1] != '\r')
        return "head.bare-lf";
    *line_out = str_upto(*rest, lf - 1);
    *rest = str_from(*rest, lf + 1);
    return NULL;
}

const char *h1_fields_parse(str rest, const struct h1_limits *limits, bool is_response,
                            struct arena *arena, struct http_field **out, size_t *n_out)
{
    size_t lines = count_lines(rest), n = 0, total = 0;
    if (lines > (size_t)limits->fields + 1)
        return "head.fields-many";
    struct http_field *fields = arena_alloc(arena, sizeof *fields * (lines ? lines : 1));
    for (;;) {
        str line;
        const char *bad = h1_line_cut(&rest, &line);
        if (bad)
            return bad;
        if (line.n == 0)
            break;
        if (line.n > limits->field_bytes)
            return "head.field-long";
        if ((total += line.n + 2) > limits->fields_bytes)
            return "head.fields-long";
        if ((bad = field_parse(line, is_response, &fields[n++])))
            return bad;
    }
    *out = fields;
    *n_out = n;
    return rest.n == 0 ? NULL : "head.end";
}
