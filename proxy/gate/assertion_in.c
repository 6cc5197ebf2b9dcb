/* The identity that a front asserts in a signed header (authn.md section 5).
 *
 * It is read by the one issuer that the listener names, never by the token's own `iss`, and no
 * Bearer is ever read by an issuer that a front implies. One team key of a vendor signs for all of
 * its applications: which of them a header was made for, its audience tells, so that where the
 * configuration names an audience for each app, no other one opens it. */
#include "proxy/gate/gate_impl.h"

/* How long a visit may last by headers that came once. */
enum { SERVED_CREDENTIAL_S = 24 * 3600 };

static const struct config_listener *listener_of(const struct visit *v)
{
    const struct snapshot *s = v->pin->snapshot;
    return v->request.listener < s->n_listeners ? &s->listeners[v->request.listener] : NULL;
}

/* The same text as a Bearer, or before another front, is another proof: it is remembered apart. */
static struct token_key key_of(str token, const struct snapshot_issuer *issuer)
{
    struct token_key key = token_key_of(token);
    struct token_key front = token_key_of(str_of(issuer->config->trust));
    for (size_t i = 0; i < sizeof key.bytes; i++)
        key.bytes[i] ^= front.bytes[i];
    return key;
}

static str kid_of(struct visit *v, const struct config_listener *l, str token)
{
    struct token_peek peek;
    str kid = {NULL, 0};
    if (l->front == FRONT_AWS_ALB)
        return alb_peek_kid(token, v->gate->scratch, &kid) ? kid : (str){NULL, 0};
    return token_peek(token, v->gate->scratch, &peek) ? peek.kid : kid;
}

static enum visit_outcome verify(struct visit *v, const struct config_listener *l,
                                 const struct snapshot_issuer *issuer, str token,
                                 struct credential **out)
{
    int64_t now_s = v->wall_us / 1000000;
    struct identity *id = NULL;
    struct proof proof = {.issuer = issuer, .key = key_of(token, issuer)};
    *out = prove_known(v, &proof.key);
    if (*out)
        return VISIT_PERMITTED;
    enum token_verdict verdict =
        l->front == FRONT_AWS_ALB
            ? alb_verify(issuer->config->issuer, issuer->keys, token, now_s, &id)
            : token_verify(issuer->config->issuer, issuer->keys, token, TOKEN_KIND_ACCESS, now_s,
                           &id);
    if (verdict == TOKEN_UNKNOWN_KID)
        proof.kid = kid_of(v, l, token);
    return prove_end(v, &proof, verdict, id, out);
}

/* ---- headers that nobody signs: who may write them is the proof ---- */

/* A header's value has no line ends. */
static str served_text(struct visit *v)
{
    const struct gate_request *r = &v->request;
    return arena_printf(v->arena, "%.*s\n%.*s\n%.*s", STR_ARG(r->assertion),
                        STR_ARG(r->asserted_name), STR_ARG(r->asserted_picture));
}

static enum visit_outcome take_served(struct visit *v, const struct snapshot_issuer *issuer,
                                      struct credential **out)
{
    const struct gate_request *r = &v->request;
    int64_t now_s = v->wall_us / 1000000;
    struct proof proof = {.issuer = issuer, .key = key_of(served_text(v), issuer)};
    *out = prove_known(v, &proof.key);
    if (*out)
        return VISIT_PERMITTED;
    struct identity *id = whois_served(issuer->config->issuer, r->assertion, r->asserted_name,
                                       r->asserted_picture, now_s + SERVED_CREDENTIAL_S);
    return id ? prove_end(v, &proof, TOKEN_OK, id, out) : prove_refuse(v, TOKEN_SUBJECT);
}

/* ---- what the vendor's token is for ---- */

static bool claim_has(const struct credential *c, str name, str wanted)
{
    for (size_t i = 0; i < c->facts.n_claims; i++) {
        const struct policy_value *value = &c->facts.claims[i].value;
        if (!str_eq(c->facts.claims[i].name, name))
            continue;
        if (value->kind == POLICY_VALUE_TEXT)
            return str_eq(value->text, wanted);
        for (size_t k = 0; value->kind == POLICY_VALUE_LIST && k < value->n; k++)
            if (value->items[k].kind == POLICY_VALUE_TEXT && str_eq(value->items[k].text, wanted))
                return true;
        return false;
    }
    return false;
}

/* On an app's host that app's alone; the portal opens no app by itself and takes each of those that
 * are listed. */
static bool is_for_app(const struct visit *v, const struct config_assertion *a,
                       const struct credential *c)
{
    const struct snapshot *s = v->pin->snapshot;
    const struct app *app = v->app ? v->app : snapshot_app_by_host(s, v->request.host);
    for (size_t i = 0; app && i < a->n_audiences; i++)
        if (str_eq(a->audiences[i].app, app->name))
            return claim_has(c, STR("aud"), a->audiences[i].audience);
    return !app || a->n_audiences == 0;
}

static enum visit_outcome judge(struct visit *v, const struct config_listener *l,
                                struct credential **c)
{
    enum token_verdict verdict = TOKEN_OK;
    /* the team's own pages get tokens of type org, signed by the same key */
    if (l->front == FRONT_CLOUDFLARE && !claim_has(*c, STR("type"), STR("app")))
        verdict = TOKEN_TYP;
    else if (!is_for_app(v, &l->assertion, *c))
        verdict = TOKEN_AUDIENCE;
    if (verdict == TOKEN_OK)
        return VISIT_PERMITTED;
    credential_unref(c);
    return prove_refuse(v, verdict);
}

static enum visit_outcome prove_header(struct visit *v, const struct config_listener *l,
                                       const struct snapshot_issuer *issuer,
                                       struct credential **out)
{
    if (!issuer)
        return prove_refuse(v, TOKEN_ISSUER);
    if (v->request.assertion.n > TOKEN_MAX_BYTES)
        return prove_refuse(v, TOKEN_TOO_LONG);
    if (l->assertion.is_served)
        return take_served(v, issuer, out);
    enum visit_outcome outcome = verify(v, l, issuer, v->request.assertion, out);
    return outcome == VISIT_PERMITTED ? judge(v, l, out) : outcome;
}

/* PERMITTED with *out set, or NULL in *out when the front asserts nobody; refused; or waiting. */
enum visit_outcome assertion_prove(struct visit *v, struct credential **out)
{
    const struct config_listener *l = listener_of(v);
    *out = NULL;
    if (!l || !l->assertion.issuer.p)
        return VISIT_PERMITTED;
    const struct snapshot_issuer *issuer =
        snapshot_issuer_by_name(v->pin->snapshot, l->assertion.issuer);
    if (l->front == FRONT_TAILSCALE && !l->assertion.is_served) {
        enum visit_outcome outcome = issuer ? whois_prove(v, l, out) : VISIT_PERMITTED;
        v->is_asserted = *out != NULL;
        return outcome;
    }
    v->is_asserted = v->request.assertion.p != NULL;
    return v->is_asserted ? prove_header(v, l, issuer, out) : VISIT_PERMITTED;
}
