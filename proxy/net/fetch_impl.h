/* The inside of a fetcher: libcurl's multi interface on a loop, and what runs on it. Of this folder
 * only. */
#ifndef PROXY_NET_FETCH_IMPL_H
#define PROXY_NET_FETCH_IMPL_H

#include "proxy/net/curl_load.h"
#include "proxy/net/fetch.h"
#include "proxy/net/loop_impl.h"

struct fetcher {
    struct loop *loop;
    const struct curl_table *curl; /* NULL until the first transfer */
    CURLM *multi;
    uv_timer_t timer;
    struct list_node running; /* transfer::link */
};

/* What fetch and mail have in common; the first member of each. */
struct transfer {
    struct list_node link;
    struct fetcher *fetcher;
    CURL *easy;
    struct curl_slist *lines; /* headers, or recipients */
    /* It has ended: tells its owner, who may start the next; freed right after. */
    void (*ended)(struct transfer *t, CURLcode code);
    void (*release)(struct transfer *t); /* what else it owns */
    char why[CURL_ERROR_SIZE];
};

/* libcurl is loaded and has a multi handle. */
bool fetcher_ready(struct fetcher *f, struct fail *fail);
/* Makes t->easy, with what is the same for all. False: libcurl gives none. */
bool transfer_init(struct transfer *t, struct fetcher *f, int64_t timeout_ms);
bool transfer_start(struct transfer *t);
/* Frees it; `ended` is not called. */
void transfer_free(struct transfer *t);
void transfer_text(struct transfer *t, CURLoption option, str value);
void transfer_line(struct transfer *t, str line);
/* The sentence for a failure. */
const char *transfer_why(const struct transfer *t, CURLcode code);

#endif
