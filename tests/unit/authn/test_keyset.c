/* JWK sets: which keys are taken. */
#include "check.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "authn/keyset.h"

static struct keyset *parse(const char *json)
{
    return keyset_parse(str_of(json), NULL);
}

static bool is_taken(const char *jwk)
{
    struct keyset *keys = signer_keys(jwk, NULL);
    bool taken = keyset_count(keys) == 1;
    keyset_unref(&keys);
    return taken;
}

static void takes_keys_meant_for_verifying(void **state)
{
    static const struct {
        const char *extra;
        bool wanted;
    } rows[] = {
        {"", true},
        {",\"use\":\"sig\"", true},
        {",\"use\":\"enc\"", false},
        {",\"use\":\"SIG\"", false},
        {",\"use\":1", false},
        {",\"key_ops\":[\"verify\"]", true},
        {",\"key_ops\":[\"sign\",\"verify\"]", true},
        {",\"key_ops\":[\"sign\"]", false},
        {",\"key_ops\":[]", false},
        {",\"key_ops\":\"verify\"", false},
        {",\"key_ops\":[\"verify\",1]", false},
        {",\"alg\":\"ES256\"", true},
        {",\"alg\":\"ES384\"", false},
        {",\"alg\":\"RS256\"", false},
        {",\"alg\":\"es256\"", false},
        {",\"alg\":\"ECDH-ES\"", false},
        {",\"alg\":null", false},
        {",\"x5c\":[\"nonsense\"],\"x5u\":\"https://elsewhere.example/\",\"d\":\"AA\"", true},
    };
    struct signer s = signer_make(ALG_ES256, "k");
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_row(rows[i].extra, is_taken(signer_jwk(&s, rows[i].extra)) == rows[i].wanted);
}

static void refuses_weak_and_odd_rsa_keys(void **state)
{
    static const struct {
        unsigned bits;
        bool wanted;
    } rows[] = {{1024, false}, {2040, false}, {2048, true}, {3072, true}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct signer s = signer_rsa(rows[i].bits, 65537, "k");
        assert_int_equal(is_taken(signer_jwk(&s, "")), rows[i].wanted);
        EVP_PKEY_free(s.pkey);
    }
}

static void refuses_malformed_material(void **state)
{
    /* 342 characters are 2048 bit when the first has its high bit */
    char n[343], even[343], huge[1368];
    memset(n, 'x', 342), n[342] = '\0', n[341] = 'Q';
    memset(huge, 'x', 1366), huge[1366] = 'E', huge[1367] = '\0'; /* 8200 bit */
    memcpy(even, n, sizeof even), even[340] = 'A', even[341] = 'A';
    const struct {
        const char *row, *jwk;
        bool wanted;
    } rows[] = {
        {"good", arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", n).p,
         true},
        {"e 3 may be allowed by an issuer",
         arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"Aw\"}", n).p, true},
        {"e even",
         arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAA\"}", n).p, false},
        {"e 1", arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQ\"}", n).p,
         false},
        {"e 0", arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AA\"}", n).p,
         false},
        {"e over 64 bit",
         arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAAAAAAAAAB\"}", n).p,
         false},
        {"e missing", arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\"}", n).p, false},
        {"e padded",
         arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB====\"}", n).p,
         false},
        {"e a number",
         arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":65537}", n).p, false},
        {"n even",
         arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", even).p,
         false},
        {"n over 8192 bit",
         arena_printf(&signer_arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", huge).p,
         false},
        {"oct", "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ\"}", false},
        {"no kty", "{\"x\":\"AA\"}", false},
        {"kty in lower case", "{\"kty\":\"ec\",\"crv\":\"P-256\"}", false},
        {"secp256k1", "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}", false},
        {"X25519",
         "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-"
         "IK08\"}",
         false},
        {"Ed25519 cut",
         "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcH\"}",
         false},
        {"point off the curve",
         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
         "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4\"}",
         false},
        {"point at zero",
         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
         "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
         false},
        {"short coordinate",
         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVA\","
         "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
         false},
        {"x with a byte more",
         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEUA\","
         "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
         false},
        {"y with a byte more",
         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
         "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0A\"}",
         false},
        {"not an object", "\"key\"", false},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_row(rows[i].row, is_taken(rows[i].jwk) == rows[i].wanted);
    assert_int_equal(ERR_peek_error(), 0);
}

static void refuses_what_is_no_set(void **state)
{
    static const char *const rows[] = {"",
                                       "[]",
                                       "{}",
                                       "{\"keys\":{}}",
                                       "{\"keys\":[]}",
                                       "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}",
                                       "{\"keys\":[]} trailing",
                                       "{\"keys\":[],\"keys\":[]}"};
    struct fail fail = {0};
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_row(rows[i], parse(rows[i]) == NULL);
    assert_null(keyset_parse(STR("{\"keys\":[]}"), &fail));
    assert_int_equal(fail.code, FAIL_INPUT);
    char *big = mem_alloc(KEYSET_MAX_BYTES + 1);
    memset(big, ' ', KEYSET_MAX_BYTES + 1);
    assert_null(keyset_parse((str){big, KEYSET_MAX_BYTES + 1}, &fail));
    assert_int_equal(fail.code, FAIL_LIMIT);
    free(big);
}

