/* What the record policy.loaded tells. */
#include "world.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

static const char *written(const struct snapshot *now, const struct snapshot *before)
{
    static char buf[4096];
    struct jout j;
    jout_init(&j, buf, sizeof buf - 1);
    jout_open(&j, '{');
    loaded_write(&j, now, before, "SIGHUP");
    jout_close(&j, '}');
    assert_false(j.overflow);
    buf[j.n] = '\0';
    return buf;
}

static void names_what_changed(void **state)
{
    struct findings f;
    world_make();
    room_write("policies/a.yaml", "version: 1\n# one\n");
    room_write("policies/b.yaml", "version: 1\n# one\n");
    struct snapshot *before = world_build(NULL, &f);
    findings_finish(&f);
    const char *text = written(before, NULL);
    assert_non_null(strstr(text, "\"generation\":1"));
    assert_non_null(strstr(text, "\"trigger\":\"SIGHUP\""));
    assert_non_null(strstr(text, "\"changed_total\":3"));
    assert_null(strstr(text, "commit"));
    room_write("policies/a.yaml", "version: 1\n# two\n");
    unlink(room_path("policies/b.yaml"));
    struct snapshot *now = world_build(before, &f);
    findings_finish(&f);
    text = written(now, before);
    assert_non_null(strstr(text, "\"files\":[{\"name\":\"a.yaml\",\"digest\":\""));
    assert_null(strstr(text, "inventory.yaml"));
    assert_non_null(strstr(text, "\"removed\":[\"b.yaml\"],\"changed_total\":2"));
    snapshot_unref(&before);
    snapshot_unref(&now);
}

static void finds_the_commit(void **state)
{
    char out[LOADED_COMMIT_CHARS + 1];
    world_make();
    assert_false(loaded_commit(room_path("policies"), out));
    room_mkdir(".git");
    room_mkdir(".git/refs");
    room_write(".git/HEAD", COMMIT "\n");
    assert_true(loaded_commit(room_path("policies"), out));
    assert_string_equal(out, COMMIT);
    room_write(".git/HEAD", "ref: refs/main\n");
    assert_false(loaded_commit(room_path("policies"), out));
    room_write(".git/packed-refs", "# pack-refs\n" COMMIT " refs/main\n");
    assert_true(loaded_commit(room_path("policies"), out));
    room_write(".git/refs/main", "not a commit\n");
    assert_false(loaded_commit(room_path("policies"), out));
    room_write(".git/HEAD", "ref: ../../etc/passwd\n");
    assert_false(loaded_commit(room_path("policies"), out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_what_changed),
                                       cmocka_unit_test(finds_the_commit)};
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
