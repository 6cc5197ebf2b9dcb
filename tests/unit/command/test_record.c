/* A recorded decision as facts again, whatever the line holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/command/policy_record.h"

static const char LINE[] =
    "{\"time\":\"2026-11-25T12:40:22.047646Z\",\"kind\":\"decision\",\"id\":\"f00d\",\"app\":"
    "\"wiki\","
    "\"protocol\":\"http\",\"method\":\"GET\",\"host\":\"wiki.example\",\"path\":\"/"
    "a\\\"b\\u0001\","
    "\"client\":{\"address\":\"192.0.2.7\",\"front\":\"direct\"},"
    "\"identity\":{\"kind\":\"human\",\"issuer\":\"https://"
    "i\",\"issuer_name\":\"corp\",\"subject\":\"kim\","
    "\"email\":\"kim@x.y\",\"email_verified\":true,\"groups\":[\"a\",\"b\\u00e9\"],"
    "\"claims\":{\"level\":7,\"vip\":true,\"tags\":[\"x\",1,null],\"odd\":{\"a\":[\"}\"]},\"t\":\"{"
    "\\\"\"}},"
    "\"auth\":{\"kind\":\"token\",\"time\":1795610000,\"amr\":[\"otp\"],\"acr\":\"high\",\"mfa\":"
    "true,"
    "\"expires\":1795614022},"
    "\"decision\":{\"effect\":\"deny\",\"reason\":\"default-deny\",\"rules\":[\"r1\",\"r2\"]},"
    "\"facts\":{\"now\":1795610422,\"public\":false,\"clock_good\":true},\"status\":403}";

static const struct policy_value *claim(const struct policy_identity *id, const char *name)
{
    for (size_t i = 0; i < id->n_claims; i++)
        if (str_eq(id->claims[i].name, str_of(name)))
            return &id->claims[i].value;
    return NULL;
}

static void test_decision(void **state)
{
    struct record r;
    struct arena a;
    str rules[4];

    arena_init(&a, NULL, 0);
    assert_int_equal(record_read(str_of(LINE), &r), RECORD_DECISION);
    assert_true(str_eq(r.app, STR("wiki")) && str_eq(r.method, STR("GET")));
    assert_true(str_eq(record_text(&a, r.path), STR("/a\"b\x01")));
    assert_true(str_eq(r.effect, STR("deny")) && str_eq(r.reason, STR("default-deny")));
    assert_int_equal(record_texts(&a, r.rules, rules, 4), 2);
    assert_true(str_eq(rules[1], STR("r2")));
    assert_int_equal(r.client.family, 4);
    assert_int_equal(r.now_s, 1795610422);
    assert_true(r.clock_is_good);
    arena_finish(&a);
}

static void test_person(void **state)
{
    struct record_people people;
    struct record r;

    record_people_init(&people, NULL, NULL);
    assert_int_equal(record_read(str_of(LINE), &r), RECORD_DECISION);
    struct record_person *person = record_person(&people, &r);
    const struct policy_identity *id = &person->identity;
    assert_true(str_eq(id->subject, STR("kim")) && str_eq(id->issuer_name, STR("corp")));
    assert_int_equal(id->email_verified, POLICY_TRUE);
    assert_int_equal(id->n_groups, 2);
    assert_true(str_eq(id->groups[1], STR("b\xc3\xa9")));
    assert_int_equal(id->mfa, POLICY_TRUE);
    assert_int_equal(id->auth_time_s, 1795610000);
    assert_true(str_eq(id->acr, STR("high")) && id->amr_known && id->n_amr == 1);
    assert_int_equal(claim(id, "level")->kind, POLICY_VALUE_NUMBER);
    assert_int_equal(claim(id, "vip")->kind, POLICY_VALUE_BOOL);
    assert_int_equal(claim(id, "odd")->kind, POLICY_VALUE_OTHER);
    assert_true(str_eq(claim(id, "t")->text, STR("{\"")));
    assert_int_equal(claim(id, "tags")->n, 3);
    assert_int_equal(claim(id, "tags")->items[2].kind, POLICY_VALUE_OTHER);
    assert_true(str_eq(claim(id, "email")->text, STR("kim@x.y")));
    assert_ptr_equal(record_person(&people, &r), person);
    record_people_finish(&people);
}

static void test_what_is_no_decision(void **state)
{
    static const struct {
        const char *line;
        enum record_kind kind;
    } rows[] = {
        {"", RECORD_BROKEN},
        {"{", RECORD_BROKEN},
        {"[]", RECORD_BROKEN},
        {"null", RECORD_BROKEN},
        {"{}", RECORD_BROKEN},
        {"{\"kind\":7}", RECORD_BROKEN},
        {"{\"kind\":\"checkpoint\"}", RECORD_OTHER},
        {"{\"kind\":\"visit.end\"}", RECORD_OTHER},
        {"{\"kind\":\"request.open\",\"decision\":{\"effect\":\"allow\"},\"facts\":{\"now\":1}}",
         RECORD_OTHER},
        {"{\"kind\":\"decision\",\"decision\":{\"effect\":\"allow\"}}", RECORD_BROKEN},
        {"{\"kind\":\"decision\",\"facts\":{\"now\":1}}", RECORD_BROKEN},
        {"{\"kind\":\"decision\",\"id\":\"1\",\"shortened\":true}", RECORD_SHORTENED},
        {"{\"kind\":\"decision\",\"shortened\":true,\"path_begins\":\"/"
         "a\",\"decision\":{\"effect\":"
         "\"allow\"},\"facts\":{\"now\":1}}",
         RECORD_SHORTENED},
    };
    struct record r;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (record_read(str_of(rows[i].line), &r) != rows[i].kind)
            fail_msg("%s", rows[i].line);
}

static void test_what_was_open_and_stated(void **state)
{
    static const char line[] =
        "{\"kind\":\"decision\",\"policy\":{\"digest\":\"d1\",\"generation\":1},\"decision\":{"
        "\"effect\":\"allow\"},\"facts\":{\"now\":7,\"grants_unknown\":true,\"grants\":[{\"kind\":"
        "\"approval\",\"rule\":\"r\",\"digest\":\"x\",\"expires\":9},{\"kind\":\"break_glass\"},{"
        "\"kind\":\"odd\"}],\"purpose\":\"a \\\"b\\\"\"}}";
    const struct policy_grant *grants;
    struct record r;
    struct arena a;

    arena_init(&a, NULL, 0);
    assert_int_equal(record_read(str_of(line), &r), RECORD_DECISION);
    assert_true(str_eq(r.digest, STR("d1")) && r.grants_unknown);
    assert_true(str_eq(record_text(&a, r.purpose), STR("a \"b\"")));
    assert_int_equal(record_grants(&a, &r, &grants), 3);
    assert_true(grants[0].kind == POLICY_GRANT_APPROVAL && grants[0].expires_s == 9);
    assert_true(str_eq(grants[0].rule, STR("r")) && str_eq(grants[0].rule_digest, STR("x")));
    assert_int_equal(grants[1].kind, POLICY_GRANT_BREAK_GLASS);
    assert_int_equal(grants[2].kind, POLICY_GRANT_NONE);
    arena_finish(&a);
}

/* Every beginning of a record, and every one of its bytes replaced: read or refused, within its
 * bounds (each line is a block of its own, so that a sanitizer sees one byte too many). */
static void test_cut_and_damaged_lines(void **state)
{
    static const char odd[] = "\"\\{}[],:x0";
    struct record_people people;
    size_t n = sizeof LINE - 1;

    record_people_init(&people, NULL, NULL);
    for (size_t at = 0; at < n; at++)
        for (size_t k = 0; k < sizeof odd; k++) {
            size_t length = k == sizeof odd - 1 ? at : n;
            char *line = malloc(length + 1);
            struct arena a;
            struct record r;
            memcpy(line, LINE, length);
            if (length == n)
                line[at] = odd[k];
            line = realloc(line, length ? length : 1);
            arena_init(&a, NULL, 0);
            if (record_read((str){line, length}, &r) == RECORD_DECISION) {
                const struct policy_grant *grants;
                record_grants(&a, &r, &grants);
                record_person(&people, &r);
                record_text(&a, r.path);
            }
            arena_finish(&a);
            free(line);
        }
    record_people_finish(&people);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decision),
        cmocka_unit_test(test_person),
        cmocka_unit_test(test_what_is_no_decision),
        cmocka_unit_test(test_what_was_open_and_stated),
        cmocka_unit_test(test_cut_and_damaged_lines),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
