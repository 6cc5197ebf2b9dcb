/* Work for the store's thread, there and back. A question costs the desk no time but its own: the
 * desk never touches the database, and the store never touches the desk. */
#include "proxy/desk/desk_impl.h"

static void come_back(void *ctx, void *arg)
{
    struct desk_work *w = arg;
    w->done(w);
}

static void run(struct store_db *db, void *ctx)
{
    struct desk_work *w = ctx;
    w->is_good = w->run(db, w, &w->fail);
}

/* On the store's thread. The mailbox outlives it: the server closes the store first. */
static void ran(void *ctx)
{
    struct desk_work *w = ctx;
    (void)!mailbox_post(w->desk->options.mailbox, come_back, w);
}

void work_post(struct desk *d, struct desk_work *w)
{
    w->desk = d;
    if (d->store && store_post(d->store, run, ran, w))
        return;
    w->is_good = false;
    fail_set(&w->fail, FAIL_BUSY,
             d->store ? "too much waits for the store" : "the store is closed");
    w->done(w);
}
