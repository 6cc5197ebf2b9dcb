/* Client connections. See conn.h.
 *
 * The trap: an exchange may end in any callback, its own or its upstream's, and the next request
 * may be in the inbox already. conn_next() is the one loop that looks there; whoever ends an
 * exchange below it only leaves a mark. */
#include "proxy/http/conn.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/http/admit.h"
#include "proxy/http/device.h"
#include "proxy/http/exchange.h"
#include "proxy/http/inbox.h"
#include "proxy/http/proxied.h"

enum {
    LINGER_MS = 2000,
    LINGER_BYTES = 64 << 20,
    DRAIN_IDLE_MS = 1000,
    REQUESTS_PER_TURN = 32,
};

static const char *const STATE[] = {
#define X(id, name) [id] = name,
    CONN_STATES(X)
#undef X
};

static int64_t state_deadline_ms(const struct conn *c, enum conn_state state)
{
    const struct limits *l = &c->server->limits;
    switch (state) {
    case CONN_PROXY:
    case CONN_HANDSHAKE:
        return l->handshake_timeout_ms;
    case CONN_IDLE:
        return c->server->is_draining || c->server->is_crowded ? DRAIN_IDLE_MS
                                                               : l->keepalive_timeout_ms;
    case CONN_HEAD:
        return l->head_timeout_ms;
    case CONN_LINGER:
        return LINGER_MS;
    case CONN_BUSY:
    case CONN_CLOSED:
        return 0;
    }
    return 0;
}

void conn_set_state(struct conn *c, enum conn_state state)
{
    int64_t ms = state_deadline_ms(c, state);
    log_debug("conn.state", NULL, "from", STATE[c->state], "to", STATE[state]);
    c->state = state;
    if (ms)
        deadline_set(c->server->loop, &c->deadline, ms);
    else
        deadline_clear(c->server->loop, &c->deadline);
}

void conn_want(struct conn *c, unsigned mask)
{
    if (c->state != CONN_CLOSED)
        watch_want(&c->watch, mask);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void scan_inbox(struct conn *c)
{
    struct inbox *in = c->inbox;
    const char *data = in->data + in->at;
    switch (h1_head_end(data, in->n, &in->scan)) {
    case H1_SCAN_MORE:
        if (c->state == CONN_IDLE)
            conn_set_state(c, CONN_HEAD);
        return;
    case H1_SCAN_BAD:
        admit_bad(c, &in->scan.verdict);
        return;
    case H1_SCAN_END: {
        size_t head_len = in->scan.head_len;
        struct exchange *ex = exchange_new(c, (str){data, head_len});
        inbox_cut(c, head_len);
        admit_request(ex);
        return;
    }
    }
}

static bool awaits_request(const struct conn *c)
{
    return c->state == CONN_IDLE || c->state == CONN_HEAD;
}

static bool read_once(struct conn *c);

/* What TLS holds decrypted raises no readiness, so it is looked for here too. */
static void conn_next(struct conn *c)
{
    c->wants_next = true;
    if (c->is_in_next)
        return;
    c->is_in_next = true;
    for (unsigned n = 0; c->wants_next; n++) {
        c->wants_next = false;
        if (n >= REQUESTS_PER_TURN && awaits_request(c)) {
            /* Thousands may have come in one piece. The others' turn; we are called at once. */
            c->has_yielded = true;
            conn_want(c, WATCH_READ | WATCH_WRITE);
            break;
        }
        if (awaits_request(c) && c->inbox)
            scan_inbox(c);
        if (!c->wants_next && awaits_request(c) && io_pending(&c->io) > 0)
            c->wants_next = read_once(c);
    }
    c->is_in_next = false;
}

/* Bytes from the socket. The usual case, one whole head and nothing else, touches no heap. */
static void feed(struct conn *c, const char *p, size_t n)
{
    struct h1_scan scan = {.limits = &c->server->request_limits};
    size_t most = h1_head_max(&c->server->request_limits) + BUFFER_BYTES;
    static const struct h1_verdict full = {503, "inbox.full",
                                           "Too much waits here already. Try again in a moment."};
    if (c->inbox) {
        if (!inbox_keep(c, p, n, most))
            admit_bad(c, &full);
        conn_next(c);
        return;
    }
    enum h1_scan_result result = h1_head_end(p, n, &scan);
    if (result == H1_SCAN_BAD) {
        c->must_linger = true;
        admit_bad(c, &scan.verdict);
        return;
    }
    size_t used = result == H1_SCAN_END ? scan.head_len : 0;
    if (n > used && !inbox_keep(c, p + used, n - used, most)) {
        admit_bad(c, &full);
        return;
    }
    if (!used) {
        c->inbox->scan = scan;
        conn_set_state(c, CONN_HEAD);
        return;
    }
    bool was_in_next = c->is_in_next;
    c->is_in_next = true; /* an exchange that ends at once comes back through the loop below */
    admit_request(exchange_new(c, (str){p, used}));
    c->is_in_next = was_in_next;
    if (c->wants_next)
        conn_next(c);
}

ssize_t conn_read(struct conn *c, char *buf, size_t n)
{
    ssize_t got = io_read(&c->io, buf, n);
    if (got == IO_EOF || got == IO_ERROR)
        c->saw_eof = true;
    return got;
}

/* True when bytes came. */
static bool read_once(struct conn *c)
{
    struct buffer *b = buffer_take(&c->server->buffers);
    if (!b) {
        conn_close(c);
        return false;
    }
    ssize_t n = conn_read(c, b->data, BUFFER_BYTES);
    if (n > 0)
        feed(c, b->data, (size_t)n);
    else if (n == IO_EOF || n == IO_ERROR)
        conn_close(c);
    else if (n == IO_AGAIN_WRITE)
        conn_want(c, WATCH_READ | WATCH_WRITE);
    buffer_give(&c->server->buffers, &b);
    return n > 0;
}

static void readable(struct conn *c)
{
    while (read_once(c) && awaits_request(c) && io_pending(&c->io) > 0)
        ;
}

/* What is still on its way when we have answered and shut would, unread, reset the connection and
 * take the answer from the client's hands (RFC 9112 section 9.6). */
static void linger(struct conn *c)
{
    struct buffer *b = buffer_take(&c->server->buffers);
    ssize_t n = b ? conn_read(c, b->data, BUFFER_BYTES) : IO_ERROR;
    buffer_give(&c->server->buffers, &b);
    if (n > 0)
        c->lingered += (size_t)n;
    if (n == IO_EOF || n == IO_ERROR || c->lingered > LINGER_BYTES)
        conn_close(c);
}

/* Whoever typed http:// before the port of https:// reads why. No request was understood and none
 * is recorded; nothing of what came is repeated. */
static void handshake_failed(struct conn *c)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Length: 50\r\n"
                                 "Connection: close\r\n\r\n"
                                 "This port speaks TLS: the address needs https://.\n";
    counter_add(&c->server->options.counters->tls_failures, 1);
    if (io_spoke_http(&c->io))
        io_answer_in_clear(&c->io, str_of(answer));
    conn_close(c);
}

