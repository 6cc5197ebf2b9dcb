/* open: a database file of ours, as safe as SQLite can make it. */
#include "proxy/store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"

/* FULL: what was answered outlives a power cut (but see db_begin_unsynced). The file is not
 * trusted: cells are checked, and SQL in a schema that somebody else wrote is not run. */
static const char SETTINGS[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                               "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
                               "PRAGMA cell_size_check=ON; PRAGMA secure_delete=FAST;"
                               "PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY;"
                               "PRAGMA journal_size_limit=16777216;";

static int64_t system_wall_s(void)
{
    return (int64_t)time(NULL);
}

int64_t store_now_s(const struct store_db *db)
{
    return db->wall_s();
}

/* SQLite would make it by the umask; its -wal and -shm files take after it. */
static bool make_private(const char *path, bool may_make, struct fail *f)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (may_make ? O_CREAT : 0), 0600);
    if (fd < 0)
        return errno == ENOENT && !may_make
                   ? fail_set(f, FAIL_NOT_FOUND, "there is no store at %s", path)
                   : fail_errno(f, "cannot open the store %s", path);
    bool ok = fstat(fd, &st) == 0 || fail_errno(f, "cannot look at the store %s", path);
    close(fd);
    if (ok && !S_ISREG(st.st_mode))
        return fail_set(f, FAIL_INPUT, "the store %s is not a regular file", path);
    if (ok && (st.st_mode & 07777) != 0600)
        return fail_set(f, FAIL_INPUT, "the store %s has mode %04o and must have 0600", path,
                        (unsigned)st.st_mode & 07777);
    return ok;
}

static bool connect_to(struct store_db *db, struct fail *f)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(db->path, &db->sql, flags, NULL);
    if (!db->sql)
        return fail_set(f, FAIL_SYSTEM, "there is no memory for the store");
    if (code != SQLITE_OK)
        return db_fail(db, code, f);
    sqlite3_extended_result_codes(db->sql, 1);
    sqlite3_busy_timeout(db->sql, DB_OPEN_BUSY_MS);
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    return true;
}

/* A lock that somebody holds shows here, and not at the first log-in. */
static bool check_writable(struct store_db *db, struct fail *f)
{
    if (db->is_read_only)
        return db_exec(db, "PRAGMA query_only=ON", f);
    return db_end(db, db_begin(db, f), f);
}

static bool open_all(struct store_db *db, const struct store_options *o, struct fail *f)
{
    return seal_keys_take(db, o->seal_keys, o->n_seal_keys, f) &&
           make_private(db->path, !db->is_beside, f) && connect_to(db, f) &&
           db_exec(db, SETTINGS, f) && schema_settle(db, f) && schema_probe(db, f) &&
           check_writable(db, f) && change_start(db, f);
}

static struct store_db *db_open(const struct store_options *o, bool is_beside, bool may_write,
                                struct fail *f)
{
    struct store_db *db = mem_alloc(sizeof *db);
    db->path = mem_dup(str_of(o->path));
    db->changed = o->changed;
    db->ctx = o->ctx;
    db->wall_s = o->wall_s ? o->wall_s : system_wall_s;
    db->is_beside = is_beside;
    db->is_read_only = !may_write;
    db->seal_keys = secret_alloc(SEAL_KEYS * sizeof *db->seal_keys);
    arena_init(&db->arena, NULL, 0);
    if (!open_all(db, o, f)) {
        store_db_close(db);
        return NULL;
    }
    sqlite3_busy_timeout(db->sql, is_beside ? DB_COMMAND_BUSY_MS : DB_BUSY_MS);
    return db;
}

struct store_db *store_db_open(const struct store_options *o, bool may_write, struct fail *f)
{
    return db_open(o, true, may_write, f);
}

struct store_db *store_db_open_server(const struct store_options *o, struct fail *f)
{
    return db_open(o, false, true, f);
}

void store_db_close(struct store_db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < db->n_statements; i++)
        sqlite3_finalize(db->statements[i].stmt);
    sqlite3_close(db->sql);
    secret_free(db->seal_keys, SEAL_KEYS * sizeof *db->seal_keys);
    arena_finish(&db->arena);
    free(db->changes);
    free(db->path);
    free(db);
}
