/* kit: what the tests of the store share: a folder of their own, a clock that they set, and a list
 * of what was told. */
#ifndef TESTS_UNIT_STORE_KIT_H
#define TESTS_UNIT_STORE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/store/session.h"

enum { T0 = 1790000000, HOUR = 3600 };

static char kit_dir[64], kit_path[96];
static int64_t kit_now_s = T0;
static char kit_told[8192]; /* "ended 1 https://idp kim logout; ..." */
static unsigned char kit_keys[2][32] = {{1, 2, 3}, {4, 5, 6}};
static struct arena kit_arena;
static struct fail kit_fail;

static inline int64_t kit_wall_s(void)
{
    return kit_now_s;
}

static inline void kit_changed(void *ctx, const struct store_change *c)
{
    static const char *const KINDS[] = {"", "ended", "changed", "person"};
    size_t n = strlen(kit_told);
    (void)ctx;
    snprintf(kit_told + n, sizeof kit_told - n, "%s %lld %.*s %.*s %s; ", KINDS[c->kind],
             (long long)c->session, STR_ARG(c->issuer), STR_ARG(c->subject), c->why ? c->why : "-");
}

static inline struct store_options kit_options(void)
{
    return (struct store_options){.path = kit_path,
                                  .seal_keys = (const unsigned char(*)[32])kit_keys,
                                  .n_seal_keys = 1,
                                  .changed = kit_changed,
                                  .wall_s = kit_wall_s};
}

/* What was told since the last time. */
static inline void assert_told(const char *wanted)
{
    if (strcmp(kit_told, wanted) != 0)
        fail_msg("told \"%s\" and not \"%s\"", kit_told, wanted);
    kit_told[0] = '\0';
}

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, kit_fail.text);                                              \
    } while (0)

static inline int kit_setup(void **state)
{
    strcpy(kit_dir, "/tmp/postern-store-XXXXXX");
    if (!mkdtemp(kit_dir))
        return -1;
    snprintf(kit_path, sizeof kit_path, "%s/postern.db", kit_dir);
    kit_now_s = T0;
    kit_told[0] = '\0';
    arena_init(&kit_arena, NULL, 0);
    return 0;
}

static inline int kit_teardown(void **state)
{
    char command[128];
    arena_finish(&kit_arena);
    snprintf(command, sizeof command, "rm -rf '%s'", kit_dir);
    return system(command);
}

static inline struct store_db *kit_open(void)
{
    struct store_options o = kit_options();
    struct store_db *db = store_db_open_server(&o, &kit_fail);
    if (!db)
        fail_msg("%s", kit_fail.text);
    return db;
}

static inline struct store_session kit_session(const char *subject)
{
    return (struct store_session){.issuer_name = STR("corp"),
                                  .issuer = STR("https://idp"),
                                  .subject = str_of(subject),
                                  .claims = STR("{}"),
                                  .created_s = kit_now_s,
                                  .seen_s = kit_now_s,
                                  .claims_s = kit_now_s,
                                  .ends_s = kit_now_s + 24 * HOUR};
}

static inline int64_t kit_create(struct store_db *db, const char *subject)
{
    struct store_session in = kit_session(subject);
    int64_t id = 0;
    assert_ok(store_session_create(db, &in, &id, &kit_fail));
    return id;
}

static inline void kit_hash(unsigned char out[32], unsigned char n)
{
    memset(out, n, 32);
}

static inline enum store_found kit_find(struct store_db *db, unsigned char n, const char *host,
                                        struct store_seen *out)
{
    unsigned char hash[32];
    kit_hash(hash, n);
    return store_session_by_cookie(db, hash, str_of(host), &kit_arena, out, &kit_fail);
}

static inline bool kit_cookie(struct store_db *db, int64_t id, unsigned char n, const char *host)
{
    unsigned char hash[32];
    kit_hash(hash, n);
    return store_cookie_add(db, id, hash, str_of(host), &kit_fail);
}

#endif
