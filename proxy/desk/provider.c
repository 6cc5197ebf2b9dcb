/* What a provider says of itself: fetched once for all who wait, kept, and asked anew when it has
 * become old. The old document serves meanwhile, and while the provider is down. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

#include "base/log.h"

enum {
    FRESH_MS = 10 * 60 * 1000,
    RETRY_MS = 2 * 1000, /* a provider that is down is not asked by every log-in */
};

struct provider *provider_create(struct desk *d, const struct config_issuer *issuer)
{
    struct provider *p = mem_alloc(sizeof *p);
    p->desk = d;
    arena_init(&p->names, NULL, 0);
    arena_init(&p->arena, NULL, 0);
    p->names.chunk_bytes = p->arena.chunk_bytes = 2048;
    p->issuer = arena_dup(&p->names, issuer->issuer->issuer);
    p->url = issuer->keys == KEYS_DISCOVERY && issuer->url.n ? arena_dup(&p->names, issuer->url)
                                                             : discovery_url(&p->names, p->issuer);
    p->ca = issuer->ca.n ? arena_dup(&p->names, issuer->ca) : (str){NULL, 0};
    p->is_builtin = issuer->is_builtin;
    list_init(&p->waiters);
    return p;
}

bool provider_fits(const struct provider *p, const struct config_issuer *issuer)
{
    bool same_url = issuer->keys != KEYS_DISCOVERY || str_eq(p->url, issuer->url);
    return str_eq(p->issuer, issuer->issuer->issuer) && str_eq(p->ca, issuer->ca) && same_url &&
           p->is_builtin == issuer->is_builtin;
}

static void tell(struct provider *p)
{
    while (!list_empty(&p->waiters)) {
        struct provider_wait *w = list_entry(p->waiters.next, struct provider_wait, link);
        list_remove(&w->link);
        w->ready(w, p->is_known);
    }
}

static bool take(struct provider *p, str json, struct fail *f)
{
    struct arena fresh;
    struct oidc_provider doc = {0};
    arena_init(&fresh, NULL, 0);
    fresh.chunk_bytes = 2048;
    if (!oidc_provider_parse(&fresh, json, p->issuer, &doc, f)) {
        arena_finish(&fresh);
        return false;
    }
    arena_finish(&p->arena);
    p->arena = fresh;
    p->doc = doc;
    p->is_known = true;
    p->has_failed = false;
    p->fetched_ms = desk_now_ms(p->desk);
    return true;
}

static void failed(struct provider *p, const char *why)
{
    log_warn("login.discovery", why, "issuer", p->issuer.p, "url", p->url.p);
    p->has_failed = true;
    p->failed_ms = desk_now_ms(p->desk);
}

static void fetched(void *ctx, const struct fetch_result *r)
{
    struct provider *p = ctx;
    struct fail f = {0};
    p->fetch = NULL;
    if (r->status == 0)
        failed(p, r->fail.text);
    else if (r->status != 200)
        failed(p, "the provider does not serve its document");
    else if (!take(p, r->body, &f))
        failed(p, f.text);
    tell(p);
}

static bool take_builtin(struct provider *p)
{
    struct arena a;
    struct builtin_answer answer = {0};
    struct fail f = {0};
    if (!p->desk->builtin)
        return false;
    arena_init(&a, NULL, 0);
    builtin_fetch(p->desk->builtin, p->url, (str){NULL, 0}, (str){NULL, 0}, desk_now_s(p->desk), &a,
                  &answer);
    bool good = answer.status == 200 && take(p, answer.body, &f);
    if (!good)
        failed(p, f.text[0] ? f.text : "the built-in issuer has no document");
    arena_finish(&a);
    return good;
}

static void ask(struct provider *p)
{
    struct fail f = {0};
    struct fetch_request r = {
        .url = p->url,
        .ca_file = p->ca,
        .timeout_ms = desk_config(p->desk)->limits.jwks_timeout_ms,
        .max_bytes = KEYSET_MAX_BYTES,
    };
    if (p->fetch)
        return;
    p->fetch = fetch_start(p->desk->fetcher, &r, fetched, p, &f);
    if (!p->fetch)
        failed(p, f.text);
}

enum provider_state provider_want(struct provider *p, struct provider_wait *w)
{
    int64_t now_ms = desk_now_ms(p->desk);
    bool is_fresh = p->is_known && now_ms - p->fetched_ms < FRESH_MS;
    bool is_pausing = p->has_failed && now_ms - p->failed_ms < RETRY_MS;
    if (!is_fresh && !is_pausing) {
        if (p->is_builtin)
            take_builtin(p);
        else
            ask(p);
    }
    if (p->is_known)
        return PROVIDER_READY;
    if (!p->fetch)
        return PROVIDER_FAILED;
    list_append(&p->waiters, &w->link);
    return PROVIDER_WAITING;
}

void provider_forget(struct provider_wait *w)
{
    if (w->link.next)
        list_remove(&w->link);
}

void provider_destroy(struct provider **pp)
{
    struct provider *p = *pp;
    *pp = NULL;
    if (!p)
        return;
    if (p->fetch)
        fetch_cancel(p->fetch);
    p->is_known = false;
    tell(p);
    arena_finish(&p->arena);
    arena_finish(&p->names);
    free(p);
}
