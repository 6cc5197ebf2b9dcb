/* db: see db.h. */
#include "proxy/store/db.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- failures ---- */

/* SQLite remembers errno of the database alone, not of its log. */
static bool tell_io(struct store_db *db, int code, struct fail *f)
{
    int err = sqlite3_system_errno(db->sql);
    bool is_write = code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_FSYNC ||
                    code == SQLITE_IOERR_TRUNCATE || code == SQLITE_IOERR_DIR_FSYNC;
    return fail_set(f, FAIL_SYSTEM, "the store %s cannot be %s: %s", db->path,
                    is_write ? "written" : "read",
                    err        ? strerror(err)
                    : is_write ? "its disk or its quota is full, or the disk fails"
                               : sqlite3_errstr(code));
}

bool db_fail(struct store_db *db, int code, struct fail *f)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fail_set(f, FAIL_BUSY, "the store %s is locked by another process", db->path);
    case SQLITE_FULL:
        return fail_set(f, FAIL_LIMIT, "the store %s is full: there is no room on its disk",
                        db->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return fail_set(f, FAIL_INPUT,
                        "the store %s is damaged (%s): put a copy of it back, or move it away and "
                        "all people log in again",
                        db->path, sqlite3_errmsg(db->sql));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return fail_set(f, FAIL_SYSTEM, "the store %s cannot be opened for writing: %s", db->path,
                        sqlite3_errmsg(db->sql));
    case SQLITE_IOERR:
        return tell_io(db, code, f);
    default:
        return fail_set(f, FAIL_SYSTEM, "the store %s failed: %s", db->path,
                        sqlite3_errmsg(db->sql));
    }
}

/* ---- statements ---- */

static sqlite3_stmt *find(struct store_db *db, const char *text)
{
    for (size_t i = 0; i < db->n_statements; i++)
        if (db->statements[i].text == text)
            return db->statements[i].stmt;
    return NULL;
}

sqlite3_stmt *db_sql(struct store_db *db, const char *text, struct fail *f)
{
    sqlite3_stmt *s = find(db, text);
    if (s) {
        sqlite3_reset(s);
        sqlite3_clear_bindings(s);
        return s;
    }
    assert(db->n_statements < DB_STATEMENTS);
    int code = sqlite3_prepare_v3(db->sql, text, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL);
    if (code != SQLITE_OK) {
        db_fail(db, code, f);
        return NULL;
    }
    db->statements[db->n_statements++] = (struct db_statement){text, s};
    return s;
}

enum db_step db_step(struct store_db *db, sqlite3_stmt *s, struct fail *f)
{
    if (!s)
        return DB_FAILED;
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW)
        return DB_ROW;
    if (code == SQLITE_DONE)
        return DB_DONE;
    db_fail(db, code, f);
    return DB_FAILED;
}

void db_done(sqlite3_stmt *s)
{
    if (!s)
        return;
    sqlite3_reset(s);
    /* What was bound belongs to the caller, and goes. */
    sqlite3_clear_bindings(s);
}

bool db_run(struct store_db *db, sqlite3_stmt *s, struct fail *f)
{
    enum db_step step;
    while ((step = db_step(db, s, f)) == DB_ROW)
        ;
    db_done(s);
    return step == DB_DONE;
}

bool db_exec(struct store_db *db, const char *text, struct fail *f)
{
    int code = sqlite3_exec(db->sql, text, NULL, NULL, NULL);
    return code == SQLITE_OK || db_fail(db, code, f);
}

size_t db_count(const struct store_db *db)
{
    return (size_t)sqlite3_changes64(db->sql);
}

/* ---- transactions ---- */

/* SQLite does not take the word within a transaction. While it cannot be said (no memory), nothing
 * begins. */
static bool sync_commits(struct store_db *db, bool does, struct fail *f)
{
    if (db->is_unsynced != does)
        return true;
    bool ok = does ? db_exec(db, "PRAGMA synchronous=FULL", f)
                   : db_exec(db, "PRAGMA synchronous=NORMAL", f);
    if (ok)
        db->is_unsynced = !does;
    return ok;
}

static bool begin(struct store_db *db, bool syncs, struct fail *f)
{
    change_forget(db);
    /* The write lock at once: a lock that is asked for in the middle cannot be waited for. */
    return sync_commits(db, syncs, f) && db_run(db, db_sql(db, "BEGIN IMMEDIATE", f), f);
}

bool db_begin(struct store_db *db, struct fail *f)
{
    return begin(db, true, f);
}

bool db_begin_unsynced(struct store_db *db, struct fail *f)
{
    return begin(db, false, f);
}

bool db_end(struct store_db *db, bool ok, struct fail *f)
{
    if (ok)
        ok = db_run(db, db_sql(db, "COMMIT", f), f);
    if (!ok) {
        /* A full disk rolls back by itself. */
        if (!sqlite3_get_autocommit(db->sql))
            db_run(db, db_sql(db, "ROLLBACK", NULL), NULL);
        change_forget(db);
    }
    /* Single statements commit by themselves, synced. */
    sync_commits(db, true, NULL);
    if (ok)
        change_tell(db);
    return ok;
}

/* ---- parameters and columns ---- */

void db_bind_int(sqlite3_stmt *s, int at, int64_t v)
{
    if (s)
        sqlite3_bind_int64(s, at, v);
}

/* A text that is too long for SQLite stays unbound: NULL, and NOT NULL refuses it. */
void db_bind_text(sqlite3_stmt *s, int at, str v)
{
    if (s && v.p)
        sqlite3_bind_text64(s, at, v.p, v.n, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_blob(sqlite3_stmt *s, int at, const void *p, size_t n)
{
    if (s && p)
        sqlite3_bind_blob64(s, at, p, n, SQLITE_STATIC);
}

str db_text(sqlite3_stmt *s, int at, struct arena *a)
{
    const char *p = (const char *)sqlite3_column_text(s, at);
    if (!p)
        return (str){NULL, 0};
    return arena_dup(a, (str){p, (size_t)sqlite3_column_bytes(s, at)});
}

str db_blob(sqlite3_stmt *s, int at)
{
    if (sqlite3_column_type(s, at) == SQLITE_NULL)
        return (str){NULL, 0};
    const char *p = sqlite3_column_blob(s, at);
    return (str){p ? p : "", (size_t)sqlite3_column_bytes(s, at)};
}

int64_t db_int(sqlite3_stmt *s, int at)
{
    return sqlite3_column_int64(s, at);
}

void *db_rows_add(struct db_rows *r)
{
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 16;
        r->items = mem_grow(r->items, r->cap * r->bytes);
    }
    return r->items + r->n++ * r->bytes;
}

void *db_rows_keep(struct db_rows *r, struct arena *a)
{
    void *kept = arena_alloc(a, (r->n + 1) * r->bytes);
    if (r->n)
        memcpy(kept, r->items, r->n * r->bytes);
    free(r->items);
    r->items = NULL;
    return kept;
}
