/* clock: the time that this program and its libraries see. It stands still until it is moved, so
 * deadlines of a minute are tested in no time and none fires on a slow machine. */
#ifndef TESTS_UNIT_GATE_CLOCK_H
#define TESTS_UNIT_GATE_CLOCK_H

#include <stdint.h>

enum { CLOCK_START_S = 1795791600 }; /* 2026-11-27T15:00:00Z, a Friday */

void clock_reset(void);
/* Both clocks go on. */
void clock_pass(int64_t ms);
/* The wall clock alone is set, forwards or backwards. */
void clock_step(int64_t ms);
int64_t clock_wall_us(void);
int64_t clock_mono_us(void);

#endif
