/* What is kept of a good token. */
#include "corp.h"

static struct identity *identity_of(const struct issuer *issuer, const char *members)
{
    struct identity *id;
    const char *payload = arena_printf(&signer_arena, "{" GOOD "%s}", members).p;
    assert_verdict(payload, corp_verify(issuer, payload, &id), TOKEN_OK);
    return id;
}

static void keeps_texts_times_and_claims(void **state)
{
    struct issuer issuer = corp();
    struct identity *id = identity_of(
        &issuer,
        ",\"email\":\"Kim@Acme.example\",\"email_verified\":true,\"groups\":[\"a\",\"\\u00e9\"],"
        "\"jti\":\"j\",\"sid\":\"s\",\"nonce\":\"n\",\"azp\":\"postern\",\"auth_time\":1699990000,"
        "\"nbf\":1699999000.9,\"amr\":[\"pwd\",\"otp\"],\"acr\":\"2\",\"level\":1.10,\"ok\":true,"
        "\"mixed\":[\"x\",2,false,null,{\"y\":1},[1]],\"nothing\":null,\"object\":{\"a\":1}");
    assert_true(str_eq(id->issuer_name, STR("corp")) && str_eq(id->subject, STR("kim")));
    assert_true(str_eq(id->issuer, STR("https://idp.example")) && str_eq(id->kid, STR("k")));
    assert_true(str_eq(id->email, STR("Kim@Acme.example")) && id->email_counts);
    assert_true(str_eq(id->jti, STR("j")) && str_eq(id->sid, STR("s")));
    assert_true(str_eq(id->nonce, STR("n")) && str_eq(id->azp, STR("postern")));
    assert_int_equal(id->alg, ALG_ES256);
    assert_true(id->has_auth_time && id->has_iat && id->has_nbf);
    assert_int_equal(id->auth_time_s, 1699990000);
    assert_int_equal(id->iat_s, 1699999990);
    assert_int_equal(id->nbf_s, 1699999000);
    assert_int_equal(id->exp_s, 1700003600);
    assert_int_equal(id->groups_state, GROUPS_KNOWN);
    assert_int_equal(id->n_groups, 2);
    assert_true(str_eq(id->groups[1], STR("\xc3\xa9")));
    assert_true(id->n_amr == 2 && str_eq(id->amr[1], STR("otp")) && str_eq(id->acr, STR("2")));
    assert_false(id->is_machine);

    const struct claim *c = identity_claim(id, STR("level"));
    assert_true(c && c->kind == CLAIM_NUMBER && str_eq(c->text, STR("1.10")));
    c = identity_claim(id, STR("ok"));
    assert_true(c && c->kind == CLAIM_BOOL && str_eq(c->text, STR("true")));
    c = identity_claim(id, STR("mixed"));
    static const enum claim_kind kinds[] = {CLAIM_STRING, CLAIM_NUMBER, CLAIM_BOOL,
                                            CLAIM_OTHER,  CLAIM_OTHER,  CLAIM_OTHER};
    assert_true(c && c->kind == CLAIM_LIST && c->n_items == 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(c->items[i].kind, kinds[i]);
    assert_int_equal(identity_claim(id, STR("nothing"))->kind, CLAIM_OTHER);
    assert_int_equal(identity_claim(id, STR("object"))->kind, CLAIM_OTHER);
    assert_non_null(identity_claim(id, STR("sub")));
    assert_null(identity_claim(id, STR("none")));
    /* one block holds it all */
    assert_int_equal(id->arena.heap_bytes, 0);
    assert_true(identity_bytes(id) < 4096);

    struct identity *ref = identity_ref(id);
    identity_unref(&id);
    assert_null(id);
    assert_true(str_eq(ref->subject, STR("kim")));
    identity_unref(&ref);
    identity_unref(&ref);
}

static void tells_what_is_known_of_groups(void **state)
{
    static const struct {
        const char *members;
        enum groups_state plain, none_when_absent;
        size_t n;
    } rows[] = {
        {"", GROUPS_ABSENT, GROUPS_KNOWN, 0},
        {",\"groups\":[]", GROUPS_KNOWN, GROUPS_KNOWN, 0},
        {",\"groups\":[\"a\",\"b\"]", GROUPS_KNOWN, GROUPS_KNOWN, 2},
        {",\"groups\":\"a\"", GROUPS_MALFORMED, GROUPS_MALFORMED, 0},
        {",\"groups\":null", GROUPS_MALFORMED, GROUPS_MALFORMED, 0},
        {",\"groups\":{\"a\":1}", GROUPS_MALFORMED, GROUPS_MALFORMED, 0},
        {",\"groups\":[\"a\",1]", GROUPS_MALFORMED, GROUPS_MALFORMED, 0},
        {",\"_claim_names\":{\"groups\":\"src1\"}", GROUPS_OVERAGE, GROUPS_OVERAGE, 0},
        {",\"_claim_names\":{\"groups\":\"src1\"},\"groups\":[\"a\"]", GROUPS_OVERAGE,
         GROUPS_OVERAGE, 0},
        {",\"_claim_names\":{\"other\":\"src1\"}", GROUPS_ABSENT, GROUPS_KNOWN, 0},
        {",\"_claim_names\":\"odd\"", GROUPS_OVERAGE, GROUPS_OVERAGE, 0},
        {",\"hasgroups\":true", GROUPS_OVERAGE, GROUPS_OVERAGE, 0},
        {",\"hasgroups\":\"true\"", GROUPS_OVERAGE, GROUPS_OVERAGE, 0},
        {",\"hasgroups\":false", GROUPS_ABSENT, GROUPS_KNOWN, 0},
        {",\"roles\":[\"a\"]", GROUPS_ABSENT, GROUPS_KNOWN, 0},
    };
    static const str groups[] = {{"groups", 6}};
    struct issuer plain = corp(), always = corp(), mapped = corp();
    always.absent_means_none = groups, always.n_absent_means_none = 1;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct identity *id = identity_of(&plain, rows[i].members);
        assert_row(rows[i].members, id->groups_state == rows[i].plain);
        assert_row(rows[i].members, id->n_groups == rows[i].n);
        identity_unref(&id);
        id = identity_of(&always, rows[i].members);
        assert_row(rows[i].members, id->groups_state == rows[i].none_when_absent);
        identity_unref(&id);
    }
    mapped.groups_claim = STR("roles");
    struct identity *id = identity_of(&mapped, ",\"groups\":[\"a\"],\"roles\":[\"r\"]");
    assert_true(id->n_groups == 1 && str_eq(id->groups[0], STR("r")));
    identity_unref(&id);
}

