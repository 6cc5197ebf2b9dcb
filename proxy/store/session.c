/* session: people's sessions, from the log-in on. How they end: session_end.c. */
#include "proxy/store/session.h"

#include "base/encode.h"
#include "base/secret.h"

enum { HANDLE_BYTES = 8, PERSON_SESSIONS = 256 };

void session_row_read(sqlite3_stmt *s, struct arena *a, struct store_session *out)
{
    str handle = db_blob(s, 1);
    *out = (struct store_session){
        .id = db_int(s, 0),
        .issuer_name = db_text(s, 2, a),
        .issuer = db_text(s, 3, a),
        .subject = db_text(s, 4, a),
        .email = db_text(s, 5, a),
        .claims = db_text(s, 6, a),
        .provider_sid = db_text(s, 7, a),
        .created_s = db_int(s, 8),
        .seen_s = db_int(s, 9),
        .claims_s = db_int(s, 10),
        .ends_s = db_int(s, 11),
        .device_id = db_text(s, 12, a),
        .device_proof = db_text(s, 13, a),
        .agent = db_text(s, 14, a),
        .address = db_text(s, 15, a),
    };
    memcpy(out->handle, handle.p, handle.n < sizeof out->handle ? handle.n : sizeof out->handle);
}

/* ---- making one ---- */

static bool insert(struct store_db *db, struct store_session *in, struct fail *f)
{
    unsigned char random[HANDLE_BYTES];
    random_fill(random, sizeof random);
    hex_encode(random, sizeof random, in->handle);
    sqlite3_stmt *s = db_sql(db,
                             "INSERT INTO session(handle, issuer_name, issuer, subject, email,"
                             " claims, provider_sid, created_s, seen_s, claims_s, ends_s,"
                             " device_id, device_proof, agent, address)"
                             " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)",
                             f);
    const str texts[] = {in->issuer_name, in->issuer, in->subject,
                         in->email,       in->claims, in->provider_sid};
    const int64_t times[] = {in->created_s, in->seen_s, in->claims_s, in->ends_s};
    const str more[] = {in->device_id, in->device_proof, in->agent, in->address};
    db_bind_text(s, 1, (str){in->handle, sizeof in->handle});
    for (int i = 0; i < 6; i++)
        db_bind_text(s, 2 + i, texts[i]);
    for (int i = 0; i < 4; i++)
        db_bind_int(s, 8 + i, times[i]);
    for (int i = 0; i < 4; i++)
        db_bind_text(s, 12 + i, more[i]);
    if (!db_run(db, s, f))
        return false;
    in->id = sqlite3_last_insert_rowid(db->sql);
    return true;
}

/* An absent token keeps what is there. */
static bool put_tokens(struct store_db *db, int64_t id, const struct store_session *in,
                       struct fail *f)
{
    struct arena a;
    str refresh, id_token;
    if (!in->refresh_token.p && !in->id_token.p)
        return true;
    arena_init(&a, NULL, 0);
    bool ok = seal_close(db, id, SEAL_REFRESH_TOKEN, in->refresh_token, &a, &refresh, f) &&
              seal_close(db, id, SEAL_ID_TOKEN, in->id_token, &a, &id_token, f);
    if (ok) {
        sqlite3_stmt *s = db_sql(db,
                                 "INSERT INTO token(session, refresh, id_token) VALUES(?1, ?2, ?3)"
                                 " ON CONFLICT(session) DO UPDATE SET"
                                 " refresh = ifnull(excluded.refresh, refresh),"
                                 " id_token = ifnull(excluded.id_token, id_token)",
                                 f);
        db_bind_int(s, 1, id);
        db_bind_blob(s, 2, refresh.p, refresh.n);
        db_bind_blob(s, 3, id_token.p, id_token.n);
        ok = db_run(db, s, f);
    }
    arena_finish(&a);
    return ok;
}

/* A person who logs in again and again (a script) does not fill the disk: the oldest go. */
static bool displace(struct store_db *db, const struct store_session *in, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "SELECT id FROM session WHERE issuer = ?1 AND subject = ?2"
                             " AND ended_s IS NULL ORDER BY id DESC LIMIT 1 OFFSET ?3",
                             f);
    db_bind_text(s, 1, in->issuer);
    db_bind_text(s, 2, in->subject);
    db_bind_int(s, 3, PERSON_SESSIONS);
    enum db_step step = db_step(db, s, f);
    int64_t id = step == DB_ROW ? db_int(s, 0) : 0;
    db_done(s);
    if (step != DB_ROW)
        return step == DB_DONE;
    return session_row_end(db, id, in->issuer, in->subject, "displaced", f);
}

