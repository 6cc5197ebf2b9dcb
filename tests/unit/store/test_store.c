/* The thread: order, the queue's end, and what it hears from other processes. Threads wait for each
 * other here, never for a time. */
#include "kit.h"

#include <pthread.h>
#include <semaphore.h>

static sem_t told, gate;
static char log_text[4096]; /* of the store's thread; read after a sem_wait or the join */

static void note(const char *word)
{
    size_t n = strlen(log_text);
    snprintf(log_text + n, sizeof log_text - n, "%s ", word);
}

static void told_changed(void *ctx, const struct store_change *c)
{
    note(c->kind == STORE_SESSION_ENDED ? "ended" : "changed");
    sem_post(&told);
}

static struct store *open_thread(void)
{
    struct store_options o = kit_options();
    o.changed = told_changed;
    log_text[0] = '\0';
    sem_init(&told, 0, 0);
    sem_init(&gate, 0, 0);
    struct store *s = store_open(&o, &kit_fail);
    if (!s)
        fail_msg("%s", kit_fail.text);
    return s;
}

static void create(struct store_db *db, void *ctx)
{
    struct store_session in = kit_session("kim");
    int64_t id;
    note(store_session_create(db, &in, &id, NULL) ? "created" : "failed");
}

static void end_all(struct store_db *db, void *ctx)
{
    struct store_match m = {.everybody = true};
    note(store_sessions_end(db, &m, "logout", NULL, NULL) ? "ran" : "failed");
}

static void done(void *ctx)
{
    note("done");
}

static void done_told(void *ctx)
{
    sem_post(&told);
}

static void nothing(struct store_db *db, void *ctx)
{
}

static void wait_at_gate(struct store_db *db, void *ctx)
{
    sem_wait(&gate);
}

static void tells_after_the_commit_and_before_done(void **state)
{
    struct store *s = open_thread();
    assert_true(store_post(s, create, done, NULL));
    assert_true(store_post(s, end_all, done, NULL));
    store_close(s); /* runs what is queued */
    assert_string_equal(log_text, "created done ended ran done ");
}

static void a_full_queue_takes_no_more(void **state)
{
    struct store *s = open_thread();
    size_t n = 0;
    assert_true(store_post(s, wait_at_gate, NULL, NULL));
    while (store_post(s, nothing, NULL, NULL) && n < 5000)
        n++;
    /* 4096, and one if the thread had taken the first already */
    if (n != 4095 && n != 4096)
        fail_msg("%zu were taken", n);
    sem_post(&gate);
    store_close(s);
}

/* Heard although the thread has nothing to do, and although it never stops having something. */
static void spin(struct store_db *db, void *ctx)
{
    struct store *s = *(struct store **)ctx;
    (void)!store_post(s, spin, NULL, ctx);
}

static void hears_other_processes(void **state)
{
    for (int is_busy = 0; is_busy < 2; is_busy++) {
        struct store *s = open_thread();
        struct store_options o = kit_options();
        struct store_match m = {.everybody = true};
        o.changed = NULL;
        assert_true(store_post(s, create, done_told, NULL));
        sem_wait(&told);
        if (is_busy)
            assert_true(store_post(s, spin, NULL, &s));
        struct store_db *command = store_db_open(&o, true, &kit_fail);
        size_t n = 0;
        assert_ok(store_sessions_end(command, &m, "administrator", &n, &kit_fail));
        assert_int_equal(n, 1);
        sem_wait(&told);
        store_db_close(command);
        store_close(s);
        assert_non_null(strstr(log_text, "ended"));
        unlink(kit_path);
    }
}

static void *post_many(void *arg)
{
    for (int i = 0; i < 50; i++)
        while (!store_post(arg, create, NULL, NULL))
            ;
    return NULL;
}

static size_t n_listed;

static void list(struct store_db *db, void *ctx)
{
    struct store_match m = {.everybody = true};
    const struct store_session *items;
    struct arena a;
    arena_init(&a, NULL, 0);
    assert_true(store_sessions_list(db, &m, 1000, &a, &items, &n_listed, NULL));
    arena_finish(&a);
}

static void many_threads_may_post(void **state)
{
    struct store *s = open_thread();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, post_many, s);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(store_post(s, list, NULL, NULL));
    store_close(s);
    assert_int_equal(n_listed, 200);
}

static void closing_nothing_is_fine(void **state)
{
    struct store_options o = kit_options();
    o.path = "/nowhere/at/all.db";
    assert_null(store_open(&o, &kit_fail));
    assert_int_equal(kit_fail.code, FAIL_SYSTEM);
    store_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
        T(tells_after_the_commit_and_before_done),
        T(a_full_queue_takes_no_more),
        T(hears_other_processes),
        T(many_threads_may_post),
        T(closing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
