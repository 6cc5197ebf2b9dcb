/* Zones against the C library's own reading of the same files, and against dates known by heart. */
#include <stdlib.h>
#include <time.h>

#include "fixture.h"
#include "policy/scalar.h"
#include "policy/zone.h"
#include "policy/zone_rule.h"

static const char *const names[] = {
    "Europe/Stockholm",   "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca",
    "Asia/Kolkata",       "Pacific/Apia",     "America/Havana",      "Europe/Dublin",
    "America/St_Johns",   "Antarctica/Troll", "Asia/Gaza",           "America/Sao_Paulo",
    "Pacific/Kiritimati", "Asia/Kathmandu",   "Pacific/Chatham",     "Etc/GMT+12",
};
enum { NAMES = sizeof names / sizeof *names };

static struct arena arena;

static const struct zone *open_zone(const char *name)
{
    struct fail fail = {0};
    str bytes = fixture_zone(NULL, &arena, str_of(name));
    const struct zone *z = zone_parse(&arena, str_of(name), bytes, &fail);

    if (!z)
        print_error("%s: %s\n", name, fail.text);
    assert_non_null(z);
    return z;
}

static int64_t at(const char *text)
{
    int64_t s = 0;

    assert_true(scalar_instant(str_of(text), &s));
    return s;
}

static void offsets_are_those_of_the_c_library(void **state)
{
    for (size_t i = 0; i < NAMES; i++) {
        const struct zone *z = open_zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        /* 1972 to about 2200, every 11 hours and some: no step lands on the same hour twice. */
        for (int64_t t = 63072000; t < 7258118400; t += 11 * 3600 + 61) {
            time_t clock = (time_t)t;
            struct tm tm;
            localtime_r(&clock, &tm);
            if (zone_offset_s(z, t) != tm.tm_gmtoff)
                print_error("%s at %lld: %d, C library %ld\n", names[i], (long long)t,
                            zone_offset_s(z, t), tm.tm_gmtoff);
            assert_int_equal(zone_offset_s(z, t), tm.tm_gmtoff);
        }
    }
    unsetenv("TZ");
    tzset();
}

static void changes_are_exactly_where_the_offset_changes(void **state)
{
    for (size_t i = 0; i < NAMES; i++) {
        const struct zone *z = open_zone(names[i]);
        int64_t t = at("2020-01-01T00:00:00Z"), end = at("2060-01-01T00:00:00Z");
        while (t < end) {
            int64_t next = zone_next_change_s(z, t);
            if (next == INT64_MAX)
                break;
            assert_true(next > t);
            assert_int_equal(zone_offset_s(z, t), zone_offset_s(z, next - 1));
            assert_int_not_equal(zone_offset_s(z, next - 1), zone_offset_s(z, next));
            t = next;
        }
    }
}

struct instant_row {
    const char *zone, *wall, *instant; /* wall as if UTC */
};

