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

static bool may_approve(const struct policy *p, const struct rule *rule,
                        const struct policy_identity *who, int64_t now_us)
{
    struct policy_facts facts = {.identity = who, .now_us = now_us, .clock_is_good = true};
    struct eval e;

    if (!rule || !rule->approval || !rule->approval->by || !who || who->is_machine)
        return false;
    eval_init(&e, p, &facts, NULL);
    return atom_who(&e, rule->approval->by) == POLICY_TRUE;
}

bool policy_may_approve(const struct policy *p, str rule_id, const struct policy_identity *who,
                        int64_t now_us)
{
    return p && may_approve(p, map_get(&p->rules_by_id, rule_id), who, now_us);
}

bool policy_is_approver(const struct policy *p, const struct policy_identity *who, int64_t now_us)
{
    for (size_t i = 0; p && i < p->n_rules; i++)
        if (may_approve(p, &p->rules[i], who, now_us))
            return true;
    return false;
}
