/* Slices. See str.h. */
#include "base/str.h"

#include "base/secret.h"

bool str_eq_nocase(str a, str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (str_lower_char(a.p[i]) != str_lower_char(b.p[i]))
            return false;
    return true;
}

bool str_starts(str s, str prefix)
{
    return s.n >= prefix.n && str_eq(str_upto(s, prefix.n), prefix);
}

bool str_ends(str s, str suffix)
{
    return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

int str_cmp(str a, str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order != 0)
        return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

size_t str_find(str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t str_rfind(str s, char c)
{
    const char *hit = s.n ? memrchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

bool str_contains(str s, str needle)
{
    return needle.n == 0 || (s.n && memmem(s.p, s.n, needle.p, needle.n) != NULL);
}

str str_trim(str s, const char *set)
{
    while (s.n && strchr(set, s.p[0]) && s.p[0])
        s = str_from(s, 1);
    while (s.n && s.p[s.n - 1] && strchr(set, s.p[s.n - 1]))
        s.n--;
    return s;
}

str str_cut(str *rest, char sep)
{
    size_t at = str_find(*rest, sep);
    str part = str_upto(*rest, at);
    *rest = at < rest->n ? str_from(*rest, at + 1) : (str){NULL, 0};
    return part;
}

bool str_to_u64(str s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned char)s.p[i] - '0';
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    if (v > max)
        return false;
    *out = v;
    return true;
}

static unsigned least(unsigned x, unsigned y)
{
    return x < y ? x : y;
}

unsigned str_distance(str a, str b, unsigned limit)
{
    enum { MOST = 64 };
    unsigned rows[3][MOST + 1]; /* of the two letters before and of this one */
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    size_t gap = a.n > b.n ? a.n - b.n : b.n - a.n;
    if (a.n > MOST || b.n > MOST || gap > limit)
        return limit + 1;
    for (unsigned j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned *oldest = before;
        before = last;
        last = row;
        row = oldest;
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            bool is_same = a.p[i - 1] == b.p[j - 1];
            row[j] = least(last[j - 1] + !is_same, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return row[b.n] > limit ? limit + 1 : row[b.n];
}

static uint64_t hash_seed;

__attribute__((constructor)) static void hash_seed_init(void)
{
    random_fill(&hash_seed, sizeof hash_seed);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    __extension__ unsigned __int128 m = (unsigned __int128)(h ^ v) * 0x9E3779B97F4A7C15u;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t str_hash(str s)
{
    uint64_t h = hash_seed ^ (s.n * 0xD6E8FEB86659FD93u), word;
    for (; s.n >= 8; s = str_from(s, 8)) {
        memcpy(&word, s.p, 8);
        h = mix(h, word);
    }
    if (s.n) {
        word = 0;
        memcpy(&word, s.p, s.n);
        h = mix(h, word);
    }
    return mix(h, hash_seed >> 7);
}
