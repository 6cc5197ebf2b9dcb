/* Ways to end sessions: by the person, by the provider behind our back (Back-Channel Logout 1.0),
 * by the provider through the browser (Front-Channel Logout 1.0), by the configuration. Sessions
 * are dead before the answer. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/log.h"

/* ---- nobody waits ------------------------------------------------------------------------------
 */

struct ending {
    struct desk_work work;
    struct arena arena;
    struct store_match match;
    const char *why;
};

static bool run_ending(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct ending *e = list_entry(w, struct ending, work);
    size_t n;
    return store_sessions_end(db, &e->match, e->why, &n, f);
}

static void ended(struct desk_work *w)
{
    struct ending *e = list_entry(w, struct ending, work);
    if (!w->is_good)
        log_error("session.end", w->fail.text, "why", e->why);
    arena_finish(&e->arena);
    free(e);
}

static str keep(struct arena *a, str s)
{
    return s.n ? arena_dup(a, s) : (str){NULL, 0};
}

static struct store_match keep_match(struct arena *a, const struct store_match *m)
{
    struct store_match out = *m;
    str *texts[] = {&out.handle, &out.issuer, &out.subject, &out.provider_sid, &out.email};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = keep(a, *texts[i]);
    return out;
}

void sessions_end(struct desk *d, const struct store_match *m, const char *why)
{
    struct ending *e = mem_alloc(sizeof *e);
    arena_init(&e->arena, NULL, 0);
    e->arena.chunk_bytes = 512;
    e->match = keep_match(&e->arena, m);
    e->why = why;
    e->work.run = run_ending;
    e->work.done = ended;
    work_post(d, &e->work);
}

/* ---- records of sessions that ended -------------------------------------------------------------
 */

