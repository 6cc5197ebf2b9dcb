/* postern policy unused: rules that an access log never needed. */
#include "proxy/command/command.h"

#include <stdio.h>

#include "proxy/command/option.h"
#include "proxy/command/policy_command.h"
#include "proxy/command/usage.h"
#include "proxy/command/policy_pass.h"

static const char usage_text[] =
    "usage: postern policy unused --log FILE [options]\n"
    "\n"
    "Decides each recorded request by the rules and counts which of them had a part: allows that\n"
    "applied, requires and denies that fired. An allow that never did is a finding; a require or\n"
    "a deny that never did is told, since it may be what keeps people from asking. Rules of\n"
    "mode: audit are told too: nothing depends on them yet. The last line says from when to when\n"
    "the log reaches: a rule that is needed once a year is unused in a log of a month.\n"
    "\n"
    "  --log FILE     the access log\n"
    "  --policy PATH  the rules (default: policies)\n"
    "  --config FILE  check the names of the configuration too, and trust its issuers as it does\n"
    "  --since T      from then on: an instant, a date, or an age such as 90d\n"
    "  --format json  as JSON\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 all are used, 1 errors, 2 usage, 3 an allow is unused.\n";

struct options {
    struct policy_book_options book;
    const char *log;
    struct audit_filter filter;
    bool is_json;
};

struct usage {
    uint64_t applied;
    int64_t last_s;
};

/* Of one thread. */
struct counts {
    const struct policy *policy;
    struct usage *rules;
    int64_t first_s, last_s; /* of the decisions; 0: none */
};

struct report {
    const struct policy_book *book;
    const struct policy *policy;
    const struct pass *pass;
    const struct counts *counts;
    size_t n_unused;
};

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    const struct option_row rows[] = {{"log", .text = &o->log},
                                      {"policy", .text = &o->book.path},
                                      {"config", .text = &o->book.config},
                                      {"since", .time_us = &o->filter.since_us},
                                      {"format", .is_json = &o->is_json},
                                      {0}};
    const char *wrong = policy_rules_option(rows, argc, argv);

    return wrong || o->log ? wrong : "--log is missing";
}

/* ---- counting ---- */

static void count(struct counts *c, str id, int64_t at_s)
{
    struct usage *u = &c->rules[policy_rule_index(c->policy, id)];

    u->applied++;
    if (at_s > u->last_s)
        u->last_s = at_s;
}

/* More rules than a decision reports, or rules that it never reports since they only look on: the
 * explanation knows them all. */
static void count_all(struct counts *c, const struct policy_facts *facts, int64_t at_s)
{
    struct policy_explanation ex;
    struct arena a;

    arena_init(&a, NULL, 0);
    policy_explain(c->policy, facts, &a, &ex);
    for (size_t i = 0; i < ex.n_rules; i++)
        if (ex.rules[i].applies)
            count(c, ex.rules[i].id, at_s);
    arena_finish(&a);
}

static void on_decision(void *results, const struct record *r, const struct record_person *person,
                        const struct policy_facts *facts, const struct policy_decision *d)
{
    struct counts *c = results;
    const struct policy_app *app = facts->request->app;

    if (!c->first_s || r->now_s < c->first_s)
        c->first_s = r->now_s;
    if (r->now_s > c->last_s)
        c->last_s = r->now_s;
    if (d->n_rules_total > d->n_rules || (app && policy_app_has_audit(c->policy, app))) {
        count_all(c, facts, r->now_s);
        return;
    }
    for (size_t i = 0; i < d->n_rules; i++)
        count(c, d->rules[i], r->now_s);
}

static void join(struct counts *into, const struct counts *from, size_t n)
{
    if (from->first_s && (!into->first_s || from->first_s < into->first_s))
        into->first_s = from->first_s;
    if (from->last_s > into->last_s)
        into->last_s = from->last_s;
    for (size_t i = 0; i < n; i++) {
        into->rules[i].applied += from->rules[i].applied;
        if (from->rules[i].last_s > into->rules[i].last_s)
            into->rules[i].last_s = from->rules[i].last_s;
    }
}

/* ---- output ---- */

/* A finding: an allow in force that nobody needed. */
static bool is_unused(const struct report *r, size_t i)
{
    struct policy_rule_info rule = policy_rule_info(r->policy, i);

    return !r->counts->rules[i].applied && !rule.is_audit && rule.effect == POLICY_RULE_ALLOW;
}

