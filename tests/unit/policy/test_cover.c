/* cover, normal, diff: what is claimed of two rules is never contradicted by a request. */
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

/* One of the list, or nothing. */
static const char *one(unsigned *seed, const char *const *list, size_t n)
{
    return next(seed) % 3 ? "" : list[next(seed) % n];
}

#define ONE(seed, ...)                                                                             \
    one(seed, (const char *const[]){__VA_ARGS__},                                                  \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static str random_rule(struct arena *a, unsigned *seed)
{
    const char *methods = ONE(seed, ", methods: [GET]", ", methods: [GET, POST]");
    const char *paths =
        ONE(seed, ", paths: [/x/**]", ", paths: [/x/*]", ", paths: [/**]", ", paths: [/x/y, /z]");
    const char *except = ONE(seed, ", except: [/x/y]", ", except: [/x/**]");
    const char *who =
        ONE(seed, "{groups: [g]}", "{groups: [g, h]}", "{groups: {any: [g], none: [s]}}",
            "{groups: {all: [g, h]}}", "{kind: human}", "{claims: {c: [1, 2]}}",
            "{claims: {c: [1]}, kind: human}", "{any: [{groups: [g]}, {users: [u@x.y]}]}",
            "{domains: [x.y]}", "{all: [{groups: [g]}, {domains: [x.y]}]}");
    const char *from =
        ONE(seed, ", from: {networks: [10.0.0.0/8]}", ", from: {networks: [10.1.0.0/16]}",
            ", from: {not_networks: [10.1.0.0/16]}");
    const char *auth =
        ONE(seed, ", auth: {mfa: true}", ", auth: {mfa_within: 1h}",
            ", auth: {mfa_within: 2h, methods: [otp, hwk]}", ", auth: {methods: [otp]}");
    const char *device =
        ONE(seed, ", device: {managed: true}", ", device: {managed: true, firewall: true}",
            ", device: {min_os_version: {macos: \"14.1\"}}",
            ", device: {os: [macos], min_os_version: {macos: \"14.2\"}}");
    const char *when = ONE(seed, ", when: {days: [mon, tue], hours: [\"08:00-18:00\"]}",
                           ", when: {days: [mon], hours: [\"09:00-17:00\"]}");
    const char *life =
        ONE(seed, ", expires: 2026-12-01", ", expires: 2027-12-01", ", starts: 2026-11-28");

    return arena_printf(a, "%s%s%s%s}, who: %s%s%s%s%s%s}\n", head, methods, paths, except,
                        *who ? who : "anyone", from, auth, device, when, life);
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

    policy_diff(wide, narrow, now_us, a, &diff);
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
        str one_text = random_rule(&a, &seed), other_text = random_rule(&a, &seed);
        struct policy *wide = fixture_load(one_text.p), *narrow = fixture_load(other_text.p);
        check_pair(&a, wide, narrow, &n_claimed, &n_shown);
        check_pair(&a, narrow, wide, &n_claimed, &n_shown);
        policy_unref(&wide);
        policy_unref(&narrow);
        arena_finish(&a);
    }
    print_message("%zu claimed, %zu shown, of %d\n", n_claimed, n_shown, 2 * PAIRS);
    assert_true(n_claimed > 40);
    assert_true(n_claimed + n_shown > 2 * PAIRS * 99 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_globs),
                                       cmocka_unit_test(test_claims_hold)};
    return cmocka_run_group_tests_name("cover", tests, NULL, NULL);
}
