#include "proxy/command/policy_walk.h"

#include <endian.h>

/* Its lowest bit that is set belongs to the first of eight bytes that is c; bits above may lie. */
static uint64_t find_byte(uint64_t word, unsigned char c)
{
    const uint64_t ones = 0x0101010101010101u;

    word ^= ones * c;
    return (word - ones) & ~word & ones << 7;
}

/* The first quote or backslash from p on, or end. */
static const char *find_mark(const char *p, const char *end)
{
    for (uint64_t word; end - p >= 8; p += 8) {
        memcpy(&word, p, 8);
        word = le64toh(word);
        uint64_t found = find_byte(word, '"') | find_byte(word, '\\');
        if (found)
            return p + __builtin_ctzll(found) / 8;
    }
    while (p < end && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* Behind the closing quote; NULL when there is none. p stands behind the opening one. */
static const char *skip_text(const char *p, const char *end)
{
    for (p = find_mark(p, end); p < end; p = find_mark(p + 2, end)) {
        if (*p == '"')
            return p + 1;
        if (end - p < 2)
            break;
    }
    return NULL;
}

static const char *skip_nested(const char *p, const char *end)
{
    size_t depth = 0;

    for (; p < end; p++) {
        if (*p == '"') {
            p = skip_text(p + 1, end);
            if (!p)
                return NULL;
            p--;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            if (--depth == 0)
                return p + 1;
        }
    }
    return NULL;
}

static const char *skip_value(const char *p, const char *end)
{
    if (p < end && *p == '"')
        return skip_text(p + 1, end);
    if (p < end && (*p == '{' || *p == '['))
        return skip_nested(p, end);
    while (p < end && *p != ',' && *p != '}' && *p != ']')
        p++;
    return p;
}

/* Our writer puts no space between tokens; whoever laid the record out anew may have. */
static void skip_space(struct walk *w)
{
    while (w->p < w->end && (*w->p == ' ' || *w->p == ',' || *w->p == '\t'))
        w->p++;
}

struct walk walk_into(str value)
{
    struct walk w = {value.p, value.p + value.n};

    if (value.n && (*w.p == '{' || *w.p == '['))
        w.p++;
    else
        w.p = w.end;
    return w;
}

bool walk_item(struct walk *w, str *value)
{
    skip_space(w);
    if (w->p >= w->end || *w->p == ']' || *w->p == '}')
        return false;
    const char *end = skip_value(w->p, w->end);
    if (!end || end == w->p)
        return false;
    *value = (str){w->p, (size_t)(end - w->p)};
    w->p = end;
    return true;
}

bool walk_member(struct walk *w, str *name, str *value)
{
    skip_space(w);
    if (w->p >= w->end || *w->p != '"')
        return false;
    const char *start = w->p + 1, *end = skip_text(start, w->end);
    if (!end || end >= w->end)
        return false;
    *name = (str){start, (size_t)(end - 1 - start)};
    w->p = end;
    skip_space(w);
    if (w->p >= w->end || *w->p != ':')
        return false;
    w->p++;
    return walk_item(w, value);
}

bool walk_is_text(str value)
{
    return value.n >= 2 && value.p[0] == '"';
}

str walk_text(str value)
{
    return walk_is_text(value) ? (str){value.p + 1, value.n - 2} : (str){NULL, 0};
}

bool walk_is_true(str value)
{
    return str_eq(value, STR("true"));
}

int64_t walk_number(str value)
{
    bool is_negative = value.n && value.p[0] == '-';
    uint64_t n = 0;

    str_to_u64(str_from(value, is_negative), INT64_MAX, &n);
    return is_negative ? -(int64_t)n : (int64_t)n;
}

str *walk_field(const struct walk_field *fields, size_t n, str name, void *object)
{
    for (size_t i = 0; name.n && i < n; i++)
        if (name.n == fields[i].name.n && name.p[0] == fields[i].name.p[0] &&
            str_eq(name, fields[i].name))
            return (str *)(void *)((char *)object + fields[i].offset);
    return NULL;
}
