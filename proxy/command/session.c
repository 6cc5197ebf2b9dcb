/* postern session: who is logged in, and an end to it. Opens the database beside a running server,
 * which hears of an end within a second. */
#include "proxy/command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jout.h"
#include "proxy/command/conf.h"
#include "proxy/command/option.h"
#include "proxy/command/usage.h"
#include "proxy/store/store.h"

static const char usage_text[] =
    "usage: postern session list   [--user MAIL] [--subject SUBJECT] [--issuer URL]\n"
    "                              [--limit N] [--format text|json] [--config FILE]\n"
    "       postern session revoke (--session HANDLE | --user MAIL | --subject SUBJECT | --all)\n"
    "                              [--issuer URL] [--config FILE]\n"
    "\n"
    "list shows the sessions that are open, the newest first; revoke ends those that fit, on all\n"
    "hosts. A running server hears of it within a second and cuts what is still open.\n"
    "\n"
    "  -c, --config FILE    postern.yaml (default: $POSTERN_CONFIG, or\n"
    "                       /etc/postern/postern.yaml)\n"
    "      --session HANDLE one session, as lists and records name it\n"
    "      --user MAIL      all sessions with that mail address\n"
    "      --subject S      all sessions of that subject, with --issuer of that issuer alone\n"
    "      --all            everybody's\n"
    "      --limit N        list: at most N (default 1000)\n"
    "      --format json    list: one object a line\n"
    "      --help           this text\n"
    "\n"
    "Exit status: 0 good, 1 errors or no such session, 2 usage.\n";

enum { END_AT_ONCE = 1000, END_PAUSE_US = 50 * 1000 };

struct options {
    const char *config;
    str session, user, subject, issuer;
    bool is_all, is_json;
    uint64_t limit;
};

static int tell_usage(const char *what)
{
    return usage_tell("session", what, usage_text);
}

static int failed(const char *text)
{
    fprintf(stderr, "postern session: %s\n", text);
    return EXIT_ERRORS;
}

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    const struct option_row rows[] = {{"config", .text = &o->config, .letter = 'c'},
                                      {"session", .str = &o->session},
                                      {"user", .str = &o->user},
                                      {"subject", .str = &o->subject},
                                      {"issuer", .str = &o->issuer},
                                      {"all", .flag = &o->is_all},
                                      {"limit", .number = &o->limit, .max = 10000000},
                                      {"format", .is_json = &o->is_json},
                                      {0}};

    return option_read_alone(rows, argc, argv, "too many arguments: a session is named by options");
}

/* ---- the store ---- */

static struct store_db *open_store(const struct options *o, bool may_write)
{
    struct fail f = {0};
    char *path = NULL;
    const struct config *c = conf_open("session", o->config);
    if (!c)
        return NULL;
    if (asprintf(&path, "%.*s/%s", STR_ARG(c->state_dir), STORE_FILE) < 0)
        abort();
    config_unref(&c);
    /* No seal key: tokens are not looked at here. */
    struct store_db *db = store_db_open(&(struct store_options){.path = path}, may_write, &f);
    if (!db)
        failed(f.text);
    free(path);
    return db;
}

static struct store_match match_of(const struct options *o)
{
    return (struct store_match){.handle = o->session,
                                .email = o->user,
                                .subject = o->subject,
                                .issuer = o->issuer,
                                .everybody = o->is_all};
}

/* ---- list ---- */

/* To the second: 2026-11-25T09:30:00Z. */
enum { SECOND_CHARS = 20 };

static str second_text(int64_t at_s, char out[JOUT_TIME_CHARS])
{
    jout_time_text(at_s * 1000000, out);
    out[SECOND_CHARS - 1] = 'Z';
    return (str){out, SECOND_CHARS};
}

static void print_json(const struct store_session *s)
{
    char at[JOUT_TIME_CHARS];
    struct jout j;
    const struct {
        str name, text;
    } texts[] = {{STR("issuer_name"), s->issuer_name},
                 {STR("issuer"), s->issuer},
                 {STR("subject"), s->subject},
                 {STR("email"), s->email},
                 {STR("device"), s->device_id},
                 {STR("address"), s->address},
                 {STR("agent"), s->agent}};
    const struct {
        str name;
        int64_t at_s;
    } times[] = {{STR("created"), s->created_s},
                 {STR("seen"), s->seen_s},
                 {STR("claims"), s->claims_s},
                 {STR("ends"), s->ends_s}};
    size_t room = 1024;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        room += JOUT_ESCAPED_MAX(texts[i].text.n);
    char *buf = mem_alloc(room);
    jout_init(&j, buf, room);
    jout_open(&j, '{');
    jout_kstr(&j, STR("session"), (str){s->handle, sizeof s->handle});
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].text.p)
            jout_kstr(&j, texts[i].name, texts[i].text);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        jout_kplain(&j, times[i].name, second_text(times[i].at_s, at));
    jout_close(&j, '}');
    printf("%.*s\n", (int)j.n, buf);
    free(buf);
}

