/* The store with many sessions: how long a start takes, what memory it holds, and what a cookie
 * costs that the worker's cache does not know.
 *
 *     store_bench FOLDER [SESSIONS]
 *
 * The rows are made by one statement, not one log-in each, which a disk would sync a million times;
 * one in a hundred has a token and every one a cookie. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fcntl.h>
#include <sqlite3.h>

#include "base/arena.h"
#include "proxy/store/store.h"

enum { LOOKS = 20000, MADE_S = 1790000000 };

static int64_t now_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t wall_s(void)
{
    return MADE_S + 3600;
}

static long rss_kib(void)
{
    long pages = 0, resident = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    if (!in || fscanf(in, "%ld %ld", &pages, &resident) != 2)
        exit(1);
    fclose(in);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static struct store_options options(const char *path)
{
    static const unsigned char KEY[1][32] = {{7}};
    return (struct store_options){
        .path = path, .seal_keys = KEY, .n_seal_keys = 1, .wall_s = wall_s};
}

static struct store *open_or_end(const char *path)
{
    struct fail f = {0};
    struct store_options o = options(path);
    struct store *s = store_open(&o, &f);
    if (s)
        return s;
    fprintf(stderr, "%s\n", f.text);
    exit(1);
}

static void fill(const char *path, unsigned long n)
{
    sqlite3 *sql;
    char *wrong = NULL, text[2048];
    /* A cookie's hash is not random here, so the look-ups below shuffle. */
    snprintf(
        text, sizeof text,
        "PRAGMA synchronous=OFF; BEGIN;"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lu)"
        " INSERT INTO session(handle, issuer_name, issuer, subject, email, claims, provider_sid,"
        " created_s, seen_s, claims_s, ends_s, agent, address)"
        " SELECT lower(hex(randomblob(8))), 'corp', 'https://login.corp.example',"
        " hex(randomblob(16)), 'person-' || i || '@corp.example',"
        " '{\"groups\":[\"staff\",\"dev\",\"oncall\"],\"amr\":[\"pwd\",\"otp\"],\"acr\":\"2\"}',"
        " hex(randomblob(8)), %d, %d + i %% 3600, %d, %d, 'Mozilla/5.0', '192.0.2.7' FROM n;"
        "INSERT INTO cookie(hash, session, host) SELECT CAST(printf('%%032d', id) AS BLOB), id,"
        " 'wiki.corp.example' FROM session;"
        "INSERT INTO token(session, refresh) SELECT id, CAST(x'01' || randomblob(300) AS BLOB) "
        "FROM session"
        " WHERE id %% 100 = 0; COMMIT; PRAGMA wal_checkpoint(TRUNCATE);",
        n, MADE_S, MADE_S, MADE_S, MADE_S + 86400);
    if (sqlite3_open(path, &sql) != SQLITE_OK ||
        sqlite3_exec(sql, text, NULL, NULL, &wrong) != SQLITE_OK) {
        fprintf(stderr, "%s\n", wrong ? wrong : "cannot open");
        exit(1);
    }
    sqlite3_close(sql);
}

/* The kernel's cache is dropped for the file, as far as it lets us. */
static void make_cold(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd >= 0) {
        fsync(fd);
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
}

static void time_start(const char *path, const char *what)
{
    int64_t from_us = now_us(CLOCK_MONOTONIC);
    struct store *s = open_or_end(path);
    int64_t took_us = now_us(CLOCK_MONOTONIC) - from_us;
    printf("start, %s: %.1f ms, resident %ld KiB\n", what, (double)took_us / 1e3, rss_kib());
    store_close(s);
}

struct looks {
    unsigned long sessions;
    unsigned long found, absent;
    int64_t cpu_us, wall_us;
    bool is_unknown;
};

static void look(struct store_db *db, void *ctx)
{
    struct looks *l = ctx;
    struct arena a;
    char block[8192];
    uint64_t at = 88172645463325252u;
    int64_t cpu_us = now_us(CLOCK_THREAD_CPUTIME_ID), from_us = now_us(CLOCK_MONOTONIC);
    for (int i = 0; i < LOOKS; i++) {
        struct store_seen seen;
        char hash[48];
        at ^= at << 13, at ^= at >> 7, at ^= at << 17;
        snprintf(hash, sizeof hash, "%032" PRIu64,
                 at % l->sessions + 1 + (l->is_unknown ? l->sessions : 0));
        arena_init(&a, block, sizeof block);
        enum store_found found = store_session_by_cookie(db, (const unsigned char *)hash,
                                                         STR("wiki.corp.example"), &a, &seen, NULL);
        l->found += found == STORE_FOUND;
        l->absent += found == STORE_ABSENT;
        arena_finish(&a);
    }
    l->cpu_us = now_us(CLOCK_THREAD_CPUTIME_ID) - cpu_us;
    l->wall_us = now_us(CLOCK_MONOTONIC) - from_us;
}

