/* The built-in issuer's browser leg: its form, passwords on the work queue, PINs by mail. A check
 * costs 70 ms of a core by design, so few run at once, few wait, and the rest is told to come back:
 * nobody can make the proxy busy by guessing. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"

enum { WAITING_TIMES = 8, BUSY_RETRY_S = 2 };

struct check {
    struct list_node link; /* desk.checks */
    struct desk *desk;
    struct desk_ask *ask;
    const struct builtin_users *users; /* holds `user` */
    const struct builtin_user *user;   /* NULL: there is none, which takes as long */
    bool is_running, is_good;
};

/* ---- which issuer we are -----------------------------------------------------------------------
 */

static const struct config_issuer *own_issuer(const struct config *c)
{
    for (size_t i = 0; i < c->n_issuers; i++)
        if (c->issuers[i].is_builtin)
            return &c->issuers[i];
    return NULL;
}

static str own_client(const struct config_issuer *i)
{
    return i->client_id.n ? i->client_id : STR("postern");
}

/* Rebuilt only when what it is made from changes: its tickets and codes live in it. */
bool builtin_desk_configure(struct desk *d)
{
    const struct config *c = desk_config(d);
    const struct config_issuer *own = own_issuer(c);
    struct fail f = {0};
    struct arena a;
    arena_init(&a, NULL, 0);
    struct builtin_options o = {.key_pems = d->options.issuer_keys->pems,
                                .n_keys = d->options.issuer_keys->n};
    str made_of = (str){NULL, 0};
    if (own) {
        o.issuer = own->issuer->issuer;
        o.client_id = own_client(own);
        o.redirect_uri = arena_printf(&a, "%.*s/.postern/callback", STR_ARG(c->portal.origin));
        made_of = arena_printf(&a, "%.*s %.*s %.*s", STR_ARG(o.issuer), STR_ARG(o.client_id),
                               STR_ARG(o.redirect_uri));
    }
    if (!d->builtin || !str_eq(str_of(d->builtin_made_of), made_of)) {
        builtin_destroy(&d->builtin);
        free(d->builtin_made_of);
        d->builtin_made_of = mem_dup(made_of);
        d->builtin = own ? builtin_create(&o, &f) : NULL;
        builtin_users_unref((struct builtin_users **)&d->users); /* to be set anew */
        if (own && !d->builtin)
            log_error("builtin.failed", f.text);
    }
    arena_finish(&a);
    return !own || d->builtin;
}

void builtin_desk_keys(struct desk *d)
{
    const struct keyring *keys = d->options.issuer_keys;
    struct fail f = {0};
    if (d->builtin && !builtin_set_keys(d->builtin, keys->pems, keys->n, &f))
        log_error("builtin.keys", f.text);
}

str desk_builtin_keys(struct desk *d, struct arena *a)
{
    const struct config_issuer *own = own_issuer(desk_config(d));
    struct builtin_answer answer = {0};
    if (!own || !d->builtin)
        return (str){NULL, 0};
    str url = arena_printf(a, "%.*s/jwks.json", STR_ARG(own->issuer->issuer));
    builtin_fetch(d->builtin, url, (str){NULL, 0}, (str){NULL, 0}, desk_now_s(d), a, &answer);
    return answer.status == 200 ? answer.body : (str){NULL, 0};
}

/* ---- pages -------------------------------------------------------------------------------------
 */

static void refuse(struct desk_ask *ask, enum builtin_verdict v)
{
    entry_login_failed(ask->desk, ask, STR("builtin"), builtin_verdict_code(v), NULL);
    desk_refuse(ask, builtin_verdict_code(v), str_of(builtin_verdict_text(v)));
}

/* Where the person is on the way to: the page says so, and its form may lead there. */
static void tell_way(struct desk *d, struct desk_ask *ask)
{
    const struct login *l = login_of(d, ask->browser);
    if (!l)
        return;
    ask->to = arena_dup(&ask->arena, l->to);
    ask->app = l->app.n ? arena_dup(&ask->arena, l->app) : (str){NULL, 0};
}

void builtin_desk_page(struct desk *d, struct desk_ask *ask)
{
    char ticket[BUILTIN_TICKET_CHARS];
    tell_way(d, ask);
    if (!d->builtin) {
        refuse(ask, BUILTIN_REQUEST);
        return;
    }
    enum builtin_verdict v =
        builtin_authorize(d->builtin, ask->query, &ask->client, desk_now_s(d), ticket);
    if (v != BUILTIN_OK) {
        refuse(ask, v);
        return;
    }
    ask->ticket = arena_dup(&ask->arena, (str){ticket, sizeof ticket});
    str hint = builtin_ticket_hint(d->builtin, ask->ticket);
    ask->email = hint.n ? arena_dup(&ask->arena, hint) : (str){NULL, 0};
    desk_answer(ask, DESK_FORM);
}

