/* Which writes are on the disk when they are answered. Counted where SQLite asks the system. */
#include "kit.h"

#include <sys/syscall.h>

static unsigned n_syncs;

/* In place of the C library's: whoever is linked with the program calls these. */
__attribute__((visibility("default"))) int fsync(int fd)
{
    n_syncs++;
    return (int)syscall(SYS_fsync, fd);
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    n_syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

static unsigned syncs_since(unsigned before)
{
    return n_syncs - before;
}

static void log_ins_wait_for_no_disk(void **state)
{
    struct store_db *db = kit_open();
    struct store_touch touch = {0};
    unsigned before = n_syncs;
    touch.session = kit_create(db, "kim");
    touch.seen_s = T0 + 5;
    assert_ok(kit_cookie(db, touch.session, 7, "app.example"));
    assert_ok(store_sessions_touch(db, &touch, 1, &kit_fail));
    assert_int_equal(syncs_since(before), 0);
    store_db_close(db);
}

/* Each of these after a log-in: what was left unsynced must not rub off. */
static void what_must_hold_is_synced(void **state)
{
    struct store_db *db = kit_open();
    size_t n;
    bool is_fresh;
    int64_t id = kit_create(db, "kim");
    struct store_match one = {.session = id};
    unsigned before = n_syncs;
    assert_ok(store_purpose_state(db, id, STR("wiki"), STR("audit"), &kit_fail));
    assert_true(syncs_since(before) > 0);
    /* A log-in that fails, too. */
    assert_false(kit_cookie(db, id + 1, 7, "app.example"));
    before = n_syncs;
    assert_ok(store_once(db, STR("jti"), STR("a"), T0 + 60, &is_fresh, &kit_fail));
    assert_true(syncs_since(before) > 0);
    kit_create(db, "lee");
    before = n_syncs;
    assert_ok(store_sessions_end(db, &one, "logout", &n, &kit_fail));
    assert_true(syncs_since(before) > 0);
    store_db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(log_ins_wait_for_no_disk, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(what_must_hold_is_synced, kit_setup, kit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
