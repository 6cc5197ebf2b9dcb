/* opening: when a schedule is open, in words. Private to policy/. Any thread. */
#ifndef POLICY_OPENING_H
#define POLICY_OPENING_H

#include "base/arena.h"
#include "policy/rule.h"

/* "mon to fri 08:00-18:00 Europe/Stockholm"; alternatives are joined by "or". */
str opening_text(struct arena *a, const struct schedule *s);
str opening_list_text(struct arena *a, struct schedule_list list);
/* "Fri 07:30 UTC; open mon to fri 08:00-18:00": the clock of the schedule beside its hours. */
str opening_missed(struct arena *a, const struct schedule *s, int64_t now_s);

#endif
