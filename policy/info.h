/* info: a rule as people see it. Private to policy/. */
#ifndef POLICY_INFO_H
#define POLICY_INFO_H

#include "policy/author.h"
#include "policy/compiled.h"

/* policy_rule_info without the source line, which takes a walk through the file. */
struct policy_rule_info policy_rule_brief(const struct policy *p, size_t index);

#endif
