/* The journal on a real disk: what is written when, and how it is taken up again. */
#include "desk.h"

#include "base/arena.h"
#include "proxy/audit/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECOND = 1000000 };

static void begins_with_kind_and_format(void **state)
{
    struct desk *d = *state;
    desk_open(d);
    char *text = desk_read(d->file, NULL);
    assert_ptr_equal(strstr(text, "{\"time\":\"2025-11-25T09:30:00.000000Z\",\"kind\":\"journal\","
                                  "\"node\":\"desk\",\"boot\":\"b1\",\"format\":1,"),
                     text);
    assert_non_null(strstr(text, ",\"seq\":1,\"prev\":\"00000000000000000000000000000000"));
    free(text);
    desk_put_many(d, 0, 10);
    desk_turn(d, SECOND);
    assert_int_equal(desk_count(d, "\"kind\":\"decision\""), 10);
    desk_close(d);
    struct verify_result r = desk_verify(d, VERIFY_GOOD);
    assert_int_equal(r.records, 12);
    assert_int_equal(r.signatures, 2);
}

static void syncs_a_batch_every_50_ms(void **state)
{
    struct desk *d = *state;
    struct audit_counts c;
    desk_open(d);
    desk_turn(d, SECOND);
    audit_counts(d->audit, &c);
    uint64_t syncs = c.syncs;
    for (int ms = 0; ms < 500; ms += 5) {
        desk_put(d, ms);
        desk_turn(d, 5000);
    }
    audit_counts(d->audit, &c);
    assert_in_range(c.syncs - syncs, 9, 11);
    assert_in_range(audit_durable(d->ring), 89, 100);
    assert_int_equal(d->changes, 0); /* nobody waited */
    desk_turn(d, 50000);
    assert_int_equal(audit_durable(d->ring), 100);
    audit_counts(d->audit, &c);
    syncs = c.syncs;
    desk_turn(d, SECOND);
    desk_turn(d, SECOND);
    audit_counts(d->audit, &c);
    assert_int_equal(c.syncs, syncs); /* nothing new, nothing to sync */
}

static void syncs_at_once_what_is_wanted(void **state)
{
    struct desk *d = *state;
    d->options.is_always = true;
    desk_open(d);
    assert_true(audit_is_always(d->audit));
    desk_turn(d, SECOND);
    desk_put(d, 0);
    desk_turn(d, SECOND);
    for (uint64_t ticket = 2; ticket < 20; ticket++) {
        assert_true(desk_put(d, 1));
        assert_int_equal(audit_durable(d->ring), ticket - 1);
        audit_want(d->ring, ticket);
        desk_turn(d, 1);
        assert_int_equal(audit_durable(d->ring), ticket);
        assert_int_equal(d->changes, ticket - 1);
    }
}

static void goes_on_after_a_restart(void **state)
{
    struct desk *d = *state;
    for (int run = 0; run < 5; run++) {
        desk_open(d);
        desk_put_many(d, 0, 300 * run);
        desk_turn(d, SECOND);
        desk_close(d);
        desk_verify(d, VERIFY_GOOD);
    }
    assert_int_equal(desk_count(d, "\"kind\":\"journal.resumed\""), 4);
    assert_int_equal(desk_count(d, "\"kind\":\"journal.broken\""), 0);
    assert_int_equal(desk_count(d, "\"kind\":\"clock.stepped\""), 0);
    assert_int_equal(desk_verify(d, VERIFY_GOOD).records, 3000 + 1 + 4 + 4);
}

static void append_to(const char *path, const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, text, n), n);
    close(fd);
}

static void keeps_a_torn_end_apart(void **state)
{
    struct desk *d = *state;
    static const char zeros[5000];
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
        {"{\"time\":\"2025", 13},
        {zeros, sizeof zeros},
        {"{\"a\":1}\n{\"b\"", 12},
        {"\n", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        desk_wall_us += SECOND;
        desk_open(d);
        desk_put_many(d, 0, 100);
        desk_turn(d, SECOND);
        desk_close(d);
        append_to(d->file, rows[i].text, rows[i].n);
        desk_open(d);
        char *torn = desk_find(d, "torn");
        assert_non_null(torn);
        size_t n;
        char *kept = desk_read(torn, &n);
        assert_int_equal(n, rows[i].n);
        assert_memory_equal(kept, rows[i].text, n);
        unlink(torn);
        free(torn);
        free(kept);
        desk_close(d);
        assert_int_equal(desk_count(d, "\"kind\":\"journal.torn\""), i + 1);
        desk_verify(d, VERIFY_GOOD);
    }
}

