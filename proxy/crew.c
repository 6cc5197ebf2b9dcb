/* All workers. See crew.h. */
#include "proxy/crew.h"

#include "proxy/sockets.h"

static bool start_one(struct crew *c, const struct worker_options *common, struct fail *f)
{
    struct worker_listener listeners[SOCKETS_MOST];
    struct worker_options o = *common;
    if (!sockets_bind(o.snapshot, c->n, listeners, &o.n_listeners, f))
        return false;
    o.index = c->n;
    o.listeners = listeners;
    struct worker *w = worker_start(&o, f);
    if (!w)
        return false;
    c->workers[c->n] = w;
    c->n++; /* from here on the store's thread tells it */
    return true;
}

bool crew_start(struct crew *c, const struct worker_options *common, struct fail *f)
{
    struct worker_options o = *common;
    unsigned n = config_workers(o.snapshot->config);
    n = n > CREW_MOST ? CREW_MOST : n;
    o.connections = sockets_connections(o.snapshot, n);
    while (c->n < n)
        if (!start_one(c, &o, f))
            return false;
    return true;
}

void crew_publish(struct crew *c, struct snapshot *snapshot)
{
    for (unsigned i = 0; i < c->n; i++)
        worker_publish(c->workers[i], snapshot);
}

void crew_keys_answered(struct crew *c, size_t issuer)
{
    for (unsigned i = 0; i < c->n; i++)
        worker_keys_answered(c->workers[i], issuer);
}

void crew_store_changed(struct crew *c, const struct store_change *change)
{
    for (unsigned i = 0; i < c->n; i++)
        worker_store_changed(c->workers[i], change);
}

void crew_set_devices(struct crew *c, struct device_table *const *tables, size_t n)
{
    for (unsigned i = 0; i < c->n; i++)
        worker_set_devices(c->workers[i], tables, n);
}

void crew_set_keyrings(struct crew *c, const struct keyring *cookie,
                       const struct keyring *assertion)
{
    for (unsigned i = 0; i < c->n; i++)
        worker_set_keyrings(c->workers[i], cookie, assertion);
}

void crew_drain(struct crew *c)
{
    for (unsigned i = 0; i < c->n; i++)
        worker_drain(c->workers[i]);
}

bool crew_note_drained(struct crew *c)
{
    return ++c->n_drained == c->n;
}

void crew_join(struct crew *c)
{
    for (unsigned i = 0; i < c->n; i++)
        worker_join(c->workers[i]);
}

void crew_destroy(struct crew *c)
{
    for (unsigned i = 0; i < c->n; i++)
        worker_destroy(c->workers[i]);
}
