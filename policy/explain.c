/* explain: the same evaluation with a trace. The decision itself is policy_decide's, so that what
 * is explained is what was decided. */
#include <stdlib.h>

#include "base/jout.h"
#include "policy/eval.h"
#include "policy/info.h"
#include "policy/opening.h"
#include "policy/remedy.h"
#include "policy/scalar.h"

enum { MAX_CAUSES = 64 };

struct telling {
    struct arena *arena;
    bool is_brief; /* only rules that make the decision or come near it, and only their causes */
    struct eval eval;
    struct memo schedules[EVAL_MEMO];
    struct trace trace;
    struct policy_explained_rule *rules;
    struct rule_value *values;
    uint32_t *numbers; /* same index as rules */
    size_t n;
    str causes[MAX_CAUSES];
    size_t n_causes;
    struct remedy_list remedies;
};

static void tell_parts(const struct clause *clause, bool has[POLICY_PART_COUNT])
{
    has[POLICY_PART_WHO] = has[POLICY_PART_TO] = true;
    has[POLICY_PART_DEVICE] = clause->device;
    has[POLICY_PART_AUTH] = clause->auth;
    has[POLICY_PART_FROM] = clause->from;
    has[POLICY_PART_WHEN] = clause->when;
    has[POLICY_PART_APPROVAL] = clause->flags & CLAUSE_APPROVAL;
    has[POLICY_PART_PURPOSE] = clause->flags & CLAUSE_PURPOSE;
    has[POLICY_PART_BREAK_GLASS] = clause->flags & CLAUSE_BREAK_GLASS;
}

static bool note_counts(const struct clause *clause, const struct trace_note *note)
{
    return note->value != (clause->effect == RULE_DENY ? POLICY_FALSE : POLICY_TRUE);
}

static void add_once(str *list, size_t *n, size_t max, str code)
{
    for (size_t i = 0; i < *n; i++)
        if (str_eq(list[i], code))
            return;
    if (*n < max)
        list[(*n)++] = code;
}

static void tell_causes(struct telling *t, const struct clause *clause, const struct trace *trace,
                        struct policy_explained_rule *out)
{
    str *causes = arena_array(t->arena, str, trace->n + 1);

    for (size_t i = 0; i < trace->n; i++)
        if (note_counts(clause, &trace->notes[i]))
            add_once(causes, &out->n_causes, trace->n, trace->notes[i].code);
    out->causes = causes;
}

/* False kept it, and where certainty is asked for, doubt as well. The needs of a require keep it
 * from firing by being met, of which there is nothing to tell. */
static bool note_kept(const struct clause *clause, const struct trace_note *note)
{
    bool ignores_missing = clause->flags & CLAUSE_IGNORES_MISSING;
    bool asks_certainty = clause->effect == RULE_ALLOW || ignores_missing;
    bool is_scope = str_starts(note->code, STR("who.")) || str_starts(note->code, STR("to.")) ||
                    str_starts(note->code, STR("rule:"));

    if (clause->effect == RULE_REQUIRE && !is_scope)
        return ignores_missing && note->value == POLICY_UNKNOWN;
    return note->value == POLICY_FALSE || (asks_certainty && note->value == POLICY_UNKNOWN);
}

/* Hours and days with the zone in which they are meant: most who ask why think of another. */
static str tell_time(struct telling *t, str code, str text)
{
    const struct clause *clause = t->eval.clause;
    const struct compiled *c = t->eval.policy->compiled;
    char at[JOUT_TIME_CHARS];

    if (str_eq(code, STR("when"))) {
        const struct when_test *when = clause_when(c, clause);
        str all = {"", 0};
        for (uint32_t i = 0; i < when->n; i++)
            all = arena_printf(
                t->arena, "%.*s%s%.*s", STR_ARG(all), i ? "; or " : "",
                STR_ARG(opening_missed(t->arena, c->calendars[when->calendars[i]].schedule,
                                       t->eval.now_s)));
        return arena_printf(t->arena, "%.*s (%.*s)", STR_ARG(text), STR_ARG(all));
    }
    bool is_over = str_eq(code, STR("rule:expired"));
    if (!is_over && !str_eq(code, STR("rule:not-started")))
        return text;
    jout_time_text((is_over ? clause->expires_s : clause->starts_s) * 1000000, at);
    return arena_printf(t->arena, "%.*s (%s %.19sZ)", STR_ARG(text),
                        is_over ? "it ended" : "starts", at);
}

static struct policy_told tell_note(struct telling *t, const struct trace_note *note)
{
    str text = policy_cause_text(note->code, note->value, t->arena);

    return (struct policy_told){
        .code = note->code,
        .text = note->value == POLICY_FALSE ? tell_time(t, note->code, text) : text,
        .value = note->value,
    };
}

static bool has_told(const struct policy_told *items, size_t n, str code)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(items[i].code, code))
            return true;
    return false;
}

