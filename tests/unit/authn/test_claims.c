/* Registered claims, row by row. */
#include "corp.h"

struct row {
    const char *payload;
    enum token_verdict wanted;
};

static void check_rows(const struct issuer *issuer, enum token_kind kind, const char *header,
                       const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct identity *id = (struct identity *)1;
        assert_verdict(rows[i].payload, corp_verify_as(issuer, kind, header, rows[i].payload, &id),
                       rows[i].wanted);
        assert_row(rows[i].payload, (id != NULL) == (rows[i].wanted == TOKEN_OK));
        identity_unref(&id);
    }
}

#define HEADER(typ) "{\"alg\":\"ES256\",\"kid\":\"k\"" typ "}"

static void names_the_issuer_and_us(void **state)
{
    static const struct row rows[] = {
        {"{" GOOD "}", TOKEN_OK},
        {"{" AUD "," SUB "," EXP "}", TOKEN_ISSUER},
        {"{\"iss\":\"\"," AUD "," SUB "," EXP "}", TOKEN_ISSUER},
        {"{\"iss\":\"https://idp.example/\"," AUD "," SUB "," EXP "}", TOKEN_ISSUER},
        {"{\"iss\":\"https://IDP.example\"," AUD "," SUB "," EXP "}", TOKEN_ISSUER},
        {"{\"iss\":\"https://idp.example.evil\"," AUD "," SUB "," EXP "}", TOKEN_ISSUER},
        {"{\"iss\":[\"https://idp.example\"]," AUD "," SUB "," EXP "}", TOKEN_ISSUER},
        {"{" ISS "," SUB "," EXP "}", TOKEN_AUDIENCE},
        {"{" ISS ",\"aud\":\"other\"," SUB "," EXP "}", TOKEN_AUDIENCE},
        {"{" ISS ",\"aud\":\"postern \"," SUB "," EXP "}", TOKEN_AUDIENCE},
        {"{" ISS ",\"aud\":\"\"," SUB "," EXP "}", TOKEN_AUDIENCE},
        {"{" ISS ",\"aud\":\"postern-too\"," SUB "," EXP "}", TOKEN_OK},
        {"{" ISS ",\"aud\":[]," SUB "," EXP "}", TOKEN_AUDIENCE},
        {"{" ISS ",\"aud\":[\"postern\"]," SUB "," EXP "}", TOKEN_OK},
        {"{" ISS ",\"aud\":[\"other\"]," SUB "," EXP "}", TOKEN_AUDIENCE},
        {"{" ISS ",\"aud\":[\"postern\",1]," SUB "," EXP "}", TOKEN_AUDIENCE},
        {"{" ISS ",\"aud\":[[\"postern\"]]," SUB "," EXP "}", TOKEN_AUDIENCE},
        {"{" ISS ",\"aud\":{\"postern\":1}," SUB "," EXP "}", TOKEN_AUDIENCE},
        {"{" ISS ",\"aud\":null," SUB "," EXP "}", TOKEN_AUDIENCE},
        {"{" ISS ",\"aud\":[\"postern\",\"other\"]," SUB "," EXP "}", TOKEN_AZP},
        {"{" ISS ",\"aud\":[\"postern\",\"other\"],\"azp\":\"other\"," SUB "," EXP "}", TOKEN_AZP},
        {"{" ISS ",\"aud\":[\"postern\",\"other\"],\"azp\":[\"postern\"]," SUB "," EXP "}",
         TOKEN_AZP},
        {"{" ISS ",\"aud\":[\"other\",\"postern\"],\"azp\":\"postern\"," SUB "," EXP "}", TOKEN_OK},
        {"{" ISS ",\"aud\":[\"postern\",\"postern\"]," SUB "," EXP "}", TOKEN_AZP},
    };
    struct issuer issuer = corp(), nobody = corp(), parties = corp();
    check_rows(&issuer, TOKEN_KIND_ACCESS, HEADER(""), rows, ROWS(rows));

    static const str clients[] = {{"client", 6}};
    static const struct row with_parties[] = {
        {"{" ISS ",\"aud\":[\"postern\",\"other\"],\"azp\":\"client\"," SUB "," EXP "}", TOKEN_OK},
        {"{" ISS ",\"aud\":[\"postern\",\"other\"],\"azp\":\"postern\"," SUB "," EXP "}",
         TOKEN_AZP},
    };
    parties.parties = clients, parties.n_parties = 1;
    check_rows(&parties, TOKEN_KIND_ACCESS, HEADER(""), with_parties, ROWS(with_parties));

    /* a zeroed issuer accepts nobody */
    static const struct row empty[] = {
        {"{\"iss\":\"\",\"aud\":\"\"," SUB "," EXP "}", TOKEN_ISSUER}};
    nobody.issuer = STR("");
    check_rows(&nobody, TOKEN_KIND_ACCESS, HEADER(""), empty, ROWS(empty));
    nobody = (struct issuer){0};
    static const struct row zeroed[] = {{"{" GOOD "}", TOKEN_ALG}};
    check_rows(&nobody, TOKEN_KIND_ACCESS, HEADER(""), zeroed, ROWS(zeroed));
}

