/* Purposes that people state before an app opens, and posture documents that devices post. */
#include "proxy/portal/portal_impl.h"
#include "proxy/portal/way.h"

static void show(struct call *c, const struct way *at, str text, enum page_form_error e)
{
    struct page_env env = call_env(c);
    const struct policy_remedy *r = way_remedy(c, at, POLICY_REMEDY_STATE_PURPOSE, (str){NULL, 0});
    struct page_purpose_view view = {
        .app = at->app->name,
        .app_title = way_title(at),
        .to = at->target.url,
        .prompt = r ? r->wanted : (str){NULL, 0},
        .text = text,
        .error = e,
    };
    answer_html(c, e == PAGE_FORM_OK ? 200 : 400, page_purpose(c->arena, &env, &view));
}

/* A purpose is kept with a session, and ends with it. */
static bool has_none_to_keep_it(struct call *c)
{
    if (c->page->visit->session || !call_is_fronted(c))
        return false;
    answer_error(c, 403, "purpose.session",
                 STR("A purpose can only be stated by people who sign in at this portal."));
    return true;
}

void route_purpose(struct call *c)
{
    struct way at;
    if (!has_none_to_keep_it(c) && !way_needs_log_in(c) && way_read(c, &at))
        show(c, &at, (str){NULL, 0}, PAGE_FORM_OK);
}

static void stated(struct call *c, struct desk_ask *ask)
{
    if (!ask_is_refused(c, ask))
        answer_redirect(c, 303, arena_dup(c->arena, ask->to));
}

void route_purpose_state(struct call *c)
{
    struct way at;
    if (has_none_to_keep_it(c) || way_needs_log_in(c) || !way_read(c, &at))
        return;
    str text = way_reason(c);
    if (way_judge(text, false) != PAGE_FORM_OK) {
        show(c, &at, text, way_judge(text, false));
        return;
    }
    struct desk_ask *ask = ask_create(c, DESK_PURPOSE, stated);
    ask->app = ask_text(ask, at.app->name);
    ask->to = ask_text(ask, at.target.url);
    ask->reason_text = ask_text(ask, text);
    ask_send(c, ask);
}

/* ---- posture
 * ---------------------------------------------------------------------------------------- */

static void taken(struct call *c, struct desk_ask *ask)
{
    unsigned status = ask->answer == DESK_DONE      ? 204
                      : ask->answer == DESK_REFUSED ? (ask->status ? (unsigned)ask->status : 400)
                                                    : 503;
    if (ask->reason)
        c->page->visit->reason = ask->reason;
    answer_empty(c, status);
}

/* No session, no cookie: the document's own signature says whose it is. */
void route_posture(struct call *c)
{
    struct desk_ask *ask = ask_create(c, DESK_POSTURE, taken);
    ask->form = ask_text(ask, c->page->body);
    ask->query = ask_text(ask, c->page->query);
    ask_send(c, ask);
}
