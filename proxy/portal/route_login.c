/* The way in: from an app to the portal, to the provider, back to the portal and on to the app. */
#include "proxy/portal/portal_impl.h"

#include "base/encode.h"
#include "base/secret.h"

enum { JUST_SIGNED_S = 60 };

/* ---- what the log-in's URL says
 * ------------------------------------------------------------------ */

struct wish {
    struct target target;
    struct page_way way;
    unsigned char bound[32];
    bool is_step_up;
    str issuer;
};

static bool read_bound(str text, unsigned char bound[32])
{
    unsigned char bytes[48];
    size_t n;
    if (text.n != base64url_len(32) || !base64url_decode(text, bytes, &n) || n != 32)
        return false;
    memcpy(bound, bytes, 32);
    return true;
}

static bool read_step_up(const struct form *f, struct wish *w)
{
    uint64_t age = 0;
    str max_age = form_get(f, STR("max_age")), acr = form_get(f, STR("acr"));
    if (max_age.n && !str_to_u64(max_age, INT32_MAX, &age))
        return false;
    for (size_t i = 0; i < acr.n; i++)
        if (acr.p[i] < 0x20 || acr.p[i] > 0x7e)
            return false;
    w->way.max_age_s = max_age.n ? (int64_t)age : 0;
    w->way.acr = acr.n && acr.n < 256 ? acr : (str){NULL, 0};
    w->way.is_step_up = max_age.n > 0;
    w->way.wants_mfa = str_eq(form_get(f, STR("mfa")), STR("1"));
    w->is_step_up = max_age.n || w->way.acr.n;
    return true;
}

static bool read_wish(struct call *c, struct wish *w)
{
    str to = form_get(&c->form, STR("to")), bind = form_get(&c->form, STR("b"));
    *w = (struct wish){.issuer = form_get(&c->form, STR("issuer"))};
    if (!to.n)
        to = target_make(c->snapshot, c->arena, c->snapshot->config->portal.host, STR("/"),
                         (str){NULL, 0});
    w->way.to = to;
    w->way.bind = bind;
    if (!target_read(c->snapshot, to, &w->target) || !read_step_up(&c->form, w))
        return false;
    return !w->target.app || read_bound(bind, w->bound);
}

/* ---- answers of the desk
 * --------------------------------------------------------------------------- */

static void show_failed(struct call *c, const struct desk_ask *ask, const struct wish *w)
{
    struct page_env env = call_env(c);
    struct page_failed_view view = {
        .reason = str_of(ask->reason),
        .sentence = arena_dup(c->arena, ask->sentence),
        .retry_after_s = ask->retry_after_s,
    };
    if (w)
        view.way = w->way;
    c->page->visit->reason = ask->reason;
    answer_html(c, ask->answer == DESK_FAILED ? 503 : 403, page_failed(c->arena, &env, &view));
}

static str app_title(const struct wish *w)
{
    const struct app *app = w->target.app;
    return !app ? (str){NULL, 0} : app->title.n ? app->title : app->name;
}

static void show_choice(struct call *c, const struct desk_ask *ask, const struct wish *w)
{
    struct page_env env = call_env(c);
    struct page_choice_item *items = arena_array(c->arena, struct page_choice_item, ask->n_choices);
    for (size_t i = 0; i < ask->n_choices; i++)
        items[i] = (struct page_choice_item){arena_dup(c->arena, ask->choices[i].name),
                                             arena_dup(c->arena, ask->choices[i].title)};
    struct page_choice_view view = {
        .items = items,
        .n_items = ask->n_choices,
        .way = w->way,
        .app_title = app_title(w),
        .email = arena_dup(c->arena, ask->login_hint),
        .is_unknown = ask->login_hint.n > 0,
    };
    const struct config *config = c->snapshot->config;
    for (size_t i = 0; i < config->n_issuers; i++)
        view.takes_mail |= config->issuers[i].n_mail_domains > 0;
    answer_html(c, 200, page_choice(c->arena, &env, &view));
}

static void login_answered(struct call *c, struct desk_ask *ask)
{
    struct wish w;
    call_need_login_cookie(c);
    if (!form_read(c->arena, c->page->body.n ? c->page->body : c->page->query, &c->form) ||
        !read_wish(c, &w)) /* a publication in between took the app away */
        answer_error(c, 400, "login.target", STR("The place to go on to is none of ours."));
    else if (ask->answer == DESK_REDIRECT)
        answer_redirect(c, 303, arena_dup(c->arena, ask->url));
    else if (ask->answer == DESK_CHOOSE)
        show_choice(c, ask, &w);
    else
        show_failed(c, ask, &w);
}

/* ---- the log-in begins
 * ------------------------------------------------------------------------------ */

static void fill(struct desk_ask *ask, const struct wish *w)
{
    ask->to = ask_text(ask, w->target.url);
    ask->host = ask_text(ask, w->target.host);
    ask->app = w->target.app ? ask_text(ask, w->target.app->name) : (str){NULL, 0};
    memcpy(ask->bound, w->bound, sizeof ask->bound);
}

