/* Prove: what the readers of tokens share, whichever way a token came: the cache, what is made of a
 * good one, and a bad one's end. */
#include "proxy/gate/gate_impl.h"

enum visit_outcome prove_refuse(struct visit *v, enum token_verdict verdict)
{
    v->token = verdict;
    counter_add(&v->gate->options.counters->tokens_bad, 1);
    return visit_refuse(v, 401, policy_reason_code(POLICY_REASON_NO_IDENTITY),
                        STR("The access token that came with the request was not accepted."),
                        STR("Get a fresh one from whoever gave you this one."));
}

/* A visit that began under an older snapshot than the gate's is judged without the cache. */
struct credential *prove_known(struct visit *v, const struct token_key *key)
{
    struct gate *g = v->gate;
    if (v->pin != g->pin)
        return NULL;
    struct credential *known =
        token_cache_get(g->tokens, key, v->wall_us / 1000000, g->keys_generation);
    if (known)
        counter_add(&g->options.counters->tokens_known, 1);
    return known ? credential_ref(known) : NULL;
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

struct credential *prove_make(const struct snapshot *s, struct gate *g,
                              const struct snapshot_issuer *issuer, struct identity *id)
{
    const struct config *config = s->config;
    struct credential *c = NULL;
    identity_match_services(id, config->services, config->n_services);
    if (!id->is_service_only || id->is_machine)
        c = credential_create(id, issuer->config->issuer, NULL, gate_credential_scratch(g));
    identity_unref(&id);
    return c;
}

static enum visit_outcome take_good(struct visit *v, const struct proof *proof, struct identity *id,
                                    struct credential **out)
{
    struct gate *g = v->gate;
    counter_add(&g->options.counters->tokens_verified, 1);
    struct credential *c = prove_make(v->pin->snapshot, g, proof->issuer, id);
    if (!c) /* a service that nobody has entered */
        return prove_refuse(v, TOKEN_SUBJECT);
    /* Only what was verified with the keys of now: a visit that began under an older snapshot may
     * have used a key that was withdrawn since. */
    if (v->pin == g->pin)
        token_cache_put(g->tokens, &proof->key, credential_ref(c), c->facts.expires_s,
                        v->wall_us / 1000000, g->keys_generation);
    *out = c;
    return VISIT_PERMITTED;
}

enum visit_outcome prove_end(struct visit *v, const struct proof *proof, enum token_verdict verdict,
                             struct identity *id, struct credential **out)
{
    const struct snapshot *s = v->pin->snapshot;
    size_t index = (size_t)(proof->issuer - s->issuers);
    if (verdict == TOKEN_OK)
        return take_good(v, proof, id, out);
    if (may_ask_keys(v, verdict, index, proof->kid))
        return visit_wait(v, s->config->limits.jwks_timeout_ms + 1000);
    return prove_refuse(v, verdict);
}
