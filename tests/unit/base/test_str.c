/* Slices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"

static void compares_and_cuts(void **state)
{
    assert_true(str_eq(STR("a"), STR("a")));
    assert_false(str_eq(STR("a"), STR("b")));
    assert_true(str_eq((str){NULL, 0}, STR("")));
    assert_true(str_eq_nocase(STR("Host"), STR("hOST")));
    assert_true(str_starts(STR("abc"), STR("ab")) && !str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")) && !str_ends(STR("c"), STR("bc")));
    assert_true(str_eq(str_trim(STR(" \t x "), " \t"), STR("x")));
    assert_true(str_cmp(STR("a"), STR("ab")) < 0 && str_cmp(STR("b"), STR("ab")) > 0);
    str rest = STR("a,,b");
    assert_true(str_eq(str_cut(&rest, ','), STR("a")));
    assert_int_equal(str_cut(&rest, ',').n, 0);
    assert_true(str_eq(str_cut(&rest, ','), STR("b")));
    assert_null(rest.p);
    assert_int_equal(str_from(STR("ab"), 5).n, 0);
}

static void reads_numbers_without_overflow(void **state)
{
    uint64_t v = 7;
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &v));
    assert_false(str_to_u64(STR("11"), 10, &v));
    assert_false(str_to_u64(STR(""), 10, &v));
    assert_false(str_to_u64(STR("-1"), 10, &v));
    assert_false(str_to_u64(STR("+1"), 10, &v));
    assert_false(str_to_u64(STR("1 "), 10, &v));
}

static void measures_distance(void **state)
{
    static const struct {
        str a, b;
        unsigned distance;
    } rows[] = {
        {STR("groups"), STR("groups"), 0}, {STR("group"), STR("groups"), 1},
        {STR("gropus"), STR("groups"), 1}, /* neighbours swapped: one slip */
        {STR("gruops"), STR("groups"), 1}, {STR("form"), STR("from"), 1},
        {STR("ot"), STR("to"), 1},         {STR("rgopus"), STR("groups"), 2},
        {STR("ca"), STR("abc"), 3}, /* restricted: swapped letters are not parted again */
        {STR("x"), STR("groups"), 4},      {STR(""), STR("to"), 2},
        {STR("to"), STR(""), 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_distance(rows[i].a, rows[i].b, 3) != rows[i].distance)
            fail_msg("row %zu (%s): %u", i, rows[i].a.p, str_distance(rows[i].a, rows[i].b, 3));
    assert_int_equal(str_distance(STR("gropus"), STR("domains"), 2), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_and_cuts),
        cmocka_unit_test(reads_numbers_without_overflow),
        cmocka_unit_test(measures_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
