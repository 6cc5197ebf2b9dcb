/* Purposes, approvals and break-glass. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

void grants_ask(struct desk *d, struct desk_ask *ask)
{
    desk_refuse(ask, "grant.none", STR("There is nothing to ask for here."));
}

/* ---- purposes ----------------------------------------------------------------------------------
 */

struct stating {
    struct desk_work work;
    struct arena arena;
    struct desk_ask *ask;
    struct store_session row;
};

static bool run_stating(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct stating *s = list_entry(w, struct stating, work);
    struct store_seen seen;
    if (store_session_by_id(db, s->ask->session, &s->arena, &seen, f) != STORE_FOUND)
        return false;
    s->row = seen.session;
    return store_purpose_state(db, s->ask->session, s->ask->app, s->ask->reason_text, f);
}

static void stated(struct desk_work *w)
{
    struct stating *s = list_entry(w, struct stating, work);
    struct entry r;
    if (!w->is_good) {
        desk_fail(s->ask, "store", &w->fail);
    } else {
        entry_open(&r, w->desk, STR("purpose.stated"), s->ask);
        jout_key(&r.j, STR("identity"));
        jout_open(&r.j, '{');
        entry_text(&r, STR("issuer"), s->row.issuer);
        entry_text(&r, STR("subject"), s->row.subject);
        entry_text(&r, STR("email"), s->row.email);
        jout_close(&r.j, '}');
        entry_text(&r, STR("session"), (str){s->row.handle, sizeof s->row.handle});
        entry_text(&r, STR("purpose"), s->ask->reason_text);
        (void)!entry_close(&r);
        desk_answer(s->ask, DESK_DONE);
    }
    arena_finish(&s->arena);
    free(s);
}

void purpose_ask(struct desk *d, struct desk_ask *ask)
{
    struct stating *s = mem_alloc(sizeof *s);
    arena_init(&s->arena, NULL, 0);
    s->ask = ask;
    s->work.run = run_stating;
    s->work.done = stated;
    work_post(d, &s->work);
}
