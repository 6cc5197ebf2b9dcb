/* metrics: what the administrators' listener answers: /healthz, /readyz, /metrics. Any thread. */
#ifndef PROXY_METRICS_H
#define PROXY_METRICS_H

#include <stdatomic.h>

#include "proxy/config/config.h"
#include "proxy/worker.h"

/* Shared by the control thread, which writes, and the worker that answers; atomics throughout. */
struct metrics {
    struct worker *const *workers;
    _Atomic unsigned n_workers;
    const struct audit *audit;
    _Atomic bool keys_settled; /* each issuer was asked for its keys once, well or not */
    _Atomic bool has_policy, is_draining, reload_fails;
    _Atomic uint64_t reloads_good, reloads_failed, policy_generation, keys_fetched, keys_failed;
    int64_t started_s;
};

void metrics_answer(struct metrics *m, str method, str path, struct arena *a,
                    struct http_admin_answer *out);

#endif
