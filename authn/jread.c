/* Strict JSON, read in place. See jread.h. */
#include "authn/jread.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/encode.h"

/* Objects up to this size are searched for duplicates by comparing, larger ones by hash: else a
 * token full of short names would cost the square of its length before anything is proved. */
enum { FEW_MEMBERS = 12 };

struct reader {
    char *p, *end;
    struct arena *arena; /* NULL: check the form only */
    unsigned depth;
    bool has_control;
};

static bool read_value(struct reader *r, struct jnode *out);

static void skip_space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static bool take_char(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static bool read_hex4(struct reader *r, uint32_t *out)
{
    uint32_t v = 0;
    if (r->end - r->p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(r->p[i]);
        if (digit < 0)
            return false;
        v = v << 4 | (uint32_t)digit;
    }
    r->p += 4;
    *out = v;
    return true;
}

/* After "\u": one code point, from one escape or a pair of them. */
static bool read_code_point(struct reader *r, uint32_t *out)
{
    uint32_t low;
    if (!read_hex4(r, out))
        return false;
    if (*out >= 0xD800 && *out <= 0xDBFF) {
        if (!take_char(r, '\\') || !take_char(r, 'u') || !read_hex4(r, &low) || low < 0xDC00 ||
            low > 0xDFFF)
            return false;
        *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
        return true;
    }
    /* A lone low surrogate is no character; U+0000 ends texts of C readers behind us. */
    return (*out < 0xDC00 || *out > 0xDFFF) && *out != 0;
}

static char *put_utf8(char *o, uint32_t v)
{
    if (v < 0x80) {
        *o++ = (char)v;
    } else if (v < 0x800) {
        *o++ = (char)(0xC0 | v >> 6);
        *o++ = (char)(0x80 | (v & 63));
    } else if (v < 0x10000) {
        *o++ = (char)(0xE0 | v >> 12);
        *o++ = (char)(0x80 | (v >> 6 & 63));
        *o++ = (char)(0x80 | (v & 63));
    } else {
        *o++ = (char)(0xF0 | v >> 18);
        *o++ = (char)(0x80 | (v >> 12 & 63));
        *o++ = (char)(0x80 | (v >> 6 & 63));
        *o++ = (char)(0x80 | (v & 63));
    }
    return o;
}

static bool is_control(uint32_t v)
{
    return v < 0x20 || (v >= 0x7F && v <= 0x9F);
}

/* After "\": writes what the escape stands for. */
static bool read_escape(struct reader *r, char **o)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint32_t v;
    if (r->p == r->end)
        return false;
    char c = *r->p++;
    if (c == 'u') {
        if (!read_code_point(r, &v))
            return false;
    } else {
        const char *hit = c ? strchr(from, c) : NULL;
        if (!hit)
            return false;
        v = (unsigned char)to[hit - from];
    }
    r->has_control |= is_control(v);
    *o = put_utf8(*o, v);
    return true;
}

/* A character past ASCII: checked and moved as it is. */
static bool read_wide(struct reader *r, char **o)
{
    size_t i = 0;
    int32_t v = utf8_next((str){r->p, (size_t)(r->end - r->p)}, &i);
    if (v < 0)
        return false;
    r->has_control |= is_control((uint32_t)v);
    memmove(*o, r->p, i);
    *o += i;
    r->p += i;
    return true;
}

static bool read_string(struct reader *r, str *out)
{
    if (!take_char(r, '"'))
        return false;
    char *start = r->p, *o = r->p;
    while (r->p < r->end) {
        unsigned char c = (unsigned char)*r->p;
        if (c == '"') {
            *out = (str){start, (size_t)(o - start)};
            r->p++;
            return true;
        }
        if (c < 0x20)
            return false;
        if (c == '\\') {
            r->p++;
            if (!read_escape(r, &o))
                return false;
        } else if (c >= 0x80) {
            if (!read_wide(r, &o))
                return false;
        } else {
            r->has_control |= c == 0x7F;
            *o++ = (char)c;
            r->p++;
        }
    }
    return false;
}

