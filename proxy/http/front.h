/* front: who is in front of a listener, and whose word about the client counts (authn.md, 5).
 *
 * `direct`: the socket's peer is the client; every forwarded header is a lie. `forwarded`: when the
 * peer is trusted, X-Forwarded-For (or Forwarded) is walked from right to left, past trusted hops,
 * to the first address that is not; X-Forwarded-Proto says the scheme. An address that cannot be
 * parsed is unknown, not the peer's. */
#ifndef PROXY_HTTP_FRONT_H
#define PROXY_HTTP_FRONT_H

#include "proxy/config/config.h"
#include "proxy/http/message.h"

struct front_view {
    struct addr client; /* family 0: unknown */
    str claimed;        /* what a forwarded header says beyond that: nobody vouches for it */
    bool is_https;
};

void front_view(const struct config_listener *l, const struct listener_peer *peer, bool is_tls,
                const struct http_request_head *head, struct front_view *out);

#endif
