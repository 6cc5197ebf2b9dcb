/* cover, normal, diff: what is claimed of two rules is never contradicted by a request. */
#include "policy/author.h"
#include "fixture.h"

#include "policy/cover.h"
#include "policy/normal.h"

static void test_globs(void **state)
{
    static const struct {
        const char *wide, *narrow;
        bool covers;
    } rows[] = {
        {"/**", "/a/b", true},      {"/a/**", "/a", true},
        {"/a/**", "/a/*/c", true},  {"/a/*", "/a/b", true},
        {"/a/*", "/a/**", false},   {"/a/b", "/a/*", false},
        {"/a/**/z", "/a/z", true},  {"/a/**/z", "/a/**", false},
        {"/**/z", "/a/**/z", true}, {"/a/**", "/ab/**", false},
        {"/", "/", true},           {"/", "/**", false},
        {"/*/b", "/a/b", true},     {"/**/*", "/a", true},
        {"/a/*/**", "/a", false},
    };
    struct arena a;
    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct path_glob wide, narrow;
        const char *why;
        assert_true(path_glob_compile(&a, str_of(rows[i].wide), &wide, &why));
        assert_true(path_glob_compile(&a, str_of(rows[i].narrow), &narrow, &why));
        if (cover_glob(&wide, &narrow) != rows[i].covers)
            print_error("%s covers %s: not %d\n", rows[i].wide, rows[i].narrow, rows[i].covers);
        assert_int_equal(cover_glob(&wide, &narrow), rows[i].covers);
    }
    arena_finish(&a);
}

/* ---- random rules ---- */

static const char head[] = "version: 1\n"
                           "apps: [{name: a, host: a.example, upstream: \"http://10.0.0.1:80\"}]\n"
                           "rules:\n  - {id: r, effect: allow, to: {apps: [a]";

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

/* What each part of a rule may be; the first is nothing. */
static const struct {
    const char *texts[12];
    unsigned n;
} parts[] = {
    {{"", ", methods: [GET]", ", methods: [GET, POST]"}, 3},
    {{"", ", paths: [/x/**]", ", paths: [/x/*]", ", paths: [/**]", ", paths: [/x/y, /z]"}, 5},
    {{"", ", except: [/x/y]", ", except: [/x/**]"}, 3},
    {{"}, who: anyone", "}, who: {groups: [g]}", "}, who: {groups: [g, h]}",
      "}, who: {groups: {any: [g], none: [s]}}", "}, who: {groups: {all: [g, h]}}",
      "}, who: {kind: human}", "}, who: {claims: {c: [1, 2]}}",
      "}, who: {claims: {c: [1]}, kind: human}", "}, who: {any: [{groups: [g]}, {users: [u@x.y]}]}",
      "}, who: {domains: [x.y]}", "}, who: {all: [{groups: [g]}, {domains: [x.y]}]}"},
     11},
    {{"", ", from: {networks: [10.0.0.0/8]}", ", from: {networks: [10.0.0.0/16]}",
      ", from: {not_networks: [10.0.0.0/16]}"},
     4},
    {{"", ", auth: {mfa: true}", ", auth: {mfa_within: 1h}", ", auth: {mfa_within: 2h}",
      ", auth: {mfa_within: 2h, methods: [otp, hwk]}", ", auth: {methods: [otp]}"},
     6},
    {{"", ", device: {managed: true}", ", device: {managed: true, firewall: true}",
      ", device: {min_os_version: {macos: \"14.1\"}}",
      ", device: {os: [macos], min_os_version: {macos: \"14.2\"}}",
      ", device: {min_os_version: {macos: \"14.2\"}}"},
     6},
    {{"", ", when: {days: [mon, tue], hours: [\"08:00-18:00\"]}",
      ", when: {days: [mon], hours: [\"09:00-17:00\"]}",
      ", when: {days: [mon], hours: [\"22:00-06:00\"]}",
      ", when: {days: [mon], hours: [\"08:00-18:00\"]}"},
     5},
    {{"", ", expires: 2026-12-01", ", expires: 2027-12-01", ", starts: 2026-11-28"}, 4},
};

enum { N_PARTS = sizeof parts / sizeof *parts };

static void choose(unsigned *seed, unsigned part, unsigned picks[N_PARTS])
{
    picks[part] = next(seed) % 3 ? 0 : next(seed) % parts[part].n;
}

static str rule_of(struct arena *a, const unsigned picks[N_PARTS])
{
    str s = str_of(head);

    for (unsigned i = 0; i < N_PARTS; i++)
        s = arena_printf(a, "%.*s%s", STR_ARG(s), parts[i].texts[picks[i]]);
    return arena_printf(a, "%.*s}\n", STR_ARG(s));
}

static const struct rule *only_rule(const struct policy *p)
{
    assert_int_equal(p->n_rules, 1);
    return &p->rules[0];
}

