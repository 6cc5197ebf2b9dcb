/* JSON writer. See jout.h. */
#include "base/jout.h"

#include <time.h>

#include "base/encode.h"

void jout_init(struct jout *j, char *buf, size_t cap)
{
    *j = (struct jout){.buf = buf, .cap = cap};
}

static void put(struct jout *j, const char *p, size_t n)
{
    char *at = jout_room(j, n);
    if (!at)
        return;
    memcpy(at, p, n);
    j->n += n;
}

static void put_char(struct jout *j, char c)
{
    char *at = jout_room(j, 1);
    if (!at)
        return;
    *at = c;
    j->n++;
}

/* Every value starts here: the comma that the value before it owes. */
static void value(struct jout *j)
{
    if (j->comma)
        put_char(j, ',');
    j->comma = true;
}

/* 0: as it is; 1: needs \uXXXX or a short escape; 2: start of a multi-byte sequence. */
static unsigned char class_of[256];

__attribute__((constructor)) static void class_init(void)
{
    for (int c = 0; c < 256; c++)
        class_of[c] = c < 0x20 || c == '"' || c == '\\' || c == 0x7F ? 1 : c >= 0x80 ? 2 : 0;
}

#define EACH(byte) (0x0101010101010101u * (uint64_t)(byte))

/* Whether one of eight bytes is not of class 0. The lowest that is can make a higher one look like
 * it, never the other way round. */
static bool is_any_special(const char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    uint64_t control = x - EACH(0x20), quote = (x ^ EACH('"')) - EACH(1),
             backslash = (x ^ EACH('\\')) - EACH(1), del = (x ^ EACH(0x7F)) - EACH(1);
    return (x | control | quote | backslash | del) & EACH(0x80);
}

/* How many bytes from `at` on are of class 0. Most texts are so to their end, and the last eight
 * bytes may be looked at twice. */
static size_t plain_run(str s, size_t at)
{
    size_t i = at;
    while (s.n - i >= 8 && !is_any_special(s.p + i))
        i += 8;
    if (i > at && s.n - i < 8 && !is_any_special(s.p + s.n - 8))
        return s.n - at;
    while (i < s.n && class_of[(unsigned char)s.p[i]] == 0)
        i++;
    return i - at;
}

static void put_escape(struct jout *j, unsigned char c)
{
    char text[6] = {'\\', 'u', '0', '0'};
    if (c == '"' || c == '\\') {
        text[1] = (char)c;
        put(j, text, 2);
        return;
    }
    hex_encode(&c, 1, text + 4);
    put(j, text, 6);
}

static void put_special_text(struct jout *j, str s)
{
    put_char(j, '"');
    for (size_t i = 0; i < s.n;) {
        size_t run = plain_run(s, i);
        put(j, s.p + i, run);
        i += run;
        if (i == s.n)
            break;
        unsigned char c = (unsigned char)s.p[i];
        if (class_of[c] == 1) {
            put_escape(j, c);
            i++;
            continue;
        }
        size_t start = i;
        int32_t point = utf8_next(s, &i);
        /* U+2028 and U+2029 end a line for some readers. */
        if (point == 0x2028 || point == 0x2029)
            put(j, point == 0x2028 ? "\\u2028" : "\\u2029", 6);
        else if (point < 0)
            put(j, "\\ufffd", 6);
        else
            put(j, s.p + start, i - start);
    }
    put_char(j, '"');
}

static void put_text(struct jout *j, str s)
{
    if (plain_run(s, 0) < s.n) {
        put_special_text(j, s);
        return;
    }
    char *p = jout_room(j, s.n + 2);
    if (!p)
        return;
    p[0] = '"';
    if (s.n)
        memcpy(p + 1, s.p, s.n);
    p[s.n + 1] = '"';
    j->n += s.n + 2;
}

size_t jout_escaped_len(str s)
{
    size_t n = s.n + 2;
    for (size_t i = plain_run(s, 0); i < s.n; i++)
        n += class_of[(unsigned char)s.p[i]] ? 5 : 0;
    return n;
}

void jout_key_text(struct jout *j, str name)
{
    if (j->comma)
        put_char(j, ',');
    put_text(j, name);
    put_char(j, ':');
    j->comma = false;
}

void jout_str(struct jout *j, str s)
{
    value(j);
    put_text(j, s);
}

static size_t count_digits(uint64_t v)
{
    size_t n = 1;
    for (uint64_t limit = 10; n < 20 && v >= limit; limit *= 10)
        n++;
    return n;
}

static const char PAIRS[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

/* Where they stay, not by way of a buffer: single bytes that are read again as words stall. Two at
 * a time, because each division waits for the one before. */
static void put_digits(struct jout *j, uint64_t v)
{
    size_t n = count_digits(v);
    char *p = jout_room(j, n);
    if (!p)
        return;
    j->n += n;
    for (; v >= 100; v /= 100)
        memcpy(p + (n -= 2), PAIRS + v % 100 * 2, 2);
    if (v >= 10)
        memcpy(p, PAIRS + v * 2, 2);
    else
        *p = (char)('0' + v);
}

void jout_uint(struct jout *j, uint64_t v)
{
    value(j);
    put_digits(j, v);
}

void jout_int(struct jout *j, int64_t v)
{
    if (v >= 0) {
        jout_uint(j, (uint64_t)v);
        return;
    }
    value(j);
    put_char(j, '-');
    put_digits(j, 0 - (uint64_t)v);
}

void jout_bool(struct jout *j, bool v)
{
    jout_raw(j, v ? STR("true") : STR("false"));
}

void jout_null(struct jout *j)
{
    jout_raw(j, STR("null"));
}

void jout_raw(struct jout *j, str json)
{
    if (json.n == 0)
        return;
    value(j);
    put(j, json.p, json.n);
}

str jout_text(const struct jout *j)
{
    return (str){j->buf, j->n};
}

static void pad(char *out, int width, int v)
{
    for (int i = width - 1; i >= 0; i--, v /= 10)
        out[i] = (char)('0' + v % 10);
}

void jout_time_text(int64_t wall_us, char out[JOUT_TIME_CHARS])
{
    /* One gmtime per second and thread: records come by the hundred thousand. */
    static _Thread_local int64_t last_s = INT64_MIN;
    static _Thread_local char last[JOUT_TIME_CHARS];
    int64_t s = wall_us / 1000000, us = wall_us % 1000000;
    if (us < 0) {
        s--;
        us += 1000000;
    }
    if (s != last_s) {
        struct tm tm;
        time_t t = (time_t)s;
        gmtime_r(&t, &tm);
        memcpy(last, "0000-00-00T00:00:00.000000Z", JOUT_TIME_CHARS);
        pad(last, 4, tm.tm_year + 1900);
        pad(last + 5, 2, tm.tm_mon + 1);
        pad(last + 8, 2, tm.tm_mday);
        pad(last + 11, 2, tm.tm_hour);
        pad(last + 14, 2, tm.tm_min);
        pad(last + 17, 2, tm.tm_sec);
        last_s = s;
    }
    memcpy(out, last, JOUT_TIME_CHARS);
    pad(out + 20, 6, (int)us);
}

void jout_ktime(struct jout *j, str name, int64_t wall_us)
{
    jout_key(j, name);
    value(j);
    char *p = jout_room(j, JOUT_TIME_CHARS + 2);
    if (!p)
        return;
    p[0] = '"';
    jout_time_text(wall_us, p + 1);
    p[JOUT_TIME_CHARS + 1] = '"';
    j->n += JOUT_TIME_CHARS + 2;
}
