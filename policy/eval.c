#include "policy/eval.h"

void eval_init(struct eval *e, const struct policy *p, const struct policy_facts *facts,
               const struct app *app)
{
    int64_t us = facts->now_us;

    memset(e, 0, sizeof *e);
    e->policy = p;
    e->facts = facts;
    e->identity = facts->identity;
    e->app = app;
    e->now_s = us / 1000000 - (us % 1000000 < 0);
    e->until_s = INT64_MAX;
}

enum policy_tri eval_note(struct eval *e, enum policy_tri value, str code)
{
    struct trace *t = e->trace;

    if (t && t->n < TRACE_MAX_NOTES)
        t->notes[t->n++] = (struct trace_note){.code = code, .value = value};
    return value;
}

void eval_settle(struct eval *e, size_t mark, enum policy_tri value)
{
    struct trace *t = e->trace;
    size_t kept = mark;

    if (!t || value != POLICY_TRUE)
        return;
    for (size_t i = mark; i < t->n; i++)
        if (t->notes[i].value == POLICY_TRUE)
            t->notes[kept++] = t->notes[i];
    t->n = kept;
}

enum policy_tri eval_age_within(struct eval *e, int64_t since_s, int64_t limit_s)
{
    if (!e->facts->clock_is_good)
        return eval_note(e, POLICY_UNKNOWN, STR("clock"));
    if (e->now_s >= eval_too_old_at(since_s, limit_s))
        return POLICY_FALSE;
    eval_until(e, eval_too_old_at(since_s, limit_s));
    return POLICY_TRUE;
}

bool list_has(struct str_list list, str s)
{
    for (size_t i = 0; i < list.n; i++)
        if (str_eq(list.items[i], s))
            return true;
    return false;
}

bool texts_have(const struct compiled *c, struct part texts, str s)
{
    for (uint32_t i = 0; i < texts.n; i++)
        if (str_eq(c->texts[texts.ids[i]], s))
            return true;
    return false;
}

static enum policy_tri scalar_matches(const struct policy_value *v, const struct want *want,
                                      bool *is_odd_out)
{
    switch (v->kind) {
    case POLICY_VALUE_TEXT:
        return tri_of(str_eq(v->text, want->text));
    case POLICY_VALUE_NUMBER:
    case POLICY_VALUE_BOOL:
        /* "5" in quotes is text; whether it means the number 5 nobody can say. */
        if (want->is_plain)
            return tri_of(str_eq(v->text, want->text));
        break;
    default:
        break;
    }
    *is_odd_out = true;
    return POLICY_UNKNOWN;
}

enum policy_tri value_matches(const struct policy_value *v, struct want_list wants,
                              bool *is_odd_out)
{
    enum policy_tri r = POLICY_FALSE;

    for (size_t i = 0; i < wants.n && r != POLICY_TRUE; i++) {
        if (v->kind != POLICY_VALUE_LIST) {
            r = tri_or(r, scalar_matches(v, &wants.items[i], is_odd_out));
            continue;
        }
        for (size_t k = 0; k < v->n && r != POLICY_TRUE; k++)
            r = tri_or(r, scalar_matches(&v->items[k], &wants.items[i], is_odd_out));
    }
    return r;
}

/* Outside its life the whole rule is false; with a clock that cannot be trusted nobody knows. */
enum policy_tri eval_life(struct eval *e, int64_t starts_s, int64_t expires_s)
{
    if (starts_s == POLICY_NEVER_S && expires_s == POLICY_FOREVER_S)
        return POLICY_TRUE;
    if (!e->facts->clock_is_good)
        return eval_note(e, POLICY_UNKNOWN, STR("clock"));
    if (starts_s != POLICY_NEVER_S && e->now_s < starts_s) {
        eval_until(e, starts_s);
        return eval_note(e, POLICY_FALSE, STR("rule:not-started"));
    }
    if (expires_s == POLICY_FOREVER_S)
        return POLICY_TRUE;
    if (e->now_s >= expires_s)
        return eval_note(e, POLICY_FALSE, STR("rule:expired"));
    eval_until(e, expires_s);
    return POLICY_TRUE;
}

static enum policy_tri eval_part(struct eval *e, enum policy_part part)
{
    const struct compiled *c = e->policy->compiled;
    const struct clause *clause = e->clause;