static void skips_and_counts_what_it_cannot_use(void **state)
{
    struct signer es = signer_make(ALG_ES256, "a"), ed = signer_make(ALG_EDDSA, "b");
    struct keyset *keys =
        signer_keys(signer_jwk(&es, ""), "{\"kty\":\"oct\",\"kid\":\"c\",\"k\":\"AA\"}",
                    signer_jwk(&ed, ""), signer_jwk(&es, ",\"use\":\"enc\""), NULL);
    assert_int_equal(keyset_count(keys), 2);
    assert_int_equal(keyset_skipped(keys), 2);
    assert_true(keyset_has_kid(keys, STR("a")) && keyset_has_kid(keys, STR("b")));
    assert_false(keyset_has_kid(keys, STR("c")) || keyset_has_kid(keys, STR("")));
    keyset_unref(&keys);
    assert_null(keys);
    keyset_unref(&keys);
    assert_int_equal(keyset_count(NULL), 0);
}

static void chooses_one_key_or_none(void **state)
{
    struct signer rs = signer_make(ALG_RS256, "r"), a = signer_make(ALG_ES256, "a"),
                  b = signer_make(ALG_ES256, "b"), ed = signer_make(ALG_EDDSA, "d");
    struct signer rs_as_a = rs, a_as_b = a, nameless = b;
    rs_as_a.kid = "a", a_as_b.kid = "b", nameless.kid = NULL;
    struct keyset *keys =
        signer_keys(signer_jwk(&rs, ",\"alg\":\"RS256\""), signer_jwk(&a, ""),
                    signer_jwk(&rs_as_a, ",\"alg\":\"PS256\""), signer_jwk(&b, ""),
                    signer_jwk(&a_as_b, ""), signer_jwk(&nameless, ""), signer_jwk(&ed, ""), NULL);
    static const struct {
        const char *row, *kid;
        enum token_alg alg;
        enum token_verdict wanted;
    } rows[] = {
        {"by name", "r", ALG_RS256, TOKEN_OK},
        {"by name, alg of the key differs", "r", ALG_RS384, TOKEN_KEY},
        {"by name, type differs", "r", ALG_ES256, TOKEN_KEY},
        {"one name, two types: EC", "a", ALG_ES256, TOKEN_OK},
        {"one name, two types: RSA", "a", ALG_PS256, TOKEN_OK},
        {"one name, neither fits", "a", ALG_RS256, TOKEN_KEY},
        {"one name, wrong curve", "a", ALG_ES384, TOKEN_KEY},
        {"one name, both fit", "b", ALG_ES256, TOKEN_AMBIGUOUS_KEY},
        {"unknown name", "x", ALG_RS256, TOKEN_UNKNOWN_KID},
        {"empty name", "", ALG_RS256, TOKEN_UNKNOWN_KID},
        {"name in other case", "R", ALG_RS256, TOKEN_UNKNOWN_KID},
        {"no name, one fits", NULL, ALG_RS256, TOKEN_OK},
        {"no name, one fits (EdDSA)", NULL, ALG_EDDSA, TOKEN_OK},
        {"no name, several fit", NULL, ALG_ES256, TOKEN_AMBIGUOUS_KEY},
        {"no name, none fits", NULL, ALG_ES512, TOKEN_UNKNOWN_KID},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct key *key = NULL;
        assert_verdict(rows[i].row, keyset_choose(keys, str_of(rows[i].kid), rows[i].alg, &key),
                       rows[i].wanted);
        assert_row(rows[i].row, rows[i].wanted != TOKEN_OK || key->algs & ALG_BIT(rows[i].alg));
    }
    keyset_unref(&keys);
}

static void knows_equal_documents(void **state)
{
    struct signer a = signer_make(ALG_ES256, "a"), b = signer_make(ALG_ES256, "b");
    struct keyset *one = signer_keys(signer_jwk(&a, ""), NULL);
    struct keyset *same = signer_keys(signer_jwk(&a, ""), NULL);
    struct keyset *other = signer_keys(signer_jwk(&b, ""), NULL), *ref = keyset_ref(one);
    assert_true(keyset_same(one, same) && keyset_same(NULL, NULL));
    assert_false(keyset_same(one, other) || keyset_same(one, NULL) || keyset_same(NULL, one));
    keyset_unref(&one);
    assert_int_equal(keyset_count(ref), 1);
    keyset_unref(&ref);
    keyset_unref(&same);
    keyset_unref(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_keys_meant_for_verifying),
        cmocka_unit_test(refuses_weak_and_odd_rsa_keys),
        cmocka_unit_test(refuses_malformed_material),
        cmocka_unit_test(refuses_what_is_no_set),
        cmocka_unit_test(skips_and_counts_what_it_cannot_use),
        cmocka_unit_test(chooses_one_key_or_none),
        cmocka_unit_test(knows_equal_documents),
    };
    return cmocka_run_group_tests_name("authn/keyset", tests, NULL, NULL);
}
