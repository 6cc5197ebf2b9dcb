/* upstream: connections to the apps, kept alive in one pool for each upstream and worker.
 *
 * A connection is idle in its pool, or lent to one exchange. It goes back only after a cleanly
 * framed answer (http-rules.md, 5); an idle one that the upstream closes, or sends bytes on that
 * nobody asked for, is closed. Last in, first out. Worker thread only. */
#ifndef PROXY_HTTP_UPSTREAM_H
#define PROXY_HTTP_UPSTREAM_H

#include "base/list.h"
#include "base/map.h"
#include "proxy/config/config.h"
#include "proxy/gate/counters.h"
#include "proxy/net/net.h"

struct upstream_pools; /* of one worker */
struct upstream_pool;

struct upstream_conn {
    struct watch watch;
    struct io io;
    struct upstream_pool *pool;
    struct list_node link; /* pool.idle while idle */
    struct deadline idle;
    struct addr addr;
    bool is_idle, is_closed;
    uint64_t uses;     /* exchanges before this one */
    uint64_t settings; /* the pool's when it was verified */
    /* Set by the borrower: called on readiness while lent. */
    void (*ready)(void *ctx, unsigned events);
    void *ctx;
};

struct upstream_pools *upstream_pools_create(struct loop *loop, struct counters *counters);
/* Closes all idle connections; those lent are closed by their borrowers. */
void upstream_pools_close(struct upstream_pools *p);
void upstream_pools_destroy(struct upstream_pools *p);
/* New configuration: pools without a connection go; those of apps that are still there come again
 * with their first request. */
void upstream_pools_sweep(struct upstream_pools *p);
size_t upstream_pools_count(const struct upstream_pools *p);

/* NULL when an app has no usable connection idle. */
struct upstream_conn *upstream_take(struct upstream_pools *p, const struct app *app,
                                    const struct limits *limits);

enum upstream_verdict {
    UPSTREAM_FAILED = 0, /* unreachable */
    UPSTREAM_READY,
    UPSTREAM_FULL, /* limits.upstream_connections */
    UPSTREAM_TLS,  /* the handshake or the certificate failed */
    UPSTREAM_SLOW, /* connect timeout */
};

typedef void upstream_done_fn(void *ctx, struct upstream_conn *c, enum upstream_verdict verdict,
                              const char *why);

struct upstream_dial;

/* A new connection, TLS included, within the app's connect timeout. `done` may be called before
 * this returns; then NULL is returned. */
struct upstream_dial *upstream_dial(struct upstream_pools *p, const struct app *app,
                                    const struct limits *limits, upstream_done_fn *done, void *ctx);
void upstream_dial_cancel(struct upstream_dial *d);
/* Back to the pool (or closed when that is full, or the worker drains). Nulls *c. */
void upstream_give(struct upstream_conn **c, const struct limits *limits);
/* Not to be used again. Nulls *c; NULL is fine. */
void upstream_drop(struct upstream_conn **c);

#endif
