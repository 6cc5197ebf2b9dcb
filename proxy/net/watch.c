/* watch: uv_poll_t behind a face. Two traps of libuv live here and nowhere else: every start is a
 * stop first (so the mask is mirrored and the loop is called on changes only), and an error on the
 * socket comes as EBADF with the handle already stopped (so recv or send is asked for the truth).
 */
#include <assert.h>
#include <unistd.h>

#include "proxy/net/loop_impl.h"

static_assert(sizeof(uv_poll_t) <= sizeof(((struct watch *)0)->handle), "room for the handle");
static_assert((int)UV_READABLE == WATCH_READ && (int)UV_WRITABLE == WATCH_WRITE, "same bits");

static uv_poll_t *poll_of(struct watch *w)
{
    return (uv_poll_t *)(void *)w->handle;
}

static void arm(struct watch *w);

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    if (w->is_dead)
        return;
    if (status < 0)
        w->armed = 0; /* libuv stopped it */
    unsigned ready = status < 0 ? WATCH_READ | WATCH_WRITE : (unsigned)events & w->wanted;
    if (ready)
        w->fn(w, ready);
    /* w is alive still: it is freed in the closed callback at the earliest. */
    if (!w->is_dead && w->armed != w->wanted)
        arm(w);
}

static void arm(struct watch *w)
{
    if (w->wanted)
        uv_poll_start(poll_of(w), w->wanted, on_ready);
    else
        uv_poll_stop(poll_of(w));
    w->armed = w->wanted;
}

bool watch_open(struct loop *loop, struct watch *w, int fd, watch_fn *fn, struct fail *f)
{
    memset(w, 0, sizeof *w);
    int r = uv_poll_init(&loop->uv, poll_of(w), fd);
    if (r != 0)
        return loop_fail(f, r, "cannot watch descriptor %d", fd);
    poll_of(w)->data = w;
    w->fn = fn;
    w->fd = fd;
    return true;
}

void watch_want(struct watch *w, unsigned mask)
{
    assert(!w->is_dead && mask <= (WATCH_READ | WATCH_WRITE));
    w->wanted = (uint8_t)mask;
    if (w->armed != w->wanted)
        arm(w);
}

static void on_closed(uv_handle_t *handle)
{
    struct watch *w = handle->data;
    if (w->closed_fn)
        w->closed_fn(w);
}

int watch_detach(struct watch *w, watch_closed_fn *closed_fn)
{
    if (w->is_dead)
        return -1;
    int fd = w->fd;
    w->is_dead = true;
    w->fd = -1;
    w->wanted = w->armed = 0;
    w->closed_fn = closed_fn;
    uv_close((uv_handle_t *)poll_of(w), on_closed);
    return fd;
}

void watch_close(struct watch *w, watch_closed_fn *closed_fn)
{
    /* The handle first: the number is free for reuse as soon as the descriptor is closed. */
    int fd = watch_detach(w, closed_fn);
    if (fd >= 0)
        close(fd);
}
