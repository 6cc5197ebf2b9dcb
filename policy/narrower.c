#include "policy/narrower.h"

#include "policy/cover.h"

/* ---- nobody more is let in --------------------------------------------------------------------
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

/* ---- nobody's session lasts longer or may do more ---------------------------------------------
 */

static bool is_shorter(int64_t next_s, int64_t old_s)
{
    return old_s < 0 || (next_s >= 0 && next_s <= old_s);
}

static bool keeps(enum opinion next, enum opinion old, enum opinion strict)
{
    return old != strict || next == strict;
}

static bool is_strict_as(const struct session_terms *next, const struct session_terms *old)
{
    if (!next || !old)
        return !old;
    return is_shorter(next->max_s, old->max_s) && is_shorter(next->idle_s, old->idle_s) &&
           keeps(next->record, old->record, OPINION_YES) &&
           keeps(next->clipboard, old->clipboard, OPINION_NO) &&
           keeps(next->file_transfer, old->file_transfer, OPINION_NO) &&
           keeps(next->port_forwarding, old->port_forwarding, OPINION_NO);
}

/* Permits no more than the old rule says itself. */
static bool permits_no_more(const struct session_terms *next, const struct session_terms *old)
{
    static const struct session_terms silent = {.max_s = -1, .idle_s = -1};
    const struct session_terms *o = old ? old : &silent;

    return !next || (keeps(o->clipboard, next->clipboard, OPINION_YES) &&
                     keeps(o->file_transfer, next->file_transfer, OPINION_YES) &&
                     keeps(o->port_forwarding, next->port_forwarding, OPINION_YES));
}

/* Whatever lets in is as strict as these terms: they bind, with or without their own rule. */
static bool all_are_strict(const struct side *side, const struct session_terms *terms)
{
    for (size_t i = 0; i < side->n; i++)
        if (is_plain_allow(side->rules[i]) && !is_strict_as(side->rules[i]->session, terms))
            return false;
    return true;
}

static bool all_permit(const struct side *side, const struct session_terms *terms)
{
    for (size_t i = 0; i < side->n; i++)
        if (is_plain_allow(side->rules[i]) && !permits_no_more(terms, side->rules[i]->session))
            return false;
    return true;
}

/* Terms bind wherever an allow applies, and within the scope of a require, met or not. */
static bool binds_as(const struct rule *next, const struct rule *old)
{
    if (next->effect != old->effect || next->is_audit_only ||
        !is_strict_as(next->session, old->session))
        return false;
    return cover_life(next, old) && cover_who(next->who, old->who) &&
           cover_parts(next->to, old->to) && (old->effect == RULE_REQUIRE || cover_need(next, old));
}

static bool has_bound_for(const struct side *next, const struct rule *old)
{
    for (size_t i = 0; i < next->n; i++)
        if (binds_as(next->rules[i], old))
            return true;
    return false;
}

static bool has_terms(const struct rule *rule)
{
    return rule->session && rule->effect != RULE_DENY && !rule->is_audit_only;
}

static bool keeps_sessions(const struct side *old, const struct side *next)
{
    for (size_t i = 0; i < old->n; i++)
        if (!old->is_shared[i] && has_terms(old->rules[i]) && !has_bound_for(next, old->rules[i]) &&
            !all_are_strict(next, old->rules[i]->session))
            return false;
    for (size_t i = 0; i < next->n; i++)
        if (!next->is_shared[i] && has_terms(next->rules[i]) &&
            !all_permit(old, next->rules[i]->session))
            return false;
    return true;
}

/* ---- both -------------------------------------------------------------------------------------
 */

bool narrower_is(const struct side *old, const struct side *next)
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
    return keeps_sessions(old, next);
}

bool narrower_is_closed(const struct side *side)
{
    if (!side->app)
        return true;
    for (size_t i = 0; i < side->n; i++)
        if (is_plain_allow(side->rules[i]) && !cover_is_empty(side->rules[i]->to))
            return false;
    return side->app->public_paths.n == 0;
}