/* Whom the front names has no session, and none is needed: he goes where he wants, without a
 * ticket. The desk sees to it that he does not come back for ever. */
static void hand_on(struct call *c, const struct wish *w)
{
    if (!w->target.app) {
        answer_redirect(c, 303, w->target.url);
        return;
    }
    struct desk_ask *ask = ask_create(c, DESK_HAND_ON, login_answered);
    fill(ask, w);
    ask_send(c, ask);
}

static void begin(struct call *c, str hint)
{
    struct wish w;
    if (!read_wish(c, &w)) {
        answer_error(c, 400, "login.target", STR("The place to go on to is none of ours."));
        return;
    }
    call_need_login_cookie(c);
    const struct visit *v = c->page->visit;
    if (call_is_fronted(c) || (v->session && !w.is_step_up && !w.issuer.n)) {
        hand_on(c, &w);
        return;
    }
    struct desk_ask *ask = ask_create(c, DESK_LOGIN, login_answered);
    fill(ask, &w);
    ask->issuer = ask_text(ask, v->session && w.is_step_up ? v->who->facts.issuer_name : w.issuer);
    ask->step_up_age_s = form_get(&c->form, STR("max_age")).n ? w.way.max_age_s : -1;
    ask->step_up_acr = ask_text(ask, w.way.acr);
    ask->step_up_mfa = w.way.wants_mfa;
    ask->login_hint = ask_text(ask, hint.n < 256 ? hint : (str){NULL, 0});
    ask_send(c, ask);
}

void route_login(struct call *c)
{
    begin(c, (str){NULL, 0});
}

void route_login_by_mail(struct call *c)
{
    begin(c, form_get(&c->form, STR("email")));
}

/* For programs that show a link: the app's own way to the log-in. */
void route_app_login(struct call *c)
{
    const struct app *app = snapshot_app_by_host(c->snapshot, c->page->head->host);
    str start = app && app->policy->start.n ? app->policy->start : STR("/");
    str to = target_make(c->snapshot, c->arena, c->page->head->host, start, (str){NULL, 0});
    answer_redirect(c, 302, login_url(c, to));
}

/* ---- and back
 * ---------------------------------------------------------------------------------------- */

static void returned(struct call *c, struct desk_ask *ask)
{
    str url = arena_dup(c->arena, ask->url);
    if (ask->answer != DESK_REDIRECT)
        show_failed(c, ask, NULL);
    else if (ask->cookie[0])
        answer_session(c, url, ask->cookie);
    else
        answer_redirect(c, 303, url);
}

void route_callback(struct call *c)
{
    struct desk_ask *ask = ask_create(c, DESK_CALLBACK, returned);
    ask->query = ask_text(ask, c->page->query);
    ask->host = ask_text(ask, c->page->head->host);
    ask_send(c, ask);
}

void route_back(struct call *c)
{
    struct desk_ask *ask = ask_create(c, DESK_REDEEM, returned);
    const struct app *app = snapshot_app_by_host(c->snapshot, c->page->head->host);
    ask->ticket = ask_text(ask, form_get(&c->form, STR("t")));
    ask->host = ask_text(ask, c->page->head->host);
    ask->app = app ? ask_text(ask, app->name) : (str){NULL, 0};
    if (c->login.is_there)
        memcpy(ask->bound, c->login.hash, sizeof ask->bound);
    else
        random_fill(ask->bound, sizeof ask->bound); /* equal to no binding */
    ask_send(c, ask);
}

/* ---- refusals of the gate
 * ----------------------------------------------------------------------------- */

static bool is_navigation_get(const struct call *c)
{
    return c->page->head->method_id == METHOD_GET;
}

static str own_url(struct call *c)
{
    const struct http_request_head *h = c->page->head;
    const struct app *app = c->page->visit->app;
    str url = target_make(c->snapshot, c->arena, h->host, h->path_raw, h->query);
    struct target t;
    if (is_navigation_get(c) && url.n < TARGET_MAX_BYTES && target_read(c->snapshot, url, &t))
        return url;
    str start = app && app->policy->start.n ? app->policy->start : STR("/");
    return target_make(c->snapshot, c->arena, h->host, start, (str){NULL, 0});
}

static str title_of(const struct app *app)
{
    return !app ? (str){NULL, 0} : app->title.n ? app->title : app->name;
}

static bool replay(struct call *c)
{
    struct page_env env = call_env(c);
    const struct http_request_head *h = c->page->head;
    unsigned char bytes[16];
    char nonce[22];
    random_fill(bytes, sizeof bytes);
    base64url_encode((str){(char *)bytes, sizeof bytes}, nonce);
    env.nonce = (str){nonce, sizeof nonce};
    struct page_replay_view view = {
        .action = arena_printf(c->arena, "%.*s%s%.*s", STR_ARG(h->path_raw), h->query.p ? "?" : "",
                               STR_ARG(h->query)),
        .body = c->page->body,
        .app_title = title_of(c->page->visit->app),
    };
    struct page page = page_replay(c->arena, &env, &view);
    if (page.html.p)
        answer_html(c, 200, page);
    return page.html.p != NULL;
}

