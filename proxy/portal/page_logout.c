/* The way out. */
#include "proxy/portal/frame.h"
#include "proxy/portal/link.h"

enum { PAIRS_MAX = 16 };

struct page page_logout(struct arena *a, const struct page_env *env,
                        const struct page_logout_view *v)
{
    struct frame f;
    frame_begin(&f, a, env, false, WORDS_SIGN_OUT, (str){NULL, 0});
    frame_headline(&f, LAYOUT_SIGN_DOOR, WORDS_LOGOUT_TITLE, (str){NULL, 0});
    if (env->email.n) {
        html_lit(&f.html, "<p class=\"soft\">");
        frame_words_with(&f, WORDS_SIGNED_IN_AS, env->email);
        html_lit(&f.html, "</p>");
    }
    frame_p(&f, WORDS_LOGOUT_TEXT);
    frame_form(&f, STR(PAGE_PATH_LOGOUT));
    html_lit(&f.html, "<div class=\"acts down\">");
    frame_submit(&f, STR(""), (str){NULL, 0}, (str){NULL, 0}, WORDS_SIGN_OUT);
    if (!v->app_title.n) /* on the portal alone */
        frame_submit(&f, STR("quiet"), STR("everywhere"), STR("1"), WORDS_LOGOUT_EVERYWHERE);
    frame_button(&f, v->back_url, true, WORDS_LOGOUT_STAY);
    html_lit(&f.html, "</div>");
    frame_form_end(&f);
    return frame_end(&f);
}

/* The provider's form is posted by the person: a page of ours that posted it by itself would sign
 * people out whom somebody else sent here. */
static void put_provider(struct frame *f, const struct page_logged_out_view *v)
{
    str name =
        v->provider_title.n ? v->provider_title : words_text(f->env->language, WORDS_PROVIDER);
    frame_p_with(f, WORDS_LOGGED_OUT_PROVIDER, name);
    html_lit(&f->html, "<form class=\"stack\" method=\"post\" action=\"");
    html_text(&f->html, v->provider_url, v->provider_url.n);
    html_lit(&f->html, "\">");
    for (size_t i = 0; i < v->n_pairs && i < PAIRS_MAX; i++) {
        html_lit(&f->html, "<input type=\"hidden\" name=\"");
        html_text(&f->html, v->pairs[i].name, v->pairs[i].name.n);
        html_lit(&f->html, "\" value=\"");
        html_text(&f->html, v->pairs[i].value, v->pairs[i].value.n);
        html_lit(&f->html, "\">");
    }
    html_lit(&f->html, "<div class=\"acts down\"><button class=\"btn quiet\">");
    frame_words_with(f, WORDS_LOGGED_OUT_THERE, name);
    html_lit(&f->html, "</button></div></form>");
}

struct page page_logged_out(struct arena *a, const struct page_env *env,
                            const struct page_logged_out_view *v)
{
    struct frame f;
    str again = v->again_url.n ? v->again_url : link_portal(a, env, STR("/"));
    bool has_form = html_is_link(v->provider_url) && v->provider_url.p[0] != '/';
    frame_begin(&f, a, env, false, WORDS_LOGGED_OUT_TITLE, (str){NULL, 0});
    frame_headline(&f, LAYOUT_SIGN_DONE, WORDS_LOGGED_OUT_TITLE, (str){NULL, 0});
    frame_p(&f, v->everywhere ? WORDS_LOGGED_OUT_ALL : WORDS_LOGGED_OUT_TEXT);
    if (has_form) {
        f.leads_on = true;
        put_provider(&f, v);
    }
    html_lit(&f.html, "<p class=\"acts down\">");
    frame_button(&f, again, has_form, WORDS_LOGGED_OUT_AGAIN);
    html_lit(&f.html, "</p>");
    return frame_end(&f);
}
