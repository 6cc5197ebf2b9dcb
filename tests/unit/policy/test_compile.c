/* The compiled form against the plain evaluation, over random rules and facts with a fixed seed:
 * every field of the decision is the same, with a subject, with an old one and without. */
#include <stdlib.h>

#include "fixture.h"
#include "policy/compiled.h"
#include "policy/eval.h"

enum { NOW_S = 1795600000, ROUNDS = 250, VISITS = 60, RULES = 40, RULE_BYTES = 640 };

/* xorshift64: the same rules on every machine. */
static uint64_t seed = 0x243F6A8885A308D3u;

static unsigned roll(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

#define PICK(list) (list)[roll(sizeof(list) / sizeof(list)[0])]

static const char head[] =
    "version: 1\n"
    "defaults: {timezone: Europe/Stockholm}\n"
    "define:\n"
    "  groups: {ab: [a, b], abc: [ab, c]}\n"
    "  networks: {office: [10.0.0.0/8, \"2001:db8::/32\"], vpn: [10.1.0.0/16, 10.1.2.0/24]}\n"
    "  schedules:\n"
    "    hours: {days: [mon, tue, wed, thu, fri], hours: [\"07:00-19:00\"]}\n"
    "    night: {days: [tue, sun], hours: [\"22:00-06:00\", \"09:00-12:00\"], timezone: "
    "Asia/Tokyo}\n"
    "  devices: {laptop: {managed: true, disk_encrypted: true, seen_within: 1h}}\n"
    "apps:\n"
    "  - {name: web, host: web.example, upstream: \"http://10.0.0.1\", labels: {env: prod},\n"
    "     public_paths: [/pub/**]}\n"
    "  - {name: lax, host: lax.example, upstream: \"http://10.0.0.1\", labels: {env: test},\n"
    "     path_case: insensitive}\n"
    "  - {name: box, host: box.example, upstream: \"ssh://10.0.0.2:22\", labels: {env: prod},\n"
    "     logins: [root, ops]}\n"
    "  - {name: desk, host: desk.example, upstream: \"rdp://10.0.0.2:3389\", labels: {env: prod}}\n"
    "rules:\n"
    "  - {id: glass-0, effect: require, who: {groups: [x]}, to: {apps: [web, lax]},\n"
    "     auth: {mfa: true}}\n";

static const char *const whos[] = {
    "anyone",
    "{groups: [a]}",
    "{groups: [ab]}",
    "{groups: {all: [ab, c]}}",
    "{groups: {none: [a]}}",
    "{groups: {any: [abc], none: [b], all: [a, c]}}",
    "{claims: {c: [\"1\"]}}",
    "{claims: {c: [1]}}",
    "{claims: {c: {none: [\"1\"]}}}",
    "{claims: {c: {any: [x, 2], all: [2]}, d: [true]}}",
    "{users: [kim@acme.example, bo@acme.example]}",
    "{domains: [acme.example]}",
    "{kind: human}",
    "{kind: machine, groups: [a]}",
    "{services: [ci]}",
    "{any: [{groups: [a]}, {claims: {c: [\"2\"]}}]}",
    "{any: [{users: [kim@acme.example]}, {all: [{groups: [b]}, {kind: human}]}], kind: human}",
    "{all: [{domains: [acme.example]}, {groups: {none: [b]}}]}",
};
static const char *const scopes[] = {"apps: [web]", "apps: [web, lax]", "labels: {env: prod}",
                                     "labels: {env: [prod, test]}", "apps: [box, desk, web]"};
static const char *const parts[] = {
    "",
    "",
    ", methods: [GET]",
    ", methods: [GET, POST]",
    ", methods: [PROPPATCH, BASELINE-CONTROL]",
    ", methods: [MA, MB, MC, MD, ME, MF, MG, MH]",
    ", methods: [NA, NB, NC, ND, NE, NF, NG, NH, PUT]",
    ", paths: [/a/**]",
    ", paths: [/]",
    ", paths: [/**]",
    ", paths: [/a/b, /a/*/c, \"/*/b\"]",
    ", paths: [/**/c, /a/**/d/e]",
    ", paths: [/a/*/c/**, /a/b/c], methods: [GET]",
    ", paths: [/a/**], except: [/a/x, /a/b/**]",
    ", except: [/a/**]",
    ", paths: [\"/a/\xC3\xA5\"]",
    ", paths_regex: [\"/a/[a-c]+\"]",
    ", paths_regex: [\"/(a+)+b\"]",
    ", logins: [root]",
    ", paths: "
    "[/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/"
    "32/33/34]",
};
static const char *const needs[] = {
    "",
    "",
    ", auth: {mfa: true}",
    ", auth: {mfa_within: 1h}",
    ", auth: {acr: [gold]}",
    ", auth: {login_within: 1h, methods: [otp]}",
    ", auth: {issuers: [corp]}",
    ", from: {networks: [10.0.0.0/8]}",
    ", from: {networks: [office], not_networks: [vpn]}",
    ", from: {not_networks: [10.1.2.0/24, \"2001:db8:1::/48\"]}",
    ", from: {countries: [SE]}",
    ", from: {not_countries: [SE], networks: [0.0.0.0/0, \"::/0\"]}",
    ", device: laptop",
    ", device: {managed: true}",
    ", device: {managed: true, seen_within: 2m}",
    ", device: {managed: false, os: [macos]}",
    ", device: {min_os_version: {macos: \"14\"}, seen_within: 10m}",
    ", device: {sources: [mdm], disk_encrypted: true}",
    ", device: {attributes: {fleet.team: [red, 5]}}",
    ", when: {days: [wed], hours: [\"00:00-24:00\"]}",
    ", when: hours",
    ", when: [hours, night]",
    ", auth: {mfa: true}, when: night, device: laptop",
};
static const char *const lives[] = {"",
                                    "",
                                    "",
                                    ", expires: 2026-01-01",
                                    ", expires: 2027-01-01",
                                    ", starts: 2026-12-01",
                                    ", starts: 2026-11-25T13:00:00Z"};
static const char *const sessions[] = {"", "", ", session: {max: 4h, record: true}",
                                       ", session: {idle: 5m, clipboard: true}",
                                       ", session: {max: 1h, clipboard: false}"};

/* Every rule has needs and terms of its own: more than a request keeps in its tables. */
static bool is_varied;

static const char *own_need(char out[80], int i)
{
    if (i % 2)
        snprintf(out, 80, ", from: {networks: [10.%d.0.0/16, 10.1.2.%d]}", i % 250, i % 250);
    else
        snprintf(out, 80, ", when: {days: [wed, thu], hours: [\"%02d:%02d-20:00\"]}", i / 60 % 20,
                 i % 60);
    return out;
}

static size_t write_rule(char *out, int i)
{
    char own[80], terms[40];
    const char *effect = roll(14) ? roll(7) ? "allow" : "require" : "deny", *need = PICK(needs),
               *more = "";
    bool is_allow = !strcmp(effect, "allow"), is_deny = !strcmp(effect, "deny");
    char to[400];

    while (!is_allow && !is_deny && !*need)
        need = PICK(needs);
    if (is_varied && roll(3))
        need = own_need(own, i);
    snprintf(terms, sizeof terms, ", session: {max: %dm}", 5 + i);
    snprintf(to, sizeof to, "{%s%s}", PICK(scopes), PICK(parts));
    if (is_allow)
        more = roll(8)   ? ""
               : roll(2) ? ", approval: {by: anyone, valid_for: 1h}"
                         : ", break_glass: {skips: [glass-0], reason_required: true, "
                           "notify: [mail]}";
    else if (roll(4) == 0)
        more = ", on_missing: ignore";
    return (size_t)snprintf(out, RULE_BYTES,
                            "  - {id: r%d, effect: %s, who: %s, to: %s%s%s%s%s%s%s}\n", i, effect,
                            PICK(whos), is_allow || roll(6) ? to : "everything", need, PICK(lives),
                            is_deny     ? ""
                            : is_varied ? terms
                                        : PICK(sessions),
                            more, is_allow && roll(10) == 0 ? ", purpose: {required: true}" : "",
                            roll(6) ? "" : ", mode: audit");
}

static struct policy *load_rules(int n)
{
    char *text = malloc(sizeof head + (size_t)n * RULE_BYTES);
    size_t at = sizeof head - 1;

    memcpy(text, head, sizeof head);
    for (int i = 0; i < n; i++)
        at += write_rule(text + at, i);
    struct doc_file file = {STR("test.yaml"), {text, at}};
    struct policy_load_in in = {.files = &file,
                                .n_files = 1,
                                .zone = fixture_zone,
                                .has_geoip = true,
                                .now_s = NOW_S - (int64_t)roll(3) * 200 * 86400};
    struct findings f;
    findings_init(&f);
    struct policy *p = policy_load(&in, &f);
    if (!p)
        findings_print(&f, stdout);
    findings_finish(&f);
    free(text);
    assert_non_null(p);
    return p;
}

/* ---- facts ---- */

struct world {
    struct policy_identity identity;
    struct policy_claim claims[2];
    struct policy_value items[2];
    struct policy_device_fact seen[8];
    struct policy_device device;
    struct policy_request request;
    struct policy_grant grants[4];
    struct policy_facts facts;
    str groups[3], amr[1];
    char ids[4][16];
};

static struct policy_value roll_value(struct world *w)
{
    static const char *const texts[] = {"1", "2", "x", "true"};
    static const enum policy_value_kind kinds[] = {POLICY_VALUE_TEXT, POLICY_VALUE_TEXT,
                                                   POLICY_VALUE_NUMBER, POLICY_VALUE_BOOL,
                                                   POLICY_VALUE_OTHER};
    struct policy_value v = {.kind = PICK(kinds), .text = str_of(PICK(texts))};

    if (roll(4))
        return v;
    w->items[0] = v;
    w->items[1] = (struct policy_value){.kind = POLICY_VALUE_TEXT, .text = STR("2")};
    return (struct policy_value){.kind = POLICY_VALUE_LIST, .items = w->items, .n = roll(3)};
}

static void roll_identity(struct world *w)
{
    static const char *const names[] = {"a", "b", "c", "ab", "x"}, *const acrs[] = {"gold", "tin"};
    static const char *const mails[] = {"kim@acme.example", "Bo@ACME.example", "x@y.example",
                                        "two@at@acme.example", "\xC3\xA5@acme.example"};
    static const char *const amrs[] = {"otp", "pwd"}, *const issuers[] = {"corp", "other"};

    for (int i = 0; i < 3; i++)
        w->groups[i] = str_of(PICK(names));
    w->amr[0] = str_of(PICK(amrs));
    w->claims[0] = (struct policy_claim){STR("c"), roll_value(w)};
    w->claims[1] = (struct policy_claim){
        STR("d"), {.kind = POLICY_VALUE_BOOL, .text = roll(2) ? STR("true") : STR("false")}};
    w->identity = (struct policy_identity){
        .issuer = STR("i"),
        .subject = STR("s"),
        .issuer_name = str_of(PICK(issuers)),
        .issuer_is_trusted = roll(4) == 0,
        .is_machine = roll(5) == 0,
        .service = roll(2) ? STR("ci") : STR("cd"),
        .email = roll(6) ? str_of(PICK(mails)) : (str){NULL, 0},
        .email_verified = (enum policy_tri)roll(3),
        .groups_known = roll(5) > 0,
        .groups = w->groups,
        .n_groups = roll(4),
        .claims = w->claims,
        .n_claims = roll(3),
        .amr_known = roll(3) > 0,
        .amr = w->amr,
        .n_amr = roll(2),
        .acr = roll(3) ? str_of(PICK(acrs)) : (str){NULL, 0},
        .mfa = (enum policy_tri)roll(3),
        .auth_time_s = roll(4) ? NOW_S - (int64_t)roll(7200) : 0,
        .login_s = roll(2) ? NOW_S - 60 : 0,
        .expires_s = roll(2) ? NOW_S + 900 : 0,
    };
}

static void roll_device(struct world *w)
{
    static const struct {
        const char *name, *value;
        enum policy_value_kind kind;
    } facts[] = {
        {"managed", "true", POLICY_VALUE_BOOL},        {"managed", "false", POLICY_VALUE_BOOL},
        {"disk_encrypted", "true", POLICY_VALUE_BOOL}, {"os", "macos", POLICY_VALUE_TEXT},
        {"os", "windows", POLICY_VALUE_TEXT},          {"os_version", "14.2", POLICY_VALUE_TEXT},
        {"os_version", "13", POLICY_VALUE_NUMBER},     {"fleet.team", "red", POLICY_VALUE_TEXT},
        {"fleet.team", "5", POLICY_VALUE_NUMBER},      {"managed", "yes", POLICY_VALUE_TEXT},
    };
    size_t n = roll(9);

    for (size_t i = 0; i < n; i++) {
        unsigned k = roll(sizeof facts / sizeof *facts);
        w->seen[i] = (struct policy_device_fact){
            .attribute = str_of(facts[k].name),
            .value = {.kind = facts[k].kind, .text = str_of(facts[k].value)},
            .source = roll(2) ? STR("mdm") : STR("edr"),
            .seen_s = NOW_S - (roll(4) ? roll(3600) : roll(100000)),
            .is_hint = roll(6) == 0,
        };
    }
    w->device = (struct policy_device){.id = STR("d"), .facts = w->seen, .n_facts = n};
}

static void roll_request(struct world *w, const struct policy *p)
{
    static const char *const methods[] = {
        "GET", "GET", "POST", "PUT", "MG", "NH", "PROPPATCH", "BASELINE-CONTROL", "get", "GETS"};
    static const char *const paths[] = {"/",
                                        "/a",
                                        "/a/",
                                        "/a/b",
                                        "/a/b/c",
                                        "/a//c",
                                        "/a/x/c/",
                                        "/a/x",
                                        "/b/b",
                                        "/a/q/d/e",
                                        "/A/B/C",
                                        "/pub",
                                        "/pub/x",
                                        "/a/%C3%A5",
                                        "/a/abc",
                                        "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
                                        "/z//c",
                                        "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/"
                                        "23/24/25/26/27/28/29/30/31/32/33/34"};
    static const char *const hosts[] = {"10.0.0.1",    "10.1.2.3",      "10.1.9.9",
                                        "192.0.2.1",   "2001:db8:1::5", "2001:db8:9::5",
                                        "2001:dead::1"};
    const struct policy_app *app = policy_app_at(p, roll(8) ? roll(2) : roll(4));

    w->request = (struct policy_request){
        .app = app,
        .protocol = app->protocol,
        .method = app->protocol == POLICY_HTTP ? str_of(PICK(methods)) : (str){NULL, 0},
        .path = app->protocol == POLICY_HTTP ? str_of(PICK(paths)) : (str){NULL, 0},
        .login = roll(2) ? STR("root") : STR("ops"),
        .country = roll(3) ? (roll(2) ? STR("SE") : STR("NO")) : (str){NULL, 0},
    };
    if (roll(5))
        addr_parse(str_of(PICK(hosts)), &w->request.from);
}

static void roll_grants(struct world *w, const struct policy *p)
{
    for (size_t i = 0; i < 4; i++) {
        const struct rule *rule = &p->rules[roll((unsigned)p->n_rules)];
        for (int tries = 0; tries < 60 && !rule->approval && !rule->break_glass; tries++)
            rule = &p->rules[roll((unsigned)p->n_rules)];
        w->grants[i] = (struct policy_grant){
            .kind = rule->approval ? POLICY_GRANT_APPROVAL : POLICY_GRANT_BREAK_GLASS,
            .rule = rule->id,
            .rule_digest = roll(8) ? rule->text_digest : STR("old"),
            .expires_s = NOW_S + (int64_t)roll(2000) - 300,
        };
    }
}

static void world_roll(struct world *w, const struct policy *p)
{
    memset(w, 0, sizeof *w);
    roll_identity(w);
    roll_device(w);
    roll_request(w, p);
    roll_grants(w, p);
    w->facts = (struct policy_facts){
        .identity = roll(12) ? &w->identity : NULL,
        .devices = &w->device,
        .n_devices = roll(4) > 0,
        .request = &w->request,
        .now_us = (NOW_S + (int64_t)roll(4) * 21600) * 1000000 + roll(1000000),
        .clock_is_good = roll(10) > 0,
        .grants = w->grants,
        .n_grants = roll(3) ? 0 : roll(5),
        .grants_unknown = roll(12) == 0,
        .purpose = roll(2) ? STR("work") : (str){NULL, 0},
    };
}

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

    world_roll(&w, p);
    decide_plainly(p, &w.facts, &plain);
    assert_decides_as(p, &w.facts, &plain, "compiled");
    assert_with_subject(p, &w, &plain, 0);
    assert_with_subject(p, &w, &plain, 1 + roll(5000));
    assert_with_subject(p, &w, &plain, -1);
    reasons[plain.reason]++;
}

static void decisions_are_those_of_the_rules(void **state)
{
    size_t reasons[POLICY_REASON_COUNT] = {0};

    for (int round = 0; round < ROUNDS; round++) {
        struct policy *p = load_rules(1 + (int)roll(round % 2 ? RULES : 4));
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
        is_varied = round >= 4;
        struct policy *p = load_rules(round < 6 ? 400 : 700);
        assert_true(p->compiled->n_row_words >= 4);
        for (int visit = 0; visit < 200; visit++)
            one_visit(p, reasons);
        policy_unref(&p);
    }
    is_varied = false;
}

static void a_subject_counts_for_its_own_alone(void **state)
{
    struct policy *p = load_rules(20), *q = load_rules(20);
    struct policy_decision plain;
    struct world w, other;

    for (int visit = 0; visit < 300; visit++) {
        world_roll(&w, p);
        world_roll(&other, p);
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
        cmocka_unit_test(a_subject_counts_for_its_own_alone),
        cmocka_unit_test(equal_needs_have_one_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
