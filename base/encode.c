/* base64url, base64, hex, UTF-8. See encode.h. */
#include "base/encode.h"

static const char URL_ALPHABET[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char STD_ALPHABET[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static signed char url_value[256], std_value[256];

__attribute__((constructor)) static void tables_init(void)
{
    memset(url_value, -1, sizeof url_value);
    memset(std_value, -1, sizeof std_value);
    for (int i = 0; i < 64; i++) {
        url_value[(unsigned char)URL_ALPHABET[i]] = (signed char)i;
        std_value[(unsigned char)STD_ALPHABET[i]] = (signed char)i;
    }
}

static size_t encode(str in, const char *alphabet, char *out)
{
    const unsigned char *s = (const unsigned char *)in.p;
    size_t n = in.n, o = 0;
    for (; n >= 3; n -= 3, s += 3) {
        uint32_t v = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];
        out[o++] = alphabet[v >> 18];
        out[o++] = alphabet[v >> 12 & 63];
        out[o++] = alphabet[v >> 6 & 63];
        out[o++] = alphabet[v & 63];
    }
    if (n) {
        uint32_t v = (uint32_t)s[0] << 16 | (n > 1 ? (uint32_t)s[1] << 8 : 0);
        out[o++] = alphabet[v >> 18];
        out[o++] = alphabet[v >> 12 & 63];
        if (n > 1)
            out[o++] = alphabet[v >> 6 & 63];
    }
    return o;
}

/* Canonical only: unused bits of the last character must be zero, or one value has many names. */
static bool decode(str in, const signed char *value, unsigned char *out, size_t *n_out)
{
    if (in.n % 4 == 1)
        return false;
    size_t o = 0;
    uint32_t acc = 0;
    for (size_t i = 0; i < in.n; i++) {
        int v = value[(unsigned char)in.p[i]];
        if (v < 0)
            return false;
        acc = acc << 6 | (uint32_t)v;
        if (i % 4 == 3) {
            out[o++] = (unsigned char)(acc >> 16);
            out[o++] = (unsigned char)(acc >> 8);
            out[o++] = (unsigned char)acc;
            acc = 0;
        }
    }
    if (in.n % 4 == 2) {
        if (acc & 0xF)
            return false;
        out[o++] = (unsigned char)(acc >> 4);
    } else if (in.n % 4 == 3) {
        if (acc & 0x3)
            return false;
        out[o++] = (unsigned char)(acc >> 10);
        out[o++] = (unsigned char)(acc >> 2);
    }
    *n_out = o;
    return true;
}

void base64url_encode(str in, char *out)
{
    encode(in, URL_ALPHABET, out);
}

bool base64url_decode(str in, unsigned char *out, size_t *n_out)
{
    return decode(in, url_value, out, n_out);
}

void base64_encode(str in, char *out, size_t *n_out)
{
    size_t n = encode(in, STD_ALPHABET, out);
    while (n % 4)
        out[n++] = '=';
    *n_out = n;
}

bool base64_decode(str in, unsigned char *out, size_t *n_out)
{
    if (in.n % 4)
        return false;
    for (int i = 0; i < 2 && in.n && in.p[in.n - 1] == '='; i++)
        in.n--;
    return decode(in, std_value, out, n_out);
}

void hex_encode(const unsigned char *in, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(str in, unsigned char *out)
{
    if (in.n % 2)
        return false;
    for (size_t i = 0; i < in.n; i += 2) {
        int hi = hex_digit(in.p[i]), lo = hex_digit(in.p[i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i / 2] = (unsigned char)(hi << 4 | lo);
    }
    return true;
}

int32_t utf8_next(str s, size_t *i)
{
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = (unsigned char)s.p[*i];
    *i += 1;
    if (c < 0x80)
        return c;
    int len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 0;
    if (len == 0 || c > 0xF4 || s.n - *i < (size_t)len - 1)
        return -1;
    int32_t v = c & (0xFF >> (len + 1));
    for (int k = 0; k < len - 1; k++) {
        unsigned char d = (unsigned char)s.p[*i + (size_t)k];
        if ((d & 0xC0) != 0x80)
            return -1;
        v = v << 6 | (d & 0x3F);
    }
    if (v < least[len] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
        return -1;
    *i += (size_t)len - 1;
    return v;
}

bool utf8_valid(str s)
{
    for (size_t i = 0; i < s.n;)
        if (utf8_next(s, &i) < 0)
            return false;
    return true;
}
