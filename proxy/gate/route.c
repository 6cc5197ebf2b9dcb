/* Route: host -> app, path -> normal form. What cannot be routed is refused before anybody asks who
 * is there, so that nothing of the inside is told. */
#include "proxy/gate/gate_impl.h"

static enum visit_outcome refuse_path(struct visit *v, enum path_verdict verdict)
{
    str sentence = arena_printf(v->arena, "The address holds %s, which postern does not pass on.",
                                path_verdict_text(verdict));
    return visit_refuse(v, 400, policy_reason_code(POLICY_REASON_INPUT_PATH), sentence,
                        STR("Check the address."));
}

/* "/.postern/" is ours on every host and never reaches an app. */
static bool is_ours(str path)
{
    static const str ours = STR("/.postern");
    return str_starts(path, ours) && (path.n == ours.n || path.p[ours.n] == '/');
}

enum visit_outcome route(struct visit *v)
{
    const struct snapshot *s = v->pin->snapshot;
    struct gate_request *r = &v->request;
    if (!s->policy)
        return visit_refuse(v, 503, policy_reason_code(POLICY_REASON_NO_POLICY),
                            STR("No valid access policy is loaded, so nothing is let through."),
                            STR("Tell the people who run this proxy."));
    const struct app *app = r->is_misdirected ? NULL : snapshot_app_by_host(s, r->host);
    if (!app)
        return visit_refuse(v, 421, policy_reason_code(POLICY_REASON_INPUT_HOST),
                            STR("No app answers to this host name here."),
                            STR("Check the address."));
    char *room = arena_text(v->arena, r->path_raw.n + 2);
    enum path_verdict verdict =
        path_normalise(r->path_raw, app->policy->path_rules, room, &r->path);
    if (verdict != PATH_OK)
        return refuse_path(v, verdict);
    if (is_ours(r->path))
        return visit_refuse(v, 404, policy_reason_code(POLICY_REASON_INPUT_PATH),
                            STR("There is no such page of postern here."),
                            STR("Check the address."));
    v->app = app;
    v->app_name = app->name;
    v->path_rules = app->policy->path_rules;
    return VISIT_PERMITTED;
}