    switch (part) {
    case POLICY_PART_WHO:
        return atom_who(e, clause->who);
    case POLICY_PART_TO:
        return atom_to(e, clause->to);
    case POLICY_PART_DEVICE:
        return clause->device ? atom_device(e, clause_device(c, clause)) : POLICY_TRUE;
    case POLICY_PART_AUTH:
        return clause->auth ? atom_auth(e, clause_auth(c, clause)) : POLICY_TRUE;
    case POLICY_PART_FROM:
        return clause->from ? atom_from(e, clause_from(c, clause)) : POLICY_TRUE;
    case POLICY_PART_WHEN:
        return clause->when ? atom_when(e, clause_when(c, clause)) : POLICY_TRUE;
    case POLICY_PART_APPROVAL:
        return clause->flags & CLAUSE_APPROVAL ? atom_approval(e) : POLICY_TRUE;
    case POLICY_PART_PURPOSE:
        return clause->flags & CLAUSE_PURPOSE ? atom_purpose(e) : POLICY_TRUE;
    case POLICY_PART_BREAK_GLASS:
        return clause->flags & CLAUSE_BREAK_GLASS ? atom_break_glass(e) : POLICY_TRUE;
    default:
        return POLICY_FALSE;
    }
}

/* Nothing that comes behind can matter: what is false stays so, and an allow wants certainty. */
static bool is_decided(const struct eval *e, enum policy_tri so_far)
{
    return eval_is_settled(e, so_far) ||
           (e->clause->effect == RULE_ALLOW && so_far != POLICY_TRUE && !e->trace);
}

/* The target is looked at before the person: it is cheaper and settles most rules. */
static enum policy_tri eval_scope(struct eval *e, struct rule_value *out)
{
    out->part[POLICY_PART_TO] = eval_part(e, POLICY_PART_TO);
    if (is_decided(e, out->part[POLICY_PART_TO]))
        return out->part[POLICY_PART_TO];
    out->part[POLICY_PART_WHO] = eval_part(e, POLICY_PART_WHO);
    return tri_and(out->part[POLICY_PART_TO], out->part[POLICY_PART_WHO]);
}

static enum policy_tri eval_need(struct eval *e, struct rule_value *out)
{
    enum policy_tri r = POLICY_TRUE;

    for (enum policy_part part = POLICY_PART_DEVICE; part < POLICY_PART_COUNT; part++) {
        out->part[part] = eval_part(e, part);
        r = tri_and(r, out->part[part]);
        if (is_decided(e, r))
            return r;
    }
    return r;
}

bool effect_applies(enum rule_effect effect, bool ignores_missing, enum policy_tri scope,
                    enum policy_tri need)
{
    enum policy_tri both = tri_and(scope, need);

    switch (effect) {
    case RULE_ALLOW:
        return both == POLICY_TRUE;
    case RULE_DENY:
        return ignores_missing ? both == POLICY_TRUE : both != POLICY_FALSE;
    case RULE_REQUIRE:
        if (ignores_missing)
            return scope == POLICY_TRUE && need == POLICY_FALSE;
        return scope != POLICY_FALSE && need != POLICY_TRUE;
    }
    return true;
}

/* Whether the session terms count. */
bool effect_binds(enum rule_effect effect, bool applies, enum policy_tri scope)
{
    if (effect == RULE_ALLOW)
        return applies;
    return effect == RULE_REQUIRE && scope != POLICY_FALSE;
}

void eval_rule(struct eval *e, uint32_t rule, struct rule_value *out)
{
    const struct clause *clause = &e->policy->compiled->clauses[rule];
    enum policy_tri live_scope;

    *out = (struct rule_value){0};
    e->rule = rule;
    e->clause = clause;
    out->scope = eval_scope(e, out);
    if (is_decided(e, out->scope))
        return;
    out->life = eval_life(e, clause->starts_s, clause->expires_s);
    live_scope = tri_and(out->life, out->scope);
    if (is_decided(e, live_scope))
        return;
    out->need = eval_need(e, out);
    out->applies = effect_applies((enum rule_effect)clause->effect,
                                  clause->flags & CLAUSE_IGNORES_MISSING, live_scope, out->need);
    out->binds = effect_binds((enum rule_effect)clause->effect, out->applies, live_scope);
}
