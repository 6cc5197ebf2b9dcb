/* See h1_body.h. A strict decoder of its own (RFC 9112, 7.1): what it does not know it refuses. */
#include "proxy/http/h1_body.h"

#include "base/encode.h"

enum {
    AT_DATA = 0, /* plain bytes: a length, or until close */
    AT_SIZE,
    AT_EXTENSION,
    AT_SIZE_LF,
    AT_CHUNK,
    AT_CHUNK_CR,
    AT_CHUNK_LF,
    AT_TRAILER, /* first byte of a trailer line */
    AT_TRAILER_NAME,
    AT_TRAILER_VALUE,
    AT_TRAILER_LF,
    AT_END_LF,
    AT_DONE,
};

enum { SIZE_DIGITS_MAX = 15 }; /* below 2^60: sums cannot overflow */

void body_in_init(struct body_in *b, enum http_framing framing, uint64_t length)
{
    *b = (struct body_in){.framing = framing, .extension_most = BODY_EXTENSION_MAX};
    if (framing == FRAMING_CHUNKED)
        b->state = AT_SIZE;
    else if (framing == FRAMING_NONE || (framing == FRAMING_LENGTH && length == 0))
        b->state = AT_DONE;
    else
        b->left = framing == FRAMING_LENGTH ? length : UINT64_MAX;
}

bool body_in_is_done(const struct body_in *b)
{
    return b->state == AT_DONE;
}

static bool refuse(struct body_in *b, const char *id)
{
    b->bad = id;
    return false;
}

static bool at_size(struct body_in *b, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        if (b->digits++ >= SIZE_DIGITS_MAX)
            return refuse(b, "chunk.size-long");
        b->left = b->left << 4 | (unsigned)digit;
        return true;
    }
    if (c == '\n')
        return refuse(b, "chunk.bare-lf");
    if (b->digits == 0)
        return refuse(b, "chunk.size");
    if (c == ';') {
        b->state = AT_EXTENSION;
        b->extension_bytes = 0;
    } else if (c == '\r') {
        b->state = AT_SIZE_LF;
    } else {
        return refuse(b, "chunk.size");
    }
    return true;
}

/* Extensions are read over. Many small ones are work without payload, so that all of them
 * together may not outweigh it (CVE-2023-39326 of another server). */
static bool at_extension(struct body_in *b, char c)
{
    if (c == '\r') {
        b->state = AT_SIZE_LF;
        return true;
    }
    if (c == '\n')
        return refuse(b, "chunk.bare-lf");
    if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f)
        return refuse(b, "chunk.extension");
    if (++b->extension_bytes > b->extension_most ||
        ++b->extension_total > b->extension_most + b->total)
        return refuse(b, "chunk.extension-long");
    return true;
}

static bool at_size_lf(struct body_in *b, char c)
{
    if (c != '\n')
        return refuse(b, "chunk.bare-cr");
    b->state = b->left ? AT_CHUNK : AT_TRAILER;
    b->digits = 0;
    return true;
}

static bool at_chunk_end(struct body_in *b, char c)
{
    if (b->state == AT_CHUNK_CR) {
        if (c != '\r')
            return refuse(b, c == '\n' ? "chunk.bare-lf" : "chunk.overrun");
        b->state = AT_CHUNK_LF;
        return true;
    }
    if (c != '\n')
        return refuse(b, "chunk.bare-cr");
    b->state = AT_SIZE;
    return true;
}

