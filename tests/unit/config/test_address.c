/* Addresses to listen on and upstreams to reach. */
#include "room.h"

#include "proxy/config/address.h"

static void upstreams_are_read(void **state)
{
    static const struct {
        const char *text;
        enum upstream_scheme scheme;
        const char *host;
        unsigned port;
        const char *host_field;
        bool has_addr;
    } rows[] = {
        {"http://10.0.4.12:3000", UPSTREAM_HTTP, "10.0.4.12", 3000, "10.0.4.12:3000", true},
        {"http://Grafana.Corp.example", UPSTREAM_HTTP, "grafana.corp.example", 80,
         "grafana.corp.example", false},
        {"http://a/", UPSTREAM_HTTP, "a", 80, "a", false},
        {"https://a.example:443", UPSTREAM_HTTPS, "a.example", 443, "a.example", false},
        {"https://[2001:db8::1]:8443", UPSTREAM_HTTPS, "2001:db8::1", 8443, "[2001:db8::1]:8443",
         true},
        {"http://[::1]", UPSTREAM_HTTP, "::1", 80, "[::1]", true},
        {"http://app.localhost:1", UPSTREAM_HTTP, "app.localhost", 1, "app.localhost:1", true},
        {"ssh://h", UPSTREAM_OTHER, "h", 22, "h", false},
        {"tcp://h:5432", UPSTREAM_OTHER, "h", 5432, "h:5432", false},
        {"unix:/run/app.sock", UPSTREAM_UNIX, "localhost", 0, "localhost", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct upstream u;
        const char *why = "";
        arena_init(&a, NULL, 0);
        if (!upstream_parse(&a, str_of(rows[i].text), &u, &why))
            fail_msg("%s: %s", rows[i].text, why);
        assert_int_equal(u.scheme, rows[i].scheme);
        assert_string_equal(u.host.p, rows[i].host);
        assert_int_equal(u.port, rows[i].port);
        assert_string_equal(u.host_field.p, rows[i].host_field);
        assert_int_equal(u.has_addr, rows[i].has_addr);
        arena_finish(&a);
    }
}

static void upstreams_are_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "http://",
        "http://a/b",
        "http://a?b",
        "http://a#b",
        "http://u:p@a",
        "http://a:",
        "http://a:0",
        "http://a:65536",
        "http://a:80x",
        "http://::1",
        "http://[::1",
        "http://[a]",
        "http://10.0.4",
        "http://1.2.3.4.5",
        "http://-a",
        "http://a..b",
        "http://a b",
        "http://[fe80::1]:80",
        "http://[fe80::1%25eth0]:80",
        "ftp://a",
        "tcp://a",
        "a:80",
        "unix:run/x",
        "unix:/",
        "HTTP://a",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct upstream u;
        const char *why = NULL;
        arena_init(&a, NULL, 0);
        if (upstream_parse(&a, str_of(rows[i]), &u, &why))
            fail_msg("%s: accepted", rows[i]);
        assert_non_null(why);
        arena_finish(&a);
    }
}

static void names_are_checked(void **state)
{
    char longest[255], label[65];
    memset(longest, 'a', sizeof longest);
    memset(label, 'a', sizeof label);
    for (size_t i = 60; i < sizeof longest; i += 60)
        longest[i] = '.';
    assert_true(host_is_name((str){longest, 253}));
    assert_false(host_is_name((str){longest, 254}));
    assert_true(host_is_name((str){label, 63}));
    assert_false(host_is_name((str){label, 64}));
    assert_true(host_is_name(STR("xn--bcher-kva.example")));
    assert_false(host_is_name(STR("b\xc3\xbc"
                                  "cher.example")));
    assert_false(host_is_name(STR("a.example.")));
}

static void clashes_are_found(void **state)
{
    static const struct {
        const char *x, *y;
        bool clash;
    } rows[] = {
        {":80", "127.0.0.1:80", true},
        {":80", ":81", false},
        {"10.0.0.1:80", "10.0.0.2:80", false},
        {"[::1]:80", "[0:0::1]:80", true},
        {"unix:/a", "unix:/a", true},
        {"unix:/a", "unix:/b", false},
        {"unix:/a", ":80", false},
        {"127.0.0.1:80", "[::ffff:127.0.0.1]:80", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct listen_address x, y;
        const char *why;
        arena_init(&a, NULL, 0);
        assert_true(address_parse(&a, str_of(rows[i].x), &x, &why));
        assert_true(address_parse(&a, str_of(rows[i].y), &y, &why));
        assert_int_equal(address_clash(&x, &y), rows[i].clash);
        arena_finish(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upstreams_are_read), cmocka_unit_test(upstreams_are_refused),
        cmocka_unit_test(names_are_checked), cmocka_unit_test(clashes_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
