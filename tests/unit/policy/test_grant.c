/* What rules say of approvals and broken glass, and whom they name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/policy.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const char POLICY[] =
    "version: 1\n"
    "apps:\n"
    "  - {name: vault, host: vault.example, upstream: \"http://127.0.0.1:9\"}\n"
    "  - {name: other, host: other.example, upstream: \"http://127.0.0.1:9\"}\n"
    "rules:\n"
    "  - {id: by-group, effect: allow, who: {groups: [contractors]}, to: {apps: [vault]},\n"
    "     approval: {by: {groups: [leads]}, count: 2, valid_for: 1h, reason_required: true}}\n"
    "  - {id: by-name, effect: allow, who: {groups: [contractors]}, to: {apps: [vault]},\n"
    "     approval: {by: {users: [lee@corp.example, lou@corp.example]}, valid_for: 30m}}\n"
    "  - {id: suspended, effect: deny, who: {groups: [suspended]}, to: everything}\n"
    "  - {id: elsewhere, effect: deny, who: anyone, to: {apps: [other]}}\n"
    "  - {id: tried, effect: deny, mode: audit, who: anyone, to: everything}\n"
    "  - {id: abroad, effect: deny, who: anyone, to: everything, from: {networks: "
    "[192.0.2.0/24]}}\n"
    "  - {id: hours, effect: require, who: {groups: [contractors]}, to: {apps: [vault]}, auth: "
    "{mfa: true}}\n"
    "  - {id: glass, effect: allow, who: {groups: [contractors]}, to: {apps: [vault]},\n"
    "     break_glass: {skips: [hours], reason_required: true, notify: [alerts]}}\n"
    "  - {id: short-glass, effect: allow, who: {groups: [contractors]}, to: {apps: [vault]}, "
    "session: {max: 15m},\n"
    "     break_glass: {skips: [hours], reason_required: true, notify: [alerts]}}\n";

static struct policy *load(void)
{
    const struct doc_file file = {STR("all.yaml"), {POLICY, sizeof POLICY - 1}};
    const struct policy_load_in in = {.files = &file, .n_files = 1};
    struct findings f;
    findings_init(&f);
    struct policy *p = policy_load(&in, &f);
    if (!p)
        for (size_t i = 0; i < f.n; i++)
            print_error("%.*s\n", STR_ARG(f.items[i].message));
    findings_finish(&f);
    assert_non_null(p);
    return p;
}

static void terms(void **state)
{
    static const struct {
        const char *rule;
        bool found, has_approval, has_glass, wants_reason;
        uint32_t count;
        int64_t approval_s, glass_s;
        size_t n_approvers, n_told;
    } rows[] = {
        {"by-group", true, true, false, true, 2, 3600, 0, 0, 0},
        {"by-name", true, true, false, false, 1, 1800, 0, 2, 0},
        {"glass", true, false, true, false, 0, 0, 3600, 0, 1},
        {"short-glass", true, false, true, false, 0, 0, 900, 0, 1},
        {"hours", false},
        {"unknown", false},
        {"", false},
    };
    struct policy *p = load();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct policy_grant_terms t;
        bool found = policy_grant_terms(p, str_of(rows[i].rule), &t);
        if (found != rows[i].found || t.has_approval != rows[i].has_approval ||
            t.has_break_glass != rows[i].has_glass || t.wants_reason != rows[i].wants_reason ||
            t.count != rows[i].count || t.approval_s != rows[i].approval_s ||
            t.break_glass_s != rows[i].glass_s || t.n_approvers != rows[i].n_approvers ||
            t.n_told != rows[i].n_told)
            fail_msg("row %s", rows[i].rule);
        if (found)
            assert_true(str_eq(t.digest, policy_rule_digest(p, str_of(rows[i].rule))));
    }
    struct policy_grant_terms none;
    assert_false(policy_grant_terms(NULL, STR("glass"), &none));
    policy_unref(&p);
}

static void who_may_approve(void **state)
{
    static const str leads[] = {STR("leads")}, others[] = {STR("staff")};
    static const str suspended[] = {STR("leads"), STR("suspended")};
    static const struct {
        const char *row;
        struct policy_identity who;
        bool by_group, by_name;
    } rows[] = {
        {"of the group", {.groups_known = true, .groups = leads, .n_groups = 1}, true, false},
        {"of another", {.groups_known = true, .groups = others, .n_groups = 1}, false, false},
        {"groups unknown", {.groups_known = false}, false, false},
        {"by name",
         {.groups_known = true, .email = STR("lee@corp.example"), .email_verified = POLICY_TRUE},
         false,
         true},
        {"nobody vouches for the address",
         {.groups_known = true, .email = STR("lee@corp.example"), .email_verified = POLICY_FALSE},
         false,
         false},
        {"suspended", {.groups_known = true, .groups = suspended, .n_groups = 2}, false, false},
        {"by name, and nobody knows whether suspended",
         {.email = STR("lee@corp.example"), .email_verified = POLICY_TRUE},
         false,
         false},
        {"a machine",
         {.groups_known = true, .groups = leads, .n_groups = 1, .is_machine = true},
         false,
         false},
    };
    struct policy *p = load();
    const str vault = STR("vault"), other = STR("other");
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct policy_identity *who = &rows[i].who;
        if (policy_may_approve(p, STR("by-group"), vault, who, 0) != rows[i].by_group ||
            policy_may_approve(p, STR("by-name"), vault, who, 0) != rows[i].by_name ||
            policy_is_approver(p, who, 0) != (rows[i].by_group || rows[i].by_name) ||
            policy_may_approve(p, STR("glass"), vault, who, 0) ||
            policy_may_approve(p, STR("x"), vault, who, 0))
            fail_msg("row %s", rows[i].row);
    }
    assert_false(policy_may_approve(p, STR("by-group"), vault, NULL, 0));
    assert_false(policy_may_approve(NULL, STR("by-group"), vault, &rows[0].who, 0));
    /* Each app for itself, and no app is none. */
    assert_true(policy_may_approve(p, STR("by-group"), vault, &rows[0].who, 0));
    assert_false(policy_may_approve(p, STR("by-group"), other, &rows[0].who, 0));
    assert_false(policy_may_approve(p, STR("by-group"), STR("gone"), &rows[0].who, 0));
    assert_false(policy_is_approver(NULL, &rows[0].who, 0));
    policy_unref(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms),
        cmocka_unit_test(who_may_approve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
