/* What a provider says of itself. */
#include "check.h"

#define I "\"issuer\":\"https://idp.example\""
#define A "\"authorization_endpoint\":\"https://idp.example/auth\""
#define T "\"token_endpoint\":\"https://idp.example/token\""
#define J "\"jwks_uri\":\"https://idp.example/jwks\""
#define ALL I "," A "," T "," J

static void takes_no_endpoint_in_the_clear(void **state)
{
    static const struct {
        const char *json, *complaint; /* NULL: good */
    } rows[] = {
        {"{" ALL "}", NULL},
        {"{" ALL ",\"response_types_supported\":[\"code id_token\",\"code\"]}", NULL},
        {"{" ALL ",\"response_types_supported\":[\"id_token\"]}", "code flow"},
        {"{" ALL ",\"response_types_supported\":\"code\"}", "code flow"},
        {"{" A "," T "," J "}", "issuer"},
        {"{\"issuer\":\"https://evil.example\"," A "," T "," J "}", "evil.example"},
        {"{" I "," T "," J "}", "authorization_endpoint"},
        {"{" I "," A "," J "}", "token_endpoint"},
        {"{" I "," A "," T "}", "jwks_uri"},
        {"{" I "," A ",\"token_endpoint\":1," J "}", "token_endpoint"},
        {"{" I "," A ",\"token_endpoint\":\"http://idp.example/token\"," J "}", "token_endpoint"},
        {"{" I "," A ",\"token_endpoint\":\"http://127.0.0.1:9/token\"," J "}", NULL},
        {"{" I "," T "," J ",\"authorization_endpoint\":\"javascript:alert(1)\"}",
         "authorization_endpoint"},
        {"{" I "," T "," J ",\"authorization_endpoint\":\"https://a@idp.example/\"}",
         "authorization_endpoint"},
        {"{" I "," T "," J ",\"authorization_endpoint\":\"https://idp.example/#x\"}",
         "authorization_endpoint"},
        {"{" I "," T "," J ",\"authorization_endpoint\":\"https://idp.example/\\u000d\\u000aX:\"}",
         "authorization_endpoint"},
        {"{" ALL ",\"userinfo_endpoint\":\"http://idp.example/me\"}", "userinfo_endpoint"},
        {"{" ALL ",\"userinfo_endpoint\":null}", "userinfo_endpoint"},
        {"{" ALL ",\"end_session_endpoint\":\"javascript:alert(1)\"}", "end_session_endpoint"},
        {"{" ALL ",\"pushed_authorization_request_endpoint\":\"\"}",
         "pushed_authorization_request_endpoint"},
        {"{" ALL ",\"require_pushed_authorization_requests\":true}",
         "pushed_authorization_request_endpoint"},
        {"{" ALL "," J "}", "strict JSON"},
        {"{" ALL "}}", "strict JSON"},
        {"[]", "strict JSON"},
        {"", "strict JSON"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        struct oidc_provider p;
        struct fail fail = {0};
        arena_init(&a, NULL, 0);
        bool is_good =
            oidc_provider_parse(&a, str_of(rows[i].json), STR("https://idp.example"), &p, &fail);
        assert_row(rows[i].json, is_good == !rows[i].complaint);
        assert_row(rows[i].json, is_good == (fail.code == FAIL_NONE));
        assert_row(rows[i].json, is_good || strstr(fail.text, rows[i].complaint));
        assert_row(rows[i].json, is_good == (p.token_endpoint.p != NULL));
        arena_finish(&a);
    }
}

static void reads_what_it_can_do(void **state)
{
    static const char json[] =
        "{" ALL ",\"userinfo_endpoint\":\"https://idp.example/me\","
        "\"end_session_endpoint\":\"https://idp.example/end\","
        "\"pushed_authorization_request_endpoint\":\"https://idp.example/par\","
        "\"require_pushed_authorization_requests\":true,"
        "\"authorization_response_iss_parameter_supported\":true,"
        "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\",\"private_key_jwt\"],"
        "\"backchannel_logout_supported\":true,\"frontchannel_logout_supported\":\"true\"}";
    struct oidc_provider p;
    str copy = arena_dup(&signer_arena, str_of(json));
    assert_true(oidc_provider_parse(&signer_arena, copy, STR("https://idp.example"), &p, NULL));
    memset((char *)copy.p, 'x', copy.n); /* nothing points into what was parsed */
    assert_string_equal(p.issuer.p, "https://idp.example");
    assert_string_equal(p.userinfo_endpoint.p, "https://idp.example/me");
    assert_string_equal(p.end_session_endpoint.p, "https://idp.example/end");
    assert_string_equal(p.par_endpoint.p, "https://idp.example/par");
    assert_true(p.par_required && p.sends_iss);
    assert_true(!p.takes_basic && p.takes_post && p.takes_key);
    assert_true(p.has_backchannel_logout && !p.has_frontchannel_logout);

    assert_true(
        oidc_provider_parse(&signer_arena, STR("{" ALL "}"), STR("https://idp.example"), &p, NULL));
    /* Discovery, section 3: client_secret_basic when it says nothing */
    assert_true(p.takes_basic && !p.takes_post && !p.takes_key);
    assert_true(!p.sends_iss && !p.par_required && !p.par_endpoint.p && !p.userinfo_endpoint.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_no_endpoint_in_the_clear),
        cmocka_unit_test(reads_what_it_can_do),
    };
    return cmocka_run_group_tests_name("authn/oidc_provider", tests, NULL, NULL);
}
