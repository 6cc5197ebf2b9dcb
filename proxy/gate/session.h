/* session: a person's session as a worker remembers it. Immutable but for the time it was last
 * seen; plain count, one worker. Made from what the store found behind a cookie; a change in the
 * store (ended, renewed, a grant) drops it from the cache, and the next request reads it anew. */
#ifndef PROXY_GATE_SESSION_H
#define PROXY_GATE_SESSION_H

#include "base/list.h"
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

    /* Of the gate alone. */
    int64_t read_s;            /* when the store was asked */
    int64_t refresh_asked_s;   /* of the last need_refresh */
    bool can_refresh;          /* its issuer gave a refresh token */
    bool is_ended;             /* the store says so: no visit goes on with it */
    bool is_stale;             /* something in it changed: only what began before still holds it */
    bool is_asking;            /* a look into the store for its long visits is under way */
    struct list_node same_id;  /* session_index.by_id, while it lives */
    struct list_node touched;  /* gate.touched: seen since the store was told; holds a reference */
    struct list_node standing; /* long visits of it: visit.session_link */
    char cookie[SESSION_COOKIE_CHARS]; /* session_cache: key, chain, and order of use */
    struct session *chain;
    struct list_node recent; /* in no list: not cached */
};

struct session *session_ref(struct session *s);
/* Nulls *s; takes NULL. */
void session_unref(struct session **s);

/* ---- cookies ------------------------------------------------------------------------------------
 * base64url(32 random bytes || first 16 bytes of HMAC-SHA256(key, kind || 0 || host || 0 ||
 * bytes)). The tag is checked before anybody is asked, so invented values cost no look-up; it is
 * bound to the host, so a value carried to another host is worth nothing there. */

struct keyring;

/* A fresh value for a host, and the hash that the store keeps. */
void session_cookie_make(const struct keyring *keys, str host, char value[SESSION_COOKIE_CHARS],
                         unsigned char hash[32]);
/* False: not one of ours for this host; nobody is asked about it. */
bool session_cookie_check(const struct keyring *keys, str host, str value, unsigned char hash[32]);
/* The same for LOGIN_COOKIE, which binds a log-in to a browser: neither passes for the other. */
void login_cookie_make(const struct keyring *keys, str host, char value[SESSION_COOKIE_CHARS],
                       unsigned char hash[32]);
bool login_cookie_check(const struct keyring *keys, str host, str value, unsigned char hash[32]);
/* The next value of `name` in a Cookie field; *rest moves on. {NULL, 0}: no more. */
str session_cookie_next(str *rest, str name);

#endif
