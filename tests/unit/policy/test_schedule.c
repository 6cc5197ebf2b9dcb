#include "fixture.h"
#include "policy/scalar.h"
#include "policy/schedule.h"
#include "policy/zone.h"

static struct arena arena;

enum { WEEKDAYS = 0x1F, EVERY_DAY = 0x7F, SUNDAY = 1 << 6, SATURDAY = 1 << 5, FRIDAY = 1 << 4 };

static int64_t at(const char *text)
{
    int64_t s = 0;

    assert_true(scalar_instant(str_of(text), &s));
    return s;
}

static const struct zone *open_zone(const char *name)
{
    struct fail fail = {0};
    str bytes = fixture_zone(NULL, &arena, str_of(name));
    const struct zone *z = zone_parse(&arena, str_of(name), bytes, &fail);

    assert_non_null(z);
    return z;
}

struct row {
    const char *zone;
    uint8_t days;
    struct hours hours;
    const char *at;
    bool inside;
    const char *until; /* NULL: nothing within the horizon */
};

#define H(h, m) ((h)*60 + (m))

static const struct row rows[] = {
    /* Half-open. */
    {"UTC", WEEKDAYS, {H(7, 0), H(19, 0)}, "2026-11-25T06:59:59Z", false, "2026-11-25T07:00:00Z"},
    {"UTC", WEEKDAYS, {H(7, 0), H(19, 0)}, "2026-11-25T07:00:00Z", true, "2026-11-25T19:00:00Z"},
    {"UTC", WEEKDAYS, {H(7, 0), H(19, 0)}, "2026-11-25T18:59:59Z", true, "2026-11-25T19:00:00Z"},
    {"UTC", WEEKDAYS, {H(7, 0), H(19, 0)}, "2026-11-25T19:00:00Z", false, "2026-11-26T07:00:00Z"},
    /* Over a weekend. */
    {"UTC", WEEKDAYS, {H(7, 0), H(19, 0)}, "2026-11-27T20:00:00Z", false, "2026-11-30T07:00:00Z"},
    /* In the zone of the schedule: 7 in Stockholm is 6 in UTC. */
    {"Europe/Stockholm",
     WEEKDAYS,
     {H(7, 0), H(19, 0)},
     "2026-11-25T06:00:00Z",
     true,
     "2026-11-25T18:00:00Z"},
    /* A night belongs to its start day. */
    {"UTC", FRIDAY, {H(22, 0), H(6, 0)}, "2026-11-27T22:00:00Z", true, "2026-11-28T06:00:00Z"},
    {"UTC", FRIDAY, {H(22, 0), H(6, 0)}, "2026-11-28T05:59:59Z", true, "2026-11-28T06:00:00Z"},
    {"UTC", FRIDAY, {H(22, 0), H(6, 0)}, "2026-11-27T05:00:00Z", false, "2026-11-27T22:00:00Z"},
    {"UTC", FRIDAY, {H(22, 0), H(6, 0)}, "2026-11-28T22:00:00Z", false, "2026-12-04T22:00:00Z"},
    /* All day long, day after day: nothing ever changes. */
    {"UTC", EVERY_DAY, {H(0, 0), H(24, 0)}, "2026-11-25T12:00:00Z", true, NULL},
    {"UTC", SATURDAY, {H(0, 0), H(24, 0)}, "2026-11-28T23:59:59Z", true, "2026-11-29T00:00:00Z"},
    /* The hour that is skipped on 2027-03-28 is empty. */
    {"Europe/Stockholm",
     SUNDAY,
     {H(2, 0), H(3, 0)},
     "2027-03-28T00:59:59Z",
     false,
     "2027-04-04T00:00:00Z"},
    {"Europe/Stockholm",
     SUNDAY,
     {H(2, 0), H(3, 0)},
     "2027-03-28T01:00:00Z",
     false,
     "2027-04-04T00:00:00Z"},
    /* A window that starts in it opens at the jump. */
    {"Europe/Stockholm",
     SUNDAY,
     {H(2, 30), H(5, 0)},
     "2027-03-28T00:59:59Z",
     false,
     "2027-03-28T01:00:00Z"},
    {"Europe/Stockholm",
     SUNDAY,
     {H(2, 30), H(5, 0)},
     "2027-03-28T01:00:00Z",
     true,
     "2027-03-28T03:00:00Z"},
    /* The hour that is repeated on 2026-10-25 counts both times. */
    {"Europe/Stockholm",
     SUNDAY,
     {H(2, 0), H(3, 0)},
     "2026-10-25T00:00:00Z",
     true,
     "2026-10-25T02:00:00Z"},
    {"Europe/Stockholm",
     SUNDAY,
     {H(2, 0), H(3, 0)},
     "2026-10-25T01:30:00Z",
     true,
     "2026-10-25T02:00:00Z"},
    /* Its halves, too: in, out at half past, in again when the clocks go back, out. */
    {"Europe/Stockholm",
     SUNDAY,
     {H(2, 0), H(2, 30)},
     "2026-10-25T00:10:00Z",
     true,
     "2026-10-25T00:30:00Z"},
    {"Europe/Stockholm",
     SUNDAY,
     {H(2, 0), H(2, 30)},
     "2026-10-25T00:30:00Z",
     false,
     "2026-10-25T01:00:00Z"},
    {"Europe/Stockholm",
     SUNDAY,
     {H(2, 0), H(2, 30)},
     "2026-10-25T01:00:00Z",
     true,
     "2026-10-25T01:30:00Z"},
    /* New York's night shift is an hour longer in autumn, and one shorter in spring. */
    {"America/New_York",
     SATURDAY,
     {H(22, 0), H(6, 0)},
     "2027-11-07T02:00:00Z",
     true,
     "2027-11-07T11:00:00Z"},
    {"America/New_York",
     SATURDAY,
     {H(22, 0), H(6, 0)},
     "2027-03-14T03:00:00Z",
     true,
     "2027-03-14T10:00:00Z"},
    /* Lord Howe goes by half an hour. */
    {"Australia/Lord_Howe",
     SUNDAY,
     {H(1, 30), H(2, 0)},
     "2027-04-03T14:35:00Z",
     true,
     "2027-04-03T15:30:00Z"},
    {"Australia/Lord_Howe",
     SUNDAY,
     {H(2, 0), H(2, 30)},
     "2026-10-03T15:29:59Z",
     false,
     "2026-10-10T15:00:00Z"},
    /* Far past the table of the file. */
    {"Europe/Stockholm",
     EVERY_DAY,
     {H(7, 0), H(19, 0)},
     "2099-07-01T05:00:00Z",
     true,
     "2099-07-01T17:00:00Z"},
};