static bool read_digits(struct reader *r)
{
    char *start = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > start;
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool scan_number(struct reader *r, bool *is_real)
{
    take_char(r, '-');
    if (!take_char(r, '0') && !read_digits(r))
        return false;
    *is_real = false;
    if (take_char(r, '.')) {
        *is_real = true;
        if (!read_digits(r))
            return false;
    }
    if (take_char(r, 'e') || take_char(r, 'E')) {
        *is_real = true;
        if (!take_char(r, '+'))
            take_char(r, '-');
        if (!read_digits(r))
            return false;
    }
    return true;
}

/* A number that fits neither type would be read as another value by somebody. */
static bool number_value(str text, bool is_real, double *out)
{
    char buf[JREAD_MAX_NUMBER + 1];
    if (text.n > JREAD_MAX_NUMBER)
        return false;
    memcpy(buf, text.p, text.n);
    buf[text.n] = '\0';
    errno = 0;
    if (is_real) {
        *out = strtod(buf, NULL);
        return isfinite(*out);
    }
    *out = (double)strtoll(buf, NULL, 10);
    return errno == 0;
}

static bool read_number(struct reader *r, struct jnode *out)
{
    char *start = r->p;
    bool is_real;
    double value;
    if (!scan_number(r, &is_real))
        return false;
    out->kind = is_real ? J_REAL : J_INTEGER;
    out->text = (str){start, (size_t)(r->p - start)};
    return number_value(out->text, is_real, &value);
}

static bool read_word(struct reader *r, struct jnode *out, str word, enum jkind kind)
{
    if ((size_t)(r->end - r->p) < word.n || memcmp(r->p, word.p, word.n) != 0)
        return false;
    out->kind = kind;
    out->text = (str){r->p, word.n};
    r->p += word.n;
    return true;
}

static bool has_duplicates_hashed(struct arena *a, const struct jnode *object)
{
    size_t slots = 64;
    while (slots < 2 * object->n)
        slots *= 2;
    const struct jnode **table = arena_array(a, const struct jnode *, slots);
    for (const struct jnode *m = object->first; m; m = m->next) {
        size_t i = (size_t)str_hash(m->name) & (slots - 1);
        for (; table[i]; i = (i + 1) & (slots - 1))
            if (str_eq(table[i]->name, m->name))
                return true;
        table[i] = m;
    }
    return false;
}

static bool has_duplicates(struct arena *a, const struct jnode *object)
{
    if (object->n > FEW_MEMBERS)
        return has_duplicates_hashed(a, object);
    for (const struct jnode *m = object->first; m; m = m->next)
        for (const struct jnode *o = m->next; o; o = o->next)
            if (str_eq(m->name, o->name))
                return true;
    return false;
}

static bool read_name(struct reader *r, str *out)
{
    if (!read_string(r, out))
        return false;
    skip_space(r);
    return take_char(r, ':');
}

/* One child, kept in the tree when there is one. */
static bool read_child(struct reader *r, struct jnode *parent, struct jnode ***tail)
{
    struct jnode scratch = {0};
    struct jnode *child = r->arena ? arena_new(r->arena, struct jnode) : &scratch;
    if (parent->kind == J_OBJECT && !read_name(r, &child->name))
        return false;
    skip_space(r);
    if (!read_value(r, child))
        return false;
    skip_space(r);
    parent->n++;
    if (r->arena) {
        **tail = child;
        *tail = &child->next;
    }
    return true;
}

static bool read_children(struct reader *r, struct jnode *out, char closing)
{
    struct jnode **tail = &out->first;
    r->p++;
    skip_space(r);
    if (take_char(r, closing))
        return true;
    do {
        skip_space(r);
        if (!read_child(r, out, &tail))
            return false;
    } while (take_char(r, ','));
    return take_char(r, closing);
}

static bool read_container(struct reader *r, struct jnode *out)
{
    bool is_object = *r->p == '{';
    out->kind = is_object ? J_OBJECT : J_LIST;
    if (++r->depth > JREAD_MAX_DEPTH || !read_children(r, out, is_object ? '}' : ']'))
        return false;
    r->depth--;
    return !r->arena || !is_object || !has_duplicates(r->arena, out);
}

static bool read_value(struct reader *r, struct jnode *out)
{
    if (r->p == r->end)
        return false;
    switch (*r->p) {
    case '{':
    case '[':
        return read_container(r, out);
    case '"':
        out->kind = J_STRING;
        return read_string(r, &out->text);
    case 't':
        return read_word(r, out, STR("true"), J_BOOL);
    case 'f':
        return read_word(r, out, STR("false"), J_BOOL);
    case 'n':
        return read_word(r, out, STR("null"), J_NULL);
    default:
        return read_number(r, out);
    }
}

static bool at_end(struct reader *r)
{
    skip_space(r);
    return r->p == r->end;
}

struct jnode *jread_object(struct arena *a, char *bytes, size_t n, bool *has_control)
{
    struct reader r = {.p = bytes, .end = bytes + n, .arena = a};
    struct jnode *root = arena_new(a, struct jnode);
    skip_space(&r);
    if (!read_value(&r, root) || root->kind != J_OBJECT || !at_end(&r))
        return NULL;
    if (has_control)
        *has_control = r.has_control;
    return root;
}

const struct jnode *jread_get(const struct jnode *object, const char *name)
{
    str wanted = str_of(name);
    if (!object || object->kind != J_OBJECT)
        return NULL;
    for (const struct jnode *m = object->first; m; m = m->next)
        if (str_eq(m->name, wanted))
            return m;
    return NULL;
}

str jread_text(const struct jnode *object, const char *name)
{
    const struct jnode *m = jread_get(object, name);
    return m && m->kind == J_STRING ? m->text : (str){NULL, 0};
}

bool jread_number(const struct jnode *node, double *out)
{
    if (!node || (node->kind != J_INTEGER && node->kind != J_REAL))
        return false;
    return number_value(node->text, node->kind == J_REAL, out);
}

bool jread_is_texts(const struct jnode *node)
{
    if (!node || node->kind != J_LIST)
        return false;
    for (const struct jnode *m = node->first; m; m = m->next)
        if (m->kind != J_STRING)
            return false;
    return true;
}

static bool peek_member(struct reader *r, const char *const *names, str *texts, size_t count,
                        uint32_t *seen)
{
    struct jnode value = {0};
    str name;
    if (!read_name(r, &name))
        return false;
    skip_space(r);
    if (!read_value(r, &value))
        return false;
    skip_space(r);
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(name, str_of(names[i])))
            continue;
        if (*seen & 1u << i)
            return false;
        *seen |= 1u << i;
        if (value.kind == J_STRING)
            texts[i] = value.text;
    }
    return true;
}

bool jread_peek(char *bytes, size_t n, const char *const *names, str *texts, size_t count)
{
    struct reader r = {.p = bytes, .end = bytes + n, .depth = 1};
    uint32_t seen = 0;
    for (size_t i = 0; i < count; i++)
        texts[i] = (str){NULL, 0};
    skip_space(&r);
    if (!take_char(&r, '{'))
        return false;
    skip_space(&r);
    if (take_char(&r, '}'))
        return at_end(&r);
    do {
        skip_space(&r);
        if (!peek_member(&r, names, texts, count, &seen))
            return false;
    } while (take_char(&r, ','));
    return take_char(&r, '}') && at_end(&r);
}
