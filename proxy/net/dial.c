/* dial: see dial.h.
 *
 * A dial lives until its last watch is closed and its resolution has come back, also after it was
 * done or cancelled; `refs` counts them. connect() never succeeds at once on a non-blocking TCP
 * socket, but on loopback it has when it returns: one poll() without waiting finds that out and
 * spares a watch and a turn of the loop. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "proxy/net/dial_impl.h"
#include "proxy/net/loop_impl.h"

enum { DIAL_DEFAULT_MS = 5000 };

struct attempt {
    struct watch watch;
    struct dial *dial;
    bool is_open;
    struct addr peer;
};

struct dial {
    struct loop *loop;
    dial_done_fn *done;
    void *ctx;
    char *host;
    uint16_t port;
    int keepalive_s;
    unsigned refs;
    bool is_over; /* done was called, or cancelled */
    int error;    /* of the last attempt that failed */
    uv_getaddrinfo_t resolution;
    struct dial_addresses addresses;
    size_t next, n_open;
    struct deadline timeout, stagger;
    struct attempt attempts[DIAL_MAX_ADDRESSES];
};

static void dial_unref(struct dial *d)
{
    if (--d->refs > 0)
        return;
    free(d->host);
    free(d);
}

static void on_attempt_closed(struct watch *w)
{
    dial_unref(list_entry(w, struct attempt, watch)->dial);
}

static void attempt_close(struct attempt *a)
{
    if (!a->is_open)
        return;
    a->is_open = false;
    a->dial->n_open--;
    watch_close(&a->watch, on_attempt_closed);
}

/* No callback of ours after this. */
static void dial_end(struct dial *d)
{
    d->is_over = true;
    deadline_clear(d->loop, &d->timeout);
    deadline_clear(d->loop, &d->stagger);
    for (size_t i = 0; i < d->next; i++)
        attempt_close(&d->attempts[i]);
}

static void dial_finish(struct dial *d, const struct dial_result *result)
{
    if (d->is_over) {
        if (result->fd >= 0)
            close(result->fd);
        return;
    }
    dial_end(d);
    d->done(d->ctx, result);
    dial_unref(d);
}

static enum dial_verdict verdict_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ENOENT: /* a unix path that is not there */
    case EAGAIN: /* a unix socket whose backlog is full */
        return DIAL_REFUSED;
    case EHOSTUNREACH:
    case ENETUNREACH:
        return DIAL_UNREACHABLE;
    case ETIMEDOUT:
        return DIAL_TIMED_OUT;
    default:
        return DIAL_FAILED;
    }
}

static void dial_fail(struct dial *d, enum dial_verdict verdict, int error)
{
    dial_finish(d, &(struct dial_result){.verdict = verdict, .fd = -1, .error = error});
}

static void dial_win(struct dial *d, int fd, const struct addr *peer)
{
    dial_finish(d, &(struct dial_result){.verdict = DIAL_CONNECTED, .fd = fd, .peer = *peer});
}

static int socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

static void try_next(struct dial *d);

static void on_attempt_ready(struct watch *w, unsigned events)
{
    struct attempt *a = list_entry(w, struct attempt, watch);
    struct dial *d = a->dial;
    int error = socket_error(w->fd);
    if (error != 0) {
        d->error = error;
        attempt_close(a);
        try_next(d);
        return;
    }
    int fd = watch_detach(w, on_attempt_closed);
    a->is_open = false;
    d->n_open--;
    dial_win(d, fd, &a->peer);
}

enum progress { PROGRESS_FAILED = 0, PROGRESS_CONNECTED, PROGRESS_WAITING };

/* Whether the connection stands already. */
static enum progress connect_now(int fd, const struct sockaddr *sa, socklen_t len, int *error_out)
{
    if (connect(fd, sa, len) == 0)
        return PROGRESS_CONNECTED;
    *error_out = errno;
    if (errno != EINPROGRESS)
        return PROGRESS_FAILED;
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    if (poll(&ready, 1, 0) == 0)
        return PROGRESS_WAITING;
    *error_out = socket_error(fd);
    return *error_out == 0 ? PROGRESS_CONNECTED : PROGRESS_FAILED;
}

static enum progress attempt_start(struct dial *d, struct attempt *a, const struct addr *peer)
{
    struct sockaddr_storage sa;
    socklen_t len;
    int one = 1, fd = -1;
    a->dial = d;
    a->peer = *peer;
    if (addr_to_sockaddr(peer, d->port, &sa, &len))
        fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        d->error = errno;
        return PROGRESS_FAILED;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &d->keepalive_s, sizeof d->keepalive_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &d->keepalive_s, sizeof d->keepalive_s);
    enum progress progress = connect_now(fd, (struct sockaddr *)&sa, len, &d->error);
    if (progress == PROGRESS_CONNECTED)
        dial_win(d, fd, peer);
    if (progress == PROGRESS_WAITING && !watch_open(d->loop, &a->watch, fd, on_attempt_ready, NULL))
        progress = PROGRESS_FAILED;
    if (progress == PROGRESS_FAILED)
        close(fd);
    if (progress != PROGRESS_WAITING)
        return progress;
    a->is_open = true;
    d->n_open++;
    d->refs++;
    watch_want(&a->watch, WATCH_WRITE);
    return progress;
}

