/* Every atom in three values: one rule, one set of facts, one letter. */
#include "fixture.h"

#include "policy/eval.h"

enum { NOW_S = 1795600000 /* 2026-11-25T... UTC */ };

#define TEXT(s)                                                                                    \
    {                                                                                              \
        .kind = POLICY_VALUE_TEXT, .text = { s, sizeof(s) - 1 }                                    \
    }
#define NUMBER(s)                                                                                  \
    {                                                                                              \
        .kind = POLICY_VALUE_NUMBER, .text = { s, sizeof(s) - 1 }                                  \
    }
#define BOOL(s)                                                                                    \
    {                                                                                              \
        .kind = POLICY_VALUE_BOOL, .text = { s, sizeof(s) - 1 }                                    \
    }
#define LIST(items_)                                                                               \
    {                                                                                              \
        .kind = POLICY_VALUE_LIST, .items = items_, .n = sizeof(items_) / sizeof(items_)[0]        \
    }
#define S(s)                                                                                       \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

static const struct policy_value teams[] = {TEXT("red"), TEXT("blue")};
static const struct policy_value odd_list[] = {TEXT("red"), {.kind = POLICY_VALUE_OTHER}};
static const struct policy_claim claims[] = {{S("company"), TEXT("Acme")},
                                             {S("level"), NUMBER("5")},
                                             {S("staff"), BOOL("true")},
                                             {S("teams"), LIST(teams)},
                                             {S("mixed"), LIST(odd_list)},
                                             {S("object"), {.kind = POLICY_VALUE_OTHER}},
                                             {S("none"), {.kind = POLICY_VALUE_LIST}}};
static const str groups[] = {S("admins"), S("ops")};
static const str amr[] = {S("pwd"), S("otp")};

#define HUMAN                                                                                      \
    .issuer = S("https://corp"), .issuer_name = S("corp"), .subject = S("1"),                      \
    .email = S("Kim@Acme.example"), .email_verified = POLICY_TRUE, .groups_known = true,           \
    .groups = groups, .n_groups = 2, .claims = claims, .n_claims = 7, .amr_known = true,           \
    .amr = amr, .n_amr = 2, .acr = S("gold"), .mfa = POLICY_TRUE, .auth_time_s = NOW_S - 600

static const struct policy_identity kim = {HUMAN};
static const struct policy_identity unverified = {.email = S("kim@acme.example"),
                                                  .subject = S("2"),
                                                  .issuer_name = S("corp"),
                                                  .mfa = POLICY_UNKNOWN};
static const struct policy_identity trusted = {.email = S("kim@acme.example"),
                                               .issuer_is_trusted = true,
                                               .mfa = POLICY_FALSE,
                                               .groups_known = true};
static const struct policy_identity two_ats = {.email = S("kim@evil@acme.example"),
                                               .email_verified = POLICY_TRUE};
static const struct policy_identity robot = {
    .is_machine = true, .service = S("ci"), .groups_known = true, .mfa = POLICY_UNKNOWN};

struct who_row {
    const char *who;
    const struct policy_identity *id;
    enum policy_tri want;
};

#define T POLICY_TRUE
#define F POLICY_FALSE
#define U POLICY_UNKNOWN

