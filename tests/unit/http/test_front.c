/* Fronts: whose word about the client's address and scheme counts. */
#include "unit.h"

#include "proxy/http/front.h"

enum { ROOM = 4096 };

/* The head that the parser makes of these field lines. */
static void parse(const char *fields, struct arena *a, struct http_request_head *out)
{
    str head = arena_printf(a, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    struct h1_verdict v = h1_request_parse(head, &h1_limits_default, a, out);
    if (v.status)
        print_error("%s\n", v.id);
    assert_int_equal(v.status, 0);
}

/* What the listener makes of these field lines from that peer; a peer without address is a unix
 * socket's. */
static void view_of(const struct config_listener *l, const char *peer, bool is_tls,
                    const char *fields, struct arena *a, struct front_view *out)
{
    struct http_request_head head;
    struct listener_peer from = {.port = 1};
    if (*peer)
        assert_true(addr_parse(str_of(peer), &from.addr));
    parse(fields, a, &head);
    front_view(l, &from, is_tls, &head, out);
}

#define XFF "X-Forwarded-For: "
#define XFP "X-Forwarded-Proto: "
#define FWD "Forwarded: "

static void addresses(void **state)
{
    static const struct {
        const char *id, *front, *peer, *fields, *client;
    } rows[] = {
        {"direct", "direct", "198.51.100.7", "", "198.51.100.7"},
        {"direct believes nothing", "direct", "192.0.2.1", XFF "203.0.113.9\r\n", "192.0.2.1"},
        {"direct, Forwarded", "direct", "192.0.2.1", FWD "for=203.0.113.9\r\n", "192.0.2.1"},
        {"untrusted peer", "forwarded", "198.51.100.7", XFF "203.0.113.9\r\n", "198.51.100.7"},
        {"trusted, nothing said", "forwarded", "192.0.2.1", "", "192.0.2.1"},
        {"trusted", "forwarded", "192.0.2.1", XFF "203.0.113.9\r\n", "203.0.113.9"},
        {"the nearest untrusted counts", "forwarded", "192.0.2.1", XFF "10.9.9.9, 203.0.113.9\r\n",
         "203.0.113.9"},
        {"past a trusted hop", "forwarded", "192.0.2.1", XFF "203.0.113.9, 192.0.2.2\r\n",
         "203.0.113.9"},
        {"past several", "forwarded", "192.0.2.1",
         XFF "1.1.1.1, 203.0.113.9, 192.0.2.3,192.0.2.2\r\n", "203.0.113.9"},
        {"all trusted", "forwarded", "192.0.2.1", XFF "192.0.2.3, 192.0.2.2\r\n", "192.0.2.3"},
        {"two fields are one list", "forwarded", "192.0.2.1",
         XFF "203.0.113.9\r\n" XFF "192.0.2.2\r\n", "203.0.113.9"},
        {"a second field beats the first", "forwarded", "192.0.2.1",
         XFF "10.9.9.9\r\n" XFF "203.0.113.9\r\n", "203.0.113.9"},
        {"three fields, others between", "forwarded", "192.0.2.1",
         XFF "1.1.1.1, 203.0.113.9\r\nX-A: b\r\n" XFF "192.0.2.3\r\n" XFF "192.0.2.2\r\n",
         "203.0.113.9"},
        {"white space", "forwarded", "192.0.2.1", XFF " \t203.0.113.9 \t\r\n", "203.0.113.9"},
        {"a port", "forwarded", "192.0.2.1", XFF "203.0.113.9:4711\r\n", "203.0.113.9"},
        {"v6", "forwarded", "192.0.2.1", XFF "2001:db8::9\r\n", "2001:db8::9"},
        {"v6 in brackets", "forwarded", "192.0.2.1", XFF "[2001:db8::9]\r\n", "2001:db8::9"},
        {"v6 with a port", "forwarded", "192.0.2.1", XFF "[2001:db8::9]:4711\r\n", "2001:db8::9"},
        {"v4 in v6 is v4", "forwarded", "192.0.2.1", XFF "::ffff:203.0.113.9\r\n", "203.0.113.9"},
        {"a trusted hop in v6 clothes", "forwarded", "192.0.2.1",
         XFF "203.0.113.9, ::ffff:192.0.2.2\r\n", "203.0.113.9"},
        {"unparsable", "forwarded", "192.0.2.1", XFF "unknown\r\n", "-"},
        {"empty element", "forwarded", "192.0.2.1", XFF "203.0.113.9,\r\n", "-"},
        {"empty field", "forwarded", "192.0.2.1", XFF "\r\n", "-"},
        {"unparsable stops the walk", "forwarded", "192.0.2.1", XFF "203.0.113.9, junk\r\n", "-"},
        {"unparsable beyond the client", "forwarded", "192.0.2.1", XFF "junk, 203.0.113.9\r\n",
         "203.0.113.9"},
        {"half an address", "forwarded", "192.0.2.1", XFF "203.0.113\r\n", "-"},
        {"leading zeros", "forwarded", "192.0.2.1", XFF "203.0.113.09\r\n", "-"},
        {"a zone", "forwarded", "192.0.2.1", XFF "fe80::1%eth0\r\n", "-"},
        {"a tail behind brackets", "forwarded", "192.0.2.1", XFF "[2001:db8::9]x\r\n", "-"},
        {"a port that is none", "forwarded", "192.0.2.1", XFF "203.0.113.9:x\r\n", "-"},
        {"an open bracket", "forwarded", "192.0.2.1", XFF "[2001:db8::9\r\n", "-"},
        {"Forwarded", "forwarded", "192.0.2.1", FWD "for=203.0.113.9\r\n", "203.0.113.9"},
        {"Forwarded, all parts", "forwarded", "192.0.2.1",
         FWD "by=192.0.2.1; FOR = 203.0.113.9 ;proto=https;host=a\r\n", "203.0.113.9"},
        {"Forwarded, quoted v6", "forwarded", "192.0.2.1", FWD "for=\"[2001:db8::9]:4711\"\r\n",
         "2001:db8::9"},
        {"Forwarded, several", "forwarded", "192.0.2.1",
         FWD "for=1.1.1.1, for=203.0.113.9, for=192.0.2.2\r\n", "203.0.113.9"},
        {"Forwarded, two fields", "forwarded", "192.0.2.1",
         FWD "for=203.0.113.9\r\n" FWD "for=192.0.2.2\r\n", "203.0.113.9"},
        {"Forwarded, obfuscated", "forwarded", "192.0.2.1", FWD "for=_hidden\r\n", "-"},
        {"Forwarded, unknown", "forwarded", "192.0.2.1", FWD "for=unknown\r\n", "-"},
        {"Forwarded without for", "forwarded", "192.0.2.1", FWD "proto=https\r\n", "-"},
        {"Forwarded, for within a word", "forwarded", "192.0.2.1",
         FWD "xfor=203.0.113.9;for=203.0.113.8\r\n", "203.0.113.8"},
        {"Forwarded, a comma in quotes", "forwarded", "192.0.2.1",
         FWD "for=203.0.113.9;ext=\"a, for=10.9.9.9;\\\", b\"\r\n", "203.0.113.9"},
        {"Forwarded, escapes", "forwarded", "192.0.2.1", FWD "for=\"203.0.\\1\\13.9\"\r\n",
         "203.0.113.9"},
        {"Forwarded, an open string", "forwarded", "192.0.2.1", FWD "for=\"a, for=203.0.113.9\r\n",
         "-"},
        {"Forwarded, an open string in front", "forwarded", "192.0.2.1",
         FWD "ext=\", for=203.0.113.9;ext=\"a\"\r\n", "-"},
        {"Forwarded, an escape at the end", "forwarded", "192.0.2.1", FWD "for=\"203.0.113.9\\\r\n",
         "-"},
        {"Forwarded, a tail behind quotes", "forwarded", "192.0.2.1",
         FWD "for=\"203.0.113.9\"x\r\n", "-"},
        {"Forwarded, quotes in quotes", "forwarded", "192.0.2.1",
         FWD "for=\"\\\"203.0.113.9\\\"\"\r\n", "-"},
        {"Forwarded, no pair", "forwarded", "192.0.2.1", FWD "for=203.0.113.9;junk\r\n", "-"},
        {"Forwarded, for twice", "forwarded", "192.0.2.1",
         FWD "for=203.0.113.9;for=203.0.113.8\r\n", "-"},
        {"Forwarded, all trusted", "forwarded", "192.0.2.1", FWD "for=192.0.2.3, for=192.0.2.2\r\n",
         "192.0.2.3"},
        {"both, and they differ", "forwarded", "192.0.2.1",
         FWD "for=10.9.9.9\r\n" XFF "203.0.113.9\r\n", "-"},
        {"both, and one is malformed", "forwarded", "192.0.2.1",
         FWD "for=\"203.0.113.9\r\n" XFF "203.0.113.9\r\n", "-"},
        {"both, and one is obfuscated", "forwarded", "192.0.2.1",
         FWD "for=_x\r\n" XFF "203.0.113.9\r\n", "-"},
        {"both say the same", "forwarded", "192.0.2.1",
         FWD "for=\"203.0.113.9:1\"\r\n" XFF "203.0.113.9, 192.0.2.2\r\n", "203.0.113.9"},
        {"both, and one names nobody", "forwarded", "192.0.2.1",
         FWD "proto=https;by=192.0.2.1\r\n" XFF "203.0.113.9\r\n", "203.0.113.9"},
        {"both, X-Forwarded-For is read", "forwarded x", "192.0.2.1",
         FWD "for=10.9.9.9\r\n" XFF "203.0.113.9\r\n", "203.0.113.9"},
        {"both, Forwarded is read", "forwarded f", "192.0.2.1",
         FWD "for=203.0.113.9\r\n" XFF "10.9.9.9\r\n", "203.0.113.9"},
        {"Forwarded alone, X-Forwarded-For is read", "forwarded x", "192.0.2.1",
         FWD "for=203.0.113.9\r\n", "192.0.2.1"},
        {"X-Forwarded-For alone, Forwarded is read", "forwarded f", "192.0.2.1",
         XFF "203.0.113.9\r\n", "192.0.2.1"},
        {"a vendor's writes X-Forwarded-For", "cloudflare", "192.0.2.1",
         FWD "for=10.9.9.9\r\n" XFF "203.0.113.9\r\n", "203.0.113.9"},
        {"X-Real-IP is nobody's word", "forwarded", "192.0.2.1", "X-Real-IP: 10.9.9.9\r\n",
         "192.0.2.1"},
        {"unix", "unix", "", XFF "203.0.113.9\r\n", "203.0.113.9"},
        {"unix, nothing said", "unix", "", "", "-"},
        {"unix, direct", "unix direct", "", XFF "203.0.113.9\r\n", "-"},
    };
    struct cidr trusted;
    assert_int_equal(cidr_parse(STR("192.0.2.0/24"), &trusted), CIDR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config_listener l = {.front = strstr(rows[i].front, "direct") ? FRONT_DIRECT
                                                                             : FRONT_FORWARDED,
                                    .trusted = &trusted,
                                    .n_trusted = 1};
        l.address.kind = strstr(rows[i].front, "unix") ? ADDRESS_UNIX : ADDRESS_TCP;
        if (str_ends(str_of(rows[i].front), STR(" x")))
            l.front_header = FRONT_HEADER_X;
        else if (str_ends(str_of(rows[i].front), STR(" f")))
            l.front_header = FRONT_HEADER_FORWARDED;
        else if (strcmp(rows[i].front, "cloudflare") == 0)
            l.front = FRONT_CLOUDFLARE;
        char block[ROOM], text[ADDR_TEXT_BYTES];
        struct arena a;
        struct front_view view;
        arena_init(&a, block, sizeof block);
        view_of(&l, rows[i].peer, false, rows[i].fields, &a, &view);
        addr_text(&view.client, text);
        if (strcmp(text, rows[i].client) != 0)
            fail_msg("row \"%s\": %s, wanted %s", rows[i].id, text, rows[i].client);
        arena_finish(&a);
    }
}

/* What is said beyond what is believed. */
static void claims(void **state)
{
    static const struct {
        const char *id, *peer, *fields, *claimed;
    } rows[] = {
        {"nothing said", "198.51.100.7", "", ""},
        {"a stranger's word", "198.51.100.7", XFF "203.0.113.9, 1.1.1.1\r\n",
         "203.0.113.9, 1.1.1.1"},
        {"a stranger's Forwarded", "198.51.100.7", FWD "for=203.0.113.9\r\n", "for=203.0.113.9"},
        {"a stranger's both", "198.51.100.7", FWD "for=1.1.1.1\r\n" XFF "203.0.113.9\r\n",
         "203.0.113.9"},
        {"believed", "192.0.2.1", XFF "203.0.113.9\r\n", ""},
        {"all believed", "192.0.2.1", XFF "192.0.2.3, 192.0.2.2\r\n", ""},
        {"beyond the client", "192.0.2.1", XFF "6.6.6.6, 7.7.7.7, 203.0.113.9, 192.0.2.2\r\n",
         "6.6.6.6, 7.7.7.7"},
        {"beyond the client, a field before", "192.0.2.1", XFF "6.6.6.6\r\n" XFF "203.0.113.9\r\n",
         "6.6.6.6"},
        {"the nearest field before", "192.0.2.1",
         XFF "5.5.5.5\r\n" XFF "6.6.6.6\r\n" XFF "203.0.113.9\r\n", "6.6.6.6"},
        {"no address", "192.0.2.1", XFF "6.6.6.6, junk\r\n", "6.6.6.6, junk"},
        {"beyond the client, Forwarded", "192.0.2.1",
         FWD "for=6.6.6.6, for=203.0.113.9;proto=https\r\n", "for=6.6.6.6"},
        {"both, and they differ", "192.0.2.1", FWD "for=6.6.6.6\r\n" XFF "203.0.113.9\r\n",
         "203.0.113.9"},
        {"malformed", "192.0.2.1", FWD "for=6.6.6.6, for=\"\r\n", "for=6.6.6.6, for=\""},
        {"no address, Forwarded", "192.0.2.1", FWD "for=6.6.6.6, for=x, for=192.0.2.2\r\n",
         "for=6.6.6.6, for=x"},
    };
    struct cidr trusted;
    assert_int_equal(cidr_parse(STR("192.0.2.0/24"), &trusted), CIDR_OK);
    struct config_listener l = {.front = FRONT_FORWARDED, .trusted = &trusted, .n_trusted = 1};
    l.address.kind = ADDRESS_TCP;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char block[ROOM];
        struct arena a;
        struct front_view view;
        arena_init(&a, block, sizeof block);
        view_of(&l, rows[i].peer, false, rows[i].fields, &a, &view);
        if (!str_eq(view.claimed, str_of(rows[i].claimed)))
            fail_msg("row \"%s\": %.*s, wanted %s", rows[i].id, STR_ARG(view.claimed),
                     rows[i].claimed);
        arena_finish(&a);
    }
}

