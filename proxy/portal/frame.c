/* See frame.h. */
#include "proxy/portal/frame.h"
#include "proxy/portal/link.h"
#include "proxy/portal/when.h"

static str title_text(struct frame *f, enum words_id title, str arg)
{
    str text = words_text(f->env->language, title), after = text;
    str before = str_cut(&after, '{');
    if (!after.p)
        return text;
    return arena_printf(f->arena, "%.*s%.*s%.*s", STR_ARG(before),
                        STR_ARG(str_upto(arg, FRAME_TITLE_MAX)), STR_ARG(str_from(after, 1)));
}

static void put_who(struct frame *f)
{
    if (f->env->email.n == 0)
        return;
    html_lit(&f->html, "<span class=\"who\">");
    frame_words_with(f, WORDS_SIGNED_IN_AS, f->env->email);
    html_lit(&f->html, "</span>");
}

void frame_begin(struct frame *f, struct arena *a, const struct page_env *env, bool is_wide,
                 enum words_id title, str arg)
{
    *f = (struct frame){.arena = a, .env = env};
    str brand = env->title.n ? env->title : STR("postern");
    str text = title_text(f, title, arg);
    f->layout = (struct layout){
        .lang = words_tag(env->language),
        .title = arena_printf(a, "%.*s \xc2\xb7 %.*s", STR_ARG(text), STR_ARG(brand)),
        .brand = brand,
        .home = env->portal.n ? arena_printf(a, "%.*s/", STR_ARG(env->portal)) : env->portal,
        .skip = words_text(env->language, WORDS_SKIP),
        .is_wide = is_wide,
    };
    html_growing(&f->html, a, PAGES_MAX_BYTES);
    layout_open(&f->html, &f->layout);
    if (!is_wide) {
        layout_main(&f->html, &f->layout);
        return;
    }
    put_who(f);
    layout_main(&f->html, &f->layout);
}

/* Chromium holds the whole chain of redirects after a form against form-action. One that ends at an
 * app can lead anywhere: the app may go on to a log-in of its own. */
static str form_action(const struct frame *f)
{
    if (!f->leads_on)
        return STR("'self'");
    return str_starts(f->env->portal, STR("http:")) ? STR("'self' https: http:")
                                                    : STR("'self' https:");
}

static str csp(struct frame *f)
{
    str nonce = f->env->nonce;
    bool has_script = f->has_script && nonce.n > 0;
    return arena_printf(f->arena,
                        LAYOUT_CSP_BEGIN "%.*s" LAYOUT_CSP_END "; form-action %.*s%s%.*s%s",
                        STR_ARG(layout_style_hash()), STR_ARG(form_action(f)),
                        has_script ? "; script-src 'nonce-" : "", has_script ? (int)nonce.n : 0,
                        nonce.p ? nonce.p : "", has_script ? "'" : "");
}

bool frame_has_room(const struct frame *f, size_t reserve)
{
    return f->html.cap - f->html.n >= FRAME_ITEM_MAX + reserve;
}

struct page frame_end(struct frame *f)
{
    layout_close(&f->html, &f->layout);
    return (struct page){.html = html_done(&f->html), .csp = csp(f)};
}

void frame_words(struct frame *f, enum words_id id)
{
    words_put(&f->html, f->env->language, id);
}

void frame_words_with(struct frame *f, enum words_id id, str arg)
{
    words_put_with(&f->html, f->env->language, id, arg);
}

void frame_tag(struct frame *f, str open, enum words_id id, str close)
{
    html_raw(&f->html, open);
    frame_words(f, id);
    html_raw(&f->html, close);
}

void frame_headline(struct frame *f, enum layout_sign sign, enum words_id id, str arg)
{
    layout_sign(&f->html, sign);
    html_lit(&f->html, "<h1>");
    frame_words_with(f, id, arg);
    html_lit(&f->html, "</h1>");
}

void frame_p(struct frame *f, enum words_id id)
{
    frame_tag(f, STR("<p>"), id, STR("</p>"));
}

void frame_p_with(struct frame *f, enum words_id id, str arg)
{
    html_lit(&f->html, "<p>");
    frame_words_with(f, id, arg);
    html_lit(&f->html, "</p>");
}

void frame_p_text(struct frame *f, str class_name, str text)
{
    if (text.n == 0)
        return;
    html_lit(&f->html, "<p class=\"");
    html_raw(&f->html, class_name);
    html_lit(&f->html, "\">");
    html_text(&f->html, text, FRAME_TEXT_MAX);
    html_lit(&f->html, "</p>");
}

