/* fields_table: the rows of fields.c, as one list. Included there alone.
 *
 * ROW(name, id, request, response): what happens to a request's and a response's field.
 * FAMILY(prefix, request): every name that begins so, folded. */
#ifndef PROXY_HTTP_FIELDS_TABLE_H
#define PROXY_HTTP_FIELDS_TABLE_H

#define KEEP(name, id) ROW(name, id, DROP_NOT, DROP_NOT)
#define HOP(name, id) ROW(name, id, DROP_HOP, DROP_HOP)
#define FROM(name, id) ROW(name, id, DROP_FORWARDED, DROP_NOT)
#define OVERRIDE(name) ROW(name, FIELD_OTHER, DROP_OVERRIDE, DROP_NOT)
#define VENDOR(name) ROW(name, FIELD_OTHER, DROP_IDENTITY, DROP_NOT)

/* Read by our code, passed on. */
#define FIELD_ROWS_KEPT                                                                            \
    KEEP("Authorization", FIELD_AUTHORIZATION)                                                     \
    KEEP("Cookie", FIELD_COOKIE)                                                                   \
    KEEP("Set-Cookie", FIELD_SET_COOKIE)                                                           \
    KEEP("Accept", FIELD_ACCEPT)                                                                   \
    KEEP("Accept-Language", FIELD_ACCEPT_LANGUAGE)                                                 \
    KEEP("User-Agent", FIELD_USER_AGENT)                                                           \
    KEEP("Origin", FIELD_ORIGIN)                                                                   \
    KEEP("Referer", FIELD_REFERER)                                                                 \
    KEEP("Content-Type", FIELD_CONTENT_TYPE)                                                       \
    KEEP("Sec-Fetch-Mode", FIELD_SEC_FETCH_MODE)                                                   \
    KEEP("Sec-Fetch-Dest", FIELD_SEC_FETCH_DEST)                                                   \
    KEEP("Sec-Fetch-Site", FIELD_SEC_FETCH_SITE)                                                   \
    KEEP("Sec-Fetch-User", FIELD_SEC_FETCH_USER)                                                   \
    KEEP("Sec-Purpose", FIELD_SEC_PURPOSE)                                                         \
    KEEP("Sec-WebSocket-Key", FIELD_SEC_WEBSOCKET_KEY)                                             \
    KEEP("Sec-WebSocket-Version", FIELD_SEC_WEBSOCKET_VERSION)                                     \
    KEEP("Sec-WebSocket-Protocol", FIELD_SEC_WEBSOCKET_PROTOCOL)                                   \
    KEEP("Sec-WebSocket-Extensions", FIELD_SEC_WEBSOCKET_EXTENSIONS)                               \
    KEEP("Sec-WebSocket-Accept", FIELD_SEC_WEBSOCKET_ACCEPT)                                       \
    KEEP("Access-Control-Request-Method", FIELD_ACCESS_CONTROL_REQUEST_METHOD)                     \
    KEEP("Access-Control-Request-Headers", FIELD_ACCESS_CONTROL_REQUEST_HEADERS)                   \
    KEEP("Cache-Control", FIELD_CACHE_CONTROL)                                                     \
    KEEP("Date", FIELD_DATE)                                                                       \
    KEEP("Location", FIELD_LOCATION)                                                               \
    KEEP("Strict-Transport-Security", FIELD_STRICT_TRANSPORT_SECURITY)

/* Hop-by-hop (RFC 9110, 7.6.1) and framing: each side gets its own. */
#define FIELD_ROWS_HOP                                                                             \
    HOP("Connection", FIELD_CONNECTION)                                                            \
    HOP("Keep-Alive", FIELD_KEEP_ALIVE)                                                            \
    HOP("Proxy-Connection", FIELD_OTHER)                                                           \
    HOP("Transfer-Encoding", FIELD_TRANSFER_ENCODING)                                              \
    HOP("TE", FIELD_TE)                                                                            \
    HOP("Trailer", FIELD_TRAILER)                                                                  \
    HOP("Upgrade", FIELD_UPGRADE)                                                                  \
    HOP("HTTP2-Settings", FIELD_OTHER)                                                             \
    HOP("Proxy-Authorization", FIELD_OTHER)                                                        \
    HOP("Proxy-Authenticate", FIELD_OTHER)                                                         \
    HOP("Proxy-Authentication-Info", FIELD_OTHER)                                                  \
    ROW("Content-Length", FIELD_CONTENT_LENGTH, DROP_REWRITTEN, DROP_REWRITTEN)                    \
    ROW("Host", FIELD_HOST, DROP_REWRITTEN, DROP_NOT)                                              \
    ROW("Expect", FIELD_EXPECT, DROP_REWRITTEN, DROP_NOT)                                          \
    ROW("X-Request-Id", FIELD_X_REQUEST_ID, DROP_REWRITTEN, DROP_NOT)

