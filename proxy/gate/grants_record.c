/* What was open for the person and what he had stated, as members of a record's `facts`: a decision
 * that leans on either can be made again from its record. Absent where there is neither. */
#include "proxy/gate/gate_impl.h"

#include "base/jout.h"

enum {
    FIXED_ROOM = 64, /* names of members */
    GRANT_ROOM = 96, /* of one grant, beside its texts */
};

static size_t room_for(const struct policy_facts *facts)
{
    size_t n = FIXED_ROOM + jout_escaped_len(facts->purpose);
    for (size_t i = 0; i < facts->n_grants; i++)
        n += GRANT_ROOM + jout_escaped_len(facts->grants[i].rule) +
             jout_escaped_len(facts->grants[i].rule_digest);
    return n;
}

static void write_grant(struct jout *j, const struct policy_grant *grant)
{
    jout_open(j, '{');
    jout_kplain(j, STR("kind"),
                grant->kind == POLICY_GRANT_APPROVAL ? STR("approval") : STR("break_glass"));
    jout_kstr(j, STR("rule"), grant->rule);
    jout_kstr(j, STR("digest"), grant->rule_digest);
    jout_kint(j, STR("expires"), grant->expires_s);
    jout_close(j, '}');
}

static str write_members(const struct policy_facts *facts, struct arena *a)
{
    size_t cap = room_for(facts);
    struct jout j;
    jout_init(&j, arena_text(a, cap), cap);
    if (facts->grants_unknown)
        jout_kbool(&j, STR("grants_unknown"), true);
    if (facts->n_grants) {
        jout_key(&j, STR("grants"));
        jout_open(&j, '[');
        for (size_t i = 0; i < facts->n_grants; i++)
            write_grant(&j, &facts->grants[i]);
        jout_close(&j, ']');
    }
    if (facts->purpose.n)
        jout_kstr(&j, STR("purpose"), facts->purpose);
    return j.overflow ? (str){NULL, 0} : jout_text(&j);
}

str grants_record(const struct visit *v, struct arena *a)
{
    if (!v->app || !v->who)
        return (str){NULL, 0};
    struct policy_request r = {.app = v->app->policy};
    struct policy_facts facts = decide_facts(v, &r, v->wall_us, a);
    bool has_any = facts.n_grants || facts.grants_unknown || facts.purpose.n;
    return has_any ? write_members(&facts, a) : (str){NULL, 0};
}
