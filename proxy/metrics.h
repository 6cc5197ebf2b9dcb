/* metrics: what the administrators' listener answers: /healthz, /readyz, /metrics. Any thread. */
#ifndef PROXY_METRICS_H
#define PROXY_METRICS_H

#include <pthread.h>
#include <stdatomic.h>

#include "proxy/config/config.h"
#include "proxy/devices.h"
#include "proxy/notify.h"
#include "proxy/worker.h"

enum { METRICS_SOURCES = 32 }; /* of device facts; those beyond are not shown */

/* Shared by the control thread, which writes, and the worker that answers: atomics, but for the
 * snapshot, which is not of the request path. Zeroed but for metrics_init. */
struct metrics {
    struct worker *const *workers;
    _Atomic unsigned n_workers;
    const struct audit *audit;
    const struct notify *notify;
    _Atomic bool keys_settled; /* each issuer was asked for its keys once, well or not */
    _Atomic bool has_policy, has_shadow, shadow_fails, is_draining, reload_fails;
    _Atomic uint64_t reloads_good, reloads_failed, policy_generation, keys_fetched, keys_failed;
    int64_t started_s;
    pthread_mutex_t lock; /* of what follows */
    struct snapshot *snapshot;
    struct metrics_source {
        char name[64];
        bool is_up;
        size_t n_devices;
        int64_t seen_s;
    } sources[METRICS_SOURCES];
    size_t n_sources;
};

void metrics_init(struct metrics *m);
/* The snapshot that runs from now on; referenced, NULL lets go of the last. Control thread. */
void metrics_show(struct metrics *m, struct snapshot *s);

/* How the sources of device facts are. Control thread. */
void metrics_show_sources(struct metrics *m, const struct devices_source *sources, size_t n);

void metrics_answer(struct metrics *m, str method, str path, struct arena *a,
                    struct http_admin_answer *out);

#endif
