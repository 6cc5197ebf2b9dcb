/* zone: a time zone from TZif bytes (RFC 8536), in both directions.
 *
 * Dates past the table follow the POSIX rule of the footer, so a rule that expires in ten years is
 * as right as one that expires tomorrow. Immutable once parsed; any thread; no allocation but in
 * zone_parse. Instants are Unix seconds, days count from 1970-01-01, and wall seconds are what a
 * clock in the zone shows: day * 86400 + second of the day. */
#ifndef POLICY_ZONE_H
#define POLICY_ZONE_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/str.h"

struct zone;

enum { ZONE_DAY_S = 86400, ZONE_MAX_BYTES = 1 << 16 };

/* Copies what it needs into the arena. NULL: not a TZif file of version 2 or later, or
 * one that counts leap seconds. */
const struct zone *zone_parse(struct arena *a, str name, str bytes, struct fail *fail);
/* UTC without any file; also for "UTC" and "Etc/UTC" when no reader is given. */
const struct zone *zone_utc(void);
str zone_name(const struct zone *z);

/* Seconds east of Greenwich at an instant. */
int32_t zone_offset_s(const struct zone *z, int64_t at_s);
/* What a clock in the zone shows: at_s + offset. */
int64_t zone_wall_s(const struct zone *z, int64_t at_s);
/* The first instant at which a clock in the zone shows `wall_s` or later: of a repeated hour its
 * first pass, of a skipped hour the moment of the jump. */
int64_t zone_instant_s(const struct zone *z, int64_t wall_s);
/* The first instant after at_s from which the offset is another; INT64_MAX when there is none. */
int64_t zone_next_change_s(const struct zone *z, int64_t at_s);

/* The calendar, proleptic Gregorian. */
int32_t zone_day_of(int32_t year, int32_t month, int32_t day_of_month);
void zone_date_of(int32_t day, int32_t *year, int32_t *month, int32_t *day_of_month);
unsigned zone_weekday(int32_t day); /* 0 = Monday */
static inline int32_t zone_day_at(int64_t wall_s)
{
    return (int32_t)((wall_s - ((wall_s % ZONE_DAY_S + ZONE_DAY_S) % ZONE_DAY_S)) / ZONE_DAY_S);
}

#endif
