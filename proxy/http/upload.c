/* The request's body on its way up, under back-pressure: it is read only while the upstream takes.
 */
#include "proxy/http/exchange.h"
#include "proxy/http/inbox.h"

/* The payload framed anew; there is room around it. */
static size_t frame(struct exchange *ex, char **data, size_t n)
{
    return ex->head.framing == FRAMING_CHUNKED ? body_out_frame(data, n, ex->request_done) : n;
}

enum { PULLS_PER_EVENT = 16 }; /* one fast upload shall not hold up all others */
enum pull { PULL_GONE = 0, PULL_NOTHING, PULL_SOME, PULL_DRAINED };

static enum pull take_body(struct exchange *ex, struct buffer *b, size_t n)
{
    struct conn *c = ex->conn;
    size_t consumed, data_len;
    enum body_verdict verdict = body_in_feed(&ex->request_in, b->data, n, &consumed, &data_len);
    if (verdict == BODY_BAD || ex->request_in.total > ex->max_body_bytes) {
        buffer_give(&c->server->buffers, &b);
        forward_failed(ex, verdict == BODY_BAD ? END_BODY_BAD : END_BODY_TOO_LARGE);
        return PULL_GONE;
    }
    /* What follows the body is the next request: it is put aside before the framing of our own may
     * need its place. */
    if (verdict == BODY_DONE && consumed < n &&
        !inbox_keep(c, b->data + consumed, n - consumed, 2 * BUFFER_BYTES)) {
        buffer_give(&c->server->buffers, &b);
        exchange_cut(ex, END_BUFFERS);
        return PULL_GONE;
    }
    ex->request_done = verdict == BODY_DONE;
    char *data = b->data;
    size_t framed = frame(ex, &data, data_len);
    sink_put(&ex->to_up, &c->server->buffers, &b, data, framed);
    return PULL_SOME;
}

/* One piece of the body from the inbox or the socket into the sink. */
static enum pull pull(struct exchange *ex)
{
    struct conn *c = ex->conn;
    struct buffer *b = buffer_take(&c->server->buffers);
    if (!b) {
        forward_failed(ex, END_BUFFERS);
        return PULL_GONE;
    }
    bool was_kept = c->inbox != NULL;
    ssize_t n = inbox_or_read(c, b->data, BUFFER_BYTES);
    if (n > 0) {
        visit_touch(&ex->visit);
        enum pull got = take_body(ex, b, (size_t)n);
        bool drained = !was_kept && (size_t)n < BUFFER_BYTES;
        return got == PULL_SOME && drained ? PULL_DRAINED : got;
    }
    buffer_give(&c->server->buffers, &b);
    if (n == IO_EOF || n == IO_ERROR) {
        exchange_cut(ex, END_CLIENT_ABORT);
        return PULL_GONE;
    }
    return PULL_NOTHING;
}

/* What the pump waits for when it has done what it can; false: ex is gone. */
static bool await_client(struct exchange *ex)
{
    conn_want(ex->conn, watch_wanted(&ex->conn->watch) | WATCH_READ);
    if (ex->timer != TIMER_CLIENT)
        exchange_arm(ex, TIMER_BODY, ex->body_stall_ms);
    return true;
}

void upload_rest(struct exchange *ex)
{
    if (!ex->request_done && sink_is_empty(&ex->to_up))
        exchange_arm(ex, TIMER_BODY, ex->body_stall_ms);
    else
        exchange_arm(ex, TIMER_NONE, 0);
}

/* An upstream may answer early (413, 401) and close: the answer stands in our socket then, and what
 * is left of the request is read and thrown away so that the client comes to read it. Without an
 * answer the socket's end says so at once. */
static enum sink_status flush_up(struct exchange *ex)
{
    struct buffer_pool *buffers = &ex->conn->server->buffers;
    enum sink_status status =
        ex->up_deaf ? SINK_ERROR : sink_flush(&ex->to_up, buffers, &ex->up->io);
    if (status != SINK_ERROR)
        return status;
    ex->up_deaf = true;
    sink_clear(&ex->to_up, buffers);
    return SINK_EMPTY;
}

/* The upstream takes no more for now: nothing is read for it. */
static bool await_up(struct exchange *ex)
{
    struct conn *c = ex->conn;
    if (sink_keeps_buffer(&ex->to_up) && buffer_pool_is_over(&c->server->buffers)) {
        forward_failed(ex, END_BUFFERS);
        return false;
    }
    watch_want(&ex->up->watch, WATCH_READ | WATCH_WRITE);
    conn_want(c, watch_wanted(&c->watch) & ~(unsigned)WATCH_READ);
    if (ex->phase == EX_FORWARD)
        exchange_arm(ex, TIMER_UPSTREAM, ex->first_byte_ms);
    else if (ex->timer == TIMER_BODY)
        exchange_arm(ex, TIMER_NONE, 0);
    return true;
}

static bool await_answer(struct exchange *ex)
{
    if (ex->phase == EX_FORWARD)
        exchange_arm(ex, TIMER_FIRST_BYTE, ex->first_byte_ms);
    else if (ex->timer == TIMER_BODY)
        exchange_arm(ex, TIMER_NONE, 0);
    return true;
}

/* The head waits for the first bytes of the body, if there are any, to leave with them. */
static bool holds_head_back(const struct exchange *ex)
{
    return !ex->request_done && ex->to_up.n == 1 && ex->to_up.sent == 0 && ex->conn->inbox;
}

bool upload_pump(struct exchange *ex)
{
    bool is_drained = false, holds_head = holds_head_back(ex);
    for (unsigned pulls = 1;; pulls++) {
        if (!holds_head) {
            if (flush_up(ex) == SINK_BLOCKED)
                return await_up(ex);
            watch_want(&ex->up->watch, WATCH_READ);
            if (ex->request_done)
                return await_answer(ex);
        }
        if (is_drained)
            return await_client(ex);
        enum pull got = pull(ex);
        if (got == PULL_GONE)
            return false;
        if (got == PULL_NOTHING && sink_is_empty(&ex->to_up))
            return await_client(ex);
        holds_head = false;
        is_drained =
            got != PULL_SOME || (pulls >= PULLS_PER_EVENT && io_pending(&ex->conn->io) == 0);
    }
}

void upload_client_readable(struct exchange *ex)
{
    if (!sink_is_empty(&ex->to_up)) {
        /* The upstream is slow: leave the client's bytes in its socket. */
        conn_want(ex->conn, watch_wanted(&ex->conn->watch) & ~(unsigned)WATCH_READ);
        return;
    }
    upload_pump(ex);
}
