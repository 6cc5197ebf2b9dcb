/* postern policy check. */
#include <stdio.h>

#include "proxy/command/command.h"
#include "proxy/command/option.h"
#include "proxy/command/policy_command.h"
#include "proxy/command/usage.h"

static const char usage_text[] =
    "usage: postern policy check [options] PATH\n"
    "\n"
    "Loads the rules and tells all errors of all files, and what is legal but hardly meant: rules\n"
    "that can never hold, allows that a deny covers or another allow makes needless, rules that\n"
    "are over or soon will be, contractors without a last day, denies on paths, expressions where\n"
    "a glob serves, and scalars that other readers of YAML take for something else.\n"
    "\n"
    "  --policy PATH  the same as PATH\n"
    "  --config FILE  also check the names of issuers, services, sources and channels\n"
    "  --strict       warnings are findings too\n"
    "  --format json  findings as JSON on standard output\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 good, 1 errors, 2 usage, 3 warnings with --strict.\n";

struct options {
    struct policy_book_options book;
    bool is_strict, is_json;
};

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    const struct option_row rows[] = {{"policy", .text = &o->book.path},
                                      {"strict", .flag = &o->is_strict},
                                      {"config", .text = &o->book.config},
                                      {"format", .is_json = &o->is_json},
                                      {0}};

    return policy_path_option(rows, argc, argv, &o->book.path);
}

static void print_summary(const struct policy_book *book)
{
    size_t rules = policy_rule_count(book->policy), apps = policy_app_count(book->policy);

    printf("%zu file%s, %zu app%s, %zu rule%s: good\n", book->n_files, policy_plural(book->n_files),
           apps, policy_plural(apps), rules, policy_plural(rules));
}

int policy_check_command(int argc, char **argv)
{
    struct options o = {.book.wants_lints = true};
    struct policy_book book;
    int status = EXIT_GOOD;
    const char *wrong = read_options(argc, argv, &o);

    if (wrong)
        return usage_tell("policy check", wrong, usage_text);
    if (!policy_book_open(&book, &o.book))
        status = EXIT_ERRORS;
    else if (o.is_strict && book.findings.warnings)
        status = EXIT_FINDINGS;
    policy_book_print(&book, o.is_json);
    if (!o.is_json && book.policy)
        print_summary(&book);
    policy_book_finish(&book);
    return status;
}
