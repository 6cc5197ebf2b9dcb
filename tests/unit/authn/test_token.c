/* The whole check: kinds of tokens, keys, and what can be known before anything is proved. */
#include "corp.h"

#include <openssl/err.h>

static void tells_kinds_apart_by_typ(void **state)
{
    static const struct {
        const char *typ;
        enum token_verdict access, at_jwt, id, logout, set;
    } rows[] = {
#define NO TOKEN_TYP
#define OK TOKEN_OK
        {"", OK, NO, OK, NO, NO},
        {",\"typ\":\"JWT\"", OK, NO, OK, NO, NO},
        {",\"typ\":\"jwt\"", OK, NO, OK, NO, NO},
        {",\"typ\":\"at+jwt\"", OK, OK, NO, NO, NO},
        {",\"typ\":\"application/at+jwt\"", OK, OK, NO, NO, NO},
        {",\"typ\":\"AT+JWT\"", OK, OK, NO, NO, NO},
        {",\"typ\":\"logout+jwt\"", NO, NO, NO, OK, NO},
        {",\"typ\":\"secevent+jwt\"", NO, NO, NO, NO, OK},
        {",\"typ\":\"dpop+jwt\"", NO, NO, NO, NO, NO},
        {",\"typ\":\"\"", NO, NO, NO, NO, NO},
        {",\"typ\":\"application/\"", NO, NO, NO, NO, NO},
        {",\"typ\":\"at+jwt2\"", NO, NO, NO, NO, NO},
#undef NO
#undef OK
    };
    struct issuer issuer = corp(), strict = corp();
    strict.wants_at_jwt = true;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *header =
            arena_printf(&signer_arena, "{\"alg\":\"ES256\",\"kid\":\"k\"%s}", rows[i].typ).p;
        const struct {
            const struct issuer *issuer;
            enum token_kind kind;
            enum token_verdict wanted;
        } kinds[] = {{&issuer, TOKEN_KIND_ACCESS, rows[i].access},
                     {&strict, TOKEN_KIND_ACCESS, rows[i].at_jwt},
                     {&issuer, TOKEN_KIND_ID, rows[i].id},
                     {&issuer, TOKEN_KIND_LOGOUT, rows[i].logout},
                     {&issuer, TOKEN_KIND_SET, rows[i].set}};
        for (size_t k = 0; k < ROWS(kinds); k++) {
            struct identity *id;
            assert_verdict(
                header, corp_verify_as(kinds[k].issuer, kinds[k].kind, header, "{" GOOD "}", &id),
                kinds[k].wanted);
            identity_unref(&id);
        }
    }
    struct identity *id;
    assert_int_equal(
        corp_verify_as(&issuer, (enum token_kind)17, "{\"alg\":\"ES256\"}", "{" GOOD "}", &id),
        TOKEN_TYP);
}

static void checks_the_signature_before_the_claims(void **state)
{
    struct signer ours = signer_make(ALG_ES256, "k"), other = signer_make(ALG_ES256, "other");
    struct keyset *keys = signer_keys(signer_jwk(&ours, ""), NULL);
    struct issuer issuer = corp();
    struct identity *id;
    other.kid = "k";
    assert_int_equal(token_verify(&issuer, keys, signer_token(&other, "no claims at all"),
                                  TOKEN_KIND_ACCESS, NOW, &id),
                     TOKEN_SIGNATURE);
    assert_null(id);
    assert_int_equal(
        token_verify(&issuer, NULL, signer_token(&ours, "{" GOOD "}"), TOKEN_KIND_ACCESS, NOW, &id),
        TOKEN_UNKNOWN_KID);
    assert_null(id);
    assert_int_equal(ERR_peek_error(), 0);
    keyset_unref(&keys);
}

static void allows_other_exponents_by_issuer(void **state)
{
    static const uint64_t three[] = {3};
    struct signer s = signer_rsa(2048, 3, "k");
    struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
    struct issuer issuer = corp();
    struct identity *id;
    str token = signer_token(&s, "{" GOOD "}");
    assert_int_equal(token_verify(&issuer, keys, token, TOKEN_KIND_ACCESS, NOW, &id), TOKEN_KEY);
    assert_int_equal(token_verify_signature(~0u, keys, token), TOKEN_KEY);
    issuer.rsa_exponents = three, issuer.n_rsa_exponents = 1;
    assert_int_equal(token_verify(&issuer, keys, token, TOKEN_KIND_ACCESS, NOW, &id), TOKEN_OK);
    identity_unref(&id);
    keyset_unref(&keys);
    EVP_PKEY_free(s.pkey);
}

