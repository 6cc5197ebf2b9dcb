/* See way.h. */
#include "proxy/portal/way.h"

bool way_read(struct call *c, struct way *out)
{
    str name = form_get(&c->form, STR("app")), to = form_get(&c->form, STR("to"));
    *out = (struct way){.app = name.n ? snapshot_app_by_name(c->snapshot, name) : NULL};
    if (out->app && !to.n)
        to = target_make(c->snapshot, c->arena, out->app->policy->host, STR("/"), (str){NULL, 0});
    if (out->app && target_read(c->snapshot, to, &out->target) && out->target.app == out->app)
        return true;
    answer_error(c, 400, "form.malformed", STR("This page's address names no app of ours."));
    return false;
}

str way_title(const struct way *w)
{
    return w->app->title.n ? w->app->title : w->app->name;
}

bool way_needs_log_in(struct call *c)
{
    if (c->page->visit->session || call_is_fronted(c))
        return false;
    str here =
        target_make(c->snapshot, c->arena, c->page->head->host, c->page->path, c->page->query);
    answer_redirect(
        c, 302,
        arena_printf(c->arena, PAGE_PATH_LOGIN "?to=%.*s", STR_ARG(form_escape(c->arena, here))));
    return true;
}

static str path_of(const struct target *t)
{
    str rest = str_from(t->url, t->origin.n);
    str path = str_upto(rest, str_find(rest, '?'));
    return path.n ? path : STR("/");
}

const struct policy_remedy *way_remedy(struct call *c, const struct way *w,
                                       enum policy_remedy_kind kind, str rule)
{
    struct gate_view view = {0};
    visit_look(c->page->visit, w->app, path_of(&w->target), &view);
    for (size_t i = 0; i < view.n_remedies; i++)
        if (view.remedies[i].kind == kind && (!rule.p || str_eq(view.remedies[i].rule, rule)))
            return &view.remedies[i];
    return NULL;
}

/* Browsers end the lines of a text with CR LF (HTML, "constructing the entry list"). */
str way_reason(struct call *c)
{
    str text = str_trim(form_get(&c->form, STR("text")), " \t\r\n");
    char *to = arena_text(c->arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '\r' || i + 1 == text.n || text.p[i + 1] != '\n')
            to[n++] = text.p[i];
    to[n] = '\0';
    return (str){to, n};
}

/* C0 but for newline and tab, DEL, and C1 as UTF-8 writes it: what is read in mails, in chats and
 * in terminals must not steer them. */
static bool has_control(str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char b = (unsigned char)text.p[i];
        bool is_c1 = b == 0xc2 && i + 1 < text.n && ((unsigned char)text.p[i + 1] & 0xe0) == 0x80;
        if ((b < 0x20 && b != '\n' && b != '\t') || b == 0x7f || is_c1)
            return true;
    }
    return false;
}

enum page_form_error way_judge(str text, bool is_optional)
{
    if (text.n > PAGE_REASON_MAX_BYTES)
        return PAGE_FORM_TOO_LONG;
    if (has_control(text))
        return PAGE_FORM_CONTROL;
    return text.n < PAGE_REASON_MIN_CHARS && !is_optional ? PAGE_FORM_EMPTY : PAGE_FORM_OK;
}

bool way_may_approve(struct call *c, str rule, str app_name)
{
    struct gate_view view = {0};
    const struct app *app = snapshot_app_by_name(c->snapshot, app_name);
    const struct policy_identity *who = call_person(c);
    if (!app || !who ||
        !policy_may_approve(c->snapshot->policy, rule, app_name, who, c->page->visit->wall_us))
        return false;
    visit_look(c->page->visit, app, app->policy->start.n ? app->policy->start : STR("/"), &view);
    return !str_eq(str_of(view.reason), str_of(policy_reason_code(POLICY_REASON_DENY_RULE)));
}
