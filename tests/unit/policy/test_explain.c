/* Causes, near misses and remedies: who is told what. */
#include "fixture.h"
#include "policy/scalar.h"

#define S(s)                                                                                       \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }
#define NOW "2026-11-25T20:00:00Z"

static const char text[] =
    "version: 1\n"
    "define:\n"
    "  schedules: {hours: {days: [mon, tue, wed, thu, fri], hours: [\"07:00-19:00\"]}}\n"
    "apps:\n"
    "  - {name: web, host: web.example, owner: web@corp.example, upstream: \"http://10.0.0.1\",\n"
    "     public_paths: [/pub]}\n"
    "  - {name: box, host: box.example, upstream: \"ssh://10.0.0.2:22\", logins: [root]}\n"
    "rules:\n"
    "  - {id: day, effect: allow, who: {groups: [day]}, to: {apps: [web]}, when: hours}\n"
    "  - {id: asked, effect: allow, who: {groups: [asked]}, to: {apps: [web]},\n"
    "     approval: {by: anyone, valid_for: 1h}, purpose: {required: true, prompt: Which "
    "ticket?}}\n"
    "  - {id: later, effect: allow, who: {groups: [later]}, to: {apps: [web]}, starts: "
    "2026-12-01}\n"
    "  - {id: over, effect: allow, owner: hr@corp.example, who: {groups: [over]}, to: {apps: "
    "[web]},\n"
    "     expires: 2026-10-01}\n"
    "  - {id: last, effect: allow, owner: hr@corp.example, who: {groups: [last]}, to: {apps: "
    "[web]},\n"
    "     when: hours, expires: 2026-11-26T07:00:00Z}\n"
    "  - {id: glass, effect: allow, who: {groups: [oncall]}, to: {apps: [web]},\n"
    "     break_glass: {skips: [strong], reason_required: true, notify: [ops]}}\n"
    "  - {id: strong, effect: require, who: {groups: [strong, oncall]}, to: {apps: [web]},\n"
    "     auth: {mfa_within: 1h, login_within: 30m, acr: [gold]}}\n"
    "  - {id: healthy, effect: require, who: {groups: [laptop]}, to: {apps: [web]},\n"
    "     device: {disk_encrypted: true, min_os_version: {macos: \"14.6\"}}}\n"
    "  - {id: issuer, effect: require, who: {groups: [issuer]}, to: {apps: [web]},\n"
    "     auth: {issuers: [corp]}}\n"
    "  - {id: banned, effect: deny, owner: sec@corp.example, who: {groups: [banned]}, to: "
    "everything}\n"
    "  - {id: claimed, effect: deny, owner: sec@corp.example, who: {claims: {c: [x]}}, to: {apps: "
    "[box]}}\n";

static int64_t at(const char *instant)
{
    int64_t s = 0;

    assert_true(scalar_instant(str_of(instant), &s));
    return s;
}

struct visit {
    struct policy *policy;
    struct arena arena;
    struct policy_identity identity;
    struct policy_request request;
    struct policy_device device;
    struct policy_facts facts;
    struct policy_explanation ex;
    str group;
};

static void visit_open(struct visit *v, const char *group)
{
    *v = (struct visit){.group = str_of(group)};
    arena_init(&v->arena, NULL, 0);
    v->policy = fixture_load(text);
    v->identity = (struct policy_identity){.groups_known = true,
                                           .groups = &v->group,
                                           .n_groups = 1,
                                           .mfa = POLICY_UNKNOWN,
                                           .issuer_name = S("other")};
    v->request = (struct policy_request){
        .app = policy_app_named(v->policy, STR("web")), .method = S("GET"), .path = S("/")};
    v->facts = (struct policy_facts){.identity = &v->identity,
                                     .request = &v->request,
                                     .now_us = at(NOW) * 1000000,
                                     .clock_is_good = true};
}

/* And briefly the same. */
static void visit_explain(struct visit *v)
{
    struct policy_explanation brief;

    policy_explain(v->policy, &v->facts, &v->arena, &v->ex);
    policy_explain_briefly(v->policy, &v->facts, &v->arena, &brief);
    assert_int_equal(brief.decision.reason, v->ex.decision.reason);
    assert_int_equal(brief.n_causes, v->ex.n_causes);
    for (size_t i = 0; i < brief.n_causes; i++)
        assert_true(str_eq(brief.causes[i], v->ex.causes[i]));
    assert_int_equal(brief.n_remedies, v->ex.n_remedies);
    for (size_t i = 0; i < brief.n_remedies; i++)
        assert_int_equal(brief.remedies[i].kind, v->ex.remedies[i].kind);
    for (size_t i = 0; i < brief.n_rules; i++)
        assert_true(brief.rules[i].applies || brief.rules[i].is_near_miss);
}

