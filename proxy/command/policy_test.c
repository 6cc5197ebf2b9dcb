/* postern policy test: the embedded tests, which rules they touch, and which conditions they would
 * not miss. */
#include <stdio.h>

#include "proxy/command/command.h"
#include "proxy/command/option.h"
#include "proxy/command/policy_command.h"
#include "proxy/command/progress.h"
#include "proxy/command/usage.h"

static const char usage_text[] =
    "usage: postern policy test [options] PATH\n"
    "\n"
    "Runs the tests that stand beside the rules, and tells which rules no test touches.\n"
    "\n"
    "  --coverage     for each rule, how often it applied and how often it was held back\n"
    "  --mutate       change each condition of each rule alone (left out, turned round, the rule\n"
    "                 left out) and tell which changes no test notices\n"
    "  --policy PATH  the same as PATH\n"
    "  --config FILE  check the names of the configuration too\n"
    "  --strict       warnings and rules that no test touches are findings too\n"
    "  --format json  everything as JSON on standard output\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 good, 1 errors, 2 usage, 3 findings (a failed test, a change that no test\n"
    "notices).\n";

struct options {
    struct policy_book_options book;
    bool is_strict, is_json, wants_coverage, wants_mutants;
};

struct report {
    struct policy_book book;
    struct arena arena;
    struct policy_test_totals totals;
    struct policy_rule_coverage *rules;
    size_t n_rules, n_untouched;
    struct policy_mutations mutations;
    bool has_mutations;
};

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    const struct option_row rows[] = {{"strict", .flag = &o->is_strict},
                                      {"coverage", .flag = &o->wants_coverage},
                                      {"mutate", .flag = &o->wants_mutants},
                                      {"config", .text = &o->book.config},
                                      {"format", .is_json = &o->is_json},
                                      {"policy", .text = &o->book.path},
                                      {0}};

    return policy_path_option(rows, argc, argv, &o->book.path);
}

/* ---- text ---- */

static void print_coverage(const struct report *r)
{
    printf("%-32s %-8s %8s %8s\n", "rule", "effect", "applied", "held");
    for (size_t i = 0; i < r->n_rules; i++) {
        const struct policy_rule_coverage *c = &r->rules[i];
        printf("%-32.*s %-8s %8zu %8zu%s\n", STR_ARG(c->rule.id),
               policy_rule_effect_name(c->rule.effect), c->applied, c->held,
               c->in_scope ? "" : "  no test touches it");
    }
}

static void print_untouched(const struct report *r)
{
    for (size_t i = 0; i < r->n_rules; i++) {
        const struct policy_rule_info *rule = &r->rules[i].rule;
        if (!r->rules[i].in_scope)
            printf("%.*s:%u: no test touches rule \"%.*s\"\n", STR_ARG(rule->file), rule->line,
                   STR_ARG(rule->id));
    }
}

static const char *mutation_text(enum policy_mutation_kind kind)
{
    static const char *const texts[] = {"could be left out", "could say the opposite",
                                        "could be left out whole"};

    return texts[kind];
}

static void print_mutations(const struct report *r)
{
    const struct policy_mutations *all = &r->mutations;

    for (size_t i = 0; i < all->n; i++) {
        const struct policy_mutation *m = &all->items[i];
        if (m->is_noticed)
            continue;
        printf("%.*s:%u:%u: \"%.*s\"%s%.*s %s: no test notices\n", STR_ARG(m->at.file), m->at.line,
               m->at.column, STR_ARG(m->rule), m->condition.n ? ": " : "", STR_ARG(m->condition),
               mutation_text(m->kind));
    }
    printf("%zu change%s, %zu noticed, %zu not\n", all->n, policy_plural(all->n), all->n_noticed,
           all->n - all->n_noticed);
}

static void print_text(const struct options *o, const struct report *r)
{
    if (o->wants_coverage)
        print_coverage(r);
    else
        print_untouched(r);
    if (r->has_mutations)
        print_mutations(r);
    else if (o->wants_mutants)
        printf("the rules were not changed, since %zu test%s\n", r->totals.failed,
               r->totals.failed == 1 ? " fails" : "s fail");
    printf("%zu test%s passed, %zu failed; %zu of %zu rules touched\n", r->totals.passed,
           policy_plural(r->totals.passed), r->totals.failed, r->n_rules - r->n_untouched,
           r->n_rules);
}

/* ---- JSON ---- */

