/* Small files, read whole, and the modes of keys. */
#include "room.h"

#include "proxy/config/disk.h"
#include "proxy/config/inputs.h"

static void reads_up_to_the_limit(void **state)
{
    struct arena a;
    struct fail fail = {0};
    str s;
    arena_init(&a, NULL, 0);
    room_write("ten", "0123456789");
    assert_true(disk_read(room_path("ten"), 10, &a, &s, &fail));
    assert_int_equal(s.n, 10);
    assert_int_equal(s.p[10], 0);
    assert_false(disk_read(room_path("ten"), 9, &a, &s, &fail));
    assert_int_equal(fail.code, FAIL_LIMIT);
    assert_false(disk_read(room_path("none"), 9, &a, &s, &fail));
    assert_int_equal(fail.code, FAIL_NOT_FOUND);
    assert_false(disk_read(room, 9, &a, &s, &fail));
    arena_finish(&a);
}

static void holds_keys_to_their_mode(void **state)
{
    static const struct {
        unsigned mode;
        bool good;
    } rows[] = {{0600, true},  {0400, true},  {0640, true},
                {0660, false}, {0604, false}, {0602, false}};
    struct arena a;
    str s;
    arena_init(&a, NULL, 0);
    room_write("key", "k");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(chmod(room_path("key"), rows[i].mode), 0);
        if (disk_read_secret(room_path("key"), 9, &a, &s, NULL) != rows[i].good)
            fail_msg("mode %04o", rows[i].mode);
    }
    arena_finish(&a);
}

static void holds_the_key_directory_to_its_mode(void **state)
{
    struct fail fail = {0};
    room_mkdir("state");
    assert_true(disk_check_keys(room_path("state"), &fail));
    room_mkdir("state/keys");
    assert_false(disk_check_keys(room_path("state"), &fail));
    assert_non_null(strstr(fail.text, "has mode 0755 and must have 0700"));
    assert_int_equal(chmod(room_path("state/keys"), 0700), 0);
    assert_true(disk_check_keys(room_path("state"), &fail));
    room_write("state/keys/seal", "k");
    assert_int_equal(chmod(room_path("state/keys/seal"), 0640), 0);
    assert_false(disk_check_keys(room_path("state"), &fail));
    assert_non_null(strstr(fail.text, "seal has mode 0640 and must have 0600"));
    assert_int_equal(chmod(room_path("state/keys/seal"), 0600), 0);
    assert_true(disk_check_keys(room_path("state"), &fail));
    assert_int_equal(rename(room_path("state/keys"), room_path("state/real")), 0);
    assert_int_equal(symlink("real", room_path("state/keys")), 0);
    assert_false(disk_check_keys(room_path("state"), &fail));
}

static void digest_of(const char *const *names, size_t n, char out[DIGEST_HEX_CHARS + 1])
{
    struct arena a;
    struct inputs in;
    str s;
    arena_init(&a, NULL, 0);
    inputs_init(&in, &a);
    for (size_t i = 0; i < n; i++)
        inputs_read(&in, str_of(names[i]), 99, false, &s, NULL);
    inputs_finish(&in, out);
    arena_finish(&a);
}

static void inputs_tell_every_change(void **state)
{
    const char *const one[] = {room_path("i1"), room_path("i2")};
    char before[DIGEST_HEX_CHARS + 1], after[DIGEST_HEX_CHARS + 1];
    room_write("i1", "ab");
    digest_of(one, 2, before);
    digest_of(one, 2, after);
    assert_string_equal(before, after);
    room_write("i2", "");
    digest_of(one, 2, after);
    assert_string_not_equal(before, after);
    room_write("i1", "a");
    room_write("i2", "b");
    digest_of(one, 2, before);
    room_write("i1", "ab");
    room_write("i2", "");
    digest_of(one, 2, after);
    assert_string_not_equal(before, after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_up_to_the_limit),
                                       cmocka_unit_test(holds_keys_to_their_mode),
                                       cmocka_unit_test(holds_the_key_directory_to_its_mode),
                                       cmocka_unit_test(inputs_tell_every_change)};
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
