/* Route: which app a request reaches, and what is refused before anybody asks who is there. */
#include "caller.h"

static void hosts_and_paths(void **state)
{
    static const struct {
        const char *id, *host, *path;
        unsigned status; /* 0: routed */
        const char *reason, *app, *normal;
    } rows[] = {
        {"plain", "inventory.example", "/a/b", 0, "", "inventory", "/a/b"},
        {"other app", "other.example", "/", 0, "", "other", "/"},
        {"double slash", "inventory.example", "/a//b", 0, "", "inventory", "/a/b"},
        {"unreserved escape", "inventory.example", "/%61", 0, "", "inventory", "/a"},
        {"escape in upper case", "inventory.example", "/%e2%82%ac", 0, "", "inventory",
         "/%E2%82%AC"},
        {"unknown host", "evil.example", "/", 421, "input:host", "", ""},
        {"host of a suffix", "x-inventory.example", "/", 421, "input:host", "", ""},
        {"no host", "", "/", 421, "input:host", "", ""},
        {"dot segment", "inventory.example", "/a/../b", 400, "input:path", "", ""},
        {"escaped dot segment", "inventory.example", "/a/%2e%2E/b", 400, "input:path", "", ""},
        {"escaped slash", "inventory.example", "/a%2Fb", 400, "input:path", "", ""},
        {"NUL", "inventory.example", "/%00", 400, "input:path", "", ""},
        {"path parameter", "inventory.example", "/a;x=1", 400, "input:path", "", ""},
        {"backslash", "inventory.example", "/a%5Cb", 400, "input:path", "", ""},
        {"double escape", "inventory.example", "/%252e", 400, "input:path", "", ""},
        {"broken escape", "inventory.example", "/%zz", 400, "input:path", "", ""},
        {"overlong UTF-8", "inventory.example", "/%C0%AF", 400, "input:path", "", ""},
        {"ours", "inventory.example", "/.postern/", 404, "input:path", "", ""},
        {"ours without slash", "inventory.example", "/.postern", 404, "input:path", "", ""},
        {"ours in disguise", "inventory.example", "//%2Epostern/logout", 404, "input:path", "", ""},
        {"not ours", "inventory.example", "/.posternal", 0, "", "inventory", "/.posternal"},
    };
    struct house *h = house_plain();
    const char *bearer = house_bearer("kim", STAFF);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        caller_begin(&c, h, rows[i].host, rows[i].path);
        c.visit.request.authorization = str_of(bearer);
        caller_run(&c);
        struct visit *v = &c.visit;
        if (rows[i].status) {
            assert_row(rows[i].id, v->outcome == VISIT_REFUSED);
            assert_row(rows[i].id, v->refusal.status == rows[i].status);
            assert_text(rows[i].id, v->refusal.reason, rows[i].reason);
            /* nobody was asked who is there, and nothing is told of the inside */
            assert_row(rows[i].id, !v->who && !v->app);
        } else {
            assert_row(rows[i].id, v->app != NULL);
            assert_row(rows[i].id, str_eq(v->request.path, str_of(rows[i].normal)));
        }
        caller_end(&c);
        json_t *r = house_last(h);
        assert_text(rows[i].id, member(r, "app"), rows[i].app);
        assert_text(rows[i].id, member(r, "path"), rows[i].path);
        assert_text(rows[i].id, member(r, "decision.reason"),
                    rows[i].status                      ? rows[i].reason
                    : strcmp(rows[i].app, "other") == 0 ? "default-deny"
                                                        : "allow");
    }
    assert_int_equal(json_array_size(house_log(h)), ROWS(rows));
    house_close(h);
}

static void misdirected_over_tls(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    caller_begin(&c, h, "inventory.example", "/");
    c.visit.request.is_misdirected = true;
    assert_int_equal(caller_run(&c), VISIT_REFUSED);
    assert_int_equal(c.visit.refusal.status, 421);
    assert_string_equal(c.visit.refusal.reason, "input:host");
    caller_end(&c);
    house_close(h);
}

static void no_policy_refuses_all(void **state)
{
    struct house *h = house_open(&(struct house_options){.no_policy = true});
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/", house_bearer("kim", STAFF)), VISIT_REFUSED);
    assert_int_equal(c.visit.refusal.status, 503);
    assert_string_equal(c.visit.refusal.reason, "policy:none");
    caller_end(&c);
    assert_string_equal(member(house_last(h), "decision.reason"), "policy:none");
    assert_string_equal(member(house_last(h), "decision.effect"), "deny");
    /* and it works as soon as there is one */
    house_swap_policy(h, HOUSE_POLICY);
    assert_int_equal(caller_ask(&c, h, "/", house_bearer("kim", STAFF)), VISIT_PERMITTED);
    caller_end(&c);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_and_paths),
        cmocka_unit_test(misdirected_over_tls),
        cmocka_unit_test(no_policy_refuses_all),
    };
    return cmocka_run_group_tests_name("gate route", tests, NULL, NULL);
}