static void schemes(void **state)
{
    static const struct {
        const char *id, *peer, *fields;
        bool is_tls, is_https;
    } rows[] = {
        {"plain", "192.0.2.1", "", false, false},
        {"TLS", "192.0.2.1", "", true, true},
        {"TLS is not talked away", "192.0.2.1", XFP "http\r\n", true, true},
        {"said", "192.0.2.1", XFP "https\r\n", false, true},
        {"in capitals", "192.0.2.1", XFP "HTTPS\r\n", false, true},
        {"said by a stranger", "198.51.100.7", XFP "https\r\n", false, false},
        {"the last word counts", "192.0.2.1", XFP "https, http\r\n", false, false},
        {"the last word counts, https", "192.0.2.1", XFP "http, https\r\n", false, true},
        {"the last field counts", "192.0.2.1", XFP "https\r\n" XFP "http\r\n", false, false},
        {"Forwarded", "192.0.2.1", FWD "for=1.1.1.1;proto=https\r\n", false, true},
        {"Forwarded, quoted", "192.0.2.1", FWD "proto=\"https\"\r\n", false, true},
        {"Forwarded, last element", "192.0.2.1",
         FWD "proto=https;for=1.1.1.1, for=2.2.2.2;proto=http\r\n", false, false},
        {"X-Forwarded-Proto before Forwarded", "192.0.2.1", XFP "http\r\n" FWD "proto=https\r\n",
         false, false},
        {"both, and they differ", "192.0.2.1", XFP "https\r\n" FWD "proto=http\r\n", false, false},
        {"both say the same", "192.0.2.1", XFP "https\r\n" FWD "proto=HTTPS\r\n", false, true},
        {"both, and one does not say", "192.0.2.1", XFP "https\r\n" FWD "for=1.1.1.1\r\n", false,
         true},
        {"both, and one is malformed", "192.0.2.1", XFP "https\r\n" FWD "proto=\"https\r\n", false,
         false},
        {"Forwarded, malformed", "192.0.2.1", FWD "ext=\";proto=https\r\n", false, false},
        {"another word", "192.0.2.1", XFP "wss\r\n", false, false},
    };
    struct cidr trusted;
    assert_int_equal(cidr_parse(STR("192.0.2.0/24"), &trusted), CIDR_OK);
    struct config_listener l = {.front = FRONT_FORWARDED, .trusted = &trusted, .n_trusted = 1};
    l.address.kind = ADDRESS_TCP;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char block[ROOM];
        struct arena a;
        struct front_view view;
        arena_init(&a, block, sizeof block);
        view_of(&l, rows[i].peer, rows[i].is_tls, rows[i].fields, &a, &view);
        if (view.is_https != rows[i].is_https)
            fail_msg("row \"%s\"", rows[i].id);
        arena_finish(&a);
    }
}

