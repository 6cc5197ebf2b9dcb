/* What is sent to the provider. */
#include "op.h"

#include <stdio.h>

#include "base/encode.h"

static void asks_with_everything_that_binds(void **state)
{
    struct op o = op_make(), p = op_make();
    assert_int_equal(op_begin(op_settle(&o), NULL), OIDC_REDIRECT);
    assert_int_equal(op_begin(op_settle(&p), NULL), OIDC_REDIRECT);
    str url = oidc_flow_url(o.flow);
    assert_true(str_starts(url, STR("https://idp.example/auth?")));
    assert_string_equal(param(url, "response_type"), "code");
    assert_string_equal(param(url, "client_id"), CLIENT_ID);
    assert_string_equal(param(url, "redirect_uri"), "https://gate.example/cb");
    assert_string_equal(param(url, "scope"), "openid profile email");
    assert_string_equal(param(url, "code_challenge_method"), "S256");
    assert_string_equal(param(url, "max_age"), "");
    assert_string_equal(param(url, "prompt"), "");
    assert_string_equal(param(url, "client_secret"), "");
    static const char *const fresh[] = {"state", "nonce", "code_challenge"};
    for (size_t i = 0; i < ROWS(fresh); i++) {
        assert_int_equal(strlen(param(url, fresh[i])), OIDC_STATE_CHARS);
        assert_string_not_equal(param(url, fresh[i]), param(oidc_flow_url(p.flow), fresh[i]));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(param(url, fresh[i]), param(url, fresh[j]));
    }
    assert_true(str_eq(str_of(param(url, "state")), oidc_flow_state(o.flow)));
    op_finish(&o);
    op_finish(&p);
}

static void the_verifier_is_what_was_hashed(void **state)
{
    struct op o = op_make();
    unsigned char digest[32];
    size_t n;
    op_to_token(op_settle(&o), NULL);
    const struct oidc_fetch *f = oidc_flow_fetch(o.flow);
    const char *verifier = param(f->body, "code_verifier");
    assert_int_equal(strlen(verifier), 43);
    assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, verifier, 43, digest, &n), 1);
    assert_string_equal(b64((str){(char *)digest, n}).p,
                        param(oidc_flow_url(o.flow), "code_challenge"));
    assert_string_equal(param(f->body, "grant_type"), "authorization_code");
    assert_string_equal(param(f->body, "code"), "c0de");
    assert_string_equal(param(f->body, "redirect_uri"), "https://gate.example/cb");
    assert_true(str_eq(f->url, STR("https://idp.example/token")));
    assert_true(str_eq(f->content_type, STR("application/x-www-form-urlencoded")));
    assert_true(f->is_secret);
    op_finish(&o);
}

static void wishes_are_sent(void **state)
{
    static const str scopes[] = {{"email", 5}, {"openid", 6}};
    struct op o = op_make();
    struct oidc_wish wish = {.max_age_s = 0,
                             .acr = STR("gold silver"),
                             .login_hint = STR("a b@c.example&x=y"),
                             .prompt_login = true};
    op_settle(&o)->client.scopes = scopes;
    o.provider.authorization_endpoint = STR("https://idp.example/auth?tenant=1");
    op_begin(&o, &wish);
    str url = oidc_flow_url(o.flow);
    assert_true(str_starts(url, STR("https://idp.example/auth?tenant=1&response_type=code&")));
    assert_string_equal(param(url, "max_age"), "0");
    assert_string_equal(param(url, "acr_values"), "gold silver");
    assert_string_equal(param(url, "login_hint"), "a b@c.example&x=y");
    assert_string_equal(param(url, "prompt"), "login");
    assert_string_equal(param(url, "scope"), "email openid");
    op_finish(&o);
}

static void proves_the_client_as_configured(void **state)
{
    static const struct {
        enum oidc_auth auth;
        const char *id, *secret, *basic, *body_id, *body_secret;
    } rows[] = {
        {OIDC_AUTH_NONE, "gate", NULL, NULL, "gate", ""},
        {OIDC_AUTH_POST, "gate", "s&x", NULL, "gate", "s&x"},
        {OIDC_AUTH_BASIC, "gate", "s3cret", "gate:s3cret", "", ""},
        {OIDC_AUTH_BASIC, "a:b", "p%q r+/\xC3\xA4", "a%3Ab:p%25q%20r%2B%2F%C3%A4", "", ""},
        {OIDC_AUTH_BASIC, "gate", "", "gate:", "", ""},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct op o = op_make();
        unsigned char plain[128];
        size_t n = 0;
        op_settle(&o)->client.auth = rows[i].auth;
        o.client.client_id = str_of(rows[i].id);
        o.client.client_secret = str_of(rows[i].secret);
        op_to_token(&o, NULL);
        const struct oidc_fetch *f = oidc_flow_fetch(o.flow);
        assert_string_equal(param(f->body, "client_id"), rows[i].body_id);
        assert_string_equal(param(f->body, "client_secret"), rows[i].body_secret);
        assert_row(rows[i].id, (f->authorization.p != NULL) == (rows[i].basic != NULL));
        if (rows[i].basic) {
            assert_true(str_starts(f->authorization, STR("Basic ")));
            assert_true(base64_decode(str_from(f->authorization, 6), plain, &n));
            assert_row(rows[i].basic, str_eq((str){(char *)plain, n}, str_of(rows[i].basic)));
        }
        op_finish(&o);
    }
}

static void a_key_that_is_not_there_ends_it(void **state)
{
    struct op o = op_make();
    op_settle(&o)->client.auth = OIDC_AUTH_KEY;
    assert_int_equal(op_to_token(&o, NULL), OIDC_FAILED);
    assert_login("no key", &o, OIDC_INVALID);
    op_finish(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_with_everything_that_binds),
        cmocka_unit_test(the_verifier_is_what_was_hashed),
        cmocka_unit_test(wishes_are_sent),
        cmocka_unit_test(proves_the_client_as_configured),
        cmocka_unit_test(a_key_that_is_not_there_ends_it),
    };
    return cmocka_run_group_tests_name("authn/oidc_request", tests, NULL, NULL);
}
