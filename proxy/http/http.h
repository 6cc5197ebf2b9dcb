/* http: the way in and through for HTTP/1.1, the face of this folder for the worker above.
 *
 * One server a worker, on that worker's loop and thread: it takes accepted sockets, and turns each
 * request into a visit of the gate, an answer of ours, or an exchange with the app's upstream. */
#ifndef PROXY_HTTP_HTTP_H
#define PROXY_HTTP_HTTP_H

#include "proxy/gate/gate.h"

struct http_server;

/* An answer of the administrators' listener. */
struct http_admin_answer {
    unsigned status;
    str type, body; /* in the arena */
};

struct http_options {
    struct loop *loop;
    struct gate *gate;
    struct counters *counters;
    size_t connections; /* most open client connections of this worker */
    /* Requests of an admin listener: health, readiness, metrics. */
    void (*admin)(void *ctx, str method, str path, struct arena *a, struct http_admin_answer *out);
    /* The last connection of a draining server is gone. */
    void (*drained)(void *ctx);
    /* The number of open connections reached the limit (true) or fell below it again. */
    void (*crowded)(void *ctx, bool is_crowded);
    void *ctx;
};

enum http_role { HTTP_ROLE_APPS = 0, HTTP_ROLE_ADMIN };

struct http_server *http_create(const struct http_options *o);
/* After http_cut and a turn of the loop. NULL is fine. */
void http_destroy(struct http_server *s);
/* Takes the fd. `listener` is the index in config->listeners (admin: ignored). */
void http_accept(struct http_server *s, enum http_role role, size_t listener, int fd,
                 const struct listener_peer *peer);
/* The gate has a new snapshot. */
void http_swap(struct http_server *s);
/* Every request under way gets its whole answer, with Connection: close; an idle connection may
 * send one more within a second. `drained` follows. */
void http_drain(struct http_server *s);
/* Ends what is left, at once. */
void http_cut(struct http_server *s);
size_t http_connections(const struct http_server *s);

#endif
