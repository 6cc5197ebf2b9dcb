/* Findings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/findings.h"

/* Not inlined: gcc takes the text for the variable that points to it, and that for gone. */
__attribute__((noinline)) static char *printed(struct findings *f,
                                               void (*print)(const struct findings *, FILE *))
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    print(f, out);
    fclose(out);
    return text;
}

static void prints_place_line_and_caret(void **state)
{
    struct findings f;
    struct finding_at at = {STR("a.yaml"), STR("  groups_: [x]"), 3, 3};
    findings_init(&f);
    findings_add(&f, FINDING_ERROR, "unknown-key", &at, "did you mean \"groups\"?",
                 "unknown key \"%s\" in who", "groups_");
    char *text = printed(&f, findings_print);
    assert_string_equal(text, "a.yaml:3:3: error: unknown key \"groups_\" in who\n"
                              "     3 |   groups_: [x]\n"
                              "       |   ^\n"
                              "       = did you mean \"groups\"?\n");
    free(text);
    text = printed(&f, findings_print_json);
    assert_non_null(strstr(text, "\"line\":3,\"column\":3,\"severity\":\"error\""));
    free(text);
    findings_finish(&f);
}

/* A message that quotes a file: no line of the log is forged, no terminal is cleared. */
static void writes_control_characters_as_escapes(void **state)
{
    struct findings f;
    struct finding_at at = {STR("a"), STR("x\x1B[2J\ty\xFFz\xE2\x80\xAE."), 1, 2};
    findings_init(&f);
    findings_add(&f, FINDING_ERROR, "x", &at, "a\x1B",
                 "\"a\n2026 ok\r\t\x1B[2J\x7F\xC2\x9B\xE2\x80\xAE\xC3\"");
    char *text = printed(&f, findings_print);
    assert_string_equal(text, "a:1:2: error: \"a\\n2026 ok\\r\\t\\x1B[2J\\x7F\\x9B\\u202E\"\n"
                              "     1 | x?[2J y?z?.\n"
                              "       |  ^\n"
                              "       = a\\x1B\n");
    free(text);
    findings_finish(&f);
}

/* The window is counted in characters, and what was cut is marked. */
static void cuts_long_lines_around_the_column(void **state)
{
    struct findings f;
    char line[1201];
    for (size_t i = 0; i < 400; i++)
        memcpy(line + 3 * i, i == 299 ? "\xE2\x82\xAC" : "\xE2\x80\x93", 3);
    struct finding_at at = {STR("a"), {line, 1200}, 1, 300};
    findings_init(&f);
    findings_add(&f, FINDING_ERROR, "x", &at, NULL, "wrong");
    char *text = printed(&f, findings_print);
    const char *shown = strchr(text, '|') + 2, *euro = strstr(shown, "\xE2\x82\xAC"),
               *caret = strrchr(text, '|') + 2;
    assert_true(memcmp(shown, "...", 3) == 0 && strstr(shown, "...\n"));
    size_t chars = 3 + (size_t)(euro - shown - 3) / 3;
    assert_int_equal(strspn(caret, " "), chars);
    assert_true(strlen(text) < 700);
    free(text);
    findings_finish(&f);
}

/* A hundred files, each full of errors: what is beyond the cap is only counted, and quickly. */
static void counts_what_is_beyond_the_cap(void **state)
{
    struct findings f;
    findings_init(&f);
    for (int file = 0; file < 100; file++) {
        char name[16];
        int n = snprintf(name, sizeof name, "%d.yaml", file);
        struct finding_at at = {.file = {name, (size_t)n}, .line = 1};
        for (int i = 0; i < 50000; i++)
            findings_add(&f, FINDING_ERROR, "x", &at, NULL, "n%d", i);
    }
    assert_int_equal(f.n, 2000);
    assert_int_equal(f.errors, 5000000);
    char *text = printed(&f, findings_print);
    assert_non_null(strstr(text, "and 4998000 more errors in files that have 20 already\n"));
    free(text);
    findings_finish(&f);
}

static void caps_errors_of_one_file(void **state)
{
    struct findings f;
    struct finding_at a = {.file = STR("a"), .line = 1}, b = {.file = STR("b"), .line = 1};
    findings_init(&f);
    for (int i = 0; i < 30; i++)
        findings_add(&f, FINDING_ERROR, "x", &a, NULL, "n%d", i);
    findings_add(&f, FINDING_ERROR, "x", &b, NULL, "other");
    assert_int_equal(f.n, 21);
    assert_int_equal(f.errors, 31);
    assert_int_equal(f.dropped, 10);
    findings_finish(&f);
}

static void keeps_the_same_error_once(void **state)
{
    struct findings f;
    const struct finding_at a = {.file = STR("a"), .line = 3, .column = 7};
    const struct finding_at beside = {.file = STR("a"), .line = 3, .column = 8};
    const struct finding_at whole = {.file = STR("a")};
    findings_init(&f);
    for (int i = 0; i < 3; i++) {
        findings_add(&f, FINDING_ERROR, "x", &a, NULL, "wrong");
        findings_add(&f, FINDING_ERROR, "x", &a, NULL, "wrong otherwise");
        findings_add(&f, FINDING_ERROR, "x", &beside, NULL, "wrong");
    }
    assert_int_equal(f.n, 3);
    assert_int_equal(f.errors, 9); /* whoever compares the count sees his fault */
    assert_int_equal(findings_told(&f), 3);
    findings_add(&f, FINDING_ERROR, "x", &whole, NULL, "no place");
    findings_add(&f, FINDING_ERROR, "x", &whole, NULL, "no place");
    assert_int_equal(f.n, 5);
    findings_finish(&f);
}

static void finds_the_nearest_name(void **state)
{
    static const str names[] = {STR("groups"), STR("users"), STR("from"),
                                STR("to"),     STR("paths"), STR("disk_encrypted")};
    static const struct {
        str word, nearest;
    } rows[] = {
        {STR("gropus"), STR("groups")},
        {STR("rgopus"), STR("groups")},
        {STR("form"), STR("from")},
        {STR("ot"), STR("to")},
        {STR("path"), STR("paths")},
        {STR("zebra"), {NULL, 0}},
        {STR("disk_encryption"), STR("disk_encrypted")},
        {STR("hosts"), {NULL, 0}}, /* two slips from "paths": too far for five letters */
        {STR("t"), {NULL, 0}},     /* of one letter everything is a neighbour */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str found = findings_nearest(rows[i].word, names, sizeof names / sizeof *names);
        if (!str_eq(found, rows[i].nearest))
            fail_msg("%s: found \"%.*s\"", rows[i].word.p, STR_ARG(found));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_place_line_and_caret),
        cmocka_unit_test(writes_control_characters_as_escapes),
        cmocka_unit_test(cuts_long_lines_around_the_column),
        cmocka_unit_test(counts_what_is_beyond_the_cap),
        cmocka_unit_test(caps_errors_of_one_file),
        cmocka_unit_test(keeps_the_same_error_once),
        cmocka_unit_test(finds_the_nearest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