/* A rule on the claim of that name is asked of the whole as well, or a deny would be dodged. */
static void a_claim_behind_a_pointer_is_unknown(void **state)
{
    static const char *const rows[] = {
        ",\"hasgroups\":true",
        ",\"hasgroups\":true,\"groups\":[\"a\"]",
        ",\"_claim_names\":{\"groups\":\"src1\"}",
        ",\"_claim_names\":{\"groups\":\"src1\"},\"groups\":[\"a\"]",
        ",\"_claim_names\":\"odd\",\"groups\":[\"a\"]",
    };
    static const str groups[] = {{"groups", 6}};
    struct issuer always = corp();
    always.absent_means_none = groups, always.n_absent_means_none = 1;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct identity *id = identity_of(&always, rows[i]);
        const struct claim *claim = identity_claim(id, STR("groups"));
        assert_row(rows[i], !claim || claim->kind == CLAIM_OTHER);
        assert_row(rows[i], !identity_claim_is_none(id, &always, STR("groups")));
        identity_unref(&id);
    }
    struct identity *id =
        identity_of(&always, ",\"_claim_names\":{\"c\":\"s\"},\"c\":[\"a\"],\"d\":[\"b\"]");
    assert_int_equal(identity_claim(id, STR("c"))->kind, CLAIM_OTHER);
    assert_int_equal(identity_claim(id, STR("d"))->kind, CLAIM_LIST);
    identity_unref(&id);
}

