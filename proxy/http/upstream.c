/* Upstream pools. See upstream.h. */
#include "proxy/http/upstream.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"

struct upstream_pool {
    struct upstream_pools *owner;
    char *key;
    struct list_node idle;  /* upstream_conn.link, most recently used first */
    size_t n_idle, n_open;  /* n_open: those on their way too */
    struct tls_client *tls; /* what its connections are verified by, and for which name */
    char *tls_name;
    uint64_t settings; /* counts up when these two change */
};

struct upstream_pools {
    struct loop *loop;
    struct counters *counters;
    struct map by_key;
    bool is_closing;
};

struct upstream_dial {
    struct upstream_pools *pools;
    struct upstream_pool *pool;
    struct dial *dial;
    struct upstream_conn *conn; /* during the TLS handshake */
    struct deadline deadline;
    struct tls_client *tls;
    str server_name;
    uint64_t settings;
    int64_t timeout_ms;
    bool *is_gone; /* set while upstream_dial is on the stack: tells it that d was freed */
    upstream_done_fn *done;
    void *ctx;
};

struct upstream_pools *upstream_pools_create(struct loop *loop, struct counters *counters)
{
    struct upstream_pools *p = mem_alloc(sizeof *p);
    p->loop = loop;
    p->counters = counters;
    map_init(&p->by_key);
    return p;
}

static void conn_freed(struct watch *w)
{
    struct upstream_conn *c = list_entry(w, struct upstream_conn, watch);
    free(c);
}

static void conn_close(struct upstream_conn *c)
{
    if (c->is_closed)
        return;
    struct upstream_pools *p = c->pool->owner;
    c->is_closed = true;
    if (c->is_idle) {
        list_remove(&c->link);
        c->pool->n_idle--;
        counter_add(&p->counters->upstream_idle, -1);
    }
    deadline_clear(p->loop, &c->idle);
    io_finish(&c->io);
    c->pool->n_open--;
    watch_close(&c->watch, conn_freed);
}

static void close_idle(struct upstream_pool *pool)
{
    while (!list_empty(&pool->idle))
        conn_close(list_entry(pool->idle.next, struct upstream_conn, link));
}

void upstream_pools_close(struct upstream_pools *p)
{
    p->is_closing = true;
    for (size_t i = 0; i < p->by_key.n; i++)
        close_idle(p->by_key.entries[i].value);
}

static void pool_free(struct upstream_pool *pool)
{
    tls_client_unref(&pool->tls);
    free(pool->tls_name);
    free(pool->key);
    free(pool);
}

void upstream_pools_destroy(struct upstream_pools *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->by_key.n; i++)
        pool_free(p->by_key.entries[i].value);
    map_finish(&p->by_key);
    free(p);
}

/* Whatever points to a pool, a connection or a dial, counts in its n_open. */
void upstream_pools_sweep(struct upstream_pools *p)
{
    struct map kept;
    map_init(&kept);
    for (size_t i = 0; i < p->by_key.n; i++) {
        struct map_entry *entry = &p->by_key.entries[i];
        struct upstream_pool *pool = entry->value;
        if (pool->n_open)
            map_add(&kept, entry->key, pool);
        else
            pool_free(pool);
    }
    map_finish(&p->by_key);
    p->by_key = kept;
}

size_t upstream_pools_count(const struct upstream_pools *p)
{
    return p->by_key.n;
}

/* Other settings: what was verified before does not count, not even what is lent now. */
static void use_settings(struct upstream_pool *pool, const struct app *app)
{
    bool same_name = str_eq(str_of(pool->tls_name), app->tls_server_name);
    if (pool->tls == app->tls && (!app->tls || same_name))
        return;
    close_idle(pool);
    tls_client_unref(&pool->tls);
    free(pool->tls_name);
    pool->tls = app->tls ? tls_client_ref(app->tls) : NULL;
    pool->tls_name = mem_dup(app->tls_server_name);
    pool->settings++;
}

/* One pool for each upstream as written and app, so that connections verified under one app's TLS
 * settings never serve another's. */
