/* JSON writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/jout.h"

static void is_text(struct jout *j, const char *want)
{
    assert_int_equal(j->n, strlen(want));
    assert_memory_equal(j->buf, want, j->n);
}

static void writes_nested_values(void **state)
{
    char buf[256];
    struct jout j;
    jout_init(&j, buf, sizeof buf);
    jout_open(&j, '{');
    jout_kstr(&j, STR("a"), STR("x"));
    jout_key(&j, STR("b"));
    jout_open(&j, '[');
    jout_int(&j, -5);
    jout_uint(&j, UINT64_MAX);
    jout_bool(&j, true);
    jout_null(&j);
    jout_plain(&j, STR("y"));
    jout_plain(&j, STR(""));
    jout_close(&j, ']');
    jout_kplain(&j, STR("p"), STR("q"));
    jout_raw(&j, STR("\"c\":1,\"d\":2"));
    jout_ktime(&j, STR("t"), 1764063000123456);
    jout_close(&j, '}');
    is_text(&j, "{\"a\":\"x\",\"b\":[-5,18446744073709551615,true,null,\"y\",\"\"],\"p\":\"q\","
                "\"c\":1,\"d\":2,"
                "\"t\":\"2025-11-25T09:30:00.123456Z\"}");
}

static void keeps_a_line_a_line(void **state)
{
    char buf[256];
    struct jout j;
    jout_init(&j, buf, sizeof buf);
    jout_str(&j, STR("\"\\\n\r\x01\x7F\xFF\xC3\xA9\xE2\x80\xA8z"));
    is_text(&j, "\"\\\"\\\\\\u000a\\u000d\\u0001\\u007f\\ufffd\xC3\xA9\\u2028z\"");
}

/* Words of eight bytes are looked at in one: every length, and the byte in every place of it. */
static void looks_at_every_byte(void **state)
{
    static const struct {
        char c;
        size_t bytes;
    } rows[] = {
        {0x00, 6}, {0x1F, 6}, {'"', 2}, {'\\', 2}, {0x7F, 6}, {(char)0x80, 6}, {(char)0xFF, 6},
        {' ', 1},  {'!', 1},  {'#', 1}, {'[', 1},  {']', 1},  {'~', 1},
    };
    char text[40], buf[64];
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t n = 1; n <= sizeof text; n++)
            for (size_t at = 0; at < n; at++) {
                struct jout j;
                memset(text, 'a', sizeof text);
                text[at] = rows[r].c;
                jout_init(&j, buf, sizeof buf);
                jout_str(&j, (str){text, n});
                size_t want = n + 1 + rows[r].bytes;
                if (j.n != want || jout_escaped_len((str){text, n}) < want)
                    fail_msg("row %zu: byte %zu of %zu: %zu", r, at, n, j.n);
            }
}

static void writes_numbers_of_all_lengths(void **state)
{
    static const struct {
        int64_t v;
        const char *text;
    } rows[] = {
        {0, "0"},
        {9, "9"},
        {10, "10"},
        {-1, "-1"},
        {-10, "-10"},
        {1234567890, "1234567890"},
        {99, "99"},
        {1024, "1024"},
        {INT64_MAX, "9223372036854775807"},
        {100, "100"},
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        char buf[32];
        struct jout j;
        jout_init(&j, buf, sizeof buf);
        jout_int(&j, rows[r].v);
        is_text(&j, rows[r].text);
    }
}

static void foretells_the_length(void **state)
{
    static const char *const texts[] = {"", "plain", "\"\\\n", "\xFF\xFE", "\xC3\xA9", "a\x01z"};
    char buf[256];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct jout j;
        jout_init(&j, buf, sizeof buf);
        jout_str(&j, str_of(texts[i]));
        assert_true(jout_escaped_len(str_of(texts[i])) >= j.n);
    }
    assert_int_equal(jout_escaped_len(STR("plain")), 7);
}

static void stops_when_full(void **state)
{
    char buf[8];
    struct jout j;
    jout_init(&j, buf, sizeof buf);
    jout_kstr(&j, STR("name"), STR("value"));
    assert_true(j.overflow);
    assert_true(j.n <= sizeof buf);
    size_t n = j.n;
    jout_uint(&j, 1); /* would fit, behind a hole */
    assert_int_equal(j.n, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_nested_values), cmocka_unit_test(keeps_a_line_a_line),
        cmocka_unit_test(looks_at_every_byte),  cmocka_unit_test(writes_numbers_of_all_lengths),
        cmocka_unit_test(foretells_the_length), cmocka_unit_test(stops_when_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