static void visit_close(struct visit *v)
{
    policy_unref(&v->policy);
    arena_finish(&v->arena);
}

static bool has_cause(const struct visit *v, const char *code)
{
    for (size_t i = 0; i < v->ex.n_causes; i++)
        if (str_eq(v->ex.causes[i], str_of(code)))
            return true;
    return false;
}

static const struct policy_remedy *remedy(const struct visit *v, enum policy_remedy_kind kind)
{
    for (size_t i = 0; i < v->ex.n_remedies; i++)
        if (v->ex.remedies[i].kind == kind)
            return &v->ex.remedies[i];
    print_error("no remedy %s\n", policy_remedy_name(kind));
    assert_true(false);
    return NULL;
}

static const struct policy_explained_rule *rule(const struct visit *v, const char *id)
{
    for (size_t i = 0; i < v->ex.n_rules; i++)
        if (str_eq(v->ex.rules[i].id, str_of(id)))
            return &v->ex.rules[i];
    return NULL;
}

static void nobody_is_told_to_sign_in_and_no_more(void **state)
{
    struct visit v;

    visit_open(&v, "day");
    v.facts.identity = NULL;
    visit_explain(&v);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_NO_IDENTITY);
    assert_int_equal(v.ex.n_rules, 0);
    assert_int_equal(v.ex.n_remedies, 1);
    remedy(&v, POLICY_REMEDY_SIGN_IN);
    visit_close(&v);
}

static void an_outsider_hears_of_no_rule(void **state)
{
    struct visit v;

    visit_open(&v, "stranger");
    visit_explain(&v);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_DEFAULT_DENY);
    assert_int_equal(v.ex.n_causes, 0);
    assert_int_equal(v.ex.n_remedies, 0);
    visit_close(&v);
}

/* "" is a rule that applies or fires. */
static void assert_kept(const struct visit *v, const char *id, const char *kept)
{
    char told[256] = "";

    for (size_t i = 0; i < v->ex.n_rules; i++) {
        const struct policy_explained_rule *r = &v->ex.rules[i];
        for (size_t k = 0; str_eq(r->id, str_of(id)) && k < r->n_kept; k++)
            snprintf(told + strlen(told), sizeof told - strlen(told), "%s%.*s", k ? " " : "",
                     STR_ARG(r->kept[k].code));
    }
    assert_string_equal(told, kept);
}

static void each_rule_says_what_kept_it(void **state)
{
    struct visit v;

    visit_open(&v, "day");
    v.facts.now_us = at(NOW) * 1000000;
    visit_explain(&v);
    assert_kept(&v, "day", "when");
    assert_kept(&v, "asked", "who.groups approval:required purpose:required");
    assert_kept(&v, "over", "who.groups rule:expired");
    assert_kept(&v, "banned", "who.groups"); /* what is false keeps a deny, not what is unknown */
    assert_kept(&v, "strong", "who.groups"); /* its needs are not met: that would make it fire */
    assert_kept(&v, "healthy", "who.groups");
    visit_close(&v);
    visit_open(&v, "banned");
    visit_explain(&v);
    assert_kept(&v, "banned", "");
    visit_close(&v);
    visit_open(&v, "issuer");
    v.identity.issuer_name = (str)S("corp");
    visit_explain(&v);
    assert_kept(&v, "issuer", ""); /* met */
    visit_close(&v);
}

static void every_cause_has_words(void **state)
{
    static const struct {
        const char *code, *text, *doubt;
    } rows[] = {
        {"to.method", "the method is none of its methods"},
        {"to.path", "the path is none of its paths"},
        {"who.claims.company", "the claim company does not fit", "the claim company is unknown"},
        {"device.disk_encrypted", "the device's disk_encrypted does not fit",
         "the device's disk_encrypted cannot be compared"},
        {"device.disk_encrypted:missing", "the device's disk_encrypted is not known"},
        {"device.firewall:stale", "the device's firewall was reported too long ago"},
        {"device.os:conflict", "the device's os is contradicted by another report"},
        {"device:missing", "nothing is known of the device"},
        {"who.groups", "the groups do not fit", "the groups are unknown"},
        {"from.network", "the address does not fit its networks", "the address is unknown"},
        {"auth.mfa_within", "more than one factor was not used within its time",
         "when more than one factor was used is unknown"},
    };
    struct arena a;
    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str code = str_of(rows[i].code);
        const char *doubt = rows[i].doubt ? rows[i].doubt : rows[i].text;
        assert_string_equal(policy_cause_text(code, POLICY_FALSE, &a).p, rows[i].text);
        assert_string_equal(policy_cause_text(code, POLICY_UNKNOWN, &a).p, doubt);
    }
    arena_finish(&a);
}

