/* A purpose that somebody states for an app: kept with his session, and written down. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

struct stating {
    struct desk_work work;
    struct arena arena;
    struct desk_ask *ask;
    struct store_session row;
    bool is_there;
};

static bool run(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct stating *s = list_entry(w, struct stating, work);
    struct store_seen seen;
    enum store_found found = store_session_by_id(db, s->ask->session, &s->arena, &seen, f);
    s->is_there = found == STORE_FOUND;
    if (!s->is_there)
        return found == STORE_ABSENT;
    s->row = seen.session;
    return true;
}

static bool write_record(struct stating *s)
{
    struct entry e;
    entry_open(&e, s->work.desk, STR("purpose.stated"), s->ask);
    jout_key(&e.j, STR("identity"));
    jout_open(&e.j, '{');
    entry_text(&e, STR("issuer"), s->row.issuer);
    entry_text(&e, STR("subject"), s->row.subject);
    entry_text(&e, STR("email"), s->row.email);
    jout_close(&e.j, '}');
    entry_text(&e, STR("session"), (str){s->row.handle, sizeof s->row.handle});
    entry_text(&e, STR("purpose"), s->ask->reason_text);
    return entry_close(&e);
}

static void let_go(struct stating *s)
{
    arena_wipe(&s->arena);
    free(s);
}

static bool keep(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct stating *s = list_entry(w, struct stating, work);
    return store_purpose_state(db, s->ask->session, s->ask->app, s->ask->reason_text, f);
}

static void kept(struct desk_work *w)
{
    struct stating *s = list_entry(w, struct stating, work);
    if (w->is_good)
        desk_answer(s->ask, DESK_DONE);
    else
        desk_fail(s->ask, "store", &w->fail);
    let_go(s);
}

/* Written down before it opens anything. */
static void known(struct desk_work *w)
{
    struct stating *s = list_entry(w, struct stating, work);
    struct fail unwritten = {.text = "the purpose cannot be recorded: it does not count"};
    if (!w->is_good) {
        desk_fail(s->ask, "store", &w->fail);
    } else if (!s->is_there) {
        desk_refuse(s->ask, "auth.none", STR("The session has ended."));
    } else if (!write_record(s)) {
        desk_fail(s->ask, "audit", &unwritten);
    } else {
        s->work.run = keep;
        s->work.done = kept;
        work_post(w->desk, &s->work);
        return;
    }
    let_go(s);
}

void purpose_ask(struct desk *d, struct desk_ask *ask)
{
    struct stating *s = mem_alloc(sizeof *s);
    arena_init(&s->arena, NULL, 0);
    s->ask = ask;
    s->work.run = run;
    s->work.done = known;
    work_post(d, &s->work);
}
