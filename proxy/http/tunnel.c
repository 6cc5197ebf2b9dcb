/* WebSockets after the 101: bytes both ways, and a close frame of ours when the visit is ended.
 *
 * A browser shows a cut connection as 1006 and says nothing; so the reason is sent as a close
 * frame, between two frames of the upstream's, and then the connection is shut. */
#include "proxy/http/exchange.h"
#include "proxy/http/inbox.h"

#include "proxy/http/page.h"

enum { CLOSE_WITHIN_MS = 800 };

static bool is_blocked(const struct sink *s, const struct io *io)
{
    return !sink_is_empty(s) || io_unsent(io) > 0;
}

static bool up_is_blocked(const struct exchange *ex)
{
    return !ex->up_deaf && is_blocked(&ex->to_up, &ex->up->io);
}

/* Only bytes that leave put the end off, not what the silent side sends meanwhile. */
static void arm_stall(struct exchange *ex, enum exchange_timer timer, int64_t ms)
{
    bool is_down = timer == TIMER_CLIENT;
    const struct sink *s = is_down ? &ex->to_client : &ex->to_up;
    uint64_t taken = s->sent - io_unsent(is_down ? &ex->conn->io : &ex->up->io);
    if (ex->timer != timer || ex->taken != taken)
        exchange_arm(ex, timer, ms);
    ex->taken = taken;
}

/* Masks from what is blocked: a side is read only while the other takes. */
static void set_wants(struct exchange *ex)
{
    bool down_blocked = is_blocked(&ex->to_client, &ex->conn->io);
    bool up_blocked = up_is_blocked(ex);
    bool reads_client = !up_blocked && !ex->tunnel_ending;
    watch_want(&ex->up->watch, (down_blocked ? 0 : WATCH_READ) | (up_blocked ? WATCH_WRITE : 0));
    conn_want(ex->conn, (reads_client ? WATCH_READ : 0) | (down_blocked ? WATCH_WRITE : 0));
    if (ex->tunnel_ending)
        return;
    if (down_blocked)
        arm_stall(ex, TIMER_CLIENT, ex->conn->server->limits.client_stall_ms);
    else if (up_blocked)
        arm_stall(ex, TIMER_UPSTREAM, ex->first_byte_ms);
    else if (ex->timer != TIMER_NONE)
        exchange_arm(ex, TIMER_NONE, 0);
}

/* False when ex is gone. */
static bool flush_both(struct exchange *ex)
{
    struct http_server *s = ex->conn->server;
    if (sink_flush(&ex->to_client, &s->buffers, &ex->conn->io) == SINK_ERROR) {
        exchange_cut(ex, END_CLIENT_ABORT);
        return false;
    }
    if (sink_flush(&ex->to_up, &s->buffers, &ex->up->io) == SINK_ERROR) {
        sink_clear(&ex->to_up, &s->buffers); /* its last frames and its end are read first */
        ex->up_deaf = true;
    }
    if (buffer_pool_is_over(&s->buffers) &&
        (sink_keeps_buffer(&ex->to_client) || sink_keeps_buffer(&ex->to_up))) {
        exchange_cut(ex, END_BUFFERS);
        return false;
    }
    if (ex->tunnel_ending && ex->answer_done && !is_blocked(&ex->to_client, &ex->conn->io)) {
        ex->keep = false;
        ex->conn->must_linger = true;
        exchange_finish(ex, ex->tunnel_why);
        return false;
    }
    set_wants(ex);
    return true;
}

/* Whether the page may hope to be let in again at once, it must learn from the code. */
static enum ws_code close_code(enum visit_end why)
{
    switch (why) {
    case END_DRAIN:
        return WS_GOING_AWAY;
    case END_UPSTREAM_CHANGED:
        return WS_RESTART;
    default:
        return WS_POLICY;
    }
}

static void put_close_frame(struct exchange *ex)
{
    struct http_server *s = ex->conn->server;
    struct buffer *b = buffer_take(&s->buffers);
    if (!b || ex->to_client.n == 2)
        buffer_give(&s->buffers, &b);
    ex->answer_done = true;
    if (!b || ex->down_frames.saw_close || ex->down_frames.bad) {
        buffer_give(&s->buffers, &b);
        return;
    }
    size_t n = ws_close_write(b->data, close_code(ex->tunnel_why),
                              str_of(visit_end_text(ex->tunnel_why)), NULL);
    sink_put(&ex->to_client, &s->buffers, &b, b->data, n);
}

/* Bytes from the upstream; when the visit is ending only up to the end of the current frame. */
static void pass_down(struct exchange *ex, struct buffer *b, const char *p, size_t n)
{
    if (ex->tunnel_ending)
        n = ws_scan_to_boundary(&ex->down_frames, p, n);
    else
        ws_scan_feed(&ex->down_frames, p, n);
    ex->close.bytes_out += n;
    sink_put(&ex->to_client, &ex->conn->server->buffers, &b, p, n);
    if (ex->tunnel_ending && (ws_at_boundary(&ex->down_frames) || ex->down_frames.bad))
        put_close_frame(ex);
}

