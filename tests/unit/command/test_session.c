/* postern session and postern key: whom they mean, and what they leave alone. */
#include "../config/room.h"

#include <time.h>

#include "proxy/command/command.h"
#include "proxy/config/keyring.h"
#include "proxy/store/store.h"

static int run(int (*command)(int, char **), const char *const *args)
{
    char *argv[12] = {0};
    int argc = 0;
    while (args[argc]) {
        argv[argc] = (char *)(uintptr_t)args[argc];
        argc++;
    }
    return command(argc, argv);
}
#define SESSION(...)                                                                               \
    run(command_session, (const char *const[]){"session", __VA_ARGS__, "--config",                 \
                                               room_path("postern.yaml"), NULL})
#define KEY(...)                                                                                   \
    run(command_key,                                                                               \
        (const char *const[]){"key", __VA_ARGS__, "--config", room_path("postern.yaml"), NULL})

static struct store *server_side(void)
{
    struct fail f = {0};
    struct store *s =
        store_open(&(struct store_options){.path = room_path("state/postern.db")}, &f);
    if (!s)
        fail_msg("%s", f.text);
    return s;
}

static struct store_db *open_db(void)
{
    struct store_options o = {.path = room_path("state/postern.db")};
    struct store_db *db = store_db_open(&o, true, NULL);
    assert_non_null(db);
    return db;
}

/* kim twice, ann with an escape sequence for a name. */
static void fill(char handle[17])
{
    static const char *const SUBJECTS[] = {"kim", "kim", "\x1b[2Jann"};
    const struct store_session *items;
    struct store_match m = {.everybody = true};
    struct arena a;
    size_t n;
    store_close(server_side());
    struct store_db *db = open_db();
    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < 3; i++) {
        int64_t id, now_s = (int64_t)time(NULL);
        struct store_session in = {.issuer_name = STR("corp"),
                                   .issuer = STR("https://idp"),
                                   .subject = str_of(SUBJECTS[i]),
                                   .email = i < 2 ? STR("kim@corp.example") : (str){NULL, 0},
                                   .claims = STR("{}"),
                                   .created_s = now_s,
                                   .seen_s = now_s,
                                   .claims_s = now_s,
                                   .ends_s = now_s + 3600};
        assert_true(store_session_create(db, &in, &id, NULL));
    }
    assert_true(store_sessions_list(db, &m, 1, &a, &items, &n, NULL));
    memcpy(handle, items[0].handle, 16);
    handle[16] = '\0';
    arena_finish(&a);
    store_db_close(db);
}

static size_t count(void)
{
    const struct store_session *items;
    struct store_match m = {.everybody = true};
    struct arena a;
    size_t n;
    struct store_db *db = open_db();
    arena_init(&a, NULL, 0);
    assert_true(store_sessions_list(db, &m, 100, &a, &items, &n, NULL));
    arena_finish(&a);
    store_db_close(db);
    return n;
}

static int setup(void **state)
{
    if (room_setup(state) != 0)
        return -1;
    assert_int_equal(run(command_init, (const char *const[]){"init", room_path("new"), NULL}),
                     EXIT_GOOD);
    char command[256];
    snprintf(command, sizeof command, "mv '%s'/new/* '%s'", room, room);
    return system(command);
}

static void ends_whom_it_names(void **state)
{
    char handle[17];
    assert_int_equal(SESSION("list"), EXIT_ERRORS); /* there is no store yet */
    assert_int_equal(access(room_path("state/postern.db"), F_OK), -1);
    fill(handle);
    assert_int_equal(SESSION("list"), EXIT_GOOD);
    assert_int_equal(SESSION("list", "--format", "json", "--limit", "1"), EXIT_GOOD);
    const struct {
        const char *option, *value;
        int code;
        size_t left;
    } rows[] = {{"--session", "0000000000000000", EXIT_ERRORS, 3},
                {"--session", "", EXIT_ERRORS, 3},
                {"--user", "lee@corp.example", EXIT_ERRORS, 3},
                {"--session", handle, EXIT_GOOD, 2},
                {"--session", handle, EXIT_ERRORS, 2},
                {"--user", "Kim@corp.example", EXIT_GOOD, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int code = SESSION("revoke", rows[i].option, rows[i].value);
        if (code != rows[i].code || count() != rows[i].left)
            fail_msg("row %zu: %d, %zu left", i, code, count());
    }
    fill(handle);
    assert_int_equal(SESSION("revoke", "--issuer", "https://other", "--subject", "kim"),
                     EXIT_ERRORS);
    assert_int_equal(SESSION("revoke", "--subject", "kim"), EXIT_GOOD);
    assert_int_equal(count(), 1);
    assert_int_equal(SESSION("revoke", "--all"), EXIT_GOOD);
    assert_int_equal(count(), 0);
    assert_int_equal(SESSION("revoke", "--all"), EXIT_GOOD);
}

static void nothing_said_is_nobody(void **state)
{
    assert_int_equal(SESSION("revoke"), EXIT_USAGE);
    assert_int_equal(SESSION("revoke", "--issuer", "https://idp"), EXIT_USAGE);
    assert_int_equal(SESSION("revoke", "--all", "--user", "kim"), EXIT_USAGE);
    assert_int_equal(SESSION("revoke", "kim"), EXIT_USAGE);
    assert_int_equal(SESSION("end"), EXIT_USAGE);
    assert_int_equal(run(command_session, (const char *const[]){"session", NULL}), EXIT_USAGE);
    assert_int_equal(run(command_session, (const char *const[]){"session", "--help", NULL}),
                     EXIT_GOOD);
}

static size_t generations(enum keyring_name name)
{
    struct keyring *k = keyring_open(room_path("state"), name, 0, NULL);
    assert_non_null(k);
    size_t n = k->n;
    keyring_close(&k);
    return n;
}

static void rotates_one_key(void **state)
{
    assert_int_equal(KEY("list"), EXIT_GOOD);
    assert_int_equal(access(room_path("state/keys/seal"), F_OK), -1); /* it only looks */
    assert_int_equal(KEY("rotate", "seal"), EXIT_GOOD);
    assert_int_equal(KEY("rotate", "seal"), EXIT_GOOD);
    assert_int_equal(generations(KEYRING_SEAL), 3);
    assert_int_equal(generations(KEYRING_COOKIE), 1);
    assert_int_equal(KEY("rotate", "seal", "--drop-old"), EXIT_GOOD);
    assert_int_equal(generations(KEYRING_SEAL), 1);
    assert_int_equal(KEY("list"), EXIT_GOOD);
    assert_int_equal(KEY("rotate", "checkpoint"), EXIT_USAGE);
    assert_int_equal(KEY("rotate"), EXIT_USAGE);
    assert_int_equal(KEY("rotate", "seal", "cookie"), EXIT_USAGE);
    assert_int_equal(KEY("list", "--drop-old"), EXIT_USAGE);
    assert_int_equal(KEY("make"), EXIT_USAGE);
    assert_int_equal(chmod(room_path("state/keys/seal"), 0644), 0);
    assert_int_equal(KEY("list"), EXIT_ERRORS);
    assert_int_equal(KEY("rotate", "seal"), EXIT_ERRORS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ends_whom_it_names, setup, room_teardown),
        cmocka_unit_test_setup_teardown(nothing_said_is_nobody, setup, room_teardown),
        cmocka_unit_test_setup_teardown(rotates_one_key, setup, room_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
