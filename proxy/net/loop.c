/* loop: see loop.h. Time is read once per turn: uv_now for the monotonic clock, and the wall clock
 * on first use after each wait. */
#include "proxy/net/loop_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"

bool loop_fail(struct fail *f, int uv_error, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return fail_set(f, FAIL_SYSTEM, "%s: %s", what, uv_strerror(uv_error));
}

static void forget_wall(struct loop *loop)
{
    loop->wall_us = 0;
}

static void on_before_wait(uv_prepare_t *handle)
{
    struct loop *loop = handle->data;
    if (loop->turn_fn)
        loop->turn_fn(loop->turn_ctx);
    forget_wall(loop);
}

static void on_after_wait(uv_check_t *handle)
{
    forget_wall(handle->data);
}

static void wheel_rearm(struct loop *loop);

static void on_wheel_timer(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    forget_wall(loop); /* timers run before on_before_wait */
    loop->wheel_timer_ms = -1;
    wheel_advance(&loop->wheel, loop_now_ms(loop));
    wheel_rearm(loop);
}

static void wheel_rearm(struct loop *loop)
{
    int64_t next_ms = wheel_next_ms(&loop->wheel), now_ms = loop_now_ms(loop);
    if (next_ms < 0 || (loop->wheel_timer_ms >= 0 && loop->wheel_timer_ms <= next_ms))
        return;
    loop->wheel_timer_ms = next_ms;
    uv_timer_start(&loop->wheel_timer, on_wheel_timer,
                   next_ms > now_ms ? (uint64_t)(next_ms - now_ms) : 0, 0);
}

struct loop *loop_create(struct fail *f)
{
    struct loop *loop = mem_alloc(sizeof *loop);
    int r = uv_loop_init(&loop->uv);
    if (r != 0) {
        loop_fail(f, r, "cannot make an event loop");
        free(loop);
        return NULL;
    }
    uv_prepare_init(&loop->uv, &loop->before_wait);
    uv_check_init(&loop->uv, &loop->after_wait);
    uv_timer_init(&loop->uv, &loop->wheel_timer);
    loop->before_wait.data = loop->after_wait.data = loop->wheel_timer.data = loop;
    uv_prepare_start(&loop->before_wait, on_before_wait);
    uv_check_start(&loop->after_wait, on_after_wait);
    loop->wheel_timer_ms = -1;
    wheel_init(&loop->wheel, loop_now_ms(loop));
    return loop;
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_turn(struct loop *loop, bool may_wait)
{
    uv_run(&loop->uv, may_wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

static void unref_handle(uv_handle_t *handle, void *arg)
{
    uv_unref(handle);
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    uv_close((uv_handle_t *)&loop->before_wait, NULL);
    uv_close((uv_handle_t *)&loop->after_wait, NULL);
    uv_close((uv_handle_t *)&loop->wheel_timer, NULL);
    /* Closed callbacks, running jobs and resolutions end here; a handle that its owner forgot is
     * unreferenced first, so that it fails the assertion instead of hanging the shutdown. */
    uv_walk(&loop->uv, unref_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int r = uv_loop_close(&loop->uv);
    assert(r == 0);
    (void)r;
    tls_scratch_destroy(loop->tls_scratch);
    dial_cache_destroy(loop->dial_cache);
    free(loop);
}

void loop_before_wait(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    loop->turn_fn = fn;
    loop->turn_ctx = ctx;
}

int64_t loop_now_ms(const struct loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

int64_t loop_wall_us(struct loop *loop)
{
    if (loop->wall_us == 0) {
        struct timespec ts;
        clock_gettime(CLOCK_REALTIME, &ts);
        loop->wall_us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
    }
    return loop->wall_us;
}

void deadline_set(struct loop *loop, struct deadline *d, int64_t delay_ms)
{
    if (wheel_set(&loop->wheel, d, loop_now_ms(loop), delay_ms))
        wheel_rearm(loop);
}

void deadline_clear(struct loop *loop, struct deadline *d)
{
    wheel_clear(&loop->wheel, d); /* the timer may fire once in vain */
}
