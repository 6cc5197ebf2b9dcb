/* Approvals and broken glass: asked, given, taken back, over. */
#include "kit.h"

static struct store_grant question(const char *subject)
{
    return (struct store_grant){.kind = STORE_GRANT_APPROVAL,
                                .rule = STR("prod"),
                                .rule_digest = STR("d1"),
                                .app = STR("db"),
                                .issuer = STR("https://idp"),
                                .subject = str_of(subject),
                                .email = STR("kim@corp.example"),
                                .purpose = STR("repair"),
                                .valid_for_s = HOUR,
                                .count_needed = 2,
                                .request_id = STR("ab12")};
}

static void the_same_question_is_asked_once(void **state)
{
    struct store_db *db = kit_open();
    struct store_grant q = question("kim"), other = question("ann"), changed = question("kim");
    int64_t a, b, c, d;
    changed.rule_digest = STR("d2");
    assert_ok(store_grant_ask(db, &q, &a, &kit_fail));
    assert_ok(store_grant_ask(db, &q, &b, &kit_fail));
    assert_ok(store_grant_ask(db, &other, &c, &kit_fail));
    assert_ok(store_grant_ask(db, &changed, &d, &kit_fail));
    assert_int_equal(a, b);
    assert_true(a != c && a != d && c != d);
    kit_now_s += STORE_ASKED_S;
    assert_ok(store_grant_ask(db, &q, &b, &kit_fail));
    assert_int_not_equal(a, b);
    assert_told("");
    store_db_close(db);
}

static void opens_when_enough_have_approved(void **state)
{
    static const struct {
        const char *who;
        enum store_found found;
        enum store_grant_state state;
        const char *approvers, *told;
    } rows[] = {
        {"boss", STORE_FOUND, STORE_GRANT_ASKED, "[{\"subject\":\"boss\"}]", ""},
        {"boss", STORE_ABSENT, 0, NULL, ""},
        {"lead", STORE_FOUND, STORE_GRANT_OPEN, "[{\"subject\":\"boss\"},{\"subject\":\"lead\"}]",
         "person 0 https://idp kim grant; "},
        {"more", STORE_ABSENT, 0, NULL, ""},
    };
    struct store_db *db = kit_open();
    struct store_grant q = question("kim"), g;
    struct store_seen seen;
    int64_t id, session = kit_create(db, "kim");
    assert_ok(store_grant_ask(db, &q, &id, &kit_fail));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"subject\":\"%s\"}", rows[i].who);
        if (store_grant_approve(db, id, str_of(json), str_of(rows[i].who), &kit_arena, &g,
                                &kit_fail) != rows[i].found)
            fail_msg("row %zu", i);
        if (rows[i].found == STORE_FOUND &&
            (g.state != rows[i].state || !str_eq(g.approvers, str_of(rows[i].approvers))))
            fail_msg("row %zu: %.*s", i, STR_ARG(g.approvers));
        assert_told(rows[i].told);
    }
    store_session_by_id(db, session, &kit_arena, &seen, &kit_fail);
    assert_int_equal(seen.n_grants, 1);
    assert_int_equal(seen.grants[0].expires_s, T0 + HOUR);
    assert_true(str_eq(seen.grants[0].purpose, STR("repair")));
    kit_now_s += HOUR; /* ends by itself, swept or not */
    store_session_by_id(db, session, &kit_arena, &seen, &kit_fail);
    assert_int_equal(seen.n_grants, 0);
    store_db_close(db);
}

static void closes_once(void **state)
{
    static const struct {
        enum store_grant_state state;
        enum store_found found;
    } rows[] = {{STORE_GRANT_OPEN, STORE_FAILED},
                {STORE_GRANT_ASKED, STORE_FAILED},
                {STORE_GRANT_REFUSED, STORE_FOUND},
                {STORE_GRANT_WITHDRAWN, STORE_ABSENT}};
    struct store_db *db = kit_open();
    struct store_grant q = question("kim"), g;
    int64_t id;
    assert_ok(store_grant_ask(db, &q, &id, &kit_fail));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (store_grant_close(db, id, rows[i].state, &kit_arena, &g, &kit_fail) != rows[i].found)
            fail_msg("row %zu", i);
    assert_told("person 0 https://idp kim grant; ");
    assert_int_equal(store_grant_approve(db, id, STR("{}"), STR("boss"), &kit_arena, &g, &kit_fail),
                     STORE_ABSENT);
    assert_int_equal(store_grant_by_id(db, id, &kit_arena, &g, &kit_fail), STORE_FOUND);
    assert_int_equal(g.state, STORE_GRANT_REFUSED);
    assert_int_equal(store_grant_by_id(db, 99, &kit_arena, &g, &kit_fail), STORE_ABSENT);
    store_db_close(db);
}

static void broken_glass_is_open_at_once(void **state)
{
    struct store_db *db = kit_open();
    struct store_grant q = question("kim"), never = question("kim");
    const struct store_grant *items;
    size_t n;
    int64_t id, again;
    q.kind = STORE_GRANT_BREAK_GLASS;
    never.valid_for_s = 0;
    assert_false(store_grant_open(db, &never, &id, &kit_fail));
    assert_ok(store_grant_open(db, &q, &id, &kit_fail));
    assert_told("person 0 https://idp kim grant; ");
    assert_ok(store_grant_open(db, &q, &again, &kit_fail)); /* a second click */
    assert_int_equal(again, id);
    assert_told("");
    q = question("ann");
    assert_ok(store_grant_ask(db, &q, &id, &kit_fail));
    const struct {
        str issuer, subject;
        size_t n;
    } rows[] = {{{0}, {0}, 2},
                {STR("https://idp"), STR("kim"), 1},
                {STR("https://idp"), STR("lee"), 0},
                {STR("https://other"), STR("kim"), 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_ok(store_grants_list(db, rows[i].issuer, rows[i].subject, &kit_arena, &items, &n,
                                    &kit_fail));
        if (n != rows[i].n)
            fail_msg("row %zu: %zu", i, n);
    }
    store_db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
        T(the_same_question_is_asked_once),
        T(opens_when_enough_have_approved),
        T(closes_once),
        T(broken_glass_is_open_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
