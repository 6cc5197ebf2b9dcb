/* A log-in that did not come to its end, and the other pages of bad news without a policy. */
#include "proxy/portal/frame.h"
#include "proxy/portal/link.h"

struct news {
    str reason, sentence;
    enum words_id title, text; /* when the code has no words */
};

/* Of words and sentence the more specific one is shown: the sentence is English alone. */
static void put_news(struct frame *f, const struct news *n, enum layout_sign sign)
{
    struct words_about about = {n->title, n->text};
    bool has_words = words_about(n->reason, &about);
    frame_headline(f, sign, about.title ? about.title : n->title, (str){NULL, 0});
    if (!has_words && n->sentence.n)
        frame_p_text(f, STR("said"), n->sentence);
    else
        frame_p(f, about.sentence);
}

static enum words_id title_of(str reason, enum words_id fallback)
{
    struct words_about about;
    return words_about(reason, &about) && about.title ? about.title : fallback;
}

struct page page_failed(struct arena *a, const struct page_env *env,
                        const struct page_failed_view *v)
{
    struct frame f;
    struct news n = {v->reason, v->sentence, WORDS_FAILED_TITLE, WORDS_FAILED_TEXT};
    str again = link_login(a, env, &v->way, (str){NULL, 0});
    frame_begin(&f, a, env, false, title_of(v->reason, n.title), (str){NULL, 0});
    put_news(&f, &n, LAYOUT_SIGN_ALERT);
    frame_retry(&f, v->retry_after_s);
    html_lit(&f.html, "<p class=\"acts\">");
    frame_button(&f, again, false, WORDS_TRY_AGAIN);
    html_lit(&f.html, "</p>");
    frame_facts(&f, v->reason);
    return frame_end(&f);
}

struct page page_signed_off(struct arena *a, const struct page_env *env,
                            const struct page_signed_off_view *v)
{
    struct frame f;
    frame_begin(&f, a, env, false, WORDS_SIGNED_OFF_TITLE, (str){NULL, 0});
    frame_headline(&f, LAYOUT_SIGN_DOOR, WORDS_SIGNED_OFF_TITLE, (str){NULL, 0});
    frame_p_text(&f, STR("soft"), v->app_title);
    frame_p(&f, WORDS_SIGNED_OFF_TEXT);
    if (v->is_post)
        frame_tag(&f, STR("<p class=\"note warn\">"), WORDS_SIGNED_OFF_POST, STR("</p>"));
    html_lit(&f.html, "<p class=\"acts\">");
    frame_button(&f, link_login(a, env, &v->way, (str){NULL, 0}), false, WORDS_SIGN_IN);
    html_lit(&f.html, "</p>");
    frame_facts(&f, STR("auth.none"));
    return frame_end(&f);
}

struct page page_error(struct arena *a, const struct page_env *env, const struct page_error_view *v)
{
    struct frame f;
    struct news n = {v->reason, v->sentence, WORDS_ERROR_TITLE, WORDS_ERROR_TEXT};
    bool is_wait = v->status == 429 || v->status == 503;
    frame_begin(&f, a, env, false, title_of(v->reason, n.title), (str){NULL, 0});
    put_news(&f, &n, is_wait ? LAYOUT_SIGN_CLOCK : LAYOUT_SIGN_ALERT);
    frame_p_text(&f, STR("soft"), v->app_title);
    frame_retry(&f, v->retry_after_s);
    html_lit(&f.html, "<p class=\"acts\">");
    frame_button(&f, v->again_url, false, WORDS_TRY_AGAIN);
    frame_button(&f, link_portal(a, env, STR("/")), true, WORDS_BACK_TO_APPS);
    html_lit(&f.html, "</p>");
    frame_facts(&f, v->reason);
    return frame_end(&f);
}
