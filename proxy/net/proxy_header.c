/* proxy_header: see proxy_header.h. Strict: what two readers could take differently is BAD, since
 * whoever can make us read another address than the balancer wrote is somebody else. */
#include "proxy/net/proxy_header.h"

#include <string.h>

enum {
    V2_FIXED = 16,
    V2_TCP4 = 12, /* bytes of the addresses */
    V2_TCP6 = 36,
    V2_UNIX = 216,
};

static const unsigned char v2_signature[12] = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                               0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
static const unsigned char v1_signature[6] = {'P', 'R', 'O', 'X', 'Y', ' '};

/* ---- version 1 ---- */

/* Decimal, 0 to 65535, without leading zeros. */
static bool read_port(str s, uint16_t *out)
{
    uint64_t port;
    if ((s.n > 1 && s.p[0] == '0') || !str_to_u64(s, UINT16_MAX, &port))
        return false;
    *out = (uint16_t)port;
    return true;
}

/* addr_parse folds mapped addresses and takes brackets: here the text decides. */
static bool read_address(str s, bool is_six, struct addr *out)
{
    bool has_colon = str_find(s, ':') < s.n;
    return has_colon == is_six && str_find(s, '[') == s.n && addr_parse(s, out);
}

/* "TCP4 192.0.2.1 198.51.100.1 56324 443", without PROXY and CR LF. */
static bool read_v1(struct proxy_header *h, str line)
{
    struct addr destination;
    uint16_t destination_port;
    str family = str_cut(&line, ' ');
    if (str_eq(family, STR("UNKNOWN")))
        return true; /* whatever follows must be ignored (section 2.1) */
    bool is_six = str_eq(family, STR("TCP6"));
    if (!is_six && !str_eq(family, STR("TCP4")))
        return false;
    str from = str_cut(&line, ' '), to = str_cut(&line, ' '), from_port = str_cut(&line, ' ');
    return line.p && read_address(from, is_six, &h->addr) &&
           read_address(to, is_six, &destination) && read_port(from_port, &h->port) &&
           read_port(line, &destination_port);
}

static enum proxy_header_result push_v1(struct proxy_header *h)
{
    str all = {(const char *)h->kept, h->n};
    if (all.p[all.n - 1] != '\n')
        return all.n < PROXY_HEADER_V1_MAX ? PROXY_HEADER_MORE : PROXY_HEADER_BAD;
    if (all.p[all.n - 2] != '\r')
        return PROXY_HEADER_BAD;
    str line = str_from(str_upto(all, all.n - 2), sizeof v1_signature);
    if (read_v1(h, line))
        return PROXY_HEADER_DONE;
    h->addr = (struct addr){0};
    return PROXY_HEADER_BAD;
}

/* ---- version 2 ---- */

static void read_v2_address(struct proxy_header *h, size_t n)
{
    const unsigned char *at = h->kept + V2_FIXED, *port = at + 2 * n;
    struct addr mapped = {.family = n == 4 ? 4 : 6};
    char text[ADDR_TEXT_BYTES];
    memcpy(mapped.bytes, at, n);
    /* through the text, so that a mapped address is folded as everywhere */
    addr_parse((str){text, addr_text(&mapped, text)}, &h->addr);
    h->port = (uint16_t)(port[0] << 8 | port[1]);
}

static bool judge_v2(struct proxy_header *h)
{
    unsigned command = h->kept[12], family = h->kept[13];
    size_t rest = (size_t)h->kept[14] << 8 | h->kept[15], least;
    h->length = V2_FIXED + rest;
    if (h->length > PROXY_HEADER_V2_MAX)
        return false;
    h->is_local = command == 0x20;
    if (h->is_local)
        return true; /* the family means nothing then (section 2.2) */
    switch (family) {
    case 0x00: /* unspecified */
        least = 0;
        break;
    case 0x11:
        least = V2_TCP4;
        break;
    case 0x21:
        least = V2_TCP6;
        break;
    case 0x31:
        least = V2_UNIX;
        break;
    default: /* datagrams are none of ours */
        return false;
    }
    return command == 0x21 && rest >= least;
}

static enum proxy_header_result finish_v2(struct proxy_header *h)
{
    if (!h->is_local && h->kept[13] == 0x11)
        read_v2_address(h, 4);
    else if (!h->is_local && h->kept[13] == 0x21)
        read_v2_address(h, 16);
    return PROXY_HEADER_DONE;
}

/* ---- both ---- */

/* The header as far as it is known must begin like one of the two. */
static bool begins_well(const struct proxy_header *h)
{
    size_t one = h->n < sizeof v1_signature ? h->n : sizeof v1_signature;
    size_t two = h->n < sizeof v2_signature ? h->n : sizeof v2_signature;
    return memcmp(h->kept, v1_signature, one) == 0 || memcmp(h->kept, v2_signature, two) == 0;
}

static bool is_v2(const struct proxy_header *h)
{
    return h->n > 0 && h->kept[0] == v2_signature[0];
}

static enum proxy_header_result push_byte(struct proxy_header *h, unsigned char byte)
{
    if (h->n < sizeof h->kept)
        h->kept[h->n] = byte;
    h->n++;
    if (h->n <= sizeof v2_signature && !begins_well(h))
        return PROXY_HEADER_BAD;
    if (!is_v2(h))
        return h->n > sizeof v1_signature ? push_v1(h) : PROXY_HEADER_MORE;
    if (h->n == V2_FIXED && !judge_v2(h))
        return PROXY_HEADER_BAD;
    return h->length && h->n == h->length ? finish_v2(h) : PROXY_HEADER_MORE;
}

enum proxy_header_result proxy_header_push(struct proxy_header *h, str bytes, size_t *used_out)
{
    enum proxy_header_result result = PROXY_HEADER_MORE;
    size_t i = 0;
    while (i < bytes.n && result == PROXY_HEADER_MORE)
        result = push_byte(h, (unsigned char)bytes.p[i++]);
    *used_out = i;
    return result;
}
