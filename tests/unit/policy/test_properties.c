/* The promises of the language, over random rules and facts with a fixed seed:
 * dropping facts never turns a deny into an allow; the order of rules and files does not matter;
 * rules of mode audit change nothing; a deny that fires wins. */
#include <stdlib.h>

#include "fixture.h"

enum { NOW_S = 1795600000, MAX_RULES = 7, ROUNDS = 400, VISITS = 40, RULE_BYTES = 512 };

#define S(s)                                                                                       \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

/* xorshift64: the same rules on every machine. */
static uint64_t seed = 0x9E3779B97F4A7C15u;

static unsigned roll(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

#define PICK(list) (list)[roll(sizeof(list) / sizeof(list)[0])]

static const char *const whos[] = {
    "anyone",
    "{groups: [a]}",
    "{groups: {none: [a]}}",
    "{groups: {any: [a, b], none: [b]}}",
    "{claims: {c: [\"1\"]}}",
    "{claims: {c: {none: [\"1\"]}}}",
    "{users: [kim@acme.example]}",
    "{domains: [acme.example]}",
    "{kind: human}",
    "{any: [{groups: [a]}, {claims: {c: [\"2\"]}}]}",
    "{all: [{domains: [acme.example]}, {groups: {none: [b]}}]}",
};
static const char *const tos[] = {
    "{apps: [web]}",
    "{apps: [web], methods: [GET]}",
    "{apps: [web], paths: [/a/**]}",
    "{labels: {env: prod}, except: [/a/x]}",
};
static const char *const needs[] = {
    "",
    ", auth: {mfa: true}",
    ", auth: {acr: [gold]}",
    ", auth: {login_within: 1h}",
    ", auth: {methods: [otp]}",
    ", from: {networks: [10.0.0.0/8]}",
    ", from: {not_networks: [10.0.0.0/8]}",
    ", from: {countries: [SE]}",
    ", from: {not_countries: [SE]}",
    ", device: {managed: true}",
    ", device: {managed: false, os: [macos]}",
    ", device: {min_os_version: {macos: \"14\"}}",
    ", when: {days: [wed], hours: [\"00:00-24:00\"]}",
    ", expires: 2026-01-01",
    ", expires: 2027-01-01, auth: {mfa: true}",
};
static const char *const effects[] = {"allow", "allow", "require", "deny"};

static void write_rule(char out[RULE_BYTES], int i, bool may_be_audit)
{
    const char *effect = PICK(effects), *need = PICK(needs);

    /* A require without a need is a load error. */
    while (!strcmp(effect, "require") && (!*need || need[2] == 'e'))
        need = PICK(needs);
    snprintf(out, RULE_BYTES, "  - {id: r%d, effect: %s, who: %s, to: %s%s%s}\n", i, effect,
             PICK(whos), !strcmp(effect, "allow") || roll(2) ? PICK(tos) : "everything", need,
             may_be_audit && roll(3) == 0 ? ", mode: audit" : "");
}

static const char apps[] =
    "version: 1\n"
    "apps: [{name: web, host: web.example, upstream: \"http://10.0.0.1\", labels: {env: prod}}]\n";

/* ---- facts ---- */

enum fact {
    HAS_GROUPS,
    HAS_CLAIM,
    HAS_MAIL,
    HAS_MFA,
    HAS_ACR,
    HAS_AUTH_TIME,
    HAS_AMR,
    HAS_FROM,
    HAS_COUNTRY,
    HAS_MANAGED,
    HAS_OS,
    HAS_OS_VERSION,
    HAS_CLOCK,
    FACTS,
};

/* Values stay; only their presence changes. */
struct world {
    struct policy_identity identity;
    struct policy_request request;
    struct policy_claim claim;
    struct policy_device_fact seen[3], all_seen[3];
    struct policy_device device;
    struct policy_facts facts;
    str groups[2], amr[1];
    bool mfa, is_office, is_sweden;
    const char *acr, *mail;
    int64_t auth_time_s;
    size_t n_groups;
};

static void world_roll(struct world *w, const struct policy_app *app)
{
    static const char *const paths[] = {"/", "/a/b", "/a/x"}, *const methods[] = {"GET", "POST"};
    static const char *const claim_values[] = {"1", "2", "3"}, *const names[] = {"a", "b", "x"};
    static const char *const mails[] = {"kim@acme.example", "bo@acme.example", "x@y.example"};
    static const char *const acrs[] = {"gold", "tin"}, *const amrs[] = {"otp", "pwd"};
    static const char *const versions[] = {"13.9", "14.1"}, *const systems[] = {"macos", "windows"};
    static const char *const flags[] = {"true", "false"};

    *w = (struct world){.mfa = roll(2), .is_office = roll(2), .is_sweden = roll(2)};
    w->n_groups = roll(3);
    w->groups[0] = str_of(PICK(names));
    w->groups[1] = str_of(PICK(names));
    w->amr[0] = str_of(PICK(amrs));
    w->acr = PICK(acrs);
    w->mail = PICK(mails);
    w->auth_time_s = NOW_S - (roll(2) ? 60 : 7200);
    w->claim = (struct policy_claim){
        STR("c"), {.kind = POLICY_VALUE_TEXT, .text = str_of(PICK(claim_values))}};
    w->all_seen[0] = (struct policy_device_fact){
        STR("managed"), {POLICY_VALUE_BOOL, str_of(PICK(flags)), NULL, 0}, STR("s"), NOW_S - 5, 0};
    w->all_seen[1] = (struct policy_device_fact){
        STR("os"), {POLICY_VALUE_TEXT, str_of(PICK(systems)), NULL, 0}, STR("s"), NOW_S - 5, 0};
    w->all_seen[2] =
        (struct policy_device_fact){STR("os_version"),
                                    {POLICY_VALUE_TEXT, str_of(PICK(versions)), NULL, 0},
                                    STR("s"),
                                    NOW_S - 5,
                                    0};
    w->request = (struct policy_request){
        .app = app, .method = str_of(PICK(methods)), .path = str_of(PICK(paths))};
}

static void world_show(struct world *w, unsigned present)
{
#define HAS(fact) (present >> (fact)&1)
    w->identity = (struct policy_identity){
        .issuer = S("i"),
        .subject = S("s"),
        .email = HAS(HAS_MAIL) ? str_of(w->mail) : (str){NULL, 0},
        .email_verified = HAS(HAS_MAIL) ? POLICY_TRUE : POLICY_UNKNOWN,
        .groups_known = HAS(HAS_GROUPS),
        .groups = w->groups,
        .n_groups = HAS(HAS_GROUPS) ? w->n_groups : 0,
        .claims = &w->claim,
        .n_claims = HAS(HAS_CLAIM),
        .amr_known = HAS(HAS_AMR),
        .amr = w->amr,
        .n_amr = HAS(HAS_AMR),
        .acr = HAS(HAS_ACR) ? str_of(w->acr) : (str){NULL, 0},
        .mfa = HAS(HAS_MFA) ? (w->mfa ? POLICY_TRUE : POLICY_FALSE) : POLICY_UNKNOWN,
        .auth_time_s = HAS(HAS_AUTH_TIME) ? w->auth_time_s : 0,
    };
    w->request.from = (struct addr){0};
    if (HAS(HAS_FROM))
        addr_parse(w->is_office ? STR("10.1.2.3") : STR("192.0.2.1"), &w->request.from);
    w->request.country = HAS(HAS_COUNTRY) ? str_of(w->is_sweden ? "SE" : "NO") : (str){NULL, 0};
    size_t n = 0;
    for (unsigned i = 0; i < 3; i++)
        if (HAS(HAS_MANAGED + i))
            w->seen[n++] = w->all_seen[i];
    w->device = (struct policy_device){.id = S("d"), .facts = w->seen, .n_facts = n};
    w->facts = (struct policy_facts){.identity = &w->identity,
                                     .devices = &w->device,
                                     .n_devices = 1,
                                     .request = &w->request,
                                     .now_us = NOW_S * 1000000LL,
                                     .clock_is_good = HAS(HAS_CLOCK)};
#undef HAS
}

static struct policy_decision decide(const struct policy *p, struct world *w, unsigned present)
{
    struct policy_decision d;

    world_show(w, present);
    policy_decide(p, &w->facts, &d);
    return d;
}

static struct policy *load_rules(char rules[][RULE_BYTES], size_t n)
{
    char text[sizeof apps + MAX_RULES * 2 * RULE_BYTES + 16];

    snprintf(text, sizeof text, "%s%s", apps, n ? "rules:\n" : "");
    for (size_t i = 0; i < n; i++)
        strcat(text, rules[i]);
    return fixture_load(text);
}

static void dropping_facts_never_allows(void **state)
{
    char rules[MAX_RULES][RULE_BYTES];
    size_t n_allowed = 0, n_dropped = 0;

    for (int round = 0; round < ROUNDS; round++) {
        size_t n = 1 + roll(MAX_RULES);
        for (size_t i = 0; i < n; i++)
            write_rule(rules[i], (int)i, true);
        struct policy *p = load_rules(rules, n);
        for (int visit = 0; visit < VISITS; visit++) {
            struct world w;
            world_roll(&w, policy_app_at(p, 0));
            unsigned before = roll(1u << FACTS) | roll(1u << FACTS),
                     after = before & roll(1u << FACTS);
            struct policy_decision full = decide(p, &w, before), less = decide(p, &w, after);
            n_allowed += full.effect == POLICY_ALLOW;
            n_dropped += full.effect == POLICY_ALLOW && less.effect == POLICY_DENY;
            if (full.effect == POLICY_DENY && less.effect == POLICY_ALLOW) {
                for (size_t i = 0; i < n; i++)
                    print_error("%s", rules[i]);
                print_error("facts %x, less %x\n", before, after);
            }
            assert_false(full.effect == POLICY_DENY && less.effect == POLICY_ALLOW);
        }
        policy_unref(&p);
    }
    /* Else nothing was tested. */
    assert_true(n_allowed > ROUNDS && n_dropped > ROUNDS / 4);
}

static int by_bytes(const void *a, const void *b)
{
    const str *x = a, *y = b;

    return str_cmp(*x, *y);
}

static void assert_same(struct policy_decision a, struct policy_decision b)
{
    assert_int_equal(a.effect, b.effect);
    assert_int_equal(a.reason, b.reason);
    assert_int_equal(a.valid_until_s, b.valid_until_s);
    assert_int_equal(a.n_rules_total, b.n_rules_total);
    assert_memory_equal(&a.obligations, &b.obligations, sizeof a.obligations);
    qsort(a.rules, a.n_rules, sizeof a.rules[0], by_bytes);
    qsort(b.rules, b.n_rules, sizeof b.rules[0], by_bytes);
    for (size_t i = 0; i < a.n_rules; i++)
        assert_true(str_eq(a.rules[i], b.rules[i]));
}

static void shuffle(char rules[][RULE_BYTES], size_t n)
{
    for (size_t i = n; i > 1; i--) {
        char swap[RULE_BYTES];
        size_t k = roll((unsigned)i);
        memcpy(swap, rules[i - 1], RULE_BYTES);
        memcpy(rules[i - 1], rules[k], RULE_BYTES);
        memcpy(rules[k], swap, RULE_BYTES);
    }
}

/* Spread over two files, named the other way round. */
static struct policy *load_two(char rules[][RULE_BYTES], size_t n)
{
    char first[MAX_RULES * RULE_BYTES + 32] = "version: 1\n", second[sizeof apps + sizeof first];
    size_t half = n / 2;

    snprintf(second, sizeof second, "%s%s", apps, half < n ? "rules:\n" : "");
    if (half)
        strcat(first, "rules:\n");
    for (size_t i = 0; i < n; i++)
        strcat(i < half ? first : second, rules[i]);
    struct doc_file files[] = {{STR("z.yaml"), str_of(second)}, {STR("a.yaml"), str_of(first)}};
    return fixture_load_files(files, half ? 2 : 1);
}

static void order_never_matters(void **state)
{
    char rules[MAX_RULES][RULE_BYTES];

    for (int round = 0; round < ROUNDS / 2; round++) {
        size_t n = 2 + roll(MAX_RULES - 1);
        for (size_t i = 0; i < n; i++)
            write_rule(rules[i], (int)i, true);
        struct policy *p = load_rules(rules, n);
        shuffle(rules, n);
        struct policy *q = load_two(rules, n);
        for (int visit = 0; visit < VISITS; visit++) {
            struct world w, same;
            unsigned present = roll(1u << FACTS);
            world_roll(&w, policy_app_at(p, 0));
            same = w;
            same.request.app = policy_app_at(q, 0);
            assert_same(decide(p, &w, present), decide(q, &same, present));
        }
        policy_unref(&p);
        policy_unref(&q);
    }
}

static void audit_rules_change_nothing(void **state)
{
    char rules[MAX_RULES][RULE_BYTES], kept[MAX_RULES][RULE_BYTES];

    for (int round = 0; round < ROUNDS / 2; round++) {
        size_t n = 1 + roll(MAX_RULES), n_kept = 0;
        for (size_t i = 0; i < n; i++) {
            write_rule(rules[i], (int)i, true);
            if (!strstr(rules[i], "mode: audit"))
                memcpy(kept[n_kept++], rules[i], RULE_BYTES);
        }
        struct policy *p = load_rules(rules, n), *q = load_rules(kept, n_kept);
        for (int visit = 0; visit < VISITS; visit++) {
            struct world w, same;
            unsigned present = roll(1u << FACTS);
            world_roll(&w, policy_app_at(p, 0));
            same = w;
            same.request.app = policy_app_at(q, 0);
            struct policy_decision with = decide(p, &w, present),
                                   without = decide(q, &same, present);
            assert_same(with, without);
            assert_false(without.has_would);
        }
        policy_unref(&p);
        policy_unref(&q);
    }
}

/* However many allows are added: who was denied by a deny stays denied by it. */
static void a_deny_that_fires_wins(void **state)
{
    char rules[MAX_RULES * 2][RULE_BYTES];
    size_t n_denied = 0;

    for (int round = 0; round < ROUNDS / 2; round++) {
        size_t n = 1 + roll(MAX_RULES), m = n;
        for (size_t i = 0; i < n; i++)
            write_rule(rules[i], (int)i, false);
        while (m < MAX_RULES * 2) {
            write_rule(rules[m], (int)m, false);
            m += strstr(rules[m], "effect: allow") != NULL;
        }
        struct policy *p = load_rules(rules, n), *q = load_rules(rules, m);
        for (int visit = 0; visit < VISITS; visit++) {
            struct world w, same;
            unsigned present = roll(1u << FACTS);
            world_roll(&w, policy_app_at(p, 0));
            same = w;
            same.request.app = policy_app_at(q, 0);
            struct policy_decision few = decide(p, &w, present), many = decide(q, &same, present);
            if (few.reason != POLICY_REASON_DENY_RULE)
                continue;
            n_denied++;
            assert_int_equal(many.reason, POLICY_REASON_DENY_RULE);
            assert_int_equal(many.n_rules_total, few.n_rules_total);
        }
        policy_unref(&p);
        policy_unref(&q);
    }
    assert_true(n_denied > ROUNDS);
}

/* The explanation names a rule for every refusal by rules, and no other than the decision does. */
static void explanations_agree_with_decisions(void **state)
{
    char rules[MAX_RULES][RULE_BYTES];
    struct arena a;

    arena_init(&a, NULL, 0);
    for (int round = 0; round < ROUNDS / 4; round++) {
        size_t n = 1 + roll(MAX_RULES);
        for (size_t i = 0; i < n; i++)
            write_rule(rules[i], (int)i, true);
        struct policy *p = load_rules(rules, n);
        for (int visit = 0; visit < VISITS; visit++) {
            struct policy_explanation ex;
            struct world w;
            size_t n_decisive = 0, n_near = 0;
            world_roll(&w, policy_app_at(p, 0));
            struct policy_decision d = decide(p, &w, roll(1u << FACTS));
            policy_explain(p, &w.facts, &a, &ex);
            assert_same(ex.decision, d);
            for (size_t i = 0; i < ex.n_rules; i++) {
                n_decisive += ex.rules[i].is_decisive;
                n_near += ex.rules[i].is_near_miss && !ex.rules[i].is_audit;
            }
            assert_int_equal(n_decisive, d.n_rules_total);
            if (d.reason == POLICY_REASON_DEFAULT_DENY && !n_near)
                assert_true(ex.n_causes == 0 && ex.n_remedies == 0);
            if (d.effect == POLICY_ALLOW)
                assert_true(ex.n_causes == 0 && ex.n_remedies == 0);
            arena_reset(&a);
        }
        policy_unref(&p);
    }
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropping_facts_never_allows),
        cmocka_unit_test(order_never_matters),
        cmocka_unit_test(audit_rules_change_nothing),
        cmocka_unit_test(a_deny_that_fires_wins),
        cmocka_unit_test(explanations_agree_with_decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
