/* cookie: one host's key to a session. Hashes alone are kept: who reads the file cannot be anybody.
 */
#include "proxy/store/session.h"

/* Of one session on one host: the hand-offs of tabs that were opened at once all work. */
enum { HOST_COOKIES = 8 };

static bool insert(struct store_db *db, int64_t session, const unsigned char hash[32], str host,
                   struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "INSERT INTO cookie(hash, session, host) SELECT ?1, id, ?3"
                             " FROM session WHERE id = ?2 AND ended_s IS NULL AND ends_s > ?4",
                             f);
    db_bind_blob(s, 1, hash, STORE_ID_BYTES);
    db_bind_int(s, 2, session);
    db_bind_text(s, 3, host);
    db_bind_int(s, 4, store_now_s(db));
    if (!db_run(db, s, f))
        return false;
    return db_count(db) == 1 ||
           fail_set(f, FAIL_NOT_FOUND, "session %lld has ended", (long long)session);
}

static bool drop_old(struct store_db *db, int64_t session, str host, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "DELETE FROM cookie WHERE id IN (SELECT id FROM cookie"
                             " WHERE session = ?1 AND host = ?2 ORDER BY id DESC"
                             " LIMIT -1 OFFSET ?3)",
                             f);
    db_bind_int(s, 1, session);
    db_bind_text(s, 2, host);
    db_bind_int(s, 3, HOST_COOKIES);
    return db_run(db, s, f);
}

bool cookie_row_add(struct store_db *db, int64_t session, const unsigned char hash[32], str host,
                    struct fail *f)
{
    return insert(db, session, hash, host, f) && drop_old(db, session, host, f);
}

bool store_cookie_add(struct store_db *db, int64_t session, const unsigned char hash[32], str host,
                      struct fail *f)
{
    return db_end(db, db_begin_unsynced(db, f) && cookie_row_add(db, session, hash, host, f), f);
}
