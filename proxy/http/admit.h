/* admit: how a head becomes a visit of the gate, and what follows from the outcome.
 *
 * A head is parsed; what postern answers itself goes to own.h, everything else through the gate and
 * then up (forward) or back (a refusal). A message that is no request is recorded and refused here.
 * Worker thread only. */
#ifndef PROXY_HTTP_ADMIT_H
#define PROXY_HTTP_ADMIT_H

#include "proxy/http/exchange.h"

/* Parses the head that the exchange holds and goes on from there. */
void admit_request(struct exchange *ex);
/* A message that is no request: answered and closed. */
void admit_bad(struct conn *c, const struct h1_verdict *verdict);

/* For own.c: the listener that it came by; a visit with the request as understood; and the visit
 * that only needs room for its record before `own` sends the answer. */
const struct config_listener *admit_listener(const struct exchange *ex);
void admit_begin(struct exchange *ex);
void admit_own(struct exchange *ex, const char *reason, void (*own)(struct exchange *));
/* The same for pages.c, and who is there is asked. */
void admit_page(struct exchange *ex, const char *reason, void (*own)(struct exchange *));

#endif
