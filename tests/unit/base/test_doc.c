/* YAML trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/doc.h"

static struct arena arena;
static struct findings findings;

static int setup(void **state)
{
    arena_init(&arena, NULL, 0);
    findings_init(&findings);
    return 0;
}

static int teardown(void **state)
{
    arena_finish(&arena);
    findings_finish(&findings);
    return 0;
}

static void keeps_raw_text_and_marks(void **state)
{
    struct doc_file file = {STR("a.yaml"), STR("a: NO\nb:\n  - 1.10\n  - \"09:30\"\nc: {d: ~}\n")};
    struct doc_node *root = doc_parse(&arena, &file, &findings);
    assert_non_null(root);
    assert_true(str_eq(doc_text(root, "a"), STR("NO")));
    const struct doc_node *b = doc_get(root, "b");
    assert_int_equal(b->n, 2);
    assert_true(str_eq(b->items[0]->text, STR("1.10")) && b->items[0]->is_plain);
    assert_false(b->items[1]->is_plain);
    assert_int_equal(b->items[1]->line, 4);
    assert_int_equal(b->items[1]->column, 5);
    assert_true(str_eq(doc_text(doc_get(root, "c"), "d"), STR("~")));
    assert_null(doc_get(root, "z"));
}

/* What is wrong with a text, and where; the words are in the policy's golden files. */
static void refuses_with_a_place(void **state)
{
    static const struct {
        const char *id;
        str text;
        const char *code;
        unsigned line, column;
    } rows[] = {
        {"anchor", STR("a: &x 1\n"), "anchor", 1, 4},
        {"bare anchor", STR("a: & 1\n"), "anchor", 1, 4},
        {"alias", STR("a: 1\nb: *x\n"), "alias", 2, 4},
        {"alias as a host", STR("a: 1\nb: *.corp.example\n"), "alias", 2, 4},
        {"tag", STR("a: !!str 1\n"), "tag", 1, 4},
        {"tag on a list", STR("a: !x [1]\n"), "tag", 1, 4},
        {"tag of nobody", STR("a: !h!x 1\n"), "tag", 1, 4},
        {"broken tag", STR("a: !<x 1\n"), "tag", 1, 4},
        {"merge", STR("a: {b: 1}\n<<: {c: 1}\n"), "merge-key", 2, 1},
        {"merge deep", STR("a:\n  - <<: {c: 1}\n"), "merge-key", 2, 5},
        {"second", STR("a: 1\n---\nb: 1\n"), "second-document", 2, 1},
        {"second, empty first", STR("---\n---\nb: 1\n"), "second-document", 2, 1},
        {"second after an end", STR("a: 1\n...\nb: 1\n"), "second-document", 3, 1},
        {"duplicate", STR("a: 1\na: 2\n"), "duplicate-key", 2, 1},
        {"duplicate in quotes", STR("{a: 1, \"a\": 2}\n"), "duplicate-key", 1, 8},
        {"tab", STR("a:\n\tb: 1\n"), "tab", 2, 1},
        {"tab after spaces", STR("a:\n  \tb: 1\n"), "tab", 2, 3},
        {"tab in brackets", STR("a: [\n\t1]\n"), "tab", 2, 1},
        {"tab in JSON, and an error", STR("{\n\t\"a\": &b\n}\n"), "anchor", 2, 7},
        {"tab before a comment", STR("a: 1\n\t# b\n"), "tab", 2, 1},
        {"tab after a dash", STR("a:\n  -\tb: 1\n"), "tab", 2, 4},
        {"tab at the start", STR("\ta: 1\n"), "tab", 1, 1},
        {"bom",
         STR("\xEF\xBB\xBF"
             "a: 1\n"),
         "encoding", 1, 1},
        {"bom later",
         STR("a: 1\n\xEF\xBB\xBF"
             "b: 1\n"),
         "invisible-character", 2, 1},
        {"utf16 le",
         STR("\xFF\xFE"
             "a\0"),
         "encoding", 1, 1},
        {"utf16 be", STR("\xFE\xFF\0a"), "encoding", 1, 1},
        {"utf16 without bom", STR("a\0:\0"), "encoding", 1, 2},
        {"utf8 at the start",
         STR("\xFF"
             "a: 1\n"),
         "encoding", 1, 1},
        {"utf8", STR("a: 1\nb: \xFF\n"), "encoding", 2, 4},
        {"utf8 after wide characters", STR("a: \xC3\xA4\xE2\x82\xAC\xFF\n"), "encoding", 1, 6},
        {"utf8 at the end", STR("a: 1\nb: \xC3"), "encoding", 2, 4},
        {"utf8 overlong", STR("a: \xC0\xAF\n"), "encoding", 1, 4},
        {"utf8 surrogate", STR("a: \xED\xA0\x80\n"), "encoding", 1, 4},
        {"utf8 beyond", STR("a: \xF4\x90\x80\x80\n"), "encoding", 1, 4},
        {"utf8 in a comment", STR("# \xE4\na: 1\n"), "encoding", 1, 3},
        {"nul", STR("a: 1\nb: x\0y\n"), "encoding", 2, 5},
        {"control", STR("a: x\x1B[2J\n"), "control-character", 1, 5},
        {"lone cr", STR("a: 1\rb: 1\n"), "lone-cr", 1, 5},
        {"cr in a comment", STR("a: 1\n# x\rb: 1\n"), "lone-cr", 2, 4},
        {"cr at the end", STR("a: 1\r"), "lone-cr", 1, 5},
        {"next line",
         STR("# x\xC2\x85"
             "b: 1\n"),
         "invisible-character", 1, 4},
        {"line separator",
         STR("# x\xE2\x80\xA8"
             "b: 1\n"),
         "invisible-character", 1, 4},
        {"paragraph separator",
         STR("# x\xE2\x80\xA9"
             "b: 1\n"),
         "invisible-character", 1, 4},
        {"right to left", STR("a: x\xE2\x80\xAEy\n"), "invisible-character", 1, 5},
        {"isolate", STR("a: x\xE2\x81\xA6y\n"), "invisible-character", 1, 5},
        {"noncharacter", STR("a: \xEF\xBF\xBF\n"), "invisible-character", 1, 4},
        {"empty", STR(""), "empty", 1, 1},
        {"comment only", STR("# a\n"), "empty", 1, 1},
        {"unclosed", STR("a: [1\n"), "yaml", 1, 4},
        {"unclosed deeper", STR("a: {b: 1,\n  c: [1,\n"), "yaml", 2, 6},
        {"unclosed quote", STR("a: 1\nb: \"x\nc: 1\n"), "yaml", 2, 4},
        {"no colon", STR("a: 1\nb 2\nc: 3\n"), "yaml", 2, 1},
        {"two colons", STR("a: b: c\n"), "yaml", 1, 5},
        {"list on the line of its key", STR("a: - b\n"), "yaml", 1, 4},
        {"escape", STR("a: \"\\d\"\n"), "yaml", 1, 5},
        {"indented too far", STR("a: 1\n  b: 2\n"), "yaml", 2, 4},
        {"indented too little", STR("a:\n    b: 1\n  c: 2\n"), "yaml", 3, 3},
        {"backtick", STR("a: `b`\n"), "yaml", 1, 4},
        {"at", STR("a: @b\n"), "yaml", 1, 4},
        {"complex key", STR("? [a]\n: 1\n"), "key", 1, 3},
        {"deep", STR("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n"), "depth", 1, 17},
        {"directive", STR("%YAML 1.1\n---\na: 1\n"), "directive", 1, 1},
        {"directive of nobody", STR("%X\n---\na: 1\n"), "directive", 1, 1},
        {"tag directive", STR("%TAG ! x\n---\na: 1\n"), "directive", 1, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct doc_file file = {STR("f"), rows[i].text};
        findings_finish(&findings);
        findings_init(&findings);
        doc_parse(&arena, &file, &findings);
        if (findings.n == 0)
            fail_msg("row %s: nothing found", rows[i].id);
        const struct finding *it = &findings.items[0];
        if (!str_eq(it->code, str_of(rows[i].code)) || it->line != rows[i].line ||
            it->column != rows[i].column)
            fail_msg("row %s: %s %u:%u %s", rows[i].id, it->code.p, it->line, it->column,
                     it->message.p);
    }
}

/* What other readers take for something else is its text here, and nothing but it. */
static void means_its_text(void **state)
{
    static const struct {
        const char *text, *value;
    } rows[] = {
        {"NO", "NO"},
        {"yes", "yes"},
        {"1.10", "1.10"},
        {"09:30", "09:30"},
        {"0755", "0755"},
        {"~", "~"},
        {"null", "null"},
        {"1e3", "1e3"},
        {".inf", ".inf"},
        {"2026-11-25", "2026-11-25"},
        {"\"a\\tb\"", "a\tb"},
        {"'it''s'", "it's"},
        {"a#b", "a#b"},
        {"a #b", "a"},
        {"http://a:1/b", "http://a:1/b"},
        {"one\n  two", "one two"},
        {"|\n  one\n  two\n", "one\ntwo\n"},
        {">-\n  one\n  two\n", "one two"},
        {"\"\\u00e4\"", "\xC3\xA4"},
        {"\"\\0\"", ""}, /* one byte, see below */
        {"", ""},
    };
    static const char *const ends[] = {"\n", "\r\n", "", "\n# end", "\n...\n"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            struct doc_file file = {STR("f"),
                                    arena_printf(&arena, "---\nk: %s%s", rows[i].text, ends[k])};
            const struct doc_node *root = doc_parse(&arena, &file, &findings);
            str value = doc_text(root, "k");
            bool is_nul = value.n == 1 && value.p[0] == '\0';
            if (findings.n || (!is_nul && !str_eq(value, str_of(rows[i].value))))
                fail_msg("row %s, end %zu: %.*s", rows[i].text, k, STR_ARG(value));
        }
}

/* Twenty errors in a line of a megabyte tell where they are, and do not fill the log. */
static void a_long_line_is_cut_around_its_error(void **state)
{
    enum { BYTES = DOC_MAX_BYTES };
    char *bytes = arena_text(&arena, BYTES + 1), *said = NULL;
    size_t n = 0;
    memset(bytes, 'x', BYTES + 1);
    memcpy(bytes, "{a: \"\xC3\xA4", 7);
    memcpy(bytes + BYTES / 2, "\", a: &b c, ", 12);
    struct doc_file file = {STR("f"), {bytes, BYTES}};
    doc_parse(&arena, &file, &findings);
    assert_int_equal(findings.items[0].line, 1);
    assert_true(str_eq(findings.items[0].code, STR("duplicate-key")));
    assert_int_equal(findings.items[1].column, BYTES / 2 + 6); /* the second byte of the ä */
    assert_true(str_contains(findings.items[1].source, STR("a: &b")));
    FILE *out = open_memstream(&said, &n);
    findings_print(&findings, out);
    fclose(out);
    assert_true(n < 1000);
    free(said);
    file.bytes.n++;
    findings_finish(&findings);
    findings_init(&findings);
    assert_null(doc_parse(&arena, &file, &findings));
    assert_true(str_eq(findings.items[0].code, STR("too-large")));
}

/* Aliases are refused at the first one: a bomb is as long as it looks. */
static void a_bomb_does_not_go_off(void **state)
{
    struct doc_file file = {STR("f"), STR("a: &a [x, x, x, x, x, x, x, x, x]\n"
                                          "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
                                          "c: [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n")};
    assert_null(doc_parse(&arena, &file, &findings));
    assert_int_equal(findings.n, 1);
    assert_int_equal(findings.items[0].line, 1);
    file.bytes = STR("b: [*a, *a, *a, *a, *a]\n");
    assert_null(doc_parse(&arena, &file, &findings));
    assert_int_equal(findings.n, 2);
    assert_int_equal(findings.items[1].column, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_raw_text_and_marks, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_with_a_place, setup, teardown),
        cmocka_unit_test_setup_teardown(means_its_text, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut_around_its_error, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bomb_does_not_go_off, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
