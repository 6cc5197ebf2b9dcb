/* sockets: binds what a worker listens on, before any thread starts, so that errors are told at
 * once and privileges may be dropped after. Start-up only. */
#ifndef PROXY_SOCKETS_H
#define PROXY_SOCKETS_H

#include "proxy/worker.h"

enum { SOCKETS_MOST = 64 }; /* listeners of a worker, the admin's included */

/* The listeners of worker `index` into out[SOCKETS_MOST]; on failure nothing stays open. A unix
 * socket cannot be bound twice, so the first worker has it, and the administrators' with it. */
bool sockets_bind(const struct snapshot *s, unsigned index, struct worker_listener *out,
                  size_t *n_out, struct fail *f);
/* Raises the descriptor limit as far as it goes, and says how many client connections each of
 * `workers` may hold by it and by limits.connections. */
size_t sockets_connections(const struct snapshot *s, unsigned workers);

#endif
