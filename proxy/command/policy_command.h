/* policy_command: what the subcommands of `postern policy` share. Main thread. */
#ifndef PROXY_COMMAND_POLICY_COMMAND_H
#define PROXY_COMMAND_POLICY_COMMAND_H

#include "base/findings.h"
#include "policy/policy.h"

/* A loaded set with what it was loaded from. */
struct policy_book {
    struct arena arena; /* bytes of the files */
    struct findings findings;
    struct policy *policy; /* NULL: the findings say why */
    size_t n_files;
};

/* Reads a directory or one file. Always finish it, also when it is false. */
bool policy_book_open(struct policy_book *book, const char *path);
void policy_book_finish(struct policy_book *book);
/* Findings to standard error as text, or to standard output as JSON. */
void policy_book_print(struct policy_book *book, bool is_json);

int policy_usage(const char *what, const char *usage);
int policy_explain_command(int argc, char **argv);

#endif
