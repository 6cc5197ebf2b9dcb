/* The launcher: what a person may open, what stands between him and the rest, and where he is
 * signed in. */
#include "proxy/portal/agent.h"
#include "proxy/portal/cause.h"
#include "proxy/portal/link.h"
#include "proxy/portal/when.h"

#include "base/encode.h"

enum { NAME_MAX_BYTES = 64, DESCRIPTION_MAX = 140, HUES = 8 };

/* The same app has the same colour everywhere, without a style attribute. */
static unsigned hue(str name)
{
    uint32_t sum = 2166136261u; /* FNV-1a, whose low bits are poor */
    for (size_t i = 0; i < name.n; i++)
        sum = (sum ^ (unsigned char)name.p[i]) * 16777619u;
    return (sum >> 16) % HUES;
}

/* The first characters of the first two words; of one word, its first. */
static str initials(struct arena *a, str title)
{
    str rest = title, out = {NULL, 0};
    for (int words = 0; rest.p && words < 2;) {
        str word = str_cut(&rest, ' ');
        size_t n = 0;
        if (word.n == 0 || utf8_next(word, &n) < 0)
            continue;
        out = arena_printf(a, "%.*s%.*s", STR_ARG(out), STR_ARG(str_upto(word, n)));
        words++;
    }
    for (size_t i = 0; i < out.n; i++)
        if (out.p[i] >= 'a' && out.p[i] <= 'z')
            ((char *)out.p)[i] &= ~0x20;
    return out;
}

/* An icon of more than two characters is a name of a picture that we do not have. */
static str tile_text(struct arena *a, const struct page_app *app, str title)
{
    size_t at = 0, characters = 0;
    while (at < app->icon.n && characters < 3) {
        utf8_next(app->icon, &at);
        characters++;
    }
    return characters > 0 && characters <= 2 ? app->icon : initials(a, title);
}

static void put_tile(struct frame *f, const struct page_app *app, str title)
{
    html_lit(&f->html, "<span class=\"tile h");
    html_u64(&f->html, hue(app->name));
    html_lit(&f->html, "\" aria-hidden=\"true\">");
    html_text(&f->html, tile_text(f->arena, app, title), 16);
    html_lit(&f->html, "</span><div><h3>");
    html_text(&f->html, title, NAME_MAX_BYTES);
    html_lit(&f->html, "</h3>");
}

static void put_description(struct frame *f, const struct page_app *app)
{
    if (app->description.n == 0)
        return;
    html_lit(&f->html, "<p>");
    html_text(&f->html, app->description, DESCRIPTION_MAX);
    html_lit(&f->html, "</p>");
}

static void put_open(struct frame *f, const struct page_app *app, str title)
{
    html_lit(&f->html, "<li><a class=\"app\" href=\"");
    html_text(&f->html, html_is_link(app->url) ? app->url : STR("#"), app->url.n);
    html_lit(&f->html, "\">");
    put_tile(f, app, title);
    put_description(f, app);
    if (app->until_s) {
        html_lit(&f->html, "<p class=\"soft\">");
        frame_words_with(f, WORDS_APPS_OPEN_UNTIL,
                         when_at(f->arena, f->env->language, app->until_s));
        html_lit(&f->html, "</p>");
    }
    html_lit(&f->html, "</div></a></li>");
}

static bool wants_fix(const struct page_app *app)
{
    for (size_t i = 0; i < app->n_remedies; i++)
        if (app->remedies[i].kind == POLICY_REMEDY_FIX_DEVICE)
            return true;
    return false;
}