/* By whom, in the words of the log. */
static str by_whom(str why)
{
    static const struct {
        str why, by;
    } rows[] = {
        {STR("logout"), STR("self")},         {STR("everywhere"), STR("self")},
        {STR("renewed"), STR("self")},        {STR("backchannel"), STR("issuer")},
        {STR("frontchannel"), STR("issuer")}, {STR("grant-ended"), STR("issuer")},
        {STR("other-person"), STR("issuer")}, {STR("administrator"), STR("administrator")},
        {STR("user-removed"), STR("users")},  {STR("user-disabled"), STR("users")},
        {STR("expired"), STR("time")},        {STR("idle"), STR("time")},
        {STR("unrecorded"), STR("postern")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_eq(rows[i].why, why))
            return rows[i].by;
    return STR("administrator");
}

void desk_store_changed(struct desk *d, const struct store_change *change)
{
    struct entry r;
    if (change->kind != STORE_SESSION_ENDED)
        return;
    entry_open(&r, d, STR("session.revoked"), NULL);
    entry_text(&r, STR("session"), change->handle);
    jout_key(&r.j, STR("identity"));
    jout_open(&r.j, '{');
    entry_text(&r, STR("issuer"), change->issuer);
    entry_text(&r, STR("subject"), change->subject);
    jout_close(&r.j, '}');
    entry_text(&r, STR("why"), str_of(change->why));
    entry_text(&r, STR("by"), by_whom(str_of(change->why)));
    (void)!entry_close(&r);
}

/* ---- the person's own
 * ---------------------------------------------------------------------------- */

struct leaving {
    struct desk_work work;
    struct arena arena;
    struct desk_ask *ask;
    struct store_session row;
    struct store_match match;
    str return_to;
    size_t n_ended;
};

static bool run_leaving(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct leaving *l = list_entry(w, struct leaving, work);
    struct store_seen seen;
    const struct desk_ask *ask = l->ask;
    enum store_found found = store_session_by_id(db, ask->session, &l->arena, &seen, f);
    if (found != STORE_FOUND) /* it is over already: then there is nothing to end */
        return found == STORE_ABSENT;
    l->row = seen.session;
    if (ask->everywhere)
        l->match = (struct store_match){.issuer = l->row.issuer, .subject = l->row.subject};
    else if (ask->other.n) /* of the same person, or it is none of his */
        l->match = (struct store_match){
            .issuer = l->row.issuer, .subject = l->row.subject, .handle = ask->other};
    else
        l->match = (struct store_match){.session = ask->session};
    return store_sessions_end(db, &l->match, ask->everywhere ? "everywhere" : "logout", &l->n_ended,
                              f);
}

static void offer_form(struct leaving *l)
{
    struct desk_ask *ask = l->ask;
    struct desk_issuer *i = issuer_named(ask->desk, l->row.issuer_name);
    struct oidc_field fields[OIDC_LOGOUT_FIELDS];
    if (!i || !i->provider->is_known || ask->other.n)
        return;
    const struct oidc_provider *doc = &i->provider->doc;
    str home = arena_printf(&ask->arena, "%.*s/", STR_ARG(desk_config(ask->desk)->portal.origin));
    size_t n = oidc_logout_fields(issuer_client(i), doc, l->row.id_token, home, fields);
    ask->fields = arena_array(&ask->arena, struct desk_field, n + 1);
    for (size_t k = 0; k < n; k++)
        ask->fields[k] = (struct desk_field){arena_dup(&ask->arena, fields[k].name),
                                             arena_dup(&ask->arena, fields[k].value)};
    ask->n_fields = n;
    if (n)
        ask->url = arena_dup(&ask->arena, doc->end_session_endpoint);
}

static void record_logout(struct leaving *l)
{
    struct entry r;
    entry_open(&r, l->ask->desk, STR("logout"), l->ask);
    jout_key(&r.j, STR("identity"));
    jout_open(&r.j, '{');
    entry_text(&r, STR("issuer"), l->row.issuer);
    entry_text(&r, STR("subject"), l->row.subject);
    entry_text(&r, STR("email"), l->row.email);
    jout_close(&r.j, '}');
    entry_text(&r, STR("session"),
               l->ask->other.n ? l->ask->other : (str){l->row.handle, sizeof l->row.handle});
    entry_text(&r, STR("how"),
               l->ask->everywhere ? STR("everywhere")
               : l->ask->other.n  ? STR("other")
                                  : STR("here"));
    jout_kint(&r.j, STR("ended"), (int64_t)l->n_ended);
    (void)!entry_close(&r);
}

static void left(struct desk_work *w)
{
    struct leaving *l = list_entry(w, struct leaving, work);
    if (!w->is_good) {
        desk_fail(l->ask, "store", &w->fail);
    } else {
        if (l->row.issuer.n) {
            record_logout(l);
            offer_form(l);
        }
        desk_answer(l->ask, DESK_DONE);
    }
    arena_wipe(&l->arena); /* held an ID token */
    free(l);
}

void logout_begin(struct desk *d, struct desk_ask *ask)
{
    struct leaving *l = mem_alloc(sizeof *l);
    arena_init(&l->arena, NULL, 0);
    l->ask = ask;
    l->work.run = run_leaving;
    l->work.done = left;
    work_post(d, &l->work);
}

/* ---- the provider's
 * -------------------------------------------------------------------------------- */

struct notice {
    struct desk_work work;
    struct arena arena;
    struct desk_ask *ask;
    struct flow keys; /* waits for the keys alone */
    struct oidc_logout logout;
    str issuer;
    const char *why;
    bool is_fresh, has_asked;
    size_t n_ended;
};

static void let_go(struct notice *n)
{
    arena_finish(&n->arena);
    free(n);
}

static void record_notice(struct notice *n)
{
    struct entry r;
    entry_open(&r, n->ask->desk, STR("logout"), n->ask);
    jout_key(&r.j, STR("identity"));
    jout_open(&r.j, '{');
    entry_text(&r, STR("issuer"), n->issuer);
    entry_text(&r, STR("subject"), n->logout.subject);
    jout_close(&r.j, '}');
    entry_text(&r, STR("issuer"), n->ask->issuer);
    entry_text(&r, STR("how"), str_of(n->why));
    jout_kint(&r.j, STR("ended"), (int64_t)n->n_ended);
    (void)!entry_close(&r);
}

static void refuse_notice(struct notice *n, const char *check)
{
    struct entry r;
    entry_open(&r, n->ask->desk, STR("logout.failed"), n->ask);
    entry_text(&r, STR("issuer"), n->ask->issuer);
    entry_text(&r, STR("how"), str_of(n->why));
    entry_text(&r, STR("reason"), str_of(check));
    (void)!entry_close(&r);
    desk_refuse(n->ask, "logout.refused", STR("The logout notice is not one of this provider."));
    let_go(n);
}

static bool run_notice(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct notice *n = list_entry(w, struct notice, work);
    struct store_match m = {.issuer = n->issuer,
                            .subject = n->logout.sid.n ? (str){NULL, 0} : n->logout.subject,
                            .provider_sid = n->logout.sid};
    n->is_fresh = true;
    if (!n->logout.jti.n)
        return store_sessions_end(db, &m, n->why, &n->n_ended, f);
    /* Back-Channel Logout 1.0, section 2.6: jti is not seen twice */
    struct store_mark mark = {
        .what = STR("logout-jti"),
        .value = arena_printf(&n->arena, "%.*s %.*s", STR_ARG(n->issuer), STR_ARG(n->logout.jti)),
        .expires_s = n->logout.exp_s + TOKEN_MAX_SKEW_S,
    };
    return store_sessions_end_once(db, &m, n->why, &mark, &n->is_fresh, &n->n_ended, f);
}

static void noticed(struct desk_work *w)
{
    struct notice *n = list_entry(w, struct notice, work);
    if (!w->is_good) {
        desk_fail(n->ask, "store", &w->fail);
        let_go(n);
    } else if (!n->is_fresh) {
        refuse_notice(n, "logout.replayed");
    } else {
        record_notice(n);
        desk_answer(n->ask, DESK_DONE);
        let_go(n);
    }
}

static struct notice *notice_create(struct desk_ask *ask, const char *why)
{
    struct notice *n = mem_alloc(sizeof *n);
    arena_init(&n->arena, NULL, 0);
    n->ask = ask;
    n->why = why;
    n->work.run = run_notice;
    n->work.done = noticed;
    return n;
}

static void keys_came(struct flow *f, enum oidc_step step);

static void read_notice(struct desk *d, struct notice *n)
{
    struct desk_issuer *i = issuer_named(d, n->ask->issuer);
    enum token_verdict v = i ? oidc_logout_read(issuer_client(i), issuer_keys(d, i), n->ask->form,
                                                desk_now_s(d), &n->arena, &n->logout)
                             : TOKEN_ISSUER;
    if (v == TOKEN_UNKNOWN_KID && !n->has_asked) {
        /* The keys were rotated since we looked: a logout must not be lost for that. */
        n->has_asked = true;
        n->keys.over = keys_came;
        flow_want_keys(&n->keys, d, n->ask->issuer);
        return;
    }
    if (v != TOKEN_OK) {
        refuse_notice(n, token_verdict_code(v));
        return;
    }
    n->issuer = arena_dup(&n->arena, i->config->issuer->issuer);
    work_post(d, &n->work);
}

static void keys_came(struct flow *f, enum oidc_step step)
{
    read_notice(f->desk, list_entry(f, struct notice, keys));
}

/* The log-ins and refreshes are gone: who still waits for keys is a notice. */
void notices_finish(struct desk *d)
{
    while (!list_empty(&d->key_waits)) {
        struct flow *f = list_entry(d->key_waits.next, struct flow, keys_link);
        list_remove(&f->keys_link);
        refuse_notice(list_entry(f, struct notice, keys), token_verdict_code(TOKEN_UNKNOWN_KID));
    }
}

void logout_backchannel(struct desk *d, struct desk_ask *ask)
{
    read_notice(d, notice_create(ask, "backchannel"));
}

/* Front-Channel Logout 1.0, section 3: whoever knows the session's id at the provider may end it,
 * and nothing more. */
void logout_frontchannel(struct desk *d, struct desk_ask *ask)
{
    struct notice *n = notice_create(ask, "frontchannel");
    struct desk_issuer *i = issuer_named(d, ask->issuer);
    if (!i || !str_eq(ask->to, i->config->issuer->issuer) || !ask->other.n) {
        refuse_notice(n, "logout.iss");
        return;
    }
    n->issuer = arena_dup(&n->arena, i->config->issuer->issuer);
    n->logout.sid = arena_dup(&n->arena, ask->other);
    work_post(d, &n->work);
}
