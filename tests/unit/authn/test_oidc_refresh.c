/* A refresh: who comes back, with what, and what ends the grant. */
#include "op.h"

#include <stdio.h>

#define SESSION                                                                                    \
    "{" ID_GOOD ",\"auth_time\":1699990000,\"acr\":\"gold\",\"amr\":[\"otp\"],\"sid\":\"s1\","     \
    "\"groups\":[\"old\"]}"

static enum oidc_step begin(struct op *o, const char *claims)
{
    oidc_flow_destroy(&o->flow);
    o->flow = oidc_refresh_create(&o->client, &o->provider, STR("r1"), STR("kim"), str_of(claims));
    assert_false(oidc_flow_state(o->flow).p);
    return oidc_begin(o->flow, &o->client, &o->provider, NOW);
}

static void judges_the_answer(void **state)
{
    static const struct {
        int status;
        const char *members; /* of the ID token; NULL: none */
        const char *body;    /* instead; else an answer is made */
        enum oidc_verdict wanted;
        enum token_verdict token;
    } rows[] = {
        {200, ID_GOOD, NULL, OIDC_OK, TOKEN_OK},
        {200, NULL, NULL, OIDC_OK, TOKEN_OK},
        /* no nonce is needed (Core, 12.2), and one of another time does no harm */
        {200, ID_GOOD ",\"nonce\":\"of the log-in\"", NULL, OIDC_OK, TOKEN_OK},
        {200, ID_GOOD ",\"at_hash\":\"sda5G2fCr6XjIpiNlGJjjQ\"", NULL, OIDC_OK, TOKEN_OK},
        {200, ID_GOOD ",\"at_hash\":\"OAO0dgmipGQFRlmxSgzfug\"", NULL, OIDC_HASH, TOKEN_OK},
        {200, ISS "," ID_AUD ",\"sub\":\"Kim\"," EXP "," IAT, NULL, OIDC_OTHER_PERSON, TOKEN_OK},
        {200, "\"iss\":\"https://evil.example\"," ID_AUD "," SUB "," EXP "," IAT, NULL, OIDC_TOKEN,
         TOKEN_ISSUER},
        {200, ISS ",\"aud\":\"other\"," SUB "," EXP "," IAT, NULL, OIDC_TOKEN, TOKEN_AUDIENCE},
        {200, ID_GOOD ",\"azp\":\"other\"", NULL, OIDC_TOKEN, TOKEN_AZP},
        {200, ISS "," ID_AUD "," SUB ",\"exp\":1," IAT, NULL, OIDC_TOKEN, TOKEN_EXPIRED},
        {200, ISS "," ID_AUD "," SUB "," EXP ",\"iat\":1700000061", NULL, OIDC_TOKEN,
         TOKEN_NOT_YET},
        {400, NULL, "{\"error\":\"invalid_grant\"}", OIDC_GRANT_ENDED, TOKEN_OK},
        {401, NULL, "{\"error\":\"invalid_client\"}", OIDC_ERROR, TOKEN_OK},
        {400, NULL, "invalid_grant", OIDC_ERROR, TOKEN_OK},
        {500, NULL, "{\"error\":\"invalid_grant\"}", OIDC_UNREACHABLE, TOKEN_OK},
        {0, NULL, "", OIDC_UNREACHABLE, TOKEN_OK},
        {200, NULL, "{}", OIDC_ANSWER, TOKEN_OK},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct op o = op_make();
        const char *row = rows[i].members ? rows[i].members : text("row %zu", i).p;
        const char *body = "{\"access_token\":\"at\",\"token_type\":\"Bearer\"}";
        assert_row(row, begin(op_settle(&o), SESSION) == OIDC_FETCH);
        if (rows[i].members)
            body = token_answer(op_id_token(&o, rows[i].members), "");
        op_fetched(&o, rows[i].status, "application/json", rows[i].body ? rows[i].body : body);
        assert_login(row, &o, rows[i].wanted);
        assert_verdict(row, oidc_flow_token_verdict(o.flow), rows[i].token);
        assert_row(row, str_eq(oidc_flow_outcome(o.flow)->refresh_token, STR("r1")));
        op_finish(&o);
    }
}

