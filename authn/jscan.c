/* Tokens of strict JSON. See jscan.h. */
#include "authn/jscan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/encode.h"

static bool read_hex4(struct jscan *s, uint32_t *out)
{
    uint32_t v = 0;
    if (s->end - s->p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(s->p[i]);
        if (digit < 0)
            return false;
        v = v << 4 | (uint32_t)digit;
    }
    s->p += 4;
    *out = v;
    return true;
}

/* After "\u": one code point, from one escape or a pair of them. */
static bool read_code_point(struct jscan *s, uint32_t *out)
{
    uint32_t low;
    if (!read_hex4(s, out))
        return false;
    if (*out >= 0xD800 && *out <= 0xDBFF) {
        if (!jscan_take(s, '\\') || !jscan_take(s, 'u') || !read_hex4(s, &low) || low < 0xDC00 ||
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
static bool read_escape(struct jscan *s, char **o)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint32_t v;
    if (s->p == s->end)
        return false;
    char c = *s->p++;
    if (c == 'u') {
        if (!read_code_point(s, &v))
            return false;
    } else {
        const char *hit = c ? strchr(from, c) : NULL;
        if (!hit)
            return false;
        v = (unsigned char)to[hit - from];
    }
    s->has_control |= is_control(v);
    *o = put_utf8(*o, v);
    return true;
}

/* A character past ASCII: checked and moved as it is. */
static bool read_wide(struct jscan *s, char **o)
{
    size_t i = 0;
    int32_t v = utf8_next((str){s->p, (size_t)(s->end - s->p)}, &i);
    if (v < 0)
        return false;
    s->has_control |= is_control((uint32_t)v);
    memmove(*o, s->p, i);
    *o += i;
    s->p += i;
    return true;
}

bool jscan_string(struct jscan *s, str *out)
{
    if (!jscan_take(s, '"'))
        return false;
    char *start = s->p, *o = s->p;
    while (s->p < s->end) {
        unsigned char c = (unsigned char)*s->p;
        if (c == '"') {
            *out = (str){start, (size_t)(o - start)};
            s->p++;
            return true;
        }
        if (c < 0x20)
            return false;
        if (c == '\\') {
            s->p++;
            if (!read_escape(s, &o))
                return false;
        } else if (c >= 0x80) {
            if (!read_wide(s, &o))
                return false;
        } else {
            s->has_control |= c == 0x7F;
            *o++ = (char)c;
            s->p++;
        }
    }
    return false;
}

static bool read_digits(struct jscan *s)
{
    char *start = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > start;
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool pass_number(struct jscan *s, bool *is_real)
{
    jscan_take(s, '-');
    if (!jscan_take(s, '0') && !read_digits(s))
        return false;
    *is_real = false;
    if (jscan_take(s, '.')) {
        *is_real = true;
        if (!read_digits(s))
            return false;
    }
    if (jscan_take(s, 'e') || jscan_take(s, 'E')) {
        *is_real = true;
        if (!jscan_take(s, '+'))
            jscan_take(s, '-');
        if (!read_digits(s))
            return false;
    }
    return true;
}

bool jscan_number_value(str text, bool is_real, double *out)
{
    char buf[JSCAN_MAX_NUMBER + 1];
    if (text.n > JSCAN_MAX_NUMBER)
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

bool jscan_number(struct jscan *s, str *out, bool *is_real)
{
    char *start = s->p;
    double value;
    if (!pass_number(s, is_real))
        return false;
    *out = (str){start, (size_t)(s->p - start)};
    return jscan_number_value(*out, *is_real, &value);
}

bool jscan_word(struct jscan *s, str word)
{
    if ((size_t)(s->end - s->p) < word.n || memcmp(s->p, word.p, word.n) != 0)
        return false;
    s->p += word.n;
    return true;
}
