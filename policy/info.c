#include "policy/info.h"

static enum policy_rule_effect effect_of(const struct clause *clause)
{
    static const enum policy_rule_effect effects[] = {
        [RULE_DENY] = POLICY_RULE_DENY,
        [RULE_REQUIRE] = POLICY_RULE_REQUIRE,
        [RULE_ALLOW] = POLICY_RULE_ALLOW,
    };

    return effects[clause->effect];
}

struct policy_rule_info policy_rule_brief(const struct policy *p, size_t index)
{
    const struct compiled *c = p->compiled;
    const struct clause *clause = &c->clauses[index];
    const struct rule_about *about = &c->abouts[index];
    const struct rule *rule = p->rules ? &p->rules[index] : NULL;
    const struct rule_extra *extra = compiled_extra(c, (uint32_t)index);

    return (struct policy_rule_info){
        .id = clause->id,
        .title = rule    ? rule->title
                 : extra ? extra->title
                         : (str){NULL, 0},
        .owner = about->owner ? c->texts[about->owner] : (str){NULL, 0},
        .ticket = rule ? rule->ticket : (str){NULL, 0},
        .file = c->texts[about->file],
        .line = about->line,
        .effect = effect_of(clause),
        .is_audit = clause->flags & CLAUSE_AUDIT,
    };
}

struct policy_rule_info policy_rule_info(const struct policy *p, size_t index)
{
    struct policy_rule_info info = policy_rule_brief(p, index);

    if (p->rules) {
        struct finding_at at = doc_at(p->rules[index].node);
        info.source = at.source;
        info.column = at.column;
    }
    return info;
}

size_t policy_rule_index(const struct policy *p, str id)
{
    uint32_t rule = compiled_find(p, id);

    return rule == COMPILED_NONE ? SIZE_MAX : rule;
}
