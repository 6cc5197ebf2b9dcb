/* own: requests that postern answers itself, without an app: health, redirects, ACME challenges,
 * preflights, OPTIONS *, our public keys and the administrators' pages. None of them lets anybody
 * through. Worker thread only. */
#ifndef PROXY_HTTP_OWN_H
#define PROXY_HTTP_OWN_H

#include "proxy/http/exchange.h"

void own_admin(struct exchange *ex);
void own_health(struct exchange *ex);
void own_options(struct exchange *ex);
void own_redirect(struct exchange *ex);
/* False when it does not ask for them, or on a host that is not served. The visit has begun. */
bool own_jwks(struct exchange *ex);
/* False when it is no preflight, or the app leaves them to itself. The visit has begun. */
bool own_preflight(struct exchange *ex);

#endif
