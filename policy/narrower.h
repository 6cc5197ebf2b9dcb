/* narrower: a proof that nobody gains by another set's rules for an app. Private to policy/.
 *
 * It goes by pairs of rules, one of each set, and by what covers what (cover.h): true is proved,
 * false is only not proved. */
#ifndef POLICY_NARROWER_H
#define POLICY_NARROWER_H

#include "policy/rule.h"

/* One set's rules for an app; NULL: there is none. */
struct side {
    const struct app *app;
    const struct rule **rules; /* those that concern it */
    str *texts;                /* their normal forms */
    bool *is_shared;           /* the other side has the same */
    size_t n;
};

/* Every new allow was allowed before, every old guard still guards, and no session lasts longer or
 * may do more. A break glass opens what requires close, by their ids: where those change too,
 * nothing is claimed. */
bool narrower_is(const struct side *old, const struct side *next);
/* Nothing of it ever lets anybody in. */
bool narrower_is_closed(const struct side *side);

#endif
