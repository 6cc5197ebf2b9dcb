/* Addresses and networks. See addr.h. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static const uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static void from_v6(const uint8_t *bytes, struct addr *out)
{
    *out = (struct addr){.family = 6};
    if (memcmp(bytes, MAPPED, sizeof MAPPED) == 0) {
        out->family = 4;
        memcpy(out->bytes, bytes + 12, 4);
        return;
    }
    memcpy(out->bytes, bytes, 16);
}

bool addr_parse(str s, struct addr *out)
{
    char text[ADDR_TEXT_BYTES];
    uint8_t v6[16];
    *out = (struct addr){0};
    if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']') {
        s = (str){s.p + 1, s.n - 2};
        if (str_find(s, ':') == s.n)
            return false;
    }
    if (s.n == 0 || s.n >= sizeof text || memchr(s.p, 0, s.n))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (inet_pton(AF_INET, text, out->bytes) == 1) {
        out->family = 4;
        return true;
    }
    if (inet_pton(AF_INET6, text, v6) != 1)
        return false;
    from_v6(v6, out);
    return true;
}

bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *out, uint16_t *port_out)
{
    *out = (struct addr){0};
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        out->family = 4;
        memcpy(out->bytes, &in->sin_addr, 4);
        if (port_out)
            *port_out = ntohs(in->sin_port);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)sa;
        from_v6(in6->sin6_addr.s6_addr, out);
        if (port_out)
            *port_out = ntohs(in6->sin6_port);
        return true;
    }
    return false;
}

bool addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *out,
                      socklen_t *len_out)
{
    memset(out, 0, sizeof *out);
    if (a->family == 4) {
        struct sockaddr_in *in = (void *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, a->bytes, 4);
        *len_out = sizeof *in;
        return true;
    }
    if (a->family == 6) {
        struct sockaddr_in6 *in6 = (void *)out;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        memcpy(&in6->sin6_addr, a->bytes, 16);
        *len_out = sizeof *in6;
        return true;
    }
    return false;
}

/* By hand: inet_ntop goes through printf, and every record holds two or three of these. */
static size_t v4_text(const uint8_t *bytes, char *out)
{
    size_t n = 0;
    for (int i = 0; i < 4; i++) {
        unsigned v = bytes[i];
        if (v >= 100)
            out[n++] = (char)('0' + v / 100);
        if (v >= 10)
            out[n++] = (char)('0' + v / 10 % 10);
        out[n++] = (char)('0' + v % 10);
        out[n++] = '.';
    }
    out[--n] = '\0';
    return n;
}

size_t addr_text(const struct addr *a, char out[ADDR_TEXT_BYTES])
{
    if (a->family != 4 && a->family != 6) {
        memcpy(out, "-", 2);
        return 1;
    }
    if (a->family == 4)
        return v4_text(a->bytes, out);
    inet_ntop(AF_INET6, a->bytes, out, ADDR_TEXT_BYTES);
    return strlen(out);
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
    static const uint8_t one[16] = {[15] = 1};
    return (a->family == 4 && a->bytes[0] == 127) ||
           (a->family == 6 && memcmp(a->bytes, one, 16) == 0);
}

bool addr_is_link_local(const struct addr *a)
{
    return (a->family == 4 && a->bytes[0] == 169 && a->bytes[1] == 254) ||
           (a->family == 6 && a->bytes[0] == 0xFE && (a->bytes[1] & 0xC0) == 0x80);
}

static bool bits_are_zero_from(const struct addr *a, unsigned bits)
{
    unsigned total = a->family == 4 ? 32 : 128;
    for (unsigned i = bits; i < total; i++)
        if (a->bytes[i / 8] & (0x80 >> (i % 8)))
            return false;
    return true;
}

enum cidr_verdict cidr_parse(str s, struct cidr *out)
{
    size_t slash = str_find(s, '/');
    uint64_t bits;
    *out = (struct cidr){0};
    if (!addr_parse(str_upto(s, slash), &out->base))
        return CIDR_BAD;
    unsigned total = out->base.family == 4 ? 32 : 128;
    bool was_mapped = out->base.family == 4 && str_find(s, ':') < slash;
    if (slash == s.n) {
        out->bits = (uint8_t)total;
        return CIDR_OK;
    }
    str digits = str_from(s, slash + 1);
    bool is_octal = digits.n > 1 && digits.p[0] == '0'; /* to some readers */
    if (digits.n > 3 || is_octal || !str_to_u64(digits, was_mapped ? 128 : total, &bits))
        return CIDR_BAD;
    if (was_mapped) {
        if (bits < 96)
            return CIDR_BAD;
        bits -= 96;
    }
    out->bits = (uint8_t)bits;
    return bits_are_zero_from(&out->base, out->bits) ? CIDR_OK : CIDR_HOST_BITS;
}

bool cidr_has(const struct cidr *net, const struct addr *a)
{
    if (a->family == 0 || net->base.family != a->family)
        return false;
    unsigned whole = net->bits / 8, rest = net->bits % 8;
    if (memcmp(net->base.bytes, a->bytes, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    uint8_t mask = (uint8_t)(0xFF << (8 - rest));
    return (net->base.bytes[whole] & mask) == (a->bytes[whole] & mask);
}
