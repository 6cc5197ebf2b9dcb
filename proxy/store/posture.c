/* posture: the last signed document of each device and source. */
#include "proxy/store/db.h"

bool store_posture_put(struct store_db *db, str device, str source, str facts_json, int64_t seen_s,
                       struct fail *f)
{
    /* An older one that comes late does not put the device back. */
    sqlite3_stmt *s = db_sql(db,
                             "INSERT INTO posture(device, source, facts, seen_s)"
                             " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(device, source) DO UPDATE SET"
                             " facts = excluded.facts, seen_s = excluded.seen_s"
                             " WHERE posture.seen_s <= excluded.seen_s",
                             f);
    db_bind_text(s, 1, device);
    db_bind_text(s, 2, source);
    db_bind_text(s, 3, facts_json);
    db_bind_int(s, 4, seen_s);
    return db_run(db, s, f);
}

bool store_postures_list(struct store_db *db, int64_t since_s, struct arena *a,
                         const struct store_posture **out, size_t *n_out, struct fail *f)
{
    struct db_rows rows = {.bytes = sizeof(struct store_posture)};
    enum db_step step;
    sqlite3_stmt *s = db_sql(db,
                             "SELECT device, source, facts, seen_s FROM posture"
                             " WHERE seen_s >= ?1 ORDER BY seen_s",
                             f);
    db_bind_int(s, 1, since_s);
    while ((step = db_step(db, s, f)) == DB_ROW)
        *(struct store_posture *)db_rows_add(&rows) = (struct store_posture){
            db_text(s, 0, a), db_text(s, 1, a), db_text(s, 2, a), db_int(s, 3)};
    db_done(s);
    *n_out = rows.n;
    *out = db_rows_keep(&rows, a);
    return step == DB_DONE;
}
