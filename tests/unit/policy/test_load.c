/* What the loader leaves in memory: names resolved, times in the file's zone, buckets, lookups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/author.h"
#include "policy/rule.h"
#include "policy_kit.h"

#define APPS                                                                                       \
    "version: 1\n"                                                                                 \
    "defaults: {timezone: Europe/Stockholm}\n"                                                     \
    "define:\n"                                                                                    \
    "  groups: {crew: [deck, engine], all-hands: [crew, office], office: desk}\n"                  \
    "  networks: {hq: [10.0.0.0/8, \"2001:db8::/32\"]}\n"                                          \
    "  schedules: {day: {days: [mon, sun], hours: [\"22:00-06:00\"], "                             \
    "except_dates: [2027-01-01, 2026-12-24]}}\n"                                                   \
    "  devices: {good: {managed: true, jailbroken: false, max_risk: 0}}\n"                         \
    "apps:\n"                                                                                      \
    "  - {name: wiki, host: Wiki.Corp.example, aliases: [handbook.corp.example], "                 \
    "upstream: \"http://10.0.0.1\", labels: {env: prod}}\n"                                        \
    "  - {name: any, host: \"*.corp.example\", upstream: \"https://10.0.0.2/\", "                  \
    "labels: {env: test}, path_case: insensitive}\n"                                               \
    "  - {name: six, host: \"2001:DB8::7\", upstream: \"unix:/run/six.sock\"}\n"                   \
    "  - {name: cell, host: cell.corp.example, upstream: \"ssh://10.0.0.3:2222\", "                \
    "labels: {env: prod}, logins: [ops]}\n"

static struct policy *load_good(const char *text)
{
    struct findings f;
    findings_init(&f);
    struct policy *p = kit_load(text, &f);
    if (!p)
        findings_print(&f, stderr);
    findings_finish(&f);
    assert_non_null(p);
    return p;
}

static const struct rule *rule_of(const struct policy *p, const char *id)
{
    const struct rule *rule = &p->rules[policy_rule_index(p, str_of(id))];
    assert_non_null(rule);
    return rule;
}

static void test_host_lookup(void **state)
{
    static const struct {
        const char *host, *app;
    } rows[] = {
        {"wiki.corp.example", "wiki"}, {"handbook.corp.example", "wiki"}, {"x.corp.example", "any"},
        {"cell.corp.example", "cell"}, {"a.x.corp.example", NULL},        {"corp.example", NULL},
        {".corp.example", NULL},       {"*.corp.example", "any"},         {"2001:db8::7", "six"},
        {"[2001:db8::7]", "six"},      {"evil-wiki.corp.example.", NULL}, {"", NULL},
    };
    struct policy *p = load_good(APPS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct policy_app *app = policy_app_find(p, str_of(rows[i].host));
        str name = app ? app->name : (str){NULL, 0};
        if (!str_eq(name, str_of(rows[i].app)))
            print_error("host %s: %.*s\n", rows[i].host, STR_ARG(name));
        assert_true(str_eq(name, str_of(rows[i].app)));
    }
    assert_null(policy_app_find(NULL, STR("wiki.corp.example")));
    policy_unref(&p);
}

static void test_app_face(void **state)
{
    struct policy *p = load_good(APPS);
    assert_int_equal(policy_app_count(p), 4);
    const struct policy_app *wiki = policy_app_named(p, STR("wiki")),
                            *cell = policy_app_named(p, STR("cell"));
    assert_true(str_eq(wiki->host, STR("wiki.corp.example")));
    assert_true(str_eq(wiki->start, STR("/")));
    assert_int_equal(wiki->protocol, POLICY_HTTP);
    assert_int_equal(cell->protocol, POLICY_SSH);
    assert_int_equal(cell->n_logins, 1);
    assert_true(str_eq(doc_text(cell->node, "upstream"), STR("ssh://10.0.0.3:2222")));
    assert_true(policy_app_named(p, STR("any"))->ignores_case);
    policy_unref(&p);
}

static void test_groups_expand(void **state)
{
    struct policy *p = load_good(
        APPS "rules:\n"
             "  - {id: a, effect: allow, who: {groups: {any: [all-hands, x], all: [crew, y], "
             "none: [office]}}, to: {apps: [wiki]}}\n");
    const struct match_set *set = rule_of(p, "a")->who->groups;
    assert_int_equal(set->any.n, 4); /* deck engine desk x */
    assert_int_equal(set->n_all, 2);
    assert_int_equal(set->all[0].n, 2);
    assert_true(str_eq(set->all[1].items[0].text, STR("y")));
    assert_int_equal(set->none.n, 1);
    assert_true(str_eq(set->none.items[0].text, STR("desk")));
    policy_unref(&p);
}