static const struct who_row who_rows[] = {
    {"anyone", &kim, T},
    {"anyone", &robot, T},
    {"{kind: human}", &kim, T},
    {"{kind: machine}", &kim, F},
    {"{kind: human}", &robot, F},
    {"{kind: machine}", &robot, T},
    {"{users: [kim@acme.example]}", &kim, T},
    {"{users: [KIM@acme.example]}", &kim, T},
    {"{users: [bo@acme.example]}", &kim, F},
    {"{users: [kim@acme.example]}", &unverified, U},
    {"{users: [bo@acme.example]}", &unverified, U},
    {"{users: [kim@acme.example]}", &trusted, T},
    {"{users: [kim@acme.example]}", &robot, F},
    {"{domains: [acme.example]}", &kim, T},
    {"{domains: [example]}", &kim, F},
    {"{domains: [cme.example]}", &kim, F},
    {"{domains: [acme.example]}", &unverified, U},
    {"{domains: [acme.example]}", &two_ats, U},
    {"{domains: [acme.example]}", &robot, F},
    {"{groups: [admins]}", &kim, T},
    {"{groups: [Admins]}", &kim, F},
    {"{groups: [admin]}", &kim, F},
    {"{groups: [staff]}", &kim, T}, /* an alias */
    {"{groups: {all: [admins, ops]}}", &kim, T},
    {"{groups: {all: [admins, x]}}", &kim, F},
    {"{groups: {none: [x]}}", &kim, T},
    {"{groups: {any: [admins], none: [ops]}}", &kim, F},
    {"{groups: [admins]}", &unverified, U},
    {"{groups: {none: [admins]}}", &unverified, U},
    {"{groups: {none: [admins]}}", &robot, T},
    {"{services: [ci]}", &robot, T},
    {"{services: [cd]}", &robot, F},
    {"{services: [ci]}", &kim, F},
    {"{claims: {company: [Acme]}}", &kim, T},
    {"{claims: {company: [acme]}}", &kim, F},
    {"{claims: {company: [Other, Acme]}}", &kim, T},
    {"{claims: {absent: [x]}}", &kim, U},
    {"{claims: {absent: {none: [x]}}}", &kim, U},
    {"{claims: {level: [5]}}", &kim, T},
    {"{claims: {level: [6]}}", &kim, F},
    {"{claims: {level: [\"5\"]}}", &kim, U},
    {"{claims: {level: {none: [\"5\"]}}}", &kim, U},
    {"{claims: {staff: [true]}}", &kim, T},
    {"{claims: {staff: [\"true\"]}}", &kim, U},
    {"{claims: {teams: [blue]}}", &kim, T},
    {"{claims: {teams: [green]}}", &kim, F},
    {"{claims: {teams: {all: [red, blue]}}}", &kim, T},
    {"{claims: {teams: {none: [red]}}}", &kim, F},
    {"{claims: {mixed: [red]}}", &kim, T},
    {"{claims: {mixed: [green]}}", &kim, U},
    {"{claims: {object: [x]}}", &kim, U},
    {"{claims: {none: [x]}}", &kim, F},
    {"{claims: {none: {none: [x]}}}", &kim, T},
    {"{claims: {company: [Acme], absent: [x]}}", &kim, U},
    {"{claims: {company: [No], absent: [x]}}", &kim, F},
    {"{any: [{users: [bo@x.example]}, {groups: [ops]}]}", &kim, T},
    {"{any: [{users: [bo@x.example]}, {claims: {absent: [x]}}]}", &kim, U},
    {"{any: [{groups: [ops]}, {claims: {absent: [x]}}]}", &kim, T},
    {"{all: [{groups: [ops]}, {claims: {absent: [x]}}]}", &kim, U},
    {"{all: [{groups: [no]}, {claims: {absent: [x]}}]}", &kim, F},
    {"{kind: human, groups: [ops]}", &kim, T},
};

static const char head[] =
    "version: 1\n"
    "define:\n"
    "  groups: {staff: [admins, others]}\n"
    "  networks: {office: [192.0.2.0/24, \"2001:db8::/32\"]}\n"
    "  schedules: {always: {days: [mon, tue, wed, thu, fri, sat, sun], hours: [\"00:00-24:00\"]},\n"
    "              never: {days: [mon], hours: [\"00:00-00:01\"]}}\n"
    "apps:\n"
    "  - {name: web, host: web.example, upstream: \"http://10.0.0.1\", labels: {env: prod}}\n"
    "  - {name: loose, host: loose.example, upstream: \"http://10.0.0.1\", path_case: "
    "insensitive}\n"
    "  - {name: box, host: box.example, upstream: \"ssh://10.0.0.2:22\", logins: [root, deploy]}\n"
    "rules:\n";

static struct policy *load_rule(const char *rule)
{
    char text[8192];

    snprintf(text, sizeof text, "%s  - {id: r, %s}\n", head, rule);
    return fixture_load(text);
}

static struct policy_request request_of(const struct policy *p, const char *app, const char *method,
                                        const char *path)
{
    struct policy_request r = {
        .app = policy_app_named(p, str_of(app)), .method = str_of(method), .path = str_of(path)};

    assert_non_null(r.app);
    r.protocol = r.app->protocol;
    return r;
}

static enum policy_tri value_of_part(const struct policy *p, const struct policy_facts *facts,
                                     enum policy_part part)
{
    struct policy_explanation ex;
    struct arena a;

    arena_init(&a, NULL, 0);
    policy_explain(p, facts, &a, &ex);
    assert_int_equal(ex.n_rules, 1);
    enum policy_tri value = ex.rules[0].value[part];
    arena_finish(&a);
    return value;
}

