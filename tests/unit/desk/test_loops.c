/* Who is sent to one place again and again is stopped there, and nowhere else. */
#include "counter.h"

static void the_fourth_time(void **state)
{
    struct loops *l = mem_alloc(sizeof *l);
    unsigned char a[32] = {1}, b[32] = {2};
    for (int i = 0; i < LOOP_MOST; i++)
        assert_false(loops_found(l, a, STR("http://x/"), 1000 + i));
    assert_true(loops_found(l, a, STR("http://x/"), 1010));
    assert_true(loops_found(l, a, STR("http://x/"), 1020));
    assert_false(loops_found(l, a, STR("http://y/"), 1030));
    assert_false(loops_found(l, b, STR("http://x/"), 1030));
    assert_false(loops_found(l, a, STR("http://x/"), 1002 + LOOP_WITHIN_MS)); /* it is forgotten */
    free(l);
}

static void others_do_not_push_it_out_soon(void **state)
{
    struct loops *l = mem_alloc(sizeof *l);
    unsigned char a[32] = {1}, other[32] = {2};
    for (int i = 0; i < LOOP_MOST; i++)
        loops_found(l, a, STR("http://x/"), 0);
    for (int i = 0; i < 4000; i++) {
        memcpy(other + 4, &i, sizeof i);
        loops_found(l, other, STR("http://x/"), 1);
    }
    assert_true(loops_found(l, a, STR("http://x/"), 2));
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fourth_time),
        cmocka_unit_test(others_do_not_push_it_out_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