static void test_claims_keep_their_writing(void **state)
{
    struct policy *p =
        load_good(APPS "rules:\n"
                       "  - {id: a, effect: allow, who: {claims: {level: [7, \"7\"]}}, "
                       "to: {apps: [wiki]}}\n");
    const struct match_set *set = &rule_of(p, "a")->who->claims[0].set;
    assert_true(set->any.items[0].is_plain);
    assert_false(set->any.items[1].is_plain);
    policy_unref(&p);
}

static void test_targets(void **state)
{
    static const struct {
        const char *id, *to;
        size_t n;
    } rows[] = {
        {"a", "{apps: [wiki, cell]}", 2},
        {"b", "{labels: {env: prod}}", 2},
        {"c", "{labels: {env: [prod, test]}}", 3},
        {"d", "{labels: {env: prod}, protocols: [ssh]}", 1},
        {"e", "{apps: [wiki], labels: {env: test}}", 0},
        {"f", "{protocols: [http]}", 3},
    };
    char text[4096];
    int n = snprintf(text, sizeof text, "%srules:\n", APPS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "  - {id: %s, effect: deny, who: {users: [a@b.example]}, to: %s}\n",
                      rows[i].id, rows[i].to);
    struct policy *p = load_good(text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rule_of(p, rows[i].id)->to->apps.n != rows[i].n)
            print_error("to %s\n", rows[i].to);
        assert_int_equal(rule_of(p, rows[i].id)->to->apps.n, rows[i].n);
    }
    policy_unref(&p);
}

static void test_bucket_order(void **state)
{
    struct policy *p = load_good(
        APPS "rules:\n"
             "  - {id: a1, effect: allow, who: {users: [a@b.example]}, to: {apps: [wiki]}}\n"
             "  - {id: r1, effect: require, who: anyone, to: everything, device: good}\n"
             "  - {id: a2, effect: allow, who: {users: [a@b.example]}, to: {labels: {env: prod}}}\n"
             "  - {id: d1, effect: deny, who: {users: [a@b.example]}, to: {apps: [wiki, any]}}\n");
    static const struct {
        const char *app, *rules;
    } rows[] = {{"wiki", "d1 r1 a1 a2 "}, {"any", "d1 r1 "}, {"six", "r1 "}, {"cell", "r1 a2 "}};
    for (size_t i = 0; i < 4; i++) {
        const struct app *app = map_get(&p->apps_by_name, str_of(rows[i].app));
        char text[64] = "";
        for (size_t r = 0; r < app->bucket.n; r++) {
            strncat(text, p->rules[app->bucket.items[r]].id.p, 2);
            strcat(text, " ");
        }
        assert_string_equal(text, rows[i].rules);
    }
    policy_unref(&p);
}

