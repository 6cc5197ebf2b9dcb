/* Listening sockets of the workers. See sockets.h. */
#include "proxy/sockets.h"

#include <sys/resource.h>
#include <unistd.h>

enum { SPARE_DESCRIPTORS = 200 }; /* files, listeners, the control thread's own */

static rlim_t raise_descriptors(void)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

/* Each client connection may need one to an upstream. */
size_t sockets_connections(const struct snapshot *s, unsigned workers)
{
    size_t descriptors = raise_descriptors(), most = s->config->limits.connections;
    size_t can = descriptors > 2 * SPARE_DESCRIPTORS ? (descriptors - SPARE_DESCRIPTORS) / 2 : 100;
    if (most == 0 || most > can)
        most = can;
    return most / workers > 8 ? most / workers : 8;
}

/* Who is named by his uid need not be in our group: the lock is the uid, not the file's mode. */
static bool bind_one(const struct snapshot *s, const struct listen_address *a, bool reuse,
                     bool by_uid, int *fd_out, struct fail *f)
{
    struct listener_options o = {
        .address = {.family = a->kind == ADDRESS_UNIX ? LISTENER_UNIX : LISTENER_TCP,
                    .ip = a->addr,
                    .port = a->port,
                    .path = a->path,
                    .mode = by_uid ? 0666 : 0},
        .reuse_port = reuse,
        .keepalive_s = (int)(s->config->limits.tcp_keepalive_ms / 1000),
    };
    *fd_out = listener_bind(&o, f);
    return *fd_out >= 0;
}

static bool bind_all(const struct snapshot *s, unsigned index, struct worker_listener *out,
                     size_t *n_out, struct fail *f)
{
    for (size_t i = 0; i < s->n_listeners; i++) {
        const struct config_listener *l = &s->listeners[i];
        struct worker_listener *w = &out[*n_out];
        if (l->address.kind == ADDRESS_UNIX && index > 0)
            continue;
        *w = (struct worker_listener){.index = i,
                                      .role = HTTP_ROLE_APPS,
                                      .peer_uid = l->has_peer_uid ? l->peer_uid : (uid_t)-1};
        if (!bind_one(s, &l->address, true, l->has_peer_uid, &w->fd, f))
            return false;
        (*n_out)++;
    }
    if (index > 0 || !s->config->has_admin)
        return true;
    struct worker_listener *w = &out[*n_out];
    *w = (struct worker_listener){.role = HTTP_ROLE_ADMIN, .peer_uid = (uid_t)-1};
    if (!bind_one(s, &s->config->admin, false, false, &w->fd, f))
        return false;
    (*n_out)++;
    return true;
}

bool sockets_bind(const struct snapshot *s, unsigned index, struct worker_listener *out,
                  size_t *n_out, struct fail *f)
{
    *n_out = 0;
    if (s->n_listeners >= SOCKETS_MOST)
        return fail_set(f, FAIL_LIMIT, "more than %d listeners are configured", SOCKETS_MOST - 1);
    if (bind_all(s, index, out, n_out, f))
        return true;
    while (*n_out > 0)
        close(out[--*n_out].fd);
    return false;
}