static void who_is_as_the_table_says(void **state)
{
    for (size_t i = 0; i < sizeof who_rows / sizeof *who_rows; i++) {
        const struct who_row *row = &who_rows[i];
        char rule[512];
        snprintf(rule, sizeof rule, "effect: allow, who: %s, to: {apps: [web]}", row->who);
        struct policy *p = load_rule(rule);
        struct policy_request request = request_of(p, "web", "GET", "/");
        struct policy_facts facts = {.identity = row->id,
                                     .request = &request,
                                     .now_us = NOW_S * 1000000LL,
                                     .clock_is_good = true};
        enum policy_tri got = value_of_part(p, &facts, POLICY_PART_WHO);
        if (got != row->want)
            print_error("row %zu: %s gives %d, not %d\n", i, row->who, got, row->want);
        assert_int_equal(got, row->want);
        policy_unref(&p);
    }
}

struct to_row {
    const char *to, *app, *method, *path, *login;
    enum policy_tri want;
};

static const struct to_row to_rows[] = {
    {"{apps: [web]}", "web", "GET", "/", "", T},
    {"{labels: {env: prod}, methods: [GET]}", "web", "GET", "/", "", T},
    {"{apps: [web], methods: [GET]}", "web", "POST", "/", "", F},
    {"{apps: [web], methods: [GET]}", "web", "get", "/", "", F},
    {"{apps: [web], methods: [GET, POST], paths: [/a/**]}", "web", "POST", "/a/b", "", T},
    {"{apps: [web], paths: [/a/**]}", "web", "GET", "/b", "", F},
    {"{apps: [web], paths: [/a]}", "web", "GET", "/A", "", F},
    {"{apps: [loose], paths: [/a]}", "loose", "GET", "/A", "", T},
    {"{apps: [web], paths: [/a/**], except: [/a/x]}", "web", "GET", "/a/b", "", T},
    {"{apps: [web], paths: [/a/**], except: [/a/x]}", "web", "GET", "/a/x", "", F},
    {"{apps: [web], paths: [/a/**], except: [/a/x]}", "web", "GET", "/a/x/", "", F},
    {"{apps: [web], except: [/a/x/**]}", "web", "GET", "/b", "", T},
    {"{apps: [web], paths_regex: ['/a/[0-9]+']}", "web", "GET", "/a/42", "", T},
    {"{apps: [web], paths_regex: ['/a/[0-9]+']}", "web", "GET", "/a/42/", "", F},
    {"{apps: [web], paths_regex: ['/a/[0-9]+']}", "web", "GET", "/x/a/42", "", F},
    {"{apps: [web], paths_regex: ['/a', '/b']}", "web", "GET", "/b", "", T},
    {"{apps: [web], paths_regex: ['/b']}", "web", "GET", "/B", "", F},
    {"{apps: [loose], paths_regex: ['/b']}", "loose", "GET", "/B", "", T},
    {"{apps: [web], paths_regex: ['/(a|aa|b)*(aa|a)*(a|b)*c']}", "web", "GET",
     "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacb", "", U},
    {"{apps: [web], paths: [/**]}", "web", "GET", "/", "", T},
    {"{apps: [box]}", "box", "", "", "root", T},
    {"{apps: [box], logins: [root]}", "box", "", "", "root", T},
    {"{apps: [box], logins: [root]}", "box", "", "", "deploy", F},
    {"{apps: [web, box], logins: [root]}", "web", "GET", "/", "", F},
    {"{apps: [web, box], methods: [GET]}", "box", "", "", "root", F},
    {"{apps: [web, box], paths: [/**]}", "box", "", "", "root", F},
    {"{apps: [web, box], except: [/x]}", "box", "", "", "root", F},
    {"{apps: [web, box], paths_regex: ['.*']}", "box", "", "", "root", F},
};

static void to_is_as_the_table_says(void **state)
{
    for (size_t i = 0; i < sizeof to_rows / sizeof *to_rows; i++) {
        const struct to_row *row = &to_rows[i];
        char rule[512];
        snprintf(rule, sizeof rule, "effect: allow, who: anyone, to: %s", row->to);
        struct policy *p = load_rule(rule);
        struct policy_request request = request_of(p, row->app, row->method, row->path);
        request.login = str_of(row->login);
        struct policy_facts facts = {.identity = &kim,
                                     .request = &request,
                                     .now_us = NOW_S * 1000000LL,
                                     .clock_is_good = true};
        enum policy_tri got = value_of_part(p, &facts, POLICY_PART_TO);
        if (got != row->want)
            print_error("row %zu: %s gives %d, not %d\n", i, row->to, got, row->want);
        assert_int_equal(got, row->want);
        policy_unref(&p);
    }
}