void frame_notice(struct frame *f, str code)
{
    struct words_about about;
    if (code.n == 0 || !words_about(code, &about))
        return;
    frame_tag(f, STR("<p class=\"note\" role=\"status\">"), about.sentence, STR("</p>"));
}

void frame_button(struct frame *f, str url, bool is_quiet, enum words_id id)
{
    if (!html_is_link(url))
        return;
    html_raw(&f->html,
             is_quiet ? STR("<a class=\"btn quiet\" href=\"") : STR("<a class=\"btn\" href=\""));
    html_text(&f->html, url, url.n);
    frame_tag(f, STR("\">"), id, STR("</a>"));
}

void frame_form(struct frame *f, str action)
{
    html_lit(&f->html, "<form class=\"stack\" method=\"post\" action=\"");
    html_text(&f->html, html_is_link(action) ? action : STR(""), action.n);
    html_lit(&f->html, "\">");
    frame_hidden(f, STR("csrf"), f->env->csrf);
}

void frame_hidden(struct frame *f, str name, str value)
{
    if (value.n == 0 || value.n > FRAME_HIDDEN_MAX)
        return;
    html_lit(&f->html, "<input type=\"hidden\" name=\"");
    html_text(&f->html, name, name.n);
    html_lit(&f->html, "\" value=\"");
    html_text(&f->html, value, value.n);
    html_lit(&f->html, "\">");
}

void frame_form_end(struct frame *f)
{
    html_lit(&f->html, "</form>");
}

void frame_submit(struct frame *f, str kind, str name, str value, enum words_id id)
{
    html_lit(&f->html, "<button class=\"btn ");
    html_raw(&f->html, kind);
    html_lit(&f->html, "\"");
    if (name.n) {
        html_lit(&f->html, " name=\"");
        html_raw(&f->html, name);
        html_lit(&f->html, "\" value=\"");
        html_text(&f->html, value, value.n);
        html_lit(&f->html, "\"");
    }
    frame_tag(f, STR(">"), id, STR("</button>"));
}

static void put_form_error(struct frame *f, enum page_form_error error)
{
    if (error == PAGE_FORM_OK)
        return;
    html_lit(&f->html, "<p class=\"err\" id=\"text-error\">");
    if (error == PAGE_FORM_TOO_LONG)
        frame_words_with(f, WORDS_FORM_TOO_LONG,
                         arena_printf(f->arena, "%d", PAGE_REASON_MAX_BYTES));
    else
        frame_words(f, error == PAGE_FORM_CONTROL ? WORDS_FORM_CONTROL : WORDS_FORM_EMPTY);
    html_lit(&f->html, "</p>");
}

void frame_textarea(struct frame *f, enum words_id label, enum words_id hint, str text,
                    enum page_form_error error, bool is_optional)
{
    frame_tag(f, STR("<div><label for=\"text\">"), label,
              STR("</label><textarea id=\"text\" name=\"text\" maxlength=\"500\" "));
    if (!is_optional)
        html_lit(&f->html, "required ");
    html_raw(&f->html, error
                           ? STR("aria-invalid=\"true\" aria-describedby=\"text-error text-hint\" "
                                 "autofocus>")
                           : STR("aria-describedby=\"text-hint\">"));
    html_lit(&f->html, "\n"); /* the first newline is dropped by the browser, a second is not */
    html_lines(&f->html, text, 4 * PAGE_REASON_MAX_BYTES);
    html_lit(&f->html, "</textarea>");
    put_form_error(f, error);
    frame_tag(f, STR("<p class=\"hint\" id=\"text-hint\">"), hint, STR("</p></div>"));
}

void frame_facts(struct frame *f, str reason)
{
    enum page_language l = f->env->language;
    if (reason.n == 0 && f->env->request_id.n == 0 && f->env->contact.n == 0)
        return;
    html_lit(&f->html, "<dl class=\"facts\">");
    layout_fact(&f->html, words_text(l, WORDS_REASON), reason, FRAME_CODE_MAX);
    layout_fact(&f->html, words_text(l, WORDS_REQUEST), f->env->request_id, FRAME_CODE_MAX);
    layout_contact(&f->html, words_text(l, WORDS_CONTACT), f->env->contact);
    html_lit(&f->html, "</dl>");
}

void frame_retry(struct frame *f, uint32_t retry_after_s)
{
    if (retry_after_s == 0)
        return;
    frame_p_with(f, WORDS_RETRY_AFTER, when_span(f->arena, f->env->language, retry_after_s));
}
