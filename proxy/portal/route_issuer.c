/* The built-in issuer's browser leg: its page, its form, and its documents for whoever asks. */
#include "proxy/portal/portal_impl.h"

static void show_form(struct call *c, const struct desk_ask *ask)
{
    struct page_env env = call_env(c);
    const struct app *app = ask->app.n ? snapshot_app_by_name(c->snapshot, ask->app) : NULL;
    str title = !app ? (str){NULL, 0} : app->title.n ? app->title : app->name;
    str ticket = arena_dup(c->arena, ask->ticket), email = arena_dup(c->arena, ask->email);
    unsigned status = !ask->reason ? 200 : ask->retry_after_s ? 429 : 403;
    if (ask->reason)
        c->page->visit->reason = ask->reason;
    if (ask->wants_pin) {
        struct page_pin_view view = {.ticket = ticket,
                                     .email = email,
                                     .app_title = title,
                                     .reason = str_of(ask->reason),
                                     .retry_after_s = ask->retry_after_s};
        answer_html(c, status, page_pin(c->arena, &env, &view));
        return;
    }
    struct page_sign_in_view view = {.ticket = ticket,
                                     .email = email,
                                     .app_title = title,
                                     .reason = str_of(ask->reason),
                                     .takes_pin = c->snapshot->config->builtin.has_pin,
                                     .retry_after_s = ask->retry_after_s};
    answer_html(c, status, page_sign_in(c->arena, &env, &view));
}

static void answered(struct call *c, struct desk_ask *ask)
{
    if (ask->answer == DESK_REDIRECT)
        answer_redirect(c, 303, arena_dup(c->arena, ask->url));
    else if (ask->answer == DESK_FORM)
        show_form(c, ask);
    else
        ask_is_refused(c, ask);
}

void route_issuer_page(struct call *c)
{
    struct desk_ask *ask = ask_create(c, DESK_BUILTIN_PAGE, answered);
    ask->query = ask_text(ask, c->page->query);
    ask_send(c, ask);
}

void route_issuer_form(struct call *c)
{
    struct desk_ask *ask = ask_create(c, DESK_BUILTIN_FORM, answered);
    ask->ticket = ask_text(ask, form_get(&c->form, STR("ticket")));
    ask->email = ask_text(ask, str_trim(form_get(&c->form, STR("email")), " "));
    ask->password = ask_text(ask, form_get(&c->form, STR("password")));
    str pin = form_get(&c->form, STR("pin"));
    ask->wants_pin = str_eq(pin, STR("send"));
    if (!ask->wants_pin)
        ask->pin = ask_text(ask, pin);
    ask_send(c, ask);
}

/* ---- documents
 * -------------------------------------------------------------------------------------- */

static void documented(struct call *c, struct desk_ask *ask)
{
    if (ask->answer == DESK_DOCUMENT)
        answer_text(c, (unsigned)ask->status,
                    ask->content_type.n ? arena_dup(c->arena, ask->content_type)
                                        : STR("application/json"),
                    arena_dup(c->arena, ask->body));
    else
        ask_is_refused(c, ask);
}

void route_issuer_document(struct call *c)
{
    struct desk_ask *ask = ask_create(c, DESK_BUILTIN_DOCUMENT, documented);
    ask->to = ask_text(ask, str_from(c->page->path, sizeof "/.postern/issuer" - 1));
    ask_send(c, ask);
}
