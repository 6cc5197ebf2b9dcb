/* policy_command: what the subcommands of `postern policy` share. Main thread. */
#ifndef PROXY_COMMAND_POLICY_COMMAND_H
#define PROXY_COMMAND_POLICY_COMMAND_H

#include "base/findings.h"
#include "base/jout.h"
#include "policy/author.h"
#include "proxy/command/option.h"
#include "proxy/config/config.h"

/* ---- a loaded set (policy_book.c) ------------------------------------------------------------ */

/* A loaded set with what it was loaded from. */
struct policy_book {
    struct arena arena; /* bytes of the files */
    struct findings findings;
    struct policy *policy; /* NULL: the findings say why */
    size_t n_files;
    struct policy_load_in in; /* to load it again */
    struct policy_known known;
    struct zones zones;
    const struct config *config; /* NULL: names of the configuration are not checked */
};

struct policy_book_options {
    const char *path;   /* a directory or one file */
    const char *config; /* postern.yaml, or NULL */
    bool wants_lints;
};

/* Always finish it, also when it is false. */
bool policy_book_open(struct policy_book *book, const struct policy_book_options *o);
void policy_book_finish(struct policy_book *book);
/* Findings to standard error as text, or to standard output as JSON. */
void policy_book_print(struct policy_book *book, bool is_json);

/* What else was to be read cannot be: an error like any other, printed with the findings. */
void policy_book_fail(struct policy_book *book, bool is_json, const char *suggestion,
                      const struct fail *fail);

/* What a subcommand does with a set that is good; an exit code. What it makes may live in the
 * book's arena. */
typedef int policy_book_fn(void *options, struct policy_book *book);
/* Opens, runs and finishes. When the set is not good its findings are printed: EXIT_ERRORS. */
int policy_book_use(const struct policy_book_options *o, bool is_json, policy_book_fn *run,
                    void *options);

/* ---- output (policy_output.c) ---------------------------------------------------------------- */

/* One JSON value on a line of standard output, however long. */
void policy_json_print(void (*write)(struct jout *j, const void *what), const void *what);
/* Findings as members: "findings":[...]. */
void policy_json_findings(struct jout *j, const struct findings *f);
void policy_json_texts(struct jout *j, str name, const str *items, size_t n);
/* Member of that name, left out when the text is absent. */
void policy_json_text(struct jout *j, str name, str text);
/* What a session may do: as the member "session", and as ", for 3600s, recorded". */
void policy_json_session(struct jout *j, const struct policy_obligations *o);
void policy_print_session(const struct policy_obligations *o);
/* An instant in UTC; the second ends the line. */
void policy_print_instant(FILE *out, const char *label, int64_t at_s);
void policy_print_time(FILE *out, const char *label, int64_t at_s);
/* " s" or "": for counts. */
const char *policy_plural(size_t n);
/* Any bytes of a log to a terminal: control bytes become question marks. */
void policy_print_safe(FILE *out, str s);

/* ---- requests (policy_request.c) ------------------------------------------------------------- */

/* "GET https://host/path", "ssh LOGIN@APP" or "rdp APP"; NULL, or what is wrong. A host without app
 * and a path that is refused are answers, not errors: app is NULL, path is empty. */
const char *policy_request_parse(str text, const struct policy *p, struct arena *a,
                                 struct policy_request *out);

/* option_read_one for a request, which is often given beside the rules or in pieces. */
const char *policy_request_option(const struct option_row *rows, int argc, char **argv,
                                  const char **request_out);
/* option_read_alone where the rules are given without their option. */
const char *policy_rules_option(const struct option_row *rows, int argc, char **argv);
/* option_read_one for the rules, which --policy names as well. */
const char *policy_path_option(const struct option_row *rows, int argc, char **argv,
                               const char **path_out);

/* policy_asked.c: arguments of `explain` that ask the same of the rules at `path`. */
const str *policy_asked(struct arena *a, const char *path, const struct policy_facts *facts,
                        str request, str at, size_t *n_out);
/* The whole command, for a shell, with its end of line. */
void policy_asked_print(const str *args, size_t n);
/* Of policy_explain.c: a text that is taken for a number or a boolean unless it is in quotes. */
bool policy_looks_typed(str text);

/* ---- subcommands ----------------------------------------------------------------------------- */

int policy_check_command(int argc, char **argv);
int policy_test_command(int argc, char **argv);
int policy_explain_command(int argc, char **argv);
int policy_replay_command(int argc, char **argv);
int policy_diff_command(int argc, char **argv);
int policy_who_can_command(int argc, char **argv);
int policy_unused_command(int argc, char **argv);
int policy_fmt_command(int argc, char **argv);
int policy_schema_command(int argc, char **argv);

#endif
