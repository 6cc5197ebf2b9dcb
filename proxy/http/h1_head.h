/* h1_head: heads of HTTP/1 messages. Push parser without I/O.
 *
 * Two stages. h1_head_end() looks at bytes as they arrive: it finds the end of the head, enforces
 * the size limits and refuses early what can never become a request. h1_request_parse() then
 * understands the complete head: our own strict tokenizer first, so that every refusal has a row
 * id of its own, then llhttp in strict mode must come to the same reading (method, version,
 * framing, end); a disagreement is refused. Ambiguity is never repaired. Worker thread only. */
#ifndef PROXY_HTTP_H1_HEAD_H
#define PROXY_HTTP_H1_HEAD_H

#include "base/arena.h"
#include "proxy/http/message.h"

/* Settings. A zero refuses everything, so start from h1_limits_default. */
struct h1_limits {
    uint32_t request_line_bytes; /* 414 */
    uint32_t field_bytes;        /* one field line without CRLF: 431 */
    uint32_t fields_bytes;       /* all field lines with CRLF: 431 */
    uint32_t fields;             /* 431 */
};
extern const struct h1_limits h1_limits_default; /* 8 KiB, 20 KiB, 64 KiB, 100 */

/* The longest head that passes the limits; what an accumulating buffer must hold. */
static inline size_t h1_head_max(const struct h1_limits *l)
{
    return (size_t)l->request_line_bytes + l->fields_bytes + 8;
}

/* status 0 is good. Requests: 400 414 417 431 501 505, answer and close. Responses: 502. */
struct h1_verdict {
    uint16_t status;
    const char *id;   /* stable row id: "head.bare-lf" */
    const char *text; /* one sentence for log and page */
};

enum h1_scan_result { H1_SCAN_MORE = 0, H1_SCAN_END, H1_SCAN_BAD };

/* Zeroed at the start of each message, `limits` and `is_response` set. */
struct h1_scan {
    const struct h1_limits *limits;
    bool is_response;
    size_t seen;         /* bytes looked at for a line end */
    size_t line;         /* start of the current line */
    size_t fields_start; /* 0: still in the first line */
    size_t head_len;     /* H1_SCAN_END: bytes of the head with its empty line */
    uint32_t fields;
    bool skipped_crlf;         /* one empty line before a request line is legal (RFC 9112, 2.2) */
    struct h1_verdict verdict; /* H1_SCAN_BAD */
};

/* `buf` holds the n bytes received so far of this message (and perhaps of following ones). Call
 * again with the same buffer, grown, until it is not MORE. Each byte is looked at once. */
enum h1_scan_result h1_head_end(const char *buf, size_t n, struct h1_scan *scan);

/* `head` is complete, ends with its empty line and outlives `out`; `out` is overwritten. */
struct h1_verdict h1_request_parse(str head, const struct h1_limits *limits, struct arena *arena,
                                   struct http_request_head *out);

/* `method` is that of the request answered; asked_upgrade: 101 is legal. A 1xx other than 101
 * comes out with FRAMING_NONE: the final answer follows (cap their number: H1_MAX_INTERIM). */
enum { H1_MAX_INTERIM = 8 };
struct h1_verdict h1_response_parse(str head, const struct h1_limits *limits,
                                    enum http_method method, bool asked_upgrade,
                                    struct arena *arena, struct http_response_head *out);

#endif
