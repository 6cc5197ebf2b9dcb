/* listener: a listening socket, bound once in the server thread, accepted from on a worker's loop.
 *
 * Options that accepted sockets inherit (TCP_NODELAY, keepalive 30 s) are set on the listening
 * socket, so a new connection costs one accept4 and nothing else. */
#ifndef PROXY_NET_LISTENER_H
#define PROXY_NET_LISTENER_H

#include <sys/types.h>

#include "base/addr.h"
#include "proxy/net/loop.h"

enum listener_family { LISTENER_TCP = 0, LISTENER_UNIX };

struct listener_address {
    enum listener_family family;
    struct addr ip; /* unknown (family 0): every address, dual-stack */
    uint16_t port;  /* 0: the system chooses; ask listener_port */
    str path;       /* UNIX */
    unsigned mode;  /* UNIX: file mode, 0 = 0660 */
};

struct listener_options {
    struct listener_address address;
    bool reuse_port;   /* one socket per worker on the same port */
    bool server_first; /* the server may speak first (ssh, rdp): no TCP_DEFER_ACCEPT */
    int backlog;       /* 0 = 4096 */
    int keepalive_s;   /* TCP keepalive of what is accepted, 0 = 30 */
};

/* An fd that listens, or -1. Any thread. A stale socket file of an earlier run is replaced, one on
 * which somebody answers is not. */
int listener_bind(const struct listener_options *o, struct fail *f);
/* The port of a bound TCP socket. */
uint16_t listener_port(int fd);

/* A connected peer: address and port, or the uid on a unix socket. */
struct listener_peer {
    struct addr addr; /* unknown on a unix socket */
    uint16_t port;
    uid_t uid; /* UNIX only */
};

struct listener;

/* The fd is non-blocking and close-on-exec and belongs to the callee. */
typedef void listener_accept_fn(void *ctx, int fd, const struct listener_peer *peer);

/* Takes the fd (closed even on failure). `peer_uid`: on a unix socket the only user that may
 * connect, (uid_t)-1 for any. */
struct listener *listener_open(struct loop *loop, int fd, uid_t peer_uid, listener_accept_fn *fn,
                               void *ctx, struct fail *f);
/* Out of descriptors: accepting rests until then (and a spare fd turns the waiting away). */
bool listener_is_resting(const struct listener *l);
/* Stops or continues accepting, for a limit on connections; what waits stays in the queue. */
void listener_pause(struct listener *l, bool pause);
/* Accepts what is already queued (so that nobody is reset), then closes the socket. NULL is fine.
 */
void listener_close(struct listener *l);

#endif
