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
    assert_true(record_read(str_of(LINE), &r));
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
    assert_true(record_read(str_of(LINE), &r));
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

static void test_other_kinds_are_none(void **state)
{
    static const char *const lines[] = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{\"kind\":\"checkpoint\"}",
        "{\"kind\":\"visit.end\"}",
        "{\"kind\":\"request.open\",\"decision\":{\"effect\":\"allow\"},\"facts\":{\"now\":1}}",
        "{\"kind\":\"decision\",\"decision\":{\"effect\":\"allow\"}}",
        "{\"kind\":\"decision\",\"facts\":{\"now\":1}}",
    };
    struct record r;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_false(record_read(str_of(lines[i]), &r));
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
            if (record_read((str){line, length}, &r)) {
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
        cmocka_unit_test(test_other_kinds_are_none),
        cmocka_unit_test(test_cut_and_damaged_lines),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
