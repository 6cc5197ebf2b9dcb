#include "policy/clause.h"

enum ask_kind { ASK_WHO = 1, ASK_DEVICE, ASK_DEVICE_OF_DENY, ASK_AUTH, ASK_FROM, ASK_WHEN };

void asking_init(struct asking *q, const struct policy *p, const struct policy_facts *facts,
                 const struct app *app, bool is_public)
{
    const struct policy_subject *s = facts->subject;

    eval_init(&q->eval, p, facts, app);
    q->compiled = p->compiled;
    q->subject = NULL;
    q->knows_needs = q->knows_devices = q->is_quick = q->has_network = false;
    q->n_slots = 0;
    memset(q->tags, 0, sizeof q->tags);
    if (is_public)
        q->eval.identity = NULL;
    else if (s && s->serial == p->compiled->serial && s->identity == facts->identity) {
        q->subject = s;
        q->knows_needs =
            facts->clock_is_good && q->eval.now_s >= s->made_s && q->eval.now_s < s->until_s;
        q->knows_devices =
            q->knows_needs && s->devices == facts->devices && s->n_devices == facts->n_devices;
        q->is_quick =
            q->knows_devices && p->compiled->n_froms + p->compiled->n_whens < ASKING_TABLE;
    }
    if (!q->is_quick)
        return;
    for (uint32_t i = 0; i <= p->compiled->n_froms + p->compiled->n_whens; i += 8)
        memset(&q->table[i], 0, 8 * sizeof *q->table);
    q->table[0] = value_of_code(INT64_MAX, CODE_TRUE);
}

/* ---- needs, one each ------------------------------------------------------------------------- */

static bool is_in_networks(struct asking *q, uint32_t set)
{
    const struct prefix_trees *trees = &q->compiled->prefixes;
    const struct addr *from = &q->eval.facts->request->from;

    if (!q->has_network) {
        q->network = prefix_find(trees, from);
        q->has_network = true;
    }
    return prefix_has(trees, from, q->network, set);
}

static enum policy_tri ask_from(struct asking *q, const struct from_test *t)
{
    const struct policy_request *request = q->eval.facts->request;
    enum policy_tri r = POLICY_TRUE;

    if (t->networks != COMPILED_NONE || t->not_networks != COMPILED_NONE)
        r = !request->from.family
                ? POLICY_UNKNOWN
                : tri_of((t->networks == COMPILED_NONE || is_in_networks(q, t->networks)) &&
                         (t->not_networks == COMPILED_NONE || !is_in_networks(q, t->not_networks)));
    return tri_and(r, from_countries(&q->eval, t->need));
}

static enum policy_tri ask_when(struct asking *q, const struct when_test *t)
{
    enum policy_tri r = POLICY_FALSE;

    if (!q->eval.facts->clock_is_good)
        return POLICY_UNKNOWN;
    for (uint32_t i = 0; i < t->n; i++) {
        int64_t until_s;
        bool is_in =
            calendar_has(&q->compiled->calendars[t->calendars[i]], q->eval.now_s, &until_s);
        eval_until(&q->eval, until_s);
        r = tri_or(r, tri_of(is_in));
    }
    return r;
}

static enum policy_tri known(struct asking *q, struct subject_value value)
{
    eval_until(&q->eval, value_until_s(value));
    return code_value(value_code(value));
}

static enum policy_tri ask(struct asking *q, enum ask_kind kind, uint32_t number)
{
    const struct compiled *c = q->compiled;

    switch (kind) {
    case ASK_WHO:
        return atom_who(&q->eval, number);
    case ASK_DEVICE:
    case ASK_DEVICE_OF_DENY:
        return atom_device(&q->eval, c->devices[number - 1]);
    case ASK_AUTH:
        return atom_auth(&q->eval, c->auths[number - 1 - c->n_devices]);
    case ASK_FROM:
        return ask_from(q, &c->froms[number - 1]);
    case ASK_WHEN:
        return ask_when(q, &c->whens[number - 1 - c->n_froms]);
    }
    return POLICY_UNKNOWN;
}

void asking_find(struct asking *q, uint32_t number)
{
    int64_t until_s = q->eval.until_s;

    q->eval.until_s = INT64_MAX;
    enum policy_tri value = ask(q, number > q->compiled->n_froms ? ASK_WHEN : ASK_FROM, number);
    q->table[number] = value_of_code(q->eval.until_s, code_of(value));
    q->eval.until_s = until_s;
}

