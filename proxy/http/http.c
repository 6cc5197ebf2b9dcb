/* One worker's HTTP server: what all its connections share, and the end of it. See http.h. */
#include "proxy/http/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proxy/http/exchange.h"

void http_swap(struct http_server *s)
{
    s->limits = gate_snapshot(s->options.gate)->config->limits;
    s->request_limits = (struct h1_limits){
        .request_line_bytes = (uint32_t)s->limits.request_line_bytes,
        .field_bytes = (uint32_t)s->limits.header_bytes,
        .fields_bytes = (uint32_t)s->limits.headers_bytes,
        .fields = (uint32_t)s->limits.fields,
    };
    s->response_limits = s->request_limits;
    s->response_limits.field_bytes = (uint32_t)s->limits.response_headers_bytes;
    s->response_limits.fields_bytes = (uint32_t)s->limits.response_headers_bytes;
    s->buffers.most = s->limits.buffers_bytes / BUFFER_BYTES;
    upstream_pools_sweep(s->upstreams);
}

static void send_all(void *ctx)
{
    exchange_send_all(ctx);
}

struct http_server *http_create(const struct http_options *o)
{
    struct http_server *s = mem_alloc(sizeof *s);
    s->options = *o;
    s->loop = o->loop;
    s->upstreams = upstream_pools_create(o->loop, o->counters);
    list_init(&s->conns);
    list_init(&s->to_send);
    loop_before_wait(o->loop, send_all, s);
    buffer_pool_init(&s->buffers, gate_snapshot(o->gate)->config->limits.buffers_bytes);
    http_swap(s);
    return s;
}

void http_destroy(struct http_server *s)
{
    if (!s)
        return;
    while (s->free_exchanges) {
        struct exchange *next = s->free_exchanges->next;
        free(s->free_exchanges);
        s->free_exchanges = next;
    }
    upstream_pools_destroy(s->upstreams);
    buffer_pool_finish(&s->buffers);
    free(s);
}

void http_drain(struct http_server *s)
{
    s->is_draining = true;
    conn_hurry_idle(s);
    for (struct list_node *n = s->conns.next; n != &s->conns; n = n->next) {
        struct conn *c = list_entry(n, struct conn, link);
        if (c->exchange)
            exchange_drain(c->exchange);
    }
    if (s->n_conns == 0)
        s->options.drained(s->options.ctx);
}

void http_cut(struct http_server *s)
{
    while (!list_empty(&s->conns)) {
        struct conn *c = list_entry(s->conns.next, struct conn, link);
        if (c->exchange)
            exchange_cut(c->exchange, END_DRAIN);
        conn_close(c);
    }
    upstream_pools_close(s->upstreams);
    loop_before_wait(s->loop, NULL, NULL); /* the loop may be gone before we are */
}

size_t http_connections(const struct http_server *s)
{
    return s->n_conns;
}

str http_date(struct http_server *s)
{
    int64_t now_s = loop_wall_us(s->loop) / 1000000;
    if (now_s != s->date_s) {
        static const char days[] = "SunMonTueWedThuFriSat";
        static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        struct tm tm;
        time_t t = (time_t)now_s;
        gmtime_r(&t, &tm);
        /* By hand: strftime would follow the locale. */
        int n = snprintf(s->date, sizeof s->date, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                         days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
                         tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
        s->date_n = (size_t)n < sizeof s->date ? (size_t)n : sizeof s->date - 1;
        s->date_s = now_s;
    }
    return (str){s->date, s->date_n};
}
