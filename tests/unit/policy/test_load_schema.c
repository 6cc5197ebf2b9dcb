/* The published JSON Schema says of every golden file what the loader says: what loads is valid,
 * and what the tables refuse is not. A validator of the few draft-07 words that we print is here,
 * so that no other is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "policy_kit.h"

/* ---- validator ------------------------------------------------------------------------------ */

static bool regex_finds(const char *pattern, str text)
{
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                     PCRE2_DOLLAR_ENDONLY, &error, &offset, NULL);
    assert_non_null(code);
    pcre2_match_data *data = pcre2_match_data_create(2, NULL);
    int n = pcre2_match(code, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, 0, data, NULL);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return n >= 0;
}

/* The type of a node by the core schema of YAML 1.2, as editors resolve it. */
static bool is_type(const struct doc_node *node, const char *type)
{
    bool is_plain = node->kind == DOC_SCALAR && node->is_plain;
    bool is_null = is_plain && node->text.n == 0;
    bool is_boolean = is_plain && regex_finds("^(true|false)$", node->text);
    bool is_integer = is_plain && regex_finds("^[-+]?[0-9]+$", node->text);
    bool is_number = is_integer || (is_plain && regex_finds("^[-+]?[0-9]+\\.[0-9]*$", node->text));
    if (strcmp(type, "object") == 0)
        return node->kind == DOC_MAP;
    if (strcmp(type, "array") == 0)
        return node->kind == DOC_LIST;
    if (strcmp(type, "boolean") == 0)
        return is_boolean;
    if (strcmp(type, "integer") == 0)
        return is_integer;
    if (strcmp(type, "number") == 0)
        return is_number;
    return node->kind == DOC_SCALAR && !is_boolean && !is_number && !is_null;
}

static bool is_one_of_types(const struct doc_node *node, const json_t *type)
{
    if (json_is_string(type))
        return is_type(node, json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++) {
        if (is_type(node, json_string_value(json_array_get(type, i))))
            return true;
    }
    return false;
}

static bool is_value(const struct doc_node *node, const json_t *value)
{
    if (json_is_string(value))
        return str_eq(node->text, str_of(json_string_value(value)));
    if (json_is_boolean(value))
        return str_eq(node->text, json_is_true(value) ? STR("true") : STR("false"));
    return strtoll(node->text.p, NULL, 10) == json_integer_value(value);
}

static bool scalar_fits(const struct doc_node *node, const json_t *schema)
{
    const json_t *word = json_object_get(schema, "enum");
    bool found = word == NULL;
    for (size_t i = 0; i < json_array_size(word); i++)
        found |= is_value(node, json_array_get(word, i));
    if (!found)
        return false;
    if ((word = json_object_get(schema, "const")) && !is_value(node, word))
        return false;
    long long number = node->text.p ? strtoll(node->text.p, NULL, 10) : 0;
    if ((word = json_object_get(schema, "minimum")) && number < json_integer_value(word))
        return false;
    if ((word = json_object_get(schema, "maximum")) && number > json_integer_value(word))
        return false;
    if (json_object_get(schema, "minLength") && node->text.n == 0)
        return false;
    word = json_object_get(schema, "pattern");
    return !word || !is_type(node, "string") || regex_finds(json_string_value(word), node->text);
}

static bool fits(const struct doc_node *node, const json_t *schema);

static bool map_fits(const struct doc_node *node, const json_t *schema)
{
    const json_t *properties = json_object_get(schema, "properties"),
                 *others = json_object_get(schema, "additionalProperties"),
                 *required = json_object_get(schema, "required");
    if (json_object_get(schema, "minProperties") && node->n == 0)
        return false;
    for (size_t i = 0; i < json_array_size(required); i++) {
        if (!doc_get(node, json_string_value(json_array_get(required, i))))
            return false;
    }
    for (size_t i = 0; i < node->n; i++) {
        const json_t *member = json_object_get(properties, node->keys[i]->text.p);
        if (!member && json_is_false(others))
            return false;
        if (!fits(node->items[i], member ? member : others))
            return false;
    }
    return true;
}

static bool list_fits(const struct doc_node *node, const json_t *schema)
{
    if (json_object_get(schema, "minItems") && node->n == 0)
        return false;
    for (size_t i = 0; i < node->n; i++) {
        if (!fits(node->items[i], json_object_get(schema, "items")))
            return false;
    }
    return true;
}

