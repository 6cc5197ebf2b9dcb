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

/* PERMITTED with *out set, or NULL in *out for a token that is not ours; else refused or waiting.
 */
static enum visit_outcome prove(struct visit *v, str token, bool must_be_ours,
                                struct credential **out)
{
    const struct snapshot *s = v->pin->snapshot;
    struct proof proof = {.issuer = NULL};
    struct identity *id = NULL;
    struct token_peek peek;
    *out = NULL;
    if (token.n > TOKEN_MAX_BYTES)
        return prove_refuse(v, TOKEN_TOO_LONG);
    proof.key = token_key_of(token);
    *out = prove_known(v, &proof.key);
    if (*out)
        return VISIT_PERMITTED;
    if (token_peek(token, v->gate->scratch, &peek) && peek.issuer.p)
        proof.issuer = snapshot_issuer_by_iss(s, peek.issuer);
    if (!proof.issuer) {
        v->has_foreign_token = peek.issuer.p != NULL;
        return must_be_ours ? prove_refuse(v, TOKEN_ISSUER) : VISIT_PERMITTED;
    }
    proof.kid = peek.kid;
    enum token_verdict verdict = token_verify(proof.issuer->config->issuer, proof.issuer->keys,
                                              token, TOKEN_KIND_ACCESS, v->wall_us / 1000000, &id);
    return prove_end(v, &proof, verdict, id, out);
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
static enum visit_outcome settle(struct visit *v, struct credential **next)
{
    bool is_same = !*next || !v->who || is_same_person(v->who, *next);
    if (is_same && !v->who) {
        v->who = *next;
        *next = NULL;
    }
    credential_unref(next);
    return is_same ? VISIT_PERMITTED : refuse_two(v);
}

/* Whoever carries a cookie away to another device is refused there; signing in again is the way
 * for a person whose certificate was renewed. */
static enum visit_outcome refuse_elsewhere(struct visit *v)
{
    static const struct policy_remedy again = {.kind = POLICY_REMEDY_SIGN_IN};
    v->device_record = posture_record(v, v->arena, v->wall_us / 1000000); /* which one it was */
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
    struct credential *who = s ? credential_ref(s->who) : NULL;
    enum visit_outcome outcome = settle(v, &who);
    if (outcome != VISIT_PERMITTED || !is_used) {
        session_unref(&s);
        return outcome;
    }
    v->session = s;
    return session_is_elsewhere(v, s) ? refuse_elsewhere(v) : VISIT_PERMITTED;
}

static void come_by_session(struct visit *v, struct session *s)
{
    v->session = s;
    v->who = credential_ref(s->who);
    /* Not touched: past a rule's idle the person is sent here, and would be let through for having
     * been here. */
    session_refresh(v->gate, s, v->wall_us / 1000000);
}

/* Whom the front names counts before a session, as with an app; but a session that is left over
 * from before there was a front must have an end, so on the way out it is the session that counts.
 */
static enum visit_outcome settle_page(struct visit *v, struct credential **asserted,
                                      struct session *s)
{
    bool is_way_out = str_eq(str_of(v->reason), STR("logout"));
    if (s && (!*asserted || is_way_out)) {
        credential_unref(asserted);
        come_by_session(v, s);
        return VISIT_PERMITTED;
    }
    bool is_two = s && !is_same_person(*asserted, s->who);
    session_unref(&s);
    v->who = *asserted;
    *asserted = NULL;
    return is_two ? refuse_two(v) : VISIT_PERMITTED;
}

/* For a page of ours: another device's session is nobody's, or nobody could ever sign in again. */
enum visit_outcome authenticate_page(struct visit *v)
{
    struct credential *asserted = NULL;
    struct session *s = NULL;
    enum visit_outcome outcome = assertion_prove(v, &asserted);
    if (outcome == VISIT_PERMITTED)
        outcome = session_prove(v, &s);
    if (s && session_is_elsewhere(v, s)) {
        v->session_cause = "device.binding";
        session_unref(&s);
    }
    if (outcome == VISIT_PERMITTED)
        return settle_page(v, &asserted, s);
    credential_unref(&asserted);
    session_unref(&s);
    return outcome;
}

/* On a public path an identity is neither used nor passed on, whoever comes. */
static enum visit_outcome pass_public(struct visit *v, str bearer)
{
    struct token_peek peek;
    if (bearer.p && token_peek(bearer, v->gate->scratch, &peek) && peek.issuer.p)
        v->took_authorization = snapshot_issuer_by_iss(v->pin->snapshot, peek.issuer) != NULL;
    v->took_authorization |= bearer.n > TOKEN_MAX_BYTES;
    return VISIT_PERMITTED;
}

/* All that came, in the order in which they count. */
struct proofs {
    struct credential *asserted, *explicit_one, *bearer_one;
    struct session *session;
};

static enum visit_outcome prove_all(struct visit *v, str bearer, struct proofs *p)
{
    enum visit_outcome outcome = assertion_prove(v, &p->asserted);
    if (outcome == VISIT_PERMITTED && v->request.token.p)
        outcome = prove(v, v->request.token, true, &p->explicit_one);
    if (outcome == VISIT_PERMITTED && bearer.p) {
        outcome = prove(v, bearer, false, &p->bearer_one);
        v->took_authorization = p->bearer_one != NULL;
    }
    if (outcome == VISIT_PERMITTED && v->request.cookie.p)
        outcome = session_prove(v, &p->session);
    return outcome;
}

enum visit_outcome authenticate(struct visit *v)
{
    struct proofs p = {.asserted = NULL};
    str bearer = bearer_of(v->request.authorization);
    v->is_public = policy_is_public_path(v->pin->snapshot->policy, v->app->policy, v->request.path);
    if (v->is_public)
        return pass_public(v, bearer);
    enum visit_outcome outcome = prove_all(v, bearer, &p);
    if (outcome == VISIT_PERMITTED)
        outcome = settle(v, &p.asserted);
    if (outcome == VISIT_PERMITTED)
        outcome = settle(v, &p.explicit_one);
    if (outcome == VISIT_PERMITTED)
        outcome = settle(v, &p.bearer_one);
    if (outcome == VISIT_PERMITTED)
        return settle_session(v, p.session);
    credential_unref(&p.asserted);
    credential_unref(&p.explicit_one);
    credential_unref(&p.bearer_one);
    session_unref(&p.session);
    return outcome;
}
