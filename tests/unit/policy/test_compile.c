/* The compiled form against the plain evaluation, over random rules and facts with a fixed seed:
 * every field of the decision is the same, with a subject, with an old one and without. */
#include <stdlib.h>

#include "policy/compiled.h"
#include "policy/eval.h"
#include "policy/text.h"
#include "random_rules.h"

enum { ROUNDS = 250, VISITS = 60, RULES = 40 };

/* ---- the comparison ---- */

static void show(const char *what, const struct policy_decision *d)
{
    print_error("%s: %s, until %lld, %zu rules:", what, policy_reason_code(d->reason),
                (long long)d->valid_until_s, d->n_rules_total);
    for (size_t i = 0; i < d->n_rules; i++)
        print_error(" %.*s", STR_ARG(d->rules[i]));
    print_error("; would %d %s\n", d->has_would, policy_reason_code(d->would_reason));
}

static bool same_rules(const str *a, const str *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!str_eq(a[i], b[i]))
            return false;
    return true;
}

static bool is_same(const struct policy_decision *a, const struct policy_decision *b)
{
    return a->effect == b->effect && a->reason == b->reason &&
           a->valid_until_s == b->valid_until_s &&
           !memcmp(&a->obligations, &b->obligations, sizeof a->obligations) &&
           a->n_rules == b->n_rules && a->n_rules_total == b->n_rules_total &&
           same_rules(a->rules, b->rules, a->n_rules) && a->has_would == b->has_would &&
           a->would == b->would && a->would_reason == b->would_reason &&
           a->n_would_rules == b->n_would_rules &&
           same_rules(a->would_rules, b->would_rules, a->n_would_rules);
}

static void assert_decides_as(const struct policy *p, const struct policy_facts *facts,
                              const struct policy_decision *plain, const char *what)
{
    struct policy_decision d;

    memset(&d, 0xFF, sizeof d);
    policy_decide(p, facts, &d);
    if (!is_same(&d, plain)) {
        show("plain", plain);
        show(what, &d);
    }
    assert_true(is_same(&d, plain));
}

/* Made a while ago: some of what it knows has changed by itself. */
static void assert_with_subject(const struct policy *p, struct world *w,
                                const struct policy_decision *plain, int64_t age_s)
{
    struct policy_subject *s = policy_subject_create(
        p, &w->identity, &w->device, w->facts.n_devices, w->facts.now_us - age_s * 1000000);

    w->facts.subject = s;
    assert_decides_as(p, &w->facts, plain, age_s ? "with an old subject" : "with a subject");
    w->facts.subject = NULL;
    policy_subject_destroy(&s);
}

static void one_visit(const struct policy *p, size_t reasons[POLICY_REASON_COUNT])
{
    struct policy_decision plain;
    struct world w;

    random_world(&w, p);
    decide_plainly(p, &w.facts, &plain);
    assert_decides_as(p, &w.facts, &plain, "compiled");
    assert_with_subject(p, &w, &plain, 0);
    assert_with_subject(p, &w, &plain, 1 + random_roll(5000));
    assert_with_subject(p, &w, &plain, -1);
    reasons[plain.reason]++;
}

static void decisions_are_those_of_the_rules(void **state)
{
    size_t reasons[POLICY_REASON_COUNT] = {0};

    for (int round = 0; round < ROUNDS; round++) {
        struct policy *p = random_rules(1 + (int)random_roll(round % 2 ? RULES : 4));
        for (int visit = 0; visit < VISITS; visit++)
            one_visit(p, reasons);
        policy_unref(&p);
    }
    /* Else nothing was tested. */
    assert_true(reasons[POLICY_REASON_ALLOW] > 300 && reasons[POLICY_REASON_DENY_RULE] > 300);
    assert_true(reasons[POLICY_REASON_REQUIRE_FAILED] > 500);
    assert_true(reasons[POLICY_REASON_DEFAULT_DENY] > 500);
    assert_true(reasons[POLICY_REASON_PUBLIC_PATH] > 50);
}

/* Enough rules for bits of its own in each subject, and for several words. */
static void wide_apps_decide_alike(void **state)
{
    size_t reasons[POLICY_REASON_COUNT] = {0};

    for (int round = 0; round < 8; round++) {
        random_is_varied = round >= 4;
        struct policy *p = random_rules(round < 6 ? 400 : 700);
        assert_true(p->compiled->n_row_words >= 4);
        for (int visit = 0; visit < 200; visit++)
            one_visit(p, reasons);
        policy_unref(&p);
    }
    random_is_varied = false;
}

