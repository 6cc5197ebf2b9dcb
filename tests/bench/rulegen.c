#include "rulegen.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { GROUPS = 200, COMPANIES = 50, USERS = 500, SCHEDULES = 6, DEVICES = 8, NETWORKS = 10 };

static const char *const areas[] = {
    "inventory", "orders", "stock", "reports",  "admin",  "billing", "suppliers", "shipments",
    "dashboard", "users",  "audit", "settings", "labels", "returns", "prices",    "search"};
static const char *const leaves[] = {"list", "detail",  "export",  "today", "weekly", "archive",
                                     "edit", "history", "summary", "print", "draft",  "review"};
static const char *const method_texts[] = {"GET", "GET, POST", "GET, POST, PUT", "POST, DELETE"};
static const char *const device_texts[DEVICES] = {
    "{managed: true}",
    "{managed: true, disk_encrypted: true}",
    "{managed: true, disk_encrypted: true, firewall: true, min_os_version: {macos: \"14\"}}",
    "{disk_encrypted: true, os: [macos, windows]}",
    "{compliant: true, seen_within: 12h}",
    "{managed: true, max_risk: 40}",
    "{edr_running: true, sources: [mdm]}",
    "{ownership: [company], screen_lock: true}",
};
static const char *const device_cedar[DEVICES] = {
    "context.device.managed",
    "context.device.managed && context.device.disk_encrypted",
    "context.device.managed && context.device.disk_encrypted && context.device.firewall && "
    "context.device.os == \"macos\" && context.device.os_major >= 14",
    "context.device.disk_encrypted && [\"macos\", \"windows\"].contains(context.device.os)",
    "context.device.compliant",
    "context.device.managed && context.device.risk <= 40",
    "context.device.edr_running",
    "context.device.ownership == \"company\" && context.device.screen_lock",
};
static const char *const schedule_texts[SCHEDULES] = {
    "{days: [mon, tue, wed, thu, fri], hours: [\"07:00-19:00\"]}",
    "{days: [mon, tue, wed, thu, fri], hours: [\"06:00-14:00\"]}",
    "{days: [mon, tue, wed, thu, fri, sat], hours: [\"08:00-12:00\", \"13:00-18:00\"]}",
    "{days: [wed, thu], hours: [\"09:00-17:00\"], timezone: Europe/London}",
    "{days: [mon, tue, wed, thu, fri, sat, sun], hours: [\"22:00-18:00\"]}",
    "{days: [mon, wed, fri], hours: [\"00:00-24:00\"], except_dates: [2026-12-25]}",
};
static const char *const auth_texts[] = {"{mfa: true}", "{mfa_within: 12h}",
                                         "{methods: [hwk, otp]}", "{login_within: 24h}"};
static const char *const session_texts[] = {"{max: 4h}", "{max: 8h, idle: 30m}", "{record: true}",
                                            "{clipboard: true, file_transfer: false}"};

/* xorshift64*. */
unsigned rulegen_roll(struct rulegen *g, unsigned n)
{
    g->seed ^= g->seed >> 12;
    g->seed ^= g->seed << 25;
    g->seed ^= g->seed >> 27;
    return (unsigned)((g->seed * 0x2545F4914F6CDD1Du) >> 33) % n;
}

static int maybe(struct rulegen *g, unsigned percent, unsigned n)
{
    return rulegen_roll(g, 100) < percent ? (int)rulegen_roll(g, n) : -1;
}

#define COUNT(list) (unsigned)(sizeof(list) / sizeof *(list))

static void roll_glob(struct rulegen *g, char out[64])
{
    const char *area = areas[rulegen_roll(g, COUNT(areas))],
               *leaf = leaves[rulegen_roll(g, COUNT(leaves))];
    unsigned number = rulegen_roll(g, 40);

    switch (rulegen_roll(g, 4)) {
    case 0:
        snprintf(out, 64, "/%s/v%u/**", area, number);
        break;
    case 1:
        snprintf(out, 64, "/api/v%u/%s/*", number, area);
        break;
    case 2:
        snprintf(out, 64, "/%s/*/%s", area, leaf);
        break;
    default:
        snprintf(out, 64, "/%s/s%u/%s", area, number, leaf);
    }
}

