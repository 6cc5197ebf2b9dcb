/* See link.h. */
#include "proxy/portal/link.h"

static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

str link_encode(struct arena *a, str s)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_text(a, 3 * s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_unreserved(s.p[i])) {
            out[n++] = s.p[i];
            continue;
        }
        out[n++] = '%';
        out[n++] = digits[c >> 4];
        out[n++] = digits[c & 15];
    }
    return (str){out, n};
}

static str with(struct arena *a, str url, const char *name, str value)
{
    if (value.n == 0)
        return url;
    return arena_printf(a, "%.*s%s%s=%.*s", STR_ARG(url), str_find(url, '?') == url.n ? "?" : "&",
                        name, STR_ARG(link_encode(a, value)));
}

str link_portal(struct arena *a, const struct page_env *env, str path)
{
    if (env->portal.n == 0)
        return (str){NULL, 0};
    return arena_printf(a, "%.*s%.*s", STR_ARG(env->portal), STR_ARG(path));
}

str link_login(struct arena *a, const struct page_env *env, const struct page_way *way, str issuer)
{
    str url = link_portal(a, env, STR(PAGE_PATH_LOGIN));
    if (!url.p)
        return url;
    url = with(a, url, "to", way->to);
    url = with(a, url, "b", way->bind);
    if (way->is_step_up)
        url = with(a, url, "max_age", arena_printf(a, "%lld", (long long)way->max_age_s));
    url = with(a, url, "acr", way->acr);
    url = with(a, url, "mfa", way->wants_mfa ? STR("1") : (str){NULL, 0});
    return with(a, url, "issuer", issuer);
}

str link_form(struct arena *a, const struct page_env *env, str path, str app, str rule, str to)
{
    str url = link_portal(a, env, path);
    if (!url.p || app.n == 0)
        return (str){NULL, 0};
    url = with(a, url, "app", app);
    url = with(a, url, "rule", rule);
    return with(a, url, "to", to);
}
