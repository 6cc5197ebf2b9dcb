/* The promises under faults: a full disk (a real limit), EIO (an injected call, a disk cannot be
 * asked for it), a slow disk, a killed process, several producers at once. */
#include "desk.h"

#include "base/arena.h"
#include "proxy/audit/writer.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000 };

/* ---- a full disk: the size limit of files, which short-writes as a full disk does ---- */

static void disk_ends_at(rlim_t bytes)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void disk_ends_soon(const struct desk *d)
{
    struct stat st;
    assert_int_equal(stat(d->file, &st), 0);
    disk_ends_at((rlim_t)st.st_size + 50); /* in the middle of a line */
}

static void a_full_disk_refuses_and_loses_nothing(void **state)
{
    struct desk *d = *state;
    struct audit_counts c;
    desk_open(d);
    desk_put_many(d, 0, 100);
    desk_turn(d, SECOND);
    desk_put_many(d, 100, 300);
    disk_ends_soon(d);
    desk_turn(d, SECOND);
    assert_false(audit_is_writable(d->audit));
    assert_false(desk_put(d, 999));
    desk_turn(d, SECOND);
    assert_false(audit_is_writable(d->audit));
    disk_ends_at(RLIM_INFINITY);
    int changes = d->changes;
    desk_turn(d, 1000); /* not at once: it is tried every 100 ms */
    assert_false(audit_is_writable(d->audit));
    desk_turn(d, SECOND);
    assert_true(audit_is_writable(d->audit));
    assert_int_equal(d->changes, changes + 1); /* who was refused is told */
    assert_true(desk_put(d, 300));
    desk_close(d);
    assert_int_equal(desk_count(d, "\"kind\":\"decision\""), 301);
    desk_verify(d, VERIFY_GOOD);
    d->options.boot = "b2";
    desk_open(d);
    audit_counts(d->audit, &c);
    assert_int_equal(c.lost, 0);
}

static void reservations_made_before_are_kept(void **state)
{
    struct desk *d = *state;
    desk_open(d);
    desk_turn(d, SECOND);
    for (int i = 0; i < 50; i++)
        assert_true(audit_reserve(d->ring, 2048)); /* requests on their way */
    disk_ends_soon(d);
    desk_put(d, 1);
    desk_turn(d, SECOND);
    assert_false(audit_is_writable(d->audit));
    for (int i = 0; i < 50; i++) {
        char *room = audit_begin(d->ring, 2048);
        int n = snprintf(room, 2048, "{\"kind\":\"decision\",\"held\":%d}", i);
        audit_commit(d->ring, (size_t)n, 2048);
    }
    assert_true(audit_append_forced(d->ring, STR("{\"kind\":\"visit.end\"}")));
    desk_turn(d, SECOND);
    disk_ends_at(RLIM_INFINITY);
    desk_turn(d, SECOND);
    desk_close(d);
    assert_int_equal(desk_count(d, "\"held\":"), 50);
    assert_int_equal(desk_count(d, "\"visit.end\""), 1);
    desk_verify(d, VERIFY_GOOD);
}

static void who_waits_for_the_disk_is_told(void **state)
{
    struct desk *d = *state;
    d->options.is_always = true;
    desk_open(d);
    desk_turn(d, SECOND);
    disk_ends_soon(d);
    desk_put(d, 1);
    audit_want(d->ring, 1);
    desk_turn(d, 1);
    assert_int_equal(d->changes, 1);
    assert_int_equal(audit_durable(d->ring), 0);
    assert_false(audit_is_writable(d->audit));
    disk_ends_at(RLIM_INFINITY);
    desk_turn(d, SECOND);
    assert_int_equal(audit_durable(d->ring), 1);
    assert_int_equal(d->changes, 2);
}

