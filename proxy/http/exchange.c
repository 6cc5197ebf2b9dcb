/* One request and its answer: begin, phases, timers, end. See exchange.h. */
#include "proxy/http/exchange.h"

#include <stdlib.h>

#include "base/log.h"
#include "proxy/http/acme.h"
#include "proxy/http/cors.h"
#include "proxy/http/fields.h"
#include "proxy/http/front.h"
#include "proxy/http/page.h"

enum { EXCHANGES_KEPT = 64, DIAL_AGAIN_MS = 500 };

static const char *const PHASE[] = {
#define X(id, name) [id] = name,
    EXCHANGE_PHASES(X)
#undef X
};

void exchange_set_phase(struct exchange *ex, enum exchange_phase phase)
{
    log_debug("exchange.phase", NULL, "from", PHASE[ex->phase], "to", PHASE[phase]);
    ex->phase = phase;
}

void exchange_arm(struct exchange *ex, enum exchange_timer timer, int64_t ms)
{
    ex->timer = timer;
    if (timer == TIMER_NONE)
        deadline_clear(ex->conn->server->loop, &ex->deadline);
    else
        deadline_set(ex->conn->server->loop, &ex->deadline, ms);
}

static void timed_out(struct deadline *d)
{
    struct exchange *ex = list_entry(d, struct exchange, deadline);
    switch (ex->timer) {
    case TIMER_NONE:
        return;
    case TIMER_FIRST_BYTE:
    case TIMER_UPSTREAM:
        forward_failed(ex, END_UPSTREAM_SLOW);
        return;
    case TIMER_BODY:
        ex->conn->must_linger = true;
        forward_failed(ex, END_BODY_STALL);
        return;
    case TIMER_CLIENT:
        exchange_cut(ex, ex->tunnel_ending ? ex->tunnel_why : END_CLIENT_STALL);
        return;
    }
}

/* ---- long visits ----------------------------------------------------------------------------- */

bool exchange_stand(struct exchange *ex, enum visit_kind kind,
                    void (*ended)(struct visit *v, enum visit_end why))
{
    ex->close.upstream = arena_dup(&ex->arena, ex->close.upstream);
    if (ex->app) {
        ex->visit.upstream = ex->close.upstream;
        ex->visit.upstream_tls = arena_dup(&ex->arena, str_of(ex->app->tls_digest));
        ex->visit.upstream_name = arena_dup(&ex->arena, ex->app->tls_server_name);
    }
    if (!visit_stand(&ex->visit, kind, ended))
        return false;
    ex->app = NULL;
    return true;
}

/* A download that is under way when we are told to end gets its time (drain_timeout); only what
 * never ends by itself is ended at once. */
static void stream_ended(struct visit *v, enum visit_end why)
{
    struct exchange *ex = list_entry(v, struct exchange, visit);
    if (why != END_DRAIN || ex->is_endless)
        exchange_cut(ex, why);
}

static void runs_long(struct deadline *d)
{
    struct exchange *ex = list_entry(d, struct exchange, long_after);
    if (ex->phase == EX_ANSWER)
        return;
    if (ex->phase == EX_DIAL) { /* the head is not written yet, and writing it takes the app */
        deadline_set(ex->conn->server->loop, d, DIAL_AGAIN_MS);
        return;
    }
    if (!exchange_stand(ex, VISIT_KIND_STREAM, stream_ended))
        forward_failed(ex, END_VISITS_FULL);
}

/* ---- begin ----------------------------------------------------------------------------------- */

static struct exchange *take(struct http_server *s)
{
    struct exchange *ex = s->free_exchanges;
    if (ex) {
        s->free_exchanges = ex->next;
        s->n_free_exchanges--;
    } else {
        ex = malloc(sizeof *ex);
        if (!ex)
            abort();
    }
    memset(ex, 0, offsetof(struct exchange, block));
    return ex;
}

struct exchange *exchange_new(struct conn *c, str head)
{
    struct exchange *ex = take(c->server);
    ex->conn = c;
    c->exchange = ex;
    list_init(&ex->to_send_link);
    arena_init(&ex->arena, ex->block, sizeof ex->block);
    deadline_init(&ex->deadline, timed_out);
    deadline_init(&ex->long_after, runs_long);
    ex->close = (struct visit_close){.connect_us = -1, .first_byte_us = -1};
    ex->head_bytes = arena_dup(&ex->arena, head);
    conn_set_state(c, CONN_BUSY);
    return ex;
}

