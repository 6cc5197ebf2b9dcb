/* page: whole answers of our own: refusals for people (HTML) and programs (problem+json).
 *
 * Every refusal carries a reason code and a request id and says what was refused, why, what to do
 * and whom to ask. It never says which check of a token failed. Text is escaped whatever it
 * holds; pages have no script, nothing from elsewhere and a CSP that says so. Any thread. */
#ifndef PROXY_HTTP_PAGE_H
#define PROXY_HTTP_PAGE_H

#include "proxy/http/message.h"

enum { PAGE_MAX_BYTES = 32768, PROBLEM_MAX_BYTES = 16384 };

struct refusal {
    uint16_t status;
    str reason;   /* stable code: "default-deny", "auth.none", "head.bare-lf" */
    str sentence; /* what was refused and why, in words */
    str remedy;   /* what the person can do; may be absent */
    str request_id;
    str challenge;          /* WWW-Authenticate of a 401; absent: `Bearer realm="postern"` */
    str login_url;          /* 401: where to sign in; may be absent */
    uint32_t retry_after_s; /* 0: none */
    str app_title, contact; /* may be absent */
    str brand;              /* whose postern it is; absent: "postern" */
    bool is_german;         /* the page; a program is told in English always */
    str allow_origin;       /* CORS: Access-Control-Allow-Origin with credentials; may be absent */
};

/* How the answer goes out. */
struct answer_how {
    bool wants_html;
    bool keep_alive;
    uint8_t client_minor;
    bool is_head;                  /* no body is sent */
    bool is_tls;                   /* adds HSTS */
    str date;                      /* may be absent */
    const struct http_pair *extra; /* further fields, e.g. Location, Set-Cookie, Allow */
    size_t n_extra;
};

/* True for a person: a top-level navigation that is no speculative prefetch, or, without
 * Sec-Fetch, a GET whose Accept prefers HTML. */
bool page_wants_html(const struct http_request_head *r);
/* By q-values, German is liked better than English. */
bool page_wants_german(str accept_language);
/* True when it may in addition be sent to the log-in and back again: a GET. */
bool page_may_redirect(const struct http_request_head *r);

/* Head and body of the answer; 0 when cap is too small (PAGE_MAX_BYTES always suffices: overlong
 * texts are cut; `extra` comes on top). */
size_t refusal_write(const struct refusal *r, const struct answer_how *how, char *buf, size_t cap);
/* The two bodies alone. */
size_t page_write(const struct refusal *r, char *buf, size_t cap);
size_t problem_write(const struct refusal *r, char *buf, size_t cap);
/* Any small answer of our own: health, 204 to OPTIONS *, a 302. `type` absent: no body. */
size_t answer_write(unsigned status, str type, str body, const struct answer_how *how, char *buf,
                    size_t cap);

#define HTTP_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

#endif
