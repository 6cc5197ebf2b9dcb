/* store: the thread and its queue. One thread, one connection: SQLite is asked by nobody else, and
 * what it changes is told in the order in which it changed. */
#include "proxy/store/db.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"

/* A look costs microseconds; what it finds has a second for its way to thousands of WebSockets. */
enum { QUEUE = 4096, POLL_MS = 100 };

struct work {
    store_run_fn *run;
    store_done_fn *done;
    void *ctx;
};

struct store {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct work *queue; /* a ring of QUEUE; with the lock, like the next three */
    size_t first, n;
    bool is_closing;
    struct store_db *db; /* the thread's */
    int64_t polled_ms;
    bool is_poll_failing; /* told once */
};

static int64_t mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool store_post(struct store *s, store_run_fn *run, store_done_fn *done, void *ctx)
{
    pthread_mutex_lock(&s->lock);
    bool has_room = s->n < QUEUE && !s->is_closing;
    if (has_room)
        s->queue[(s->first + s->n++) % QUEUE] = (struct work){run, done, ctx};
    pthread_mutex_unlock(&s->lock);
    if (has_room)
        pthread_cond_signal(&s->more);
    return has_room;
}

/* ---- the thread ---- */

/* With the lock: until there is work, the end, or the next look at what others wrote. */
static void wait_for_work(struct store *s)
{
    int64_t until_ms = s->polled_ms + POLL_MS;
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    while (!s->n && !s->is_closing)
        if (pthread_cond_timedwait(&s->more, &s->lock, &until) == ETIMEDOUT)
            return;
}

static bool take(struct store *s, struct work *out, bool *is_over)
{
    pthread_mutex_lock(&s->lock);
    wait_for_work(s);
    bool has_work = s->n > 0;
    if (has_work) {
        *out = s->queue[s->first];
        s->first = (s->first + 1) % QUEUE;
        s->n--;
    }
    *is_over = !has_work && s->is_closing;
    pthread_mutex_unlock(&s->lock);
    return has_work;
}

/* Also under load: a revocation may not wait for a quiet moment. */
static void poll_when_due(struct store *s)
{
    struct fail f = {0};
    int64_t now_ms = mono_ms();
    if (now_ms - s->polled_ms < POLL_MS)
        return;
    s->polled_ms = now_ms;
    bool ok = change_poll(s->db, &f);
    if (!ok && !s->is_poll_failing)
        log_error("store.failed", f.text);
    s->is_poll_failing = !ok;
}

static void *run(void *arg)
{
    struct store *s = arg;
    for (bool is_over = false; !is_over;) {
        struct work w;
        if (take(s, &w, &is_over)) {
            w.run(s->db, w.ctx);
            if (w.done)
                w.done(w.ctx);
        }
        poll_when_due(s);
    }
    return NULL;
}

/* ---- life ---- */

static bool start_thread(struct store *s, struct fail *f)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->more, &attr);
    pthread_condattr_destroy(&attr);
    errno = pthread_create(&s->thread, NULL, run, s);
    if (!errno) {
        pthread_setname_np(s->thread, "store");
        return true;
    }
    fail_errno(f, "cannot start the thread of the store");
    pthread_cond_destroy(&s->more);
    pthread_mutex_destroy(&s->lock);
    return false;
}

static void release(struct store *s)
{
    store_db_close(s->db);
    free(s->queue);
    free(s);
}

struct store *store_open(const struct store_options *o, struct fail *f)
{
    struct store_db *db = store_db_open_server(o, f);
    if (!db)
        return NULL;
    struct store *s = mem_alloc(sizeof *s);
    s->db = db;
    s->queue = mem_alloc(QUEUE * sizeof *s->queue);
    s->polled_ms = mono_ms();
    if (start_thread(s, f))
        return s;
    release(s);
    return NULL;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->is_closing = true;
    pthread_mutex_unlock(&s->lock);
    pthread_cond_signal(&s->more);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->more);
    pthread_mutex_destroy(&s->lock);
    release(s);
}
