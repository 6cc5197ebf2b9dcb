/* What time has ended. */
#include "kit.h"

static void sweep(struct store_db *db, int64_t idle_s)
{
    bool more = true;
    while (more)
        assert_ok(store_sweep(db, idle_s, &more, &kit_fail));
}

static int64_t count(struct store_db *db, const char *table)
{
    char text[64];
    sqlite3_stmt *s = NULL;
    snprintf(text, sizeof text, "SELECT count(*) FROM %s", table);
    assert_int_equal(sqlite3_prepare_v2(db->sql, text, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return n;
}

static void ends_the_idle_and_the_old(void **state)
{
    static const struct {
        int64_t at_s, idle_s;
        const char *told;
        int64_t rows;
    } rows[] = {
        {T0 + 100, 3600, "", 2},
        {T0 + 3599, 3600, "", 2},
        {T0 + 3600, 3600, "ended 1 https://idp kim idle; ", 2},
        {T0 + 9000, 0, "", 2},
        {T0 + 24 * HOUR - 1, 0, "", 2},
        {T0 + 24 * HOUR, 0, "ended 2 https://idp ann expired; ", 2},
        {T0 + 25 * HOUR - 1, 0, "", 2},
        {T0 + 25 * HOUR, 0, "", 1},
        {T0 + 48 * HOUR, 0, "", 0},
    };
    struct store_db *db = kit_open();
    kit_create(db, "kim");
    int64_t ann = kit_create(db, "ann");
    assert_ok(kit_cookie(db, ann, 1, "wiki"));
    assert_ok(store_sessions_touch(db, &(struct store_touch){ann, T0 + 9000}, 1, &kit_fail));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kit_now_s = rows[i].at_s;
        sweep(db, rows[i].idle_s);
        if (count(db, "session") != rows[i].rows)
            fail_msg("row %zu: %lld left", i, (long long)count(db, "session"));
        assert_told(rows[i].told);
    }
    assert_int_equal(count(db, "cookie"), 0);
    assert_int_equal(kit_create(db, "kim"), 3); /* no id is used again */
    store_db_close(db);
}

static void ends_grants_and_tells_their_person(void **state)
{
    struct store_db *db = kit_open();
    struct store_grant g = {.kind = STORE_GRANT_BREAK_GLASS,
                            .rule = STR("r"),
                            .rule_digest = STR("d"),
                            .app = STR("a"),
                            .issuer = STR("https://idp"),
                            .subject = STR("kim"),
                            .valid_for_s = 60};
    int64_t id;
    assert_ok(store_grant_open(db, &g, &id, &kit_fail));
    kit_told[0] = '\0';
    kit_now_s = T0 + 59;
    sweep(db, 0);
    assert_told("");
    kit_now_s = T0 + 60;
    sweep(db, 0);
    assert_told("person 0 https://idp kim expired; ");
    sweep(db, 0);
    assert_told("");
    kit_now_s += 24 * HOUR;
    sweep(db, 0);
    assert_int_equal(count(db, "grant_row"), 0);
    store_db_close(db);
}

static void lets_old_notes_go(void **state)
{
    struct store_db *db = kit_open();
    bool is_fresh;
    assert_ok(store_once(db, STR("jti"), STR("a"), T0 + 10, &is_fresh, &kit_fail));
    assert_ok(store_posture_put(db, STR("d"), STR("s"), STR("{}"), T0, &kit_fail));
    assert_ok(
        db_exec(db, "INSERT INTO change(kind, session, at_s) VALUES(1, 1, 1790000000)", &kit_fail));
    sweep(db, 0);
    assert_int_equal(count(db, "once") + count(db, "posture") + count(db, "change"), 3);
    kit_now_s += 24 * HOUR;
    sweep(db, 0);
    assert_int_equal(count(db, "once") + count(db, "change"), 0);
    assert_int_equal(count(db, "posture"), 1);
    kit_now_s += 90 * 24 * HOUR;
    sweep(db, 0);
    assert_int_equal(count(db, "posture"), 0);
    store_db_close(db);
}

static void takes_a_few_thousand_a_call(void **state)
{
    struct store_db *db = kit_open();
    bool more = false;
    assert_ok(db_exec(db,
                      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                      "4500) INSERT INTO session(handle, issuer_name, issuer, subject, claims, "
                      "created_s, seen_s, claims_s, ends_s) SELECT hex(randomblob(8)), 'i', 'i', "
                      "'s' || i, '{}', 0, 0, 0, 1 FROM n",
                      &kit_fail));
    for (int i = 0; i < 3; i++) {
        assert_ok(store_sweep(db, 0, &more, &kit_fail));
        assert_int_equal(more, i < 2);
        kit_told[0] = '\0';
    }
    store_db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
        T(ends_the_idle_and_the_old),
        T(ends_grants_and_tells_their_person),
        T(lets_old_notes_go),
        T(takes_a_few_thousand_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
