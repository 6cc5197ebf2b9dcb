/* postern config: what the configuration says, checked whole without starting anything. */
#include "proxy/command/command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proxy/command/option.h"
#include "proxy/command/usage.h"
#include "proxy/config/config.h"
#include "proxy/http/fields.h"

static const char usage_text[] =
    "usage: postern config check [--config FILE] [--format text|json] [--strict]\n"
    "       postern config headers\n"
    "       postern config reference\n"
    "\n"
    "check      reads FILE (default: $POSTERN_CONFIG or /etc/postern/postern.yaml) with its\n"
    "           certificates, keys and policies, runs the policies' tests and tells every error\n"
    "headers    prints the header fields that are removed from requests and answers\n"
    "reference  prints the reference of the file, in Markdown\n"
    "\n"
    "Exit status: 0 good, 1 errors, 2 usage or no such file, 3 warnings with --strict.\n";

struct options {
    const char *config;
    bool is_json, is_strict;
};

static int tell_usage(const char *what)
{
    return usage_tell("config", what, usage_text);
}

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    const struct option_row rows[] = {{"config", .text = &o->config, .letter = 'c'},
                                      {"format", .is_json = &o->is_json},
                                      {"strict", .flag = &o->is_strict},
                                      {0}};

    return option_read_alone(rows, argc, argv,
                             "too many arguments: the file is given with --config");
}

static void tell_good(const struct snapshot *s)
{
    printf("%.*s: good: %zu listener%s, %zu issuer%s, %zu app%s, %zu rule%s\n",
           STR_ARG(s->config->path), s->n_listeners, s->n_listeners == 1 ? "" : "s", s->n_issuers,
           s->n_issuers == 1 ? "" : "s", s->n_apps, s->n_apps == 1 ? "" : "s",
           policy_rule_count(s->policy), policy_rule_count(s->policy) == 1 ? "" : "s");
}

static bool is_absent(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file)
        fclose(file);
    return !file;
}

static int check(const struct options *o)
{
    struct snapshot_inputs in = {.config_path = o->config ? o->config : config_default_path(),
                                 .wall_us = (int64_t)time(NULL) * 1000000};
    struct findings f;
    bool is_policy_broken = false;
    findings_init(&f);
    struct snapshot *s = snapshot_build(&in, NULL, &is_policy_broken, &f);
    bool is_good = s && !is_policy_broken;
    if (o->is_json)
        findings_print_json(&f, stdout);
    else
        findings_print(&f, stdout);
    if (is_good && !o->is_json)
        tell_good(s);
    int code = is_good ? f.warnings && o->is_strict ? EXIT_FINDINGS : EXIT_GOOD
               : !s && is_absent(in.config_path) ? EXIT_USAGE
                                                 : EXIT_ERRORS;
    snapshot_unref(&s);
    findings_finish(&f);
    return code;
}

static int headers(const struct options *o)
{
    (void)o;
    fields_print(stdout);
    return EXIT_GOOD;
}

static int reference(const struct options *o)
{
    (void)o;
    config_print_reference(stdout);
    return EXIT_GOOD;
}

int command_config(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct options *o);
    } verbs[] = {{"check", check}, {"headers", headers}, {"reference", reference}};
    struct options o = {0};
    if (usage_asks_help(argc, argv))
        return tell_usage(usage_help);
    for (size_t i = 0; argc >= 2 && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0)
            continue;
        const char *wrong = read_options(argc - 1, argv + 1, &o);
        return wrong ? tell_usage(wrong) : verbs[i].run(&o);
    }
    return tell_usage("which: check, headers or reference?");
}
