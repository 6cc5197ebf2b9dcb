/* What postern answers itself. See own.h. */
#include "proxy/http/own.h"

#include "proxy/http/acme.h"
#include "proxy/http/admit.h"
#include "proxy/http/cors.h"

void own_admin(struct exchange *ex)
{
    struct http_server *s = ex->conn->server;
    struct http_admin_answer a = {.status = 404};
    s->options.admin(s->options.ctx, ex->head.method, ex->head.path_raw, &ex->arena, &a);
    answer_small(ex, a.status, a.type, a.body, NULL, 0, END_OWN);
}

/* Answers any Host and tells nothing but up or down: for tunnels and load balancers, which ask
 * every second; not recorded. */
void own_health(struct exchange *ex)
{
    bool draining = ex->conn->server->is_draining;
    answer_small(ex, draining ? 503 : 200, STR("text/plain; charset=utf-8"),
                 draining ? STR("draining\n") : STR("ok\n"), NULL, 0, END_OWN);
}

/* Nobody is sent to a host that is not ours, whatever Host says. */
static bool is_served(const struct snapshot *s, str host)
{
    return str_eq(host, s->config->portal.host) || (s->policy && snapshot_app_by_host(s, host));
}

static void send_challenge(struct exchange *ex)
{
    str challenge = acme_challenge(admit_listener(ex)->acme_dir, ex->head.path_raw, &ex->arena);
    answer_small(ex, challenge.p ? 200 : 404, STR("text/plain; charset=utf-8"),
                 challenge.p ? challenge : STR("no such challenge\n"), NULL, 0, END_OWN);
}

static void send_redirect(struct exchange *ex)
{
    const struct http_request_head *h = &ex->head;
    str location = arena_printf(&ex->arena, "https://%.*s%.*s%s%.*s", STR_ARG(h->host),
                                STR_ARG(h->path_raw), h->query.p ? "?" : "", STR_ARG(h->query));
    const struct http_pair extra[] = {{STR("Location"), location}};
    answer_small(ex, 308, (str){NULL, 0}, (str){NULL, 0}, extra, 1, END_OWN);
}

/* A redirect listener serves ACME challenges and redirects, nothing else. */
void own_redirect(struct exchange *ex)
{
    const struct http_request_head *h = &ex->head;
    admit_begin(ex);
    if (acme_is_challenge(h->path_raw)) {
        admit_own(ex, "acme-challenge", send_challenge);
        return;
    }
    if (!is_served(visit_snapshot(&ex->visit), h->host)) {
        visit_refuse_input(&ex->visit, 421, "input:host",
                           STR("No app answers to this host name here."));
        answer_refusal(ex, END_REFUSED);
        return;
    }
    admit_own(ex, "redirect", send_redirect);
}

static void send_jwks(struct exchange *ex)
{
    static const struct http_pair cacheable[] = {
        {STR("Cache-Control"), STR("public, max-age=300")},
        {STR("Access-Control-Allow-Origin"), STR("*")},
    };
    answer_small(ex, 200, STR("application/jwk-set+json"),
                 gate_jwks(ex->conn->server->options.gate), cacheable,
                 sizeof cacheable / sizeof *cacheable, END_OWN);
}

/* The public keys of our assertions, on every host that is served: an app looks for them below the
 * issuer that its assertion names. */
bool own_jwks(struct exchange *ex)
{
    const struct http_request_head *h = &ex->head;
    if (!str_eq(h->path_raw, STR("/.postern/jwks.json")) || ex->visit.request.is_misdirected ||
        (h->method_id != METHOD_GET && h->method_id != METHOD_HEAD) ||
        !is_served(visit_snapshot(&ex->visit), h->host))
        return false;
    admit_own(ex, "jwks", send_jwks);
    return true;
}

static void send_no_content(struct exchange *ex)
{
    answer_small(ex, 204, (str){NULL, 0}, (str){NULL, 0}, NULL, 0, END_OWN);
}

void own_options(struct exchange *ex)
{
    admit_begin(ex);
    admit_own(ex, "options-asterisk", send_no_content);
}

static void send_preflight(struct exchange *ex)
{
    const struct http_request_head *h = &ex->head;
    const struct app *app = snapshot_app_by_host(visit_snapshot(&ex->visit), h->host);
    struct http_pair fields[CORS_FIELDS_MAX];
    size_t n = cors_preflight(app, h->origin, &ex->arena, fields);
    answer_small(ex, 204, (str){NULL, 0}, (str){NULL, 0}, fields, n, END_OWN);
}

/* False when it is no preflight, or the app leaves them to itself. */
bool own_preflight(struct exchange *ex)
{
    const struct snapshot *s = visit_snapshot(&ex->visit);
    const struct http_request_head *h = &ex->head;
    if (!cors_is_preflight(h) || ex->visit.request.is_misdirected || !s->policy)
        return false;
    const struct app *app = snapshot_app_by_host(s, h->host);
    if (!app || !app->has_cors)
        return false;
    ex->visit.app_name = arena_dup(&ex->arena, app->name);
    if (!cors_allows(app, h->origin)) {
        visit_refuse_input(&ex->visit, 403, "cors.origin",
                           STR("Pages of this origin may not use the app."));
        answer_refusal(ex, END_REFUSED);
        return true;
    }
    admit_own(ex, "cors-preflight", send_preflight);
    return true;
}
