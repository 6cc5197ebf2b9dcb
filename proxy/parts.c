/* People, devices, tailnet, notices. See parts.h. */
#include "proxy/parts.h"

#include <stdlib.h>

#include "proxy/devices.h"
#include "proxy/notify.h"
#include "proxy/people.h"
#include "proxy/tailnet.h"

struct parts {
    struct parts_options options;
    const struct config *config; /* that notices were configured by */
    struct people *people;       /* NULL without a portal */
    struct devices *devices;
    struct tailnet *tailnet;
    struct notify *notify;
};

/* ---- what they tell each other and the workers --------------------------------------------------
 */

static void devices_changed(void *ctx, struct device_table *const *tables, size_t n)
{
    struct parts *p = ctx;
    crew_set_devices(p->options.crew, tables, n);
}

static void show_sources(void *ctx, const struct devices_source *sources, size_t n)
{
    struct parts *p = ctx;
    metrics_show_sources(p->options.metrics, sources, n);
}

static void store_changed(void *ctx, const struct store_change *change)
{
    struct parts *p = ctx;
    crew_store_changed(p->options.crew, change);
}

static void need_keys(void *ctx, size_t issuer, str kid)
{
    struct parts *p = ctx;
    keys_missed(p->options.keys, issuer, kid);
}

static void posture_posted(void *ctx, struct desk_ask *ask)
{
    struct parts *p = ctx;
    devices_post(p->devices, ask);
}

static bool mail_to(void *ctx, str to, str subject, str text)
{
    struct parts *p = ctx;
    return notify_mail(p->notify, to, subject, text);
}

static bool notify_of(void *ctx, str channel, str subject, str text)
{
    struct parts *p = ctx;
    return notify_channel(p->notify, channel, subject, text);
}

/* ---- opening
 * --------------------------------------------------------------------------------------- */

static bool open_people(struct parts *p, struct snapshot *snapshot, struct fail *f)
{
    struct people_options o = {
        .loop = p->options.loop,
        .mailbox = p->options.mailbox,
        .audit = p->options.audit,
        .node = p->options.node,
        .boot = p->options.boot,
        .snapshot = snapshot,
        .need_keys = need_keys,
        .posture = posture_posted,
        .mail = mail_to,
        .notify = notify_of,
        .changed = store_changed,
        .ctx = p,
    };
    if (!snapshot->config->portal.host.n)
        return true;
    p->people = people_open(&o, f);
    return p->people != NULL;
}

static void open_devices(struct parts *p)
{
    struct devices_options o = {
        .loop = p->options.loop,
        .mailbox = p->options.mailbox,
        .audit = p->options.audit,
        .node = p->options.node,
        .boot = p->options.boot,
        .store = people_store(p->people),
        .changed = devices_changed,
        .need_keys = need_keys,
        .notify = notify_of,
        .sources = show_sources,
        .ctx = p,
    };
    p->devices = devices_create(&o);
}

struct parts *parts_open(const struct parts_options *o, struct snapshot *snapshot, struct fail *f)
{
    struct parts *p = mem_alloc(sizeof *p);
    p->options = *o;
    p->notify = notify_create(o->loop);
    o->metrics->notify = p->notify;
    notify_configure(p->notify, snapshot->config);
    p->config = config_ref(snapshot->config);
    p->tailnet = tailnet_create(o->loop);
    if (open_people(p, snapshot, f)) {
        open_devices(p);
        return p;
    }
    parts_close(p);
    parts_destroy(p);
    return NULL;
}

void parts_configure(struct parts *p, struct snapshot *snapshot)
{
    if (p->config != snapshot->config) {
        config_unref(&p->config);
        p->config = config_ref(snapshot->config);
        notify_configure(p->notify, p->config);
    }
    if (p->people)
        people_configure(p->people, snapshot);
    devices_configure(p->devices, snapshot);
}

void parts_keys_answered(struct parts *p, size_t issuer)
{
    if (p->people)
        desk_keys_answered(people_desk(p->people), issuer);
    devices_keys_answered(p->devices, issuer);
}

bool parts_look_at_keys(struct parts *p)
{
    if (!p->people || !people_look_at_keys(p->people))
        return false;
    crew_set_keyrings(p->options.crew, people_keys(p->people, KEYRING_COOKIE),
                      people_keys(p->people, KEYRING_ASSERTION));
    return true;
}

struct keyset *parts_builtin_keys(struct parts *p)
{
    return p->people ? people_issuer_keys(p->people) : NULL;
}

void parts_equip(struct parts *p, struct worker_options *worker)
{
    worker->desk = people_desk(p->people);
    worker->store = people_store(p->people);
    worker->cookie_keys = people_keys(p->people, KEYRING_COOKIE);
    worker->assertion_keys = people_keys(p->people, KEYRING_ASSERTION);
}

void parts_ask_whois(struct parts *p, struct whois_ask *ask)
{
    tailnet_ask(p->tailnet, ask);
}

/* ---- closing
 * --------------------------------------------------------------------------------------- */

void parts_close_store(struct parts *p)
{
    if (!p)
        return;
    people_close_store(p->people);
    devices_store_gone(p->devices);
}

void parts_close(struct parts *p)
{
    if (!p)
        return;
    devices_destroy(p->devices);
    people_close(p->people);
    tailnet_destroy(p->tailnet); /* what it was asked belongs to the gates */
}

void parts_destroy(struct parts *p)
{
    if (!p)
        return;
    p->options.metrics->notify = NULL;
    notify_destroy(p->notify);
    config_unref(&p->config);
    free(p);
}
