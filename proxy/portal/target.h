/* target: where a log-in may lead back to. Only absolute URLs of hosts that we answer for, written
 * so that nobody can read them otherwise: no open redirect comes out of here. */
#ifndef PROXY_PORTAL_TARGET_H
#define PROXY_PORTAL_TARGET_H

#include "proxy/config/config.h"

enum { TARGET_MAX_BYTES = 4096 };

struct target {
    str url;
    str origin; /* scheme, host and port of it */
    str host;
    const struct app *app; /* NULL: the portal */
};

/* False: not one of ours. Texts point into `url`. */
bool target_read(const struct snapshot *s, str url, struct target *out);
/* The URL of a path (and query, may be absent) on a host of ours, as browsers see it. */
str target_make(const struct snapshot *s, struct arena *a, str host, str path, str query);

#endif
