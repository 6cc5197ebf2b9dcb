/* postern policy who-can: the rules that open a place, and those that stand in the way. */
#include <stdio.h>
#include <time.h>

#include "proxy/command/command.h"
#include "proxy/command/option.h"
#include "proxy/command/policy_command.h"
#include "proxy/command/usage.h"

static const char usage_text[] =
    "usage: postern policy who-can [options] REQUEST\n"
    "\n"
    "Tells whom the rules let in to REQUEST (\"GET https://host/path\", \"ssh LOGIN@APP\" or\n"
    "\"rdp APP\"): each allow with its conditions, then what is required and what is denied. An\n"
    "allow of which a deny takes everybody away is told as forbidden.\n"
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
    bool is_json;
};

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    const struct option_row rows[] = {{"policy", .text = &o->book.path},
                                      {"config", .text = &o->book.config},
                                      {"at", .instant_s = &o->at_s},
                                      {"format", .is_json = &o->is_json},
                                      {0}};

    return policy_request_option(rows, argc, argv, &o->request);
}

/* ---- text ---- */

/* As it is written; hours and days also in the zone that they mean. */
static void print_part(const struct policy_way *way, enum policy_part part)
{
    printf("      %-12s %.*s", policy_part_name(part), STR_ARG(way->parts[part]));
    if (part == POLICY_PART_WHEN)
        printf("  (%.*s)", STR_ARG(way->hours));
    printf("\n");
}

static void print_edge(const char *name, str written, int64_t at_s)
{
    if (!written.p)
        return;
    printf("      %-12s %.*s", name, STR_ARG(written));
    policy_print_instant(stdout, "  (", at_s);
    printf(")\n");
}

static void print_way(const struct policy_way *way)
{
    printf("  %.*s  (%.*s:%u)%s%s\n", STR_ARG(way->rule.id), STR_ARG(way->rule.file),
           way->rule.line, way->rule.is_audit ? "  audit only" : "",
           way->is_alive ? "" : "  not in force");
    if (way->forbidden_by.n)
        printf("      %-12s %.*s\n", "forbidden by", STR_ARG(way->forbidden_by));
    for (enum policy_part part = 0; part < POLICY_PART_COUNT; part++)
        if (way->parts[part].p && part != POLICY_PART_TO)
            print_part(way, part);
    print_edge("starts", way->starts, way->starts_s);
    print_edge("expires", way->expires, way->ends_s);
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

static bool is_open(const struct policy_way *way)
{
    return way->is_alive && !way->rule.is_audit && !way->forbidden_by.n;
}

static bool somebody_can(const struct policy_ways *ways)
{
    bool can = ways->is_public;

    for (size_t i = 0; i < ways->n_allows; i++)
        can |= is_open(&ways->allows[i]);
    return can && !ways->is_closed;
}

static bool request_has_login(const struct policy_request *request)
{
    for (size_t i = 0; i < request->app->n_logins; i++)
        if (str_eq(request->app->logins[i], request->login))
            return true;
    return request->protocol != POLICY_SSH;
}

static void print_logins(const struct policy_request *request)
{
    const struct policy_app *app = request->app;

    printf("nobody: %.*s has no log-in %.*s (", STR_ARG(app->name), STR_ARG(request->login));
    for (size_t i = 0; i < app->n_logins; i++)
        printf("%s%.*s", i ? ", " : "", STR_ARG(app->logins[i]));
    printf(")\n");
}

static void print_text(const struct policy_request *request, const struct policy_ways *ways)
{
    if (ways->is_public && !ways->is_closed)
        printf("everybody, without sign-in: the path is public\n");
    else if (ways->is_closed)
        printf("nobody: a rule forbids it to everybody\n");
    else if (!ways->n_allows && !request_has_login(request))
        print_logins(request);
    else if (!ways->n_allows)
        printf("nobody: no rule allows it\n");
    else if (!somebody_can(ways))
        printf("nobody: whom a rule allows it another forbids it, or it is not in force\n");
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
    if (way->forbidden_by.n)
        jout_kstr(j, STR("forbidden_by"), way->forbidden_by);
    jout_kbool(j, STR("audit"), way->rule.is_audit);
    jout_kbool(j, STR("alive"), way->is_alive);
    for (enum policy_part part = 0; part < POLICY_PART_COUNT; part++)
        policy_json_text(j, str_of(policy_part_name(part)), way->parts[part]);
    policy_json_text(j, STR("starts"), way->starts);
    policy_json_text(j, STR("expires"), way->expires);
    policy_json_text(j, STR("hours"), way->hours);
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

/* What is printed. */
struct view {
    const struct policy_book *book;
    const struct policy_ways *ways;
};

static void write_all(struct jout *j, const void *what)
{
    const struct view *view = what;
    const struct policy_ways *ways = view->ways;

    jout_open(j, '{');
    policy_json_findings(j, &view->book->findings);
    jout_kbool(j, STR("public"), ways->is_public);
    jout_kbool(j, STR("somebody"), somebody_can(ways));
    write_ways(j, STR("allow"), ways->allows, ways->n_allows);
    write_ways(j, STR("require"), ways->requires, ways->n_requires);
    write_ways(j, STR("deny"), ways->denies, ways->n_denies);
    jout_close(j, '}');
}

/* ---- run ---- */

static int tell(void *options, struct policy_book *book)
{
    const struct options *o = options;
    struct policy_request request;
    struct policy_ways ways = {0};
    const char *wrong =
        policy_request_parse(str_of(o->request), book->policy, &book->arena, &request);

    if (wrong)
        return usage_tell("policy who-can", wrong, usage_text);
    if (request.app && (request.protocol != POLICY_HTTP || request.path.n))
        policy_who_can(book->policy, &request, o->at_s * 1000000, &book->arena, &ways);
    if (o->is_json)
        policy_json_print(write_all, &(struct view){book, &ways});
    else if (!request.app)
        printf("nobody: no app answers to this host\n");
    else
        print_text(&request, &ways);
    return somebody_can(&ways) ? EXIT_GOOD : EXIT_FINDINGS;
}

int policy_who_can_command(int argc, char **argv)
{
    struct options o = {.book.path = "policies", .at_s = time(NULL)};
    const char *wrong = read_options(argc, argv, &o);

    if (wrong)
        return usage_tell("policy who-can", wrong, usage_text);
    return policy_book_use(&o.book, o.is_json, tell, &o);
}
