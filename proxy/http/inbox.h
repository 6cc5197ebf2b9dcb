/* inbox: bytes that a client has sent and nobody has used yet: a head that is not whole, requests
 * behind the one in hand, the first of a body.
 *
 * On the heap while there are any, so that an idle connection holds none. All inboxes of a worker
 * together have a limit (limits.buffers_bytes): past it the greedy ones make place. Worker thread
 * only. */
#ifndef PROXY_HTTP_INBOX_H
#define PROXY_HTTP_INBOX_H

#include "proxy/http/conn.h"

struct inbox {
    size_t at, n, cap; /* n bytes at data + at */
    struct h1_scan scan;
    char data[];
};

/* Appends to the inbox; false when that would pass `most`, or what all inboxes may hold. */
bool inbox_keep(struct conn *c, const char *p, size_t n, size_t most);
/* Moves up to n bytes out of the inbox. */
size_t inbox_take(struct conn *c, char *buf, size_t n);
/* The same; when there are none, one conn_read. */
ssize_t inbox_or_read(struct conn *c, char *buf, size_t n);
/* n bytes at the front are used. */
void inbox_cut(struct conn *c, size_t n);
void inbox_free(struct conn *c);

#endif
