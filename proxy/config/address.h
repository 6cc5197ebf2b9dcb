/* address: the texts that name a place on the network in postern.yaml and in an app's upstream. */
#ifndef PROXY_CONFIG_ADDRESS_H
#define PROXY_CONFIG_ADDRESS_H

#include "proxy/config/app.h"
#include "proxy/config/settings.h"

#include "base/arena.h"

/* ":443", "127.0.0.1:8080", "[::1]:8080", "unix:/path". On failure *why says what it must be. */
bool address_parse(struct arena *a, str text, struct listen_address *out, const char **why);
bool address_is_local(const struct listen_address *l); /* loopback or unix */
/* The network never carries two listeners on one place. ":443" covers every address. */
bool address_clash(const struct listen_address *x, const struct listen_address *y);

/* scheme://host[:port], unix:/path. User names, queries, fragments and paths but "/" are refused.
 */
bool upstream_parse(struct arena *a, str text, struct upstream *out, const char **why);

/* A DNS name (A-label, at most 253, labels of letters, digits and inner hyphens) in any case. */
bool host_is_name(str s);

#endif