static void knows_when_absence_is_an_answer(void **state)
{
    static const str company[] = {{"company", 7}};
    struct issuer plain = corp(), always = corp();
    always.absent_means_none = company, always.n_absent_means_none = 1;
    struct identity *id = identity_of(&always, "");
    assert_true(identity_claim_is_none(id, &always, STR("company")));
    assert_false(identity_claim_is_none(id, &always, STR("other")));
    assert_false(identity_claim_is_none(id, &plain, STR("company")));
    identity_unref(&id);
    id = identity_of(&always, ",\"company\":null");
    assert_false(identity_claim_is_none(id, &always, STR("company")));
    identity_unref(&id);
    id = identity_of(&always, ",\"_claim_names\":{\"company\":\"src1\"}");
    assert_false(identity_claim_is_none(id, &always, STR("company")));
    identity_unref(&id);
}

static void counts_only_proved_addresses(void **state)
{
    static const struct {
        const char *members;
        enum id_fact verified;
        bool counts, counts_when_trusted;
    } rows[] = {
        {"", ID_UNKNOWN, false, false},
        {",\"email\":\"a@b\"", ID_UNKNOWN, false, true},
        {",\"email\":\"a@b\",\"email_verified\":true", ID_TRUE, true, true},
        {",\"email\":\"a@b\",\"email_verified\":false", ID_FALSE, false, true},
        {",\"email\":\"a@b\",\"email_verified\":\"true\"", ID_UNKNOWN, false, true},
        {",\"email\":\"a@b\",\"email_verified\":1", ID_UNKNOWN, false, true},
        {",\"email\":\"a@evil.com@b\",\"email_verified\":true", ID_TRUE, false, false},
        {",\"email\":\"@b\",\"email_verified\":true", ID_TRUE, false, false},
        {",\"email\":\"a@\",\"email_verified\":true", ID_TRUE, false, false},
        {",\"email\":\"ab\",\"email_verified\":true", ID_TRUE, false, false},
        {",\"email\":\"\",\"email_verified\":true", ID_TRUE, false, false},
        {",\"email\":[\"a@b\"],\"email_verified\":true", ID_TRUE, false, false},
    };
    struct issuer plain = corp(), trusted = corp();
    trusted.trusted_email = true;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct identity *id = identity_of(&plain, rows[i].members);
        assert_row(rows[i].members, id->email_verified == rows[i].verified);
        assert_row(rows[i].members, id->email_counts == rows[i].counts);
        identity_unref(&id);
        id = identity_of(&trusted, rows[i].members);
        assert_row(rows[i].members, id->email_counts == rows[i].counts_when_trusted);
        identity_unref(&id);
    }
}

static void derives_mfa_by_the_map(void **state)
{
    static const str amr[] = {{"mfa", 3}, {"otp", 3}}, acr[] = {{"gold", 4}};
    static const struct {
        const char *members;
        enum id_fact by_amr, by_acr, by_both, without_map;
    } rows[] = {
        {"", ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN},
        {",\"amr\":[\"pwd\",\"otp\"]", ID_TRUE, ID_UNKNOWN, ID_TRUE, ID_UNKNOWN},
        {",\"amr\":[\"pwd\"]", ID_FALSE, ID_UNKNOWN, ID_FALSE, ID_UNKNOWN},
        {",\"amr\":[]", ID_FALSE, ID_UNKNOWN, ID_FALSE, ID_UNKNOWN},
        {",\"amr\":\"otp\"", ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN},
        {",\"amr\":[\"otp\",1]", ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN},
        {",\"amr\":[\"OTP\"]", ID_FALSE, ID_UNKNOWN, ID_FALSE, ID_UNKNOWN},
        {",\"acr\":\"gold\"", ID_UNKNOWN, ID_TRUE, ID_TRUE, ID_UNKNOWN},
        {",\"acr\":\"lead\"", ID_UNKNOWN, ID_FALSE, ID_FALSE, ID_UNKNOWN},
        {",\"acr\":2", ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN},
        {",\"amr\":[\"pwd\"],\"acr\":\"gold\"", ID_FALSE, ID_TRUE, ID_TRUE, ID_UNKNOWN},
    };
    struct issuer none = corp(), by_amr = corp(), by_acr = corp(), both = corp();
    by_amr.mfa_amr = both.mfa_amr = amr, by_amr.n_mfa_amr = both.n_mfa_amr = 2;
    by_acr.mfa_acr = both.mfa_acr = acr, by_acr.n_mfa_acr = both.n_mfa_acr = 1;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct issuer *issuers[] = {&by_amr, &by_acr, &both, &none};
        enum id_fact wanted[] = {rows[i].by_amr, rows[i].by_acr, rows[i].by_both,
                                 rows[i].without_map};
        for (size_t k = 0; k < 4; k++) {
            struct identity *id = identity_of(issuers[k], rows[i].members);
            assert_row(rows[i].members, id->mfa == wanted[k]);
            identity_unref(&id);
        }
    }
}

