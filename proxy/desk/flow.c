/* Talk with a provider: what oidc wants fetched is fetched (the built-in issuer is answered in
 * process, on the same path), keys that are not known are asked for, and the owner hears how it
 * ended. */
#include "proxy/desk/desk_impl.h"

static void run(struct flow *f, enum oidc_step step);

/* The issuer may be gone with a reload while we waited: then the flow ends. */
static struct desk_issuer *who(struct flow *f)
{
    struct desk_issuer *i = issuer_named(f->desk, f->issuer);
    return i && i->provider->is_known ? i : NULL;
}

static enum oidc_step tell_answer(struct flow *f, int status, str type, str body)
{
    struct desk_issuer *i = who(f);
    if (!i)
        return OIDC_FAILED;
    return oidc_fetched(f->oidc, issuer_client(i), &i->provider->doc, issuer_keys(f->desk, i),
                        status, type, body, desk_now_s(f->desk));
}

static void fetched(void *ctx, const struct fetch_result *r)
{
    struct flow *f = ctx;
    f->fetch = NULL;
    run(f, tell_answer(f, r->status, r->content_type, r->body));
}

static enum oidc_step ask_builtin(struct flow *f, const struct oidc_fetch *x)
{
    struct arena a;
    struct builtin_answer answer = {0};
    arena_init(&a, NULL, 0);
    builtin_fetch(f->desk->builtin, x->url, x->body, x->authorization, desk_now_s(f->desk), &a,
                  &answer);
    enum oidc_step step = tell_answer(f, answer.status, answer.content_type, answer.body);
    arena_wipe(&a);
    return step;
}

/* False: it could not even begin. */
static bool ask(struct flow *f, const struct oidc_fetch *x)
{
    struct desk_issuer *i = who(f);
    struct fail fail = {0};
    struct fetch_request r = {
        .url = x->url,
        .ca_file = i ? i->config->ca : (str){NULL, 0},
        .body = x->body,
        .content_type = x->content_type,
        .authorization = x->authorization,
        .accept = x->accept,
        .timeout_ms = desk_config(f->desk)->limits.jwks_timeout_ms,
        .max_bytes = KEYSET_MAX_BYTES,
    };
    f->fetch = i ? fetch_start(f->desk->fetcher, &r, fetched, f, &fail) : NULL;
    return f->fetch != NULL;
}

/* The answer may come before need_keys returns: the flow stands in the list by then. */
static void want_keys(struct flow *f)
{
    struct desk_issuer *i = who(f);
    list_append(&f->desk->key_waits, &f->keys_link);
    if (i && f->desk->options.need_keys)
        f->desk->options.need_keys(f->desk->options.ctx, i->index, (str){NULL, 0});
    else
        flow_keys_answered(f->desk, f->issuer);
}

void flow_want_keys(struct flow *f, struct desk *d, str issuer)
{
    f->desk = d;
    f->issuer = issuer;
    want_keys(f);
}

static void run(struct flow *f, enum oidc_step step)
{
    while (step == OIDC_FETCH) {
        const struct oidc_fetch *x = oidc_flow_fetch(f->oidc);
        if (f->desk->builtin && builtin_owns(f->desk->builtin, x->url))
            step = ask_builtin(f, x);
        else if (ask(f, x))
            return;
        else
            step = tell_answer(f, 0, (str){NULL, 0}, (str){NULL, 0});
    }
    if (step == OIDC_KEYS)
        want_keys(f);
    else
        f->over(f, step);
}

static void begin(struct flow *f)
{
    struct desk_issuer *i = who(f);
    if (i)
        f->begin(f);
    if (!i || !f->oidc) {
        f->over(f, OIDC_FAILED);
        return;
    }
    run(f, oidc_begin(f->oidc, issuer_client(i), &i->provider->doc, desk_now_s(f->desk)));
}

static void document_ready(struct provider_wait *w, bool is_known)
{
    begin(list_entry(w, struct flow, waiting));
}

void flow_start(struct flow *f, struct desk *d, str issuer)
{
    struct desk_issuer *i = issuer_named(d, issuer);
    f->desk = d;
    f->issuer = issuer;
    f->waiting.ready = document_ready;
    list_init(&f->waiting.link);
    list_init(&f->keys_link);
    if (!i || provider_want(i->provider, &f->waiting) != PROVIDER_WAITING)
        begin(f);
}

void flow_answered(struct flow *f, str query)
{
    struct desk_issuer *i = who(f);
    run(f,
        i ? oidc_answered(f->oidc, issuer_client(i), &i->provider->doc, query, desk_now_s(f->desk))
          : OIDC_FAILED);
}

void flow_keys_answered(struct desk *d, str issuer)
{
    struct list_node mine;
    list_init(&mine);
    for (struct list_node *n = d->key_waits.next, *next; n != &d->key_waits; n = next) {
        struct flow *f = list_entry(n, struct flow, keys_link);
        next = n->next;
        if (!str_eq(f->issuer, issuer))
            continue;
        list_remove(n);
        list_append(&mine, n);
    }
    while (!list_empty(&mine)) {
        struct flow *f = list_entry(mine.next, struct flow, keys_link);
        struct desk_issuer *i = who(f);
        list_remove(&f->keys_link);
        if (!f->oidc) {
            f->over(f, OIDC_KEYS);
            continue;
        }
        run(f, i ? oidc_keys(f->oidc, issuer_client(i), &i->provider->doc, issuer_keys(d, i),
                             desk_now_s(d))
                 : OIDC_FAILED);
    }
}

/* Without a document there was nothing to begin with. */
enum oidc_verdict flow_verdict(const struct flow *f)
{
    return f->oidc ? oidc_flow_verdict(f->oidc) : OIDC_UNREACHABLE;
}

void flow_finish(struct flow *f)
{
    if (f->fetch)
        fetch_cancel(f->fetch);
    f->fetch = NULL;
    if (f->keys_link.next)
        list_remove(&f->keys_link);
    provider_forget(&f->waiting);
    oidc_flow_destroy(&f->oidc);
}
