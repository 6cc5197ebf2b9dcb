/* postern policy diff: what another set of rules changes. */
#include <stdio.h>
#include <time.h>

#include "proxy/command/command.h"
#include "proxy/command/option.h"
#include "proxy/command/policy_command.h"
#include "proxy/command/progress.h"
#include "proxy/command/usage.h"

static const char usage_text[] =
    "usage: postern policy diff [options] OLD NEW\n"
    "\n"
    "Compares two sets, app by app: the same by normal form; or a request that the two decide\n"
    "otherwise; or, when neither is found, \"not decided\", which counts as a finding. Whoever\n"
    "may stay longer than before, unrecorded or with more rights, gains too.\n"
    "\n"
    "  --config FILE  check the names of the configuration too\n"
    "  --format json  as JSON\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 nobody gains, 1 errors, 2 usage, 3 somebody gains or it is not decided.\n";

struct options {
    struct policy_book_options books[2];
    bool is_json;
};

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    const char *config = NULL;
    const struct option_row rows[] = {
        {"config", .text = &config}, {"format", .is_json = &o->is_json}, {0}};
    struct option_args args;
    const char *wrong = option_read(rows, argc, argv, &args);

    if (wrong)
        return wrong;
    if (args.n != 2)
        return "two directories or files are needed, the old one first";
    for (size_t i = 0; i < 2; i++)
        o->books[i] = (struct policy_book_options){.path = args.items[i], .config = config};
    return NULL;
}

static const char *word_of(const struct policy_app_change *app)
{
    switch (app->change) {
    case POLICY_CHANGE_NONE:
        return "same";
    case POLICY_CHANGE_NARROWER:
        return "narrower";
    case POLICY_CHANGE_SHOWN:
        return "wider";
    default:
        return "undecided";
    }
}

static bool is_finding(const struct policy_app_change *app)
{
    return app->change == POLICY_CHANGE_SHOWN || app->change == POLICY_CHANGE_UNDECIDED;
}

/* What is printed. */
struct view {
    const struct policy_book *books;
    const struct policy_diff *diff;
    struct arena *arena;
    const char *path; /* of the new set */
};

/* The new set says why it is so now. */
static const str *asked(const struct view *view, const struct policy_witness *w, size_t *n)
{
    return policy_asked(view->arena, view->path, w->facts[1], w->request, w->at, n);
}

/* ---- text ---- */

static void print_fact(const char *name, str text)
{
    if (text.p)
        printf("      %-8s %.*s\n", name, STR_ARG(text));
}

static void print_outcome(const char *name, const struct policy_decision *d)
{
    printf("      %-8s %s, %s", name, d->effect == POLICY_ALLOW ? "allow" : "deny",
           policy_reason_code(d->reason));
    for (size_t i = 0; i < d->n_rules; i++)
        printf("%s%.*s", i ? ", " : " by ", STR_ARG(d->rules[i]));
    policy_print_session(&d->obligations);
    printf("\n");
}

static void print_witness(const struct view *view, const char *title,
                          const struct policy_witness *w)
{
    size_t n;

    if (!w->is_there)
        return;
    printf("  %s: %.*s\n", title, STR_ARG(w->request));
    print_fact("who", w->who);
    print_fact("auth", w->auth);
    print_fact("device", w->device);
    print_fact("from", w->from);
    print_fact("at", w->at);
    print_outcome("before", &w->before);
    print_outcome("after", &w->after);
    const str *args = asked(view, w, &n);
    printf("      see      ");
    policy_asked_print(args, n);
}

static void print_app(const struct view *view, const struct policy_app_change *app)
{
    static const char *const texts[] = {
        [POLICY_CHANGE_UNDECIDED] = "not decided: the rules differ, and no request was found that "
                                    "gains by it",
        [POLICY_CHANGE_NARROWER] = "nobody gains",
        [POLICY_CHANGE_SHOWN] = "somebody gains",
    };

    if (app->change == POLICY_CHANGE_NONE)
        return;
    printf("%.*s: %s%s\n", STR_ARG(app->app), texts[app->change],
           app->is_new    ? " (a new app)"
           : app->is_gone ? " (the app is gone)"
                          : "");
    for (size_t i = 0; i < app->n_rules; i++)
        printf("%s%.*s", i ? ", " : "  rules that differ: ", STR_ARG(app->rules[i]));
    if (app->n_rules)
        printf("\n");
    print_witness(view, "gains", &app->gains);
    print_witness(view, "loses", &app->loses);
}

