/* The way down: the upstream's answer, understood, written anew, streamed. */
#include "proxy/http/exchange.h"

#include "proxy/http/fields.h"

static void complete(struct exchange *ex)
{
    struct http_server *s = ex->conn->server;
    bool clean = ex->request_done && sink_is_empty(&ex->to_up);
    bool reusable = ex->up && ex->up_reusable && !ex->up_deaf;
    if (!clean) { /* it answered without reading all: nobody can say where the next request begins
                   */
        ex->keep = false;
        ex->conn->must_linger = true;
    }
    if (reusable && clean)
        upstream_give(&ex->up, &s->limits);
    exchange_finish(ex, END_COMPLETE);
}

/* After bytes were given to the client's sink. */
static void push(struct exchange *ex)
{
    struct conn *c = ex->conn;
    switch (sink_flush(&ex->to_client, &c->server->buffers, &c->io)) {
    case SINK_ERROR:
        exchange_cut(ex, END_CLIENT_ABORT);
        return;
    case SINK_BLOCKED:
        if (buffer_pool_is_over(&c->server->buffers)) {
            exchange_cut(ex, END_BUFFERS);
            return;
        }
        conn_want(c, (watch_wanted(&c->watch) & WATCH_READ) | WATCH_WRITE);
        exchange_arm(ex, TIMER_CLIENT, c->server->limits.client_stall_ms);
        return;
    case SINK_EMPTY:
        break;
    }
    if (ex->answer_done) {
        complete(ex);
        return;
    }
    if (watch_wanted(&c->watch) & WATCH_WRITE)
        conn_want(c, watch_wanted(&c->watch) & WATCH_READ);
    if (ex->timer == TIMER_CLIENT)
        upload_rest(ex);
}

/* The payload framed anew; there is room around it. */
static size_t frame(struct exchange *ex, char **data, size_t n)
{
    return ex->answer_out == FRAMING_CHUNKED ? body_out_frame(data, n, ex->answer_done) : n;
}

/* Decodes n raw bytes at `raw` in place; false when the exchange is gone. */
static bool decode(struct exchange *ex, struct buffer **b, char *raw, size_t n, size_t *data_len)
{
    size_t consumed;
    enum body_verdict verdict = body_in_feed(&ex->answer_in, raw, n, &consumed, data_len);
    /* Bytes left over after the answer: the upstream and we disagree where it ends. */
    bool left_over = verdict == BODY_DONE && consumed < n;
    if (verdict == BODY_BAD || left_over) {
        buffer_give(&ex->conn->server->buffers, b);
        ex->keep = false;
        forward_failed(ex, END_UPSTREAM_BAD);
        return false;
    }
    ex->answer_done = verdict == BODY_DONE;
    ex->close.bytes_out += *data_len;
    return true;
}

static void bad_answer(struct exchange *ex)
{
    ex->keep = false;
    buffer_give(&ex->conn->server->buffers, &ex->answer_head);
    forward_failed(ex, END_UPSTREAM_BAD);
}

static void choose_framing(struct exchange *ex, const struct http_response_head *h)
{
    ex->answer_out = h->framing;
    if (h->framing != FRAMING_CHUNKED && h->framing != FRAMING_UNTIL_CLOSE)
        return;
    bool can_chunk = ex->head.minor >= 1;
    ex->answer_out = can_chunk ? FRAMING_CHUNKED : FRAMING_UNTIL_CLOSE;
    ex->keep &= can_chunk;
}

static size_t write_head(struct exchange *ex, const struct http_response_head *h, struct buffer *to)
{
    struct conn *c = ex->conn;
    if (c->server->is_draining)
        ex->keep = false;
    struct response_out out = {
        .head = h,
        .framing = ex->answer_out,
        .content_length = h->content_length,
        .has_content_length = h->has_content_length,
        .keep_alive = ex->keep,
        .client_minor = ex->head.minor,
        .is_websocket = h->is_upgrade,
        .is_tls = ex->is_tls,
        .is_identified = ex->visit.who != NULL,
        .shared_cache = ex->shared_cache,
        .date = http_date(c->server),
    };
    return response_head_write(&out, to->data, BUFFER_BYTES);
}

/* A whole head stands at the front of the buffer, `n` bytes in all. */
static void take_head(struct exchange *ex, struct buffer *b, size_t n,
                      const struct http_response_head *h)
{
    struct http_server *s = ex->conn->server;
    size_t head_len = ex->answer_scan.head_len, data_len = 0;
    ex->close.upstream_status = ex->close.status = h->status;
    ex->up_reusable = h->keep_alive;
    choose_framing(ex, h);
    body_in_init(&ex->answer_in, h->framing, h->content_length);
    struct buffer *head = buffer_take(&s->buffers);
    size_t head_n = head ? write_head(ex, h, head) : 0;
    if (head_n == 0) {
        enum visit_end why = head ? END_UPSTREAM_BAD : END_BUFFERS;
        buffer_give(&s->buffers, &head);
        buffer_give(&s->buffers, &b);
        forward_failed(ex, why);
        return;
    }
    str type = str_trim(str_upto(h->content_type, str_find(h->content_type, ';')), " \t");
    ex->is_endless = str_eq_nocase(type, STR("text/event-stream"));
    if (h->is_upgrade) {
        sink_put(&ex->to_client, &s->buffers, &head, head->data, head_n);
        tunnel_start(ex, &b, head_len, n - head_len);
        return;
    }
    /* The old head is no longer needed: its place is room for the framing of the data behind it. */
    char *data = b->data + head_len;
    if (!decode(ex, &b, data, n - head_len, &data_len)) {
        buffer_give(&s->buffers, &head);
        return;
    }
    exchange_set_phase(ex, EX_RESPOND);
    upload_rest(ex);
    ex->has_answered = true;
    size_t framed = frame(ex, &data, data_len);
    sink_put(&ex->to_client, &s->buffers, &head, head->data, head_n);
    sink_put(&ex->to_client, &s->buffers, &b, data, framed);
    exchange_drain(ex);
    push(ex);
}

