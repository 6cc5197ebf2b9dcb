/* decide: one request against the rules of its app.
 *
 * Rules of mode audit are weighed in a second pan: `would` starts as a copy of what is in force and
 * nothing flows back. Effects are sets, so the order of rules cannot matter. Any path that does not
 * reach the allow at the end leaves the zeroed decision: deny. */
#include "policy/eval.h"

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
    struct eval eval;
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

static void pan_add(struct pan *pan, const struct rule *rule)
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
static void weigh_value(struct weighing *w, const struct rule *rule, struct rule_value *out)
{
    int64_t until_s = w->eval.until_s;

    eval_rule(&w->eval, rule, out);
    if (rule->is_audit_only)
        w->eval.until_s = until_s;
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

static void find_openers(struct weighing *w)
{
    const struct index_list *bucket = &w->eval.app->bucket;
    struct rule_value v;

    if (!w->eval.facts->n_grants)
        return;
    for (size_t i = 0; i < bucket->n && w->n_openers < MAX_BREAK_GLASS; i++) {
        const struct rule *rule = &w->eval.policy->rules[bucket->items[i]];
        if (rule->effect != RULE_ALLOW || !rule->break_glass)
            continue;
        weigh_value(w, rule, &v);
        if (v.applies)
            w->openers[w->n_openers++] = rule;
    }
}

static void weigh(struct weighing *w, size_t index)
{
    const struct rule *rule = &w->eval.policy->rules[index];
    bool is_require = rule->effect == RULE_REQUIRE;
    struct rule_value v;

    weigh_value(w, rule, &v);
    if (v.binds && !rule->is_audit_only)
        merge_add(&w->merge, rule->session);
    if (!v.applies)
        return;
    if (!rule->is_audit_only && !(is_require && skips(w, index, false)))
        pan_add(&w->real, rule);
    if (!(is_require && skips(w, index, true)))
        pan_add(&w->would, rule);
}

/* A visit without identity, on a public path: only a deny of `anyone` has a say. */
static bool has_say(const struct rule *rule, bool is_public)
{
    return !is_public || (rule->effect == RULE_DENY && rule->who->anyone);
}

static void bound_by_session(struct weighing *w, const struct policy_obligations *o)
{
    const struct policy_identity *id = w->eval.identity;

    if (!id)
        return;
    int64_t login_s = id->login_s ? id->login_s : id->auth_time_s;
    if (o->max_s && login_s)
        eval_until(&w->eval, login_s + o->max_s);
    if (o->idle_s)
        eval_until(&w->eval, w->eval.now_s + o->idle_s);
    if (id->expires_s)
        eval_until(&w->eval, id->expires_s);
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
    out->valid_until_s = w->eval.until_s == INT64_MAX ? 0 : w->eval.until_s;
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

void policy_decide(const struct policy *p, const struct policy_facts *facts,
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

    const struct app *app = &p->apps[request->app->index];
    eval_init(&w.eval, p, facts, app);
    w.real = w.would = (struct pan){0};
    w.n_openers = 0;
    w.merge = (struct merge){.max_s = -1, .idle_s = -1};
    if (is_public)
        w.eval.identity = NULL;
    else
        find_openers(&w);
    for (size_t i = 0; i < app->bucket.n; i++)
        if (has_say(&p->rules[app->bucket.items[i]], is_public))
            weigh(&w, app->bucket.items[i]);
    write_decision(&w, is_public, out);
}

str policy_rule_digest(const struct policy *p, str rule_id)
{
    const struct rule *rule = map_get(&p->rules_by_id, rule_id);

    return rule ? rule->text_digest : (str){NULL, 0};
}

bool policy_app_wants_device(const struct policy *p, const struct policy_app *app)
{
    const struct index_list *bucket = &p->apps[app->index].bucket;

    for (size_t i = 0; i < bucket->n; i++)
        if (p->rules[bucket->items[i]].device)
            return true;
    return false;
}
