/* The portal's first page: what this person may open now, and where he is signed in. */
#include "proxy/portal/portal_impl.h"
#include "proxy/portal/way.h"

struct own_look {
    struct look look;
    const struct store_session *sessions;
    size_t n_sessions;
    bool is_approver;
    const struct store_grant *grants; /* his own; of everybody, for an approver */
    size_t n_grants;
};

static bool run(struct store_db *db, struct look *l, struct fail *f)
{
    struct own_look *own = (struct own_look *)l;
    struct store_match mine = {.issuer = l->issuer, .subject = l->subject};
    const str all = {NULL, 0};
    return (!l->session || store_sessions_list(db, &mine, PAGE_SESSIONS_MAX, &l->arena,
                                               &own->sessions, &own->n_sessions, f)) &&
           store_grants_list(db, own->is_approver ? all : l->issuer,
                             own->is_approver ? all : l->subject, &l->arena, &own->grants,
                             &own->n_grants, f);
}

/* Something that he himself can do, or a time to wait for. */
static bool has_step(const struct page_app *app)
{
    if (str_eq(app->reason, STR("deny-rule")))
        return false;
    for (size_t i = 0; i < app->n_remedies; i++)
        if (app->remedies[i].kind != POLICY_REMEDY_NONE &&
            app->remedies[i].kind != POLICY_REMEDY_CONTACT)
            return true;
    return false;
}

/* Grey ones only where something can be done about it: what is no business of this person is not
 * shown. */
static bool fill_app(struct call *c, const struct app *app, struct page_app *out)
{
    struct gate_view view = {0};
    const struct policy_app *p = app->policy;
    if (p->protocol != POLICY_HTTP || p->is_tcp || str_starts(p->host, STR("*.")))
        return false;
    str start = p->start.n ? p->start : STR("/");
    visit_look(c->page->visit, app, start, &view);
    *out = (struct page_app){
        .name = app->name,
        .title = app->title,
        .description = p->description,
        .icon = p->icon,
        .url = target_make(c->snapshot, c->arena, p->host, start, (str){NULL, 0}),
        .is_open = view.effect == POLICY_ALLOW,
        .reason = str_of(view.reason),
        .causes = view.causes,
        .n_causes = view.n_causes,
        .remedies = view.remedies,
        .n_remedies = view.n_remedies,
    };
    return out->is_open || has_step(out);
}

/* Until when what is granted to him keeps it open. */
static int64_t open_until_s(const struct call *c, const struct own_look *own, str app)
{
    const struct policy_identity *who = call_person(c);
    int64_t end_s = 0;
    for (size_t i = 0; i < own->n_grants; i++) {
        const struct store_grant *g = &own->grants[i];
        if (g->state == STORE_GRANT_OPEN && str_eq(g->app, app) && str_eq(g->issuer, who->issuer) &&
            str_eq(g->subject, who->subject) && g->expires_s > end_s)
            end_s = g->expires_s;
    }
    return end_s > c->page->visit->wall_us / 1000000 ? end_s : 0;
}

static void fill_apps(struct call *c, const struct own_look *own, struct page_launcher_view *v)
{
    size_t most = c->snapshot->n_apps < PAGE_APPS_MAX ? c->snapshot->n_apps : PAGE_APPS_MAX;
    struct page_app *apps = arena_array(c->arena, struct page_app, most + 1);
    for (size_t i = 0; i < c->snapshot->n_apps && v->n_apps < most; i++) {
        struct page_app *out = &apps[v->n_apps];
        if (!fill_app(c, &c->snapshot->apps[i], out))
            continue;
        out->asked_s = grants_asked_s(own->grants, own->n_grants, call_person(c), out->name);
        out->until_s = out->is_open ? open_until_s(c, own, out->name) : 0;
        v->n_apps++;
    }
    v->apps = apps;
}

static void fill_sessions(struct call *c, const struct own_look *own, struct page_launcher_view *v)
{
    struct page_session *out = arena_array(c->arena, struct page_session, own->n_sessions + 1);
    for (size_t i = 0; i < own->n_sessions; i++) {
        const struct store_session *s = &own->sessions[i];
        out[i] = (struct page_session){
            .handle = arena_dup(c->arena, (str){s->handle, sizeof s->handle}),
            .agent = arena_dup(c->arena, s->agent),
            .address = arena_dup(c->arena, s->address),
            .created_s = s->created_s,
            .seen_s = s->seen_s,
            .ends_s = s->ends_s,
            .is_this = s->id == own->look.session,
        };
    }
    v->sessions = out;
    v->n_sessions = own->n_sessions;
}

static size_t waiting(struct call *c, const struct own_look *own)
{
    const struct policy_identity *who = call_person(c);
    size_t n = 0;
    for (size_t i = 0; i < own->n_grants; i++) {
        const struct store_grant *g = &own->grants[i];
        bool is_own = str_eq(g->issuer, who->issuer) && str_eq(g->subject, who->subject);
        n += g->state == STORE_GRANT_ASKED && !is_own && way_may_approve(c, g->rule, g->app);
    }
    return n;
}

/* The provider's own word for how somebody is called: for the greeting alone. */
static str person_name(const struct policy_identity *who)
{
    for (size_t i = 0; i < who->n_claims; i++) {
        const struct policy_claim *claim = &who->claims[i];
        if (str_eq(claim->name, STR("name")) && claim->value.kind == POLICY_VALUE_TEXT)
            return claim->value.text;
    }
    return (str){NULL, 0};
}

static void show(struct call *c, struct look *l)
{
    struct page_env env = call_env(c);
    struct page_launcher_view view = {.notice = (str){NULL, 0}};
    struct form query;
    const struct policy_identity *who = call_person(c);
    if (form_read(c->arena, c->page->query, &query))
        view.notice = form_get(&query, STR("done"));
    const struct snapshot_issuer *issuer = snapshot_issuer_by_name(c->snapshot, who->issuer_name);
    if (issuer)
        view.issuer_title = issuer->config->title.n ? issuer->config->title : issuer->config->name;
    view.person_name = person_name(who);
    view.sign_out_url = call_front_sign_out(c);
    fill_apps(c, (struct own_look *)l, &view);
    fill_sessions(c, (struct own_look *)l, &view);
    view.is_approver = ((struct own_look *)l)->is_approver;
    view.n_waiting = waiting(c, (struct own_look *)l);
    answer_html(c, 200, page_launcher(c->arena, &env, &view));
}

void route_launcher(struct call *c)
{
    if (!c->page->visit->session && !call_is_fronted(c)) {
        str home =
            target_make(c->snapshot, c->arena, c->page->head->host, STR("/"), (str){NULL, 0});
        answer_redirect(c, 302,
                        arena_printf(c->arena, PAGE_PATH_LOGIN "?to=%.*s",
                                     STR_ARG(form_escape(c->arena, home))));
        return;
    }
    struct own_look *own = look_create(c, sizeof *own);
    own->is_approver =
        policy_is_approver(c->snapshot->policy, call_person(c), c->page->visit->wall_us);
    own->look.run = run;
    own->look.answered = show;
    look_send(c, &own->look);
}