static struct upstream_pool *pool_of(struct upstream_pools *p, const struct app *app)
{
    enum { KEY_MOST = 1024 };
    char key[KEY_MOST];
    str name = str_upto(app->name, KEY_MOST / 4),
        text = str_upto(app->upstreams[0].text, KEY_MOST / 2);
    memcpy(key, name.p, name.n);
    key[name.n] = '|';
    memcpy(key + name.n + 1, text.p, text.n);
    str whole = {key, name.n + 1 + text.n};
    struct upstream_pool *pool = map_get(&p->by_key, whole);
    if (!pool) {
        pool = mem_alloc(sizeof *pool);
        pool->owner = p;
        pool->key = mem_dup(whole);
        list_init(&pool->idle);
        map_add(&p->by_key, (str){pool->key, whole.n}, pool);
    }
    use_settings(pool, app);
    return pool;
}

static void conn_event(struct watch *w, unsigned events)
{
    struct upstream_conn *c = list_entry(w, struct upstream_conn, watch);
    if (c->is_idle) /* closed by the upstream, or bytes that nobody asked for */
        conn_close(c);
    else if (c->ready)
        c->ready(c->ctx, events);
}

static void idle_too_long(struct deadline *d)
{
    conn_close(list_entry(d, struct upstream_conn, idle));
}

struct upstream_conn *upstream_take(struct upstream_pools *p, const struct app *app,
                                    const struct limits *limits)
{
    struct upstream_pool *pool = pool_of(p, app);
    if (list_empty(&pool->idle))
        return NULL;
    struct upstream_conn *c = list_entry(pool->idle.next, struct upstream_conn, link);
    list_remove(&c->link);
    pool->n_idle--;
    counter_add(&p->counters->upstream_idle, -1);
    deadline_clear(p->loop, &c->idle);
    c->is_idle = false;
    c->uses++;
    return c;
}

void upstream_give(struct upstream_conn **pc, const struct limits *limits)
{
    struct upstream_conn *c = *pc;
    struct upstream_pool *pool = c->pool;
    *pc = NULL;
    c->ready = NULL;
    /* What TLS holds unread or unsent raises no readiness while idle: the next borrower would take
     * it for his own. */
    bool is_quiet = io_pending(&c->io) == 0 && io_unsent(&c->io) == 0;
    bool is_good = is_quiet && c->settings == pool->settings && !pool->owner->is_closing;
    if (!is_good || pool->n_idle >= limits->upstream_idle) {
        conn_close(c);
        return;
    }
    watch_want(&c->watch, WATCH_READ);
    c->is_idle = true;
    list_insert(&pool->idle, &c->link);
    pool->n_idle++;
    counter_add(&pool->owner->counters->upstream_idle, 1);
    deadline_set(pool->owner->loop, &c->idle, limits->upstream_idle_timeout_ms);
}

void upstream_drop(struct upstream_conn **pc)
{
    struct upstream_conn *c = *pc;
    *pc = NULL;
    if (!c)
        return;
    c->ready = NULL;
    conn_close(c);
}

/* ---- dialling ---------------------------------------------------------------------------- */

static void dial_free(struct upstream_dial *d)
{
    if (d->is_gone)
        *d->is_gone = true;
    if (!d->conn)
        d->pool->n_open--; /* else the connection does that when it closes */
    deadline_clear(d->pools->loop, &d->deadline);
    tls_client_unref(&d->tls);
    free((void *)(uintptr_t)d->server_name.p);
    free(d);
}

static void dial_end(struct upstream_dial *d, enum upstream_verdict verdict, const char *why)
{
    struct upstream_conn *c = d->conn;
    upstream_done_fn *done = d->done;
    void *ctx = d->ctx;
    if (verdict != UPSTREAM_READY && c) {
        c->ready = NULL;
        conn_close(c);
        c = NULL;
    }
    dial_free(d);
    done(ctx, c, verdict, why);
}

static void handshake(void *ctx, unsigned events)
{
    struct upstream_dial *d = ctx;
    int status = io_handshake(&d->conn->io);
    if (status == IO_ERROR) {
        char why[160];
        io_error_text(&d->conn->io, why, sizeof why);
        dial_end(d, UPSTREAM_TLS, why);
        return;
    }
    bool wants_write = status == IO_AGAIN_WRITE || io_unsent(&d->conn->io) > 0;
    watch_want(&d->conn->watch, WATCH_READ | (wants_write ? WATCH_WRITE : 0));
    if (status == IO_DONE)
        dial_end(d, UPSTREAM_READY, NULL);
}

