/* The reader of options: every kind, every fault, and what is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proxy/command/option.h"
#include "proxy/command/usage.h"

enum { MAX_WORDS = 8 };

struct values {
    bool strict, json;
    const char *config;
    str user;
    uint64_t top;
    int64_t since_us, at_s, age_s;
    char calls[64]; /* what the function was given */
};

static const char *take(void *ctx, str value)
{
    struct values *v = ctx;
    size_t n = strlen(v->calls);

    snprintf(v->calls + n, sizeof v->calls - n, "[%.*s]", STR_ARG(value));
    return str_eq(value, STR("bad")) ? "--claim is never bad" : NULL;
}

static const char *read_words(const char *const *words, struct values *v, struct option_args *args)
{
    static char *argv[MAX_WORDS + 2]; /* outlives the call: args points into it */
    const struct option_row rows[] = {
        {"strict", .flag = &v->strict},    {"config", .text = &v->config, .letter = 'c'},
        {"user", .str = &v->user},         {"top", .number = &v->top, .max = 100},
        {"format", .is_json = &v->json},   {"since", .time_us = &v->since_us},
        {"at", .instant_s = &v->at_s},     {"auth-age", .age_s = &v->age_s},
        {"claim", .call = take, .ctx = v}, {0}};
    int argc = 1;

    for (; *words; words++)
        argv[argc++] = (char *)(uintptr_t)*words;
    argv[argc] = NULL;
    argv[0] = (char *)(uintptr_t) "command";
    *v = (struct values){.config = "default", .top = 50, .age_s = -1};
    return option_read(rows, argc, argv, args);
}

/* Values of all kinds and what is left, as one line. */
static const char *told(const struct values *v, const struct option_args *args)
{
    static char text[256];
    int n = snprintf(text, sizeof text, "%d %s %.*s %d %d %lld %lld %lld %s:", v->strict, v->config,
                     STR_ARG(v->user), (int)v->top, v->json, (long long)v->since_us / 1000000,
                     (long long)v->at_s, (long long)v->age_s, v->calls);

    for (int i = 0; i < args->n; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, " %s", args->items[i]);
    return text;
}

