/* dial_cache: names to addresses. Names come from the configuration, so the table is small; the
 * oldest entry makes room. Failures are not remembered. */
#include "proxy/net/dial_impl.h"

#include <stdlib.h>

#include "base/arena.h"
#include "proxy/net/loop_impl.h"

enum { DIAL_CACHE_NAMES = 64 };

struct dial_cache {
    struct dial_name {
        char *host; /* NULL = free */
        int64_t expires_ms;
        struct dial_addresses addresses;
    } names[DIAL_CACHE_NAMES];
};

void dial_cache_destroy(struct dial_cache *c)
{
    for (size_t i = 0; c && i < DIAL_CACHE_NAMES; i++)
        free(c->names[i].host);
    free(c);
}

static struct dial_name *cache_find(struct dial_cache *c, str host)
{
    for (size_t i = 0; c && i < DIAL_CACHE_NAMES; i++)
        if (c->names[i].host && str_eq(str_of(c->names[i].host), host))
            return &c->names[i];
    return NULL;
}

static struct dial_name *cache_slot(struct dial_cache *c, str host)
{
    struct dial_name *slot = cache_find(c, host);
    if (slot)
        return slot;
    slot = &c->names[0];
    for (size_t i = 0; i < DIAL_CACHE_NAMES && slot->host; i++)
        if (!c->names[i].host || c->names[i].expires_ms < slot->expires_ms)
            slot = &c->names[i];
    free(slot->host);
    slot->host = mem_dup(host);
    return slot;
}

/* RFC 6761 section 6.3: localhost and all below it is loopback and never asked of a resolver. v4
 * first: that is where most local origins listen. */
static bool localhost(str host, struct dial_addresses *out)
{
    if (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;
    str last = host.n > 9 ? str_from(host, host.n - 9) : host;
    if (!str_eq_nocase(last, STR("localhost")) || (host.n > 9 && host.p[host.n - 10] != '.'))
        return false;
    addr_parse(STR("127.0.0.1"), &out->items[0]);
    addr_parse(STR("::1"), &out->items[1]);
    out->n = 2;
    return true;
}

bool dial_resolve_now(struct loop *loop, str host, struct dial_addresses *out)
{
    if (addr_parse(host, &out->items[0])) {
        out->n = 1;
        return true;
    }
    if (localhost(host, out))
        return true;
    const struct dial_name *known = cache_find(loop->dial_cache, host);
    if (!known || known->expires_ms <= loop_now_ms(loop))
        return false;
    *out = known->addresses;
    return true;
}

/* The resolver's order within a family stands (RFC 6724), the families alternate (RFC 8305 section
 * 4). */
void dial_interleave(struct dial_addresses *a)
{
    struct dial_addresses in = *a;
    bool is_taken[DIAL_MAX_ADDRESSES] = {false};
    uint8_t want = in.n > 0 ? in.items[0].family : 0;
    for (a->n = 0; a->n < in.n; want = want == 4 ? 6 : 4)
        for (size_t i = 0; i < in.n; i++) {
            if (is_taken[i] || in.items[i].family != want)
                continue;
            is_taken[i] = true;
            a->items[a->n++] = in.items[i];
            break;
        }
}

void dial_resolve_keep(struct loop *loop, str host, const struct addrinfo *found,
                       struct dial_addresses *out)
{
    uint16_t port;
    out->n = 0;
    for (; found && out->n < DIAL_MAX_ADDRESSES; found = found->ai_next)
        if (addr_from_sockaddr(found->ai_addr, &out->items[out->n], &port))
            out->n++;
    dial_interleave(out);
    if (out->n == 0)
        return;
    if (!loop->dial_cache)
        loop->dial_cache = mem_alloc(sizeof *loop->dial_cache);
    struct dial_name *slot = cache_slot(loop->dial_cache, host);
    slot->addresses = *out;
    slot->expires_ms = loop_now_ms(loop) + DIAL_CACHE_MS;
}
