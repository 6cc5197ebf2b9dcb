/* tailnet: asks the local Tailscale daemon whose a connection is, for the workers' gates.
 * Control thread only, but for the struct whois_ask that goes to and fro (gate.h). */
#ifndef PROXY_TAILNET_H
#define PROXY_TAILNET_H

#include "proxy/gate/gate.h"

struct tailnet;

struct tailnet *tailnet_create(struct loop *loop);
/* Questions under way are dropped without an answer. NULL is fine. */
void tailnet_destroy(struct tailnet *t);
/* whois_answered follows, always. */
void tailnet_ask(struct tailnet *t, struct whois_ask *ask);

#endif
