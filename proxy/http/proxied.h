/* proxied: the PROXY header before everything else of a connection, where the listener's front is
 * proxy-protocol. Required there: a connection without it, or from whom nobody trusts, is closed
 * and counted. Worker thread only. */
#ifndef PROXY_HTTP_PROXIED_H
#define PROXY_HTTP_PROXIED_H

#include "proxy/http/conn.h"

bool proxied_is_due(const struct conn *c);
/* The connection may begin: conn_begin is called when the header is whole. */
void proxied_begin(struct conn *c);
/* In CONN_PROXY, the socket is readable. */
void proxied_read(struct conn *c);
void proxied_late(struct conn *c); /* its time is over: closes */
void proxied_finish(struct conn *c);

#endif
