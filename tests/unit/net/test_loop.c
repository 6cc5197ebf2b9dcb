/* Loop, mailbox, watch, deadline, signal and job, on real descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proxy/net/net.h"

static struct loop *loop;

static int setup(void **state)
{
    loop = loop_create(NULL);
    return loop ? 0 : -1;
}

static int teardown(void **state)
{
    loop_destroy(loop);
    return 0;
}

/* --- mailbox --- */

enum { POSTERS = 4, MESSAGES = 2000 };

struct message {
    struct poster *from;
    int number;
};

struct poster {
    struct mailbox *to;
    pthread_t thread;
    struct message messages[MESSAGES];
    int next_seen; /* loop thread */
};

static struct poster posters[POSTERS];
static int received;

static void on_message(void *ctx, void *arg)
{
    struct message *m = arg;
    assert_ptr_equal(ctx, &received);
    assert_int_equal(m->number, m->from->next_seen);
    m->from->next_seen++;
    if (++received == POSTERS * MESSAGES)
        loop_stop(loop);
}

static void *post_all(void *arg)
{
    struct poster *p = arg;
    for (int i = 0; i < MESSAGES; i++) {
        p->messages[i] = (struct message){p, i};
        mailbox_post(p->to, on_message, &p->messages[i]);
    }
    return NULL;
}

static void every_message_arrives_once_and_in_order(void **state)
{
    struct mailbox *m = mailbox_open(loop, &received, NULL);
    received = 0;
    for (int p = 0; p < POSTERS; p++) {
        posters[p].to = m;
        pthread_create(&posters[p].thread, NULL, post_all, &posters[p]);
    }
    loop_run(loop);
    for (int p = 0; p < POSTERS; p++)
        pthread_join(posters[p].thread, NULL);
    assert_int_equal(received, POSTERS * MESSAGES);
    mailbox_close(m);
    assert_false(mailbox_post(m, on_message, NULL));
    loop_turn(loop, false);
    mailbox_destroy(m);
}

static void bump(void *ctx, void *arg)
{
    ++*(int *)arg;
}

static void closing_delivers_what_is_queued(void **state)
{
    int n = 0;
    struct mailbox *m = mailbox_open(loop, NULL, NULL);
    assert_true(mailbox_post(m, bump, &n) && mailbox_post(m, bump, &n));
    mailbox_close(m);
    assert_int_equal(n, 2);
    loop_turn(loop, false);
    assert_int_equal(n, 2);
    mailbox_destroy(m);
}

/* --- watch --- */

static unsigned seen;
static int calls, closed;

static void on_ready(struct watch *w, unsigned events)
{
    seen = events;
    calls++;
}

static void on_closed(struct watch *w)
{
    closed++;
}

static void a_watch_tells_what_is_wanted_only(void **state)
{
    int fds[2];
    struct watch w;
    calls = closed = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_true(watch_open(loop, &w, fds[0], on_ready, NULL));
    assert_int_equal(write(fds[1], "x", 1), 1);
    loop_turn(loop, false);
    assert_int_equal(calls, 0);
    watch_want(&w, WATCH_READ | WATCH_WRITE);
    loop_turn(loop, true);
    assert_int_equal(seen, WATCH_READ | WATCH_WRITE);
    watch_want(&w, WATCH_READ);
    loop_turn(loop, true);
    assert_int_equal(seen, WATCH_READ);
    watch_want(&w, 0);
    calls = 0;
    loop_turn(loop, false);
    assert_int_equal(calls, 0);
    watch_close(&w, on_closed);
    watch_close(&w, on_closed);
    loop_turn(loop, false);
    assert_int_equal(closed, 1);
    assert_int_equal(send(fds[1], "x", 1, MSG_NOSIGNAL), -1);
    close(fds[1]);
}

static void close_it(struct watch *w, unsigned events)
{
    calls++;
    watch_close(w, on_closed);
}

static void a_watch_may_be_closed_in_its_callback(void **state)
{
    int fds[2];
    struct watch w;
    calls = closed = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_true(watch_open(loop, &w, fds[0], close_it, NULL));
    watch_want(&w, WATCH_WRITE);
    loop_turn(loop, true);
    loop_turn(loop, false);
    assert_int_equal(calls, 1);
    assert_int_equal(closed, 1);
    close(fds[1]);
}

