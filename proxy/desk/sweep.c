/* What is over leaves the store: sessions that were idle for too long or have reached their end,
 * grants past their time, rows that nobody asks for any more. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

#include "base/log.h"

enum { STORE_SWEEP_MS = 30 * 1000 };

struct sweeping {
    struct desk_work work;
    int64_t idle_s;
    bool has_more;
};

static bool run(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct sweeping *s = list_entry(w, struct sweeping, work);
    return store_sweep(db, s->idle_s, &s->has_more, f);
}

/* A few thousand rows a call, so that whoever asks meanwhile does not wait for all of them. */
static void swept(struct desk_work *w)
{
    struct sweeping *s = list_entry(w, struct sweeping, work);
    struct desk *d = w->desk;
    if (!w->is_good && d->store)
        log_error("store.sweep", w->fail.text);
    if (w->is_good && s->has_more) {
        s->has_more = false;
        work_post(d, w);
        return;
    }
    d->is_sweeping = false;
    free(s);
}

void sweep_store(struct desk *d)
{
    int64_t now_ms = desk_now_ms(d);
    if (!d->snapshot || d->is_sweeping || now_ms - d->swept_ms < STORE_SWEEP_MS)
        return;
    struct sweeping *s = mem_alloc(sizeof *s);
    s->idle_s = desk_config(d)->sessions.idle_s;
    s->work.run = run;
    s->work.done = swept;
    d->swept_ms = now_ms;
    d->is_sweeping = true;
    work_post(d, &s->work);
}
