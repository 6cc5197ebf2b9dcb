/* app: finding an app of a loaded policy, and its paths that are no matter of identity. */
#include "policy/rule.h"
#include "policy/load.h"

size_t policy_app_count(const struct policy *p)
{
    return p ? p->n_apps : 0;
}

const struct policy_app *policy_app_at(const struct policy *p, size_t index)
{
    return p && index < p->n_apps ? &p->apps[index].face : NULL;
}

/* Exact beats wildcard; * is exactly one label, so "a.b.corp.example" is not under
 * "*.corp.example". */
const struct app *app_by_host(const struct policy *p, str host)
{
    const struct app *app = map_get(&p->apps_by_host, host);
    if (app)
        return app;
    size_t dot = str_find(host, '.');
    if (dot == 0 || dot >= host.n)
        return NULL;
    return map_get(&p->apps_by_wild, str_from(host, dot + 1));
}

const struct policy_app *policy_app_find(const struct policy *p, str host)
{
    const struct app *app = p ? app_by_host(p, host) : NULL;
    return app ? &app->face : NULL;
}

const struct policy_app *policy_app_named(const struct policy *p, str name)
{
    const struct app *app = p ? map_get(&p->apps_by_name, name) : NULL;
    return app ? &app->face : NULL;
}

static bool matches_any(const struct glob_list *globs, str path, bool ignores_case)
{
    for (size_t i = 0; i < globs->n; i++) {
        if (path_glob_match(&globs->items[i], path, ignores_case))
            return true;
    }
    return false;
}

bool policy_is_public_path(const struct policy *p, const struct policy_app *app, str path)
{
    return p && app && app->index < p->n_apps &&
           matches_any(&p->apps[app->index].public_paths, path, app->ignores_case);
}

bool policy_is_cross_site_post(const struct policy *p, const struct policy_app *app, str path)
{
    return p && app && app->index < p->n_apps &&
           matches_any(&p->apps[app->index].cross_site_post, path, app->ignores_case);
}
