/* conn: one client connection, from accept to close.
 *
 * Idle it holds no buffer, arena or parser. A head that arrives whole is parsed from the worker's
 * read buffer; what is incomplete, pipelined or early body waits in the inbox. One exchange at a
 * time: pipelined requests are answered in order. Worker thread only. */
#ifndef PROXY_HTTP_CONN_H
#define PROXY_HTTP_CONN_H

#include "base/list.h"
#include "proxy/http/buffer.h"
#include "proxy/http/h1_head.h"
#include "proxy/http/http.h"
#include "proxy/http/upstream.h"

struct device_cert_seen;
struct exchange;
struct inbox;
struct proxy_header;

struct http_server {
    struct http_options options;
    struct loop *loop;
    struct buffer_pool buffers;
    struct upstream_pools *upstreams;
    struct list_node conns; /* conn.link */
    struct exchange *free_exchanges;
    struct list_node to_send; /* exchange.to_send_link: heads that leave together */
    size_t n_to_send;
    size_t n_conns, n_free_exchanges;
    size_t inbox_bytes; /* of all connections */
    struct h1_limits request_limits, response_limits;
    struct limits limits; /* of the current snapshot */
    bool is_draining, is_crowded;
    char date[32]; /* of date_s */
    size_t date_n;
    int64_t date_s;
};

#define CONN_STATES(X)                                                                             \
    X(CONN_CLOSED, "closed")       /* zero: nothing may be done with it */                         \
    X(CONN_PROXY, "proxy")         /* PROXY header */                                              \
    X(CONN_HANDSHAKE, "handshake") /* TLS */                                                       \
    X(CONN_IDLE, "idle")           /* between requests */                                          \
    X(CONN_HEAD, "head")           /* a head has begun */                                          \
    X(CONN_BUSY, "busy")           /* an exchange is in hand */                                    \
    X(CONN_LINGER, "linger")       /* answered and shut; reads off what the client still sends */

enum conn_state {
#define X(id, name) id,
    CONN_STATES(X)
#undef X
};

struct conn {
    struct watch watch;
    struct io io;
    struct http_server *server;
    struct list_node link; /* server.conns */
    struct deadline deadline;
    struct inbox *inbox;
    struct exchange *exchange;
    struct listener_peer peer;
    struct listener_peer client;   /* the peer, or whom its PROXY header speaks for */
    struct proxy_header *proxied;  /* while it comes in */
    struct device_cert_seen *cert; /* of the device, device.h; NULL until a request came */
    const char *tls_group;         /* of the handshake, lives as long as `io`; NULL: none */
    uint32_t listener;
    enum conn_state state;
    enum http_role role;
    bool wants_next; /* conn_next is to look at the inbox again */
    bool is_in_next;
    bool has_yielded; /* it goes on with its inbox in the next turn */
    bool saw_eof;
    bool must_linger; /* the client may still be sending: a reset would eat our answer */
    bool is_cut;      /* the answer is not whole, or nobody is there to take it */
    bool must_reset;  /* only a reset tells that what was sent is not all */
    size_t lingered;  /* bytes read off */
};

/* The only writer of conn->state; arms the one deadline of the state. */
void conn_set_state(struct conn *c, enum conn_state state);
void conn_close(struct conn *c);
/* TLS or the first request: after the PROXY header, where there is one. */
void conn_begin(struct conn *c);
/* The exchange is over: next request, or the end. `keep` false closes after the answer. */
void conn_done(struct conn *c, bool keep);
/* One read into a buffer of the caller: bytes, or an io_status; IO_EOF is remembered. */
ssize_t conn_read(struct conn *c, char *buf, size_t n);
void conn_want(struct conn *c, unsigned mask);
/* Draining, or crowded and others wait: who is idle has a second left. */
void conn_hurry_idle(struct http_server *s);
/* IMF-fixdate of this second. */
str http_date(struct http_server *s);

#endif