static void too_slow(struct deadline *dl)
{
    dial_end(list_entry(dl, struct upstream_dial, deadline), UPSTREAM_SLOW,
             "the TLS handshake took too long");
}

static bool conn_open(struct upstream_dial *d, const struct dial_result *r, struct fail *f)
{
    struct upstream_conn *c = mem_alloc(sizeof *c);
    if (!watch_open(d->pools->loop, &c->watch, r->fd, conn_event, f)) {
        close(r->fd);
        free(c);
        return false;
    }
    c->pool = d->pool;
    c->addr = r->peer;
    list_init(&c->link);
    deadline_init(&c->idle, idle_too_long);
    io_open_plain(&c->io, r->fd);
    c->settings = d->settings;
    d->conn = c;
    return !d->tls || io_open_client(&c->io, d->pools->loop, r->fd, d->tls, d->server_name, f);
}

static void dialled(void *ctx, const struct dial_result *r)
{
    struct upstream_dial *d = ctx;
    struct fail f = {0};
    d->dial = NULL;
    if (r->verdict != DIAL_CONNECTED) {
        dial_end(d, r->verdict == DIAL_TIMED_OUT ? UPSTREAM_SLOW : UPSTREAM_FAILED,
                 dial_verdict_text(r->verdict));
        return;
    }
    counter_add(&d->pools->counters->upstream_dials, 1);
    if (!conn_open(d, r, &f)) {
        dial_end(d, UPSTREAM_FAILED, f.text);
        return;
    }
    watch_want(&d->conn->watch, WATCH_READ);
    if (!d->tls) {
        dial_end(d, UPSTREAM_READY, NULL);
        return;
    }
    d->conn->ready = handshake;
    d->conn->ctx = d;
    deadline_set(d->pools->loop, &d->deadline, d->timeout_ms);
    handshake(d, 0);
}

static struct dial_target target_of(const struct app *app, const struct limits *limits)
{
    const struct upstream *u = &app->upstreams[0];
    if (u->scheme == UPSTREAM_UNIX)
        return (struct dial_target){.path = u->path, .timeout_ms = app->connect_timeout_ms};
    return (struct dial_target){.host = u->host,
                                .port = u->port,
                                .timeout_ms = app->connect_timeout_ms,
                                .keepalive_s = (int)(limits->tcp_keepalive_ms / 1000)};
}

struct upstream_dial *upstream_dial(struct upstream_pools *p, const struct app *app,
                                    const struct limits *limits, upstream_done_fn *done, void *ctx)
{
    struct upstream_pool *pool = pool_of(p, app);
    if (pool->n_open >= limits->upstream_connections) {
        done(ctx, NULL, UPSTREAM_FULL, "all connections to the upstream are in use");
        return NULL;
    }
    struct upstream_dial *d = mem_alloc(sizeof *d);
    d->pools = p;
    d->pool = pool;
    d->settings = pool->settings;
    pool->n_open++;
    d->done = done;
    d->ctx = ctx;
    d->tls = app->tls ? tls_client_ref(app->tls) : NULL;
    d->server_name = (str){mem_dup(app->tls_server_name), app->tls_server_name.n};
    deadline_init(&d->deadline, too_slow);
    d->timeout_ms = app->connect_timeout_ms;
    struct dial_target target = target_of(app, limits);
    bool is_gone = false;
    d->is_gone = &is_gone;
    struct dial *dial = dial_start(p->loop, &target, dialled, d);
    if (is_gone)
        return NULL;
    d->is_gone = NULL;
    d->dial = dial; /* NULL while a handshake follows a connect that went through at once */
    return d;
}

void upstream_dial_cancel(struct upstream_dial *d)
{
    if (!d)
        return;
    dial_cancel(d->dial); /* takes NULL */
    if (d->conn) {
        d->conn->ready = NULL;
        conn_close(d->conn);
    }
    dial_free(d);
}
