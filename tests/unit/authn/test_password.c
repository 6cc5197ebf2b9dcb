/* scrypt hashes in PHC form, as they are made and as they are taken from a file. */
#include "check.h"

#include <stdio.h>

#include "authn/password.h"

/* Made by Python's hashlib.scrypt: "correct horse battery", salt 00..0f, n=2^15, r=8, p=1. */
static const char FOREIGN[] =
    "$scrypt$ln=15,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$xy6UCICz8Vv/P6JqOkkUD4DOmhxN0tXSe6sQAUBxupQ";
/* The same with n=2^14, r=8, p=2, 16 bytes. */
static const char OTHER[] = "$scrypt$ln=14,r=8,p=2$AAECAwQFBgcICQoLDA0ODw$3nSR50ZsJ864rtK8vquYTw";

static void a_hash_knows_its_password_alone(void **state)
{
    char hash[PASSWORD_HASH_MAX], again[PASSWORD_HASH_MAX];
    struct fail fail = {0};

    assert_true(password_hash(STR("correct horse battery"), hash, &fail));
    assert_true(password_hash(STR("correct horse battery"), again, &fail));
    assert_string_not_equal(hash, again); /* salted */
    assert_int_equal(strncmp(hash, "$scrypt$ln=15,r=8,p=1$", 22), 0);
    assert_true(password_check(str_of(hash), STR("correct horse battery")));
    assert_false(password_check(str_of(hash), STR("correct horse batterx")));
    assert_false(password_check(str_of(hash), STR("correct horse batter")));
    assert_false(password_check(str_of(hash), STR("")));
    assert_false(password_check(str_of(hash), (str){NULL, 0}));
    password_check_nobody(STR("correct horse battery"));
}

static void hashes_of_others_are_read(void **state)
{
    assert_true(password_check(str_of(FOREIGN), STR("correct horse battery")));
    assert_true(password_check(str_of(OTHER), STR("correct horse battery")));
    assert_false(password_check(str_of(OTHER), STR("correct horse batterz")));
}

static void a_stored_hash_is_sound_or_opens_nothing(void **state)
{
#define SALT "AAECAwQFBgcICQoLDA0ODw"
#define HASH "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    static const struct {
        const char *hash;
        bool wanted;
    } rows[] = {
        {"$scrypt$ln=15,r=8,p=1$" SALT "$" HASH, true},
        {"$scrypt$ln=14,r=8,p=1$" SALT "$" HASH, true},
        {"$scrypt$ln=17,r=8,p=1$" SALT "$" HASH, true},
        {"$scrypt$ln=15,r=8,p=4$" SALT "$" HASH, true},
        {"$scrypt$ln=15,r=8,p=1$AAECAwQFBgc$" SALT, true},
        {"", false},
        {"secret password", false},
        {"$scrypt$", false},
        {"scrypt$ln=15,r=8,p=1$" SALT "$" HASH, false},
        {"x$scrypt$ln=15,r=8,p=1$" SALT "$" HASH, false},
        {"$Scrypt$ln=15,r=8,p=1$" SALT "$" HASH, false},
        {"$argon2id$v=19$m=65536,t=2,p=1$" SALT "$" HASH, false},
        {"$scrypt$ln=13,r=8,p=1$" SALT "$" HASH, false}, /* too weak */
        {"$scrypt$ln=0,r=8,p=1$" SALT "$" HASH, false},
        {"$scrypt$ln=18,r=8,p=1$" SALT "$" HASH, false}, /* 256 MiB */
        {"$scrypt$ln=63,r=8,p=1$" SALT "$" HASH, false},
        {"$scrypt$ln=64,r=8,p=1$" SALT "$" HASH, false},
        {"$scrypt$ln=17,r=8,p=2$" SALT "$" HASH, false}, /* too slow */
        {"$scrypt$ln=15,r=4096,p=4096$" SALT "$" HASH, false},
        {"$scrypt$ln=15,r=0,p=1$" SALT "$" HASH, false},
        {"$scrypt$ln=15,r=8,p=0$" SALT "$" HASH, false},
        {"$scrypt$ln=-15,r=8,p=1$" SALT "$" HASH, false},
        {"$scrypt$r=8,ln=15,p=1$" SALT "$" HASH, false},
        {"$scrypt$ln=15,r=8,p=1,x=1$" SALT "$" HASH, false},
        {"$scrypt$ln=15,r=8$" SALT "$" HASH, false},
        {"$scrypt$ln=15,r=8,p=1$" SALT "$", false},
        {"$scrypt$ln=15,r=8,p=1$" SALT, false},
        {"$scrypt$ln=15,r=8,p=1$$" HASH, false},
        {"$scrypt$ln=15,r=8,p=1$AAECAw$" HASH, false},         /* four bytes of salt */
        {"$scrypt$ln=15,r=8,p=1$" SALT "$AAECAwQFBgc", false}, /* eight of hash */
        {"$scrypt$ln=15,r=8,p=1$" SALT "==$" HASH, false},
        {"$scrypt$ln=15,r=8,p=1$" SALT "$" HASH "$", false},
        {"$scrypt$ln=15,r=8,p=1$" SALT "$" HASH " ", false},
        {"$scrypt$ln=15,r=8,p=1$" SALT "$" HASH HASH HASH, false}, /* 96 bytes */
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *why = NULL;
        assert_row(rows[i].hash,
                   password_hash_is_sound(str_of(rows[i].hash), &why) == rows[i].wanted);
        assert_row(rows[i].hash, rows[i].wanted || why);
        if (!rows[i].wanted)
            assert_row(rows[i].hash,
                       !password_check(str_of(rows[i].hash), STR("correct horse battery")));
    }
}

static void a_new_password_is_long_enough_and_text(void **state)
{
    static const struct {
        str password;
        bool wanted;
    } rows[] = {
        {STR("123456789"), false},
        {STR("1234567890"), true},
        {STR("\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC"), false}, /* five letters, ten bytes */
        {STR("\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC"),
         true},
        {STR("12345\n67890"), false},
        {STR("1234567890\0"), false},
        {STR("1234567890\xFF"), false},
        {STR("1234567890\x7F"), false},
        {STR(""), false},
        {{NULL, 0}, false},
    };
    char hash[PASSWORD_HASH_MAX];
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail fail = {0};
        char row[16];
        snprintf(row, sizeof row, "%zu", i);
        assert_row(row, password_hash(rows[i].password, hash, &fail) == rows[i].wanted);
        assert_row(row, rows[i].wanted == (fail.code == FAIL_NONE));
    }
    static char longest[PASSWORD_MAX_BYTES + 1];
    struct fail fail = {0};
    memset(longest, 'x', sizeof longest);
    assert_true(password_hash((str){longest, PASSWORD_MAX_BYTES}, hash, &fail));
    assert_true(password_check(str_of(hash), (str){longest, PASSWORD_MAX_BYTES}));
    assert_false(password_hash((str){longest, PASSWORD_MAX_BYTES + 1}, hash, &fail));
    assert_int_equal(fail.code, FAIL_LIMIT);
    assert_false(password_check(str_of(hash), (str){longest, PASSWORD_MAX_BYTES + 1}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_knows_its_password_alone),
        cmocka_unit_test(hashes_of_others_are_read),
        cmocka_unit_test(a_stored_hash_is_sound_or_opens_nothing),
        cmocka_unit_test(a_new_password_is_long_enough_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
