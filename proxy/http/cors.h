/* cors: what pages of other origins may do with an app (its `cors:`).
 *
 * A preflight carries neither cookie nor token, so it is answered here from the app's settings, or
 * none would ever pass; it opens nothing, for the request that follows is decided like any other.
 * Refusals of an app name a listed origin, so that its page can read them. Any thread. */
#ifndef PROXY_HTTP_CORS_H
#define PROXY_HTTP_CORS_H

#include "proxy/config/config.h"
#include "proxy/http/message.h"

enum { CORS_FIELDS_MAX = 6 };

bool cors_is_preflight(const struct http_request_head *h);
/* True for an origin that the app lists; they compare byte for byte, as browsers write them. */
bool cors_allows(const struct app *app, str origin);
/* The fields of the 204 to a preflight of a listed origin; returns how many. */
size_t cors_preflight(const struct app *app, str origin, struct arena *a,
                      struct http_pair out[CORS_FIELDS_MAX]);

#endif
