/* proxied: see proxied.h. The header is looked at where it lies in the socket and only its own
 * bytes are taken, so that TLS finds its first record untouched. */
#include "proxy/http/proxied.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "proxy/http/admit.h"
#include "proxy/http/front.h"

enum { PEEK_BYTES = 512 };

static const struct config_listener *listener_of(const struct conn *c)
{
    return &gate_snapshot(c->server->options.gate)->listeners[c->listener];
}

bool proxied_is_due(const struct conn *c)
{
    return c->role == HTTP_ROLE_APPS && listener_of(c)->front == FRONT_PROXY_PROTOCOL;
}

static void refuse(struct conn *c)
{
    counter_add(&c->server->options.counters->proxy_headers_bad, 1);
    conn_close(c);
}

void proxied_begin(struct conn *c)
{
    if (!front_vouches(listener_of(c), &c->peer)) {
        refuse(c);
        return;
    }
    c->proxied = mem_alloc(sizeof *c->proxied);
    conn_set_state(c, CONN_PROXY);
    conn_want(c, WATCH_READ);
    proxied_read(c);
}

/* A balancer that speaks for itself is the client; one that does not say for whom leaves him
 * unknown, who is nobody that a rule about addresses could let in. */
static void begin_connection(struct conn *c)
{
    if (!c->proxied->is_local)
        c->client =
            (struct listener_peer){.addr = c->proxied->addr, .port = c->proxied->port, .uid = -1U};
    proxied_finish(c);
    conn_begin(c);
}

static enum proxy_header_result read_some(struct conn *c, bool *is_over_out)
{
    char bytes[PEEK_BYTES];
    size_t used;
    ssize_t n = recv(c->watch.fd, bytes, sizeof bytes, MSG_PEEK);
    *is_over_out = n < 0 && (errno == EAGAIN || errno == EINTR);
    if (n <= 0)
        return *is_over_out ? PROXY_HEADER_MORE : PROXY_HEADER_BAD;
    enum proxy_header_result result = proxy_header_push(c->proxied, (str){bytes, (size_t)n}, &used);
    if (recv(c->watch.fd, bytes, used, 0) != (ssize_t)used)
        return PROXY_HEADER_BAD;
    return result;
}

void proxied_read(struct conn *c)
{
    bool is_over = false;
    enum proxy_header_result result = PROXY_HEADER_MORE;
    while (result == PROXY_HEADER_MORE && !is_over)
        result = read_some(c, &is_over);
    if (result == PROXY_HEADER_BAD)
        refuse(c);
    else if (result == PROXY_HEADER_DONE)
        begin_connection(c);
}

void proxied_late(struct conn *c)
{
    refuse(c);
}

void proxied_finish(struct conn *c)
{
    free(c->proxied);
    c->proxied = NULL;
}
