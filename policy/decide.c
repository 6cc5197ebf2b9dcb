/* decide: one request against the rules of its app.
 *
 * Rules of mode audit are weighed in a second pan: `would` starts as a copy of what is in force and
 * nothing flows back. Effects are sets, so the order of rules cannot matter. Any path that does not
 * reach the allow at the end leaves the zeroed decision: deny. */
#include "policy/clause.h"

enum { MAX_BREAK_GLASS = 16 };

/* The strictest of all session terms so far; -1 and silent: nobody has an opinion. */
struct merge {
    int64_t max_s, idle_s;
    bool record;
    enum opinion clipboard, file_transfer, port_forwarding;
};

/* What fired and what applied so far. */
struct pan {
    bool has_deny, has_require, has_allow;
    str refusing[POLICY_MAX_REPORTED], allowing[POLICY_MAX_REPORTED];
    size_t n_refusing, n_allowing;
};

struct weighing {
    struct asking asking;
    bool is_plain; /* rule by rule, see decide_plainly */
    struct pan real, would;
    struct merge merge;
    /* Allows whose open break glass skips requires; more than fit skip nothing. */
    const struct rule *openers[MAX_BREAK_GLASS];
    size_t n_openers;
};

static void report(str ids[POLICY_MAX_REPORTED], size_t *n, str id)
{
    if (*n < POLICY_MAX_REPORTED)
        ids[*n] = id;
    (*n)++;
}

static void pan_add(struct pan *pan, const struct clause *rule)
{
    pan->has_deny |= rule->effect == RULE_DENY;
    pan->has_require |= rule->effect == RULE_REQUIRE;
    pan->has_allow |= rule->effect == RULE_ALLOW;
    if (rule->effect == RULE_ALLOW)
        report(pan->allowing, &pan->n_allowing, rule->id);
    else
        report(pan->refusing, &pan->n_refusing, rule->id);
}

