/* path: see path.h. The trap is order: dot segments are sought after decoding, after params are cut
 * and with an escaped slash read as a slash, because that is how the laxest upstream would read
 * them. The checks run on the decoded path too, so that %25%34%31 does not become %41 here and A
 * there. */
#include "policy/path.h"

#include "base/encode.h"

/* What one raw byte asks for. Most bytes of most paths are plain and cost one look-up. */
enum byte_class {
    BYTE_CONTROL = 0,
    BYTE_PLAIN,
    BYTE_SLASH,
    BYTE_DOT,
    BYTE_PERCENT,
    BYTE_SEMICOLON,
    BYTE_BACKSLASH,
    BYTE_EIGHT_BIT,
};

/* clang-format off */
#define C BYTE_CONTROL
#define P BYTE_PLAIN
#define E BYTE_EIGHT_BIT
#define E16 E, E, E, E, E, E, E, E, E, E, E, E, E, E, E, E
static const unsigned char byte_classes[256] = {
    C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    C, P, P, P, P, BYTE_PERCENT, P, P, P, P, P, P, P, P, BYTE_DOT, BYTE_SLASH,
    P, P, P, P, P, P, P, P, P, P, P, BYTE_SEMICOLON, P, P, P, P,
    P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P,
    P, P, P, P, P, P, P, P, P, P, P, P, BYTE_BACKSLASH, P, P, P,
    P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P,
    P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, C,
    E16, E16, E16, E16, E16, E16, E16, E16,
};
#undef C
#undef P
#undef E
#undef E16
/* clang-format on */

