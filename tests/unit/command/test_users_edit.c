/* One change in the text of a users file, and all else as it was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "proxy/command/users_edit.h"

static struct arena arena;

#define HEAD "version: 1\nusers:\n"
/* As people write them: comments, blank lines, both styles. */
#define BOOK                                                                                       \
    "# head\n"                                                                                     \
    "version: 1  # format\n"                                                                       \
    "\n"                                                                                           \
    "users:\n"                                                                                     \
    "    # staff\n"                                                                                \
    "    eva@corp.example:   # boss\n"                                                             \
    "        pin: true  # no password\n"                                                           \
    "        groups:\n"                                                                            \
    "          - staff\n"                                                                          \
    "          # on call\n"                                                                        \
    "          - ops\n"                                                                            \
    "\n"                                                                                           \
    "    # contractors\n"                                                                          \
    "    \"kim@acme.example\": {pin: true, claims: {level: 3, \"a b\": [x, \"y \\\"z\\\"\"]}} # "  \
    "K\n"                                                                                          \
    "    lee@acme.example: {pin: true}\n"                                                          \
    "# tail\n"

static struct builtin_users *parse(str text)
{
    struct doc_file file = {STR("users.yaml"), text};
    struct findings f;
    findings_init(&f);
    struct builtin_users *u = builtin_users_parse(&file, &f);
    if (!u)
        findings_print(&f, stdout);
    findings_finish(&f);
    return u;
}

/* Good, and the same for everybody but one. */
static void check(const char *row, const char *old, str new, const char *email, const char *wanted)
{
    if (!str_eq(new, str_of(wanted)))
        fail_msg("row \"%s\":\n%.*s", row, STR_ARG(new));
    struct builtin_users *a = parse(str_of(old)), *b = parse(new);
    if (!a || !b || users_differ(a, b, str_of(email), &arena))
        fail_msg("row \"%s\": another file", row);
    builtin_users_unref(&a);
    builtin_users_unref(&b);
}

static void a_user_is_added_at_the_end(void **state)
{
    static const struct {
        const char *old, *new;
    } rows[] = {
        {"version: 1\nusers: {}\n", HEAD "  new@x:\n    pin: true\n    groups: [a]\n"},
        {"version: 1\nusers: {}", HEAD "  new@x:\n    pin: true\n    groups: [a]\n"},
        {"# h\nversion: 1\n\nusers: {}  # none\n\n# tail\n",
         "# h\nversion: 1\n\nusers:  # none\n  new@x:\n    pin: true\n    groups: [a]\n\n# tail\n"},
        {"users: {}\nversion: 1\n",
         "users:\n  new@x:\n    pin: true\n    groups: [a]\nversion: 1\n"},
        {"{version: 1, users: {}}\n", HEAD "  new@x:\n    pin: true\n    groups: [a]\n"},
        {"version: 1\nusers: {a@b: {pin: true}, \"c@d\": {name: \"C, D\", pin: true}}\n",
         HEAD "  a@b:\n    pin: true\n  c@d:\n    name: \"C, D\"\n    pin: true\n"
              "  new@x:\n    pin: true\n    groups: [a]\n"},
        {"{version: 1,\n users: {a@b: {pin: true}}}\n# tail\n",
         HEAD "  a@b:\n    pin: true\n  new@x:\n    pin: true\n    groups: [a]\n# tail\n"},
        {"users:\n   a@b: {pin: true}\n# about the version\nversion: 1\n",
         "users:\n   a@b: {pin: true}\n   new@x:\n     pin: true\n     groups: [a]\n"
         "# about the version\nversion: 1\n"},
        {HEAD "  a@b: {pin: true}",
         HEAD "  a@b: {pin: true}\n  new@x:\n    pin: true\n    groups: [a]\n"},
    };
    const str fields[] = {STR("pin: true"), STR("groups: [a]")};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rows[i].old, rows[i].old,
              users_edit_add(&arena, str_of(rows[i].old), STR("new@x"), fields, 2), "new@x",
              rows[i].new);
}

/* BOOK with `old` replaced. */
static const char *book(const char *old, const char *new)
{
    const char *at = strstr(BOOK, old);
    assert_non_null(at);
    return arena_printf(&arena, "%.*s%s%s", (int)(at - BOOK), BOOK, new, at + strlen(old)).p;
}

