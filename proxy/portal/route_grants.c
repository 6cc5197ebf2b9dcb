/* Purposes, approvals and break-glass, and posture documents that devices post. */
#include "proxy/portal/portal_impl.h"

static void not_yet(struct call *c)
{
    answer_error(c, 404, "input:path", STR("There is no such page here."));
}

/* Who is not signed in goes there first and comes back. */
static bool needs_log_in(struct call *c)
{
    if (c->page->visit->session)
        return false;
    str here =
        target_make(c->snapshot, c->arena, c->page->head->host, c->page->path, c->page->query);
    answer_redirect(
        c, 302,
        arena_printf(c->arena, PAGE_PATH_LOGIN "?to=%.*s", STR_ARG(form_escape(c->arena, here))));
    return true;
}

/* ---- purposes
 * ------------------------------------------------------------------------------------ */

struct place {
    const struct app *app;
    struct target target;
};

static bool read_place(struct call *c, struct place *out)
{
    str name = form_get(&c->form, STR("app"));
    out->app = name.n ? snapshot_app_by_name(c->snapshot, name) : NULL;
    if (out->app && target_read(c->snapshot, form_get(&c->form, STR("to")), &out->target))
        return true;
    answer_error(c, 400, "form.malformed", STR("This page's address names no app of ours."));
    return false;
}

static enum page_form_error judge(str text)
{
    if (text.n < PAGE_REASON_MIN_CHARS)
        return PAGE_FORM_EMPTY;
    return text.n > PAGE_REASON_MAX_BYTES ? PAGE_FORM_TOO_LONG : PAGE_FORM_OK;
}

static void show_purpose(struct call *c, const struct place *at, str text, enum page_form_error e)
{
    struct page_env env = call_env(c);
    struct page_purpose_view view = {
        .app = at->app->name,
        .app_title = at->app->title.n ? at->app->title : at->app->name,
        .to = at->target.url,
        .text = text,
        .error = e,
    };
    answer_html(c, e == PAGE_FORM_OK ? 200 : 400, page_purpose(c->arena, &env, &view));
}

void route_purpose(struct call *c)
{
    struct place at;
    if (!needs_log_in(c) && read_place(c, &at))
        show_purpose(c, &at, (str){NULL, 0}, PAGE_FORM_OK);
}

static void stated(struct call *c, struct desk_ask *ask)
{
    if (!ask_is_refused(c, ask))
        answer_redirect(c, 303, arena_dup(c->arena, ask->to));
}

void route_purpose_state(struct call *c)
{
    struct place at;
    if (needs_log_in(c) || !read_place(c, &at))
        return;
    str text = str_trim(form_get(&c->form, STR("text")), " \t\r\n");
    if (judge(text) != PAGE_FORM_OK) {
        show_purpose(c, &at, text, judge(text));
        return;
    }
    struct desk_ask *ask = ask_create(c, DESK_PURPOSE, stated);
    ask->app = ask_text(ask, at.app->name);
    ask->to = ask_text(ask, at.target.url);
    ask->reason_text = ask_text(ask, text);
    ask_send(c, ask);
}

/* ---- approvals and break-glass
 * ----------------------------------------------------------------------- */

void route_request(struct call *c)
{
    not_yet(c);
}

void route_request_send(struct call *c)
{
    not_yet(c);
}

void route_approvals(struct call *c)
{
    not_yet(c);
}

void route_approvals_decide(struct call *c)
{
    not_yet(c);
}

void route_break_glass(struct call *c)
{
    not_yet(c);
}

void route_break_glass_open(struct call *c)
{
    not_yet(c);
}

void route_posture(struct call *c)
{
    not_yet(c);
}
