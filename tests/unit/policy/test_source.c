/* A policy that has let its source go: what it decides, explains and says of grants is the same,
 * and what stays of it is little. */
#include <stdlib.h>

#include "policy/author.h"
#include "policy/compiled.h"
#include "policy/text.h"
#include "random_rules.h"

enum { ROUNDS = 60, VISITS = 30, RULES = 40 };

/* ---- all that a policy says of a visit, as a text ---- */

/* Copied, not printed: a sanitizer sees whether its bytes are still there. */
static void say(struct text *t, str s)
{
    text_add(t, s);
    text_add(t, STR(" "));
}

static void say_texts(struct text *t, const char *name, const str *items, size_t n)
{
    text_printf(t, " %s(", name);
    for (size_t i = 0; i < n; i++)
        say(t, items[i]);
    text_add(t, STR(")"));
}

static void say_told(struct text *t, const char *name, const struct policy_told *items, size_t n)
{
    text_printf(t, " %s(", name);
    for (size_t i = 0; i < n; i++) {
        say(t, items[i].code);
        say(t, items[i].text);
    }
    text_add(t, STR(")"));
}

static void say_decision(struct text *t, const struct policy_decision *d)
{
    const struct policy_obligations *o = &d->obligations;

    text_printf(t, "%d %d until %lld; %lld %lld %d %d %d %d; %d %d %d", d->effect, d->reason,
                (long long)d->valid_until_s, (long long)o->max_s, (long long)o->idle_s, o->record,
                o->clipboard, o->file_transfer, o->port_forwarding, d->has_would, d->would,
                d->would_reason);
    say_texts(t, "rules", d->rules, d->n_rules);
    say_texts(t, "would", d->would_rules, d->n_would_rules);
    text_add(t, STR("\n"));
}

static void say_rule(struct text *t, const struct policy_explained_rule *r)
{
    say(t, r->id);
    say(t, r->owner);
    say(t, r->file);
    text_printf(t, "%u %d %d %d %d %d %d", r->line, r->effect, r->is_audit, r->is_alive,
                r->is_decisive, r->is_near_miss, r->is_skipped);
    for (int part = 0; part < POLICY_PART_COUNT; part++)
        text_printf(t, " %d%d", r->has[part], r->value[part]);
    text_printf(t, " %d %d %d", r->scope, r->need, r->applies);
    say_texts(t, "causes", r->causes, r->n_causes);
    say_told(t, "kept", r->kept, r->n_kept);
    say_told(t, "doubts", r->doubts, r->n_doubts);
    text_add(t, STR("\n"));
}

static void say_remedy(struct text *t, const struct policy_remedy *r)
{
    str texts[] = {r->rule, r->attribute, r->wanted, r->owner, r->acr};

    say_texts(t, policy_remedy_name(r->kind), texts, sizeof texts / sizeof *texts);
    text_printf(t, "%lld %lld %d\n", (long long)r->max_age_s, (long long)r->until_s, r->wants_mfa);
}

static void say_visit(struct text *t, const struct policy *p, struct world *w)
{
    struct policy_explanation ex;
    struct policy_decision d;

    policy_explain(p, &w->facts, t->arena, &ex);
    say_decision(t, &ex.decision);
    for (size_t i = 0; i < ex.n_rules; i++)
        say_rule(t, &ex.rules[i]);
    for (size_t i = 0; i < ex.n_remedies; i++)
        say_remedy(t, &ex.remedies[i]);
    say_texts(t, "causes", ex.causes, ex.n_causes);
    struct policy_subject *s =
        policy_subject_create(p, &w->identity, &w->device, w->facts.n_devices, w->facts.now_us);
    w->facts.subject = s;
    policy_decide(p, &w->facts, &d);
    say_decision(t, &d);
    w->facts.subject = NULL;
    policy_subject_destroy(&s);
}

static void say_grants(struct text *t, const struct policy *p, str rule,
                       const struct policy_identity *who)
{
    struct policy_grant_terms g;
    bool is_there = policy_grant_terms(p, rule, &g);

    str texts[] = {g.rule, g.title, g.digest, policy_rule_digest(p, rule)};

    say_texts(t, "terms", texts, sizeof texts / sizeof *texts);
    text_printf(t, "%d %d %u %lld %d %d %lld ", is_there, g.has_approval, g.count,
                (long long)g.approval_s, g.wants_reason, g.has_break_glass,
                (long long)g.break_glass_s);
    say_texts(t, "approvers", g.approvers, g.n_approvers);
    say_texts(t, "told", g.told, g.n_told);
    for (size_t i = 0; i < policy_app_count(p); i++)
        text_printf(t, " %d",
                    policy_may_approve(p, rule, policy_app_at(p, i)->name, who,
                                       (int64_t)RANDOM_NOW_S * 1000000));
    text_printf(t, " %d\n", policy_is_approver(p, who, (int64_t)RANDOM_NOW_S * 1000000));
}

/* The worlds are the same each time: they are rolled once. */
static str say_all(struct arena *a, const struct policy *p, struct world *worlds)
{
    struct text t = {.arena = a};

    for (size_t i = 0; i < VISITS; i++)
        say_visit(&t, p, &worlds[i]);
    for (size_t i = 0; i < policy_rule_count(p); i++)
        say_grants(&t, p, p->compiled->clauses[i].id, &worlds[i % VISITS].identity);
    return text_str(&t);
}

