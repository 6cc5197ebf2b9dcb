/* base64url, hex, UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/encode.h"

static void base64url_is_strict(void **state)
{
    static const struct {
        const char *text;
        int n; /* -1: refused */
    } rows[] = {{"", 0},    {"Zg", 1},   {"Zm8", 2},     {"Zm9v", 3},  {"Z", -1},   {"Zg==", -1},
                {"Zh", -1}, {"Zm9", -1}, {"Zm9v\n", -1}, {"+/+/", -1}, {"-_-_", 3}, {"Zm 9v", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char out[16];
        size_t n = 99;
        bool good = base64url_decode(str_of(rows[i].text), out, &n);
        if (good != (rows[i].n >= 0) || (good && n != (size_t)rows[i].n))
            fail_msg("row %s", rows[i].text);
    }
}

static void base64url_round_trips(void **state)
{
    unsigned char in[64], out[64];
    char text[90];
    for (size_t n = 0; n < sizeof in; n++) {
        size_t back = 0;
        for (size_t i = 0; i < n; i++)
            in[i] = (unsigned char)(i * 37 + n);
        base64url_encode((str){(char *)in, n}, text);
        assert_true(base64url_decode((str){text, base64url_len(n)}, out, &back));
        assert_int_equal(back, n);
        assert_memory_equal(in, out, n);
    }
}

static void utf8_is_strict(void **state)
{
    assert_true(utf8_valid(STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")));
    static const char *const bad[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC3",
                                      "\xED\xA0\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xE0\x80\x80",
                                      "\xFF",
                                      "\xF8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (utf8_valid(str_of(bad[i])))
            fail_msg("row %zu", i);
}

static void hex_round_trips(void **state)
{
    unsigned char in[] = {0, 15, 16, 255}, out[4];
    char text[8];
    hex_encode(in, 4, text);
    assert_memory_equal(text, "000f10ff", 8);
    assert_true(hex_decode((str){text, 8}, out));
    assert_memory_equal(in, out, 4);
    assert_false(hex_decode(STR("0g"), out));
    assert_false(hex_decode(STR("0"), out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64url_is_strict),
        cmocka_unit_test(base64url_round_trips),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(hex_round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
