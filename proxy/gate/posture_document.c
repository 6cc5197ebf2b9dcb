/* Posture documents that came with the request: read like tokens of the source's issuer, and
 * remembered like them, since a browser sends the same one again and again. */
#include "proxy/gate/posture.h"

#include <stdlib.h>

/* In one block; its device's texts in the arena. */
struct document {
    struct arena arena;
    struct device device;
};

void posture_forget_document(void *value)
{
    struct document *d = value;
    arena_finish(&d->arena);
    free(d);
}

static struct document *read_document(const struct identity *id, const struct config_source *source,
                                      int64_t now_s)
{
    struct document *d = mem_alloc(sizeof *d);
    arena_init(&d->arena, NULL, 0);
    d->arena.chunk_bytes = 1024;
    if (posture_read(id, source->name, source->max_age_s, now_s, &d->arena, &d->device))
        return d;
    posture_forget_document(d);
    return NULL;
}

/* Whose it is, when anybody's. A document of another device than the certificate or the session
 * names was carried here: nobody can say what it speaks of. */
static void use(struct join *j, const struct device *d)
{
    const struct session *s = j->visit->session;
    str bound = s ? s->device_id : (str){NULL, 0};
    if (posture_is_elsewhere(j)) {
        j->cause = "device.binding";
        return;
    }
    if ((j->id.p && !str_eq(j->id, d->id)) || (bound.n && !str_eq(bound, d->id))) {
        j->cause = "posture.other-device";
        return;
    }
    if (!j->id.p) {
        j->id = arena_dup(j->arena, d->id);
        j->by = "posture";
    }
    posture_add(j, d);
}

static bool may_ask_keys(struct visit *v, size_t issuer, str kid)
{
    if (v->has_asked_keys || !v->gate->options.need_keys)
        return false;
    v->has_asked_keys = true;
    v->waits_issuer = issuer;
    v->gate->options.need_keys(v->gate->options.ctx, issuer, kid);
    return true;
}

static void refuse(struct join *j, const char *cause)
{
    counter_add(&j->visit->gate->options.counters->tokens_bad, 1);
    j->cause = cause;
}

static enum visit_outcome verify(struct join *j, const struct config_source *source, str token,
                                 const struct token_key *key)
{
    struct gate *g = j->visit->gate;
    const struct snapshot_issuer *issuer = &j->snapshot->issuers[source->issuer];
    struct identity *id = NULL;
    struct token_peek peek = {{NULL, 0}, {NULL, 0}};
    enum token_verdict verdict =
        token_verify(issuer->config->issuer, issuer->keys, token, TOKEN_KIND_ACCESS, j->now_s, &id);
    if (verdict == TOKEN_UNKNOWN_KID && token_peek(token, g->scratch, &peek) &&
        may_ask_keys(j->visit, source->issuer, peek.kid))
        return visit_wait(j->visit, j->snapshot->config->limits.jwks_timeout_ms + 1000);
    if (verdict != TOKEN_OK) {
        refuse(j, token_verdict_code(verdict));
        return VISIT_PERMITTED;
    }
    int64_t expires_s = id->exp_s;
    struct document *d = read_document(id, source, j->now_s);
    identity_unref(&id);
    if (!d) {
        refuse(j, "posture.stale");
        return VISIT_PERMITTED;
    }
    use(j, &d->device);
    /* As with tokens: not under an older snapshot than the gate's. */
    if (j->visit->pin == g->pin)
        token_cache_put(g->documents, key, d, expires_s, j->now_s, g->keys_generation);
    else
        posture_forget_document(d);
    return VISIT_PERMITTED;
}

static enum visit_outcome take(struct join *j, const struct gate_document *in)
{
    struct gate *g = j->visit->gate;
    const struct config_source *source = &j->snapshot->config->sources[in->source];
    if (source->issuer >= j->snapshot->n_issuers || in->token.n > TOKEN_MAX_BYTES) {
        refuse(j, token_verdict_code(TOKEN_TOO_LONG));
        return VISIT_PERMITTED;
    }
    struct token_key key = token_key_of(in->token);
    key.bytes[0] ^= (unsigned char)in->source; /* what one source says, no other has said */
    struct document *known = j->visit->pin == g->pin
                                 ? token_cache_get(g->documents, &key, j->now_s, g->keys_generation)
                                 : NULL;
    if (!known)
        return verify(j, source, in->token, &key);
    if (j->now_s - known->device.seen_s > source->max_age_s)
        refuse(j, "posture.stale");
    else
        use(j, &known->device);
    return VISIT_PERMITTED;
}

enum visit_outcome posture_documents(struct join *j)
{
    const struct gate_request *r = &j->visit->request;
    for (size_t i = 0; i < r->n_documents; i++) {
        enum visit_outcome outcome = take(j, &r->documents[i]);
        if (outcome != VISIT_PERMITTED)
            return outcome;
    }
    return VISIT_PERMITTED;
}
