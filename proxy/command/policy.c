/* postern policy: checks, tests and explains rules where no proxy runs, on a laptop or in CI. What
 * it says is what the proxy would do: the same loader, the same evaluator. */
#include "proxy/command/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proxy/command/policy_command.h"
#include "proxy/config/config.h"

static const char usage_text[] =
    "usage: postern policy check [--strict] [--format text|json] PATH\n"
    "       postern policy test [--strict] [--format text|json] PATH\n"
    "       postern policy explain [options] REQUEST\n"
    "\n"
    "PATH is a directory of *.yaml files, which are read as one set, or a single file.\n"
    "\n"
    "check    loads the rules and tells every error with its place\n"
    "test     loads the rules and runs the tests that stand beside them\n"
    "explain  shows how each rule sees one request (postern policy explain --help)\n"
    "\n"
    "  --strict       warnings are findings too\n"
    "  --format json  findings as JSON on standard output\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 good, 1 errors, 2 usage, 3 findings (a failed test; a warning with "
    "--strict).\n";

struct options {
    const char *path;
    bool is_strict, is_json, wants_help;
};

int policy_usage(const char *what, const char *usage)
{
    fprintf(stderr, "postern policy: %s\n%s", what, usage);
    return EXIT_USAGE;
}

bool policy_book_open(struct policy_book *book, const char *path)
{
    struct zones zones = zones_in(NULL);
    struct policyset set;
    struct fail fail = {0};

    memset(book, 0, sizeof *book);
    arena_init(&book->arena, NULL, 0);
    findings_init(&book->findings);
    if (!policyset_read(path, &book->arena, &set, &fail)) {
        findings_add(&book->findings, FINDING_ERROR, "unreadable", NULL, NULL, "%s", fail.text);
        return false;
    }
    struct policy_load_in in = {
        .files = set.files,
        .n_files = set.n,
        .zone = zones_read,
        .zone_ctx = &zones,
        .tzdata_version = zones_version(&zones, &book->arena),
        .now_s = time(NULL),
    };
    book->n_files = set.n;
    book->policy = policy_load(&in, &book->findings);
    return book->policy != NULL;
}

void policy_book_finish(struct policy_book *book)
{
    policy_unref(&book->policy);
    findings_finish(&book->findings);
    arena_finish(&book->arena);
}

void policy_book_print(struct policy_book *book, bool is_json)
{
    findings_sort(&book->findings);
    if (is_json)
        findings_print_json(&book->findings, stdout);
    else
        findings_print(&book->findings, stderr);
}

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {{"strict", no_argument, NULL, 's'},
                                          {"format", required_argument, NULL, 'f'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int c;

    opterr = 0;
    optind = 0;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (c == 's')
            o->is_strict = true;
        else if (c == 'h')
            o->wants_help = true;
        else if (c == 'f' && (!strcmp(optarg, "json") || !strcmp(optarg, "text")))
            o->is_json = !strcmp(optarg, "json");
        else
            return c == 'f' ? "--format is text or json"
                            : "an option is unknown or lacks its value";
    }
    if (o->wants_help)
        return NULL;
    if (optind + 1 != argc)
        return optind == argc ? "a directory or file is missing" : "too many arguments";
    o->path = argv[optind];
    return NULL;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_summary(const struct policy_book *book)
{
    size_t rules = policy_rule_count(book->policy), apps = policy_app_count(book->policy);

    printf("%zu file%s, %zu app%s, %zu rule%s: good\n", book->n_files, plural(book->n_files), apps,
           plural(apps), rules, plural(rules));
}

static int run(const struct options *o, bool wants_tests)
{
    struct policy_test_totals totals = {0};
    struct policy_book book;
    int status = EXIT_GOOD;

    if (!policy_book_open(&book, o->path))
        status = EXIT_ERRORS;
    else if (wants_tests && !policy_test_run(book.policy, &book.findings, &totals))
        status = EXIT_FINDINGS;
    else if (o->is_strict && book.findings.warnings)
        status = EXIT_FINDINGS;
    policy_book_print(&book, o->is_json);
    if (!o->is_json && book.policy && !wants_tests)
        print_summary(&book);
    if (!o->is_json && book.policy && wants_tests)
        printf("%zu test%s passed, %zu failed\n", totals.passed, plural(totals.passed),
               totals.failed);
    policy_book_finish(&book);
    return status;
}

int command_policy(int argc, char **argv)
{
    struct options o = {0};

    if (argc < 2)
        return policy_usage("a subcommand is missing", usage_text);
    if (!strcmp(argv[1], "explain"))
        return policy_explain_command(argc - 1, argv + 1);
    bool is_check = !strcmp(argv[1], "check"), is_test = !strcmp(argv[1], "test");
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
        fputs(usage_text, stdout);
        return EXIT_GOOD;
    }
    if (!is_check && !is_test)
        return policy_usage("the subcommand is unknown", usage_text);
    const char *wrong = read_options(argc - 1, argv + 1, &o);
    if (wrong)
        return policy_usage(wrong, usage_text);
    if (o.wants_help) {
        fputs(usage_text, stdout);
        return EXIT_GOOD;
    }
    return run(&o, is_test);
}
