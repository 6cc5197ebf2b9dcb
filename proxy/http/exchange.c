/* One request and its answer: begin, phases, timers, end. See exchange.h. */
#include "proxy/http/exchange.h"

#include <stdlib.h>

#include "base/log.h"
#include "proxy/http/inbox.h"
#include "proxy/http/pages.h"

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
    case TIMER_PAGE:
        pages_too_long(ex);
        return;
    case TIMER_BODY:
        if (ex->phase == EX_FORM) {
            pages_stalled(ex);
            return;
        }
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

/* One that began a moment ago, or begins to answer only now, stands in no table and is not ended by
 * it. */
void exchange_drain(struct exchange *ex)
{
    struct http_server *s = ex->conn->server;
    if (s->is_draining && ex->is_endless && ex->phase == EX_RESPOND)
        deadline_set(s->loop, &ex->long_after, 1);
}

static void runs_long(struct deadline *d)
{
    struct exchange *ex = list_entry(d, struct exchange, long_after);
    if (ex->phase == EX_ANSWER)
        return;
    if (ex->conn->server->is_draining && ex->is_endless) {
        exchange_cut(ex, END_DRAIN);
        return;
    }
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
    bool kept = n <= 0 || inbox_keep(c, b->data, (size_t)n, BUFFER_BYTES);
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
    if (ex->phase == EX_FORM)
        pages_client_readable(ex);
    else if ((ex->phase == EX_FORWARD || ex->phase == EX_RESPOND) && !ex->request_done)
        upload_client_readable(ex);
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
    pages_gone(ex);
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