static void roll_rule(struct rulegen *g, struct rulegen_rule *r, unsigned app)
{
    unsigned kind = rulegen_roll(g, 100);
    bool by_user = rulegen_roll(g, 10) == 0;

    *r = (struct rulegen_rule){.app = app, .groups = {-1, -1, -1}, .user = -1};
    r->effect = kind < 92 ? RULEGEN_ALLOW : kind < 96 ? RULEGEN_REQUIRE : RULEGEN_DENY;
    for (unsigned i = 0; i < 1 + rulegen_roll(g, RULEGEN_MAX_GROUPS); i++)
        r->groups[i] = (int)rulegen_roll(g, GROUPS);
    if (by_user)
        r->user = (int)rulegen_roll(g, USERS);
    r->company = maybe(g, 30, COMPANIES);
    r->methods = maybe(g, 75, COUNT(method_texts));
    r->n_globs = rulegen_roll(g, 10) ? 1 + (rulegen_roll(g, 3) == 0) : 0;
    for (unsigned i = 0; i < r->n_globs; i++)
        roll_glob(g, r->globs[i]);
    r->device = maybe(g, 40, DEVICES);
    r->auth = maybe(g, r->effect == RULEGEN_REQUIRE ? 100 : 20, COUNT(auth_texts));
    r->network = maybe(g, 15, NETWORKS);
    r->when = maybe(g, 30, SCHEDULES);
    r->session = r->effect == RULEGEN_DENY ? -1 : maybe(g, 30, COUNT(session_texts));
    r->expires = rulegen_roll(g, 5) == 0;
}

void rulegen_init(struct rulegen *g, unsigned n_rules, unsigned n_apps)
{
    *g = (struct rulegen){.n_apps = n_apps, .n_rules = n_rules, .seed = 0x9E3779B97F4A7C15u};
    g->rules = mem_alloc(n_rules * sizeof *g->rules);
    /* The first rule of each app is an allow, so that there is always one to draw. */
    for (unsigned i = 0; i < n_rules; i++)
        do
            roll_rule(g, &g->rules[i], (unsigned)((uint64_t)i * n_apps / n_rules));
        while ((i == 0 || g->rules[i - 1].app != g->rules[i].app) && g->rules[i].effect);
}

void rulegen_finish(struct rulegen *g)
{
    free(g->rules);
}

/* ---- YAML ------------------------------------------------------------------------------------ */

unsigned rulegen_files(const struct rulegen *g)
{
    return 1 + (g->n_rules + RULEGEN_FILE_RULES - 1) / RULEGEN_FILE_RULES;
}

static void write_shared(const struct rulegen *g, FILE *out)
{
    fputs("version: 1\ndefaults: {timezone: Europe/Stockholm}\ndefine:\n  networks:\n", out);
    for (unsigned i = 0; i < NETWORKS; i++)
        fprintf(out, "    net-%u: [10.%u.0.0/16, 192.168.%u.0/24, \"2001:db8:%u::/48\"]\n", i, i, i,
                i);
    fputs("  schedules:\n", out);
    for (unsigned i = 0; i < SCHEDULES; i++)
        fprintf(out, "    hours-%u: %s\n", i, schedule_texts[i]);
    fputs("  devices:\n", out);
    for (unsigned i = 0; i < DEVICES; i++)
        fprintf(out, "    device-%u: %s\n", i, device_texts[i]);
    fputs("apps:\n", out);
    for (unsigned i = 0; i < g->n_apps; i++)
        fprintf(out,
                "  - {name: app-%u, host: app-%u.corp.example, upstream: \"http://10.0.%u.%u:3000\""
                ", labels: {env: %s}}\n",
                i, i, i / 250, i % 250 + 1, i % 2 ? "test" : "prod");
    fputs("rules:\n"
          "  - {id: no-suspended, effect: deny, who: {groups: [suspended]}, to: everything}\n"
          "  - id: no-jailbreak\n    effect: deny\n    who: {kind: human}\n    to: everything\n"
          "    device: {jailbroken: true}\n    on_missing: ignore\n",
          out);
    if (g->n_apps)
        fputs("  - {id: prod-needs-mfa, effect: require, who: {kind: human}, to: {labels: {env: "
              "prod}}, auth: {mfa: true}}\n",
              out);
}

