/* postern policy replay: an access log decided again by other rules. */
#include "proxy/command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proxy/command/option.h"
#include "proxy/command/policy_command.h"
#include "proxy/command/usage.h"
#include "proxy/command/policy_pass.h"
#include "proxy/command/policy_tally.h"

static const char usage_text[] =
    "usage: postern policy replay --log FILE [options]\n"
    "\n"
    "Decides each recorded request again, with the facts of its record, and tells by person, app\n"
    "and rule who gains access and who loses it. Rotated files of the log come first, compressed\n"
    "ones too. Facts that a record does not hold are unknown, as they are to the proxy: a device\n"
    "stands in it where a rule of then asked about one. What cannot be decided again is counted;\n"
    "a log without anything to decide is an error.\n"
    "\n"
    "  --log FILE     the access log\n"
    "  --policy PATH  the rules (default: policies)\n"
    "  --config FILE  check the names of the configuration too, and trust its issuers as it does\n"
    "  --since T      from then on: an instant, a date, or an age such as 7d\n"
    "  --until T      until then\n"
    "  --top N        print at most N rows (default: 50; 0: all)\n"
    "  --format json  everything as JSON on standard output\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 nothing changes, 1 errors, 2 usage, 3 somebody gains or loses.\n";

enum { TOP_ROWS = 50 };

struct options {
    struct policy_book_options book;
    const char *log;
    struct audit_filter filter;
    uint64_t top;
    bool is_json;
};

struct report {
    const struct options *options;
    const struct policy_book *book;
    const struct pass *pass;
    const struct tally *tally;
    struct tally_row **rows;
};

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    const struct option_row rows[] = {{"log", .text = &o->log},
                                      {"policy", .text = &o->book.path},
                                      {"config", .text = &o->book.config},
                                      {"since", .time_us = &o->filter.since_us},
                                      {"until", .time_us = &o->filter.until_us},
                                      {"top", .number = &o->top, .max = UINT32_MAX},
                                      {"format", .is_json = &o->is_json},
                                      {0}};
    const char *wrong = policy_rules_option(rows, argc, argv);

    return wrong || o->log ? wrong : "--log is missing";
}

/* ---- text ---- */

/* One address may be two people to the rules: signed in here and by a token of elsewhere. */
static void print_identity(const struct tally_row *row)
{
    printf(" (");
    policy_print_safe(stdout, row->subject);
    printf(" of ");
    policy_print_safe(stdout, row->issuer);
    printf(")");
}

static void print_row(const struct tally_row *row)
{
    printf("%s ", row->is_gain ? "gains" : "loses");
    policy_print_safe(stdout, tally_name(row));
    if (row->has_twin)
        print_identity(row);
    printf("  app ");
    policy_print_safe(stdout, row->app.n ? row->app : STR("(none)"));
    printf("  ");
    if (row->rule.n) {
        printf("rule ");
        policy_print_safe(stdout, row->rule);
        printf("  ");
    }
    printf("%.*s  %llu request%s%s\n", STR_ARG(row->reason), (unsigned long long)row->requests,
           policy_plural(row->requests), row->blind ? "  (no device in the record)" : "");
    printf("      such as ");
    policy_print_safe(stdout, row->method);
    printf(" https://");
    policy_print_safe(stdout, row->host);
    policy_print_safe(stdout, row->path);
    policy_print_time(stdout, "  at ", row->at_s);
}

static void print_text(const struct report *r)
{
    size_t n = r->tally->rows.n;
    size_t shown = r->options->top && r->options->top < n ? r->options->top : n;

    for (size_t i = 0; i < shown; i++)
        print_row(r->rows[i]);
    if (shown < n)
        printf("and %zu more (--top 0 prints all)\n", n - shown);
    pass_print_counts(r->pass);
    if (r->tally->blind)
        printf("%llu of the lost may be lost only because the record has no device\n",
               (unsigned long long)r->tally->blind);
    printf(
        "%llu decision%s of %zu set%s of rules replayed: %llu the same, %llu gained, %llu lost\n",
        (unsigned long long)r->pass->counts.decided, policy_plural(r->pass->counts.decided),
        r->pass->n_sets, policy_plural(r->pass->n_sets), (unsigned long long)r->tally->same,
        (unsigned long long)r->tally->gained, (unsigned long long)r->tally->lost);
}

