/* sweep: what time has ended is written down and told, what has long ended goes. A few thousand
 * rows a call, each kind in a transaction of its own: nobody waits long for the thread. */
#include "proxy/store/session.h"

#include <stdlib.h>

enum { BATCH = 2000, POSTURE_DAYS = 90 };

/* ---- sessions ---- */

struct due {
    int64_t id;
    str issuer, subject;
};

/* The statement has its limit as ?1 and its instant as ?2. */
static bool gather(struct store_db *db, sqlite3_stmt *s, int64_t at_s, struct arena *a,
                   struct due *items, size_t *n_out, struct fail *f)
{
    enum db_step step;
    db_bind_int(s, 1, BATCH);
    db_bind_int(s, 2, at_s);
    *n_out = 0;
    while ((step = db_step(db, s, f)) == DB_ROW && *n_out < BATCH)
        items[(*n_out)++] = (struct due){db_int(s, 0), db_text(s, 1, a), db_text(s, 2, a)};
    db_done(s);
    return step != DB_FAILED;
}

static bool end_due(struct store_db *db, sqlite3_stmt *s, int64_t at_s, const char *why,
                    bool *more_out, struct fail *f)
{
    struct arena a;
    size_t n = 0;
    arena_init(&a, NULL, 0);
    struct due *items = mem_alloc(BATCH * sizeof *items);
    bool ok = gather(db, s, at_s, &a, items, &n, f);
    if (ok && n) {
        ok = db_begin(db, f);
        for (size_t i = 0; ok && i < n; i++)
            ok = session_row_end(db, items[i].id, items[i].issuer, items[i].subject, why, f);
        ok = db_end(db, ok, f);
    }
    *more_out |= n == BATCH;
    free(items);
    arena_finish(&a);
    return ok;
}

static bool end_sessions(struct store_db *db, int64_t idle_s, bool *more_out, struct fail *f)
{
    int64_t now_s = store_now_s(db);
    sqlite3_stmt *s = db_sql(db,
                             "SELECT id, issuer, subject FROM session"
                             " WHERE ended_s IS NULL AND ends_s <= ?2 ORDER BY ends_s LIMIT ?1",
                             f);
    if (!end_due(db, s, now_s, "expired", more_out, f))
        return false;
    if (idle_s <= 0)
        return true;
    s = db_sql(db,
               "SELECT id, issuer, subject FROM session"
               " WHERE ended_s IS NULL AND seen_s <= ?2 ORDER BY seen_s LIMIT ?1",
               f);
    return end_due(db, s, now_s - idle_s, "idle", more_out, f);
}

/* ---- grants ---- */

static bool note_grants(struct store_db *db, const struct due *items, size_t n, struct fail *f)
{
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        sqlite3_stmt *s =
            db_sql(db, "UPDATE grant_row SET state = ?2, decided_s = ?3 WHERE id = ?1", f);
        struct store_change c = {.kind = STORE_PERSON_CHANGED,
                                 .issuer = items[i].issuer,
                                 .subject = items[i].subject,
                                 .why = "expired"};
        db_bind_int(s, 1, items[i].id);
        db_bind_int(s, 2, STORE_GRANT_ENDED);
        db_bind_int(s, 3, store_now_s(db));
        ok = db_run(db, s, f) && change_note(db, &c, f);
    }
    return ok;
}

static bool end_grants(struct store_db *db, bool *more_out, struct fail *f)
{
    struct arena a;
    size_t n = 0;
    arena_init(&a, NULL, 0);
    struct due *items = mem_alloc(BATCH * sizeof *items);
    sqlite3_stmt *s = db_sql(db,
                             "SELECT id, issuer, subject FROM grant_row"
                             " WHERE state <= 2 AND expires_s <= ?2 ORDER BY expires_s LIMIT ?1",
                             f);
    bool ok = gather(db, s, store_now_s(db), &a, items, &n, f);
    if (ok && n)
        ok = db_end(db, db_begin(db, f) && note_grants(db, items, n, f), f);
    *more_out |= n == BATCH;
    free(items);
    arena_finish(&a);
    return ok;
}

/* ---- what goes ---- */

static const struct {
    const char *text;
    int64_t age_s;
} OLD[] = {
    {"DELETE FROM session WHERE id IN (SELECT id FROM session WHERE ended_s IS NOT NULL"
     " AND ended_s <= ?2 ORDER BY ended_s LIMIT ?1)",
     DB_DAY_S},
    {"DELETE FROM grant_row WHERE id IN (SELECT id FROM grant_row WHERE state > 2"
     " AND decided_s <= ?2 ORDER BY decided_s LIMIT ?1)",
     DB_DAY_S},
    {"DELETE FROM once WHERE hash IN (SELECT hash FROM once WHERE expires_s <= ?2"
     " ORDER BY expires_s LIMIT ?1)",
     0},
    {"DELETE FROM change WHERE seq IN (SELECT seq FROM change WHERE at_s <= ?2"
     " ORDER BY at_s LIMIT ?1)",
     DB_DAY_S},
    {"DELETE FROM posture WHERE (device, source) IN (SELECT device, source FROM posture"
     " WHERE seen_s <= ?2 ORDER BY seen_s LIMIT ?1)",
     POSTURE_DAYS *DB_DAY_S},
};

static bool drop_old(struct store_db *db, size_t i, bool *more_out, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db, OLD[i].text, f);
    db_bind_int(s, 1, BATCH);
    db_bind_int(s, 2, store_now_s(db) - OLD[i].age_s);
    if (!db_run(db, s, f))
        return false;
    *more_out |= db_count(db) >= BATCH;
    return true;
}

bool store_sweep(struct store_db *db, int64_t idle_s, bool *more_out, struct fail *f)
{
    *more_out = false;
    bool ok = end_sessions(db, idle_s, more_out, f) && end_grants(db, more_out, f);
    for (size_t i = 0; ok && i < sizeof OLD / sizeof *OLD; i++)
        ok = drop_old(db, i, more_out, f);
    return ok;
}
