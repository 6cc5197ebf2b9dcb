/* keys_by_kid: see keys_by_kid.h. */
#include "proxy/keys_by_kid.h"

#include <stdlib.h>

#include "base/log.h"

enum {
    KIDS_AT_ONCE = 4,
    KIDS_NEGATIVE = 64,
    KIDS_NEGATIVE_MS = 30 * 1000,
    KIDS_KEEP_MS = 3600 * 1000,
    KID_CHARS_MOST = 64,
    KEY_BYTES_MOST = 8 * 1024,
};

struct kid_fetch {
    struct kid_source *owner;
    struct fetch *fetch; /* NULL: free */
    char kid[KID_CHARS_MOST];
    size_t n;
};

struct kid_source {
    struct loop *loop;
    struct fetcher *fetcher;
    struct keys_events events;
    const struct config *config;
    const struct config_issuer *issuer;
    size_t index;
    struct keyset *keys; /* NULL: none yet */
    struct kid_fetch fetches[KIDS_AT_ONCE];
    struct {
        uint64_t hash;
        int64_t until_ms;
    } unknown[KIDS_NEGATIVE];
    size_t unknown_next;
    struct deadline over; /* all that is kept */
};

static void publish(struct kid_source *s)
{
    s->events.changed(s->events.ctx, s->index, s->keys ? keyset_ref(s->keys) : NULL);
}

static void keys_are_old(struct deadline *d)
{
    struct kid_source *s = list_entry(d, struct kid_source, over);
    keyset_unref(&s->keys);
    publish(s);
}

struct kid_source *kid_source_create(struct loop *loop, struct fetcher *fetcher,
                                     const struct keys_events *events)
{
    struct kid_source *s = mem_alloc(sizeof *s);
    s->loop = loop;
    s->fetcher = fetcher;
    s->events = *events;
    deadline_init(&s->over, keys_are_old);
    return s;
}

void kid_source_destroy(struct kid_source *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < KIDS_AT_ONCE; i++)
        if (s->fetches[i].fetch)
            fetch_cancel(s->fetches[i].fetch);
    deadline_clear(s->loop, &s->over);
    keyset_unref(&s->keys);
    config_unref(&s->config);
    free(s);
}

void kid_source_configure(struct kid_source *s, const struct config *config, size_t issuer)
{
    const struct config *old = s->config;
    s->config = config_ref(config);
    s->issuer = &config->issuers[issuer];
    s->index = issuer;
    config_unref(&old);
}

bool kid_source_fits(const struct kid_source *s, const struct config_issuer *issuer)
{
    return s && str_eq(s->issuer->name, issuer->name) && str_eq(s->issuer->url, issuer->url) &&
           str_eq(s->issuer->ca, issuer->ca);
}

/* ---- fetching ---- */

/* It becomes a part of a URL. */
static bool is_kid(str kid)
{
    for (size_t i = 0; i < kid.n; i++) {
        char c = str_lower_char(kid.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return kid.n > 0 && kid.n <= KID_CHARS_MOST;
}

static bool is_unknown(const struct kid_source *s, str kid)
{
    uint64_t hash = str_hash(kid);
    for (size_t i = 0; i < KIDS_NEGATIVE; i++)
        if (s->unknown[i].hash == hash && loop_now_ms(s->loop) < s->unknown[i].until_ms)
            return true;
    return false;
}

static void note_unknown(struct kid_source *s, str kid)
{
    size_t at = s->unknown_next++ % KIDS_NEGATIVE;
    s->unknown[at].hash = str_hash(kid);
    s->unknown[at].until_ms = loop_now_ms(s->loop) + KIDS_NEGATIVE_MS;
}

static bool is_fetching(const struct kid_source *s)
{
    for (size_t i = 0; i < KIDS_AT_ONCE; i++)
        if (s->fetches[i].fetch)
            return true;
    return false;
}

static bool is_under_way(const struct kid_source *s, str kid)
{
    for (size_t i = 0; i < KIDS_AT_ONCE; i++)
        if (s->fetches[i].fetch && str_eq((str){s->fetches[i].kid, s->fetches[i].n}, kid))
            return true;
    return false;
}

/* `answered` speaks to all who wait for this issuer: not before the last fetch is back. */
static void tell(struct kid_source *s, bool is_good)
{
    if (!is_fetching(s))
        s->events.answered(s->events.ctx, s->index, is_good);
}

static bool take_key(struct kid_source *s, str kid, str pem)
{
    struct fail f = {0};
    struct keyset *next = keyset_with_pem(s->keys, kid, pem, &f);
    if (!next) {
        log_warn("keys.failed", f.text, "issuer", s->issuer->name.p);
        return false;
    }
    keyset_unref(&s->keys);
    s->keys = next;
    if (!deadline_is_set(&s->over))
        deadline_set(s->loop, &s->over, KIDS_KEEP_MS);
    publish(s);
    return true;
}

static void fetched(void *ctx, const struct fetch_result *r)
{
    struct kid_fetch *x = ctx;
    str kid = {x->kid, x->n};
    x->fetch = NULL;
    bool is_good = r->status == 200 && take_key(x->owner, kid, r->body);
    if (!is_good) {
        if (r->status != 200)
            log_warn("keys.failed", r->status ? "the issuer has no such key" : r->fail.text,
                     "issuer", x->owner->issuer->name.p);
        note_unknown(x->owner, kid);
    }
    tell(x->owner, is_good);
}

static bool start(struct kid_source *s, struct kid_fetch *x, str kid)
{
    struct arena a;
    struct fail f = {0};
    arena_init(&a, NULL, 0);
    str base = s->issuer->url;
    while (str_ends(base, STR("/")))
        base.n--;
    struct fetch_request request = {
        .url = arena_printf(&a, "%.*s/%.*s", STR_ARG(base), STR_ARG(kid)),
        .ca_file = s->issuer->ca,
        .accept = STR("*/*"),
        .timeout_ms = s->config->limits.jwks_timeout_ms,
        .max_bytes = KEY_BYTES_MOST,
    };
    x->owner = s;
    x->n = kid.n;
    memcpy(x->kid, kid.p, kid.n);
    x->fetch = fetch_start(s->fetcher, &request, fetched, x, &f);
    if (!x->fetch)
        log_warn("keys.failed", f.text, "issuer", s->issuer->name.p);
    arena_finish(&a);
    return x->fetch != NULL;
}

void kid_source_missed(struct kid_source *s, str kid)
{
    if (is_under_way(s, kid))
        return;
    for (size_t i = 0; is_kid(kid) && !is_unknown(s, kid) && i < KIDS_AT_ONCE; i++)
        if (!keyset_has_kid(s->keys, kid) && !s->fetches[i].fetch && start(s, &s->fetches[i], kid))
            return;
    tell(s, false);
}