static void handshake(struct conn *c)
{
    int status = io_handshake(&c->io);
    if (status == IO_ERROR) {
        handshake_failed(c);
        return;
    }
    bool wants_write = status == IO_AGAIN_WRITE || io_unsent(&c->io) > 0;
    conn_want(c, WATCH_READ | (wants_write ? WATCH_WRITE : 0));
    if (status != IO_DONE)
        return;
    c->tls_group = io_tls_group(&c->io).p;
    conn_set_state(c, CONN_HEAD);
    readable(c);
}

static void conn_event(struct watch *w, unsigned events)
{
    struct conn *c = list_entry(w, struct conn, watch);
    switch (c->state) {
    case CONN_PROXY:
        proxied_read(c);
        return;
    case CONN_HANDSHAKE:
        handshake(c);
        return;
    case CONN_IDLE:
    case CONN_HEAD:
        if (io_unsent(&c->io) && io_flush(&c->io) == IO_DONE)
            conn_want(c, WATCH_READ);
        if (c->has_yielded) {
            c->has_yielded = false;
            conn_want(c, WATCH_READ);
            conn_next(c);
        } else {
            readable(c);
        }
        return;
    case CONN_BUSY:
        exchange_client_event(c->exchange, events);
        return;
    case CONN_LINGER:
        linger(c);
        return;
    case CONN_CLOSED:
        return;
    }
}

