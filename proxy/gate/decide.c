/* Decide: facts in, verdict out; and again for visits that last. */
#include "proxy/gate/gate_impl.h"

#include <stdio.h>
#include <time.h>

static struct policy_request policy_request_of(const struct visit *v, const struct policy_app *app)
{
    return (struct policy_request){
        .app = app,
        .protocol = POLICY_HTTP,
        .method = v->request.method,
        .path = v->request.path,
        .from = v->request.client,
    };
}

struct policy_facts decide_facts(const struct visit *v, const struct policy_request *r,
                                 int64_t wall_us, struct arena *a)
{
    struct policy_facts facts = {
        .identity = v->who && !v->is_public ? &v->who->facts : NULL,
        .devices = v->devices,
        .n_devices = v->n_devices,
        .request = r,
        .now_us = wall_us,
        .clock_is_good = gate_clock_is_good(v->gate, wall_us),
    };
    if (v->session && facts.identity) {
        facts.n_grants = session_grants(v->session, r->app->name, a, &facts.grants);
        facts.purpose = session_purpose(v->session, r->app->name);
    } else if (facts.identity) {
        person_grants_tell(v, r->app->name, a, &facts);
    }
    return facts;
}

static str until_text(struct arena *a, int64_t until_s)
{
    struct tm tm;
    time_t t = (time_t)until_s;
    char text[64];
    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm);
    return arena_printf(a, "Try again after %s.", text);
}

/* Whom a page may send to a log-in: not who came with a token or was named by the front, and nobody
 * where there is none. */
static bool may_sign_in(const struct visit *v)
{
    const struct snapshot *s = v->gate->pin->snapshot;
    return s->config->portal.host.n && (v->session || (!v->who && !v->is_asserted));
}

str visit_front(const struct visit *v)
{
    const struct snapshot *s = v->gate->pin->snapshot;
    str name = {NULL, 0};
    if (!v->is_asserted || v->session)
        return name;
    if (v->request.listener < s->n_listeners)
        name = s->listeners[v->request.listener].assertion.issuer;
    const struct snapshot_issuer *issuer = name.p ? snapshot_issuer_by_name(s, name) : NULL;
    return issuer && issuer->config->title.n ? issuer->config->title : name;
}

/* What a front has proved, only the front can prove again. */
static str remedy_at_front(const struct visit *v, str front, const char *how)
{
    return arena_printf(v->arena, "Sign in again%s at %.*s, which tells us who you are.", how,
                        STR_ARG(front));
}

static str remedy_text(const struct visit *v, const struct policy_remedy *r)
{
    struct arena *a = v->arena;
    str front = visit_front(v);
    switch (r->kind) {
    case POLICY_REMEDY_NONE:
        break;
    case POLICY_REMEDY_SIGN_IN:
        if (front.p)
            return remedy_at_front(v, front, "");
        return may_sign_in(v) ? STR("Sign in.")
                              : STR("Ask whoever gave you this address for an access token.");
    case POLICY_REMEDY_STEP_UP:
        if (front.p)
            return remedy_at_front(v, front, " with a second factor");
        return may_sign_in(v) ? STR("Sign in again with a second factor.")
                              : STR("Get a new access token by signing in with a second factor.");
    case POLICY_REMEDY_REQUEST_APPROVAL:
        return STR("Ask for approval.");
    case POLICY_REMEDY_STATE_PURPOSE:
        return STR("State the purpose of your visit.");
    case POLICY_REMEDY_OPEN_BREAK_GLASS:
        return STR("In an emergency, open break-glass access with a reason.");
    case POLICY_REMEDY_FIX_DEVICE:
        if (str_eq(r->attribute, STR("device")))
            return STR("The state of your device must be known, and nothing reports it here.");
        return arena_printf(a, "Your device must report %.*s%s%.*s.", STR_ARG(r->attribute),
                            r->wanted.n ? ": " : "", STR_ARG(r->wanted));
    case POLICY_REMEDY_WAIT_UNTIL:
        return until_text(a, r->until_s);
    case POLICY_REMEDY_CONTACT:
        return arena_printf(a, "Ask %.*s.", STR_ARG(r->owner));
    }
    return (str){NULL, 0};
}

static str all_remedies(const struct visit *v, const struct policy_explanation *e)
{
    str all = {NULL, 0};
    for (size_t i = 0; i < e->n_remedies && i < 4; i++) {
        str one = remedy_text(v, &e->remedies[i]);
        if (one.n)
            all = all.n ? arena_printf(v->arena, "%.*s %.*s", STR_ARG(all), STR_ARG(one)) : one;
    }
    return all;
}

