/* proxy_header: the PROXY protocol, versions 1 and 2, as a push parser without I/O.
 *
 * A balancer in front says at the beginning of a connection, before TLS, whom it speaks for
 * (https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt). The parser takes bytes as they
 * come, says how many of them are the header's, and keeps no more than the addresses. Any thread,
 * one connection each. */
#ifndef PROXY_NET_PROXY_HEADER_H
#define PROXY_NET_PROXY_HEADER_H

#include "base/addr.h"

enum {
    PROXY_HEADER_V1_MAX = 107,    /* with CR LF */
    PROXY_HEADER_V2_MAX = 4096,   /* the fixed part, addresses and TLVs, which are skipped */
    PROXY_HEADER_KEPT_BYTES = 107 /* version 1 whole; of version 2 the first 52 are read */
};

enum proxy_header_result {
    PROXY_HEADER_BAD = 0, /* not the protocol, or not to be believed: close */
    PROXY_HEADER_MORE,
    PROXY_HEADER_DONE,
};

/* Zeroed at first. */
struct proxy_header {
    bool is_local;    /* the balancer speaks for itself (a health check) */
    struct addr addr; /* of the client; family 0: the balancer does not know or does not say */
    uint16_t port;
    /* ours */
    size_t n, length; /* bytes taken; of the whole header once it is known */
    unsigned char kept[PROXY_HEADER_KEPT_BYTES];
};

/* Takes bytes; *used_out of them belong to the header, all of them with MORE. After DONE or BAD it
 * is not called again. */
enum proxy_header_result proxy_header_push(struct proxy_header *h, str bytes, size_t *used_out);

#endif
