/* Fetching issuers' keys. See keys.h. */
#include "proxy/keys_by_kid.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum { JWKS_BYTES = 256 * 1024, DISCOVERY_BYTES = 256 * 1024 };

struct source {
    struct keys *owner;
    size_t index;
    const struct config *config; /* a reference: the issuer below lives in it */
    const struct config_issuer *issuer;
    struct jwks_source plan;
    uint64_t published; /* plan.generation told to the owner */
    struct deadline due;
    struct fetch *fetch;
    bool is_settled;
    bool is_discovery; /* the running fetch is for the discovery document */
};

struct keys {
    struct loop *loop;
    struct fetcher *fetcher;
    struct keys_events events;
    struct source **sources;  /* by issuer; NULL for those with a file */
    struct kid_source **kids; /* the same for those that publish each key alone */
    size_t n;
};

static void schedule(struct source *s);

static void publish(struct source *s)
{
    if (s->plan.generation == s->published)
        return;
    s->published = s->plan.generation;
    struct keyset *keys = s->plan.keys ? keyset_ref(s->plan.keys) : NULL;
    s->owner->events.changed(s->owner->events.ctx, s->index, keys);
}

static void failed(struct source *s, const char *why)
{
    log_warn("keys.failed", why, "issuer", s->issuer->name.p);
    s->is_settled = true;
    jwks_source_failed(&s->plan, loop_now_ms(s->owner->loop));
    publish(s);
    schedule(s);
    s->owner->events.answered(s->owner->events.ctx, s->index, false);
}

static void got_keys(struct source *s, const struct fetch_result *r)
{
    struct fail f = {0};
    struct keyset *keys = keyset_parse(r->body, &f);
    if (!keys) {
        failed(s, f.text);
        return;
    }
    s->is_settled = true;
    jwks_source_fetched(&s->plan, keys, r->max_age_s, loop_now_ms(s->owner->loop));
    publish(s);
    schedule(s);
    s->owner->events.answered(s->owner->events.ctx, s->index, true);
}

static void fetched(void *ctx, const struct fetch_result *r);

static bool start(struct source *s, str url, size_t most, struct fail *f)
{
    struct fetch_request request = {
        .url = url,
        .ca_file = s->issuer->ca,
        .timeout_ms = s->config->limits.jwks_timeout_ms,
        .max_bytes = most,
    };
    s->fetch = fetch_start(s->owner->fetcher, &request, fetched, s, f);
    return s->fetch != NULL;
}

static void got_discovery(struct source *s, str body)
{
    struct arena a;
    struct discovery found;
    struct fail f = {0};
    arena_init(&a, NULL, 0);
    s->is_discovery = false;
    if (!discovery_parse(&a, body, s->issuer->issuer->issuer, &found, &f) ||
        !start(s, found.jwks_uri, JWKS_BYTES, &f))
        failed(s, f.text);
    arena_finish(&a);
}

static void fetched(void *ctx, const struct fetch_result *r)
{
    struct source *s = ctx;
    char text[64];
    s->fetch = NULL;
    if (r->status == 200) {
        if (s->is_discovery)
            got_discovery(s, r->body);
        else
            got_keys(s, r);
        return;
    }
    snprintf(text, sizeof text, "the issuer answered with status %d", r->status);
    failed(s, r->status ? text : r->fail.text);
}

/* The plan has begun a fetch. */
static void fetch_now(struct source *s)
{
    struct fail f = {0};
    if (s->fetch)
        return;
    s->is_discovery = s->issuer->keys == KEYS_DISCOVERY;
    if (!start(s, s->issuer->url, s->is_discovery ? DISCOVERY_BYTES : JWKS_BYTES, &f))
        failed(s, f.text);
}

static void begin(struct source *s)
{
    if (!jwks_source_due(&s->plan, loop_now_ms(s->owner->loop))) {
        publish(s); /* keys that became too old are gone by now */
        schedule(s);
        return;
    }
    jwks_source_begin(&s->plan);
    fetch_now(s);
}

static void due(struct deadline *d)
{
    begin(list_entry(d, struct source, due));
}

static void schedule(struct source *s)
{
    int64_t next_ms = jwks_source_next_ms(&s->plan);
    int64_t left_ms = next_ms - loop_now_ms(s->owner->loop);
    if (next_ms != INT64_MAX)
        deadline_set(s->owner->loop, &s->due, left_ms < 1 ? 1 : left_ms);
}