static void a_field_is_set_where_it_stands(void **state)
{
    static const char KIM[] = "    \"kim@acme.example\": {pin: true, claims: {level: 3, \"a b\": "
                              "[x, \"y \\\"z\\\"\"]}} # K\n";
    static const char KIM_LINES[] = "    kim@acme.example:  # K\n      pin: true\n"
                                    "      claims: {level: 3, \"a b\": [x, \"y \\\"z\\\"\"]}\n";
    const struct {
        const char *email, *field, *value, *new;
    } rows[] = {
        {"eva@corp.example", "pin", "false", book("pin: true  #", "pin: false  #")},
        {"EVA@corp.example", "groups", "[x]",
         book("groups:\n          - staff\n          # on call\n          - ops\n",
              "groups: [x]\n")},
        {"eva@corp.example", "disabled", "true",
         book("          - ops\n", "          - ops\n        disabled: true\n")},
        {"eva@corp.example", "groups", NULL,
         book("        groups:\n          - staff\n          # on call\n          - ops\n", "")},
        {"eva@corp.example", "name", NULL, BOOK},
        {"kim@acme.example", "disabled", "true",
         book(KIM, arena_printf(&arena, "%s      disabled: true\n", KIM_LINES).p)},
        {"kim@acme.example", "claims", NULL,
         book(KIM, "    kim@acme.example:  # K\n      pin: true\n")},
        {"lee@acme.example", "pin", "false",
         book("    lee@acme.example: {pin: true}\n", "    lee@acme.example:\n      pin: false\n")},
        {"lee@acme.example", "pin", NULL,
         book("    lee@acme.example: {pin: true}\n", "    lee@acme.example: {}\n")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rows[i].field, BOOK,
              users_edit_set(&arena, STR(BOOK), str_of(rows[i].email), str_of(rows[i].field),
                             str_of(rows[i].value)),
              rows[i].email, rows[i].new);
}

static void a_user_leaves_with_his_lines(void **state)
{
    const struct {
        const char *old, *email, *new;
    } rows[] = {
        {BOOK, "lee@acme.example", book("    lee@acme.example: {pin: true}\n", "")},
        {BOOK, "eva@corp.example",
         book("    eva@corp.example:   # boss\n        pin: true  # no password\n        groups:\n"
              "          - staff\n          # on call\n          - ops\n",
              "")},
        {HEAD "  a@b: {pin: true}\n# t\n", "a@b", "version: 1\nusers: {}\n# t\n"},
        {HEAD "  a@b:\n    pin: true\n", "A@b", "version: 1\nusers: {}\n"},
        {"{version: 1, users: {a@b: {pin: true}}}\n", "a@b", "version: 1\nusers: {}\n"},
        {"version: 1\nusers: {a@b: {pin: true}, c@d: {pin: true}}\n", "a@b",
         HEAD "  c@d:\n    pin: true\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rows[i].email, rows[i].old,
              users_edit_remove(&arena, str_of(rows[i].old), str_of(rows[i].email)), rows[i].email,
              rows[i].new);
}

static void a_scalar_says_the_same_in_yaml(void **state)
{
    static const char *const rows[] = {
        "staff", "a b",         "a: b", "a#b", "#a",  "- a",      "true", "null", "~",
        "\"q\"", "back\\slash", "{a}",  "[a]", "*a",  "&a",       "!a",   "%a",   "@a",
        "`a",    "'a'",         "a,b",  "123", "1.5", "\xC3\xBC", "?",    ":"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str item = str_of(rows[i]);
        const str fields[] = {STR("pin: true"),
                              users_field(&arena, STR("name"), users_scalar(&arena, item)),
                              users_field(&arena, STR("groups"), users_list(&arena, &item, 1))};
        str text = users_edit_add(&arena, STR("version: 1\nusers: {}\n"), STR("a@b"), fields, 3);
        /* and once more, from braces */
        str again = users_edit_set(&arena,
                                   arena_printf(&arena, HEAD "  a@b: {pin: true, %.*s, %.*s}\n",
                                                STR_ARG(fields[1]), STR_ARG(fields[2])),
                                   STR("a@b"), STR("disabled"), STR("true"));
        str texts[] = {text, again};
        for (size_t k = 0; k < 2; k++) {
            struct builtin_users *u = parse(texts[k]);
            const struct builtin_user *a = u ? builtin_users_at(u, 0) : NULL;
            if (!a || !str_eq(a->name, item) || a->n_groups != 1 || !str_eq(a->groups[0], item))
                fail_msg("row \"%s\": %.*s", rows[i], STR_ARG(texts[k]));
            builtin_users_unref(&u);
        }
    }
}

static void a_change_of_another_is_seen(void **state)
{
    static const char *const rows[] = {
        HEAD "  a@b: {pin: true}\n  c@d: {pin: true, claims: {x: 1}}\n  e@f: {}\n",
        HEAD "  a@b: {pin: true}\n",
        HEAD "  a@b: {pin: true}\n  c@d: {pin: true, claims: {x: 2}}\n",
        HEAD "  a@b: {pin: true}\n  c@d: {pin: true, claims: {x: \"1\"}}\n",
        HEAD "  a@b: {pin: true}\n  c@d: {pin: true, claims: {x: [1]}}\n",
        HEAD "  a@b: {pin: true}\n  c@d: {pin: true, claims: {y: 1}}\n",
        HEAD "  a@b: {pin: true}\n  c@d: {pin: true}\n",
        HEAD "  a@b: {pin: true}\n  c@d: {claims: {x: 1}}\n",
        HEAD "  a@b: {pin: true}\n  c@d: {pin: true, claims: {x: 1}, groups: [g]}\n",
        HEAD "  a@b: {pin: true}\n  c@d: {pin: true, claims: {x: 1}, name: n}\n",
        HEAD "  a@b: {pin: true}\n  c@d: {pin: true, claims: {x: 1}, disabled: true}\n",
    };
    struct builtin_users *old =
        parse(STR(HEAD "  a@b: {pin: true}\n  c@d: {pin: true, claims: {x: 1}}\n"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct builtin_users *new = parse(str_of(rows[i]));
        if (!new || !users_differ(old, new, STR("a@b"), &arena))
            fail_msg("row \"%s\"", rows[i]);
        builtin_users_unref(&new);
    }
    assert_null(users_differ(old, old, STR("a@b"), &arena));
    builtin_users_unref(&old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_added_at_the_end),
        cmocka_unit_test(a_field_is_set_where_it_stands),
        cmocka_unit_test(a_user_leaves_with_his_lines),
        cmocka_unit_test(a_scalar_says_the_same_in_yaml),
        cmocka_unit_test(a_change_of_another_is_seen),
    };
    arena_init(&arena, NULL, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&arena);
    return failed;
}
