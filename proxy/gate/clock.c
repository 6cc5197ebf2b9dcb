/* The wall clock: is it to be believed, and was it set?
 *
 * Deadlines go by the monotonic clock, and `valid_until` is a time of day. While visits stand, both
 * are compared once a second: after a step all that stand are decided again by the new time, or a
 * token that is over by it would stay good for as long as the step was. */
#include "proxy/gate/gate_impl.h"

#include <time.h>

/* No clock of ours can honestly be before the day this was built (2026-11-01). */
static const int64_t BUILD_WALL_US = 1793491200LL * 1000000;
enum { STEP_BACK_US = 300 * 1000 * 1000, STEP_US = 500 * 1000, WATCH_MS = 1000 };

int64_t gate_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

bool gate_clock_is_good(struct gate *g, int64_t wall_us)
{
    if (wall_us > g->newest_wall_us)
        g->newest_wall_us = wall_us;
    return wall_us >= BUILD_WALL_US && wall_us >= g->newest_wall_us - STEP_BACK_US;
}

static int64_t ahead_us(const struct gate *g)
{
    return loop_wall_us(g->options.loop) - gate_now_us();
}

static void look(struct deadline *d)
{
    struct gate *g = list_entry(d, struct gate, clock_due);
    int64_t now_us = ahead_us(g), step_us = now_us - g->clock_ahead_us;
    g->clock_ahead_us = now_us;
    deadline_set(g->options.loop, d, WATCH_MS);
    if (step_us > STEP_US || step_us < -STEP_US)
        gate_decide_again(g);
}

void gate_clock_init(struct gate *g)
{
    deadline_init(&g->clock_due, look);
}

void gate_clock_watch(struct gate *g)
{
    if (deadline_is_set(&g->clock_due))
        return;
    g->clock_ahead_us = ahead_us(g);
    deadline_set(g->options.loop, &g->clock_due, WATCH_MS);
}

void gate_clock_rest(struct gate *g)
{
    deadline_clear(g->options.loop, &g->clock_due);
}
