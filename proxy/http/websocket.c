/* See websocket.h. */
#include "proxy/http/websocket.h"

#include "base/encode.h"

#include <openssl/sha.h>

enum { KEY_BYTES = 16, KEY_CHARS = 24 };
enum { OP_CONTINUATION = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PONG = 10 };

const char *ws_request_check(const struct http_request_head *r)
{
    unsigned char key[KEY_CHARS];
    size_t n = 0;
    if (r->method_id != METHOD_GET || r->minor != 1)
        return "ws.method";
    if (!r->wants_upgrade_websocket)
        return "ws.upgrade";
    if (r->framing == FRAMING_CHUNKED || r->content_length > 0)
        return "ws.body";
    if (!str_eq(r->sec_websocket_version, STR("13")))
        return "ws.version";
    if (r->sec_websocket_key.n != KEY_CHARS || !base64_decode(r->sec_websocket_key, key, &n) ||
        n != KEY_BYTES)
        return "ws.key";
    return NULL;
}

void ws_accept(str key, char out[WS_ACCEPT_CHARS])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, 1.3 */
    unsigned char digest[SHA_DIGEST_LENGTH];
    char text[KEY_CHARS + sizeof guid];
    size_t n = key.n < KEY_CHARS ? key.n : KEY_CHARS, out_n;
    memcpy(text, key.p, n);
    memcpy(text + n, guid, sizeof guid - 1);
    SHA1((const unsigned char *)text, n + sizeof guid - 1, digest);
    base64_encode((str){(const char *)digest, sizeof digest}, out, &out_n);
}

static str token_cut(str *list, char sep)
{
    return str_trim(str_cut(list, sep), " \t");
}

static bool is_offered(str offers, str chosen)
{
    while (offers.p) {
        str one = token_cut(&offers, ',');
        if (str_eq_nocase(str_trim(str_upto(one, str_find(one, ';')), " \t"), chosen))
            return true;
    }
    return false;
}

const char *ws_response_check(const struct http_request_head *request,
                              const struct http_response_head *response)
{
    char accept[WS_ACCEPT_CHARS];
    if (response->status != 101 || !response->is_upgrade)
        return "ws.status";
    if (request->sec_websocket_key.n != KEY_CHARS)
        return "ws.key";
    ws_accept(request->sec_websocket_key, accept);
    if (!str_eq(response->sec_websocket_accept, (str){accept, sizeof accept}))
        return "ws.accept";
    str chosen = response->sec_websocket_protocol;
    if (chosen.p && !is_offered(request->sec_websocket_protocol, chosen))
        return "ws.protocol";
    str extensions = response->sec_websocket_extensions;
    while (extensions.p) {
        str one = token_cut(&extensions, ',');
        str name = str_trim(str_upto(one, str_find(one, ';')), " \t");
        if (name.n > 0 && !is_offered(request->sec_websocket_extensions, name))
            return "ws.extension";
    }
    return NULL;
}

bool ws_at_boundary(const struct ws_scan *s)
{
    return !s->bad && s->header_n == 0 && s->payload_left == 0;
}

/* How long this header is, as far as its first bytes say. */
static size_t header_need(const struct ws_scan *s)
{
    if (s->header_n < 2)
        return 2;
    unsigned len = s->header[1] & 0x7f;
    size_t need = len == 126 ? 4 : len == 127 ? 10 : 2;
    return need + (s->header[1] & 0x80 ? 4 : 0);
}

static const char *header_fault(const struct ws_scan *s)
{
    unsigned opcode = s->header[0] & 15, len = s->header[1] & 0x7f;
    bool is_control = opcode >= OP_CLOSE, is_last = (s->header[0] & 0x80) != 0;
    if (((s->header[1] & 0x80) != 0) != s->must_mask)
        return "ws.mask";
    if (opcode > OP_PONG || (opcode > OP_BINARY && opcode < OP_CLOSE))
        return "ws.opcode";
    if (is_control && (len > 125 || !is_last))
        return "ws.control";
    return NULL;
}

static void header_end(struct ws_scan *s)
{
    unsigned len = s->header[1] & 0x7f;
    size_t bytes = len == 126 ? 2 : len == 127 ? 8 : 0;
    uint64_t payload = bytes ? 0 : len;
    for (size_t i = 0; i < bytes; i++)
        payload = payload << 8 | s->header[2 + i];
    if (payload >> 63)
        s->bad = "ws.length";
    if ((s->header[0] & 15) == OP_CLOSE)
        s->saw_close = true;
    s->payload_left = payload;
    s->header_n = 0;
}

static size_t header_feed(struct ws_scan *s, const char *buf, size_t n)
{
    size_t at = 0;
    while (at < n && !s->bad) {
        s->header[s->header_n++] = (uint8_t)buf[at++];
        if (s->header_n == 2)
            s->bad = header_fault(s);
        if (!s->bad && s->header_n >= 2 && s->header_n == header_need(s)) {
            header_end(s);
            break;
        }
    }
    return at;
}

static size_t step(struct ws_scan *s, const char *buf, size_t n)
{
    if (s->payload_left == 0)
        return header_feed(s, buf, n);
    size_t run = n < s->payload_left ? n : (size_t)s->payload_left;
    s->payload_left -= run;
    return run;
}

bool ws_scan_feed(struct ws_scan *s, const char *buf, size_t n)
{
    for (size_t at = 0; at < n && !s->bad;)
        at += step(s, buf + at, n - at);
    return !s->bad;
}

size_t ws_scan_to_boundary(struct ws_scan *s, const char *buf, size_t n)
{
    size_t at = 0;
    while (at < n && !s->bad && !ws_at_boundary(s))
        at += step(s, buf + at, n - at);
    return at;
}

/* A character is not cut in two: a reason must be UTF-8. */
static size_t reason_cut(str reason)
{
    size_t n = reason.n;
    if (n <= WS_REASON_MAX)
        return n;
    n = WS_REASON_MAX;
    while (n > 0 && ((unsigned char)reason.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

size_t ws_close_write(char out[WS_CLOSE_MAX], enum ws_code code, str reason,
                      const unsigned char mask[4])
{
    size_t text = reason_cut(reason), n = 0;
    out[n++] = (char)(0x80 | OP_CLOSE);
    out[n++] = (char)((text + 2) | (mask ? 0x80 : 0));
    if (mask) {
        memcpy(out + n, mask, 4);
        n += 4;
    }
    char *payload = out + n;
    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xff);
    if (text)
        memcpy(payload + 2, reason.p, text);
    for (size_t i = 0; mask && i < text + 2; i++)
        payload[i] = (char)((unsigned char)payload[i] ^ mask[i % 4]);
    return n + text + 2;
}
