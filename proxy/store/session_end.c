/* session_end: which sessions are meant, their list and their end. */
#include "proxy/store/session.h"

#include <stdio.h>

enum { MATCH_TEXT = 512, MATCH_PARTS = 6 };

/* A condition for each member that is given, so that SQLite can choose its index. */
struct match_text {
    char where[MATCH_TEXT];
    size_t n;
    bool is_given;
};

static void also(struct match_text *t, bool is_given, const char *condition)
{
    if (!is_given)
        return;
    int n = snprintf(t->where + t->n, sizeof t->where - t->n, " AND %s", condition);
    t->n += (size_t)n;
    t->is_given = true;
}

static bool build(const struct store_match *m, struct match_text *t, struct fail *f)
{
    *t = (struct match_text){.is_given = m->everybody};
    also(t, m->session != 0, "s.id = ?1");
    also(t, m->handle.p != NULL, "s.handle = ?2");
    also(t, m->issuer.p != NULL, "s.issuer = ?3");
    also(t, m->subject.p != NULL, "s.subject = ?4");
    also(t, m->provider_sid.p != NULL, "s.provider_sid = ?5");
    also(t, m->email.p != NULL, "s.email = ?6");
    /* Nothing said is nobody, never everybody. */
    return t->is_given || fail_set(f, FAIL_INPUT, "it is not said whose sessions are meant");
}

/* Statements with a built text are not kept: finalize with match_done. */
static sqlite3_stmt *prepare(struct store_db *db, const struct store_match *m,
                             const struct match_text *t, const char *head, const char *tail,
                             struct fail *f)
{
    char text[2048];
    sqlite3_stmt *s = NULL;
    snprintf(text, sizeof text, "%s s.ended_s IS NULL%s%s", head, t->where, tail);
    int code = sqlite3_prepare_v2(db->sql, text, -1, &s, NULL);
    if (code != SQLITE_OK) {
        db_fail(db, code, f);
        return NULL;
    }
    /* Those that the text does not name are out of range, or ignored: both is fine. */
    if (m->session)
        db_bind_int(s, 1, m->session);
    const str texts[] = {m->handle, m->issuer, m->subject, m->provider_sid, m->email};
    for (int i = 0; i < 5; i++)
        db_bind_text(s, 2 + i, texts[i]);
    return s;
}

/* ---- the end ---- */

static bool mark(struct store_db *db, int64_t id, const char *why, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db, "UPDATE session SET ended_s = ?2, why = ?3 WHERE id = ?1", f);
    db_bind_int(s, 1, id);
    db_bind_int(s, 2, store_now_s(db));
    db_bind_text(s, 3, str_of(why));
    return db_run(db, s, f);
}

/* At once: what is not there cannot be stolen. The row itself stays a day. */
static bool drop_secrets(struct store_db *db, int64_t id, struct fail *f)
{
    sqlite3_stmt *tokens = db_sql(db, "DELETE FROM token WHERE session = ?1", f);
    db_bind_int(tokens, 1, id);
    if (!db_run(db, tokens, f))
        return false;
    sqlite3_stmt *cookies = db_sql(db, "DELETE FROM cookie WHERE session = ?1", f);
    db_bind_int(cookies, 1, id);
    return db_run(db, cookies, f);
}

bool session_row_end(struct store_db *db, int64_t id, str issuer, str subject, const char *why,
                     struct fail *f)
{
    struct store_change c = {.kind = STORE_SESSION_ENDED,
                             .session = id,
                             .issuer = issuer,
                             .subject = subject,
                             .why = why};
    return mark(db, id, why, f) && drop_secrets(db, id, f) && change_note(db, &c, f);
}

struct ending {
    int64_t id;
    str issuer, subject;
};

/* Gathered first: rows that change while a statement walks over them may come twice. */
static bool gather(struct store_db *db, sqlite3_stmt *s, struct arena *a, struct ending **out,
                   size_t *n_out, struct fail *f)
{
    enum db_step step;
    struct db_rows rows = {.bytes = sizeof(struct ending)};
    while ((step = db_step(db, s, f)) == DB_ROW)
        *(struct ending *)db_rows_add(&rows) =
            (struct ending){db_int(s, 0), db_text(s, 1, a), db_text(s, 2, a)};
    *n_out = rows.n;
    *out = db_rows_keep(&rows, a);
    return step == DB_DONE;
}

