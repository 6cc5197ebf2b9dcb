/* Fuzz target: any bytes as what a provider or a browser may send in a log-in, a refresh or a
 * logout. Beside them go tokens whose signature is good, so that what lies behind is reached. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

#include "authn/oidc_inner.h"

enum { NOW_S = 1700000000 };

static const char KEYS[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\",\"x\":"
    "\"w4xhMLyowFazBarsZ7TCA9ebNmvOCS"
    "JXcCf1r6bLl08\",\"y\":\"Td0MtFcYY77LpCDKVU8TgXVkU_Ja2BxCtUJ6YqqfR98\"}]}";
static const char ID_TOKEN[] =
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkcC5le"
    "GFtcGxlIiwiYXVkIjoiZ2F0ZSIsInN1YiI6ImtpbSIsImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxNzAwM"
    "DAwMDAwLCJzaWQiOiJzMSIsImdyb3VwcyI6WyJhIl19.ZkFCERfr9us1svOpOc7-Z5r2SVgj0MSHCItw"
    "b4TDLGqvbf17HFb3y2xIHMOlPG2maqGqnjjx4f3GRBZ-DQmnsQ";
static const char CLAIMS[] =
    "{\"iss\":\"https://idp.example\",\"sub\":\"kim\",\"auth_time\":1699990000,\"email\":\"k@x\","
    "\"groups\":[\"a\"],\"_userinfo\":[\"groups\"]}";

static const struct issuer ISSUER = {
    .name = {"corp", 4}, .issuer = {"https://idp.example", 19}, .algs = ALG_DEFAULT};
static const struct oidc_client CLIENT = {.issuer = &ISSUER,
                                          .client_id = {"gate", 4},
                                          .client_secret = {"s3cret", 6},
                                          .auth = OIDC_AUTH_BASIC,
                                          .redirect_uri = {"https://gate.example/cb", 23},
                                          .from_userinfo = true};
static const struct oidc_provider PROVIDER = {
    .issuer = {"https://idp.example", 19},
    .authorization_endpoint = {"https://idp.example/auth", 24},
    .token_endpoint = {"https://idp.example/token", 25},
    .jwks_uri = {"https://idp.example/jwks", 24},
    .userinfo_endpoint = {"https://idp.example/me", 22},
    .par_endpoint = {"https://idp.example/par", 23}};

/* What a flow says must hold together, whatever went in. */
static enum oidc_step check(const struct oidc_flow *f, enum oidc_step step)
{
    const struct oidc_outcome *out = oidc_flow_outcome(f);
    str error = oidc_flow_error(f);
    MUST((out->identity != NULL) == (step == OIDC_DONE));
    MUST((oidc_flow_verdict(f) == OIDC_OK) == (step == OIDC_DONE));
    if (step == OIDC_DONE)
        MUST(str_eq(out->identity->subject, STR("kim")) && out->claims.n <= OIDC_MAX_CLAIMS);
    for (size_t i = 0; i < error.n; i++)
        MUST(error.p[i] > ' ' && error.p[i] < 0x7F && error.p[i] != '<');
    return step;
}

static enum oidc_step fetched(struct oidc_flow *f, const struct keyset *keys, int status, str body)
{
    return check(
        f, oidc_fetched(f, &CLIENT, &PROVIDER, keys, status, STR("application/json"), body, NOW_S));
}

static struct oidc_flow *refresh_begun(void)
{
    struct oidc_flow *f =
        oidc_refresh_create(&CLIENT, &PROVIDER, STR("r1"), STR("kim"), str_of(CLAIMS));
    MUST(oidc_begin(f, &CLIENT, &PROVIDER, NOW_S) == OIDC_FETCH);
    return f;
}