static const struct config_listener *listener_of(const struct exchange *ex)
{
    const struct snapshot *s = gate_snapshot(ex->conn->server->options.gate);
    return &s->listeners[ex->conn->listener];
}

static void begin_visit(struct exchange *ex)
{
    struct conn *c = ex->conn;
    struct gate_request *r = &ex->visit.request;
    visit_begin(&ex->visit, c->server->options.gate, &ex->arena);
    ex->is_recorded = true;
    r->peer = r->client = c->peer.addr;
    r->front = listener_of(ex)->front == FRONT_FORWARDED ? STR("forwarded") : STR("direct");
    if (io_is_tls(&c->io)) {
        r->tls_version = arena_dup(&ex->arena, io_tls_version(&c->io));
        r->tls_cipher = arena_dup(&ex->arena, io_cipher(&c->io));
        r->tls_group = str_of(c->tls_group);
    }
}

static void note_spoofed(struct exchange *ex)
{
    const struct http_request_head *h = &ex->head;
    struct gate_request *r = &ex->visit.request;
    str *names = arena_array(&ex->arena, str, SPOOFED_MAX);
    for (size_t i = 0; i < h->n_fields && r->n_spoofed < SPOOFED_MAX; i++)
        if (h->fields[i].drop == DROP_IDENTITY)
            names[r->n_spoofed++] = h->fields[i].name;
    r->spoofed = names;
    counter_add(&ex->conn->server->options.counters->spoof_attempts, h->spoof_attempts);
}

static void fill_request(struct exchange *ex)
{
    const struct http_request_head *h = &ex->head;
    struct gate_request *r = &ex->visit.request;
    struct front_view view;
    front_view(listener_of(ex), &ex->conn->peer, io_is_tls(&ex->conn->io), h, &view);
    ex->is_tls = view.is_https;
    r->client = view.client;
    r->claimed = view.claimed;
    r->method = h->method;
    r->host = h->host;
    r->path_raw = h->path_raw;
    r->query = h->query;
    r->authorization = h->authorization;
    r->token = h->x_postern_token;
    r->user_agent = h->user_agent;
    r->is_websocket = h->wants_upgrade_websocket;
    r->spoof_attempts = h->spoof_attempts;
    r->is_misdirected = io_is_tls(&ex->conn->io) && !io_covers_host(&ex->conn->io, h->host);
    if (h->spoof_attempts)
        note_spoofed(ex);
}

static void decided(struct exchange *ex)
{
    if (ex->visit.outcome == VISIT_WAITING)
        exchange_set_phase(ex, EX_GATE);
    else if (ex->visit.outcome != VISIT_PERMITTED)
        answer_refusal(ex, END_REFUSED);
    else if (ex->own)
        ex->own(ex);
    else
        forward_start(ex);
}

static void resumed(struct visit *v)
{
    decided(list_entry(v, struct exchange, visit));
}

static void answer_own(struct exchange *ex, const char *reason, void (*own)(struct exchange *))
{
    ex->own = own;
    ex->visit.resumed = resumed;
    visit_own(&ex->visit, reason);
    decided(ex);
}

static void answer_bad(struct exchange *ex, const struct h1_verdict *verdict)
{
    ex->keep = false;
    ex->conn->must_linger = true;
    if (!ex->is_recorded)
        begin_visit(ex);
    fill_request(ex);
    visit_refuse_input(&ex->visit, verdict->status, verdict->id, str_of(verdict->text));
    answer_refusal(ex, END_BAD_REQUEST);
}

void exchange_start_bad(struct conn *c, const struct h1_verdict *verdict)
{
    struct exchange *ex = exchange_new(c, (str){"", 0});
    c->must_linger = true;
    if (c->role == HTTP_ROLE_ADMIN) {
        answer_small(ex, verdict->status, STR("text/plain; charset=utf-8"), STR("bad request\n"),
                     NULL, 0, END_BAD_REQUEST);
        return;
    }
    answer_bad(ex, verdict);
}

static void answer_admin(struct exchange *ex)
{
    struct http_server *s = ex->conn->server;
    struct http_admin_answer a = {.status = 404};
    s->options.admin(s->options.ctx, ex->head.method, ex->head.path_raw, &ex->arena, &a);
    answer_small(ex, a.status, a.type, a.body, NULL, 0, END_OWN);
}

/* Answers any Host and tells nothing but up or down: for tunnels and load balancers, which ask
 * every second; not recorded. */
