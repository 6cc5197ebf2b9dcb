/* put: bounded writing of head lines. The first write that does not fit, or a text of ours that
 * could break a line, sets `full`; the result must be dropped then. */
#ifndef PROXY_HTTP_PUT_H
#define PROXY_HTTP_PUT_H

#include "base/str.h"

struct put {
    char *buf;
    size_t cap, n;
    bool full;
};

static inline void put_str(struct put *w, str s)
{
    if (w->full || s.n > w->cap - w->n) {
        w->full = true;
        return;
    }
    if (s.n)
        memcpy(w->buf + w->n, s.p, s.n);
    w->n += s.n;
}

#define put_text(w, literal) put_str((w), STR(literal))

static inline void put_u64(struct put *w, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
    } while ((v /= 10) != 0);
    put_str(w, (str){digits + at, sizeof digits - at});
}

/* As it came, already checked by the parser. */
static inline void put_line(struct put *w, str name, str value)
{
    size_t n = name.n + value.n + 4;
    if (w->full || n > w->cap - w->n) {
        w->full = true;
        return;
    }
    char *at = w->buf + w->n;
    memcpy(at, name.p, name.n);
    at += name.n;
    *at++ = ':';
    *at++ = ' ';
    if (value.n)
        memcpy(at, value.p, value.n);
    at += value.n;
    *at++ = '\r';
    *at = '\n';
    w->n += n;
}

static inline bool put_is_safe(str value)
{
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
            return false;
    return true;
}

/* A value of ours: from a claim, a setting, a URL. */
static inline void put_safe_line(struct put *w, str name, str value)
{
    if (name.n == 0 || !put_is_safe(name) || !put_is_safe(value)) {
        w->full = true;
        return;
    }
    put_line(w, name, value);
}

#endif
