/* Expressions that cost more than they look: each answer comes within the match limit, and an
 * expression that was given up is unknown: it lets nobody in, and it stops whoever it may concern.
 */

#include "fixture.h"

enum { PATH_BYTES = 8000 };

#define HEAD                                                                                       \
    "version: 1\napps:\n"                                                                          \
    "  - {name: web, host: web.example, upstream: \"http://10.0.0.1\"}\n"                          \
    "  - {name: loose, host: loose.example, upstream: \"http://10.0.0.1\", path_case: "            \
    "insensitive}\n"                                                                               \
    "rules:\n"

enum answer { NO, YES, GIVEN_UP };

struct row {
    const char *id, *regex, *start, *piece; /* the path is start, pieces, end */
    size_t pieces;
    const char *end;
    enum answer want;
};

static const struct row rows[] = {
    {"nested plus", "/(a+)+[bc]", "/", "a", PATH_BYTES, "!", GIVEN_UP},
    {"nested plus that matches", "/(a+)+[bc]", "/", "a", PATH_BYTES, "b", YES},
    {"nested star", "/(a*)*[bc]", "/", "a", 40, "!", GIVEN_UP},
    {"two ways", "/(a|aa)+[bc]", "/", "a", 60, "!", GIVEN_UP},
    {"optional", "/(a|a?)+[bc]", "/", "a", 60, "!", GIVEN_UP},
    {"thirty optional", "/(?:a?){30}a{30}", "/", "a", 30, "", GIVEN_UP},
    {"many stars", "/.*.*.*.*.*.*.*.*.*.*[bc]", "/", "a", PATH_BYTES, "!", GIVEN_UP},
    {"stars over each other", "/(.*a){12}[bc]", "/", "a", PATH_BYTES, "!", GIVEN_UP},
    {"lazy", "/(?:.*?,){11}[PQ]", "/", "1,", PATH_BYTES / 2, "!", GIVEN_UP},
    {"classes", "/([0-9a-z]+-?)+[.,]", "/", "a0", PATH_BYTES / 2, "!", GIVEN_UP},
    {"back reference", "/(?<x>a*)\\k<x>*[bc]", "/", "a", PATH_BYTES, "!", GIVEN_UP},
    {"recursion, shallow", "/(?<p>x(?&p)?y)", "/xx", "", 0, "yy", YES},
    {"recursion, deep", "/(?<p>x(?&p)?y)", "/", "x", PATH_BYTES, "y", GIVEN_UP},
    {"recursion of all", "/(?:(?R)|x)*[bc]", "/", "/x", PATH_BYTES / 2, "!", GIVEN_UP},
    {"recursion without end", "/(?<p>(?&p)?a|b)", "/", "a", 40, "!", GIVEN_UP},
    {"look ahead", "/(?=(?:a+)+[bc]).*", "/", "a", PATH_BYTES, "!", GIVEN_UP},
    {"look behind", "/.*(?<=a)b", "/", "a", PATH_BYTES, "b", YES},
    {"possessive is quick", "/(?>a+)+[bc]", "/", "a", PATH_BYTES, "!", NO},
    {"a plain one is quick", "/[a-z]+/[0-9]+", "/", "a", PATH_BYTES, "/1", YES},
    {"a callout does nothing", "/a(?C1)b", "/", "a", 1, "b", YES},
    {"a verb decides nothing early", "/a(*ACCEPT)b", "/", "a", 1, "secret", NO},
    {"a commit keeps its place", "/a(*COMMIT)b|/ac", "/", "a", 1, "c", NO},
    {"no part of a path", "b", "/", "a", 1, "b", NO},
    {"no line of a path", "(?m)^/a$", "/", "a", 1, "\n", NO},
};

static str path_of(const struct row *row, char *buf)
{
    size_t n = strlen(row->start), step = strlen(row->piece);
    memcpy(buf, row->start, n);
    for (size_t i = 0; i < row->pieces; i++, n += step)
        memcpy(buf + n, row->piece, step);
    memcpy(buf + n, row->end, strlen(row->end));
    return (str){buf, n + strlen(row->end)};
}

static struct policy *load(const struct row *row, const char *rules)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml, HEAD "%s, to: {apps: [web, loose], paths_regex: ['%s']}%s}\n",
             rules, row->regex, strstr(rules, "require") ? ", device: {managed: true}" : "");
    return fixture_load(yaml);
}

static enum policy_reason decide(const struct policy *p, const char *app, str path, bool *limit_out)
{
    static const struct policy_identity kim = {.issuer = {"i", 1}, .subject = {"1", 1}};
    struct policy_request request = {.app = policy_app_named(p, str_of(app)),
                                     .protocol = POLICY_HTTP,
                                     .method = {"GET", 3},
                                     .path = path};
    struct policy_facts facts = {
        .identity = &kim, .request = &request, .now_us = 1795600000000000LL, .clock_is_good = true};
    struct policy_decision d;
    struct policy_explanation told;
    struct arena a;
    /* Without the limit it is years, and the suite ends before. */
    policy_decide(p, &facts, &d);
    arena_init(&a, NULL, 0);
    policy_explain(p, &facts, &a, &told);
    assert_int_equal(told.decision.reason, d.reason);
    *limit_out = false;
    for (size_t i = 0; i < told.n_causes; i++)
        *limit_out |= str_eq(told.causes[i], STR("regex-limit"));
    arena_finish(&a);
    return d.reason;
}

static void expect(const struct row *row, const char *rules, enum policy_reason no,
                   enum policy_reason yes, enum policy_reason given_up)
{
    static char buf[PATH_BYTES + 64];
    const enum policy_reason want[] = {[NO] = no, [YES] = yes, [GIVEN_UP] = given_up};
    struct policy *p = load(row, rules);
    for (size_t i = 0; i < 2; i++) {
        bool is_limit;
        enum policy_reason got = decide(p, i == 0 ? "web" : "loose", path_of(row, buf), &is_limit);
        /* A near miss is an allow whose scope is true: of one in doubt nothing is told. */
        bool tells = given_up != POLICY_REASON_DEFAULT_DENY;
        if (got != want[row->want] || (tells && is_limit != (row->want == GIVEN_UP)))
            fail_msg("%s, %s: %s%s", row->id, rules, policy_reason_code(got),
                     is_limit ? " regex-limit" : "");
    }
    policy_unref(&p);
}

static void an_allow_needs_certainty(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(&rows[i], "  - {id: a, effect: allow, who: anyone", POLICY_REASON_DEFAULT_DENY,
               POLICY_REASON_ALLOW, POLICY_REASON_DEFAULT_DENY);
}

#define OPEN "  - {id: o, effect: allow, who: anyone, to: {apps: [web, loose]}}\n"

static void a_deny_fires_on_doubt(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(&rows[i], OPEN "  - {id: d, effect: deny, who: anyone", POLICY_REASON_ALLOW,
               POLICY_REASON_DENY_RULE, POLICY_REASON_DENY_RULE);
}

static void a_require_fires_on_doubt(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(&rows[i], OPEN "  - {id: r, effect: require, who: anyone", POLICY_REASON_ALLOW,
               POLICY_REASON_REQUIRE_FAILED, POLICY_REASON_REQUIRE_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allow_needs_certainty),
        cmocka_unit_test(a_deny_fires_on_doubt),
        cmocka_unit_test(a_require_fires_on_doubt),
    };
    return cmocka_run_group_tests_name("load_regex", tests, NULL, NULL);
}