static bool create(struct store_db *db, struct store_session *in, struct fail *f)
{
    return insert(db, in, f) && put_tokens(db, in->id, in, f) && displace(db, in, f);
}

bool store_session_create(struct store_db *db, const struct store_session *in, int64_t *id_out,
                          struct fail *f)
{
    struct store_session made = *in;
    bool ok = db_end(db, db_begin_unsynced(db, f) && create(db, &made, f), f);
    if (ok)
        *id_out = made.id;
    return ok;
}

bool store_session_open(struct store_db *db, struct store_session *in, const unsigned char hash[32],
                        str host, struct fail *f)
{
    bool ok =
        db_begin_unsynced(db, f) && create(db, in, f) && cookie_row_add(db, in->id, hash, host, f);
    return db_end(db, ok, f);
}

/* ---- finding one ---- */

static bool read_purposes(struct store_db *db, struct arena *a, struct store_seen *out,
                          struct fail *f)
{
    struct store_purpose *items = arena_array(a, struct store_purpose, STORE_PURPOSES);
    enum db_step step;
    sqlite3_stmt *s = db_sql(db,
                             "SELECT app, text, stated_s FROM purpose WHERE session = ?1"
                             " ORDER BY stated_s DESC LIMIT ?2",
                             f);
    db_bind_int(s, 1, out->session.id);
    db_bind_int(s, 2, STORE_PURPOSES);
    out->n_purposes = 0;
    out->purposes = items;
    while ((step = db_step(db, s, f)) == DB_ROW)
        items[out->n_purposes++] =
            (struct store_purpose){db_text(s, 0, a), db_text(s, 1, a), db_int(s, 2)};
    db_done(s);
    return step == DB_DONE;
}

/* The statement stands at its row: the columns of SESSION_COLUMNS, refresh, id_token, host. */
static bool read_row(struct store_db *db, sqlite3_stmt *s, struct arena *a, struct store_seen *out,
                     struct fail *f)
{
    memset(out, 0, sizeof *out);
    session_row_read(s, a, &out->session);
    out->host = db_text(s, SESSION_N_COLUMNS + 2, a);
    return seal_open(db, out->session.id, SEAL_REFRESH_TOKEN, db_blob(s, SESSION_N_COLUMNS), a,
                     &out->session.refresh_token, f) &&
           seal_open(db, out->session.id, SEAL_ID_TOKEN, db_blob(s, SESSION_N_COLUMNS + 1), a,
                     &out->session.id_token, f);
}

static enum store_found find(struct store_db *db, sqlite3_stmt *s, struct arena *a,
                             struct store_seen *out, struct fail *f)
{
    enum db_step step = db_step(db, s, f);
    bool ok = step == DB_ROW && read_row(db, s, a, out, f);
    db_done(s);
    if (step == DB_DONE)
        return STORE_ABSENT;
    ok = ok && read_purposes(db, a, out, f) &&
         grant_rows_of(db, out->session.issuer, out->session.subject, a, &out->grants,
                       &out->n_grants, f);
    return ok ? STORE_FOUND : STORE_FAILED;
}

enum store_found store_session_by_cookie(struct store_db *db, const unsigned char hash[32],
                                         str host, struct arena *a, struct store_seen *out,
                                         struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "SELECT " SESSION_COLUMNS ", t.refresh, t.id_token, c.host"
                             " FROM cookie c JOIN session s ON s.id = c.session"
                             " LEFT JOIN token t ON t.session = s.id"
                             " WHERE c.hash = ?1 AND c.host = ?2 AND s.ended_s IS NULL"
                             " AND s.ends_s > ?3",
                             f);
    db_bind_blob(s, 1, hash, STORE_ID_BYTES);
    db_bind_text(s, 2, host);
    db_bind_int(s, 3, store_now_s(db));
    return find(db, s, a, out, f);
}

