/* Claims that have become old are fetched anew: at most one refresh for a session at a time, with a
 * growing pause after failures. The provider's `invalid_grant` ends the session; a provider that
 * does not answer does not, until the session's own end. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"

enum {
    PAUSE_MIN_MS = 30 * 1000,
    PAUSE_MAX_MS = 10 * 60 * 1000,
    REFRESHES_MOST = 16384, /* remembered: those that run, and those that pause */
};

struct refresh {
    struct list_node link;
    struct desk_work work;
    struct flow flow;
    struct desk *desk;
    struct arena arena;
    int64_t session;
    struct store_session row; /* as read, then as it shall be */
    bool pauses_after;        /* only a rotated token is written: the claims are still to come */
    enum refresh_phase { REFRESH_READS = 1, REFRESH_ASKS, REFRESH_WRITES, REFRESH_PAUSES } phase;
    int64_t until_ms; /* PAUSES */
    unsigned failures;
};

static void drop(struct refresh *r)
{
    list_remove(&r->link);
    r->desk->n_refreshes--;
    flow_finish(&r->flow);
    arena_wipe(&r->arena);
    secret_wipe(r, sizeof *r);
    free(r);
}

/* After the store is closed: no work of ours is on its thread. */
void refreshes_finish(struct desk *d)
{
    for (struct list_node *n = d->refreshes.next, *next; n != &d->refreshes; n = next) {
        struct refresh *r = list_entry(n, struct refresh, link);
        next = n->next;
        drop(r);
    }
}

static struct refresh *find(struct desk *d, int64_t session)
{
    for (struct list_node *n = d->refreshes.prev; n != &d->refreshes; n = n->prev) {
        struct refresh *r = list_entry(n, struct refresh, link);
        if (r->session == session)
            return r;
    }
    return NULL;
}

static void pause_it(struct refresh *r)
{
    int64_t pause_ms = PAUSE_MIN_MS;
    for (unsigned i = 0; i < r->failures && pause_ms < PAUSE_MAX_MS; i++)
        pause_ms *= 2;
    r->failures++;
    r->phase = REFRESH_PAUSES;
    r->until_ms = desk_now_ms(r->desk) + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
    flow_finish(&r->flow);
    arena_wipe(&r->arena);
    arena_init(&r->arena, NULL, 0);
    r->row = (struct store_session){0};
}

/* ---- writing what came ------------------------------------------------------------------------
 */

static bool write_row(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct refresh *r = list_entry(w, struct refresh, work);
    return store_session_renew(db, r->session, &r->row, f);
}

static void written(struct desk_work *w)
{
    struct refresh *r = list_entry(w, struct refresh, work);
    if (w->is_good && !r->pauses_after) {
        drop(r);
        return;
    }
    if (!w->is_good)
        log_error("refresh.store", w->fail.text);
    r->pauses_after = false;
    pause_it(r);
}

static str keep(struct refresh *r, str s)
{
    return s.n ? arena_dup(&r->arena, s) : (str){NULL, 0};
}

static void write_back(struct refresh *r)
{
    flow_finish(&r->flow);
    r->phase = REFRESH_WRITES;
    r->work.run = write_row;
    r->work.done = written;
    work_post(r->desk, &r->work);
}

static void renew(struct refresh *r)
{
    const struct oidc_outcome *out = oidc_flow_outcome(r->flow.oidc);
    r->row.claims = keep(r, out->claims);
    r->row.claims_s = desk_now_s(r->desk);
    r->row.refresh_token = keep(r, out->refresh_token);
    r->row.id_token = keep(r, out->id_token);
    r->row.email = out->identity ? keep(r, out->identity->email) : r->row.email;
    write_back(r);
}

/* The provider rotated the token before something else failed: the old one is dead, and to come
 * with it again would look like theft and end the grant. */
