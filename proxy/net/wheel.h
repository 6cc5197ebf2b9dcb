/* wheel: a timing wheel without a clock: the caller says what time it is. Of this folder only.
 *
 * 512 slots of 100 ms. A deadline beyond the horizon (51 s) sits in the farthest slot and moves on
 * when that fires. A bitmap of occupied slots lets the owner sleep until the next one. */
#ifndef PROXY_NET_WHEEL_H
#define PROXY_NET_WHEEL_H

#include "proxy/net/loop.h"

enum { WHEEL_SLOTS = 512, WHEEL_TICK_MS = 100 };

struct wheel {
    int64_t tick; /* slots up to this one have fired */
    size_t n;     /* deadlines linked */
    uint64_t occupied[WHEEL_SLOTS / 64];
    struct list_node slots[WHEEL_SLOTS]; /* deadline::link */
};

void wheel_init(struct wheel *w, int64_t now_ms);
/* True when the entry was linked anew, so that the owner looks at wheel_next_ms. */
bool wheel_set(struct wheel *w, struct deadline *d, int64_t now_ms, int64_t delay_ms);
void wheel_clear(struct wheel *w, struct deadline *d);
/* Fires what is due at now_ms; callbacks may set and clear any deadline. */
void wheel_advance(struct wheel *w, int64_t now_ms);
/* When to advance next, -1 when nothing is linked. */
int64_t wheel_next_ms(const struct wheel *w);

#endif
