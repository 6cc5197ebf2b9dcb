/* explain: the same evaluation with a trace. The decision itself is policy_decide's, so that what
 * is explained is what was decided. */
#include <stdlib.h>

#include "policy/eval.h"
#include "policy/remedy.h"
#include "policy/scalar.h"

enum { MAX_CAUSES = 64 };

struct telling {
    struct arena *arena;
    struct eval eval;
    struct memo schedules[EVAL_MEMO];
    struct trace trace;
    struct policy_explained_rule *rules;
    struct rule_value *values;
    const struct rule **sources; /* same index as rules */
    size_t n;
    str causes[MAX_CAUSES];
    size_t n_causes;
    struct remedy_list remedies;
};

static enum policy_rule_effect effect_of(const struct rule *rule)
{
    switch (rule->effect) {
    case RULE_ALLOW:
        return POLICY_RULE_ALLOW;
    case RULE_REQUIRE:
        return POLICY_RULE_REQUIRE;
    default:
        return POLICY_RULE_DENY;
    }
}

static void tell_parts(const struct rule *rule, bool has[POLICY_PART_COUNT])
{
    has[POLICY_PART_WHO] = has[POLICY_PART_TO] = true;
    has[POLICY_PART_DEVICE] = rule->device;
    has[POLICY_PART_AUTH] = rule->auth;
    has[POLICY_PART_FROM] = rule->from;
    has[POLICY_PART_WHEN] = rule->when.n;
    has[POLICY_PART_APPROVAL] = rule->approval;
    has[POLICY_PART_PURPOSE] = rule->purpose;
    has[POLICY_PART_BREAK_GLASS] = rule->break_glass;
}

static bool note_counts(const struct rule *rule, const struct trace_note *note)
{
    return note->value != (rule->effect == RULE_DENY ? POLICY_FALSE : POLICY_TRUE);
}

static void add_once(str *list, size_t *n, size_t max, str code)
{
    for (size_t i = 0; i < *n; i++)
        if (str_eq(list[i], code))
            return;
    if (*n < max)
        list[(*n)++] = code;
}

static void tell_causes(struct telling *t, const struct rule *rule, const struct trace *trace,
                        struct policy_explained_rule *out)
{
    str *causes = arena_array(t->arena, str, trace->n + 1);

    for (size_t i = 0; i < trace->n; i++)
        if (note_counts(rule, &trace->notes[i]))
            add_once(causes, &out->n_causes, trace->n, trace->notes[i].code);
    out->causes = causes;
}

/* False kept it, and where certainty is asked for, doubt as well. The needs of a require keep it
 * from firing by being met, of which there is nothing to tell. */
static bool note_kept(const struct rule *rule, const struct trace_note *note)
{
    bool asks_certainty = rule->effect == RULE_ALLOW || rule->ignores_missing;
    bool is_scope = str_starts(note->code, STR("who.")) || str_starts(note->code, STR("to.")) ||
                    str_starts(note->code, STR("rule:"));

    if (rule->effect == RULE_REQUIRE && !is_scope)
        return rule->ignores_missing && note->value == POLICY_UNKNOWN;
    return note->value == POLICY_FALSE || (asks_certainty && note->value == POLICY_UNKNOWN);
}

static void tell_kept(struct telling *t, const struct rule *rule, const struct trace *trace,
                      struct policy_explained_rule *out)
{
    str *kept = arena_array(t->arena, str, trace->n + 1);

    for (size_t i = 0; !out->applies && i < trace->n; i++)
        if (note_kept(rule, &trace->notes[i]))
            add_once(kept, &out->n_kept, trace->n, trace->notes[i].code);
    out->kept = kept;
}

static void tell_rule(struct telling *t, const struct rule *rule)
{
    struct policy_explained_rule *out = &t->rules[t->n];
    struct rule_value *v = &t->values[t->n];

    t->trace.n = 0;
    eval_rule(&t->eval, rule, v);
    *out = (struct policy_explained_rule){
        .id = rule->id,
        .title = rule->title,
        .owner = rule->owner,
        .ticket = rule->ticket,
        .file = rule->node->file->name,
        .line = rule->node->line,
        .effect = effect_of(rule),
        .is_audit = rule->is_audit_only,
        .is_alive = v->life != POLICY_FALSE,
        .is_near_miss = rule->effect == RULE_ALLOW && v->scope == POLICY_TRUE && !v->applies,
        .scope = v->scope,
        .need = v->need,
        .applies = v->applies,
    };
    memcpy(out->value, v->part, sizeof out->value);
    tell_parts(rule, out->has);
    tell_causes(t, rule, &t->trace, out);
    tell_kept(t, rule, &t->trace, out);
    t->sources[t->n] = rule;
    t->n++;
}

static bool opens(const struct telling *t, size_t allow, const struct rule *require)
{
    const struct break_glass *glass = t->sources[allow]->break_glass;

    for (size_t i = 0; glass && i < glass->skips.n; i++)
        if (&t->eval.policy->rules[glass->skips.items[i]] == require)
            return true;
    return false;
}

/* Which rules made the decision; a require that an open break glass skips did not. */
static void mark_decisive(struct telling *t, const struct policy_decision *d)
{
    bool is_allow = d->reason == POLICY_REASON_ALLOW;

    for (size_t i = 0; i < t->n; i++) {
        struct policy_explained_rule *r = &t->rules[i];
        if (r->effect == POLICY_RULE_REQUIRE && r->applies)
            for (size_t k = 0; k < t->n; k++)
                r->is_skipped |=
                    t->rules[k].applies && !t->rules[k].is_audit && opens(t, k, t->sources[i]);
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
    for (size_t i = 0; i < t->n; i++)
        if (t->rules[i].is_decisive && opens(t, allow, t->sources[i]))
            return true;
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
    eval_rule(&t->eval, t->sources[i], &unused);
    remedy_of_rule(&t->remedies, &t->eval);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void tell_bucket(struct telling *t, const struct app *app, bool is_public)
{
    size_t n = app->bucket.n;
    uint32_t *order = arena_array(t->arena, uint32_t, n + 1);

    t->rules = arena_array(t->arena, struct policy_explained_rule, n + 1);
    t->values = arena_array(t->arena, struct rule_value, n + 1);
    t->sources = arena_array(t->arena, const struct rule *, n + 1);
    if (n)
        memcpy(order, app->bucket.items, n * sizeof *order);
    qsort(order, n, sizeof *order, by_number);
    for (size_t i = 0; i < n; i++) {
        const struct rule *rule = &t->eval.policy->rules[order[i]];
        if (!is_public || (rule->effect == RULE_DENY && rule->who->anyone))
            tell_rule(t, rule);
    }
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

void policy_explain(const struct policy *p, const struct policy_facts *facts, struct arena *a,
                    struct policy_explanation *out)
{
    struct telling *t = arena_new(a, struct telling);
    static const struct policy_remedy sign_in = {.kind = POLICY_REMEDY_SIGN_IN};

    *out = (struct policy_explanation){0};
    policy_decide(p, facts, &out->decision);
    t->arena = a;
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

bool policy_instant_parse(str text, int64_t *unix_out)
{
    return scalar_instant(text, unix_out);
}
