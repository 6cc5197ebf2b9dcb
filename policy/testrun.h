/* testrun: the facts of embedded tests, for who looks for interesting requests. */
#ifndef POLICY_TESTRUN_H
#define POLICY_TESTRUN_H

#include "policy/rule.h"

/* All but `request`. Memory is the arena's. */
void testrun_facts(struct arena *a, const struct policy *p, const struct policy_test *test,
                   struct policy_facts *out);
void testrun_request(struct arena *a, const struct policy *p, const struct policy_test *test,
                     const struct test_request *from, struct policy_request *out);

#endif