static void write_who(const struct rulegen_rule *r, FILE *out)
{
    fputs("    who:\n", out);
    if (r->user >= 0)
        fprintf(out, "      users: [user-%d@acme.example, user-%d@acme.example]\n", r->user,
                (r->user + 7) % USERS);
    else {
        fputs("      groups: [", out);
        for (unsigned i = 0; i < RULEGEN_MAX_GROUPS && r->groups[i] >= 0; i++)
            fprintf(out, "%s%steam-%03d", i ? ", " : "", r->effect == RULEGEN_DENY ? "former-" : "",
                    r->groups[i]);
        fputs("]\n", out);
    }
    if (r->company >= 0)
        fprintf(out, "      claims: {company: [Company %02d]}\n", r->company);
}

static void write_rule(const struct rulegen_rule *r, unsigned i, FILE *out)
{
    static const char *const effects[] = {"allow", "require", "deny"};

    fprintf(out,
            "  - id: rule-%05u\n    title: Rule number %u of the generator, with a title of usual "
            "length\n",
            i, i);
    fprintf(out, "    owner: team-%03d@corp.example\n    effect: %s\n", r->groups[0],
            effects[r->effect]);
    write_who(r, out);
    fprintf(out, "    to:\n      apps: [app-%u]\n", r->app);
    if (r->methods >= 0)
        fprintf(out, "      methods: [%s]\n", method_texts[r->methods]);
    if (r->n_globs)
        fprintf(out, "      paths: [%s%s%s]\n", r->globs[0], r->n_globs > 1 ? ", " : "",
                r->globs[1]);
    if (r->device >= 0)
        fprintf(out, "    device: device-%d\n", r->device);
    if (r->auth >= 0)
        fprintf(out, "    auth: %s\n", auth_texts[r->auth]);
    if (r->network >= 0)
        fprintf(out, "    from: {networks: [net-%d, 172.16.%d.0/24]}\n", r->network, r->network);
    if (r->when >= 0)
        fprintf(out, "    when: hours-%d\n", r->when);
    if (r->session >= 0)
        fprintf(out, "    session: %s\n", session_texts[r->session]);
    if (r->expires)
        fprintf(out, "    expires: 2027-%02u-%02u\n", 1 + i % 12, 1 + i % 28);
}

void rulegen_write_yaml(const struct rulegen *g, unsigned file, FILE *out)
{
    unsigned first = (file - 1) * RULEGEN_FILE_RULES, end = first + RULEGEN_FILE_RULES;

    if (file == 0) {
        write_shared(g, out);
        return;
    }
    fputs("# yaml-language-server: $schema=./schema/policy.v1.json\nversion: 1\n"
          "defaults: {timezone: Europe/Stockholm}\nrules:\n",
          out);
    for (unsigned i = first; i < end && i < g->n_rules; i++)
        write_rule(&g->rules[i], i, out);
}

/* ---- Cedar: the same rules as far as it can say them ----------------------------------------- */

static void cedar_paths(const struct rulegen_rule *r, FILE *out)
{
    for (unsigned i = 0; i < r->n_globs; i++) {
        const char *deep = strstr(r->globs[i], "/**");
        fputs(i ? " || " : " && (", out);
        if (deep)
            fprintf(out, "context.path == \"%.*s\" || context.path like \"%.*s/*\"",
                    (int)(deep - r->globs[i]), r->globs[i], (int)(deep - r->globs[i]), r->globs[i]);
        else
            fprintf(out, "context.path like \"%s\"", r->globs[i]);
    }
    fputs(r->n_globs ? ")" : "", out);
}

static void cedar_who(const struct rulegen_rule *r, FILE *out)
{
    if (r->user >= 0)
        fprintf(out, "[\"user-%d@acme.example\", \"user-%d@acme.example\"].contains(context.email)",
                r->user, (r->user + 7) % USERS);
    else {
        fputs("principal in [", out);
        for (unsigned i = 0; i < RULEGEN_MAX_GROUPS && r->groups[i] >= 0; i++)
            fprintf(out, "%sGroup::\"%steam-%03d\"", i ? ", " : "",
                    r->effect == RULEGEN_DENY ? "former-" : "", r->groups[i]);
        fputs("]", out);
    }
    if (r->company >= 0)
        fprintf(out, " && context.company == \"Company %02d\"", r->company);
}