void builtin_desk_document(struct desk *d, struct desk_ask *ask)
{
    const struct config_issuer *own = own_issuer(desk_config(d));
    struct builtin_answer answer = {.status = 404};
    if (own && d->builtin) {
        str url =
            arena_printf(&ask->arena, "%.*s%.*s", STR_ARG(own->issuer->issuer), STR_ARG(ask->to));
        builtin_fetch(d->builtin, url, (str){NULL, 0}, (str){NULL, 0}, desk_now_s(d), &ask->arena,
                      &answer);
    }
    ask->status = answer.status;
    ask->content_type = answer.content_type;
    ask->body = answer.body;
    desk_answer(ask, DESK_DOCUMENT);
}

/* The form once more, with what was wrong. */
static void form_again(struct desk *d, struct desk_ask *ask, enum builtin_verdict v)
{
    entry_login_failed(d, ask, STR("builtin"), builtin_verdict_code(v), NULL);
    ask->reason = builtin_verdict_code(v);
    if (v == BUILTIN_THROTTLED)
        ask->retry_after_s = builtin_retry_s(d->builtin, ask->email, &ask->client, desk_now_s(d));
    desk_answer(ask, DESK_FORM);
}

static void grant(struct desk *d, struct desk_ask *ask, const struct builtin_user *user, str amr)
{
    enum builtin_verdict v =
        builtin_grant(d->builtin, ask->ticket, user, amr, desk_now_s(d), &ask->arena, &ask->url);
    if (v == BUILTIN_OK)
        desk_answer(ask, DESK_REDIRECT);
    else
        refuse(ask, v);
}

/* ---- passwords ---------------------------------------------------------------------------------
 */

static void start_waiting(struct desk *d);

static void run_check(void *ctx)
{
    struct check *c = ctx;
    c->is_good =
        c->user && c->user->password.n && password_check(c->user->password, c->ask->password);
    if (!c->user || !c->user->password.n)
        password_check_nobody(c->ask->password);
}

static void check_free(struct check *c)
{
    list_remove(&c->link);
    c->desk->n_checks--;
    builtin_users_unref((struct builtin_users **)&c->users);
    free(c);
}

static void checked(void *ctx)
{
    struct check *c = ctx;
    struct desk *d = c->desk;
    struct desk_ask *ask = c->ask;
    d->n_checking--;
    if (!d->builtin) {
        refuse(ask, BUILTIN_REQUEST);
    } else if (c->is_good) {
        grant(d, ask, c->user, STR("pwd"));
    } else {
        builtin_attempt_failed(d->builtin, ask->email, &ask->client, desk_now_s(d));
        form_again(d, ask, BUILTIN_REFUSED);
    }
    check_free(c);
    start_waiting(d);
}

static void start_check(struct check *c)
{
    struct fail f = {0};
    c->is_running = true;
    c->desk->n_checking++;
    if (job_start(c->desk->options.loop, run_check, checked, c, &f))
        return;
    c->desk->n_checking--;
    desk_fail(c->ask, "builtin.busy", &f);
    check_free(c);
}

static void start_waiting(struct desk *d)
{
    for (struct list_node *n = d->checks.next, *next; n != &d->checks; n = next) {
        struct check *c = list_entry(n, struct check, link);
        next = n->next;
        if (d->n_checking >= desk_config(d)->limits.password_checks)
            return;
        if (!c->is_running)
            start_check(c);
    }
}

static void check_password(struct desk *d, struct desk_ask *ask, const struct builtin_user *user)
{
    size_t at_once = desk_config(d)->limits.password_checks;
    if (d->n_checks >= at_once * (1 + WAITING_TIMES)) {
        ask->status = 429;
        ask->retry_after_s = BUSY_RETRY_S;
        desk_refuse(ask, "builtin.busy", STR("Too many people sign in at this moment."));
        return;
    }
    struct check *c = mem_alloc(sizeof *c);
    c->desk = d;
    c->ask = ask;
    c->users = d->users ? builtin_users_ref(d->users) : NULL;
    c->user = user;
    list_append(&d->checks, &c->link);
    d->n_checks++;
    start_waiting(d);
}

/* Checks that run cannot be stopped, but they are short: waited for. */
void builtin_desk_finish(struct desk *d)
{
    for (struct list_node *n = d->checks.next, *next; n != &d->checks; n = next) {
        struct check *c = list_entry(n, struct check, link);
        next = n->next;
        if (c->is_running)
            continue;
        desk_answer(c->ask, DESK_FAILED);
        check_free(c);
    }
    while (d->n_checking)
        loop_turn(d->options.loop, true);
    builtin_destroy(&d->builtin);
    free(d->builtin_made_of);
}

/* ---- PINs --------------------------------------------------------------------------------------
 */

/* To the address of the users file, however the form spelled it. */
static bool send_pin(struct desk *d, const struct desk_ask *ask, const char *pin)
{
    const struct builtin_user *user = builtin_users_find(d->snapshot->users, ask->email);
    if (!user)
        return false;
    struct arena a;
    arena_init(&a, NULL, 0);
    str title = desk_config(d)->portal.title;
    str subject = arena_printf(&a, "%s is your PIN", pin);
    str text =
        arena_printf(&a,
                     "Your PIN to sign in at %.*s is\n\n    %s\n\nIt is good for ten minutes, "
                     "once, in the window that asked for it. If you did not ask for it, "
                     "somebody typed your address by mistake; nothing happens then.\n",
                     STR_ARG(title.n ? title : desk_config(d)->portal.host), pin);
    bool sent = d->options.mail && d->options.mail(d->options.ctx, user->email, subject, text);
    arena_wipe(&a);
    return sent;
}

