#include "policy/schedule.h"

#include "policy/zone.h"

static bool is_excepted(const struct schedule *s, int32_t day)
{
    for (size_t i = 0; i < s->n_except_days; i++)
        if (s->except_days[i] == day)
            return true;
    return false;
}

bool schedule_has_day(const struct schedule *s, int32_t day)
{
    return (s->days >> zone_weekday(day) & 1) && !is_excepted(s, day);
}

struct window {
    int64_t start_s, end_s; /* on the clock of the zone */
};

/* A window that ends no later than it starts ends on the next day. */
void schedule_window(const struct hours *h, int32_t day, int64_t *start_s_out, int64_t *end_s_out)
{
    int64_t midnight = (int64_t)day * ZONE_DAY_S;

    *start_s_out = midnight + h->start_min * 60;
    *end_s_out = midnight + h->end_min * 60;
    if (h->end_min <= h->start_min)
        *end_s_out += ZONE_DAY_S;
}

static struct window window_of(const struct hours *h, int32_t day)
{
    struct window w;

    schedule_window(h, day, &w.start_s, &w.end_s);
    return w;
}

static bool has_wall(const struct schedule *s, int64_t wall_s)
{
    int32_t today = zone_day_at(wall_s);

    for (int32_t day = today - 1; day <= today; day++) {
        if (!schedule_has_day(s, day))
            continue;
        for (size_t i = 0; i < s->n_hours; i++) {
            struct window w = window_of(&s->hours[i], day);
            if (wall_s >= w.start_s && wall_s < w.end_s)
                return true;
        }
    }
    return false;
}

/* The next wall-clock second after wall_s at which a window starts or ends. */
static int64_t next_edge(const struct schedule *s, int64_t wall_s, int32_t last_day)
{
    int64_t best = INT64_MAX;

    for (int32_t day = zone_day_at(wall_s) - 1; day <= last_day; day++) {
        if ((int64_t)day * ZONE_DAY_S >= best)
            break;
        if (!schedule_has_day(s, day))
            continue;
        for (size_t i = 0; i < s->n_hours; i++) {
            struct window w = window_of(&s->hours[i], day);
            if (w.start_s > wall_s && w.start_s < best)
                best = w.start_s;
            if (w.end_s > wall_s && w.end_s < best)
                best = w.end_s;
        }
    }
    return best;
}

/* Steps from edge to edge, an edge being that of a window or a jump of the clocks: between two of
 * them the answer cannot change. */
static int64_t next_change(const struct schedule *s, int64_t at_s, int64_t limit_s)
{
    bool now = has_wall(s, zone_wall_s(s->zone, at_s));

    while (at_s < limit_s) {
        int64_t wall = zone_wall_s(s->zone, at_s);
        int64_t edge = next_edge(s, wall, zone_day_at(wall + limit_s - at_s) + 1);
        int64_t jump = zone_next_change_s(s->zone, at_s);
        int64_t next = edge == INT64_MAX ? limit_s : at_s + (edge - wall);
        at_s = next < jump ? next : jump;
        if (at_s < limit_s && has_wall(s, zone_wall_s(s->zone, at_s)) != now)
            return at_s;
    }
    return limit_s;
}

bool schedule_has(const struct schedule *s, int64_t at_s, int32_t horizon_days,
                  int64_t *until_s_out)
{
    *until_s_out = next_change(s, at_s, at_s + (int64_t)horizon_days * ZONE_DAY_S);
    return has_wall(s, zone_wall_s(s->zone, at_s));
}
