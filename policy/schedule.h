/* schedule: whether a moment lies in a schedule, and when that next changes.
 *
 * Windows are local wall-clock intervals, half-open, and belong to the day on which they start; an
 * hour that the clocks skip is empty and one that they repeat counts both times. Any thread, no
 * allocation. */
#ifndef POLICY_SCHEDULE_H
#define POLICY_SCHEDULE_H

#include "policy/rule.h"

enum {
    SCHEDULE_NEAR_DAYS = 8,  /* enough to decide again in time */
    SCHEDULE_FAR_DAYS = 400, /* to tell a person when a rule opens */
};

/* *until_s_out: the first later second at which the answer is another, or the end of the horizon
 * when it does not change before. */
bool schedule_has(const struct schedule *s, int64_t at_s, int32_t horizon_days,
                  int64_t *until_s_out);

/* ---- for the calendar ---- */
bool schedule_has_day(const struct schedule *s, int32_t day);
/* The window that begins on that day, on the clock of the zone. */
void schedule_window(const struct hours *h, int32_t day, int64_t *start_s_out, int64_t *end_s_out);

#endif
