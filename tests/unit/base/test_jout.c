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
    jout_close(&j, ']');
    jout_raw(&j, STR("\"c\":1,\"d\":2"));
    jout_ktime(&j, STR("t"), 1764063000123456);
    jout_close(&j, '}');
    is_text(&j, "{\"a\":\"x\",\"b\":[-5,18446744073709551615,true,null],\"c\":1,\"d\":2,"
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_nested_values),
        cmocka_unit_test(keeps_a_line_a_line),
        cmocka_unit_test(foretells_the_length),
        cmocka_unit_test(stops_when_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
