/* Syncs beside the writer: what is written meanwhile, and what a failed one costs. */
#include "desk.h"
#include "proxy/audit/syncer.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static sem_t begun, let_go;
static atomic_bool is_slow, is_bad;

static int sync_that_waits(int fd)
{
    if (atomic_load(&is_slow)) {
        sem_post(&begun);
        while (sem_wait(&let_go) != 0)
            continue;
    }
    if (!atomic_exchange(&is_bad, false))
        return 0;
    errno = EIO;
    return -1;
}

static ssize_t plain_pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite(fd, p, n, at);
}

static const struct audit_io slow_io = {plain_pwrite, sync_that_waits};

static void a_result_is_taken_once(void **state)
{
    struct syncer *s = syncer_create(sync_that_waits);
    int error = -1;
    assert_non_null(s);
    assert_false(syncer_take(s, &error));
    syncer_begin(s, -1);
    assert_int_equal(syncer_wait(s), 0);
    assert_false(syncer_take(s, &error));
    atomic_store(&is_bad, true);
    syncer_begin(s, -1);
    assert_int_equal(syncer_wait(s), EIO);

    atomic_store(&is_slow, true);
    syncer_begin(s, -1);
    sem_wait(&begun);
    assert_false(syncer_take(s, &error));
    sem_post(&let_go);
    assert_int_equal(syncer_wait(s), 0);
    syncer_begin(s, -1); /* not taken: destroy waits for it */
    sem_post(&let_go);
    syncer_destroy(s);
    syncer_destroy(NULL);
}

static void open_with_thread(struct desk *d)
{
    d->options.is_manual = false;
    d->options.wall_us = d->options.mono_us = NULL;
    d->options.io = &slow_io;
    desk_open(d);
    atomic_store(&is_slow, true);
}

static void wait_for_line(const struct desk *d, const char *text)
{
    time_t end = time(NULL) + 20;
    while (desk_count(d, text) == 0 && time(NULL) < end)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    assert_int_equal(desk_count(d, text), 1);
}

static void let_all_go(void)
{
    atomic_store(&is_slow, false);
    sem_post(&let_go);
}

/* A killed process would keep all of this. */
static void a_slow_sync_keeps_no_record_back(void **state)
{
    struct desk *d = *state;
    open_with_thread(d);
    assert_true(desk_put(d, 1));
    sem_wait(&begun);
    for (int n = 2; n < 5; n++) {
        char text[16];
        assert_true(desk_put(d, n));
        snprintf(text, sizeof text, "\"n\":%d,", n);
        wait_for_line(d, text);
    }
    assert_int_equal(audit_durable(d->ring), 0);
    let_all_go();
    desk_close(d);
    desk_verify(d, VERIFY_GOOD);
}

static void a_failed_one_is_written_again(void **state)
{
    struct desk *d = *state;
    struct audit_counts c;
    open_with_thread(d);
    assert_true(desk_put(d, 1));
    sem_wait(&begun);
    assert_true(desk_put(d, 2));
    wait_for_line(d, "\"n\":2,");
    atomic_store(&is_bad, true);
    let_all_go();
    time_t end = time(NULL) + 20;
    do {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        audit_counts(d->audit, &c);
    } while ((c.errors == 0 || !c.is_writable) && time(NULL) < end);
    assert_int_equal(c.errors, 1);
    assert_true(desk_put(d, 3));
    desk_close(d);
    assert_int_equal(desk_count(d, "\"kind\":\"decision\""), 3);
    desk_verify(d, VERIFY_GOOD);
}

static int setup(void **state)
{
    sem_init(&begun, 0, 0);
    sem_init(&let_go, 0, 0);
    atomic_store(&is_slow, false);
    atomic_store(&is_bad, false);
    return desk_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_result_is_taken_once, setup, desk_teardown),
        cmocka_unit_test_setup_teardown(a_slow_sync_keeps_no_record_back, setup, desk_teardown),
        cmocka_unit_test_setup_teardown(a_failed_one_is_written_again, setup, desk_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
