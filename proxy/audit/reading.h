/* reading: the journal read back: verify, search, follow. For commands and tests; one thread,
 * allocates, takes its time. Rotated files (plain or .gz) of the journal are read in the order of
 * the chain, the live one last. docs/protocol-audit.md tells what is verified. */
#ifndef PROXY_AUDIT_READING_H
#define PROXY_AUDIT_READING_H

#include <stdio.h>

#include "base/fail.h"
#include "base/str.h"

enum verify_flaw {
    VERIFY_UNKNOWN = 0, /* nothing was verified: not good */
    VERIFY_GOOD,
    VERIFY_EMPTY,       /* there is no record at all */
    VERIFY_FORMAT,      /* a line that is no record, or of a newer format */
    VERIFY_TORN,        /* the last line has no end */
    VERIFY_EDITED,      /* a record whose successor does not carry its hash */
    VERIFY_MISSING,     /* records are missing: dropped, or a whole file is */
    VERIFY_ORDER,       /* a record stands where another belongs: inserted, repeated or reordered */
    VERIFY_FORKED,      /* two records with the same seq: the chain went on from an older copy */
    VERIFY_CHECKPOINT,  /* a checkpoint that does not fit the records before it */
    VERIFY_SIGNATURE,   /* a checkpoint that the given key did not sign */
    VERIFY_ROLLED_BACK, /* shorter than, or different from, a checkpoint known elsewhere */
};

struct verify_options {
    const char *file; /* the journal's live file */
    str key;          /* verifier key ("name+hash+base64"); absent: signatures not checked */
    str since;        /* a checkpoint kept elsewhere (signed note); absent: none */
    void (*progress)(void *ctx, uint64_t bytes, uint64_t of_bytes);
    void *ctx;
};

struct verify_result {
    enum verify_flaw flaw;
    uint64_t files, records, checkpoints, signatures;
    uint64_t first_seq, last_seq;
    char root[65];      /* Merkle root over all records, hex */
    char bad_file[512]; /* flaw: where the first bad record is */
    uint64_t bad_line, bad_seq;
    char text[320]; /* flaw: a whole sentence */
};

/* False when the files cannot be read at all; a bad chain is a result, not a failure. */
bool audit_verify(const struct verify_options *options, struct verify_result *out, struct fail *f);
const char *verify_flaw_text(enum verify_flaw flaw); /* "edited", "missing" ... */

/* All members that are present must fit. Texts are compared whole, but `rule` fits any of the
 * decision's rules, `user` the subject or the email. */
struct audit_filter {
    str user, app, rule, reason, effect, session, id, device, kind;
    bool shadow_differs;        /* only those that the shadow rules would decide otherwise */
    int64_t since_us, until_us; /* wall clock, 0: no bound; until is exclusive */
};

/* Returns false to stop. `line` is one record without its newline. */
typedef bool (*audit_line_fn)(void *ctx, str line);

/* Every record that fits, oldest first. */
bool audit_scan(const char *file, const struct audit_filter *filter, audit_line_fn fn, void *ctx,
                struct fail *f);
bool audit_filter_fits(const struct audit_filter *filter, str line);
/* Time as RFC 3339 (UTC offset or Z), as a date, or as an age ("90s", "15m", "2h", "7d"). */
bool audit_time_parse(str text, int64_t now_us, int64_t *out_us);

/* Every kind of record, by name; NULL ends them. */
extern const char *const audit_kinds[];

/* One record as a row for a person at a terminal; nothing in it can steer the terminal. */
void audit_table_head(FILE *out);
void audit_table_row(FILE *out, str line);

/* Follows the live file through its rotation. */
struct audit_follow;
/* The last `lines` records come first. */
struct audit_follow *audit_follow_open(const char *file, size_t lines, struct fail *f);
/* Calls fn for what is new, then waits at most wait_ms for more. False: fn stopped, or a failure.
 */
bool audit_follow_step(struct audit_follow *w, int wait_ms, audit_line_fn fn, void *ctx,
                       struct fail *f);
void audit_follow_close(struct audit_follow *w);

#endif
