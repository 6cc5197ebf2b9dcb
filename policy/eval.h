/* eval: one request against one rule, in three values.
 *
 * Private to policy/. A `struct eval` lives on the stack of one decision. Without a trace an AND
 * stops at its first false and nothing is allocated; with one every atom is looked at and says why.
 *
 * AND: false beats unknown beats true. OR: true beats unknown beats false. */
#ifndef POLICY_EVAL_H
#define POLICY_EVAL_H

#include "policy/compiled.h"

enum { TRACE_MAX_NOTES = 96, EVAL_MEMO = 128 };

/* An atom that was looked at. */
struct trace_note {
    str code;              /* "device.disk_encrypted:missing" */
    str attribute, wanted; /* device atoms */
    enum policy_tri value;
};

/* Notes of one rule. Beyond the limit they are dropped: a rule with so many atoms says enough. */
struct trace {
    struct arena *arena;
    struct trace_note notes[TRACE_MAX_NOTES];
    size_t n;
};

struct memo {
    bool is_known;
    enum policy_tri value;
    int64_t until_s;
};

struct eval {
    const struct policy *policy;
    const struct policy_facts *facts;
    const struct policy_identity *identity; /* NULL on a public path */
    const struct app *app;
    const struct clause *clause; /* in hand */
    uint32_t rule;               /* its number */
    int64_t now_s;
    int64_t until_s; /* earliest change by itself of any fact looked at; INT64_MAX: none */
    struct trace *trace;
    struct memo *schedules; /* EVAL_MEMO by number of calendar, zeroed; or NULL */
};

struct rule_value {
    enum policy_tri life;                    /* starts and expires */
    enum policy_tri part[POLICY_PART_COUNT]; /* true when not written */
    enum policy_tri scope, need;
    bool applies; /* allow: applies; deny: fires; require: fires */
    bool binds;   /* its session terms count */
};

void eval_init(struct eval *e, const struct policy *p, const struct policy_facts *facts,
               const struct app *app);
/* Without a trace, parts behind the first false one are not looked at. */
bool effect_applies(enum rule_effect effect, bool ignores_missing, enum policy_tri scope,
                    enum policy_tri need);
bool effect_binds(enum rule_effect effect, bool applies, enum policy_tri scope);
void eval_rule(struct eval *e, uint32_t rule, struct rule_value *out);
/* policy_decide rule by rule, without the index: what the tests hold the compiled form against. */
void decide_plainly(const struct policy *p, const struct policy_facts *facts,
                    struct policy_decision *out);

/* ---- for the atoms ---- */

static inline enum policy_tri tri_and(enum policy_tri a, enum policy_tri b)
{
    if (a == POLICY_FALSE || b == POLICY_FALSE)
        return POLICY_FALSE;
    return a == POLICY_TRUE && b == POLICY_TRUE ? POLICY_TRUE : POLICY_UNKNOWN;
}

static inline enum policy_tri tri_or(enum policy_tri a, enum policy_tri b)
{
    if (a == POLICY_TRUE || b == POLICY_TRUE)
        return POLICY_TRUE;
    return a == POLICY_FALSE && b == POLICY_FALSE ? POLICY_FALSE : POLICY_UNKNOWN;
}

static inline enum policy_tri tri_not(enum policy_tri a)
{
    return a == POLICY_UNKNOWN ? a : a == POLICY_TRUE ? POLICY_FALSE : POLICY_TRUE;
}

static inline enum policy_tri tri_of(bool b)
{
    return b ? POLICY_TRUE : POLICY_FALSE;
}

/* True when the rest of an AND cannot matter. */
static inline bool eval_is_settled(const struct eval *e, enum policy_tri so_far)
{
    return so_far == POLICY_FALSE && !e->trace;
}

/* Something that was looked at changes by itself at t. Never earlier than the next second. */
static inline void eval_until(struct eval *e, int64_t t_s)
{
    if (t_s > e->now_s && t_s < e->until_s)
        e->until_s = t_s;
}

/* The first second at which an age is over its limit; an instant that a token made up may lie
 * at the end of time. */
static inline int64_t eval_too_old_at(int64_t since_s, int64_t limit_s)
{
    return since_s < INT64_MAX - limit_s ? since_s + limit_s + 1 : INT64_MAX;
}

/* Writes a note when tracing; returns `value`. */
enum policy_tri eval_note(struct eval *e, enum policy_tri value, str code);
/* Age in seconds within a limit; unknown, with a note "clock", when the clock is not good. */
enum policy_tri eval_age_within(struct eval *e, int64_t since_s, int64_t limit_s);
/* Brackets around an OR: when it is true, the alternatives that were not are forgotten. */
static inline size_t eval_mark(const struct eval *e)
{
    return e->trace ? e->trace->n : 0;
}
void eval_settle(struct eval *e, size_t mark, enum policy_tri value);

bool list_has(struct str_list list, str s);
bool texts_have(const struct compiled *c, struct part texts, str s);
/* One value against one union of wanted ones. *is_odd_out: of a type that cannot be compared. */
enum policy_tri value_matches(const struct policy_value *v, struct want_list wants,
                              bool *is_odd_out);

enum policy_tri who_claim_value(const struct policy_identity *id, const struct claim_want *want,
                                bool *is_odd_out);

enum policy_tri atom_who(struct eval *e, uint32_t who);
enum policy_tri atom_to(struct eval *e, uint32_t to);
enum policy_tri atom_device(struct eval *e, const struct device_need *need);
/* A need of nothing but sources or seen_within asks only to have been seen, by a source: hints,
 * which may make the other atoms of a deny true, say nothing to it. */
bool atom_device_is_sight(const struct device_need *need);
enum policy_tri atom_auth(struct eval *e, const struct auth_need *need);
enum policy_tri eval_life(struct eval *e, int64_t starts_s, int64_t expires_s);
enum policy_tri from_countries(struct eval *e, const struct from_need *need);
enum policy_tri atom_from(struct eval *e, const struct from_need *need);
enum policy_tri atom_when(struct eval *e, const struct when_test *when);
enum policy_tri atom_approval(struct eval *e);
enum policy_tri atom_purpose(struct eval *e);
enum policy_tri atom_break_glass(struct eval *e);

#endif
