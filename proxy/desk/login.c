/* Log-ins under way. One stands in the table from the first page until its answer, found by `state`
 * and bound to the browser's cookie; the table is bounded, and so is each browser's share of it:
 * who never comes back only pushes out the oldest. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"

enum { WARN_EVERY_MS = 60 * 1000 };

enum { LOGIN_NETWORKS = 8 }; /* of all log-ins one network holds the eighth part at most */

/* ---- the table ------------------------------------------------------------------------------- */

static struct list_node *bucket_of(struct desk *d, str state)
{
    return &d->login_buckets[str_hash(state) % LOGIN_BUCKETS];
}

static struct login *find(struct desk *d, str state)
{
    struct list_node *head = bucket_of(d, state);
    for (struct list_node *n = head->next; n != head; n = n->next) {
        struct login *l = list_entry(n, struct login, bucket);
        if (secret_eq((str){l->state, sizeof l->state}, state))
            return l;
    }
    return NULL;
}

static void drop(struct login *l, const char *reason, str sentence)
{
    struct desk_ask *ask = l->ask;
    l->ask = NULL;
    list_remove(&l->link);
    list_remove(&l->bucket);
    l->desk->n_logins--;
    flow_finish(&l->flow);
    arena_finish(&l->arena);
    secret_wipe(l, sizeof *l);
    free(l);
    if (ask)
        desk_refuse(ask, reason, sentence);
}

static void push_out(struct login *l)
{
    drop(l, "login.full", STR("Too many log-ins are under way here; this one was given up."));
}

static bool is_of(const struct login *l, const unsigned char browser[SHA256_BYTES])
{
    return memcmp(l->browser, browser, SHA256_BYTES) == 0;
}

const struct login *login_of(struct desk *d, const unsigned char browser[SHA256_BYTES])
{
    for (struct list_node *i = d->logins.prev; i != &d->logins; i = i->prev) {
        struct login *l = list_entry(i, struct login, link);
        if (l->phase == LOGIN_AWAY && is_of(l, browser))
            return l;
    }
    return NULL;
}

/* A home or an office has a /64 of IPv6 at least: its last half is free to choose. */
static struct addr network_of(struct addr a)
{
    if (a.family == 6)
        memset(a.bytes + 8, 0, 8);
    return a;
}

/* Whoever has his share pushes out his own oldest: neither one browser nor one network can wash
 * away the log-ins of all others. */
static void make_room(struct desk *d, const unsigned char browser[SHA256_BYTES],
                      const struct addr *client)
{
    const struct limits *limits = &desk_config(d)->limits;
    struct login *of_browser = NULL, *of_network = NULL;
    struct addr from = network_of(*client);
    size_t n_browser = 0, n_network = 0;
    for (struct list_node *i = d->logins.prev; i != &d->logins; i = i->prev) {
        struct login *l = list_entry(i, struct login, link);
        if (is_of(l, browser)) {
            of_browser = l;
            n_browser++;
        }
        if (from.family && addr_eq(&l->from, &from)) {
            of_network = l;
            n_network++;
        }
    }
    if (of_browser && n_browser >= limits->logins_per_browser)
        push_out(of_browser);
    else if (of_network && n_network >= limits->logins / LOGIN_NETWORKS)
        push_out(of_network);
    while (d->n_logins && d->n_logins >= limits->logins)
        push_out(list_entry(d->logins.next, struct login, link));
}

void login_sweep(struct desk *d, int64_t now_ms)
{
    while (!list_empty(&d->logins)) {
        struct login *l = list_entry(d->logins.next, struct login, link);
        if (now_ms - l->since_ms < desk_config(d)->limits.login_timeout_ms)
            return;
        drop(l, "login.state", STR("The log-in took too long."));
    }
}

void logins_finish(struct desk *d)
{
    while (!list_empty(&d->logins))
        drop(list_entry(d->logins.next, struct login, link), "login.full",
             STR("The proxy is shutting down."));
}

/* ---- which issuer ---------------------------------------------------------------------------- */

static bool has_domain(const struct config_issuer *i, str mail)
{
    str domain = str_from(mail, str_rfind(mail, '@') + 1);
    for (size_t n = 0; n < i->n_mail_domains; n++)
        if (str_eq_nocase(i->mail_domains[n], domain))
            return true;
    return false;
}

static bool fits(const struct config_issuer *i, const struct desk_ask *ask, bool by_mail)
{
    return issuer_is_offered(i, ask->app) && (!by_mail || has_domain(i, ask->login_hint));
}

/* The only one that fits; NULL: none or several, *n_out says. */
static struct desk_issuer *only_one(struct desk *d, const struct desk_ask *ask, bool by_mail,
                                    size_t *n_out)
{
    struct desk_issuer *found = NULL;
    *n_out = 0;
    for (size_t i = 0; i < d->n_issuers; i++) {
        if (!fits(d->issuers[i].config, ask, by_mail))
            continue;
        found = &d->issuers[i];
        ++*n_out;
    }
    return *n_out == 1 ? found : NULL;
}