static void takes_up_a_file_cut_anywhere(void **state)
{
    struct desk *d = *state;
    size_t n;
    desk_open(d);
    desk_put_many(d, 0, 20);
    desk_turn(d, SECOND);
    desk_close(d);
    char *whole = desk_read(d->file, &n);
    for (size_t cut = 0; cut < n; cut += 97) {
        desk_write(d->file, whole, cut);
        unlink(d->state); /* the cut itself is another test */
        desk_open(d);
        desk_put(d, 1);
        desk_close(d);
        desk_verify(d, VERIFY_GOOD);
    }
    free(whole);
}

static void tells_a_rolled_back_journal(void **state)
{
    struct desk *d = *state;
    size_t n;
    desk_open(d);
    desk_put_many(d, 0, 100);
    desk_turn(d, SECOND);
    desk_close(d);
    char *old = desk_read(d->file, &n);
    desk_open(d);
    desk_put_many(d, 100, 200);
    desk_turn(d, SECOND);
    desk_close(d);
    desk_write(d->file, old, n);
    free(old);
    desk_open(d);
    desk_close(d);
    assert_int_equal(desk_count(d, "\"kind\":\"journal.rolled_back\""), 1);
    desk_verify(d, VERIFY_ROLLED_BACK);
}

static void tells_a_journal_that_is_gone(void **state)
{
    struct desk *d = *state;
    desk_open(d);
    desk_put_many(d, 0, 100);
    desk_close(d);
    unlink(d->file);
    desk_open(d);
    desk_close(d);
    assert_int_equal(desk_count(d, "\"kind\":\"journal.rolled_back\""), 1);
}

static void tells_a_chain_broken_before_the_restart(void **state)
{
    struct desk *d = *state;
    size_t n;
    desk_open(d);
    desk_put_many(d, 0, 100);
    desk_turn(d, SECOND);
    char *text = desk_read(d->file, &n);
    desk_close(d);
    char *edit = strstr(text, "\"n\":50,");
    edit[4] = '6';
    desk_write(d->file, text, n);
    free(text);
    unlink(d->state);
    desk_open(d);
    desk_close(d);
    assert_int_equal(desk_count(d, "\"kind\":\"journal.broken\""), 1);
    assert_int_equal(desk_count(d, "\"broken_seq\":53"), 1); /* the one behind 52, which is n 50 */
    assert_int_equal(desk_verify(d, VERIFY_EDITED).bad_seq, 52);
}

static void makes_checkpoints_by_number_and_time(void **state)
{
    struct desk *d = *state;
    struct audit_counts c;
    d->options.ring_bytes = 2 * 1024 * 1024;
    desk_open(d);
    desk_put_many(d, 0, 25000);
    desk_turn(d, 1000);
    audit_counts(d->audit, &c);
    assert_int_equal(c.checkpoints, 2);
    desk_turn(d, 59 * SECOND);
    desk_turn(d, 2 * SECOND);
    audit_counts(d->audit, &c);
    assert_int_equal(c.checkpoints, 3);
    for (int i = 0; i < 10; i++)
        desk_turn(d, 61 * SECOND);
    audit_counts(d->audit, &c);
    assert_int_equal(c.checkpoints, 3); /* an idle log does not grow */
    desk_close(d);
    desk_verify(d, VERIFY_GOOD);
}

static void notes_a_clock_set_back(void **state)
{
    struct desk *d = *state;
    desk_open(d);
    desk_put(d, 1);
    desk_turn(d, SECOND);
    desk_wall_us -= 3600LL * SECOND;
    desk_put(d, 2);
    desk_turn(d, SECOND);
    assert_int_equal(desk_count(d, "\"kind\":\"clock.stepped\""), 1);
    assert_int_equal(desk_count(d, "\"back_us\":3600000000,"), 1);
    desk_wall_us -= SECOND / 2; /* steered, not stepped */
    desk_turn(d, SECOND);
    desk_wall_us += 7200LL * SECOND;
    desk_turn(d, SECOND);
    assert_int_equal(desk_count(d, "\"kind\":\"clock.stepped\""), 1);
    desk_close(d);
    desk_wall_us -= 60LL * SECOND; /* while it was down */
    desk_open(d);
    assert_int_equal(desk_count(d, "\"kind\":\"clock.stepped\""), 2);
    desk_close(d);
    desk_verify(d, VERIFY_GOOD);
}

