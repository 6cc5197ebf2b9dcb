/* See target.h. */
#include "proxy/portal/target.h"

/* Printable ASCII that no reader of URLs treats in a way of its own: a backslash is a slash to
 * browsers, tabs and line ends vanish, white space is trimmed (CVE rows of the peers). */
static bool is_plain(str url)
{
    for (size_t i = 0; i < url.n; i++) {
        unsigned char c = (unsigned char)url.p[i];
        if (c <= 0x20 || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>' || c == '#')
            return false;
    }
    return url.n > 0 && url.n <= TARGET_MAX_BYTES;
}

/* "https://" and what follows the host in the portal's origin: every host of ours is reached the
 * same way. */
static void split_origin(str origin, str *scheme, str *port)
{
    size_t colon = str_find(origin, ':');
    *scheme = str_upto(origin, colon + 3);
    str host = str_from(origin, scheme->n);
    size_t at = str_rfind(host, ':'), bracket = str_rfind(host, ']');
    bool has_port = at < host.n && (bracket == host.n || at > bracket);
    *port = has_port ? str_from(host, at) : STR("");
}

static str authority_of(str rest)
{
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    return str_upto(rest, n);
}

/* Pages of ours that a log-in leads to would lead to the next log-in. */
static bool is_own_machinery(str path, bool is_portal)
{
    static const str ways[] = {STR("login"),  STR("callback"),    STR("back"),        STR("logout"),
                               STR("issuer"), STR("backchannel"), STR("frontchannel")};
    str head = STR("/.postern/");
    if (!str_starts(path, head))
        return false;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (str_starts(str_from(path, head.n), ways[i]))
            return true;
    return !is_portal;
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '[' ||
           c == ']' || c == ':';
}

static bool is_host(str host)
{
    for (size_t i = 0; i < host.n; i++)
        if (!is_host_char(host.p[i]))
            return false;
    return host.n > 0;
}

bool target_read(const struct snapshot *s, str url, struct target *out)
{
    const struct config_portal *portal = &s->config->portal;
    str scheme, port;
    if (!is_plain(url) || !portal->origin.n)
        return false;
    split_origin(portal->origin, &scheme, &port);
    if (!str_starts(url, scheme))
        return false;
    str authority = authority_of(str_from(url, scheme.n));
    if (!str_ends(authority, port) || authority.n == port.n)
        return false;
    str host = str_upto(authority, authority.n - port.n);
    str path = str_from(url, scheme.n + authority.n);
    if (!is_host(host))
        return false;
    *out =
        (struct target){.url = url, .origin = str_upto(url, scheme.n + authority.n), .host = host};
    bool is_portal = str_eq(host, portal->host);
    if (!is_portal)
        out->app = s->policy ? snapshot_app_by_host(s, host) : NULL;
    return (is_portal || out->app) && !is_own_machinery(path, is_portal);
}

str target_make(const struct snapshot *s, struct arena *a, str host, str path, str query)
{
    str scheme, port;
    split_origin(s->config->portal.origin, &scheme, &port);
    return arena_printf(a, "%.*s%.*s%.*s%.*s%s%.*s", STR_ARG(scheme), STR_ARG(host), STR_ARG(port),
                        STR_ARG(path), query.p ? "?" : "", STR_ARG(query));
}
