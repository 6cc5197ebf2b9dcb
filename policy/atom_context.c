/* atom_context: from where, when, and with whose word. */
#include "policy/eval.h"
#include "policy/schedule.h"

static bool nets_have(struct cidr_list nets, const struct addr *a)
{
    for (size_t i = 0; i < nets.n; i++)
        if (cidr_has(&nets.items[i], a))
            return true;
    return false;
}

static enum policy_tri from_networks(struct eval *e, const struct from_need *need)
{
    const struct addr *from = &e->facts->request->from;

    if (!need->networks.n && !need->not_networks.n)
        return POLICY_TRUE;
    if (!from->family)
        return eval_note(e, POLICY_UNKNOWN, STR("from.network"));
    return eval_note(e,
                     tri_of((!need->networks.n || nets_have(need->networks, from)) &&
                            !nets_have(need->not_networks, from)),
                     STR("from.network"));
}

enum policy_tri from_countries(struct eval *e, const struct from_need *need)
{
    str country = e->facts->request->country;

    if (!need->countries.n && !need->not_countries.n)
        return POLICY_TRUE;
    if (!country.p)
        return eval_note(e, POLICY_UNKNOWN, STR("from.country"));
    return eval_note(e,
                     tri_of((!need->countries.n || list_has(need->countries, country)) &&
                            !list_has(need->not_countries, country)),
                     STR("from.country"));
}

enum policy_tri atom_from(struct eval *e, const struct from_need *need)
{
    enum policy_tri r = from_networks(e, need);

    return tri_and(r, from_countries(e, need));
}

/* What was found once in this decision is not sought again, but its end counts each time: the first
 * asker may have been a rule of mode audit, whose facts bind nobody. */
static enum policy_tri when_one(struct eval *e, uint32_t calendar)
{
    const struct schedule *s = e->policy->compiled->calendars[calendar].schedule;
    struct memo fresh = {0},
                *memo = e->schedules && calendar < EVAL_MEMO ? &e->schedules[calendar] : &fresh;

    if (!memo->is_known) {
        memo->value = tri_of(schedule_has(s, e->now_s, SCHEDULE_NEAR_DAYS, &memo->until_s));
        memo->is_known = true;
    }
    eval_until(e, memo->until_s);
    return memo->value;
}

enum policy_tri atom_when(struct eval *e, const struct when_test *when)
{
    enum policy_tri r = POLICY_FALSE;

    if (!e->facts->clock_is_good) {
        eval_note(e, POLICY_UNKNOWN, STR("clock"));
        return eval_note(e, POLICY_UNKNOWN, STR("when"));
    }
    for (uint32_t i = 0; i < when->n; i++)
        r = tri_or(r, when_one(e, when->calendars[i]));
    return eval_note(e, r, STR("when"));
}

/* The grant of this kind for the rule in hand that lasts longest, or NULL. A grant for another text
 * of the rule is none: what was approved is not what is asked for now. */
static const struct policy_grant *find_grant(const struct eval *e, enum policy_grant_kind kind)
{
    const struct rule_extra *extra = compiled_extra(e->policy->compiled, e->rule);
    const struct policy_grant *best = NULL;

    for (size_t i = 0; i < e->facts->n_grants; i++) {
        const struct policy_grant *g = &e->facts->grants[i];
        if (g->kind == kind && str_eq(g->rule, e->clause->id) &&
            str_eq(g->rule_digest, extra->digest) && (!best || g->expires_s > best->expires_s))
            best = g;
    }
    return best;
}

static enum policy_tri grant_value(struct eval *e, enum policy_grant_kind kind, str absent,
                                   str expired)
{
    const struct policy_grant *g;

    if (!e->identity || e->facts->grants_unknown)
        return eval_note(e, POLICY_UNKNOWN, absent);
    g = find_grant(e, kind);
    if (!g)
        return eval_note(e, POLICY_FALSE, absent);
    if (!e->facts->clock_is_good) {
        eval_note(e, POLICY_UNKNOWN, STR("clock"));
        return eval_note(e, POLICY_UNKNOWN, absent);
    }
    if (g->expires_s <= e->now_s)
        return eval_note(e, POLICY_FALSE, expired);
    eval_until(e, g->expires_s);
    return eval_note(e, POLICY_TRUE, absent);
}

enum policy_tri atom_approval(struct eval *e)
{
    return grant_value(e, POLICY_GRANT_APPROVAL, STR("approval:required"), STR("approval:expired"));
}

enum policy_tri atom_break_glass(struct eval *e)
{
    return grant_value(e, POLICY_GRANT_BREAK_GLASS, STR("break-glass:closed"),
                       STR("break-glass:closed"));
}

enum policy_tri atom_purpose(struct eval *e)
{
    return eval_note(e, tri_of(str_trim(e->facts->purpose, " \t\r\n").n > 0),
                     STR("purpose:required"));
}