static void answer_health(struct exchange *ex)
{
    bool draining = ex->conn->server->is_draining;
    answer_small(ex, draining ? 503 : 200, STR("text/plain; charset=utf-8"),
                 draining ? STR("draining\n") : STR("ok\n"), NULL, 0, END_OWN);
}

/* Nobody is sent to a host that is not ours, whatever Host says. */
static bool is_served(const struct snapshot *s, str host)
{
    return str_eq(host, s->config->portal_host) || (s->policy && snapshot_app_by_host(s, host));
}

static void send_challenge(struct exchange *ex)
{
    str challenge = acme_challenge(listener_of(ex)->acme_dir, ex->head.path_raw, &ex->arena);
    answer_small(ex, challenge.p ? 200 : 404, STR("text/plain; charset=utf-8"),
                 challenge.p ? challenge : STR("no such challenge\n"), NULL, 0, END_OWN);
}

static void send_redirect(struct exchange *ex)
{
    const struct http_request_head *h = &ex->head;
    str location = arena_printf(&ex->arena, "https://%.*s%.*s%s%.*s", STR_ARG(h->host),
                                STR_ARG(h->path_raw), h->query.p ? "?" : "", STR_ARG(h->query));
    const struct http_pair extra[] = {{STR("Location"), location}};
    answer_small(ex, 308, (str){NULL, 0}, (str){NULL, 0}, extra, 1, END_OWN);
}

/* A redirect listener serves ACME challenges and redirects, nothing else. */
static void answer_redirect(struct exchange *ex)
{
    const struct http_request_head *h = &ex->head;
    begin_visit(ex);
    fill_request(ex);
    if (acme_is_challenge(h->path_raw)) {
        answer_own(ex, "acme-challenge", send_challenge);
        return;
    }
    if (!is_served(visit_snapshot(&ex->visit), h->host)) {
        visit_refuse_input(&ex->visit, 421, "input:host",
                           STR("No app answers to this host name here."));
        answer_refusal(ex, END_REFUSED);
        return;
    }
    answer_own(ex, "redirect", send_redirect);
}

static void send_no_content(struct exchange *ex)
{
    answer_small(ex, 204, (str){NULL, 0}, (str){NULL, 0}, NULL, 0, END_OWN);
}

static void answer_options(struct exchange *ex)
{
    begin_visit(ex);
    fill_request(ex);
    answer_own(ex, "options-asterisk", send_no_content);
}

static void send_preflight(struct exchange *ex)
{
    const struct http_request_head *h = &ex->head;
    const struct app *app = snapshot_app_by_host(visit_snapshot(&ex->visit), h->host);
    struct http_pair fields[CORS_FIELDS_MAX];
    size_t n = cors_preflight(app, h->origin, &ex->arena, fields);
    answer_small(ex, 204, (str){NULL, 0}, (str){NULL, 0}, fields, n, END_OWN);
}

/* False when it is no preflight, or the app leaves them to itself. */
static bool answer_preflight(struct exchange *ex)
{
    const struct snapshot *s = visit_snapshot(&ex->visit);
    const struct http_request_head *h = &ex->head;
    if (!cors_is_preflight(h) || ex->visit.request.is_misdirected || !s->policy)
        return false;
    const struct app *app = snapshot_app_by_host(s, h->host);
    if (!app || !app->has_cors)
        return false;
    ex->visit.app_name = arena_dup(&ex->arena, app->name);
    if (!cors_allows(app, h->origin)) {
        visit_refuse_input(&ex->visit, 403, "cors.origin",
                           STR("Pages of this origin may not use the app."));
        answer_refusal(ex, END_REFUSED);
        return true;
    }
    answer_own(ex, "cors-preflight", send_preflight);
    return true;
}

void exchange_go(struct exchange *ex)
{
    struct conn *c = ex->conn;
    struct http_request_head *h = &ex->head;
    struct h1_verdict verdict =
        h1_request_parse(ex->head_bytes, &c->server->request_limits, &ex->arena, h);
    if (verdict.status && c->role == HTTP_ROLE_APPS) {
        answer_bad(ex, &verdict);
        return;
    }
    ex->keep = !verdict.status && h->keep_alive && !c->server->is_draining;
    body_in_init(&ex->request_in, h->framing, h->content_length);
    ex->request_in.extension_most = (uint16_t)c->server->limits.chunk_extension_bytes;
    if (c->role == HTTP_ROLE_ADMIN)
        answer_admin(ex);
    else if (str_eq(h->path_raw, STR("/.postern/health")))
        answer_health(ex);
    else if (h->is_asterisk)
        answer_options(ex);
    else if (listener_of(ex)->is_redirect)
        answer_redirect(ex);
    else {
        begin_visit(ex);
        fill_request(ex);
        if (answer_preflight(ex))
            return;
        ex->visit.resumed = resumed;
        visit_run(&ex->visit);
        decided(ex);
    }
}

