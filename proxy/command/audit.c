/* postern audit: the access log read back. `tail` follows it, `query` searches it, `verify` says
 * whether it is whole, with nothing but the files and a key. */
#include "proxy/command/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/audit/audit.h"
#include "proxy/command/option.h"
#include "proxy/command/usage.h"
#include "proxy/config/config.h"

static const char usage_text[] =
    "usage: postern audit tail   [--lines N] [FILTER...] [WHERE]\n"
    "       postern audit query  [FILTER...] [WHERE]\n"
    "       postern audit verify [--since FILE] [--key FILE] [WHERE]\n"
    "\n"
    "tail follows the access log, through its rotation; query prints the records that fit;\n"
    "verify checks the whole chain and names the first bad record.\n"
    "\n"
    "Where:\n"
    "  -c, --config FILE  postern.yaml (default: $POSTERN_CONFIG, /etc/postern/postern.yaml)\n"
    "  --file JOURNAL     the live file; rotated ones are found beside it\n"
    "Filters (a record fits all of them):\n"
    "  --user U         subject or email          --app A      --rule R     --reason R\n"
    "  --effect E       allow, deny, own or none  --kind K     --id ID      --session S\n"
    "  --device D       --since T, --until T      RFC 3339, a date, or an age: 90s 15m 2h 7d\n"
    "  --shadow-differs what the rules of `run --shadow` would decide otherwise\n"
    "tail and query:\n"
    "  --json           records as they are (default when the output is no terminal)\n"
    "  --table          a table (default on a terminal)\n"
    "  --lines N        tail: begin with the last N records (default 10)\n"
    "  --no-follow      tail: end there\n"
    "verify:\n"
    "  --since FILE     a checkpoint kept elsewhere (default with --config: the one in state)\n"
    "  --key FILE       verifier key (default with --config: state/keys/checkpoint.pub)\n"
    "  --help           this text\n"
    "\n"
    "Exit status: 0 good, 1 the log is bad or cannot be read, 2 usage.\n";

static const char verbs[] = "expected one of tail, query, verify";

enum { SMALL_FILE_BYTES = 4096 };

struct options {
    const char *verb, *config, *file, *key, *since, *until;
    uint64_t lines;
    bool json, table, no_follow;
    struct audit_filter filter;
};

/* What the options and the configuration come to. */
struct place {
    char *file;
    char *key, *since; /* contents, NULL: none */
};

static int tell_usage(const char *what)
{
    return usage_tell("audit", what, usage_text);
}

static bool failed(const char *text)
{
    fprintf(stderr, "postern audit: %s\n", text);
    return false;
}

/* ---- options ---- */

static bool is_effect(str s)
{
    static const str effects[] = {STR("allow"), STR("deny"), STR("own"), STR("none")};
    for (size_t i = 0; i < sizeof effects / sizeof *effects; i++)
        if (str_eq(s, effects[i]))
            return true;
    return false;
}

/* A kind that no record has would fit none, and look like good news. */
static const char *read_kind(str kind)
{
    static char wrong[1024];
    size_t n = 0;
    for (size_t i = 0; audit_kinds[i]; i++)
        if (!kind.p || str_eq(kind, str_of(audit_kinds[i])))
            return NULL;
    n = (size_t)snprintf(wrong, sizeof wrong, "there is no kind of that name; the kinds are");
    for (size_t i = 0; audit_kinds[i] && n < sizeof wrong; i++)
        n += (size_t)snprintf(wrong + n, sizeof wrong - n, "%s %s", i ? "," : "", audit_kinds[i]);
    return wrong;
}

