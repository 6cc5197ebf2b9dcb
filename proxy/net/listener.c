/* listener: see listener.h. */
#include "proxy/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"

enum {
    LISTENER_BACKLOG = 4096,
    LISTENER_ACCEPTS_PER_TURN = 64, /* so that open connections get their turn under a storm */
    LISTENER_REST_MS = 200,
    LISTENER_DEFER_S = 5,
    LISTENER_KEEPALIVE_S = 30, /* when the options say nothing */
};

struct listener {
    struct watch watch;
    struct loop *loop;
    struct deadline rest; /* set: out of descriptors */
    int spare_fd;         /* given up for a moment to turn one waiting peer away */
    bool is_paused;
    uid_t peer_uid;
    listener_accept_fn *fn;
    void *ctx;
};

static bool set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* All of these are inherited by accepted sockets. */
static bool set_tcp_options(int fd, const struct listener_options *o)
{
    int keepalive_s = o->keepalive_s ? o->keepalive_s : LISTENER_KEEPALIVE_S;
    return set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
           (!o->reuse_port || set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
           set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1) && set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_s) &&
           set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_s) &&
           (o->server_first || set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, LISTENER_DEFER_S));
}

static int bind_any(const struct listener_options *o)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(o->address.port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) && set_tcp_options(fd, o) &&
        bind(fd, (struct sockaddr *)&any, sizeof any) == 0)
        return fd;
    close(fd);
    return -1;
}

static int bind_ip(const struct listener_options *o)
{
    struct sockaddr_storage sa;
    socklen_t len;
    struct addr ip = o->address.ip;
    if (ip.family == 0) {
        int any = bind_any(o);
        if (any >= 0 || errno != EAFNOSUPPORT)
            return any;
        ip = (struct addr){.family = 4}; /* a kernel without IPv6 */
    }
    addr_to_sockaddr(&ip, o->address.port, &sa, &len);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* "[::]" means v6 alone: v4 may have a listener of its own. */
    if ((ip.family != 6 || set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) && set_tcp_options(fd, o) &&
        bind(fd, (struct sockaddr *)&sa, len) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* A socket file that nobody answers on is left from an earlier run. */
static void unlink_stale(const struct sockaddr_un *sa)
{
    struct stat st;
    if (lstat(sa->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)sa, sizeof *sa) != 0 && errno == ECONNREFUSED)
        unlink(sa->sun_path);
    close(fd);
}

static int bind_unix(const struct listener_options *o)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    str path = o->address.path;
    if (path.n == 0 || path.n >= sizeof sa.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(sa.sun_path, path.p, path.n);
    unlink_stale(&sa);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* Closed to others from the first moment: the file takes the socket's mode at bind. */
    mode_t mode = o->address.mode ? (mode_t)o->address.mode : 0660;
    if (fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0 &&
        chmod(sa.sun_path, mode) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int listener_bind(const struct listener_options *o, struct fail *f)
{
    bool is_unix = o->address.family == LISTENER_UNIX;
    int fd = is_unix ? bind_unix(o) : bind_ip(o);
    if (fd >= 0 && listen(fd, o->backlog > 0 ? o->backlog : LISTENER_BACKLOG) == 0)
        return fd;
    char text[ADDR_TEXT_BYTES];
    addr_text(&o->address.ip, text);
    if (is_unix)
        fail_errno(f, "cannot listen on unix:%.*s", STR_ARG(o->address.path));
    else
        fail_errno(f, "cannot listen on %s port %u", o->address.ip.family ? text : "every address",
                   (unsigned)o->address.port);
    if (fd >= 0)
        close(fd);
    return -1;
}

uint16_t listener_port(int fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    struct addr ip;
    uint16_t port = 0;
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
        addr_from_sockaddr((struct sockaddr *)&sa, &ip, &port);
    return port;
}

/* --- accepting
 * ------------------------------------------------------------------------------------- */

static void watch_as_due(struct listener *l)
{
    bool is_open = !l->is_paused && !deadline_is_set(&l->rest);
    watch_want(&l->watch, is_open ? WATCH_READ : 0);
}

/* Level-triggered readiness with no descriptor left would spin. */
static void rest(struct listener *l)
{
    if (l->spare_fd >= 0) {
        close(l->spare_fd);
        int fd = accept4(l->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            close(fd);
        l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    log_warn("listener.exhausted", "no descriptor left for a new connection, accepting rests");
    deadline_set(l->loop, &l->rest, LISTENER_REST_MS);
    watch_as_due(l);
}

static void on_rested(struct deadline *d)
{
    struct listener *l = list_entry(d, struct listener, rest);
    if (l->spare_fd < 0)
        l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    watch_as_due(l);
}

static bool peer_of(struct listener *l, int fd, const struct sockaddr_storage *sa,
                    struct listener_peer *peer)
{
    *peer = (struct listener_peer){.uid = (uid_t)-1};
    if (sa->ss_family != AF_UNIX)
        return addr_from_sockaddr((const struct sockaddr *)sa, &peer->addr, &peer->port);
    struct ucred cred;
    socklen_t len = sizeof cred;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
        return false;
    peer->uid = cred.uid;
    if (l->peer_uid == (uid_t)-1 || l->peer_uid == cred.uid)
        return true;
    char uid[24];
    log_warn("listener.peer_refused", "a process of another user connected to the socket", "uid",
             log_num(uid, (int64_t)cred.uid));
    return false;
}

/* False: nothing more to accept now. */
static bool accept_one(struct listener *l)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNIX}; /* unnamed unix peers have no address */
    socklen_t len = sizeof sa;
    int fd = accept4(l->watch.fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        int error = errno;
        if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
            rest(l);
        /* A peer that is gone already (accept(2)) is no reason to stop. */
        return error == ECONNABORTED || error == EINTR || error == EPROTO;
    }
    struct listener_peer peer;
    if (peer_of(l, fd, &sa, &peer))
        l->fn(l->ctx, fd, &peer);
    else
        close(fd);
    return true;
}

static void on_ready(struct watch *w, unsigned events)
{
    struct listener *l = list_entry(w, struct listener, watch);
    for (int i = 0; i < LISTENER_ACCEPTS_PER_TURN && accept_one(l); i++)
        if (w->is_dead || l->is_paused) /* the callback closed or paused us */
            return;
}

struct listener *listener_open(struct loop *loop, int fd, uid_t peer_uid, listener_accept_fn *fn,
                               void *ctx, struct fail *f)
{
    struct listener *l = mem_alloc(sizeof *l);
    if (!watch_open(loop, &l->watch, fd, on_ready, f)) {
        close(fd);
        free(l);
        return NULL;
    }
    l->loop = loop;
    l->peer_uid = peer_uid;
    l->fn = fn;
    l->ctx = ctx;
    deadline_init(&l->rest, on_rested);
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    watch_as_due(l);
    return l;
}

bool listener_is_resting(const struct listener *l)
{
    return deadline_is_set(&l->rest);
}

void listener_pause(struct listener *l, bool pause)
{
    l->is_paused = pause;
    watch_as_due(l);
}

static void on_closed(struct watch *w)
{
    free(list_entry(w, struct listener, watch));
}

void listener_close(struct listener *l)
{
    if (!l || l->watch.is_dead)
        return;
    for (int i = 0; i < LISTENER_BACKLOG && !l->watch.is_dead && accept_one(l); i++)
        ;
    if (l->watch.is_dead) /* closed by the callback meanwhile */
        return;
    deadline_clear(l->loop, &l->rest);
    if (l->spare_fd >= 0)
        close(l->spare_fd);
    watch_close(&l->watch, on_closed);
}