static const struct instant_row instant_rows[] = {
    {"Europe/Stockholm", "2026-11-25T10:00:00Z", "2026-11-25T09:00:00Z"},
    {"Europe/Stockholm", "2026-07-01T10:00:00Z", "2026-07-01T08:00:00Z"},
    /* Skipped hour: the moment of the jump. */
    {"Europe/Stockholm", "2027-03-28T02:00:00Z", "2027-03-28T01:00:00Z"},
    {"Europe/Stockholm", "2027-03-28T02:30:00Z", "2027-03-28T01:00:00Z"},
    {"Europe/Stockholm", "2027-03-28T03:00:00Z", "2027-03-28T01:00:00Z"},
    {"Europe/Stockholm", "2027-03-28T03:00:01Z", "2027-03-28T01:00:01Z"},
    /* Repeated hour: its first pass. */
    {"Europe/Stockholm", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"},
    {"Europe/Stockholm", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"},
    /* Far past the table. */
    {"Europe/Stockholm", "2150-07-01T12:00:00Z", "2150-07-01T10:00:00Z"},
    {"America/New_York", "2027-03-14T02:30:00Z", "2027-03-14T07:00:00Z"},
    {"America/New_York", "2027-11-07T01:30:00Z", "2027-11-07T05:30:00Z"},
    /* Half an hour of summer time. */
    {"Australia/Lord_Howe", "2027-04-04T01:45:00Z", "2027-04-03T14:45:00Z"},
    {"Australia/Lord_Howe", "2026-10-04T02:15:00Z", "2026-10-03T15:30:00Z"},
    /* The clocks jump at midnight: the day begins at one. */
    {"America/Havana", "2027-03-14T00:00:00Z", "2027-03-14T05:00:00Z"},
    /* A whole day that never was. */
    {"Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z"},
};

static void walls_become_instants(void **state)
{
    for (size_t i = 0; i < sizeof instant_rows / sizeof *instant_rows; i++) {
        const struct instant_row *row = &instant_rows[i];
        int64_t got = zone_instant_s(open_zone(row->zone), at(row->wall));
        if (got != at(row->instant))
            print_error("row %zu: %s %s gives %lld, not %lld\n", i, row->zone, row->wall,
                        (long long)got, (long long)at(row->instant));
        assert_int_equal(got, at(row->instant));
    }
}

static void an_instant_is_the_first_that_shows_the_wall(void **state)
{
    srand(7);
    for (size_t i = 0; i < NAMES; i++) {
        const struct zone *z = open_zone(names[i]);
        for (int k = 0; k < 2000; k++) {
            int64_t wall = 1700000000 + (int64_t)rand() * 2;
            int64_t t = zone_instant_s(z, wall);
            assert_true(zone_wall_s(z, t) >= wall);
            assert_true(zone_wall_s(z, t - 1) < wall);
        }
    }
}

static void utc_needs_no_file(void **state)
{
    assert_int_equal(zone_offset_s(zone_utc(), 1234567890), 0);
    assert_int_equal(zone_next_change_s(zone_utc(), 0), INT64_MAX);
    assert_int_equal(zone_instant_s(zone_utc(), 86400), 86400);
    assert_true(str_eq(zone_name(zone_utc()), STR("UTC")));
}

/* Cut short at every length, and with each byte of the heads turned over: refused or read, never
 * past the end (the address sanitizer watches an exact copy). */
static void broken_files_are_refused(void **state)
{
    str whole = fixture_zone(NULL, &arena, STR("Europe/Stockholm"));
    struct fail fail;

    for (size_t n = 0; n < whole.n; n++) {
        char *copy = malloc(n + 1);
        memcpy(copy, whole.p, n);
        char *exact = realloc(copy, n ? n : 1);
        const struct zone *z = zone_parse(&arena, STR("x"), (str){exact, n}, &fail);
        free(exact);
        assert_null(z);
    }
    for (size_t i = 0; i < whole.n; i++) {
        char *copy = malloc(whole.n);
        memcpy(copy, whole.p, whole.n);
        copy[i] = (char)~copy[i];
        const struct zone *z = zone_parse(&arena, STR("x"), (str){copy, whole.n}, &fail);
        if (z)
            zone_instant_s(z, 1800000000);
        free(copy);
    }
    assert_null(zone_parse(&arena, STR("x"), (str){NULL, 0}, &fail));
}

/* A file of one type, an hour east, and what a test puts behind it. */
static const struct zone *parse_made(unsigned char leaps, const char *footer)
{
    static const char head[20] = "TZif2", type[6] = {0, 0, 0x0E, 0x10, 0, 0};
    char bytes[256] = {0};
    size_t n = 44;
    struct fail fail;

    memcpy(bytes, head, sizeof head);
    memcpy(bytes + n, head, sizeof head);
    bytes[n + 31] = (char)leaps;
    bytes[n + 39] = 1; /* type */
    bytes[n + 43] = 4; /* its name */
    n += 44;
    memcpy(bytes + n, type, sizeof type);
    memcpy(bytes + n + sizeof type, "CET", 4);
    n += sizeof type + 4 + 12 * (size_t)leaps;
    n += (size_t)snprintf(bytes + n, sizeof bytes - n, "\n%s\n", footer);
    return zone_parse(&arena, STR("made"), (str){bytes, n}, &fail);
}

static void a_footer_alone_is_enough(void **state)
{
    const struct zone *z = parse_made(0, "CET-1CEST,M3.5.0,M10.5.0/3"), *s = open_zone(names[0]);

    assert_non_null(z);
    for (int64_t t = at("1999-01-01T00:00:00Z"); t < at("2120-01-01T00:00:00Z"); t += 86400 - 61) {
        assert_int_equal(zone_offset_s(z, t), zone_offset_s(s, t));
        assert_int_equal(zone_next_change_s(z, t), zone_next_change_s(s, t));
        assert_int_equal(zone_instant_s(z, t), zone_instant_s(s, t));
    }
}

static void without_a_footer_the_last_offset_stays(void **state)
{
    const struct zone *z = parse_made(0, "");

    assert_non_null(z);
    assert_int_equal(zone_offset_s(z, at("2999-07-01T00:00:00Z")), 3600);
    assert_int_equal(zone_next_change_s(z, 0), INT64_MAX);
    assert_int_equal(zone_instant_s(z, 7200), 3600);
}

static void leap_seconds_are_not_for_our_clocks(void **state)
{
    assert_null(parse_made(1, "CET-1"));
    assert_non_null(parse_made(0, "CET-1"));
}

static void rules_of_the_footer_are_read_strictly(void **state)
{
    static const char *const good[] = {"UTC0",
                                       "CET-1CEST,M3.5.0,M10.5.0/3",
                                       "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
                                       "IST-1GMT0,M10.5.0,M3.5.0/1",
                                       "EET-2EEST,M3.4.4/50,M10.4.4/50",
                                       "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
                                       "XXX3EDT4,0/0,J365/23"};
    static const char *const bad[] = {"",
                                      "C",
                                      "CET",
                                      "CET-1CEST",
                                      "CET-1x",
                                      "CET-1CEST,",
                                      "CET-99",
                                      "CET-1CEST,M13.1.0,M1.1.0",
                                      "<+1-1",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M3.0.0,M3.1.0",
                                      "CET-1CEST,J0,J1",
                                      "CET-1CEST,M3.5.0,M10.5.0 "};
    struct zone_rule rule;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(zone_rule_parse(str_of(good[i]), &rule));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        str text = str_of(bad[i]);
        if (zone_rule_parse(text, &rule))
            print_error("\"%.*s\" is read\n", STR_ARG(text));
        assert_false(zone_rule_parse(text, &rule));
    }
}

static void summer_all_year_never_changes(void **state)
{
    struct zone_rule rule;

    assert_true(zone_rule_parse(STR("XXX3EDT4,0/0,J365/23"), &rule));
    for (int64_t t = 0; t < 100 * 365; t++)
        assert_int_equal(zone_rule_offset_s(&rule, t * 86400), -4 * 3600);
    assert_int_equal(zone_rule_next_change_s(&rule, 0), INT64_MAX);
}

static void days_and_dates_agree(void **state)
{
    for (int32_t day = -800000; day < 800000; day += 13) {
        int32_t y, m, d;
        zone_date_of(day, &y, &m, &d);
        assert_int_equal(zone_day_of(y, m, d), day);
    }
    assert_int_equal(zone_weekday(0), 3);
    assert_int_equal(zone_weekday(-1), 2);
    assert_int_equal(zone_day_at(-1), -1);
    assert_int_equal(zone_day_at(86400), 1);
}

static int finish(void **state)
{
    arena_finish(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_those_of_the_c_library),
        cmocka_unit_test(changes_are_exactly_where_the_offset_changes),
        cmocka_unit_test(walls_become_instants),
        cmocka_unit_test(an_instant_is_the_first_that_shows_the_wall),
        cmocka_unit_test(utc_needs_no_file),
        cmocka_unit_test(broken_files_are_refused),
        cmocka_unit_test(a_footer_alone_is_enough),
        cmocka_unit_test(without_a_footer_the_last_offset_stays),
        cmocka_unit_test(leap_seconds_are_not_for_our_clocks),
        cmocka_unit_test(rules_of_the_footer_are_read_strictly),
        cmocka_unit_test(summer_all_year_never_changes),
        cmocka_unit_test(days_and_dates_agree),
    };
    arena_init(&arena, NULL, 0);
    return cmocka_run_group_tests(tests, NULL, finish);
}