static void offer_choice(struct desk *d, struct desk_ask *ask, size_t n)
{
    ask->choices = arena_array(&ask->arena, struct desk_choice, n);
    for (size_t i = 0; i < d->n_issuers; i++) {
        const struct config_issuer *c = d->issuers[i].config;
        if (!fits(c, ask, false))
            continue;
        ask->choices[ask->n_choices++] = (struct desk_choice){
            arena_dup(&ask->arena, c->name),
            arena_dup(&ask->arena, c->title.n ? c->title : c->name),
        };
    }
    desk_answer(ask, DESK_CHOOSE);
}

/* NULL: the ask is answered. */
static struct desk_issuer *choose(struct desk *d, struct desk_ask *ask)
{
    size_t n;
    struct desk_issuer *i = ask->issuer.n ? issuer_named(d, ask->issuer) : NULL;
    if (ask->issuer.n && (!i || !fits(i->config, ask, false))) {
        desk_refuse(ask, "login.issuer", STR("Nobody signs in to this app that way."));
        return NULL;
    }
    if (!i && ask->login_hint.n)
        i = only_one(d, ask, true, &n);
    if (!i)
        i = only_one(d, ask, false, &n);
    if (i)
        return i;
    if (n)
        offer_choice(d, ask, n);
    else
        desk_refuse(ask, "login.issuer", STR("No identity provider is set up for this app."));
    return NULL;
}

/* ---- the way out ----------------------------------------------------------------------------- */

/* Operators learn what people are not told: once a minute, since strangers can make it happen. Who
 * was denied or gave up is no news to them. */
static void warn(struct login *l, enum oidc_verdict v)
{
    struct desk_issuer *i = issuer_named(l->desk, l->issuer);
    int64_t now_ms = desk_now_ms(l->desk);
    str error = l->flow.oidc ? oidc_flow_error(l->flow.oidc) : (str){NULL, 0};
    if (!i || v != OIDC_ERROR || !error.n ||
        (i->warned_ms && now_ms - i->warned_ms < WARN_EVERY_MS))
        return;
    i->warned_ms = now_ms;
    log_warn("login.failed", "the provider answered with an error", "issuer", l->issuer.p, "code",
             oidc_verdict_code(v), "error", error.p);
}

static void failed(struct login *l)
{
    struct desk *d = l->desk;
    enum oidc_verdict v = flow_verdict(&l->flow);
    struct desk_ask *ask = l->ask;
    warn(l, v);
    entry_login_failed(d, ask, l->issuer, oidc_verdict_code(v), l->flow.oidc);
    l->ask = NULL;
    l->phase = LOGIN_OVER;
    flow_finish(&l->flow);
    if (!ask)
        return;
    str sentence = v == OIDC_UNREACHABLE ? STR("The identity provider does not answer.")
                   : v == OIDC_DENIED    ? STR("The identity provider refused the sign-in.")
                                         : STR("The sign-in could not be checked.");
    desk_refuse(ask, oidc_verdict_code(v), sentence);
}

static void sent_away(struct login *l)
{
    struct desk_ask *ask = l->ask;
    str state = oidc_flow_state(l->flow.oidc);
    if (state.n != sizeof l->state || l->phase != LOGIN_BEGINS || !ask) {
        failed(l);
        return;
    }
    memcpy(l->state, state.p, state.n);
    list_append(bucket_of(l->desk, state), &l->bucket);
    l->phase = LOGIN_AWAY;
    l->ask = NULL;
    ask->url = arena_dup(&ask->arena, oidc_flow_url(l->flow.oidc));
    desk_answer(ask, DESK_REDIRECT);
}

static void over(struct flow *f, enum oidc_step step)
{
    struct login *l = list_entry(f, struct login, flow);
    if (step == OIDC_REDIRECT) {
        sent_away(l);
    } else if (step == OIDC_DONE && l->phase == LOGIN_BACK && l->ask) {
        opening_begin(l, oidc_flow_outcome(f->oidc));
    } else {
        failed(l);
    }
}

static void begin_flow(struct flow *f)
{
    struct login *l = list_entry(f, struct login, flow);
    struct desk_issuer *i = issuer_named(l->desk, l->issuer);
    struct oidc_wish wish = {
        .max_age_s = l->max_age_s,
        .acr = l->acr,
        .login_hint = l->hint,
        .prompt_login = l->max_age_s == 0,
    };
    f->oidc = oidc_login_create(issuer_client(i), &i->provider->doc, &wish);
}

/* What the issuer calls a sign-in with more than one factor, when that is wished; without such
 * words (it says so in amr alone) asking for the sign-in anew must do. */
