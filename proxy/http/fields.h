/* fields: the one table of known header fields: which are known, which are never passed on.
 *
 * Names are compared folded: case ignored, `_` and `.` read as `-`, because CGI-like upstreams see
 * X_Forwarded_User and X-Forwarded-User as one. A field that folds to a known name without being
 * it is never passed on. Each field costs one look-up, done when the head is parsed. Any thread. */
#ifndef PROXY_HTTP_FIELDS_H
#define PROXY_HTTP_FIELDS_H

#include <stdio.h>

#include "proxy/http/message.h"

/* Fields that our code reads by id; the table in fields.c has many more. */
#define FIELD_IDS(X)                                                                               \
    X(HOST, "Host")                                                                                \
    X(CONNECTION, "Connection")                                                                    \
    X(CONTENT_LENGTH, "Content-Length")                                                            \
    X(TRANSFER_ENCODING, "Transfer-Encoding")                                                      \
    X(UPGRADE, "Upgrade")                                                                          \
    X(EXPECT, "Expect")                                                                            \
    X(AUTHORIZATION, "Authorization")                                                              \
    X(COOKIE, "Cookie")                                                                            \
    X(SET_COOKIE, "Set-Cookie")                                                                    \
    X(ACCEPT, "Accept")                                                                            \
    X(ACCEPT_LANGUAGE, "Accept-Language")                                                          \
    X(USER_AGENT, "User-Agent")                                                                    \
    X(ORIGIN, "Origin")                                                                            \
    X(REFERER, "Referer")                                                                          \
    X(CONTENT_TYPE, "Content-Type")                                                                \
    X(SEC_FETCH_MODE, "Sec-Fetch-Mode")                                                            \
    X(SEC_FETCH_DEST, "Sec-Fetch-Dest")                                                            \
    X(SEC_FETCH_SITE, "Sec-Fetch-Site")                                                            \
    X(SEC_FETCH_USER, "Sec-Fetch-User")                                                            \
    X(SEC_PURPOSE, "Sec-Purpose")                                                                  \
    X(X_FORWARDED_FOR, "X-Forwarded-For")                                                          \
    X(X_FORWARDED_PROTO, "X-Forwarded-Proto")                                                      \
    X(X_FORWARDED_HOST, "X-Forwarded-Host")                                                        \
    X(FORWARDED, "Forwarded")                                                                      \
    X(X_REAL_IP, "X-Real-IP")                                                                      \
    X(SEC_WEBSOCKET_KEY, "Sec-WebSocket-Key")                                                      \
    X(SEC_WEBSOCKET_VERSION, "Sec-WebSocket-Version")                                              \
    X(SEC_WEBSOCKET_PROTOCOL, "Sec-WebSocket-Protocol")                                            \
    X(SEC_WEBSOCKET_EXTENSIONS, "Sec-WebSocket-Extensions")                                        \
    X(SEC_WEBSOCKET_ACCEPT, "Sec-WebSocket-Accept")                                                \
    X(X_POSTERN_TOKEN, "X-Postern-Token")                                                          \
    X(ACCESS_CONTROL_REQUEST_METHOD, "Access-Control-Request-Method")                              \
    X(ACCESS_CONTROL_REQUEST_HEADERS, "Access-Control-Request-Headers")                            \
    X(CACHE_CONTROL, "Cache-Control")                                                              \
    X(DATE, "Date")                                                                                \
    X(LOCATION, "Location")                                                                        \
    X(STRICT_TRANSPORT_SECURITY, "Strict-Transport-Security")                                      \
    X(X_REQUEST_ID, "X-Request-Id")                                                                \
    X(KEEP_ALIVE, "Keep-Alive")                                                                    \
    X(TE, "TE")                                                                                    \
    X(TRAILER, "Trailer")

enum field_id {
    FIELD_OTHER = 0,
#define X(id, text) FIELD_##id,
    FIELD_IDS(X)
#undef X
        FIELD_COUNT
};

/* Sets hash, id and drop of a field whose name is set. False when the name is no token. */
bool fields_classify(struct http_field *f);
/* The same for a response: only hop-by-hop fields and look-alikes of framing are dropped. */
bool fields_classify_response(struct http_field *f);
/* Marks DROP_CONNECTION for every field that a Connection value names. */
void fields_drop_named(struct http_field *fields, size_t n, str connection);
bool fields_folded_eq(str a, str b);
uint32_t fields_folded_hash(str name);
/* "X-WEBAUTH-USER" -> false when it is a name that an app may not use for identity (framing,
 * Host, Cookie, our own). For the configuration's check. */
bool fields_may_name_identity(str name);
/* One of our cookies: postern or postern-..., with __Host-Http-, __Host-, __Secure- or none. */
bool fields_is_our_cookie(str name);
/* What never reaches an upstream: ours, and a front's own credential. */
bool fields_cookie_is_dropped(str name);

/* A small immutable set of folded names: what one app uses for identity. Built when a snapshot is,
 * in its arena; read by any thread. */
struct field_set {
    size_t n;
    const str *names;
    uint32_t *hashes;
    uint64_t bloom[4]; /* most look-ups end here */
};
/* `names` must outlive the set. */
struct field_set *field_set_new(struct arena *a, const str *names, size_t n);
bool field_set_has(const struct field_set *s, uint32_t hash, str name);

/* `postern config headers`: the table for people. */
void fields_print(FILE *out);

#endif