/* Where from, as told by whoever sent the request: said anew by us. */
#define FIELD_ROWS_FORWARDED                                                                       \
    FROM("Forwarded", FIELD_FORWARDED)                                                             \
    FROM("X-Forwarded-For", FIELD_X_FORWARDED_FOR)                                                 \
    FROM("X-Forwarded-Proto", FIELD_X_FORWARDED_PROTO)                                             \
    FROM("X-Forwarded-Host", FIELD_X_FORWARDED_HOST)                                               \
    FROM("X-Real-IP", FIELD_X_REAL_IP)                                                             \
    FROM("X-Forwarded", FIELD_OTHER)                                                               \
    FROM("Forwarded-For", FIELD_OTHER)                                                             \
    FROM("X-Original-Forwarded-For", FIELD_OTHER)                                                  \
    FROM("X-Client-IP", FIELD_OTHER)                                                               \
    FROM("Client-IP", FIELD_OTHER)                                                                 \
    FROM("X-Cluster-Client-IP", FIELD_OTHER)                                                       \
    FROM("True-Client-IP", FIELD_OTHER)                                                            \
    FROM("CF-Connecting-IP", FIELD_OTHER)                                                          \
    FROM("CF-Connecting-IPv6", FIELD_OTHER)                                                        \
    FROM("Fastly-Client-IP", FIELD_OTHER)                                                          \
    FROM("Fly-Client-IP", FIELD_OTHER)                                                             \
    FROM("X-Azure-ClientIP", FIELD_OTHER)                                                          \
    FROM("X-Azure-SocketIP", FIELD_OTHER)                                                          \
    FROM("X-Originating-IP", FIELD_OTHER)                                                          \
    FROM("X-Remote-IP", FIELD_OTHER)                                                               \
    FROM("X-Remote-Addr", FIELD_OTHER)                                                             \
    FROM("X-Host", FIELD_OTHER)                                                                    \
    FROM("X-Scheme", FIELD_OTHER)                                                                  \
    FROM("X-Url-Scheme", FIELD_OTHER)                                                              \
    FROM("Front-End-Https", FIELD_OTHER)

/* Would have the upstream act on another path or method than the one decided on. Proxy is httpoxy
 * (CVE-2016-5385), X-Middleware-Subrequest skipped a framework's own checks (CVE-2025-29927). */
#define FIELD_ROWS_OVERRIDE                                                                        \
    OVERRIDE("Proxy")                                                                              \
    OVERRIDE("X-Original-URL")                                                                     \
    OVERRIDE("X-Original-URI")                                                                     \
    OVERRIDE("X-Original-Path")                                                                    \
    OVERRIDE("X-Original-Method")                                                                  \
    OVERRIDE("X-Original-Host")                                                                    \
    OVERRIDE("X-Rewrite-URL")                                                                      \
    OVERRIDE("X-Rewrite-URI")                                                                      \
    OVERRIDE("X-Override-URL")                                                                     \
    OVERRIDE("X-HTTP-Method-Override")                                                             \
    OVERRIDE("X-HTTP-Method")                                                                      \
    OVERRIDE("X-Method-Override")                                                                  \
    OVERRIDE("X-HTTP-Path-Override")                                                               \
    OVERRIDE("X-Envoy-Original-Path")                                                              \
    OVERRIDE("X-Envoy-Original-Method")                                                            \
    OVERRIDE("X-Middleware-Subrequest")