/* RFC 3986 section 2.3: the only escapes that mean the same as the byte itself. */
static bool is_unreserved(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* One dot leader, two dot leader, small full stop, fullwidth full stop, solidus and reverse
 * solidus: some upstreams fold them (NFKC) to the ASCII ones. */
static bool is_lookalike(int32_t c)
{
    return c == 0x2024 || c == 0x2025 || c == 0xFE52 || c == 0xFF0E || c == 0xFF0F || c == 0xFF3C;
}

struct scan {
    str in;
    size_t i;
    struct path_rules rules;
    char *out;
    size_t n;
    bool seeks_dots;  /* a segment may be one of dots: look at all of them in the end */
    bool has_percent; /* a %25 was kept: look at what follows it */
    bool has_utf8;    /* an escaped byte over 0x7F was kept: look at the code points */
};

static void put(struct scan *s, char c)
{
    s->out[s->n++] = c;
}

static void put_escape(struct scan *s, int byte)
{
    static const char digits[] = "0123456789ABCDEF";

    put(s, '%');
    put(s, digits[byte >> 4]);
    put(s, digits[byte & 15]);
}

static int escaped_byte(str in, size_t i)
{
    if (i + 2 >= in.n || in.p[i] != '%')
        return -1;
    int high = hex_digit(in.p[i + 1]), low = hex_digit(in.p[i + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static enum path_verdict scan_escape(struct scan *s)
{
    int byte = escaped_byte(s->in, s->i);

    if (byte < 0)
        return PATH_BAD_ESCAPE;
    if (byte < 0x20 || byte == 0x7F)
        return PATH_CONTROL;
    if (byte == '\\')
        return PATH_BACKSLASH;
    if (byte == '/' && !s->rules.pass_encoded_slash)
        return PATH_ENCODED_SLASH;
    if (byte == ';' && !s->rules.pass_params)
        return PATH_PARAM;
    s->i += 3;
    s->seeks_dots |= byte == '.' || byte == '/' || byte == ';';
    s->has_percent |= byte == '%';
    s->has_utf8 |= byte >= 0x80;
    if (is_unreserved(byte))
        put(s, (char)byte);
    else
        put_escape(s, byte);
    return PATH_OK;
}

static enum path_verdict scan_byte(struct scan *s, char c)
{
    switch (byte_classes[(unsigned char)c]) {
    case BYTE_SLASH:
        if (s->n == 0 || s->out[s->n - 1] != '/')
            put(s, c);
        break;
    case BYTE_DOT:
        /* In the middle of a segment it is an ordinary byte: most paths end in .js or .css. */
        s->seeks_dots |= s->n == 0 || s->out[s->n - 1] == '/';
        put(s, c);
        break;
    case BYTE_PERCENT:
        return scan_escape(s);
    case BYTE_SEMICOLON:
        if (!s->rules.pass_params)
            return PATH_PARAM;
        s->seeks_dots = true;
        put(s, c);
        break;
    case BYTE_BACKSLASH:
        return PATH_BACKSLASH;
    case BYTE_EIGHT_BIT:
        return PATH_EIGHT_BIT;
    default:
        return PATH_CONTROL;
    }
    s->i++;
    return PATH_OK;
}

static bool is_escape_of(str path, size_t i, char hex_high, char hex_low)
{
    return i + 2 < path.n && path.p[i] == '%' && path.p[i + 1] == hex_high &&
           path.p[i + 2] == hex_low;
}

/* Hex digits are unreserved, so in the output they always stand raw, however they were written. */
static bool has_double_escape(str path)
{
    for (size_t i = 0; i + 4 < path.n; i++)
        if (is_escape_of(path, i, '2', '5') && hex_digit(path.p[i + 3]) >= 0 &&
            hex_digit(path.p[i + 4]) >= 0)
            return true;
    return false;
}

/* Walks the output as the laxest reader would: %2F ends a segment, ; and %3B end its name. */
static bool has_dot_segment(str path)
{
    size_t dots = 0, others = 0;
    bool in_param = false;

    for (size_t i = 0; i <= path.n; i++) {
        bool escaped_slash = is_escape_of(path, i, '2', 'F');
        if (i == path.n || path.p[i] == '/' || escaped_slash) {
            if (others == 0 && (dots == 1 || dots == 2))
                return true;
            dots = others = 0;
            in_param = false;
            i += escaped_slash ? 2 : 0;
        } else if (path.p[i] == ';' || is_escape_of(path, i, '3', 'B')) {
            in_param = true;
        } else if (!in_param && path.p[i] == '.') {
            dots++;
        } else if (!in_param) {
            others++;
        }
    }
    return false;
}

/* Escapes over 0x7F, taken together, must be UTF-8. The output holds no raw byte over 0x7E, so a
 * run of escapes is a run of sequences: gather up to four bytes and decode. */
static enum path_verdict check_code_points(str path)
{
    for (size_t i = 0; i < path.n;) {
        int lead = escaped_byte(path, i);
        if (lead < 0x80) {
            i += lead < 0 ? 1 : 3;
            continue;
        }
        char bytes[4];
        size_t n = 0;
        for (; n < sizeof bytes; n++) {
            int byte = escaped_byte(path, i + 3 * n);
            if (byte < 0x80)
                break;
            bytes[n] = (char)byte;
        }
        size_t used = 0;
        int32_t c = utf8_next((str){bytes, n}, &used);
        if (c < 0)
            return PATH_BAD_UTF8;
        if (is_lookalike(c))
            return PATH_LOOKALIKE;
        i += 3 * used;
    }
    return PATH_OK;
}

/* Most paths are plain: one look-up a byte and one copy a run. */
static enum path_verdict scan_all(struct scan *s)
{
    while (s->i < s->in.n) {
        size_t start = s->i;
        while (s->i < s->in.n && byte_classes[(unsigned char)s->in.p[s->i]] == BYTE_PLAIN)
            s->i++;
        memcpy(s->out + s->n, s->in.p + start, s->i - start);
        s->n += s->i - start;
        if (s->i == s->in.n)
            break;
        enum path_verdict verdict = scan_byte(s, s->in.p[s->i]);
        if (verdict != PATH_OK)
            return verdict;
    }
    return PATH_OK;
}

static enum path_verdict check_output(const struct scan *s)
{
    str path = {s->out, s->n};

    if (s->has_percent && has_double_escape(path))
        return PATH_DOUBLE_ESCAPE;
    if (s->seeks_dots && has_dot_segment(path))
        return PATH_DOT_SEGMENT;
    return s->has_utf8 ? check_code_points(path) : PATH_OK;
}

enum path_verdict path_normalise(str raw, struct path_rules rules, char *out, str *path_out)
{
    struct scan s = {.in = str_upto(raw, str_find(raw, '?')), .rules = rules, .out = out};
    enum path_verdict verdict;

    *path_out = (str){NULL, 0};
    if (raw.n && memchr(raw.p, '#', raw.n))
        return PATH_FRAGMENT;
    if (s.in.n && s.in.p[0] != '/')
        return PATH_NOT_ABSOLUTE;
    if (s.in.n == 0)
        put(&s, '/');
    verdict = scan_all(&s);
    if (verdict == PATH_OK)
        verdict = check_output(&s);
    if (verdict != PATH_OK)
        return verdict;
    *path_out = (str){out, s.n};
    return PATH_OK;
}

str path_query(str raw)
{
    size_t mark = str_find(raw, '?');

    return mark == raw.n ? (str){NULL, 0} : str_from(raw, mark + 1);
}

const char *path_verdict_text(enum path_verdict verdict)
{
    static const char *const texts[] = {
        [PATH_NOT_ABSOLUTE] = "a path that does not begin with a slash",
        [PATH_OK] = "a good path",
        [PATH_FRAGMENT] = "a fragment",
        [PATH_CONTROL] = "a control byte or space",
        [PATH_EIGHT_BIT] = "a byte over 0x7E that is not escaped",
        [PATH_BACKSLASH] = "a backslash",
        [PATH_BAD_ESCAPE] = "a percent sign without two hex digits",
        [PATH_DOUBLE_ESCAPE] = "a double escape",
        [PATH_ENCODED_SLASH] = "an encoded slash",
        [PATH_PARAM] = "a path parameter",
        [PATH_DOT_SEGMENT] = "a dot segment",
        [PATH_BAD_UTF8] = "escapes that are not UTF-8",
        [PATH_LOOKALIKE] = "a look-alike of a dot or slash",
    };
    return texts[verdict];
}
