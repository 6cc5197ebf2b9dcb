/* policy_tally: who gains and who loses, by person, app and rule. One thread each; joined at the
 * end. */
#ifndef PROXY_COMMAND_POLICY_TALLY_H
#define PROXY_COMMAND_POLICY_TALLY_H

#include "proxy/command/policy_record.h"

/* The same person at the same app by the same rule. */
struct tally_row {
    bool is_gain;
    str issuer, subject, email; /* absent: a visit without identity */
    str app, rule, reason;
    bool has_twin; /* another identity has the same address */
    uint64_t requests;
    uint64_t blind;             /* of them: lost, and perhaps only as the record has no device */
    str id, method, host, path; /* of the first one */
    int64_t at_s;
};

struct tally {
    const struct policy *policy;
    struct arena arena;
    struct map rows;
    uint64_t gained, lost, same, blind;
};

void tally_init(struct tally *t, const struct policy *p);
void tally_finish(struct tally *t);
/* A pass_fn. */
void tally_add(void *tally, const struct record *r, const struct record_person *person,
               const struct policy_facts *facts, const struct policy_decision *d);
/* Adds what another found. Its rows are used on: finish it later. */
void tally_join(struct tally *into, const struct tally *from);
/* What a person is called: the address, else the subject, else "(no identity)". */
str tally_name(const struct tally_row *row);
/* Gains first, then most requests first; tells which have a twin. The caller frees the list. */
struct tally_row **tally_sorted(const struct tally *t);

#endif