static void print_text(const struct view *view)
{
    const struct policy_diff *diff = view->diff;
    size_t same = 0;

    for (size_t i = 0; i < diff->n_apps; i++) {
        print_app(view, &diff->apps[i]);
        same += diff->apps[i].change == POLICY_CHANGE_NONE;
    }
    printf("%zu app%s, %zu the same\n", diff->n_apps, policy_plural(diff->n_apps), same);
}

/* ---- JSON ---- */

static void write_outcome(struct jout *j, str name, const struct policy_decision *d)
{
    jout_key(j, name);
    jout_open(j, '{');
    jout_kstr(j, STR("effect"), d->effect == POLICY_ALLOW ? STR("allow") : STR("deny"));
    jout_kstr(j, STR("reason"), str_of(policy_reason_code(d->reason)));
    policy_json_texts(j, STR("rules"), d->rules, d->n_rules);
    if (d->effect == POLICY_ALLOW)
        policy_json_session(j, &d->obligations);
    jout_close(j, '}');
}

static void write_witness(struct jout *j, const struct view *view, str name,
                          const struct policy_witness *w)
{
    size_t n;

    if (!w->is_there)
        return;
    jout_key(j, name);
    jout_open(j, '{');
    policy_json_text(j, STR("request"), w->request);
    policy_json_text(j, STR("who"), w->who);
    policy_json_text(j, STR("auth"), w->auth);
    policy_json_text(j, STR("device"), w->device);
    policy_json_text(j, STR("from"), w->from);
    policy_json_text(j, STR("at"), w->at);
    write_outcome(j, STR("before"), &w->before);
    write_outcome(j, STR("after"), &w->after);
    const str *args = asked(view, w, &n);
    policy_json_texts(j, STR("explain"), args, n);
    jout_close(j, '}');
}

static void write_diff(struct jout *j, const void *what)
{
    const struct view *view = what;
    const struct policy_diff *diff = view->diff;

    jout_open(j, '{');
    policy_json_findings(j, &view->books[0].findings);
    jout_key(j, STR("apps"));
    jout_open(j, '[');
    for (size_t i = 0; i < diff->n_apps; i++) {
        const struct policy_app_change *app = &diff->apps[i];
        jout_open(j, '{');
        jout_kstr(j, STR("app"), app->app);
        jout_kstr(j, STR("change"), str_of(word_of(app)));
        jout_kbool(j, STR("new"), app->is_new);
        jout_kbool(j, STR("gone"), app->is_gone);
        policy_json_texts(j, STR("rules"), app->rules, app->n_rules);
        write_witness(j, view, STR("gains"), &app->gains);
        write_witness(j, view, STR("loses"), &app->loses);
        jout_close(j, '}');
    }
    jout_close(j, ']');
    jout_close(j, '}');
}

/* ---- run ---- */

static void show(void *ctx, size_t done, size_t of)
{
    progress_show("apps", done, of);
}

static int compare(const struct options *o, struct policy_book books[2])
{
    struct policy_diff diff;
    struct arena a;
    int status = EXIT_GOOD;

    arena_init(&a, NULL, 0);
    policy_diff(books[0].policy, books[1].policy, (int64_t)time(NULL) * 1000000,
                &(struct policy_progress){show, NULL}, &a, &diff);
    progress_end();
    struct view view = {books, &diff, &a, o->books[1].path};
    if (o->is_json)
        policy_json_print(write_diff, &view);
    else
        print_text(&view);
    for (size_t i = 0; i < diff.n_apps; i++)
        if (is_finding(&diff.apps[i]))
            status = EXIT_FINDINGS;
    arena_finish(&a);
    return status;
}

/* Of both sets in one list. */
static void add_findings(struct findings *into, const struct findings *from)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct finding *it = &from->items[i];
        struct finding_at at = {it->file, it->source, it->line, it->column};
        char code[64];
        snprintf(code, sizeof code, "%.*s", STR_ARG(it->code));
        findings_add(into, it->severity, code, &at, it->suggestion.p, "%.*s", STR_ARG(it->message));
    }
}

int policy_diff_command(int argc, char **argv)
{
    struct options o = {0};
    struct policy_book books[2];
    int status = EXIT_GOOD;
    const char *wrong = read_options(argc, argv, &o);

    if (wrong)
        return usage_tell("policy diff", wrong, usage_text);
    for (size_t i = 0; i < 2; i++)
        if (!policy_book_open(&books[i], &o.books[i]))
            status = EXIT_ERRORS;
    add_findings(&books[0].findings, &books[1].findings);
    if (status == EXIT_GOOD)
        status = compare(&o, books);
    else
        policy_book_print(&books[0], o.is_json);
    for (size_t i = 0; i < 2; i++)
        policy_book_finish(&books[i]);
    return status;
}
