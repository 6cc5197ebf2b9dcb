/* http: the way in and through for HTTP/1.1, the face of this folder for the worker above.
 *
 * One server a worker, on that worker's loop and thread: it takes accepted sockets, and turns each
 * request into a visit of the gate, an answer of ours, or an exchange with the app's upstream. */
#ifndef PROXY_HTTP_HTTP_H
#define PROXY_HTTP_HTTP_H

#include "proxy/gate/gate.h"
#include "proxy/http/message.h"

struct http_server;

/* An answer of the administrators' listener. */
struct http_admin_answer {
    unsigned status;
    str type, body; /* in the arena */
};

/* ---- pages of ours, served by the rooms above -------------------------------------------------
 */

/* One request for a page: made by http, which has the body (at most limits.form_bytes) and the
 * visit (visit_page: v->who and v->session). The room above answers it with http_page_answer, at
 * once or later; until then it must be ready for `gone`. All texts live as long as the page. */
struct http_page {
    struct visit *visit;
    const struct http_request_head *head;
    bool is_portal;  /* the portal's host; else an app's */
    bool is_tls;     /* as the browser sees it */
    str path, query; /* the path exactly as it came: an encoded one is none of ours */
    str body;        /* absent: there was none */
    struct arena *arena;
    const struct visit_refusal *refusal; /* of `refused` */
    void *ctx;                           /* of the room above; NULL at first */
};

struct http_pages {
    /* What the request is recorded as ("portal", "login"), or NULL: no page of ours, 404. */
    const char *(*find)(void *ctx, bool is_portal, str method, str path);
    /* True when the page looks at who is there; else the cookie is not looked at. */
    void (*serve)(void *ctx, struct http_page *p);
    /* A refusal of the gate that a person would see: true when it is answered with something better
     * (the way to the log-in, a form), at once. */
    bool (*refused)(void *ctx, struct http_page *p);
    /* The client is gone, or it took too long: p is not answered any more. */
    void (*gone)(void *ctx, struct http_page *p);
    void *ctx;
};

/* `extra`: further fields, Set-Cookie and Location among them. Our security headers are added. The
 * page is gone after it. */
void http_page_answer(struct http_page *p, unsigned status, str type, str body,
                      const struct http_pair *extra, size_t n_extra);
/* The usual refusal, as page or problem, by visit->refusal (visit_refuse set it). */
void http_page_refuse(struct http_page *p, uint16_t status, const char *reason, str sentence,
                      str remedy);

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
    struct http_pages pages; /* zeroed: none */
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
