/* Logout, to the provider and from it. */
#include "op.h"

#include <stdio.h>

#define EVENTS "\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}"
#define HEAD "{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"logout+jwt\"}"
#define LOGOUT ID_GOOD ",\"jti\":\"j1\"," EVENTS

static void judges_the_logout_token(void **state)
{
    static const struct {
        const char *header, *payload;
        enum token_verdict wanted;
    } rows[] = {
        {HEAD, "{" LOGOUT "}", TOKEN_OK},
        {HEAD, "{" LOGOUT ",\"sid\":\"s1\"}", TOKEN_OK},
        {HEAD, "{" ISS "," ID_AUD "," EXP "," IAT ",\"jti\":\"j1\",\"sid\":\"s1\"," EVENTS "}",
         TOKEN_OK},
        {HEAD, "{" ISS "," ID_AUD "," EXP "," IAT ",\"jti\":\"j1\"," EVENTS "}", TOKEN_SUBJECT},
        {HEAD, "{" LOGOUT ",\"sid\":\"\"}", TOKEN_CLAIM},
        {HEAD, "{" LOGOUT ",\"sid\":[\"s1\"]}", TOKEN_CLAIM},
        {HEAD, "{" LOGOUT ",\"nonce\":\"n\"}", TOKEN_CLAIM},
        {HEAD, "{" LOGOUT ",\"nonce\":null}", TOKEN_CLAIM},
        {HEAD, "{" ID_GOOD "," EVENTS "}", TOKEN_CLAIM},
        {HEAD, "{" ID_GOOD ",\"jti\":\"\"," EVENTS "}", TOKEN_CLAIM},
        {HEAD, "{" ID_GOOD ",\"jti\":1," EVENTS "}", TOKEN_CLAIM},
        {HEAD, "{" ID_GOOD ",\"jti\":\"j1\"}", TOKEN_CLAIM},
        {HEAD, "{" ID_GOOD ",\"jti\":\"j1\",\"events\":{}}", TOKEN_CLAIM},
        {HEAD, "{" ID_GOOD ",\"jti\":\"j1\",\"events\":{\"x\":{}}}", TOKEN_CLAIM},
        {HEAD,
         "{" ID_GOOD ",\"jti\":\"j1\",\"events\":"
         "[\"http://schemas.openid.net/event/backchannel-logout\"]}",
         TOKEN_CLAIM},
        {HEAD,
         "{" ID_GOOD ",\"jti\":\"j1\",\"events\":"
         "{\"http://schemas.openid.net/event/backchannel-logout\":true}}",
         TOKEN_CLAIM},
        {HEAD, "{" ISS "," ID_AUD "," SUB "," EXP ",\"jti\":\"j1\"," EVENTS "}", TOKEN_CLAIM},
        {HEAD, "{" ISS "," ID_AUD "," SUB "," IAT ",\"jti\":\"j1\"," EVENTS "}", TOKEN_NO_EXPIRY},
        {HEAD, "{" ISS "," ID_AUD "," SUB ",\"exp\":1," IAT ",\"jti\":\"j1\"," EVENTS "}",
         TOKEN_EXPIRED},
        {HEAD, "{" ISS "," ID_AUD "," SUB "," EXP ",\"iat\":1700000061,\"jti\":\"j1\"," EVENTS "}",
         TOKEN_NOT_YET},
        {HEAD,
         "{\"iss\":\"https://evil.example\"," ID_AUD "," SUB "," EXP "," IAT
         ",\"jti\":\"j1\"," EVENTS "}",
         TOKEN_ISSUER},
        {HEAD, "{" ISS ",\"aud\":\"postern\"," SUB "," EXP "," IAT ",\"jti\":\"j1\"," EVENTS "}",
         TOKEN_AUDIENCE},
        {"{\"alg\":\"ES256\",\"kid\":\"k\"}", "{" LOGOUT "}", TOKEN_TYP},
        {"{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"JWT\"}", "{" LOGOUT "}", TOKEN_TYP},
        {"{\"alg\":\"none\",\"typ\":\"logout+jwt\"}", "{" LOGOUT "}", TOKEN_ALG},
        {"{\"alg\":\"ES256\",\"kid\":\"other\",\"typ\":\"logout+jwt\"}", "{" LOGOUT "}",
         TOKEN_UNKNOWN_KID},
    };
    struct op o = op_make();
    op_settle(&o);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        struct oidc_logout out;
        arena_init(&a, NULL, 0);
        str token = signer_sign(&o.signer, rows[i].header, str_of(rows[i].payload));
        enum token_verdict found =
            oidc_logout_read(&o.client, o.keys, text("logout_token=%s", token.p), NOW, &a, &out);
        assert_verdict(rows[i].payload, found, rows[i].wanted);
        assert_row(rows[i].payload, (out.jti.p != NULL) == (rows[i].wanted == TOKEN_OK));
        assert_row(rows[i].payload, found != TOKEN_OK || out.subject.p || out.sid.p);
        arena_finish(&a);
    }
    op_finish(&o);
}

