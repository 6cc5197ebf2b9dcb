/* lint: what loads and is legal, but is hardly meant. Run on request, not on every load: rules are
 * compared in pairs. */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "policy/load.h"

void lint_set(struct load *l);
/* Plain scalars that another reader of YAML takes for something else than text. */
void lint_scalars(struct load *l);
/* Names of groups that are hardly meant: with a star or a space, or nearly as another. */
void lint_groups(struct load *l);
/* Hours and dates in UTC where other files of the set name a time zone. */
void lint_zones(struct load *l);
void lint_methods(struct load *l, const struct rule *rule);
void lint_session(struct load *l, const struct rule *rule);
/* Paths that a refusal rests on and that can be written otherwise. */
void lint_spellings(struct load *l, const struct rule *rule);
/* lint_never.c: why no visitor can be this one, why no visit meets the needs of the rule, and which
 * need of two rules no visit meets at once. NULL: nothing is seen. */
const char *lint_who_is_nobody(const struct who *who);
const char *lint_need_is_never(const struct rule *rule);
const char *lint_needs_are_apart(const struct rule *a, const struct rule *b);
/* A glob that was written as an expression: there a star behind a slash means more slashes. */
bool lint_is_glob(str regex);
/* A glob that matches the same paths as the expression; {NULL, 0}: none is seen. */
str lint_glob_of_regex(struct arena *a, str regex);

#endif
