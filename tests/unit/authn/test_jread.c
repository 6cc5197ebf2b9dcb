/* Strict JSON: what is accepted is accepted by jansson too, and reads the same. */
#include "check.h"

#include <jansson.h>

#include "authn/jread.h"

static struct jnode *read(struct arena *a, const char *json, bool *has_control)
{
    str copy = arena_dup(a, str_of(json));
    return jread_object(a, (char *)copy.p, copy.n, has_control);
}

static void refuses_what_two_readers_could_read_differently(void **state)
{
    static const struct {
        const char *row, *json;
        bool wanted;
    } rows[] = {
        {"empty object", "{}", true},
        {"space around", " {\"a\" : [ 1 , 2 ] }\r\n\t", true},
        {"all kinds", "{\"a\":null,\"b\":true,\"c\":false,\"d\":-0.5e+3,\"e\":\"x\",\"f\":{}}",
         true},
        {"nothing", "", false},
        {"a list", "[1]", false},
        {"a string", "\"a\"", false},
        {"trailing garbage", "{}x", false},
        {"two objects", "{}{}", false},
        {"trailing comma", "{\"a\":1,}", false},
        {"comma in list", "{\"a\":[1,]}", false},
        {"missing value", "{\"a\":}", false},
        {"missing colon", "{\"a\"1}", false},
        {"bare name", "{a:1}", false},
        {"single quotes", "{'a':1}", false},
        {"comment", "{/**/}", false},
        {"unclosed", "{\"a\":1", false},
        {"unclosed string", "{\"a\":\"x", false},
        {"duplicate", "{\"a\":1,\"a\":2}", false},
        {"duplicate by escape", "{\"a\":1,\"\\u0061\":2}", false},
        {"duplicate nested", "{\"x\":[{\"a\":1,\"a\":1}]}", false},
        {"same name at two levels", "{\"a\":{\"a\":1}}", true},
        {"leading zero", "{\"a\":01}", false},
        {"minus zero", "{\"a\":-0}", true},
        {"plus", "{\"a\":+1}", false},
        {"bare point", "{\"a\":1.}", false},
        {"point first", "{\"a\":.5}", false},
        {"bare exponent", "{\"a\":1e}", false},
        {"minus alone", "{\"a\":-}", false},
        {"hex", "{\"a\":0x10}", false},
        {"NaN", "{\"a\":NaN}", false},
        {"Infinity", "{\"a\":Infinity}", false},
        {"largest integer", "{\"a\":9223372036854775807}", true},
        {"integer too big", "{\"a\":9223372036854775808}", false},
        {"real too big", "{\"a\":1e999}", false},
        {"real too small is 0", "{\"a\":1e-999}", true},
        {"number longer than 64",
         "{\"a\":0.12345678901234567890123456789012345678901234567890123456789012345}", false},
        {"case of true", "{\"a\":True}", false},
        {"cut word", "{\"a\":tru}", false},
        {"raw newline", "{\"a\":\"x\ny\"}", false},
        {"raw tab", "{\"a\":\"x\ty\"}", false},
        {"bad escape", "{\"a\":\"\\x\"}", false},
        {"short escape", "{\"a\":\"\\u12\"}", false},
        {"NUL", "{\"a\":\"\\u0000\"}", false},
        {"pair", "{\"a\":\"\\ud83d\\ude00\"}", true},
        {"lone high", "{\"a\":\"\\ud83d\"}", false},
        {"high and no low", "{\"a\":\"\\ud83dx\"}", false},
        {"high and high", "{\"a\":\"\\ud83d\\ud83d\"}", false},
        {"lone low", "{\"a\":\"\\ude00\"}", false},
        {"bad UTF-8", "{\"a\":\"\xff\"}", false},
        {"overlong UTF-8", "{\"a\":\"\xc0\xaf\"}", false},
        {"UTF-8 surrogate", "{\"a\":\"\xed\xa0\x80\"}", false},
        {"cut UTF-8", "{\"a\":\"\xe2\x82\"}", false},
        {"UTF-8", "{\"a\":\"\xe2\x82\xac\"}", true},
        {"BOM", "\xef\xbb\xbf{}", false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        arena_init(&a, NULL, 0);
        assert_row(rows[i].row, (read(&a, rows[i].json, NULL) != NULL) == rows[i].wanted);
        json_t *other = json_loads(rows[i].json, JSON_REJECT_DUPLICATES, NULL);
        assert_row(rows[i].row, !rows[i].wanted || json_is_object(other));
        json_decref(other);
        arena_finish(&a);
    }
}

static void bounds_the_depth(void **state)
{
    struct arena a;
    arena_init(&a, NULL, 0);
    /* the object is one level */
    for (int depth = 1; depth <= 20; depth++) {
        str json = STR("{\"a\":");
        for (int i = 1; i < depth; i++)
            json = arena_printf(&a, "%.*s[", STR_ARG(json));
        json = arena_printf(&a, "%.*s1", STR_ARG(json));
        for (int i = 1; i < depth; i++)
            json = arena_printf(&a, "%s]", json.p);
        json = arena_printf(&a, "%s}", json.p);
        assert_int_equal(read(&a, json.p, NULL) != NULL, depth <= JREAD_MAX_DEPTH);
    }
    assert_non_null(
        read(&a, "{\"a\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],{},{}]}", NULL));
    char *deep = arena_text(&a, 100000);
    memset(deep, '[', 100000);
    memcpy(deep, "{\"a\":", 5);
    assert_null(jread_object(&a, deep, 100000, NULL));
    arena_finish(&a);
}

static void finds_duplicates_among_many(void **state)
{
    struct arena a;
    arena_init(&a, NULL, 0);
    str json = STR("{\"n0\":0");
    for (int i = 1; i < 200; i++)
        json = arena_printf(&a, "%.*s,\"n%d\":%d", STR_ARG(json), i, i);
    assert_non_null(read(&a, arena_printf(&a, "%s}", json.p).p, NULL));
    assert_null(read(&a, arena_printf(&a, "%s,\"n77\":1}", json.p).p, NULL));
    arena_finish(&a);
}

static void decodes_texts_and_keeps_numbers_as_written(void **state)
{
    struct arena a;
    bool has_control = true;
    double v = 0;
    arena_init(&a, NULL, 0);
    struct jnode *o =
        read(&a, "{\"\\u006b\":\"a\\\"\\\\\\/\\u20ac\\ud83d\\ude00z\",\"n\":1.10,\"l\":[\"x\",2]}",
             &has_control);
    assert_non_null(o);
    assert_false(has_control);
    assert_true(str_eq(jread_text(o, "k"), STR("a\"\\/\xe2\x82\xac\xf0\x9f\x98\x80z")));
    assert_true(str_eq(jread_get(o, "n")->text, STR("1.10")));
    assert_true(jread_number(jread_get(o, "n"), &v) && v > 1.09 && v < 1.11);
    assert_false(jread_number(jread_get(o, "k"), &v));
    assert_false(jread_is_texts(jread_get(o, "l")));
    assert_null(jread_get(o, "none"));
    assert_null(jread_text(o, "n").p);
    arena_finish(&a);
}

static void notices_control_characters_anywhere(void **state)
{
    static const char *const rows[] = {"{\"a\":\"\\n\"}",
                                       "{\"a\":\"\\u007f\"}",
                                       "{\"a\":\"\x7f\"}",
                                       "{\"a\":\"\\u0085\"}",
                                       "{\"a\":\"\xc2\x85\"}",
                                       "{\"a\\t\":1}",
                                       "{\"a\":[{\"b\":[\"\\u0001\"]}]}"};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        bool has_control = false;
        arena_init(&a, NULL, 0);
        assert_row(rows[i], read(&a, rows[i], &has_control) && has_control);
        arena_finish(&a);
    }
}

