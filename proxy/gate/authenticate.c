/* Authenticate: one visit, one credential (authn.md section 1).
 *
 * A token that claims to be ours and fails is a refusal, never "nobody". A foreign Authorization
 * (Basic, or a Bearer of an issuer that is not ours) passes on and proves nothing. A Bearer too
 * long to be looked into may be ours: it fails and never passes on. The client never learns which
 * check failed; the record does. */
#include "proxy/gate/gate_impl.h"

/* The token of "Bearer TOKEN"; absent for any other scheme. */
static str bearer_of(str authorization)
{
    static const str scheme = STR("bearer");
    if (authorization.n <= scheme.n || !str_eq_nocase(str_upto(authorization, scheme.n), scheme))
        return (str){NULL, 0};
    /* A tab is no separator (RFC 9110 section 11.4), but there are servers that take it for one: a
     * token of ours behind it must not go upstream as somebody else's. */
    if (authorization.p[scheme.n] != ' ' && authorization.p[scheme.n] != '\t')
        return (str){NULL, 0};
    return str_trim(str_from(authorization, scheme.n), " \t");
}

static enum visit_outcome refuse_token(struct visit *v, enum token_verdict verdict)
{
    v->token = verdict;
    counter_add(&v->gate->options.counters->tokens_bad, 1);
    return visit_refuse(v, 401, policy_reason_code(POLICY_REASON_NO_IDENTITY),
                        STR("The access token that came with the request was not accepted."),
                        STR("Get a fresh one from whoever gave you this one."));
}

static size_t issuer_index(const struct snapshot *s, const struct snapshot_issuer *issuer)
{
    return (size_t)(issuer - s->issuers);
}

/* A key we do not have may be a new one: the issuer is asked once, the visit waits for it. */
static bool may_ask_keys(struct visit *v, enum token_verdict verdict, size_t issuer, str kid)
{
    if (verdict != TOKEN_UNKNOWN_KID || v->has_asked_keys || !v->gate->options.need_keys)
        return false;
    v->has_asked_keys = true;
    v->waits_issuer = issuer;
    v->gate->options.need_keys(v->gate->options.ctx, issuer, kid);
    return true;
}

static struct credential *remember(struct visit *v, const struct token_key *key,
                                   const struct snapshot_issuer *issuer, struct identity *id,
                                   int64_t now_s)
{
    const struct config *config = v->pin->snapshot->config;
    identity_match_services(id, config->services, config->n_services);
    struct credential *c =
        credential_create(id, issuer->config->issuer, NULL, gate_credential_scratch(v->gate));
    identity_unref(&id);
    /* Only what was verified with the keys of now: a visit that began under an older snapshot may
     * have used a key that was withdrawn since. */
    if (v->pin == v->gate->pin)
        token_cache_put(v->gate->tokens, key, credential_ref(c), c->facts.expires_s, now_s,
                        v->gate->keys_generation);
    return c;
}

/* PERMITTED with *out set, or NULL in *out for a token that is not ours; else refused or waiting.
 */
static enum visit_outcome prove(struct visit *v, str token, bool must_be_ours,
                                struct credential **out)
{
    struct gate *g = v->gate;
    const struct snapshot *s = v->pin->snapshot;
    int64_t now_s = v->wall_us / 1000000;
    *out = NULL;
    if (token.n > TOKEN_MAX_BYTES)
        return refuse_token(v, TOKEN_TOO_LONG);
    struct token_key key = token_key_of(token);
    /* A visit that began under an older snapshot than the gate's is judged without the cache. */
    struct credential *known =
        v->pin == g->pin ? token_cache_get(g->tokens, &key, now_s, g->keys_generation) : NULL;
    if (known) {
        counter_add(&g->options.counters->tokens_known, 1);
        *out = credential_ref(known);
        return VISIT_PERMITTED;
    }
    struct token_peek peek;
    const struct snapshot_issuer *issuer = NULL;
    if (token_peek(token, g->scratch, &peek) && peek.issuer.p)
        issuer = snapshot_issuer_by_iss(s, peek.issuer);
    if (!issuer) {
        v->has_foreign_token = peek.issuer.p != NULL;
        return must_be_ours ? refuse_token(v, TOKEN_ISSUER) : VISIT_PERMITTED;
    }
    struct identity *id = NULL;
    enum token_verdict verdict =
        token_verify(issuer->config->issuer, issuer->keys, token, TOKEN_KIND_ACCESS, now_s, &id);
    if (verdict == TOKEN_OK) {
        counter_add(&g->options.counters->tokens_verified, 1);
        *out = remember(v, &key, issuer, id, now_s);
        return VISIT_PERMITTED;
    }
    if (may_ask_keys(v, verdict, issuer_index(s, issuer), peek.kid))
        return visit_wait(v, s->config->limits.jwks_timeout_ms + 1000);
    return refuse_token(v, verdict);
}

