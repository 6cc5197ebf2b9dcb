/* How pages of ours are answered: never cached, never told to the next site, with the cookies that
 * belong to the log-in. */
#include "proxy/portal/portal_impl.h"

#include <string.h>

#include "base/encode.h"
#include "base/secret.h"

/* ---- cookies -----------------------------------------------------------------------------------
 */

static str host_of(const struct call *c)
{
    return c->page->head->host;
}

static void find_login_cookie(struct call *c)
{
    str rest = c->page->head->cookie;
    while (rest.p) {
        str value = session_cookie_next(&rest, STR(LOGIN_COOKIE));
        if (!value.p)
            return;
        if (value.n != sizeof c->login.value ||
            !login_cookie_check(c->portal->options.cookie_keys, host_of(c), value, c->login.hash))
            continue;
        memcpy(c->login.value, value.p, value.n);
        c->login.is_there = true;
        return;
    }
}

void call_init(struct call *c, struct portal *p, struct http_page *page)
{
    *c = (struct call){
        .portal = p, .page = page, .arena = page->arena, .snapshot = visit_snapshot(page->visit)};
    find_login_cookie(c);
}

void call_need_login_cookie(struct call *c)
{
    if (!c->login.is_there)
        login_cookie_make(c->portal->options.cookie_keys, host_of(c), c->login.value,
                          c->login.hash);
    c->login.is_there = true;
    c->login.is_set = true; /* one that is kept lives ten minutes more */
}

static str cookie_field(struct call *c, const char *name, str value, int64_t max_age_s)
{
    str age =
        max_age_s >= 0 ? arena_printf(c->arena, "; Max-Age=%lld", (long long)max_age_s) : STR("");
    return arena_printf(c->arena, "%s=%.*s; Path=/; Secure; HttpOnly; SameSite=Lax%.*s", name,
                        STR_ARG(value), STR_ARG(age));
}

/* ---- forms -------------------------------------------------------------------------------------
 */

/* The session where there is one, else the browser's binding cookie. */
static str binding_of_session(struct call *c)
{
    const struct visit *v = c->page->visit;
    return arena_printf(c->arena, "session %lld %.*s", (long long)v->session->id,
                        STR_ARG(host_of(c)));
}

static str binding_of_browser(struct call *c)
{
    char hex[64];
    hex_encode(c->login.hash, sizeof c->login.hash, hex);
    return arena_printf(c->arena, "browser %.64s", hex);
}

str call_csrf(struct call *c)
{
    const struct visit *v = c->page->visit;
    if (!v->session)
        call_need_login_cookie(c);
    form_token(c->portal->options.cookie_keys,
               v->session ? binding_of_session(c) : binding_of_browser(c), c->csrf);
    return (str){c->csrf, sizeof c->csrf};
}

/* A session that came or went while the form was open does not make it somebody else's. */
bool call_csrf_is_good(struct call *c, str token)
{
    const struct keyring *keys = c->portal->options.cookie_keys;
    if (token.n != FORM_TOKEN_CHARS)
        return false;
    return (c->page->visit->session && form_token_check(keys, binding_of_session(c), token)) ||
           (c->login.is_there && form_token_check(keys, binding_of_browser(c), token));
}

/* ---- what pages show of us ----------------------------------------------------------------------
 */

const struct policy_identity *call_person(const struct call *c)
{
    return c->page->visit->who ? &c->page->visit->who->facts : NULL;
}

struct page_env call_env(struct call *c)
{
    const struct config_portal *portal = &c->snapshot->config->portal;
    const struct policy_identity *who = call_person(c);
    return (struct page_env){
        .language = page_language(c->page->head->accept_language),
        .now_s = c->page->visit->wall_us / 1000000,
        .title = portal->title,
        .contact = portal->contact,
        .portal = portal->origin,
        .email = !who           ? (str){NULL, 0}
                 : who->email.n ? who->email
                                : who->subject,
        .front = visit_front(c->page->visit),
        .csrf = call_csrf(c),
        .request_id = (str){c->page->visit->id, VISIT_ID_CHARS},
    };
}

bool call_is_fronted(const struct call *c)
{
    return c->page->visit->who && visit_front(c->page->visit).p;
}

