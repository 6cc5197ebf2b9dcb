/* policy_pass: every recorded decision decided again, by all processors.
 *
 * The main thread reads the log, others decide; each has its own people and its own results. */
#ifndef PROXY_COMMAND_POLICY_PASS_H
#define PROXY_COMMAND_POLICY_PASS_H

#include "proxy/audit/audit.h"
#include "proxy/command/policy_record.h"

enum { PASS_MAX_THREADS = 8 };

/* What one thread is asked for each record; `person` is NULL for a visit without identity. */
typedef void pass_fn(void *results, const struct record *r, const struct record_person *person,
                     const struct policy_facts *facts, const struct policy_decision *d);

struct pass {
    const struct policy *policy;
    const struct config *config; /* may be NULL */
    const char *log;             /* the journal's live file: rotated ones come first */
    struct audit_filter filter;
    pass_fn *fn;
    void *results[PASS_MAX_THREADS]; /* one a thread, set by the caller */
    size_t n_threads;                /* by pass_threads() */
    /* results: */
    uint64_t n_lines, n_decided, n_skipped;
};

size_t pass_threads(void);
/* False: the log cannot be read. */
bool pass_run(struct pass *pass, struct fail *fail);

#endif