/* 2027-03-28 is the day on which Stockholm goes to summer time. */
static void test_lifetime_in_the_files_zone(void **state)
{
    static const struct {
        const char *id, *keys;
        int64_t starts_s, expires_s;
    } rows[] = {
        {"a", "starts: 2027-01-01, expires: 2027-03-31", 1798758000, 1806530400},
        {"b", "expires: 2027-03-27", POLICY_NEVER_S, 1806188400},
        {"c", "expires: 2027-03-28", POLICY_NEVER_S, 1806271200},
        {"d", "expires: 2027-03-28T12:00:00+01:00", POLICY_NEVER_S, 1806231600},
        {"e", "starts: 2027-03-28T12:00:00Z", 1806235200, POLICY_FOREVER_S},
    };
    char text[4096];
    int n = snprintf(text, sizeof text, "%srules:\n", APPS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "  - {id: %s, effect: deny, who: {users: [a@b.example]}, to: everything, "
                      "%s}\n",
                      rows[i].id, rows[i].keys);
    struct policy *p = load_good(text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct rule *rule = rule_of(p, rows[i].id);
        if (rule->starts_s != rows[i].starts_s || rule->expires_s != rows[i].expires_s)
            print_error("%s: %lld %lld\n", rows[i].keys, (long long)rule->starts_s,
                        (long long)rule->expires_s);
        assert_true(rule->starts_s == rows[i].starts_s && rule->expires_s == rows[i].expires_s);
    }
    policy_unref(&p);
}

static void test_needs(void **state)
{
    struct policy *p = load_good(
        APPS "rules:\n"
             "  - {id: g, effect: require, who: {kind: human}, to: everything, device: good, "
             "when: day, from: {networks: [hq, 192.0.2.1], not_networks: [198.51.100.0/24]}, "
             "auth: {mfa: true, mfa_within: 15m}}\n"
             "  - {id: a, effect: allow, who: {groups: [crew]}, to: {apps: [wiki]}, device: good, "
             "when: [day], break_glass: {skips: [g], reason_required: true, notify: "
             "[security-alerts]}, session: {max: 4h, record: true, clipboard: false}}\n");
    const struct rule *g = rule_of(p, "g"), *a = rule_of(p, "a");
    assert_ptr_equal(g->device, a->device);
    assert_ptr_equal(g->when.items[0], a->when.items[0]);
    assert_int_equal(g->device->flags_written, 1 << DEVICE_MANAGED | 1 << DEVICE_JAILBROKEN);
    assert_int_equal(g->device->flags_wanted, 1 << DEVICE_MANAGED);
    assert_true(g->device->has_max_risk && g->device->max_risk == 0);
    assert_int_equal(g->device->seen_within_s, 86400);
    assert_int_equal(g->from->networks.n, 3);
    assert_int_equal(g->from->networks.items[2].bits, 32);
    assert_int_equal(g->auth->mfa_within_s, 900);
    assert_int_equal(g->auth->login_within_s, -1);
    const struct schedule *day = g->when.items[0];
    assert_int_equal(day->days, 1 | 1 << 6);
    assert_int_equal(day->hours[0].start_min, 1320);
    assert_int_equal(day->hours[0].end_min, 360);
    assert_true(day->except_days[0] < day->except_days[1]);
    assert_int_equal(a->break_glass->skips.items[0], 0);
    assert_int_equal(a->session->max_s, 14400);
    assert_int_equal(a->session->idle_s, -1);
    assert_int_equal(a->session->record, OPINION_YES);
    assert_int_equal(a->session->clipboard, OPINION_NO);
    assert_int_equal(a->session->file_transfer, OPINION_SILENT);
    policy_unref(&p);
}

static bool regex_has(const pcre2_code *code, const char *path)
{
    pcre2_match_data *data = pcre2_match_data_create(4, NULL);
    int n = pcre2_match(code, (PCRE2_SPTR)path, strlen(path), 0, 0, data, NULL);
    pcre2_match_data_free(data);
    return n > 0;
}