static str refusal_sentence(const struct visit *v, enum policy_reason reason)
{
    switch (reason) {
    case POLICY_REASON_NO_IDENTITY:
        if (v->session_cause)
            return STR("Your session has ended.");
        if (may_sign_in(v))
            return STR("You are not signed in.");
        return STR("This app takes an access token, and none that counts here came with the "
                   "request. There is no page to sign in on.");
    case POLICY_REASON_DENY_RULE:
        return STR("A rule of this organisation forbids this visit.");
    case POLICY_REASON_REQUIRE_FAILED:
        return STR("A requirement for this app is not met.");
    case POLICY_REASON_DEFAULT_DENY:
        return STR("No rule gives you access to this.");
    default:
        return STR("The request was refused.");
    }
}

static uint16_t refusal_status(enum policy_reason reason)
{
    switch (reason) {
    case POLICY_REASON_NO_IDENTITY:
        return 401;
    case POLICY_REASON_INPUT_HOST:
        return 421;
    case POLICY_REASON_INPUT_PATH:
    case POLICY_REASON_INPUT_METHOD:
    case POLICY_REASON_INPUT_HEADER:
        return 400;
    case POLICY_REASON_NO_POLICY:
        return 503;
    default:
        return 403;
    }
}

/* One cause more, of ours: the session or the certificate that came does not count. */
static void add_cause(struct visit *v, const char *cause)
{
    str *all = arena_array(v->arena, str, v->n_causes + 1);
    all[0] = str_of(cause);
    for (size_t i = 0; i < v->n_causes; i++)
        all[i + 1] = v->causes[i];
    v->causes = all;
    v->n_causes++;
}

static bool is_about_device(const struct visit *v)
{
    for (size_t i = 0; i < v->n_causes; i++)
        if (str_starts(v->causes[i], STR("device")))
            return true;
    return false;
}

/* What was wrong with the certificate, for the person to tell whoever looks after the device. */
static str certificate_text(const struct visit *v)
{
    for (int i = CERT_NONE; i < CERT_VERDICT_COUNT; i++)
        if (strcmp(v->device_cause, cert_verdict_code(i)) == 0)
            return arena_printf(v->arena,
                                "The certificate that your device showed does not count: %s.",
                                cert_verdict_text(i));
    return (str){NULL, 0};
}

/* The slow path: why not, in causes for the record and words for the person. */
static enum visit_outcome refuse(struct visit *v, const struct policy_facts *facts)
{
    struct policy_explanation e;
    enum policy_reason reason = v->decision.reason;
    policy_explain_briefly(v->pin->snapshot->policy, facts, v->arena, &e);
    v->causes = e.causes;
    v->n_causes = e.n_causes;
    if (v->session_cause && reason == POLICY_REASON_NO_IDENTITY)
        add_cause(v, v->session_cause);
    if (v->device_cause && is_about_device(v))
        add_cause(v, v->device_cause);
    visit_refuse(v, refusal_status(reason), policy_reason_code(reason), refusal_sentence(v, reason),
                 all_remedies(v, &e));
    if (v->device_cause && is_about_device(v)) {
        str text = certificate_text(v), rest = v->refusal.remedy;
        if (text.n)
            v->refusal.remedy = arena_printf(v->arena, "%.*s %.*s", STR_ARG(text), STR_ARG(rest));
    }
    v->refusal.remedies = e.remedies;
    v->refusal.n_remedies = e.n_remedies;
    return VISIT_REFUSED;
}

/* The proof is older than `session: {max}` of the rules that apply: the person signs in again. */
static bool is_signed_in_too_long(const struct visit *v, const struct policy_decision *d,
                                  int64_t now_s)
{
    if (!v->who || v->session || v->is_public || !d->obligations.max_s)
        return false;
    const struct policy_identity *id = &v->who->facts;
    int64_t since_s = id->login_s ? id->login_s : id->auth_time_s;
    return since_s && now_s >= since_s + d->obligations.max_s;
}

static enum visit_outcome refuse_stale(struct visit *v)
{
    str front = visit_front(v);
    v->decision.effect = POLICY_DENY;
    v->decision.reason = POLICY_REASON_NO_IDENTITY;
    if (front.p)
        return visit_refuse(v, 401, policy_reason_code(POLICY_REASON_NO_IDENTITY),
                            STR("You signed in longer ago than this app allows."),
                            remedy_at_front(v, front, ""));
    return visit_refuse(v, 401, policy_reason_code(POLICY_REASON_NO_IDENTITY),
                        STR("The sign-in behind this access token is longer ago than the app "
                            "allows."),
                        STR("Get a new access token by signing in again."));
}