static void a_detached_descriptor_can_be_watched_again_at_once(void **state)
{
    int fds[2];
    struct watch first, second;
    calls = closed = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_true(watch_open(loop, &first, fds[0], close_it, NULL));
    watch_want(&first, WATCH_WRITE);
    int fd = watch_detach(&first, on_closed);
    assert_int_equal(fd, fds[0]);
    assert_true(watch_open(loop, &second, fd, on_ready, NULL));
    watch_want(&second, WATCH_WRITE);
    loop_turn(loop, true);
    assert_int_equal(calls, 1);
    assert_int_equal(seen, WATCH_WRITE);
    watch_close(&second, on_closed);
    loop_turn(loop, false);
    assert_int_equal(closed, 2);
    close(fds[1]);
}

static struct watch pair[2];

static void close_both(struct watch *w, unsigned events)
{
    calls++;
    watch_close(&pair[0], on_closed);
    watch_close(&pair[1], on_closed);
}

static void a_closed_watch_hears_nothing_more_of_the_same_turn(void **state)
{
    int fds[2];
    calls = closed = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    for (int i = 0; i < 2; i++) {
        assert_true(watch_open(loop, &pair[i], fds[i], close_both, NULL));
        watch_want(&pair[i], WATCH_WRITE);
    }
    loop_turn(loop, true);
    loop_turn(loop, false);
    assert_int_equal(calls, 1);
    assert_int_equal(closed, 2);
}

/* --- time --- */

static void stop_on_deadline(struct deadline *d)
{
    calls++;
    loop_stop(loop);
}

static void a_deadline_wakes_the_loop(void **state)
{
    struct deadline d, never;
    calls = 0;
    deadline_init(&d, stop_on_deadline);
    deadline_init(&never, stop_on_deadline);
    deadline_set(loop, &never, 1);
    int64_t before_ms = loop_now_ms(loop);
    deadline_set(loop, &d, 1);
    deadline_clear(loop, &never);
    loop_run(loop);
    assert_int_equal(calls, 1);
    assert_true(loop_now_ms(loop) > before_ms);
    assert_false(deadline_is_set(&d));
}

static void wall_time_is_now(void **state)
{
    int64_t us = loop_wall_us(loop);
    int64_t s = (int64_t)time(NULL);
    assert_true(us / 1000000 >= s - 5 && us / 1000000 <= s + 1);
    assert_int_equal(loop_wall_us(loop), us); /* the same all turn long */
    loop_turn(loop, false);
    assert_true(loop_wall_us(loop) >= us);
}

/* --- signal, job --- */

static void on_signal(void *ctx, int signum)
{
    assert_int_equal(signum, SIGUSR1);
    loop_stop(ctx);
    calls++;
}

static void a_signal_is_a_callback(void **state)
{
    calls = 0;
    struct signal_watch *s = signal_open(loop, SIGUSR1, on_signal, loop, NULL);
    assert_non_null(s);
    raise(SIGUSR1);
    loop_run(loop);
    assert_int_equal(calls, 1);
    signal_close(s);
}

static pthread_t job_thread;

static void on_run(void *ctx)
{
    job_thread = pthread_self();
}

static void on_done(void *ctx)
{
    assert_true(pthread_equal(pthread_self(), *(pthread_t *)ctx));
    assert_false(pthread_equal(pthread_self(), job_thread));
    loop_stop(loop);
}

static void a_job_runs_elsewhere_and_ends_here(void **state)
{
    pthread_t self = pthread_self();
    assert_true(job_start(loop, on_run, on_done, &self, NULL));
    loop_run(loop);
}

#define LOOP_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(every_message_arrives_once_and_in_order),
        LOOP_TEST(closing_delivers_what_is_queued),
        LOOP_TEST(a_watch_tells_what_is_wanted_only),
        LOOP_TEST(a_watch_may_be_closed_in_its_callback),
        LOOP_TEST(a_detached_descriptor_can_be_watched_again_at_once),
        LOOP_TEST(a_closed_watch_hears_nothing_more_of_the_same_turn),
        LOOP_TEST(a_deadline_wakes_the_loop),
        LOOP_TEST(wall_time_is_now),
        LOOP_TEST(a_signal_is_a_callback),
        LOOP_TEST(a_job_runs_elsewhere_and_ends_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
