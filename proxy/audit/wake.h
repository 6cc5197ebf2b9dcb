/* wake: how the writer sleeps, so that a busy producer makes no system call. While records come,
 * the writer naps a few milliseconds and is woken early only when it matters (a ring half full, a
 * sync wanted). When nothing comes it sleeps, and the first record wakes it. */
#ifndef PROXY_AUDIT_WAKE_H
#define PROXY_AUDIT_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum wake_state { WAKE_AWAKE = 0, WAKE_NAPPING, WAKE_SLEEPING };

struct wake {
    atomic_uint state;
};

/* Writer: announces sleep; look for work once more afterwards, then wake_wait. */
void wake_announce(struct wake *w, enum wake_state state);
void wake_wait(struct wake *w, enum wake_state state, int64_t max_us);
/* Producer: after its record is visible. True when that took a system call. */
bool wake_for_record(struct wake *w);
bool wake_now(struct wake *w);

#endif