struct need_row {
    const char *need;
    enum policy_part part;
    const struct policy_identity *id;
    const char *from, *country;
    bool bad_clock;
    enum policy_tri want;
};

static const struct policy_identity old_login = {.auth_time_s = NOW_S - 3601, .mfa = POLICY_TRUE};
static const struct policy_identity hour_login = {.auth_time_s = NOW_S - 3600, .mfa = POLICY_TRUE};
static const struct policy_identity no_factor = {.auth_time_s = NOW_S - 1, .mfa = POLICY_FALSE};
static const struct policy_identity no_time = {.mfa = POLICY_TRUE};

#define AUTH(need, id, want)                                                                       \
    {                                                                                              \
        "auth: {" need "}", POLICY_PART_AUTH, id, NULL, NULL, false, want                          \
    }
#define FROM(need, from, country, want)                                                            \
    {                                                                                              \
        "from: {" need "}", POLICY_PART_FROM, &kim, from, country, false, want                     \
    }

static const struct need_row need_rows[] = {
    AUTH("mfa: true", &kim, T),
    AUTH("mfa: true", &unverified, U),
    AUTH("mfa: true", &trusted, F),
    AUTH("mfa_within: 1h", &hour_login, T),
    AUTH("mfa_within: 1h", &old_login, F),
    AUTH("mfa_within: 1h", &no_factor, F),
    AUTH("mfa_within: 1h", &no_time, U),
    AUTH("login_within: 1h", &hour_login, T),
    AUTH("login_within: 1h", &old_login, F),
    AUTH("login_within: 1h", &no_time, U),
    AUTH("methods: [otp]", &kim, T),
    AUTH("methods: [hwk]", &kim, F),
    AUTH("methods: [otp]", &unverified, U),
    AUTH("acr: [gold, silver]", &kim, T),
    AUTH("acr: [silver]", &kim, F),
    AUTH("acr: [gold]", &unverified, U),
    AUTH("issuers: [corp]", &kim, T),
    AUTH("issuers: [other]", &kim, F),
    AUTH("mfa: true, acr: [silver]", &unverified, U),
    AUTH("mfa: true, issuers: [other]", &unverified, F),
    {"auth: {login_within: 1h}", POLICY_PART_AUTH, &hour_login, NULL, NULL, true, U},
    FROM("networks: [office]", "192.0.2.9", NULL, T),
    FROM("networks: [office]", "2001:db8::1", NULL, T),
    FROM("networks: [office]", "::ffff:192.0.2.9", NULL, T),
    FROM("networks: [office]", "192.0.3.9", NULL, F),
    FROM("networks: [office]", NULL, NULL, U),
    FROM("not_networks: [office]", "192.0.2.9", NULL, F),
    FROM("not_networks: [office]", "192.0.3.9", NULL, T),
    FROM("not_networks: [office]", NULL, NULL, U),
    FROM("networks: [10.0.0.1]", "10.0.0.1", NULL, T),
    FROM("networks: [10.0.0.1]", "10.0.0.2", NULL, F),
    FROM("countries: [SE, NO]", NULL, "SE", T),
    FROM("countries: [SE, NO]", NULL, "DK", F),
    FROM("countries: [SE, NO]", NULL, NULL, U),
    FROM("not_countries: [SE]", NULL, "SE", F),
    FROM("not_countries: [SE]", NULL, NULL, U),
    FROM("networks: [office], countries: [SE]", "192.0.3.9", NULL, F),
    {"when: always", POLICY_PART_WHEN, &kim, NULL, NULL, false, T},
    {"when: never", POLICY_PART_WHEN, &kim, NULL, NULL, false, F},
    {"when: [never, always]", POLICY_PART_WHEN, &kim, NULL, NULL, false, T},
    {"when: always", POLICY_PART_WHEN, &kim, NULL, NULL, true, U},
    {"when: never", POLICY_PART_WHEN, &kim, NULL, NULL, true, U},
    {"approval: {by: anyone, valid_for: 1h}", POLICY_PART_APPROVAL, &kim, NULL, NULL, false, F},
    {"purpose: {required: true}", POLICY_PART_PURPOSE, &kim, NULL, NULL, false, F},
};