static void a_dropped_source_changes_nothing(void **state)
{
    size_t bytes = 0;

    for (int round = 0; round < ROUNDS; round++) {
        struct policy *p = random_rules(1 + (int)random_roll(RULES));
        struct world *worlds = mem_alloc(VISITS * sizeof *worlds);
        struct arena a;
        arena_init(&a, NULL, 0);
        for (size_t i = 0; i < VISITS; i++)
            random_world(&worlds[i], p);
        str before = say_all(&a, p, worlds);
        policy_drop_source(p);
        assert_true(str_eq(say_all(&a, p, worlds), before));
        bytes += before.n;
        arena_finish(&a);
        free(worlds);
        policy_unref(&p);
    }
    /* Else nothing was tested. */
    assert_true(bytes > 1000000);
}

/* ---- what goes and what stays ---- */

static void what_was_written_is_gone(void **state)
{
    struct policy *p = fixture_load(
        "version: 1\n"
        "apps: [{name: web, host: web.example, upstream: \"http://10.0.0.1\", title: Web}]\n"
        "rules:\n"
        "  - {id: plain, effect: allow, who: {groups: [x]}, to: {apps: [web]}, title: Plain,\n"
        "     owner: it@corp.example}\n"
        "  - {id: asked, effect: allow, who: {groups: [x]}, to: {apps: [web]}, title: Asked,\n"
        "     approval: {by: {users: [Bo@corp.example]}, valid_for: 1h}}\n"
        "tests:\n"
        "  - {name: t, at: 2026-01-01T00:00:00Z, do: GET https://web.example/, expect: allow}\n");
    struct policy_test_totals totals;
    struct policy_grant_terms terms;
    struct findings f;

    assert_true(policy_has_source(p));
    assert_non_null(policy_app_at(p, 0)->node);
    policy_drop_source(p);
    policy_drop_source(p);
    policy_drop_source(NULL);
    assert_false(policy_has_source(p) || policy_has_source(NULL));
    assert_true(p->source.heap_bytes == 0 && !p->rules && !p->tests);
    assert_null(policy_app_at(p, 0)->node);
    assert_true(str_eq(policy_app_at(p, 0)->title, STR("Web")));

    struct policy_rule_info info = policy_rule_info(p, policy_rule_index(p, STR("plain")));
    assert_true(str_eq(info.id, STR("plain")) && str_eq(info.owner, STR("it@corp.example")));
    assert_true(str_eq(info.file, STR("test.yaml")) && info.line == 4 && !info.source.p);
    assert_null(info.title.p);
    assert_true(policy_grant_terms(p, STR("asked"), &terms));
    assert_true(str_eq(terms.title, STR("Asked")));
    assert_int_equal(terms.n_approvers, 1);
    assert_true(str_eq(terms.approvers[0], STR("bo@corp.example")));

    findings_init(&f);
    assert_true(policy_test_run(p, &f, &totals)); /* there are none any more */
    assert_true(totals.passed == 0 && totals.failed == 0);
    findings_finish(&f);
    policy_unref(&p);
}

/* ---- how much stays ---- */

enum { MANY = 2000, KEPT_BYTES = 280, HEAVY_RULE_BYTES = 1200 };

/* Rules as people write them, each with its own paths, people and title. */
static struct policy *load_many(void)
{
    char *text = malloc(MANY * HEAVY_RULE_BYTES);
    size_t n = (size_t)sprintf(text, "version: 1\napps:\n"
                                     "  - {name: web, host: web.example, upstream: "
                                     "\"http://10.0.0.1\"}\nrules:\n");
    for (int i = 0; i < MANY; i++)
        n += (size_t)snprintf(
            text + n, HEAVY_RULE_BYTES,
            "  - id: rule-%05d\n    title: Rule %d of many, with a title of usual length\n"
            "    owner: team-%d@corp.example\n    ticket: T-%d\n    effect: allow\n"
            "    who: {groups: [team-%d, team-%d], claims: {company: [Company %d]}}\n"
            "    to: {apps: [web], methods: [GET, POST], paths: [/area-%d/s%d/**]}\n"
            "    device: {managed: true, os: [macos, windows]}\n    auth: {mfa_within: 12h}\n"
            "    from: {networks: [10.0.0.0/8, 192.168.%d.0/24]}\n"
            "    when: {days: [mon, fri], hours: [\"07:00-19:00\"]}\n    session: {max: 4h}\n",
            i, i, i % 20, i, i % 200, i % 173, i % 50, i % 16, i, i % 10);
    struct doc_file file = {STR("many.yaml"), {text, n}};
    struct policy *p = fixture_load_files(&file, 1);
    free(text);
    return p;
}

static size_t bytes_of(const struct map *m)
{
    return m->cap * sizeof *m->entries + m->slot_count * sizeof *m->slots;
}

/* Counted, not weighed: the arena and the maps are all that a policy keeps. */
static void little_stays_of_a_rule(void **state)
{
    struct policy *p = load_many();

    policy_drop_source(p);
    const struct compiled *c = p->compiled;
    size_t bytes = sizeof *p + p->arena.heap_bytes + bytes_of(&p->apps_by_host) +
                   bytes_of(&p->apps_by_wild) + bytes_of(&p->apps_by_name) + bytes_of(&c->users) +
                   bytes_of(&c->domains) + bytes_of(&c->groups);
    if (bytes > (size_t)MANY * KEPT_BYTES)
        print_error("%zu bytes a rule\n", bytes / MANY);
    assert_true(bytes <= (size_t)MANY * KEPT_BYTES);
    /* Equal needs are kept once. */
    assert_true(c->n_devices == 1 && c->n_auths == 1 && c->n_froms == 10 && c->n_whens == 1);
    policy_unref(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dropped_source_changes_nothing),
        cmocka_unit_test(what_was_written_is_gone),
        cmocka_unit_test(little_stays_of_a_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
