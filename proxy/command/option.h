/* option: the options of a subcommand, read by a table. Main thread.
 *
 *     const struct option_row rows[] = {{"config", .text = &o->config, .letter = 'c'},
 *                                       {"strict", .flag = &o->is_strict},
 *                                       {"top", .number = &o->top, .max = UINT32_MAX},
 *                                       {0}};
 *     struct option_args args;
 *     const char *wrong = option_read(rows, argc, argv, &args);
 *
 * --help and -h are known to all. A long name may be cut short where it stays the only one, a value
 * follows in the next argument or behind `=`, of an option that is given again the last one counts,
 * and options end at `--`. Values point into argv. */
#ifndef PROXY_COMMAND_OPTION_H
#define PROXY_COMMAND_OPTION_H

#include "base/str.h"

enum { OPTION_MAX_ROWS = 32 };

/* Takes one value, each time that it is given; NULL, or what is wrong with it. */
typedef const char *option_fn(void *ctx, str value);

/* One option. Exactly one of the pointers is set: where the value goes says what it must be. What
 * is not given stays as it was. */
struct option_row {
    const char *name;   /* without its dashes */
    char letter;        /* the same in short, or 0 */
    bool *flag;         /* takes no value: becomes true */
    const char **text;  /* any text */
    str *str;           /* any text */
    uint64_t *number;   /* a number of at most `max` */
    bool *is_json;      /* text or json */
    int64_t *time_us;   /* an instant, a date, or an age */
    int64_t *instant_s; /* an instant with its offset */
    int64_t *age_s;     /* a duration */
    option_fn *call;    /* what the subcommand itself makes of it */
    void *ctx;          /* for `call` */
    uint64_t max;       /* for `number` */
};

/* What is left: the arguments that are no options, in their order. */
struct option_args {
    char **items;
    int n;
};

/* NULL when all is well; else usage_help, as soon as help is asked for, or a sentence that names
 * the option at fault, good until the next call. The last row is {0}. */
const char *option_read(const struct option_row *rows, int argc, char **argv,
                        struct option_args *args_out);
/* The same for a command that takes options only; `more` is the sentence for anything else. */
const char *option_read_alone(const struct option_row *rows, int argc, char **argv,
                              const char *more);
/* The same for a command that takes just one argument; `none` and `more` are the sentences for no
 * argument and for too many. */
const char *option_read_one(const struct option_row *rows, int argc, char **argv, const char *none,
                            const char *more, const char **arg_out);
/* The value of a row of kind time_us where it comes later; absent text is left alone. */
const char *option_time(const char *name, const char *text, int64_t *time_us);

#endif
