/* app: what the proxy must know of a policy app that the rules need not: where it lives and how it
 * is spoken to. Built from the subtree that policy keeps for us, immutable, owned by its snapshot.
 */
#ifndef PROXY_CONFIG_APP_H
#define PROXY_CONFIG_APP_H

#include "base/addr.h"
#include "base/str.h"

struct policy_app; /* policy/policy.h */
struct tls_client; /* proxy/net/tls.h */

enum upstream_scheme {
    UPSTREAM_NONE = 0,
    UPSTREAM_HTTP,
    UPSTREAM_HTTPS,
    UPSTREAM_UNIX,  /* plain HTTP over a unix socket */
    UPSTREAM_OTHER, /* tcp, ssh, rdp: loads, and is answered 501 */
};

struct upstream {
    enum upstream_scheme scheme;
    str text;      /* as written; unique key of a pool together with the app's tls */
    str host;      /* name (lower-case) or IP literal without brackets; C string */
    bool has_addr; /* host is an address, or a name under localhost (always loopback) */
    struct addr addr;
    uint16_t port;
    str path;       /* UPSTREAM_UNIX: the socket; C string */
    str host_field; /* the Host for rewrite_host: host, with the port unless it is the default */
};

/* `identity.headers`: this header carries that claim. */
struct identity_header {
    str name; /* as written */
    str claim;
};

struct cors {
    const str *origins, *methods, *headers;
    size_t n_origins, n_methods, n_headers;
    bool credentials;
};

struct app {
    const struct policy_app *policy; /* name, host, title, start, paths; rules know it by this */
    size_t index;                    /* in snapshot.apps, the same as in policy */
    str name, title, owner;
    const struct upstream *upstreams; /* at least one; the first is used */
    size_t n_upstreams;
    char tls_digest[64 + 1];       /* ours: of what tls was made from */
    struct tls_client *tls;        /* for https: CA, name, pin and certificate; NULL when plain */
    str tls_server_name;           /* what is verified and sent as SNI; the host by default */
    int64_t connect_timeout_ms;    /* 5 s, 502 */
    int64_t first_byte_timeout_ms; /* 300 s, 504 */
    int64_t body_stall_ms;         /* 30 s without progress of a request body */
    uint64_t max_body_bytes;       /* 413; UINT64_MAX when there is no limit */
    bool rewrite_host;
    bool websocket;    /* upgrades pass; on unless told otherwise */
    bool shared_cache; /* leave `public` in the app's Cache-Control alone */
    const struct identity_header *identity_headers;
    size_t n_identity_headers;
    bool wants_assertion; /* identity.assertion: X-Postern-Assertion, with these claims */
    const str *assertion_claims;
    size_t n_assertion_claims;
    bool has_cors;
    struct cors cors;
};

#endif