/* Whatever an issuer put into a claim: nothing of it moves the cursor. */
static void print_cell(str s, int width)
{
    int n = 0;
    if (!s.n)
        s = STR("-");
    for (; (size_t)n < s.n; n++)
        putchar((unsigned char)s.p[n] < 0x20 || s.p[n] == 0x7f ? '?' : s.p[n]);
    if (width) /* not the last */
        printf("%*s", n < width ? width - n + 2 : 2, "");
}

static void print_row(const struct store_session *s)
{
    char at[JOUT_TIME_CHARS];
    print_cell((str){s->handle, sizeof s->handle}, 16);
    print_cell(s->email.n ? s->email : s->subject, 28);
    print_cell(s->issuer_name, 10);
    print_cell(second_text(s->created_s, at), SECOND_CHARS);
    print_cell(second_text(s->seen_s, at), SECOND_CHARS);
    print_cell(second_text(s->ends_s, at), SECOND_CHARS);
    print_cell(s->device_id, 16);
    print_cell(s->address, 0);
    putchar('\n');
}

static void print_list(const struct options *o, const struct store_session *items, size_t n)
{
    if (!o->is_json && n)
        printf("%-16s  %-28s  %-10s  %-20s  %-20s  %-20s  %-16s  %s\n", "SESSION", "USER", "ISSUER",
               "LOGGED IN", "LAST SEEN", "ENDS", "DEVICE", "ADDRESS");
    for (size_t i = 0; i < n && i < o->limit; i++)
        if (o->is_json)
            print_json(&items[i]);
        else
            print_row(&items[i]);
    if (n > o->limit)
        fprintf(stderr, "postern session: there are more than %llu; --limit shows more\n",
                (unsigned long long)o->limit);
    else if (!n)
        fprintf(stderr, "postern session: no open session fits\n");
}

static int list(const struct options *o)
{
    const struct store_session *items;
    struct store_match m = match_of(o);
    struct fail f = {0};
    struct arena a;
    size_t n;
    struct store_db *db = open_store(o, false);
    if (!db)
        return EXIT_ERRORS;
    m.everybody = true;
    arena_init(&a, NULL, 0);
    bool ok = store_sessions_list(db, &m, o->limit + 1, &a, &items, &n, &f);
    if (ok)
        print_list(o, items, n);
    else
        failed(f.text);
    arena_finish(&a);
    store_db_close(db);
    return ok && fflush(stdout) == 0 ? EXIT_GOOD : EXIT_ERRORS;
}

/* ---- revoke ---- */

static const char *check_revoke(const struct options *o)
{
    unsigned n = (o->session.p != NULL) + (o->user.p != NULL) + (o->subject.p != NULL) + o->is_all;
    if (n != 1)
        return "say whose: one of --session, --user, --subject and --all";
    return o->is_json ? "--format is for list" : NULL;
}

/* A part at a time, with a pause: the server must get the lock in between. */
static bool end_all(struct store_db *db, struct store_match *m, size_t *n_out, struct fail *f)
{
    size_t n = END_AT_ONCE;
    m->most = END_AT_ONCE;
    *n_out = 0;
    while (n == END_AT_ONCE) {
        if (*n_out)
            usleep(END_PAUSE_US);
        if (!store_sessions_end(db, m, "administrator", &n, f))
            return false;
        *n_out += n;
    }
    return true;
}

static int end(const struct options *o)
{
    struct store_match m = match_of(o);
    struct fail f = {0};
    size_t n = 0;
    const char *wrong = check_revoke(o);
    if (wrong)
        return tell_usage(wrong);
    struct store_db *db = open_store(o, true);
    if (!db)
        return EXIT_ERRORS;
    bool ok = end_all(db, &m, &n, &f);
    store_db_close(db);
    if (!ok)
        return failed(f.text);
    if (!n && !o->is_all)
        return failed("no open session fits");
    printf("%zu session%s ended\n", n, n == 1 ? "" : "s");
    return EXIT_GOOD;
}

int command_session(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct options *o);
    } verbs[] = {{"list", list}, {"revoke", end}};
    struct options o = {.limit = 1000};
    if (usage_asks_help(argc, argv))
        return tell_usage(usage_help);
    for (size_t i = 0; argc >= 2 && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0)
            continue;
        const char *wrong = read_options(argc - 1, argv + 1, &o);
        return wrong ? tell_usage(wrong) : verbs[i].run(&o);
    }
    return tell_usage("which: list or revoke?");
}