static void continue_drops_and_counts(void **state)
{
    struct desk *d = *state;
    struct audit_counts c;
    d->options.continues = true;
    desk_open(d);
    desk_turn(d, SECOND);
    disk_ends_soon(d);
    for (int i = 0; i < 20000; i++) {
        if (!desk_put(d, i)) {
            desk_turn(d, SECOND);
            assert_true(desk_put(d, i));
        }
    }
    assert_false(audit_is_writable(d->audit));
    audit_counts(d->audit, &c);
    assert_in_range(c.lost, 5000, 19000);
    disk_ends_at(RLIM_INFINITY);
    desk_turn(d, SECOND);
    desk_turn(d, SECOND);
    audit_counts(d->audit, &c);
    char text[64];
    snprintf(text, sizeof text,
             "\"kind\":\"journal.lost\",\"node\":\"desk\",\"boot\":\"b1\","
             "\"records\":%d,",
             (int)c.lost);
    desk_close(d);
    char *all = desk_read(d->file, NULL);
    assert_non_null(strstr(all, "\"kind\":\"journal.lost\""));
    free(all);
    snprintf(text, sizeof text, "\"records\":%d,", (int)c.lost);
    assert_int_equal(desk_count(d, text), 1);
    assert_int_equal(desk_count(d, "\"kind\":\"decision\""), 20000 - (int)c.lost);
    desk_verify(d, VERIFY_GOOD);
}

/* ---- EIO ---- */

static int failing_writes;
static atomic_int failing_syncs;
static atomic_bool loses_pages; /* what a failed sync does to data that was never written */
static uint64_t disk_bytes;

static ssize_t eio_pwrite(int fd, const void *p, size_t n, off_t at)
{
    if (failing_writes > 0) {
        failing_writes--;
        errno = EIO;
        return -1;
    }
    return pwrite(fd, p, n, at);
}

static int eio_sync(int fd)
{
    if (failing_syncs > 0) {
        failing_syncs--;
        if (loses_pages) {
            /* The page cache dropped what it could not write: old bytes come back. */
            off_t end = lseek(fd, 0, SEEK_END);
            static const char zeros[64 * 1024];
            if (pwrite(fd, zeros, (size_t)end - disk_bytes, (off_t)disk_bytes) < 0)
                abort();
        }
        errno = EIO;
        return -1;
    }
    disk_bytes = (uint64_t)lseek(fd, 0, SEEK_END);
    return 0;
}

static const struct audit_io bad_io = {eio_pwrite, eio_sync};

static void eio_of_a_write_is_tried_again(void **state)
{
    struct desk *d = *state;
    d->options.io = &bad_io;
    desk_open(d);
    desk_put_many(d, 0, 10);
    failing_writes = 3;
    for (int i = 0; i < 3; i++) {
        desk_turn(d, SECOND);
        assert_false(audit_is_writable(d->audit));
    }
    desk_turn(d, SECOND);
    assert_true(audit_is_writable(d->audit));
    desk_close(d);
    assert_int_equal(desk_count(d, "\"kind\":\"decision\""), 10);
    desk_verify(d, VERIFY_GOOD);
}

static void eio_of_a_sync_is_written_again(void **state)
{
    struct desk *d = *state;
    d->options.io = &bad_io;
    desk_open(d);
    desk_put_many(d, 0, 10);
    failing_syncs = 2;
    audit_want(d->ring, 10);
    desk_turn(d, SECOND);
    assert_false(audit_is_writable(d->audit));
    assert_int_equal(audit_durable(d->ring), 0);
    desk_turn(d, SECOND);
    assert_false(audit_is_writable(d->audit));
    desk_turn(d, SECOND);
    assert_true(audit_is_writable(d->audit));
    assert_int_equal(audit_durable(d->ring), 10);
    desk_close(d);
    assert_int_equal(desk_count(d, "\"kind\":\"decision\""), 10);
    desk_verify(d, VERIFY_GOOD);
}

static void what_a_sync_took_is_told(void **state)
{
    struct desk *d = *state;
    d->options.io = &bad_io;
    desk_open(d);
    desk_put_many(d, 0, 5);
    desk_turn(d, SECOND);
    desk_put_many(d, 5, 10);
    failing_syncs = 1;
    loses_pages = true;
    desk_turn(d, SECOND);
    loses_pages = false;
    desk_put(d, 10);
    assert_false(audit_is_writable(d->audit));
    desk_turn(d, SECOND);
    desk_turn(d, SECOND);
    assert_true(audit_is_writable(d->audit));
    desk_put(d, 11);
    desk_turn(d, SECOND);
    /* Whoever looks only now finds all of them settled, and those that are gone not on disk. */
    assert_int_equal(audit_durable(d->ring), 11);
    for (uint64_t ticket = 1; ticket <= 11; ticket++)
        assert_int_equal(audit_is_lost(d->ring, ticket), ticket > 5 && ticket <= 10);
    desk_close(d);
    assert_int_equal(desk_count(d, "\"kind\":\"decision\""), 6);
    assert_int_equal(desk_count(d, "\"kind\":\"journal.lost\""), 1);
    assert_int_equal(desk_count(d, "\"records\":5,"), 1);
    desk_verify(d, VERIFY_GOOD);
}