static bool end_matching(struct store_db *db, const struct store_match *m,
                         const struct match_text *t, const char *why, size_t *n_out, struct fail *f)
{
    struct arena a;
    struct ending *items = NULL;
    arena_init(&a, NULL, 0);
    sqlite3_stmt *s =
        prepare(db, m, t, "SELECT s.id, s.issuer, s.subject FROM session s WHERE", " LIMIT ?7", f);
    if (s)
        db_bind_int(s, 7, m->most ? (int64_t)m->most : -1);
    bool ok = s && gather(db, s, &a, &items, n_out, f);
    sqlite3_finalize(s);
    for (size_t i = 0; ok && i < *n_out; i++)
        ok = session_row_end(db, items[i].id, items[i].issuer, items[i].subject, why, f);
    arena_finish(&a);
    return ok;
}

bool store_sessions_end(struct store_db *db, const struct store_match *m, const char *why,
                        size_t *n_out, struct fail *f)
{
    struct match_text t;
    size_t n = 0;
    if (!build(m, &t, f))
        return false;
    bool ok = db_end(db, db_begin(db, f) && end_matching(db, m, &t, why, &n, f), f);
    if (n_out)
        *n_out = ok ? n : 0;
    return ok;
}

bool store_sessions_end_once(struct store_db *db, const struct store_match *m, const char *why,
                             const struct store_mark *mark, bool *fresh_out, size_t *n_out,
                             struct fail *f)
{
    struct match_text t;
    size_t n = 0;
    *fresh_out = false;
    if (!build(m, &t, f))
        return false;
    bool ok = db_begin(db, f) &&
              store_once(db, mark->what, mark->value, mark->expires_s, fresh_out, f) &&
              (!*fresh_out || end_matching(db, m, &t, why, &n, f));
    ok = db_end(db, ok, f);
    *n_out = ok ? n : 0;
    return ok;
}

/* ---- the list ---- */

static bool read_list(struct store_db *db, sqlite3_stmt *s, struct arena *a,
                      const struct store_session **out, size_t *n_out, struct fail *f)
{
    enum db_step step;
    struct db_rows rows = {.bytes = sizeof(struct store_session)};
    while ((step = db_step(db, s, f)) == DB_ROW)
        session_row_read(s, a, db_rows_add(&rows));
    *n_out = rows.n;
    *out = db_rows_keep(&rows, a);
    return step == DB_DONE;
}

bool store_sessions_list(struct store_db *db, const struct store_match *m, size_t most,
                         struct arena *a, const struct store_session **out, size_t *n_out,
                         struct fail *f)
{
    struct match_text t;
    *out = NULL;
    *n_out = 0;
    if (!build(m, &t, f))
        return false;
    sqlite3_stmt *s = prepare(db, m, &t, "SELECT " SESSION_COLUMNS " FROM session s WHERE",
                              " AND s.ends_s > ?7 ORDER BY s.id DESC LIMIT ?8", f);
    if (!s)
        return false;
    db_bind_int(s, 7, store_now_s(db));
    db_bind_int(s, 8, most < INT32_MAX ? (int64_t)most : INT32_MAX);
    bool ok = read_list(db, s, a, out, n_out, f);
    sqlite3_finalize(s);
    return ok;
}

/* A step of the index for each subject, however many sessions he has. */
enum store_found store_subject_next(struct store_db *db, str issuer, str after, struct arena *a,
                                    str *out, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "SELECT subject FROM session WHERE issuer = ?1 AND subject > ?2"
                             " AND ended_s IS NULL ORDER BY subject LIMIT 1",
                             f);
    db_bind_text(s, 1, issuer);
    db_bind_text(s, 2, after.p ? after : STR(""));
    enum db_step step = db_step(db, s, f);
    *out = step == DB_ROW ? db_text(s, 0, a) : (str){NULL, 0};
    db_done(s);
    return step == DB_ROW ? STORE_FOUND : step == DB_DONE ? STORE_ABSENT : STORE_FAILED;
}
