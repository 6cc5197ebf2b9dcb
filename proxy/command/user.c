/* postern user: the people of the built-in issuer. It edits the users file, which a running postern
 * reads again by itself; whoever is disabled or removed loses his sessions then. */
#include "proxy/command/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/jout.h"
#include "proxy/command/ask_password.h"
#include "proxy/command/conf.h"
#include "proxy/command/option.h"
#include "proxy/command/usage.h"
#include "proxy/command/users_edit.h"
#include "proxy/command/users_file.h"

static const char usage_text[] =
    "usage: postern user list    [--format text|json]\n"
    "       postern user add     MAIL [--name NAME] [--group GROUP]... [--pin] [--password-stdin]\n"
    "       postern user passwd  MAIL [--pin | --password-stdin]\n"
    "       postern user groups  MAIL [--add GROUP]... [--remove GROUP]...\n"
    "       postern user disable MAIL\n"
    "       postern user enable  MAIL\n"
    "       postern user remove  MAIL\n"
    "\n"
    "People who sign in at postern itself, in the file that `builtin: {users: FILE}` names.\n"
    "\n"
    "add      a password is asked for twice; with --pin there is none, and a one-time PIN is\n"
    "         sent by mail at each sign-in\n"
    "passwd   a new password ends the sessions that the old one began; --pin: none any more\n"
    "groups   shows the groups, or adds and removes some\n"
    "disable  the sessions end and nobody signs in by that address, until enable\n"
    "remove   the same for good; postern forgets the groups and claims too\n"
    "\n"
    "  -c, --config FILE    postern.yaml (default: $POSTERN_CONFIG, or\n"
    "                       /etc/postern/postern.yaml)\n"
    "      --file FILE      the users file itself\n"
    "      --password-stdin the password is the first line of standard input\n"
    "      --help           this text\n"
    "\n"
    "Exit status: 0 good, 1 errors or no such user, 2 usage.\n";

enum { MAX_GROUPS = 32, MAX_LINE = 255 };

struct groups {
    str items[MAX_GROUPS];
    size_t n;
};

struct options {
    const char *config, *file, *email;
    str name;
    struct groups add, remove;
    bool takes_pin, from_stdin, is_json;
};

static int tell_usage(const char *what)
{
    return usage_tell("user", what, usage_text);
}

__attribute__((format(printf, 1, 2))) static int failed(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("postern user: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return EXIT_ERRORS;
}

static bool is_line(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7F)
            return false;
    return s.n && s.n <= MAX_LINE && utf8_valid(s);
}

static const char *take_group(void *ctx, str value)
{
    struct groups *g = ctx;

    if (g->n == MAX_GROUPS)
        return "too many groups at once";
    if (!is_line(value))
        return "a group must be one line of text";
    g->items[g->n++] = value;
    return NULL;
}

static const char *take_name(void *ctx, str value)
{
    *(str *)ctx = value;
    return is_line(value) ? NULL : "a name must be one line of text";
}

/* ---- what is worked on ---- */

static char *path_of(const struct options *o)
{
    if (o->file)
        return mem_dup(str_of(o->file));
    const struct config *c = conf_open("user", o->config);
    char *path = c && c->builtin.users_file.p ? mem_dup(c->builtin.users_file) : NULL;
    if (c && !path)
        failed("%.*s names no users file; add issuers: {people: builtin}", STR_ARG(c->path));
    config_unref(&c);
    return path;
}

static bool open_file(struct users_file *f, const struct options *o, bool may_change,
                      bool may_be_absent)
{
    char *path = path_of(o);
    bool is_open = path && users_file_open(f, path, may_change, may_be_absent);

    free(path);
    return is_open;
}

static const struct builtin_user *find(const struct users_file *f, const struct options *o)
{
    const struct builtin_user *u = builtin_users_find(f->users, str_of(o->email));

    if (!u)
        failed("there is no user %s in %s", o->email, f->path);
    return u;
}

/* One change of one user: what to make of the text. Absent: it cannot be. */
typedef str change_fn(struct users_file *f, const struct builtin_user *u, const struct options *o);

static int change(const struct options *o, change_fn *make, const char *done)
{
    struct users_file f;
    int code = EXIT_ERRORS;

    if (!open_file(&f, o, true, false))
        return code;
    const struct builtin_user *u = find(&f, o);
    str text = u ? make(&f, u, o) : (str){NULL, 0};
    if (text.p && users_file_replace(&f, text, u->email)) {
        printf("%.*s %s\n", STR_ARG(u->email), done);
        code = EXIT_GOOD;
    }
    users_file_close(&f);
    return code;
}

/* ---- list ---- */

