/* random_rules: rules and facts with a fixed seed, for what must hold of any. */
#ifndef TESTS_UNIT_POLICY_RANDOM_RULES_H
#define TESTS_UNIT_POLICY_RANDOM_RULES_H

#include "fixture.h"

enum { RANDOM_NOW_S = 1795600000 };

struct world {
    struct policy_identity identity;
    struct policy_claim claims[2];
    struct policy_value items[2];
    struct policy_device_fact seen[8];
    struct policy_device device;
    struct policy_request request;
    struct policy_grant grants[4];
    struct policy_facts facts;
    str groups[3], amr[1];
    char ids[4][16];
};

/* Every rule has needs and terms of its own: more than a request keeps in its tables. */
extern bool random_is_varied;

/* Below n. */
unsigned random_roll(unsigned n);
/* n rules of all kinds over four apps, and one that breaking the glass skips. */
struct policy *random_rules(int n);
/* A visit with all that its facts point to. */
void random_world(struct world *w, const struct policy *p);

#endif
