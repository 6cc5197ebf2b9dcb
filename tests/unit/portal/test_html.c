/* Text in pages: nothing of it can become markup, and a cut never halves a character. */
#include "unit.h"

#include "proxy/http/html.h"

static void escapes(void **state)
{
    static const struct {
        const char *id, *in, *out;
        size_t max;
    } rows[] = {
        {"plain", "abc", "abc", 100},
        {"empty", "", "", 100},
        {"markup", "<b a='1' c=\"2\">&", "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;", 100},
        {"reference", "&lt;", "&amp;lt;", 100},
        {"control",
         "a\x01\t\r\n\x7f"
         "b",
         "a     b", 100},
        {"c1",
         "a\xc2\x85"
         "b",
         "a b", 100},
        {"umlaut",
         "Gr\xc3\xbc\xc3\x9f"
         "e",
         "Gr\xc3\xbc\xc3\x9f"
         "e",
         100},
        {"not-utf8",
         "a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b",
         100},
        {"overlong", "\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd", 100},
        {"half", "a\xc3", "a\xef\xbf\xbd", 100},
        {"override",
         "a\xe2\x80\xae"
         "b\xe2\x81\xa6"
         "c",
         "abc", 100},
        {"cut", "abcdef", "abc\xe2\x80\xa6", 3},
        {"cut-exact", "abc", "abc", 3},
        {"cut-character", "ab\xc3\xbc", "ab\xe2\x80\xa6", 3},
        {"cut-nothing", "abc", "\xe2\x80\xa6", 0},
        {"cut-escape", "<<<<", "&lt;&lt;\xe2\x80\xa6", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char buf[256];
        struct html h;
        html_fixed(&h, buf, sizeof buf);
        html_text(&h, str_of(rows[i].in), rows[i].max);
        if (!str_eq(html_done(&h), str_of(rows[i].out)))
            fail_msg("%s: %.*s", rows[i].id, STR_ARG(html_done(&h)));
    }
}

static void lines_stay_in_a_textarea(void **state)
{
    char buf[64];
    struct html h;
    (void)state;
    html_fixed(&h, buf, sizeof buf);
    html_lines(&h, STR("a\r\n</textarea>"), 64);
    assert_true(str_eq(html_done(&h), STR("a \n&lt;/textarea&gt;")));
}

static void what_does_not_fit_is_dropped(void **state)
{
    char buf[8];
    struct html h;
    (void)state;
    html_fixed(&h, buf, sizeof buf);
    html_lit(&h, "12345678");
    assert_int_equal(html_done(&h).n, 8);
    html_lit(&h, "9");
    assert_null(html_done(&h).p);
    html_raw(&h, STR(""));
    assert_null(html_done(&h).p);
}

static void grows_up_to_its_limit(void **state)
{
    enum { MOST = 200000 };
    struct arena a;
    struct html h;
    (void)state;
    arena_init(&a, NULL, 0);
    html_growing(&h, &a, MOST);
    for (size_t i = 0; i < MOST / 10; i++)
        html_lit(&h, "0123456789");
    str all = html_done(&h);
    assert_int_equal(all.n, MOST);
    for (size_t i = 0; i < MOST; i++)
        assert_int_equal(all.p[i], '0' + i % 10);
    html_lit(&h, "x");
    assert_null(html_done(&h).p);
    arena_finish(&a);
}

static void links(void **state)
{
    static const struct {
        const char *url;
        bool good;
    } rows[] = {
        {"https://a.example/", true},
        {"http://a.example", true},
        {"/", true},
        {"/x?y=1", true},
        {"", false},
        {"//a.example", false},
        {"/\\a.example", false},
        {"\\\\a.example", false},
        {"javascript:alert(1)", false},
        {"data:text/html,x", false},
        {"ftp://a.example", false},
        {"x", false},
        {"/\t/a.example", false},
        {" https://a.example", false},
        {"https://a.example/\n", false},
        {"HTTPS://a.example/", false},
        {"/\x01", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (html_is_link(str_of(rows[i].url)) != rows[i].good)
            fail_msg("%s", rows[i].url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes),
        cmocka_unit_test(lines_stay_in_a_textarea),
        cmocka_unit_test(what_does_not_fit_is_dropped),
        cmocka_unit_test(grows_up_to_its_limit),
        cmocka_unit_test(links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