static void print_text(const struct builtin_user *u)
{
    const char *way = !u->password.p ? u->takes_pin ? "pin" : "-"
                      : u->takes_pin ? "password,pin"
                                     : "password";

    printf("%-32.*s %-12s %-8s ", STR_ARG(u->email), way, u->is_disabled ? "disabled" : "enabled");
    for (size_t i = 0; i < u->n_groups; i++)
        printf("%s%.*s", i ? "," : "", STR_ARG(u->groups[i]));
    printf("%s\n", u->n_groups ? "" : "-");
}

static void print_json(const struct builtin_user *u)
{
    char room[64 * 1024];
    struct jout j;

    jout_init(&j, room, sizeof room);
    jout_open(&j, '{');
    jout_kstr(&j, STR("email"), u->email);
    jout_kstr(&j, STR("subject"), u->subject);
    if (u->name.p)
        jout_kstr(&j, STR("name"), u->name);
    jout_kbool(&j, STR("password"), u->password.p != NULL);
    jout_kbool(&j, STR("pin"), u->takes_pin);
    jout_kbool(&j, STR("disabled"), u->is_disabled);
    jout_key(&j, STR("groups"));
    jout_open(&j, '[');
    for (size_t i = 0; i < u->n_groups; i++)
        jout_str(&j, u->groups[i]);
    jout_close(&j, ']');
    jout_close(&j, '}');
    printf("%.*s\n", STR_ARG(jout_text(&j)));
}

static int list(const struct options *o)
{
    struct users_file f;

    if (!open_file(&f, o, false, false))
        return EXIT_ERRORS;
    for (size_t i = 0; i < builtin_users_count(f.users); i++)
        (o->is_json ? print_json : print_text)(builtin_users_at(f.users, i));
    users_file_close(&f);
    return EXIT_GOOD;
}

/* ---- add ---- */

static size_t fields_of(struct arena *a, const struct options *o, const char *hash, str fields[4])
{
    size_t n = 0;

    if (hash)
        fields[n++] = users_field(a, STR("password"), users_scalar(a, str_of(hash)));
    if (o->takes_pin)
        fields[n++] = users_field(a, STR("pin"), STR("true"));
    if (o->name.p)
        fields[n++] = users_field(a, STR("name"), users_scalar(a, o->name));
    if (o->add.n)
        fields[n++] = users_field(a, STR("groups"), users_list(a, o->add.items, o->add.n));
    return n;
}

static bool is_free(const struct users_file *f, const struct options *o)
{
    if (!builtin_users_find(f->users, str_of(o->email)))
        return true;
    failed("%s is in %s already; `postern user passwd` gives a new password", o->email, f->path);
    return false;
}

/* Before a password is asked for. */
static bool may_add(const struct options *o)
{
    struct users_file f;

    if (!open_file(&f, o, false, true))
        return false;
    bool is_good = is_free(&f, o);
    users_file_close(&f);
    return is_good;
}

static int add(const struct options *o)
{
    char hash[PASSWORD_HASH_MAX] = "";
    bool has_password = !o->takes_pin || o->from_stdin;
    struct users_file f;
    str fields[4];
    int code = EXIT_ERRORS;

    if (!builtin_email_is_sound(str_of(o->email)))
        return failed("\"%s\" is no mail address", o->email);
    if (!may_add(o) || (has_password && !ask_password_hash(o->email, o->from_stdin, hash)) ||
        !open_file(&f, o, true, true))
        return code;
    if (is_free(&f, o)) {
        str email = arena_lower(&f.arena, str_of(o->email));
        size_t n = fields_of(&f.arena, o, has_password ? hash : NULL, fields);
        str text = users_edit_add(&f.arena, f.text, email, fields, n);
        code = users_file_replace(&f, text, email) ? EXIT_GOOD : EXIT_ERRORS;
    }
    if (code == EXIT_GOOD)
        printf("%s is added to %s\n", o->email, f.path);
    users_file_close(&f);
    return code;
}

/* ---- passwd ---- */

static char new_hash[PASSWORD_HASH_MAX];

static str set_password(struct users_file *f, const struct builtin_user *u, const struct options *o)
{
    return users_edit_set(&f->arena, f->text, u->email, STR("password"),
                          users_scalar(&f->arena, str_of(new_hash)));
}

/* The PIN first: whoever has neither could not sign in. */
static str set_pin_alone(struct users_file *f, const struct builtin_user *u,
                         const struct options *o)
{
    str text = users_edit_set(&f->arena, f->text, u->email, STR("pin"), STR("true"));

    return users_edit_set(&f->arena, text, u->email, STR("password"), (str){NULL, 0});
}

static bool is_known(const struct options *o)
{
    struct users_file f;

    if (!open_file(&f, o, false, false))
        return false;
    bool is_good = find(&f, o) != NULL;
    users_file_close(&f);
    return is_good;
}

static int passwd(const struct options *o)
{
    if (o->takes_pin)
        return change(o, set_pin_alone, "signs in by a PIN from now on");
    if (!is_known(o) || !ask_password_hash(o->email, o->from_stdin, new_hash))
        return EXIT_ERRORS;
    return change(o, set_password, "has a new password");
}

