/* Our secret keys: made, kept, refused. */
#include "room.h"

#include "proxy/config/keyring.h"

enum { DAY = 86400, T0 = 1790000000 };

static const char *text_of(const char *name)
{
    static char text[8192];
    FILE *file = fopen(room_path(name), "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    fclose(file);
    return text;
}

static struct keyring *open_good(const char *state, enum keyring_name name)
{
    struct fail f = {0};
    struct keyring *k = keyring_open(room_path(state), name, T0, &f);
    if (!k)
        fail_msg("%s: %s", keyring_word(name), f.text);
    return k;
}

static bool is_same_key(const struct keyring *x, const struct keyring *y)
{
    return memcmp(x->secrets[0], y->secrets[0], sizeof x->secrets[0]) == 0 &&
           str_eq(x->pems[0], y->pems[0]);
}

static void makes_each_key_once(void **state)
{
    struct stat st;
    room_mkdir("a");
    for (enum keyring_name name = 0; name < KEYRING_COUNT; name++) {
        char path[64];
        struct keyring *k = open_good("a", name), *again = open_good("a", name);
        snprintf(path, sizeof path, "a/keys/%s", keyring_word(name));
        assert_int_equal(stat(room_path(path), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(k->n, 1);
        assert_int_equal(k->made_s[0], T0);
        assert_memory_equal(k->secrets, again->secrets, sizeof k->secrets);
        assert_true(str_eq(k->pems[0], again->pems[0]));
        assert_int_equal(name <= KEYRING_ISSUER, k->pems[0].n > 100);
        keyring_close(&k);
        assert_null(k);
        keyring_close(&again);
    }
    assert_int_equal(stat(room_path("a/keys"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    keyring_close(&(struct keyring *){NULL});
}

static void rotates_and_keeps_what_is_still_about(void **state)
{
    static const struct {
        int64_t at_s, keep_s;
        size_t n;
    } rows[] = {
        {T0 + 1 * DAY, DAY, 2},      {T0 + 1 * DAY + 60, DAY, 3}, {T0 + 2 * DAY + 30, DAY, 3},
        {T0 + 9 * DAY, DAY, 2},      {T0 + 9 * DAY, DAY, 3},      {T0 + 10 * DAY, 0, 1},
        {T0 + 10 * DAY, 9 * DAY, 2},
    };
    struct fail f = {0};
    room_mkdir("b");
    for (enum keyring_name name = KEYRING_ISSUER; name <= KEYRING_SEAL; name++) {
        struct keyring *k = open_good("b", name);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            if (!keyring_rotate(room_path("b"), name, rows[i].keep_s, rows[i].at_s, &f))
                fail_msg("row %zu: %s", i, f.text);
            struct keyring *next = open_good("b", name);
            if (next->n != rows[i].n || next->made_s[0] != rows[i].at_s)
                fail_msg("row %zu: %zu generations", i, next->n);
            assert_false(is_same_key(next, k));
            keyring_close(&k);
            k = next;
        }
        keyring_close(&k);
    }
}

static void reads_again_and_makes_nothing(void **state)
{
    struct fail f = {0};
    room_mkdir("g");
    assert_null(keyring_read(room_path("g"), KEYRING_COOKIE, &f));
    assert_int_equal(f.code, FAIL_NOT_FOUND);
    struct keyring *first = open_good("g", KEYRING_COOKIE);
    struct keyring *same = keyring_read(room_path("g"), KEYRING_COOKIE, &f);
    assert_true(keyring_same(first, same));
    keyring_close(&same);
    assert_true(keyring_rotate(room_path("g"), KEYRING_COOKIE, DAY, T0 + 1, &f));
    struct keyring *next = keyring_read(room_path("g"), KEYRING_COOKIE, &f);
    assert_int_equal(next->n, 2);
    assert_false(keyring_same(first, next));
    assert_memory_equal(next->secrets[1], first->secrets[0], sizeof first->secrets[0]);
    struct keyring *held = keyring_ref(first);
    keyring_close(&first);
    assert_memory_equal(next->secrets[1], held->secrets[0], sizeof held->secrets[0]);
    keyring_close(&held);
    keyring_close(&next);
    assert_null(keyring_ref(NULL));
}

static void keeps_no_more_than_it_has_room_for(void **state)
{
    struct fail f = {0};
    room_mkdir("c");
    for (int i = 0; i < KEYRING_GENERATIONS - 1; i++)
        assert_true(keyring_rotate(room_path("c"), KEYRING_ASSERTION, DAY, T0 + i, &f));
    assert_false(keyring_rotate(room_path("c"), KEYRING_ASSERTION, DAY, T0 + 99, &f));
    assert_int_equal(f.code, FAIL_LIMIT);
    assert_true(keyring_rotate(room_path("c"), KEYRING_ASSERTION, 0, T0 + 99, &f));
}

static void refuses_what_is_open_to_others(void **state)
{
    static const struct {
        unsigned folder, file;
        const char *told;
    } rows[] = {{0755, 0600, "keys has mode 0755 and must have 0700"},
                {0700, 0640, "seal has mode 0640 and must have 0600"},
                {0700, 0604, "seal has mode 0604 and must have 0600"},
                {0700, 0400, "seal has mode 0400 and must have 0600"}};
    struct fail f = {0};
    room_mkdir("d");
    struct keyring *k = open_good("d", KEYRING_SEAL);
    keyring_close(&k);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(chmod(room_path("d/keys/seal"), rows[i].file), 0);
        assert_int_equal(chmod(room_path("d/keys"), rows[i].folder), 0);
        if (keyring_open(room_path("d"), KEYRING_SEAL, T0, &f) || !strstr(f.text, rows[i].told))
            fail_msg("row %zu: %s", i, f.text);
        assert_false(keyring_rotate(room_path("d"), KEYRING_SEAL, DAY, T0, &f));
    }
}

static void refuses_what_is_no_key(void **state)
{
    static const struct {
        const char *text, *told;
    } rows[] = {
        {"", "damaged"},
        {"postern-key seal 1\n", "damaged"},
        {"postern-key seal 2\nmade 1\n", "newer format"},
        {"postern-key cookie 1\nmade 1\n", "another kind"},
        {"postern-key seal 1\nmade 1\nabcd\n", "damaged"},
        {"postern-key seal 1\nmade x\n"
         "0000000000000000000000000000000000000000000000000000000000000000\n",
         "damaged"},
        {"postern-key seal 1\nmade 1\n"
         "0000000000000000000000000000000000000000000000000000000000000000\nrest\n",
         "generation 2"},
        {"postern-key seal 1\nmade 1\n-----BEGIN PRIVATE KEY-----\n", "damaged"},
    };
    struct fail f = {0};
    room_mkdir("e");
    struct keyring *k = open_good("e", KEYRING_SEAL);
    keyring_close(&k);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        room_write("e/keys/seal", rows[i].text);
        if (keyring_open(room_path("e"), KEYRING_SEAL, T0, &f) || !strstr(f.text, rows[i].told))
            fail_msg("row %zu: %s", i, f.text);
        /* And never written over. */
        assert_false(keyring_rotate(room_path("e"), KEYRING_SEAL, DAY, T0, &f));
        assert_string_equal(text_of("e/keys/seal"), rows[i].text);
    }
    assert_int_equal(symlink("seal", room_path("e/keys/cookie")), 0);
    assert_null(keyring_open(room_path("e"), KEYRING_COOKIE, T0, &f));
    assert_null(keyring_open(room_path("nowhere"), KEYRING_COOKIE, T0, &f));
}

static void refuses_a_pem_of_another_kind(void **state)
{
    struct fail f = {0};
    room_mkdir("f");
    struct keyring *k = open_good("f", KEYRING_ASSERTION);
    keyring_close(&k);
    room_write("f/keys/assertion",
               "postern-key assertion 1\nmade 1\n-----BEGIN PRIVATE KEY-----\n"
               "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
               "-----END PRIVATE KEY-----\n");
    assert_null(keyring_open(room_path("f"), KEYRING_ASSERTION, T0, &f));
    assert_non_null(strstr(f.text, "damaged"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_each_key_once),
        cmocka_unit_test(rotates_and_keeps_what_is_still_about),
        cmocka_unit_test(reads_again_and_makes_nothing),
        cmocka_unit_test(keeps_no_more_than_it_has_room_for),
        cmocka_unit_test(refuses_what_is_open_to_others),
        cmocka_unit_test(refuses_what_is_no_key),
        cmocka_unit_test(refuses_a_pem_of_another_kind),
    };
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
