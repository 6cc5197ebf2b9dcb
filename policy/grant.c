/* grant: what rules say of approvals and broken glass, for who asks, gives and opens. */
#include "policy/eval.h"

enum { BREAK_GLASS_S = 3600 }; /* unless session.max says otherwise */

static void tell_break_glass(const struct compiled *c, const struct clause *clause,
                             const struct rule_extra *extra, struct policy_grant_terms *out)
{
    int64_t max_s = clause->session ? c->sessions[clause->session - 1]->max_s : 0;

    out->has_break_glass = true;
    out->break_glass_s = max_s > 0 ? max_s : BREAK_GLASS_S;
    out->told = extra->notify.items;
    out->n_told = extra->notify.n;
}

bool policy_grant_terms(const struct policy *p, str rule_id, struct policy_grant_terms *out)
{
    uint32_t rule = compiled_find(p, rule_id);
    const struct rule_extra *extra =
        rule == COMPILED_NONE ? NULL : compiled_extra(p->compiled, rule);

    *out = (struct policy_grant_terms){.rule = (str){NULL, 0}};
    if (!extra)
        return false;
    const struct clause *clause = &p->compiled->clauses[rule];
    out->rule = clause->id;
    out->title = extra->title;
    out->digest = extra->digest;
    if (extra->has_approval) {
        out->has_approval = true;
        out->count = extra->count;
        out->approval_s = extra->valid_for_s;
        out->wants_reason = extra->reason_required;
        out->approvers = extra->approvers.items;
        out->n_approvers = extra->approvers.n;
    }
    if (clause->flags & CLAUSE_BREAK_GLASS)
        tell_break_glass(p->compiled, clause, extra, out);
    return out->has_approval || out->has_break_glass;
}

/* A person as he would come to the app's first page. */
struct approver {
    struct policy_request request;
    struct policy_facts facts;
};

static void approver_init(struct approver *a, const struct app *app,
                          const struct policy_identity *who, int64_t now_us)
{
    const struct policy_app *face = &app->face;

    *a = (struct approver){
        .request = {.app = face,
                    .protocol = face->protocol,
                    .method = STR("GET"),
                    .path = face->start.n ? face->start : STR("/")},
        .facts = {.identity = who, .now_us = now_us, .clock_is_good = true},
    };
    a->facts.request = &a->request;
}

/* Where he sits and at which device is his visit's to say: such a deny is judged there. */
static bool looks_at_person(const struct clause *clause)
{
    return clause->effect == RULE_DENY && !(clause->flags & CLAUSE_AUDIT) && !clause->device &&
           !clause->from;
}

/* Whom a rule keeps out, or may keep out, opens no door for others. */
static bool is_barred(const struct policy *p, const struct app *app,
                      const struct policy_identity *who, int64_t now_us)
{
    struct approver a;
    struct eval e;
    struct rule_value value;

    approver_init(&a, app, who, now_us);
    eval_init(&e, p, &a.facts, app);
    for (size_t i = 0; i < app->bucket.n; i++) {
        uint32_t rule = app->bucket.items[i];
        if (!looks_at_person(&p->compiled->clauses[rule]))
            continue;
        eval_rule(&e, rule, &value);
        if (value.applies)
            return true;
    }
    return false;
}

static bool is_named(const struct policy *p, uint32_t rule, const struct policy_identity *who,
                     int64_t now_us)
{
    const struct rule_extra *extra =
        rule == COMPILED_NONE ? NULL : compiled_extra(p->compiled, rule);
    struct policy_facts facts = {.identity = who, .now_us = now_us, .clock_is_good = true};
    struct eval e;

    if (!extra || !extra->has_approval || !who || who->is_machine)
        return false;
    eval_init(&e, p, &facts, NULL);
    return atom_who(&e, extra->by) == POLICY_TRUE;
}

bool policy_may_approve(const struct policy *p, str rule_id, str app_name,
                        const struct policy_identity *who, int64_t now_us)
{
    const struct app *app = p ? map_get(&p->apps_by_name, app_name) : NULL;

    return app && is_named(p, compiled_find(p, rule_id), who, now_us) &&
           !is_barred(p, app, who, now_us);
}

static bool has_rule(const struct app *app, size_t rule)
{
    for (size_t i = 0; i < app->bucket.n; i++)
        if (app->bucket.items[i] == rule)
            return true;
    return false;
}

bool policy_is_approver(const struct policy *p, const struct policy_identity *who, int64_t now_us)
{
    for (uint32_t i = 0; p && i < p->n_rules; i++) {
        if (!is_named(p, i, who, now_us))
            continue;
        for (size_t k = 0; k < p->n_apps; k++)
            if (has_rule(&p->apps[k], i) && !is_barred(p, &p->apps[k], who, now_us))
                return true;
    }
    return false;
}