static void a_closed_schedule_says_when_it_opens(void **state)
{
    struct visit v;

    visit_open(&v, "day");
    visit_explain(&v);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_DEFAULT_DENY);
    assert_true(rule(&v, "day")->is_near_miss);
    assert_true(has_cause(&v, "when"));
    assert_int_equal(remedy(&v, POLICY_REMEDY_WAIT_UNTIL)->until_s, at("2026-11-26T07:00:00Z"));
    assert_int_equal(v.ex.n_remedies, 1);
    visit_close(&v);
}

static void nobody_waits_for_a_rule_that_is_over_then(void **state)
{
    struct visit v;

    visit_open(&v, "last");
    visit_explain(&v);
    assert_true(has_cause(&v, "when"));
    assert_true(str_eq(remedy(&v, POLICY_REMEDY_CONTACT)->owner, STR("hr@corp.example")));
    assert_int_equal(v.ex.n_remedies, 1);
    visit_close(&v);
}

static void a_grant_and_a_purpose_can_be_asked_for(void **state)
{
    struct visit v;

    visit_open(&v, "asked");
    visit_explain(&v);
    assert_true(has_cause(&v, "approval:required") && has_cause(&v, "purpose:required"));
    assert_true(str_eq(remedy(&v, POLICY_REMEDY_REQUEST_APPROVAL)->rule, STR("asked")));
    assert_true(str_eq(remedy(&v, POLICY_REMEDY_STATE_PURPOSE)->wanted, STR("Which ticket?")));
    visit_close(&v);
}

static void a_rule_out_of_its_time_is_a_near_miss(void **state)
{
    struct visit v;

    visit_open(&v, "later");
    visit_explain(&v);
    assert_true(has_cause(&v, "rule:not-started"));
    assert_int_equal(remedy(&v, POLICY_REMEDY_WAIT_UNTIL)->until_s, at("2026-12-01T00:00:00Z"));
    visit_close(&v);

    visit_open(&v, "over");
    visit_explain(&v);
    assert_true(has_cause(&v, "rule:expired"));
    assert_false(rule(&v, "over")->is_alive);
    assert_true(str_eq(remedy(&v, POLICY_REMEDY_CONTACT)->owner, STR("hr@corp.example")));
    visit_close(&v);
}

static void a_step_up_asks_for_the_least_age(void **state)
{
    struct visit v;

    visit_open(&v, "strong");
    visit_explain(&v);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_REQUIRE_FAILED);
    assert_true(has_cause(&v, "auth.mfa_within") && has_cause(&v, "auth.login_within") &&
                has_cause(&v, "auth.acr"));
    const struct policy_remedy *r = remedy(&v, POLICY_REMEDY_STEP_UP);
    assert_int_equal(r->max_age_s, 1800);
    assert_true(str_eq(r->acr, STR("gold")));
    assert_int_equal(v.ex.n_remedies, 1);
    visit_close(&v);

    visit_open(&v, "issuer");
    visit_explain(&v);
    remedy(&v, POLICY_REMEDY_SIGN_IN);
    visit_close(&v);
}

static void a_break_glass_is_offered_where_it_would_help(void **state)
{
    struct visit v;

    visit_open(&v, "oncall");
    visit_explain(&v);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_REQUIRE_FAILED);
    assert_true(str_eq(remedy(&v, POLICY_REMEDY_OPEN_BREAK_GLASS)->rule, STR("glass")));
    remedy(&v, POLICY_REMEDY_STEP_UP);

    struct policy_grant grant = {.kind = POLICY_GRANT_BREAK_GLASS,
                                 .rule = S("glass"),
                                 .rule_digest = policy_rule_digest(v.policy, STR("glass")),
                                 .expires_s = at(NOW) + 60};
    v.facts.grants = &grant;
    v.facts.n_grants = 1;
    visit_explain(&v);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_ALLOW);
    assert_true(rule(&v, "strong")->is_skipped);
    assert_false(rule(&v, "strong")->is_decisive);
    assert_true(rule(&v, "glass")->is_decisive);
    visit_close(&v);
}

