#include "policy/calendar.h"

#include <stdlib.h>

#include "policy/zone.h"

struct span {
    int64_t start_s, end_s;
};

struct spans {
    struct span *items;
    size_t n, cap;
};

int32_t calendar_days(const struct schedule *const *schedules, size_t n)
{
    size_t windows = 1;

    for (size_t i = 0; i < n; i++)
        windows += schedules[i]->n_hours;
    size_t days = CALENDAR_BUDGET / windows;
    if (days > CALENDAR_MAX_DAYS)
        return CALENDAR_MAX_DAYS;
    return days < CALENDAR_MIN_DAYS ? CALENDAR_MIN_DAYS : (int32_t)days;
}

static void add_span(struct spans *list, int64_t start_s, int64_t end_s)
{
    if (start_s >= end_s)
        return;
    if (list->n == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 256;
        list->items = mem_grow(list->items, list->cap * sizeof *list->items);
    }
    list->items[list->n++] = (struct span){start_s, end_s};
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A stretch of time in which the zone keeps one offset: windows are cut to what its clock shows
 * meanwhile. So a skipped hour is empty, and a repeated one stands in both stretches. */
static void add_stretch(const struct schedule *s, struct span utc, struct spans *out)
{
    int32_t offset_s = zone_offset_s(s->zone, utc.start_s);
    int64_t wall_start = utc.start_s + offset_s, wall_end = utc.end_s + offset_s;

    for (int32_t day = zone_day_at(wall_start) - 1; day <= zone_day_at(wall_end); day++) {
        if (!schedule_has_day(s, day))
            continue;
        for (size_t i = 0; i < s->n_hours; i++) {
            int64_t start, end;
            schedule_window(&s->hours[i], day, &start, &end);
            add_span(out, later(start, wall_start) - offset_s, earlier(end, wall_end) - offset_s);
        }
    }
}

static int by_start(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    return (x->start_s > y->start_s) - (x->start_s < y->start_s);
}

/* Windows that overlap or touch are one. */
static uint32_t merge(const struct spans *list, int64_t from_s, int32_t *edges)
{
    uint32_t n = 0;

    for (size_t i = 0; i < list->n; i++) {
        int32_t start = (int32_t)(list->items[i].start_s - from_s),
                end = (int32_t)(list->items[i].end_s - from_s);
        if (n && start <= edges[n - 1]) {
            edges[n - 1] = end > edges[n - 1] ? end : edges[n - 1];
            continue;
        }
        edges[n++] = start;
        edges[n++] = end;
    }
    return n;
}

static const uint32_t *index_days(struct arena *a, const struct calendar *c)
{
    size_t n = (size_t)((c->to_s - c->from_s) / ZONE_DAY_S) + 1;
    uint32_t *days = arena_array(a, uint32_t, n), at = 0;

    for (size_t day = 0; day < n; day++) {
        while (at < c->n && c->edges[at] <= (int64_t)day * ZONE_DAY_S)
            at++;
        days[day] = at;
    }
    return days;
}

void calendar_build(struct arena *a, const struct schedule *s, int64_t now_s, int32_t days,
                    struct calendar *out)
{
    struct spans list = {0};

    /* A day back: clocks of the proxies of one house may differ. */
    *out = (struct calendar){
        .schedule = s, .from_s = now_s - ZONE_DAY_S, .to_s = now_s + (int64_t)days * ZONE_DAY_S};
    for (int64_t at = out->from_s; at < out->to_s;) {
        int64_t end = earlier(zone_next_change_s(s->zone, at), out->to_s);
        add_stretch(s, (struct span){at, end}, &list);
        at = end;
    }
    if (list.n)
        qsort(list.items, list.n, sizeof *list.items, by_start);
    int32_t *edges = arena_array(a, int32_t, 2 * list.n);
    out->n = merge(&list, out->from_s, edges);
    out->edges = edges;
    out->days = index_days(a, out);
    free(list.items);
}

bool calendar_has(const struct calendar *c, int64_t at_s, int64_t *until_s_out)
{
    int64_t limit_s = at_s + (int64_t)SCHEDULE_NEAR_DAYS * ZONE_DAY_S;

    if (at_s < c->from_s || limit_s > c->to_s)
        return schedule_has(c->schedule, at_s, SCHEDULE_NEAR_DAYS, until_s_out);
    int32_t at = (int32_t)(at_s - c->from_s);
    uint32_t n = c->days[at / ZONE_DAY_S];
    while (n < c->n && c->edges[n] <= at)
        n++;
    *until_s_out = n < c->n ? earlier(c->from_s + c->edges[n], limit_s) : limit_s;
    return n % 2 == 1;
}
