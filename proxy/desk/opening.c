/* A session for who has signed in: row and cookie in the store, then the record, then the answer.
 * The cookie is known to nobody before the record is written, and a session whose log-in cannot be
 * recorded ends before it began. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/secret.h"

struct opening {
    struct desk_work work;
    struct arena arena;
    struct desk_ask *ask;
    struct store_session in;
    unsigned char hash[SHA256_BYTES], bound[SHA256_BYTES];
    char cookie[DESK_COOKIE_CHARS];
    str portal, to, host;
    char *identity; /* members of the record */
    bool is_step_up;
    int64_t old;
};

static bool run(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct opening *o = list_entry(w, struct opening, work);
    return store_session_open(db, &o->in, o->hash, o->portal, f);
}

static bool write_record(struct opening *o)
{
    struct entry r;
    entry_open(&r, o->work.desk, o->is_step_up ? STR("step_up") : STR("login"), o->ask);
    jout_raw(&r.j, str_of(o->identity));
    entry_text(&r, STR("issuer"), o->in.issuer_name);
    entry_text(&r, STR("session"), (str){o->in.handle, sizeof o->in.handle});
    jout_kint(&r.j, STR("ends"), o->in.ends_s);
    entry_text(&r, STR("device"), o->in.device_id);
    return entry_close(&r);
}

static void let_in(struct opening *o)
{
    struct desk_ask *ask = o->ask;
    struct desk *d = o->work.desk;
    if (o->old) {
        struct store_match m = {.session = o->old};
        sessions_end(d, &m, "renewed");
    }
    ask->url = str_eq(o->host, o->portal)
                   ? arena_dup(&ask->arena, o->to)
                   : ticket_make(d, &ask->arena, o->in.id, o->host, o->to, o->bound);
    memcpy(ask->cookie, o->cookie, sizeof o->cookie);
    memcpy(ask->handle, o->in.handle, sizeof o->in.handle);
    desk_answer(ask, DESK_REDIRECT);
}

static void done(struct desk_work *w)
{
    struct opening *o = list_entry(w, struct opening, work);
    if (!w->is_good) {
        desk_fail(o->ask, "store", &w->fail);
    } else if (!write_record(o)) {
        struct store_match m = {.session = o->in.id};
        struct fail f = {.text = "the log-in cannot be recorded: nobody is let in"};
        sessions_end(w->desk, &m, "unrecorded");
        desk_fail(o->ask, "audit", &f);
    } else {
        let_in(o);
    }
    free(o->identity);
    arena_wipe(&o->arena);
    secret_wipe(o, sizeof *o);
    free(o);
}

static str keep(struct opening *o, str s)
{
    return s.n ? arena_dup(&o->arena, s) : (str){NULL, 0};
}

static void fill(struct opening *o, struct login *l, const struct oidc_outcome *out)
{
    struct desk *d = l->desk;
    const struct identity *id = out->identity;
    char address[ADDR_TEXT_BYTES];
    int64_t now_s = desk_now_s(d);
    size_t n = addr_text(&l->ask->client, address);
    o->in = (struct store_session){
        .issuer_name = keep(o, l->issuer),
        .issuer = keep(o, id->issuer),
        .subject = keep(o, id->subject),
        .email = keep(o, id->email),
        .claims = keep(o, out->claims),
        .provider_sid = keep(o, out->sid),
        .refresh_token = keep(o, out->refresh_token),
        .id_token = keep(o, out->id_token),
        .created_s = now_s,
        .seen_s = now_s,
        .claims_s = now_s,
        .ends_s = now_s + desk_config(d)->sessions.max_s,
        .device_id = keep(o, l->ask->device_id),
        .device_proof = keep(o, l->ask->device_proof),
        .agent = keep(o, l->ask->agent),
        .address = keep(o, (str){address, n}),
    };
}

void opening_begin(struct login *l, const struct oidc_outcome *outcome)
{
    struct desk *d = l->desk;
    struct desk_issuer *i = issuer_named(d, l->issuer);
    struct opening *o = mem_alloc(sizeof *o);
    arena_init(&o->arena, NULL, 0);
    o->work.run = run;
    o->work.done = done;
    o->ask = l->ask;
    o->is_step_up = l->is_step_up;
    o->old = l->ask->session;
    o->portal = keep(o, desk_config(d)->portal.host);
    o->to = keep(o, l->to);
    o->host = keep(o, l->host);
    memcpy(o->bound, l->bound, sizeof o->bound);
    fill(o, l, outcome);
    o->identity = entry_identity(outcome->identity, i->config->issuer);
    session_cookie_make(d->options.cookie_keys, o->portal, o->cookie, o->hash);
    l->ask = NULL;
    l->phase = LOGIN_OVER;
    flow_finish(&l->flow);
    work_post(d, &o->work);
}