static void a_device_is_told_what_is_wanted(void **state)
{
    static const struct policy_device_fact facts[] = {
        {S("os"), {POLICY_VALUE_TEXT, S("macos"), NULL, 0}, S("fleet"), 1795600000, false},
        {S("os_version"), {POLICY_VALUE_TEXT, S("14.5"), NULL, 0}, S("fleet"), 1795600000, false}};
    struct visit v;

    visit_open(&v, "laptop");
    visit_explain(&v);
    assert_true(has_cause(&v, "device:missing"));
    assert_true(str_eq(remedy(&v, POLICY_REMEDY_FIX_DEVICE)->attribute, STR("device")));

    v.device = (struct policy_device){.id = S("d"), .facts = facts, .n_facts = 2};
    v.facts.devices = &v.device;
    v.facts.n_devices = 1;
    visit_explain(&v);
    assert_true(has_cause(&v, "device.disk_encrypted:missing") &&
                has_cause(&v, "device.os_version"));
    assert_int_equal(v.ex.n_remedies, 2);
    assert_true(str_eq(v.ex.remedies[0].attribute, STR("disk_encrypted")));
    assert_true(str_eq(v.ex.remedies[0].wanted, STR("true")));
    assert_true(str_eq(v.ex.remedies[1].attribute, STR("os_version")));
    assert_true(str_eq(v.ex.remedies[1].wanted, STR("14.6")));
    visit_close(&v);
}

static void a_deny_names_what_made_it_fire(void **state)
{
    struct visit v;

    visit_open(&v, "banned");
    visit_explain(&v);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_DENY_RULE);
    assert_true(has_cause(&v, "who.groups"));
    assert_true(str_eq(remedy(&v, POLICY_REMEDY_CONTACT)->owner, STR("sec@corp.example")));
    assert_true(rule(&v, "banned")->line > 1);
    assert_true(str_eq(rule(&v, "banned")->file, STR("test.yaml")));
    visit_close(&v);
}

/* It fired on doubt: the cause is told, the remedy is not, for the scope is not known to be his. */
static void a_deny_on_doubt_gives_no_remedy(void **state)
{
    struct visit v;

    visit_open(&v, "x");
    v.request = (struct policy_request){
        .app = policy_app_named(v.policy, STR("box")), .protocol = POLICY_SSH, .login = S("root")};
    visit_explain(&v);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_DENY_RULE);
    assert_true(has_cause(&v, "who.claims.c"));
    assert_int_equal(v.ex.n_remedies, 0);
    v.request.login = STR("admin");
    visit_explain(&v);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_DEFAULT_DENY);
    assert_true(has_cause(&v, "to.login"));
    assert_int_equal(v.ex.n_rules, 0);
    visit_close(&v);
}

static void a_public_path_shows_only_what_has_a_say(void **state)
{
    struct visit v;

    visit_open(&v, "banned");
    v.request.path = STR("/pub");
    visit_explain(&v);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_PUBLIC_PATH);
    assert_int_equal(v.ex.n_rules, 0);
    visit_close(&v);
}

static void refused_input_explains_itself(void **state)
{
    struct visit v;

    visit_open(&v, "day");
    v.request.path = (str){NULL, 0};
    visit_explain(&v);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_INPUT_PATH);
    assert_int_equal(v.ex.n_rules + v.ex.n_causes + v.ex.n_remedies, 0);
    policy_explain(NULL, &v.facts, &v.arena, &v.ex);
    assert_int_equal(v.ex.decision.reason, POLICY_REASON_NO_POLICY);
    visit_close(&v);
}

static void rules_come_in_the_order_of_the_files(void **state)
{
    struct visit v;

    visit_open(&v, "day");
    visit_explain(&v);
    for (size_t i = 1; i < v.ex.n_rules; i++)
        assert_true(v.ex.rules[i - 1].line < v.ex.rules[i].line);
    assert_int_equal(v.ex.n_rules, 10);
    visit_close(&v);
}

