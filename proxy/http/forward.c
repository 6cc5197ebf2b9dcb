/* The way up: connect, the request written anew. The body follows in upload.c. */
#include "proxy/http/exchange.h"

#include <stdio.h>

#include "base/log.h"
#include "proxy/http/cors.h"
#include "proxy/http/device.h"
#include "proxy/http/fields.h"
#include "proxy/http/page.h"

static const struct {
    enum visit_end end;
    uint16_t status;
} FAILURES[] = {
    {END_UPSTREAM_UNREACHABLE, 502}, {END_UPSTREAM_BUSY, 503}, {END_UPSTREAM_SLOW, 504},
    {END_UPSTREAM_RESET, 502},       {END_UPSTREAM_BAD, 502},  {END_UPSTREAM_TRUNCATED, 502},
    {END_UPSTREAM_TLS, 502},         {END_BODY_STALL, 408},    {END_BODY_BAD, 400},
    {END_BODY_TOO_LARGE, 413},       {END_UNSUPPORTED, 501},   {END_BUFFERS, 503},
    {END_VISITS_FULL, 503},
};

void forward_failed(struct exchange *ex, enum visit_end end)
{
    for (size_t i = 0; i < sizeof FAILURES / sizeof *FAILURES; i++)
        if (FAILURES[i].end == end) {
            if (end == END_BODY_STALL || end == END_BODY_BAD || end == END_BODY_TOO_LARGE) {
                ex->keep = false;
                ex->conn->must_linger = true;
            }
            answer_failure(ex, FAILURES[i].status, end);
            return;
        }
    exchange_cut(ex, end);
}

static void dial(struct exchange *ex);

/* The head waits for the end of the turn. */
static bool is_unsent(const struct exchange *ex)
{
    return !list_empty(&ex->to_send_link);
}

/* Once, on a fresh connection: only for a request that may be repeated, of which the upstream's
 * silence shows that a kept-alive connection had died under us (RFC 9110 section 9.2.2); or for any
 * that was not sent at all. */
static bool retry(struct exchange *ex)
{
    if (ex->has_retried || !ex->up || ex->up->uses == 0 || !ex->app || ex->answer_n || ex->interim)
        return false;
    if (!is_unsent(ex) &&
        (ex->head.framing != FRAMING_NONE || !http_method_is_idempotent(ex->head.method_id)))
        return false;
    ex->has_retried = true;
    list_remove(&ex->to_send_link);
    upstream_drop(&ex->up);
    sink_clear(&ex->to_up, &ex->conn->server->buffers);
    buffer_give(&ex->conn->server->buffers, &ex->answer_head);
    ex->request_done = false;
    dial(ex);
    return true;
}

void forward_broken(struct exchange *ex)
{
    if (ex->phase == EX_FORWARD && !retry(ex))
        forward_failed(ex, END_UPSTREAM_RESET);
}

/* No head that we write is longer: what came, twice what may be said again, and what is ours. */
static size_t head_most(const struct exchange *ex, const struct http_pair *pairs, size_t n)
{
    size_t most = 1024 + ex->head_bytes.n + ex->head.n_fields + ex->visit.request.path.n +
                  3 * ex->head.host_raw.n + ex->app->upstreams[0].host_field.n;
    for (size_t i = 0; i < n; i++)
        most += pairs[i].name.n + pairs[i].value.n + 4;
    return most;
}

