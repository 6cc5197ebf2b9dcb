/* when: times in words. A page has no script and so no time zone of its reader: what is near is
 * said as a distance, the rest in UTC. */
#ifndef PROXY_PORTAL_WHEN_H
#define PROXY_PORTAL_WHEN_H

#include "base/arena.h"
#include "proxy/portal/pages.h"

/* "5 min ago", "yesterday". */
str when_ago(struct arena *a, enum page_language l, int64_t now_s, int64_t then_s);
/* "in 2 hours (26 November 2026, 08:00 UTC)". */
str when_in(struct arena *a, enum page_language l, int64_t now_s, int64_t then_s);
/* "26 November 2026, 08:00 UTC". */
str when_at(struct arena *a, enum page_language l, int64_t at_s);
/* "8 hours". */
str when_span(struct arena *a, enum page_language l, int64_t seconds);

#endif
