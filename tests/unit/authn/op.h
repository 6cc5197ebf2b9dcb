/* op: a provider and a client for the tests of the relying party, and the steps of a log-in in one
 * call each. At the fixed time of corp.h. */
#ifndef TESTS_UNIT_AUTHN_OP_H
#define TESTS_UNIT_AUTHN_OP_H

#include <stdlib.h>

#include "corp.h"

#define JSON STR("application/json")
#define CLIENT_ID "gate"

static const str OP_SCOPES[] = {{"profile", 7}, {"email", 5}};

struct op {
    struct issuer issuer;
    struct oidc_client client;
    struct oidc_provider provider;
    struct keyset *keys;
    struct signer signer;
    struct oidc_flow *flow;
};

static inline struct op op_make(void)
{
    struct op o = {.issuer = corp(), .signer = signer_make(ALG_ES256, "k")};
    o.keys = signer_keys(signer_jwk(&o.signer, ""), NULL);
    o.provider = (struct oidc_provider){.issuer = STR("https://idp.example"),
                                        .authorization_endpoint = STR("https://idp.example/auth"),
                                        .token_endpoint = STR("https://idp.example/token"),
                                        .jwks_uri = STR("https://idp.example/jwks")};
    o.client = (struct oidc_client){.client_id = STR(CLIENT_ID),
                                    .client_secret = STR("s3cret"),
                                    .auth = OIDC_AUTH_POST,
                                    .redirect_uri = STR("https://gate.example/cb"),
                                    .scopes = OP_SCOPES,
                                    .n_scopes = 2};
    return o;
}

/* Points into itself: to be called where the struct has come to rest. */
static inline struct op *op_settle(struct op *o)
{
    o->client.issuer = &o->issuer;
    return o;
}

static inline void op_finish(struct op *o)
{
    oidc_flow_destroy(&o->flow);
    keyset_unref(&o->keys);
}

static inline str text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline str text(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str s = arena_vprintf(&signer_arena, fmt, ap);
    va_end(ap);
    return s;
}

/* The decoded value of a parameter of a URL or form; "" when there is none. */
static inline const char *param(str query, const char *name)
{
    size_t at = str_find(query, '?');
    str rest = at < query.n ? str_from(query, at + 1) : query;
    while (rest.p) {
        str pair = str_cut(&rest, '&'), key = str_upto(pair, str_find(pair, '='));
        if (!str_eq(key, str_of(name)))
            continue;
        char *out = arena_text(&signer_arena, pair.n + 1), *o = out;
        for (const char *p = pair.p + key.n + 1; p < pair.p + pair.n; p++) {
            unsigned value = 0;
            if (*p == '%' && sscanf(p + 1, "%2x", &value) == 1)
                p += 2;
            *o++ = value ? (char)value : *p;
        }
        *o = '\0';
        return out;
    }
    return "";
}

static inline enum oidc_step op_begin(struct op *o, const struct oidc_wish *wish)
{
    oidc_flow_destroy(&o->flow);
    o->flow = oidc_login_create(&o->client, &o->provider, wish);
    return oidc_begin(o->flow, &o->client, &o->provider, NOW);
}

static inline enum oidc_step op_answer(struct op *o, const char *query)
{
    return oidc_answered(o->flow, &o->client, &o->provider, str_of(query), NOW);
}

static inline enum oidc_step op_fetched(struct op *o, int status, const char *type,
                                        const char *body)
{
    return oidc_fetched(o->flow, &o->client, &o->provider, o->keys, status, str_of(type),
                        str_of(body), NOW);
}

/* Up to the token request: code "c0de". */
static inline enum oidc_step op_to_token(struct op *o, const struct oidc_wish *wish)
{
    op_begin(o, wish);
    return op_answer(o, text("code=c0de&state=%.*s", STR_ARG(oidc_flow_state(o->flow))).p);
}

#define ID_AUD "\"aud\":\"" CLIENT_ID "\""
#define ID_GOOD ISS "," ID_AUD "," SUB "," EXP "," IAT

/* An ID token with these members; NONCE in it becomes the nonce of the flow. */
static inline const char *op_id_token(struct op *o, const char *members)
{
    const char *nonce = param(oidc_flow_url(o->flow), "nonce"), *at = strstr(members, "NONCE");
    str payload = at ? text("{%.*s%s%s}", (int)(at - members), members, nonce, at + 5)
                     : text("{%s}", members);
    return signer_token(&o->signer, payload.p).p;
}

static inline const char *token_answer(const char *id_token, const char *more)
{
    return text("{\"access_token\":\"at\",\"token_type\":\"Bearer\",\"id_token\":\"%s\"%s}",
                id_token, more)
        .p;
}

static inline void assert_login(const char *row, const struct op *o, enum oidc_verdict wanted)
{
    enum oidc_verdict found = oidc_flow_verdict(o->flow);
    if (found != wanted)
        fail_msg("row \"%s\": %s (%s), wanted %s", row, oidc_verdict_code(found),
                 token_verdict_code(oidc_flow_token_verdict(o->flow)), oidc_verdict_code(wanted));
}

#endif
