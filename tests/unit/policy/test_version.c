#include "fixture.h"
#include "policy/rule.h"

static void versions_compare_as_numbers(void **state)
{
    static const struct {
        const char *a, *b;
        int want;
    } rows[] = {{"14.10", "14.9", 1},
                {"14", "14.0", 0},
                {"14.0.0", "14", 0},
                {"9", "10", -1},
                {"10.0.22631", "10.0.22621", 1},
                {"1.2.3", "1.2.4", -1},
                {"1.02", "1.2", 0},
                {"0", "0.0", 0},
                {"4294967295", "1", 1},
                {"4294967296", "4294967295", 1},
                {"1.20261125103000", "1.20261125102959", 1},
                {"18446744073709551615", "18446744073709551614", 1}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct version a, b;
        assert_true(version_parse(str_of(rows[i].a), &a));
        assert_true(version_parse(str_of(rows[i].b), &b));
        if (version_cmp(&a, &b) != rows[i].want)
            print_error("row %zu: %s against %s\n", i, rows[i].a, rows[i].b);
        assert_int_equal(version_cmp(&a, &b), rows[i].want);
        assert_int_equal(version_cmp(&b, &a), -rows[i].want);
    }
}

static void what_is_no_version_is_refused(void **state)
{
    static const char *const rows[] = {"",      ".",
                                       "14.",   ".14",
                                       "14..1", "v14",
                                       "14b2",  "14 ",
                                       "-1",    "18446744073709551616",
                                       "1,2",   "1.2.3.4.5.6.7.8.9"};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str text = str_of(rows[i]);
        struct version v;
        if (version_parse(text, &v))
            print_error("\"%.*s\" is read\n", STR_ARG(text));
        assert_false(version_parse(text, &v));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_compare_as_numbers),
        cmocka_unit_test(what_is_no_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
