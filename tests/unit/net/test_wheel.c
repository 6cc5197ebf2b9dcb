/* The timing wheel, with a time of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "proxy/net/wheel.h"

static int fired;
static int64_t now_ms;

static void count(struct deadline *d)
{
    fired++;
}

/* Advances as the owner does: from one announced moment to the next. Returns how many advances. */
static int sleep_until(struct wheel *w, int64_t until_ms)
{
    int wakeups = 0;
    int64_t next_ms;
    while ((next_ms = wheel_next_ms(w)) >= 0 && next_ms <= until_ms) {
        now_ms = next_ms;
        wheel_advance(w, now_ms);
        wakeups++;
    }
    now_ms = until_ms;
    wheel_advance(w, now_ms);
    return wakeups;
}

static void fires_never_early_and_at_most_one_tick_late(void **state)
{
    static const int64_t delays_ms[] = {0,     1,     99,    100,    101,     5000,
                                        51099, 51200, 51300, 120000, 3600000, 86400000};
    for (size_t i = 0; i < sizeof delays_ms / sizeof delays_ms[0]; i++) {
        struct wheel w;
        struct deadline d;
        now_ms = 1234567;
        fired = 0;
        wheel_init(&w, now_ms);
        deadline_init(&d, count);
        wheel_set(&w, &d, now_ms, delays_ms[i]);
        int64_t due_ms = now_ms + delays_ms[i];
        if (delays_ms[i] > 0)
            sleep_until(&w, due_ms - 1);
        if (fired != 0)
            fail_msg("delay %ld: early", (long)delays_ms[i]);
        sleep_until(&w, due_ms + WHEEL_TICK_MS);
        if (fired != 1 || deadline_is_set(&d) || w.n != 0)
            fail_msg("delay %ld: fired %d", (long)delays_ms[i], fired);
        assert_int_equal(wheel_next_ms(&w), -1);
    }
}

static void putting_off_keeps_the_slot(void **state)
{
    struct wheel w;
    struct deadline d;
    now_ms = 1000;
    fired = 0;
    wheel_init(&w, now_ms);
    deadline_init(&d, count);
    assert_true(wheel_set(&w, &d, now_ms, 30000));
    for (int i = 0; i < 1000; i++)
        assert_false(wheel_set(&w, &d, now_ms += 10, 30000));
    assert_true(sleep_until(&w, now_ms + 29999) <= 2);
    assert_int_equal(fired, 0);
    sleep_until(&w, now_ms + 200);
    assert_int_equal(fired, 1);
}

static void an_earlier_time_moves_it(void **state)
{
    struct wheel w;
    struct deadline d;
    now_ms = 1000;
    fired = 0;
    wheel_init(&w, now_ms);
    deadline_init(&d, count);
    wheel_set(&w, &d, now_ms, 30000);
    assert_true(wheel_set(&w, &d, now_ms, 500));
    sleep_until(&w, 1600);
    assert_int_equal(fired, 1);
    sleep_until(&w, 60000);
    assert_int_equal(fired, 1);
}

static void a_cleared_one_does_not_fire(void **state)
{
    struct wheel w;
    struct deadline d;
    now_ms = 1000;
    fired = 0;
    wheel_init(&w, now_ms);
    deadline_init(&d, count);
    wheel_clear(&w, &d);
    wheel_set(&w, &d, now_ms, 500);
    wheel_clear(&w, &d);
    wheel_clear(&w, &d);
    assert_int_equal(wheel_next_ms(&w), -1);
    sleep_until(&w, 60000);
    assert_int_equal(fired, 0);
}

static struct wheel shared;
static struct deadline neighbour;

static void clear_neighbour(struct deadline *d)
{
    fired++;
    wheel_clear(&shared, &neighbour);
    wheel_set(&shared, d, now_ms, 300);
}

static void a_callback_may_clear_its_neighbour_and_set_itself(void **state)
{
    struct deadline d;
    now_ms = 1000;
    fired = 0;
    wheel_init(&shared, now_ms);
    deadline_init(&d, clear_neighbour);
    deadline_init(&neighbour, count);
    wheel_set(&shared, &d, now_ms, 450);
    wheel_set(&shared, &neighbour, now_ms, 450);
    sleep_until(&shared, 1500);
    assert_int_equal(fired, 1);
    assert_int_equal(shared.n, 1);
    sleep_until(&shared, 1900);
    assert_int_equal(fired, 2);
    wheel_clear(&shared, &d);
}

static void free_it(struct deadline *d)
{
    fired++;
    free(d);
}

static void a_long_sleep_fires_all_once(void **state)
{
    enum { N = 2000 };
    struct wheel w;
    now_ms = 0;
    fired = 0;
    wheel_init(&w, now_ms);
    for (int i = 0; i < N; i++) {
        struct deadline *d = malloc(sizeof *d);
        deadline_init(d, free_it);
        wheel_set(&w, d, now_ms, i * 977 % 200000);
    }
    wheel_advance(&w, 1000000); /* the machine was asleep */
    assert_int_equal(fired, N);
    assert_int_equal(w.n, 0);
}

static void an_empty_wheel_catches_up(void **state)
{
    struct wheel w;
    struct deadline d;
    fired = 0;
    wheel_init(&w, 1000);
    deadline_init(&d, count);
    wheel_set(&w, &d, 10000000, 250); /* nobody advanced it meanwhile */
    assert_int_equal(wheel_next_ms(&w), 10000300);
    wheel_advance(&w, 10000300);
    assert_int_equal(fired, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_never_early_and_at_most_one_tick_late),
        cmocka_unit_test(putting_off_keeps_the_slot),
        cmocka_unit_test(an_earlier_time_moves_it),
        cmocka_unit_test(a_cleared_one_does_not_fire),
        cmocka_unit_test(a_callback_may_clear_its_neighbour_and_set_itself),
        cmocka_unit_test(a_long_sleep_fires_all_once),
        cmocka_unit_test(an_empty_wheel_catches_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
