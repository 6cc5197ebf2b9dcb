/* Embedded tests: each row is a test of the language, and whether it should pass. */
#include "fixture.h"

static const char head[] =
    "version: 1\n"
    "define:\n"
    "  groups: {staff: [admins, ops]}\n"
    "  schedules: {hours: {days: [mon, tue, wed, thu, fri], hours: [\"07:00-19:00\"]}}\n"
    "apps:\n"
    "  - {name: web, host: web.example, aliases: [w.example], upstream: \"http://10.0.0.1\",\n"
    "     public_paths: [/pub/**]}\n"
    "  - {name: box, host: box.example, upstream: \"ssh://10.0.0.2:22\", logins: [root, deploy]}\n"
    "  - {name: pc, host: pc.example, upstream: \"rdp://10.0.0.3:3389\"}\n"
    "rules:\n"
    "  - {id: g, effect: allow, who: {groups: [staff]}, to: {apps: [web, pc], paths: [/a/**]}}\n"
    "  - {id: m, effect: allow, who: {users: [kim@acme.example]}, to: {apps: [web], paths: [/m]},\n"
    "     auth: {mfa: true}}\n"
    "  - {id: w, effect: allow, who: {claims: {level: [5], staff: [true]}}, to: {apps: [web], "
    "paths: [/w]}}\n"
    "  - {id: d, effect: allow, who: anyone, to: {apps: [web], paths: [/d]},\n"
    "     device: {managed: true, min_os_version: {macos: \"14.9\"}, seen_within: 1h}}\n"
    "  - {id: p, effect: allow, who: anyone, to: {apps: [web], paths: [/p]},\n"
    "     approval: {by: anyone, valid_for: 1h}, purpose: {required: true}}\n"
    "  - {id: s, effect: allow, who: {services: [ci]}, to: {apps: [web], paths: [/s]}}\n"
    "  - {id: l, effect: allow, who: anyone, to: {apps: [box], logins: [root]}, when: hours}\n"
    "  - {id: i, effect: allow, who: anyone, to: {apps: [web], paths: [/i]}, auth: {issuers: "
    "[corp]}}\n"
    "  - {id: f, effect: allow, who: anyone, to: {apps: [web], paths: [/f]}, from: {networks: "
    "[10.0.0.0/8]}}\n"
    "  - {id: r, effect: allow, who: anyone, to: {apps: [pc]}}\n"
    "tests:\n"
    "  - {name: base, as: {user: kim@acme.example, groups: [admins], auth: {mfa: true, age: 1h}},\n"
    "     at: 2026-11-25T10:00:00Z, do: GET https://web.example/a/b, expect: allow}\n";

struct row {
    const char *test; /* without name */
    bool passes;
};

