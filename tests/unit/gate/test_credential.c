/* Credentials: what a token proved, as facts, as record, as text of a header. */
#include "caller.h"

#include "../authn/signer.h"

static struct credential *make(const char *claims, const struct issuer *issuer)
{
    static char scratch[CREDENTIAL_SCRATCH_BYTES];
    struct signer s = signer_make(ALG_ES256, "k");
    struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
    struct identity *id = NULL;
    str token = str_of(house_token("kim", claims));
    enum token_verdict verdict =
        token_verify(issuer, keys, token, TOKEN_KIND_ACCESS, clock_wall_us() / 1000000, &id);
    if (verdict != TOKEN_OK)
        print_error("%s\n", token_verdict_code(verdict));
    assert_int_equal(verdict, TOKEN_OK);
    struct credential *c = credential_create(id, issuer, NULL, scratch);
    memset(scratch, 'x', sizeof scratch); /* nothing may point there */
    identity_unref(&id);
    keyset_unref(&keys);
    return c;
}

static const str AUDIENCE[] = {{"postern", 7}};

static struct issuer corp(void)
{
    return (struct issuer){.name = STR("corp"),
                           .issuer = STR("https://login.example"),
                           .audiences = AUDIENCE,
                           .n_audiences = 1,
                           .algs = ALG_DEFAULT};
}

static void claim_texts(void **state)
{
    static const struct {
        const char *id, *json, *text; /* NULL: the header is left out */
        bool bad;
    } rows[] = {
        {"text", "\"kim\"", "kim", false},
        {"empty text", "\"\"", "", false},
        {"UTF-8", "\"K\\u00e4re\"", "K\xc3\xa4re", false},
        {"text with a comma", "\"a,b\"", "a,b", false},
        {"number as written", "1.50", "1.50", false},
        {"bool", "true", "true", false},
        {"list", "[\"a\",\"b\",\"c\"]", "a,b,c", false},
        {"list of one", "[\"a\"]", "a", false},
        {"empty list", "[]", "", false},
        {"list of numbers", "[1,2]", "1,2", false},
        {"element with a comma", "[\"a\",\"b,c\"]", NULL, true},
        {"list in a list", "[[\"a\"]]", NULL, true},
        {"object in a list", "[\"a\",{}]", NULL, true},
        {"object", "{\"a\":1}", NULL, true},
        {"null", "null", NULL, true},
        {"absent", NULL, NULL, false},
    };
    struct issuer issuer = corp();
    clock_reset();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        bool bad = false;
        arena_init(&a, NULL, 0);
        struct credential *c =
            make(rows[i].json ? arena_printf(&signer_arena, ",\"note\":%s", rows[i].json).p : "",
                 &issuer);
        str text = credential_claim_text(c, STR("note"), &a, &bad);
        assert_row(rows[i].id, bad == rows[i].bad);
        assert_row(rows[i].id, (text.p != NULL) == (rows[i].text != NULL));
        assert_row(rows[i].id, str_eq(text, str_of(rows[i].text)));
        credential_unref(&c);
        assert_null(c);
        arena_finish(&a);
    }
    arena_reset(&signer_arena);
}

/* A control byte is refused by the token's own check; the header stands guard all the same. */
static void control_bytes_are_left_out(void **state)
{
    static const struct policy_value items[] = {{.kind = POLICY_VALUE_TEXT, .text = STR("a\x7f")}};
    static const struct policy_claim claims[] = {
        {STR("text"), {.kind = POLICY_VALUE_TEXT, .text = STR("a\r\nX-Admin: 1")}},
        {STR("nul"), {.kind = POLICY_VALUE_TEXT, .text = STR("a\0b")}},
        {STR("list"), {.kind = POLICY_VALUE_LIST, .items = items, .n = 1}},
    };
    struct credential c = {.facts = {.claims = claims, .n_claims = 3}};
    struct arena a;
    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < ROWS(claims); i++) {
        bool bad = false;
        assert_null(credential_claim_text(&c, claims[i].name, &a, &bad).p);
        assert_true(bad);
    }
    arena_finish(&a);
}

/* An address that nobody verified must not become somebody's name at the app. */
static void only_an_address_that_counts_is_carried(void **state)
{
    static const struct {
        const char *id, *claims, *email_claim, *name, *text;
        bool trusted, bad;
    } rows[] = {
        {"verified", ",\"email\":\"kim@a.example\",\"email_verified\":true", "", "email",
         "kim@a.example", false, false},
        {"not verified", ",\"email\":\"admin@a.example\",\"email_verified\":false", "", "email",
         NULL, false, true},
        {"not said", ",\"email\":\"admin@a.example\"", "", "email", NULL, false, true},
        {"a trusted issuer", ",\"email\":\"kim@a.example\"", "", "email", "kim@a.example", true,
         false},
        {"two signs", ",\"email\":\"a@b@a.example\",\"email_verified\":true", "", "email", NULL,
         false, true},
        {"absent", "", "", "email", NULL, false, false},
        {"by the issuer's name for it", ",\"mail\":\"admin@a.example\"", "mail", "mail", NULL,
         false, true},
        {"asked as email", ",\"mail\":\"kim@a.example\",\"email_verified\":true", "mail", "email",
         "kim@a.example", false, false},
    };
    clock_reset();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct issuer issuer = corp();
        struct arena a;
        bool bad = false;
        issuer.trusted_email = rows[i].trusted;
        if (rows[i].email_claim[0])
            issuer.email_claim = str_of(rows[i].email_claim);
        arena_init(&a, NULL, 0);
        struct credential *c = make(rows[i].claims, &issuer);
        str text = credential_claim_text(c, str_of(rows[i].name), &a, &bad);
        assert_row(rows[i].id, bad == rows[i].bad);
        assert_row(rows[i].id, (text.p != NULL) == (rows[i].text != NULL));
        assert_row(rows[i].id, str_eq(text, str_of(rows[i].text)));
        credential_unref(&c);
        arena_finish(&a);
    }
    arena_reset(&signer_arena);
}