/* Who is signed in and refused all the same has a session that is too old, or was idle too long,
 * for the rules of this app: the portal's would be handed on, and nobody would sign in again. */
static bool must_be_anew(const struct call *c)
{
    return c->page->visit->session != NULL;
}

static void sign_off(struct call *c)
{
    struct page_env env = call_env(c);
    struct page_signed_off_view view = {
        .app_title = title_of(c->page->visit->app),
        .way = {.to = own_url(c), .bind = call_bind(c), .is_step_up = must_be_anew(c)},
        .is_post = !is_navigation_get(c),
    };
    answer_html(c, 401, page_signed_off(c->arena, &env, &view));
}

struct refusal_look {
    struct look look;
    const struct store_grant *rows;
    size_t n;
};

static bool run_refusal(struct store_db *db, struct look *l, struct fail *f)
{
    struct refusal_look *r = (struct refusal_look *)l;
    return store_grants_list(db, l->issuer, l->subject, &l->arena, &r->rows, &r->n, f);
}

static bool offers(const struct visit_refusal *r, enum policy_remedy_kind kind)
{
    for (size_t i = 0; i < r->n_remedies; i++)
        if (r->remedies[i].kind == kind)
            return true;
    return false;
}

/* The sign-in is of the last minute, and to sign in is what the refusal asks for. */
static bool has_just_signed(const struct call *c)
{
    const struct policy_identity *who = call_person(c);
    return c->page->visit->session && who && who->login_s &&
           c->page->visit->wall_us / 1000000 - who->login_s <= JUST_SIGNED_S &&
           offers(c->page->refusal, POLICY_REMEDY_STEP_UP);
}

/* Its first page is open to him, only what he wanted there is not. */
static bool is_open_at_start(struct visit *v)
{
    struct gate_view view = {0};
    if (!v->app)
        return false;
    visit_look(v, v->app, v->app->policy->start.n ? v->app->policy->start : STR("/"), &view);
    return view.effect == POLICY_ALLOW;
}

static void put_refusal(struct call *c, int64_t asked_s)
{
    const struct visit *v = c->page->visit;
    const struct visit_refusal *r = c->page->refusal;
    struct page_env env = call_env(c);
    str contact = visit_contact(v);
    struct page_refused_view view = {
        .status = r->status,
        .reason = str_of(r->reason),
        .sentence = r->sentence,
        .app = v->app_name,
        .app_title = title_of(v->app),
        .is_app_open = is_open_at_start(c->page->visit),
        .way = {.to = own_url(c), .bind = call_bind(c)},
        .causes = v->causes,
        .n_causes = v->n_causes,
        .remedies = r->remedies,
        .n_remedies = r->n_remedies,
        .retry_after_s = r->retry_after_s,
        .asked_s = asked_s,
        .has_just_signed = has_just_signed(c),
    };
    if (contact.n)
        env.contact = contact;
    answer_html(c, r->status, page_refused(c->arena, &env, &view));
}

static void have_refusal(struct call *c, struct look *l)
{
    const struct refusal_look *r = (const struct refusal_look *)l;
    put_refusal(c, grants_asked_s(r->rows, r->n, call_person(c), c->page->visit->app_name));
}

/* Only where an approval would help is the store asked whether one is on its way. */
static void show_refusal(struct call *c)
{
    if (!call_person(c) || !offers(c->page->refusal, POLICY_REMEDY_REQUEST_APPROVAL)) {
        put_refusal(c, 0);
        return;
    }
    struct refusal_look *r = look_create(c, sizeof *r);
    r->look.run = run_refusal;
    r->look.answered = have_refusal;
    look_send(c, &r->look);
}

/* Nobody is signed in: only a navigation by GET goes to the log-in by itself; what a form sent
 * would be lost on the way, so there a link says so. */
bool route_refused(struct call *c)
{
    const struct visit_refusal *r = c->page->refusal;
    if (c->page->body.p && replay(c))
        return true;
    if (r->status == 403) {
        show_refusal(c);
        return true;
    }
    if (!str_eq(str_of(r->reason), STR("auth.none")) || !c->page->visit->app)
        return false;
    if (visit_front(c->page->visit).p) { /* a log-in of ours is no help */
        show_refusal(c);
        return true;
    }
    if (is_navigation_get(c))
        answer_redirect(c, 302,
                        arena_printf(c->arena, "%.*s%s", STR_ARG(login_url(c, own_url(c))),
                                     must_be_anew(c) ? "&max_age=0" : ""));
    else
        sign_off(c);
    return true;
}