static void print_rule(const struct report *r, size_t i)
{
    struct policy_rule_info rule = policy_rule_info(r->policy, i);

    if (r->counts->rules[i].applied)
        return;
    printf("%.*s:%u: %s \"%.*s\" %s%s\n", STR_ARG(rule.file), rule.line,
           policy_rule_effect_name(rule.effect), STR_ARG(rule.id),
           rule.effect != POLICY_RULE_ALLOW ? "never fired"
           : rule.is_audit                  ? "would have let nobody in"
                                            : "let nobody in",
           rule.is_audit ? " (audit)" : "");
}

static void print_text(const struct report *r)
{
    uint64_t n = r->pass->counts.decided;

    for (size_t i = 0; i < policy_rule_count(r->policy); i++)
        print_rule(r, i);
    pass_print_counts(r->pass);
    printf("%llu decision%s, %zu rule%s, %zu allow%s unused", (unsigned long long)n,
           policy_plural(n), policy_rule_count(r->policy),
           policy_plural(policy_rule_count(r->policy)), r->n_unused, policy_plural(r->n_unused));
    policy_print_instant(stdout, " from ", r->counts->first_s);
    policy_print_time(stdout, " to ", r->counts->last_s);
}

static void write_rule(struct jout *j, const struct policy_rule_info *rule, const struct usage *u)
{
    jout_open(j, '{');
    jout_kstr(j, STR("id"), rule->id);
    jout_kstr(j, STR("effect"), str_of(policy_rule_effect_name(rule->effect)));
    jout_kstr(j, STR("file"), rule->file);
    jout_kint(j, STR("line"), rule->line);
    jout_kbool(j, STR("audit"), rule->is_audit);
    policy_json_text(j, STR("owner"), rule->owner);
    jout_kint(j, STR("applied"), (int64_t)u->applied);
    if (u->applied)
        jout_ktime(j, STR("last"), u->last_s * 1000000);
    jout_close(j, '}');
}

static void write_report(struct jout *j, const void *what)
{
    const struct report *r = what;

    jout_open(j, '{');
    policy_json_findings(j, &r->book->findings);
    jout_kint(j, STR("decisions"), (int64_t)r->pass->counts.decided);
    pass_write_counts(j, r->pass);
    if (r->counts->first_s) {
        jout_ktime(j, STR("from"), r->counts->first_s * 1000000);
        jout_ktime(j, STR("to"), r->counts->last_s * 1000000);
    }
    jout_kint(j, STR("unused"), (int64_t)r->n_unused);
    jout_key(j, STR("rules"));
    jout_open(j, '[');
    for (size_t i = 0; i < policy_rule_count(r->policy); i++) {
        struct policy_rule_info rule = policy_rule_info(r->policy, i);
        write_rule(j, &rule, &r->counts->rules[i]);
    }
    jout_close(j, ']');
    jout_close(j, '}');
}

/* ---- run ---- */

static int tell(const struct options *o, const struct policy_book *book, const struct pass *pass,
                const struct counts *counts)
{
    struct report r = {.policy = pass->policy, .book = book, .pass = pass, .counts = counts};

    for (size_t i = 0; i < policy_rule_count(pass->policy); i++)
        r.n_unused += is_unused(&r, i);
    if (o->is_json)
        policy_json_print(write_report, &r);
    else
        print_text(&r);
    return r.n_unused ? EXIT_FINDINGS : EXIT_GOOD;
}

static int run(void *options, struct policy_book *book)
{
    const struct options *o = options;
    size_t n = policy_rule_count(book->policy);
    struct counts counts[PASS_MAX_THREADS];
    struct pass pass = {.policy = book->policy,
                        .config = book->config,
                        .log = o->log,
                        .filter = o->filter,
                        .fn = on_decision,
                        .n_threads = pass_threads()};
    struct fail fail = {0};

    for (size_t i = 0; i < pass.n_threads; i++) {
        counts[i] = (struct counts){.policy = book->policy,
                                    .rules = arena_array(&book->arena, struct usage, n + 1)};
        pass.results[i] = &counts[i];
    }
    if (!pass_run(&pass, &fail)) {
        policy_book_fail(book, o->is_json, pass_advice(&pass), &fail);
        return EXIT_ERRORS;
    }
    for (size_t i = 1; i < pass.n_threads; i++)
        join(&counts[0], &counts[i], n);
    return tell(o, book, &pass, &counts[0]);
}

int policy_unused_command(int argc, char **argv)
{
    struct options o = {.book.path = "policies"};
    const char *wrong = read_options(argc, argv, &o);

    if (wrong)
        return usage_tell("policy unused", wrong, usage_text);
    return policy_book_use(&o.book, o.is_json, run, &o);
}
