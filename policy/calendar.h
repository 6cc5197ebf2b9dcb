/* calendar: a schedule compiled to UTC intervals over the days ahead.
 *
 * The interval table covers some weeks to a year from the moment of loading. Within it a question
 * is a binary search; outside it, and near its end, the schedule itself is asked, so that a policy
 * that nobody reloads stays right. Answers are those of schedule_has to the second. Any thread. */
#ifndef POLICY_CALENDAR_H
#define POLICY_CALENDAR_H

#include "base/arena.h"
#include "policy/schedule.h"

enum {
    CALENDAR_MIN_DAYS = 16,
    CALENDAR_MAX_DAYS = 400,
    CALENDAR_BUDGET = 1 << 16, /* windows of all schedules together */
};

struct calendar {
    const struct schedule *schedule;
    int64_t from_s, to_s; /* the time that the table covers */
    const uint32_t *days; /* by day after from_s: how many edges lie at or before its start */
    const int32_t *edges; /* seconds after from_s, ascending: begin, end, begin ... */
    uint32_t n;
};

/* How many days each of these schedules may cover within the budget. */
int32_t calendar_days(const struct schedule *const *schedules, size_t n);
void calendar_build(struct arena *a, const struct schedule *s, int64_t now_s, int32_t days,
                    struct calendar *out);
/* As schedule_has with SCHEDULE_NEAR_DAYS. */
bool calendar_has(const struct calendar *c, int64_t at_s, int64_t *until_s_out);

#endif
