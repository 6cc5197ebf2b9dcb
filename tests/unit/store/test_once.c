/* What may be used once, and the documents of devices. */
#include "kit.h"

static void a_value_is_fresh_once(void **state)
{
    static const struct {
        const char *what, *value;
        int64_t at_s, expires_s;
        bool is_fresh;
    } rows[] = {
        {"jti", "a", T0, T0 + 100, true},
        {"jti", "a", T0, T0 + 100, false},
        {"jti", "b", T0, T0 + 100, true},
        {"posture", "a", T0, T0 + 100, true},
        {"jt", "ia", T0, T0 + 100, true},
        {"jti", "", T0, T0 + 100, true},
        {"jti", "a", T0 + 99, T0 + 9, false},
        {"jti", "a", T0 + 219, T0 + 300, false},
        {"jti", "a", T0 + 220, T0 + 300, true},
        {"jti", "a", T0 + 221, T0 + 300, false},
        /* expired by our clock and not by theirs: remembered all the same */
        {"jti", "late", T0 + 50, T0, true},
        {"jti", "late", T0 + 60, T0, false},
    };
    struct store_db *db = kit_open();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool is_fresh = !rows[i].is_fresh;
        kit_now_s = rows[i].at_s;
        assert_ok(store_once(db, str_of(rows[i].what), str_of(rows[i].value), rows[i].expires_s,
                             &is_fresh, &kit_fail));
        if (is_fresh != rows[i].is_fresh)
            fail_msg("row %zu", i);
    }
    store_db_close(db);
}

static void the_newest_document_counts(void **state)
{
    struct store_db *db = kit_open();
    const struct store_posture *items;
    size_t n;
    assert_ok(store_posture_put(db, STR("d1"), STR("mdm"), STR("{\"a\":1}"), T0, &kit_fail));
    assert_ok(store_posture_put(db, STR("d1"), STR("mdm"), STR("{\"a\":2}"), T0 + 5, &kit_fail));
    assert_ok(store_posture_put(db, STR("d1"), STR("mdm"), STR("{\"a\":0}"), T0 - 5, &kit_fail));
    assert_ok(store_posture_put(db, STR("d2"), STR("mdm"), STR("{}"), T0, &kit_fail));
    assert_ok(store_postures_list(db, T0, &kit_arena, &items, &n, &kit_fail));
    assert_int_equal(n, 2);
    assert_true(str_eq(items[1].facts_json, STR("{\"a\":2}")));
    assert_ok(store_postures_list(db, T0 + 1, &kit_arena, &items, &n, &kit_fail));
    assert_int_equal(n, 1);
    assert_true(str_eq(items[0].device, STR("d1")));
    store_db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_value_is_fresh_once, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(the_newest_document_counts, kit_setup, kit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