static void put_closed(struct frame *f, const struct page_app *app, str title)
{
    struct words_about about;
    struct cause c = {.app = app->name,
                      .way = {.to = app->url},
                      .causes = app->causes,
                      .n_causes = app->n_causes,
                      .remedies = app->remedies,
                      .n_remedies = app->n_remedies,
                      .asked_s = app->asked_s};
    html_lit(&f->html, "<li><div class=\"app off\">");
    put_tile(f, app, title);
    /* How a device is put right says what is wrong with it. */
    if (!wants_fix(app) && !cause_put(f, &c, 2, STR("<p>"), STR("</p>")) &&
        words_about(app->reason, &about))
        frame_p(f, about.sentence);
    cause_put_advice(f, &c, STR("<p>"), STR("</p>"));
    cause_put_buttons(f, &c, 2, true);
    html_lit(&f->html, "</div></div></li>");
}

static void put_apps(struct frame *f, const struct page_launcher_view *v, bool is_open)
{
    size_t n = 0, left_out = 0;
    for (size_t i = 0; i < v->n_apps; i++) {
        const struct page_app *app = &v->apps[i];
        if (app->is_open != is_open)
            continue;
        if (n >= PAGE_APPS_MAX || !frame_has_room(f, FRAME_ITEM_MAX)) {
            left_out++;
            continue;
        }
        if (n++ == 0)
            frame_tag(f, STR("<section><h2>"), is_open ? WORDS_APPS_OPEN : WORDS_APPS_CLOSED,
                      STR("</h2><ul class=\"grid\">"));
        (is_open ? put_open : put_closed)(f, app, app->title.n ? app->title : app->name);
    }
    if (n > 0)
        html_lit(&f->html, "</ul>");
    if (left_out > 0)
        frame_p_with(f, WORDS_APPS_MORE, arena_printf(f->arena, "%zu", left_out));
    if (n > 0)
        html_lit(&f->html, "</section>");
}

static str session_name(struct frame *f, const struct page_session *s)
{
    struct agent agent = agent_of(s->agent);
    str unknown = words_text(f->env->language, WORDS_AGENT_UNKNOWN);
    str on = words_text(f->env->language, WORDS_AGENT_ON);
    str browser = agent.browser.n ? agent.browser : unknown;
    if (agent.system.n == 0)
        return browser;
    return arena_printf(f->arena, "%.*s%.*s%.*s", STR_ARG(browser), STR_ARG(str_from(on, 2)),
                        STR_ARG(agent.system));
}

static void put_session(struct frame *f, const struct page_session *s)
{
    enum page_language l = f->env->language;
    str name = session_name(f, s);
    html_lit(&f->html, "<li><div><h3>");
    html_text(&f->html, name, NAME_MAX_BYTES);
    if (s->is_this)
        frame_tag(f, STR(" <span class=\"badge\">"), WORDS_SESSIONS_THIS, STR("</span>"));
    html_lit(&f->html, "</h3><p class=\"soft\">");
    if (s->address.n) {
        html_text(&f->html, s->address, NAME_MAX_BYTES);
        html_lit(&f->html, " \xc2\xb7 ");
    }
    frame_words_with(f, WORDS_SESSIONS_SEEN, when_ago(f->arena, l, f->env->now_s, s->seen_s));
    html_lit(&f->html, "</p></div>");
    if (!s->is_this) {
        frame_form(f, STR(PAGE_PATH_SESSIONS));
        html_lit(&f->html, "<button class=\"btn quiet slim\" name=\"session\" value=\"");
        html_text(&f->html, s->handle, NAME_MAX_BYTES);
        html_lit(&f->html, "\" aria-label=\"");
        frame_words_with(f, WORDS_SESSIONS_END_LABEL,
                         arena_printf(f->arena, "%.*s, %.*s", STR_ARG(name), STR_ARG(s->address)));
        frame_tag(f, STR("\">"), WORDS_SESSIONS_END, STR("</button>"));
        frame_form_end(f);
    }
    html_lit(&f->html, "</li>");
}

