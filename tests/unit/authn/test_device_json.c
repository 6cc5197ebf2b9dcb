/* Facts survive being kept. */
#include "check.h"

enum { NOW_S = 1764061200 };

static void kept_facts_are_read_again(void **state)
{
    static const struct device_fact facts[] = {
        {.attribute = STR("disk_encrypted"), .kind = CLAIM_BOOL, .text = STR("true")},
        {.attribute = STR("os_version"), .kind = CLAIM_STRING, .text = STR("14.10.1")},
        {.attribute = STR("risk"), .kind = CLAIM_NUMBER, .text = STR("12.5")},
        {.attribute = STR("corp.site"), .kind = CLAIM_STRING, .text = STR("Lund \"\\ \xc3\xa5")},
    };
    const struct device before = {STR("d1"), facts, ROWS(facts), NOW_S};
    struct device after;
    struct arena a;
    arena_init(&a, NULL, 0);
    device_facts_read(before.id, device_facts_write(&before, &a), NOW_S, &a, &after);
    assert_true(str_eq(after.id, before.id) && after.seen_s == NOW_S);
    assert_int_equal(after.n_facts, before.n_facts);
    for (size_t i = 0; i < before.n_facts; i++) {
        assert_true(str_eq(after.facts[i].attribute, facts[i].attribute));
        assert_true(str_eq(after.facts[i].text, facts[i].text));
        assert_int_equal(after.facts[i].kind, facts[i].kind);
        assert_int_equal(after.facts[i].seen_s, NOW_S);
    }
    arena_finish(&a);
}

static void what_is_no_fact_is_left_out(void **state)
{
    static const struct {
        const char *json;
        size_t n;
    } rows[] = {
        {"{}", 0},
        {"{\"managed\":true}", 1},
        {"{\"managed\":[true],\"firewall\":false}", 1},
        {"{\"nonsense\":true}", 0},
        {"{\"managed\":true,\"managed\":false}", 0},
        {"{\"managed\":tr", 0},
        {"[]", 0},
        {"", 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        struct device d;
        arena_init(&a, NULL, 0);
        device_facts_read(STR("d1"), str_of(rows[i].json), NOW_S, &a, &d);
        assert_row(rows[i].json, d.n_facts == rows[i].n && str_eq(d.id, STR("d1")));
        arena_finish(&a);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_facts_are_read_again),
        cmocka_unit_test(what_is_no_fact_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
