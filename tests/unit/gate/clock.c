/* The system's clock_gettime, replaced for the whole program: libuv asks it too. See clock.h. */
#include "clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MONO_START_S = 100000 };

static int64_t wall_us = INT64_C(1000000) * CLOCK_START_S;
static int64_t mono_us = INT64_C(1000000) * MONO_START_S;

void clock_reset(void)
{
    wall_us = INT64_C(1000000) * CLOCK_START_S;
}

void clock_pass(int64_t ms)
{
    wall_us += ms * 1000;
    mono_us += ms * 1000;
}

void clock_step(int64_t ms)
{
    wall_us += ms * 1000;
}

int64_t clock_wall_us(void)
{
    return wall_us;
}

int64_t clock_mono_us(void)
{
    return mono_us;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *t)
{
    int64_t us;
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        us = wall_us;
        break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
        us = mono_us;
        break;
    default:
        return (int)syscall(SYS_clock_gettime, id, t);
    }
    *t = (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    return 0;
}