static enum visit_outcome refuse_past(struct visit *v, enum session_limit limit)
{
    static const struct policy_remedy again = {.kind = POLICY_REMEDY_SIGN_IN};
    v->session_cause = session_limit_cause(limit);
    v->decision.effect = POLICY_DENY;
    v->decision.reason = POLICY_REASON_NO_IDENTITY;
    add_cause(v, v->session_cause);
    visit_refuse(v, 401, policy_reason_code(POLICY_REASON_NO_IDENTITY),
                 limit == SESSION_PAST_MAX
                     ? STR("You signed in longer ago than this app allows.")
                     : STR("You have been away for longer than this app allows."),
                 STR("Sign in again."));
    v->refusal.remedies = &again;
    v->refusal.n_remedies = 1;
    return VISIT_REFUSED;
}

static void bound(struct policy_decision *d, int64_t until_s)
{
    if (!d->valid_until_s || until_s < d->valid_until_s)
        d->valid_until_s = until_s;
}

static void bound_by_certificate(const struct visit *v, struct policy_decision *d)
{
    if (v->device_by && v->request.cert && strcmp(v->device_by, "certificate") == 0)
        bound(d, v->request.cert->cert.not_after_s + 1);
}

/* Refused or not, the person is there; and a refusal may be for claims that are old. */
static void note_seen(struct visit *v)
{
    session_touch(v->gate, v->session, v->wall_us / 1000000);
    session_refresh(v->gate, v->session, v->wall_us / 1000000);
}

/* By the limits of the rules that apply, which only the decision tells. */
static enum visit_outcome judge_session(struct visit *v)
{
    struct gate *g = v->gate;
    int64_t now_s = v->wall_us / 1000000;
    enum session_limit limit = session_limit(g, v->session, &v->decision.obligations, now_s);
    if (limit == SESSION_MAY_BE_IDLE)
        return session_prove_again(v);
    if (limit != SESSION_GOOD)
        return refuse_past(v, limit);
    note_seen(v);
    bound(&v->decision, session_valid_until_s(g, v->session, &v->decision.obligations));
    return VISIT_PERMITTED;
}

/* Only where the outcome would be another: a refusal with one more reason is none. */
static void count_would(struct visit *v)
{
    struct counters *counters = v->gate->options.counters;
    const struct policy_decision *d = &v->decision;
    if (!d->has_would || d->would == d->effect)
        return;
    counter_add(d->would == POLICY_ALLOW ? &counters->would_allow : &counters->would_deny, 1);
}

enum visit_outcome decide(struct visit *v)
{
    struct policy_request r = policy_request_of(v, v->app->policy);
    struct policy_facts facts = decide_facts(v, &r, v->wall_us, v->arena);
    if (facts.identity && facts.clock_is_good)
        facts.subject = credential_subject(v->who, v->pin->snapshot->policy, facts.now_us);
    policy_decide(v->pin->snapshot->policy, &facts, &v->decision);
    v->reason = policy_reason_code(v->decision.reason);
    count_would(v);
    if (v->pin->snapshot->shadow)
        shadow_compare(v, &facts);
    if (v->decision.effect != POLICY_ALLOW) {
        if (v->session)
            note_seen(v);
        return refuse(v, &facts);
    }
    if (is_signed_in_too_long(v, &v->decision, v->wall_us / 1000000))
        return refuse_stale(v);
    bound_by_certificate(v, &v->decision);
    return v->session ? judge_session(v) : VISIT_PERMITTED;
}

/* The record's end tells the decision that ended it, and by which policy; its own snapshot may be
 * gone soon. */
static bool refuse_again(struct visit *v, const struct policy_decision *next)
{
    const struct snapshot *s = v->gate->pin->snapshot;
    v->outcome = VISIT_REFUSED;
    v->decision = *next;
    v->reason = policy_reason_code(next->reason);
    for (size_t i = 0; i < next->n_rules; i++)
        v->decision.rules[i] = arena_dup(v->arena, next->rules[i]);
    for (size_t i = 0; i < next->n_would_rules; i++)
        v->decision.would_rules[i] = arena_dup(v->arena, next->would_rules[i]);
    v->policy_digest = arena_dup(v->arena, str_of(s->policy_digest));
    v->policy_generation = s->policy_generation;
    return false;
}

static bool refuse_for(struct visit *v, enum policy_reason reason)
{
    return refuse_again(v, &(struct policy_decision){.reason = reason});
}

static bool refuse_session(struct visit *v, const char *cause)
{
    v->session_cause = cause;
    add_cause(v, v->session_cause);
    return refuse_for(v, POLICY_REASON_NO_IDENTITY);
}

/* One that may be idle stays until the store has said so: session_replace looks again. */
static bool is_session_good(struct visit *v, struct policy_decision *next, int64_t now_s)
{
    struct gate *g = v->gate;
    enum session_limit limit = session_limit(g, v->session, &next->obligations, now_s);
    if (limit == SESSION_PAST_MAX || limit == SESSION_PAST_IDLE)
        return refuse_session(v, session_limit_cause(limit));
    if (limit == SESSION_MAY_BE_IDLE)
        session_ask_again(g, v->session);
    bound(next, session_valid_until_s(g, v->session, &next->obligations));
    return true;
}