#define TIMES(members) "{" ISS "," AUD "," SUB "," members "}"

static void keeps_time(void **state)
{
    static const struct row rows[] = {
        {"{" ISS "," AUD "," SUB "}", TOKEN_NO_EXPIRY},
        {TIMES("\"exp\":null"), TOKEN_NO_EXPIRY},
        {TIMES("\"exp\":\"1700003600\""), TOKEN_NO_EXPIRY},
        {TIMES("\"exp\":true"), TOKEN_NO_EXPIRY},
        {TIMES("\"exp\":[1700003600]"), TOKEN_NO_EXPIRY},
        {TIMES("\"exp\":1e300"), TOKEN_NO_EXPIRY},
        {TIMES("\"exp\":9007199254740993"), TOKEN_NO_EXPIRY},
        {TIMES("\"exp\":1e999"), TOKEN_MALFORMED},
        {TIMES("\"exp\":99999999999999999999"), TOKEN_MALFORMED},
        {TIMES("\"exp\":Infinity"), TOKEN_MALFORMED},
        {TIMES("\"exp\":1700000001"), TOKEN_OK},
        {TIMES("\"exp\":1.700000001e9"), TOKEN_OK},
        {TIMES("\"exp\":1700000000.5"), TOKEN_OK},
        {TIMES("\"exp\":1700000000"), TOKEN_EXPIRED},
        {TIMES("\"exp\":1699999999"), TOKEN_EXPIRED},
        {TIMES("\"exp\":0"), TOKEN_EXPIRED},
        {TIMES("\"exp\":-1"), TOKEN_EXPIRED},
        {TIMES(EXP ",\"nbf\":1700000060"), TOKEN_OK},
        {TIMES(EXP ",\"nbf\":1700000060.5"), TOKEN_NOT_YET},
        {TIMES(EXP ",\"nbf\":1700000061"), TOKEN_NOT_YET},
        {TIMES(EXP ",\"nbf\":0"), TOKEN_OK},
        {TIMES(EXP ",\"nbf\":\"0\""), TOKEN_CLAIM},
        {TIMES(EXP ",\"nbf\":null"), TOKEN_CLAIM},
        {TIMES(EXP ",\"iat\":1700000060"), TOKEN_OK},
        {TIMES(EXP ",\"iat\":1700000061"), TOKEN_NOT_YET},
        {TIMES(EXP ",\"iat\":\"now\""), TOKEN_CLAIM},
        {TIMES(EXP), TOKEN_OK},
    };
    static const struct row for_id[] = {{TIMES(EXP), TOKEN_CLAIM}, {TIMES(EXP "," IAT), TOKEN_OK}};
    struct issuer issuer = corp();
    check_rows(&issuer, TOKEN_KIND_ACCESS, HEADER(""), rows, ROWS(rows));
    check_rows(&issuer, TOKEN_KIND_ID, HEADER(""), for_id, ROWS(for_id));
}

