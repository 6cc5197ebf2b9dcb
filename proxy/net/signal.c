/* signal: a signal as a callback on a loop. */
#include <stdlib.h>

#include "base/arena.h"
#include "proxy/net/loop_impl.h"

struct signal_watch {
    uv_signal_t handle;
    void (*fn)(void *ctx, int signum);
    void *ctx;
};

static void on_signal(uv_signal_t *handle, int signum)
{
    struct signal_watch *s = handle->data;
    s->fn(s->ctx, signum);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct signal_watch *signal_open(struct loop *loop, int signum, void (*fn)(void *ctx, int signum),
                                 void *ctx, struct fail *f)
{
    struct signal_watch *s = mem_alloc(sizeof *s);
    s->fn = fn;
    s->ctx = ctx;
    int r = uv_signal_init(&loop->uv, &s->handle);
    if (r != 0) {
        loop_fail(f, r, "cannot wait for signal %d", signum);
        free(s);
        return NULL;
    }
    s->handle.data = s;
    r = uv_signal_start(&s->handle, on_signal, signum);
    if (r != 0) {
        loop_fail(f, r, "cannot wait for signal %d", signum);
        uv_close((uv_handle_t *)&s->handle, on_closed);
        return NULL;
    }
    return s;
}

void signal_close(struct signal_watch *s)
{
    if (s)
        uv_close((uv_handle_t *)&s->handle, on_closed);
}