static str many_rules(struct arena *a, size_t n, const char *rule)
{
    enum { RULE_BYTES = 130, HEAD_BYTES = 200 };
    char *p = arena_text(a, HEAD_BYTES + n * RULE_BYTES);
    int at = sprintf(p, "version: 1\napps: [{name: web, host: w.example, upstream: "
                        "\"http://10.0.0.1\"}]\nrules:\n");

    for (size_t i = 0; i < n; i++)
        at += sprintf(p + at, rule, i);
    return (str){p, (size_t)at};
}

/* Every refusal is explained: what that takes must grow with the rules, and not with their square,
 * which would not end before the suite does. */
static void a_refusal_by_many_rules_is_soon_explained(void **state)
{
    enum { MANY = 12500, ROUNDS = 150 };
    struct arena text_arena, a;
    struct policy_explanation ex;

    arena_init(&text_arena, NULL, 0);
    arena_init(&a, NULL, 0);
    str yaml = many_rules(
        &text_arena, MANY,
        "- {id: r%zu, effect: require, who: anyone,\n  to: everything, auth: {mfa: true}}\n");
    struct policy *p = fixture_load_files(&(struct doc_file){S("many.yaml"), yaml}, 1);
    struct policy_request request = {
        .app = policy_app_named(p, STR("web")), .method = S("GET"), .path = S("/")};
    struct policy_identity identity = {.mfa = POLICY_FALSE};
    struct policy_facts facts = {.identity = &identity, .request = &request, .clock_is_good = true};
    for (int round = 0; round < ROUNDS; round++) {
        arena_reset(&a);
        policy_explain(p, &facts, &a, &ex);
        assert_int_equal(ex.n_rules, MANY);
        assert_int_equal(ex.decision.n_rules_total, MANY);
    }
    policy_unref(&p);
    arena_finish(&a);
    arena_finish(&text_arena);
}

/* Whoever has a sign-in can be refused as often as he likes. */
static void a_stranger_is_refused_at_a_small_price(void **state)
{
    enum { MANY = 8000, SMALL = 512 << 10 };
    struct arena text_arena, a;
    struct policy_explanation ex;

    arena_init(&text_arena, NULL, 0);
    arena_init(&a, NULL, 0);
    str yaml = many_rules(&text_arena, MANY,
                          "- {id: r%zu, effect: allow, who: {groups: [g]}, to: {apps: [web]},\n"
                          "   when: {days: [mon], hours: [\"08:00-09:00\"]}}\n");
    struct policy *p = fixture_load_files(&(struct doc_file){S("many.yaml"), yaml}, 1);
    struct policy_request request = {
        .app = policy_app_named(p, STR("web")), .method = S("GET"), .path = S("/")};
    struct policy_identity identity = {.groups_known = true};
    struct policy_facts facts = {.identity = &identity, .request = &request, .clock_is_good = true};
    policy_explain_briefly(p, &facts, &a, &ex);
    assert_int_equal(ex.decision.reason, POLICY_REASON_DEFAULT_DENY);
    assert_in_range(a.heap_bytes, 1, SMALL);
    assert_int_equal(ex.n_rules, 0);
    policy_unref(&p);
    arena_finish(&a);
    arena_finish(&text_arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_told_to_sign_in_and_no_more),
        cmocka_unit_test(an_outsider_hears_of_no_rule),
        cmocka_unit_test(each_rule_says_what_kept_it),
        cmocka_unit_test(every_cause_has_words),
        cmocka_unit_test(a_closed_schedule_says_when_it_opens),
        cmocka_unit_test(nobody_waits_for_a_rule_that_is_over_then),
        cmocka_unit_test(a_grant_and_a_purpose_can_be_asked_for),
        cmocka_unit_test(a_rule_out_of_its_time_is_a_near_miss),
        cmocka_unit_test(a_step_up_asks_for_the_least_age),
        cmocka_unit_test(a_break_glass_is_offered_where_it_would_help),
        cmocka_unit_test(a_device_is_told_what_is_wanted),
        cmocka_unit_test(a_deny_names_what_made_it_fire),
        cmocka_unit_test(a_deny_on_doubt_gives_no_remedy),
        cmocka_unit_test(a_public_path_shows_only_what_has_a_say),
        cmocka_unit_test(refused_input_explains_itself),
        cmocka_unit_test(rules_come_in_the_order_of_the_files),
        cmocka_unit_test(a_refusal_by_many_rules_is_soon_explained),
        cmocka_unit_test(a_stranger_is_refused_at_a_small_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
