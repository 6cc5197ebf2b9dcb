/* Names to addresses for dial; of this folder only. */
#ifndef PROXY_NET_DIAL_IMPL_H
#define PROXY_NET_DIAL_IMPL_H

#include <netdb.h>

#include "proxy/net/dial.h"

struct dial_addresses {
    struct addr items[DIAL_MAX_ADDRESSES];
    size_t n;
};

/* What needs no resolver: literals, names under .localhost, names resolved less than DIAL_CACHE_MS
 * ago. */
bool dial_resolve_now(struct loop *loop, str host, struct dial_addresses *out);
/* Takes over a resolver's answer, v6 and v4 alternating, and remembers it. */
void dial_resolve_keep(struct loop *loop, str host, const struct addrinfo *found,
                       struct dial_addresses *out);
void dial_interleave(struct dial_addresses *a);

#endif