/* ---- the client's side ------------------------------------------------------------------------
 */

/* Bytes that nobody reads now: the next request, or the client's end. Reading once tells which;
 * then the socket is left alone until this exchange is over (a level-triggered event would come
 * again and again). */
static void client_early(struct exchange *ex)
{
    struct conn *c = ex->conn;
    bool body_follows = !body_in_is_done(&ex->request_in) && !ex->request_done;
    conn_want(c, watch_wanted(&c->watch) & ~(unsigned)WATCH_READ);
    if (body_follows || c->inbox)
        return;
    struct buffer *b = buffer_take(&c->server->buffers);
    if (!b)
        return;
    ssize_t n = conn_read(c, b->data, BUFFER_BYTES);
    bool kept = n <= 0 || conn_keep(c, b->data, (size_t)n, BUFFER_BYTES);
    buffer_give(&c->server->buffers, &b);
    if (n == IO_EOF || n == IO_ERROR || !kept)
        exchange_cut(ex, END_CLIENT_ABORT);
    else if (n < 0)
        conn_want(c, watch_wanted(&c->watch) | WATCH_READ); /* false readiness */
}

void exchange_client_event(struct exchange *ex, unsigned events)
{
    struct conn *c = ex->conn;
    if (ex->phase == EX_TUNNEL) {
        tunnel_client_event(ex, events);
        return;
    }
    if (events & WATCH_WRITE) {
        if (ex->phase == EX_RESPOND)
            respond_client_writable(ex);
        else if (ex->phase == EX_ANSWER)
            answer_writable(ex);
        if (c->exchange != ex || c->state != CONN_BUSY)
            return;
    }
    if (!(events & WATCH_READ) || !(watch_wanted(&c->watch) & WATCH_READ))
        return;
    if ((ex->phase == EX_FORWARD || ex->phase == EX_RESPOND) && !ex->request_done)
        forward_client_readable(ex);
    else
        client_early(ex);
}

/* ---- end ---------------------------------------------------------------------------------------
 */

static void give_back(struct exchange *ex)
{
    struct http_server *s = ex->conn->server;
    arena_finish(&ex->arena);
    if (s->n_free_exchanges >= EXCHANGES_KEPT) {
        free(ex);
        return;
    }
    ex->next = s->free_exchanges;
    s->free_exchanges = ex;
    s->n_free_exchanges++;
}

void exchange_finish(struct exchange *ex, enum visit_end end)
{
    struct conn *c = ex->conn;
    struct http_server *s = c->server;
    bool keep = ex->keep && end != END_NONE;
    exchange_set_phase(ex, EX_OVER);
    exchange_arm(ex, TIMER_NONE, 0);
    deadline_clear(s->loop, &ex->long_after);
    list_remove(&ex->to_send_link);
    upstream_dial_cancel(ex->dial);
    upstream_drop(&ex->up);
    sink_clear(&ex->to_up, &s->buffers);
    sink_clear(&ex->to_client, &s->buffers);
    buffer_give(&s->buffers, &ex->answer_head);
    ex->close.end = end;
    ex->close.bytes_in = ex->request_in.total;
    counter_add(&s->options.counters->bytes_in, (int64_t)ex->close.bytes_in);
    counter_add(&s->options.counters->bytes_out, (int64_t)ex->close.bytes_out);
    if (ex->is_recorded)
        visit_end(&ex->visit, &ex->close);
    give_back(ex);
    conn_done(c, keep);
}

void exchange_cut(struct exchange *ex, enum visit_end end)
{
    struct conn *c = ex->conn;
    ex->keep = false;
    c->must_linger = false;
    c->is_cut = true;
    /* Without a length of its own the close would be the end of a whole answer (RFC 9112 section
     * 8). */
    c->must_reset = ex->phase == EX_RESPOND && ex->answer_out == FRAMING_UNTIL_CLOSE;
    exchange_finish(ex, end);
}
