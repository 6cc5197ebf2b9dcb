/* metrics: what the administrators' listener answers: /healthz, /readyz, /metrics. Any thread. */
#ifndef PROXY_METRICS_H
#define PROXY_METRICS_H

#include <pthread.h>
#include <stdatomic.h>

#include "proxy/config/config.h"
#include "proxy/worker.h"

/* Shared by the control thread, which writes, and the worker that answers: atomics, but for the
 * snapshot, which is not of the request path. Zeroed but for metrics_init. */
struct metrics {
    struct worker *const *workers;
    _Atomic unsigned n_workers;
    const struct audit *audit;
    _Atomic bool keys_settled; /* each issuer was asked for its keys once, well or not */
    _Atomic bool has_policy, is_draining, reload_fails;
    _Atomic uint64_t reloads_good, reloads_failed, policy_generation, keys_fetched, keys_failed;
    int64_t started_s;
    pthread_mutex_t lock; /* of what follows */
    struct snapshot *snapshot;
};

void metrics_init(struct metrics *m);
/* The snapshot that runs from now on; referenced, NULL lets go of the last. Control thread. */
void metrics_show(struct metrics *m, struct snapshot *s);

void metrics_answer(struct metrics *m, str method, str path, struct arena *a,
                    struct http_admin_answer *out);

#endif
