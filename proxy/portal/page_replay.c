/* A form that another site posted to an app arrives without our cookie, because that is Lax. This
 * page, on the app's own origin, posts the same once more; now the cookie comes too. */
#include "proxy/portal/frame.h"

#include "base/encode.h"

enum { FIELDS_MAX = 256 };

/* What a browser would not send again as it came: bytes that are no UTF-8, NUL, and a lone CR or
 * LF, which it makes CRLF; that one is what it came from, too. */
static bool decode(struct arena *a, str in, str *out)
{
    char *text = arena_text(a, in.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (c == '%') {
            unsigned char byte;
            if (in.n - i < 3 || !hex_decode((str){in.p + i + 1, 2}, &byte))
                return false;
            c = (char)byte;
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (c == '\0')
            return false;
        text[n++] = c;
    }
    *out = (str){text, n};
    return utf8_valid(*out);
}

/* A parser of HTML changes CR, so it is written as a reference; all else as it is. */
static void put_value(struct html *h, str s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&':
            html_lit(h, "&amp;");
            break;
        case '"':
            html_lit(h, "&quot;");
            break;
        case '<':
            html_lit(h, "&lt;");
            break;
        case '>':
            html_lit(h, "&gt;");
            break;
        case '\r':
            html_lit(h, "&#13;");
            break;
        case '\n':
            html_lit(h, "&#10;");
            break;
        default:
            html_raw(h, (str){s.p + i, 1});
        }
    }
}

/* A browser fills in a field of this name itself. */
static bool is_magic(str name)
{
    return str_eq_nocase(name, STR("_charset_"));
}

static bool put_field(struct frame *f, str pair)
{
    str value = pair, name = str_cut(&value, '=');
    if (!value.p)
        value = STR("");
    if (!decode(f->arena, name, &name) || !decode(f->arena, value, &value) || is_magic(name) ||
        name.n == 0)
        return false;
    html_lit(&f->html, "<input type=\"hidden\" name=\"");
    put_value(&f->html, name);
    html_lit(&f->html, "\" value=\"");
    put_value(&f->html, value);
    html_lit(&f->html, "\">");
    return true;
}

static bool put_fields(struct frame *f, str body)
{
    size_t n = 0;
    while (body.p) {
        str pair = str_cut(&body, '&');
        if (pair.n > 0 && (++n > FIELDS_MAX || !put_field(f, pair)))
            return false;
    }
    return true;
}

/* A field named "submit" hides the form's own function of that name. */
#define REPLAY_SCRIPT "HTMLFormElement.prototype.submit.call(document.forms[0])"

static void put_script(struct frame *f)
{
    if (f->env->nonce.n == 0)
        return;
    f->has_script = true;
    html_lit(&f->html, "<script nonce=\"");
    html_text(&f->html, f->env->nonce, f->env->nonce.n);
    html_lit(&f->html, "\">" REPLAY_SCRIPT "</script>");
}

struct page page_replay(struct arena *a, const struct page_env *env,
                        const struct page_replay_view *v)
{
    struct frame f;
    if (v->body.n > PAGE_REPLAY_MAX_BYTES || !html_is_link(v->action) || v->action.p[0] != '/')
        return (struct page){0};
    frame_begin(&f, a, env, false, WORDS_REPLAY_TITLE, (str){NULL, 0});
    f.leads_on = true;
    frame_headline(&f, LAYOUT_SIGN_DOOR, WORDS_REPLAY_TITLE, (str){NULL, 0});
    frame_p_with(&f, WORDS_REPLAY_TEXT,
                 v->app_title.n ? v->app_title : words_text(env->language, WORDS_THE_APP));
    html_lit(&f.html, "<form class=\"acts down\" method=\"post\" action=\"");
    html_text(&f.html, v->action, v->action.n);
    html_lit(&f.html, "\">");
    if (!put_fields(&f, v->body))
        return (struct page){0};
    frame_tag(&f, STR("<button class=\"btn\">"), WORDS_REPLAY_GO, STR("</button></form>"));
    put_script(&f);
    return frame_end(&f);
}