static void reads_one_form(void **state)
{
    struct op o = op_make();
    op_settle(&o);
    const char *t = signer_sign(&o.signer, HEAD, STR("{" LOGOUT ",\"sid\":\"s1\"}")).p;
    const struct {
        str form;
        enum token_verdict wanted;
    } rows[] = {
        {text("logout_token=%s", t), TOKEN_OK},
        {text("x=1&logout_token=%s", t), TOKEN_OK},
        {text("logout_token=%s&logout_token=%s", t, t), TOKEN_MALFORMED},
        {text("logout_token=%s&x=1&x=2", t), TOKEN_MALFORMED},
        {text("Logout_token=%s", t), TOKEN_MALFORMED},
        {text("logout_token="), TOKEN_MALFORMED},
        {text("{\"logout_token\":\"%s\"}", t), TOKEN_MALFORMED},
        {text("logout_token=%.*s", (int)strlen(t) - 1, t), TOKEN_MALFORMED},
        {text("logout_token=%s%%00", t), TOKEN_MALFORMED},
        {{NULL, 0}, TOKEN_MALFORMED},
        {text("logout_token=%020000d", 0), TOKEN_TOO_LONG},
        {text("logout_token=%040000d", 0), TOKEN_MALFORMED},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        struct oidc_logout out;
        arena_init(&a, NULL, 0);
        enum token_verdict found = oidc_logout_read(&o.client, o.keys, rows[i].form, NOW, &a, &out);
        if (found == TOKEN_SIGNATURE && rows[i].wanted == TOKEN_MALFORMED)
            found = TOKEN_MALFORMED; /* cut short: by chance still base64url */
        assert_verdict(text("form %zu", i).p, found, rows[i].wanted);
        if (found == TOKEN_OK) {
            assert_string_equal(out.subject.p, "kim");
            assert_string_equal(out.sid.p, "s1");
            assert_string_equal(out.jti.p, "j1");
            assert_int_equal(out.exp_s, 1700003600);
        }
        arena_finish(&a);
    }
    op_finish(&o);
}

static void leaves_by_a_form(void **state)
{
    struct op o = op_make();
    struct oidc_field f[OIDC_LOGOUT_FIELDS];
    op_settle(&o);
    assert_int_equal(oidc_logout_fields(&o.client, &o.provider, STR("t"), STR("https://x/"), f), 0);
    o.provider.end_session_endpoint = STR("https://idp.example/end");
    assert_int_equal(oidc_logout_fields(&o.client, &o.provider, STR("t"), STR("https://x/"), f), 3);
    assert_true(str_eq(f[0].name, STR("client_id")) && str_eq(f[0].value, STR(CLIENT_ID)));
    assert_true(str_eq(f[1].name, STR("id_token_hint")) && str_eq(f[1].value, STR("t")));
    assert_true(str_eq(f[2].name, STR("post_logout_redirect_uri")));
    assert_int_equal(oidc_logout_fields(&o.client, &o.provider, (str){NULL, 0}, (str){NULL, 0}, f),
                     1);
    op_finish(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_the_logout_token),
        cmocka_unit_test(reads_one_form),
        cmocka_unit_test(leaves_by_a_form),
    };
    return cmocka_run_group_tests_name("authn/oidc_logout", tests, NULL, NULL);
}