static void write_coverage(struct jout *j, const struct policy_rule_coverage *c)
{
    jout_open(j, '{');
    jout_kstr(j, STR("id"), c->rule.id);
    jout_kstr(j, STR("effect"), str_of(policy_rule_effect_name(c->rule.effect)));
    jout_kstr(j, STR("file"), c->rule.file);
    jout_kint(j, STR("line"), c->rule.line);
    jout_kint(j, STR("in_scope"), (int64_t)c->in_scope);
    jout_kint(j, STR("applied"), (int64_t)c->applied);
    jout_kint(j, STR("held"), (int64_t)c->held);
    jout_close(j, '}');
}

static void write_mutation(struct jout *j, const struct policy_mutation *m)
{
    jout_open(j, '{');
    jout_kstr(j, STR("rule"), m->rule);
    jout_kstr(j, STR("condition"), m->condition);
    jout_kstr(j, STR("change"), str_of(policy_mutation_name(m->kind)));
    jout_kstr(j, STR("file"), m->at.file);
    jout_kint(j, STR("line"), m->at.line);
    jout_kint(j, STR("column"), m->at.column);
    jout_kbool(j, STR("noticed"), m->is_noticed);
    jout_close(j, '}');
}

static void write_mutations(struct jout *j, const struct policy_mutations *all)
{
    jout_key(j, STR("mutations"));
    jout_open(j, '{');
    jout_kint(j, STR("total"), (int64_t)all->n);
    jout_kint(j, STR("noticed"), (int64_t)all->n_noticed);
    jout_key(j, STR("changes"));
    jout_open(j, '[');
    for (size_t i = 0; i < all->n; i++)
        write_mutation(j, &all->items[i]);
    jout_close(j, ']');
    jout_close(j, '}');
}

static void write_report(struct jout *j, const void *what)
{
    const struct report *r = what;

    jout_open(j, '{');
    policy_json_findings(j, &r->book.findings);
    jout_kint(j, STR("passed"), (int64_t)r->totals.passed);
    jout_kint(j, STR("failed"), (int64_t)r->totals.failed);
    jout_kint(j, STR("untouched"), (int64_t)r->n_untouched);
    jout_key(j, STR("rules"));
    jout_open(j, '[');
    for (size_t i = 0; i < r->n_rules; i++)
        write_coverage(j, &r->rules[i]);
    jout_close(j, ']');
    if (r->has_mutations)
        write_mutations(j, &r->mutations);
    jout_close(j, '}');
}

/* ---- run ---- */

static int judge(const struct options *o, const struct report *r)
{
    if (!r->book.policy)
        return EXIT_ERRORS;
    if (r->totals.failed || (r->has_mutations && r->mutations.n_noticed < r->mutations.n))
        return EXIT_FINDINGS;
    if (o->is_strict && (r->book.findings.warnings || r->n_untouched))
        return EXIT_FINDINGS;
    return EXIT_GOOD;
}

static void show(void *ctx, size_t done, size_t of)
{
    progress_show("rules changed", done, of);
}

static void run_tests(const struct options *o, struct report *r)
{
    const struct policy *p = r->book.policy;
    struct findings ignored;

    r->n_rules = policy_rule_count(p);
    bool good = policy_test_cover(p, &r->book.findings, &r->totals, &r->arena, &r->rules);
    for (size_t i = 0; i < r->n_rules; i++)
        r->n_untouched += !r->rules[i].in_scope;
    if (!good || !o->wants_mutants)
        return;
    findings_init(&ignored);
    r->book.in.progress = &(struct policy_progress){show, NULL};
    r->has_mutations = policy_mutate(&r->book.in, &ignored, &r->arena, &r->mutations);
    r->book.in.progress = NULL;
    progress_end();
    findings_finish(&ignored);
}

int policy_test_command(int argc, char **argv)
{
    struct options o = {0};
    struct report r = {0};
    const char *wrong = read_options(argc, argv, &o);

    if (wrong)
        return usage_tell("policy test", wrong, usage_text);
    arena_init(&r.arena, NULL, 0);
    if (policy_book_open(&r.book, &o.book))
        run_tests(&o, &r);
    findings_sort(&r.book.findings);
    if (o.is_json)
        policy_json_print(write_report, &r);
    else
        findings_print(&r.book.findings, stderr);
    if (!o.is_json && r.book.policy)
        print_text(&o, &r);
    int status = judge(&o, &r);
    policy_book_finish(&r.book);
    arena_finish(&r.arena);
    return status;
}
