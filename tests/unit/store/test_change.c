/* What a command does beside a running server is heard there, once and in order. */
#include "kit.h"

static struct store_db *beside(void)
{
    struct store_options o = kit_options();
    o.changed = NULL;
    struct store_db *db = store_db_open(&o, true, &kit_fail);
    if (!db)
        fail_msg("%s", kit_fail.text);
    return db;
}

static void hears_what_a_command_ends(void **state)
{
    struct store_db *server = kit_open(), *command = beside();
    struct store_match m = {.subject = STR("kim")};
    struct store_seen seen;
    kit_create(server, "kim");
    int64_t ann = kit_create(server, "ann");
    kit_create(server, "kim");
    assert_ok(change_poll(server, &kit_fail));
    assert_told("");
    assert_ok(store_sessions_end(command, &m, "administrator", NULL, &kit_fail));
    assert_told(""); /* not yet looked */
    assert_ok(change_poll(server, &kit_fail));
    assert_told("ended 1 https://idp kim administrator; ended 3 https://idp kim administrator; ");
    assert_ok(change_poll(server, &kit_fail));
    assert_told("");
    assert_int_equal(store_session_by_id(server, ann, &kit_arena, &seen, &kit_fail), STORE_FOUND);
    store_db_close(command);
    store_db_close(server);
}

static void its_own_changes_are_told_once(void **state)
{
    struct store_db *server = kit_open();
    struct store_match m = {.everybody = true};
    kit_create(server, "kim");
    assert_ok(store_sessions_end(server, &m, "logout", NULL, &kit_fail));
    assert_told("ended 1 https://idp kim logout; ");
    assert_ok(change_poll(server, &kit_fail));
    assert_told("");
    store_db_close(server);
}

static void what_was_before_its_start_is_not_told(void **state)
{
    struct store_db *server = kit_open(), *command = beside();
    struct store_match m = {.everybody = true};
    kit_create(server, "kim");
    store_db_close(server);
    assert_ok(store_sessions_end(command, &m, "administrator", NULL, &kit_fail));
    server = kit_open();
    assert_ok(change_poll(server, &kit_fail));
    assert_told("");
    kit_create(server, "ann");
    assert_ok(store_sessions_end(command, &m, "user-removed", NULL, &kit_fail));
    assert_ok(change_poll(server, &kit_fail));
    assert_told("ended 2 https://idp ann user-removed; ");
    store_db_close(command);
    store_db_close(server);
}

static void many_are_heard_in_one_look(void **state)
{
    struct store_db *server = kit_open(), *command = beside();
    assert_ok(
        db_exec(command,
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                "1100) INSERT INTO change(kind, session, why, at_s) SELECT 1, i, 'x', 0 FROM n",
                &kit_fail));
    assert_ok(change_poll(server, &kit_fail));
    assert_int_equal(server->change_seq, 1100);
    store_db_close(command);
    store_db_close(server);
}

static void what_is_rolled_back_is_not_told(void **state)
{
    struct store_db *server = kit_open();
    struct store_change c = {.kind = STORE_SESSION_ENDED, .session = 1, .why = "logout"};
    assert_ok(db_begin(server, &kit_fail));
    assert_ok(change_note(server, &c, &kit_fail));
    assert_false(db_end(server, false, &kit_fail));
    assert_told("");
    store_db_close(server);
}

static void a_word_that_is_told_stays(void **state)
{
    char word[] = "backchannel";
    const char *why = change_why(str_of(word));
    word[0] = 'x';
    assert_string_equal(why, "backchannel");
    assert_string_equal(change_why(STR("anything")), "administrator");
    assert_string_equal(change_why((str){0}), "administrator");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
        T(hears_what_a_command_ends),
        T(its_own_changes_are_told_once),
        T(what_was_before_its_start_is_not_told),
        T(many_are_heard_in_one_look),
        T(what_is_rolled_back_is_not_told),
        T(a_word_that_is_told_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
