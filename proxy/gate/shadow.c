/* Shadow: the same visit by a second set of policies. It is told and counted, and nothing else: no
 * outcome of a visit depends on it. */
#include "proxy/gate/gate_impl.h"

/* The app as the other set has it, with its own reading of the path. */
static struct policy_request request_of(const struct visit *v, const struct policy *shadow,
                                        const struct policy_facts *facts)
{
    struct policy_request r = *facts->request;
    r.app = policy_app_find(shadow, v->request.host);
    if (r.app)
        path_normalise(v->request.path_raw, r.app->path_rules,
                       arena_text(v->arena, v->request.path_raw.n + 1), &r.path);
    return r;
}

/* Its rules belong to a snapshot that the visit may outlive. */
static const struct policy_decision *keep(struct arena *a, const struct policy_decision *d)
{
    struct policy_decision *kept = arena_new(a, struct policy_decision);
    *kept = *d;
    for (size_t i = 0; i < d->n_rules; i++)
        kept->rules[i] = arena_dup(a, d->rules[i]);
    return kept;
}

void shadow_compare(struct visit *v, const struct policy_facts *facts)
{
    const struct policy *shadow = v->pin->snapshot->shadow;
    struct policy_request r = request_of(v, shadow, facts);
    struct policy_facts other = *facts;
    struct policy_decision d;
    other.request = &r;
    other.identity = v->who ? &v->who->facts : NULL;
    policy_decide(shadow, &other, &d);
    if (d.effect == v->decision.effect && d.reason == v->decision.reason)
        return;
    v->shadow = keep(v->arena, &d);
    counter_add(&v->gate->options.counters->shadow_differences, 1);
}
