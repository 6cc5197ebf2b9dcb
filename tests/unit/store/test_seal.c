/* Tokens at rest: bound to key, row and column. */
#include "kit.h"

static str seal(struct store_db *db, int64_t row, enum seal_kind kind, const char *text)
{
    str out;
    assert_ok(seal_close(db, row, kind, str_of(text), &kit_arena, &out, &kit_fail));
    return out;
}

static void opens_what_it_closed(void **state)
{
    struct store_db *db = kit_open();
    str out, empty = seal(db, 7, SEAL_REFRESH_TOKEN, "");
    str x = seal(db, 7, SEAL_REFRESH_TOKEN, "secret"),
        y = seal(db, 7, SEAL_REFRESH_TOKEN, "secret");
    assert_int_equal(x.n, 6 + SEAL_MORE_BYTES);
    assert_false(str_eq(x, y)); /* another nonce */
    assert_false(str_contains(x, STR("secret")));
    assert_ok(seal_open(db, 7, SEAL_REFRESH_TOKEN, x, &kit_arena, &out, &kit_fail));
    assert_true(str_eq(out, STR("secret")));
    assert_ok(seal_open(db, 7, SEAL_REFRESH_TOKEN, empty, &kit_arena, &out, &kit_fail));
    assert_non_null(out.p);
    assert_int_equal(out.n, 0);
    assert_ok(seal_close(db, 7, SEAL_ID_TOKEN, (str){0}, &kit_arena, &out, &kit_fail));
    assert_null(out.p);
    store_db_close(db);
}

static void refuses_what_was_moved_or_changed(void **state)
{
    struct store_db *db = kit_open();
    str x = seal(db, 7, SEAL_REFRESH_TOKEN, "secret"), out;
    assert_false(seal_open(db, 8, SEAL_REFRESH_TOKEN, x, &kit_arena, &out, &kit_fail));
    assert_int_equal(kit_fail.code, FAIL_CRYPTO);
    assert_false(seal_open(db, 7, SEAL_ID_TOKEN, x, &kit_arena, &out, &kit_fail));
    assert_null(out.p);
    for (size_t i = 0; i < x.n; i++) {
        str copy = arena_dup(&kit_arena, x);
        ((char *)copy.p)[i] ^= 1;
        bool ok = seal_open(db, 7, SEAL_REFRESH_TOKEN, copy, &kit_arena, &out, &kit_fail);
        /* the name of a key that there is not: as if it had gone */
        bool names_key = i >= 1 && i < 5;
        if (ok != names_key || out.p)
            fail_msg("byte %zu", i);
    }
    for (size_t n = 0; n < x.n; n++)
        if (seal_open(db, 7, SEAL_REFRESH_TOKEN, str_upto(x, n), &kit_arena, &out, &kit_fail))
            fail_msg("cut to %zu", n);
    store_db_close(db);
}

static void an_old_key_opens_and_a_dropped_one_does_not(void **state)
{
    unsigned char rotated[2][32];
    struct store_db *db = kit_open();
    str x = seal(db, 7, SEAL_REFRESH_TOKEN, "secret"), out;
    memcpy(rotated[0], kit_keys[1], 32);
    memcpy(rotated[1], kit_keys[0], 32);
    assert_ok(store_seal_keys(db, (const unsigned char(*)[32])rotated, 2, &kit_fail));
    assert_ok(seal_open(db, 7, SEAL_REFRESH_TOKEN, x, &kit_arena, &out, &kit_fail));
    assert_true(str_eq(out, STR("secret")));
    assert_int_not_equal(memcmp(seal(db, 7, SEAL_REFRESH_TOKEN, "secret").p, x.p, 5), 0);
    assert_ok(store_seal_keys(db, (const unsigned char(*)[32])rotated, 1, &kit_fail));
    assert_ok(seal_open(db, 7, SEAL_REFRESH_TOKEN, x, &kit_arena, &out, &kit_fail));
    assert_null(out.p);
    assert_ok(store_seal_keys(db, NULL, 0, &kit_fail));
    assert_false(seal_close(db, 7, SEAL_ID_TOKEN, STR("x"), &kit_arena, &out, &kit_fail));
    store_db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
        T(opens_what_it_closed),
        T(refuses_what_was_moved_or_changed),
        T(an_old_key_opens_and_a_dropped_one_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
