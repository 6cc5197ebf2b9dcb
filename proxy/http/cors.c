/* Preflights and origins. See cors.h. */
#include "proxy/http/cors.h"

bool cors_is_preflight(const struct http_request_head *h)
{
    return h->method_id == METHOD_OPTIONS && h->origin.p && h->access_control_request_method.p;
}

bool cors_allows(const struct app *app, str origin)
{
    for (size_t i = 0; origin.n && i < app->cors.n_origins; i++)
        if (str_eq(app->cors.origins[i], origin))
            return true;
    return false;
}

static str joined(const str *items, size_t n, struct arena *a)
{
    str all = {NULL, 0};
    for (size_t i = 0; i < n; i++)
        all = i ? arena_printf(a, "%.*s, %.*s", STR_ARG(all), STR_ARG(items[i])) : items[i];
    return all;
}

size_t cors_preflight(const struct app *app, str origin, struct arena *a,
                      struct http_pair out[CORS_FIELDS_MAX])
{
    const struct cors *c = &app->cors;
    size_t n = 0;
    out[n++] = (struct http_pair){STR("Access-Control-Allow-Origin"), origin};
    out[n++] = (struct http_pair){STR("Access-Control-Allow-Methods"),
                                  c->n_methods ? joined(c->methods, c->n_methods, a)
                                               : STR("GET, HEAD, POST")};
    if (c->n_headers)
        out[n++] = (struct http_pair){STR("Access-Control-Allow-Headers"),
                                      joined(c->headers, c->n_headers, a)};
    if (c->credentials)
        out[n++] = (struct http_pair){STR("Access-Control-Allow-Credentials"), STR("true")};
    out[n++] = (struct http_pair){STR("Access-Control-Max-Age"), STR("600")};
    out[n++] = (struct http_pair){STR("Vary"), STR("Origin")};
    return n;
}