static void time_looks(const char *path, unsigned long n, bool is_unknown)
{
    struct looks l = {.sessions = n, .is_unknown = is_unknown};
    struct store *s = open_or_end(path);
    if (!store_post(s, look, NULL, &l))
        exit(1);
    store_close(s); /* runs what is queued */
    printf("look-up of %s cookie: %.1f us CPU, %.1f us (%lu found, %lu absent); resident %ld KiB\n",
           is_unknown ? "an unknown" : "a known", (double)l.cpu_us / LOOKS,
           (double)l.wall_us / LOOKS, l.found, l.absent, rss_kib());
}

static void log_in(struct store_db *db, void *ctx)
{
    struct store_session in = {.issuer_name = STR("corp"),
                               .issuer = STR("https://login.corp.example"),
                               .subject = STR("one"),
                               .claims = STR("{\"groups\":[\"staff\"]}"),
                               .refresh_token = STR("0123456789abcdef0123456789abcdef"),
                               .created_s = wall_s(),
                               .seen_s = wall_s(),
                               .claims_s = wall_s(),
                               .ends_s = wall_s() + 86400};
    int64_t *cpu_us = ctx, from_us = now_us(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < 100; i++) {
        unsigned char hash[32] = {0xff, (unsigned char)i};
        int64_t id;
        if (!store_session_create(db, &in, &id, NULL) ||
            !store_cookie_add(db, id, hash, STR("wiki.corp.example"), NULL))
            exit(1);
    }
    *cpu_us = now_us(CLOCK_THREAD_CPUTIME_ID) - from_us;
}

static void time_log_ins(const char *path, unsigned long n)
{
    int64_t cpu_us = 0;
    struct store *s = open_or_end(path);
    if (!store_post(s, log_in, NULL, &cpu_us))
        exit(1);
    store_close(s);
    printf("a log-in's rows (session, token, cookie): %.1f us CPU\n", (double)cpu_us / 100);
}

static void end_one(struct store_db *db, void *ctx)
{
    struct store_match m = {.email = STR("person-4711@corp.example")};
    int64_t *us = ctx, from_us = now_us(CLOCK_MONOTONIC);
    size_t n;
    if (!store_sessions_end(db, &m, "administrator", &n, NULL))
        exit(1);
    *us = now_us(CLOCK_MONOTONIC) - from_us;
}

static void time_end(const char *path, unsigned long n)
{
    int64_t us = 0;
    struct store *s = open_or_end(path);
    if (!store_post(s, end_one, NULL, &us))
        exit(1);
    store_close(s);
    printf("end of one person's sessions: %.1f ms, synced\n", (double)us / 1e3);
}

/* Each in a process of its own: memory that one has used is not counted for the next. */
static void in_child(void (*phase)(const char *path, unsigned long n), const char *path,
                     unsigned long n)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        phase(path, n);
        fflush(stdout);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || status != 0)
        exit(1);
}

static void start_new(const char *path, unsigned long n)
{
    time_start(path, "new and empty");
}

static void start_first(const char *path, unsigned long n)
{
    make_cold(path);
    time_start(path, "file not in the kernel's memory");
}

static void start_again(const char *path, unsigned long n)
{
    time_start(path, "again");
}

static void look_unknown(const char *path, unsigned long n)
{
    time_looks(path, n, true);
}

static void look_known(const char *path, unsigned long n)
{
    time_looks(path, n, false);
}

int main(int argc, char **argv)
{
    static void (*const PHASES[])(const char *path, unsigned long n) = {
        start_new,  fill,         start_first,  start_again,
        look_known, look_unknown, time_log_ins, time_end};
    char path[4096];
    unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
    if (argc < 2 || !n || snprintf(path, sizeof path, "%s/postern.db", argv[1]) >= 4096)
        return 2;
    unlink(path);
    printf("%lu sessions; an empty process: resident %ld KiB\n", n, rss_kib());
    for (size_t i = 0; i < sizeof PHASES / sizeof *PHASES; i++)
        in_child(PHASES[i], path, n);
    unlink(path);
    return 0;
}
