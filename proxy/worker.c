/* Workers. See worker.h. */
#include "proxy/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum { MAX_LISTENERS = 64 };

struct accepting {
    struct worker *worker;
    struct listener *listener;
    struct worker_listener options;
};

struct worker {
    pthread_t thread;
    struct loop *loop;
    struct mailbox *mailbox;
    struct gate *gate;
    struct http_server *http;
    struct portal *portal;
    struct audit_ring *ring;
    struct worker_options options;
    struct keyring *cookie_keys, *assertion_keys; /* NULL without a portal */
    struct accepting accepting[MAX_LISTENERS];
    size_t n_accepting;
    struct counters counters;
    bool is_draining, has_drained;
};

/* ---- on the worker's thread -------------------------------------------------------------------
 */

static void accepted(void *ctx, int fd, const struct listener_peer *peer)
{
    struct accepting *a = ctx;
    http_accept(a->worker->http, a->options.role, a->options.index, fd, peer);
}

static void crowded(void *ctx, bool is_crowded)
{
    struct worker *w = ctx;
    log_warn(is_crowded ? "worker.crowded" : "worker.roomy",
             is_crowded ? "the limit of connections is reached, new ones wait"
                        : "new connections are accepted again");
    for (size_t i = 0; i < w->n_accepting; i++)
        if (w->accepting[i].listener && w->accepting[i].options.role == HTTP_ROLE_APPS)
            listener_pause(w->accepting[i].listener, is_crowded);
}

/* Told once: connections of the administrators' listener come and go while others still drain. */
static void drained(void *ctx)
{
    struct worker *w = ctx;
    if (w->has_drained)
        return;
    w->has_drained = true;
    w->options.events.drained(w->options.events.ctx, w->options.index);
}

static void need_keys(void *ctx, size_t issuer, str kid)
{
    struct worker *w = ctx;
    w->options.events.need_keys(w->options.events.ctx, w->options.index, issuer, kid);
}

static void need_refresh(void *ctx, int64_t session)
{
    struct worker *w = ctx;
    desk_refresh(w->options.desk, session);
}

static void need_whois(void *ctx, struct whois_ask *ask)
{
    struct worker *w = ctx;
    w->options.events.need_whois(w->options.events.ctx, ask);
}

static void admin(void *ctx, str method, str path, struct arena *a, struct http_admin_answer *out)
{
    struct worker *w = ctx;
    w->options.events.admin(w->options.events.ctx, method, path, a, out);
}

static void close_listeners(struct worker *w, bool all)
{
    for (size_t i = 0; i < w->n_accepting; i++) {
        if (!all && w->accepting[i].options.role == HTTP_ROLE_ADMIN)
            continue;
        listener_close(w->accepting[i].listener);
        w->accepting[i].listener = NULL;
    }
}

static void on_publish(void *ctx, void *arg)
{
    struct worker *w = ctx;
    gate_swap(w->gate, arg);
    http_swap(w->http);
}

static void on_keys(void *ctx, void *arg)
{
    struct worker *w = ctx;
    gate_keys_answered(w->gate, (size_t)(uintptr_t)arg);
}

struct store_told {
    enum store_change_kind kind;
    int64_t session;
    size_t issuer_n, subject_n;
    char text[];
};

static void on_store(void *ctx, void *arg)
{
    struct worker *w = ctx;
    struct store_told *t = arg;
    gate_store_changed(w->gate, t->kind, t->session, (str){t->text, t->issuer_n},
                       (str){t->text + t->issuer_n, t->subject_n});
    free(t);
}

struct devices_told {
    size_t n;
    struct device_table *tables[];
};

static void on_devices(void *ctx, void *arg)
{
    struct worker *w = ctx;
    struct devices_told *t = arg;
    gate_set_devices(w->gate, t->tables, t->n);
    free(t);
}

struct keyrings_told {
    struct keyring *cookie, *assertion;
};

static void on_keyrings(void *ctx, void *arg)
{
    struct worker *w = ctx;
    struct keyrings_told *t = arg;
    gate_set_keyrings(w->gate, t->cookie, t->assertion);
    portal_set_keys(w->portal, t->cookie);
    keyring_close(&w->cookie_keys);
    keyring_close(&w->assertion_keys);
    w->cookie_keys = t->cookie;
    w->assertion_keys = t->assertion;
    free(t);
}

static void on_audit(void *ctx, void *arg)
{
    struct worker *w = ctx;
    gate_audit_changed(w->gate);
}

static void on_drain(void *ctx, void *arg)
{
    struct worker *w = ctx;
    if (w->is_draining)
        return;
    w->is_draining = true;
    close_listeners(w, false);
    gate_end_all(w->gate, END_DRAIN);
    http_drain(w->http);
}

static void on_stop(void *ctx, void *arg)
{
    struct worker *w = ctx;
    close_listeners(w, true);
    http_cut(w->http);
    mailbox_close(w->mailbox);
    loop_stop(w->loop);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    loop_run(w->loop);
    return NULL;
}

/* ---- on the control thread ---------------------------------------------------------------------
 */

/* On the audit writer's thread. */
static void audit_changed(void *ctx)
{
    struct worker *w = ctx;
    mailbox_post(w->mailbox, on_audit, NULL);
}

