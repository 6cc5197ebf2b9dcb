/* schema: the tables, and what is looked at before they are trusted. A person is (issuer, subject),
 * never a mail address. Times are seconds since 1970. Format: see docs/operations.md. */
#include "proxy/store/db.h"

#include <stdio.h>

static const char TABLES[] =
    /* AUTOINCREMENT: an id is never used again, for what still speaks of an old row. */
    "CREATE TABLE session("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, handle TEXT NOT NULL UNIQUE,"
    " issuer_name TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL,"
    " email TEXT COLLATE NOCASE, claims TEXT NOT NULL, provider_sid TEXT,"
    " created_s INTEGER NOT NULL, seen_s INTEGER NOT NULL, claims_s INTEGER NOT NULL,"
    " ends_s INTEGER NOT NULL, device_id TEXT, device_proof TEXT, agent TEXT, address TEXT,"
    " ended_s INTEGER, why TEXT) STRICT;"
    "CREATE INDEX session_person ON session(issuer, subject) WHERE ended_s IS NULL;"
    "CREATE INDEX session_email ON session(email) WHERE ended_s IS NULL AND email IS NOT NULL;"
    "CREATE INDEX session_sid ON session(provider_sid)"
    " WHERE ended_s IS NULL AND provider_sid IS NOT NULL;"
    "CREATE INDEX session_seen ON session(seen_s) WHERE ended_s IS NULL;"
    "CREATE INDEX session_ends ON session(ends_s) WHERE ended_s IS NULL;"
    "CREATE INDEX session_ended ON session(ended_s) WHERE ended_s IS NOT NULL;"
    /* Apart from the session, so that a look at sessions does not touch them. */
    "CREATE TABLE token("
    " session INTEGER PRIMARY KEY REFERENCES session(id) ON DELETE CASCADE,"
    " refresh BLOB, id_token BLOB) STRICT;"
    "CREATE TABLE cookie("
    " id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE, host TEXT NOT NULL)"
    " STRICT;"
    "CREATE INDEX cookie_session ON cookie(session, host);"
    "CREATE TABLE purpose("
    " session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,"
    " app TEXT NOT NULL, text TEXT NOT NULL, stated_s INTEGER NOT NULL,"
    " PRIMARY KEY(session, app)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE grant_row("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, state INTEGER NOT NULL,"
    " rule TEXT NOT NULL, rule_digest TEXT NOT NULL, app TEXT NOT NULL,"
    " issuer TEXT NOT NULL, subject TEXT NOT NULL, email TEXT, purpose TEXT,"
    " asked_s INTEGER NOT NULL, decided_s INTEGER NOT NULL, expires_s INTEGER NOT NULL,"
    " valid_for_s INTEGER NOT NULL, count_needed INTEGER NOT NULL,"
    " approvers TEXT NOT NULL, request_id TEXT) STRICT;"
    "CREATE INDEX grant_person ON grant_row(issuer, subject) WHERE state <= 2;"
    "CREATE INDEX grant_expires ON grant_row(expires_s) WHERE state <= 2;"
    "CREATE INDEX grant_decided ON grant_row(decided_s) WHERE state > 2;"
    "CREATE TABLE approver("
    " grant_id INTEGER NOT NULL REFERENCES grant_row(id) ON DELETE CASCADE, who TEXT NOT NULL,"
    " PRIMARY KEY(grant_id, who)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE once(hash BLOB PRIMARY KEY, expires_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX once_expires ON once(expires_s);"
    "CREATE TABLE posture("
    " device TEXT NOT NULL, source TEXT NOT NULL, facts TEXT NOT NULL, seen_s INTEGER NOT NULL,"
    " PRIMARY KEY(device, source)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX posture_seen ON posture(seen_s);"
    /* What commands did beside a running server, for it to hear. */
    "CREATE TABLE change("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, session INTEGER NOT NULL,"
    " issuer TEXT, subject TEXT, why TEXT, at_s INTEGER NOT NULL) STRICT;"
    "CREATE INDEX change_at ON change(at_s);";

static bool pragma_int(struct store_db *db, const char *text, int64_t *out, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db, text, f);
    bool ok = db_step(db, s, f) == DB_ROW;
    if (ok)
        *out = db_int(s, 0);
    db_done(s);
    return ok;
}

static bool create(struct store_db *db, struct fail *f)
{
    char marks[96];
    snprintf(marks, sizeof marks, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             DB_APPLICATION, DB_FORMAT);
    /* With the tables in one transaction: a crash leaves an empty file or a whole store. */
    bool ok = db_begin(db, f) && db_exec(db, TABLES, f) && db_exec(db, marks, f);
    return db_end(db, ok, f);
}