static void reads_every_kind(void **state)
{
    static const struct {
        const char *words[MAX_WORDS + 1], *told;
    } rows[] = {
        {{NULL}, "0 default  50 0 0 0 -1 :"},
        {{"--strict"}, "1 default  50 0 0 0 -1 :"},
        {{"--config", "a"}, "0 a  50 0 0 0 -1 :"},
        {{"--config=a"}, "0 a  50 0 0 0 -1 :"},
        {{"-c", "a"}, "0 a  50 0 0 0 -1 :"},
        {{"-ca"}, "0 a  50 0 0 0 -1 :"},
        {{"--config", ""}, "0   50 0 0 0 -1 :"},
        {{"--config", "--strict"}, "0 --strict  50 0 0 0 -1 :"},
        {{"--user", "kim"}, "0 default kim 50 0 0 0 -1 :"},
        {{"--top", "100"}, "0 default  100 0 0 0 -1 :"},
        {{"--top", "0"}, "0 default  0 0 0 0 -1 :"},
        {{"--format", "json"}, "0 default  50 1 0 0 -1 :"},
        {{"--format", "text"}, "0 default  50 0 0 0 -1 :"},
        {{"--since", "1970-01-02"}, "0 default  50 0 86400 0 -1 :"},
        {{"--since", "1970-01-01T00:00:07Z"}, "0 default  50 0 7 0 -1 :"},
        {{"--at", "1970-01-01T01:00:00+00:30"}, "0 default  50 0 0 1800 -1 :"},
        {{"--auth-age", "10m"}, "0 default  50 0 0 0 600 :"},
        {{"--claim", "a=b"}, "0 default  50 0 0 0 -1 [a=b]:"},
        /* given again: the last, but a function is told of each */
        {{"--config", "a", "--config", "b"}, "0 b  50 0 0 0 -1 :"},
        {{"--format", "json", "--format", "text"}, "0 default  50 0 0 0 -1 :"},
        {{"--claim", "a", "--claim", "b"}, "0 default  50 0 0 0 -1 [a][b]:"},
        /* cut short */
        {{"--st", "--co", "a"}, "1 a  50 0 0 0 -1 :"},
        /* what is left keeps its order, between options and behind their end */
        {{"x", "--strict", "y", "-c", "a", "z"}, "1 a  50 0 0 0 -1 : x y z"},
        {{"x", "--", "--strict", "-h"}, "0 default  50 0 0 0 -1 : x --strict -h"},
        {{"-"}, "0 default  50 0 0 0 -1 : -"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct values v;
        struct option_args args;
        const char *wrong = read_words(rows[i].words, &v, &args);
        if (wrong || strcmp(told(&v, &args), rows[i].told) != 0)
            fail_msg("row %zu: %s, %s", i, wrong ? wrong : "good", told(&v, &args));
    }
}

static void names_what_is_wrong(void **state)
{
    static const struct {
        const char *words[MAX_WORDS + 1], *wrong;
    } rows[] = {
        {{"--nope"}, "the option --nope is unknown"},
        {{"--nope=1"}, "the option --nope=1 is unknown"},
        {{"--confg=1"}, "the option --confg=1 is unknown; did you mean --config?"},
        {{"--stricter"}, "the option --stricter is unknown; did you mean --strict?"},
        {{"x", "--s"}, "the option --s is ambiguous"},
        {{"-x"}, "the option -x is unknown"},
        {{"-xc"}, "the option -x is unknown"},
        {{"--config"}, "the option --config lacks its value"},
        {{"x", "-c"}, "the option -c lacks its value"},
        {{"--claim"}, "the option --claim lacks its value"},
        {{"--strict=yes"}, "the option --strict=yes takes no value"},
        {{"--help=yes"}, "the option --help=yes takes no value"},
        {{"--top", "101"}, "--top is a number"},
        {{"--top", "-1"}, "--top is a number"},
        {{"--top", ""}, "--top is a number"},
        {{"--to", "x"}, "--top is a number"},
        {{"--format", "xml"}, "--format is text or json"},
        {{"--since", "x"},
         "--since is an instant (2026-11-25T09:30:00Z), a date, or an age such as 7d"},
        {{"--at", "2026-11-27T15:00:00"},
         "--at is an instant with its offset: 2026-11-27T15:00:00+01:00"},
        {{"--auth-age", "10"}, "--auth-age is a duration such as 90s, 10m or 4h"},
        {{"--claim", "bad"}, "--claim is never bad"},
        /* the first is told */
        {{"--top", "x", "--nope"}, "--top is a number"},
        {{"--nope", "--help"}, "the option --nope is unknown"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct values v;
        struct option_args args;
        const char *wrong = read_words(rows[i].words, &v, &args);
        if (!wrong || strcmp(wrong, rows[i].wrong) != 0)
            fail_msg("row %zu: %s", i, wrong ? wrong : "good");
    }
}

static void long_names_are_cut(void **state)
{
    char name[300] = "--";
    struct values v;
    struct option_args args;

    memset(name + 2, 'x', sizeof name - 3);
    const char *wrong = read_words((const char *const[]){name, NULL}, &v, &args);
    assert_non_null(strstr(wrong, "xxx is unknown"));
    assert_true(strlen(wrong) < 120);
}

static void help_ends_the_reading(void **state)
{
    static const char *const rows[][MAX_WORDS + 1] = {
        {"--help"}, {"-h"}, {"--he"}, {"x", "--help"}, {"--strict", "-h", "--nope"}, {"-hx"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct values v;
        struct option_args args;
        if (read_words(rows[i], &v, &args) != usage_help)
            fail_msg("row %zu", i);
    }
}

static void an_age_counts_from_now(void **state)
{
    struct values v;
    struct option_args args;
    int64_t now_s = time(NULL);

    assert_null(read_words((const char *const[]){"--since", "2h", NULL}, &v, &args));
    assert_in_range(v.since_us / 1000000 - (now_s - 7200), 0, 60);
    v.since_us = 5;
    assert_null(option_time("since", NULL, &v.since_us));
    assert_int_equal(v.since_us, 5);
}

static void arguments_are_counted(void **state)
{
    static const struct option_row rows[] = {{0}};
    static char command[] = "command", a[] = "a", b[] = "b", nope[] = "--nope", help[] = "-h";
    const char *arg;

    assert_null(option_read_alone(rows, 1, (char *[]){command, NULL}, "more"));
    assert_string_equal(option_read_alone(rows, 2, (char *[]){command, a, NULL}, "more"), "more");
    assert_ptr_equal(option_read_alone(rows, 3, (char *[]){command, a, help, NULL}, "more"),
                     usage_help);
    assert_null(option_read_one(rows, 2, (char *[]){command, a, NULL}, "none", "more", &arg));
    assert_ptr_equal(arg, a);
    assert_string_equal(option_read_one(rows, 1, (char *[]){command, NULL}, "none", "more", &arg),
                        "none");
    assert_string_equal(
        option_read_one(rows, 3, (char *[]){command, a, b, NULL}, "none", "more", &arg), "more");
    assert_non_null(
        strstr(option_read_one(rows, 3, (char *[]){command, a, nope, NULL}, "none", "more", &arg),
               "--nope"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kind),       cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(long_names_are_cut),     cmocka_unit_test(help_ends_the_reading),
        cmocka_unit_test(an_age_counts_from_now), cmocka_unit_test(arguments_are_counted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