#define CF "Cf-Access-Jwt-Assertion: "

/* Whose word counts, what goes no further, and what is a spoof attempt. */
static void assertions(void **state)
{
    static const struct {
        const char *id;
        enum front front;
        const char *header, *peer, *fields, *found; /* NULL: it came twice */
        unsigned spoofs;
    } rows[] = {
        {"direct", FRONT_DIRECT, NULL, "192.0.2.1", CF "a\r\n", "", 1},
        {"trusted", FRONT_CLOUDFLARE, "cf-access-jwt-assertion", "192.0.2.1", CF "a\r\n", "a", 0},
        {"a stranger", FRONT_CLOUDFLARE, "cf-access-jwt-assertion", "198.51.100.7", CF "a\r\n", "",
         1},
        {"a stranger, twice", FRONT_CLOUDFLARE, "cf-access-jwt-assertion", "198.51.100.7",
         CF "a\r\n" CF "b\r\n", "", 2},
        {"twice", FRONT_CLOUDFLARE, "cf-access-jwt-assertion", "192.0.2.1",
         CF "a\r\ncf-access-jwt-assertion: a\r\n", NULL, 1},
        {"looks like it", FRONT_CLOUDFLARE, "cf-access-jwt-assertion", "192.0.2.1",
         "Cf_Access_Jwt_Assertion: a\r\n", "", 1},
        {"beside one that looks like it", FRONT_CLOUDFLARE, "cf-access-jwt-assertion", "192.0.2.1",
         "Cf.Access.Jwt.Assertion: b\r\n" CF "a\r\n", "a", 1},
        {"what else it writes", FRONT_CLOUDFLARE, "cf-access-jwt-assertion", "192.0.2.1",
         CF "a\r\nCf-Access-Authenticated-User-Email: e\r\n", "a", 0},
        {"what another front writes", FRONT_CLOUDFLARE, "cf-access-jwt-assertion", "192.0.2.1",
         CF "a\r\nX-Goog-IAP-JWT-Assertion: e\r\n", "a", 1},
        {"the same from a stranger", FRONT_CLOUDFLARE, "cf-access-jwt-assertion", "198.51.100.7",
         CF "a\r\nCf-Access-Authenticated-User-Email: e\r\n", "", 2},
        {"a name of our own choice", FRONT_HEADER_JWT, "x-jwt", "192.0.2.1", "X-Jwt: a\r\n", "a",
         0},
        {"from a stranger", FRONT_HEADER_JWT, "x-jwt", "198.51.100.7", "X-Jwt: a\r\n", "", 1},
        {"empty is there", FRONT_HEADER_JWT, "x-jwt", "192.0.2.1", "X-Jwt:\r\nX-Jwt: a\r\n", NULL,
         1},
    };
    struct cidr trusted;
    assert_int_equal(cidr_parse(STR("192.0.2.0/24"), &trusted), CIDR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config_listener l = {.front = rows[i].front,
                                    .address.kind = ADDRESS_TCP,
                                    .trusted = &trusted,
                                    .n_trusted = 1,
                                    .assertion.header = str_of(rows[i].header)};
        struct http_request_head head;
        struct listener_peer from = {.port = 1};
        struct arena a;
        char block[ROOM];
        str found;
        assert_true(addr_parse(str_of(rows[i].peer), &from.addr));
        arena_init(&a, block, sizeof block);
        parse(rows[i].fields, &a, &head);
        bool is_good = front_assertion(&l, &from, &head, &found);
        if (is_good != (rows[i].found != NULL) ||
            !str_eq(found, str_of(rows[i].found ? rows[i].found : "")) ||
            head.spoof_attempts != rows[i].spoofs)
            fail_msg("row \"%s\": %d, %.*s, %u", rows[i].id, is_good, STR_ARG(found),
                     head.spoof_attempts);
        for (size_t k = 1; k < head.n_fields; k++) /* behind Host */
            if (head.fields[k].drop == DROP_NOT)
                fail_msg("row \"%s\": goes upstream", rows[i].id);
        arena_finish(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(claims),
        cmocka_unit_test(schemes),
        cmocka_unit_test(assertions),
    };
    return cmocka_run_group_tests_name("http front", tests, NULL, NULL);
}
