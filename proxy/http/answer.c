/* Answers of our own: refusals, failures, small texts. */
#include "proxy/http/cors.h"
#include "proxy/http/exchange.h"
#include "proxy/http/inbox.h"
#include "proxy/http/page.h"
#include "proxy/http/pages.h"

/* Feeds what the inbox holds of a body that nobody wants; true when that was all of it. */
bool answer_skip_body(struct exchange *ex)
{
    struct conn *c = ex->conn;
    struct http_server *s = c->server;
    if (body_in_is_done(&ex->request_in) || ex->request_done)
        return true;
    if (ex->head.expects_continue || !c->inbox)
        return false;
    struct buffer *b = buffer_take(&s->buffers);
    if (!b)
        return false;
    size_t consumed, data_len, n = inbox_take(c, b->data, BUFFER_BYTES);
    enum body_verdict verdict = body_in_feed(&ex->request_in, b->data, n, &consumed, &data_len);
    bool done = verdict == BODY_DONE &&
                (consumed == n || inbox_keep(c, b->data + consumed, n - consumed, BUFFER_BYTES));
    buffer_give(&s->buffers, &b);
    return done;
}

static void finish(struct exchange *ex)
{
    exchange_finish(ex, ex->close.end);
}

void answer_writable(struct exchange *ex)
{
    struct conn *c = ex->conn;
    switch (sink_flush(&ex->to_client, &c->server->buffers, &c->io)) {
    case SINK_ERROR:
        exchange_cut(ex, END_CLIENT_ABORT);
        return;
    case SINK_BLOCKED:
        sink_settle(&ex->to_client, &c->server->buffers, &ex->arena);
        conn_want(c, WATCH_WRITE);
        exchange_arm(ex, TIMER_CLIENT, c->server->limits.client_stall_ms);
        return;
    case SINK_EMPTY:
        finish(ex);
        return;
    }
}

static void send_text(struct exchange *ex, struct buffer *b, size_t n, enum visit_end end)
{
    ex->close.end = end;
    ex->has_answered = true;
    exchange_set_phase(ex, EX_ANSWER);
    sink_put(&ex->to_client, &ex->conn->server->buffers, &b, b->data, n);
    answer_writable(ex);
}

/* How the answer goes out; a body that was not read whole ends the connection with it. */
static struct answer_how how_of(struct exchange *ex)
{
    struct conn *c = ex->conn;
    if (!answer_skip_body(ex)) {
        ex->keep = false;
        c->must_linger = true;
    }
    return (struct answer_how){
        .wants_html = page_wants_html(&ex->head),
        .keep_alive = ex->keep,
        .client_minor = ex->head.method.p ? ex->head.minor : 1,
        .is_head = ex->head.method_id == METHOD_HEAD,
        .is_tls = ex->is_tls,
        .date = http_date(c->server),
    };
}

static struct buffer *take(struct exchange *ex)
{
    struct buffer *b = buffer_take(&ex->conn->server->buffers);
    if (!b)
        exchange_cut(ex, END_BUFFERS);
    return b;
}

/* Whose postern it is, and whom to ask where the app names nobody. */
static void add_portal(const struct exchange *ex, struct refusal *r)
{
    const struct snapshot *s = visit_snapshot(&ex->visit);
    r->is_german = page_wants_german(ex->head.accept_language);
    if (!s)
        return;
    r->brand = s->config->portal.title;
    if (!r->contact.n)
        r->contact = s->config->portal.contact;
}

static void send_refusal(struct exchange *ex, struct refusal *r, enum visit_end end)
{
    static const struct http_pair version[] = {{STR("Sec-WebSocket-Version"), STR("13")}};
    struct answer_how how = how_of(ex);
    struct buffer *b = take(ex);
    if (!b)
        return;
    add_portal(ex, r);
    if (r->status == 426) {
        how.extra = version;
        how.n_extra = 1;
    }
    ex->close.status = r->status;
    send_text(ex, b, refusal_write(r, &how, b->data, BUFFER_BYTES), end);
}

void answer_refusal(struct exchange *ex, enum visit_end end)
{
    const struct visit *v = &ex->visit;
    if (pages_refused(ex))
        return;
    struct refusal r = {
        .status = v->refusal.status,
        .reason = str_of(v->refusal.reason),
        .sentence = v->refusal.sentence,
        .remedy = v->refusal.remedy,
        .request_id = {v->id, VISIT_ID_CHARS},
        .retry_after_s = v->refusal.retry_after_s,
        .login_url = v->refusal.status == 401 ? pages_login_url(ex) : (str){NULL, 0},
    };
    if (v->app && cors_allows(v->app, ex->head.origin))
        r.allow_origin = ex->head.origin;
    /* The app's name is told to those who proved who they are, to nobody else. */
    if (v->app && v->who) {
        r.app_title = v->app->title.p ? v->app->title : v->app->name;
        r.contact = visit_contact(v);
    }
    send_refusal(ex, &r, end);
}

static str failure_remedy(uint16_t status)
{
    switch (status) {
    case 408:
    case 503:
        return STR("Try again in a moment.");
    case 502:
    case 504:
        return STR("Try again in a moment. If it stays so, tell those who run the app the number "
                   "of this request.");
    case 413:
        return STR("Send less at once.");
    default:
        return (str){NULL, 0};
    }
}

void answer_failure(struct exchange *ex, uint16_t status, enum visit_end end)
{
    list_remove(&ex->to_send_link);
    upstream_drop(&ex->up);
    sink_clear(&ex->to_up, &ex->conn->server->buffers);
    if (ex->has_answered || ex->phase == EX_ANSWER) {
        exchange_cut(ex, end);
        return;
    }
    if (visit_end_is_error(end))
        counter_add(&ex->conn->server->options.counters->upstream_errors, 1);
    struct refusal r = {
        .status = status,
        .reason = str_of(visit_end_word(end)),
        .sentence =
            arena_printf(&ex->arena, "The request was let through, but %s.", visit_end_text(end)),
        .remedy = failure_remedy(status),
        .request_id = {ex->visit.id, VISIT_ID_CHARS},
        .retry_after_s = status == 503 ? 1 : 0,
    };
    if (ex->app) {
        r.allow_origin = cors_allows(ex->app, ex->head.origin) ? ex->head.origin : (str){NULL, 0};
        r.app_title = ex->app->title.p ? ex->app->title : ex->app->name;
        r.contact = ex->app->owner;
    }
    send_refusal(ex, &r, end);
}

void answer_small(struct exchange *ex, unsigned status, str type, str body,
                  const struct http_pair *extra, size_t n_extra, enum visit_end end)
{
    struct answer_how how = how_of(ex);
    struct buffer *b = take(ex);
    if (!b)
        return;
    how.extra = extra;
    how.n_extra = n_extra;
    ex->close.status = (uint16_t)status;
    size_t n = answer_write(status, type, body, &how, b->data, BUFFER_BYTES);
    if (n == 0) {
        buffer_give(&ex->conn->server->buffers, &b);
        exchange_cut(ex, end);
        return;
    }
    send_text(ex, b, n, end);
}
