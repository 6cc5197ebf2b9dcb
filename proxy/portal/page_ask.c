/* Forms in which a person says why: purpose, approval, emergency. */
#include "proxy/portal/frame.h"
#include "proxy/portal/link.h"
#include "proxy/portal/when.h"

struct asked {
    str action, app, rule, to;
};

static void form_begin(struct frame *f, const struct asked *q)
{
    frame_form(f, q->action);
    frame_hidden(f, STR("app"), q->app);
    frame_hidden(f, STR("rule"), q->rule);
    frame_hidden(f, STR("to"), q->to);
}

static void form_end(struct frame *f, str kind, enum words_id go)
{
    html_lit(&f->html, "<div class=\"acts\">");
    frame_submit(f, kind, (str){NULL, 0}, (str){NULL, 0}, go);
    frame_button(f, link_portal(f->arena, f->env, STR("/")), true, WORDS_CANCEL);
    html_lit(&f->html, "</div>");
    frame_form_end(f);
}

struct page page_purpose(struct arena *a, const struct page_env *env,
                         const struct page_purpose_view *v)
{
    struct frame f;
    struct asked q = {STR(PAGE_PATH_PURPOSE), v->app, {NULL, 0}, v->to};
    frame_begin(&f, a, env, false, WORDS_PURPOSE_TITLE, (str){NULL, 0});
    f.leads_on = true;
    frame_headline(&f, LAYOUT_SIGN_PEN, WORDS_PURPOSE_TITLE, (str){NULL, 0});
    frame_p_with(&f, WORDS_PURPOSE_TEXT, v->app_title.n ? v->app_title : v->app);
    frame_p_text(&f, STR("quote"), v->prompt);
    form_begin(&f, &q);
    frame_textarea(&f, WORDS_PURPOSE_LABEL, WORDS_PURPOSE_HINT, v->text, v->error, false);
    form_end(&f, STR(""), WORDS_PURPOSE_GO);
    frame_facts(&f, (str){NULL, 0});
    return frame_end(&f);
}

/* The question waits: no script asks again, the person does. */
static void put_waiting(struct frame *f, const struct page_request_view *v)
{
    enum page_language l = f->env->language;
    frame_headline(f, LAYOUT_SIGN_CLOCK, WORDS_WAITING_TITLE, (str){NULL, 0});
    frame_p_text(f, STR("soft"), v->app_title.n ? v->app_title : v->app);
    frame_p_with(f, WORDS_WAITING_TEXT, when_ago(f->arena, l, f->env->now_s, v->asked_s));
    if (v->count_needed > 1)
        frame_p_with(f, WORDS_WAITING_COUNT,
                     arena_printf(f->arena, "%lld / %lld", (long long)v->count_given,
                                  (long long)v->count_needed));
    html_lit(&f->html, "<p class=\"acts\">");
    frame_button(f, v->to, false, WORDS_WAITING_LOOK);
    html_lit(&f->html, "</p>");
    frame_form(f, STR(PAGE_PATH_REQUEST));
    frame_hidden(f, STR("grant"), arena_printf(f->arena, "%lld", (long long)v->grant));
    frame_hidden(f, STR("to"), v->to);
    frame_hidden(f, STR("verb"), STR("withdraw"));
    frame_tag(f, STR("<button class=\"link\">"), WORDS_WITHDRAW, STR("</button>"));
    frame_form_end(f);
}

static void put_request(struct frame *f, const struct page_request_view *v)
{
    struct asked q = {STR(PAGE_PATH_REQUEST), v->app, v->rule, v->to};
    frame_headline(f, LAYOUT_SIGN_PEN, WORDS_REQUEST_TITLE, (str){NULL, 0});
    frame_p_with(f, WORDS_REQUEST_TEXT, v->app_title.n ? v->app_title : v->app);
    if (v->valid_for_s > 0)
        frame_p_with(f, WORDS_REQUEST_FOR, when_span(f->arena, f->env->language, v->valid_for_s));
    form_begin(f, &q);
    frame_textarea(f, v->is_reason_optional ? WORDS_REASON_LABEL_OPTIONAL : WORDS_REASON_LABEL,
                   WORDS_REQUEST_HINT, v->text, v->error, v->is_reason_optional);
    form_end(f, STR(""), WORDS_REQUEST_SEND);
}

struct page page_request(struct arena *a, const struct page_env *env,
                         const struct page_request_view *v)
{
    struct frame f;
    frame_begin(&f, a, env, false, v->grant ? WORDS_WAITING_TITLE : WORDS_REQUEST_TITLE,
                (str){NULL, 0});
    f.leads_on = true;
    if (v->grant)
        put_waiting(&f, v);
    else
        put_request(&f, v);
    frame_facts(&f, (str){NULL, 0});
    return frame_end(&f);
}

static str told_text(struct arena *a, const struct page_break_glass_view *v)
{
    str all = {NULL, 0};
    for (size_t i = 0; i < v->n_told && i < 8; i++)
        all = arena_printf(a, "%.*s%s%.*s", STR_ARG(all), i ? ", " : "", STR_ARG(v->told[i]));
    return all;
}

static void put_terms(struct frame *f, const struct page_break_glass_view *v)
{
    str told = told_text(f->arena, v);
    html_lit(&f->html, "<ul class=\"why\">");
    frame_tag(f, STR("<li>"), WORDS_GLASS_RECORDED, STR("</li>"));
    if (told.n) {
        html_lit(&f->html, "<li>");
        frame_words_with(f, WORDS_GLASS_TOLD, told);
        html_lit(&f->html, "</li>");
    }
    if (v->valid_for_s > 0) {
        html_lit(&f->html, "<li>");
        frame_words_with(f, WORDS_GLASS_FOR, when_span(f->arena, f->env->language, v->valid_for_s));
        html_lit(&f->html, "</li>");
    }
    html_lit(&f->html, "</ul>");
}

struct page page_break_glass(struct arena *a, const struct page_env *env,
                             const struct page_break_glass_view *v)
{
    struct frame f;
    struct asked q = {STR(PAGE_PATH_BREAK_GLASS), v->app, v->rule, v->to};
    frame_begin(&f, a, env, false, WORDS_GLASS_TITLE, (str){NULL, 0});
    f.leads_on = true;
    frame_headline(&f, LAYOUT_SIGN_ALERT, WORDS_GLASS_TITLE, (str){NULL, 0});
    frame_p_with(&f, WORDS_GLASS_TEXT, v->app_title.n ? v->app_title : v->app);
    put_terms(&f, v);
    form_begin(&f, &q);
    frame_textarea(&f, WORDS_REASON_LABEL, WORDS_GLASS_HINT, v->text, v->error, false);
    form_end(&f, STR("grave"), WORDS_GLASS_OPEN);
    frame_facts(&f, (str){NULL, 0});
    return frame_end(&f);
}
