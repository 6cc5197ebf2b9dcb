/* mailbox: a queue with its own mutex and one async wake-up. The wake-up is sent under the mutex:
 * libuv coalesces it, and a handle that is being closed must not be woken. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "proxy/net/loop_impl.h"

struct message {
    struct message *next;
    mailbox_fn *fn;
    void *arg;
};

struct mailbox {
    uv_async_t async;
    void *ctx;
    pthread_mutex_t lock; /* guards what follows */
    struct message *first, **tail;
    bool is_closed;
};

static void deliver(struct mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    struct message *message = m->first;
    m->first = NULL;
    m->tail = &m->first;
    pthread_mutex_unlock(&m->lock);
    while (message) {
        struct message *next = message->next;
        message->fn(m->ctx, message->arg);
        free(message);
        message = next;
    }
}

static void on_async(uv_async_t *async)
{
    deliver(async->data);
}

struct mailbox *mailbox_open(struct loop *loop, void *ctx, struct fail *f)
{
    struct mailbox *m = mem_alloc(sizeof *m);
    int r = uv_async_init(&loop->uv, &m->async, on_async);
    if (r != 0) {
        loop_fail(f, r, "cannot make a mailbox");
        free(m);
        return NULL;
    }
    m->async.data = m;
    m->ctx = ctx;
    m->tail = &m->first;
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

bool mailbox_post(struct mailbox *m, mailbox_fn *fn, void *arg)
{
    struct message *message = mem_alloc(sizeof *message);
    *message = (struct message){.fn = fn, .arg = arg};
    pthread_mutex_lock(&m->lock);
    bool is_open = !m->is_closed;
    if (is_open) {
        *m->tail = message;
        m->tail = &message->next;
        uv_async_send(&m->async);
    }
    pthread_mutex_unlock(&m->lock);
    if (!is_open)
        free(message);
    return is_open;
}

void mailbox_close(struct mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    bool was_closed = m->is_closed;
    m->is_closed = true;
    pthread_mutex_unlock(&m->lock);
    if (was_closed)
        return;
    uv_close((uv_handle_t *)&m->async, NULL);
    deliver(m);
}

void mailbox_destroy(struct mailbox *m)
{
    if (!m)
        return;
    assert(m->is_closed);
    pthread_mutex_destroy(&m->lock);
    free(m);
}