static const struct row rows[] = {
    {"like: base, expect: allow", true},
    {"like: base, expect: deny default-deny", false},
    {"like: base, do: GET https://w.example/a?x=1, expect: allow", true},
    {"like: base, do: GET wss://web.example/a, expect: allow", true},
    {"like: base, do: GET https://web.example/b, expect: deny default-deny", true},
    {"like: base, do: GET https://web.example/b, expect: allow", false},
    {"like: base, do: GET https://web.example/b, expect: deny deny-rule", false},
    {"like: base, do: [GET https://web.example/a, GET https://web.example/b], expect: allow",
     false},
    {"like: base, do: GET https://web.example/a/../b, expect: \"deny input:path\"", true},
    {"like: base, do: GET https://web.example/a/%2e%2e/b, expect: \"deny input:path\"", true},
    {"like: base, without: [groups], expect: deny default-deny", true},
    {"like: base, as: {user: kim@acme.example, groups: []}, expect: deny default-deny", true},
    {"like: base, as: {groups: [ops]}, expect: allow", true},
    {"like: base, as: {groups: [staff]}, expect: deny default-deny",
     true}, /* an alias is no group */
    {"at: 2026-11-25T10:00:00Z, do: GET https://web.example/a, expect: deny auth.none", true},
    {"at: 2026-11-25T10:00:00Z, do: GET https://web.example/pub/a, expect: allow", true},
    /* Mail and factors. */
    {"like: base, do: GET https://web.example/m, expect: allow", true},
    {"like: base, do: GET https://web.example/m, without: [auth.mfa], expect: deny auth.mfa", true},
    {"like: base, as: {user: kim@acme.example, auth: {methods: [pwd, otp]}}, do: GET "
     "https://web.example/m, expect: allow",
     true},
    {"like: base, as: {user: kim@acme.example, auth: {methods: [pwd]}}, do: GET "
     "https://web.example/m, expect: deny auth.mfa",
     true},
    {"like: base, as: {user: kim@acme.example, auth: {mfa: false, methods: [otp]}}, do: GET "
     "https://web.example/m, expect: deny auth.mfa",
     true},
    {"like: base, as: {user: kim@acme.example, claims: {email_verified: false}, auth: {mfa: "
     "true}}, do: GET https://web.example/m, expect: deny default-deny",
     true},
    {"like: base, as: {user: KIM@acme.example, auth: {mfa: true}}, do: GET https://web.example/m, "
     "expect: allow",
     true},
    /* Claims by their kind. */
    {"like: base, as: {claims: {level: 5, staff: true}}, do: GET https://web.example/w, expect: "
     "allow",
     true},
    {"like: base, as: {claims: {level: \"5\", staff: true}}, do: GET https://web.example/w, "
     "expect: allow",
     true},
    {"like: base, as: {claims: {level: [4, 5], staff: true}}, do: GET https://web.example/w, "
     "expect: allow",
     true},
    {"like: base, as: {claims: {level: 6, staff: true}}, do: GET https://web.example/w, expect: "
     "deny default-deny",
     true},
    /* Devices. */
    {"like: base, as: {device: {managed: true, os: macos, os_version: \"14.10\"}}, do: GET "
     "https://web.example/d, expect: allow",
     true},
    {"like: base, as: {device: {managed: true, os: macos, os_version: 14.8}}, do: GET "
     "https://web.example/d, expect: deny device.os_version",
     true},
    {"like: base, as: {device: {managed: true, os: macos, os_version: 15, seen: 1h}}, do: GET "
     "https://web.example/d, expect: allow",
     true},
    {"like: base, as: {device: {managed: true, os: macos, os_version: 15, seen: 61m}}, do: GET "
     "https://web.example/d, expect: \"deny device:stale\"",
     true},
    {"like: base, as: {device: {os: macos, os_version: 15}}, do: GET https://web.example/d, "
     "expect: \"deny device.managed:missing\"",
     true},
    {"like: base, do: GET https://web.example/d, expect: \"deny device:missing\"", true},
    {"like: base, as: {device: [{managed: true, os: macos, os_version: 15, source: a}, {managed: "
     "false, source: b}]}, do: GET https://web.example/d, expect: \"deny device:conflict\"",
     true},
    /* Grants and purpose. */
    {"like: base, do: GET https://web.example/p, expect: \"deny approval:required\"", true},
    {"like: base, as: {user: a@b.example, approved: [p]}, do: GET https://web.example/p, expect: "
     "\"deny purpose:required\"",
     true},
    {"like: base, as: {user: a@b.example, approved: [p], purpose: repair}, do: GET "
     "https://web.example/p, expect: allow",
     true},
    /* Machines. */
    {"like: base, as: {service: ci}, do: GET https://web.example/s, expect: allow", true},
    {"like: base, as: {service: cd}, do: GET https://web.example/s, expect: deny default-deny",
     true},
    {"like: base, as: {service: ci}, do: GET https://web.example/m, expect: deny default-deny",
     true},
    /* ssh, rdp, time, issuer, address. */
    {"like: base, do: ssh root@box, expect: allow", true},
    {"like: base, do: ssh deploy@box, expect: deny default-deny", true},
    {"like: base, do: ssh admin@box, expect: deny to.login", true},
    {"like: base, do: rdp pc, expect: allow", true},
    {"like: base, at: 2026-11-28T10:00:00Z, do: ssh root@box, expect: deny when", true},
    {"like: base, at: 2026-11-25T20:00:00+02:00, do: ssh root@box, expect: allow", true},
    {"like: base, as: {user: a@b.example, issuer: corp}, do: GET https://web.example/i, expect: "
     "allow",
     true},
    {"like: base, do: GET https://web.example/i, expect: deny auth.issuers", true},
    {"like: base, from: 10.1.2.3, do: GET https://web.example/f, expect: allow", true},
    {"like: base, do: GET https://web.example/f, expect: deny from.network", true},
};

static void each_test_is_judged(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_test_totals totals;
        struct findings f;
        char text[8192];
        snprintf(text, sizeof text, "%s  - {name: row, %s}\n", head, rows[i].test);
        struct policy *p = fixture_load(text);
        findings_init(&f);
        bool is_good = policy_test_run(p, &f, &totals);
        if (is_good != rows[i].passes) {
            print_error("row %zu: %s\n", i, rows[i].test);
            findings_print(&f, stdout);
        }
        assert_int_equal(is_good, rows[i].passes);
        assert_int_equal(totals.passed, rows[i].passes ? 2 : 1);
        assert_int_equal(totals.failed, rows[i].passes ? 0 : 1);
        assert_int_equal(f.errors > 0, !rows[i].passes);
        findings_finish(&f);
        policy_unref(&p);
    }
}

static void a_failed_test_says_where_and_why(void **state)
{
    struct policy_test_totals totals;
    struct findings f;
    char text[8192];

    snprintf(text, sizeof text,
             "%s  - {name: wrong, like: base, do: GET https://web.example/m, without: [auth.mfa], "
             "expect: allow}\n",
             head);
    struct policy *p = fixture_load(text);
    findings_init(&f);
    assert_false(policy_test_run(p, &f, &totals));
    assert_int_equal(f.n, 1);
    assert_true(str_eq(f.items[0].code, STR("test-failed")));
    assert_true(f.items[0].line > 20);
    assert_true(str_contains(f.items[0].message, STR("\"wrong\"")));
    assert_true(str_contains(f.items[0].message, STR("deny default-deny (auth.mfa)")));
    assert_true(str_contains(f.items[0].message, STR("expected allow")));
    findings_finish(&f);
    policy_unref(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_test_is_judged),
        cmocka_unit_test(a_failed_test_says_where_and_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
