/* clause: the value of one compiled rule for one request. Private to policy/.
 *
 * A `struct asking` lives on the stack of one decision and remembers each need that was looked at.
 * What was remembered still bounds the decision each time it is asked for: the first asker may have
 * been a rule of mode audit, whose facts bind nobody. */
#ifndef POLICY_CLAUSE_H
#define POLICY_CLAUSE_H

#include "policy/compiled.h"
#include "policy/eval.h"
#include "policy/subject.h"

enum {
    ASKING_SLOTS = 64,  /* needs that are remembered by hash */
    ASKING_MOST = 48,   /* beyond that a need is looked at again */
    ASKING_TABLE = 256, /* from and when, by number, eights; a policy with more has no quick way */
};

struct asking {
    struct eval eval;
    const struct compiled *compiled;
    const struct policy_subject *subject; /* NULL: none that fits */
    bool knows_needs;                     /* the subject's needs count at this moment */
    bool knows_devices;                   /* and it is about these devices */
    bool is_quick;                        /* and sweep.c may take clauses without any rarity */
    bool has_network;
    uint32_t network; /* of the address, from prefix_find */
    uint32_t n_slots;
    uint32_t tags[ASKING_SLOTS]; /* 0: free */
    struct subject_value values[ASKING_SLOTS];
    struct subject_value table[ASKING_TABLE]; /* when is_quick; 0: not asked yet */
};

void asking_init(struct asking *q, const struct policy *p, const struct policy_facts *facts,
                 const struct app *app, bool is_public);
/* Into the table: a from or when by its number. */
void asking_find(struct asking *q, uint32_t number);
void clause_value(struct asking *q, uint32_t rule, bool *applies_out, bool *binds_out);

#endif
