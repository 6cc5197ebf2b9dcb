/* Grants end by themselves: the policy sees their time, and here it is written down. Those that
 * were open when the proxy started are read once. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

#include "base/log.h"

enum { WATCHED_MOST = 65536 };

struct ending_grant {
    struct list_node link; /* desk.open_grants */
    struct arena arena;
    char block[512];
    struct store_grant grant;
};

static void drop(struct desk *d, struct ending_grant *e)
{
    list_remove(&e->link);
    d->n_open_grants--;
    arena_finish(&e->arena);
    free(e);
}

void endings_forget(struct desk *d, int64_t grant)
{
    for (struct list_node *n = d->open_grants.next; n != &d->open_grants; n = n->next) {
        struct ending_grant *e = list_entry(n, struct ending_grant, link);
        if (e->grant.id != grant)
            continue;
        drop(d, e);
        return;
    }
}

static str keep(struct ending_grant *e, str s)
{
    return s.n ? arena_dup(&e->arena, s) : (str){NULL, 0};
}

void endings_watch(struct desk *d, const struct store_grant *g)
{
    if (d->n_open_grants >= WATCHED_MOST)
        return;
    endings_forget(d, g->id);
    struct ending_grant *e = mem_alloc(sizeof *e);
    arena_init(&e->arena, e->block, sizeof e->block);
    e->grant = (struct store_grant){
        .id = g->id,
        .kind = g->kind,
        .rule = keep(e, g->rule),
        .app = keep(e, g->app),
        .issuer = keep(e, g->issuer),
        .subject = keep(e, g->subject),
        .email = keep(e, g->email),
        .purpose = keep(e, g->purpose),
        .expires_s = g->expires_s,
        .valid_for_s = g->valid_for_s,
    };
    list_append(&d->open_grants, &e->link);
    d->n_open_grants++;
}

void endings_sweep(struct desk *d)
{
    int64_t now_s = desk_now_s(d);
    for (struct list_node *n = d->open_grants.next, *next; n != &d->open_grants; n = next) {
        struct ending_grant *e = list_entry(n, struct ending_grant, link);
        next = n->next;
        if (now_s < e->grant.expires_s)
            continue;
        struct entry r;
        entry_open(&r, d,
                   e->grant.kind == STORE_GRANT_BREAK_GLASS ? STR("break_glass.ended")
                                                            : STR("approval.ended"),
                   NULL);
        entry_grant(&r, &e->grant);
        entry_text(&r, STR("why"), STR("time"));
        if (!entry_close(&r))
            return; /* later: it is not forgotten */
        drop(d, e);
    }
}

/* ---- those of before ----------------------------------------------------------------------------
 */

struct reading {
    struct desk_work work;
    struct arena arena;
    const struct store_grant *rows;
    size_t n;
};

static bool run(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct reading *r = list_entry(w, struct reading, work);
    const str all = {NULL, 0};
    return store_grants_list(db, all, all, &r->arena, &r->rows, &r->n, f);
}

static void done(struct desk_work *w)
{
    struct reading *r = list_entry(w, struct reading, work);
    if (!w->is_good && w->desk->store)
        log_error("grants.read", w->fail.text);
    for (size_t i = 0; w->is_good && i < r->n; i++)
        if (r->rows[i].state == STORE_GRANT_OPEN)
            endings_watch(w->desk, &r->rows[i]);
    arena_finish(&r->arena);
    free(r);
}

void endings_read(struct desk *d)
{
    struct reading *r = mem_alloc(sizeof *r);
    arena_init(&r->arena, NULL, 0);
    r->work.run = run;
    r->work.done = done;
    work_post(d, &r->work);
}

void endings_finish(struct desk *d)
{
    while (!list_empty(&d->open_grants))
        drop(d, list_entry(d->open_grants.next, struct ending_grant, link));
}
