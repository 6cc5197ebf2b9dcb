/* The forms of the built-in issuer: password, and a PIN that came by mail. */
#include "proxy/portal/sign_in.h"
#include "proxy/portal/when.h"

static void put_described_by(struct frame *f, const struct sign_in_field *field)
{
    if (field->error) {
        html_lit(&f->html, " aria-invalid=\"true\" aria-describedby=\"");
        html_raw(&f->html, field->id);
        html_lit(&f->html, "-error\"");
    } else if (field->hint) {
        html_lit(&f->html, " aria-describedby=\"");
        html_raw(&f->html, field->id);
        html_lit(&f->html, "-hint\"");
    }
}

static void put_line(struct frame *f, const struct sign_in_field *field, str open, str suffix,
                     enum words_id id)
{
    if (!id)
        return;
    html_raw(&f->html, open);
    html_raw(&f->html, field->id);
    html_raw(&f->html, suffix);
    frame_tag(f, STR("\">"), id, STR("</p>"));
}

void sign_in_field(struct frame *f, const struct sign_in_field *field)
{
    html_lit(&f->html, "<div><label for=\"");
    html_raw(&f->html, field->id);
    frame_tag(f, STR("\">"), field->label, STR("</label><input id=\""));
    html_raw(&f->html, field->id);
    html_lit(&f->html, "\" name=\"");
    html_raw(&f->html, field->id);
    html_lit(&f->html, "\" required ");
    html_raw(&f->html, field->attributes);
    if (field->value.n) {
        html_lit(&f->html, " value=\"");
        html_text(&f->html, field->value, 254);
        html_lit(&f->html, "\"");
    }
    put_described_by(f, field);
    html_raw(&f->html, field->has_focus ? STR(" autofocus>") : STR(">"));
    put_line(f, field, STR("<p class=\"err\" id=\""), STR("-error"), field->error);
    put_line(f, field, STR("<p class=\"hint\" id=\""), STR("-hint"), field->hint);
    html_lit(&f->html, "</div>");
}

void sign_in_way(struct frame *f, str app_title)
{
    if (app_title.n == 0)
        return;
    html_lit(&f->html, "<p class=\"soft\">");
    frame_words_with(f, WORDS_ON_THE_WAY_TO, app_title);
    html_lit(&f->html, "</p>");
}

static enum words_id error_of(str reason)
{
    struct words_about about;
    if (reason.n == 0)
        return WORDS_NONE;
    return words_about(reason, &about) ? about.sentence : WORDS_BUILTIN_REFUSED;
}

void sign_in_error(struct frame *f, str reason, uint32_t retry_after_s)
{
    enum words_id id = error_of(reason);
    if (!id)
        return;
    html_lit(&f->html, "<p class=\"note bad\" role=\"alert\" id=\"form-error\">");
    frame_words(f, id);
    if (retry_after_s) {
        html_lit(&f->html, " ");
        frame_words_with(f, WORDS_RETRY_AFTER,
                         when_span(f->arena, f->env->language, retry_after_s));
    }
    html_lit(&f->html, "</p>");
}

/* A wrong password is told at both fields: which of the two it was, nobody learns. */
static void put_fields(struct frame *f, const struct page_sign_in_view *v)
{
    struct sign_in_field email = {
        .id = STR("email"),
        .label = WORDS_EMAIL,
        .attributes = STR("type=\"email\" autocomplete=\"username\" autocapitalize=\"none\" "
                          "spellcheck=\"false\" maxlength=\"254\""),
        .value = v->email,
        .has_focus = v->email.n == 0,
    };
    struct sign_in_field password = {
        .id = STR("password"),
        .label = WORDS_PASSWORD,
        .attributes = STR("type=\"password\" autocomplete=\"current-password\" maxlength=\"1024\""),
        .has_focus = v->email.n > 0,
    };
    if (str_eq(v->reason, STR("builtin.refused")))
        password.error = WORDS_BUILTIN_REFUSED;
    sign_in_field(f, &email);
    sign_in_field(f, &password);
}

