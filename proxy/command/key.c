/* postern key: the secret keys in state/keys/, and a new generation of one. */
#include "proxy/command/command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/jout.h"
#include "proxy/command/conf.h"
#include "proxy/command/option.h"
#include "proxy/command/usage.h"
#include "proxy/config/keyring.h"

static const char usage_text[] =
    "usage: postern key list   [--config FILE]\n"
    "       postern key rotate NAME [--drop-old] [--config FILE]\n"
    "\n"
    "list shows the keys in state/keys/ and their generations; rotate makes a new generation of\n"
    "one. A running server takes it within a quarter of a minute, and on SIGHUP at once.\n"
    "\n"
    "  assertion  signs what upstreams are told about who comes\n"
    "  issuer     signs the tokens of the built-in issuer\n"
    "  seal       encrypts tokens of providers in the store\n"
    "  cookie     marks our cookies, so that invented ones cost nothing\n"
    "\n"
    "The old generations stay for what they made, until the last of it has expired.\n"
    "\n"
    "  -c, --config FILE  postern.yaml (default: $POSTERN_CONFIG, or /etc/postern/postern.yaml)\n"
    "      --drop-old     a key is known to others: what it made is worthless at once\n"
    "      --help         this text\n"
    "\n"
    "Exit status: 0 good, 1 errors, 2 usage.\n";

enum { DAY_S = 24 * 60 * 60, ROOM_S = 60 * 60 };

struct options {
    const char *config, *name;
    bool drops_old;
};

static int tell_usage(const char *what)
{
    return usage_tell("key", what, usage_text);
}

static int failed(const char *text)
{
    fprintf(stderr, "postern key: %s\n", text);
    return EXIT_ERRORS;
}

static void print_day(int64_t at_s)
{
    char at[JOUT_TIME_CHARS];
    jout_time_text(at_s * 1000000, at);
    printf("%.19sZ", at);
}

/* ---- list ---- */

static bool is_made(str state_dir, enum keyring_name name)
{
    char path[4200];
    int n = snprintf(path, sizeof path, "%.*s/keys/%s", STR_ARG(state_dir), keyring_word(name));
    return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}

static bool print_key(str state_dir, enum keyring_name name)
{
    struct fail f = {0};
    if (!is_made(state_dir, name)) {
        printf("%-10s not made yet\n", keyring_word(name));
        return true;
    }
    struct keyring *k = keyring_open(state_dir.p, name, (int64_t)time(NULL), &f);
    if (!k) {
        failed(f.text);
        return false;
    }
    for (size_t i = 0; i < k->n; i++) {
        printf("%-10s %-8s made ", i ? "" : keyring_word(name), i ? "old" : "in use");
        print_day(k->made_s[i]);
        putchar('\n');
    }
    keyring_close(&k);
    return true;
}

static int list(const struct options *o, const struct config *c)
{
    bool ok = true;
    for (enum keyring_name name = 0; name < KEYRING_COUNT; name++)
        ok = print_key(c->state_dir, name) && ok;
    return ok ? EXIT_GOOD : EXIT_ERRORS;
}

/* ---- rotate ---- */

static bool find_name(const char *word, enum keyring_name *out)
{
    for (enum keyring_name name = 0; name < KEYRING_COUNT; name++)
        if (word && strcmp(word, keyring_word(name)) == 0) {
            *out = name;
            return true;
        }
    return false;
}

/* The longest life of what any of them makes is that of a session; and whoever fetched our public
 * keys may hold them for a day. */
static int64_t keep_s(const struct config *c)
{
    return (c->sessions.max_s > DAY_S ? c->sessions.max_s : DAY_S) + ROOM_S;
}

static int rotate(const struct options *o, const struct config *c)
{
    enum keyring_name name;
    struct fail f = {0};
    int64_t now_s = (int64_t)time(NULL), kept_s = o->drops_old ? 0 : keep_s(c);
    if (!find_name(o->name, &name))
        return tell_usage("there is no such key: assertion, issuer, seal or cookie");
    if (!keyring_rotate(c->state_dir.p, name, kept_s, now_s, &f))
        return failed(f.text);
    printf("the %s key has a new generation; a running server takes it within 15 s, and on SIGHUP "
           "at once\n",
           keyring_word(name));
    if (o->drops_old) {
        puts("what the old ones made is worthless from then on");
    } else {
        printf("the old one stays for what it made; a rotation after ");
        print_day(now_s + kept_s);
        puts(" drops it");
    }
    return EXIT_GOOD;
}

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, bool is_rotate, struct options *o)
{
    const struct option_row rows[] = {
        {"config", .text = &o->config, .letter = 'c'}, {"drop-old", .flag = &o->drops_old}, {0}};
    if (is_rotate)
        return option_read_one(rows, argc, argv, "which key: assertion, issuer, seal or cookie?",
                               "one key at a time", &o->name);
    const char *wrong = option_read_alone(rows, argc, argv, "too many arguments");
    return !wrong && o->drops_old ? "--drop-old is for rotate" : wrong;
}

int command_key(int argc, char **argv)
{
    struct options o = {0};
    if (usage_asks_help(argc, argv))
        return tell_usage(usage_help);
    bool is_rotate = argc >= 2 && strcmp(argv[1], "rotate") == 0;
    if (argc < 2 || (!is_rotate && strcmp(argv[1], "list") != 0))
        return tell_usage("which: list or rotate?");
    const char *wrong = read_options(argc - 1, argv + 1, is_rotate, &o);
    if (wrong)
        return tell_usage(wrong);
    const struct config *c = conf_open("key", o.config);
    if (!c)
        return EXIT_ERRORS;
    int code = is_rotate ? rotate(&o, c) : list(&o, c);
    config_unref(&c);
    return code;
}
