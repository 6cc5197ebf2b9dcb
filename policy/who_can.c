/* who_can: what would let somebody in, in the words of the rules.
 *
 * The question has no visitor, so nothing is decided: the rules whose `to` is true are told with
 * their conditions as they are written. */
#include "policy/rule.h"
#include "policy/text.h"

static const char *const part_keys[POLICY_PART_COUNT] = {
    [POLICY_PART_WHO] = "who",
    [POLICY_PART_TO] = "to",
    [POLICY_PART_DEVICE] = "device",
    [POLICY_PART_AUTH] = "auth",
    [POLICY_PART_FROM] = "from",
    [POLICY_PART_WHEN] = "when",
    [POLICY_PART_APPROVAL] = "approval",
    [POLICY_PART_PURPOSE] = "purpose",
    [POLICY_PART_BREAK_GLASS] = "break_glass",
};

static str words(struct arena *a, const struct doc_node *rule, const char *key)
{
    const struct doc_node *node = doc_get(rule, key);
    struct text t = {.arena = a};

    if (!node)
        return (str){NULL, 0};
    text_tree_plain(&t, node);
    return text_str(&t);
}

static struct policy_way way_of(struct arena *a, const struct policy *p, size_t index,
                                bool is_alive)
{
    const struct rule *rule = &p->rules[index];
    struct policy_way way = {
        .rule = policy_rule_info(p, index),
        .starts = words(a, rule->node, "starts"),
        .expires = words(a, rule->node, "expires"),
        .session = words(a, rule->node, "session"),
        .is_alive = is_alive,
    };

    for (enum policy_part part = 0; part < POLICY_PART_COUNT; part++)
        way.parts[part] = words(a, rule->node, part_keys[part]);
    return way;
}

static size_t list(const struct policy *p, const struct policy_explanation *ex,
                   enum policy_rule_effect effect, struct arena *a, const struct policy_way **out)
{
    struct policy_way *ways = arena_array(a, struct policy_way, ex->n_rules + 1);
    size_t n = 0;

    for (size_t i = 0; i < ex->n_rules; i++) {
        const struct policy_explained_rule *rule = &ex->rules[i];
        if (rule->effect == effect && rule->value[POLICY_PART_TO] != POLICY_FALSE)
            ways[n++] = way_of(a, p, policy_rule_index(p, rule->id), rule->is_alive);
    }
    *out = ways;
    return n;
}

void policy_who_can(const struct policy *p, const struct policy_request *request, int64_t now_us,
                    struct arena *a, struct policy_ways *out)
{
    /* Somebody, of whom nothing is known: without any identity no rule would be asked. */
    struct policy_identity somebody = {.mfa = POLICY_UNKNOWN, .email_verified = POLICY_UNKNOWN};
    struct policy_facts facts = {
        .identity = &somebody, .request = request, .now_us = now_us, .clock_is_good = true};
    struct policy_explanation ex;

    policy_explain(p, &facts, a, &ex);
    *out = (struct policy_ways){.is_public = request->protocol == POLICY_HTTP &&
                                             policy_is_public_path(p, request->app, request->path)};
    out->n_allows = list(p, &ex, POLICY_RULE_ALLOW, a, &out->allows);
    out->n_requires = list(p, &ex, POLICY_RULE_REQUIRE, a, &out->requires);
    out->n_denies = list(p, &ex, POLICY_RULE_DENY, a, &out->denies);
}
