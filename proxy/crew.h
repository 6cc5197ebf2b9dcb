/* crew: all workers together, as the control thread sees them: started one by one, told at once.
 * Control thread only, but for what says otherwise. */
#ifndef PROXY_CREW_H
#define PROXY_CREW_H

#include "proxy/worker.h"

enum { CREW_MOST = 256 };

/* Zeroed: nobody. */
struct crew {
    struct worker *workers[CREW_MOST];
    _Atomic unsigned n; /* only grows; those below it may be told from any thread */
    unsigned n_drained;
};

/* Binds and starts as many as the configuration says; `common` is the same for all, what differs
 * is filled in. When it fails, those that run already are in the crew and must be joined. */
bool crew_start(struct crew *c, const struct worker_options *common, struct fail *f);
void crew_publish(struct crew *c, struct snapshot *snapshot);
void crew_keys_answered(struct crew *c, size_t issuer);
/* Any thread until crew_destroy: news of the store's reach the workers though the control thread is
 * reading files. */
void crew_store_changed(struct crew *c, const struct store_change *change);
void crew_set_devices(struct crew *c, struct device_table *const *tables, size_t n);
void crew_set_keyrings(struct crew *c, const struct keyring *cookie,
                       const struct keyring *assertion);
void crew_drain(struct crew *c);
/* One more has drained; true when it was the last. */
bool crew_note_drained(struct crew *c);
void crew_join(struct crew *c);
/* After crew_join. */
void crew_destroy(struct crew *c);

#endif
