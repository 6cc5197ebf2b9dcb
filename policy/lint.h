/* lint: what loads and is legal, but is hardly meant. Run on request, not on every load: rules are
 * compared in pairs. */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "policy/load.h"

void lint_set(struct load *l);
/* Plain scalars that another reader of YAML takes for something else than text. */
void lint_scalars(struct load *l);
/* A glob that matches the same paths as the expression; {NULL, 0}: none is seen. */
str lint_glob_of_regex(struct arena *a, str regex);

#endif
