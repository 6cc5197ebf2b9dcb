/* front: who is in front of a listener, and whose word about the client counts (authn.md, 5).
 *
 * `direct`, `proxy-protocol`, `tailscale`: the client is whom the connection says; every forwarded
 * header is a lie. The others: when the peer is trusted, X-Forwarded-For (or Forwarded) is walked
 * from right to left, past trusted hops, to the first address that is not; X-Forwarded-Proto says
 * the scheme. An address that cannot be parsed is unknown, not the peer's. Most proxies write one
 * of the two headers and pass on what a client says in the other: where both are read and differ,
 * the address, or the scheme, is unknown as well. */
#ifndef PROXY_HTTP_FRONT_H
#define PROXY_HTTP_FRONT_H

#include "proxy/config/config.h"
#include "proxy/http/message.h"

struct front_view {
    struct addr client; /* family 0: unknown */
    str claimed;        /* what a forwarded header says beyond that: nobody vouches for it */
    bool is_https;
};

/* As in postern.yaml, for records. */
str front_name(enum front front);
/* Does the front's word count when it comes from there? On a unix socket whoever may connect is the
 * front. */
bool front_vouches(const struct config_listener *l, const struct listener_peer *peer);
/* The front's signed identity header goes no further, wherever it came from. *out: its value from a
 * trusted peer, absent otherwise; from anybody else, and by a name that only looks like it, it is a
 * spoof attempt. False: it came twice, and nobody can say which of them the front wrote. */
__attribute__((warn_unused_result)) bool front_assertion(const struct config_listener *l,
                                                         const struct listener_peer *peer,
                                                         struct http_request_head *head, str *out);
/* What tailscale serve says beside it of whom it asserts; absent otherwise. */
void front_served(const struct config_listener *l, const struct http_request_head *head, str *name,
                  str *picture);

/* `peer`: the socket's other end, or whom its PROXY header speaks for. */
void front_view(const struct config_listener *l, const struct listener_peer *peer, bool is_tls,
                const struct http_request_head *head, struct front_view *out);

#endif
