/* ends: why a visit ended, one table. The same word stands in the audit record (`end`), in logs,
 * metrics and tests. */
#ifndef PROXY_GATE_ENDS_H
#define PROXY_GATE_ENDS_H

#include <stdbool.h>

/* id, word, is an error, sentence */
#define VISIT_ENDS(X)                                                                              \
    X(END_NONE, "none", true, "the visit did not end in an orderly way")                           \
    X(END_COMPLETE, "complete", false, "the answer was sent whole")                                \
    X(END_REFUSED, "refused", false, "the gate refused it")                                        \
    X(END_BAD_REQUEST, "bad-request", false, "the request was malformed or over a limit")          \
    X(END_OWN, "own-answer", false, "postern answered itself")                                     \
    X(END_CLIENT_ABORT, "client-abort", false, "the client went away")                             \
    X(END_CLIENT_STALL, "client-stall", false, "the client took nothing for too long")             \
    X(END_BODY_STALL, "body-stall", false, "the request body made no progress")                    \
    X(END_BODY_BAD, "body-bad", false, "the framing of the request body was wrong")                \
    X(END_BODY_TOO_LARGE, "body-too-large", false, "the request body is over the app's limit")     \
    X(END_UPSTREAM_UNREACHABLE, "upstream-unreachable", true, "the app could not be reached")      \
    X(END_UPSTREAM_BUSY, "upstream-busy", true, "too many connections to the app are in use")      \
    X(END_UPSTREAM_SLOW, "upstream-slow", true, "the app did not answer in time")                  \
    X(END_UPSTREAM_RESET, "upstream-reset", true, "the app closed before it answered")             \
    X(END_UPSTREAM_BAD, "upstream-bad", true, "the app's answer was malformed")                    \
    X(END_UPSTREAM_TRUNCATED, "upstream-truncated", true, "the app's answer broke off")            \
    X(END_UPSTREAM_TLS, "upstream-tls", true, "the app's certificate could not be verified")       \
    X(END_POLICY, "policy", false, "a new decision no longer allows it")                           \
    X(END_EXPIRED, "expired", false, "the proof of identity has expired")                          \
    X(END_SESSION, "session", false, "the person's session has ended")                             \
    X(END_APP_GONE, "app-gone", false, "no app of this name answers to this host any more")        \
    X(END_WEBSOCKET_OFF, "websocket-off", false, "the app takes no WebSockets any more")           \
    X(END_UPSTREAM_CHANGED, "upstream-changed", false, "the app has another upstream now")         \
    X(END_DRAIN, "drain", false, "postern was shutting down")                                      \
    X(END_VISITS_FULL, "visits-full", true, "the table of long visits is full")                    \
    X(END_BUFFERS, "buffers", true, "no buffer was free")                                          \
    X(END_UNSUPPORTED, "unsupported", false, "the app's protocol is not served here")

enum visit_end {
#define X(id, word, is_error, text) id,
    VISIT_ENDS(X)
#undef X
        END_COUNT
};

const char *visit_end_word(enum visit_end end);
const char *visit_end_text(enum visit_end end);
bool visit_end_is_error(enum visit_end end);

#endif
