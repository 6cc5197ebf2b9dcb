/* The language page, for facts that the tests of the language cannot state: clocks, hints, types,
 * countries, stores that are silent, ends of tokens and grants. The names of the rows begin with
 * the ids of page/README.md. */
#include "fixture.h"
#include "policy/scalar.h"

#define S(s)                                                                                       \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }
#define NOW "2026-11-25T10:00:00Z"
#define RULE(rest) "  - {id: r, " rest "}\n"
#define OPEN "  - {id: a, effect: allow, who: anyone, to: {apps: [web, box]}}\n"

static const char head[] =
    "version: 1\n"
    "define:\n"
    "  schedules: {hours: {days: [wed], hours: [\"07:00-19:00\"]}}\n"
    "apps:\n"
    "  - {name: web, host: web.example, upstream: \"http://10.0.0.1\", public_paths: [/pub]}\n"
    "  - {name: box, host: box.example, upstream: \"ssh://10.0.0.2:22\", logins: [root]}\n"
    "rules:\n";

static int64_t at(const char *text)
{
    int64_t s = 0;

    assert_true(scalar_instant(str_of(text), &s));
    return s;
}

struct visit {
    const struct policy *policy;
    struct policy_identity identity;
    struct policy_request request;
    struct policy_facts facts;
    struct policy_claim claim;
    struct policy_device device;
    struct policy_device_fact fact[3];
    struct policy_grant grants[2];
    str group, amr;
};

static void visit_init(struct visit *v, const struct policy *p)
{
    *v = (struct visit){
        .policy = p,
        .identity = {.issuer = S("i"),
                     .issuer_name = S("corp"),
                     .subject = S("s"),
                     .email = S("kim@acme.example"),
                     .email_verified = POLICY_TRUE,
                     .groups_known = true,
                     .mfa = POLICY_TRUE,
                     .auth_time_s = at(NOW) - 600,
                     .n_groups = 1,
                     .acr = S("gold"),
                     .amr_known = true},
        .request = {.method = S("GET"), .path = S("/x")},
        .facts = {.now_us = at(NOW) * 1000000, .clock_is_good = true, .n_devices = 1},
        .group = S("ops"),
        .device = {.id = S("d"), .n_facts = 1},
        .fact = {{.attribute = S("managed"),
                  .value = {.kind = POLICY_VALUE_BOOL, .text = S("true")},
                  .source = S("fleet"),
                  .seen_s = at(NOW) - 60}},
    };
    v->identity.groups = &v->group;
    v->identity.claims = &v->claim;
    v->device.facts = v->fact;
    v->facts.devices = &v->device;
    v->facts.identity = &v->identity;
    v->facts.request = &v->request;
    v->facts.grants = v->grants;
    v->request.app = policy_app_named(p, STR("web"));
}

/* ---- what a test does to the visit ------------------------------------------------------------
 */

