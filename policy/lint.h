/* lint: what loads and is legal, but is hardly meant. Run on request, not on every load: rules are
 * compared in pairs. */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "policy/load.h"

void lint_set(struct load *l);
/* Plain scalars that another reader of YAML takes for something else than text. */
void lint_scalars(struct load *l);
/* lint_never.c: why no visitor can be this one, why no visit meets the needs of the rule, and which
 * need of two rules no visit meets at once. NULL: nothing is seen. */
const char *lint_who_is_nobody(const struct who *who);
const char *lint_need_is_never(const struct rule *rule);
const char *lint_needs_are_apart(const struct rule *a, const struct rule *b);
/* A glob that matches the same paths as the expression; {NULL, 0}: none is seen. */
str lint_glob_of_regex(struct arena *a, str regex);

#endif
