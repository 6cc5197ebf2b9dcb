#include "proxy/audit/wake.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The writer exchanges the state, then looks at the counters; a producer stores a counter, then
 * reads the state by an operation that writes it as well. Of two such operations one is first, and
 * the second sees all that was stored before it: no wake-up is lost. */
void wake_announce(struct wake *w, enum wake_state state)
{
    atomic_exchange(&w->state, state);
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

static unsigned look(struct wake *w)
{
    return atomic_fetch_or(&w->state, 0);
}

bool wake_for_record(struct wake *w)
{
    return look(w) == WAKE_SLEEPING && wake(w);
}

bool wake_now(struct wake *w)
{
    return look(w) != WAKE_AWAKE && wake(w);
}
