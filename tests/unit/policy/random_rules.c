#include "random_rules.h"

#include <stdlib.h>

#include "policy/compiled.h"

enum { RULE_BYTES = 640 };

/* xorshift64: the same rules on every machine. */
static uint64_t seed = 0x243F6A8885A308D3u;

unsigned random_roll(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

#define PICK(list) (list)[random_roll(sizeof(list) / sizeof(list)[0])]

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

bool random_is_varied;

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
    const char *effect = random_roll(14) ? random_roll(7) ? "allow" : "require" : "deny",
               *need = PICK(needs), *more = "";
    bool is_allow = !strcmp(effect, "allow"), is_deny = !strcmp(effect, "deny");
    char to[400];

    while (!is_allow && !is_deny && !*need)
        need = PICK(needs);
    if (random_is_varied && random_roll(3))
        need = own_need(own, i);
    snprintf(terms, sizeof terms, ", session: {max: %dm}", 5 + i);
    snprintf(to, sizeof to, "{%s%s}", PICK(scopes), PICK(parts));
    if (is_allow)
        more = random_roll(8)   ? ""
               : random_roll(2) ? ", approval: {by: anyone, valid_for: 1h}"
                                : ", break_glass: {skips: [glass-0], reason_required: true, "
                                  "notify: [mail]}";
    else if (random_roll(4) == 0)
        more = ", on_missing: ignore";
    return (size_t)snprintf(
        out, RULE_BYTES,
        "  - {id: r%d, title: Rule %d, owner: o%d@x.example, effect: %s, who: %s, to: "
        "%s%s%s%s%s%s%s}\n",
        i, i, i % 5, effect, PICK(whos), is_allow || random_roll(6) ? to : "everything", need,
        PICK(lives),
        is_deny            ? ""
        : random_is_varied ? terms
                           : PICK(sessions),
        more, is_allow && random_roll(10) == 0 ? ", purpose: {required: true}" : "",
        random_roll(6) ? "" : ", mode: audit");
}

struct policy *random_rules(int n)
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
                                .now_s = RANDOM_NOW_S - (int64_t)random_roll(3) * 200 * 86400};
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

static struct policy_value roll_value(struct world *w)
{
    static const char *const texts[] = {"1", "2", "x", "true"};
    static const enum policy_value_kind kinds[] = {POLICY_VALUE_TEXT, POLICY_VALUE_TEXT,
                                                   POLICY_VALUE_NUMBER, POLICY_VALUE_BOOL,
                                                   POLICY_VALUE_OTHER};
    struct policy_value v = {.kind = PICK(kinds), .text = str_of(PICK(texts))};

    if (random_roll(4))
        return v;
    w->items[0] = v;
    w->items[1] = (struct policy_value){.kind = POLICY_VALUE_TEXT, .text = STR("2")};
    return (struct policy_value){.kind = POLICY_VALUE_LIST, .items = w->items, .n = random_roll(3)};
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
        STR("d"), {.kind = POLICY_VALUE_BOOL, .text = random_roll(2) ? STR("true") : STR("false")}};
    w->identity = (struct policy_identity){
        .issuer = STR("i"),
        .subject = STR("s"),
        .issuer_name = str_of(PICK(issuers)),
        .issuer_is_trusted = random_roll(4) == 0,
        .is_machine = random_roll(5) == 0,
        .service = random_roll(2) ? STR("ci") : STR("cd"),
        .email = random_roll(6) ? str_of(PICK(mails)) : (str){NULL, 0},
        .email_verified = (enum policy_tri)random_roll(3),
        .groups_known = random_roll(5) > 0,
        .groups = w->groups,
        .n_groups = random_roll(4),
        .claims = w->claims,
        .n_claims = random_roll(3),
        .amr_known = random_roll(3) > 0,
        .amr = w->amr,
        .n_amr = random_roll(2),
        .acr = random_roll(3) ? str_of(PICK(acrs)) : (str){NULL, 0},
        .mfa = (enum policy_tri)random_roll(3),
        .auth_time_s = random_roll(4) ? RANDOM_NOW_S - (int64_t)random_roll(7200) : 0,
        .login_s = random_roll(2) ? RANDOM_NOW_S - 60 : 0,
        .expires_s = random_roll(2) ? RANDOM_NOW_S + 900 : 0,
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
    size_t n = random_roll(9);

    for (size_t i = 0; i < n; i++) {
        unsigned k = random_roll(sizeof facts / sizeof *facts);
        w->seen[i] = (struct policy_device_fact){
            .attribute = str_of(facts[k].name),
            .value = {.kind = facts[k].kind, .text = str_of(facts[k].value)},
            .source = random_roll(2) ? STR("mdm") : STR("edr"),
            .seen_s = RANDOM_NOW_S - (random_roll(4) ? random_roll(3600) : random_roll(100000)),
            .is_hint = random_roll(6) == 0,
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
    const struct policy_app *app =
        policy_app_at(p, random_roll(8) ? random_roll(2) : random_roll(4));

    w->request = (struct policy_request){
        .app = app,
        .protocol = app->protocol,
        .method = app->protocol == POLICY_HTTP ? str_of(PICK(methods)) : (str){NULL, 0},
        .path = app->protocol == POLICY_HTTP ? str_of(PICK(paths)) : (str){NULL, 0},
        .login = random_roll(2) ? STR("root") : STR("ops"),
        .country = random_roll(3) ? (random_roll(2) ? STR("SE") : STR("NO")) : (str){NULL, 0},
    };
    if (random_roll(5))
        addr_parse(str_of(PICK(hosts)), &w->request.from);
}

/* Of what is kept: the facts outlive the source. */
static void roll_grants(struct world *w, const struct policy *p)
{
    const struct compiled *c = p->compiled;

    for (size_t i = 0; i < 4; i++) {
        const struct clause *clause = &c->clauses[random_roll((unsigned)p->n_rules)];
        for (int tries = 0; tries < 60 && !(clause->flags & (CLAUSE_APPROVAL | CLAUSE_BREAK_GLASS));
             tries++)
            clause = &c->clauses[random_roll((unsigned)p->n_rules)];
        w->grants[i] = (struct policy_grant){
            .kind =
                clause->flags & CLAUSE_APPROVAL ? POLICY_GRANT_APPROVAL : POLICY_GRANT_BREAK_GLASS,
            .rule = clause->id,
            .rule_digest = random_roll(8) ? policy_rule_digest(p, clause->id) : STR("old"),
            .expires_s = RANDOM_NOW_S + (int64_t)random_roll(2000) - 300,
        };
    }
}

void random_world(struct world *w, const struct policy *p)
{
    memset(w, 0, sizeof *w);
    roll_identity(w);
    roll_device(w);
    roll_request(w, p);
    roll_grants(w, p);
    w->facts = (struct policy_facts){
        .identity = random_roll(12) ? &w->identity : NULL,
        .devices = &w->device,
        .n_devices = random_roll(4) > 0,
        .request = &w->request,
        .now_us = (RANDOM_NOW_S + (int64_t)random_roll(4) * 21600) * 1000000 + random_roll(1000000),
        .clock_is_good = random_roll(10) > 0,
        .grants = w->grants,
        .n_grants = random_roll(3) ? 0 : random_roll(5),
        .grants_unknown = random_roll(12) == 0,
        .purpose = random_roll(2) ? STR("work") : (str){NULL, 0},
    };
}
