/* fetch: gets a small document (keys, discovery, tokens) from an identity provider or alike.
 *
 * Control thread only. https, or http to loopback; no redirects, no proxy from the environment,
 * HTTP/1.1. The library behind it is loaded by the first fetch, so a proxy that needs none does not
 * pay for it. */
#ifndef PROXY_NET_FETCH_H
#define PROXY_NET_FETCH_H

#include "proxy/net/loop.h"

enum { FETCH_DEFAULT_BYTES = 1 << 20, FETCH_DEFAULT_MS = 10000 };

struct fetcher;

struct fetch_request {
    str url;
    /* Path of a unix socket to connect to instead of the URL's host, which is sent as Host alone:
     * then http is fine whatever it is. */
    str unix_socket;
    str ca_file;        /* PEM path; absent: the system's */
    str body;           /* present: POST */
    str content_type;   /* of the body */
    str authorization;  /* the whole value of the header; never logged */
    str accept;         /* absent: application/json */
    int64_t timeout_ms; /* 0 = FETCH_DEFAULT_MS */
    size_t max_bytes;   /* 0 = FETCH_DEFAULT_BYTES */
};

struct fetch_result {
    int status;        /* 0: no answer, fail says why */
    int64_t max_age_s; /* Cache-Control, -1 when absent, 0 for no-store and no-cache */
    str body;          /* valid during the callback */
    str content_type;
    struct fail fail;
};

typedef void fetch_done_fn(void *ctx, const struct fetch_result *result);

struct fetch;

struct fetcher *fetcher_create(struct loop *loop);
/* Running fetches are dropped without a callback. NULL is fine. */
void fetcher_destroy(struct fetcher *f);
/* Strings are copied. NULL and fail when it cannot even begin (a bad URL); otherwise `done` is
 * called exactly once, never before fetch_start returns. */
struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *r, fetch_done_fn *done,
                          void *ctx, struct fail *fail);
/* done will not be called. */
void fetch_cancel(struct fetch *x);

#endif
