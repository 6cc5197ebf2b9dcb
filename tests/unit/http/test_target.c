/* Targets and host names as pure functions; the refusals stand in request_rows.h. */
#include "unit.h"

#include "proxy/http/target.h"

static void splits_targets(void **state)
{
    static const struct {
        str raw;
        enum target_form form;
        str authority, path, query;
    } rows[] = {
        {STR("/"), TARGET_ORIGIN, {NULL, 0}, STR("/"), {NULL, 0}},
        {STR("/a?b?c"), TARGET_ORIGIN, {NULL, 0}, STR("/a"), STR("b?c")},
        {STR("/?"), TARGET_ORIGIN, {NULL, 0}, STR("/"), STR("")},
        {STR("//evil.example/a"), TARGET_ORIGIN, {NULL, 0}, STR("//evil.example/a"), {NULL, 0}},
        {STR("/http://x/"), TARGET_ORIGIN, {NULL, 0}, STR("/http://x/"), {NULL, 0}},
        {STR("http://h"), TARGET_ABSOLUTE, STR("h"), STR("/"), {NULL, 0}},
        {STR("https://h:1?q"), TARGET_ABSOLUTE, STR("h:1"), STR("/"), STR("q")},
        {STR("http://h/@"), TARGET_ABSOLUTE, STR("h"), STR("/@"), {NULL, 0}},
        {STR("http://h?@"), TARGET_ABSOLUTE, STR("h"), STR("/"), STR("@")},
        {STR("*"), TARGET_ASTERISK, {NULL, 0}, STR("*"), {NULL, 0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target t;
        const char *bad = target_parse(rows[i].raw, METHOD_OPTIONS, &t);
        if (bad || t.form != rows[i].form || !str_eq(t.authority, rows[i].authority) ||
            !str_eq(t.path, rows[i].path) || !str_eq(t.query, rows[i].query) ||
            !t.query.p != !rows[i].query.p)
            fail_msg("%.*s: %s", STR_ARG(rows[i].raw), bad);
    }
}

static void normalises_hosts(void **state)
{
    static const struct {
        str raw, name;
        unsigned port;
        bool is_ip;
    } rows[] = {
        {STR("App.Example"), STR("app.example"), 0, false},
        {STR("app.example."), STR("app.example"), 0, false},
        {STR("app.example.:80"), STR("app.example"), 80, false},
        {STR("a:65535"), STR("a"), 65535, false},
        {STR("1a.example"), STR("1a.example"), 0, false},
        {STR("1.example"), STR("1.example"), 0, false},
        {STR("192.0.2.1"), STR("192.0.2.1"), 0, true},
        {STR("[::1]:443"), STR("[::1]"), 443, true},
        {STR("[2001:0DB8:0:0:0:0:0:1]"), STR("[2001:db8::1]"), 0, true},
        {STR("[::ffff:192.0.2.1]"), STR("192.0.2.1"), 0, true},
    };
    struct arena a;
    (void)state;
    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct host h;
        const char *bad = host_parse(rows[i].raw, &a, &h);
        if (bad || !str_eq(h.name, rows[i].name) || h.port != rows[i].port ||
            h.is_ip != rows[i].is_ip)
            fail_msg("%.*s: %s %.*s", STR_ARG(rows[i].raw), bad, STR_ARG(h.name));
    }
    arena_finish(&a);
}

static void compares_hosts(void **state)
{
    struct host a = {STR("h"), 0, false}, b = {STR("h"), 443, false}, c = {STR("i"), 0, false};
    (void)state;
    assert_true(host_same(&a, &a, false));
    assert_true(host_same(&a, &b, true));
    assert_false(host_same(&a, &b, false));
    assert_false(host_same(&a, &c, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_targets),
        cmocka_unit_test(normalises_hosts),
        cmocka_unit_test(compares_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
