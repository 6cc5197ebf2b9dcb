/* diff: what another set changes, app by app.
 *
 * Three answers in falling certainty: the same normal form, a proof that nobody gains, a request
 * that shows the difference. Where none is had the answer is "undecided", never "no change". */
#include "policy/cover.h"
#include "policy/normal.h"
#include "policy/witness.h"

#include <stdlib.h>

struct side {
    const struct app *app;
    const struct rule **rules; /* those that concern it */
    str *texts;                /* their normal forms */
    bool *is_shared;           /* the other side has the same */
    size_t n;
};

/* A set with the normal forms of its rules. */
struct set {
    const struct policy *policy;
    const str *texts;
};

static struct set set_of(struct arena *a, const struct policy *p)
{
    str *texts = arena_array(a, str, p->n_rules + 1);

    for (size_t i = 0; i < p->n_rules; i++)
        texts[i] = normal_rule(a, p, &p->rules[i]);
    return (struct set){p, texts};
}

static void fill_side(struct arena *a, const struct set *set, const struct app *app,
                      struct side *out)
{
    const struct policy *p = set->policy;
    size_t n = 0;

    *out = (struct side){.app = app};
    for (size_t i = 0; app && i < p->n_rules; i++)
        n += normal_concerns(&p->rules[i], app);
    out->rules = arena_array(a, const struct rule *, n + 1);
    out->texts = arena_array(a, str, n + 1);
    out->is_shared = arena_array(a, bool, n + 1);
    for (size_t i = 0; app && i < p->n_rules; i++) {
        if (!normal_concerns(&p->rules[i], app))
            continue;
        out->rules[out->n] = &p->rules[i];
        out->texts[out->n++] = set->texts[i];
    }
}

static void mark_shared(struct side *x, struct side *y)
{
    struct map texts;

    map_init(&texts);
    for (size_t i = 0; i < y->n; i++)
        map_add(&texts, y->texts[i], y);
    for (size_t i = 0; i < x->n; i++)
        x->is_shared[i] = map_has(&texts, x->texts[i]);
    map_finish(&texts);
}

static void list_changed(struct arena *a, const struct side sides[2],
                         const struct rule *const **rules_out, size_t *n_out)
{
    const struct rule **rules = arena_array(a, const struct rule *, sides[0].n + sides[1].n + 1);
    size_t n = 0;

    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < sides[s].n; i++)
            if (!sides[s].is_shared[i])
                rules[n++] = sides[s].rules[i];
    *rules_out = rules;
    *n_out = n;
}

/* ---- nobody gains -----------------------------------------------------------------------------
 */

static bool is_plain_allow(const struct rule *rule)
{
    return rule->effect == RULE_ALLOW && !rule->is_audit_only;
}

/* A require fires wherever another does: for as many people, and content with no more. */
static bool guards(const struct rule *next, const struct rule *old)
{
    if (next->effect != old->effect || next->is_audit_only != old->is_audit_only ||
        (next->ignores_missing && !old->ignores_missing))
        return false;
    if (!cover_life(next, old) || !cover_who(next->who, old->who) ||
        !cover_parts(next->to, old->to))
        return false;
    return old->effect == RULE_DENY ? cover_need(next, old) : cover_need(old, next);
}

static bool has_allow_for(const struct side *old, const struct rule *next)
{
    for (size_t i = 0; i < old->n; i++)
        if (is_plain_allow(old->rules[i]) && !old->rules[i]->break_glass &&
            cover_rule(old->rules[i], next))
            return true;
    return false;
}

static bool has_guard_for(const struct side *next, const struct rule *old)
{
    for (size_t i = 0; i < next->n; i++)
        if (guards(next->rules[i], old))
            return true;
    return false;
}

static bool has_glass(const struct side *side)
{
    for (size_t i = 0; i < side->n; i++)
        if (side->rules[i]->break_glass)
            return true;
    return false;
}

static bool has_other_requires(const struct side *side)
{
    for (size_t i = 0; i < side->n; i++)
        if (side->rules[i]->effect == RULE_REQUIRE && !side->is_shared[i])
            return true;
    return false;
}

/* Every new allow was allowed before, and every old guard still guards. A break glass opens what
 * requires close, by their ids: where those change too, nothing is claimed. */
