/* The way out: the person's own, and the provider's two. */
#include "proxy/portal/portal_impl.h"

static str app_title(struct call *c)
{
    const struct app *app =
        c->page->is_portal ? NULL : snapshot_app_by_host(c->snapshot, c->page->head->host);
    return !app ? (str){NULL, 0} : app->title.n ? app->title : app->name;
}

static str provider_title(struct call *c)
{
    const struct policy_identity *who = call_person(c);
    const struct snapshot_issuer *issuer =
        who ? snapshot_issuer_by_name(c->snapshot, who->issuer_name) : NULL;
    if (!issuer)
        return (str){NULL, 0};
    return issuer->config->title.n ? issuer->config->title : issuer->config->name;
}

/* What we answer on an app's host its scripts can read, and an ID token may count as a bearer's
 * proof at every app: it is shown on the portal alone. Elsewhere the provider asks the person. */
static bool is_shown(const struct call *c, str name)
{
    return c->page->is_portal || !str_eq(name, STR("id_token_hint"));
}

static void show_logged_out(struct call *c, const struct desk_ask *ask)
{
    struct page_env env = call_env(c);
    struct page_logged_out_view view = {.everywhere = ask && ask->everywhere};
    env.email = (str){NULL, 0};
    if (ask && ask->n_fields) {
        struct page_pair *pairs = arena_array(c->arena, struct page_pair, ask->n_fields);
        for (size_t i = 0; i < ask->n_fields; i++)
            if (is_shown(c, ask->fields[i].name))
                pairs[view.n_pairs++] =
                    (struct page_pair){arena_dup(c->arena, ask->fields[i].name),
                                       arena_dup(c->arena, ask->fields[i].value)};
        view.provider_title = provider_title(c);
        view.provider_url = arena_dup(c->arena, ask->url);
        view.pairs = pairs;
    }
    c->drops_session = true;
    answer_html(c, 200, page_logged_out(c->arena, &env, &view));
}

/* What the front has begun, it must end. */
static bool is_fronts(struct call *c)
{
    str url = call_front_sign_out(c);
    if (c->page->visit->session || !call_is_fronted(c))
        return false;
    if (url.p)
        answer_redirect(c, 303, url);
    else
        answer_error(c, 409, "logout.front",
                     STR("You were signed in by what stands in front of this portal, and are "
                         "signed out there."));
    return true;
}

/* A link may lead here from anywhere: nothing ends before the form on this page is sent. */
void route_logout(struct call *c)
{
    if (is_fronts(c))
        return;
    if (!c->page->visit->session) {
        show_logged_out(c, NULL);
        return;
    }
    struct page_env env = call_env(c);
    struct page_logout_view view = {
        .app_title = app_title(c),
        .back_url =
            target_make(c->snapshot, c->arena, c->page->head->host, STR("/"), (str){NULL, 0}),
    };
    answer_html(c, 200, page_logout(c->arena, &env, &view));
}

static void left(struct call *c, struct desk_ask *ask)
{
    if (!ask_is_refused(c, ask))
        show_logged_out(c, ask);
}

void route_logout_confirm(struct call *c)
{
    if (is_fronts(c))
        return;
    if (!c->page->visit->session) {
        show_logged_out(c, NULL);
        return;
    }
    struct desk_ask *ask = ask_create(c, DESK_LOGOUT, left);
    /* Script of an app can send its host's form: it ends what is here, and on no other device. */
    ask->everywhere = c->page->is_portal && form_get(&c->form, STR("everywhere")).n > 0;
    ask_send(c, ask);
}

/* ---- one of the others, from the launcher
 * --------------------------------------------------------- */

static void other_ended(struct call *c, struct desk_ask *ask)
{
    str home = target_make(c->snapshot, c->arena, c->page->head->host, STR("/"),
                           STR("done=session-ended"));
    if (!ask_is_refused(c, ask))
        answer_redirect(c, 303, home);
}

void route_session_end(struct call *c)
{
    const struct visit *v = c->page->visit;
    str handle = form_get(&c->form, STR("session"));
    if (!v->session) {
        answer_redirect(
            c, 303,
            target_make(c->snapshot, c->arena, c->page->head->host, STR("/"), (str){NULL, 0}));
        return;
    }
    if (handle.n != SESSION_HANDLE_CHARS) {
        answer_error(c, 400, "form.malformed", STR("This form names no session."));
        return;
    }
    bool is_this = str_eq(handle, (str){v->session->handle, SESSION_HANDLE_CHARS});
    struct desk_ask *ask = ask_create(c, DESK_LOGOUT, is_this ? left : other_ended);
    if (!is_this)
        ask->other = ask_text(ask, handle);
    ask_send(c, ask);
}

/* ---- the provider's
 * --------------------------------------------------------------------------------- */

static str name_of(const struct call *c)
{
    return str_from(c->page->path, str_rfind(c->page->path, '/') + 1);
}

/* Back-Channel Logout 1.0, section 2.8: 200 or 400, never cached. */
static void noticed(struct call *c, struct desk_ask *ask)
{
    unsigned status = ask->answer == DESK_DONE ? 200 : ask->answer == DESK_REFUSED ? 400 : 503;
    if (ask->reason)
        c->page->visit->reason = ask->reason;
    if (status == 400)
        answer_text(c, status, STR("application/json"), STR("{\"error\":\"invalid_request\"}"));
    else
        answer_empty(c, status);
}

void route_backchannel(struct call *c)
{
    struct desk_ask *ask = ask_create(c, DESK_BACKCHANNEL, noticed);
    ask->issuer = ask_text(ask, name_of(c));
    ask->form = ask_text(ask, c->page->body);
    ask_send(c, ask);
}

void route_frontchannel(struct call *c)
{
    struct desk_ask *ask = ask_create(c, DESK_FRONTCHANNEL, noticed);
    ask->issuer = ask_text(ask, name_of(c));
    ask->to = ask_text(ask, form_get(&c->form, STR("iss")));
    ask->other = ask_text(ask, form_get(&c->form, STR("sid")));
    ask_send(c, ask);
}