static void clock_is_bad(struct visit *v)
{
    v->facts.clock_is_good = false;
}
static void mail_of_a_trusted_issuer(struct visit *v)
{
    v->identity.email_verified = POLICY_UNKNOWN;
    v->identity.issuer_is_trusted = true;
}
static void mail_of_nobody_knows(struct visit *v)
{
    v->identity.email_verified = POLICY_UNKNOWN;
}
static void two_at_signs(struct visit *v)
{
    v->identity.email = (str)S("kim@acme.example@acme.example");
}
static void no_local_part(struct visit *v)
{
    v->identity.email = (str)S("@acme.example");
}
static void a_script_of_its_own(struct visit *v)
{
    v->identity.email = (str)S("kim@b\xc3\xbc"
                               "cher.example");
}
static void a_capital_umlaut(struct visit *v)
{
    v->identity.email = (str)S("kim@B\xc3\x9c"
                               "CHER.example");
}
static void a_long_name_and_a_script(struct visit *v)
{
    static char text[1000];

    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 6, "@b\xc3\xbc.d", 6);
    v->identity.email = (str){text, sizeof text};
}
static void groups_behind_a_pointer(struct visit *v)
{
    v->identity.groups_known = false;
}
static void a_claim(struct visit *v, struct policy_value value)
{
    v->claim = (struct policy_claim){STR("level"), value};
    v->identity.n_claims = 1;
}
static void a_claim_known_to_be_none(struct visit *v)
{
    a_claim(v, (struct policy_value){.kind = POLICY_VALUE_LIST});
}
static void a_number_with_an_exponent(struct visit *v)
{
    a_claim(v, (struct policy_value){.kind = POLICY_VALUE_NUMBER, .text = STR("1e0")});
}
static void a_very_long_claim(struct visit *v)
{
    static char text[1 << 20];

    memset(text, '1', sizeof text);
    a_claim(v, (struct policy_value){.kind = POLICY_VALUE_TEXT, .text = {text, sizeof text}});
}
static void a_claim_with_a_zero_byte(struct visit *v)
{
    a_claim(v, (struct policy_value){.kind = POLICY_VALUE_TEXT, .text = STR("1\0")});
}
static void a_long_path(struct visit *v)
{
    v->request.path = STR("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacb");
}
static void no_such_device(struct visit *v)
{
    v->facts.n_devices = 0;
}
static void a_hint(struct visit *v)
{
    v->fact[v->device.n_facts++] =
        (struct policy_device_fact){.attribute = STR("os"),
                                    .value = {.kind = POLICY_VALUE_TEXT, .text = STR("android")},
                                    .source = STR("browser"),
                                    .seen_s = at(NOW),
                                    .is_hint = true};
}
static void a_hint_and_a_fact(struct visit *v)
{
    a_hint(v);
    v->fact[v->device.n_facts++] =
        (struct policy_device_fact){.attribute = STR("os"),
                                    .value = {.kind = POLICY_VALUE_TEXT, .text = STR("macos")},
                                    .source = STR("fleet"),
                                    .seen_s = at(NOW)};
}
static void a_hint_against_a_fact(struct visit *v)
{
    a_hint_and_a_fact(v);
    v->fact[1].value.text = STR("macos");
    v->fact[2].value.text = STR("android");
}
static void seen_tomorrow(struct visit *v)
{
    v->fact[0].seen_s = at(NOW) + 86400;
}
static void from_sweden(struct visit *v)
{
    v->request.country = STR("SE");
}
static void from_norway(struct visit *v)
{
    v->request.country = STR("NO");
}
static void no_store(struct visit *v)
{
    v->facts.grants_unknown = true;
}
static void give(struct visit *v, enum policy_grant_kind kind, int64_t lasts_s)
{
    v->grants[v->facts.n_grants++] =
        (struct policy_grant){.kind = kind,
                              .rule = STR("r"),
                              .rule_digest = policy_rule_digest(v->policy, STR("r")),
                              .expires_s = at(NOW) + lasts_s};
}
static void approved(struct visit *v)
{
    give(v, POLICY_GRANT_APPROVAL, 1);
}
static void approved_until_now(struct visit *v)
{
    give(v, POLICY_GRANT_APPROVAL, 0);
}
static void approved_in_other_words(struct visit *v)
{
    give(v, POLICY_GRANT_APPROVAL, 1);
    v->grants[0].rule_digest = STR("another");
}
static void glass_and_a_bad_clock(struct visit *v)
{
    give(v, POLICY_GRANT_BREAK_GLASS, 60);
    clock_is_bad(v);
}
static void approved_and_a_bad_clock(struct visit *v)
{
    approved(v);
    clock_is_bad(v);
}
static void glass(struct visit *v)
{
    give(v, POLICY_GRANT_BREAK_GLASS, 60);
}
static void never_signed_in(struct visit *v)
{
    v->identity.auth_time_s = 0;
}
static void signed_in_tomorrow(struct visit *v)
{
    v->identity.auth_time_s = at(NOW) + 86400;
}
static void signed_in_at_the_end_of_time(struct visit *v)
{
    v->identity.auth_time_s = INT64_MAX;
    v->fact[0].seen_s = INT64_MAX;
}
static void public_with_a_bad_clock(struct visit *v)
{
    v->facts.identity = NULL;
    v->request.path = STR("/pub");
    clock_is_bad(v);
}
static void no_method(struct visit *v)
{
    v->request.method = (str){NULL, 0};
    v->facts.identity = NULL;
}
static void no_app(struct visit *v)
{
    v->request.app = NULL;
    v->facts.identity = NULL;
}
static void no_path(struct visit *v)
{
    v->request.path = (str){NULL, 0};
    v->facts.identity = NULL;
}
static void root_at_the_box(struct visit *v)
{
    v->request = (struct policy_request){.app = policy_app_named(v->policy, STR("box")),
                                         .protocol = POLICY_SSH,
                                         .login = STR("root")};
}

