/* change: what must be heard of. A transaction gathers it and tells it after the commit; a command
 * writes it down instead, for the server that runs beside it. */
#include "proxy/store/db.h"

enum { POLL_ROWS = 512 }; /* in one look */

/* Receivers keep the pointer, so it must be one that stays. */
static const char *const WHYS[] = {"logout",       "backchannel", "frontchannel", "administrator",
                                   "user-removed", "expired",     "idle",         "renewed",
                                   "displaced",    "everywhere",  "user-disabled"};

const char *change_why(str word)
{
    for (size_t i = 0; i < sizeof WHYS / sizeof *WHYS; i++)
        if (str_eq(word, str_of(WHYS[i])))
            return WHYS[i];
    return "administrator"; /* only other processes say words of their own */
}

/* What records call the session. Ended rows stay a day, so it is found. */
static str handle_of(struct store_db *db, int64_t session)
{
    struct fail ignored;
    str out = {NULL, 0};
    if (!session)
        return out;
    sqlite3_stmt *s = db_sql(db, "SELECT handle FROM session WHERE id = ?1", &ignored);
    db_bind_int(s, 1, session);
    if (db_step(db, s, &ignored) == DB_ROW)
        out = db_text(s, 0, &db->arena);
    db_done(s);
    return out;
}

static bool write_down(struct store_db *db, const struct store_change *c, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "INSERT INTO change(kind, session, issuer, subject, why, at_s)"
                             " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                             f);
    db_bind_int(s, 1, c->kind);
    db_bind_int(s, 2, c->session);
    db_bind_text(s, 3, c->issuer);
    db_bind_text(s, 4, c->subject);
    db_bind_text(s, 5, str_of(c->why));
    db_bind_int(s, 6, store_now_s(db));
    return db_run(db, s, f);
}

bool change_note(struct store_db *db, const struct store_change *c, struct fail *f)
{
    if (db->is_beside && !write_down(db, c, f))
        return false;
    if (!db->changed)
        return true;
    if (db->n_changes == db->cap_changes) {
        db->cap_changes = db->cap_changes ? 2 * db->cap_changes : 16;
        db->changes = mem_grow(db->changes, db->cap_changes * sizeof *db->changes);
    }
    db->changes[db->n_changes++] = (struct store_change){
        .kind = c->kind,
        .session = c->session,
        .issuer = arena_dup(&db->arena, c->issuer),
        .subject = arena_dup(&db->arena, c->subject),
        .handle = handle_of(db, c->session),
        .why = c->why,
    };
    return true;
}

void change_forget(struct store_db *db)
{
    db->n_changes = 0;
    arena_reset(&db->arena);
}

void change_tell(struct store_db *db)
{
    for (size_t i = 0; i < db->n_changes; i++)
        db->changed(db->ctx, &db->changes[i]);
    change_forget(db);
}

/* ---- of other processes ---- */

static bool read_version(struct store_db *db, int *out, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db, "PRAGMA data_version", f);
    bool ok = db_step(db, s, f) == DB_ROW;
    if (ok)
        *out = (int)db_int(s, 0);
    db_done(s);
    return ok;
}

/* Everything is read anew by whoever starts now: what was noted before is known. */
bool change_start(struct store_db *db, struct fail *f)
{
    if (db->is_beside)
        return true;
    if (!read_version(db, &db->data_version, f))
        return false;
    sqlite3_stmt *s = db_sql(db, "SELECT max(seq) FROM change", f);
    bool ok = db_step(db, s, f) == DB_ROW;
    if (ok)
        db->change_seq = db_int(s, 0);
    db_done(s);
    return ok;
}

/* *n_out rows were told. */
static bool tell_rows(struct store_db *db, size_t *n_out, struct fail *f)
{
    enum db_step step;
    sqlite3_stmt *s = db_sql(db,
                             "SELECT seq, kind, session, issuer, subject, why FROM change"
                             " WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                             f);
    db_bind_int(s, 1, db->change_seq);
    db_bind_int(s, 2, POLL_ROWS);
    *n_out = 0;
    while ((step = db_step(db, s, f)) == DB_ROW) {
        struct store_change c = {.kind = (enum store_change_kind)db_int(s, 1),
                                 .session = db_int(s, 2),
                                 .issuer = db_text(s, 3, &db->arena),
                                 .subject = db_text(s, 4, &db->arena),
                                 .why = change_why(db_text(s, 5, &db->arena))};
        c.handle = handle_of(db, c.session);
        if (db->changed)
            db->changed(db->ctx, &c);
        db->change_seq = db_int(s, 0);
        ++*n_out;
    }
    db_done(s);
    change_forget(db);
    return step == DB_DONE;
}

bool change_poll(struct store_db *db, struct fail *f)
{
    int version;
    if (!read_version(db, &version, f))
        return false;
    if (version == db->data_version)
        return true;
    for (size_t n = POLL_ROWS; n == POLL_ROWS;)
        if (!tell_rows(db, &n, f))
            return false;
    /* Last: after a failure the rows are looked for again. */
    db->data_version = version;
    return true;
}
