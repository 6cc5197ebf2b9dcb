/* The users file: what is read, and what is told about a wrong one. */
#include "check.h"

#include <stdio.h>

#include "authn/builtin.h"

#define HASH                                                                                       \
    "$scrypt$ln=15,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static struct builtin_users *parse(const char *text, struct findings *f)
{
    struct doc_file file = {STR("users.yaml"), str_of(text)};
    findings_init(f);
    return builtin_users_parse(&file, f);
}

static void a_file_is_read(void **state)
{
    static const char text[] = "version: 1\n"
                               "users:\n"
                               "  Kim@Acme.example:\n"
                               "    password: \"" HASH "\"\n"
                               "    name: Kim Lee\n"
                               "    groups: [contractors, \"öl\"]\n"
                               "    claims: {company: Acme, level: 3}\n"
                               "  eva@corp.example: {pin: true, subject: e-1, disabled: true}\n";
    struct findings f;
    struct builtin_users *u = parse(text, &f);
    assert_non_null(u);
    assert_int_equal(f.errors + f.warnings, 0);
    findings_finish(&f);

    struct builtin_users *held = builtin_users_ref(u);
    builtin_users_unref(&u);
    assert_null(u);
    u = held;
    assert_int_equal(builtin_users_count(u), 2);
    const struct builtin_user *kim = builtin_users_find(u, STR("kim@ACME.example"));
    assert_ptr_equal(kim, builtin_users_at(u, 0));
    assert_true(str_eq(kim->email, STR("kim@acme.example")));
    assert_true(str_eq(kim->name, STR("Kim Lee")));
    assert_true(str_eq(kim->password, STR(HASH)));
    assert_false(kim->takes_pin || kim->is_disabled);
    assert_int_equal(kim->n_groups, 2);
    assert_true(str_eq(kim->groups[0], STR("contractors")));
    assert_int_equal(kim->claims->n, 2);
    assert_int_equal(kim->at->line, 3);
    assert_int_equal(kim->subject.n, 22); /* made, and the same for ever: */
    assert_true(str_eq(kim->subject, STR("EKvWB6ANPMjpTvzSN2GHxg")));
    const struct builtin_user *eva = builtin_users_by_subject(u, STR("e-1"));
    assert_ptr_equal(eva, builtin_users_find(u, STR("eva@corp.example")));
    assert_true(eva->takes_pin && eva->is_disabled && !eva->password.p && eva->n_groups == 0);
    assert_null(builtin_users_find(u, STR("nobody@corp.example")));
    assert_null(builtin_users_find(u, STR("")));
    assert_null(builtin_users_find(u, (str){NULL, 0}));
    assert_null(builtin_users_find(NULL, STR("kim@acme.example")));
    builtin_users_unref(&u);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
#define HEAD "version: 1\nusers:\n"
    static const struct {
        const char *text, *code;
        unsigned line, column;
        const char *suggestion; /* or NULL: any */
    } rows[] = {
        {"", "empty", 0, 0, NULL},
        {"users: {}\n", "missing-key", 1, 1, NULL},
        {"version: 2\nusers: {}\n", "bad-value", 1, 10, NULL},
        {"version: 1\n", "missing-key", 1, 1, NULL},
        {"version: 1\nusers: [a]\n", "wrong-kind", 2, 8, NULL},
        {"version: 1\nuser: {}\n", "unknown-key", 2, 1, "did you mean \"users\"?"},
        {HEAD "  a@b: {pasword: x}\n", "unknown-key", 3, 9, "did you mean \"password\"?"},
        {HEAD "  a@b: {password: hunter2hunter2}\n", "bad-hash", 3, 19, NULL},
        {HEAD "  a@b: {password: \"$scrypt$ln=10,r=8,p=1$AAECAwQFBgc$AAECAwQFBgcICQoLDA0ODw\"}\n",
         "bad-hash", 3, 19, NULL},
        {HEAD "  a@b: {pin: yes}\n", "bad-value", 3, 14, NULL},
        {HEAD "  nobody: {pin: true}\n", "bad-value", 3, 3, NULL},
        {HEAD "  \"a b@c\": {pin: true}\n", "bad-value", 3, 3, NULL},
        {HEAD "  a@b@c: {pin: true}\n", "bad-value", 3, 3, NULL},
        {HEAD "  \"a@b\\r\\nx\": {pin: true}\n", "bad-value", 3, 3, NULL},
        {HEAD "  \"a<@b\": {pin: true}\n", "bad-value", 3, 3, NULL},
        {HEAD "  a@b: {pin: true}\n  a@b: {pin: true}\n", "duplicate-key", 4, 3, NULL},
        {HEAD "  a@b: {pin: true}\n  A@b: {pin: true}\n", "duplicate-user", 4, 3, NULL},
        {HEAD "  a@b: {pin: true, subject: x}\n  c@d: {pin: true, subject: x}\n",
         "duplicate-subject", 4, 29, NULL},
        {HEAD "  a@b: {pin: true, groups: contractors}\n", "wrong-kind", 3, 28, NULL},
        {HEAD "  a@b: {pin: true, groups: [\"a\\nb\"]}\n", "bad-value", 3, 29, NULL},
        {HEAD "  a@b: {pin: true, claims: {sub: x}}\n", "bad-value", 3, 29, NULL},
        {HEAD "  a@b: {pin: true, claims: {groups: [x]}}\n", "bad-value", 3, 29, NULL},
        {HEAD "  a@b: {pin: true, claims: {amr: [mfa]}}\n", "bad-value", 3, 29, NULL},
        {HEAD "  a@b: {pin: true, claims: {x: {y: z}}}\n", "wrong-kind", 3, 32, NULL},
        {HEAD "  a@b: {pin: true, claims: {x: \"a\\tb\"}}\n", "bad-value", 3, 32, NULL},
        {HEAD "  a@b: {pin: true, claims: {x: null}}\n", "bad-value", 3, 32, NULL},
        {HEAD "  a@b: {pin: true, name: \"\\u0007\"}\n", "bad-value", 3, 26, NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct findings f;
        struct builtin_users *u = parse(rows[i].text, &f);
        assert_row(rows[i].text, !u && f.errors == 1);
        const struct finding *it = &f.items[0];
        if (!str_eq(it->code, str_of(rows[i].code)) && rows[i].line)
            fail_msg("row \"%s\": %.*s", rows[i].text, STR_ARG(it->code));
        if (rows[i].line && (it->line != rows[i].line || it->column != rows[i].column))
            fail_msg("row \"%s\": at %u:%u", rows[i].text, it->line, it->column);
        assert_row(rows[i].text,
                   !rows[i].suggestion || str_eq(it->suggestion, str_of(rows[i].suggestion)));
        findings_finish(&f);
    }
}

static void no_password_and_no_hash_is_told(void **state)
{
    static const char *const rows[] = {
        HEAD "  a@b: {password: hunter2hunter2}\n",
        HEAD "  a@b: {password: $scrypt$ln=15,r=8,p=1$AAECAwQFBgc$hunter2}\n",
        HEAD "  a@b: {password: hunter2hunter2, pin: maybe}\n",
        HEAD "  a@b:\n    password: hunter2hunter2\n    pin: maybe\n",
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct findings f;
        assert_row(rows[i], !parse(rows[i], &f));
        for (size_t k = 0; k < f.n; k++) {
            assert_row(rows[i], !str_contains(f.items[k].message, STR("hunter2")));
            assert_row(rows[i], !str_contains(f.items[k].source, STR("hunter2")));
        }
        findings_finish(&f);
    }
}

static void what_fits_into_no_token_is_an_error(void **state)
{
    static char text[64 * 1024];
    struct findings f;
    size_t n = (size_t)sprintf(text, HEAD "  a@b:\n    pin: true\n    groups:\n");
    for (int i = 0; i < 201; i++)
        n += (size_t)sprintf(text + n, "      - g%d\n", i);
    assert_null(parse(text, &f));
    assert_true(str_eq(f.items[0].code, STR("too-many")));
    findings_finish(&f);

    n = (size_t)sprintf(text, HEAD "  a@b:\n    pin: true\n    claims:\n");
    for (int i = 0; i < 60; i++)
        n += (size_t)sprintf(text + n, "      c%d: %0200d\n", i, i);
    assert_null(parse(text, &f));
    assert_true(str_eq(f.items[0].code, STR("too-large")));
    findings_finish(&f);
}

static void who_cannot_sign_in_is_warned_of(void **state)
{
    struct findings f;
    struct builtin_users *u = parse(HEAD "  a@b: {}\n  c@d: {disabled: true}\n", &f);
    assert_int_equal(builtin_users_count(u), 2);
    assert_int_equal(f.warnings, 1);
    builtin_users_unref(&u);
    findings_finish(&f);
    u = parse("version: 1\nusers: {}\n", &f);
    assert_non_null(u);
    assert_int_equal(builtin_users_count(u), 0);
    builtin_users_unref(&u);
    findings_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(no_password_and_no_hash_is_told),
        cmocka_unit_test(what_fits_into_no_token_is_an_error),
        cmocka_unit_test(who_cannot_sign_in_is_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
