/* A person is known, and refused: what, why, and what helps. */
#include "proxy/portal/cause.h"
#include "proxy/portal/link.h"

static const struct head {
    enum words_id with_app, without;
    enum layout_sign sign;
} heads[] = {
    [CAUSE_FINAL] = {WORDS_REFUSED_APP, WORDS_REFUSED_TITLE, LAYOUT_SIGN_LOCK},
    [CAUSE_NOT_NOW] = {WORDS_NOT_NOW_APP, WORDS_NOT_NOW_TITLE, LAYOUT_SIGN_CLOCK},
    [CAUSE_NOT_YET] = {WORDS_NOT_YET_APP, WORDS_NOT_YET_TITLE, LAYOUT_SIGN_DOOR},
};

static enum words_id headline(const struct page_refused_view *v, enum cause_kind kind)
{
    if (!v->app_title.n)
        return heads[kind].without;
    return kind == CAUSE_FINAL && v->is_app_open ? WORDS_REFUSED_PAGE : heads[kind].with_app;
}

static void put_why(struct frame *f, const struct page_refused_view *v, const struct cause *c)
{
    struct words_about about;
    if (words_about(v->reason, &about))
        frame_p(f, about.sentence);
    else
        frame_p_text(f, STR("said"), v->sentence);
    html_lit(&f->html, "<ul class=\"why\">");
    size_t before = f->html.n;
    cause_put(f, c, CAUSE_SHOWN_MAX, STR("<li>"), STR("</li>"));
    if (f->html.n == before)
        f->html.n -= sizeof "<ul class=\"why\">" - 1; /* an empty list is none */
    else
        html_lit(&f->html, "</ul>");
}

/* With a cause that says more, "a requirement is not met" or "a rule forbids" says nothing. */
static bool says_more(const struct page_refused_view *v, const struct cause *c)
{
    struct cause_words words;
    if (!str_eq(v->reason, STR("require-failed")) && !str_eq(v->reason, STR("default-deny")) &&
        !str_eq(v->reason, STR("deny-rule")))
        return false;
    for (size_t i = 0; i < c->n_causes; i++)
        if (cause_words(PAGE_ENGLISH, c->causes[i], &words))
            return true;
    return false;
}

static void put_advice(struct frame *f, const struct cause *c)
{
    if (!cause_has_advice(f, c))
        return;
    frame_tag(f, STR("<div class=\"note\"><h2>"), WORDS_WHAT_TO_DO, STR("</h2>"));
    cause_put_advice(f, c, STR("<p>"), STR("</p>"));
    html_lit(&f->html, "</div>");
}

static void put_way_back(struct frame *f)
{
    if (!f->env->portal.n)
        return;
    html_lit(&f->html, "<div class=\"acts down\">");
    frame_button(f, link_portal(f->arena, f->env, STR("/")), true, WORDS_BACK_TO_APPS);
    html_lit(&f->html, "</div>");
}

struct page page_refused(struct arena *a, const struct page_env *env,
                         const struct page_refused_view *v)
{
    struct frame f;
    struct cause c = {.app = v->app,
                      .way = v->way,
                      .causes = v->causes,
                      .n_causes = v->n_causes,
                      .remedies = v->remedies,
                      .n_remedies = v->n_remedies,
                      .asked_s = v->asked_s};
    enum cause_kind kind = cause_kind(v->reason, &c);
    frame_begin(&f, a, env, false, headline(v, kind), v->app_title);
    frame_headline(&f, heads[kind].sign, headline(v, kind), v->app_title);
    if (env->email.n) {
        html_lit(&f.html, "<p class=\"soft\">");
        frame_words_with(&f, WORDS_SIGNED_IN_AS, env->email);
        html_lit(&f.html, "</p>");
    }
    if (v->has_just_signed)
        frame_p(&f, WORDS_STILL_MISSING);
    if (says_more(v, &c)) {
        html_lit(&f.html, "<ul class=\"why\">");
        cause_put(&f, &c, CAUSE_SHOWN_MAX, STR("<li>"), STR("</li>"));
        html_lit(&f.html, "</ul>");
    } else {
        put_why(&f, v, &c);
    }
    put_advice(&f, &c);
    frame_retry(&f, v->retry_after_s);
    cause_put_buttons(&f, &c, CAUSE_SHOWN_MAX, false);
    put_way_back(&f);
    frame_facts(&f, v->reason);
    return frame_end(&f);
}
