/* policy_request: what is asked, as people and tests write it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static const char *name_rules(const char *path)
{
    static char text[256];

    snprintf(text, sizeof text, "name the rules with --policy %s", path);
    return text;
}

static const char *find_rules(const struct option_args *args)
{
    for (int i = 0; i < args->n; i++)
        if (access(args->items[i], F_OK) == 0)
            return name_rules(args->items[i]);
    return NULL;
}

const char *policy_request_option(const struct option_row *rows, int argc, char **argv,
                                  const char **request_out)
{
    struct option_args args;
    const char *wrong = option_read(rows, argc, argv, &args);

    if (wrong)
        return wrong;
    wrong = find_rules(&args);
    if (wrong)
        return wrong;
    *request_out = args.n ? args.items[0] : NULL;
    return args.n == 1 ? NULL
           : args.n    ? "the request is one argument: quote it"
                       : "a request is missing";
}

const char *policy_rules_option(const struct option_row *rows, int argc, char **argv)
{
    struct option_args args;
    const char *wrong = option_read(rows, argc, argv, &args);

    if (wrong || !args.n)
        return wrong;
    wrong = find_rules(&args);
    return wrong ? wrong : "too many arguments";
}

const char *policy_path_option(const struct option_row *rows, int argc, char **argv,
                               const char **path_out)
{
    struct option_args args;
    const char *wrong = option_read(rows, argc, argv, &args);

    if (wrong)
        return wrong;
    if (args.n && *path_out)
        return "the rules are named twice";
    if (args.n)
        *path_out = args.items[0];
    return args.n > 1 ? "too many arguments" : *path_out ? NULL : "a directory or file is missing";
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

static const char *say_method(str verb, const char *why)
{
    static char text[160];

    snprintf(text, sizeof text, "\"%.*s\" %s", (int)(verb.n < 40 ? verb.n : 40), verb.p, why);
    return text;
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
    const char *wrong = read_url(p, a, target, out), *why = policy_method_wrong(verb);
    return wrong || !why ? wrong : say_method(verb, why);
}
