/* A person is known, and refused: what, why, and what helps. */
#include "proxy/portal/cause.h"
#include "proxy/portal/link.h"

static void put_headline(struct frame *f, const struct page_refused_view *v, enum cause_kind kind)
{
    static const struct {
        enum words_id with_app, without;
        enum layout_sign sign;
    } heads[] = {
        [CAUSE_FINAL] = {WORDS_REFUSED_APP, WORDS_REFUSED_TITLE, LAYOUT_SIGN_LOCK},
        [CAUSE_NOT_NOW] = {WORDS_NOT_NOW_APP, WORDS_NOT_NOW_TITLE, LAYOUT_SIGN_CLOCK},
        [CAUSE_NOT_YET] = {WORDS_NOT_YET_APP, WORDS_NOT_YET_TITLE, LAYOUT_SIGN_DOOR},
    };
    frame_headline(f, heads[kind].sign, v->app_title.n ? heads[kind].with_app : heads[kind].without,
                   v->app_title);
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

/* With a cause that says more, "a requirement is not met" says nothing. */
static bool says_more(const struct page_refused_view *v, const struct cause *c)
{
    struct cause_words words;
    if (!str_eq(v->reason, STR("require-failed")) && !str_eq(v->reason, STR("default-deny")))
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
    frame_begin(&f, a, env, false, WORDS_REFUSED_TITLE, (str){NULL, 0});
    put_headline(&f, v, kind);
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
    frame_facts(&f, v->reason);
    return frame_end(&f);
}
