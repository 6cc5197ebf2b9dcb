#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/path.h"

struct normal_row {
    const char *raw, *want; /* want NULL: refused with verdict */
    enum path_verdict verdict;
    struct path_rules rules;
};

#define GOOD(raw, want)                                                                            \
    {                                                                                              \
        raw, want, PATH_OK,                                                                        \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define BAD(raw, verdict)                                                                          \
    {                                                                                              \
        raw, NULL, verdict,                                                                        \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define SLASHES .rules = {.pass_encoded_slash = true}
#define PARAMS .rules = {.pass_params = true}

static const struct normal_row normal_rows[] = {
    GOOD("", "/"),
    GOOD("/", "/"),
    GOOD("?a=b", "/"),
    GOOD("/a", "/a"),
    GOOD("/a/", "/a/"),
    GOOD("/a?b=/../c", "/a"),
    GOOD("//a///b//", "/a/b/"),
    GOOD("/%61%2D%2e%5F%7E%39", "/a-._~9"),
    GOOD("/a%2db", "/a-b"),
    GOOD("/%c3%a5", "/%C3%A5"),
    GOOD("/a%20b", "/a%20b"),
    GOOD("/a%25b", "/a%25b"),
    GOOD("/a%25", "/a%25"),
    GOOD("/100%25/g", "/100%25/g"),
    GOOD("/%25g1", "/%25g1"),
    GOOD("/%2a/*", "/%2A/*"),
    GOOD("/%3a:@!$&'()*+,=", "/%3A:@!$&'()*+,="),
    GOOD("/...", "/..."),
    GOOD("/.a/..b/a.", "/.a/..b/a."),
    GOOD("/%F0%9F%98%80", "/%F0%9F%98%80"),
    GOOD("/a|b\"<>^`{}[]", "/a|b\"<>^`{}[]"),
    BAD("a", PATH_NOT_ABSOLUTE),
    BAD("*", PATH_NOT_ABSOLUTE),
    BAD("/a#b", PATH_FRAGMENT),
    BAD("/a?b#c", PATH_FRAGMENT),
    BAD("/a b", PATH_CONTROL),
    BAD("/a\tb", PATH_CONTROL),
    BAD("/a\x7f", PATH_CONTROL),
    BAD("/%00", PATH_CONTROL),
    BAD("/%0a", PATH_CONTROL),
    BAD("/%1F", PATH_CONTROL),
    BAD("/%7f", PATH_CONTROL),
    BAD("/\xc3\xa5", PATH_EIGHT_BIT),
    BAD("/a\\b", PATH_BACKSLASH),
    BAD("/a%5cb", PATH_BACKSLASH),
    BAD("/a%5Cb", PATH_BACKSLASH),
    BAD("/%", PATH_BAD_ESCAPE),
    BAD("/%4", PATH_BAD_ESCAPE),
    BAD("/%4g", PATH_BAD_ESCAPE),
    BAD("/%u002e", PATH_BAD_ESCAPE),
    BAD("/%2541", PATH_DOUBLE_ESCAPE),
    BAD("/%252e%252e/", PATH_DOUBLE_ESCAPE),
    BAD("/%25%34%31", PATH_DOUBLE_ESCAPE),
    BAD("/%25%341", PATH_DOUBLE_ESCAPE),
    BAD("/%254%31", PATH_DOUBLE_ESCAPE),
    BAD("/%25252e", PATH_DOUBLE_ESCAPE),
    BAD("/a%2fb", PATH_ENCODED_SLASH),
    BAD("/a%2Fb", PATH_ENCODED_SLASH),
    BAD("/a;b", PATH_PARAM),
    BAD("/a%3bb", PATH_PARAM),
    BAD("/.", PATH_DOT_SEGMENT),
    BAD("/..", PATH_DOT_SEGMENT),
    BAD("/./a", PATH_DOT_SEGMENT),
    BAD("/a/../b", PATH_DOT_SEGMENT),
    BAD("/a/%2e%2E/b", PATH_DOT_SEGMENT),
    BAD("/a/.%2e", PATH_DOT_SEGMENT),
    BAD("/a//..//b", PATH_DOT_SEGMENT),
    BAD("/%c3", PATH_BAD_UTF8),
    BAD("/%c3a", PATH_BAD_UTF8),
    BAD("/%a5", PATH_BAD_UTF8),
    BAD("/%c0%ae%c0%ae/", PATH_BAD_UTF8),
    BAD("/%e0%80%af", PATH_BAD_UTF8),
    BAD("/%ed%a0%80", PATH_BAD_UTF8),
    BAD("/%f4%90%80%80", PATH_BAD_UTF8),
    BAD("/%ff", PATH_BAD_UTF8),
    BAD("/%e2%80%a4", PATH_LOOKALIKE),
    BAD("/%e2%80%a5", PATH_LOOKALIKE),
    BAD("/%ef%b9%92", PATH_LOOKALIKE),
    BAD("/%ef%bc%8e", PATH_LOOKALIKE),
    BAD("/a%ef%bc%8fb", PATH_LOOKALIKE),
    BAD("/%ef%bc%bc", PATH_LOOKALIKE),
    {"/a%2fb", "/a%2Fb", PATH_OK, SLASHES},
    {"/a%2f..", NULL, PATH_DOT_SEGMENT, SLASHES},
    {"/..%2fa", NULL, PATH_DOT_SEGMENT, SLASHES},
    {"/a%2f%2e%2fb", NULL, PATH_DOT_SEGMENT, SLASHES},
    {"/a%2f%5c", NULL, PATH_BACKSLASH, SLASHES},
    {"/a%252f", NULL, PATH_DOUBLE_ESCAPE, SLASHES},
    {"/a;b=c/d", "/a;b=c/d", PATH_OK, PARAMS},
    {"/a%3bb/d", "/a%3Bb/d", PATH_OK, PARAMS},
    {"/..;/a", NULL, PATH_DOT_SEGMENT, PARAMS},
    {"/..;x=y/a", NULL, PATH_DOT_SEGMENT, PARAMS},
    {"/..%3bx/a", NULL, PATH_DOT_SEGMENT, PARAMS},
    {"/.;/a", NULL, PATH_DOT_SEGMENT, PARAMS},
    {"/a;../b", "/a;../b", PATH_OK, PARAMS},
    {"/;..", "/;..", PATH_OK, PARAMS},
    {"/a;%2f..", NULL, PATH_ENCODED_SLASH, PARAMS},
    {"/a;%2f../b", NULL, PATH_DOT_SEGMENT,
     .rules = {.pass_encoded_slash = true, .pass_params = true}},
};

static void normalises_as_the_table_says(void **state)
{
    for (size_t i = 0; i < sizeof normal_rows / sizeof *normal_rows; i++) {
        const struct normal_row *row = &normal_rows[i];
        str raw = str_of(row->raw), path;
        char *out = malloc(raw.n + 1); /* exactly the room that is promised */
        enum path_verdict verdict = path_normalise(raw, row->rules, out, &path);
        bool is_good = verdict == row->verdict &&
                       (row->want ? str_eq(path, str_of(row->want)) : path.p == NULL);
        if (!is_good)
            print_error("row %zu: \"%s\" gives \"%.*s\" (%s)\n", i, row->raw, STR_ARG(path),
                        path_verdict_text(verdict));
        free(out);
        assert_true(is_good);
    }
}

/* What passed once passes again and stays as it is: upstream may normalise as we did. */
static void a_normal_form_is_its_own_normal_form(void **state)
{
    for (size_t i = 0; i < sizeof normal_rows / sizeof *normal_rows; i++) {
        const struct normal_row *row = &normal_rows[i];
        char first[256], second[256];
        str once, twice;
        if (!row->want)
            continue;
        path_normalise(str_of(row->raw), row->rules, first, &once);
        assert_int_equal(path_normalise(once, row->rules, second, &twice), PATH_OK);
        assert_true(str_eq(once, twice));
    }
}

static void a_nul_byte_is_a_control(void **state)
{
    char out[8];
    str path;

    assert_int_equal(path_normalise(STR("/a\0b"), (struct path_rules){0}, out, &path),
                     PATH_CONTROL);
}

static void the_query_is_what_follows_the_mark(void **state)
{
    assert_true(str_eq(path_query(STR("/a?b?c")), STR("b?c")));
    assert_non_null(path_query(STR("/a?")).p);
    assert_int_equal(path_query(STR("/a?")).n, 0);
    assert_null(path_query(STR("/a")).p);
}

struct glob_row {
    const char *glob, *path;
    bool matches, ignores_case;
};

static const struct glob_row glob_rows[] = {
    {"/", "/", true},
    {"/", "/a", false},
    {"/a", "/a", true},
    {"/a", "/a/", true},
    {"/a/", "/a", true},
    {"/a", "/A", false},
    {"/a", "/A", true, true},
    {"/a", "/ab", false},
    {"/a", "/a/b", false},
    {"/*", "/", false},
    {"/*", "/a", true},
    {"/*", "/a/", true},
    {"/*", "/a/b", false},
    {"/**", "/", true},
    {"/**", "/a/b/c", true},
    {"/a/**", "/a", true},
    {"/a/**", "/a/", true},
    {"/a/**", "/a/b", true},
    {"/a/**", "/a/b/c/", true},
    {"/a/**", "/ab", false},
    {"/a/*/c", "/a/b/c", true},
    {"/a/*/c", "/a/c", false},
    {"/a/**/c", "/a/c", true},
    {"/a/**/c", "/a/b/b/c", true},
    {"/a/**/c", "/a/c/d", false},
    {"/**/c/**/d", "/c/x/c/d", true},
    {"/**/c/*/d", "/c/c/x/d", true},
    {"/**/**", "/", true},
    {"/**/a/*", "/a/a/a", true},
    {"/**/a/*", "/a", false},
    {"/*/**", "/", false},
    {"/*/**", "/a", true},
    {"/b\xc3\xa5t", "/b%C3%A5t", true},
    {"/b%c3%a5t", "/b%C3%A5t", true},
    {"/%61", "/a", true},
    {"//a//b", "/a/b", true},
    {"/a%2fb", "/a%2Fb", true},
    {"/a%2fb", "/a/b", false},
    {"/a/*", "/a/b%2Fc", true},
    {"/a;v=1", "/a;v=1", true},
    {"/a", "/a;v=1", false},
    {"/a/*", "/a/x;v=1", true},
};

static void globs_match_as_the_table_says(void **state)
{
    struct arena a;

    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < sizeof glob_rows / sizeof *glob_rows; i++) {
        const struct glob_row *row = &glob_rows[i];
        struct path_glob glob;
        const char *why = "";
        bool compiles = path_glob_compile(&a, str_of(row->glob), &glob, &why);
        bool matches = compiles && path_glob_match(&glob, str_of(row->path), row->ignores_case);
        if (!compiles || matches != row->matches)
            print_error("row %zu: \"%s\" against \"%s\" %s\n", i, row->glob, row->path, why);
        assert_true(compiles);
        assert_int_equal(matches, row->matches);
    }
    arena_finish(&a);
}

static void globs_that_cannot_be_are_refused(void **state)
{
    static const char *const rows[] = {
        "",     "a",     "/a*",    "/*a",         "/a**",  "/***", "/a/../",       "/%",
        "/%2e", "/a?b",  "/a#b",   "/.postern/x", "/a\\b", "/%00", "/.postern/**", "/.POSTERN",
        "/a b", "/\xff", "/%2541", "/%ef%bc%8f"};
    struct arena a;

    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct path_glob glob;
        const char *why = NULL;
        bool compiles = path_glob_compile(&a, str_of(rows[i]), &glob, &why);
        if (compiles || !why)
            print_error("row %zu: \"%s\" compiles\n", i, rows[i]);
        assert_false(compiles);
        assert_non_null(why);
    }
    arena_finish(&a);
}

static void many_deep_stars_are_still_quick(void **state)
{
    struct arena a;
    struct path_glob glob;
    const char *why;
    char pattern[1024] = "", path[4096] = "";

    arena_init(&a, NULL, 0);
    for (int i = 0; i < 100; i++)
        strcat(pattern, "/**/a");
    strcat(pattern, "/b");
    for (int i = 0; i < 2000; i++)
        strcat(path, "/a");
    assert_true(path_glob_compile(&a, str_of(pattern), &glob, &why));
    assert_false(path_glob_match(&glob, str_of(path), false));
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normalises_as_the_table_says),
        cmocka_unit_test(a_normal_form_is_its_own_normal_form),
        cmocka_unit_test(a_nul_byte_is_a_control),
        cmocka_unit_test(the_query_is_what_follows_the_mark),
        cmocka_unit_test(globs_match_as_the_table_says),
        cmocka_unit_test(globs_that_cannot_be_are_refused),
        cmocka_unit_test(many_deep_stars_are_still_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
