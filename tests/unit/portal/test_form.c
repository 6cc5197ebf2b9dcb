/* Forms are read strictly, and their tokens fit one browser. */
#include "../gate/house.h"

#include "proxy/config/keyring.h"
#include "proxy/portal/form.h"

static void forms(void **state)
{
    static const struct {
        const char *text, *wanted; /* name=value, one a line; NULL: refused */
    } rows[] = {
        {"", ""},
        {"a=1", "a=1\n"},
        {"a=1&b=2", "a=1\nb=2\n"},
        {"a", "a=\n"},
        {"a=", "a=\n"},
        {"=1", "=1\n"},
        {"a=1=2", "a=1=2\n"},
        {"a=x+y%20z", "a=x y z\n"},
        {"a=%41%2b", "a=A+\n"},
        {"%61=1", "a=1\n"},
        {"a=%C3%A9", "a=\xc3\xa9\n"},
        {"&&a=1&&", "a=1\n"},
        {"a=%0a", "a=\n\n"},
        {"a=%", NULL},
        {"a=%4", NULL},
        {"a=%zz", NULL},
        {"a=%00", NULL},
        {"a=1&a=2", NULL},
        {"a=1&%61=2", NULL},
        {"%", NULL},
    };
    struct arena a;
    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct form f;
        char out[256];
        size_t n = 0;
        bool good = form_read(&a, str_of(rows[i].text), &f);
        assert_row(rows[i].text, good == (rows[i].wanted != NULL));
        out[0] = '\0';
        for (size_t k = 0; good && k < f.n; k++)
            n += (size_t)snprintf(out + n, sizeof out - n, "%.*s=%.*s\n", STR_ARG(f.fields[k].name),
                                  STR_ARG(f.fields[k].value));
        if (good)
            assert_text(rows[i].text, out, rows[i].wanted);
    }
    arena_finish(&a);
}

static void too_many_fields(void **state)
{
    struct arena a;
    struct form f;
    char text[FORM_FIELDS_MAX * 8];
    size_t n = 0;
    arena_init(&a, NULL, 0);
    for (int i = 0; i < FORM_FIELDS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%d=x", i ? "&" : "", i);
    assert_true(form_read(&a, (str){text, n}, &f));
    n += (size_t)snprintf(text + n, sizeof text - n, "&y=x");
    assert_false(form_read(&a, (str){text, n}, &f));
    arena_finish(&a);
}

static void escapes(void **state)
{
    struct arena a;
    struct form f;
    char all[256], query[1024];
    arena_init(&a, NULL, 0);
    for (int i = 1; i < 256; i++)
        all[i - 1] = (char)i;
    str text = {all, 255}, escaped = form_escape(&a, text);
    for (size_t i = 0; i < escaped.n; i++)
        assert_null(memchr("&=+ /:?#\"'<>\\", escaped.p[i], 13));
    int n = snprintf(query, sizeof query, "to=%.*s", STR_ARG(escaped));
    assert_true(form_read(&a, (str){query, (size_t)n}, &f));
    assert_true(str_eq(form_get(&f, STR("to")), text));
    assert_null(form_get(&f, STR("else")).p);
    arena_finish(&a);
}

static void tokens(void **state)
{
    struct keyring *keys = mem_alloc(sizeof *keys), *others = mem_alloc(sizeof *others);
    char token[FORM_TOKEN_CHARS], other[FORM_TOKEN_CHARS];
    keys->n = 1;
    others->n = 1;
    memset(keys->secrets[0], 1, KEYRING_SECRET_BYTES);
    memset(others->secrets[0], 2, KEYRING_SECRET_BYTES);
    form_token(keys, STR("session 1 a.example"), token);
    assert_true(form_token_check(keys, STR("session 1 a.example"), (str){token, sizeof token}));
    assert_false(form_token_check(keys, STR("session 2 a.example"), (str){token, sizeof token}));
    assert_false(form_token_check(keys, STR("session 1 b.example"), (str){token, sizeof token}));
    assert_false(form_token_check(others, STR("session 1 a.example"), (str){token, sizeof token}));
    assert_false(form_token_check(keys, STR("session 1 a.example"), (str){token, 42}));
    assert_false(form_token_check(keys, STR("session 1 a.example"), (str){NULL, 0}));
    form_token(others, STR("session 1 a.example"), other);
    assert_memory_not_equal(token, other, sizeof token);
    /* A rotation: forms that are open still count. */
    others->n = 2;
    memcpy(others->secrets[1], keys->secrets[0], KEYRING_SECRET_BYTES);
    assert_true(form_token_check(others, STR("session 1 a.example"), (str){token, sizeof token}));
    free(keys);
    free(others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(too_many_fields),
        cmocka_unit_test(escapes),
        cmocka_unit_test(tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