static bool is_of_a_field(str reason)
{
    return str_eq(reason, STR("builtin.refused")) || str_eq(reason, STR("builtin.pin"));
}

static str action_of(str action)
{
    return action.n ? action : STR(PAGE_PATH_BUILTIN);
}

struct page page_sign_in(struct arena *a, const struct page_env *env,
                         const struct page_sign_in_view *v)
{
    struct frame f;
    frame_begin(&f, a, env, false, WORDS_SIGN_IN, (str){NULL, 0});
    f.leads_on = true;
    frame_headline(&f, LAYOUT_SIGN_NONE, WORDS_SIGN_IN, (str){NULL, 0});
    sign_in_way(&f, v->app_title);
    if (!is_of_a_field(v->reason))
        sign_in_error(&f, v->reason, v->retry_after_s);
    frame_form(&f, action_of(v->action));
    frame_hidden(&f, STR("ticket"), v->ticket);
    put_fields(&f, v);
    html_lit(&f.html, "<div class=\"acts down\">");
    frame_submit(&f, STR(""), (str){NULL, 0}, (str){NULL, 0}, WORDS_SIGN_IN);
    /* The password may stay empty then. */
    if (v->takes_pin)
        frame_tag(&f,
                  STR("<button class=\"btn quiet\" name=\"pin\" value=\"send\" formnovalidate>"),
                  WORDS_PIN_BY_MAIL, STR("</button>"));
    html_lit(&f.html, "</div>");
    frame_form_end(&f);
    frame_facts(&f, (str){NULL, 0});
    return frame_end(&f);
}

static void put_pin(struct frame *f, const struct page_pin_view *v)
{
    struct sign_in_field pin = {
        .id = STR("pin"),
        .label = WORDS_PIN_LABEL,
        .hint = WORDS_PIN_HINT,
        .attributes = STR("class=\"pin\" inputmode=\"numeric\" autocomplete=\"one-time-code\" "
                          "pattern=\"[0-9 ]*\" maxlength=\"12\""),
        .has_focus = true,
    };
    if (str_eq(v->reason, STR("builtin.pin")))
        pin.error = WORDS_BUILTIN_PIN;
    sign_in_field(f, &pin);
}

struct page page_pin(struct arena *a, const struct page_env *env, const struct page_pin_view *v)
{
    struct frame f;
    frame_begin(&f, a, env, false, WORDS_PIN_TITLE, (str){NULL, 0});
    f.leads_on = true;
    frame_headline(&f, LAYOUT_SIGN_NONE, WORDS_PIN_TITLE, (str){NULL, 0});
    frame_p_with(&f, WORDS_PIN_SENT, v->email);
    if (!is_of_a_field(v->reason))
        sign_in_error(&f, v->reason, v->retry_after_s);
    frame_form(&f, action_of(v->action));
    frame_hidden(&f, STR("ticket"), v->ticket);
    frame_hidden(&f, STR("email"), v->email);
    put_pin(&f, v);
    html_lit(&f.html, "<div class=\"acts down\">");
    frame_submit(&f, STR(""), (str){NULL, 0}, (str){NULL, 0}, WORDS_SIGN_IN);
    html_lit(&f.html, "</div>");
    frame_form_end(&f);
    /* A form of its own: the field above would be sent with the button. */
    frame_form(&f, action_of(v->action));
    frame_hidden(&f, STR("ticket"), v->ticket);
    frame_hidden(&f, STR("email"), v->email);
    frame_hidden(&f, STR("pin"), STR("send"));
    frame_tag(&f, STR("<button class=\"link\">"), WORDS_PIN_AGAIN, STR("</button>"));
    frame_form_end(&f);
    frame_facts(&f, (str){NULL, 0});
    return frame_end(&f);
}