bool schema_settle(struct store_db *db, struct fail *f)
{
    int64_t format, application, pages;
    if (!pragma_int(db, "PRAGMA user_version", &format, f) ||
        !pragma_int(db, "PRAGMA application_id", &application, f) ||
        !pragma_int(db, "PRAGMA page_count", &pages, f))
        return false;
    bool is_new = format == 0 && application == 0 && pages <= 1;
    if (is_new && !db->is_read_only)
        return create(db, f);
    if (is_new || application != DB_APPLICATION)
        return fail_set(f, FAIL_INPUT, "%s is not a store of postern", db->path);
    if (format > DB_FORMAT)
        return fail_set(f, FAIL_UNSUPPORTED,
                        "the store %s has format %lld and this version knows formats up to %d: run "
                        "the newer version that wrote it",
                        db->path, (long long)format, DB_FORMAT);
    if (format < DB_FORMAT)
        return fail_set(f, FAIL_UNSUPPORTED, "the store %s has format %lld, which no version wrote",
                        db->path, (long long)format);
    return true;
}

/* ---- the quick look ---- */

/* One row from each end: the pages between are looked at when they are used, and what is wrong with
 * them then fails that one operation. NOT INDEXED keeps a table's probe in the table. */
static const char *const PROBES[] = {
    "SELECT * FROM session NOT INDEXED ORDER BY id LIMIT 1",
    "SELECT * FROM session NOT INDEXED ORDER BY id DESC LIMIT 1",
    "SELECT min(handle) FROM session",
    "SELECT max(handle) FROM session",
    "SELECT issuer FROM session WHERE ended_s IS NULL ORDER BY issuer, subject LIMIT 1",
    "SELECT issuer FROM session WHERE ended_s IS NULL ORDER BY issuer DESC, subject DESC LIMIT 1",
    "SELECT min(email) FROM session WHERE ended_s IS NULL AND email IS NOT NULL",
    "SELECT max(email) FROM session WHERE ended_s IS NULL AND email IS NOT NULL",
    "SELECT min(provider_sid) FROM session WHERE ended_s IS NULL AND provider_sid IS NOT NULL",
    "SELECT max(provider_sid) FROM session WHERE ended_s IS NULL AND provider_sid IS NOT NULL",
    "SELECT min(seen_s) FROM session WHERE ended_s IS NULL",
    "SELECT max(seen_s) FROM session WHERE ended_s IS NULL",
    "SELECT min(ends_s) FROM session WHERE ended_s IS NULL",
    "SELECT max(ends_s) FROM session WHERE ended_s IS NULL",
    "SELECT min(ended_s) FROM session WHERE ended_s IS NOT NULL",
    "SELECT max(ended_s) FROM session WHERE ended_s IS NOT NULL",
    "SELECT * FROM token ORDER BY session LIMIT 1",
    "SELECT * FROM token ORDER BY session DESC LIMIT 1",
    "SELECT * FROM cookie NOT INDEXED ORDER BY id LIMIT 1",
    "SELECT * FROM cookie NOT INDEXED ORDER BY id DESC LIMIT 1",
    "SELECT min(hash) FROM cookie",
    "SELECT max(hash) FROM cookie",
    "SELECT min(session) FROM cookie",
    "SELECT max(session) FROM cookie",
    "SELECT * FROM purpose ORDER BY session LIMIT 1",
    "SELECT * FROM grant_row NOT INDEXED ORDER BY id LIMIT 1",
    "SELECT * FROM grant_row NOT INDEXED ORDER BY id DESC LIMIT 1",
    "SELECT issuer FROM grant_row WHERE state <= 2 ORDER BY issuer, subject LIMIT 1",
    "SELECT min(expires_s) FROM grant_row WHERE state <= 2",
    "SELECT min(decided_s) FROM grant_row WHERE state > 2",
    "SELECT * FROM approver ORDER BY grant_id LIMIT 1",
    "SELECT min(hash) FROM once",
    "SELECT min(expires_s) FROM once",
    "SELECT * FROM posture ORDER BY device, source LIMIT 1",
    "SELECT min(seen_s) FROM posture",
    "SELECT * FROM change NOT INDEXED ORDER BY seq LIMIT 1",
    "SELECT * FROM change NOT INDEXED ORDER BY seq DESC LIMIT 1",
    "SELECT min(at_s) FROM change",
};

static bool probe(struct store_db *db, const char *text, struct fail *f)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(db->sql, text, -1, &s, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW)
        code = sqlite3_step(s);
    bool ok = code == SQLITE_DONE || db_fail(db, code, f);
    sqlite3_finalize(s);
    return ok;
}

bool schema_probe(struct store_db *db, struct fail *f)
{
    for (size_t i = 0; i < sizeof PROBES / sizeof *PROBES; i++)
        if (!probe(db, PROBES[i], f))
            return false;
    return true;
}
