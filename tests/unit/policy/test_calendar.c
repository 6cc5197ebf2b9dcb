/* The compiled form of a schedule against the schedule itself: to the second at every edge, around
 * every change of the clocks, and beyond the days that were compiled. */
#include "fixture.h"

#include "policy/calendar.h"
#include "policy/zone.h"

static const char *const zones[] = {
    "UTC",
    "Europe/Stockholm",
    "America/New_York",
    "Australia/Lord_Howe", /* half an hour */
    "Asia/Kathmandu",      /* 5:45, never changes */
    "America/St_Johns",    /* -3:30 */
    "Pacific/Apia",
    "Africa/Casablanca", /* changes around Ramadan */
    "America/Sao_Paulo", /* abolished */
    "Pacific/Chatham",   /* 12:45 */
    "Antarctica/Troll",  /* two hours */
};

static const struct hours windows[][3] = {
    {{540, 1020}},                       /* office */
    {{0, 1440}},                         /* whole days, which touch */
    {{1320, 360}},                       /* over midnight */
    {{120, 180}},                        /* the hour that is skipped, and repeated */
    {{150, 151}, {60, 125}, {175, 190}}, /* around it */
    {{0, 60}, {30, 90}, {1380, 30}},     /* overlapping */
    {{1439, 1440}, {1, 2}},
};

static const int32_t excepted[] = {20537, 20542, 20756};

struct case_of_schedule {
    struct schedule schedule;
    struct calendar calendar;
};

static void assert_same_at(const struct case_of_schedule *c, int64_t at_s)
{
    int64_t until, compiled_until;
    bool is_in = schedule_has(&c->schedule, at_s, SCHEDULE_NEAR_DAYS, &until);

    if (calendar_has(&c->calendar, at_s, &compiled_until) != is_in || compiled_until != until)
        print_error("%.*s at %lld: %lld, not %lld\n", STR_ARG(zone_name(c->schedule.zone)),
                    (long long)at_s, (long long)compiled_until, (long long)until);
    assert_true(calendar_has(&c->calendar, at_s, &compiled_until) == is_in);
    assert_true(compiled_until == until);
}

static void assert_same_around(const struct case_of_schedule *c, int64_t at_s)
{
    static const int64_t steps[] = {-86400, -7200, -3601, -3600, -1800, -60,  -1,   0,
                                    1,      60,    1800,  3599,  3600,  7200, 86400};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        assert_same_at(c, at_s + steps[i]);
}

/* All zones, windows and two sets of days, compiled at `now`. */
static void each_case(int64_t now_s, int32_t days, void (*check)(const struct case_of_schedule *))
{
    struct arena a;

    arena_init(&a, NULL, 0);
    for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
        struct fail fail = {0};
        str bytes = fixture_zone(NULL, &a, str_of(zones[z]));
        const struct zone *zone = zone_parse(&a, str_of(zones[z]), bytes, &fail);
        assert_non_null(zone);
        for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
            for (int odd = 0; odd < 2; odd++) {
                struct case_of_schedule c = {{.days = odd ? 0x55 : 0x7F,
                                              .hours = windows[w],
                                              .zone = zone,
                                              .except_days = excepted,
                                              .n_except_days = odd ? 3 : 0}};
                while (c.schedule.n_hours < 3 && (windows[w][c.schedule.n_hours].end_min))
                    c.schedule.n_hours++;
                calendar_build(&a, &c.schedule, now_s, days, &c.calendar);
                check(&c);
            }
    }
    arena_finish(&a);
}

enum { MARCH_2026 = 1772323200, NOVEMBER_2026 = 1793491200, YEAR_S = 366 * 86400 };

static void check_clock_changes(const struct case_of_schedule *c)
{
    int64_t at = c->calendar.from_s;

    while ((at = zone_next_change_s(c->schedule.zone, at)) < c->calendar.to_s)
        assert_same_around(c, at);
}

static void clock_changes_are_kept_to_the_second(void **state)
{
    each_case(MARCH_2026, CALENDAR_MAX_DAYS, check_clock_changes);
    each_case(NOVEMBER_2026, CALENDAR_MAX_DAYS, check_clock_changes);
    /* Years that tables no longer list: the rule in the footer counts. */
    each_case(MARCH_2026 + (int64_t)20 * YEAR_S, CALENDAR_MAX_DAYS, check_clock_changes);
}

static void check_edges(const struct case_of_schedule *c)
{
    for (uint32_t i = 0; i < c->calendar.n; i++) {
        assert_same_at(c, c->calendar.from_s + c->calendar.edges[i] - 1);
        assert_same_at(c, c->calendar.from_s + c->calendar.edges[i]);
    }
}

static void each_edge_is_one_of_the_schedule(void **state)
{
    each_case(MARCH_2026, 60, check_edges);
    each_case(NOVEMBER_2026, 60, check_edges);
}

static void check_minutes(const struct case_of_schedule *c)
{
    for (int64_t at = c->calendar.from_s; at < c->calendar.to_s; at += 601)
        assert_same_at(c, at);
}

/* 29 March and 25 October 2026 lie within. */
static void any_moment_gives_the_same(void **state)
{
    each_case(MARCH_2026 + 26 * 86400, CALENDAR_MIN_DAYS, check_minutes);
    each_case(NOVEMBER_2026 - 9 * 86400, CALENDAR_MIN_DAYS, check_minutes);
}

static void check_ends(const struct case_of_schedule *c)
{
    assert_same_around(c, c->calendar.from_s);
    assert_same_around(c, c->calendar.to_s);
    assert_same_around(c, c->calendar.to_s - (int64_t)SCHEDULE_NEAR_DAYS * ZONE_DAY_S);
    for (int year = -3; year < 12; year++)
        assert_same_at(c, c->calendar.to_s + year * (int64_t)YEAR_S + 4321);
}

static void beyond_the_compiled_days_the_schedule_is_asked(void **state)
{
    each_case(MARCH_2026, CALENDAR_MIN_DAYS, check_ends);
    each_case(NOVEMBER_2026, CALENDAR_MAX_DAYS, check_ends);
}

static void the_days_ahead_follow_the_number_of_windows(void **state)
{
    static const struct schedule one = {.n_hours = 1}, many = {.n_hours = 2000};
    const struct schedule *few[] = {&one}, *lots[] = {&many, &many};

    assert_int_equal(calendar_days(few, 1), CALENDAR_MAX_DAYS);
    assert_int_equal(calendar_days(lots, 2), CALENDAR_MIN_DAYS);
    assert_true((int)CALENDAR_MIN_DAYS > (int)SCHEDULE_NEAR_DAYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_changes_are_kept_to_the_second),
        cmocka_unit_test(each_edge_is_one_of_the_schedule),
        cmocka_unit_test(any_moment_gives_the_same),
        cmocka_unit_test(beyond_the_compiled_days_the_schedule_is_asked),
        cmocka_unit_test(the_days_ahead_follow_the_number_of_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
