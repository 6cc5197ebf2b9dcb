/* postern policy who-can: the rules that open a place, and those that stand in the way. */
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "proxy/command/command.h"
#include "proxy/command/policy_command.h"
#include "proxy/command/usage.h"

static const char usage_text[] =
    "usage: postern policy who-can [options] REQUEST\n"
    "\n"
    "Tells whom the rules let in to REQUEST (\"GET https://host/path\", \"ssh LOGIN@APP\" or\n"
    "\"rdp APP\"): each allow with its conditions, then what is required and what is denied.\n"
    "\n"
    "  --policy PATH  the rules (default: policies)\n"
    "  --config FILE  check the names of the configuration too\n"
    "  --at INSTANT   for rules that begin or end (default: now)\n"
    "  --format json  as JSON\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 somebody can, 1 errors, 2 usage, 3 nobody can.\n";

struct options {
    struct policy_book_options book;
    const char *request;
    int64_t at_s;
    bool is_json, wants_help;
};

static const char *read_option(struct options *o, int c)
{
    switch (c) {
    case 'p':
        o->book.path = optarg;
        return NULL;
    case 'c':
        o->book.config = optarg;
        return NULL;
    case 'a':
        return policy_instant_parse(str_of(optarg), &o->at_s)
                   ? NULL
                   : "--at is an instant with its offset: 2026-11-27T15:00:00+01:00";
    case 'f':
        return policy_read_format(optarg, &o->is_json);
    case 'h':
        o->wants_help = true;
        return NULL;
    default:
        return "an option is unknown";
    }
}

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"policy", required_argument, NULL, 'p'}, {"config", required_argument, NULL, 'c'},
        {"at", required_argument, NULL, 'a'},     {"format", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},         {0}};

    opterr = 0;
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        const char *wrong = c == '?' ? usage_bad_option(argv) : read_option(o, c);
        if (wrong || o->wants_help)
            return wrong;
    }
    if (optind + 1 != argc)
        return optind == argc ? "a request is missing" : "the request is one argument: quote it";
    o->request = argv[optind];
    return NULL;
}

/* ---- text ---- */

static void print_way(const struct policy_way *way)
{
    printf("  %.*s  (%.*s:%u)%s%s\n", STR_ARG(way->rule.id), STR_ARG(way->rule.file),
           way->rule.line, way->rule.is_audit ? "  audit only" : "",
           way->is_alive ? "" : "  not in force");
    for (enum policy_part part = 0; part < POLICY_PART_COUNT; part++)
        if (way->parts[part].p && part != POLICY_PART_TO)
            printf("      %-12s %.*s\n", policy_part_name(part), STR_ARG(way->parts[part]));
    if (way->starts.p)
        printf("      %-12s %.*s\n", "starts", STR_ARG(way->starts));
    if (way->expires.p)
        printf("      %-12s %.*s\n", "expires", STR_ARG(way->expires));
    if (way->session.p)
        printf("      %-12s %.*s\n", "session", STR_ARG(way->session));
}

static void print_ways(const char *title, const struct policy_way *ways, size_t n)
{
    if (n)
        printf("%s\n", title);
    for (size_t i = 0; i < n; i++)
        print_way(&ways[i]);
}

static void print_text(const struct policy_ways *ways)
{
    if (ways->is_public)
        printf("everybody, without sign-in: the path is public\n");
    else if (!ways->n_allows)
        printf("nobody: no rule allows it\n");
    print_ways("any one of these lets in:", ways->allows, ways->n_allows);
    print_ways("and all of these are required:", ways->requires, ways->n_requires);
    print_ways("unless one of these forbids it:", ways->denies, ways->n_denies);
}

/* ---- JSON ---- */

static void write_way(struct jout *j, const struct policy_way *way)
{
    jout_open(j, '{');
    jout_kstr(j, STR("id"), way->rule.id);
    jout_kstr(j, STR("file"), way->rule.file);
    jout_kint(j, STR("line"), way->rule.line);
    policy_json_text(j, STR("owner"), way->rule.owner);
    jout_kbool(j, STR("audit"), way->rule.is_audit);
    jout_kbool(j, STR("alive"), way->is_alive);
    for (enum policy_part part = 0; part < POLICY_PART_COUNT; part++)
        policy_json_text(j, str_of(policy_part_name(part)), way->parts[part]);
    policy_json_text(j, STR("starts"), way->starts);
    policy_json_text(j, STR("expires"), way->expires);
    policy_json_text(j, STR("session"), way->session);
    jout_close(j, '}');
}

static void write_ways(struct jout *j, str name, const struct policy_way *ways, size_t n)
{
    jout_key(j, name);
    jout_open(j, '[');
    for (size_t i = 0; i < n; i++)
        write_way(j, &ways[i]);
    jout_close(j, ']');
}

static void write_all(struct jout *j, const void *what)
{
    const struct policy_ways *ways = what;

    jout_open(j, '{');
    jout_kbool(j, STR("public"), ways->is_public);
    write_ways(j, STR("allow"), ways->allows, ways->n_allows);
    write_ways(j, STR("require"), ways->requires, ways->n_requires);
    write_ways(j, STR("deny"), ways->denies, ways->n_denies);
    jout_close(j, '}');
}

/* ---- run ---- */

static bool somebody_can(const struct policy_ways *ways)
{
    for (size_t i = 0; i < ways->n_allows; i++)
        if (ways->allows[i].is_alive && !ways->allows[i].rule.is_audit)
            return true;
    return ways->is_public;
}

static int tell(const struct options *o, struct policy_book *book, struct arena *a)
{
    struct policy_request request;
    struct policy_ways ways = {0};
    const char *wrong = policy_request_parse(str_of(o->request), book->policy, a, &request);

    if (wrong)
        return usage_wrong("policy who-can", wrong, usage_text);
    if (request.app && (request.protocol != POLICY_HTTP || request.path.n))
        policy_who_can(book->policy, &request, o->at_s * 1000000, a, &ways);
    if (o->is_json)
        policy_json_print(write_all, &ways);
    else if (!request.app)
        printf("nobody: no app answers to this host\n");
    else
        print_text(&ways);
    return somebody_can(&ways) ? EXIT_GOOD : EXIT_FINDINGS;
}

int policy_who_can_command(int argc, char **argv)
{
    struct options o = {.book.path = "policies", .at_s = time(NULL)};
    struct policy_book book;
    struct arena a;
    int status = EXIT_ERRORS;
    const char *wrong = read_options(argc, argv, &o);

    if (wrong)
        return usage_wrong("policy who-can", wrong, usage_text);
    if (o.wants_help) {
        fputs(usage_text, stdout);
        return EXIT_GOOD;
    }
    arena_init(&a, NULL, 0);
    if (policy_book_open(&book, &o.book))
        status = tell(&o, &book, &a);
    else
        policy_book_print(&book, o.is_json);
    policy_book_finish(&book);
    arena_finish(&a);
    return status;
}
