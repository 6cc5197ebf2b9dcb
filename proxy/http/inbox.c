/* What a client has sent ahead. See inbox.h. */
#include "proxy/http/inbox.h"

#include <stdlib.h>

#include "proxy/http/exchange.h"

enum {
    INBOX_LEAST = 1024,
    INBOX_SMALL = 8192, /* a usual head: taken even when all inboxes together are full */
};

void inbox_free(struct conn *c)
{
    if (c->inbox)
        c->server->inbox_bytes -= c->inbox->cap;
    free(c->inbox);
    c->inbox = NULL;
}

/* The oldest connection that keeps much for itself: a long head that does not end, requests in
 * hundreds, or behind answers that nobody takes. */
static bool evict(const struct conn *newcomer)
{
    const struct list_node *all = &newcomer->server->conns;
    for (struct list_node *n = all->next; n != all; n = n->next) {
        struct conn *c = list_entry(n, struct conn, link);
        bool is_greedy = !c->exchange || c->exchange->phase == EX_ANSWER;
        if (!is_greedy || !c->inbox || c->inbox->cap <= INBOX_SMALL || c == newcomer ||
            c->is_in_next)
            continue;
        if (c->exchange)
            exchange_cut(c->exchange, END_BUFFERS);
        else
            conn_close(c);
        return true;
    }
    return false;
}

/* Thousands of half-open heads of the longest kind would be gigabytes: when all inboxes together
 * are as large as the bodies may be, the greedy ones make place, or only small ones grow. */
static struct inbox *grow(struct conn *c, size_t cap, size_t next)
{
    struct http_server *s = c->server;
    while (next > INBOX_SMALL && s->inbox_bytes + next - cap > s->limits.buffers_bytes)
        if (!evict(c))
            return NULL;
    struct inbox *grown = realloc(c->inbox, sizeof *grown + next);
    if (grown)
        s->inbox_bytes += next - cap;
    return grown;
}

static bool make_room(struct conn *c, size_t n)
{
    struct inbox *in = c->inbox;
    size_t have = in ? in->n : 0, cap = in ? in->cap : 0, next = cap ? cap : INBOX_LEAST;
    if (in && in->at + have + n > cap) {
        memmove(in->data, in->data + in->at, have);
        in->at = 0;
    }
    if (have + n <= cap)
        return true;
    while (next < have + n)
        next *= 2;
    struct inbox *grown = grow(c, cap, next);
    if (!grown)
        return false;
    if (!in)
        *grown = (struct inbox){.scan = {.limits = &c->server->request_limits}};
    grown->cap = next;
    c->inbox = grown;
    return true;
}

bool inbox_keep(struct conn *c, const char *p, size_t n, size_t most)
{
    size_t have = c->inbox ? c->inbox->n : 0;
    if (n > most || have > most - n || !make_room(c, n))
        return false;
    memcpy(c->inbox->data + c->inbox->at + have, p, n);
    c->inbox->n = have + n;
    return true;
}

void inbox_cut(struct conn *c, size_t n)
{
    struct inbox *in = c->inbox;
    in->n -= n;
    if (in->n == 0) {
        inbox_free(c);
        return;
    }
    in->at += n;
    in->scan = (struct h1_scan){.limits = &c->server->request_limits};
}

size_t inbox_take(struct conn *c, char *buf, size_t n)
{
    if (!c->inbox)
        return 0;
    size_t got = c->inbox->n < n ? c->inbox->n : n;
    memcpy(buf, c->inbox->data + c->inbox->at, got);
    inbox_cut(c, got);
    return got;
}

ssize_t inbox_or_read(struct conn *c, char *buf, size_t n)
{
    size_t kept = inbox_take(c, buf, n);
    return kept ? (ssize_t)kept : conn_read(c, buf, n);
}
