#include "base/idn.h"

#include "base/encode.h"

struct range {
    int32_t first, last;
};

/* RFC 5892 calls all of them PVALID, and none has a mapping or a contextual rule. */
static const struct range letters[] = {
    {'-', '-'},       {'0', '9'},       {'a', 'z'},       {0x00E0, 0x00F6}, {0x00F8, 0x00FF},
    {0x03AC, 0x03C1}, {0x03C3, 0x03CE}, {0x0430, 0x045F}, {0x3041, 0x3096}, {0x30A1, 0x30FA},
    {0x30FC, 0x30FC}, {0x4E00, 0x9FA5}, {0xAC00, 0xD7A3},
};

/* In Latin Extended-A small and capital letters alternate; a few are written as two elsewhere. */
static bool is_small_extended(int32_t c)
{
    if (c < 0x0100 || c > 0x017E || c == 0x0133 || c == 0x0140 || c == 0x0149)
        return false;
    bool small_is_even = (c >= 0x0138 && c <= 0x0148) || c >= 0x0179;
    return c == 0x0138 || (c % 2 == 0) == small_is_even;
}

static bool is_letter(int32_t c)
{
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (c >= letters[i].first && c <= letters[i].last)
            return true;
    return is_small_extended(c);
}

static bool is_ascii(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* ---- punycode ---------------------------------------------------------------------------------
 */

/* RFC 3492 section 5. */
enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, FIRST_BIAS = 72, FIRST_CODE = 128 };

struct label {
    int32_t codes[IDN_MAX_LABEL_BYTES];
    size_t n_codes;
    char text[IDN_MAX_LABEL_BYTES];
    size_t n;
};

static bool put(struct label *l, char c)
{
    if (l->n == sizeof l->text)
        return false;
    l->text[l->n++] = c;
    return true;
}

static uint32_t adapt(uint32_t delta, uint32_t n, bool is_first)
{
    uint32_t k = 0;

    delta = is_first ? delta / DAMP : delta / 2;
    for (delta += delta / n; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
        delta /= BASE - T_MIN;
    return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static bool put_number(struct label *l, uint32_t q, uint32_t bias)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
        if (q < t)
            return put(l, digits[q]);
        if (!put(l, digits[t + (q - t) % (BASE - t)]))
            return false;
        q = (q - t) / (BASE - t);
    }
}

static int32_t next_code(const struct label *l, int32_t least)
{
    int32_t best = INT32_MAX;

    for (size_t i = 0; i < l->n_codes; i++)
        if (l->codes[i] >= least && l->codes[i] < best)
            best = l->codes[i];
    return best;
}

/* At most 63 codes below 2^16: no sum comes near 32 bits. */
static bool encode_rest(struct label *l, uint32_t n_basic)
{
    uint32_t delta = 0, bias = FIRST_BIAS, done = n_basic;

    for (int32_t code = FIRST_CODE; done < l->n_codes; code++, delta++) {
        int32_t next = next_code(l, code);
        delta += (uint32_t)(next - code) * (done + 1);
        code = next;
        for (size_t i = 0; i < l->n_codes; i++) {
            delta += l->codes[i] < code;
            if (l->codes[i] != code)
                continue;
            if (!put_number(l, delta, bias))
                return false;
            bias = adapt(delta, done + 1, done == n_basic);
            done++;
            delta = 0;
        }
    }
    return true;
}

static bool encode(struct label *l)
{
    uint32_t n_basic = 0;

    for (const char *c = "xn--"; *c; c++)
        put(l, *c);
    for (size_t i = 0; i < l->n_codes; i++) {
        if (l->codes[i] >= FIRST_CODE)
            continue;
        if (!put(l, (char)l->codes[i]))
            return false;
        n_basic++;
    }
    return (!n_basic || put(l, '-')) && encode_rest(l, n_basic);
}

/* ---- labels -----------------------------------------------------------------------------------
 */

static bool read_codes(str text, struct label *l)
{
    for (size_t i = 0; i < text.n;) {
        int32_t c = utf8_next(text, &i);
        /* Capitals of ASCII are the same letter to everybody. */
        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        if (!is_letter(c) || l->n_codes == IDN_MAX_LABEL_BYTES)
            return false;
        l->codes[l->n_codes++] = c;
    }
    return true;
}

/* RFC 5891 section 4.2.3.1: no hyphen at the ends, nor two where a prefix has them. */
static bool has_good_hyphens(const struct label *l)
{
    return l->codes[0] != '-' && l->codes[l->n_codes - 1] != '-' &&
           (l->n_codes < 4 || l->codes[2] != '-' || l->codes[3] != '-');
}

static bool convert(str text, struct label *l)
{
    l->n = l->n_codes = 0;
    if (!is_ascii(text))
        return read_codes(text, l) && has_good_hyphens(l) && encode(l);
    if (text.n > sizeof l->text)
        return false;
    if (text.n)
        memcpy(l->text, text.p, text.n);
    l->n = text.n;
    return true;
}

bool idn_to_ascii(str domain, char out[IDN_MAX_BYTES], str *domain_out)
{
    struct label l;
    size_t n = 0;

    for (str rest = domain; rest.p;) {
        if (!convert(str_cut(&rest, '.'), &l) || n + l.n + (rest.p != NULL) > IDN_MAX_BYTES)
            return false;
        memcpy(out + n, l.text, l.n);
        n += l.n;
        if (rest.p)
            out[n++] = '.';
    }
    *domain_out = (str){out, n};
    return true;
}