static void cedar_needs(const struct rulegen_rule *r, FILE *out)
{
    const char *joint = r->effect == RULEGEN_REQUIRE ? " && !(true" : "";

    fputs(joint, out);
    if (r->device >= 0)
        fprintf(out, " && %s", device_cedar[r->device]);
    if (r->auth >= 0)
        fputs(" && context.mfa && context.auth_age <= 43200", out);
    if (r->network >= 0)
        fprintf(out,
                " && (context.ip.isInRange(ip(\"10.%d.0.0/16\")) || "
                "context.ip.isInRange(ip(\"172.16.%d.0/24\")))",
                r->network, r->network);
    if (r->when >= 0)
        fputs(" && context.minute >= 420 && context.minute < 1140", out);
    if (r->expires)
        fputs(" && context.now < 1830000000", out);
    fputs(*joint ? ")" : "", out);
}

void rulegen_write_cedar(const struct rulegen *g, FILE *out)
{
    fputs("forbid(principal in Group::\"suspended\", action, resource);\n", out);
    for (unsigned i = 0; i < g->n_rules; i++) {
        const struct rulegen_rule *r = &g->rules[i];
        static const char *const actions[] = {
            "action == Action::\"GET\"", "action in [Action::\"GET\", Action::\"POST\"]",
            "action in [Action::\"GET\", Action::\"POST\", Action::\"PUT\"]",
            "action in [Action::\"POST\", Action::\"DELETE\"]"};
        fprintf(out, "%s(principal, %s, resource == App::\"app-%u\") when { ",
                r->effect == RULEGEN_ALLOW ? "permit" : "forbid",
                r->methods >= 0 ? actions[r->methods] : "action", r->app);
        cedar_who(r, out);
        cedar_paths(r, out);
        cedar_needs(r, out);
        fputs(" };\n", out);
    }
}

/* ---- visits ---------------------------------------------------------------------------------- */

static const struct rulegen_rule *draw_allow(struct rulegen *g, unsigned app)
{
    unsigned first = (unsigned)(((uint64_t)app * g->n_rules + g->n_apps - 1) / g->n_apps);
    unsigned end = (unsigned)(((uint64_t)(app + 1) * g->n_rules + g->n_apps - 1) / g->n_apps);
    unsigned i = first + rulegen_roll(g, end - first);

    while (g->rules[i].effect != RULEGEN_ALLOW)
        i = first + (i + 1 - first) % (end - first);
    return &g->rules[i];
}

static void fill_path(struct rulegen *g, const struct rulegen_rule *r, struct rulegen_visit *v)
{
    const char *glob = r->n_globs ? r->globs[rulegen_roll(g, r->n_globs)] : "/orders/s3/list";
    size_t n = 0;

    for (; *glob; glob++) {
        if (*glob != '*')
            v->path[n++] = *glob;
        else if (glob[1] == '*')
            n += (size_t)sprintf(v->path + n, "x%u/y", rulegen_roll(g, 100)), glob++;
        else
            n += (size_t)sprintf(v->path + n, "item%u", rulegen_roll(g, 1000));
    }
    v->path[n] = '\0';
}

static void fill_identity(struct rulegen *g, const struct rulegen_rule *r, struct rulegen_visit *v)
{
    unsigned n = 0;

    if (r->groups[0] >= 0)
        snprintf(v->texts[n++], sizeof v->texts[0], "team-%03d", r->groups[0]);
    while (n < 8)
        snprintf(v->texts[n++], sizeof v->texts[0], "team-%03u", rulegen_roll(g, GROUPS));
    for (unsigned i = 0; i < n; i++)
        v->groups[i] = str_of(v->texts[i]);
    snprintf(v->email, sizeof v->email, "user-%u@acme.example",
             r->user >= 0 ? (unsigned)r->user : rulegen_roll(g, USERS));
    snprintf(v->company, sizeof v->company, "Company %02u",
             r->company >= 0 ? (unsigned)r->company : rulegen_roll(g, COMPANIES));
    v->claims[0] = (struct policy_claim){STR("company"),
                                         {.kind = POLICY_VALUE_TEXT, .text = str_of(v->company)}};
    v->claims[1] =
        (struct policy_claim){STR("locale"), {.kind = POLICY_VALUE_TEXT, .text = STR("sv")}};
    v->amr[0] = STR("pwd");
    v->amr[1] = STR("otp");
    v->identity = (struct policy_identity){
        .issuer = STR("https://idp.example"),
        .subject = str_of(v->email),
        .issuer_name = STR("corp"),
        .email = str_of(v->email),
        .email_verified = POLICY_TRUE,
        .groups_known = true,
        .groups = v->groups,
        .n_groups = n,
        .claims = v->claims,
        .n_claims = 2,
        .amr_known = true,
        .amr = v->amr,
        .n_amr = 2,
        .mfa = POLICY_TRUE,
        .auth_time_s = RULEGEN_NOW_S - 600 - (int64_t)rulegen_roll(g, 3600),
        .login_s = RULEGEN_NOW_S - 600,
        .expires_s = RULEGEN_NOW_S + 3600,
    };
}

