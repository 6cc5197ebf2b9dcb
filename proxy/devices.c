/* The sources of what is known of devices. See devices.h. */
#include "proxy/devices_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum { PUBLISH_MS = 100 };

/* ---- alarms ---------------------------------------------------------------------------------- */

static void notify_all(struct devices *d, str subject, str text)
{
    const struct config *c = d->snapshot->config;
    for (size_t i = 0; d->options.notify && i < c->n_channels; i++)
        d->options.notify(d->options.ctx, c->channels[i].name, subject, text);
}

static int64_t newest_s(const struct device_table *t)
{
    int64_t newest = 0;
    for (size_t i = 0; i < device_table_count(t); i++)
        if (device_table_at(t, i)->seen_s > newest)
            newest = device_table_at(t, i)->seen_s;
    return newest;
}

static void show_sources(struct devices *d)
{
    if (!d->options.sources)
        return;
    struct devices_source *all = mem_alloc((d->n + 1) * sizeof *all);
    for (size_t i = 0; i < d->n; i++) {
        const struct source *s = d->sources[i];
        all[i] = (struct devices_source){s->name, !s->is_down && !s->is_old,
                                         device_table_count(s->table), newest_s(s->table)};
    }
    d->options.sources(d->options.ctx, all, d->n);
    free(all);
}

static void tell(struct source *s, const char *state, const char *why)
{
    char subject[160], text[768];
    int n = snprintf(subject, sizeof subject, "Device source %s is %s", s->name.p, state);
    int m = snprintf(text, sizeof text,
                     "%s%sUntil it is heard again its facts grow older, and count as unknown where "
                     "rules ask for younger ones.",
                     why ? why : "", why ? ". " : "");
    told_source(s, state, why);
    show_sources(s->owner);
    if (why)
        notify_all(s->owner, (str){subject, (size_t)n}, (str){text, (size_t)m});
    else
        notify_all(s->owner, (str){subject, (size_t)n}, STR("Its facts are fresh again."));
}

void devices_up(struct source *s)
{
    if (!s->is_down)
        return;
    s->is_down = false;
    log_info("device.source", "a source of device facts is heard again", "source", s->name.p);
    tell(s, "up", NULL);
}

void devices_down(struct source *s, const char *why)
{
    if (s->is_down)
        return;
    s->is_down = true;
    log_error("device.source", why, "source", s->name.p, "state", "down");
    tell(s, "down", why);
}

/* Whatever it answers: when it has seen nothing new for so long, it is as good as gone. */
static void look_at_age(struct source *s, int64_t now_s)
{
    int64_t seen_s = newest_s(s->table);
    bool is_old = device_table_count(s->table) && now_s - seen_s > DEVICES_OLD_S;
    if (is_old == s->is_old || s->config->kind == SOURCE_POSTURE)
        return;
    s->is_old = is_old;
    if (is_old) {
        log_error("device.source", "nothing it says is younger than 18 hours", "source", s->name.p,
                  "state", "old");
        tell(s, "old", "Nothing that it says is younger than 18 hours");
    } else {
        tell(s, "fresh", NULL);
    }
}

static void look(struct deadline *deadline)
{
    struct devices *d = list_entry(deadline, struct devices, look);
    for (size_t i = 0; i < d->n; i++)
        look_at_age(d->sources[i], loop_wall_us(d->options.loop) / 1000000);
    show_sources(d);
    deadline_set(d->options.loop, &d->look, DEVICES_LOOK_MS);
}

/* ---- publishing ------------------------------------------------------------------------------ */

static void publish(struct devices *d)
{
    struct device_table **tables = mem_alloc((d->n + 1) * sizeof *tables);
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        if (d->sources[i]->table)
            tables[n++] = d->sources[i]->table;
    d->options.changed(d->options.ctx, tables, n);
    free(tables);
    for (size_t i = 0; i < d->n; i++)
        look_at_age(d->sources[i], loop_wall_us(d->options.loop) / 1000000);
    show_sources(d);
}

static void publish_due(struct deadline *deadline)
{
    publish(list_entry(deadline, struct devices, publish));
}

void devices_take(struct source *s, struct device_table *table)
{
    struct device_table *old = s->table;
    told_changes(s, old, table);
    s->table = table;
    device_table_unref(&old);
    deadline_set(s->owner->options.loop, &s->owner->publish, PUBLISH_MS);
}

/* ---- sources --------------------------------------------------------------------------------- */