/* The disk says so once only: a second sync that succeeds says nothing about what the first lost.
 */
static void a_sync_that_fails_at_the_end_is_no_end(void **state)
{
    struct desk *d = *state;
    struct fail f = {0};
    time_t end = time(NULL) + 20;
    d->options.io = &bad_io;
    d->options.is_manual = false;
    d->options.wall_us = d->options.mono_us = NULL;
    d->audit = audit_open(&d->options, &f);
    assert_non_null(d->audit);
    d->ring = audit_ring_create(d->audit, NULL, NULL);
    desk_put_many(d, 0, 5);
    while (audit_durable(d->ring) < 5 && time(NULL) < end)
        sched_yield();
    assert_int_equal(audit_durable(d->ring), 5);
    loses_pages = true;
    failing_syncs = 1;
    desk_put_many(d, 5, 10);
    desk_close(d);
    assert_int_equal(failing_syncs, 0);
    assert_int_equal(desk_count(d, "\"kind\":\"decision\""), 5);
    assert_int_equal(desk_count(d, "\"kind\":\"journal.lost\""), 1);
    desk_verify(d, VERIFY_GOOD);
}

/* ---- a slow disk: the writer stands still in a call ---- */

static void a_slow_disk_fills_the_ring_and_then_refuses(void **state)
{
    struct desk *d = *state;
    desk_open(d);
    int n = 0;
    while (desk_put(d, n))
        n++;
    assert_in_range(n, 500, 5000);
    assert_true(audit_is_writable(d->audit)); /* busy, not broken */
    assert_int_equal(d->changes, 0);
    desk_turn(d, SECOND);
    assert_int_equal(d->changes, 1); /* there is room again */
    assert_true(desk_put(d, n));
    desk_close(d);
    assert_int_equal(desk_count(d, "\"kind\":\"decision\""), n + 1);
}

/* ---- with the real thread ---- */

struct producer {
    struct audit_ring *ring;
    pthread_t thread;
    int id, records;
};

enum { PRODUCERS = 4, EACH = 5000 };

static void *produce(void *arg)
{
    struct producer *p = arg;
    while (p->records < EACH) {
        size_t want = 1024 + (size_t)(p->records % 7) * 300;
        if (!audit_reserve(p->ring, want)) {
            sched_yield();
            continue;
        }
        char *room = audit_begin(p->ring, want);
        int n =
            snprintf(room, want, "{\"kind\":\"decision\",\"p\":%d,\"n\":%d}", p->id, p->records);
        audit_commit(p->ring, (size_t)n, want);
        if (++p->records % 500 == 0)
            audit_append_forced(p->ring, STR("{\"kind\":\"visit.end\"}"));
    }
    return NULL;
}

static void several_workers_and_one_writer(void **state)
{
    struct desk *d = *state;
    struct producer producers[PRODUCERS];
    struct fail f = {0};
    d->options.is_manual = false;
    d->options.wall_us = d->options.mono_us = NULL;
    d->options.rotate_bytes = 1024 * 1024;
    d->audit = audit_open(&d->options, &f);
    assert_non_null(d->audit);
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){audit_ring_create(d->audit, NULL, NULL), 0, i, 0};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    for (int i = 0; i < 100; i++)
        assert_true(audit_append(d->audit, STR("{\"kind\":\"policy.loaded\"}")));
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i].thread, NULL);
    desk_close(d);
    struct verify_result r = desk_verify(d, VERIFY_GOOD);
    assert_true(r.records >= PRODUCERS * (EACH + EACH / 500) + 100);
    assert_true(r.files > 1);
}

