/* Rotation, retention, compression; a live file that somebody else moves. */
#include "desk.h"

#include "base/arena.h"
#include "proxy/audit/files.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000, DAY = 86400 };

static size_t file_count(const struct desk *d)
{
    struct journal_files list;
    assert_true(files_list(&list, d->file, NULL));
    size_t n = list.n;
    files_finish(&list);
    return n;
}

static void by_size_with_the_chain_running_through(void **state)
{
    struct desk *d = *state;
    d->options.rotate_bytes = 64 * 1024;
    desk_open(d);
    for (int i = 0; i < 20; i++) {
        desk_put_many(d, i * 100, (i + 1) * 100);
        desk_turn(d, SECOND);
    }
    desk_put(d, 2000);
    desk_close(d);
    assert_in_range(file_count(d), 5, 8);
    struct verify_result r = desk_verify(d, VERIFY_GOOD);
    assert_int_equal(r.files, file_count(d));
    assert_int_equal(r.records, 2001 + 2 * r.files); /* journal and checkpoint in each */
    desk_open(d);
    desk_close(d);
    desk_verify(d, VERIFY_GOOD);
}

static void at_midnight(void **state)
{
    struct desk *d = *state;
    d->options.rotate_every_s = DAY;
    desk_open(d);
    desk_put(d, 1);
    desk_turn(d, 14LL * 3600 * SECOND); /* 23:30 */
    assert_int_equal(file_count(d), 1);
    desk_turn(d, 3600LL * SECOND);
    assert_int_equal(file_count(d), 2);
    char *path = desk_find(d, "access-20251126T003000Z-000000000001-00000000000");
    assert_non_null(path);
    free(path);
    desk_turn(d, DAY * (int64_t)SECOND); /* nothing happened: nothing to turn */
    assert_int_equal(file_count(d), 2);
    desk_close(d);
    desk_verify(d, VERIFY_GOOD);
}

static void old_files_go_and_the_rest_verifies(void **state)
{
    struct desk *d = *state;
    d->options.rotate_every_s = DAY;
    d->options.keep_s = 3 * DAY;
    desk_open(d);
    for (int day = 0; day < 10; day++) {
        desk_put_many(d, 0, 10);
        desk_turn(d, DAY * (int64_t)SECOND);
    }
    desk_close(d);
    assert_in_range(file_count(d), 3, 5);
    struct verify_result r = desk_verify(d, VERIFY_GOOD);
    assert_true(r.first_seq > 50);
}

/* The one place that waits for a thread: audit_close joins it. */
static void compressed_files_verify(void **state)
{
    struct desk *d = *state;
    d->options.rotate_bytes = 32 * 1024;
    desk_open(d);
    desk_put_many(d, 0, 300);
    desk_turn(d, SECOND);
    desk_close(d);
    char *path = desk_find(d, "access-2025");
    assert_non_null(path);
    _Atomic(bool) stop = false;
    struct fail f = {0};
    assert_true(files_compress(path, &stop, &f));
    assert_int_not_equal(access(path, F_OK), 0);
    desk_verify(d, VERIFY_GOOD);
    /* The live file is lost: the chain goes on from the compressed one. */
    unlink(d->file);
    unlink(d->state);
    desk_open(d);
    desk_put(d, 1);
    desk_close(d);
    desk_verify(d, VERIFY_GOOD);
    free(path);
}

static void compresses_beside_the_writer(void **state)
{
    struct desk *d = *state;
    char *gz = NULL;
    d->options.rotate_bytes = 32 * 1024;
    d->options.compress = true;
    desk_open(d);
    desk_put_many(d, 0, 300);
    desk_turn(d, SECOND);
    time_t end = time(NULL) + 20;
    while (!(gz = desk_find(d, "jsonl.gz")) && time(NULL) < end)
        sched_yield();
    assert_non_null(gz);
    free(gz);
    desk_close(d);
    desk_verify(d, VERIFY_GOOD);
}

