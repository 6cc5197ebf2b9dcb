/* Table-driven checking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/schema.h"

static const char *const colours[] = {"red", "green", NULL};
static const struct schema_type colour = {.kind = SCHEMA_SCALAR, .choices = colours};
static const struct schema_type names = {.kind = SCHEMA_LIST, .item = &schema_text};
static const struct schema_field thing_fields[] = {
    {"name", &schema_text, .required = true, .doc = "What it is called."},
    {"colour", &colour},
    {"tags", &names},
    {"age", &schema_duration, .fallback = "5m"},
    {"size", &schema_size, .fallback = "1024"},
    {"on", &schema_bool, .fallback = "true", .doc = "Whether it runs."},
    {0}};
static const struct schema_type thing = {
    .kind = SCHEMA_MAP, .name = "a thing", .fields = thing_fields};

static void finds_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *code; /* code NULL: good */
    } rows[] = {{"name: x\n", NULL},
                {"name: x\ncolour: red\ntags: [a]\nage: 5m\nsize: 4KiB\non: true\n", NULL},
                {"{}\n", "empty"},
                {"colour: red\n", "missing-key"},
                {"name: x\ncolor: red\n", "unknown-key"},
                {"name: x\ncolour: blue\n", "bad-value"},
                {"name: x\ntags: []\n", "empty"},
                {"name: x\ntags: a\n", "wrong-kind"},
                {"name: x\nage: 5\n", "bad-value"},
                {"name: x\nsize: 4KB\n", "bad-value"},
                {"name: x\non: yes\n", "bad-value"},
                {"name: x\non: \"true\"\n", "bad-value"},
                {"name: \"\"\n", "bad-value"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct findings f;
        struct doc_file file = {STR("f"), str_of(rows[i].text)};
        arena_init(&a, NULL, 0);
        findings_init(&f);
        struct doc_node *root = doc_parse(&a, &file, &f);
        bool good = schema_check(&thing, root, &f);
        if (good != (rows[i].code == NULL) ||
            (!good && !str_eq(f.items[0].code, str_of(rows[i].code))))
            fail_msg("row %zu: %s", i, f.n ? f.items[0].message.p : "good");
        findings_finish(&f);
        arena_finish(&a);
    }
}

/* A required key that is misspelt is told as unknown, and not as missing besides. */
static void tells_a_misspelt_key_once(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {{"nmae: x\n", 1}, {"nmae: x\ncolour: red\n", 1}, {"other: x\n", 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct findings f;
        struct doc_file file = {STR("f"), str_of(rows[i].text)};
        arena_init(&a, NULL, 0);
        findings_init(&f);
        assert_false(schema_check(&thing, doc_parse(&a, &file, &f), &f));
        if (f.n != rows[i].n)
            fail_msg("row %zu: %zu findings", i, f.n);
        findings_finish(&f);
        arena_finish(&a);
    }
}

static void suggests_a_key(void **state)
{
    struct arena a;
    struct findings f;
    struct doc_file file = {STR("f"), STR("name: x\ncolor: red\n")};
    arena_init(&a, NULL, 0);
    findings_init(&f);
    schema_check(&thing, doc_parse(&a, &file, &f), &f);
    assert_string_equal(f.items[0].suggestion.p, "did you mean \"colour\"?");
    findings_finish(&f);
    arena_finish(&a);
}

static void reads_durations_and_sizes(void **state)
{
    int64_t ms;
    uint64_t bytes;
    assert_true(parse_duration_ms(STR("200ms"), &ms) && ms == 200);
    assert_true(parse_duration_ms(STR("7d"), &ms) && ms == 604800000);
    assert_false(parse_duration_ms(STR("7w"), &ms));
    assert_false(parse_duration_ms(STR("s"), &ms));
    assert_true(parse_size(STR("1GiB"), &bytes) && bytes == 1 << 30);
    assert_true(parse_size(STR("0"), &bytes) && bytes == 0);
    assert_false(parse_size(STR("99999999999TiB"), &bytes));
}

static void prints_a_json_schema(void **state)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    schema_print_json(&thing, "id", "Thing", out);
    fclose(out);
    assert_non_null(strstr(text, "\"additionalProperties\":false"));
    assert_non_null(strstr(text, "\"required\":[\"name\"]"));
    assert_non_null(strstr(text, "\"enum\":[\"red\",\"green\"]"));
    assert_non_null(strstr(text, "\"default\":\"5m\""));
    assert_non_null(strstr(text, "\"default\":1024}"));
    assert_non_null(strstr(text, "\"default\":true,\"description\":\"Whether it runs.\""));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_wrong),       cmocka_unit_test(suggests_a_key),
        cmocka_unit_test(tells_a_misspelt_key_once), cmocka_unit_test(reads_durations_and_sizes),
        cmocka_unit_test(prints_a_json_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