static void makes_machines_of_services_alone(void **state)
{
    static const struct service_claim sub[] = {{{"sub", 3}, {"kim", 3}}},
                                      prefix[] = {{{"repo", 4}, {"corp/inventory:*", 16}}},
                                      two[] = {{{"sub", 3}, {"kim", 3}}, {{"level", 5}, {"2", 1}}},
                                      list[] = {{{"roles", 5}, {"ci", 2}}},
                                      all[] = {{{"repo", 4}, {"*", 1}}};
    static const struct {
        const char *row;
        const struct service_claim *claims;
        size_t n;
        const char *members;
        bool wanted;
    } rows[] = {
        {"equal", sub, 1, "", true},
        {"no claims match nothing", sub, 0, "", false},
        {"beginning", prefix, 1, ",\"repo\":\"corp/inventory:main\"", true},
        {"beginning alone", prefix, 1, ",\"repo\":\"corp/inventory:\"", true},
        {"another beginning", prefix, 1, ",\"repo\":\"corp/inventory\"", false},
        {"absent", prefix, 1, "", false},
        {"both", two, 2, ",\"level\":2", true},
        {"one of two", two, 2, ",\"level\":3", false},
        {"in a list", list, 1, ",\"roles\":[\"x\",\"ci\"]", true},
        {"not in a list", list, 1, ",\"roles\":[\"x\",[\"ci\"]]", false},
        {"star needs the claim", all, 1, "", false},
        {"star and an object", all, 1, ",\"repo\":{}", false},
        {"star", all, 1, ",\"repo\":\"\"", true},
    };
    struct issuer issuer = corp();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct service_match services[] = {
            {STR("elsewhere"), STR("other"), rows[i].claims, rows[i].n},
            {STR("ci"), STR("corp"), rows[i].claims, rows[i].n}};
        struct identity *id = identity_of(&issuer, rows[i].members);
        assert_row(rows[i].row, identity_match_services(id, services, 2) == rows[i].wanted);
        assert_row(rows[i].row, id->is_machine == rows[i].wanted);
        assert_row(rows[i].row, str_eq(id->service, rows[i].wanted ? STR("ci") : STR("")));
        assert_row(rows[i].row,
                   id->groups_state == (rows[i].wanted ? GROUPS_KNOWN : GROUPS_ABSENT));
        identity_unref(&id);
    }
    struct service_match ci = {STR("ci"), STR("corp"), sub, 1};
    struct identity *id = identity_of(&issuer, ",\"hasgroups\":true");
    assert_true(identity_match_services(id, &ci, 1));
    assert_int_equal(id->groups_state, GROUPS_OVERAGE);
    identity_unref(&id);
}

/* 200 groups of Entra: fits, and stays in one block. */
static void holds_many_groups(void **state)
{
    struct issuer issuer = corp();
    str members = STR(",\"groups\":[");
    for (int i = 0; i < 200; i++)
        members = arena_printf(&signer_arena, "%.*s%s\"2b8e4b1c-7a3d-4a51-9f5e-%012d\"",
                               STR_ARG(members), i ? "," : "", i);
    members = arena_printf(&signer_arena, "%s]", members.p);
    struct identity *id = identity_of(&issuer, members.p);
    assert_int_equal(id->n_groups, 200);
    assert_int_equal(id->arena.heap_bytes, 0);
    identity_unref(&id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_texts_times_and_claims),
        cmocka_unit_test(tells_what_is_known_of_groups),
        cmocka_unit_test(a_claim_behind_a_pointer_is_unknown),
        cmocka_unit_test(knows_when_absence_is_an_answer),
        cmocka_unit_test(counts_only_proved_addresses),
        cmocka_unit_test(derives_mfa_by_the_map),
        cmocka_unit_test(makes_machines_of_services_alone),
        cmocka_unit_test(holds_many_groups),
    };
    return cmocka_run_group_tests_name("authn/identity", tests, NULL, NULL);
}
