/* db: the database as this folder's files use it: statements that are prepared once, transactions
 * whose changes are told after their commit, and failures as sentences. The store's thread only.
 *
 *     bool ok = db_begin(db, f) && ... ;
 *     return db_end(db, ok, f);            commits when ok, else rolls back; then tells
 *
 * A statement that has been stepped is reset on every path (db_done): one that is left open holds
 * the write-ahead log. */
#ifndef PROXY_STORE_DB_H
#define PROXY_STORE_DB_H

#include "proxy/store/store.h"

#include <sqlite3.h>

enum {
    DB_FORMAT = 1,               /* user_version */
    DB_APPLICATION = 0x5053544e, /* "PSTN": another program's database is refused */
    DB_STATEMENTS = 96,          /* prepared and kept */
    DB_BUSY_MS = 250,            /* of the server: a request waits for us */
    DB_OPEN_BUSY_MS = 1000,
    DB_COMMAND_BUSY_MS = 5000,
    DB_DAY_S = 24 * 60 * 60,
};

struct db_statement {
    const char *text; /* the literal itself is the key */
    sqlite3_stmt *stmt;
};

/* A generation of the seal key. */
struct seal_key {
    unsigned char id[4]; /* names it in what was sealed: first bytes of a SHA-256 */
    unsigned char bytes[32];
};
enum { SEAL_KEYS = 8 };

struct store_db {
    sqlite3 *sql;
    char *path;
    struct db_statement statements[DB_STATEMENTS];
    size_t n_statements;
    struct seal_key *seal_keys; /* secret memory of SEAL_KEYS, the newest first */
    size_t n_seal_keys;
    void (*changed)(void *ctx, const struct store_change *change);
    void *ctx;
    int64_t (*wall_s)(void);
    bool is_beside;     /* a command: a server may run, and reads what we note in `change` */
    bool is_read_only;  /* a command that only looks */
    bool is_unsynced;   /* commits are not synced: within db_begin_unsynced's */
    int data_version;   /* of the last look at what others wrote */
    int64_t change_seq; /* the last row of `change` that was told */
    /* What the transaction under way will tell. */
    struct arena arena;
    struct store_change *changes;
    size_t n_changes, cap_changes;
};

/* ---- db.c -------------------------------------------------------------------------------------
 */

/* Prepared, reset and without bindings; NULL with a sentence. `text` must be a literal. */
sqlite3_stmt *db_sql(struct store_db *db, const char *text, struct fail *f);
enum db_step { DB_FAILED = 0, DB_ROW, DB_DONE };
enum db_step db_step(struct store_db *db, sqlite3_stmt *s, struct fail *f);
/* Resets; NULL is fine. Any answer of it was told by db_step before. */
void db_done(sqlite3_stmt *s);
/* Steps to the end, without looking at rows, and resets. */
bool db_run(struct store_db *db, sqlite3_stmt *s, struct fail *f);
/* A statement without parameters, not kept. */
bool db_exec(struct store_db *db, const char *text, struct fail *f);
/* Rows that the last statement changed. */
size_t db_count(const struct store_db *db);
/* False with a sentence for SQLite's last answer. */
bool db_fail(struct store_db *db, int code, struct fail *f);

bool db_begin(struct store_db *db, struct fail *f);
/* The same for what nobody is harmed by when a power cut takes it back: a session that has just
 * been opened, a cookie of it (the person signs in again). The next synced commit takes it along,
 * and what is there is whole in any case. Never for an end, a grant or what is used once. */
bool db_begin_unsynced(struct store_db *db, struct fail *f);
bool db_end(struct store_db *db, bool ok, struct fail *f);

/* Parameters from 1 on; they are not copied, so they must live until the statement is done. An
 * absent text is NULL. */
void db_bind_int(sqlite3_stmt *s, int at, int64_t v);
void db_bind_text(sqlite3_stmt *s, int at, str v);
void db_bind_blob(sqlite3_stmt *s, int at, const void *p, size_t n);
/* Columns from 0 on. NULL is absent; texts are copied into the arena. */
str db_text(sqlite3_stmt *s, int at, struct arena *a);
/* Not copied: until the next step. */
str db_blob(sqlite3_stmt *s, int at);
int64_t db_int(sqlite3_stmt *s, int at);

/* Rows of which there is no telling how many: {.bytes = sizeof item}. */
struct db_rows {
    char *items;
    size_t n, cap, bytes;
};
void *db_rows_add(struct db_rows *r);
/* Copies them where they are to stay, and frees. Never NULL. */
void *db_rows_keep(struct db_rows *r, struct arena *a);

/* ---- open.c, schema.c -------------------------------------------------------------------------
 */

/* The server's own: makes the file when it is missing, and hears of what commands write. */
struct store_db *store_db_open_server(const struct store_options *o, struct fail *f);
/* Makes the tables of a new database; refuses another format in a sentence. */
bool schema_settle(struct store_db *db, struct fail *f);
/* The same amount of work however large it is: both ends of every table and index. */
bool schema_probe(struct store_db *db, struct fail *f);

/* ---- change.c ---------------------------------------------------------------------------------
 */

/* To be told when the transaction under way is committed. `why` may be any text. */
bool change_note(struct store_db *db, const struct store_change *c, struct fail *f);
void change_forget(struct store_db *db);
void change_tell(struct store_db *db);
/* From now on. */
bool change_start(struct store_db *db, struct fail *f);
/* Tells what other processes have noted since the last time. */
bool change_poll(struct store_db *db, struct fail *f);
/* A word that stays: receivers keep the pointer. */
const char *change_why(str word);

/* ---- seal.c -----------------------------------------------------------------------------------
 */

enum seal_kind { SEAL_REFRESH_TOKEN = 1, SEAL_ID_TOKEN };
enum { SEAL_MORE_BYTES = 1 + 4 + 12 + 16 }; /* format, key, nonce, tag */

bool seal_keys_take(struct store_db *db, const unsigned char (*keys)[32], size_t n, struct fail *f);
/* Bound to its row and column: moved to another one it does not open. Absent stays absent. */
bool seal_close(struct store_db *db, int64_t row, enum seal_kind kind, str text, struct arena *a,
                str *sealed_out, struct fail *f);
/* Absent when its key has gone. */
bool seal_open(struct store_db *db, int64_t row, enum seal_kind kind, str sealed, struct arena *a,
               str *text_out, struct fail *f);

#endif