/* Identity as other proxies write it: an upstream may still believe it. */
#define FIELD_ROWS_IDENTITY                                                                        \
    ROW("X-Postern-Token", FIELD_X_POSTERN_TOKEN, DROP_REWRITTEN, DROP_NOT)                        \
    VENDOR("Remote-User")                                                                          \
    VENDOR("Remote-Groups")                                                                        \
    VENDOR("Remote-Name")                                                                          \
    VENDOR("Remote-Email")                                                                         \
    VENDOR("X-Remote-User")                                                                        \
    VENDOR("X-Remote-Group")                                                                       \
    VENDOR("X-Remote-Groups")                                                                      \
    VENDOR("X-Remote-Name")                                                                        \
    VENDOR("X-Remote-Email")                                                                       \
    VENDOR("Auth-User")                                                                            \
    VENDOR("X-Auth-User")                                                                          \
    VENDOR("X-Auth-Email")                                                                         \
    VENDOR("X-Auth-Username")                                                                      \
    VENDOR("X-Auth-Groups")                                                                        \
    VENDOR("X-Authenticated-User")                                                                 \
    VENDOR("X-Authenticated-Email")                                                                \
    VENDOR("X-Authenticated-Groups")                                                               \
    VENDOR("X-Authenticated-Userid")                                                               \
    VENDOR("X-Forwarded-User")                                                                     \
    VENDOR("X-Forwarded-Email")                                                                    \
    VENDOR("X-Forwarded-Groups")                                                                   \
    VENDOR("X-Forwarded-Preferred-Username")                                                       \
    VENDOR("X-Forwarded-Access-Token")                                                             \
    VENDOR("X-Forwarded-Client-Cert")                                                              \
    VENDOR("X-User")                                                                               \
    VENDOR("X-User-Id")                                                                            \
    VENDOR("X-User-Email")                                                                         \
    VENDOR("X-Username")                                                                           \
    VENDOR("X-Userinfo")                                                                           \
    VENDOR("X-Id-Token")                                                                           \
    VENDOR("X-Token-Subject")                                                                      \
    VENDOR("X-Credential-Identifier")                                                              \
    VENDOR("X-Credential-Username")                                                                \
    VENDOR("X-Anonymous-Consumer")                                                                 \
    VENDOR("X-Ms-Client-Principal")                                                                \
    VENDOR("X-Ms-Client-Principal-Id")                                                             \
    VENDOR("X-Ms-Client-Principal-Name")                                                           \
    VENDOR("X-Ms-Client-Principal-Idp")                                                            \
    VENDOR("Teleport-Jwt-Assertion")                                                               \
    VENDOR("Cf-Authorization")                                                                     \
    VENDOR("X-Client-Cert")                                                                        \
    VENDOR("Client-Cert")                                                                          \
    VENDOR("Client-Cert-Chain")                                                                    \
    VENDOR("X-Arr-Clientcert")                                                                     \
    VENDOR("X-SSL-Cert")                                                                           \
    VENDOR("SSL-Cert")                                                                             \
    VENDOR("SM-User")                                                                              \
    VENDOR("SM-Universalid")                                                                       \
    VENDOR("X-Vouch-User")                                                                         \
    VENDOR("X-Jwt-Assertion")                                                                      \
    VENDOR("X-Jwt-Payload")

#define FIELD_FAMILIES                                                                             \
    FAMILY("x-postern-", DROP_IDENTITY)                                                            \
    FAMILY("cf-access-", DROP_IDENTITY)                                                            \
    FAMILY("x-goog-iap-", DROP_IDENTITY)                                                           \
    FAMILY("x-goog-authenticated-user-", DROP_IDENTITY)                                            \
    FAMILY("x-amzn-oidc-", DROP_IDENTITY)                                                          \
    FAMILY("x-amzn-mtls-", DROP_IDENTITY)                                                          \
    FAMILY("x-ms-token-", DROP_IDENTITY)                                                           \
    FAMILY("tailscale-", DROP_IDENTITY)                                                            \
    FAMILY("x-pomerium-", DROP_IDENTITY)                                                           \
    FAMILY("x-auth-request-", DROP_IDENTITY)                                                       \
    FAMILY("x-webauth-", DROP_IDENTITY)                                                            \
    FAMILY("x-authentik-", DROP_IDENTITY)                                                          \
    FAMILY("x-authelia-", DROP_IDENTITY)                                                           \
    FAMILY("x-vouch-idp-", DROP_IDENTITY)                                                          \
    FAMILY("x-consumer-", DROP_IDENTITY)                                                           \
    FAMILY("x-remote-extra-", DROP_IDENTITY)                                                       \
    FAMILY("oidc-", DROP_IDENTITY)                                                                 \
    FAMILY("ssl-client-", DROP_IDENTITY)                                                           \
    FAMILY("x-ssl-client-", DROP_IDENTITY)                                                         \
    FAMILY("x-client-cert-", DROP_IDENTITY)                                                        \
    FAMILY("x-forwarded-tls-client-cert", DROP_IDENTITY)                                           \
    FAMILY("x-forwarded-", DROP_FORWARDED)

#endif