static bool fits(const struct doc_node *node, const json_t *schema)
{
    const json_t *any = json_object_get(schema, "anyOf"), *type = json_object_get(schema, "type");
    for (size_t i = 0; i < json_array_size(any); i++) {
        if (fits(node, json_array_get(any, i)))
            return true;
    }
    if (any || (type && !is_one_of_types(node, type)))
        return false;
    if (!type)
        return true;
    if (node->kind == DOC_MAP)
        return map_fits(node, schema);
    return node->kind == DOC_LIST ? list_fits(node, schema) : scalar_fits(node, schema);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static char *print_schema(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    policy_schema_print(out);
    fclose(out);
    return text;
}

/* What the tables alone can see: codes, or words of a code that others have too. Names, CIDRs and
 * the like are beyond a JSON Schema. */
static bool is_of_form(const struct finding *it)
{
    static const struct {
        const char *code, *words;
    } rows[] = {
        {"unknown-key", ""},
        {"wrong-kind", ""},
        {"empty", ""},
        {"missing-key", " is missing in "},
        {"bad-value", "is not one of"},
        {"bad-value", "the only value"},
        {"bad-value", "expected "},
        {"bad-value", "true or false"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (str_eq(it->code, str_of(rows[i].code)) &&
            str_contains(it->message, str_of(rows[i].words)))
            return !str_contains(it->message, STR("has no like"));
    }
    return false;
}

/* True unless loader and schema disagree about the file: what the schema refuses the loader
 * refuses, and what the tables refuse the schema refuses. */
static bool agrees(const json_t *schema, const struct doc_file *file)
{
    struct arena a;
    struct findings f;
    bool has_form_error = false;
    arena_init(&a, NULL, 0);
    findings_init(&f);
    struct policy_load_in in = {
        .files = file, .n_files = 1, .zone = kit_zone, .known = &kit_known, .has_geoip = true};
    const struct doc_node *root = doc_parse(&a, file, &f);
    size_t unreadable = f.errors;
    struct policy *p = root && unreadable == 0 ? policy_load(&in, &f) : NULL;
    for (size_t i = 0; i < f.n; i++)
        has_form_error |= is_of_form(&f.items[i]);
    bool is_valid = root && fits(root, schema);
    bool good = !root || unreadable > 0 || ((!p || is_valid) && (!has_form_error || !is_valid));
    policy_unref(&p);
    findings_finish(&f);
    arena_finish(&a);
    return good;
}

static size_t check_dir(const json_t *schema, const char *path)
{
    size_t n = 0, n_bad = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct arena a;
        arena_init(&a, NULL, 0);
        str name = arena_dup(&a, str_of(entry->d_name));
        str bytes = {NULL, 0};
        if (str_ends(name, STR(".yaml")))
            bytes = kit_read(&a, arena_printf(&a, "%s/%s", path, name.p).p);
        struct doc_file files[8];
        size_t n_files = bytes.p ? kit_split(name, bytes, files, 8) : 0;
        for (size_t i = 0; i < n_files; i++) {
            bool good = agrees(schema, &files[i]);
            if (!good)
                print_error("%s: the loader and the JSON Schema disagree about %.*s\n", name.p,
                            STR_ARG(files[i].name));
            n_bad += !good;
            n++;
        }
        arena_finish(&a);
    }
    closedir(dir);
    assert_int_equal(n_bad, 0);
    return n;
}

static void test_schema_agrees_with_loader(void **state)
{
    char *text = print_schema();
    json_error_t error;
    json_t *schema = json_loads(text, 0, &error);
    assert_non_null(schema);
    assert_true(check_dir(schema, GOLDEN_DIR) > 600);
    json_decref(schema);
    free(text);
}

static void test_examples_are_valid(void **state)
{
    char *text = print_schema();
    json_t *schema = json_loads(text, 0, NULL);
    DIR *dir = opendir(EXAMPLES_DIR);
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct arena a;
        struct findings f;
        arena_init(&a, NULL, 0);
        findings_init(&f);
        if (str_ends(str_of(entry->d_name), STR(".yaml"))) {
            str path = arena_printf(&a, "%s/%s", EXAMPLES_DIR, entry->d_name);
            struct doc_file file = {path, kit_read(&a, path.p)};
            const struct doc_node *root = doc_parse(&a, &file, &f);
            assert_true(root && fits(root, schema));
        }
        findings_finish(&f);
        arena_finish(&a);
    }
    closedir(dir);
    json_decref(schema);
    free(text);
}

/* How many keys below tell an editor nothing, or offer a default that is of another type. */
static size_t count_mute_keys(const json_t *schema, const char *path)
{
    json_t *member, *value;
    const char *key;
    size_t n = 0;

    json_object_foreach(json_object_get(schema, "properties"), key, member)
    {
        const json_t *fallback = json_object_get(member, "default");
        const char *type = json_string_value(json_object_get(member, "type"));
        bool is_odd = fallback && type &&
                      (json_is_boolean(fallback) != (strcmp(type, "boolean") == 0) ||
                       json_is_integer(fallback) != (strcmp(type, "integer") == 0));
        if (json_object_get(member, "description") && !is_odd)
            continue;
        print_error("%s.%s has no description, or a default of another type\n", path, key);
        n++;
    }
    if (json_is_object(schema)) {
        json_object_foreach((json_t *)schema, key, value) n += count_mute_keys(value, key);
    }
    for (size_t i = 0; i < json_array_size(schema); i++)
        n += count_mute_keys(json_array_get(schema, i), path);
    return n;
}

static void test_every_key_is_described(void **state)
{
    char *text = print_schema();
    json_t *schema = json_loads(text, 0, NULL);
    const json_t *rule = json_object_get(
        json_object_get(json_object_get(json_object_get(schema, "properties"), "rules"), "items"),
        "properties");
    assert_int_equal(count_mute_keys(schema, "file"), 0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(rule, "mode"), "default")), "enforce");
    const json_t *who = json_object_get(json_object_get(rule, "who"), "anyOf");
    assert_string_equal(json_string_value(json_object_get(json_array_get(who, 0), "type")),
                        "object");
    assert_string_equal(json_string_value(json_object_get(json_array_get(who, 1), "type")),
                        "string");
    json_decref(schema);
    free(text);
}

/* POSTERN_GOLDEN_WRITE=1 writes it anew. */
static void test_published_schema_is_current(void **state)
{
    static const char path[] = EXAMPLES_DIR "/schema/policy.v1.json";
    char *text = print_schema();
    struct arena a;
    arena_init(&a, NULL, 0);
    if (getenv("POSTERN_GOLDEN_WRITE")) {
        FILE *out = fopen(path, "wb");
        fputs(text, out);
        fclose(out);
    }
    assert_true(str_eq(kit_read(&a, path), str_of(text)));
    arena_finish(&a);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_agrees_with_loader),
        cmocka_unit_test(test_examples_are_valid),
        cmocka_unit_test(test_every_key_is_described),
        cmocka_unit_test(test_published_schema_is_current),
    };
    return cmocka_run_group_tests_name("load_schema", tests, NULL, NULL);
}