static void a_moved_file_is_noticed(void **state)
{
    struct desk *d = *state;
    char moved[320];
    snprintf(moved, sizeof moved, "%s.moved", d->file);
    desk_open(d);
    desk_put_many(d, 0, 10);
    desk_turn(d, SECOND);
    assert_int_equal(rename(d->file, moved), 0);
    desk_put_many(d, 10, 20);
    desk_turn(d, SECOND);
    desk_put_many(d, 20, 30);
    desk_turn(d, SECOND);
    assert_int_equal(desk_count(d, "\"kind\":\"journal.replaced\""), 1);
    assert_int_equal(desk_count(d, "\"kind\":\"decision\""), 10);
    desk_close(d);
    size_t n;
    char *old = desk_read(moved, &n);
    assert_non_null(strstr(old, "\"n\":19,"));
    free(old);
    desk_verify(d, VERIFY_GOOD); /* from the new file's own tree */
}

static void a_foreign_file_is_kept_apart(void **state)
{
    struct desk *d = *state;
    desk_open(d);
    desk_put(d, 1);
    desk_turn(d, SECOND);
    unlink(d->file);
    desk_write(d->file, "mine\n", 5);
    desk_put(d, 2);
    desk_turn(d, SECOND);
    desk_put(d, 3);
    desk_turn(d, SECOND);
    char *foreign = desk_find(d, "foreign"), *text = desk_read(foreign, NULL);
    assert_string_equal(text, "mine\n");
    assert_int_equal(desk_count(d, "\"n\":3,"), 1);
    free(foreign);
    free(text);
}

static void a_crash_between_the_renames_is_healed(void **state)
{
    struct desk *d = *state;
    char *rotated;
    desk_open(d);
    desk_put_many(d, 0, 10);
    desk_turn(d, SECOND);
    desk_close(d);
    rotated = files_rotated_path(d->file, desk_wall_us / SECOND, 1, 12);
    assert_int_equal(rename(d->file, rotated), 0);
    free(rotated);
    char next[320];
    snprintf(next, sizeof next, "%s.new", d->file);
    desk_write(next, "", 0);
    desk_open(d);
    desk_put(d, 11);
    desk_close(d);
    assert_int_equal(desk_count(d, "\"kind\":\"journal.rolled_back\""), 0);
    assert_int_equal(desk_verify(d, VERIFY_GOOD).files, 2);
}

static void names_are_read_back(void **state)
{
    struct desk *d = *state;
    static const char *const no[] = {"access-x.jsonl", "access-20251126T003000Z-1.jsonl",
                                     "access-20251126T003000Z-0-5.jsonl", "access.jsonl.bak",
                                     "other-20251126T003000Z-1-5.jsonl"};
    char path[600];
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        snprintf(path, sizeof path, "%s/%s", d->folder, no[i]);
        desk_write(path, "", 0);
    }
    for (int i = 3; i > 0; i--) {
        char *name =
            files_rotated_path(d->file, 1764115200 - i, (uint64_t)i * 10, (uint64_t)i * 10 + 9);
        desk_write(name, "", 0);
        snprintf(path, sizeof path, "%s.gz", name);
        desk_write(path, "", 0);
        free(name);
    }
    struct journal_files list;
    assert_true(files_list(&list, d->file, NULL));
    assert_int_equal(list.n, 3); /* a plain file hides its .gz */
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(list.items[i].first_seq, (i + 1) * 10);
        assert_int_equal(list.items[i].last_seq, (i + 1) * 10 + 9);
        assert_false(list.items[i].is_live);
    }
    files_finish(&list);
}

int main(void)
{
#define on_desk(test) cmocka_unit_test_setup_teardown(test, desk_setup, desk_teardown)
    const struct CMUnitTest tests[] = {
        on_desk(by_size_with_the_chain_running_through),
        on_desk(at_midnight),
        on_desk(old_files_go_and_the_rest_verifies),
        on_desk(compressed_files_verify),
        on_desk(compresses_beside_the_writer),
        on_desk(a_moved_file_is_noticed),
        on_desk(a_foreign_file_is_kept_apart),
        on_desk(a_crash_between_the_renames_is_healed),
        on_desk(names_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