static void fill_device(struct rulegen *g, struct rulegen_visit *v)
{
    static const struct {
        const char *name, *value;
        enum policy_value_kind kind;
    } facts[] = {
        {"managed", "true", POLICY_VALUE_BOOL},      {"disk_encrypted", "true", POLICY_VALUE_BOOL},
        {"firewall", "true", POLICY_VALUE_BOOL},     {"os", "macos", POLICY_VALUE_TEXT},
        {"os_version", "14.10", POLICY_VALUE_TEXT},  {"compliant", "true", POLICY_VALUE_BOOL},
        {"risk", "12", POLICY_VALUE_NUMBER},         {"edr_running", "true", POLICY_VALUE_BOOL},
        {"ownership", "company", POLICY_VALUE_TEXT}, {"screen_lock", "true", POLICY_VALUE_BOOL},
    };

    for (unsigned i = 0; i < COUNT(facts); i++)
        v->seen[i] = (struct policy_device_fact){
            .attribute = str_of(facts[i].name),
            .value = {.kind = facts[i].kind, .text = str_of(facts[i].value)},
            .source = STR("mdm"),
            .seen_s = RULEGEN_NOW_S - 60 - (int64_t)rulegen_roll(g, 3600)};
    v->device = (struct policy_device){.id = STR("d"), .facts = v->seen, .n_facts = COUNT(facts)};
}

static void fill_request(struct rulegen *g, const struct policy *p, const struct rulegen_rule *r,
                         struct rulegen_visit *v)
{
    char address[32], name[24];
    const char *method = r->methods >= 0 ? method_texts[r->methods] : "GET";

    fill_path(g, r, v);
    snprintf(v->method, sizeof v->method, "%.*s", (int)strcspn(method, ","), method);
    snprintf(name, sizeof name, "app-%u", v->app);
    v->request = (struct policy_request){.app = policy_app_named(p, str_of(name)),
                                         .method = str_of(v->method),
                                         .path = str_of(v->path),
                                         .country = STR("SE")};
    snprintf(address, sizeof address, "10.%u.7.9",
             r->network >= 0 ? (unsigned)r->network : rulegen_roll(g, NETWORKS));
    addr_parse(str_of(address), &v->request.from);
}

static void miss(struct rulegen *g, struct rulegen_visit *v)
{
    switch (rulegen_roll(g, 5)) {
    case 0:
        v->path[strlen(v->path) - 1] ^= 1;
        break;
    case 1:
        v->request.method = STR("PATCH");
        break;
    case 2:
        v->groups[0] = STR("guests");
        break;
    case 3:
        v->seen[0].value.text = STR("false");
        break;
    default:
        v->request.from.bytes[0] = 11;
    }
}

static void forget(struct rulegen *g, struct rulegen_visit *v)
{
    switch (rulegen_roll(g, 4)) {
    case 0:
        v->device.n_facts = rulegen_roll(g, 3);
        break;
    case 1:
        v->identity.groups_known = false;
        v->identity.n_groups = 0;
        break;
    case 2:
        v->identity.n_claims = 0;
        break;
    default:
        v->identity.mfa = POLICY_UNKNOWN;
    }
}