/* ---- reasons and causes -----------------------------------------------------------------------
 */

struct row {
    const char *name;
    const char *rules;
    void (*change)(struct visit *);
    const char *reason;
    const char *cause; /* NULL: none is asked for */
};

#define WEB "who: anyone, to: {apps: [web]}"
#define EVIL "paths_regex: ['/(a|aa|b)*(aa|a)*(a|b)*c']"

static const struct row rows[] = {
    {"E1 a trusted issuer vouches",
     RULE("effect: allow, who: {users: [kim@acme.example]}, to: {apps: [web]}"),
     mail_of_a_trusted_issuer, "allow", NULL},
    {"E1 nobody vouches",
     OPEN RULE("effect: deny, who: {domains: [evil.example]}, to: {apps: [web]}"),
     mail_of_nobody_knows, "deny-rule", "who.domains"},
    {"E2 two at signs are unknown",
     OPEN RULE("effect: deny, who: {domains: [evil.example]}, to: {apps: [web]}"), two_at_signs,
     "deny-rule", "who.domains"},
    {"E2 for users too",
     OPEN RULE("effect: deny, who: {users: [bo@evil.example]}, to: {apps: [web]}"), two_at_signs,
     "deny-rule", "who.users"},
    {"E2 and do not help", RULE("effect: allow, who: {domains: [acme.example]}, to: {apps: [web]}"),
     two_at_signs, "default-deny", NULL},
    {"E2 nothing before it is no address",
     OPEN RULE("effect: deny, who: {domains: [evil.example]}, to: {apps: [web]}"), no_local_part,
     "deny-rule", "who.domains"},
    {"E4 a domain in its own script is its A-label",
     RULE("effect: allow, who: {domains: [xn--bcher-kva.example]}, to: {apps: [web]}"),
     a_script_of_its_own, "allow", NULL},
    {"E4 for users too",
     RULE("effect: allow, who: {users: [Kim@xn--bcher-kva.example]}, to: {apps: [web]}"),
     a_script_of_its_own, "allow", NULL},
    {"E4 and another is another",
     OPEN RULE("effect: deny, who: {domains: [xn--bcher-kva2.example]}, to: {apps: [web]}"),
     a_script_of_its_own, "allow", NULL},
    {"E4 what has no A-label is unknown",
     OPEN RULE("effect: deny, who: {domains: [evil.example]}, to: {apps: [web]}"), a_capital_umlaut,
     "deny-rule", "who.domains"},
    {"E4 unknown to users too",
     OPEN RULE("effect: deny, who: {users: [bo@evil.example]}, to: {apps: [web]}"),
     a_capital_umlaut, "deny-rule", "who.users"},
    {"E4 a long one has none either",
     OPEN RULE("effect: deny, who: {users: [bo@evil.example]}, to: {apps: [web]}"),
     a_long_name_and_a_script, "deny-rule", "who.users"},
    {"N6 an overage pointer is unknown",
     OPEN RULE("effect: deny, who: {groups: [bad]}, to: {apps: [web]}"), groups_behind_a_pointer,
     "deny-rule", "who.groups"},
    {"N7 absent means none is known",
     OPEN RULE("effect: deny, who: {claims: {level: [1]}}, to: {apps: [web]}"),
     a_claim_known_to_be_none, "allow", NULL},
    {"N7 and none of it is true",
     RULE("effect: allow, who: {claims: {level: {none: [1]}}}, to: {apps: [web]}"),
     a_claim_known_to_be_none, "allow", NULL},
    {"C2 an exponent is another writing",
     RULE("effect: allow, who: {claims: {level: [1]}}, to: {apps: [web]}"),
     a_number_with_an_exponent, "default-deny", NULL},
    {"C1 a long value is another",
     RULE("effect: allow, who: {claims: {level: [1]}}, to: {apps: [web]}"), a_very_long_claim,
     "default-deny", NULL},
    {"C1 so is one with a zero byte",
     RULE("effect: allow, who: {claims: {level: [\"1\"]}}, to: {apps: [web]}"),
     a_claim_with_a_zero_byte, "default-deny", NULL},
    {"A5 a regex at its limit allows nobody",
     RULE("effect: allow, who: anyone, to: {apps: [web], " EVIL "}"), a_long_path, "default-deny",
     NULL},
    {"A5 and fires in a deny", OPEN RULE("effect: deny, who: anyone, to: {apps: [web], " EVIL "}"),
     a_long_path, "deny-rule", "regex-limit"},
    {"A5 and in a require",
     OPEN RULE("effect: require, who: anyone, to: {apps: [web], " EVIL "}, auth: {acr: [tin]}"),
     a_long_path, "require-failed", "auth.acr"},
    {"A1 no device", RULE("effect: allow, " WEB ", device: {managed: true}"), no_such_device,
     "default-deny", "device:missing"},

    /* A client hint can make an atom of a deny true, never false, and counts nowhere else. */
    {"K5 a hint fires a deny",
     OPEN RULE("effect: deny, " WEB ", device: {os: [android]}, on_missing: ignore"), a_hint,
     "deny-rule", "device.os"},
    {"K5 even against a fact", OPEN RULE("effect: deny, " WEB ", device: {os: [android]}"),
     a_hint_and_a_fact, "deny-rule", "device.os"},
    {"K5 and cannot unsay one", OPEN RULE("effect: deny, " WEB ", device: {os: [android]}"),
     a_hint_against_a_fact, "deny-rule", "device.os"},
    {"K5 nor make the doubt go", OPEN RULE("effect: deny, " WEB ", device: {os: [windows]}"),
     a_hint, "deny-rule", "device.os:missing"},
    {"K5 an allow hears no hint", RULE("effect: allow, " WEB ", device: {os: [android]}"), a_hint,
     "default-deny", "device.os:missing"},
    {"K5 nor does a require", OPEN RULE("effect: require, " WEB ", device: {os: [android]}"),
     a_hint, "require-failed", "device.os:missing"},
    {"K5 not even with certainty asked for",
     OPEN RULE("effect: require, " WEB ", device: {os: [macos]}, on_missing: ignore"), a_hint,
     "allow", NULL},
    {"K3 a report of tomorrow is not older",
     RULE("effect: allow, " WEB ", device: {managed: true}"), seen_tomorrow, "allow", NULL},

    {"S4 a country", RULE("effect: allow, " WEB ", from: {countries: [SE]}"), from_sweden, "allow",
     NULL},
    {"S4 another", RULE("effect: allow, " WEB ", from: {countries: [SE]}"), from_norway,
     "default-deny", "from.country"},
    {"S4 not_countries", RULE("effect: allow, " WEB ", from: {not_countries: [SE]}"), from_sweden,
     "default-deny", "from.country"},
    {"S4 an unknown one fires", OPEN RULE("effect: deny, " WEB ", from: {countries: [RU]}"), NULL,
     "deny-rule", "from.country"},
    {"S4 even when all others are meant",
     OPEN RULE("effect: deny, " WEB ", from: {not_countries: [SE]}"), NULL, "deny-rule",
     "from.country"},

    {"H1 an open grant", RULE("effect: allow, " WEB ", approval: {by: anyone, valid_for: 1h}"),
     approved, "allow", NULL},
    {"H1 is over at its end", RULE("effect: allow, " WEB ", approval: {by: anyone, valid_for: 1h}"),
     approved_until_now, "default-deny", "approval:expired"},
    {"H2 a grant dies with the text of its rule",
     RULE("effect: allow, " WEB ", approval: {by: anyone, valid_for: 1h}"), approved_in_other_words,
     "default-deny", "approval:required"},
    {"H1 a broken glass is no approval",
     RULE("effect: allow, " WEB ", approval: {by: anyone, valid_for: 1h}"), glass, "default-deny",
     "approval:required"},
    {"YS6 a silent store is unknown",
     RULE("effect: allow, " WEB ", approval: {by: anyone, valid_for: 1h}"), no_store,
     "default-deny", "approval:required"},
    {"YS6 for a require as well",
     OPEN RULE("effect: require, " WEB ", approval: {by: anyone, valid_for: 1h}"), no_store,
     "require-failed", "approval:required"},
    {"YS6 which on certainty does not fire",
     OPEN RULE("effect: require, " WEB
               ", approval: {by: anyone, valid_for: 1h}, on_missing: ignore"),
     no_store, "allow", NULL},
    {"YS6 a purpose needs no store", RULE("effect: allow, " WEB ", purpose: {required: true}"),
     no_store, "default-deny", "purpose:required"},

    /* A clock that cannot be trusted makes all atoms of time unknown. */
    {"T6 expires", RULE("effect: allow, " WEB ", expires: 2030-01-01"), clock_is_bad,
     "default-deny", "clock"},
    {"T6 starts", RULE("effect: allow, " WEB ", starts: 2020-01-01"), clock_is_bad, "default-deny",
     "clock"},
    {"T6 a deny that is over", OPEN RULE("effect: deny, " WEB ", expires: 2020-01-01"),
     clock_is_bad, "deny-rule", "clock"},
    {"T6 a require to come",
     OPEN RULE("effect: require, " WEB ", starts: 2030-01-01, auth: {acr: [tin]}"), clock_is_bad,
     "require-failed", "clock"},
    {"T6 when", RULE("effect: allow, " WEB ", when: hours"), clock_is_bad, "default-deny", "clock"},
    {"T6 a deny outside its hours",
     OPEN RULE("effect: deny, " WEB ", when: {days: [sun], hours: [\"01:00-02:00\"]}"),
     clock_is_bad, "deny-rule", "when"},
    {"T6 mfa_within", RULE("effect: allow, " WEB ", auth: {mfa_within: 1h}"), clock_is_bad,
     "default-deny", "clock"},
    {"T6 login_within", RULE("effect: allow, " WEB ", auth: {login_within: 1h}"), clock_is_bad,
     "default-deny", "clock"},
    {"T6 but not mfa", RULE("effect: allow, " WEB ", auth: {mfa: true, acr: [gold]}"), clock_is_bad,
     "allow", NULL},
    {"T6 devices", RULE("effect: allow, " WEB ", device: {managed: true}"), clock_is_bad,
     "default-deny", "clock"},
    {"T6 grants", RULE("effect: allow, " WEB ", approval: {by: anyone, valid_for: 1h}"),
     approved_and_a_bad_clock, "default-deny", "clock"},
    {"T6 broken glass",
     "  - {id: q, effect: require, " WEB ", auth: {acr: [tin]}}\n" OPEN RULE(
         "effect: allow, " WEB ", break_glass: {skips: [q], reason_required: true, notify: [ops]}"),
     glass_and_a_bad_clock, "require-failed", "auth.acr"},
    {"T6 on a public path", RULE("effect: deny, " WEB ", expires: 2020-01-01"),
     public_with_a_bad_clock, "deny-rule", "clock"},

    {"F2 without auth_time ages are unknown",
     OPEN RULE("effect: deny, " WEB ", auth: {login_within: 1h}"), never_signed_in, "deny-rule",
     "auth.login_within"},
    {"F2 one of tomorrow is not older", RULE("effect: allow, " WEB ", auth: {mfa_within: 1h}"),
     signed_in_tomorrow, "allow", NULL},
    {"F2 nor one at the end of time",
     RULE("effect: allow, " WEB ", auth: {mfa_within: 1h}, device: {managed: true}"),
     signed_in_at_the_end_of_time, "allow", NULL},

    {"D2 a host that nobody has", OPEN, no_app, "input:host", NULL},
    {"D2 no method", OPEN, no_method, "input:method", NULL},
    {"D2 no path", OPEN, no_path, "input:path", NULL},
    {"Q2 a login of the app", OPEN, root_at_the_box, "allow", NULL},
};