static bool is_kept(enum source_kind kind)
{
    return kind == SOURCE_INVENTORY || kind == SOURCE_FLEET || kind == SOURCE_POSTURE;
}

static void source_free(struct source **sp)
{
    struct source *s = *sp;
    *sp = NULL;
    if (!s)
        return;
    fleet_finish(s);
    posted_finish(s);
    device_table_unref(&s->table);
    free((char *)s->name.p);
    free((char *)s->issuer.p);
    free(s);
}

static str issuer_of(const struct config *c, const struct config_source *s)
{
    return s->kind == SOURCE_POSTURE ? c->issuers[s->issuer].issuer->issuer : (str){NULL, 0};
}

/* What one issuer said is not the word of the next one that is called like it. */
static bool is_same(const struct source *s, const struct config *next,
                    const struct config_source *b)
{
    const struct config_source *a = s->config;
    return a->kind == b->kind && str_eq(a->name, b->name) && str_eq(a->url, b->url) &&
           str_eq(a->token_file, b->token_file) && str_eq(a->ca, b->ca) &&
           a->every_ms == b->every_ms && str_eq(s->issuer, issuer_of(next, b));
}

static struct source *take_old(struct devices *d, const struct config_source *c)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->sources[i] && is_same(d->sources[i], d->snapshot->config, c)) {
            struct source *s = d->sources[i];
            d->sources[i] = NULL;
            return s;
        }
    return NULL;
}

static struct source *source_begin(struct devices *d, const struct config_source *c)
{
    struct source *s = mem_alloc(sizeof *s);
    s->owner = d;
    s->config = c;
    s->name = (str){mem_dup(c->name), c->name.n};
    s->issuer = issuer_of(d->snapshot->config, c);
    s->issuer = (str){mem_dup(s->issuer), s->issuer.n};
    deadline_init(&s->due, NULL);
    if (c->kind == SOURCE_FLEET)
        fleet_begin(s);
    else if (c->kind == SOURCE_POSTURE)
        posted_begin(s);
    return s;
}

/* True when there is news. */
static bool take_inventory(struct source *s, struct device_table *table)
{
    if (!table || table == s->table)
        return false;
    devices_take(s, device_table_ref(table));
    return true;
}

/* Those that are configured no more; true when any had something to say. */
static bool drop_rest(struct devices *d)
{
    bool is_any = false;
    for (size_t i = 0; i < d->n; i++) {
        is_any |= d->sources[i] && d->sources[i]->table;
        source_free(&d->sources[i]);
    }
    free(d->sources);
    return is_any;
}

void devices_configure(struct devices *d, struct snapshot *snapshot)
{
    const struct config *c = snapshot->config;
    struct source **next = mem_alloc((c->n_sources + 1) * sizeof *next);
    struct snapshot *old = d->snapshot;
    size_t n = 0;
    bool is_news = false, is_renumbered = !old || old->config != c;
    d->snapshot = snapshot_ref(snapshot);
    for (size_t i = 0; i < c->n_sources; i++) {
        const struct config_source *config = &c->sources[i];
        if (!is_kept(config->kind))
            continue;
        struct source *s = take_old(d, config);
        if (!s)
            s = source_begin(d, config);
        s->config = config;
        next[n++] = s;
        if (config->kind == SOURCE_INVENTORY)
            is_news |= take_inventory(s, snapshot->inventories[i]);
    }
    is_news |= drop_rest(d);
    d->sources = next;
    d->n = n;
    snapshot_unref(&old);
    if (is_news) /* at once: the files are in force together */
        publish(d);
    else
        show_sources(d);
    if (is_renumbered)
        posted_renumbered(d);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct devices *devices_create(const struct devices_options *o)
{
    struct devices *d = mem_alloc(sizeof *d);
    d->options = *o;
    d->fetcher = fetcher_create(o->loop);
    posted_init(d);
    deadline_init(&d->look, look);
    deadline_init(&d->publish, publish_due);
    deadline_set(o->loop, &d->look, DEVICES_LOOK_MS);
    return d;
}

void devices_store_gone(struct devices *d)
{
    d->is_store_gone = true;
}

void devices_destroy(struct devices *d)
{
    if (!d)
        return;
    posted_drop_all(d);
    for (size_t i = 0; i < d->n; i++)
        source_free(&d->sources[i]);
    free(d->sources);
    deadline_clear(d->options.loop, &d->look);
    deadline_clear(d->options.loop, &d->publish);
    fetcher_destroy(d->fetcher);
    snapshot_unref(&d->snapshot);
    free(d);
}
