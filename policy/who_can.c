/* who_can: what would let somebody in, in the words of the rules.
 *
 * The question has no visitor, so nothing is decided: the rules whose `to` is true are told with
 * their conditions as they are written. */
#include "policy/author.h"
#include "policy/cover.h"
#include "policy/opening.h"
#include "policy/text.h"

#include <assert.h>

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
        .hours = opening_list_text(a, rule->when),
        .starts_s = rule->starts_s,
        .ends_s = rule->expires_s,
        .is_alive = is_alive,
    };

    for (enum policy_part part = 0; part < POLICY_PART_COUNT; part++)
        way.parts[part] = words(a, rule->node, part_keys[part]);
    return way;
}

static bool concerns(const struct policy_explanation *ex, size_t i, enum policy_rule_effect effect)
{
    return ex->rules[i].effect == effect && ex->rules[i].value[POLICY_PART_TO] != POLICY_FALSE;
}

static bool is_in_force(const struct policy_explanation *ex, size_t i)
{
    return ex->rules[i].is_alive && !ex->rules[i].is_audit;
}

/* A deny in force that concerns the request and means everybody whom the allow means. */
static str forbidden_by(const struct policy *p, const struct policy_explanation *ex,
                        const struct rule *allow)
{
    for (size_t i = 0; i < ex->n_rules; i++) {
        if (!concerns(ex, i, POLICY_RULE_DENY) || !is_in_force(ex, i))
            continue;
        const struct rule *deny = &p->rules[policy_rule_index(p, ex->rules[i].id)];
        if (cover_who(deny->who, allow->who) && cover_need(deny, allow))
            return deny->id;
    }
    return (str){NULL, 0};
}

static bool is_everybody(const struct rule *deny)
{
    return deny->who->anyone && !deny->device && !deny->auth && !deny->from && !deny->when.n;
}

static size_t list(const struct policy *p, const struct policy_explanation *ex,
                   enum policy_rule_effect effect, struct policy_ways *ways, struct arena *a,
                   const struct policy_way **out)
{
    struct policy_way *items = arena_array(a, struct policy_way, ex->n_rules + 1);
    size_t n = 0;

    for (size_t i = 0; i < ex->n_rules; i++) {
        size_t index = policy_rule_index(p, ex->rules[i].id);
        const struct rule *rule = &p->rules[index];
        bool is_deny = effect == POLICY_RULE_DENY;
        if (!concerns(ex, i, effect) || (ways->is_public && !(is_deny && rule->who->anyone)))
            continue;
        items[n] = way_of(a, p, index, ex->rules[i].is_alive);
        if (effect == POLICY_RULE_ALLOW)
            items[n].forbidden_by = forbidden_by(p, ex, rule);
        ways->is_closed |= is_deny && is_in_force(ex, i) && is_everybody(rule);
        n++;
    }
    *out = items;
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

    assert(policy_has_source(p));
    policy_explain(p, &facts, a, &ex);
    *out = (struct policy_ways){.is_public = request->protocol == POLICY_HTTP &&
                                             policy_is_public_path(p, request->app, request->path)};
    out->n_allows = list(p, &ex, POLICY_RULE_ALLOW, out, a, &out->allows);
    out->n_requires = list(p, &ex, POLICY_RULE_REQUIRE, out, a, &out->requires);
    out->n_denies = list(p, &ex, POLICY_RULE_DENY, out, a, &out->denies);
}
