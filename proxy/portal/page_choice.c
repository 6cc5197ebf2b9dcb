/* Which identity provider: one link each, or by the mail address. */
#include "proxy/portal/frame.h"
#include "proxy/portal/link.h"
#include "proxy/portal/sign_in.h"

static void put_items(struct frame *f, const struct page_choice_view *v)
{
    if (v->n_items == 0)
        return;
    html_lit(&f->html, "<nav aria-label=\"");
    frame_tag(f, STR(""), WORDS_CHOOSE_LIST, STR("\"><ul class=\"picks\">"));
    for (size_t i = 0; i < v->n_items && i < PAGE_CHOICES_MAX; i++) {
        str title = v->items[i].title.n ? v->items[i].title : v->items[i].name;
        str url = link_login(f->arena, f->env, &v->way, v->items[i].name);
        html_lit(&f->html, "<li><a href=\"");
        html_text(&f->html, url, url.n);
        html_lit(&f->html, "\"><span class=\"tile h");
        html_u64(&f->html, i % 8);
        html_lit(&f->html, "\" aria-hidden=\"true\">");
        html_text(&f->html, str_upto(title, 1), 1);
        html_lit(&f->html, "</span>");
        html_text(&f->html, title, FRAME_TITLE_MAX);
        html_lit(&f->html, "</a></li>");
    }
    html_lit(&f->html, "</ul></nav>");
}

static void put_mail(struct frame *f, const struct page_choice_view *v)
{
    struct sign_in_field email = {
        .id = STR("email"),
        .label = WORDS_EMAIL,
        .attributes = STR("type=\"email\" autocomplete=\"username\" autocapitalize=\"none\" "
                          "spellcheck=\"false\" maxlength=\"254\""),
        .value = v->email,
        .hint = WORDS_CHOOSE_HINT,
        .has_focus = v->is_unknown || v->n_items == 0,
    };
    if (v->is_unknown)
        email.error = v->n_items ? WORDS_CHOOSE_UNKNOWN : WORDS_CHOOSE_UNKNOWN_ALONE;
    if (v->n_items)
        frame_tag(f, STR("<p class=\"or\">"), WORDS_CHOOSE_OR, STR("</p>"));
    frame_form(f, STR(PAGE_PATH_LOGIN));
    frame_hidden(f, STR("to"), v->way.to);
    frame_hidden(f, STR("b"), v->way.bind);
    if (v->way.is_step_up)
        frame_hidden(f, STR("max_age"),
                     arena_printf(f->arena, "%lld", (long long)v->way.max_age_s));
    frame_hidden(f, STR("acr"), v->way.acr);
    frame_hidden(f, STR("mfa"), v->way.wants_mfa ? STR("1") : (str){NULL, 0});
    sign_in_field(f, &email);
    html_lit(&f->html, "<div class=\"acts down\">");
    frame_submit(f, STR(""), (str){NULL, 0}, (str){NULL, 0}, WORDS_CHOOSE_NEXT);
    html_lit(&f->html, "</div>");
    frame_form_end(f);
}

struct page page_choice(struct arena *a, const struct page_env *env,
                        const struct page_choice_view *v)
{
    struct frame f;
    frame_begin(&f, a, env, false, WORDS_SIGN_IN, (str){NULL, 0});
    f.leads_on = true;
    frame_headline(&f, LAYOUT_SIGN_NONE, WORDS_CHOOSE_TITLE, (str){NULL, 0});
    sign_in_way(&f, v->app_title);
    put_items(&f, v);
    if (v->takes_mail)
        put_mail(&f, v);
    frame_facts(&f, (str){NULL, 0});
    return frame_end(&f);
}