static bool is_same_person(const struct credential *a, const struct credential *b)
{
    return str_eq(a->facts.issuer, b->facts.issuer) && str_eq(a->facts.subject, b->facts.subject);
}

/* Two proofs of two different people: nobody can say who this is. */
static enum visit_outcome refuse_two(struct visit *v)
{
    credential_unref(&v->who);
    return visit_refuse(v, 400, policy_reason_code(POLICY_REASON_INPUT_HEADER),
                        STR("The request carries proofs of two different identities."),
                        STR("Send one of them."));
}

/* Takes the reference; the first that came is the one that counts. */
static enum visit_outcome settle(struct visit *v, struct credential *next)
{
    bool is_first = next && !v->who;
    if (is_first)
        v->who = next;
    else if (next && !is_same_person(v->who, next)) {
        credential_unref(&next);
        return refuse_two(v);
    } else
        credential_unref(&next);
    return VISIT_PERMITTED;
}

/* Whoever carries a cookie away to another device is refused there; signing in again is the way
 * for a person whose certificate was renewed. */
static enum visit_outcome refuse_elsewhere(struct visit *v)
{
    static const struct policy_remedy again = {.kind = POLICY_REMEDY_SIGN_IN};
    visit_refuse(v, 403, "device.binding",
                 STR("This session was opened on another device, or with another certificate."),
                 STR("Sign in again on this device."));
    v->refusal.remedies = &again;
    v->refusal.n_remedies = 1;
    return VISIT_REFUSED;
}

static enum visit_outcome settle_session(struct visit *v, struct session *s)
{
    bool is_used = s && !v->who;
    enum visit_outcome outcome = settle(v, s ? credential_ref(s->who) : NULL);
    if (outcome != VISIT_PERMITTED || !is_used) {
        session_unref(&s);
        return outcome;
    }
    v->session = s;
    return session_is_elsewhere(v, s) ? refuse_elsewhere(v) : VISIT_PERMITTED;
}

/* For a page of ours: another device's session is nobody's, or nobody could ever sign in again. */
enum visit_outcome authenticate_page(struct visit *v)
{
    struct session *s = NULL;
    enum visit_outcome outcome = session_prove(v, &s);
    if (s && session_is_elsewhere(v, s)) {
        v->session_cause = "device.binding";
        session_unref(&s);
    }
    if (s) {
        v->session = s;
        v->who = credential_ref(s->who);
        session_touch(v->gate, s, v->wall_us / 1000000);
        session_refresh(v->gate, s, v->wall_us / 1000000);
    }
    return outcome;
}

enum visit_outcome authenticate(struct visit *v)
{
    struct credential *explicit_one = NULL, *bearer_one = NULL;
    struct session *session = NULL;
    enum visit_outcome outcome = VISIT_PERMITTED;
    /* On a public path an identity is neither used nor passed on, whoever comes. */
    v->is_public = policy_is_public_path(v->pin->snapshot->policy, v->app->policy, v->request.path);
    str bearer = bearer_of(v->request.authorization);
    if (v->is_public) {
        struct token_peek peek;
        if (bearer.p && token_peek(bearer, v->gate->scratch, &peek) && peek.issuer.p)
            v->took_authorization = snapshot_issuer_by_iss(v->pin->snapshot, peek.issuer) != NULL;
        v->took_authorization |= bearer.n > TOKEN_MAX_BYTES;
        return VISIT_PERMITTED;
    }
    if (v->request.token.p)
        outcome = prove(v, v->request.token, true, &explicit_one);
    if (outcome == VISIT_PERMITTED && bearer.p) {
        outcome = prove(v, bearer, false, &bearer_one);
        v->took_authorization = bearer_one != NULL;
    }
    if (outcome == VISIT_PERMITTED && v->request.cookie.p)
        outcome = session_prove(v, &session);
    if (outcome != VISIT_PERMITTED) {
        credential_unref(&explicit_one);
        credential_unref(&bearer_one);
        return outcome;
    }
    settle(v, explicit_one);
    outcome = settle(v, bearer_one);
    if (outcome == VISIT_PERMITTED)
        return settle_session(v, session);
    session_unref(&session);
    return outcome;
}
