/* The grants of a recorded decision as facts again; what writes them is
 * proxy/gate/grants_record.c. */
#include "proxy/command/policy_record.h"

#include "proxy/command/policy_walk.h"

enum { GRANTS_MOST = 256 };

static void read_grant(str item, struct arena *a, struct policy_grant *out)
{
    struct walk w = walk_into(item);

    for (str name, value; walk_member(&w, &name, &value);) {
        if (str_eq(name, STR("kind")))
            out->kind = str_eq(walk_text(value), STR("approval"))      ? POLICY_GRANT_APPROVAL
                        : str_eq(walk_text(value), STR("break_glass")) ? POLICY_GRANT_BREAK_GLASS
                                                                       : POLICY_GRANT_NONE;
        else if (str_eq(name, STR("rule")))
            out->rule = record_text(a, walk_text(value));
        else if (str_eq(name, STR("digest")))
            out->rule_digest = record_text(a, walk_text(value));
        else if (str_eq(name, STR("expires")))
            out->expires_s = walk_number(value);
    }
}

size_t record_grants(struct arena *a, const struct record *r, const struct policy_grant **out)
{
    struct walk w = walk_into(r->grants);
    size_t n = 0;

    *out = NULL;
    if (!r->grants.n)
        return 0;
    struct policy_grant *grants = arena_array(a, struct policy_grant, GRANTS_MOST);
    for (str item; n < GRANTS_MOST && walk_item(&w, &item);)
        read_grant(item, a, &grants[n++]);
    *out = grants;
    return n;
}