static void timed_out(struct deadline *d)
{
    struct conn *c = list_entry(d, struct conn, deadline);
    static const struct h1_verdict slow = {408, "head.timeout",
                                           "The request did not arrive in time."};
    if (c->state == CONN_HEAD && c->inbox) {
        admit_bad(c, &slow);
        return;
    }
    if (c->state == CONN_PROXY) {
        proxied_late(c);
        return;
    }
    if (c->state == CONN_IDLE) {
        /* A request may have come in this very moment: it gets its answer. */
        readable(c);
        if (c->state != CONN_IDLE)
            return;
    }
    conn_close(c);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void conn_freed(struct watch *w)
{
    struct conn *c = list_entry(w, struct conn, watch);
    device_forget(&c->cert);
    free(c);
}

static void left(struct http_server *s)
{
    s->n_conns--;
    counter_add(&s->options.counters->connections_open, -1);
    if (s->is_crowded && s->n_conns + s->options.connections / 20 < s->options.connections) {
        s->is_crowded = false;
        s->options.crowded(s->options.ctx, false);
    }
    if (s->is_draining && s->n_conns == 0)
        s->options.drained(s->options.ctx);
}

void conn_close(struct conn *c)
{
    static const struct linger at_once = {.l_onoff = 1};
    if (c->state == CONN_CLOSED)
        return;
    if (c->must_reset)
        setsockopt(c->watch.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    else if (io_is_tls(&c->io) && !c->saw_eof && c->state != CONN_LINGER &&
             c->state != CONN_HANDSHAKE)
        io_shutdown(&c->io);
    conn_set_state(c, CONN_CLOSED);
    list_remove(&c->link);
    io_finish(&c->io);
    proxied_finish(c);
    inbox_free(c);
    watch_close(&c->watch, conn_freed);
    left(c->server);
}

void conn_done(struct conn *c, bool keep)
{
    c->exchange = NULL;
    if (c->state == CONN_CLOSED)
        return;
    if (keep && !c->saw_eof) {
        conn_set_state(c, CONN_IDLE);
        conn_want(c, WATCH_READ | (io_unsent(&c->io) ? WATCH_WRITE : 0));
        conn_next(c);
        return;
    }
    /* It has sent more than one request, or we stopped to look. */
    bool may_send = c->must_linger || c->inbox || !(watch_wanted(&c->watch) & WATCH_READ);
    if (!may_send || c->is_cut || c->saw_eof) {
        conn_close(c);
        return;
    }
    inbox_free(c);
    io_shutdown(&c->io);
    conn_set_state(c, CONN_LINGER);
    conn_want(c, WATCH_READ);
}

/* Draining, or crowded and others wait: who is idle has a second left. */
void conn_hurry_idle(struct http_server *s)
{
    for (struct list_node *n = s->conns.next; n != &s->conns; n = n->next)
        if (list_entry(n, struct conn, link)->state == CONN_IDLE)
            conn_set_state(list_entry(n, struct conn, link), CONN_IDLE);
}

static bool open_io(struct conn *c, int fd)
{
    const struct snapshot *snap = gate_snapshot(c->server->options.gate);
    struct tls_server *tls = c->role == HTTP_ROLE_APPS ? snap->tls[c->listener] : NULL;
    struct fail f = {0};
    if (!tls) {
        io_open_plain(&c->io, fd);
        return true;
    }
    if (io_open_server(&c->io, c->server->loop, fd, tls, &f)) {
        io_ask_certificate(&c->io, device_asks, c);
        return true;
    }
    log_warn("conn.tls", f.text);
    return false;
}

void conn_begin(struct conn *c)
{
    c->state = CONN_HEAD;
    if (!open_io(c, c->watch.fd)) {
        conn_close(c);
        return;
    }
    conn_set_state(c, io_is_tls(&c->io) ? CONN_HANDSHAKE : CONN_HEAD);
    conn_want(c, WATCH_READ);
    /* With TCP_DEFER_ACCEPT the first bytes are there already. */
    if (c->state == CONN_HANDSHAKE)
        handshake(c);
    else
        readable(c);
}

void http_accept(struct http_server *s, enum http_role role, size_t listener, int fd,
                 const struct listener_peer *peer)
{
    struct fail f = {0};
    struct conn *c = mem_alloc(sizeof *c);
    c->server = s;
    c->role = role;
    c->listener = (uint32_t)listener;
    c->peer = c->client = *peer;
    if (!watch_open(s->loop, &c->watch, fd, conn_event, &f)) {
        log_warn("conn.watch", f.text);
        close(fd);
        free(c);
        return;
    }
    deadline_init(&c->deadline, timed_out);
    list_append(&s->conns, &c->link);
    s->n_conns++;
    counter_add(&s->options.counters->connections, 1);
    counter_add(&s->options.counters->connections_open, 1);
    c->state = CONN_HEAD;
    if (s->n_conns >= s->options.connections && !s->is_crowded) {
        s->is_crowded = true;
        conn_hurry_idle(s);
        s->options.crowded(s->options.ctx, true);
    }
    if (proxied_is_due(c))
        proxied_begin(c);
    else
        conn_begin(c);
}
