/* session: a person's session as a worker remembers it. Immutable but for the time it was last
 * seen; plain count, one worker. Made from what the store found behind a cookie; a change in the
 * store (ended, renewed, a grant) drops it from the cache, and the next request reads it anew. */
#ifndef PROXY_GATE_SESSION_H
#define PROXY_GATE_SESSION_H

#include "proxy/gate/credential.h"
#include "proxy/store/store.h"

enum {
    SESSION_COOKIE_CHARS = 64, /* base64url of 32 random bytes and a tag of 16 */
    SESSION_HANDLE_CHARS = 16, /* what records and pages call it */
};
/* Page script can plant a cookie named __Host-..., not these: the prefix demands HttpOnly. */
#define SESSION_COOKIE "__Host-Http-postern"
#define LOGIN_COOKIE "__Host-Http-postern-login"

struct session {
    unsigned refs;
    int64_t id;
    char handle[SESSION_HANDLE_CHARS];
    str host; /* whose cookie it is */
    struct credential *who;
    int64_t created_s, ends_s, claims_s;
    int64_t seen_s;                    /* last byte of the client; of this worker alone */
    int64_t told_s;                    /* the seen_s that the store was told */
    const struct policy_grant *grants; /* of the person, for all apps */
    const str *grant_apps;             /* same order */
    size_t n_grants;
    const struct store_purpose *purposes;
    size_t n_purposes;
    str device_id, device_proof; /* bound to; absent: to none */
    struct arena arena;
};

struct session *session_ref(struct session *s);
void session_unref(struct session **s);

/* ---- cookies ------------------------------------------------------------------------------------
 */

struct keyring;

/* A fresh value for a host, and the hash that the store keeps. */
void session_cookie_make(const struct keyring *keys, str host, char value[SESSION_COOKIE_CHARS],
                         unsigned char hash[32]);
/* False: not one of ours for this host; nobody is asked about it. */
bool session_cookie_check(const struct keyring *keys, str host, str value, unsigned char hash[32]);
/* The next value of `name` in a Cookie field; *rest moves on. {NULL, 0}: no more. */
str session_cookie_next(str *rest, str name);

#endif