static void test_regex_is_anchored(void **state)
{
    struct policy *p =
        load_good(APPS "rules:\n"
                       "  - {id: a, effect: allow, who: {users: [a@b.example]}, to: {apps: [any], "
                       "paths_regex: [\"/a|/b\", \"(?x)/c # x\", \"/d(*ACCEPT)x\"]}}\n");
    const struct to *to = rule_of(p, "a")->to;
    assert_true(regex_has(to->regexes[0].code, "/a") && regex_has(to->regexes[0].code, "/b"));
    assert_false(regex_has(to->regexes[0].code, "/ax") || regex_has(to->regexes[0].code, "x/b"));
    assert_false(regex_has(to->regexes[0].code, "/a\n") || regex_has(to->regexes[0].code, "/A"));
    assert_true(regex_has(to->regexes[0].code_nocase, "/A"));
    assert_false(regex_has(to->regexes[1].code, "/cx"));
    assert_false(regex_has(to->regexes[2].code, "/dsecret"));
    policy_unref(&p);
}

static void test_digest(void **state)
{
    static const char *const texts[] = {
        "#=== a.yaml\nversion: 1\n#=== b.yaml\nversion: 1 # x\n",
        "#=== b.yaml\nversion: 1 # x\n#=== a.yaml\nversion: 1\n",
        "#=== a.yaml\nversion: 1 # x\n#=== b.yaml\nversion: 1\n",
        "#=== a.yaml\nversion: 1\n#=== c.yaml\nversion: 1 # x\n",
    };
    struct policy *p[4];
    for (size_t i = 0; i < 4; i++)
        p[i] = load_good(texts[i]);
    assert_true(str_eq(policy_digest(p[0]), policy_digest(p[1])));
    assert_false(str_eq(policy_digest(p[0]), policy_digest(p[2])));
    assert_false(str_eq(policy_digest(p[0]), policy_digest(p[3])));
    for (size_t i = 0; i < 4; i++)
        policy_unref(&p[i]);
}

/* A grant dies with the text of its rule, not with a comment beside it. */
static void test_rule_digest(void **state)
{
    static const char *const rules[] = {
        "  - {id: a, effect: allow, who: {groups: [x]}, to: {apps: [wiki]}, approval: {by: "
        "{groups: [y]}, valid_for: 1h}}\n",
        "  - id: a # why\n    effect: allow\n    who: {groups: [x]}\n    to: {apps: [wiki]}\n    "
        "approval: {by: {groups: [y]}, valid_for: 1h}\n",
        "  - {id: a, effect: allow, who: {groups: [xx]}, to: {apps: [wiki]}, approval: {by: "
        "{groups: [y]}, valid_for: 1h}}\n",
        "  - {id: a, effect: allow, who: {groups: [\"x\"]}, to: {apps: [wiki]}, approval: {by: "
        "{groups: [y]}, valid_for: 1h}}\n",
    };
    str digests[4];
    struct policy *p[4];
    for (size_t i = 0; i < 4; i++) {
        char text[4096];
        snprintf(text, sizeof text, "%srules:\n%s", APPS, rules[i]);
        p[i] = load_good(text);
        digests[i] = policy_rule_digest(p[i], STR("a"));
        assert_int_equal(digests[i].n, 64);
    }
    assert_true(str_eq(digests[0], digests[1]));
    assert_false(str_eq(digests[0], digests[2]));
    assert_false(str_eq(digests[0], digests[3]));
    for (size_t i = 0; i < 4; i++)
        policy_unref(&p[i]);
}