/* By which a deny or a require fires though nobody knows. */
static bool note_doubts(const struct clause *clause, const struct trace_note *note)
{
    return clause->effect != RULE_ALLOW && note->value == POLICY_UNKNOWN;
}

static const struct policy_told *
tell_notes(struct telling *t, const struct trace *trace, size_t *n_out,
           bool (*is_wanted)(const struct clause *clause, const struct trace_note *note))
{
    struct policy_told *told = arena_array(t->arena, struct policy_told, trace->n + 1);

    for (size_t i = 0; i < trace->n; i++) {
        const struct trace_note *note = &trace->notes[i];
        if (is_wanted(t->eval.clause, note) && !has_told(told, *n_out, note->code))
            told[(*n_out)++] = tell_note(t, note);
    }
    return told;
}

static void tell_rule(struct telling *t, uint32_t rule)
{
    struct policy_explained_rule *out = &t->rules[t->n];
    struct rule_value *v = &t->values[t->n];
    struct policy_rule_info info = policy_rule_brief(t->eval.policy, rule);

    t->trace.n = 0;
    eval_rule(&t->eval, rule, v);
    const struct clause *clause = t->eval.clause;
    *out = (struct policy_explained_rule){
        .id = info.id,
        .title = info.title,
        .owner = info.owner,
        .ticket = info.ticket,
        .file = info.file,
        .line = info.line,
        .effect = info.effect,
        .is_audit = info.is_audit,
        .is_alive = v->life != POLICY_FALSE,
        .is_near_miss = clause->effect == RULE_ALLOW && v->scope == POLICY_TRUE && !v->applies,
        .scope = v->scope,
        .need = v->need,
        .applies = v->applies,
    };
    memcpy(out->value, v->part, sizeof out->value);
    tell_parts(clause, out->has);
    tell_causes(t, clause, &t->trace, out);
    if (!t->is_brief && out->applies)
        out->doubts = tell_notes(t, &t->trace, &out->n_doubts, note_doubts);
    else if (!t->is_brief)
        out->kept = tell_notes(t, &t->trace, &out->n_kept, note_kept);
    t->numbers[t->n] = rule;
    t->n++;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* NULL: it is not told of. Numbers are told in ascending order. */
static struct policy_explained_rule *find_told(const struct telling *t, uint32_t rule)
{
    const uint32_t *at = t->n ? bsearch(&rule, t->numbers, t->n, sizeof rule, by_number) : NULL;

    return at ? &t->rules[at - t->numbers] : NULL;
}

static struct index_list skips_of(const struct telling *t, size_t allow)
{
    const struct rule_extra *extra = compiled_extra(t->eval.policy->compiled, t->numbers[allow]);

    return extra ? extra->skips : (struct index_list){NULL, 0};
}

/* Requires that an open break glass skips. From the glasses, which are few, to what they name: a
 * refusal by ten thousand requires must not look at ten thousand rules for each. */
static void mark_skipped(struct telling *t)
{
    for (size_t k = 0; k < t->n; k++) {
        struct index_list skips = skips_of(t, k);
        for (size_t i = 0; t->rules[k].applies && !t->rules[k].is_audit && i < skips.n; i++) {
            struct policy_explained_rule *r = find_told(t, skips.items[i]);
            if (r)
                r->is_skipped = r->applies;
        }
    }
}

/* Which rules made the decision; a require that is skipped did not. */
static void mark_decisive(struct telling *t, const struct policy_decision *d)
{
    bool is_allow = d->reason == POLICY_REASON_ALLOW;

    mark_skipped(t);
    for (size_t i = 0; i < t->n; i++) {
        struct policy_explained_rule *r = &t->rules[i];
        r->is_decisive = r->applies && !r->is_audit && !r->is_skipped &&
                         (r->effect == POLICY_RULE_ALLOW) == is_allow;
    }
}

static bool is_reported(const struct policy_explained_rule *r, const struct policy_decision *d)
{
    if (d->effect == POLICY_ALLOW || r->is_audit)
        return false;
    return d->reason == POLICY_REASON_DEFAULT_DENY ? r->is_near_miss : r->is_decisive;
}

/* A closed break glass is worth a word when it stands alone between the person and the app. */
static bool is_glass_worth_telling(const struct telling *t, size_t allow)
{
    const struct policy_explained_rule *r = &t->rules[allow];

    if (!r->is_near_miss || r->is_audit || r->n_causes != 1 ||
        !str_eq(r->causes[0], STR("break-glass:closed")))
        return false;
    struct index_list skips = skips_of(t, allow);
    for (size_t i = 0; i < skips.n; i++) {
        const struct policy_explained_rule *skipped = find_told(t, skips.items[i]);
        if (skipped && skipped->is_decisive)
            return true;
    }
    return false;
}

static void tell_remedies(struct telling *t, const struct policy_decision *d, size_t i)
{
    struct rule_value unused;
    bool is_glass = d->reason == POLICY_REASON_REQUIRE_FAILED && is_glass_worth_telling(t, i);

    if (t->rules[i].scope != POLICY_TRUE || !(is_reported(&t->rules[i], d) || is_glass))
        return;
    /* The notes of one rule are kept at a time: evaluate it once more. */
    t->trace.n = 0;
    eval_rule(&t->eval, t->numbers[i], &unused);
    remedy_of_rule(&t->remedies, &t->eval);
}

/* What may be told of a refusal: it fired or applied, or is an allow that lacks its need. */
static bool has_say(struct telling *t, uint32_t rule)
{
    struct rule_value v;

    t->eval.trace = NULL;
    eval_rule(&t->eval, rule, &v);
    t->eval.trace = &t->trace;
    return v.applies || (t->eval.clause->effect == RULE_ALLOW && v.scope == POLICY_TRUE);
}

static bool is_wanted(struct telling *t, uint32_t rule, bool is_public)
{
    const struct clause *clause = &t->eval.policy->compiled->clauses[rule];

    if (is_public && !(clause->effect == RULE_DENY && clause->flags & CLAUSE_ANYONE))
        return false;
    return !t->is_brief || has_say(t, rule);
}

static void tell_bucket(struct telling *t, const struct app *app, bool is_public)
{
    uint32_t *order = arena_array(t->arena, uint32_t, app->bucket.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < app->bucket.n; i++)
        if (is_wanted(t, app->bucket.items[i], is_public))
            order[n++] = app->bucket.items[i];
    t->rules = arena_array(t->arena, struct policy_explained_rule, n + 1);
    t->values = arena_array(t->arena, struct rule_value, n + 1);
    t->numbers = arena_array(t->arena, uint32_t, n + 1);
    qsort(order, n, sizeof *order, by_number);
    for (size_t i = 0; i < n; i++)
        tell_rule(t, order[i]);
}

static void tell_all(struct telling *t, const struct policy *p, const struct policy_facts *facts,
                     const struct policy_decision *d)
{
    const struct policy_app *face = facts->request->app;
    bool is_public = facts->request->protocol == POLICY_HTTP &&
                     policy_is_public_path(p, face, facts->request->path);

    eval_init(&t->eval, p, facts, &p->apps[face->index]);
    t->eval.trace = &t->trace;
    t->eval.schedules = t->schedules;
    t->trace.arena = t->arena;
    if (is_public)
        t->eval.identity = NULL;
    tell_bucket(t, t->eval.app, is_public);
    mark_decisive(t, d);
    for (size_t i = 0; i < t->n; i++) {
        for (size_t k = 0; is_reported(&t->rules[i], d) && k < t->rules[i].n_causes; k++)
            add_once(t->causes, &t->n_causes, MAX_CAUSES, t->rules[i].causes[k]);
        tell_remedies(t, d, i);
    }
}

static bool has_login(const struct policy_request *request)
{
    for (size_t i = 0; i < request->app->n_logins; i++)
        if (str_eq(request->app->logins[i], request->login))
            return true;
    return request->protocol != POLICY_SSH;
}

static bool asks_rules(enum policy_reason reason)
{
    return reason == POLICY_REASON_ALLOW || reason == POLICY_REASON_PUBLIC_PATH ||
           reason == POLICY_REASON_DEFAULT_DENY || reason == POLICY_REASON_DENY_RULE ||
           reason == POLICY_REASON_REQUIRE_FAILED;
}

static void explain(const struct policy *p, const struct policy_facts *facts, bool is_brief,
                    struct arena *a, struct policy_explanation *out)
{
    struct telling *t = arena_new(a, struct telling);
    static const struct policy_remedy sign_in = {.kind = POLICY_REMEDY_SIGN_IN};

    *out = (struct policy_explanation){0};
    policy_decide(p, facts, &out->decision);
    t->arena = a;
    t->is_brief = is_brief;
    if (out->decision.reason == POLICY_REASON_NO_IDENTITY)
        remedy_add(&t->remedies, &sign_in);
    else if (asks_rules(out->decision.reason) && !has_login(facts->request))
        add_once(t->causes, &t->n_causes, MAX_CAUSES, STR("to.login"));
    else if (asks_rules(out->decision.reason))
        tell_all(t, p, facts, &out->decision);
    out->rules = t->rules;
    out->n_rules = t->n;
    out->causes = t->causes;
    out->n_causes = t->n_causes;
    out->remedies = t->remedies.items;
    out->n_remedies = t->remedies.n;
}

void policy_explain(const struct policy *p, const struct policy_facts *facts, struct arena *a,
                    struct policy_explanation *out)
{
    explain(p, facts, false, a, out);
}

void policy_explain_briefly(const struct policy *p, const struct policy_facts *facts,
                            struct arena *a, struct policy_explanation *out)
{
    explain(p, facts, true, a, out);
}

bool policy_instant_parse(str text, int64_t *unix_out)
{
    return scalar_instant(text, unix_out);
}