void rulegen_visit(struct rulegen *g, const struct policy *p, struct rulegen_visit *out)
{
    unsigned app = rulegen_roll(g, g->n_apps), luck = rulegen_roll(g, 100);
    const struct rulegen_rule *rule = draw_allow(g, app);

    memset(out, 0, sizeof *out);
    out->app = app;
    fill_identity(g, rule, out);
    fill_device(g, out);
    fill_request(g, p, rule, out);
    if (luck < 5)
        miss(g, out);
    else if (luck < 7)
        forget(g, out);
    out->facts = (struct policy_facts){.identity = &out->identity,
                                       .devices = &out->device,
                                       .n_devices = 1,
                                       .request = &out->request,
                                       .now_us = RULEGEN_NOW_S * 1000000LL,
                                       .clock_is_good = true};
}

/* Nothing that the generator makes needs an escape. */
static void json_list(const char *name, const str *items, size_t n, FILE *out)
{
    fprintf(out, "\"%s\":[", name);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s\"%.*s\"", i ? "," : "", STR_ARG(items[i]));
    fputs("]", out);
}

static void json_value(const struct policy_value *v, FILE *out)
{
    const char *quote = v->kind == POLICY_VALUE_TEXT ? "\"" : "";

    fprintf(out, "%s%.*s%s", quote, STR_ARG(v->text), quote);
}

static void json_identity(const struct policy_identity *id, FILE *out)
{
    fprintf(out,
            "\"identity\":{\"issuer\":\"%.*s\",\"subject\":\"%.*s\",\"issuer_name\":\"%.*s\","
            "\"email\":\"%.*s\",\"email_verified\":true,\"mfa\":%s,\"auth_time_s\":%lld,"
            "\"login_s\":%lld,\"expires_s\":%lld,",
            STR_ARG(id->issuer), STR_ARG(id->subject), STR_ARG(id->issuer_name), STR_ARG(id->email),
            id->mfa == POLICY_TRUE ? "true" : "null", (long long)id->auth_time_s,
            (long long)id->login_s, (long long)id->expires_s);
    if (id->groups_known)
        json_list("groups", id->groups, id->n_groups, out);
    else
        fputs("\"groups\":null", out);
    fputs(",", out);
    json_list("amr", id->amr, id->n_amr, out);
    fputs(",\"claims\":{", out);
    for (size_t i = 0; i < id->n_claims; i++) {
        fprintf(out, "%s\"%.*s\":", i ? "," : "", STR_ARG(id->claims[i].name));
        json_value(&id->claims[i].value, out);
    }
    fputs("}}", out);
}

static void address_of(const struct rulegen_visit *v, char out[ADDR_TEXT_BYTES])
{
    addr_text(&v->request.from, out);
}

void rulegen_visit_json(const struct rulegen_visit *v, FILE *out)
{
    char address[ADDR_TEXT_BYTES];

    fputs("{", out);
    json_identity(&v->identity, out);
    fputs(",\"devices\":[{\"id\":\"d\",\"facts\":[", out);
    for (size_t i = 0; i < v->device.n_facts; i++) {
        fprintf(out, "%s{\"attribute\":\"%.*s\",\"source\":\"mdm\",\"seen_s\":%lld,\"value\":",
                i ? "," : "", STR_ARG(v->seen[i].attribute), (long long)v->seen[i].seen_s);
        json_value(&v->seen[i].value, out);
        fputs("}", out);
    }
    address_of(v, address);
    fprintf(out,
            "]}],\"request\":{\"app\":\"app-%u\",\"protocol\":\"http\",\"method\":\"%.*s\","
            "\"path\":\"%s\",\"from\":\"%s\",\"country\":\"SE\"},\"now_s\":%d}\n",
            v->app, STR_ARG(v->request.method), v->path, address, RULEGEN_NOW_S);
}

void rulegen_visit_cedar(const struct rulegen_visit *v, FILE *out)
{
    char address[ADDR_TEXT_BYTES];

    address_of(v, address);
    fprintf(out,
            "{\"user\":\"%s\",\"app\":\"app-%u\",\"method\":\"%.*s\",\"path\":\"%s\",\"ip\":\"%s\","
            "\"company\":\"%s\",\"now\":%d,\"minute\":660,\"auth_age\":600,",
            v->email, v->app, STR_ARG(v->request.method), v->path, address, v->company,
            RULEGEN_NOW_S);
    json_list("groups", v->groups, v->identity.n_groups, out);
    fputs("}\n", out);
}