/* Every record whose ticket was durable is there after a kill, and the chain is whole. */
static void a_killed_process_keeps_its_promise(void **state)
{
    struct desk *d = *state;
    for (int round = 0; round < 3; round++) {
        int pipes[2], last = -1, n;
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct fail f = {0};
            d->options.is_manual = false;
            d->options.wall_us = d->options.mono_us = NULL;
            d->audit = audit_open(&d->options, &f);
            if (!d->audit)
                _exit(1);
            d->ring = audit_ring_create(d->audit, NULL, NULL);
            desk_wall_us = 1764063000000000;
            for (int i = 0;; i++) {
                if (!desk_put(d, i)) {
                    sched_yield();
                    continue;
                }
                audit_want(d->ring, (uint64_t)i + 1);
                while (i % 100 == 99 && audit_durable(d->ring) < (uint64_t)i + 1)
                    sched_yield();
                /* Answered: from here on it must be in the log. */
                if (i % 100 == 99 && write(pipes[1], &i, sizeof i) != sizeof i)
                    _exit(1);
            }
        }
        close(pipes[1]);
        for (int reads = 0; reads < 20 && read(pipes[0], &n, sizeof n) == sizeof n; reads++)
            last = n;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &n, sizeof n) == sizeof n)
            last = n;
        close(pipes[0]);
        assert_true(last >= 1999);
        d->options.is_manual = true;
        desk_wall_us = 1893456000000000; /* after whatever the child's clock said */
        desk_open(d);
        desk_close(d);
        desk_verify(d, VERIFY_GOOD);
        char text[32];
        snprintf(text, sizeof text, "\"n\":%d,", last);
        assert_true(desk_count(d, text) >= 1);
        assert_true(desk_count(d, "\"kind\":\"decision\"") > last);
    }
}

/* A record that came while the writer slept is written without anybody turning it. */
static void a_sleeping_writer_wakes(void **state)
{
    struct desk *d = *state;
    struct fail f = {0};
    struct audit_counts c;
    d->options.is_manual = false;
    d->options.wall_us = d->options.mono_us = NULL;
    d->audit = audit_open(&d->options, &f);
    assert_non_null(d->audit);
    d->ring = audit_ring_create(d->audit, NULL, NULL);
    time_t end = time(NULL) + 20;
    /* It sleeps as soon as a commit needs a wake-up. */
    for (c.wakes = 0; c.wakes < 3 && time(NULL) < end; audit_counts(d->audit, &c)) {
        while (!desk_put(d, 1))
            sched_yield();
        nanosleep(&(struct timespec){0, 40000000}, NULL);
    }
    assert_true(c.wakes >= 3);
    assert_true(audit_durable(d->ring) >= 1);
    desk_close(d);
    desk_verify(d, VERIFY_GOOD);
}

/* What came after a checkpoint is under the next one a minute after it, even when nobody comes. */
static void a_sleeping_writer_keeps_the_minute(void **state)
{
    struct desk *d = *state;
    desk_open(d);
    desk_turn(d, SECOND);
    struct journal_now now = writer_now(d->audit);
    assert_int_equal(writer_sleep_us(d->audit, now), 60 * SECOND); /* nothing came */
    desk_put(d, 1);
    desk_turn(d, 10 * SECOND);
    now = writer_now(d->audit);
    assert_int_equal(writer_sleep_us(d->audit, now), 49 * SECOND);
    now.mono_us += 60 * SECOND;
    assert_int_equal(writer_sleep_us(d->audit, now), 0);
    desk_turn(d, 49 * SECOND);
    assert_int_equal(desk_count(d, "\"kind\":\"checkpoint\""), 1);
    now = writer_now(d->audit);
    assert_int_equal(writer_sleep_us(d->audit, now), 60 * SECOND);
}

static int teardown(void **state)
{
    disk_ends_at(RLIM_INFINITY);
    loses_pages = false;
    failing_writes = failing_syncs = 0;
    return desk_teardown(state);
}

int main(void)
{
#define on_desk(test) cmocka_unit_test_setup_teardown(test, desk_setup, teardown)
    const struct CMUnitTest tests[] = {
        on_desk(a_full_disk_refuses_and_loses_nothing),
        on_desk(reservations_made_before_are_kept),
        on_desk(who_waits_for_the_disk_is_told),
        on_desk(continue_drops_and_counts),
        on_desk(eio_of_a_write_is_tried_again),
        on_desk(eio_of_a_sync_is_written_again),
        on_desk(what_a_sync_took_is_told),
        on_desk(a_sync_that_fails_at_the_end_is_no_end),
        on_desk(a_slow_disk_fills_the_ring_and_then_refuses),
        on_desk(several_workers_and_one_writer),
        on_desk(a_killed_process_keeps_its_promise),
        on_desk(a_sleeping_writer_wakes),
        on_desk(a_sleeping_writer_keeps_the_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
