/* encode: base64url, hex and UTF-8, strict. Any thread. */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/str.h"

/* Length of the encoding of n bytes, without padding. */
static inline size_t base64url_len(size_t n)
{
    return (n * 4 + 2) / 3;
}
/* Writes base64url_len(in.n) characters without padding (RFC 4648 section 5). */
void base64url_encode(str in, char *out);
/* Strict: no padding, no white space, canonical tail bits (RFC 7515 section 2). `out` has room for
 * in.n * 3 / 4 bytes. False leaves *n_out alone. */
bool base64url_decode(str in, unsigned char *out, size_t *n_out);
/* Standard alphabet with padding (RFC 4648 section 4), for checkpoints and PEM-like text. */
void base64_encode(str in, char *out, size_t *n_out); /* out: 4 * ((n + 2) / 3) bytes */
bool base64_decode(str in, unsigned char *out, size_t *n_out);
/* 2 * n lower-case digits, no NUL. */
void hex_encode(const unsigned char *in, size_t n, char *out);
bool hex_decode(str in, unsigned char *out);
int hex_digit(char c); /* -1 when none */
/* Well-formed by RFC 3629: no overlong forms, surrogates or code points past U+10FFFF. */
bool utf8_valid(str s);
/* Decodes one code point at s[*i] and moves *i past it; -1 on a malformed sequence (*i + 1). */
int32_t utf8_next(str s, size_t *i);

#endif
