/* Forms and queries, both ways. */
#include "check.h"

#include "authn/oidc_inner.h"

static void reads_what_has_one_reading(void **state)
{
    static const struct {
        const char *text;
        int n; /* -1: refused */
        const char *a;
    } rows[] = {
        {"a=1&b=2", 2, "1"},
        {"", 0, NULL},
        {"&", 0, NULL},
        {"&&a=1&", 1, "1"},
        {"a", 1, ""},
        {"a=", 1, ""},
        {"a=b=c", 1, "b=c"},
        {"a=b+c", 1, "b c"},
        {"a=b%2Bc%3d", 1, "b+c="},
        {"%61=x", 1, "x"},
        {"a=%C3%A4", 1, "\xC3\xA4"},
        {"a=\xC3\xA4", 1, "\xC3\xA4"},
        {"a=1&a=2", -1, NULL},
        {"a=1&%61=1", -1, NULL},
        {"a&a", -1, NULL},
        {"=&=", -1, NULL},
        {"a=%", -1, NULL},
        {"a=%4", -1, NULL},
        {"a=%4g", -1, NULL},
        {"a=%u0041", -1, NULL},
        {"a=%00", -1, NULL},
        {"a=%0A", -1, NULL},
        {"a=\r\n", -1, NULL},
        {"a=%7f", -1, NULL},
        {"a=%FF", -1, NULL},
        {"a=%C0%80", -1, NULL},
        {"a=%ED%A0%80", -1, NULL},
        {"%ff=a", -1, NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        struct oidc_form form;
        arena_init(&a, NULL, 0);
        bool is_good = oidc_form_read(&a, str_of(rows[i].text), &form);
        assert_row(rows[i].text, is_good == (rows[i].n >= 0));
        if (is_good) {
            assert_row(rows[i].text, (int)form.n == rows[i].n);
            assert_row(rows[i].text, str_eq(oidc_form_get(&form, STR("a")), str_of(rows[i].a)));
        }
        arena_finish(&a);
    }
}

static void has_limits(void **state)
{
    struct arena a;
    struct oidc_form form;
    arena_init(&a, NULL, 0);
    str many = {"", 0};
    for (int i = 0; i < OIDC_MAX_FIELDS; i++)
        many = arena_printf(&a, "%s&n%d=%d", many.p, i, i);
    assert_true(oidc_form_read(&a, many, &form));
    assert_int_equal(form.n, OIDC_MAX_FIELDS);
    assert_false(oidc_form_read(&a, arena_printf(&a, "%s&more", many.p), &form));
    str longest = arena_printf(&a, "a=%0*d", OIDC_MAX_FORM - 2, 0);
    assert_true(oidc_form_read(&a, longest, &form));
    assert_false(oidc_form_read(&a, arena_printf(&a, "%s0", longest.p), &form));
    assert_true(oidc_form_read(&a, (str){NULL, 0}, &form));
    arena_finish(&a);
}

static void writes_what_reads_back(void **state)
{
    struct arena a;
    struct oidc_form form;
    char bytes[128];
    size_t n = 0;
    for (int c = 0x20; c < 0x7F; c++)
        bytes[n++] = (char)c;
    const struct oidc_field fields[] = {{STR("a"), {bytes, n}},
                                        {STR("left out"), {NULL, 0}},
                                        {STR("b c"), STR("")},
                                        {STR("ä"), STR("ö&=+%")}};
    arena_init(&a, NULL, 0);
    str text = oidc_form_write(&a, fields, 4);
    for (size_t i = 0; i < text.n; i++)
        assert_true(text.p[i] > ' ' && text.p[i] < 0x7F && !strchr("\"<>'+#?/", text.p[i]));
    assert_true(oidc_form_read(&a, text, &form));
    assert_int_equal(form.n, 3);
    assert_true(str_eq(oidc_form_get(&form, STR("a")), fields[0].value));
    assert_true(str_eq(oidc_form_get(&form, STR("ä")), fields[3].value));
    assert_true(oidc_form_get(&form, STR("b c")).p != NULL);
    assert_int_equal(oidc_form_write(&a, NULL, 0).n, 0);
    arena_finish(&a);
}

static void finds_the_state(void **state)
{
#define GOOD_STATE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    static const struct {
        const char *query;
        bool is_found;
    } rows[] = {
        {"state=" GOOD_STATE, true},
        {"code=x&state=" GOOD_STATE "&iss=y", true},
        {"state=%41AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", true},
        {"state=" GOOD_STATE "&state=" GOOD_STATE, false},
        {"state=" GOOD_STATE "&code=1&code=2", false},
        {"state=" GOOD_STATE "A", false},
        {"state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},
        {"state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},
        {"state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+", false},
        {"state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", false}, /* not canonical */
        {"State=" GOOD_STATE, false},
        {"state=", false},
        {"", false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        arena_init(&a, NULL, 0);
        str found = oidc_query_state(str_of(rows[i].query), &a);
        assert_row(rows[i].query, (found.p != NULL) == rows[i].is_found);
        assert_row(rows[i].query, !found.p || str_eq(found, STR(GOOD_STATE)));
        arena_finish(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_has_one_reading),
        cmocka_unit_test(has_limits),
        cmocka_unit_test(writes_what_reads_back),
        cmocka_unit_test(finds_the_state),
    };
    return cmocka_run_group_tests_name("authn/oidc_form", tests, NULL, NULL);
}