/* A file of a megabyte can make thousands of apps wide: what a credential keeps has an end. */
static void many_wide_apps_leave_subjects_small(void **state)
{
    enum { APPS = 2000, RULES_EACH = 300, SMALL = 128 << 10 };
    struct text t = {.arena = &(struct arena){0}};
    struct policy_identity identity = {.groups_known = true};

    arena_init(t.arena, NULL, 0);
    text_printf(&t, "version: 1\napps:\n");
    for (int i = 0; i < APPS; i++)
        text_printf(&t, "- {name: a%d, host: a%d.example, upstream: \"http://10.0.0.1\"}\n", i, i);
    text_printf(&t, "rules:\n");
    for (int i = 0; i < RULES_EACH; i++)
        text_printf(&t, "- {id: r%d, effect: deny, who: {groups: [g%d]}, to: everything}\n", i, i);
    struct policy *p = fixture_load_files(&(struct doc_file){STR("wide.yaml"), text_str(&t)}, 1);
    struct policy_subject *s = policy_subject_create(p, &identity, NULL, 0, 0);
    assert_in_range(policy_subject_bytes(s), 1, SMALL);
    policy_subject_destroy(&s);
    policy_unref(&p);
    arena_finish(t.arena);
}

static void a_subject_counts_for_its_own_alone(void **state)
{
    struct policy *p = random_rules(20), *q = random_rules(20);
    struct policy_decision plain;
    struct world w, other;

    for (int visit = 0; visit < 300; visit++) {
        random_world(&w, p);
        random_world(&other, p);
        decide_plainly(p, &w.facts, &plain);
        struct policy_subject *of_other =
            policy_subject_create(p, &other.identity, &other.device, 1, other.facts.now_us);
        struct policy_subject *of_q =
            policy_subject_create(q, &w.identity, &w.device, 1, w.facts.now_us);
        struct policy_subject *of_other_device =
            policy_subject_create(p, &w.identity, &other.device, 1, w.facts.now_us);
        w.facts.subject = of_other;
        assert_decides_as(p, &w.facts, &plain, "of another identity");
        w.facts.subject = of_q;
        assert_decides_as(p, &w.facts, &plain, "of another policy");
        w.facts.subject = of_other_device;
        assert_decides_as(p, &w.facts, &plain, "of another device");
        assert_true(policy_subject_fits(of_q, q, w.facts.now_us) &&
                    !policy_subject_fits(of_q, p, w.facts.now_us));
        policy_subject_destroy(&of_other);
        policy_subject_destroy(&of_q);
        policy_subject_destroy(&of_other_device);
    }
    assert_null(policy_subject_create(NULL, &w.identity, NULL, 0, 0));
    assert_null(policy_subject_create(p, NULL, NULL, 0, 0));
    assert_false(policy_subject_fits(NULL, p, 0));
    policy_unref(&p);
    policy_unref(&q);
}

/* The same need written twice, or by name, is one. */
static void equal_needs_have_one_number(void **state)
{
    struct policy *p = fixture_load(
        "version: 1\n"
        "define:\n"
        "  devices: {laptop: {managed: true, os: [macos]}}\n"
        "  schedules: {day: {days: [mon], hours: [\"09:00-10:00\"]}}\n"
        "  networks: {office: [10.0.0.0/8]}\n"
        "apps: [{name: web, host: web.example, upstream: \"http://10.0.0.1\"}]\n"
        "rules:\n"
        "  - {id: a, effect: allow, who: {groups: [x, y]}, to: {apps: [web]}, device: laptop,\n"
        "     when: day, from: {networks: [office]}, auth: {mfa: true}}\n"
        "  - {id: b, effect: allow, who: {groups: [x, y]}, to: {apps: [web]},\n"
        "     device: {managed: true, os: [macos]}, from: {networks: [10.0.0.0/8]},\n"
        "     when: {days: [mon], hours: [\"09:00-10:00\"]}, auth: {mfa: true}}\n"
        "  - {id: c, effect: allow, who: {groups: [x]}, to: {apps: [web]}, auth: {acr: [mfa]},\n"
        "     device: {managed: false, os: [macos]}, from: {not_networks: [10.0.0.0/8]},\n"
        "     when: {days: [mon], hours: [\"09:00-10:01\"]}}\n");
    const struct compiled *c = p->compiled;
    const struct clause *a = &c->clauses[0], *b = &c->clauses[1], *other = &c->clauses[2];

    assert_true(a->who == b->who && a->device == b->device && a->auth == b->auth);
    assert_true(a->from == b->from && a->when == b->when);
    assert_true(a->who != other->who && a->device != other->device && a->auth != other->auth);
    assert_true(a->from != other->from && a->when != other->when);
    assert_int_equal(c->groups.n, 2);
    policy_unref(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_are_those_of_the_rules),
        cmocka_unit_test(wide_apps_decide_alike),
        cmocka_unit_test(many_wide_apps_leave_subjects_small),
        cmocka_unit_test(a_subject_counts_for_its_own_alone),
        cmocka_unit_test(equal_needs_have_one_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
