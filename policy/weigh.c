#include "policy/weigh.h"

static void report(str ids[POLICY_MAX_REPORTED], size_t *n, str id)
{
    if (*n < POLICY_MAX_REPORTED)
        ids[*n] = id;
    (*n)++;
}

void pan_add(struct pan *pan, const struct clause *clause)
{
    pan->has_deny |= clause->effect == RULE_DENY;
    pan->has_require |= clause->effect == RULE_REQUIRE;
    pan->has_allow |= clause->effect == RULE_ALLOW;
    if (clause->effect == RULE_ALLOW)
        report(pan->allowing, &pan->n_allowing, clause->id);
    else
        report(pan->refusing, &pan->n_refusing, clause->id);
}

void pan_add_allows(struct pan *pan, const struct clause *const *clauses, size_t n)
{
    pan->has_allow |= n > 0;
    for (size_t i = 0; i < n && pan->n_allowing + i < POLICY_MAX_REPORTED; i++)
        pan->allowing[pan->n_allowing + i] = clauses[i]->id;
    pan->n_allowing += n;
}

static enum opinion merge_permission(enum opinion so_far, enum opinion said)
{
    if (said == OPINION_SILENT)
        return so_far;
    return so_far == OPINION_NO ? OPINION_NO : said;
}

static int64_t merge_least(int64_t so_far, int64_t said)
{
    return said >= 0 && (so_far < 0 || said < so_far) ? said : so_far;
}

void merge_add(struct merge *m, const struct session_terms *s)
{
    m->max_s = merge_least(m->max_s, s->max_s);
    m->idle_s = merge_least(m->idle_s, s->idle_s);
    m->record |= s->record == OPINION_YES;
    m->clipboard = merge_permission(m->clipboard, s->clipboard);
    m->file_transfer = merge_permission(m->file_transfer, s->file_transfer);
    m->port_forwarding = merge_permission(m->port_forwarding, s->port_forwarding);
}

void weigh_value(struct weighing *w, uint32_t rule, bool *applies, bool *binds)
{
    struct eval *e = &w->asking.eval;
    int64_t until_s = e->until_s;
    struct rule_value v;

    if (w->is_plain) {
        eval_rule(e, rule, &v);
        *applies = v.applies;
        *binds = v.binds;
    } else {
        clause_value(&w->asking, rule, applies, binds);
    }
    if (w->asking.compiled->clauses[rule].flags & CLAUSE_AUDIT)
        e->until_s = until_s;
}

static bool skips(const struct weighing *w, size_t require_index, bool with_audit)
{
    const struct compiled *c = w->asking.compiled;

    for (size_t i = 0; i < w->n_openers; i++) {
        const struct index_list *list = &compiled_extra(c, w->openers[i])->skips;
        if (c->clauses[w->openers[i]].flags & CLAUSE_AUDIT && !with_audit)
            continue;
        for (size_t k = 0; k < list->n; k++)
            if (list->items[k] == require_index)
                return true;
    }
    return false;
}

void weigh(struct weighing *w, uint32_t rule)
{
    const struct clause *clause = &w->asking.compiled->clauses[rule];
    bool is_audit = clause->flags & CLAUSE_AUDIT, is_require = clause->effect == RULE_REQUIRE;
    bool applies, binds;

    weigh_value(w, rule, &applies, &binds);
    if (binds && !is_audit && clause->session)
        merge_add(&w->merge, w->asking.compiled->sessions[clause->session - 1]);
    if (!applies)
        return;
    if (!is_audit && !(is_require && skips(w, rule, false)))
        pan_add(&w->real, clause);
    if (w->has_would && !(is_require && skips(w, rule, true)))
        pan_add(&w->would, clause);
}