static void peeks_without_a_tree(void **state)
{
    static const struct {
        const char *json;
        bool wanted;
        const char *iss;
    } rows[] = {
        {"{\"x\":{\"iss\":\"inner\"},\"iss\":\"outer\",\"y\":[1]}", true, "outer"},
        {"{\"iss\":\"\\u0061b\"}", true, "ab"},
        {"{\"iss\":1}", true, NULL},
        {"{}", true, NULL},
        {"{\"iss\":\"a\",\"iss\":\"b\"}", false, NULL},
        {"{\"iss\":\"a\"}x", false, NULL},
        {"[]", false, NULL},
        {"{\"iss\":\"a\"", false, NULL},
        {"{\"a\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],\"iss\":\"a\"}", false, NULL},
    };
    static const char *const names[] = {"iss"};
    for (size_t i = 0; i < ROWS(rows); i++) {
        char buf[128];
        str iss;
        size_t n = strlen(rows[i].json);
        memcpy(buf, rows[i].json, n);
        assert_row(rows[i].json, jread_peek(buf, n, names, &iss, 1) == rows[i].wanted);
        if (rows[i].wanted)
            assert_row(rows[i].json, !rows[i].iss == !iss.p && str_eq(iss, str_of(rows[i].iss)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_two_readers_could_read_differently),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(finds_duplicates_among_many),
        cmocka_unit_test(decodes_texts_and_keeps_numbers_as_written),
        cmocka_unit_test(notices_control_characters_anywhere),
        cmocka_unit_test(peeks_without_a_tree),
    };
    return cmocka_run_group_tests_name("authn/jread", tests, NULL, NULL);
}