/* Whether there is such a person is not told by the answer. */
static void mail_pin(struct desk *d, struct desk_ask *ask)
{
    char pin[BUILTIN_PIN_DIGITS + 1] = "";
    enum builtin_verdict v =
        builtin_pin_make(d->builtin, ask->ticket, ask->email, &ask->client, desk_now_s(d), pin);
    if (v == BUILTIN_TICKET || v == BUILTIN_REQUEST) {
        refuse(ask, v);
        return;
    }
    if (v == BUILTIN_OK && pin[0] && !send_pin(d, ask, pin))
        log_error("builtin.mail", "the PIN cannot be mailed");
    secret_wipe(pin, sizeof pin);
    if (v == BUILTIN_OK)
        desk_answer(ask, DESK_FORM);
    else
        form_again(d, ask, v);
}

static void check_pin(struct desk *d, struct desk_ask *ask)
{
    const struct builtin_user *user = NULL;
    enum builtin_verdict v = builtin_pin_check(d->builtin, ask->ticket, ask->email, ask->pin,
                                               &ask->client, desk_now_s(d), &user);
    ask->wants_pin = true; /* the form is the PIN's */
    if (v == BUILTIN_OK && user)
        grant(d, ask, user, STR("otp"));
    else if (v == BUILTIN_TICKET || v == BUILTIN_REQUEST)
        refuse(ask, v);
    else
        form_again(d, ask, v);
}

void builtin_desk_form(struct desk *d, struct desk_ask *ask)
{
    const struct builtin_user *user = NULL;
    tell_way(d, ask);
    if (!d->builtin) {
        refuse(ask, BUILTIN_REQUEST);
        return;
    }
    if (ask->wants_pin || ask->pin.n) {
        (ask->wants_pin ? mail_pin : check_pin)(d, ask);
        return;
    }
    enum builtin_verdict v =
        builtin_attempt(d->builtin, ask->ticket, ask->email, &ask->client, desk_now_s(d), &user);
    if (v == BUILTIN_OK)
        check_password(d, ask, user);
    else if (v == BUILTIN_TICKET || v == BUILTIN_REQUEST)
        refuse(ask, v);
    else
        form_again(d, ask, v);
}

/* ---- users who are gone
 * -------------------------------------------------------------------------- */

struct weeding {
    struct desk_work work;
    struct arena arena; /* of one turn */
    const struct builtin_users *users;
    char *issuer, *after; /* the subject that was looked at last; NULL: none yet */
    bool is_over;
};

/* In one turn: requests wait for the store meanwhile. */
enum { WEED_AT_ONCE = 256 };

static bool weed_one(struct weeding *x, struct store_db *db, str subject, struct fail *f)
{
    const struct builtin_user *u = builtin_users_by_subject(x->users, subject);
    struct store_match m = {.issuer = str_of(x->issuer), .subject = subject};
    size_t n;
    return (u && !u->is_disabled) ||
           store_sessions_end(db, &m, u ? "user-disabled" : "user-removed", &n, f);
}

static bool weed(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct weeding *x = list_entry(w, struct weeding, work);
    str last = x->after ? str_of(x->after) : (str){NULL, 0}, subject;
    for (int i = 0; i < WEED_AT_ONCE; i++) {
        enum store_found found =
            store_subject_next(db, str_of(x->issuer), last, &x->arena, &subject, f);
        x->is_over = found == STORE_ABSENT;
        if (x->is_over)
            break;
        if (found == STORE_FAILED || !weed_one(x, db, subject, f))
            return false;
        last = subject;
    }
    if (last.p != x->after) {
        free(x->after);
        x->after = mem_dup(last);
    }
    return true;
}

static void weeded(struct desk_work *w)
{
    struct weeding *x = list_entry(w, struct weeding, work);
    if (!w->is_good)
        log_error("users.weed", w->fail.text);
    arena_reset(&x->arena);
    if (w->is_good && !x->is_over) {
        work_post(w->desk, w);
        return;
    }
    builtin_users_unref((struct builtin_users **)&x->users);
    arena_finish(&x->arena);
    free(x->issuer);
    free(x->after);
    free(x);
}

void sessions_of_users_gone(struct desk *d)
{
    const struct config_issuer *own = own_issuer(desk_config(d));
    const struct builtin_users *users = d->snapshot->users;
    if (!d->builtin || !own || !users || users == d->users)
        return;
    const struct builtin_users *old = d->users;
    d->users = builtin_users_ref(users);
    builtin_users_unref((struct builtin_users **)&old);
    builtin_set_users(d->builtin, users);
    struct weeding *x = mem_alloc(sizeof *x);
    arena_init(&x->arena, NULL, 0);
    x->users = builtin_users_ref(users);
    x->issuer = mem_dup(own->issuer->issuer);
    x->work.run = weed;
    x->work.done = weeded;
    work_post(d, &x->work);
}
