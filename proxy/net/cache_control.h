/* How long a fetched document may be kept; of this folder only. */
#ifndef PROXY_NET_CACHE_CONTROL_H
#define PROXY_NET_CACHE_CONTROL_H

#include "base/str.h"

/* Seconds from a Cache-Control value (RFC 9111 section 5.2.2): max-age, 0 for no-store and
 * no-cache, -1 when neither is said. At most a year. */
int64_t cache_control_max_age_s(str value);

#endif
