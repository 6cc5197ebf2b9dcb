/* info: rules as people see them. */
#include "policy/rule.h"

static enum policy_rule_effect effect_of(const struct rule *rule)
{
    static const enum policy_rule_effect effects[] = {
        [RULE_DENY] = POLICY_RULE_DENY,
        [RULE_REQUIRE] = POLICY_RULE_REQUIRE,
        [RULE_ALLOW] = POLICY_RULE_ALLOW,
    };

    return effects[rule->effect];
}

struct policy_rule_info policy_rule_info(const struct policy *p, size_t index)
{
    const struct rule *rule = &p->rules[index];
    struct finding_at at = doc_at(rule->node);

    return (struct policy_rule_info){
        .id = rule->id,
        .title = rule->title,
        .owner = rule->owner,
        .ticket = rule->ticket,
        .file = at.file,
        .source = at.source,
        .line = at.line,
        .column = at.column,
        .effect = effect_of(rule),
        .is_audit = rule->is_audit_only,
    };
}

size_t policy_rule_index(const struct policy *p, str id)
{
    const struct rule *rule = map_get(&p->rules_by_id, id);

    return rule ? (size_t)(rule - p->rules) : SIZE_MAX;
}
