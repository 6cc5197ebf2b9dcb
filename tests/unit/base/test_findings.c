/* Findings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/findings.h"

static char *printed(struct findings *f, void (*print)(const struct findings *, FILE *))
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
    static const str names[] = {STR("groups"), STR("users"), STR("from"), STR("to"), STR("paths")};
    static const struct {
        str word, nearest;
    } rows[] = {
        {STR("gropus"), STR("groups")}, {STR("rgopus"), STR("groups")}, {STR("form"), STR("from")},
        {STR("ot"), STR("to")},         {STR("path"), STR("paths")},    {STR("zebra"), {NULL, 0}},
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
        cmocka_unit_test(caps_errors_of_one_file),
        cmocka_unit_test(keeps_the_same_error_once),
        cmocka_unit_test(finds_the_nearest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
