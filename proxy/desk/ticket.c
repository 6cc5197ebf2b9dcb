/* Tickets hand a session on from the portal to an app's host. One is good once, for a minute, for
 * one host, and only together with the cookie that this host had set before the person was sent
 * away: whoever reads one in a log, or has somebody click on his, gets nowhere. The server keeps
 * the hash alone. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/secret.h"

static void drop(struct desk *d, struct ticket *t)
{
    list_remove(&t->link);
    d->n_tickets--;
    free(t->host);
    free(t->to);
    free(t);
}

static struct ticket *find(struct desk *d, str text)
{
    unsigned char hash[SHA256_BYTES];
    if (text.n != TICKET_CHARS)
        return NULL;
    sha256_of(text, hash);
    for (struct list_node *n = d->tickets.prev; n != &d->tickets; n = n->prev) {
        struct ticket *t = list_entry(n, struct ticket, link);
        if (memcmp(t->hash, hash, sizeof hash) == 0)
            return t;
    }
    return NULL;
}

void ticket_sweep(struct desk *d, int64_t now_ms)
{
    while (!list_empty(&d->tickets)) {
        struct ticket *t = list_entry(d->tickets.next, struct ticket, link);
        if (now_ms - t->since_ms < TICKET_LIFE_MS)
            return;
        drop(d, t);
    }
}

void tickets_finish(struct desk *d)
{
    while (!list_empty(&d->tickets))
        drop(d, list_entry(d->tickets.next, struct ticket, link));
}

/* Scheme, host and port of an URL that the asker has checked. */
static str origin_of(str url)
{
    size_t slashes = 0, n = 0;
    while (n < url.n && (slashes += url.p[n] == '/') < 3)
        n++;
    return str_upto(url, n);
}

str ticket_make(struct desk *d, struct arena *a, int64_t session, str host, str to,
                const unsigned char bound[SHA256_BYTES])
{
    unsigned char bytes[32];
    char text[TICKET_CHARS];
    struct ticket *t = mem_alloc(sizeof *t);
    if (d->n_tickets >= desk_config(d)->limits.logins)
        drop(d, list_entry(d->tickets.next, struct ticket, link));
    random_fill(bytes, sizeof bytes);
    base64url_encode((str){(char *)bytes, sizeof bytes}, text);
    sha256_of((str){text, sizeof text}, t->hash);
    memcpy(t->bound, bound, sizeof t->bound);
    t->session = session;
    t->since_ms = desk_now_ms(d);
    t->host = mem_dup(host);
    t->to = mem_dup(to);
    list_append(&d->tickets, &t->link);
    d->n_tickets++;
    return arena_printf(a, "%.*s/.postern/back?t=%.*s", STR_ARG(origin_of(to)), TICKET_CHARS, text);
}

/* Nothing is handed on: the app's listener must have the same front. */
static void go_on(struct desk *d, struct desk_ask *ask)
{
    if (loops_found(&d->loops, ask->browser, ask->to, desk_now_ms(d))) {
        entry_login_failed(d, ask, (str){NULL, 0}, "login.front", NULL);
        desk_refuse(ask, "login.front",
                    STR("The portal knows who you are, but the app does not: it is reached by "
                        "another way, on which nobody has signed you in."));
        return;
    }
    ask->url = ask->to;
    desk_answer(ask, DESK_REDIRECT);
}

void ticket_hand_on(struct desk *d, struct desk_ask *ask)
{
    if (!ask->session) {
        go_on(d, ask);
        return;
    }
    if (loops_found(&d->loops, ask->browser, ask->to, desk_now_ms(d))) {
        entry_login_failed(d, ask, (str){NULL, 0}, "login.loop", NULL);
        desk_refuse(ask, "login.loop",
                    STR("You were sent to this app three times and came back without its session: "
                        "the browser does not keep the app's cookie."));
        return;
    }
    ask->url = ticket_make(d, &ask->arena, ask->session, ask->host, ask->to, ask->bound);
    desk_answer(ask, DESK_REDIRECT);
}

/* ---- redeeming ------------------------------------------------------------------------------- */

struct redeeming {
    struct desk_work work;
    struct arena arena;
    struct desk_ask *ask;
    int64_t session;
    unsigned char hash[SHA256_BYTES];
    char cookie[DESK_COOKIE_CHARS];
    char handle[16];
    bool is_alive;
};

static bool run(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct redeeming *r = list_entry(w, struct redeeming, work);
    struct store_seen seen;
    enum store_found found = store_session_by_id(db, r->session, &r->arena, &seen, f);
    if (found == STORE_FAILED)
        return false;
    r->is_alive = found == STORE_FOUND && !seen.session.is_ended;
    if (!r->is_alive)
        return true;
    memcpy(r->handle, seen.session.handle, sizeof r->handle);
    return store_cookie_add(db, r->session, r->hash, r->ask->host, f);
}

static void refuse(struct desk_ask *ask, const char *reason, str sentence)
{
    entry_login_failed(ask->desk, ask, (str){NULL, 0}, reason, NULL);
    desk_refuse(ask, reason, sentence);
}

static void done(struct desk_work *w)
{
    struct redeeming *r = list_entry(w, struct redeeming, work);
    struct desk_ask *ask = r->ask;
    if (!w->is_good) {
        desk_fail(ask, "store", &w->fail);
    } else if (!r->is_alive) {
        refuse(ask, "login.ticket", STR("The session has ended meanwhile."));
    } else {
        memcpy(ask->cookie, r->cookie, sizeof r->cookie);
        memcpy(ask->handle, r->handle, sizeof r->handle);
        desk_answer(ask, DESK_REDIRECT);
    }
    arena_wipe(&r->arena);
    secret_wipe(r, sizeof *r);
    free(r);
}

static void give_cookie(struct desk *d, struct desk_ask *ask, int64_t session)
{
    struct redeeming *r = mem_alloc(sizeof *r);
    r->work.run = run;
    r->work.done = done;
    r->ask = ask;
    r->session = session;
    arena_init(&r->arena, NULL, 0);
    session_cookie_make(d->options.cookie_keys, ask->host, r->cookie, r->hash);
    work_post(d, &r->work);
}

void ticket_redeem(struct desk *d, struct desk_ask *ask)
{
    ticket_sweep(d, desk_now_ms(d));
    struct ticket *t = find(d, ask->ticket);
    bool is_here = t && str_eq(str_of(t->host), ask->host);
    if (!is_here) { /* on another host it stays good where it belongs */
        refuse(ask, "login.ticket",
               STR("The way from the sign-in page was used already, is older "
                   "than a minute, or belongs to another app."));
        return;
    }
    int64_t session = t->session;
    bool is_bound =
        secret_eq((str){(char *)t->bound, SHA256_BYTES}, (str){(char *)ask->bound, SHA256_BYTES});
    bool is_same = ask->session && ask->session == session;
    ask->url = arena_dup(&ask->arena, str_of(t->to));
    drop(d, t);
    if (is_same) /* two tabs: the other one was faster */
        desk_answer(ask, DESK_REDIRECT);
    else if (!is_bound)
        refuse(ask, "login.ticket", STR("The sign-in was not begun in this browser."));
    else
        give_cookie(d, ask, session);
}
