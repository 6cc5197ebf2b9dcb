/* Times as people say them. */
#include "unit.h"

#include "proxy/portal/when.h"

enum { NOW = 1795600800 }; /* 2026-11-25 10:00:00 UTC */

static void in_words(void **state)
{
    static const struct {
        const char *kind;
        int64_t s;
        enum page_language language;
        const char *words;
    } rows[] = {
        {"ago", 0, PAGE_ENGLISH, "just now"},
        {"ago", -500, PAGE_ENGLISH, "just now"},
        {"ago", 59, PAGE_GERMAN, "gerade eben"},
        {"ago", 60, PAGE_ENGLISH, "1 min ago"},
        {"ago", 3599, PAGE_GERMAN, "vor 59 Min."},
        {"ago", 3600, PAGE_ENGLISH, "1 hour ago"},
        {"ago", 7200, PAGE_ENGLISH, "2 hours ago"},
        {"ago", 86400, PAGE_GERMAN, "gestern"},
        {"ago", 172800, PAGE_GERMAN, "vor 2 Tagen"},
        {"in", 0, PAGE_ENGLISH, "at once (25 November 2026, 10:00 UTC)"},
        {"in", 1, PAGE_ENGLISH, "in 1 min (25 November 2026, 10:00 UTC)"},
        {"in", 3600, PAGE_ENGLISH, "in 1 hour (25 November 2026, 11:00 UTC)"},
        {"in", 50400, PAGE_GERMAN, "in 14 Stunden (26. November 2026, 00:00 UTC)"},
        {"in", 86400, PAGE_ENGLISH, "in 1 day (26 November 2026, 10:00 UTC)"},
        {"in", 9590400, PAGE_GERMAN, "in 111 Tagen (16. M\xc3\xa4rz 2027, 10:00 UTC)"},
        {"span", 30, PAGE_ENGLISH, "30 seconds"},
        {"span", 60, PAGE_ENGLISH, "1 minute"},
        {"span", 90, PAGE_GERMAN, "1 Minute"},
        {"span", 1800, PAGE_ENGLISH, "30 minutes"},
        {"span", 3600, PAGE_GERMAN, "1 Stunde"},
        {"span", 5400, PAGE_ENGLISH, "90 minutes"},
        {"span", 28800, PAGE_ENGLISH, "8 hours"},
        {"span", 86400, PAGE_GERMAN, "1 Tag"},
        {"span", 129600, PAGE_ENGLISH, "36 hours"},
        {"span", 604800, PAGE_ENGLISH, "7 days"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        arena_init(&a, NULL, 0);
        enum page_language l = rows[i].language;
        str got = rows[i].kind[0] == 'a'   ? when_ago(&a, l, NOW, NOW - rows[i].s)
                  : rows[i].kind[0] == 'i' ? when_in(&a, l, NOW, NOW + rows[i].s)
                                           : when_span(&a, l, rows[i].s);
        if (!str_eq(got, str_of(rows[i].words)))
            fail_msg("%s %lld: %.*s", rows[i].kind, (long long)rows[i].s, STR_ARG(got));
        arena_finish(&a);
    }
}

/* A time from a damaged row of the store is no reason to fall. */
static void any_time_has_words(void **state)
{
    static const int64_t times[] = {INT64_MIN / 2, -1, 0, INT64_MAX / 2};
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct arena a;
        arena_init(&a, NULL, 0);
        assert_true(when_ago(&a, PAGE_ENGLISH, NOW, times[i]).n > 0);
        assert_true(when_in(&a, PAGE_GERMAN, NOW, times[i]).n > 0);
        assert_true(when_span(&a, PAGE_GERMAN, times[i]).n > 0);
        arena_finish(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_words),
        cmocka_unit_test(any_time_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
