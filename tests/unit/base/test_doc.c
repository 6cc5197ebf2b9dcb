/* YAML trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

static void refuses_with_a_place(void **state)
{
    static const struct {
        const char *id, *text, *code;
        unsigned line, column;
    } rows[] = {
        {"anchor", "a: &x 1\n", "anchor", 1, 4},
        {"alias", "a: 1\nb: *x\n", "alias", 2, 4},
        {"tag", "a: !!str 1\n", "tag", 1, 4},
        {"merge", "a: {b: 1}\n<<: {c: 1}\n", "merge-key", 2, 1},
        {"second", "a: 1\n---\nb: 1\n", "second-document", 2, 1},
        {"duplicate", "a: 1\na: 2\n", "duplicate-key", 2, 1},
        {"tab", "a:\n\tb: 1\n", "tab", 2, 1},
        {"bom",
         "\xEF\xBB\xBF"
         "a: 1\n",
         "encoding", 1, 1},
        {"utf8", "a: 1\nb: \xFF\n", "encoding", 2, 4},
        {"empty", "", "empty", 1, 1},
        {"unclosed", "a: [1\n", "yaml", 2, 1},
        {"deep", "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n", "depth", 1, 17},
        {"directive", "%YAML 1.1\n---\na: 1\n", "directive", 1, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct doc_file file = {STR("f"), str_of(rows[i].text)};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_raw_text_and_marks, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_with_a_place, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
