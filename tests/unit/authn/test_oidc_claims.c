/* The claims of a session: merged with care, and read back as the token's identity. */
#include "op.h"

#include <stdio.h>

#include "authn/oidc_inner.h"

#define BASE ISS "," SUB

/* The merge of both, without the list of what came from userinfo. */
static void check_merge(const char *token, const char *info, const char *email_claim,
                        const char *wanted)
{
    struct arena a;
    struct issuer issuer = corp();
    str out = {NULL, 0};
    issuer.email_claim = str_of(email_claim);
    arena_init(&a, NULL, 0);
    enum oidc_verdict v =
        oidc_claims_add(&a, &issuer, str_of(token), JSON, str_of(info), STR("kim"), &out);
    assert_row(info, v == OIDC_OK);
    char *end = strstr((char *)out.p, ",\"_userinfo\":[");
    assert_row(info, end != NULL);
    *end = '\0';
    if (strcmp(out.p, wanted) != 0)
        fail_msg("row \"%s\": %s, wanted %s", info, out.p, wanted);
    arena_finish(&a);
}

static void userinfo_adds_and_never_replaces(void **state)
{
    static const struct {
        const char *token, *info, *wanted, *email_claim;
    } rows[] = {
        {"{" BASE "}", "{" SUB ",\"name\":\"Kim\"}", "{" BASE ",\"name\":\"Kim\"", NULL},
        {"{" BASE ",\"name\":\"K\"}", "{" SUB ",\"name\":\"Kim\"}", "{" BASE ",\"name\":\"K\"",
         NULL},
        {"{" BASE "}",
         "{" SUB ",\"iss\":\"x\",\"aud\":\"x\",\"exp\":9,\"iat\":9,\"nbf\":9,\"jti\":\"x\","
         "\"azp\":\"x\",\"auth_time\":9,\"nonce\":\"x\",\"acr\":\"gold\",\"amr\":[\"otp\"],"
         "\"sid\":\"x\",\"at_hash\":\"x\",\"c_hash\":\"x\",\"cnf\":{},\"events\":{},"
         "\"_userinfo\":[\"iss\"]}",
         "{" BASE, NULL},
        {"{" BASE ",\"n\":1.50,\"o\":{\"a\":[1,null,true,{\"b\":\"\\\"\"}]}}",
         "{" SUB ",\"m\":1e3,\"e\":\"\\u00e4\\\\\"}",
         "{" BASE ",\"n\":1.50,\"o\":{\"a\":[1,null,true,{\"b\":\"\\\"\"}]},\"m\":1e3,"
         "\"e\":\"\xC3\xA4\\\\\"",
         NULL},
        /* an address and its "verified" come from one place */
        {"{" BASE "}", "{" SUB ",\"email\":\"a@x\",\"email_verified\":true}",
         "{" BASE ",\"email\":\"a@x\",\"email_verified\":true", NULL},
        {"{" BASE ",\"email\":\"a@x\"}", "{" SUB ",\"email\":\"b@x\",\"email_verified\":true}",
         "{" BASE ",\"email\":\"a@x\"", NULL},
        {"{" BASE ",\"email\":\"a@x\"}", "{" SUB ",\"email\":\"a@x\",\"email_verified\":true}",
         "{" BASE ",\"email\":\"a@x\",\"email_verified\":true", NULL},
        {"{" BASE ",\"email\":\"a@x\"}", "{" SUB ",\"email_verified\":true}",
         "{" BASE ",\"email\":\"a@x\"", NULL},
        {"{" BASE ",\"email_verified\":true}", "{" SUB ",\"email\":\"b@x\"}",
         "{" BASE ",\"email\":\"b@x\"", NULL},
        {"{" BASE ",\"email_verified\":true}",
         "{" SUB ",\"email\":\"b@x\",\"email_verified\":false}",
         "{" BASE ",\"email\":\"b@x\",\"email_verified\":false", NULL},
        {"{" BASE ",\"upn\":\"a@x\"}",
         "{" SUB ",\"upn\":\"b@x\",\"email\":\"b@x\",\"email_verified\":true}",
         "{" BASE ",\"upn\":\"a@x\",\"email\":\"b@x\"", "upn"},
        /* what userinfo said before and does not say now is gone */
        {"{" BASE ",\"groups\":[\"a\"],\"k\":1,\"_userinfo\":[\"groups\"]}", "{" SUB "}",
         "{" BASE ",\"k\":1", NULL},
        {"{" BASE ",\"groups\":[\"a\"],\"k\":1,\"_userinfo\":[\"groups\"]}",
         "{" SUB ",\"groups\":[]}", "{" BASE ",\"k\":1,\"groups\":[]", NULL},
        {"{" BASE ",\"email\":\"a@x\",\"email_verified\":true,\"_userinfo\":[\"email\","
         "\"email_verified\"]}",
         "{" SUB ",\"email\":\"b@x\"}", "{" BASE ",\"email\":\"b@x\"", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        check_merge(rows[i].token, rows[i].info, rows[i].email_claim, rows[i].wanted);
}

static void claims_have_a_limit(void **state)
{
    struct arena a;
    struct issuer issuer = corp();
    str out = {NULL, 0};
    arena_init(&a, NULL, 0);
    str half = arena_printf(&a, "{" SUB ",\"x\":\"%040000d\"}", 0);
    str other = arena_printf(&a, "{" SUB ",\"y\":\"%040000d\"}", 0);
    assert_int_equal(oidc_claims_add(&a, &issuer, half, JSON, other, STR("kim"), &out),
                     OIDC_USERINFO);
    assert_null(out.p);
    str longest =
        arena_printf(&a, "%*s{" BASE "}", OIDC_MAX_CLAIMS - (int)strlen("{" BASE "}"), "");
    struct fail fail = {0};
    struct identity *id = identity_from_claims(&issuer, longest, &fail);
    assert_non_null(id);
    identity_unref(&id);
    assert_null(identity_from_claims(&issuer, arena_printf(&a, " %s", longest.p), &fail));
    assert_int_equal(fail.code, FAIL_LIMIT);
    arena_finish(&a);
}

static void reads_back_what_the_token_proved(void **state)
{
    static const char members[] =
        ID_GOOD ",\"email\":\"kim@corp.example\",\"email_verified\":true,\"groups\":[\"a\",\"b\"],"
                "\"amr\":[\"otp\"],\"acr\":\"gold\",\"auth_time\":1699999000,\"sid\":\"s1\","
                "\"jti\":\"j\",\"n\":0.10,\"deep\":{\"a\":[]},\"list\":[1,\"x\",{}]";
    static const str mfa[] = {{"otp", 3}};
    struct op o = op_make();
    struct arena a;
    struct identity *want, *got;
    str claims;
    arena_init(&a, NULL, 0);
    op_settle(&o)->issuer.mfa_amr = mfa, o.issuer.n_mfa_amr = 1;
    str token = signer_token(&o.signer, text("{%s}", members).p);
    struct issuer as = oidc_issuer_of(&o.client);
    assert_verdict("token", token_verify(&as, o.keys, token, TOKEN_KIND_ID, NOW, &want), TOKEN_OK);
    assert_true(oidc_claims_of_token(&a, token, (str){NULL, 0}, &claims));
    got = identity_from_claims(&o.issuer, claims, NULL);
    assert_non_null(got);

    assert_true(str_eq(got->issuer_name, want->issuer_name) && str_eq(got->issuer, want->issuer) &&
                str_eq(got->subject, want->subject) && str_eq(got->email, want->email) &&
                str_eq(got->acr, want->acr) && str_eq(got->sid, want->sid) &&
                str_eq(got->jti, want->jti));
    assert_true(got->email_counts && got->email_verified == ID_TRUE && got->mfa == ID_TRUE);
    assert_int_equal(got->n_groups, 2);
    assert_int_equal(got->groups_state, GROUPS_KNOWN);
    assert_true(got->auth_time_s == want->auth_time_s && got->exp_s == want->exp_s &&
                got->iat_s == want->iat_s);
    assert_int_equal(got->n_claims, want->n_claims);
    for (size_t i = 0; i < want->n_claims; i++) {
        assert_true(str_eq(got->claims[i].name, want->claims[i].name));
        assert_int_equal(got->claims[i].kind, want->claims[i].kind);
        assert_true(str_eq(got->claims[i].text, want->claims[i].text));
        assert_int_equal(got->claims[i].n_items, want->claims[i].n_items);
    }
    assert_true(str_eq(got->kid, STR("session")));
    identity_unref(&got);
    identity_unref(&want);
    arena_finish(&a);
    op_finish(&o);
}

static void refuses_what_no_log_in_stored(void **state)
{
    static const struct {
        const char *claims;
        bool is_good;
    } rows[] = {
        {"{" BASE "}", true},
        {"{" BASE ",\"_userinfo\":[\"x\"]}", true},
        {"{" SUB "}", false},
        {"{\"iss\":\"https://other.example\"," SUB "}", false},
        {"{" ISS "}", false},
        {"{" ISS ",\"sub\":\"\"}", false},
        {"{" ISS ",\"sub\":1}", false},
        {"{" BASE ",\"x\":\"\\u0007\"}", false},
        {"{" BASE "," SUB "}", false},
        {"{" BASE "} ", true},
        {"{" BASE "}x", false},
        {"[]", false},
        {"", false},
    };
    struct issuer issuer = corp();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail fail = {0};
        struct identity *id = identity_from_claims(&issuer, str_of(rows[i].claims), &fail);
        assert_row(rows[i].claims, (id != NULL) == rows[i].is_good);
        assert_row(rows[i].claims, (fail.code == FAIL_NONE) == rows[i].is_good);
        assert_row(rows[i].claims, !id || (id->n_claims == 2 && id->claims[0].name.n == 3));
        identity_unref(&id);
    }
    assert_null(
        identity_from_claims(&issuer, (str){"{" BASE "}\0x", strlen("{" BASE "}") + 2}, NULL));
    assert_null(identity_from_claims(&issuer, (str){NULL, 0}, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(userinfo_adds_and_never_replaces),
        cmocka_unit_test(claims_have_a_limit),
        cmocka_unit_test(reads_back_what_the_token_proved),
        cmocka_unit_test(refuses_what_no_log_in_stored),
    };
    return cmocka_run_group_tests_name("authn/oidc_claims", tests, NULL, NULL);
}