/* Interim answers are counted and dropped; true when the buffer holds another head to look at. */
static bool skip_interim(struct exchange *ex, struct buffer *b)
{
    size_t head_len = ex->answer_scan.head_len;
    if (++ex->interim > ex->conn->server->limits.interim_responses)
        return false;
    ex->answer_n -= head_len;
    memmove(b->data, b->data + head_len, ex->answer_n);
    ex->answer_scan =
        (struct h1_scan){.limits = &ex->conn->server->response_limits, .is_response = true};
    return true;
}

static void look_for_head(struct exchange *ex)
{
    struct buffer *b = ex->answer_head;
    for (;;) {
        struct http_response_head h;
        enum h1_scan_result result = h1_head_end(b->data, ex->answer_n, &ex->answer_scan);
        if (result == H1_SCAN_MORE)
            return;
        if (result == H1_SCAN_BAD) {
            bad_answer(ex);
            return;
        }
        struct h1_verdict verdict = h1_response_parse(
            (str){b->data, ex->answer_scan.head_len}, &ex->conn->server->response_limits,
            ex->head.method_id, ex->head.wants_upgrade_websocket, &ex->arena, &h);
        bool is_interim = !verdict.status && h.status < 200 && h.status != 101;
        if (verdict.status || (is_interim && !skip_interim(ex, b)) ||
            (h.is_upgrade && ws_response_check(&ex->head, &h))) {
            bad_answer(ex);
            return;
        }
        if (is_interim)
            continue;
        ex->answer_head = NULL;
        take_head(ex, b, ex->answer_n, &h);
        return;
    }
}

/* The upstream is at its end. */
static void ended(struct exchange *ex, bool is_error)
{
    struct http_server *s = ex->conn->server;
    ex->up_reusable = false;
    if (ex->phase == EX_FORWARD) {
        forward_broken(ex);
        return;
    }
    if (ex->answer_in.framing == FRAMING_UNTIL_CLOSE && !is_error) {
        struct buffer *b = buffer_take(&s->buffers);
        if (!b) {
            exchange_cut(ex, END_BUFFERS);
            return;
        }
        ex->answer_done = true;
        char *data = b->data;
        size_t framed = frame(ex, &data, 0);
        sink_put(&ex->to_client, &s->buffers, &b, data, framed);
        push(ex);
        return;
    }
    exchange_cut(ex, END_UPSTREAM_TRUNCATED);
}

static void first_byte(struct exchange *ex)
{
    if (ex->close.first_byte_us < 0)
        ex->close.first_byte_us = gate_now_us() - ex->sent_us;
}

static void take_body(struct exchange *ex, struct buffer *b, size_t n)
{
    size_t data_len;
    char *data = b->data;
    if (!decode(ex, &b, data, n, &data_len))
        return;
    size_t framed = frame(ex, &data, data_len);
    sink_put(&ex->to_client, &ex->conn->server->buffers, &b, data, framed);
    push(ex);
}

/* One read. False when there is nothing more to read now, or the exchange is gone. */
static bool read_once(struct exchange *ex)
{
    struct conn *c = ex->conn;
    struct http_server *s = c->server;
    struct buffer *b = ex->answer_head ? ex->answer_head : buffer_take(&s->buffers);
    size_t have = ex->answer_head ? ex->answer_n : 0;
    if (!b) {
        forward_failed(ex, END_BUFFERS);
        return false;
    }
    if (have == BUFFER_BYTES) { /* no head of legal size is that long */
        bad_answer(ex);
        return false;
    }
    ssize_t n = io_read(&ex->up->io, b->data + have, BUFFER_BYTES - have);
    if (n <= 0) {
        if (!ex->answer_head)
            buffer_give(&s->buffers, &b);
        if (n == IO_EOF || n == IO_ERROR)
            ended(ex, n == IO_ERROR);
        return false;
    }
    if (ex->phase == EX_RESPOND) {
        take_body(ex, b, (size_t)n);
    } else {
        first_byte(ex);
        ex->answer_head = b;
        ex->answer_n = have + (size_t)n;
        look_for_head(ex);
    }
    if (c->exchange != ex || c->state != CONN_BUSY)
        return false;
    if (ex->answer_head && buffer_pool_is_over(&s->buffers)) {
        forward_failed(ex, END_BUFFERS);
        return false;
    }
    return true;
}

void respond_up_readable(struct exchange *ex)
{
    /* One read per event, as the socket tells again; what TLS holds decrypted it does not tell. */
    do {
        bool is_blocked = !sink_is_empty(&ex->to_client) || io_unsent(&ex->conn->io) > 0;
        if (is_blocked || ex->answer_done) {
            watch_want(&ex->up->watch, watch_wanted(&ex->up->watch) & ~(unsigned)WATCH_READ);
            return;
        }
        if (!read_once(ex))
            return;
    } while (ex->up && ex->phase != EX_TUNNEL && io_pending(&ex->up->io) > 0);
}

void respond_client_writable(struct exchange *ex)
{
    struct conn *c = ex->conn;
    push(ex);
    if (c->exchange != ex || c->state != CONN_BUSY || !ex->up || !sink_is_empty(&ex->to_client) ||
        io_unsent(&c->io))
        return;
    watch_want(&ex->up->watch, watch_wanted(&ex->up->watch) | WATCH_READ);
    if (io_is_tls(&ex->up->io))
        respond_up_readable(ex);
}