static void open_rooms(struct worker *w)
{
    const struct worker_options *o = &w->options;
    w->ring = audit_ring_create(o->audit, audit_changed, w);
    struct gate_options gate = {
        .loop = w->loop,
        .audit = o->audit,
        .ring = w->ring,
        .counters = &w->counters,
        .node = o->node,
        .boot = o->boot,
        .worker = o->index,
        .need_keys = need_keys,
        .need_whois = need_whois,
        .store = o->store,
        .mailbox = w->mailbox,
        .cookie_keys = o->cookie_keys,
        .assertion_keys = o->assertion_keys,
        .need_refresh = o->desk ? need_refresh : NULL,
        .ctx = w,
    };
    w->gate = gate_create(&gate, snapshot_ref(o->snapshot));
    struct http_options http = {
        .loop = w->loop,
        .gate = w->gate,
        .counters = &w->counters,
        .connections = o->connections,
        .admin = admin,
        .drained = drained,
        .crowded = crowded,
        .ctx = w,
    };
    if (o->desk) {
        struct portal_options portal = {
            .mailbox = w->mailbox,
            .desk = o->desk,
            .store = o->store,
            .cookie_keys = o->cookie_keys,
        };
        w->portal = portal_create(&portal);
        http.pages = portal_pages(w->portal);
    }
    w->http = http_create(&http);
}

static bool open_listeners(struct worker *w, const struct worker_options *o, struct fail *f)
{
    bool good = o->n_listeners <= MAX_LISTENERS ||
                fail_set(f, FAIL_LIMIT, "more than %d listeners", MAX_LISTENERS);
    for (size_t i = 0; i < o->n_listeners; i++) {
        struct accepting *a = &w->accepting[i];
        if (!good) {
            close(o->listeners[i].fd);
            continue;
        }
        *a = (struct accepting){.worker = w, .options = o->listeners[i]};
        a->listener = listener_open(w->loop, a->options.fd, a->options.peer_uid, accepted, a, f);
        w->n_accepting = i + 1;
        good = a->listener != NULL;
    }
    return good;
}

/* Signals are the control thread's: a worker starts with all of them blocked. */
static bool start_thread(struct worker *w, struct fail *f)
{
    sigset_t all, old;
    char name[16];
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err)
        return fail_set(f, FAIL_SYSTEM, "a worker thread cannot be started: %s", strerror(err));
    snprintf(name, sizeof name, "worker-%u", w->options.index % 1000);
    pthread_setname_np(w->thread, name);
    return true;
}

struct worker *worker_start(const struct worker_options *o, struct fail *f)
{
    struct worker *w = mem_alloc(sizeof *w);
    w->options = *o;
    w->cookie_keys = keyring_ref(o->cookie_keys);
    w->assertion_keys = keyring_ref(o->assertion_keys);
    w->loop = loop_create(f);
    w->mailbox = w->loop ? mailbox_open(w->loop, w, f) : NULL;
    if (!w->mailbox)
        goto fail;
    open_rooms(w);
    if (!open_listeners(w, o, f) || !start_thread(w, f)) {
        on_stop(w, NULL);
        goto fail;
    }
    return w;
fail:
    worker_destroy(w);
    return NULL;
}

void worker_publish(struct worker *w, struct snapshot *snapshot)
{
    struct snapshot *ref = snapshot_ref(snapshot);
    if (!mailbox_post(w->mailbox, on_publish, ref))
        snapshot_unref(&ref);
}

void worker_keys_answered(struct worker *w, size_t issuer)
{
    mailbox_post(w->mailbox, on_keys, (void *)(uintptr_t)issuer);
}

void worker_store_changed(struct worker *w, const struct store_change *change)
{
    struct store_told *t = mem_alloc(sizeof *t + change->issuer.n + change->subject.n);
    *t = (struct store_told){.kind = change->kind,
                             .session = change->session,
                             .issuer_n = change->issuer.n,
                             .subject_n = change->subject.n};
    if (change->issuer.n)
        memcpy(t->text, change->issuer.p, change->issuer.n);
    if (change->subject.n)
        memcpy(t->text + change->issuer.n, change->subject.p, change->subject.n);
    if (!mailbox_post(w->mailbox, on_store, t))
        free(t);
}

void worker_set_devices(struct worker *w, struct device_table *const *tables, size_t n)
{
    struct devices_told *t = mem_alloc(sizeof *t + n * sizeof *tables);
    t->n = n;
    for (size_t i = 0; i < n; i++)
        t->tables[i] = device_table_ref(tables[i]);
    if (mailbox_post(w->mailbox, on_devices, t))
        return;
    for (size_t i = 0; i < n; i++)
        device_table_unref(&t->tables[i]);
    free(t);
}

void worker_set_keyrings(struct worker *w, const struct keyring *cookie,
                         const struct keyring *assertion)
{
    struct keyrings_told *t = mem_alloc(sizeof *t);
    *t = (struct keyrings_told){keyring_ref(cookie), keyring_ref(assertion)};
    if (mailbox_post(w->mailbox, on_keyrings, t))
        return;
    keyring_close(&t->cookie);
    keyring_close(&t->assertion);
    free(t);
}

void worker_drain(struct worker *w)
{
    mailbox_post(w->mailbox, on_drain, NULL);
}

void worker_join(struct worker *w)
{
    mailbox_post(w->mailbox, on_stop, NULL);
    pthread_join(w->thread, NULL);
}

void worker_destroy(struct worker *w)
{
    if (!w)
        return;
    loop_destroy(w->loop);
    http_destroy(w->http);
    portal_destroy(w->portal);
    gate_destroy(w->gate);
    mailbox_destroy(w->mailbox);
    keyring_close(&w->cookie_keys);
    keyring_close(&w->assertion_keys);
    free(w);
}

const struct counters *worker_counters(const struct worker *w)
{
    return &w->counters;
}
