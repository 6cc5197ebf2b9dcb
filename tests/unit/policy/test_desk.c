/* What people who write rules get: layout, expressions that a glob can say, mutants. */
#include "policy/author.h"
#include "fixture.h"

#include <dirent.h>

#include "policy/lint.h"
#include "policy/text.h"

static str read_file(struct arena *a, const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = arena_text(a, 1 << 20);

    assert_non_null(file);
    size_t n = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return (str){bytes, n};
}

static void test_regex_as_glob(void **state)
{
    static const struct {
        const char *regex, *glob;
    } rows[] = {
        {"/a/b", "/a/b"},     {"/a/[^/]+/c", "/a/*/c"},
        {"^/a/.*$", "/a/**"}, {"/a(/.*)?", "/a/**"},
        {"/x\\.js", "/x.js"}, {"/a/[^/]+", "/a/*"},
        {"/a/\\d+", NULL},    {"/a/b?", NULL},
        {"/a.b", NULL},       {"/a/[^/]+x", NULL},
        {"/(a|b)", NULL},     {"/a/.*/b", NULL},
        {"/a/x[^/]+", NULL},  {"", NULL},
    };
    struct arena a;
    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str glob = lint_glob_of_regex(&a, str_of(rows[i].regex));
        if (!rows[i].glob != !glob.p || (glob.p && !str_eq(glob, str_of(rows[i].glob))))
            print_error("%s: %.*s\n", rows[i].regex, STR_ARG(glob));
        assert_true(!rows[i].glob == !glob.p);
        assert_true(!glob.p || str_eq(glob, str_of(rows[i].glob)));
    }
    arena_finish(&a);
}

/* ---- layout ---- */

static void test_layout(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"a:   1\n", "a: 1\n"},
        {"\n\na: 1\n\n\n\nb: 2\n\n", "a: 1\n\nb: 2\n"},
        {"a: [ 1,2 ,3 ]\n", "a: [1, 2, 3]\n"},
        {"a: { b: 1,c: { d: 2 } }\n", "a: {b: 1, c: {d: 2}}\n"},
        {"a:\n- 1\n- 2\n", "a:\n  - 1\n  - 2\n"},
        {"a:\n    -   b: 1\n        c: 2\n", "a:\n  - b: 1\n    c: 2\n"},
        {"a: 1 #x\n", "a: 1  # x\n"},
        {"a: 1      # far\n", "a: 1      # far\n"},
        {"a: 'it''s # no comment'\n", "a: 'it''s # no comment'\n"},
        {"a: \"x: [1,2] \\\" # \"\n", "a: \"x: [1,2] \\\" # \"\n"},
        {"a: x,y:z [1] #2\n", "a: x,y:z [1]  # 2\n"},
        {"a: |\n    x:   1\n      y\nb: 1\n", "a: |\n    x:   1\n      y\nb: 1\n"},
        {"a: [1,\n    2,\n]\n", "a: [1,\n    2,\n]\n"},
        {"a:\r\n   b: 1\r\n", "a:\n  b: 1\n"},
        {"a:\n    # of b\n    b: 1\n# of c\nc: 1\n", "a:\n  # of b\n  b: 1\n# of c\nc: 1\n"},
        {"a: http://x/y#z\n", "a: http://x/y#z\n"},
        {"- - 1\n  - 2\n- 3\n", "- - 1\n  - 2\n- 3\n"},
        {"a: 1", "a: 1\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct findings f;
        str out = {NULL, 0}, again = {NULL, 0};
        arena_init(&a, NULL, 0);
        findings_init(&f);
        struct doc_file in = {STR("a.yaml"), str_of(rows[i].in)};
        bool good = policy_format(&in, &a, &out, &f);
        if (!good || !str_eq(out, str_of(rows[i].out)))
            print_error("%s gives\n%.*s", rows[i].in, STR_ARG(out));
        assert_true(good && str_eq(out, str_of(rows[i].out)));
        struct doc_file laid = {STR("a.yaml"), out};
        assert_true(policy_format(&laid, &a, &again, &f) && str_eq(again, out));
        findings_finish(&f);
        arena_finish(&a);
    }
}

/* Every file that can be read keeps its meaning, which the formatter itself makes sure of, and its
 * layout is final. */
