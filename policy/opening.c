#include "policy/opening.h"

#include "policy/schedule.h"
#include "policy/text.h"
#include "policy/zone.h"

enum { ALL_DAYS = 0x7F, WEEK = 7, LEAST_RUN = 3 };

static const char *const days[WEEK] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
static const char *const clock_days[WEEK] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static unsigned run_of(unsigned set, unsigned first)
{
    unsigned n = 0;

    while (first + n < WEEK && (set >> (first + n) & 1))
        n++;
    return n;
}

/* "mon to fri, sun": three in a row are a run. */
static void add_days(struct text *t, unsigned set)
{
    const char *between = "";

    for (unsigned day = 0; set != ALL_DAYS && day < WEEK; between = ", ") {
        unsigned n = run_of(set, day);
        if (!n) {
            day++;
            continue;
        }
        if (n < LEAST_RUN)
            n = 1;
        text_printf(t, "%s%s", t->n ? between : "", days[day]);
        if (n > 1)
            text_printf(t, " to %s", days[day + n - 1]);
        day += n;
    }
    if (set != ALL_DAYS)
        text_printf(t, " ");
}

static void add_minutes(struct text *t, unsigned minutes)
{
    text_printf(t, "%02u:%02u", minutes / 60, minutes % 60);
}

static str hours_text(struct arena *a, const struct schedule *s)
{
    struct text t = {.arena = a};

    add_days(&t, s->days);
    for (size_t i = 0; i < s->n_hours; i++) {
        text_printf(&t, "%s", i ? ", " : "");
        add_minutes(&t, s->hours[i].start_min);
        text_printf(&t, "-");
        add_minutes(&t, s->hours[i].end_min);
    }
    if (s->n_except_days)
        text_printf(&t, " but %zu day%s", s->n_except_days, s->n_except_days == 1 ? "" : "s");
    return text_str(&t);
}

str opening_text(struct arena *a, const struct schedule *s)
{
    return arena_printf(a, "%.*s %.*s", STR_ARG(hours_text(a, s)), STR_ARG(zone_name(s->zone)));
}

str opening_list_text(struct arena *a, struct schedule_list list)
{
    struct text t = {.arena = a};

    for (size_t i = 0; i < list.n; i++)
        text_printf(&t, "%s%.*s", i ? " or " : "", STR_ARG(opening_text(a, list.items[i])));
    return text_str(&t);
}

str opening_missed(struct arena *a, const struct schedule *s, int64_t now_s)
{
    int64_t wall_s = zone_wall_s(s->zone, now_s);
    int32_t day = zone_day_at(wall_s);
    int64_t minute = (wall_s - (int64_t)day * ZONE_DAY_S) / 60;

    return arena_printf(a, "%s %02lld:%02lld %.*s; open %.*s", clock_days[zone_weekday(day)],
                        (long long)minute / 60, (long long)minute % 60, STR_ARG(zone_name(s->zone)),
                        STR_ARG(hours_text(a, s)));
}