static void windows_open_and_close(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct schedule s = {
            .days = row->days, .hours = &row->hours, .n_hours = 1, .zone = open_zone(row->zone)};
        int64_t until, now = at(row->at);
        bool inside = schedule_has(&s, now, SCHEDULE_FAR_DAYS, &until);
        int64_t want = row->until ? at(row->until) : now + SCHEDULE_FAR_DAYS * ZONE_DAY_S;
        if (inside != row->inside || until != want)
            print_error("row %zu: %s: %d until %lld, not %lld\n", i, row->at, inside,
                        (long long)until, (long long)want);
        assert_int_equal(inside, row->inside);
        assert_int_equal(until, want);
    }
}

static void excepted_days_are_those_of_the_start(void **state)
{
    int32_t christmas = zone_day_of(2026, 12, 24);
    struct hours hours = {H(22, 0), H(6, 0)};
    struct schedule s = {.days = EVERY_DAY,
                         .hours = &hours,
                         .n_hours = 1,
                         .zone = zone_utc(),
                         .except_days = &christmas,
                         .n_except_days = 1};
    int64_t until;

    assert_true(schedule_has(&s, at("2026-12-24T05:00:00Z"), 8, &until));
    assert_int_equal(until, at("2026-12-24T06:00:00Z"));
    assert_false(schedule_has(&s, at("2026-12-24T23:00:00Z"), 8, &until));
    assert_int_equal(until, at("2026-12-25T22:00:00Z"));
    assert_false(schedule_has(&s, at("2026-12-25T05:00:00Z"), 8, &until));
}

static void the_horizon_bounds_the_search(void **state)
{
    struct hours hours = {H(0, 0), H(24, 0)};
    struct schedule s = {
        .days = EVERY_DAY, .hours = &hours, .n_hours = 1, .zone = open_zone("Europe/Stockholm")};
    int64_t until, now = at("2026-11-25T12:00:00Z");

    assert_true(schedule_has(&s, now, SCHEDULE_NEAR_DAYS, &until));
    assert_int_equal(until, now + SCHEDULE_NEAR_DAYS * ZONE_DAY_S);
}

/* Minute by minute over both changes of the clocks: `until` is right to the minute. */
static void until_is_where_the_answer_changes(void **state)
{
    static const char *const zones[] = {"Europe/Stockholm", "America/New_York",
                                        "Australia/Lord_Howe", "America/Havana"};
    static const struct hours hours[] = {{H(1, 15), H(2, 45)}, {H(23, 0), H(0, 30)}};
    static const char *const weeks[] = {"2026-10-03T00:00:00Z", "2026-10-24T00:00:00Z",
                                        "2027-03-13T00:00:00Z", "2027-03-27T00:00:00Z",
                                        "2027-04-03T00:00:00Z", "2027-11-06T00:00:00Z"};

    for (size_t z = 0; z < 4; z++) {
        struct schedule s = {
            .days = SATURDAY | SUNDAY, .hours = hours, .n_hours = 2, .zone = open_zone(zones[z])};
        for (size_t w = 0; w < 6; w++) {
            int64_t start = at(weeks[w]), end = start + 3 * ZONE_DAY_S, until, unused;
            bool is_inside = schedule_has(&s, start, 8, &until);
            for (int64_t t = start; t < end; t += 60) {
                bool now = schedule_has(&s, t, 1, &unused);
                if ((t >= until) != (now != is_inside))
                    print_error("%s at %lld\n", zones[z], (long long)t);
                assert_int_equal(t >= until, now != is_inside);
                if (t >= until)
                    is_inside = schedule_has(&s, t, 8, &until);
            }
        }
    }
}

static int finish(void **state)
{
    arena_finish(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_open_and_close),
        cmocka_unit_test(excepted_days_are_those_of_the_start),
        cmocka_unit_test(the_horizon_bounds_the_search),
        cmocka_unit_test(until_is_where_the_answer_changes),
    };
    arena_init(&arena, NULL, 0);
    return cmocka_run_group_tests(tests, NULL, finish);
}