static bool write_head(struct exchange *ex)
{
    struct http_server *s = ex->conn->server;
    struct visit *v = &ex->visit;
    const struct visit_header *headers;
    char addr[ADDR_TEXT_BYTES];
    ex->close.headers_left_out = 0; /* a second try counts anew */
    size_t n_headers = visit_identity_headers(v, &headers, &ex->close.headers_left_out);
    struct http_pair *pairs =
        n_headers ? arena_array(&ex->arena, struct http_pair, n_headers) : NULL;
    for (size_t i = 0; i < n_headers; i++)
        pairs[i] = (struct http_pair){headers[i].name, headers[i].value};
    size_t n_names = ex->app->n_identity_headers;
    str *names = n_names ? arena_array(&ex->arena, str, n_names) : NULL;
    for (size_t i = 0; i < n_names; i++)
        names[i] = ex->app->identity_headers[i].name;
    size_t addr_n = addr_text(&v->request.client, addr);
    struct request_out out = {
        .head = &ex->head,
        .path = v->request.path,
        .query = ex->head.query,
        .host = ex->app->rewrite_host ? ex->app->upstreams[0].host_field : ex->head.host_raw,
        .forwarded_for = v->request.client.family ? (str){addr, addr_n} : STR("unknown"),
        .forwarded_proto = ex->is_tls ? STR("https") : STR("http"),
        .forwarded_host = ex->head.host_raw,
        .request_id = {v->id, VISIT_ID_CHARS},
        .identity = pairs,
        .n_identity = n_headers,
        .app_fields = n_names ? field_set_new(&ex->arena, names, n_names) : NULL,
        .drop_authorization = v->took_authorization,
        .is_websocket = ex->head.wants_upgrade_websocket,
        .framing = ex->head.framing,
        .content_length = ex->head.content_length,
    };
    out.n_cookies_kept = device_cookies(ex, &out.cookies_kept);
    size_t cap = head_most(ex, pairs, n_headers);
    char *room = arena_text(&ex->arena, cap);
    size_t n = request_head_write(&out, room, cap);
    struct buffer *none = NULL; /* the arena outlives the sink */
    sink_put(&ex->to_up, &s->buffers, &none, room, n);
    return n > 0;
}

/* Requests leave at the end of the turn, a batch at a time: each send may have to wake the
 * upstream, which on an idle processor costs more than all of our own work, and one wake-up serves
 * them all. */
enum { SEND_BATCH = 16 };

void exchange_send_all(struct http_server *s)
{
    while (!list_empty(&s->to_send)) {
        struct exchange *ex = list_entry(s->to_send.next, struct exchange, to_send_link);
        list_remove(&ex->to_send_link);
        upload_pump(ex);
    }
    s->n_to_send = 0;
}

static void send_soon(struct exchange *ex)
{
    struct http_server *s = ex->conn->server;
    list_append(&s->to_send, &ex->to_send_link);
    if (++s->n_to_send >= SEND_BATCH)
        exchange_send_all(s);
}

static void send_request(struct exchange *ex, struct upstream_conn *up)
{
    ex->up = up;
    ex->up_deaf = false;
    up->ready = forward_up_event;
    up->ctx = ex;
    ex->close.upstream_addr = up->addr;
    ex->close.upstream_reused = up->uses > 0;
    ex->answer_scan =
        (struct h1_scan){.limits = &ex->conn->server->response_limits, .is_response = true};
    ex->answer_n = 0;
    exchange_set_phase(ex, EX_FORWARD);
    if (!write_head(ex)) {
        forward_failed(ex, END_BUFFERS);
        return;
    }
    ex->request_done = body_in_is_done(&ex->request_in);
    ex->sent_us = gate_now_us();
    send_soon(ex);
}

static void connected(void *ctx, struct upstream_conn *c, enum upstream_verdict verdict,
                      const char *why)
{
    static const enum visit_end ends[] = {
        [UPSTREAM_FAILED] = END_UPSTREAM_UNREACHABLE, [UPSTREAM_READY] = END_NONE,
        [UPSTREAM_FULL] = END_UPSTREAM_BUSY,          [UPSTREAM_TLS] = END_UPSTREAM_TLS,
        [UPSTREAM_SLOW] = END_UPSTREAM_SLOW,
    };
    struct exchange *ex = ctx;
    ex->dial = NULL;
    ex->close.connect_us = gate_now_us() - ex->dial_us;
    if (verdict == UPSTREAM_READY) {
        send_request(ex, c);
        return;
    }
    char app[128];
    snprintf(app, sizeof app, "%.*s", STR_ARG(ex->visit.app_name));
    log_warn("upstream.unreachable", why, "app", app, "end", visit_end_word(ends[verdict]));
    forward_failed(ex, ends[verdict]);
}

static void dial(struct exchange *ex)
{
    struct http_server *s = ex->conn->server;
    exchange_set_phase(ex, EX_DIAL);
    exchange_arm(ex, TIMER_NONE, 0);
    ex->dial_us = gate_now_us();
    struct upstream_dial *d = upstream_dial(s->upstreams, ex->app, &s->limits, connected, ex);
    /* When it connected or failed at once, `connected` has run, and ex may be gone. */
    if (d)
        ex->dial = d;
}

