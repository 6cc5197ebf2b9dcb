/* target: request targets and host names, as pure functions. Any thread. */
#ifndef PROXY_HTTP_TARGET_H
#define PROXY_HTTP_TARGET_H

#include "base/arena.h"
#include "proxy/http/message.h"

enum { HOST_MAX_BYTES = 253, HOST_LABEL_MAX = 63 };

enum target_form { TARGET_NONE = 0, TARGET_ORIGIN, TARGET_ABSOLUTE, TARGET_ASTERISK };

struct target {
    enum target_form form;
    str authority; /* absolute form only */
    bool is_https; /* absolute form only */
    str path;      /* "/" at least; empty for the asterisk */
    str query;     /* {NULL, 0}: none */
};

/* NULL when good, else the row id of the refusal. */
const char *target_parse(str raw, enum http_method method, struct target *out);

struct host {
    str name;      /* lower case, no port, no trailing dot; IPv6 bracketed and canonical */
    uint16_t port; /* 0: none written */
    bool is_ip;
};

/* The value of Host or an authority. A-label (letters, digits, hyphens) or IP literal, nothing
 * else; a name whose last label is a number must be a dotted quad. NULL when good, else a row id.
 * The name is in the arena, or in `raw` when that is normal already. */
const char *host_parse(str raw, struct arena *arena, struct host *out);
/* Same host and port; `https` says which default port an absent one stands for. */
bool host_same(const struct host *a, const struct host *b, bool https);

#endif