/* False when nothing came or ex is gone. */
static bool read_up(struct exchange *ex)
{
    struct buffer *b = buffer_take(&ex->conn->server->buffers);
    ssize_t n = b ? io_read(&ex->up->io, b->data, BUFFER_BYTES) : IO_ERROR;
    if (n > 0) {
        pass_down(ex, b, b->data, (size_t)n);
        return true;
    }
    buffer_give(&ex->conn->server->buffers, &b);
    if (n != IO_EOF && n != IO_ERROR)
        return false;
    bool is_orderly = ex->down_frames.saw_close || n == IO_EOF;
    ex->keep = false;
    /* The client may be sending still: a reset would take the last frames from its hands. */
    ex->conn->must_linger = is_orderly;
    exchange_finish(ex, ex->tunnel_ending ? ex->tunnel_why
                        : is_orderly      ? END_COMPLETE
                                          : END_UPSTREAM_RESET);
    return false;
}

static bool read_client(struct exchange *ex)
{
    struct conn *c = ex->conn;
    struct buffer *b = buffer_take(&c->server->buffers);
    if (!b) {
        exchange_cut(ex, END_BUFFERS);
        return false;
    }
    ssize_t n = inbox_or_read(c, b->data, BUFFER_BYTES);
    if (n > 0) {
        visit_touch(&ex->visit);
        ex->request_in.total += (uint64_t)n;
        sink_put(&ex->to_up, &c->server->buffers, &b, b->data, (size_t)n);
        return true;
    }
    buffer_give(&c->server->buffers, &b);
    if (n == IO_EOF || n == IO_ERROR)
        exchange_cut(ex, n == IO_EOF ? END_COMPLETE : END_CLIENT_ABORT);
    return false;
}

static bool may_read_up(const struct exchange *ex)
{
    return !is_blocked(&ex->to_client, &ex->conn->io) && !ex->answer_done;
}

static bool may_read_client(const struct exchange *ex)
{
    return !up_is_blocked(ex) && !ex->tunnel_ending;
}

/* What TLS holds decrypted raises no readiness: whichever side is free to be read again after a
 * write is read for it. */
static void turn(struct exchange *ex, bool reads_client, bool reads_up)
{
    struct conn *c = ex->conn;
    do {
        if (reads_client && may_read_client(ex) && !read_client(ex) && c->exchange != ex)
            return;
        if (reads_up && may_read_up(ex) && !read_up(ex) && c->exchange != ex)
            return;
        if (!flush_both(ex))
            return;
        reads_client = may_read_client(ex) && io_pending(&c->io) > 0;
        reads_up = may_read_up(ex) && io_pending(&ex->up->io) > 0;
    } while (reads_client || reads_up);
}

void tunnel_up_event(struct exchange *ex, unsigned events)
{
    turn(ex, false, events & WATCH_READ);
}

void tunnel_client_event(struct exchange *ex, unsigned events)
{
    turn(ex, events & WATCH_READ, false);
}

void tunnel_ended(struct visit *v, enum visit_end why)
{
    struct exchange *ex = list_entry(v, struct exchange, visit);
    if (ex->tunnel_ending)
        return;
    ex->tunnel_ending = true;
    ex->tunnel_why = why;
    exchange_arm(ex, TIMER_CLIENT, CLOSE_WITHIN_MS);
    if (ws_at_boundary(&ex->down_frames) && ex->to_client.n < 2)
        put_close_frame(ex);
    flush_both(ex);
}

void tunnel_start(struct exchange *ex, struct buffer **b, size_t off, size_t n)
{
    struct conn *c = ex->conn;
    ex->keep = false;
    exchange_arm(ex, TIMER_NONE, 0);
    deadline_clear(c->server->loop, &ex->long_after);
    if (!exchange_stand(ex, VISIT_KIND_WEBSOCKET, tunnel_ended)) {
        buffer_give(&c->server->buffers, b);
        sink_clear(&ex->to_client, &c->server->buffers);
        forward_failed(ex, END_VISITS_FULL);
        return;
    }
    ex->has_answered = true;
    ex->request_done = true;
    exchange_set_phase(ex, EX_TUNNEL);
    pass_down(ex, *b, (*b)->data + off, n);
    *b = NULL;
    if (!c->server->is_draining)
        turn(ex, c->inbox || io_pending(&c->io) > 0, io_pending(&ex->up->io) > 0);
    else if (flush_both(ex)) /* it was asked for before, and came too late */
        tunnel_ended(&ex->visit, END_DRAIN);
}