/* Addresses in turn until one connects or has to wait. */
static void try_next(struct dial *d)
{
    while (d->next < d->addresses.n) {
        size_t i = d->next++;
        switch (attempt_start(d, &d->attempts[i], &d->addresses.items[i])) {
        case PROGRESS_CONNECTED: /* d may be gone */
            return;
        case PROGRESS_WAITING:
            if (d->next < d->addresses.n)
                deadline_set(d->loop, &d->stagger, DIAL_STAGGER_MS);
            return;
        case PROGRESS_FAILED:
            break;
        }
    }
    if (d->n_open == 0)
        dial_fail(d, verdict_of(d->error), d->error);
}

static void on_stagger(struct deadline *stagger)
{
    try_next(list_entry(stagger, struct dial, stagger));
}

static void on_timeout(struct deadline *timeout)
{
    dial_fail(list_entry(timeout, struct dial, timeout), DIAL_TIMED_OUT, ETIMEDOUT);
}

static void on_resolved(uv_getaddrinfo_t *resolution, int status, struct addrinfo *found)
{
    struct dial *d = resolution->data;
    if (status == 0)
        dial_resolve_keep(d->loop, str_of(d->host), found, &d->addresses);
    uv_freeaddrinfo(found);
    if (!d->is_over && d->addresses.n > 0)
        try_next(d);
    else if (!d->is_over)
        dial_fail(d, DIAL_NO_ADDRESS, 0);
    dial_unref(d);
}

static bool resolve_later(struct dial *d)
{
    static const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    d->resolution.data = d;
    d->refs++;
    if (uv_getaddrinfo(&d->loop->uv, &d->resolution, on_resolved, d->host, NULL, &hints) == 0)
        return true;
    d->refs--;
    return false;
}

static struct dial *dial_create(struct loop *loop, const struct dial_target *t, dial_done_fn *done,
                                void *ctx)
{
    struct dial *d = mem_alloc(sizeof *d);
    d->loop = loop;
    d->done = done;
    d->ctx = ctx;
    d->port = t->port;
    d->keepalive_s = t->keepalive_s ? t->keepalive_s : 30;
    d->host = mem_dup(t->host.p ? t->host : STR(""));
    d->refs = 1;
    deadline_init(&d->timeout, on_timeout);
    deadline_init(&d->stagger, on_stagger);
    return d;
}

/* connect on a unix socket never waits: it succeeds, or the path is dead or its backlog full. */
static void dial_unix(str path, dial_done_fn *done, void *ctx)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct dial_result result = {.fd = -1};
    int error = path.n < sizeof sa.sun_path ? 0 : ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (error == 0) {
        memcpy(sa.sun_path, path.p, path.n);
        if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0)
            error = errno;
    }
    if (error != 0 && fd >= 0)
        close(fd);
    result.verdict = error == 0 ? DIAL_CONNECTED : verdict_of(error);
    result.error = error;
    result.fd = error == 0 ? fd : -1;
    done(ctx, &result);
}

struct dial *dial_start(struct loop *loop, const struct dial_target *target, dial_done_fn *done,
                        void *ctx)
{
    if (target->path.p) {
        dial_unix(target->path, done, ctx);
        return NULL;
    }
    struct dial *d = dial_create(loop, target, done, ctx);
    d->refs++; /* ours, until we know whether it is over already */
    deadline_set(loop, &d->timeout, target->timeout_ms > 0 ? target->timeout_ms : DIAL_DEFAULT_MS);
    if (dial_resolve_now(loop, target->host, &d->addresses))
        try_next(d);
    else if (!resolve_later(d))
        dial_fail(d, DIAL_NO_ADDRESS, 0);
    struct dial *running = d->is_over ? NULL : d;
    dial_unref(d);
    return running;
}

void dial_cancel(struct dial *d)
{
    if (!d)
        return;
    assert(!d->is_over);
    dial_end(d);
    dial_unref(d);
}

const char *dial_verdict_text(enum dial_verdict v)
{
    static const char *const texts[] = {
        [DIAL_FAILED] = "failed",           [DIAL_CONNECTED] = "connected",
        [DIAL_NO_ADDRESS] = "no-address",   [DIAL_REFUSED] = "refused",
        [DIAL_UNREACHABLE] = "unreachable", [DIAL_TIMED_OUT] = "timed-out",
    };
    return texts[v];
}
