/* normal: a rule and an app as texts that are equal when they decide alike, whatever order, names
 * and layout they were written in. */
#ifndef POLICY_NORMAL_H
#define POLICY_NORMAL_H

#include "policy/rule.h"

/* Without the apps of `to`, which are resolved. Ids count only where a grant names them. */
str normal_rule(struct arena *a, const struct policy *p, const struct rule *rule);
/* What a decision sees of an app, without its rules and its hosts. */
str normal_app(struct arena *a, const struct app *app);
bool normal_concerns(const struct rule *rule, const struct app *app);

#endif