static bool is_narrower(const struct side *old, const struct side *next)
{
    if ((has_glass(old) || has_glass(next)) &&
        (has_other_requires(old) || has_other_requires(next)))
        return false;
    for (size_t i = 0; i < next->n; i++) {
        const struct rule *rule = next->rules[i];
        if (next->is_shared[i] || !is_plain_allow(rule) || cover_is_empty(rule->to))
            continue;
        if (rule->break_glass || !has_allow_for(old, rule))
            return false;
    }
    for (size_t i = 0; i < old->n; i++) {
        const struct rule *rule = old->rules[i];
        bool is_guard = rule->effect != RULE_ALLOW && !rule->is_audit_only;
        if (is_guard && !old->is_shared[i] && !has_guard_for(next, rule))
            return false;
    }
    return true;
}

/* ---- one app ----------------------------------------------------------------------------------
 */

static bool is_same_app(struct arena *a, const struct side sides[2])
{
    return sides[0].app && sides[1].app &&
           str_eq(normal_app(a, sides[0].app), normal_app(a, sides[1].app));
}

static void list_ids(struct arena *a, const struct rule *const *rules, size_t n,
                     struct policy_app_change *out)
{
    str *ids = arena_array(a, str, n + 1);

    for (size_t i = 0; i < n; i++) {
        bool is_new = true;
        for (size_t k = 0; k < out->n_rules && is_new; k++)
            is_new = !str_eq(ids[k], rules[i]->id);
        if (is_new)
            ids[out->n_rules++] = rules[i]->id;
    }
    out->rules = ids;
}

static void compare_app(struct arena *a, const struct policy *sets[2], int64_t now_s,
                        struct side sides[2], struct policy_app_change *out)
{
    struct witness_search search = {.arena = a,
                                    .sets = {sets[0], sets[1]},
                                    .apps = {sides[0].app, sides[1].app},
                                    .now_s = now_s};
    bool is_same = is_same_app(a, sides);

    list_changed(a, sides, &search.changed, &search.n_changed);
    list_ids(a, search.changed, search.n_changed, out);
    if (is_same && search.n_changed == 0) {
        out->change = POLICY_CHANGE_NONE;
        return;
    }
    witness_find(&search, &out->gains, &out->loses);
    if (out->gains.is_there)
        out->change = POLICY_CHANGE_SHOWN;
    else if (out->is_gone || (is_same && is_narrower(&sides[0], &sides[1])))
        out->change = POLICY_CHANGE_NARROWER;
    else
        out->change = POLICY_CHANGE_UNDECIDED;
}

/* ---- all apps ---------------------------------------------------------------------------------
 */

static const struct app *app_named(const struct policy *p, str name)
{
    return map_get(&p->apps_by_name, name);
}

static int by_name(const void *x, const void *y)
{
    return str_cmp(((const struct policy_app_change *)x)->app,
                   ((const struct policy_app_change *)y)->app);
}

static size_t list_apps(const struct policy *sets[2], struct policy_app_change *apps)
{
    size_t n = 0;

    for (size_t i = 0; i < sets[0]->n_apps; i++) {
        str name = sets[0]->apps[i].face.name;
        apps[n++] = (struct policy_app_change){.app = name, .is_gone = !app_named(sets[1], name)};
    }
    for (size_t i = 0; i < sets[1]->n_apps; i++) {
        str name = sets[1]->apps[i].face.name;
        if (!app_named(sets[0], name))
            apps[n++] = (struct policy_app_change){.app = name, .is_new = true};
    }
    if (n)
        qsort(apps, n, sizeof *apps, by_name);
    return n;
}

void policy_diff(const struct policy *before, const struct policy *after, int64_t now_us,
                 struct arena *a, struct policy_diff *out)
{
    const struct policy *sets[2] = {before, after};
    struct set forms[2] = {set_of(a, before), set_of(a, after)};
    struct policy_app_change *apps =
        arena_array(a, struct policy_app_change, before->n_apps + after->n_apps + 1);

    *out = (struct policy_diff){.apps = apps, .n_apps = list_apps(sets, apps)};
    for (size_t i = 0; i < out->n_apps; i++) {
        struct side sides[2];
        for (size_t s = 0; s < 2; s++)
            fill_side(a, &forms[s], app_named(sets[s], apps[i].app), &sides[s]);
        mark_shared(&sides[0], &sides[1]);
        mark_shared(&sides[1], &sides[0]);
        compare_app(a, sets, now_us / 1000000, sides, &apps[i]);
    }
}
