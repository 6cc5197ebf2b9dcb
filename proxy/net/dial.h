/* dial: from a host name, address or socket path to a connected socket.
 *
 * Literals and names under .localhost are resolved here (the latter to 127.0.0.1 and ::1), others
 * on the loop's thread pool; results are kept for 60 s per loop. Addresses are tried alternately v6
 * and v4, the next one 250 ms after the last, the first that connects wins. */
#ifndef PROXY_NET_DIAL_H
#define PROXY_NET_DIAL_H

#include "base/addr.h"
#include "proxy/net/loop.h"

enum { DIAL_MAX_ADDRESSES = 8, DIAL_CACHE_MS = 60000, DIAL_STAGGER_MS = 250 };

struct dial_target {
    str host; /* a name or an IP literal; absent for a unix path */
    uint16_t port;
    str path;           /* a unix socket */
    int64_t timeout_ms; /* for all of it; 0 = 5000 */
    int keepalive_s;    /* TCP keepalive, 0 = 30 */
};

enum dial_verdict {
    DIAL_FAILED = 0, /* error says why */
    DIAL_CONNECTED,
    DIAL_NO_ADDRESS, /* the name does not resolve */
    DIAL_REFUSED,
    DIAL_UNREACHABLE,
    DIAL_TIMED_OUT,
};

struct dial_result {
    enum dial_verdict verdict;
    int fd;           /* connected, non-blocking, TCP_NODELAY; -1 otherwise. The callee's */
    int error;        /* errno of the last failure, 0 when none */
    struct addr peer; /* unknown for a unix path */
};

typedef void dial_done_fn(void *ctx, const struct dial_result *result);

struct dial;

/* The strings are copied. `done` is called exactly once unless dial_cancel comes first, and MAY be
 * called before dial_start returns (an address at hand and a peer as near as loopback connect at
 * once); then NULL is returned. */
struct dial *dial_start(struct loop *loop, const struct dial_target *target, dial_done_fn *done,
                        void *ctx);
/* done will not be called. NULL is fine. */
void dial_cancel(struct dial *d);
/* "connected", "refused", ... one word for logs and records. */
const char *dial_verdict_text(enum dial_verdict v);

#endif