static const char *read_times(struct options *o)
{
    const char *wrong = option_time("since", o->since, &o->filter.since_us);

    return wrong ? wrong : option_time("until", o->until, &o->filter.until_us);
}

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    struct audit_filter *w = &o->filter;
    const struct option_row rows[] = {{"config", .text = &o->config, .letter = 'c'},
                                      {"file", .text = &o->file},
                                      {"key", .text = &o->key},
                                      {"since", .text = &o->since}, /* of verify it is a file */
                                      {"until", .text = &o->until},
                                      {"lines", .number = &o->lines, .max = 1000000000},
                                      {"json", .flag = &o->json},
                                      {"table", .flag = &o->table},
                                      {"no-follow", .flag = &o->no_follow},
                                      {"user", .str = &w->user},
                                      {"app", .str = &w->app},
                                      {"rule", .str = &w->rule},
                                      {"reason", .str = &w->reason},
                                      {"effect", .str = &w->effect},
                                      {"session", .str = &w->session},
                                      {"id", .str = &w->id},
                                      {"device", .str = &w->device},
                                      {"kind", .str = &w->kind},
                                      {"shadow-differs", .flag = &w->shadow_differs},
                                      {0}};
    const char *wrong = option_read_one(rows, argc, argv, verbs, verbs, &o->verb);

    if (wrong)
        return wrong;
    if (w->effect.n && !is_effect(w->effect))
        return "--effect is allow, deny, own or none";
    const char *unknown = read_kind(w->kind);
    if (unknown)
        return unknown;
    return strcmp(o->verb, "verify") == 0 ? NULL : read_times(o);
}

/* ---- where ---- */

static char *read_small(const char *path)
{
    FILE *in = fopen(path, "re");
    if (!in)
        return NULL;
    char *text = mem_alloc(SMALL_FILE_BYTES);
    size_t n = fread(text, 1, SMALL_FILE_BYTES - 1, in);
    text[n] = '\0';
    fclose(in);
    return text;
}

static char *read_state(str state_dir, const char *name)
{
    char *path = NULL;
    if (!state_dir.n || asprintf(&path, "%.*s/%s", STR_ARG(state_dir), name) < 0)
        return NULL;
    char *text = read_small(path);
    free(path);
    return text;
}

static bool place_of_config(const char *path, struct place *where)
{
    const struct config *c = NULL;
    struct findings found;
    findings_init(&found);
    enum config_read read = config_open(path, &c, &found);
    if (read == CONFIG_ABSENT)
        fprintf(stderr, "postern audit: there is no configuration %s; give --config or --file\n",
                path);
    else if (read != CONFIG_GOOD)
        findings_print(&found, stderr);
    findings_finish(&found);
    if (read != CONFIG_GOOD)
        return false;
    where->file = mem_dup(c->audit.file);
    where->key = read_state(c->state_dir, "keys/checkpoint.pub");
    where->since = read_state(c->state_dir, "audit.state");
    config_unref(&c);
    return true;
}

static bool find_place(const struct options *o, struct place *where)
{
    if (o->file)
        where->file = mem_dup(str_of(o->file));
    else if (!place_of_config(o->config ? o->config : config_default_path(), where))
        return false;
    return strcmp(where->file, "-") != 0 ||
           failed("the access log goes to standard output, there is no file to read");
}

static bool read_given(const char *path, char **text)
{
    if (!path)
        return true;
    free(*text);
    *text = read_small(path);
    if (*text)
        return true;
    fprintf(stderr, "postern audit: cannot read %s: %s\n", path, strerror(errno));
    return false;
}

/* ---- tail and query ---- */

struct printer {
    const struct options *options;
    bool is_table;
    uint64_t n; /* lines printed */
};

static bool print_line(void *ctx, str line)
{
    struct printer *p = ctx;
    p->n++;
    if (p->is_table) {
        audit_table_row(stdout, line);
    } else {
        fwrite(line.p, 1, line.n, stdout);
        fputc('\n', stdout);
    }
    return !ferror(stdout);
}

static bool print_fitting(void *ctx, str line)
{
    struct printer *p = ctx;
    return !audit_filter_fits(&p->options->filter, line) || print_line(ctx, line);
}

