/* Cookies of ours: which count, and how they are found among others. */
#include "house.h"

#include "base/encode.h"
#include "proxy/config/keyring.h"

static struct keyring keys, other_keys;

static int open_keys(void **state)
{
    keys = (struct keyring){.n = 2};
    other_keys = (struct keyring){.n = 1};
    memset(keys.secrets[0], 1, KEYRING_SECRET_BYTES);
    memset(keys.secrets[1], 2, KEYRING_SECRET_BYTES);
    memset(other_keys.secrets[0], 3, KEYRING_SECRET_BYTES);
    return 0;
}

static bool checks(const struct keyring *k, const char *host, const char *value, size_t n)
{
    unsigned char hash[32];
    return session_cookie_check(k, str_of(host), (str){value, n}, hash);
}

static void only_ours_count(void **state)
{
    char value[SESSION_COOKIE_CHARS], again[SESSION_COOKIE_CHARS], login[SESSION_COOKIE_CHARS];
    unsigned char hash[32], found[32];
    const size_t n = sizeof value;
    session_cookie_make(&keys, STR("a.example"), value, hash);
    session_cookie_make(&keys, STR("a.example"), again, found);
    assert_memory_not_equal(value, again, n);
    assert_true(session_cookie_check(&keys, STR("a.example"), (str){value, n}, found));
    assert_memory_equal(hash, found, sizeof hash);
    assert_false(checks(&keys, "b.example", value, n));
    assert_false(checks(&keys, "a.exampl", value, n));
    assert_false(checks(&keys, "", value, n));
    assert_false(checks(&other_keys, "a.example", value, n));
    assert_false(checks(NULL, "a.example", value, n));
    assert_false(checks(&keys, "a.example", value, n - 1));
    assert_false(checks(&keys, "a.example", "", 0));
    assert_false(session_cookie_check(&keys, STR("a.example"), (str){NULL, 0}, found));
    login_cookie_make(&keys, STR("a.example"), login, hash);
    assert_true(login_cookie_check(&keys, STR("a.example"), (str){login, n}, found));
    assert_memory_equal(hash, found, sizeof hash);
    assert_false(checks(&keys, "a.example", login, n));
    assert_false(login_cookie_check(&keys, STR("a.example"), (str){value, n}, found));
}

/* Any one character changed, in the random part or in the tag. */
static void each_bit_counts(void **state)
{
    char value[SESSION_COOKIE_CHARS];
    unsigned char hash[32];
    session_cookie_make(&keys, STR("a.example"), value, hash);
    for (size_t i = 0; i < sizeof value; i++) {
        char kept = value[i];
        value[i] = kept == 'A' ? 'B' : 'A';
        assert_false(checks(&keys, "a.example", value, sizeof value));
        value[i] = '"';
        assert_false(checks(&keys, "a.example", value, sizeof value));
        value[i] = kept;
    }
    assert_true(checks(&keys, "a.example", value, sizeof value));
}

/* A key that was rotated goes on to count, one that is gone does not. */
static void generations(void **state)
{
    char value[SESSION_COOKIE_CHARS];
    unsigned char hash[32];
    struct keyring old = {.n = 1}, gone = {.n = 1};
    memset(old.secrets[0], 2, KEYRING_SECRET_BYTES);
    memset(gone.secrets[0], 9, KEYRING_SECRET_BYTES);
    session_cookie_make(&old, STR("a.example"), value, hash);
    assert_true(checks(&keys, "a.example", value, sizeof value));
    session_cookie_make(&gone, STR("a.example"), value, hash);
    assert_false(checks(&keys, "a.example", value, sizeof value));
}

/* A host that is longer than any name has no cookie, and making one for it harms nobody. */
static void long_host(void **state)
{
    char value[SESSION_COOKIE_CHARS], host[400];
    unsigned char hash[32];
    memset(host, 'a', sizeof host);
    session_cookie_make(&keys, (str){host, 300}, value, hash);
    assert_false(session_cookie_check(&keys, (str){host, 300}, (str){value, sizeof value}, hash));
    session_cookie_make(&keys, (str){host, 255}, value, hash);
    assert_true(session_cookie_check(&keys, (str){host, 255}, (str){value, sizeof value}, hash));
}

/* At most 128 bytes with name and all: a promise. */
static void size(void **state)
{
    assert_true(sizeof LOGIN_COOKIE + SESSION_COOKIE_CHARS + 1 <= 128);
    assert_int_equal(base64url_len(32 + 16), SESSION_COOKIE_CHARS);
}

static void found_in_a_field(void **state)
{
    static const struct {
        const char *id, *field, *values; /* joined by | */
    } rows[] = {
        {"absent", NULL, ""},
        {"empty", "", ""},
        {"alone", "__Host-Http-postern=v", "v"},
        {"among others", "a=1; __Host-Http-postern=v; b=2", "v"},
        {"twice", "__Host-Http-postern=v;__Host-Http-postern=w", "v|w"},
        {"spaces", " \t__Host-Http-postern \t= \tv \t; x", "v"},
        {"empty value", "__Host-Http-postern=; __Host-Http-postern=w", "|w"},
        {"quotes are of the value", "__Host-Http-postern=\"v\"", "\"v\""},
        {"the rest is of the value", "__Host-Http-postern=a=b", "a=b"},
        {"another case", "__host-http-postern=v", ""},
        {"the log-in's", "__Host-Http-postern-login=v", ""},
        {"a longer name", "x__Host-Http-postern=v", ""},
        {"no value", "__Host-Http-postern; __Host-Http-postern=w", "w"},
        {"a value that looks like it", "a=__Host-Http-postern=v", ""},
        {"semicolons alone", ";;;;", ""},
        {"a comma does not part", "a=1,__Host-Http-postern=v", ""},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char all[256] = "";
        str rest = str_of(rows[i].field), value;
        for (unsigned n = 0; (value = session_cookie_next(&rest, STR(SESSION_COOKIE))).p; n++)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%.*s", n ? "|" : "",
                     STR_ARG(value));
        assert_text(rows[i].id, all, rows[i].values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_ours_count),
        cmocka_unit_test(each_bit_counts),
        cmocka_unit_test(generations),
        cmocka_unit_test(long_host),
        cmocka_unit_test(size),
        cmocka_unit_test(found_in_a_field),
    };
    return cmocka_run_group_tests(tests, open_keys, NULL);
}
