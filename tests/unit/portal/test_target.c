/* Where a log-in may lead back to: hosts of ours, written in one way. */
#include "../gate/house.h"

#include "proxy/portal/target.h"

static const char POLICY[] =
    "version: 1\n"
    "apps:\n"
    "  - {name: inventory, host: inventory.example, aliases: [stock.example], upstream: "
    "\"http://127.0.0.1:9\"}\n"
    "  - {name: tenants, host: \"*.tenants.example\", upstream: \"http://127.0.0.1:9\"}\n"
    "rules:\n"
    "  - {id: all, effect: allow, who: {groups: [staff]}, to: {apps: [inventory, tenants]}}\n";

struct row {
    const char *url, *app; /* NULL: refused; "": the portal */
};

static void check(const char *portal, const struct row *rows, size_t n)
{
    struct house_options o = {.more = portal, .policy = POLICY};
    struct house *h = house_open(&o);
    for (size_t i = 0; i < n; i++) {
        struct target t;
        bool good = target_read(h->snapshot, str_of(rows[i].url), &t);
        assert_row(rows[i].url, good == (rows[i].app != NULL));
        if (good)
            assert_row(rows[i].url, str_eq(t.app ? t.app->name : STR(""), str_of(rows[i].app)));
        if (good)
            assert_row(rows[i].url, str_starts(t.url, t.origin) && str_ends(t.origin, STR("")));
    }
    house_close(h);
}

static void on_https(void **state)
{
    static const struct row rows[] = {
        {"https://inventory.example/", "inventory"},
        {"https://inventory.example", "inventory"},
        {"https://inventory.example/a?b=c&d=%2F%20", "inventory"},
        {"https://inventory.example?x", "inventory"},
        {"https://inventory.example//evil.example", "inventory"}, /* a path, whoever reads it */
        {"https://stock.example/", "inventory"},
        {"https://one.tenants.example/", "tenants"},
        {"https://access.example/", ""},
        {"https://access.example/.postern/approvals", ""},
        {"https://access.example/.postern/request?app=x", ""},
        {"", NULL},
        {"/", NULL},
        {"//inventory.example/", NULL},
        {"/\\inventory.example", NULL},
        {"\\\\inventory.example", NULL},
        {"inventory.example", NULL},
        {"http://inventory.example/", NULL},
        {"HTTPS://inventory.example/", NULL},
        {"https:/inventory.example/", NULL},
        {"https:inventory.example/", NULL},
        {"https:///inventory.example/", NULL},
        {"https://inventory.example:443/", NULL},
        {"https://inventory.example:8443/", NULL},
        {"https://inventory.example@evil.example/", NULL},
        {"https://evil.example@inventory.example/", NULL},
        {"https://inventory.example.evil.example/", NULL},
        {"https://evil-inventory.example/", NULL},
        {"https://inventory.example./", NULL},
        {"https://Inventory.example/", NULL},
        {"https://inventory.example%2f@evil.example/", NULL},
        {"https://inventory.example\\.evil.example/", NULL},
        {"https://inventory.example\t/", NULL},
        {"\thttps://inventory.example/", NULL},
        {" https://inventory.example/", NULL},
        {"https://inventory.example/ x", NULL},
        {"https://inventory.example/\r\nSet-Cookie: x", NULL},
        {"https://inventory.example/#x", NULL},
        {"https://inventory.example/\xc3\xa9", NULL},
        {"https://inventory.example/\"", NULL},
        {"https://inventory.example/<x>", NULL},
        {"https://evil.example/https://inventory.example/", NULL},
        {"https://evil.example/?https://inventory.example/", NULL},
        {"https:///", NULL},
        {"https://", NULL},
        {"https://[::1]/", NULL},
        {"javascript:alert(1)//https://inventory.example/", NULL},
        {"data:text/html,x", NULL},
        {"https://inventory.example/.postern/back?t=x", NULL},
        {"https://inventory.example/.postern/logout", NULL},
        {"https://access.example/.postern/login?to=x", NULL},
        {"https://access.example/.postern/callback?code=x", NULL},
        {"https://access.example/.postern/issuer/authorize", NULL},
        {"https://access.example/.postern/logout", NULL},
    };
    check("portal: {host: access.example}\n", rows, ROWS(rows));
}

static void on_a_port(void **state)
{
    static const struct row rows[] = {
        {"http://inventory.example:8090/", "inventory"},
        {"http://access.localhost:8090/", ""},
        {"http://inventory.example/", NULL},
        {"http://inventory.example:809/", NULL},
        {"http://inventory.example:80900/", NULL},
        {"http://inventory.example:18090/", NULL},
        {"http://inventory.example:8090:8090/", NULL},
        {"https://inventory.example:8090/", NULL},
        {"http://:8090/", NULL},
        {"http://x:8090/", NULL},
    };
    check("portal: {host: access.localhost, origin: \"http://access.localhost:8090\"}\n", rows,
          ROWS(rows));
}

static void what_is_too_long(void **state)
{
    struct house_options o = {.more = "portal: {host: access.example}\n", .policy = POLICY};
    struct house *h = house_open(&o);
    char url[TARGET_MAX_BYTES + 2];
    struct target t;
    memset(url, 'a', sizeof url);
    memcpy(url, "https://access.example/", 23);
    assert_true(target_read(h->snapshot, (str){url, TARGET_MAX_BYTES}, &t));
    assert_false(target_read(h->snapshot, (str){url, TARGET_MAX_BYTES + 1}, &t));
    house_close(h);
}

static void urls_of_ours(void **state)
{
    struct house_options o = {.policy = POLICY,
                              .more = "portal: {host: access.localhost, origin: "
                                      "\"http://access.localhost:8090\"}\n"};
    struct house *h = house_open(&o);
    struct arena a;
    arena_init(&a, NULL, 0);
    const str none = {NULL, 0};
    assert_text("path", target_make(h->snapshot, &a, STR("inventory.example"), STR("/a"), none).p,
                "http://inventory.example:8090/a");
    assert_text("query",
                target_make(h->snapshot, &a, STR("inventory.example"), STR("/a"), STR("b=c")).p,
                "http://inventory.example:8090/a?b=c");
    assert_text("origin", target_make(h->snapshot, &a, STR("inventory.example"), STR(""), none).p,
                "http://inventory.example:8090");
    arena_finish(&a);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_https),
        cmocka_unit_test(on_a_port),
        cmocka_unit_test(what_is_too_long),
        cmocka_unit_test(urls_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