/* ---- JSON ---- */

static void write_row(struct jout *j, const struct tally_row *row)
{
    jout_open(j, '{');
    jout_kstr(j, STR("change"), row->is_gain ? STR("gains") : STR("loses"));
    policy_json_text(j, STR("issuer"), row->issuer);
    policy_json_text(j, STR("subject"), row->subject);
    if (row->email.n)
        jout_kstr(j, STR("email"), row->email);
    jout_kstr(j, STR("app"), row->app);
    jout_kstr(j, STR("rule"), row->rule);
    jout_kstr(j, STR("reason"), row->reason);
    jout_kint(j, STR("requests"), (int64_t)row->requests);
    jout_kint(j, STR("without_device"), (int64_t)row->blind);
    jout_key(j, STR("example"));
    jout_open(j, '{');
    jout_kstr(j, STR("id"), row->id);
    jout_ktime(j, STR("time"), row->at_s * 1000000);
    jout_kstr(j, STR("method"), row->method);
    jout_kstr(j, STR("host"), row->host);
    jout_kstr(j, STR("path"), row->path);
    jout_close(j, '}');
    jout_close(j, '}');
}

static void write_report(struct jout *j, const void *what)
{
    const struct report *r = what;

    jout_open(j, '{');
    policy_json_findings(j, &r->book->findings);
    jout_kint(j, STR("replayed"), (int64_t)r->pass->counts.decided);
    pass_write_counts(j, r->pass);
    jout_kint(j, STR("same"), (int64_t)r->tally->same);
    jout_kint(j, STR("gained"), (int64_t)r->tally->gained);
    jout_kint(j, STR("lost"), (int64_t)r->tally->lost);
    jout_kint(j, STR("lost_without_device"), (int64_t)r->tally->blind);
    jout_key(j, STR("changes"));
    jout_open(j, '[');
    for (size_t i = 0; i < r->tally->rows.n; i++)
        write_row(j, r->rows[i]);
    jout_close(j, ']');
    jout_close(j, '}');
}

/* ---- run ---- */

static int tell(const struct options *o, const struct policy_book *book, const struct pass *pass,
                const struct tally *tally)
{
    struct report r = {o, book, pass, tally, tally_sorted(tally)};

    if (o->is_json)
        policy_json_print(write_report, &r);
    else
        print_text(&r);
    free(r.rows);
    return tally->gained || tally->lost ? EXIT_FINDINGS : EXIT_GOOD;
}

static int replay(void *options, struct policy_book *book)
{
    const struct options *o = options;
    struct tally tallies[PASS_MAX_THREADS];
    struct pass pass = {.policy = book->policy,
                        .config = book->config,
                        .log = o->log,
                        .filter = o->filter,
                        .fn = tally_add,
                        .n_threads = pass_threads()};
    struct fail fail = {0};
    int status = EXIT_ERRORS;

    for (size_t i = 0; i < pass.n_threads; i++) {
        tally_init(&tallies[i], book->policy);
        pass.results[i] = &tallies[i];
    }
    bool good = pass_run(&pass, &fail);
    for (size_t i = 1; i < pass.n_threads; i++)
        tally_join(&tallies[0], &tallies[i]);
    if (good)
        status = tell(o, book, &pass, &tallies[0]);
    else
        policy_book_fail(book, o->is_json, pass_advice(&pass), &fail);
    for (size_t i = 0; i < pass.n_threads; i++)
        tally_finish(&tallies[i]);
    return status;
}

int policy_replay_command(int argc, char **argv)
{
    struct options o = {.book.path = "policies", .top = TOP_ROWS};
    const char *wrong = read_options(argc, argv, &o);

    if (wrong)
        return usage_tell("policy replay", wrong, usage_text);
    return policy_book_use(&o.book, o.is_json, replay, &o);
}