static bool is_same_upstream(const struct visit *v, const struct app *app)
{
    return !v->upstream.p || (str_eq(v->upstream, app->upstreams[0].text) &&
                              str_eq(v->upstream_tls, str_of(app->tls_digest)) &&
                              str_eq(v->upstream_name, app->tls_server_name));
}

/* The rules still allow it, but the app is not what it was when the visit began: what runs must be
 * what a new request would get. */
static bool displace(struct visit *v, enum visit_end *why, enum visit_end end, const char *reason)
{
    refuse_for(v, POLICY_REASON_NO_POLICY);
    counter_add(&v->gate->options.counters->visits_displaced, 1);
    v->reason = reason;
    *why = end;
    return false;
}

/* The token is not kept: what other settings of its issuer would read out of it, nobody can say. */
static bool is_same_trust(const struct visit *v, const struct snapshot *s)
{
    const struct snapshot_issuer *issuer = snapshot_issuer_by_name(s, v->who->facts.issuer_name);
    return issuer && str_eq(v->trust, str_of(issuer->config->trust)) &&
           (!v->who->facts.is_machine ||
            str_eq(v->services_trust, str_of(s->config->services_trust)));
}

/* By other rules for paths than it was read by, the path may be one that is refused. */
static bool is_same_path(struct visit *v, struct path_rules rules)
{
    str path;
    if (rules.pass_encoded_slash == v->path_rules.pass_encoded_slash &&
        rules.pass_params == v->path_rules.pass_params)
        return true;
    v->path_rules = rules;
    char *room = arena_text(v->arena, v->request.path_raw.n + 2);
    return path_normalise(v->request.path_raw, rules, room, &path) == PATH_OK &&
           str_eq(path, v->request.path);
}

/* By what is known of the device, and open for the person, now; that is gone again after the
 * decision, so that a visit of days does not gather it. */
static void decide_now(struct visit *v, const struct policy_request *r, int64_t wall_us,
                       struct policy_decision *out)
{
    char block[8192];
    struct arena a;
    struct posture_now known;
    arena_init(&a, block, sizeof block);
    posture_again(v, &a, wall_us / 1000000, &known);
    struct policy_facts facts = decide_facts(v, r, wall_us, &a);
    policy_decide(v->gate->pin->snapshot->policy, &facts, out);
    if (out->effect != POLICY_ALLOW && v->device_record.p)
        v->device_record = posture_record(v, v->arena, wall_us / 1000000);
    posture_restore(v, &known);
    arena_finish(&a);
}

bool decide_again(struct visit *v, enum visit_end *why)
{
    const struct snapshot *s = v->gate->pin->snapshot;
    int64_t wall_us = loop_wall_us(v->gate->options.loop);
    *why = END_POLICY;
    if (v->session && v->session->is_ended) {
        *why = END_SESSION;
        return refuse_session(v, "session.ended");
    }
    if (v->who && v->who->facts.expires_s <= wall_us / 1000000) {
        *why = END_EXPIRED;
        return refuse_for(v, POLICY_REASON_NO_IDENTITY);
    }
    if (v->who && !is_same_trust(v, s))
        return refuse_for(v, POLICY_REASON_NO_IDENTITY);
    if (!s->policy)
        return refuse_for(v, POLICY_REASON_NO_POLICY);
    const struct app *app = snapshot_app_by_host(s, v->request.host);
    if (!app || !str_eq(app->name, v->app_name))
        return displace(v, why, END_APP_GONE, policy_reason_code(POLICY_REASON_INPUT_HOST));
    if (!is_same_path(v, app->policy->path_rules))
        return refuse_for(v, POLICY_REASON_INPUT_PATH);
    struct policy_decision next;
    struct policy_request r = policy_request_of(v, app->policy);
    /* A path that became public stays the visit of the person who came; the reverse is decided as a
     * visit without identity, and refused. */
    v->is_public = v->is_public && policy_is_public_path(s->policy, app->policy, v->request.path);
    decide_now(v, &r, wall_us, &next);
    if (next.effect != POLICY_ALLOW)
        return refuse_again(v, &next);
    if (is_signed_in_too_long(v, &next, wall_us / 1000000)) {
        *why = END_EXPIRED;
        return refuse_for(v, POLICY_REASON_NO_IDENTITY);
    }
    if (v->session && !is_session_good(v, &next, wall_us / 1000000)) {
        *why = END_EXPIRED;
        return false;
    }
    if (v->request.is_websocket && !app->websocket)
        return displace(v, why, END_WEBSOCKET_OFF, "ws.off");
    if (!is_same_upstream(v, app))
        return displace(v, why, END_UPSTREAM_CHANGED, "upstream.changed");
    bound_by_certificate(v, &next);
    v->decision.valid_until_s = next.valid_until_s;
    return true;
}
