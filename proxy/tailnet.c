/* tailnet: see tailnet.h. */
#include "proxy/tailnet.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum { TAILNET_TIMEOUT_MS = 2500 };

struct asking {
    struct list_node link; /* tailnet.asking */
    struct fetch *fetch;
    struct whois_ask *ask;
};

struct tailnet {
    struct fetcher *fetcher;
    struct list_node asking;
};

struct tailnet *tailnet_create(struct loop *loop)
{
    struct tailnet *t = mem_alloc(sizeof *t);
    t->fetcher = fetcher_create(loop);
    list_init(&t->asking);
    return t;
}

static void asking_free(struct asking *a)
{
    list_remove(&a->link);
    free(a);
}

void tailnet_destroy(struct tailnet *t)
{
    if (!t)
        return;
    while (!list_empty(&t->asking)) {
        struct asking *a = list_entry(t->asking.next, struct asking, link);
        fetch_cancel(a->fetch);
        asking_free(a);
    }
    fetcher_destroy(t->fetcher);
    free(t);
}

static void answered(void *ctx, const struct fetch_result *r)
{
    struct asking *a = ctx;
    struct whois_ask *ask = a->ask;
    if (!r->status)
        log_warn("tailnet.failed", r->fail.text, "socket", ask->socket);
    asking_free(a);
    whois_answered(ask, r->status, r->body);
}

/* "100.64.0.9:41234", the colons and brackets of the other family percent-encoded. */
static str url_of(struct arena *a, const struct whois_key *key)
{
    char text[ADDR_TEXT_BYTES];
    addr_text(&key->addr, text);
    str encoded = STR("");
    for (const char *p = text; *p; p++)
        encoded = arena_printf(a, *p == ':' ? "%.*s%%3A" : "%.*s%c", STR_ARG(encoded), *p);
    const char *form = key->addr.family == 6 ? "%%5B%.*s%%5D%%3A%u" : "%.*s%%3A%u";
    encoded = arena_printf(a, form, STR_ARG(encoded), (unsigned)key->port);
    return arena_printf(a, "http://local-tailscaled.sock/localapi/v0/whois?addr=%.*s",
                        STR_ARG(encoded));
}

void tailnet_ask(struct tailnet *t, struct whois_ask *ask)
{
    struct asking *a = mem_alloc(sizeof *a);
    struct fail f = {0};
    struct arena room;
    arena_init(&room, NULL, 0);
    struct fetch_request request = {
        .url = url_of(&room, &ask->key),
        .unix_socket = str_of(ask->socket),
        .timeout_ms = TAILNET_TIMEOUT_MS,
        .max_bytes = WHOIS_MAX_BYTES,
    };
    a->ask = ask;
    list_append(&t->asking, &a->link);
    a->fetch = fetch_start(t->fetcher, &request, answered, a, &f);
    arena_finish(&room);
    if (a->fetch)
        return;
    log_warn("tailnet.failed", f.text, "socket", ask->socket);
    asking_free(a);
    whois_answered(ask, 0, (str){"", 0});
}