static struct printer printer_of(const struct options *o)
{
    struct printer p = {o, !o->json && (o->table || isatty(STDOUT_FILENO))};
    if (p.is_table)
        audit_table_head(stdout);
    return p;
}

static int run_query(const struct options *o, const char *file)
{
    struct printer p = printer_of(o);
    struct fail f = {0};
    if (!audit_scan(file, &o->filter, print_line, &p, &f)) {
        failed(f.text);
        return EXIT_ERRORS;
    }
    if (p.n == 0)
        fprintf(stderr, "postern audit: no record in %s and its rotated files fits\n", file);
    return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_ERRORS;
}

static int run_tail(const struct options *o, const char *file)
{
    struct fail f = {0};
    struct audit_follow *w = audit_follow_open(file, o->lines, &f);
    if (!w) {
        failed(f.text);
        return EXIT_ERRORS;
    }
    struct printer p = printer_of(o);
    /* A second at most: the watch may be lost with its folder, and without a sign. */
    while (audit_follow_step(w, o->no_follow ? 0 : 1000, print_fitting, &p, &f) &&
           fflush(stdout) == 0 && !o->no_follow)
        ;
    audit_follow_close(w);
    if (f.code) {
        failed(f.text);
        return EXIT_ERRORS;
    }
    return EXIT_GOOD;
}

/* ---- verify ---- */

static void show_progress(void *ctx, uint64_t bytes, uint64_t of_bytes)
{
    fprintf(stderr, "\r%llu of %llu MiB", (unsigned long long)bytes >> 20,
            (unsigned long long)of_bytes >> 20);
    fflush(stderr);
}

static int report(const struct verify_result *r, bool has_key)
{
    if (r->flaw == VERIFY_GOOD) {
        printf("good: %llu records (%llu to %llu) in %llu files, %llu checkpoints, ",
               (unsigned long long)r->records, (unsigned long long)r->first_seq,
               (unsigned long long)r->last_seq, (unsigned long long)r->files,
               (unsigned long long)r->checkpoints);
        if (has_key)
            printf("%llu signatures verified\n", (unsigned long long)r->signatures);
        else
            printf("signatures not verified (no --key)\n");
        printf("root: %s\n", r->root);
        return EXIT_GOOD;
    }
    printf("bad: %s: %s\n", verify_flaw_text(r->flaw), r->text);
    if (r->bad_file[0])
        printf("at: %s:%llu (record %llu)\n", r->bad_file, (unsigned long long)r->bad_line,
               (unsigned long long)r->bad_seq);
    return EXIT_ERRORS;
}

static int run_verify(const struct options *o, struct place *where)
{
    struct verify_result result;
    struct fail f = {0};
    if (!read_given(o->key, &where->key) || !read_given(o->since, &where->since))
        return EXIT_ERRORS;
    struct verify_options v = {
        .file = where->file,
        .key = str_of(where->key),
        .since = str_of(where->since),
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
    };
    bool ok = audit_verify(&v, &result, &f);
    if (v.progress)
        fputs("\r\033[K", stderr);
    if (!ok) {
        failed(f.text);
        return EXIT_ERRORS;
    }
    return report(&result, where->key != NULL);
}

int command_audit(int argc, char **argv)
{
    struct options o = {.lines = 10};
    struct place where = {0};
    const char *wrong = read_options(argc, argv, &o);
    if (wrong)
        return tell_usage(wrong);
    bool is_tail = strcmp(o.verb, "tail") == 0, is_query = strcmp(o.verb, "query") == 0;
    if (!is_tail && !is_query && strcmp(o.verb, "verify") != 0)
        return tell_usage(verbs);
    signal(SIGPIPE, SIG_DFL);
    int code = EXIT_ERRORS;
    if (find_place(&o, &where))
        code = is_tail    ? run_tail(&o, where.file)
               : is_query ? run_query(&o, where.file)
                          : run_verify(&o, &where);
    free(where.file);
    free(where.key);
    free(where.since);
    return code;
}