static void put_sessions(struct frame *f, const struct page_launcher_view *v)
{
    if (v->n_sessions == 0)
        return;
    frame_tag(f, STR("<section><h2>"), WORDS_SESSIONS_TITLE, STR("</h2><ul class=\"rows\">"));
    size_t n = 0;
    while (n < v->n_sessions && n < PAGE_SESSIONS_MAX && frame_has_room(f, 0))
        put_session(f, &v->sessions[n++]);
    html_lit(&f->html, "</ul>");
    if (v->n_sessions > n)
        frame_p_with(f, WORDS_APPS_MORE, arena_printf(f->arena, "%zu", v->n_sessions - n));
    html_lit(&f->html, "</section>");
}

/* Who signs people in, signs them out. */
static void put_sign_out(struct frame *f, const struct page_launcher_view *v)
{
    if (!f->env->front.n) {
        frame_form(f, STR(PAGE_PATH_LOGOUT));
        frame_submit(f, STR("quiet slim"), (str){NULL, 0}, (str){NULL, 0}, WORDS_SIGN_OUT);
        frame_form_end(f);
    } else if (html_is_link(v->sign_out_url)) {
        html_lit(&f->html, "<a class=\"btn quiet slim\" href=\"");
        html_text(&f->html, v->sign_out_url, v->sign_out_url.n);
        frame_tag(f, STR("\">"), WORDS_SIGN_OUT, STR("</a>"));
    }
}

static void put_head(struct frame *f, const struct page_launcher_view *v)
{
    html_lit(&f->html, "<div class=\"head\"><div><h1>");
    if (v->person_name.n)
        frame_words_with(f, WORDS_APPS_WELCOME, str_upto(v->person_name, NAME_MAX_BYTES));
    else
        frame_words(f, WORDS_APPS_TITLE);
    html_lit(&f->html, "</h1><p class=\"soft\">");
    html_text(&f->html, f->env->email, WORDS_ARG_MAX);
    if (v->issuer_title.n) {
        html_raw(&f->html, f->env->email.n ? STR(" \xc2\xb7 ") : STR(""));
        frame_words_with(f, WORDS_APPS_THROUGH, v->issuer_title);
    }
    html_lit(&f->html, "</p></div><div class=\"acts\">");
    if (v->is_approver) {
        html_lit(&f->html, "<a class=\"btn quiet slim\" href=\"" PAGE_PATH_APPROVALS "\">");
        frame_words(f, WORDS_APPROVALS_LINK);
        if (v->n_waiting) {
            html_lit(&f->html, " <span class=\"badge\">");
            frame_words_with(f, WORDS_APPROVALS_WAIT, arena_printf(f->arena, "%zu", v->n_waiting));
            html_lit(&f->html, "</span>");
        }
        html_lit(&f->html, "</a>");
    }
    put_sign_out(f, v);
    html_lit(&f->html, "</div></div>");
}

static void put_nothing(struct frame *f)
{
    html_lit(&f->html, "<section class=\"card stack\">");
    layout_sign(&f->html, LAYOUT_SIGN_DOOR);
    frame_tag(f, STR("<h2>"), WORDS_APPS_NONE, STR("</h2>"));
    frame_p(f, WORDS_APPS_NONE_HINT);
    frame_facts(f, (str){NULL, 0});
    html_lit(&f->html, "</section>");
}

struct page page_launcher(struct arena *a, const struct page_env *env,
                          const struct page_launcher_view *v)
{
    struct frame f;
    struct page_env plain = *env;
    plain.email = (str){NULL, 0}; /* stands below the headline */
    frame_begin(&f, a, &plain, true, WORDS_APPS_TITLE, (str){NULL, 0});
    f.env = env;
    put_head(&f, v);
    if (v->notice.n) {
        html_lit(&f.html, "<section>");
        frame_notice(&f, v->notice);
        html_lit(&f.html, "</section>");
    }
    if (v->n_apps == 0)
        put_nothing(&f);
    put_apps(&f, v, true);
    put_apps(&f, v, false);
    put_sessions(&f, v);
    return frame_end(&f);
}