static bool keep_rotated(struct refresh *r)
{
    str token = r->flow.oidc ? oidc_flow_outcome(r->flow.oidc)->refresh_token : (str){NULL, 0};
    if (!token.n || str_eq(token, r->row.refresh_token))
        return false;
    r->row.refresh_token = keep(r, token);
    r->pauses_after = true;
    write_back(r);
    return true;
}

static void give_up(struct refresh *r, enum oidc_verdict v)
{
    log_warn("refresh.failed", oidc_verdict_text(v), "issuer", r->row.issuer_name.p, "reason",
             oidc_verdict_code(v));
    if (v == OIDC_GRANT_ENDED || v == OIDC_OTHER_PERSON) {
        struct store_match m = {.session = r->session};
        sessions_end(r->desk, &m, v == OIDC_GRANT_ENDED ? "grant-ended" : "other-person");
        drop(r);
        return;
    }
    if (!keep_rotated(r))
        pause_it(r);
}

/* ---- asking the provider -----------------------------------------------------------------------
 */

static void over(struct flow *f, enum oidc_step step)
{
    struct refresh *r = list_entry(f, struct refresh, flow);
    if (step == OIDC_DONE)
        renew(r);
    else
        give_up(r, flow_verdict(f));
}

static void begin_flow(struct flow *f)
{
    struct refresh *r = list_entry(f, struct refresh, flow);
    struct desk_issuer *i = issuer_named(f->desk, f->issuer);
    f->oidc = oidc_refresh_create(issuer_client(i), &i->provider->doc, r->row.refresh_token,
                                  r->row.subject, r->row.claims);
}

static bool read_row(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct refresh *r = list_entry(w, struct refresh, work);
    struct store_seen seen;
    enum store_found found = store_session_by_id(db, r->session, &r->arena, &seen, f);
    if (found == STORE_FOUND)
        r->row = seen.session;
    else
        r->row.is_ended = true;
    return found != STORE_FAILED;
}

static void have_row(struct desk_work *w)
{
    struct refresh *r = list_entry(w, struct refresh, work);
    if (!w->is_good) {
        log_error("refresh.store", w->fail.text);
        pause_it(r);
    } else if (r->row.is_ended) {
        drop(r);
    } else if (!r->row.refresh_token.n || !issuer_named(r->desk, r->row.issuer_name)) {
        r->failures = 8; /* nothing to be had: not asked again soon */
        pause_it(r);
    } else {
        r->phase = REFRESH_ASKS;
        flow_start(&r->flow, r->desk, r->row.issuer_name);
    }
}

static void begin(struct refresh *r)
{
    r->phase = REFRESH_READS;
    r->flow.begin = begin_flow;
    r->flow.over = over;
    r->work.run = read_row;
    r->work.done = have_row;
    work_post(r->desk, &r->work);
}

/* The oldest that pauses makes room: it will be asked for again. */
static void make_room(struct desk *d)
{
    for (struct list_node *n = d->refreshes.next; n != &d->refreshes; n = n->next) {
        struct refresh *r = list_entry(n, struct refresh, link);
        if (r->phase == REFRESH_PAUSES) {
            drop(r);
            return;
        }
    }
}

void refresh_begin(struct desk *d, int64_t session)
{
    struct refresh *r = find(d, session);
    if (!d->snapshot || !session)
        return;
    if (r && (r->phase != REFRESH_PAUSES || desk_now_ms(d) < r->until_ms))
        return;
    if (!r) {
        if (d->n_refreshes >= REFRESHES_MOST)
            make_room(d);
        if (d->n_refreshes >= REFRESHES_MOST)
            return; /* all of them run: this one is asked for again in a minute */
        r = mem_alloc(sizeof *r);
        r->desk = d;
        r->session = session;
        arena_init(&r->arena, NULL, 0);
        r->arena.chunk_bytes = 4096;
        list_append(&d->refreshes, &r->link);
        d->n_refreshes++;
    }
    begin(r);
}
