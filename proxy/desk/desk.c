/* The desk. See desk.h. Asks come in through the control thread's mailbox and are handed out by
 * their kind. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/log.h"
#include "base/secret.h"

/* ---- asks ------------------------------------------------------------------------------------ */

struct desk_ask *desk_ask_create(enum desk_kind kind)
{
    struct desk_ask *ask = mem_alloc(sizeof *ask);
    arena_init(&ask->arena, NULL, 0);
    ask->arena.chunk_bytes = 4096;
    ask->kind = kind;
    ask->step_up_age_s = -1;
    return ask;
}

void desk_ask_destroy(struct desk_ask **ask)
{
    struct desk_ask *old = *ask;
    *ask = NULL;
    if (!old)
        return;
    credential_unref(&old->who);
    arena_wipe(&old->arena);
    secret_wipe(old, sizeof *old);
    free(old);
}

void desk_answer(struct desk_ask *ask, enum desk_answer answer)
{
    ask->answer = answer;
    ask->answered(ask);
}

void desk_refuse(struct desk_ask *ask, const char *reason, str sentence)
{
    ask->reason = reason;
    ask->sentence = arena_dup(&ask->arena, sentence);
    desk_answer(ask, DESK_REFUSED);
}

void desk_fail(struct desk_ask *ask, const char *reason, const struct fail *f)
{
    log_error("desk.failed", f->text, "reason", reason);
    ask->reason = reason;
    ask->sentence = STR("This cannot be done just now: it could not be written down.");
    desk_answer(ask, DESK_FAILED);
}

void sha256_of(str s, unsigned char out[SHA256_BYTES])
{
    unsigned n = SHA256_BYTES;
    if (EVP_Digest(s.p, s.n, out, &n, EVP_sha256(), NULL) != 1)
        random_fill(out, SHA256_BYTES); /* equal to nothing */
}

/* ---- who answers what ------------------------------------------------------------------------ */

static void hand_over_posture(struct desk *d, struct desk_ask *ask)
{
    if (d->options.posture)
        d->options.posture(d->options.ctx, ask);
    else
        desk_refuse(ask, "posture.none", STR("Posture documents are not taken here."));
}

typedef void desk_fn(struct desk *d, struct desk_ask *ask);

static desk_fn *const FNS[DESK_KIND_COUNT] = {
    [DESK_LOGIN] = login_begin,
    [DESK_CALLBACK] = login_callback,
    [DESK_HAND_ON] = ticket_hand_on,
    [DESK_REDEEM] = ticket_redeem,
    [DESK_LOGOUT] = logout_begin,
    [DESK_BACKCHANNEL] = logout_backchannel,
    [DESK_FRONTCHANNEL] = logout_frontchannel,
    [DESK_BUILTIN_PAGE] = builtin_desk_page,
    [DESK_BUILTIN_FORM] = builtin_desk_form,
    [DESK_BUILTIN_DOCUMENT] = builtin_desk_document,
    [DESK_POSTURE] = hand_over_posture,
    [DESK_GRANT] = grants_ask,
    [DESK_PURPOSE] = purpose_ask,
};

static void on_ask(void *ctx, void *arg)
{
    struct desk_ask *ask = arg;
    struct desk *d = ask->desk;
    desk_fn *fn = ask->kind > 0 && ask->kind < DESK_KIND_COUNT ? FNS[ask->kind] : NULL;
    if (!fn || !d->snapshot || !desk_config(d)->portal.host.n)
        desk_refuse(ask, "desk.closed", STR("There is no sign-in here."));
    else
        fn(d, ask);
}

void desk_ask(struct desk *d, struct desk_ask *ask)
{
    ask->desk = d;
    if (!mailbox_post(d->options.mailbox, on_ask, ask))
        desk_answer(ask, DESK_FAILED);
}

struct wish {
    struct desk *desk;
    int64_t session;
};

static void on_refresh(void *ctx, void *arg)
{
    struct wish w = *(struct wish *)arg;
    free(arg);
    refresh_begin(w.desk, w.session);
}

void desk_refresh(struct desk *d, int64_t session)
{
    struct wish *w = mem_alloc(sizeof *w);
    *w = (struct wish){d, session};
    if (!mailbox_post(d->options.mailbox, on_refresh, w))
        free(w);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void sweep(struct deadline *due)
{
    struct desk *d = list_entry(due, struct desk, sweep);
    login_sweep(d, desk_now_ms(d));
    ticket_sweep(d, desk_now_ms(d));
    endings_sweep(d);
    sweep_store(d);
    deadline_set(d->options.loop, &d->sweep, SWEEP_MS);
}

struct desk *desk_create(const struct desk_options *o, struct fail *f)
{
    struct desk *d = mem_alloc(sizeof *d);
    struct list_node *lists[] = {&d->key_waits, &d->logins,      &d->tickets, &d->refreshes,
                                 &d->checks,    &d->open_grants, &d->breaking};
    d->options = *o;
    d->store = o->store;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        list_init(lists[i]);
    for (size_t i = 0; i < LOGIN_BUCKETS; i++)
        list_init(&d->login_buckets[i]);
    d->fetcher = fetcher_create(o->loop);
    deadline_init(&d->sweep, sweep);
    deadline_set(o->loop, &d->sweep, SWEEP_MS);
    return d;
}

void desk_destroy(struct desk *d)
{
    if (!d)
        return;
    d->store = NULL;
    deadline_clear(d->options.loop, &d->sweep);
    logins_finish(d);
    refreshes_finish(d);
    notices_finish(d);
    tickets_finish(d);
    endings_finish(d);
    builtin_desk_finish(d);
    issuers_finish(d);
    fetcher_destroy(d->fetcher);
    builtin_users_unref((struct builtin_users **)&d->users);
    snapshot_unref(&d->snapshot);
    free(d);
}

void desk_configure(struct desk *d, struct snapshot *snapshot)
{
    struct snapshot *old = d->snapshot;
    d->snapshot = snapshot_ref(snapshot);
    bool is_new = !old || old->config != snapshot->config;
    if (is_new && snapshot->config->portal.host.n) {
        builtin_desk_configure(d); /* first: providers may ask it at once */
        issuers_configure(d, old ? old->config : NULL);
    }
    if (!old)
        endings_read(d);
    sessions_of_users_gone(d);
    snapshot_unref(&old);
}

void desk_keys_answered(struct desk *d, size_t issuer)
{
    if (d->snapshot && issuer < desk_config(d)->n_issuers) {
        /* The flow may end the login that the name belongs to. */
        str name = desk_config(d)->issuers[issuer].name;
        flow_keys_answered(d, name);
    }
}

void desk_set_keys(struct desk *d, const struct keyring *cookie, const struct keyring *issuer)
{
    d->options.cookie_keys = cookie;
    d->options.issuer_keys = issuer;
    builtin_desk_keys(d);
}

void desk_store_gone(struct desk *d)
{
    d->store = NULL;
}

size_t desk_logins(const struct desk *d)
{
    return d->n_logins;
}

size_t desk_tickets(const struct desk *d)
{
    return d->n_tickets;
}