static void as_token_answer(str body, const struct keyset *keys)
{
    struct oidc_flow *f = refresh_begun();
    if (fetched(f, keys, 200, body) == OIDC_FETCH)
        MUST(fetched(f, keys, 200, STR("{\"sub\":\"kim\",\"groups\":[\"b\"]}")) == OIDC_DONE);
    MUST(oidc_flow_outcome(f)->refresh_token.n > 0);
    oidc_flow_destroy(&f);
    f = refresh_begun();
    MUST(fetched(f, keys, 400, body) == OIDC_FAILED);
    MUST(fetched(f, keys, 200, body) == OIDC_FAILED);
    oidc_flow_destroy(&f);
}

static void as_userinfo(str body, const struct keyset *keys)
{
    char answer[1024];
    struct oidc_flow *f = refresh_begun();
    int n = snprintf(answer, sizeof answer,
                     "{\"access_token\":\"at\",\"token_type\":\"Bearer\",\"id_token\":\"%s\"}",
                     ID_TOKEN);
    MUST(fetched(f, keys, 200, (str){answer, (size_t)n}) == OIDC_FETCH);
    if (fetched(f, keys, 200, body) == OIDC_DONE) {
        const struct oidc_outcome *out = oidc_flow_outcome(f);
        struct identity *again = identity_from_claims(&ISSUER, out->claims, NULL);
        MUST(again && again->n_claims == out->identity->n_claims);
        MUST(again->has_auth_time && again->auth_time_s == 1699990000);
        identity_unref(&again);
    }
    oidc_flow_destroy(&f);
}

/* A flow that waits for its browser. */
static struct oidc_flow *login_begun(const struct keyset *keys, str par)
{
    struct oidc_flow *f = oidc_login_create(&CLIENT, &PROVIDER, NULL);
    MUST(oidc_begin(f, &CLIENT, &PROVIDER, NOW_S) == OIDC_FETCH);
    if (fetched(f, keys, 201, par) == OIDC_REDIRECT)
        return f;
    oidc_flow_destroy(&f);
    return NULL;
}

static void as_browser(str query, const struct keyset *keys)
{
    struct arena a;
    arena_init(&a, NULL, 0);
    struct oidc_flow *f = login_begun(keys, query);
    if (!f)
        f = login_begun(keys, STR("{\"request_uri\":\"urn:x\",\"expires_in\":60}"));
    str head = arena_printf(&a, "state=%.*s&", STR_ARG(oidc_flow_state(f)));
    char *bytes = arena_text(&a, head.n + query.n);
    memcpy(bytes, head.p, head.n);
    memcpy(bytes + head.n, query.n ? query.p : "", query.n);
    str whole = {bytes, head.n + query.n}, found = oidc_query_state(whole, &a);
    enum oidc_step step = check(f, oidc_answered(f, &CLIENT, &PROVIDER, whole, NOW_S));
    MUST(step == OIDC_FAILED || (step == OIDC_FETCH && str_eq(found, oidc_flow_state(f))));
    oidc_flow_destroy(&f);
    oidc_query_state(query, &a);
    arena_finish(&a);
}

static void as_form(str form, const struct keyset *keys)
{
    struct arena a;
    struct oidc_form read, again;
    struct oidc_logout out;
    arena_init(&a, NULL, 0);
    if (oidc_form_read(&a, form, &read)) {
        str text = oidc_form_write(&a, read.fields, read.n);
        if (text.n <= OIDC_MAX_FORM)
            MUST(oidc_form_read(&a, text, &again) && again.n == read.n);
    }
    if (oidc_logout_read(&CLIENT, keys, form, NOW_S, &a, &out) == TOKEN_OK)
        MUST(out.jti.n > 0 && (out.subject.n > 0 || out.sid.n > 0));
    arena_finish(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct keyset *keys;
    str text = {(const char *)data, n};
    if (!keys)
        keys = keyset_parse(str_of(KEYS), NULL);
    MUST(keys != NULL);
    as_token_answer(text, keys);
    as_userinfo(text, keys);
    as_browser(text, keys);
    as_form(text, keys);
    struct identity *id = identity_from_claims(&ISSUER, text, NULL);
    MUST(!id || (id->subject.n > 0 && id->subject.n <= TOKEN_MAX_SUBJECT));
    identity_unref(&id);
    return 0;
}
