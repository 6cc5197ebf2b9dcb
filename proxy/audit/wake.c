#include "proxy/audit/wake.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void wake_announce(struct wake *w, enum wake_state state)
{
    atomic_store(&w->state, state);
}

void wake_wait(struct wake *w, enum wake_state state, int64_t max_us)
{
    struct timespec ts = {max_us / 1000000, max_us % 1000000 * 1000};
    syscall(SYS_futex, &w->state, FUTEX_WAIT_PRIVATE, state, &ts, NULL, 0);
    atomic_store(&w->state, WAKE_AWAKE);
}

static bool wake(struct wake *w)
{
    if (atomic_exchange(&w->state, WAKE_AWAKE) == WAKE_AWAKE)
        return false;
    syscall(SYS_futex, &w->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return true;
}

/* The writer stores its state, then looks at the counters; we stored a counter, then look at the
 * state. Sequential consistency of both (the fence here, the store there) means that one of the
 * two sees the other: no wake-up is lost. */
bool wake_for_record(struct wake *w)
{
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load_explicit(&w->state, memory_order_relaxed) == WAKE_SLEEPING && wake(w);
}

bool wake_now(struct wake *w)
{
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load_explicit(&w->state, memory_order_relaxed) != WAKE_AWAKE && wake(w);
}