static str wished_acr(struct login *l, const struct desk_ask *ask, const struct issuer *issuer)
{
    str all = ask->step_up_acr.n ? arena_dup(&l->arena, ask->step_up_acr) : (str){NULL, 0};
    if (all.n || !ask->step_up_mfa)
        return all;
    for (size_t i = 0; i < issuer->n_mfa_acr; i++)
        all = arena_printf(&l->arena, "%.*s%s%.*s", STR_ARG(all), i ? " " : "",
                           STR_ARG(issuer->mfa_acr[i]));
    return all;
}

static struct login *login_create(struct desk *d, struct desk_ask *ask,
                                  const struct config_issuer *issuer)
{
    struct login *l = mem_alloc(sizeof *l);
    arena_init(&l->arena, l->block, sizeof l->block);
    l->arena.chunk_bytes = 1024;
    l->desk = d;
    l->ask = ask;
    l->phase = LOGIN_BEGINS;
    l->since_ms = desk_now_ms(d);
    l->from = network_of(ask->client);
    l->issuer = arena_dup(&l->arena, issuer->name);
    l->to = arena_dup(&l->arena, ask->to);
    l->host = arena_dup(&l->arena, ask->host);
    l->app = ask->app.n ? arena_dup(&l->arena, ask->app) : (str){NULL, 0};
    l->acr = wished_acr(l, ask, issuer->issuer);
    l->hint = ask->login_hint.n ? arena_dup(&l->arena, ask->login_hint) : (str){NULL, 0};
    l->max_age_s = ask->step_up_age_s;
    l->is_step_up = ask->session && (l->max_age_s >= 0 || l->acr.n);
    memcpy(l->browser, ask->browser, sizeof l->browser);
    memcpy(l->bound, ask->bound, sizeof l->bound);
    l->flow.begin = begin_flow;
    l->flow.over = over;
    list_init(&l->bucket);
    list_append(&d->logins, &l->link);
    d->n_logins++;
    return l;
}

void login_begin(struct desk *d, struct desk_ask *ask)
{
    struct desk_issuer *i = choose(d, ask);
    if (!i)
        return;
    if (loops_found(&d->loops, ask->browser, ask->to, desk_now_ms(d))) {
        entry_login_failed(d, ask, i->config->name, "login.loop", NULL);
        desk_refuse(ask, "login.loop",
                    STR("You were sent to the sign-in three times and came back without a session: "
                        "the browser does not keep this page's cookie."));
        return;
    }
    login_sweep(d, desk_now_ms(d));
    make_room(d, ask->browser, &ask->client);
    struct login *l = login_create(d, ask, i->config);
    flow_start(&l->flow, d, l->issuer);
}

/* ---- and back -------------------------------------------------------------------------------- */

static void refuse_state(struct desk *d, struct desk_ask *ask, str issuer)
{
    entry_login_failed(d, ask, issuer, oidc_verdict_code(OIDC_STATE), NULL);
    desk_refuse(ask, oidc_verdict_code(OIDC_STATE),
                STR("This answer belongs to no log-in of this browser: it was used already, took "
                    "longer than ten minutes, or was begun somewhere else."));
}

/* Another tab was faster, or this is the back button: who is signed in goes where he wanted. */
static void go_on(struct desk *d, struct desk_ask *ask, const struct login *l)
{
    bool is_portal = str_eq(l->host, desk_config(d)->portal.host);
    ask->url = is_portal ? arena_dup(&ask->arena, l->to)
                         : ticket_make(d, &ask->arena, ask->session, l->host, l->to, l->bound);
    desk_answer(ask, DESK_REDIRECT);
}

void login_callback(struct desk *d, struct desk_ask *ask)
{
    login_sweep(d, desk_now_ms(d));
    str state = oidc_query_state(ask->query, &ask->arena);
    struct login *l = state.n == OIDC_STATE_CHARS ? find(d, state) : NULL;
    bool is_own = l && secret_eq((str){(char *)l->browser, SHA256_BYTES},
                                 (str){(char *)ask->browser, SHA256_BYTES});
    if (!is_own || (l->phase != LOGIN_AWAY && !ask->session)) {
        refuse_state(d, ask, is_own ? l->issuer : (str){NULL, 0});
        return;
    }
    ask->app = l->app.n ? arena_dup(&ask->arena, l->app) : (str){NULL, 0};
    if (l->phase != LOGIN_AWAY || (ask->session && !l->is_step_up)) {
        if (l->phase == LOGIN_AWAY) {
            l->phase = LOGIN_OVER;
            flow_finish(&l->flow);
        }
        go_on(d, ask, l);
        return;
    }
    l->phase = LOGIN_BACK;
    l->ask = ask;
    flow_answered(&l->flow, ask->query);
}
