/* The table of our pages, and the way of a request through it. See portal.h. */
#include "proxy/portal/portal_impl.h"

#include <stdlib.h>

static const struct route ROUTES[] = {
    {ON_PORTAL, "GET", STR("/"), "portal", route_launcher, READS_QUERY},
    {ON_PORTAL, "POST", STR(PAGE_PATH_SESSIONS), "session-end", route_session_end, READS_FORM},
    {ON_PORTAL, "GET", STR(PAGE_PATH_LOGIN), "login", route_login, READS_QUERY},
    {ON_PORTAL, "POST", STR(PAGE_PATH_LOGIN), "login", route_login_by_mail, READS_FORM},
    {ON_APPS, "GET", STR(PAGE_PATH_LOGIN), "login", route_app_login, READS_QUERY},
    {ON_PORTAL, "GET", STR(CALLBACK_PATH), "login-callback", route_callback, READS_RAW},
    {ON_APPS, "GET", STR(BACK_PATH), "login-back", route_back, READS_QUERY},
    {ON_PORTAL | ON_APPS, "GET", STR(PAGE_PATH_LOGOUT), "logout", route_logout, READS_QUERY},
    {ON_PORTAL | ON_APPS, "POST", STR(PAGE_PATH_LOGOUT), "logout", route_logout_confirm,
     READS_FORM},
    {ON_PORTAL, "POST", STR("/.postern/backchannel/"), "backchannel", route_backchannel, READS_RAW},
    {ON_PORTAL, "GET", STR("/.postern/frontchannel/"), "frontchannel", route_frontchannel,
     READS_QUERY},
    {ON_PORTAL, "GET", STR(PAGE_PATH_BUILTIN), "sign-in", route_issuer_page, READS_RAW},
    {ON_PORTAL, "POST", STR(PAGE_PATH_BUILTIN), "sign-in", route_issuer_form, READS_FORM},
    {ON_PORTAL, "GET", STR("/.postern/issuer/.well-known/openid-configuration"), "issuer",
     route_issuer_document, READS_QUERY},
    {ON_PORTAL, "GET", STR("/.postern/issuer/jwks.json"), "issuer", route_issuer_document,
     READS_QUERY},
    {ON_PORTAL, "GET", STR(PAGE_PATH_PURPOSE), "purpose", route_purpose, READS_QUERY},
    {ON_PORTAL, "POST", STR(PAGE_PATH_PURPOSE), "purpose", route_purpose_state, READS_FORM},
    {ON_PORTAL, "GET", STR(PAGE_PATH_REQUEST), "request", route_request, READS_QUERY},
    {ON_PORTAL, "POST", STR(PAGE_PATH_REQUEST), "request", route_request_send, READS_FORM},
    {ON_PORTAL, "GET", STR(PAGE_PATH_APPROVALS), "approvals", route_approvals, READS_QUERY},
    {ON_PORTAL, "POST", STR(PAGE_PATH_APPROVALS), "approvals", route_approvals_decide, READS_FORM},
    {ON_PORTAL, "GET", STR(PAGE_PATH_BREAK_GLASS), "break-glass", route_break_glass, READS_QUERY},
    {ON_PORTAL, "POST", STR(PAGE_PATH_BREAK_GLASS), "break-glass", route_break_glass_open,
     READS_FORM},
    {ON_PORTAL, "POST", STR("/.postern/posture"), "posture", route_posture, READS_RAW},
};

static bool path_fits(const struct route *r, str path)
{
    bool has_name = r->path.n > 1 && r->path.p[r->path.n - 1] == '/';
    if (!has_name)
        return str_eq(path, r->path);
    str name = str_from(path, r->path.n);
    return str_starts(path, r->path) && name.n && str_find(name, '/') == name.n;
}

static const struct route *find_route(bool is_portal, str method, str path)
{
    for (size_t i = 0; i < sizeof ROUTES / sizeof *ROUTES; i++) {
        const struct route *r = &ROUTES[i];
        if ((r->where & (is_portal ? ON_PORTAL : ON_APPS)) && str_eq(method, str_of(r->method)) &&
            path_fits(r, path))
            return r;
    }
    return NULL;
}

static const char *find(void *ctx, bool is_portal, str method, str path)
{
    const struct route *r = find_route(is_portal, method, path);
    return r ? r->word : NULL;
}

/* ---- forms of ours: from our own page, in this browser ------------------------------------------
 */

/* A browser says where a POST comes from; `Origin: null` is what it says of a page with our
 * Referrer-Policy (Fetch standard, 3.2), so then the token alone counts. */
static bool is_same_origin(struct call *c)
{
    const struct http_request_head *h = c->page->head;
    if (h->sec_fetch_site.p)
        return str_eq(h->sec_fetch_site, STR("same-origin"));
    if (!h->origin.p || str_eq(h->origin, STR("null")))
        return true;
    return str_eq(h->origin, target_make(c->snapshot, c->arena, h->host, STR(""), (str){NULL, 0}));
}

static bool form_is_good(struct call *c)
{
    if (is_same_origin(c) && form_read(c->arena, c->page->body, &c->form) &&
        call_csrf_is_good(c, form_get(&c->form, STR("csrf"))))
        return true;
    answer_error(c, 403, "form.csrf",
                 STR("This form was not sent from its own page, or it was open for too long."));
    return false;
}

static void serve(void *ctx, struct http_page *page)
{
    struct call c;
    const struct route *r = find_route(page->is_portal, page->head->method, page->path);
    call_init(&c, ctx, page);
    if (r->reads == READS_QUERY && !form_read(c.arena, page->query, &c.form)) {
        answer_error(&c, 400, "form.malformed",
                     STR("The address of this page is not well formed."));
        return;
    }
    if (r->reads != READS_FORM || form_is_good(&c))
        r->fn(&c);
}

static bool refused(void *ctx, struct http_page *page)
{
    struct call c;
    call_init(&c, ctx, page);
    return route_refused(&c);
}

static void gone(void *ctx, struct http_page *page)
{
    asking_gone(page);
}

/* ---- life
 * ---------------------------------------------------------------------------------------- */

struct portal *portal_create(const struct portal_options *o)
{
    struct portal *p = mem_alloc(sizeof *p);
    p->options = *o;
    return p;
}

void portal_set_keys(struct portal *p, const struct keyring *cookie)
{
    p->options.cookie_keys = cookie;
}

void portal_destroy(struct portal *p)
{
    if (!p)
        return;
    asking_finish(p);
    free(p);
}

struct http_pages portal_pages(struct portal *p)
{
    return (struct http_pages){
        .find = find, .serve = serve, .refused = refused, .gone = gone, .ctx = p};
}
