/* decide: one request against the rules of its app. Any path that does not reach the allow at the
 * end leaves the zeroed decision: deny. */
#include "policy/weigh.h"

/* The ids are not read before they are written. */
static void pan_init(struct pan *pan)
{
    pan->has_deny = pan->has_require = pan->has_allow = false;
    pan->n_refusing = pan->n_allowing = 0;
}

static enum policy_reason pan_reason(const struct pan *pan)
{
    if (pan->has_deny)
        return POLICY_REASON_DENY_RULE;
    if (pan->has_require)
        return POLICY_REASON_REQUIRE_FAILED;
    return pan->has_allow ? POLICY_REASON_ALLOW : POLICY_REASON_DEFAULT_DENY;
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

static void bound_by_session(struct weighing *w, const struct policy_obligations *o)
{
    const struct policy_subject *s = w->asking.subject;
    struct eval *e = &w->asking.eval;
    const struct policy_identity *id = e->identity;
    int64_t login_s, ends_s;

    if (!id)
        return;
    /* A subject is in the cache by now, the identity may not be. */
    login_s = s ? s->login_s : id->login_s ? id->login_s : id->auth_time_s;
    ends_s = s ? s->ends_s : id->expires_s;
    if (o->max_s && login_s)
        eval_until(e, login_s + o->max_s);
    if (o->idle_s)
        eval_until(e, e->now_s + o->idle_s);
    if (ends_s)
        eval_until(e, ends_s);
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
    memcpy(out->would_rules, is_allow ? would->allowing : would->refusing,
           out->n_would_rules * sizeof *out->would_rules);
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
    memcpy(out->rules, is_allow ? pan->allowing : pan->refusing, out->n_rules * sizeof *out->rules);
    bound_by_session(w, &out->obligations);
    out->valid_until_s = w->asking.eval.until_s == INT64_MAX ? 0 : w->asking.eval.until_s;
    write_would(w->has_would ? &w->would : pan, out);
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
    const struct app_index *index = &p->compiled->apps[request->app->index];
    is_public = index->has_public_path && request->protocol == POLICY_HTTP &&
                policy_is_public_path(p, request->app, request->path);
    out->reason = POLICY_REASON_NO_IDENTITY;
    if (!facts->identity && !is_public)
        return;
    out->reason = POLICY_REASON_DEFAULT_DENY;
    if (request->protocol == POLICY_SSH && !app_has_login(request->app, request->login))
        return;

    size_t app = request->app->index;
    asking_init(&w.asking, p, facts, &p->apps[app], is_public);
    w.is_plain = is_plain;
    w.has_would = index->has_audit;
    pan_init(&w.real);
    pan_init(&w.would);
    w.n_openers = 0;
    w.merge = (struct merge){.max_s = -1, .idle_s = -1};
    weigh_all(&w, index, is_public);
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
    uint32_t rule = compiled_find(p, rule_id);
    const struct rule_extra *extra =
        rule == COMPILED_NONE ? NULL : compiled_extra(p->compiled, rule);

    return extra ? extra->digest : (str){NULL, 0};
}

bool policy_app_wants_device(const struct policy *p, const struct policy_app *app)
{
    return p->compiled->apps[app->index].wants_device;
}

bool policy_app_has_audit(const struct policy *p, const struct policy_app *app)
{
    return p->compiled->apps[app->index].has_audit;
}

bool policy_app_wants_grants(const struct policy *p, const struct policy_app *app)
{
    return p->compiled->apps[app->index].wants_grants;
}
