/* The policy directory as one reading, and the time zones. */
#include "room.h"

#include "proxy/config/policyset.h"

#include "base/arena.h"

static void reads_sorted_and_only_yaml(void **state)
{
    struct arena a;
    struct policyset set, again;
    struct fail fail;
    arena_init(&a, NULL, 0);
    room_mkdir("p");
    room_write("p/b.yaml", "b");
    room_write("p/a.yaml", "a");
    room_write("p/.hidden.yaml", "x");
    room_write("p/b.yaml~", "x");
    room_write("p/notes.txt", "x");
    assert_true(policyset_read(room_path("p"), &a, &set, &fail));
    assert_int_equal(set.n, 2);
    assert_string_equal(set.about[0].name.p, "a.yaml");
    assert_string_equal(set.files[1].name.p, room_path("p/b.yaml"));
    assert_string_equal(set.files[1].bytes.p, "b");
    room_write("p/notes.txt", "y");
    assert_true(policyset_read(room_path("p"), &a, &again, &fail));
    assert_string_equal(set.digest, again.digest);
    room_write("p/a.yaml", "A");
    assert_true(policyset_read(room_path("p"), &a, &again, &fail));
    assert_string_not_equal(set.digest, again.digest);
    assert_true(policyset_read(room_path("p/a.yaml"), &a, &again, &fail));
    assert_int_equal(again.n, 1);
    arena_finish(&a);
}

static void warns_of_what_looks_like_a_policy(void **state)
{
    struct arena a;
    struct policyset set;
    struct findings f;
    struct fail fail = {0};
    arena_init(&a, NULL, 0);
    findings_init(&f);
    room_mkdir("y");
    room_write("y/.a.yml", "x");
    room_write("y/c.yml", "x");
    room_write("y/b.yml", "x");
    assert_false(policyset_read(room_path("y"), &a, &set, &fail));
    assert_non_null(strstr(fail.text, "(*.yaml); b.yml is not read"));
    room_write("y/a.yaml", "x");
    assert_true(policyset_read(room_path("y"), &a, &set, &fail));
    policyset_warn(&set, &f);
    assert_int_equal(f.warnings, 1);
    assert_string_equal(f.items[0].file.p, room_path("y/b.yml"));
    unlink(room_path("y/b.yml"));
    unlink(room_path("y/c.yml"));
    assert_true(policyset_read(room_path("y"), &a, &set, &fail));
    policyset_warn(&set, &f);
    assert_int_equal(f.warnings, 1);
    findings_finish(&f);
    arena_finish(&a);
}

static void refuses_what_is_no_set(void **state)
{
    struct arena a;
    struct policyset set;
    struct fail fail = {0};
    arena_init(&a, NULL, 0);
    room_mkdir("q");
    assert_false(policyset_read(room_path("q"), &a, &set, &fail));
    assert_non_null(strstr(fail.text, "holds no policy file"));
    assert_false(policyset_read(room_path("none"), &a, &set, &fail));
    assert_int_equal(mkfifo(room_path("q/x.yaml"), 0600), 0);
    assert_false(policyset_read(room_path("q"), &a, &set, &fail));
    assert_non_null(strstr(fail.text, "is not a regular file"));
    unlink(room_path("q/x.yaml"));
    room_mkdir("q/x.yaml");
    assert_false(policyset_read(room_path("q"), &a, &set, &fail));
    rmdir(room_path("q/x.yaml"));
    /* a link to nowhere never comes to rest */
    assert_int_equal(symlink("gone", room_path("q/x.yaml")), 0);
    assert_false(policyset_read(room_path("q"), &a, &set, &fail));
    assert_non_null(strstr(fail.text, "kept changing"));
    arena_finish(&a);
}

static void reads_through_links(void **state)
{
    struct arena a;
    struct policyset set;
    struct fail fail;
    arena_init(&a, NULL, 0);
    room_mkdir("k");
    room_mkdir("k/..v1");
    room_write("k/..v1/a.yaml", "one");
    assert_int_equal(symlink("..v1", room_path("k/..data")), 0);
    assert_int_equal(symlink("..data/a.yaml", room_path("k/a.yaml")), 0);
    assert_true(policyset_read(room_path("k"), &a, &set, &fail));
    assert_int_equal(set.n, 1);
    assert_string_equal(set.files[0].bytes.p, "one");
    arena_finish(&a);
}

static void zones_stay_in_their_directory(void **state)
{
    static const char *const bad[] = {"../secret", "/etc/passwd", "a/../../b", "", "a b", "a\\b"};
    struct arena a;
    arena_init(&a, NULL, 0);
    room_mkdir("zone");
    room_mkdir("zone/Europe");
    room_write("secret", "no");
    room_write("zone/Europe/Here", "TZif2");
    room_write("zone/tzdata.zi", "# version 2031a\n# more\n");
    struct zones z = zones_in(room_path("zone"));
    str got = zones_read(&z, &a, STR("Europe/Here"));
    assert_string_equal(got.p, "TZif2");
    assert_null(zones_read(&z, &a, STR("Europe/There")).p);
    assert_null(zones_read(&z, &a, STR("Europe")).p);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(zones_read(&z, &a, str_of(bad[i])).p);
    assert_true(str_eq(zones_version(&z, &a), STR("2031a")));
    struct zones none = zones_in(room_path("none"));
    assert_true(str_eq(zones_version(&none, &a), STR("unknown")));
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_sorted_and_only_yaml),
                                       cmocka_unit_test(warns_of_what_looks_like_a_policy),
                                       cmocka_unit_test(refuses_what_is_no_set),
                                       cmocka_unit_test(reads_through_links),
                                       cmocka_unit_test(zones_stay_in_their_directory)};
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