/* Of the vendors that have one on every host that they stand in front of. */
str call_front_sign_out(const struct call *c)
{
    const struct visit *v = c->page->visit;
    enum front front = v->request.listener < c->snapshot->n_listeners
                           ? c->snapshot->listeners[v->request.listener].front
                           : FRONT_NONE;
    if (!visit_front(v).p)
        return (str){NULL, 0};
    return front == FRONT_CLOUDFLARE   ? STR("/cdn-cgi/access/logout")
           : front == FRONT_GOOGLE_IAP ? STR("/?gcp-iap-mode=CLEAR_LOGIN_COOKIE")
                                       : (str){NULL, 0};
}

str call_bind(struct call *c)
{
    call_need_login_cookie(c);
    char *text = arena_text(c->arena, base64url_len(sizeof c->login.hash));
    base64url_encode((str){(char *)c->login.hash, sizeof c->login.hash}, text);
    return (str){text, base64url_len(sizeof c->login.hash)};
}

str login_url(struct call *c, str to)
{
    return arena_printf(c->arena, "%.*s" PAGE_PATH_LOGIN "?to=%.*s&b=%.*s",
                        STR_ARG(c->snapshot->config->portal.origin),
                        STR_ARG(form_escape(c->arena, to)), STR_ARG(call_bind(c)));
}

/* ---- answers ------------------------------------------------------------------------------------
 */

struct fields {
    struct http_pair items[ANSWER_FIELDS];
    size_t n;
};

static void add(struct fields *f, str name, str value)
{
    f->items[f->n++] = (struct http_pair){name, value};
}

static void usual(struct call *c, struct fields *f)
{
    add(f, STR("Referrer-Policy"), STR("no-referrer"));
    add(f, STR("X-Request-Id"), (str){c->page->visit->id, VISIT_ID_CHARS});
    if (c->login.is_set)
        add(f, STR("Set-Cookie"),
            cookie_field(c, LOGIN_COOKIE, (str){c->login.value, sizeof c->login.value},
                         LOGIN_COOKIE_S));
    if (c->drops_session)
        add(f, STR("Set-Cookie"), cookie_field(c, SESSION_COOKIE, STR(""), 0));
}

void answer_html(struct call *c, unsigned status, struct page page)
{
    struct fields f = {.n = 0};
    usual(c, &f);
    add(&f, STR("Content-Security-Policy"), page.csp);
    add(&f, STR("Vary"), STR("Accept-Language, Cookie"));
    http_page_answer(c->page, status, STR("text/html; charset=utf-8"), page.html, f.items, f.n);
}

void answer_redirect(struct call *c, unsigned status, str url)
{
    struct fields f = {.n = 0};
    usual(c, &f);
    add(&f, STR("Location"), url);
    http_page_answer(c->page, status, (str){NULL, 0}, (str){NULL, 0}, f.items, f.n);
}

void answer_session(struct call *c, str url, const char *cookie)
{
    struct fields f = {.n = 0};
    c->drops_session = false;
    usual(c, &f);
    add(&f, STR("Location"), url);
    add(&f, STR("Set-Cookie"),
        cookie_field(c, SESSION_COOKIE, (str){cookie, SESSION_COOKIE_CHARS}, -1));
    http_page_answer(c->page, 303, (str){NULL, 0}, (str){NULL, 0}, f.items, f.n);
}

void answer_error(struct call *c, unsigned status, const char *reason, str sentence)
{
    struct page_env env = call_env(c);
    struct page_error_view view = {
        .status = (uint16_t)status, .reason = str_of(reason), .sentence = sentence};
    c->page->visit->reason = reason;
    answer_html(c, status, page_error(c->arena, &env, &view));
}

void answer_empty(struct call *c, unsigned status)
{
    struct fields f = {.n = 0};
    usual(c, &f);
    http_page_answer(c->page, status, (str){NULL, 0}, (str){NULL, 0}, f.items, f.n);
}

void answer_text(struct call *c, unsigned status, str type, str body)
{
    struct fields f = {.n = 0};
    usual(c, &f);
    http_page_answer(c->page, status, type, body, f.items, f.n);
}
