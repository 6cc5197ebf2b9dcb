/* h1_inner: what the files of the HTTP/1 head parser share. For h1_*.c alone. */
#ifndef PROXY_HTTP_H1_INNER_H
#define PROXY_HTTP_H1_INNER_H

#include "proxy/http/h1_head.h"
#include "proxy/http/target.h"

struct h1_request_line {
    str method, target;
    enum http_method method_id;
    uint8_t minor;
    struct target parts;
};

struct h1_status_line {
    uint16_t status;
    uint8_t minor;
    str reason;
};

/* All return NULL when good, else the id of a row in h1_verdict.c. */
/* Takes the first line off *rest, without its CRLF. */
const char *h1_line_cut(str *rest, str *line_out);
const char *h1_method_prefix(str start);
const char *h1_request_line_parse(str line, struct h1_request_line *out);
const char *h1_status_prefix(str start);
const char *h1_status_line_parse(str line, struct h1_status_line *out);
/* `rest` begins after the first line and ends with the empty line. */
const char *h1_fields_parse(str rest, const struct h1_limits *limits, bool is_response,
                            struct arena *arena, struct http_field **out, size_t *n_out);

/* What the fields say about framing and the connection. */
struct h1_facts {
    unsigned hosts, lengths, codings, upgrades, expects, cookies;
    str host, length, coding, upgrade, expect;
    bool says_close, says_keep_alive, says_upgrade;
    bool names_fields; /* Connection names more than the three above */
};
void h1_facts_collect(const struct http_field *fields, size_t n, struct h1_facts *out);
/* Framing of a message with a body that is possible: none, length or chunked. */
const char *h1_framing(const struct h1_facts *facts, uint8_t minor, enum http_framing *framing_out,
                       uint64_t *length_out);
void h1_drop_named(struct http_field *fields, size_t n, const struct h1_facts *facts);

/* llhttp in strict mode over the same bytes: true when it reads the same message. */
struct h1_reading {
    bool is_response;
    uint8_t minor;
    str method;      /* requests */
    uint16_t status; /* responses */
    enum http_framing framing;
    uint64_t content_length;
};
bool h1_llhttp_agrees(str head, const struct h1_reading *ours);

struct h1_verdict h1_refuse(const char *id);        /* with the row's status */
struct h1_verdict h1_refuse_answer(const char *id); /* 502 */

#endif
