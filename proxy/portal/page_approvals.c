/* What approvers see: who wants in, who is in. */
#include "proxy/portal/frame.h"
#include "proxy/portal/link.h"
#include "proxy/portal/when.h"

static void put_dot(struct frame *f)
{
    html_lit(&f->html, " \xc2\xb7 ");
}

static void put_times(struct frame *f, const struct page_grant *g)
{
    enum page_language l = f->env->language;
    html_lit(&f->html, "<p class=\"soft small\">");
    frame_words_with(f, WORDS_APPROVALS_AT, when_ago(f->arena, l, f->env->now_s, g->asked_s));
    if (g->is_open && g->expires_s > 0) {
        put_dot(f);
        frame_words_with(f, WORDS_APPROVALS_ENDS,
                         when_in(f->arena, l, f->env->now_s, g->expires_s));
    } else if (g->valid_for_s > 0) {
        put_dot(f);
        frame_words_with(f, WORDS_APPROVALS_FOR, when_span(f->arena, l, g->valid_for_s));
    }
    if (!g->is_open && g->count_needed > 1) {
        put_dot(f);
        frame_words_with(f, WORDS_APPROVALS_GIVEN,
                         arena_printf(f->arena, "%lld / %lld", (long long)g->count_given,
                                      (long long)g->count_needed));
    }
    if (g->rule.n) {
        put_dot(f);
        frame_words_with(f, WORDS_APPROVALS_RULE, g->rule);
    }
    html_lit(&f->html, "</p>");
}

static void put_text(struct frame *f, const struct page_grant *g)
{
    html_lit(&f->html, "<div><h3>");
    html_text(&f->html, g->email, WORDS_ARG_MAX);
    html_lit(&f->html, " ");
    frame_words_with(f, g->is_open ? WORDS_APPROVALS_HAS : WORDS_APPROVALS_WANTS, g->app_title);
    if (g->is_break_glass)
        frame_tag(f, STR(" <span class=\"badge bad\">"), WORDS_APPROVALS_GLASS, STR("</span>"));
    if (g->is_own)
        frame_tag(f, STR(" <span class=\"badge\">"), WORDS_APPROVALS_OWN, STR("</span>"));
    html_lit(&f->html, "</h3>");
    if (g->text.n) {
        html_lit(&f->html, "<p class=\"quote\">");
        html_lines(&f->html, g->text, 4 * PAGE_REASON_MAX_BYTES);
        html_lit(&f->html, "</p>");
    } else {
        frame_tag(f, STR("<p class=\"soft\">"), WORDS_APPROVALS_NO_REASON, STR("</p>"));
    }
    put_times(f, g);
    html_lit(&f->html, "</div>");
}

/* Names whose matter it is: "Approve" alone says nothing in a list of buttons. */
static void put_verb(struct frame *f, const struct page_grant *g, const char *kind,
                     const char *verb, enum words_id id)
{
    html_lit(&f->html, "<button class=\"btn slim ");
    html_raw(&f->html, str_of(kind));
    html_lit(&f->html, "\" name=\"verb\" value=\"");
    html_raw(&f->html, str_of(verb));
    html_lit(&f->html, "\" aria-label=\"");
    frame_words(f, id);
    html_lit(&f->html, ": ");
    html_text(&f->html, g->email, WORDS_ARG_MAX);
    html_lit(&f->html, ", ");
    html_text(&f->html, g->app_title, WORDS_ARG_MAX);
    frame_tag(f, STR("\">"), id, STR("</button>"));
}

static void put_grant(struct frame *f, const struct page_grant *g)
{
    html_lit(&f->html, "<li>");
    put_text(f, g);
    if (g->may_decide || g->is_own) {
        frame_form(f, STR(PAGE_PATH_APPROVALS));
        frame_hidden(f, STR("grant"), arena_printf(f->arena, "%lld", (long long)g->id));
        html_lit(&f->html, "<div class=\"acts\">");
        if (!g->is_open && g->may_decide && !g->is_own) {
            put_verb(f, g, "", "approve", WORDS_APPROVE);
            put_verb(f, g, "grave", "refuse", WORDS_REFUSE);
        } else {
            put_verb(f, g, "grave", "end", g->is_open ? WORDS_END : WORDS_WITHDRAW_SHORT);
        }
        html_lit(&f->html, "</div>");
        frame_form_end(f);
    }
    html_lit(&f->html, "</li>");
}

static size_t put_list(struct frame *f, const struct page_approvals_view *v, bool is_open)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n_items; i++) {
        if (v->items[i].is_open != is_open || n >= PAGE_GRANTS_MAX ||
            !frame_has_room(f, is_open ? 0 : FRAME_ITEM_MAX))
            continue;
        if (n++ == 0)
            frame_tag(f, STR("<section><h2>"),
                      is_open ? WORDS_APPROVALS_OPEN : WORDS_APPROVALS_ASKED,
                      STR("</h2><ul class=\"rows\">"));
        put_grant(f, &v->items[i]);
    }
    if (n)
        html_lit(&f->html, "</ul></section>");
    return n;
}

struct page page_approvals(struct arena *a, const struct page_env *env,
                           const struct page_approvals_view *v)
{
    struct frame f;
    frame_begin(&f, a, env, true, WORDS_APPROVALS_TITLE, (str){NULL, 0});
    html_lit(&f.html, "<div class=\"head\"><h1>");
    frame_words(&f, WORDS_APPROVALS_TITLE);
    html_lit(&f.html, "</h1><p class=\"acts\">");
    frame_button(&f, link_portal(a, env, STR("/")), true, WORDS_BACK_TO_APPS);
    html_lit(&f.html, "</p></div>");
    if (v->notice.n) {
        html_lit(&f.html, "<section>");
        frame_notice(&f, v->notice);
        html_lit(&f.html, "</section>");
    }
    if (put_list(&f, v, false) == 0) {
        html_lit(&f.html, "<section class=\"card stack\">");
        layout_sign(&f.html, LAYOUT_SIGN_DONE);
        frame_tag(&f, STR("<h2>"), WORDS_APPROVALS_NONE, STR("</h2>"));
        frame_tag(&f, STR("<p class=\"soft\">"), WORDS_APPROVALS_NONE_HINT, STR("</p></section>"));
    }
    put_list(&f, v, true);
    return frame_end(&f);
}