static enum policy_tri ask_once(struct asking *q, enum ask_kind kind, uint32_t number)
{
    uint32_t tag = (uint32_t)kind << 28 | number, slot = tag * 0x9E3779B1u >> 26;
    int64_t until_s = q->eval.until_s;

    while (q->tags[slot] && q->tags[slot] != tag)
        slot = (slot + 1) % ASKING_SLOTS;
    if (q->tags[slot]) {
        return known(q, q->values[slot]);
    }
    q->eval.until_s = INT64_MAX;
    enum policy_tri value = ask(q, kind, number);
    if (q->n_slots < ASKING_MOST) {
        q->n_slots++;
        q->tags[slot] = tag;
        q->values[slot] = value_of_code(q->eval.until_s, code_of(value));
    }
    if (until_s < q->eval.until_s)
        q->eval.until_s = until_s;
    return value;
}

/* ---- parts of a clause ----------------------------------------------------------------------- */

static enum policy_tri device_value(struct asking *q, const struct clause *clause)
{
    const struct policy_subject *s = q->subject;
    bool is_deny = clause->effect == RULE_DENY;

    if (q->knows_devices && !(is_deny && s->has_hint))
        return known(q, s->needs[clause->device]);
    return ask_once(q, is_deny ? ASK_DEVICE_OF_DENY : ASK_DEVICE, clause->device);
}

static enum policy_tri auth_value(struct asking *q, const struct clause *clause)
{
    if (q->knows_needs)
        return known(q, q->subject->needs[clause->auth]);
    return ask_once(q, ASK_AUTH, clause->auth);
}

static enum policy_tri table_value(struct asking *q, enum ask_kind kind, uint32_t number)
{
    if (!q->is_quick)
        return ask_once(q, kind, number);
    if (!q->table[number].bits)
        asking_find(q, number);
    return known(q, q->table[number]);
}

static enum policy_tri scope_value(struct asking *q, const struct clause *clause)
{
    enum policy_tri who = POLICY_TRUE;

    if (q->subject)
        who = code_value(subject_who(q->subject, clause->who));
    if (who == POLICY_FALSE)
        return who;
    if (clause->flags & CLAUSE_TARGET_LEFT)
        who = tri_and(who, atom_to(&q->eval, clause->to));
    if (who == POLICY_FALSE || q->subject || clause->flags & CLAUSE_ANYONE)
        return who;
    return tri_and(who, ask_once(q, ASK_WHO, clause->who));
}

/* Whether what comes behind can matter: an allow wants certainty. */
static bool is_open(const struct clause *clause, enum policy_tri so_far)
{
    return so_far == POLICY_TRUE || (so_far == POLICY_UNKNOWN && clause->effect != RULE_ALLOW);
}

/* In the order of eval_need: a part that decides keeps what is behind it from bounding. */
static enum policy_tri need_value(struct asking *q, const struct clause *clause)
{
    enum policy_tri r = POLICY_TRUE;

    if (clause->device)
        r = device_value(q, clause);
    if (clause->auth && is_open(clause, r))
        r = tri_and(r, auth_value(q, clause));
    if (clause->from && is_open(clause, r))
        r = tri_and(r, table_value(q, ASK_FROM, clause->from));
    if (clause->when && is_open(clause, r))
        r = tri_and(r, table_value(q, ASK_WHEN, clause->when));
    if (clause->flags & CLAUSE_APPROVAL && is_open(clause, r))
        r = tri_and(r, atom_approval(&q->eval));
    if (clause->flags & CLAUSE_PURPOSE && is_open(clause, r))
        r = tri_and(r, atom_purpose(&q->eval));
    if (clause->flags & CLAUSE_BREAK_GLASS && is_open(clause, r))
        r = tri_and(r, atom_break_glass(&q->eval));
    return r;
}

void clause_value(struct asking *q, uint32_t rule, bool *applies_out, bool *binds_out)
{
    const struct clause *clause = &q->compiled->clauses[rule];
    enum rule_effect effect = (enum rule_effect)clause->effect;

    *applies_out = *binds_out = false;
    q->eval.rule = rule;
    q->eval.clause = clause;
    enum policy_tri scope = scope_value(q, clause);
    if (!is_open(clause, scope))
        return;
    if (clause->flags & CLAUSE_LIFETIME)
        scope = tri_and(scope, eval_life(&q->eval, clause->starts_s, clause->expires_s));
    if (!is_open(clause, scope))
        return;
    enum policy_tri need = need_value(q, clause);
    *applies_out = effect_applies(effect, clause->flags & CLAUSE_IGNORES_MISSING, scope, need);
    *binds_out = effect_binds(effect, *applies_out, scope);
}
