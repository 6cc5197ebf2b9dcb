/* JSON writer. See jout.h. */
#include "base/jout.h"

#include <time.h>

#include "base/encode.h"

void jout_init(struct jout *j, char *buf, size_t cap)
{
    *j = (struct jout){.buf = buf, .cap = cap};
}

static bool room(struct jout *j, size_t n)
{
    if (j->overflow || j->cap - j->n < n) {
        j->overflow = true;
        return false;
    }
    return true;
}

static void put(struct jout *j, const char *p, size_t n)
{
    if (!room(j, n))
        return;
    memcpy(j->buf + j->n, p, n);
    j->n += n;
}

static void put_char(struct jout *j, char c)
{
    if (room(j, 1))
        j->buf[j->n++] = c;
}

/* Every value starts here: the comma that the value before it owes. */
static void value(struct jout *j)
{
    if (j->comma)
        put_char(j, ',');
    j->comma = true;
}

void jout_open(struct jout *j, char bracket)
{
    value(j);
    put_char(j, bracket);
    j->comma = false;
}

void jout_close(struct jout *j, char bracket)
{
    put_char(j, bracket);
    j->comma = true;
}

void jout_key(struct jout *j, str name)
{
    if (j->comma)
        put_char(j, ',');
    if (!room(j, name.n + 3))
        return;
    char *p = j->buf + j->n;
    *p++ = '"';
    memcpy(p, name.p, name.n);
    p += name.n;
    *p++ = '"';
    *p++ = ':';
    j->n += name.n + 3;
    j->comma = false;
}

/* 0: as it is; 1: needs \uXXXX or a short escape; 2: start of a multi-byte sequence. */
static unsigned char class_of[256];

__attribute__((constructor)) static void class_init(void)
{
    for (int c = 0; c < 256; c++)
        class_of[c] = c < 0x20 || c == '"' || c == '\\' || c == 0x7F ? 1 : c >= 0x80 ? 2 : 0;
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

static void put_text(struct jout *j, str s)
{
    put_char(j, '"');
    for (size_t i = 0; i < s.n;) {
        size_t start = i;
        while (i < s.n && class_of[(unsigned char)s.p[i]] == 0)
            i++;
        put(j, s.p + start, i - start);
        if (i == s.n)
            break;
        unsigned char c = (unsigned char)s.p[i];
        if (class_of[c] == 1) {
            put_escape(j, c);
            i++;
            continue;
        }
        start = i;
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

size_t jout_escaped_len(str s)
{
    size_t n = s.n + 2;
    for (size_t i = 0; i < s.n; i++)
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

static size_t digits(uint64_t v, char out[20])
{
    size_t n = 0;
    char back[20];
    do {
        back[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (size_t i = 0; i < n; i++)
        out[i] = back[n - 1 - i];
    return n;
}

void jout_uint(struct jout *j, uint64_t v)
{
    char text[20];
    value(j);
    put(j, text, digits(v, text));
}

void jout_int(struct jout *j, int64_t v)
{
    char text[20];
    value(j);
    if (v < 0)
        put_char(j, '-');
    put(j, text, digits(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, text));
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

void jout_kstr(struct jout *j, str name, str v)
{
    jout_key(j, name);
    jout_str(j, v);
}

void jout_kint(struct jout *j, str name, int64_t v)
{
    jout_key(j, name);
    jout_int(j, v);
}

void jout_kbool(struct jout *j, str name, bool v)
{
    jout_key(j, name);
    jout_bool(j, v);
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
    char text[JOUT_TIME_CHARS];
    jout_time_text(wall_us, text);
    jout_key(j, name);
    value(j);
    put_char(j, '"');
    put(j, text, sizeof text);
    put_char(j, '"');
}
