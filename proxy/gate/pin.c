/* Pins: which snapshot a visit is judged by. The worker counts its own uses, so the request path
 * touches no shared count. */
#include <stdio.h>
#include <stdlib.h>

#include "proxy/gate/gate_impl.h"

struct gate_pin *pin_create(struct snapshot *snapshot)
{
    struct gate_pin *p = mem_alloc(sizeof *p);
    p->snapshot = snapshot;
    p->uses = 1;
    int n =
        snprintf(p->policy, sizeof p->policy, "\"policy\":{\"digest\":\"%s\",\"generation\":%llu}",
                 snapshot->policy_digest, (unsigned long long)snapshot->policy_generation);
    p->policy_n = (size_t)n;
    return p;
}

struct gate_pin *pin_take(struct gate *g)
{
    g->pin->uses++;
    return g->pin;
}

void pin_give(struct gate_pin **p)
{
    struct gate_pin *old = *p;
    *p = NULL;
    if (!old || --old->uses)
        return;
    snapshot_unref(&old->snapshot);
    free(old);
}
