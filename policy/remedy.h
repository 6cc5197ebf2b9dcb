/* remedy: what a person can do about a rule that stood in the way. Private to policy/. */
#ifndef POLICY_REMEDY_H
#define POLICY_REMEDY_H

#include "policy/eval.h"

enum { REMEDY_MAX = 32 };

struct remedy_list {
    struct policy_remedy items[REMEDY_MAX]; /* each once; further ones are dropped */
    size_t n;
};

/* Adds the remedies for the notes of e->rule. Only call it for a rule whose scope is true: to
 * others the rule does not exist. */
void remedy_of_rule(struct remedy_list *list, const struct eval *e);
void remedy_add(struct remedy_list *list, const struct policy_remedy *remedy);

#endif
