/* policy_pass: every recorded decision decided again, by all processors.
 *
 * The main thread reads the log, others decide; each has its own people and its own results. */
#ifndef PROXY_COMMAND_POLICY_PASS_H
#define PROXY_COMMAND_POLICY_PASS_H

#include "base/jout.h"
#include "proxy/audit/audit.h"
#include "proxy/command/policy_record.h"

enum { PASS_MAX_THREADS = 8 };

/* What one thread is asked for each record; `person` is NULL for a visit without identity. */
typedef void pass_fn(void *results, const struct record *r, const struct record_person *person,
                     const struct policy_facts *facts, const struct policy_decision *d);

/* What was in the log and is not decided again. */
struct pass_counts {
    uint64_t decided;
    uint64_t unruled;   /* refused before or beside the rules: they would not be asked */
    uint64_t shortened; /* the record has no path */
    uint64_t others;    /* records of something else */
    uint64_t broken;    /* no records */
};

enum { PASS_MOST_DIGESTS = 64 };

/* The sets that decided what was recorded. */
struct pass_sets {
    str digests[PASS_MOST_DIGESTS];
    size_t n; /* beyond the most they are not told apart */
};

struct pass {
    const struct policy *policy;
    const struct config *config; /* may be NULL */
    const char *log;             /* the journal's live file: rotated ones come first */
    struct audit_filter filter;
    pass_fn *fn;
    void *results[PASS_MAX_THREADS]; /* one a thread, set by the caller */
    size_t n_threads;                /* by pass_threads() */
    /* results: */
    struct pass_counts counts;
    size_t n_sets; /* that decided them */
};

size_t pass_threads(void);
/* False: the log cannot be read, or has nothing to decide: an answer about no request would look
 * like a good one. */
bool pass_run(struct pass *pass, struct fail *fail);
/* What to do then. */
const char *pass_advice(const struct pass *pass);
/* Counts of what is not decided again, as members and in words. */
void pass_write_counts(struct jout *j, const struct pass *pass);
void pass_print_counts(const struct pass *pass);

#endif
