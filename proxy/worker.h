/* worker: one thread with its loop, listeners, gate and HTTP server.
 *
 * A connection never leaves the worker that accepted it. Functions are called from the control
 * thread; they post to the worker's mailbox and return. */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include "proxy/http/http.h"
#include "proxy/portal/portal.h"

struct worker;

struct worker_listener {
    int fd;       /* taken */
    size_t index; /* in config->listeners; admin: ignored */
    enum http_role role;
    uid_t peer_uid; /* (uid_t)-1: any */
};

/* Called on the worker's thread; they post to the control thread. */
struct worker_events {
    void (*need_keys)(void *ctx, unsigned worker, size_t issuer, str kid);
    void (*drained)(void *ctx, unsigned worker);
    void (*admin)(void *ctx, str method, str path, struct arena *a, struct http_admin_answer *out);
    void *ctx;
    void (*need_whois)(void *ctx, struct whois_ask *ask);
};

struct worker_options {
    unsigned index;
    struct audit *audit;
    str node, boot;
    struct snapshot *snapshot; /* a reference is taken */
    const struct worker_listener *listeners;
    size_t n_listeners;
    size_t connections;
    size_t ring_bytes;
    /* People: all NULL without a portal. */
    struct desk *desk;
    struct store *store;
    const struct keyring *cookie_keys, *assertion_keys; /* references are taken */
    struct worker_events events;
};

/* Starts the thread. NULL when it cannot; the listeners' fds are closed then. */
struct worker *worker_start(const struct worker_options *o, struct fail *f);
/* A new snapshot (a reference is taken). */
void worker_publish(struct worker *w, struct snapshot *snapshot);
void worker_keys_answered(struct worker *w, size_t issuer);
/* Something in the store changed (texts are copied). */
void worker_store_changed(struct worker *w, const struct store_change *change);
/* What is known of devices (a reference of each is taken). */
void worker_set_devices(struct worker *w, struct device_table *const *tables, size_t n);
/* Secret keys were rotated (references are taken). */
void worker_set_keyrings(struct worker *w, const struct keyring *cookie,
                         const struct keyring *assertion);
/* Accepts what is queued, closes the app listeners, finishes what runs; `drained` follows. */
void worker_drain(struct worker *w);
/* Ends what is left, stops the loop and waits for the thread. */
void worker_join(struct worker *w);
/* After worker_join. NULL is fine. */
void worker_destroy(struct worker *w);
const struct counters *worker_counters(const struct worker *w);

#endif