static bool has_cause(const struct policy_explanation *ex, const char *code)
{
    for (size_t i = 0; i < ex->n_causes; i++)
        if (str_eq(ex->causes[i], str_of(code)))
            return true;
    return false;
}

static struct policy *load(const char *rules)
{
    char text[8192];

    snprintf(text, sizeof text, "%s%s", head, rules);
    return fixture_load(text);
}

static void tell(const struct row *row, const struct policy_explanation *ex)
{
    print_error("%s: %s", row->name, policy_reason_code(ex->decision.reason));
    for (size_t k = 0; k < ex->n_causes; k++)
        print_error(" %.*s", STR_ARG(ex->causes[k]));
    print_error("\n");
}

/* With the identity interned it is the same. */
static bool is_the_same_interned(struct visit *v, enum policy_reason reason)
{
    struct policy_decision d;
    struct policy_subject *s = policy_subject_create(v->policy, v->facts.identity, v->facts.devices,
                                                     v->facts.n_devices, v->facts.now_us);

    v->facts.subject = s;
    policy_decide(v->policy, &v->facts, &d);
    policy_subject_destroy(&s);
    return d.reason == reason;
}

/* From the files, and from what is kept of them. */
static void check_row(const struct row *row, bool has_source)
{
    struct policy *p = load(row->rules);
    struct policy_explanation ex;
    struct visit v;
    struct arena a;

    if (!has_source)
        policy_drop_source(p);
    arena_init(&a, NULL, 0);
    visit_init(&v, p);
    if (row->change)
        row->change(&v);
    policy_explain(p, &v.facts, &a, &ex);
    bool is_good = !strcmp(policy_reason_code(ex.decision.reason), row->reason) &&
                   (!row->cause || has_cause(&ex, row->cause)) &&
                   is_the_same_interned(&v, ex.decision.reason);
    if (!is_good)
        tell(row, &ex);
    assert_true(is_good);
    arena_finish(&a);
    policy_unref(&p);
}

static void each_row_is_decided_so(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_row(&rows[i], true);
        check_row(&rows[i], false);
    }
}

/* ---- obligations ------------------------------------------------------------------------------
 */

static void a_require_in_doubt_binds(void **state)
{
    struct policy *p = load(OPEN RULE("effect: require, who: {claims: {absent: [x]}}, to: {apps: "
                                      "[web]}, auth: {mfa: true}, session: {max: 1h, idle: 5m, "
                                      "record: true, clipboard: true}"));
    struct policy_decision d;
    struct visit v;

    visit_init(&v, p);
    policy_decide(p, &v.facts, &d);
    assert_int_equal(d.reason, POLICY_REASON_ALLOW);
    assert_int_equal(d.obligations.max_s, 3600);
    assert_int_equal(d.obligations.idle_s, 300);
    assert_true(d.obligations.record && d.obligations.clipboard);
    assert_false(d.obligations.file_transfer || d.obligations.port_forwarding);
    /* max counts from the log-in, ten minutes ago; idle from now. */
    assert_int_equal(d.valid_until_s, at(NOW) + 300);
    policy_unref(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_decided_so),
        cmocka_unit_test(a_require_in_doubt_binds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
