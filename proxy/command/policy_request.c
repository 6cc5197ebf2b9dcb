/* policy_request: what is asked, as people and tests write it. */
#include <string.h>

#include "proxy/command/policy_command.h"

static const char *read_login(const struct policy *p, str target, struct policy_request *out)
{
    str app = target, login = {NULL, 0};
    size_t at = str_rfind(target, '@');

    if (at < target.n) {
        login = str_upto(target, at);
        app = str_from(target, at + 1);
    }
    out->login = login;
    out->app = policy_app_named(p, app);
    return out->app ? NULL : "the request names no app of the rules";
}

static bool cut_scheme(str *url)
{
    static const char *const schemes[] = {"https://", "http://", "wss://", "ws://"};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (!str_starts(*url, str_of(schemes[i])))
            continue;
        *url = str_from(*url, strlen(schemes[i]));
        return true;
    }
    return false;
}

static str cut_port(str host)
{
    size_t colon = str_rfind(host, ':');

    return host.n && host.p[0] != '[' ? str_upto(host, colon) : host;
}

/* A host without app and a path that is refused are answers, not errors: input:host, input:path. */
static const char *read_url(const struct policy *p, struct arena *a, str url,
                            struct policy_request *out)
{
    if (!cut_scheme(&url))
        return "the request is not METHOD URL, \"ssh LOGIN@APP\" or \"rdp APP\"";
    size_t end = str_find(url, '/');
    size_t query = str_find(url, '?');
    end = query < end ? query : end;
    str host = arena_lower(a, cut_port(str_upto(url, end))), target = str_from(url, end);
    out->app = policy_app_find(p, host);
    struct path_rules rules = out->app ? out->app->path_rules : (struct path_rules){0};
    path_normalise(target, rules, arena_text(a, target.n + 2), &out->path);
    return NULL;
}

const char *policy_request_parse(str text, const struct policy *p, struct arena *a,
                                 struct policy_request *out)
{
    str target = text, verb = str_cut(&target, ' ');

    *out = (struct policy_request){0};
    if (str_eq(verb, STR("ssh")) || str_eq(verb, STR("rdp"))) {
        out->protocol = str_eq(verb, STR("ssh")) ? POLICY_SSH : POLICY_RDP;
        return read_login(p, target, out);
    }
    out->method = verb;
    return read_url(p, a, target, out);
}
