/* addr: IP addresses and networks. v4-mapped v6 addresses are folded to v4 on parsing. Any thread.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <sys/socket.h>

#include "base/str.h"

struct addr {
    uint8_t family; /* 0 = unknown, 4 or 6 */
    uint8_t bytes[16];
};

struct cidr {
    struct addr base;
    uint8_t bits;
};

enum { ADDR_TEXT_BYTES = 48 };

/* A bare address: dotted quad, or IPv6 with or without brackets; no port, no zone. */
bool addr_parse(str s, struct addr *out);
bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *out, uint16_t *port_out);
/* False when the family is unknown. *len_out is the length to pass to bind or connect. */
bool addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *out,
                      socklen_t *len_out);
/* Writes text and NUL, "-" when unknown; returns the length. */
size_t addr_text(const struct addr *a, char out[ADDR_TEXT_BYTES]);
bool addr_eq(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *a);
bool addr_is_link_local(const struct addr *a);

enum cidr_verdict { CIDR_BAD = 0, CIDR_OK, CIDR_HOST_BITS };
/* "10.0.0.0/8", or an address alone (/32, /128); a mapped network is its v4 form. */
enum cidr_verdict cidr_parse(str s, struct cidr *out);
bool cidr_has(const struct cidr *net, const struct addr *a);

#endif