static void test_like_and_without(void **state)
{
    struct policy *p = load_good(
        APPS "rules:\n"
             "  - {id: a, effect: allow, who: {groups: [x]}, to: {apps: [wiki]}}\n"
             "tests:\n"
             "  - {name: one, as: {user: k@b.example, groups: [], claims: {x.y: 1, z: 2}, "
             "device: {os: macos, fleet.team: red, seen: 3d}}, at: 1970-01-02T00:00:00+01:00, "
             "from: 10.0.0.1, do: [\"GET https://WIKI.corp.example:8443?a\", ssh ops@cell], "
             "expect: \"deny default-deny\"}\n"
             "  - {name: two, like: one, without: [claims.x.y, device.fleet.team, device.seen], "
             "expect: \"deny default-deny\"}\n"
             "  - {name: three, like: two, without: [groups], do: GET https://x.corp.example/, "
             "expect: \"deny default-deny\"}\n");
    assert_int_equal(p->n_tests, 3);
    const struct policy_test *one = &p->tests[0], *two = &p->tests[1], *three = &p->tests[2];
    assert_int_equal(one->at_s, 82800);
    assert_int_equal(one->n_requests, 2);
    assert_true(str_eq(one->requests[0].host, STR("wiki.corp.example")));
    assert_true(str_eq(one->requests[0].target, STR("/?a")));
    assert_true(str_eq(one->requests[1].login, STR("ops")));
    assert_true(one->as.has_groups && one->as.groups.n == 0);
    assert_int_equal(one->as.devices[0].seen_s, 3 * 86400);
    assert_int_equal(two->as.n_claims, 1);
    assert_int_equal(two->as.devices[0].n_attrs, 1);
    assert_int_equal(two->as.devices[0].seen_s, 0);
    assert_true(two->as.has_groups);
    assert_false(three->as.has_groups);
    assert_int_equal(three->as.n_claims, 2); /* its own without replaces two's */
    assert_true(str_eq(p->apps[three->requests[0].app].face.name, STR("any")));
    policy_unref(&p);
}

static void test_no_files(void **state)
{
    struct findings f;
    findings_init(&f);
    struct policy *p = policy_load(&(struct policy_load_in){0}, &f);
    assert_null(p);
    assert_int_equal(f.errors, 1);
    findings_finish(&f);
}

/* Earlier findings of the caller are not ours: they must not make a good set fail. */
static void test_findings_of_others(void **state)
{
    struct findings f;
    findings_init(&f);
    findings_add(&f, FINDING_ERROR, "other", NULL, NULL, "something else");
    struct policy *p = kit_load(APPS, &f);
    assert_non_null(p);
    policy_unref(&p);
    policy_unref(&p);
    findings_finish(&f);
}

/* ---- limits ----------------------------------------------------------------------------------
 *
 * Told with a place, and soon: what grew with the square of its input would take minutes, and the
 * suite ends before. */

static struct policy *load_files(const struct doc_file *files, size_t n, struct findings *f)
{
    findings_init(f);
    return policy_load(&(struct policy_load_in){.files = files, .n_files = n}, f);
}

static void expect_first(const struct findings *f, const char *code, const char *place,
                         const char *message)
{
    char text[300];
    const struct finding *it = &f->items[0];
    for (size_t i = 0; i < f->n && f->items[i].severity != FINDING_ERROR; i++)
        it = &f->items[i + 1];
    snprintf(text, sizeof text, "%.*s:%u:%u", STR_ARG(it->file), it->line, it->column);
    if (!str_eq(it->code, str_of(code)) || strcmp(text, place) != 0 ||
        !str_eq(it->message, str_of(message)))
        fail_msg("%s %.*s: %.*s", text, STR_ARG(it->code), STR_ARG(it->message));
}

static void test_too_many_rules(void **state)
{
    enum { FILES = 51, EACH = 1000 };
    struct arena a;
    struct findings f;
    arena_init(&a, NULL, 0);
    struct doc_file files[FILES];
    for (int i = 0; i < FILES; i++) {
        char *text = arena_text(&a, EACH * 64);
        int n = sprintf(text, "version: 1\nrules:\n");
        for (int k = 0; k < (i == FILES - 1 ? 2 : EACH); k++)
            n += sprintf(text + n, "- {id: r%d-%d, effect: deny, who: anyone, to: everything}\n", i,
                         k);
        files[i] = (struct doc_file){arena_printf(&a, "%02d.yaml", i), {text, (size_t)n}};
    }
    assert_null(load_files(files, FILES, &f));
    assert_int_equal(f.errors, 1);
    expect_first(&f, "too-many-rules", "50.yaml:3:8",
                 "rule \"r50-0\" is one too many: a set holds at most 50000 rules");
    findings_finish(&f);
    struct policy *p = load_files(files, FILES - 1, &f);
    assert_non_null(p);
    assert_int_equal(policy_rule_count(p), 50000);
    policy_unref(&p);
    findings_finish(&f);
    arena_finish(&a);
}

