/* jout: writes JSON into a buffer of the caller; never allocates.
 *
 * When the room ends, `overflow` is set, nothing further is written and the result must be
 * dropped. Commas are placed by the writer. Any bytes may be given as text: what is not valid UTF-8
 * is written as U+FFFD escapes, control bytes and quotes escaped, so a line of output stays a line.
 */
#ifndef BASE_JOUT_H
#define BASE_JOUT_H

#include "base/str.h"

struct jout {
    char *buf;
    size_t cap, n;
    bool overflow;
    bool comma; /* a comma is due before the next value */
};

void jout_init(struct jout *j, char *buf, size_t cap);

/* Where the next n bytes go, or NULL; the caller writes them and moves j->n on. */
static inline char *jout_room(struct jout *j, size_t n)
{
    if (j->cap - j->n >= n)
        return j->buf + j->n;
    j->overflow = true;
    j->cap = j->n; /* nothing later may fit either: there would be a hole */
    return NULL;
}

static inline void jout_open(struct jout *j, char bracket) /* '{' or '[' */
{
    char *p = jout_room(j, 2);
    if (!p)
        return;
    *p = ',';
    p += j->comma;
    *p++ = bracket;
    j->n = (size_t)(p - j->buf);
    j->comma = false;
}

static inline void jout_close(struct jout *j, char bracket) /* '}' or ']' */
{
    char *p = jout_room(j, 1);
    if (!p)
        return;
    *p = bracket;
    j->n++;
    j->comma = true;
}

/* A member name; must be plain ASCII without escapes (our own constant names). */
static inline void jout_key(struct jout *j, str name)
{
    char *p = jout_room(j, name.n + 4);
    if (!p)
        return;
    *p = ',';
    p += j->comma;
    *p++ = '"';
    memcpy(p, name.p, name.n); /* inline, so that a constant name is a store or two */
    p += name.n;
    *p++ = '"';
    *p++ = ':';
    j->n = (size_t)(p - j->buf);
    j->comma = false;
}

void jout_key_text(struct jout *j, str name); /* any bytes */
void jout_str(struct jout *j, str s);
void jout_int(struct jout *j, int64_t v);
void jout_uint(struct jout *j, uint64_t v);
void jout_bool(struct jout *j, bool v);
void jout_null(struct jout *j);
/* Ready JSON (one whole value), or ready members ("a":1,"b":2) inside an object. */
void jout_raw(struct jout *j, str json);
str jout_text(const struct jout *j);

/* A text of our own making in which nothing can need an escape: a constant, hex, an address. It is
 * not looked at, so never one that came from outside. */
static inline void jout_plain(struct jout *j, str s)
{
    char *p = jout_room(j, s.n + 3);
    if (!p)
        return;
    *p = ',';
    p += j->comma;
    *p++ = '"';
    memcpy(p, s.p, s.n);
    p += s.n;
    *p++ = '"';
    j->n = (size_t)(p - j->buf);
    j->comma = true;
}

/* name and value in one. */
static inline void jout_kplain(struct jout *j, str name, str value)
{
    jout_key(j, name);
    jout_plain(j, value);
}

static inline void jout_kstr(struct jout *j, str name, str value)
{
    jout_key(j, name);
    jout_str(j, value);
}

static inline void jout_kint(struct jout *j, str name, int64_t value)
{
    jout_key(j, name);
    jout_int(j, value);
}

static inline void jout_kbool(struct jout *j, str name, bool value)
{
    jout_key(j, name);
    jout_bool(j, value);
}

/* UTC with microseconds: 2026-11-25T09:30:00.000000Z, 27 characters. */
enum { JOUT_TIME_CHARS = 27 };
void jout_time_text(int64_t wall_us, char out[JOUT_TIME_CHARS]);
void jout_ktime(struct jout *j, str name, int64_t wall_us);
/* Largest length of the escaped form of n bytes, quotes included. */
#define JOUT_ESCAPED_MAX(n) (6 * (n) + 2)
/* No less than the length of this very text escaped, quotes included, and mostly exactly that. */
size_t jout_escaped_len(str s);

#endif