static void source_free(struct source *s)
{
    if (!s)
        return;
    if (s->fetch)
        fetch_cancel(s->fetch);
    deadline_clear(s->owner->loop, &s->due);
    jwks_source_finish(&s->plan);
    config_unref(&s->config);
    free(s);
}

struct keys *keys_create(struct loop *loop, const struct keys_events *events)
{
    struct keys *k = mem_alloc(sizeof *k);
    k->loop = loop;
    k->events = *events;
    k->fetcher = fetcher_create(loop);
    return k;
}

void keys_destroy(struct keys *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < k->n; i++) {
        source_free(k->sources[i]);
        kid_source_destroy(k->kids[i]);
    }
    free(k->sources);
    free(k->kids);
    fetcher_destroy(k->fetcher);
    free(k);
}

static bool is_fetched(const struct config_issuer *i)
{
    return i->keys == KEYS_URL || i->keys == KEYS_DISCOVERY;
}

/* The same source as before, or NULL. */
static struct source *keep(struct keys *k, const struct config_issuer *issuer)
{
    for (size_t i = 0; i < k->n; i++) {
        struct source *s = k->sources[i];
        if (!s || !str_eq(s->issuer->name, issuer->name) || !str_eq(s->issuer->url, issuer->url) ||
            s->issuer->keys != issuer->keys || !str_eq(s->issuer->ca, issuer->ca))
            continue;
        k->sources[i] = NULL;
        return s;
    }
    return NULL;
}

static void configure_kids(struct keys *k, const struct config *config)
{
    struct kid_source **next = mem_alloc((config->n_issuers + 1) * sizeof *next);
    for (size_t i = 0; i < config->n_issuers; i++) {
        const struct config_issuer *issuer = &config->issuers[i];
        if (issuer->keys != KEYS_BY_KID)
            continue;
        for (size_t old = 0; old < k->n && !next[i]; old++)
            if (kid_source_fits(k->kids[old], issuer)) {
                next[i] = k->kids[old];
                k->kids[old] = NULL;
            }
        if (!next[i])
            next[i] = kid_source_create(k->loop, k->fetcher, &k->events);
        kid_source_configure(next[i], config, i);
    }
    for (size_t i = 0; i < k->n; i++)
        kid_source_destroy(k->kids[i]);
    free(k->kids);
    k->kids = next;
}

void keys_configure(struct keys *k, const struct config *config)
{
    configure_kids(k, config);
    struct source **next = mem_alloc((config->n_issuers + 1) * sizeof *next);
    for (size_t i = 0; i < config->n_issuers; i++) {
        const struct config_issuer *issuer = &config->issuers[i];
        if (!is_fetched(issuer))
            continue;
        struct source *s = keep(k, issuer);
        bool is_new = !s;
        if (is_new) {
            s = mem_alloc(sizeof *s);
            s->owner = k;
            deadline_init(&s->due, due);
            jwks_source_init(&s->plan, loop_now_ms(k->loop));
            s->published = s->plan.generation;
        }
        const struct config *old = s->config;
        s->config = config_ref(config);
        s->issuer = issuer;
        s->index = i;
        config_unref(&old);
        next[i] = s;
        if (is_new)
            begin(s);
    }
    for (size_t i = 0; i < k->n; i++)
        source_free(k->sources[i]);
    free(k->sources);
    k->sources = next;
    k->n = config->n_issuers;
}

bool keys_are_settled(const struct keys *k)
{
    for (size_t i = 0; i < k->n; i++)
        if (k->sources[i] && !k->sources[i]->is_settled)
            return false;
    return true;
}

void keys_missed(struct keys *k, size_t issuer, str kid)
{
    struct source *s = issuer < k->n ? k->sources[issuer] : NULL;
    if (issuer < k->n && k->kids[issuer]) {
        kid_source_missed(k->kids[issuer], kid);
        return;
    }
    if (!s) {
        k->events.answered(k->events.ctx, issuer, false);
        return;
    }
    switch (jwks_source_miss(&s->plan, kid, loop_now_ms(k->loop))) {
    case JWKS_MISS_FETCH:
        fetch_now(s);
        return;
    case JWKS_MISS_WAIT:
        return; /* `answered` follows with the fetch that is on its way */
    case JWKS_MISS_PRESENT:
    case JWKS_MISS_REFUSE:
        /* `answered` speaks to all who wait for this issuer: while a fetch is under way it would
         * refuse those who wait for what it brings. */
        if (s->fetch)
            return;
        k->events.answered(k->events.ctx, issuer, false);
        return;
    }
}
