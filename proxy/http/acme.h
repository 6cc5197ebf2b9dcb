/* acme: the answers to HTTP-01 challenges (RFC 8555 section 8.3) that a certificate client has put
 * into its webroot. Worker thread; reads one small local file, which happens a few times a month.
 */
#ifndef PROXY_HTTP_ACME_H
#define PROXY_HTTP_ACME_H

#include "base/arena.h"

enum { ACME_MAX_BYTES = 1024 };

bool acme_is_challenge(str path);
/* The content of a challenge's file, {NULL, 0} when there is none. Only names of letters, digits, -
 * and _ are looked for: no way leads out of the directory. */
str acme_challenge(str webroot, str path, struct arena *a);

#endif