static void needs_are_as_the_table_says(void **state)
{
    for (size_t i = 0; i < sizeof need_rows / sizeof *need_rows; i++) {
        const struct need_row *row = &need_rows[i];
        char rule[512];
        snprintf(rule, sizeof rule, "effect: allow, who: anyone, to: {apps: [web]}, %s", row->need);
        struct policy *p = load_rule(rule);
        struct policy_request request = request_of(p, "web", "GET", "/");
        if (row->from)
            assert_true(addr_parse(str_of(row->from), &request.from));
        request.country = str_of(row->country);
        struct policy_facts facts = {.identity = row->id,
                                     .request = &request,
                                     .now_us = NOW_S * 1000000LL,
                                     .clock_is_good = !row->bad_clock};
        enum policy_tri got = value_of_part(p, &facts, row->part);
        if (got != row->want)
            print_error("row %zu: %s gives %d, not %d\n", i, row->need, got, row->want);
        assert_int_equal(got, row->want);
        policy_unref(&p);
    }
}

/* ---- device ---- */

#define FACT(name, value_)                                                                         \
    {                                                                                              \
        .attribute = S(name), .value = value_, .source = S("fleet"), .seen_s = NOW_S - 60          \
    }
#define FROM_SOURCE(name, value_, source_, age)                                                    \
    {                                                                                              \
        .attribute = S(name), .value = value_, .source = S(source_), .seen_s = NOW_S - (age)       \
    }
#define HINT(name, value_)                                                                         \
    {                                                                                              \
        .attribute = S(name), .value = value_, .source = S("hint"), .seen_s = NOW_S,               \
        .is_hint = true                                                                            \
    }

struct device_row {
    const char *device;
    struct policy_device_fact facts[4];
    enum policy_tri want, want_in_deny;
    const char *cause; /* in an allow; NULL: none */
};

