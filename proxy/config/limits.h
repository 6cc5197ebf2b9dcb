/* limits: the one list of every limit of `limits:`, from which the struct's decoder, the schema,
 * the defaults and the reference page are made. */
#ifndef PROXY_CONFIG_LIMITS_H
#define PROXY_CONFIG_LIMITS_H

#include "proxy/config/settings.h"

#include "base/doc.h"
#include "base/schema.h"

/* key, member of struct limits, kind, default, least, most, what it bounds
 *
 * response_headers ends below the 128 KiB of one buffer, which holds an answer's head whole, with
 * its status line and the fields that are ours. */
#define LIMITS(X)                                                                                  \
    X(request_line, request_line_bytes, SIZE, "8KiB", "256", "64KiB",                              \
      "Longest request line; a longer one is 414.")                                                \
    X(header, header_bytes, SIZE, "20KiB", "256", "64KiB",                                         \
      "Longest single header field; a longer one is 431.")                                         \
    X(headers, headers_bytes, SIZE, "64KiB", "1KiB", "256KiB",                                     \
      "All header fields of a request together; more is 431.")                                     \
    X(fields, fields, COUNT, "100", "8", "1000", "Number of header fields; more is 431.")          \
    X(chunk_extension, chunk_extension_bytes, SIZE, "1KiB", "0", "16KiB",                          \
      "Chunk extensions of one chunk; more is 400.")                                               \
    X(response_headers, response_headers_bytes, SIZE, "64KiB", "1KiB", "120KiB",                   \
      "All header fields of an upstream's answer, 120KiB at most; more is 502.")                   \
    X(interim_responses, interim_responses, COUNT, "8", "0", "100",                                \
      "1xx answers that an upstream may send before the real one; more is 502.")                   \
    X(head_timeout, head_timeout_ms, DURATION, "10s", "100ms", "5m",                               \
      "A request head must be complete within this time, else 408.")                               \
    X(handshake_timeout, handshake_timeout_ms, DURATION, "10s", "100ms", "5m",                     \
      "A TLS handshake must be complete within this time.")                                        \
    X(keepalive_timeout, keepalive_timeout_ms, DURATION, "75s", "1s", "1h",                        \
      "An idle connection of a client is closed after this time.")                                 \
    X(body_stall, body_stall_ms, DURATION, "30s", "100ms", "1h",                                   \
      "A request body must make progress within this time, else 408.")                             \
    X(client_stall, client_stall_ms, DURATION, "60s", "100ms", "1h",                               \
      "A client that takes no byte of an answer for this time is closed.")                         \
    X(tcp_keepalive, tcp_keepalive_ms, DURATION, "30s", "1s", "2h",                                \
      "Interval of TCP keepalive probes, on both sides.")                                          \
    X(drain_timeout, drain_timeout_ms, DURATION, "30s", "0s", "1h",                                \
      "From SIGTERM, how long running requests may take to end.")                                  \
    X(visit_after, visit_after_ms, DURATION, "10s", "1s", "1m",                                    \
      "A request that still runs after this time is decided again on every change.")               \
    X(connections, connections, COUNT, "0", "0", "1000000",                                        \
      "Client connections of the whole process; 0: as many as descriptors allow.")                 \
    X(buffers, buffers_bytes, SIZE, "64MiB", "1MiB", "16GiB",                                      \
      "Memory for bodies that wait for a slow reader, for each worker.")                           \
    X(token_cache, token_cache, COUNT, "4096", "0", "1000000",                                     \
      "Verified tokens that each worker remembers.")                                               \
    X(long_visits, long_visits, COUNT, "4096", "1", "1000000",                                     \
      "Long visits (WebSockets, streams) of each worker.")                                         \
    X(audit_ring, audit_ring_bytes, SIZE, "8MiB", "256KiB", "1GiB",                                \
      "Records on their way to the journal, for each worker.")                                     \
    X(audit_wait, audit_wait_ms, DURATION, "200ms", "0s", "10s",                                   \
      "How long a request waits for room in a full ring, then 503.")                               \
    X(upstream_idle, upstream_idle, COUNT, "64", "0", "100000",                                    \
      "Idle connections that each worker keeps to one upstream.")                                  \
    X(upstream_idle_timeout, upstream_idle_timeout_ms, DURATION, "60s", "1s", "1h",                \
      "An idle connection to an upstream is closed after this time.")                              \
    X(upstream_connections, upstream_connections, COUNT, "512", "1", "100000",                     \
      "Connections of each worker to one upstream; then 503.")                                     \
    X(jwks_timeout, jwks_timeout_ms, DURATION, "10s", "100ms", "1m",                               \
      "One fetch of keys must be complete within this time.")                                      \
    X(session_cache, session_cache, COUNT, "16384", "0", "1000000",                                \
      "Sessions that each worker remembers; others cost a look into the store.")                   \
    X(logins, logins, COUNT, "4096", "16", "1000000",                                              \
      "Log-ins under way; beyond it the oldest ones must begin again.")                            \
    X(logins_per_browser, logins_per_browser, COUNT, "16", "1", "256",                             \
      "Log-ins under way of one browser; beyond it its oldest must begin again.")                  \
    X(login_timeout, login_timeout_ms, DURATION, "10m", "10s", "1h",                               \
      "From the first page of a log-in to its end; later it must begin again.")                    \
    X(store_wait, store_wait_ms, DURATION, "2s", "100ms", "30s",                                   \
      "How long a request waits for the session store, then 503.")                                 \
    X(form, form_bytes, SIZE, "64KiB", "1KiB", "1MiB",                                             \
      "Body of a form of postern's own pages, or of a POST that is sent once more; more is 413.")  \
    X(password_checks, password_checks, COUNT, "2", "1", "64",                                     \
      "Passwords checked at once; eight times as many wait, then 429.")

extern const struct schema_type limits_type;

/* `node` may be NULL: all defaults. Reports values out of range. */
void limits_read(const struct doc_node *node, struct limits *out, struct findings *f);

#endif
