/* Forwarded and X-Forwarded-For from a trusted hop: whatever they say, the client is an address or
 * unknown, and never one of the trusted hops while another is named. */
#include "fuzz.h"

#include <string.h>

#include "proxy/http/front.h"
#include "proxy/http/h1_head.h"

static struct cidr trusted[2];

static void check(const struct config_listener *l, const struct listener_peer *peer,
                  struct http_request_head *head)
{
    struct front_view view, direct;
    struct config_listener plain = *l;
    plain.front = FRONT_DIRECT;
    front_view(l, peer, false, head, &view);
    MUST(view.client.family == 0 || view.client.family == 4 || view.client.family == 6);
    front_view(&plain, peer, false, head, &direct);
    MUST(addr_eq(&direct.client, &peer->addr) && !direct.is_https);
    struct listener_peer stranger = {.addr = {.family = 4, .bytes = {198, 51, 100, 7}}};
    front_view(l, &stranger, false, head, &view);
    MUST(addr_eq(&view.client, &stranger.addr) && !view.is_https);
}

static void check_assertion(const struct config_listener *l, const struct listener_peer *peer,
                            struct http_request_head *head)
{
    str found;
    bool is_single = front_assertion(l, peer, head, &found);
    MUST(is_single || !found.p);
    for (size_t i = 0; i < head->n_fields; i++)
        MUST(!str_eq_nocase(head->fields[i].name, STR("x-corp-jwt")) || head->fields[i].drop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;
    struct http_request_head head;
    struct config_listener l = {.front = FRONT_HEADER_JWT,
                                .address.kind = ADDRESS_TCP,
                                .trusted = trusted,
                                .n_trusted = 2,
                                .assertion.header = STR("x-corp-jwt")};
    struct listener_peer peer = {.addr = {.family = 4, .bytes = {127, 0, 0, 1}}};
    cidr_parse(STR("127.0.0.0/8"), &trusted[0]);
    cidr_parse(STR("10.0.0.0/8"), &trusted[1]);
    arena_init(&a, NULL, 0);
    str text =
        arena_printf(&a, "GET / HTTP/1.1\r\nHost: a\r\n%.*s\r\n\r\n", (int)n, (const char *)data);
    if (!h1_request_parse(text, &h1_limits_default, &a, &head).status) {
        check(&l, &peer, &head);
        check_assertion(&l, &peer, &head);
    }
    arena_finish(&a);
    return 0;
}
