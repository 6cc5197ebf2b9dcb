/* way: what forms about an app have in common: which app, where the person goes on to afterwards,
 * and what the policy offers him there. */
#ifndef PROXY_PORTAL_WAY_H
#define PROXY_PORTAL_WAY_H

#include "proxy/portal/portal_impl.h"

struct way {
    const struct app *app;
    struct target target;
};

/* From the fields `app` and `to`. False: the answer is given. */
bool way_read(struct call *c, struct way *out);
str way_title(const struct way *w);
/* Who is not signed in is sent there, and comes back to this page. True: the answer is given. */
bool way_needs_log_in(struct call *c);
/* What the policy offers this person where he wants to go; `rule` absent: of any rule. NULL: not
 * that. */
const struct policy_remedy *way_remedy(struct call *c, const struct way *w,
                                       enum policy_remedy_kind kind, str rule);
/* The rule names this person as one who approves, and no deny rule fires for this visit at the
 * first page of the app. */
bool way_may_approve(struct call *c, str rule, str app_name);
/* The field `text`, and whether it will do. */
str way_reason(struct call *c);
enum page_form_error way_judge(str text, bool is_optional);

#endif
