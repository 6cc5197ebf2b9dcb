/* A file that cannot be trusted, locked, full or damaged: the start refuses in a sentence, or the
 * one operation fails, and nobody is let in. */
#include "kit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

enum { PAGE = 4096, PEOPLE = 40 };

static bool opens(void)
{
    struct store_options o = kit_options();
    struct store_db *db = store_db_open_server(&o, &kit_fail);
    store_db_close(db);
    return db != NULL;
}

static void assert_refused(const char *row, enum fail_code code, const char *told)
{
    kit_fail = (struct fail){0};
    if (opens() || kit_fail.code != code || !strstr(kit_fail.text, told) ||
        !strstr(kit_fail.text, kit_path))
        fail_msg("%s: %d %s", row, kit_fail.code, kit_fail.text);
}

static void run_sql(const char *text)
{
    sqlite3 *sql;
    assert_int_equal(sqlite3_open(kit_path, &sql), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sql, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sql);
}

static void write_at(off_t at, const void *p, size_t n)
{
    int fd = open(kit_path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(pwrite(fd, p, n, at), (ssize_t)n);
    close(fd);
}

static void the_file_is_ours_alone(void **state)
{
    struct stat st;
    char name[128];
    struct store_db *db = kit_open();
    kit_create(db, "kim");
    static const char *const ENDS[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", kit_path, ENDS[i]);
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    store_db_close(db);
    assert_int_equal(chmod(kit_path, 0644), 0);
    assert_refused("mode", FAIL_INPUT, "has mode 0644 and must have 0600");
}

static void refuses_what_is_no_store(void **state)
{
    char other[128];
    assert_int_equal(mkdir(kit_path, 0700), 0);
    assert_refused("folder", FAIL_SYSTEM, "cannot open");
    rmdir(kit_path);
    snprintf(other, sizeof other, "%s/other", kit_dir);
    assert_int_equal(symlink(other, kit_path), 0);
    assert_refused("link", FAIL_SYSTEM, "cannot open");
    unlink(kit_path);
    write_at(0, "this is no database, however long one looks at it", 49);
    assert_refused("text", FAIL_INPUT, "is damaged");
    unlink(kit_path);
    run_sql("CREATE TABLE t(x)");
    assert_int_equal(chmod(kit_path, 0600), 0);
    assert_refused("another program's", FAIL_INPUT, "is not a store of postern");
    unlink(kit_path);
    assert_true(opens());
    run_sql("PRAGMA user_version=2");
    assert_refused("newer", FAIL_UNSUPPORTED,
                   "has format 2 and this version knows formats up to 1");
    run_sql("PRAGMA user_version=1");
    assert_true(opens());
}

static void a_command_makes_no_store(void **state)
{
    struct store_options o = kit_options();
    assert_null(store_db_open(&o, false, &kit_fail));
    assert_int_equal(kit_fail.code, FAIL_NOT_FOUND);
    assert_int_equal(access(kit_path, F_OK), -1);
    assert_true(opens());
    struct store_db *db = store_db_open(&o, false, &kit_fail);
    struct store_session in = kit_session("kim");
    int64_t id;
    assert_non_null(db);
    assert_false(store_session_create(db, &in, &id, &kit_fail)); /* it only looks */
    store_db_close(db);
}

/* ---- locked ---- */

static void a_locked_store_fails_writes_and_answers_reads(void **state)
{
    sqlite3 *other;
    struct store_seen seen;
    struct store_db *db = kit_open();
    struct store_session in = kit_session("ann");
    struct store_match m = {.everybody = true};
    int64_t id = kit_create(db, "kim"), n;
    sqlite3_busy_timeout(db->sql, 0);
    assert_ok(kit_cookie(db, id, 1, "wiki"));
    assert_int_equal(sqlite3_open(kit_path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_false(store_session_create(db, &in, &n, &kit_fail));
    assert_int_equal(kit_fail.code, FAIL_BUSY);
    assert_non_null(strstr(kit_fail.text, "is locked by another process"));
    assert_false(kit_cookie(db, id, 2, "wiki"));
    assert_false(store_sessions_end(db, &m, "logout", NULL, &kit_fail));
    assert_told("");
    assert_int_equal(kit_find(db, 1, "wiki", &seen), STORE_FOUND);
    assert_refused("start", FAIL_BUSY, "is locked by another process");
    sqlite3_close(other);
    assert_ok(store_session_create(db, &in, &n, &kit_fail));
    store_db_close(db);
}

/* ---- full ---- */

static void a_full_store_fails_what_does_not_fit(void **state)
{
    struct store_seen seen;
    struct store_db *db = kit_open();
    struct store_session in = kit_session("ann");
    char *long_text = arena_text(&kit_arena, 300000);
    int64_t id = kit_create(db, "kim"), n;
    memset(long_text, 'x', 300000);
    in.claims = (str){long_text, 300000};
    assert_ok(kit_cookie(db, id, 1, "wiki"));
    assert_ok(db_exec(db, "PRAGMA max_page_count=1", &kit_fail)); /* no page more */
    assert_false(store_session_create(db, &in, &n, &kit_fail));
    assert_int_equal(kit_fail.code, FAIL_LIMIT);
    assert_non_null(strstr(kit_fail.text, "is full"));
    assert_int_equal(kit_find(db, 1, "wiki", &seen), STORE_FOUND);
    assert_ok(db_exec(db, "PRAGMA max_page_count=100000", &kit_fail));
    assert_ok(store_session_create(db, &in, &n, &kit_fail));
    assert_int_equal(n, id + 1); /* what failed left nothing */
    store_db_close(db);
}

static void a_file_that_cannot_grow_fails_and_recovers(void **state)
{
    struct rlimit old, low = {.rlim_cur = 300000, .rlim_max = RLIM_INFINITY};
    struct store_db *db = kit_open();
    struct store_session in = kit_session("ann");
    char *long_text = arena_text(&kit_arena, 400000);
    int64_t n;
    memset(long_text, 'x', 400000);
    in.claims = (str){long_text, 400000};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    bool ok = store_session_create(db, &in, &n, &kit_fail);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_false(ok);
    assert_int_equal(kit_fail.code, FAIL_SYSTEM);
    assert_non_null(strstr(kit_fail.text, "cannot be written: "));
    assert_ok(store_session_create(db, &in, &n, &kit_fail));
    store_db_close(db);
}

/* ---- damaged ---- */

static const char *host_of(unsigned char n)
{
    static char host[16];
    snprintf(host, sizeof host, "app-%u", n);
    return host;
}

static void fill(void)
{
    struct store_db *db = kit_open();
    for (unsigned char n = 1; n <= PEOPLE; n++) {
        char name[16];
        snprintf(name, sizeof name, "person-%u", n);
        struct store_session in = kit_session(name);
        char *claims = arena_text(&kit_arena, 900);
        int64_t id;
        memset(claims, 'c', 900);
        in.claims = (str){claims, 900};
        in.refresh_token = STR("refresh");
        assert_ok(store_session_create(db, &in, &id, &kit_fail));
        assert_ok(kit_cookie(db, id, n, host_of(n)));
    }
    assert_ok(db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", &kit_fail));
    store_db_close(db);
}

static size_t read_file(char **bytes)
{
    struct stat st;
    int fd = open(kit_path, O_RDONLY);
    assert_int_equal(fstat(fd, &st), 0);
    *bytes = arena_text(&kit_arena, (size_t)st.st_size);
    assert_int_equal(read(fd, *bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    return (size_t)st.st_size;
}

static void restore(const char *bytes, size_t n)
{
    char name[128];
    static const char *const ENDS[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", kit_path, ENDS[i]);
        unlink(name);
    }
    write_at(0, bytes, n);
}

static void a_damaged_store_does_not_start(void **state)
{
    static const char junk[2 * PAGE] = "junk";
    const struct {
        const char *name;
        off_t at;
        size_t n;
    } rows[] = {{"the magic", 0, 16},
                {"the first page", 0, PAGE},
                {"the schema", 100, PAGE - 100},
                {"its first bytes", 100, 8},
                {"the first table", PAGE, PAGE},
                {"two pages", 2 * PAGE, 2 * PAGE}};
    char *bytes;
    fill();
    size_t n = read_file(&bytes);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        restore(bytes, n);
        write_at(rows[i].at, junk, rows[i].n);
        assert_refused(rows[i].name, FAIL_INPUT, "is");
    }
    restore(bytes, n);
    assert_int_equal(truncate(kit_path, (off_t)n / 2 / PAGE * PAGE), 0);
    assert_refused("cut", FAIL_INPUT, "is damaged");
    restore(bytes, n);
    assert_true(opens());
}

/* Any page, overwritten: what is found is right, or nothing is. */
static void look_at_all(struct store_db *db, size_t page)
{
    for (unsigned char n = 1; n <= PEOPLE; n++) {
        struct store_seen seen;
        char name[16];
        snprintf(name, sizeof name, "person-%u", n);
        kit_fail = (struct fail){0};
        enum store_found found = kit_find(db, n, host_of(n), &seen);
        if (found == STORE_FOUND && !str_eq(seen.session.subject, str_of(name)))
            fail_msg("page %zu: cookie %u is %.*s", page, n, STR_ARG(seen.session.subject));
        if (found == STORE_FAILED && !kit_fail.text[0])
            fail_msg("page %zu: no sentence", page);
    }
}

static void use_all(struct store_db *db)
{
    struct store_match m = {.everybody = true};
    const struct store_session *items;
    size_t n;
    bool more;
    kit_told[0] = '\0';
    (void)store_sessions_list(db, &m, 100, &kit_arena, &items, &n, &kit_fail);
    (void)store_sweep(db, 1, &more, &kit_fail);
    (void)store_sessions_end(db, &m, "administrator", &n, &kit_fail);
    kit_told[0] = '\0';
}

static void any_damaged_page_lets_nobody_in(void **state)
{
    static const unsigned char FILLS[] = {0x00, 0x5a, 0xff};
    struct store_options o = kit_options();
    unsigned refused = 0;
    char junk[PAGE], *bytes;
    fill();
    size_t n = read_file(&bytes);
    for (size_t page = 0; page < n / PAGE; page++)
        for (size_t i = 0; i < sizeof FILLS; i++) {
            memset(junk, FILLS[i], sizeof junk);
            restore(bytes, n);
            write_at((off_t)(page * PAGE), junk, PAGE);
            struct store_db *db = store_db_open_server(&o, &kit_fail);
            refused += !db;
            if (!db)
                continue;
            look_at_all(db, page);
            use_all(db);
            store_db_close(db);
        }
    assert_true(refused > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
        T(the_file_is_ours_alone),
        T(refuses_what_is_no_store),
        T(a_command_makes_no_store),
        T(a_locked_store_fails_writes_and_answers_reads),
        T(a_full_store_fails_what_does_not_fit),
        T(a_file_that_cannot_grow_fails_and_recovers),
        T(a_damaged_store_does_not_start),
        T(any_damaged_page_lets_nobody_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