/* The page is of this very host. Who comes to us in the clear may have come to a front by https. */
static bool is_own_origin(const struct exchange *ex)
{
    str origin = ex->head.origin, https = STR("https://"), http = STR("http://");
    str scheme = str_starts(origin, https)                 ? https
                 : !ex->is_tls && str_starts(origin, http) ? http
                                                           : (str){NULL, 0};
    return scheme.n && str_eq_nocase(str_from(origin, scheme.n), ex->head.host_raw);
}

/* A browser opens a WebSocket for whatever page asks, with all that it sends by itself: the cookie,
 * the certificate, the session at a front. A token of ours is sent by nobody's browser. Without an
 * Origin it is no browser; a cookie of ours is for browsers alone. */
static const char *ws_origin_check(const struct exchange *ex)
{
    const struct visit *v = &ex->visit;
    str origin = ex->head.origin;
    bool is_by_itself = v->who && !v->took_authorization && !v->request.token.p;
    if (!is_by_itself || (!v->session && !origin.p))
        return NULL;
    return is_own_origin(ex) || cors_allows(ex->app, origin) ? NULL : "ws.origin";
}

/* What an app may refuse before anything is sent to it. */
static bool is_acceptable(struct exchange *ex)
{
    const struct http_request_head *h = &ex->head;
    if (ex->app->upstreams[0].scheme == UPSTREAM_OTHER) {
        forward_failed(ex, END_UNSUPPORTED);
        return false;
    }
    if (h->framing == FRAMING_LENGTH && h->content_length > ex->max_body_bytes) {
        forward_failed(ex, END_BODY_TOO_LARGE);
        return false;
    }
    if (!h->wants_upgrade_websocket)
        return true;
    const char *bad = ex->app->websocket ? ws_request_check(h) : "ws.off";
    bool is_forbidden = bad && !ex->app->websocket;
    if (!bad) {
        bad = ws_origin_check(ex);
        is_forbidden = bad;
    }
    if (!bad)
        return true;
    uint16_t status = is_forbidden ? 403 : strcmp(bad, "ws.version") == 0 ? 426 : 400;
    ex->visit.outcome = VISIT_REFUSED;
    ex->visit.reason = bad;
    ex->visit.refusal = (struct visit_refusal){
        .status = status, .reason = bad, .sentence = STR("This WebSocket cannot be opened here.")};
    answer_refusal(ex, END_REFUSED);
    return false;
}

/* The decision is made: now the client may send its body (RFC 9110 section 10.1.1). */
static void send_continue(struct exchange *ex)
{
    struct iovec iov = {(void *)(uintptr_t)HTTP_CONTINUE, sizeof HTTP_CONTINUE - 1};
    if (ex->head.expects_continue && !ex->conn->inbox)
        (void)!io_writev(&ex->conn->io, &iov, 1);
}

void forward_start(struct exchange *ex)
{
    struct http_server *s = ex->conn->server;
    ex->app = ex->visit.app;
    ex->body_stall_ms = ex->app->body_stall_ms;
    ex->first_byte_ms = ex->app->first_byte_timeout_ms;
    ex->max_body_bytes = ex->app->max_body_bytes;
    ex->shared_cache = ex->app->shared_cache;
    if (!is_acceptable(ex))
        return;
    ex->close.upstream = ex->app->upstreams[0].text;
    send_continue(ex);
    deadline_set(s->loop, &ex->long_after, s->limits.visit_after_ms);
    struct upstream_conn *up = upstream_take(s->upstreams, ex->app, &s->limits);
    if (up)
        send_request(ex, up);
    else
        dial(ex);
}

void forward_up_event(void *ctx, unsigned events)
{
    struct exchange *ex = ctx;
    struct upstream_conn *up = ex->up;
    if (ex->phase == EX_TUNNEL) {
        tunnel_up_event(ex, events);
        return;
    }
    /* Whatever a kept connection says before it was asked is no answer to us: its end, or what was
     * smuggled behind the answer to somebody else. */
    if ((events & WATCH_READ) && up->uses > 0 && is_unsent(ex)) {
        forward_broken(ex);
        return;
    }
    /* An answer that is there already comes first: the upstream may have closed behind it, and
     * writing to it would only say so. */
    if (events & WATCH_READ) {
        struct conn *c = ex->conn;
        respond_up_readable(ex);
        if (c->exchange != ex || ex->up != up || up->is_closed)
            return;
    }
    if ((events & WATCH_WRITE) && !sink_is_empty(&ex->to_up))
        upload_pump(ex);
    else if ((events & WATCH_WRITE) && ex->up && io_unsent(&ex->up->io))
        upload_pump(ex);
}
