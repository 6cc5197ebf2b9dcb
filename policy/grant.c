/* grant: what rules say of approvals and broken glass, for who asks, gives and opens. */
#include "policy/eval.h"

enum { BREAK_GLASS_S = 3600 }; /* unless session.max says otherwise */

bool policy_grant_terms(const struct policy *p, str rule_id, struct policy_grant_terms *out)
{
    const struct rule *rule = p ? map_get(&p->rules_by_id, rule_id) : NULL;

    *out = (struct policy_grant_terms){.rule = (str){NULL, 0}};
    if (!rule)
        return false;
    out->rule = rule->id;
    out->title = rule->title;
    out->digest = rule->text_digest;
    if (rule->approval) {
        const struct who *by = rule->approval->by;
        out->has_approval = true;
        out->count = rule->approval->count;
        out->approval_s = rule->approval->valid_for_s;
        out->wants_reason = rule->approval->reason_required;
        out->approvers = by ? by->users.items : NULL;
        out->n_approvers = by ? by->users.n : 0;
    }
    if (rule->break_glass) {
        int64_t max_s = rule->session ? rule->session->max_s : 0;
        out->has_break_glass = true;
        out->break_glass_s = max_s > 0 ? max_s : BREAK_GLASS_S;
        out->told = rule->break_glass->notify.items;
        out->n_told = rule->break_glass->notify.n;
    }
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
static bool looks_at_person(const struct rule *rule)
{
    return rule->effect == RULE_DENY && !rule->is_audit_only && !rule->device && !rule->from;
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
        const struct rule *rule = &p->rules[app->bucket.items[i]];
        if (!looks_at_person(rule))
            continue;
        eval_rule(&e, rule, &value);
        if (value.applies)
            return true;
    }
    return false;
}

static bool is_named(const struct policy *p, const struct rule *rule,
                     const struct policy_identity *who, int64_t now_us)
{
    struct policy_facts facts = {.identity = who, .now_us = now_us, .clock_is_good = true};
    struct eval e;

    if (!rule || !rule->approval || !rule->approval->by || !who || who->is_machine)
        return false;
    eval_init(&e, p, &facts, NULL);
    return atom_who(&e, rule->approval->by) == POLICY_TRUE;
}

bool policy_may_approve(const struct policy *p, str rule_id, str app_name,
                        const struct policy_identity *who, int64_t now_us)
{
    const struct app *app = p ? map_get(&p->apps_by_name, app_name) : NULL;

    return app && is_named(p, map_get(&p->rules_by_id, rule_id), who, now_us) &&
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
    for (size_t i = 0; p && i < p->n_rules; i++) {
        if (!is_named(p, &p->rules[i], who, now_us))
            continue;
        for (size_t k = 0; k < p->n_apps; k++)
            if (has_rule(&p->apps[k], i) && !is_barred(p, &p->apps[k], who, now_us))
                return true;
    }
    return false;
}