static const struct device_row device_rows[] = {
    {"{managed: true}", {{{0}}}, U, U, "device:missing"},
    {"{managed: true}", {FACT("managed", BOOL("true"))}, T, T, NULL},
    {"{managed: true}", {FACT("managed", BOOL("false"))}, F, F, "device.managed"},
    {"{jailbroken: false}", {FACT("jailbroken", BOOL("false"))}, T, T, NULL},
    {"{jailbroken: false}", {FACT("jailbroken", BOOL("true"))}, F, F, "device.jailbroken"},
    {"{managed: true}", {FACT("firewall", BOOL("true"))}, U, U, "device.managed:missing"},
    {"{managed: true}", {FACT("managed", TEXT("true"))}, U, U, "type-error"},
    {"{managed: true}", {FROM_SOURCE("managed", BOOL("true"), "a", 86400)}, T, T, NULL},
    {"{managed: true}", {FROM_SOURCE("managed", BOOL("true"), "a", 86401)}, U, U, "device:stale"},
    {"{managed: true, seen_within: 1h}",
     {FROM_SOURCE("managed", BOOL("true"), "a", 3600)},
     T,
     T,
     NULL},
    {"{managed: true, seen_within: 1h}",
     {FROM_SOURCE("managed", BOOL("true"), "a", 3601)},
     U,
     U,
     "device:stale"},
    {"{managed: true}",
     {FROM_SOURCE("managed", BOOL("true"), "a", 1), FROM_SOURCE("managed", BOOL("false"), "b", 1)},
     U,
     U,
     "device:conflict"},
    {"{managed: true}",
     {FROM_SOURCE("managed", BOOL("true"), "a", 1),
      FROM_SOURCE("managed", BOOL("false"), "b", 90000)},
     T,
     T,
     NULL},
    {"{managed: true, sources: [a]}",
     {FROM_SOURCE("managed", BOOL("true"), "a", 1), FROM_SOURCE("managed", BOOL("false"), "b", 1)},
     T,
     T,
     NULL},
    {"{managed: true, sources: [c]}",
     {FROM_SOURCE("managed", BOOL("true"), "a", 1)},
     U,
     U,
     "device:missing"},
    {"{sources: [a]}", {FROM_SOURCE("managed", BOOL("true"), "a", 1)}, T, T, NULL},
    {"{sources: [b]}", {FROM_SOURCE("managed", BOOL("true"), "a", 1)}, U, U, "device:missing"},
    {"{os: [macos]}", {FACT("os", TEXT("macos"))}, T, T, NULL},
    {"{os: [macos]}", {FACT("os", TEXT("windows"))}, F, F, "device.os"},
    {"{min_os_version: {macos: \"14.9\"}}",
     {FACT("os", TEXT("macos")), FACT("os_version", TEXT("14.10"))},
     T,
     T,
     NULL},
    {"{min_os_version: {macos: \"14.10\"}}",
     {FACT("os", TEXT("macos")), FACT("os_version", NUMBER("14.9"))},
     F,
     F,
     "device.os_version"},
    {"{min_os_version: {macos: \"14\"}}",
     {FACT("os", TEXT("macos")), FACT("os_version", TEXT("14.0"))},
     T,
     T,
     NULL},
    {"{min_os_version: {macos: \"14\"}}",
     {FACT("os", TEXT("windows")), FACT("os_version", TEXT("99"))},
     F,
     F,
     "device.os_version"},
    {"{min_os_version: {macos: \"14\"}}",
     {FACT("os", TEXT("macos")), FACT("os_version", TEXT("14b"))},
     U,
     U,
     "type-error"},
    {"{min_os_version: {macos: \"14\"}}",
     {FACT("os", TEXT("macos"))},
     U,
     U,
     "device.os_version:missing"},
    {"{min_os_version: {macos: \"14\"}}",
     {FACT("os_version", TEXT("15"))},
     U,
     U,
     "device.os_version:missing"},
    {"{min_os_version: {macos: \"14\"}}",
     {FACT("os", TEXT("macos")), FROM_SOURCE("os_version", TEXT("14"), "a", 1),
      FROM_SOURCE("os_version", TEXT("14.0"), "b", 1)},
     T,
     T,
     NULL},
    {"{min_browser_version: {chrome: \"120\"}}",
     {FACT("browser", TEXT("chrome")), FACT("browser_version", TEXT("119.9"))},
     F,
     F,
     "device.browser_version"},
    {"{min_patch_level: 2026-10-01}", {FACT("patch_level", TEXT("2026-10-01"))}, T, T, NULL},
    {"{min_patch_level: 2026-10-01}",
     {FACT("patch_level", TEXT("2026-09-30"))},
     F,
     F,
     "device.patch_level"},
    {"{min_patch_level: 2026-10-01}", {FACT("patch_level", TEXT("soon"))}, U, U, "type-error"},
    {"{max_risk: 20}", {FACT("risk", NUMBER("20"))}, T, T, NULL},
    {"{max_risk: 20}", {FACT("risk", NUMBER("20.1"))}, F, F, "device.risk"},
    {"{max_risk: 20}", {FACT("risk", NUMBER("20.0"))}, T, T, NULL},
    {"{max_risk: 20}", {FACT("risk", TEXT("low"))}, U, U, "type-error"},
    {"{max_risk: 20}", {FACT("risk", NUMBER("-1"))}, U, U, "type-error"},
    {"{ownership: [company]}", {FACT("ownership", TEXT("company"))}, T, T, NULL},
    {"{ownership: [company]}", {FACT("ownership", TEXT("personal"))}, F, F, "device.ownership"},
    {"{key_protection: [hardware]}",
     {FACT("key_protection", TEXT("software"))},
     F,
     F,
     "device.key_protection"},
    {"{attributes: {fleet.team: [blue, red]}}", {FACT("fleet.team", TEXT("red"))}, T, T, NULL},
    {"{attributes: {fleet.team: blue}}",
     {FACT("fleet.team", TEXT("red"))},
     F,
     F,
     "device.fleet.team"},
    {"{attributes: {fleet.seats: 4}}", {FACT("fleet.seats", NUMBER("4"))}, T, T, NULL},
    {"{managed: true, firewall: true}",
     {FACT("managed", BOOL("false"))},
     F,
     F,
     "device.firewall:missing"},
    /* A hint makes an atom of a deny true, never false, and counts nowhere else. */
    {"{os: [android]}", {HINT("os", TEXT("android"))}, U, T, "device:missing"},
    {"{os: [android]}", {HINT("os", TEXT("ios"))}, U, U, "device:missing"},
    {"{os: [android]}", {FACT("os", TEXT("ios")), HINT("os", TEXT("android"))}, F, T, "device.os"},
    {"{os: [android]}", {FACT("os", TEXT("android")), HINT("os", TEXT("ios"))}, T, T, NULL},
};

