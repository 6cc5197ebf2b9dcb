/* policy_explain: an explanation as a table for people, or as JSON. */
#ifndef PROXY_COMMAND_POLICY_EXPLAIN_H
#define PROXY_COMMAND_POLICY_EXPLAIN_H

#include "base/jout.h"
#include "policy/policy.h"

struct policy_explain_view {
    const struct findings *findings; /* of loading */
    const struct policy *policy;
    const struct policy_explanation *explanation;
    const struct policy_facts *facts; /* which were given */
    struct arena *arena;              /* for words */
};

void policy_explain_print(const struct policy_explain_view *view);
/* For policy_json_print. */
void policy_explain_write(struct jout *j, const void *view);

#endif
