/* throttle: how soon the next attempt is let through, by a key. The first ones are free, then each
 * waits twice as long as the one before, up to a limit; what is forgotten was quiet long enough.
 *
 * Bounded: a full set gives up the entry with the fewest attempts, so that a flood of made-up names
 * does not wash away the one that is being guessed at. One thread. */
#ifndef AUTHN_THROTTLE_H
#define AUTHN_THROTTLE_H

#include "base/str.h"

struct throttle_rule {
    unsigned free;    /* attempts without a wait */
    int64_t max_s;    /* longest wait */
    int64_t memory_s; /* an entry without an attempt for so long is gone; longer than max_s */
};

struct throttle_slot;

struct throttle {
    struct throttle_rule rule;
    struct throttle_slot *slots;
};

void throttle_init(struct throttle *t, struct throttle_rule rule);
void throttle_finish(struct throttle *t);
/* Seconds until the next attempt of this key; 0: now. */
int64_t throttle_left_s(const struct throttle *t, uint64_t key, int64_t now_s);
/* Counts an attempt, which is about to be made: counting those that failed would let a hundred at
 * once through. */
void throttle_charge(struct throttle *t, uint64_t key, int64_t now_s);
/* It has failed: the wait begins now, not when it was counted. */
void throttle_extend(struct throttle *t, uint64_t key, int64_t now_s);
/* The attempt was good: all is forgotten, or this one attempt alone. */
void throttle_clear(struct throttle *t, uint64_t key);
void throttle_refund(struct throttle *t, uint64_t key);

#endif