static void test_layout_of_all_files(void **state)
{
    DIR *dir = opendir(GOLDEN_DIR);
    size_t n = 0;

    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct arena a;
        struct findings f;
        str once, twice;
        if (!str_ends(str_of(entry->d_name), STR(".yaml")))
            continue;
        arena_init(&a, NULL, 0);
        findings_init(&f);
        str path = arena_printf(&a, GOLDEN_DIR "/%s", entry->d_name);
        struct doc_file in = {path, read_file(&a, path.p)};
        if (policy_format(&in, &a, &once, &f)) {
            struct doc_file laid = {path, once};
            assert_true(policy_format(&laid, &a, &twice, &f) && str_eq(once, twice));
            n++;
        }
        for (size_t i = 0; i < f.n; i++)
            assert_false(str_eq(f.items[i].code, STR("format")));
        findings_finish(&f);
        arena_finish(&a);
    }
    closedir(dir);
    assert_true(n > 200);
}

/* ---- trees and mutants ---- */

static void test_tree_is_written_as_it_was(void **state)
{
    static const char yaml[] =
        "a: [NO, \"NO\", 1.10, '1', \"a\\\"b\\\\\", x y, \"\", -1, \"\\x01\", é]\n"
        "b: {c: [], d: {}, \"e f\": 'g: h'}\n";
    struct arena a;
    struct findings f;
    struct text t = {.arena = &a}, again = {.arena = &a};

    arena_init(&a, NULL, 0);
    findings_init(&f);
    struct doc_file in = {STR("a"), str_of(yaml)};
    const struct doc_node *tree = doc_parse(&a, &in, &f);
    assert_non_null(tree);
    text_tree(&t, tree, NULL);
    struct doc_file out = {STR("a"), text_str(&t)};
    const struct doc_node *second = doc_parse(&a, &out, &f);
    assert_non_null(second);
    text_tree(&again, second, NULL);
    assert_true(str_eq(text_str(&t), text_str(&again)));
    assert_true(doc_get(tree, "a")->items[0]->is_plain &&
                !doc_get(second, "a")->items[1]->is_plain);
    assert_true(doc_get(second, "a")->items[0]->is_plain &&
                doc_get(second, "a")->items[2]->is_plain);
    findings_finish(&f);
    arena_finish(&a);
}

static void test_mutants(void **state)
{
    static const char yaml[] =
        "version: 1\n"
        "apps: [{name: a, host: a.example, upstream: \"http://10.0.0.1:80\"}]\n"
        "rules:\n"
        "  - {id: r, effect: allow, who: {groups: [g]}, to: {apps: [a], methods: [GET]}}\n"
        "  - {id: q, effect: require, who: anyone, to: everything, auth: {mfa: true}}\n"
        "tests:\n"
        "  - {name: t, as: {user: u@x.y, groups: [g], auth: {mfa: true}}, at: "
        "2026-11-27T00:00:00Z,\n"
        "     do: GET https://a.example/, expect: allow}\n";
    struct doc_file file = {STR("a.yaml"), STR("")};
    struct policy_load_in in = {.files = &file, .n_files = 1};
    struct policy_mutations m;
    struct findings f;
    struct arena a;

    file.bytes = str_of(yaml);
    arena_init(&a, NULL, 0);
    findings_init(&f);
    assert_true(policy_mutate(&in, &f, &a, &m));
    /* noticed: r off, groups turned round. Not: who, methods, q off; q without its need is no rule.
     */
    assert_int_equal(m.n, 5);
    assert_int_equal(m.n_noticed, 2);
    for (size_t i = 0; i < m.n; i++)
        assert_int_equal(m.items[i].is_noticed, str_eq(m.items[i].rule, STR("r")) &&
                                                    (m.items[i].kind == POLICY_MUTATION_OFF ||
                                                     m.items[i].kind == POLICY_MUTATION_FLIP));
    findings_finish(&f);
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regex_as_glob),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_layout_of_all_files),
        cmocka_unit_test(test_tree_is_written_as_it_was),
        cmocka_unit_test(test_mutants),
    };
    return cmocka_run_group_tests_name("desk", tests, NULL, NULL);
}