static struct doc_file rules_of_alias(struct arena *a, int names, int rules, const char *groups)
{
    char *text = arena_text(a, 200 + (size_t)names * 8 + (size_t)rules * 80);
    int n = sprintf(text, "version: 1\ndefine: {groups: {g: [n");
    for (int i = 0; i < names; i++)
        n += sprintf(text + n, ", n%d", i);
    n += sprintf(text + n, "]}}\nrules:\n");
    for (int i = 0; i < rules; i++) {
        n += sprintf(text + n, "- {id: r%d, effect: deny, to: everything, who: {groups: ", i);
        n += sprintf(text + n, groups, i);
        n += sprintf(text + n, "}}\n");
    }
    return (struct doc_file){STR("alias.yaml"), {text, (size_t)n}};
}

/* Not its names times the rules: those of one file took gigabytes. */
static void test_alias_of_many_rules(void **state)
{
    struct arena a;
    struct findings f;
    arena_init(&a, NULL, 0);
    struct doc_file file = rules_of_alias(&a, 10000, 12000, "[g]");
    struct policy *p = load_files(&file, 1, &f);
    assert_non_null(p);
    policy_unref(&p);
    findings_finish(&f);
    arena_finish(&a);
}

static void test_too_many_groups(void **state)
{
    struct arena a;
    struct findings f;
    arena_init(&a, NULL, 0);
    struct doc_file file = rules_of_alias(&a, 50000, 500, "[g, x%d]");
    assert_null(load_files(&file, 1, &f));
    assert_int_equal(f.errors, 1);
    expect_first(&f, "too-many-groups", "alias.yaml:87:58",
                 "the groups of all rules together name more than 4194304 groups");
    findings_finish(&f);
    arena_finish(&a);
}

static void test_largest_file(void **state)
{
    struct findings f;
    char *text = mem_alloc(DOC_MAX_BYTES + 1);
    memset(text, '#', DOC_MAX_BYTES + 1);
    memcpy(text, "version: 1\n", 11);
    struct doc_file file = {STR("a.yaml"), {text, DOC_MAX_BYTES}};
    struct policy *p = load_files(&file, 1, &f);
    assert_non_null(p);
    policy_unref(&p);
    findings_finish(&f);
    file.bytes.n++;
    assert_null(load_files(&file, 1, &f));
    expect_first(&f, "too-large", "a.yaml:1:1", "the file is larger than 1 MiB");
    findings_finish(&f);
    free(text);
}

/* A megabyte in one line, as a tool may write it: a group of a hundred thousand names, which loads,
 * and the same with an error at its end. */
static void test_longest_line(void **state)
{
    struct findings f;
    char *text = mem_alloc(DOC_MAX_BYTES + 1), *said = NULL;
    size_t n = (size_t)sprintf(text, "{version: 1, define: {groups: {a: [x"), printed = 0;
    for (int i = 0; n < DOC_MAX_BYTES - 200; i++)
        n += (size_t)sprintf(text + n, ", n%d", i);
    struct doc_file file = {STR("a.yaml"), {text, 0}};
    file.bytes.n = n + (size_t)sprintf(text + n, "]}}}\n");
    struct policy *p = load_files(&file, 1, &f);
    assert_non_null(p);
    policy_unref(&p);
    findings_finish(&f);
    file.bytes.n = n + (size_t)sprintf(text + n, "]}}, rulez: []}\n");
    char place[40];
    snprintf(place, sizeof place, "a.yaml:1:%zu", n + 6);
    assert_null(load_files(&file, 1, &f));
    expect_first(&f, "unknown-key", place, "unknown key \"rulez\" in a policy file");
    FILE *out = open_memstream(&said, &printed);
    findings_print(&f, out);
    fclose(out);
    assert_true(printed < 600 && strstr(said, "]}}, rulez: []}\n"));
    free(said);
    findings_finish(&f);
    free(text);
}