static enum policy_reason pan_reason(const struct pan *pan)
{
    if (pan->has_deny)
        return POLICY_REASON_DENY_RULE;
    if (pan->has_require)
        return POLICY_REASON_REQUIRE_FAILED;
    return pan->has_allow ? POLICY_REASON_ALLOW : POLICY_REASON_DEFAULT_DENY;
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

static void merge_add(struct merge *m, const struct session_terms *s)
{
    if (!s)
        return;
    m->max_s = merge_least(m->max_s, s->max_s);
    m->idle_s = merge_least(m->idle_s, s->idle_s);
    m->record |= s->record == OPINION_YES;
    m->clipboard = merge_permission(m->clipboard, s->clipboard);
    m->file_transfer = merge_permission(m->file_transfer, s->file_transfer);
    m->port_forwarding = merge_permission(m->port_forwarding, s->port_forwarding);
}

static void merge_finish(const struct merge *m, struct policy_obligations *out)
{
    *out = (struct policy_obligations){
        .max_s = m->max_s > 0 ? m->max_s : 0,
        .idle_s = m->idle_s > 0 ? m->idle_s : 0,
        .record = m->record,
        .clipboard = m->clipboard == OPINION_YES,
        .file_transfer = m->file_transfer == OPINION_YES,
        .port_forwarding = m->port_forwarding == OPINION_YES,
    };
}

/* Evaluates a rule; what a rule of mode audit looks at does not bound the decision. */
static void weigh_value(struct weighing *w, uint32_t rule, bool *applies, bool *binds)
{
    struct eval *e = &w->asking.eval;
    int64_t until_s = e->until_s;
    struct rule_value v;

    if (w->is_plain) {
        eval_rule(e, &e->policy->rules[rule], &v);
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
    for (size_t i = 0; i < w->n_openers; i++) {
        const struct index_list *list = &w->openers[i]->break_glass->skips;
        if (w->openers[i]->is_audit_only && !with_audit)
            continue;
        for (size_t k = 0; k < list->n; k++)
            if (list->items[k] == require_index)
                return true;
    }
    return false;
}

static void open_glass(struct weighing *w, uint32_t rule)
{
    const struct clause *clause = &w->asking.compiled->clauses[rule];
    bool applies, binds;

    if (clause->effect != RULE_ALLOW || !(clause->flags & CLAUSE_BREAK_GLASS) ||
        w->n_openers == MAX_BREAK_GLASS)
        return;
    weigh_value(w, rule, &applies, &binds);
    if (applies)
        w->openers[w->n_openers++] = &w->asking.eval.policy->rules[rule];
}

static void weigh(struct weighing *w, uint32_t rule)
{
    const struct clause *clause = &w->asking.compiled->clauses[rule];
    bool is_audit = clause->flags & CLAUSE_AUDIT, is_require = clause->effect == RULE_REQUIRE;
    bool applies, binds;

    weigh_value(w, rule, &applies, &binds);
    if (binds && !is_audit)
        merge_add(&w->merge, clause->session);
    if (!applies)
        return;
    if (!is_audit && !(is_require && skips(w, rule, false)))
        pan_add(&w->real, clause);
    if (!(is_require && skips(w, rule, true)))
        pan_add(&w->would, clause);
}

/* A visit without identity, on a public path: only a deny of `anyone` has a say. */
static void weigh_public(struct weighing *w, uint32_t rule)
{
    const struct clause *clause = &w->asking.compiled->clauses[rule];

    if (clause->effect == RULE_DENY && clause->flags & CLAUSE_ANYONE)
        weigh(w, rule);
}

typedef void weigher(struct weighing *w, uint32_t rule);

/* What the index leaves open, in the order of the bucket: a bit each. */
static void find_open(const struct weighing *w, const struct app_index *app, uint64_t *bits)
{
    const struct policy_subject *s = w->asking.subject;
    const struct policy_request *request = w->asking.eval.facts->request;
    const uint64_t *open = app->methods + 2 * (size_t)app->n_words *
                                              method_column(w->asking.compiled, request->method),
                   *pathful = open + app->n_words;

    if (app->paths.nodes) {
        memset(bits, 0, app->n_words * sizeof *bits);
        path_index_match(&app->paths, request->path, bits);
        for (uint32_t i = 0; i < app->n_words; i++)
            bits[i] = open[i] | (bits[i] & pathful[i]);
    } else if (app->n_words) {
        memcpy(bits, open, app->n_words * sizeof *bits);
    }
    if (!s || app->wide == COMPILED_NONE)
        return;
    const uint64_t *row = s->wide[app->wide];
    for (uint32_t i = 0; i < app->n_words; i++)
        bits[i] &= row[i];
}

static void each_open(struct weighing *w, const struct app_index *app, const uint64_t *bits,
                      weigher *call)
{
    for (uint32_t i = 0; i < app->n_words; i++)
        for (uint64_t word = bits[i]; word; word &= word - 1)
            call(w, app->rules[64 * i + (uint32_t)__builtin_ctzll(word)]);
}

static void weigh_all(struct weighing *w, const struct app_index *app, bool is_public)
{
    uint64_t bits[COMPILED_MAX_WORDS];

    if (w->is_plain)
        memset(bits, 0xFF, app->n_words * sizeof *bits);
    else
        find_open(w, app, bits);
    if (w->is_plain && app->n % 64)
        bits[app->n_words - 1] >>= 64 - app->n % 64;
    if (!is_public && w->asking.eval.facts->n_grants)
        each_open(w, app, bits, open_glass);
    each_open(w, app, bits, is_public ? weigh_public : weigh);
}

static void bound_by_session(struct weighing *w, const struct policy_obligations *o)
{
    struct eval *e = &w->asking.eval;
    const struct policy_identity *id = e->identity;

    if (!id)
        return;
    int64_t login_s = id->login_s ? id->login_s : id->auth_time_s;
    if (o->max_s && login_s)
        eval_until(e, login_s + o->max_s);
    if (o->idle_s)
        eval_until(e, e->now_s + o->idle_s);
    if (id->expires_s)
        eval_until(e, id->expires_s);
}

static void write_would(const struct pan *would, struct policy_decision *out)
{
    out->would_reason = pan_reason(would);
    out->would = out->would_reason == POLICY_REASON_ALLOW ? POLICY_ALLOW : POLICY_DENY;
    if (out->reason == POLICY_REASON_PUBLIC_PATH &&
        out->would_reason == POLICY_REASON_DEFAULT_DENY) {
        out->would_reason = out->reason;
        out->would = POLICY_ALLOW;
    }
    out->has_would = out->would != out->effect || out->would_reason != out->reason;
    if (!out->has_would)
        return;
    bool is_allow = out->would == POLICY_ALLOW;
    out->n_would_rules = is_allow ? would->n_allowing : would->n_refusing;
    if (out->n_would_rules > POLICY_MAX_REPORTED)
        out->n_would_rules = POLICY_MAX_REPORTED;
    memcpy(out->would_rules, is_allow ? would->allowing : would->refusing, sizeof out->would_rules);
}

static void write_decision(struct weighing *w, bool is_public, struct policy_decision *out)
{
    const struct pan *pan = &w->real;

    out->reason = pan_reason(pan);
    if (is_public && out->reason == POLICY_REASON_DEFAULT_DENY)
        out->reason = POLICY_REASON_PUBLIC_PATH;
    if (out->reason == POLICY_REASON_ALLOW || out->reason == POLICY_REASON_PUBLIC_PATH)
        out->effect = POLICY_ALLOW;
    if (out->reason == POLICY_REASON_ALLOW)
        merge_finish(&w->merge, &out->obligations);

    bool is_allow = out->effect == POLICY_ALLOW;
    out->n_rules_total = is_allow ? pan->n_allowing : pan->n_refusing;
    out->n_rules =
        out->n_rules_total < POLICY_MAX_REPORTED ? out->n_rules_total : POLICY_MAX_REPORTED;
    memcpy(out->rules, is_allow ? pan->allowing : pan->refusing, sizeof out->rules);
    bound_by_session(w, &out->obligations);
    out->valid_until_s = w->asking.eval.until_s == INT64_MAX ? 0 : w->asking.eval.until_s;
    write_would(&w->would, out);
}

static bool app_has_login(const struct policy_app *app, str login)
{
    for (size_t i = 0; i < app->n_logins; i++)
        if (str_eq(app->logins[i], login))
            return true;
    return false;
}

/* POLICY_REASON_ALLOW: the rules may be asked. */
static enum policy_reason check_request(const struct policy *p, const struct policy_facts *facts)
{
    const struct policy_request *request = facts->request;

    if (!p)
        return POLICY_REASON_NO_POLICY;
    if (!request || !request->app || request->app->index >= p->n_apps)
        return POLICY_REASON_INPUT_HOST;
    if (request->protocol != request->app->protocol)
        return POLICY_REASON_INPUT_METHOD;
    if (request->protocol == POLICY_HTTP && !request->method.n)
        return POLICY_REASON_INPUT_METHOD;
    if (request->protocol == POLICY_HTTP && (!request->path.n || request->path.p[0] != '/'))
        return POLICY_REASON_INPUT_PATH;
    return POLICY_REASON_ALLOW;
}

static void decide(const struct policy *p, const struct policy_facts *facts, bool is_plain,
                   struct policy_decision *out)
{
    struct weighing w;
    bool is_public;

    memset(out, 0, sizeof *out);
    out->reason = check_request(p, facts);
    if (out->reason != POLICY_REASON_ALLOW)
        return;
    const struct policy_request *request = facts->request;
    is_public =
        request->protocol == POLICY_HTTP && policy_is_public_path(p, request->app, request->path);
    out->reason = POLICY_REASON_NO_IDENTITY;
    if (!facts->identity && !is_public)
        return;
    out->reason = POLICY_REASON_DEFAULT_DENY;
    if (request->protocol == POLICY_SSH && !app_has_login(request->app, request->login))
        return;

    size_t app = request->app->index;
    asking_init(&w.asking, p, facts, &p->apps[app], is_public);
    w.is_plain = is_plain;
    w.real = w.would = (struct pan){0};
    w.n_openers = 0;
    w.merge = (struct merge){.max_s = -1, .idle_s = -1};
    weigh_all(&w, &p->compiled->apps[app], is_public);
    write_decision(&w, is_public, out);
}

void policy_decide(const struct policy *p, const struct policy_facts *facts,
                   struct policy_decision *out)
{
    decide(p, facts, false, out);
}

void decide_plainly(const struct policy *p, const struct policy_facts *facts,
                    struct policy_decision *out)
{
    decide(p, facts, true, out);
}

str policy_rule_digest(const struct policy *p, str rule_id)
{
    const struct rule *rule = map_get(&p->rules_by_id, rule_id);

    return rule ? rule->text_digest : (str){NULL, 0};
}

bool policy_app_wants_device(const struct policy *p, const struct policy_app *app)
{
    return p->compiled->apps[app->index].wants_device;
}
