/* Whose sessions are meant, their list and their end. */
#include "kit.h"

/* kim: 1 and 2 (two issuers), ann: 3, lee: 4 */
static struct store_db *four(void)
{
    struct store_db *db = kit_open();
    struct store_session in = kit_session("kim");
    int64_t id;
    in.email = STR("kim@corp.example");
    in.provider_sid = STR("s1");
    assert_ok(store_session_create(db, &in, &id, &kit_fail));
    in.issuer = STR("https://other");
    in.provider_sid = STR("s1");
    assert_ok(store_session_create(db, &in, &id, &kit_fail));
    kit_create(db, "ann");
    kit_create(db, "lee");
    return db;
}

static const struct row {
    struct store_match m;
    const char *ids; /* newest first; NULL: refused */
} ROWS[] = {
    {{.everybody = true}, "4 3 2 1 "},
    {{.session = 3}, "3 "},
    {{.issuer = STR("https://idp")}, "4 3 1 "},
    {{.issuer = STR("https://idp"), .subject = STR("kim")}, "1 "},
    {{.subject = STR("kim")}, "2 1 "},
    {{.email = STR("KIM@corp.example")}, "2 1 "},
    {{.issuer = STR("https://other"), .provider_sid = STR("s1")}, "2 "},
    {{.provider_sid = STR("s1"), .subject = STR("ann")}, ""},
    {{.handle = STR("0000")}, ""},
    {{.handle = STR("' OR 1 --")}, ""},
    {{.subject = STR("")}, ""},
    {{.session = 1, .everybody = true}, "1 "},
    {{0}, NULL},
};

static void lists_who_matches(void **state)
{
    struct store_db *db = four();
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct store_session *items;
        char ids[64] = "";
        size_t n;
        bool ok = store_sessions_list(db, &ROWS[i].m, 100, &kit_arena, &items, &n, &kit_fail);
        for (size_t k = 0; ok && k < n; k++)
            sprintf(ids + strlen(ids), "%lld ", (long long)items[k].id);
        if (ok != (ROWS[i].ids != NULL) || (ok && strcmp(ids, ROWS[i].ids) != 0))
            fail_msg("row %zu: %s", i, ids);
    }
    store_db_close(db);
}

static void ends_who_matches(void **state)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct store_db *db = four();
        size_t n = 7, wanted = 0;
        for (const char *p = ROWS[i].ids; p && *p; p++)
            wanted += *p == ' ';
        bool ok = store_sessions_end(db, &ROWS[i].m, "administrator", &n, &kit_fail);
        if (ok != (ROWS[i].ids != NULL) || (ok && n != wanted))
            fail_msg("row %zu: %zu ended", i, n);
        store_db_close(db);
        unlink(kit_path);
    }
}

static void tells_each_once(void **state)
{
    struct store_db *db = four();
    struct store_match m = {.subject = STR("kim")};
    size_t n;
    assert_ok(store_sessions_end(db, &m, "backchannel", &n, &kit_fail));
    assert_int_equal(n, 2);
    assert_told("ended 1 https://idp kim backchannel; ended 2 https://other kim backchannel; ");
    assert_ok(store_sessions_end(db, &m, "backchannel", &n, &kit_fail));
    assert_int_equal(n, 0);
    assert_told("");
    store_db_close(db);
}

static void ends_a_part_at_a_time(void **state)
{
    struct store_db *db = four();
    struct store_match m = {.everybody = true, .most = 3};
    static const size_t ENDED[] = {3, 1, 0};
    for (size_t i = 0; i < 3; i++) {
        size_t n;
        assert_ok(store_sessions_end(db, &m, "administrator", &n, &kit_fail));
        assert_int_equal(n, ENDED[i]);
    }
    store_db_close(db);
}

static void a_notice_that_failed_may_come_again(void **state)
{
    struct store_db *db = four();
    struct store_match m = {.subject = STR("kim")};
    const struct store_mark mark = {STR("logout-jti"), STR("a"), T0 + 100};
    bool is_fresh;
    size_t n;
    assert_ok(db_exec(db,
                      "CREATE TRIGGER full BEFORE UPDATE ON session"
                      " BEGIN SELECT RAISE(ABORT, 'full'); END",
                      &kit_fail));
    assert_false(store_sessions_end_once(db, &m, "backchannel", &mark, &is_fresh, &n, &kit_fail));
    assert_int_equal(n, 0);
    assert_ok(db_exec(db, "DROP TRIGGER full", &kit_fail));
    assert_ok(store_sessions_end_once(db, &m, "backchannel", &mark, &is_fresh, &n, &kit_fail));
    assert_true(is_fresh && n == 2);
    assert_ok(store_sessions_end_once(db, &m, "backchannel", &mark, &is_fresh, &n, &kit_fail));
    assert_true(!is_fresh && n == 0);
    store_db_close(db);
}

static void an_end_leaves_no_secret(void **state)
{
    struct store_db *db = kit_open();
    struct store_session in = kit_session("kim");
    struct store_match m = {.everybody = true};
    int64_t id;
    in.refresh_token = STR("r");
    assert_ok(store_session_create(db, &in, &id, &kit_fail));
    assert_ok(kit_cookie(db, id, 1, "wiki"));
    assert_ok(store_sessions_end(db, &m, "logout", NULL, &kit_fail));
    sqlite3_stmt *s =
        db_sql(db, "SELECT (SELECT count(*) FROM token) + (SELECT count(*) FROM cookie)", NULL);
    assert_int_equal(db_step(db, s, NULL), DB_ROW);
    assert_int_equal(db_int(s, 0), 0);
    store_db_close(db);
}

static void the_list_ends_where_it_is_told(void **state)
{
    const struct store_session *items;
    struct store_match m = {.everybody = true};
    struct store_db *db = four();
    size_t n;
    assert_ok(store_sessions_list(db, &m, 2, &kit_arena, &items, &n, &kit_fail));
    assert_int_equal(n, 2);
    assert_int_equal(items[0].id, 4);
    kit_now_s += 24 * HOUR;
    assert_ok(store_sessions_list(db, &m, 2, &kit_arena, &items, &n, &kit_fail));
    assert_int_equal(n, 0);
    store_db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
        T(lists_who_matches),
        T(ends_who_matches),
        T(ends_a_part_at_a_time),
        T(a_notice_that_failed_may_come_again),
        T(tells_each_once),
        T(an_end_leaves_no_secret),
        T(the_list_ends_where_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