static size_t count_facts(const struct device_row *row)
{
    size_t n = 0;

    while (n < 4 && row->facts[n].attribute.n)
        n++;
    return n;
}

static bool has_cause(const struct policy_explained_rule *rule, const char *code)
{
    for (size_t i = 0; i < rule->n_causes; i++)
        if (str_eq(rule->causes[i], str_of(code)))
            return true;
    return false;
}

static void check_device(const struct device_row *row, size_t i, bool is_deny)
{
    struct policy_explanation ex;
    struct arena a;
    char rule[512];

    snprintf(rule, sizeof rule, "effect: %s, who: anyone, to: {apps: [web]}, device: %s",
             is_deny ? "deny" : "allow", row->device);
    struct policy *p = load_rule(rule);
    struct policy_request request = request_of(p, "web", "GET", "/");
    struct policy_device device = {
        .id = STR("d"), .facts = row->facts, .n_facts = count_facts(row)};
    struct policy_facts facts = {.identity = &kim,
                                 .devices = &device,
                                 .n_devices = device.n_facts > 0,
                                 .request = &request,
                                 .now_us = NOW_S * 1000000LL,
                                 .clock_is_good = true};
    arena_init(&a, NULL, 0);
    policy_explain(p, &facts, &a, &ex);
    enum policy_tri got = ex.rules[0].value[POLICY_PART_DEVICE];
    enum policy_tri want = is_deny ? row->want_in_deny : row->want;
    bool is_good =
        got == want &&
        (is_deny || (row->cause ? has_cause(&ex.rules[0], row->cause) : ex.rules[0].n_causes == 0));
    if (!is_good) {
        print_error("row %zu (%s): %s gives %d, not %d; causes:", i, is_deny ? "deny" : "allow",
                    row->device, got, want);
        for (size_t k = 0; k < ex.rules[0].n_causes; k++)
            print_error(" %.*s", STR_ARG(ex.rules[0].causes[k]));
        print_error("\n");
    }
    assert_true(is_good);

    /* Ages mean nothing to a clock that cannot be trusted. */
    facts.clock_is_good = false;
    policy_explain(p, &facts, &a, &ex);
    if (!is_deny)
        assert_int_not_equal(ex.rules[0].value[POLICY_PART_DEVICE], T);
    arena_finish(&a);
    policy_unref(&p);
}

static void devices_are_as_the_table_says(void **state)
{
    for (size_t i = 0; i < sizeof device_rows / sizeof *device_rows; i++) {
        check_device(&device_rows[i], i, false);
        check_device(&device_rows[i], i, true);
    }
}

/* What there is no room for is dropped; the last note stays the one that it was. */
static void a_full_trace_keeps_its_notes(void **state)
{
    char text[4096];
    size_t n = (size_t)snprintf(text, sizeof text,
                                "version: 1\nrules:\n  - {id: r, effect: deny, who: anyone, to: "
                                "everything, device: {attributes: {");
    for (int i = 0; i < TRACE_MAX_NOTES + 4; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%smdm.a%d: x", i ? ", " : "", i);
    snprintf(text + n, sizeof text - n, "}}}\n");
    struct policy *p = fixture_load(text);
    struct policy_device_fact fact = {.attribute = STR("managed"), .source = STR("mdm")};
    struct policy_device device = {.facts = &fact, .n_facts = 1};
    struct policy_facts facts = {.devices = &device, .n_devices = 1, .clock_is_good = true};
    struct trace *trace = arena_new(&p->arena, struct trace);
    struct eval e;
    trace->arena = &p->arena;
    eval_init(&e, p, &facts, NULL);
    e.trace = trace;
    e.clause = &p->compiled->clauses[0];
    assert_int_equal(atom_device(&e, p->rules[0].device), POLICY_UNKNOWN);
    assert_int_equal(trace->n, TRACE_MAX_NOTES);
    for (size_t i = 0; i < trace->n; i++) {
        str want =
            arena_printf(&p->arena, "device.%.*s:missing", STR_ARG(trace->notes[i].attribute));
        assert_true(str_eq(trace->notes[i].code, want));
    }
    policy_unref(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_as_the_table_says),
        cmocka_unit_test(to_is_as_the_table_says),
        cmocka_unit_test(needs_are_as_the_table_says),
        cmocka_unit_test(devices_are_as_the_table_says),
        cmocka_unit_test(a_full_trace_keeps_its_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
