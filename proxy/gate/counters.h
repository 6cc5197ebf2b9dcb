/* counters: what one worker counts, read by the metrics page. One writer (the worker), any reader;
 * relaxed atomics, so counting costs what an addition costs. */
#ifndef PROXY_GATE_COUNTERS_H
#define PROXY_GATE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

/* member, Prometheus name, type, help */
#define COUNTERS(X)                                                                                \
    X(connections, "postern_connections_total", "counter", "Client connections accepted.")         \
    X(connections_open, "postern_connections_open", "gauge", "Client connections open now.")       \
    X(tls_failures, "postern_tls_handshake_failures_total", "counter",                             \
      "TLS handshakes that failed.")                                                               \
    X(proxy_headers_bad, "postern_proxy_headers_bad_total", "counter",                             \
      "Connections closed for a missing, malformed or untrusted PROXY header.")                    \
    X(requests, "postern_requests_total", "counter", "Requests answered.")                         \
    X(allowed, "postern_decisions_allowed_total", "counter",                                       \
      "Requests that the gate let through.")                                                       \
    X(refused, "postern_decisions_refused_total", "counter", "Requests that the gate refused.")    \
    X(own_answers, "postern_own_answers_total", "counter",                                         \
      "Requests that postern answered itself, without asking a rule.")                             \
    X(bad_requests, "postern_bad_requests_total", "counter",                                       \
      "Messages refused as malformed or over a limit.")                                            \
    X(would_deny, "postern_would_deny_total", "counter",                                           \
      "Requests let through that a rule in audit mode would refuse.")                              \
    X(would_allow, "postern_would_allow_total", "counter",                                         \
      "Requests refused that a rule in audit mode would let through.")                             \
    X(shadow_differences, "postern_shadow_differences_total", "counter",                           \
      "Requests that the shadow policies decide otherwise.")                                       \
    X(tokens_verified, "postern_tokens_verified_total", "counter",                                 \
      "Tokens verified by signature.")                                                             \
    X(tokens_known, "postern_tokens_known_total", "counter", "Tokens found in the cache.")         \
    X(tokens_bad, "postern_tokens_bad_total", "counter", "Tokens that did not verify.")            \
    X(spoof_attempts, "postern_spoof_attempts_total", "counter",                                   \
      "Identity headers removed from requests.")                                                   \
    X(sessions_known, "postern_sessions_known_total", "counter",                                   \
      "Session cookies that the worker remembered.")                                               \
    X(sessions_asked, "postern_sessions_asked_total", "counter",                                   \
      "Session cookies that the store was asked about.")                                           \
    X(store_failures, "postern_store_failures_total", "counter",                                   \
      "Questions that the session store did not answer; those visits were refused.")               \
    X(spoofs_untold, "postern_spoof_attempts_untold_total", "counter",                             \
      "Requests with such headers that got no spoof_attempt record.")                              \
    X(audit_refusals, "postern_audit_refusals_total", "counter",                                   \
      "Requests refused because no record could be written.")                                      \
    X(upstream_errors, "postern_upstream_errors_total", "counter",                                 \
      "Requests that failed at the upstream.")                                                     \
    X(upstream_dials, "postern_upstream_dials_total", "counter", "Connections made to upstreams.") \
    X(upstream_idle, "postern_upstream_idle", "gauge", "Idle upstream connections kept.")          \
    X(visits_open, "postern_long_visits_open", "gauge",                                            \
      "WebSockets and streams in the table of long visits.")                                       \
    X(visits_ended, "postern_long_visits_ended_total", "counter",                                  \
      "Long visits ended by a new decision or a new configuration.")                               \
    X(visits_displaced, "postern_long_visits_displaced_total", "counter",                          \
      "Of these: the app is gone, takes no WebSockets, or has another upstream.")                  \
    X(bytes_in, "postern_request_body_bytes_total", "counter", "Bytes of request bodies.")         \
    X(bytes_out, "postern_response_body_bytes_total", "counter", "Bytes of response bodies.")

struct counters {
#define X(member, name, type, help) _Atomic int64_t member;
    COUNTERS(X)
#undef X
};

/* A plain load and store: there is only one writer. */
static inline void counter_add(_Atomic int64_t *c, int64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

#endif
