/* str: a slice of bytes, pointer and length.
 *
 * Text from outside is a str and never NUL-terminated by hope. A str owns nothing: it is valid as
 * long as the buffer, arena or literal it points into. {NULL, 0} is the absent string; an empty
 * present string has a non-NULL pointer. Any thread. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const char *p;
    size_t n;
} str;

#define STR(literal) ((str){("" literal), sizeof(literal) - 1})
/* For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline str str_of(const char *cstr)
{
    return cstr ? (str){cstr, strlen(cstr)} : (str){NULL, 0};
}

static inline bool str_eq(str a, str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline str str_from(str s, size_t start)
{
    return start >= s.n ? (str){s.p ? s.p + s.n : NULL, 0} : (str){s.p + start, s.n - start};
}

static inline str str_upto(str s, size_t end)
{
    return (str){s.p, end < s.n ? end : s.n};
}

/* ASCII case folding only: host names, header names and media types are ASCII. */
static inline char str_lower_char(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(str a, str b);
bool str_starts(str s, str prefix);
bool str_ends(str s, str suffix);
int str_cmp(str a, str b);
/* Index of the first c, or s.n when there is none. */
size_t str_find(str s, char c);
size_t str_rfind(str s, char c);
bool str_contains(str s, str needle);
/* Without leading and trailing bytes of `set` (a C string). */
str str_trim(str s, const char *set);
/* Cuts *rest at the first `sep`: returns what is before, leaves in *rest what is after
 * ({NULL, 0} when there was none). Loop: `while (rest.p) part = str_cut(&rest, ',')`. */
str str_cut(str *rest, char sep);
/* Whole string a decimal number within [0, max], no sign, no space; leading zeros are accepted. */
bool str_to_u64(str s, uint64_t max, uint64_t *out);
/* Slips between two words, at most `limit` + 1; for did-you-mean. A letter too many, missing, wrong
 * or swapped with its neighbour is one (restricted Damerau distance: optimal string alignment).
 * Strings over 64 bytes count as far apart. */
unsigned str_distance(str a, str b, unsigned limit);
/* A 64-bit hash seeded per process, so that a client cannot choose colliding keys. */
uint64_t str_hash(str s);

#endif