static void sends_the_token(void **state)
{
    struct op o = op_make();
    begin(op_settle(&o), SESSION);
    const struct oidc_fetch *f = oidc_flow_fetch(o.flow);
    assert_string_equal(param(f->body, "grant_type"), "refresh_token");
    assert_string_equal(param(f->body, "refresh_token"), "r1");
    assert_string_equal(param(f->body, "client_secret"), "s3cret");
    assert_string_equal(param(f->body, "scope"), "");
    op_finish(&o);
}

static void a_rotated_token_outlives_what_fails_after_it(void **state)
{
    struct op o = op_make();
    op_settle(&o)->client.from_userinfo = true;
    o.provider.userinfo_endpoint = STR("https://idp.example/me");
    begin(&o, SESSION);
    assert_int_equal(op_fetched(&o, 200, "application/json",
                                "{\"access_token\":\"at\",\"token_type\":\"Bearer\","
                                "\"refresh_token\":\"r2\"}"),
                     OIDC_FETCH);
    op_fetched(&o, 503, "", "");
    assert_login("userinfo is down", &o, OIDC_UNREACHABLE);
    assert_true(str_eq(oidc_flow_outcome(o.flow)->refresh_token, STR("r2")));
    op_finish(&o);
}

static void claims_are_new_but_the_sign_in_is_not(void **state)
{
    static const struct {
        const char *members; /* NULL: no ID token */
        int64_t auth_time;
        const char *acr, *group, *sid;
    } rows[] = {
        {NULL, 1699990000, "gold", "old", "s1"},
        {ID_GOOD, 1699990000, "gold", NULL, "s1"},
        {ID_GOOD ",\"groups\":[\"new\"],\"sid\":\"s2\"", 1699990000, "gold", "new", "s2"},
        {ID_GOOD ",\"auth_time\":1699999999,\"acr\":\"silver\"", 1699990000, "silver", NULL, "s1"},
        {ID_GOOD ",\"auth_time\":1699980000", 1699980000, "gold", NULL, "s1"},
        {ID_GOOD ",\"auth_time\":\"x\"", 1699990000, "gold", NULL, "s1"},
        {ID_GOOD ",\"_userinfo\":[\"sub\"]", 1699990000, "gold", NULL, "s1"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct op o = op_make();
        const char *row = rows[i].members ? rows[i].members : "none";
        begin(op_settle(&o), SESSION);
        const char *body = "{\"access_token\":\"at\",\"token_type\":\"Bearer\"}";
        if (rows[i].members)
            body = token_answer(op_id_token(&o, rows[i].members), "");
        assert_row(row, op_fetched(&o, 200, "application/json", body) == OIDC_DONE);
        const struct oidc_outcome *out = oidc_flow_outcome(o.flow);
        assert_row(row, out->identity->auth_time_s == rows[i].auth_time);
        assert_row(row, str_eq(out->identity->acr, str_of(rows[i].acr)));
        assert_row(row, str_eq(out->sid, str_of(rows[i].sid)));
        assert_row(row, out->identity->n_groups == (rows[i].group ? 1 : 0));
        assert_row(row, !rows[i].group || str_eq(out->identity->groups[0], str_of(rows[i].group)));
        assert_row(row, (out->id_token.p != NULL) == (rows[i].members != NULL));
        op_finish(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_the_answer),
        cmocka_unit_test(sends_the_token),
        cmocka_unit_test(a_rotated_token_outlives_what_fails_after_it),
        cmocka_unit_test(claims_are_new_but_the_sign_in_is_not),
    };
    return cmocka_run_group_tests_name("authn/oidc refresh", tests, NULL, NULL);
}