static bool is_name_char(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool at_trailer_name(struct body_in *b, char c)
{
    if (b->state == AT_TRAILER && c == '\r') {
        b->state = AT_END_LF;
        return true;
    }
    if (c == '\n')
        return refuse(b, "trailer.bare-lf");
    if (b->state == AT_TRAILER && ++b->trailer_fields > BODY_TRAILER_FIELDS)
        return refuse(b, "trailer.many");
    if (c == ':' && b->state == AT_TRAILER_NAME) {
        b->state = AT_TRAILER_VALUE;
        return true;
    }
    b->state = AT_TRAILER_NAME;
    return is_name_char(c) || refuse(b, "trailer.name");
}

static bool at_trailer_rest(struct body_in *b, char c)
{
    if (b->state == AT_TRAILER_LF || b->state == AT_END_LF) {
        if (c != '\n')
            return refuse(b, "trailer.bare-cr");
        b->state = b->state == AT_END_LF ? AT_DONE : AT_TRAILER;
        return true;
    }
    if (c == '\r') {
        b->state = AT_TRAILER_LF;
        return true;
    }
    if (c == '\n')
        return refuse(b, "trailer.bare-lf");
    if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f)
        return refuse(b, "trailer.value");
    return true;
}

static bool framing_byte(struct body_in *b, char c)
{
    if (b->state >= AT_TRAILER && ++b->trailer_bytes > BODY_TRAILER_MAX)
        return refuse(b, "trailer.long");
    switch (b->state) {
    case AT_SIZE:
        return at_size(b, c);
    case AT_EXTENSION:
        return at_extension(b, c);
    case AT_SIZE_LF:
        return at_size_lf(b, c);
    case AT_CHUNK_CR:
    case AT_CHUNK_LF:
        return at_chunk_end(b, c);
    case AT_TRAILER:
    case AT_TRAILER_NAME:
        return at_trailer_name(b, c);
    default:
        return at_trailer_rest(b, c);
    }
}

static bool takes_payload(const struct body_in *b)
{
    return b->state == AT_DATA || b->state == AT_CHUNK;
}

/* Moves the run of payload at buf + at to buf + len; returns its size. */
static size_t payload_take(struct body_in *b, char *buf, size_t at, size_t n, size_t len)
{
    size_t run = n - at < b->left ? n - at : (size_t)b->left;
    if (at != len)
        memmove(buf + len, buf + at, run);
    b->total += run;
    if (b->framing != FRAMING_UNTIL_CLOSE)
        b->left -= run;
    if (b->left == 0)
        b->state = b->state == AT_CHUNK ? AT_CHUNK_CR : AT_DONE;
    return run;
}

enum body_verdict body_in_feed(struct body_in *b, char *buf, size_t n, size_t *consumed,
                               size_t *data_len)
{
    size_t at = 0, len = 0;
    *consumed = *data_len = 0;
    while (!b->bad && at < n && b->state != AT_DONE) {
        if (takes_payload(b)) {
            size_t run = payload_take(b, buf, at, n, len);
            at += run;
            len += run;
        } else if (framing_byte(b, buf[at])) {
            at++;
        }
    }
    if (b->bad)
        return BODY_BAD;
    *consumed = at;
    *data_len = len;
    return b->state == AT_DONE ? BODY_DONE : BODY_MORE;
}

size_t body_out_chunk_head(char out[BODY_CHUNK_HEAD_MAX], size_t n)
{
    size_t digits = 1;
    for (size_t rest = n >> 4; rest; rest >>= 4)
        digits++;
    for (size_t i = digits; i-- > 0; n >>= 4)
        out[i] = "0123456789abcdef"[n & 15];
    memcpy(out + digits, "\r\n", 2);
    return digits + 2;
}

size_t body_out_frame(char **data, size_t n, bool is_last)
{
    char head[BODY_CHUNK_HEAD_MAX];
    size_t total = n;
    if (n) {
        size_t head_n = body_out_chunk_head(head, n);
        *data -= head_n;
        memcpy(*data, head, head_n);
        memcpy(*data + head_n + n, BODY_CHUNK_TAIL, 2);
        total = head_n + n + 2;
    }
    if (is_last) {
        memcpy(*data + total, BODY_LAST_CHUNK, sizeof BODY_LAST_CHUNK - 1);
        total += sizeof BODY_LAST_CHUNK - 1;
    }
    return total;
}