/* Twenty errors a file are told, in which file however many; the rest is counted. */
static void test_a_hundred_files_of_errors(void **state)
{
    enum { FILES = 100, EACH = 2000 };
    struct arena a;
    struct findings f;
    struct doc_file files[FILES];
    char *said = NULL;
    size_t printed = 0;
    arena_init(&a, NULL, 0);
    char *text = arena_text(&a, EACH * 16);
    size_t n = (size_t)sprintf(text, "{version: 1");
    for (int k = 0; k < EACH; k++)
        n += (size_t)sprintf(text + n, ", x%d: y", k);
    n += (size_t)sprintf(text + n, "}");
    for (int i = 0; i < FILES; i++)
        files[i] = (struct doc_file){arena_printf(&a, "%02d.yaml", i), {text, n}};
    assert_null(load_files(files, FILES, &f));
    assert_int_equal(f.errors, FILES * EACH);
    FILE *out = open_memstream(&said, &printed);
    findings_print(&f, out);
    fclose(out);
    assert_non_null(strstr(said, "\nand 198000 more errors in files that have 20 already\n"));
    assert_true(printed < FILES * 20 * 500);
    free(said);
    findings_finish(&f);
    arena_finish(&a);
}

/* Each of ten thousand rules is warned of, and each warning shows its line. */
static void test_warnings_are_quick(void **state)
{
    enum { EACH = 10000 };
    struct findings f;
    char *text = mem_alloc(DOC_MAX_BYTES);
    size_t n = (size_t)sprintf(text, "version: 1\nrules:\n");
    for (int k = 0; k < EACH; k++)
        n += (size_t)sprintf(text + n,
                             "- {id: r%d, effect: deny, who: anyone, to: everything, on_missing: "
                             "ignore}\n",
                             k);
    struct doc_file file = {STR("a.yaml"), {text, n}};
    struct policy *p = load_files(&file, 1, &f);
    assert_non_null(p);
    assert_int_equal(f.warnings, EACH);
    assert_true(str_contains(f.items[f.n - 1].source, STR("id: r9999,")));
    policy_unref(&p);
    findings_finish(&f);
    free(text);
}

static void test_schema_prints(void **state)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    policy_schema_print(out);
    fclose(out);
    assert_non_null(strstr(text, "\"additionalProperties\":false"));
    assert_non_null(strstr(text, "\"public_paths\""));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_lookup),
        cmocka_unit_test(test_app_face),
        cmocka_unit_test(test_groups_expand),
        cmocka_unit_test(test_claims_keep_their_writing),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_bucket_order),
        cmocka_unit_test(test_lifetime_in_the_files_zone),
        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_regex_is_anchored),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_rule_digest),
        cmocka_unit_test(test_like_and_without),
        cmocka_unit_test(test_no_files),
        cmocka_unit_test(test_findings_of_others),
        cmocka_unit_test(test_too_many_rules),
        cmocka_unit_test(test_alias_of_many_rules),
        cmocka_unit_test(test_too_many_groups),
        cmocka_unit_test(test_largest_file),
        cmocka_unit_test(test_longest_line),
        cmocka_unit_test(test_a_hundred_files_of_errors),
        cmocka_unit_test(test_warnings_are_quick),
        cmocka_unit_test(test_schema_prints),
    };
    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