static void record_members(void **state)
{
    struct issuer issuer = corp();
    clock_reset();
    struct credential *c =
        make(",\"groups\":[\"a\\\"b\",\"c\\\\d\"],\"email\":\"kim@acme.example\","
             "\"email_verified\":true,\"amr\":[\"pwd\",\"otp\"],\"acr\":\"high\",\"jti\":\"j1\","
             "\"auth_time\":1795791000,\"dept\":{\"x\":1},\"n\":1e3,\"b\":false,"
             "\"we\\\"ird\":[1,\"two\"]",
             &issuer);
    char text[4096];
    snprintf(text, sizeof text, "{%.*s}", STR_ARG(c->record));
    json_t *r = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(r);
    assert_string_equal(member(r, "identity.kind"), "human");
    assert_string_equal(member(r, "identity.issuer"), "https://login.example");
    assert_string_equal(member(r, "identity.issuer_name"), "corp");
    assert_string_equal(member(r, "identity.subject"), "kim");
    assert_string_equal(member(r, "identity.email"), "kim@acme.example");
    assert_string_equal(member(r, "identity.email_verified"), "true");
    assert_string_equal(member(r, "identity.groups"), "[\"a\\\"b\",\"c\\\\d\"]");
    assert_string_equal(member(r, "identity.claims.dept"), "null");
    assert_non_null(strstr(c->record.p, "\"n\":1e3"));
    assert_string_equal(member(r, "identity.claims.b"), "false");
    assert_string_equal(member(r, "identity.claims.we\"ird"), "[1,\"two\"]");
    assert_string_equal(member(r, "identity.claims.exp"), "");
    assert_string_equal(member(r, "auth.kind"), "token");
    assert_string_equal(member(r, "auth.amr"), "[\"pwd\",\"otp\"]");
    assert_string_equal(member(r, "auth.acr"), "high");
    assert_string_equal(member(r, "auth.time"), "1795791000");
    assert_string_equal(member(r, "auth.kid"), "k");
    assert_string_equal(member(r, "auth.alg"), "ES256");
    assert_string_equal(member(r, "auth.jti"), "j1");
    json_decref(r);
    credential_unref(&c);
    arena_reset(&signer_arena);
}

/* The issuer's settings may be gone while a long visit still holds the credential. */
static void outlives_the_configuration(void **state)
{
    struct issuer issuer = corp();
    clock_reset();
    char *name = mem_dup(STR("groups"));
    str *names = mem_alloc(sizeof *names);
    *names = (str){name, 6};
    issuer.absent_means_none = names;
    issuer.n_absent_means_none = 1;
    struct credential *c = make("", &issuer);
    free(name);
    free(names);
    assert_int_equal(c->facts.n_claims, 5);
    assert_true(str_eq(c->facts.claims[4].name, STR("groups")));
    assert_int_equal(c->facts.claims[4].value.kind, POLICY_VALUE_LIST);
    assert_int_equal(c->facts.claims[4].value.n, 0);
    struct credential *also = credential_ref(c);
    credential_unref(&c);
    assert_true(str_eq(also->facts.issuer_name, STR("corp")));
    credential_unref(&also);
    credential_unref(&also); /* takes NULL */
    arena_reset(&signer_arena);
}

/* The longest token that there can be, all of it to be escaped, is still told whole. */
static void the_longest_token(void **state)
{
    struct issuer issuer = corp();
    clock_reset();
    size_t n = 11000;
    char *claims = mem_alloc(n + 64);
    strcpy(claims, ",\"note\":\"");
    memset(claims + 9, '/', n);
    for (size_t i = 9; i < n; i += 2)
        memcpy(claims + i, "\\\"", 2);
    strcpy(claims + 9 + n - n % 2, "\"");
    struct credential *c = make(claims, &issuer);
    assert_true(c->record.n > n);
    assert_true(str_ends(c->record, STR("}")));
    assert_true(str_contains(c->record, STR("\"auth\":{")));
    credential_unref(&c);
    free(claims);
    arena_reset(&signer_arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claim_texts),
        cmocka_unit_test(control_bytes_are_left_out),
        cmocka_unit_test(only_an_address_that_counts_is_carried),
        cmocka_unit_test(record_members),
        cmocka_unit_test(outlives_the_configuration),
        cmocka_unit_test(the_longest_token),
    };
    return cmocka_run_group_tests_name("gate credential", tests, NULL, NULL);
}