enum store_found store_session_by_id(struct store_db *db, int64_t id, struct arena *a,
                                     struct store_seen *out, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "SELECT " SESSION_COLUMNS ", t.refresh, t.id_token, NULL"
                             " FROM session s LEFT JOIN token t ON t.session = s.id"
                             " WHERE s.id = ?1 AND s.ended_s IS NULL AND s.ends_s > ?2",
                             f);
    db_bind_int(s, 1, id);
    db_bind_int(s, 2, store_now_s(db));
    return find(db, s, a, out, f);
}

/* ---- changing one ---- */

static bool touch_one(struct store_db *db, const struct store_touch *t, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "UPDATE session SET seen_s = ?2"
                             " WHERE id = ?1 AND seen_s < ?2 AND ended_s IS NULL",
                             f);
    db_bind_int(s, 1, t->session);
    db_bind_int(s, 2, t->seen_s);
    return db_run(db, s, f);
}

bool store_sessions_touch(struct store_db *db, const struct store_touch *items, size_t n,
                          struct fail *f)
{
    if (!n)
        return true;
    bool ok = db_begin_unsynced(db, f);
    for (size_t i = 0; ok && i < n; i++)
        ok = touch_one(db, &items[i], f);
    return db_end(db, ok, f);
}

/* Notes that a live session has changed; a failure when it does not live. */
static bool note_changed(struct store_db *db, int64_t id, struct fail *f)
{
    struct arena a;
    arena_init(&a, NULL, 0);
    sqlite3_stmt *s = db_sql(db,
                             "SELECT issuer, subject FROM session"
                             " WHERE id = ?1 AND ended_s IS NULL AND ends_s > ?2",
                             f);
    db_bind_int(s, 1, id);
    db_bind_int(s, 2, store_now_s(db));
    enum db_step step = db_step(db, s, f);
    struct store_change c = {.kind = STORE_SESSION_CHANGED, .session = id};
    if (step == DB_ROW) {
        c.issuer = db_text(s, 0, &a);
        c.subject = db_text(s, 1, &a);
    } else if (step == DB_DONE) {
        fail_set(f, FAIL_NOT_FOUND, "session %lld has ended", (long long)id);
    }
    db_done(s);
    bool ok = step == DB_ROW && change_note(db, &c, f);
    arena_finish(&a);
    return ok;
}

static bool update_claims(struct store_db *db, int64_t id, const struct store_session *in,
                          struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "UPDATE session SET claims = ?2, claims_s = ?3,"
                             " email = ifnull(?4, email), provider_sid = ifnull(?5, provider_sid)"
                             " WHERE id = ?1",
                             f);
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, in->claims);
    db_bind_int(s, 3, in->claims_s);
    db_bind_text(s, 4, in->email);
    db_bind_text(s, 5, in->provider_sid);
    return db_run(db, s, f);
}

bool store_session_renew(struct store_db *db, int64_t id, const struct store_session *in,
                         struct fail *f)
{
    bool ok = db_begin(db, f) && note_changed(db, id, f) && update_claims(db, id, in, f) &&
              put_tokens(db, id, in, f);
    return db_end(db, ok, f);
}

static bool update_device(struct store_db *db, int64_t id, str device_id, str device_proof,
                          struct fail *f)
{
    sqlite3_stmt *s =
        db_sql(db, "UPDATE session SET device_id = ?2, device_proof = ?3 WHERE id = ?1", f);
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, device_id);
    db_bind_text(s, 3, device_proof);
    return db_run(db, s, f);
}

bool store_session_bind(struct store_db *db, int64_t id, str device_id, str device_proof,
                        struct fail *f)
{
    bool ok = db_begin(db, f) && note_changed(db, id, f) &&
              update_device(db, id, device_id, device_proof, f);
    return db_end(db, ok, f);
}

static bool put_purpose(struct store_db *db, int64_t session, str app, str text, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "INSERT INTO purpose(session, app, text, stated_s)"
                             " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(session, app) DO UPDATE SET"
                             " text = excluded.text, stated_s = excluded.stated_s",
                             f);
    db_bind_int(s, 1, session);
    db_bind_text(s, 2, app);
    db_bind_text(s, 3, text);
    db_bind_int(s, 4, store_now_s(db));
    return db_run(db, s, f);
}

bool store_purpose_state(struct store_db *db, int64_t session, str app, str text, struct fail *f)
{
    bool ok =
        db_begin(db, f) && note_changed(db, session, f) && put_purpose(db, session, app, text, f);
    return db_end(db, ok, f);
}
