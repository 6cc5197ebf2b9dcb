/* How soon the next attempt is let through. */
#include "check.h"

#include "authn/throttle.h"

static const struct throttle_rule rule = {.free = 3, .max_s = 60, .memory_s = 600};

static void the_wait_doubles_up_to_its_limit(void **state)
{
    static const int64_t waits[] = {0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60};
    struct throttle t;
    throttle_init(&t, rule);
    assert_int_equal(throttle_left_s(&t, 7, 1000), 0);
    for (size_t i = 0; i < ROWS(waits); i++) {
        throttle_charge(&t, 7, 1000);
        assert_int_equal(throttle_left_s(&t, 7, 1000), waits[i]);
        assert_int_equal(throttle_left_s(&t, 8, 1000), 0); /* nobody else's */
    }
    assert_int_equal(throttle_left_s(&t, 7, 1059), 1);
    assert_int_equal(throttle_left_s(&t, 7, 1060), 0);
    throttle_charge(&t, 7, 1060); /* quiet for a minute is not forgotten */
    assert_int_equal(throttle_left_s(&t, 7, 1060), 60);
    assert_int_equal(throttle_left_s(&t, 7, 900), 60); /* a clock set back waits no longer */
    throttle_charge(&t, 7, 1060 + 600);
    assert_int_equal(throttle_left_s(&t, 7, 1060 + 600), 0);
    throttle_finish(&t);
}

static void a_good_attempt_forgets_all_or_itself(void **state)
{
    struct throttle t;
    throttle_init(&t, rule);
    for (int i = 0; i < 5; i++)
        throttle_charge(&t, 1, 1000);
    assert_int_equal(throttle_left_s(&t, 1, 1000), 4);
    throttle_refund(&t, 1);
    assert_int_equal(throttle_left_s(&t, 1, 1000), 2);
    throttle_extend(&t, 1, 1001);
    assert_int_equal(throttle_left_s(&t, 1, 1001), 2);
    throttle_clear(&t, 1);
    assert_int_equal(throttle_left_s(&t, 1, 1001), 0);
    throttle_refund(&t, 1); /* nothing there */
    throttle_extend(&t, 1, 1001);
    for (int i = 0; i < 3; i++)
        throttle_charge(&t, 1, 1001);
    assert_int_equal(throttle_left_s(&t, 1, 1001), 0);
    throttle_finish(&t);
}

static void a_flood_of_names_does_not_wash_away_the_one_guessed_at(void **state)
{
    struct throttle t;
    throttle_init(&t, rule);
    for (int i = 0; i < 6; i++)
        throttle_charge(&t, 42, 1000);
    for (uint64_t name = 1000; name < 200000; name++)
        throttle_charge(&t, name, 1001);
    assert_int_equal(throttle_left_s(&t, 42, 1001), 7);
    throttle_finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wait_doubles_up_to_its_limit),
        cmocka_unit_test(a_good_attempt_forgets_all_or_itself),
        cmocka_unit_test(a_flood_of_names_does_not_wash_away_the_one_guessed_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