static void check_pair(struct arena *a, const struct policy *wide, const struct policy *narrow,
                       size_t *n_claimed, size_t *n_shown)
{
    static const int64_t now_us = 1795791600000000; /* Friday, 2026-11-27 */
    bool covers = cover_rule(only_rule(wide), only_rule(narrow));
    bool is_same =
        str_eq(normal_rule(a, wide, only_rule(wide)), normal_rule(a, narrow, only_rule(narrow)));
    struct policy_diff diff;

    policy_diff(wide, narrow, now_us, NULL, a, &diff);
    assert_int_equal(diff.n_apps, 1);
    bool gains = diff.apps[0].gains.is_there;
    assert_false(covers && gains);
    assert_true(!covers || diff.apps[0].change != POLICY_CHANGE_UNDECIDED);
    assert_true(!is_same || (covers && !gains && !diff.apps[0].loses.is_there));
    assert_int_equal(is_same, diff.apps[0].change == POLICY_CHANGE_NONE);
    *n_claimed += diff.apps[0].change == POLICY_CHANGE_NARROWER || is_same;
    *n_shown += gains;
}

/* The wider rule let everybody in whom the narrower one lets in: no witness says otherwise. And of
 * the pairs for which nothing is claimed, the search finds a witness for nearly all. */
static void test_claims_hold(void **state)
{
    enum { PAIRS = 500 };
    unsigned seed = 7;
    size_t n_claimed = 0, n_shown = 0;

    for (int i = 0; i < PAIRS; i++) {
        struct arena a;
        arena_init(&a, NULL, 0);
        unsigned picks[N_PARTS];
        for (unsigned part = 0; part < N_PARTS; part++)
            choose(&seed, part, picks);
        struct policy *wide = fixture_load(rule_of(&a, picks).p);
        /* Mostly the same rule but for one or two of its parts. */
        for (unsigned n = next(&seed) % 4 ? 1 + next(&seed) % 2 : N_PARTS; n; n--) {
            unsigned part = next(&seed) % N_PARTS;
            picks[part] = next(&seed) % parts[part].n;
        }
        struct policy *narrow = fixture_load(rule_of(&a, picks).p);
        check_pair(&a, wide, narrow, &n_claimed, &n_shown);
        check_pair(&a, narrow, wide, &n_claimed, &n_shown);
        policy_unref(&wide);
        policy_unref(&narrow);
        arena_finish(&a);
    }
    print_message("%zu claimed, %zu shown, of %d\n", n_claimed, n_shown, 2 * PAIRS);
    assert_true(n_claimed > 200);
    assert_true(n_claimed + n_shown > 2 * PAIRS * 99 / 100);
}

/* Each part alone, every value of it against every other: nothing is left to chance. */
static void test_each_part(void **state)
{
    size_t n_claimed = 0, n_shown = 0, n = 0;

    for (unsigned part = 0; part < N_PARTS; part++)
        for (unsigned x = 0; x < parts[part].n; x++)
            for (unsigned y = 0; y < parts[part].n; y++) {
                unsigned wide_picks[N_PARTS] = {0}, narrow_picks[N_PARTS] = {0};
                struct arena a;
                arena_init(&a, NULL, 0);
                wide_picks[part] = x;
                narrow_picks[part] = y;
                struct policy *wide = fixture_load(rule_of(&a, wide_picks).p);
                struct policy *narrow = fixture_load(rule_of(&a, narrow_picks).p);
                check_pair(&a, wide, narrow, &n_claimed, &n_shown);
                policy_unref(&wide);
                policy_unref(&narrow);
                arena_finish(&a);
                n++;
            }
    print_message("%zu claimed, %zu shown, of %zu\n", n_claimed, n_shown, n);
    assert_true(n_claimed + n_shown + 4 > n);
}

/* A hint may make a deny fire, but not one that asks only whether the device was seen. */
static void test_hints_of_a_deny(void **state)
{
    static const struct {
        const char *wide, *narrow;
        bool covers;
    } rows[] = {
        {"seen_within: 24h", "seen_within: 24h, jailbroken: true", false},
        {"seen_within: 24h", "seen_within: 24h", true},
        {"jailbroken: true", "jailbroken: true, managed: false", true},
    };
    static const char deny[] = "version: 1\n"
                               "rules:\n  - {id: r, effect: deny, who: anyone, to: everything, "
                               "on_missing: ignore, device: {%s}}\n";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[2][512];
        snprintf(text[0], sizeof text[0], deny, rows[i].wide);
        snprintf(text[1], sizeof text[1], deny, rows[i].narrow);
        struct policy *wide = fixture_load(text[0]), *narrow = fixture_load(text[1]);
        if (cover_rule(only_rule(wide), only_rule(narrow)) != rows[i].covers)
            print_error("%s covers %s: not %d\n", rows[i].wide, rows[i].narrow, rows[i].covers);
        assert_int_equal(cover_rule(only_rule(wide), only_rule(narrow)), rows[i].covers);
        policy_unref(&wide);
        policy_unref(&narrow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_globs), cmocka_unit_test(test_hints_of_a_deny),
        cmocka_unit_test(test_each_part), cmocka_unit_test(test_claims_hold)};
    return cmocka_run_group_tests_name("cover", tests, NULL, NULL);
}