static void refuses_what_is_no_journal(void **state)
{
    struct desk *d = *state;
    static const char *const rows[] = {
        "hello\n",
        "{\"kind\":\"decision\"}\n",
        "{\"time\":\"x\",\"kind\":\"journal\",\"format\":1}\n",
        "{\"kind\":\"decision\",\"seq\":1,\"prev\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\"}\n",
        "{\"kind\":\"journal\",\"format\":2,\"seq\":1,\"prev\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\"}\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fail f = {0};
        desk_write(d->file, rows[i], strlen(rows[i]));
        if (audit_open(&d->options, &f))
            fail_msg("row %zu is taken", i);
        assert_true(f.text[0]);
        char *text = desk_read(d->file, NULL);
        assert_string_equal(text, rows[i]); /* untouched */
        free(text);
    }
}

static void refuses_a_second_writer(void **state)
{
    struct desk *d = *state;
    struct fail f = {0};
    desk_open(d);
    assert_null(audit_open(&d->options, &f));
    assert_int_equal(f.code, FAIL_BUSY);
    desk_put(d, 1);
    desk_close(d);
    desk_verify(d, VERIFY_GOOD);
}

static void refuses_a_folder_that_is_not_there(void **state)
{
    struct desk *d = *state;
    struct fail f = {0};
    d->options.file = "/nonexistent/access.jsonl";
    assert_null(audit_open(&d->options, &f));
    assert_non_null(strstr(f.text, "/nonexistent/access.jsonl"));
}

static void takes_records_of_any_thread(void **state)
{
    struct desk *d = *state;
    desk_open(d);
    assert_true(audit_append(d->audit, STR("{\"kind\":\"policy.loaded\"}")));
    assert_true(audit_append_forced(d->ring, STR("{\"kind\":\"visit.end\"}")));
    desk_turn(d, SECOND);
    assert_int_equal(desk_count(d, "\"kind\":\"policy.loaded\",\"seq\":2"), 1);
    assert_int_equal(desk_count(d, "\"kind\":\"visit.end\",\"seq\":3"), 1);
}

static void standard_output_is_a_journal_too(void **state)
{
    struct desk *d = *state;
    char path[320];
    snprintf(path, sizeof path, "%s.out", d->file);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!freopen(path, "we", stdout))
            _exit(1);
        d->options.file = "-";
        d->options.rotate_bytes = 100;
        desk_open(d);
        desk_put_many(d, 0, 10);
        desk_turn(d, SECOND);
        desk_close(d);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(rename(path, d->file), 0);
    assert_int_equal(desk_verify(d, VERIFY_GOOD).records, 12);
}

static void null_sink_is_for_benchmarks(void **state)
{
    struct desk *d = *state;
    struct fail f = {0};
    d->options.is_null = true;
#ifdef POSTERN_BENCH
    desk_open(d);
    assert_true(audit_reserve(d->ring, 100));
    assert_null(audit_begin(d->ring, 100));
    assert_int_equal(audit_commit(d->ring, 0, 100), 0);
    assert_true(audit_append(d->audit, STR("{}")) && audit_append_forced(d->ring, STR("{}")));
    assert_true(audit_durable(d->ring) > 1);
#else
    assert_null(audit_open(&d->options, &f));
    assert_int_equal(f.code, FAIL_UNSUPPORTED);
#endif
}

int main(void)
{
#define on_desk(test) cmocka_unit_test_setup_teardown(test, desk_setup, desk_teardown)
    const struct CMUnitTest tests[] = {
        on_desk(begins_with_kind_and_format),
        on_desk(syncs_a_batch_every_50_ms),
        on_desk(syncs_at_once_what_is_wanted),
        on_desk(goes_on_after_a_restart),
        on_desk(keeps_a_torn_end_apart),
        on_desk(takes_up_a_file_cut_anywhere),
        on_desk(tells_a_rolled_back_journal),
        on_desk(tells_a_journal_that_is_gone),
        on_desk(tells_a_chain_broken_before_the_restart),
        on_desk(makes_checkpoints_by_number_and_time),
        on_desk(notes_a_clock_set_back),
        on_desk(refuses_what_is_no_journal),
        on_desk(refuses_a_second_writer),
        on_desk(refuses_a_folder_that_is_not_there),
        on_desk(takes_records_of_any_thread),
        on_desk(standard_output_is_a_journal_too),
        on_desk(null_sink_is_for_benchmarks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