static void needs_a_subject(void **state)
{
    char longest[TOKEN_MAX_SUBJECT + 1], longer[TOKEN_MAX_SUBJECT + 2];
    memset(longest, 's', sizeof longest - 1), longest[sizeof longest - 1] = '\0';
    memset(longer, 's', sizeof longer - 1), longer[sizeof longer - 1] = '\0';
    const char *rest = ISS "," AUD "," EXP "," IAT;
    const struct row rows[] = {
        {arena_printf(&signer_arena, "{%s}", rest).p, TOKEN_SUBJECT},
        {arena_printf(&signer_arena, "{%s,\"sub\":\"\"}", rest).p, TOKEN_SUBJECT},
        {arena_printf(&signer_arena, "{%s,\"sub\":null}", rest).p, TOKEN_SUBJECT},
        {arena_printf(&signer_arena, "{%s,\"sub\":17}", rest).p, TOKEN_SUBJECT},
        {arena_printf(&signer_arena, "{%s,\"sub\":[\"kim\"]}", rest).p, TOKEN_SUBJECT},
        {arena_printf(&signer_arena, "{%s,\"sub\":\"%s\"}", rest, longest).p, TOKEN_OK},
        {arena_printf(&signer_arena, "{%s,\"sub\":\"%s\"}", rest, longer).p, TOKEN_SUBJECT},
        {arena_printf(&signer_arena, "{%s,\"sub\":\"\\u00e9\"}", rest).p, TOKEN_OK},
    };
    const struct row of_logout[] = {
        {arena_printf(&signer_arena, "{%s}", rest).p, TOKEN_SUBJECT},
        {arena_printf(&signer_arena, "{%s,\"sid\":\"\"}", rest).p, TOKEN_SUBJECT},
        {arena_printf(&signer_arena, "{%s,\"sid\":\"s1\"}", rest).p, TOKEN_OK},
        {arena_printf(&signer_arena, "{%s,\"sub\":\"kim\"}", rest).p, TOKEN_OK},
        {arena_printf(&signer_arena, "{%s,\"sub\":\"\",\"sid\":\"s1\"}", rest).p, TOKEN_SUBJECT},
        {arena_printf(&signer_arena, "{%s,\"sub\":\"kim\",\"nonce\":\"n\"}", rest).p, TOKEN_CLAIM},
    };
    const struct row of_set[] = {{arena_printf(&signer_arena, "{%s}", rest).p, TOKEN_OK}};
    struct issuer issuer = corp();
    check_rows(&issuer, TOKEN_KIND_ACCESS, HEADER(""), rows, ROWS(rows));
    check_rows(&issuer, TOKEN_KIND_LOGOUT, HEADER(",\"typ\":\"logout+jwt\""), of_logout,
               ROWS(of_logout));
    check_rows(&issuer, TOKEN_KIND_SET, HEADER(",\"typ\":\"secevent+jwt\""), of_set, ROWS(of_set));
}

static void refuses_control_characters_and_loose_json(void **state)
{
    static const struct row rows[] = {
        {"{" GOOD ",\"name\":\"a\\nb\"}", TOKEN_CONTROL},
        {"{" GOOD ",\"name\":\"a\\u0000b\"}", TOKEN_MALFORMED},
        {"{" GOOD ",\"name\":\"a\\u007f\"}", TOKEN_CONTROL},
        {"{" GOOD ",\"name\":\"a\\u009b\"}", TOKEN_CONTROL},
        {"{" GOOD ",\"x\":{\"y\":[\"\\r\\nX-Admin: 1\"]}}", TOKEN_CONTROL},
        {"{" GOOD ",\"na\\tme\":1}", TOKEN_CONTROL},
        {"{" GOOD ",\"sub\":\"lee\"}", TOKEN_MALFORMED},
        {"{" GOOD "}{}", TOKEN_MALFORMED},
        {"{" GOOD ",\"n\":99999999999999999999}", TOKEN_MALFORMED},
        {"["
         "{" GOOD "}]",
         TOKEN_MALFORMED},
        {"", TOKEN_MALFORMED},
        {"{" GOOD ",\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}", TOKEN_OK},
        {"{" GOOD ",\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", TOKEN_MALFORMED},
        {"{" GOOD ",\"name\":\"\xff\"}", TOKEN_MALFORMED},
    };
    struct issuer issuer = corp();
    check_rows(&issuer, TOKEN_KIND_ACCESS, HEADER(""), rows, ROWS(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_issuer_and_us),
        cmocka_unit_test(keeps_time),
        cmocka_unit_test(needs_a_subject),
        cmocka_unit_test(refuses_control_characters_and_loose_json),
    };
    return cmocka_run_group_tests_name("authn/claims", tests, NULL, NULL);
}
