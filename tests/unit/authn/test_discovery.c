/* Discovery documents and the URLs that may be fetched. */
#include "check.h"

#include <stdlib.h>

#define ISSUER "https://idp.example"

static void takes_the_document_of_the_issuer_alone(void **state)
{
    static const struct {
        const char *json, *jwks_uri;
    } rows[] = {
        {"{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://keys.example/jwks\"}",
         "https://keys.example/jwks"},
        {"{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"http://127.0.0.1:9/jwks\",\"x\":[{}]}",
         "http://127.0.0.1:9/jwks"},
        {"{\"issuer\":\"" ISSUER "/\",\"jwks_uri\":\"https://keys.example/jwks\"}", NULL},
        {"{\"issuer\":\"https://IDP.example\",\"jwks_uri\":\"https://keys.example/jwks\"}", NULL},
        {"{\"issuer\":\"https://evil.example\",\"jwks_uri\":\"https://evil.example/jwks\"}", NULL},
        {"{\"issuer\":[\"" ISSUER "\"],\"jwks_uri\":\"https://keys.example/jwks\"}", NULL},
        {"{\"jwks_uri\":\"https://keys.example/jwks\"}", NULL},
        {"{\"issuer\":\"" ISSUER "\"}", NULL},
        {"{\"issuer\":\"" ISSUER "\",\"jwks_uri\":1}", NULL},
        {"{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"http://keys.example/jwks\"}", NULL},
        {"{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"file:///etc/passwd\"}", NULL},
        {"{\"issuer\":\"" ISSUER "\",\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://k/\"}", NULL},
        {"{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://k/\"} x", NULL},
        {"<html>", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        struct discovery d;
        struct fail fail = {0};
        arena_init(&a, NULL, 0);
        bool is_good = discovery_parse(&a, str_of(rows[i].json), STR(ISSUER), &d, &fail);
        assert_row(rows[i].json, is_good == (rows[i].jwks_uri != NULL));
        assert_row(rows[i].json, str_eq(d.jwks_uri, str_of(rows[i].jwks_uri)));
        assert_row(rows[i].json, is_good == (fail.code == FAIL_NONE));
        arena_finish(&a);
    }
    struct discovery d;
    struct fail fail = {0};
    struct arena a;
    arena_init(&a, NULL, 0);
    char *big = mem_alloc(KEYSET_MAX_BYTES + 1);
    assert_false(discovery_parse(&a, (str){big, KEYSET_MAX_BYTES + 1}, STR(ISSUER), &d, &fail));
    assert_int_equal(fail.code, FAIL_LIMIT);
    assert_false(discovery_parse(&a, STR("{\"issuer\":\"\",\"jwks_uri\":\"https://k/\"}"), STR(""),
                                 &d, &fail));
    free(big);
    arena_finish(&a);
}

static void fetches_https_or_loopback(void **state)
{
    static const struct {
        const char *url;
        bool wanted;
    } rows[] = {
        {"https://idp.example", true},
        {"https://idp.example:8443/a?b=c", true},
        {"http://localhost:3000/", true},
        {"http://LOCALHOST/", true},
        {"http://idp.localhost:3000/", true},
        {"http://127.0.0.1/", true},
        {"http://127.8.9.1:80/", true},
        {"http://[::1]:80/", true},
        {"http://[::1]", true},
        {"http://idp.example/", false},
        {"http://localhost.evil.example/", false},
        {"http://evillocalhost/", false},
        {"http://.localhost", false},
        {"http://10.0.0.1/", false},
        {"http://[::2]/", false},
        {"http://[::1", false},
        {"http://localhost@evil.example/", false},
        {"https://a@idp.example/", false},
        {"https://localhost\\@evil.example/", false},
        {"https://idp.example/#x", false},
        {"https://idp.example/ x", false},
        {"https://idp.example/\n", false},
        {"https://idp.ex\xc3\xa4mple/", false},
        {"https://", false},
        {"https:///path", false},
        {"HTTPS://idp.example", false},
        {"ftp://localhost/", false},
        {"//localhost/", false},
        {"", false},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_row(rows[i].url, fetch_url_allowed(str_of(rows[i].url)) == rows[i].wanted);
}

static void builds_the_url(void **state)
{
    static const char *const rows[][2] = {
        {"https://idp.example", "https://idp.example/.well-known/openid-configuration"},
        {"https://idp.example/", "https://idp.example/.well-known/openid-configuration"},
        {"https://idp.example/realms/a",
         "https://idp.example/realms/a/.well-known/openid-configuration"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_string_equal(discovery_url(&signer_arena, str_of(rows[i][0])).p, rows[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_document_of_the_issuer_alone),
        cmocka_unit_test(fetches_https_or_loopback),
        cmocka_unit_test(builds_the_url),
    };
    return cmocka_run_group_tests_name("authn/discovery", tests, NULL, NULL);
}
