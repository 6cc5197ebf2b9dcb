/* How a head becomes a visit. See admit.h. */
#include "proxy/http/admit.h"

#include "proxy/http/device.h"
#include "proxy/http/front.h"
#include "proxy/http/own.h"
#include "proxy/http/pages.h"

const struct config_listener *admit_listener(const struct exchange *ex)
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
    r->peer = c->peer.addr;
    r->client = c->client.addr;
    r->client_port = c->client.port;
    r->listener = c->listener;
    r->front = front_name(admit_listener(ex)->front);
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
    front_view(admit_listener(ex), &ex->conn->client, io_is_tls(&ex->conn->io), h, &view);
    ex->is_tls = view.is_https;
    r->client = view.client;
    r->claimed = view.claimed;
    r->method = h->method;
    r->host = h->host;
    r->path_raw = h->path_raw;
    r->query = h->query;
    r->authorization = h->authorization;
    r->token = h->x_postern_token;
    r->assertion = h->assertion;
    front_served(admit_listener(ex), h, &r->asserted_name, &r->asserted_picture);
    r->user_agent = h->user_agent;
    r->cookie = h->cookie;
    r->origin = h->origin;
    r->is_websocket = h->wants_upgrade_websocket;
    device_fill(ex);
    r->spoof_attempts = h->spoof_attempts;
    r->is_misdirected = io_is_tls(&ex->conn->io) && !io_covers_host(&ex->conn->io, h->host);
    if (h->spoof_attempts)
        note_spoofed(ex);
}

void admit_begin(struct exchange *ex)
{
    begin_visit(ex);
    fill_request(ex);
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

void admit_own(struct exchange *ex, const char *reason, void (*own)(struct exchange *))
{
    ex->own = own;
    ex->visit.resumed = resumed;
    visit_own(&ex->visit, reason);
    decided(ex);
}

void admit_page(struct exchange *ex, const char *reason, void (*own)(struct exchange *))
{
    ex->own = own;
    ex->visit.resumed = resumed;
    visit_page(&ex->visit, reason);
    decided(ex);
}

static void answer_bad(struct exchange *ex, const struct h1_verdict *verdict)
{
    ex->keep = false;
    ex->conn->must_linger = true;
    admit_begin(ex);
    visit_refuse_input(&ex->visit, verdict->status, verdict->id, str_of(verdict->text));
    answer_refusal(ex, END_BAD_REQUEST);
}

void admit_bad(struct conn *c, const struct h1_verdict *verdict)
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

static bool take_assertion(struct exchange *ex)
{
    struct http_request_head *h = &ex->head;
    return front_assertion(admit_listener(ex), &ex->conn->peer, h, &h->assertion);
}

void admit_request(struct exchange *ex)
{
    static const struct h1_verdict twice = {
        400, "field.twice", "The identity header of the proxy in front came twice."};
    struct conn *c = ex->conn;
    struct http_request_head *h = &ex->head;
    struct h1_verdict verdict =
        h1_request_parse(ex->head_bytes, &c->server->request_limits, &ex->arena, h);
    if (verdict.status && c->role == HTTP_ROLE_APPS) {
        answer_bad(ex, &verdict);
        return;
    }
    if (c->role == HTTP_ROLE_APPS && !take_assertion(ex)) {
        answer_bad(ex, &twice);
        return;
    }
    ex->keep = !verdict.status && h->keep_alive && !c->server->is_draining;
    body_in_init(&ex->request_in, h->framing, h->content_length);
    ex->request_in.extension_most = (uint16_t)c->server->limits.chunk_extension_bytes;
    if (c->role == HTTP_ROLE_ADMIN)
        own_admin(ex);
    else if (str_eq(h->path_raw, STR("/.postern/health")))
        own_health(ex);
    else if (h->is_asterisk)
        own_options(ex);
    else if (admit_listener(ex)->is_redirect)
        own_redirect(ex);
    else {
        admit_begin(ex);
        if (own_jwks(ex) || pages_take(ex) || own_preflight(ex))
            return;
        ex->visit.resumed = resumed;
        visit_run(&ex->visit);
        decided(ex);
    }
}
