/* option: see option.h. getopt_long finds the options; here their values are read. */
#include "proxy/command/option.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/findings.h"
#include "base/schema.h"
#include "policy/policy.h"
#include "proxy/audit/audit.h"
#include "proxy/command/usage.h"

/* A row's number in getopt_long is its place, beyond all letters. */
enum { FIRST_ROW = 256, NAME_CHARS = 60 };

static const char *say(const char *before, const char *name, const char *what)
{
    static char text[NAME_CHARS + 100];

    snprintf(text, sizeof text, "%s%.*s %s", before, NAME_CHARS, name, what);
    return text;
}

/* ---- values ---- */

static const char *check(const char *name, bool is_good, const char *what)
{
    return is_good ? NULL : say("--", name, what);
}

static bool read_format(str text, bool *is_json)
{
    *is_json = str_eq(text, STR("json"));
    return *is_json || str_eq(text, STR("text"));
}

static bool read_age(str text, int64_t *age_s)
{
    int64_t ms = 0;
    bool is_good = parse_duration_ms(text, &ms);

    *age_s = ms / 1000;
    return is_good;
}

const char *option_time(const char *name, const char *text, int64_t *time_us)
{
    int64_t now_us = (int64_t)time(NULL) * 1000000;

    return check(name, !text || audit_time_parse(str_of(text), now_us, time_us),
                 "is an instant (2026-11-25T09:30:00Z), a date, or an age such as 7d");
}

static const char *read_value(const struct option_row *row, const char *value)
{
    str text = str_of(value);

    if (row->call)
        return row->call(row->ctx, text);
    if (row->number)
        return check(row->name, str_to_u64(text, row->max, row->number), "is a number");
    if (row->is_json)
        return check(row->name, read_format(text, row->is_json), "is text or json");
    if (row->time_us)
        return option_time(row->name, value, row->time_us);
    if (row->instant_s)
        return check(row->name, policy_instant_parse(text, row->instant_s),
                     "is an instant with its offset: 2026-11-27T15:00:00+01:00");
    if (row->age_s)
        return check(row->name, read_age(text, row->age_s), "is a duration such as 90s, 10m or 4h");
    if (row->flag)
        *row->flag = true;
    if (row->text)
        *row->text = value;
    if (row->str)
        *row->str = text;
    return NULL;
}

/* ---- the command line ---- */

/* The rows as getopt_long wants them, and --help behind them; returns how many rows there are. */
static int translate(const struct option_row *rows, struct option *longs, char *letters)
{
    int n = 0;

    letters = stpcpy(letters, ":h"); /* the colon: a value that lacks is told apart */
    for (; rows[n].name; n++) {
        assert(n < OPTION_MAX_ROWS);
        int has_value = rows[n].flag ? no_argument : required_argument;
        longs[n] = (struct option){rows[n].name, has_value, NULL, FIRST_ROW + n};
        if (rows[n].letter)
            letters += sprintf(letters, "%c%s", rows[n].letter, has_value ? ":" : "");
    }
    longs[n] = (struct option){"help", no_argument, NULL, FIRST_ROW + n};
    longs[n + 1] = (struct option){0};
    return n;
}

static const struct option_row *row_of(const struct option_row *rows, int c)
{
    if (c >= FIRST_ROW)
        return &rows[c - FIRST_ROW];
    while (rows->letter != c)
        rows++;
    return rows;
}

/* A long name cut short that is the beginning of several, and a name that is nearly one. */
static const char *unknown_name(const struct option_row *rows, const char *given)
{
    static char text[2 * NAME_CHARS + 80];
    str names[OPTION_MAX_ROWS], name = str_of(given), near;
    size_t n = 0, n_begun = 0;

    while (name.n && name.p[0] == '-')
        name = str_from(name, 1);
    name = str_upto(name, str_find(name, '='));
    for (; rows[n].name; n++) {
        names[n] = str_of(rows[n].name);
        n_begun += str_starts(names[n], name);
    }
    near = findings_nearest(name, names, n);
    if (n_begun > 1 || !near.n)
        return say("the option ", given, n_begun > 1 ? "is ambiguous" : "is unknown");
    snprintf(text, sizeof text, "the option %.*s is unknown; did you mean --%.*s?", NAME_CHARS,
             given, STR_ARG(near));
    return text;
}

/* What getopt_long would not take. It stays at a group of letters until the last of them: which one
 * it is only optopt knows. */
static const char *name_fault(const struct option_row *rows, int c, char **argv)
{
    char letter[] = {'-', (char)optopt, '\0'};
    bool is_letter = optopt > 0 && optopt < FIRST_ROW;

    if (c != ':' && optopt < FIRST_ROW && !is_letter)
        return unknown_name(rows, argv[optind - 1]);
    return say("the option ", is_letter ? letter : argv[optind - 1],
               c == ':'              ? "lacks its value"
               : optopt >= FIRST_ROW ? "takes no value"
                                     : "is unknown");
}

const char *option_read(const struct option_row *rows, int argc, char **argv,
                        struct option_args *args_out)
{
    struct option longs[OPTION_MAX_ROWS + 2];
    char letters[2 * OPTION_MAX_ROWS + sizeof ":h"];
    int n = translate(rows, longs, letters);
    const char *wrong = NULL;

    opterr = 0;
    optind = 0; /* from the start, whatever was read before */
    for (int c; !wrong && (c = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        if (c == 'h' || c == FIRST_ROW + n)
            return usage_help;
        wrong =
            c == '?' || c == ':' ? name_fault(rows, c, argv) : read_value(row_of(rows, c), optarg);
    }
    *args_out = (struct option_args){argv + optind, argc - optind};
    return wrong;
}

const char *option_read_alone(const struct option_row *rows, int argc, char **argv,
                              const char *more)
{
    struct option_args args;
    const char *wrong = option_read(rows, argc, argv, &args);

    return wrong || !args.n ? wrong : more;
}

const char *option_read_one(const struct option_row *rows, int argc, char **argv, const char *none,
                            const char *more, const char **arg_out)
{
    struct option_args args;
    const char *wrong = option_read(rows, argc, argv, &args);

    if (wrong)
        return wrong;
    *arg_out = args.n ? args.items[0] : NULL;
    return args.n == 1 ? NULL : args.n ? more : none;
}
