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

enum { ASKING_SLOTS = 64, ASKING_MOST = 48 }; /* beyond that a need is looked at again */

struct asking {
    struct eval eval;
    const struct compiled *compiled;
    const struct policy_subject *subject; /* NULL: none that fits */
    bool knows_needs;                     /* the subject's needs count at this moment */
    bool knows_devices;                   /* and it is about these devices */
    bool has_network;
    uint32_t network; /* of the address, from prefix_find */
    uint32_t n_slots;
    uint32_t tags[ASKING_SLOTS]; /* 0: free */
    struct subject_value values[ASKING_SLOTS];
};

void asking_init(struct asking *q, const struct policy *p, const struct policy_facts *facts,
                 const struct app *app, bool is_public);
void clause_value(struct asking *q, uint32_t rule, bool *applies_out, bool *binds_out);

#endif
