/* A look ahead: what would be decided if this person asked for something else now. For the launcher
 * and for pages that tell what is missing; nobody is let through by it, and nothing is recorded. */
#include "proxy/gate/gate_impl.h"

static void look_why(const struct policy *p, const struct policy_facts *facts, struct arena *a,
                     struct gate_view *out)
{
    struct policy_explanation e;
    policy_explain_briefly(p, facts, a, &e);
    out->remedies = e.remedies;
    out->n_remedies = e.n_remedies;
    out->causes = e.causes;
    out->n_causes = e.n_causes;
}

/* The rules allow it, and their own limits for sessions are over. A session that may be idle counts
 * as good: the request itself will ask the store. */
static void look_at_session(struct visit *v, const struct policy_decision *d, struct gate_view *out)
{
    static const struct policy_remedy again = {.kind = POLICY_REMEDY_SIGN_IN};
    enum session_limit limit =
        session_limit(v->gate, v->session, &d->obligations, v->wall_us / 1000000);
    if (limit == SESSION_GOOD || limit == SESSION_MAY_BE_IDLE)
        return;
    str *cause = arena_new(v->arena, str);
    *cause = str_of(session_limit_cause(limit));
    *out = (struct gate_view){.effect = POLICY_DENY,
                              .reason = policy_reason_code(POLICY_REASON_NO_IDENTITY),
                              .remedies = &again,
                              .n_remedies = 1,
                              .causes = cause,
                              .n_causes = 1};
}

void visit_look(struct visit *v, const struct app *app, str path, struct gate_view *out)
{
    const struct policy *p = v->pin ? v->pin->snapshot->policy : NULL;
    struct policy_decision d;
    *out = (struct gate_view){.reason = policy_reason_code(POLICY_REASON_NO_POLICY)};
    if (!p)
        return;
    struct policy_request r = {.app = app->policy,
                               .protocol = app->policy->protocol,
                               .method = STR("GET"),
                               .from = v->request.client};
    char *room = arena_text(v->arena, path.n + 2);
    if (path_normalise(path, app->policy->path_rules, room, &r.path) != PATH_OK) {
        out->reason = policy_reason_code(POLICY_REASON_INPUT_PATH);
        return;
    }
    struct policy_facts facts = decide_facts(v, &r, v->wall_us, v->arena);
    policy_decide(p, &facts, &d);
    out->effect = d.effect;
    out->reason = policy_reason_code(d.reason);
    if (d.effect != POLICY_ALLOW)
        look_why(p, &facts, v->arena, out);
    else if (v->session && d.reason != POLICY_REASON_PUBLIC_PATH)
        look_at_session(v, &d, out);
}