/* ---- the rest ---- */

static str set_disabled(struct users_file *f, const struct builtin_user *u, const struct options *o)
{
    return users_edit_set(&f->arena, f->text, u->email, STR("disabled"), STR("true"));
}

static str set_enabled(struct users_file *f, const struct builtin_user *u, const struct options *o)
{
    return users_edit_set(&f->arena, f->text, u->email, STR("disabled"), (str){NULL, 0});
}

static str take_out(struct users_file *f, const struct builtin_user *u, const struct options *o)
{
    return users_edit_remove(&f->arena, f->text, u->email);
}

static int disable(const struct options *o)
{
    return change(o, set_disabled, "is disabled");
}

static int enable(const struct options *o)
{
    return change(o, set_enabled, "is enabled");
}

static int take_away(const struct options *o)
{
    return change(o, take_out, "is removed");
}

static bool has(const str *items, size_t n, str item)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(items[i], item))
            return true;
    return false;
}

static str set_groups(struct users_file *f, const struct builtin_user *u, const struct options *o)
{
    str *next = arena_array(&f->arena, str, u->n_groups + o->add.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < o->remove.n; i++)
        if (!has(u->groups, u->n_groups, o->remove.items[i])) {
            failed("%s is not in the group %.*s", o->email, STR_ARG(o->remove.items[i]));
            return (str){NULL, 0};
        }
    for (size_t i = 0; i < u->n_groups; i++)
        if (!has(o->remove.items, o->remove.n, u->groups[i]))
            next[n++] = u->groups[i];
    for (size_t i = 0; i < o->add.n; i++)
        if (!has(next, n, o->add.items[i]))
            next[n++] = o->add.items[i];
    return users_edit_set(&f->arena, f->text, u->email, STR("groups"),
                          users_list(&f->arena, next, n));
}

static int show_groups(const struct options *o)
{
    struct users_file f;

    if (!open_file(&f, o, false, false))
        return EXIT_ERRORS;
    const struct builtin_user *u = find(&f, o);
    for (size_t i = 0; u && i < u->n_groups; i++)
        printf("%.*s\n", STR_ARG(u->groups[i]));
    users_file_close(&f);
    return u ? EXIT_GOOD : EXIT_ERRORS;
}

static int groups(const struct options *o)
{
    return o->add.n || o->remove.n ? change(o, set_groups, "has new groups") : show_groups(o);
}

/* ---- the command line ---- */

struct verb {
    const char *name;
    int (*run)(const struct options *o);
    bool takes_name, takes_group, takes_pin, takes_change;
};

static const struct verb verbs[] = {
    {"list", list},
    {"add", add, .takes_name = true, .takes_group = true, .takes_pin = true},
    {"passwd", passwd, .takes_pin = true},
    {"groups", groups, .takes_change = true},
    {"disable", disable},
    {"enable", enable},
    {"remove", take_away},
};

/* NULL, or what is wrong. */
static const char *read_options(const struct verb *v, int argc, char **argv, struct options *o)
{
    struct option_row rows[8] = {{"config", .text = &o->config, .letter = 'c'},
                                 {"file", .text = &o->file}};
    size_t n = 2;

    if (v->run == list) {
        rows[n++] = (struct option_row){"format", .is_json = &o->is_json};
        return option_read_alone(rows, argc, argv, "list takes no address");
    }
    if (v->takes_name)
        rows[n++] = (struct option_row){"name", .call = take_name, .ctx = &o->name};
    if (v->takes_group)
        rows[n++] = (struct option_row){"group", .call = take_group, .ctx = &o->add};
    if (v->takes_pin) {
        rows[n++] = (struct option_row){"pin", .flag = &o->takes_pin};
        rows[n++] = (struct option_row){"password-stdin", .flag = &o->from_stdin};
    }
    if (v->takes_change) {
        rows[n++] = (struct option_row){"add", .call = take_group, .ctx = &o->add};
        rows[n++] = (struct option_row){"remove", .call = take_group, .ctx = &o->remove};
    }
    return option_read_one(rows, argc, argv, "whose? give a mail address",
                           "one mail address, please", &o->email);
}

int command_user(int argc, char **argv)
{
    struct options o = {0};

    if (usage_asks_help(argc, argv))
        return tell_usage(usage_help);
    for (size_t i = 0; argc >= 2 && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0)
            continue;
        const char *wrong = read_options(&verbs[i], argc - 1, argv + 1, &o);
        if (!wrong && verbs[i].run == passwd && o.takes_pin && o.from_stdin)
            wrong = "--pin and --password-stdin exclude each other";
        return wrong ? tell_usage(wrong) : verbs[i].run(&o);
    }
    return tell_usage("which: list, add, passwd, groups, disable, enable or remove?");
}