static void uses_only_the_algorithms_of_the_issuer(void **state)
{
    struct signer s = signer_make(ALG_PS256, "k");
    struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
    struct issuer issuer = corp();
    struct identity *id;
    str token = signer_token(&s, "{" GOOD "}");
    assert_int_equal(token_verify(&issuer, keys, token, TOKEN_KIND_ACCESS, NOW, &id), TOKEN_ALG);
    issuer.algs = ALG_BIT(ALG_PS256);
    assert_int_equal(token_verify(&issuer, keys, token, TOKEN_KIND_ACCESS, NOW, &id), TOKEN_OK);
    identity_unref(&id);
    keyset_unref(&keys);
}

static void peeks_at_the_issuer(void **state)
{
    static char scratch[TOKEN_PEEK_BYTES];
    static const struct {
        const char *row, *header, *payload, *issuer;
    } rows[] = {
        {"ours", "{\"alg\":\"ES256\",\"kid\":\"k1\"}", "{" GOOD "}", "https://idp.example"},
        {"whatever the alg", "{\"alg\":\"none\"}", "{\"iss\":\"a\"}", "a"},
        {"no iss", "{}", "{}", NULL},
        {"iss a number", "{}", "{\"iss\":1}", NULL},
        {"twice", "{}", "{\"iss\":\"a\",\"iss\":\"b\"}", NULL},
        {"no JSON", "{}", "x", NULL},
        {"header is no JSON", "x", "{\"iss\":\"a\"}", NULL},
        {"empty", "", "", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        str token = signer_join(str_of(rows[i].header), str_of(rows[i].payload), STR("sig"));
        str found = token_peek_issuer(token, scratch);
        assert_row(rows[i].row, !found.p == !rows[i].issuer);
        assert_row(rows[i].row, str_eq(found, str_of(rows[i].issuer)));
    }
    struct token_peek peek;
    assert_true(
        token_peek(signer_join(STR("{\"kid\":\"k1\"}"), STR("{}"), STR("")), scratch, &peek));
    assert_true(str_eq(peek.kid, STR("k1")) && !peek.issuer.p);
    assert_false(token_peek(STR("c29tZSBvcGFxdWUgdG9rZW4"), scratch, &peek));
    assert_false(token_peek(STR("a.b"), scratch, &peek));
    str more = signer_join(STR("{}"), STR("{\"iss\":\"a\"}"), STR("sig"));
    assert_true(token_peek(more, scratch, &peek));
    more = arena_printf(&signer_arena, "%s.AA.AA", more.p);
    assert_false(token_peek(more, scratch, &peek));
    assert_false(token_peek(STR(""), scratch, &peek));
}

/* A token of ours that is too long must be known as ours, so that it is refused and not passed on.
 */
static void peeks_beyond_the_limit(void **state)
{
    static char scratch[TOKEN_PEEK_BYTES];
    char *pad = arena_text(&signer_arena, 40000);
    memset(pad, 'x', 40000);
    for (size_t n = 12000; n < 40000; n += 1777) {
        str payload = arena_printf(&signer_arena, "{\"iss\":\"a\",\"pad\":\"%.*s\"}", (int)n, pad);
        str token = signer_join(STR("{}"), payload, STR("sig"));
        bool is_seen = token_peek_issuer(token, scratch).n == 1;
        assert_true(is_seen || token.n > 20 * 1024);
        assert_true(!is_seen || token.n < TOKEN_PEEK_BYTES / 3 * 4);
    }
}

static void names_every_verdict(void **state)
{
    for (unsigned i = 0; i < TOKEN_VERDICT_COUNT; i++) {
        assert_non_null(token_verdict_text((enum token_verdict)i));
        assert_int_equal(strncmp(token_verdict_code((enum token_verdict)i), "token.", 6), 0);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(token_verdict_code((enum token_verdict)i),
                                    token_verdict_code((enum token_verdict)k));
    }
    assert_int_equal(TOKEN_INVALID, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_kinds_apart_by_typ),
        cmocka_unit_test(checks_the_signature_before_the_claims),
        cmocka_unit_test(allows_other_exponents_by_issuer),
        cmocka_unit_test(uses_only_the_algorithms_of_the_issuer),
        cmocka_unit_test(peeks_at_the_issuer),
        cmocka_unit_test(peeks_beyond_the_limit),
        cmocka_unit_test(names_every_verdict),
    };
    return cmocka_run_group_tests_name("authn/token", tests, NULL, NULL);
}
