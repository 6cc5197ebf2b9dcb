/* atom_auth: how the person proved who they are. Ages count from auth_time, the moment at which the
 * issuer saw the person, and not from our cookie. */
#include "policy/eval.h"

/* On a public path nobody is known: each atom is unknown under its own name. */
static const struct policy_identity nobody = {.mfa = POLICY_UNKNOWN};

static enum policy_tri auth_age(struct eval *e, const struct policy_identity *id, int64_t limit_s)
{
    if (!id->auth_time_s)
        return POLICY_UNKNOWN;
    return eval_age_within(e, id->auth_time_s, limit_s);
}

static enum policy_tri auth_methods(const struct policy_identity *id, struct str_list wanted)
{
    if (!id->amr_known)
        return POLICY_UNKNOWN;
    for (size_t i = 0; i < id->n_amr; i++)
        if (list_has(wanted, id->amr[i]))
            return POLICY_TRUE;
    return POLICY_FALSE;
}

static enum policy_tri auth_issuer(const struct policy_identity *id, struct str_list wanted)
{
    return id->issuer_name.p ? tri_of(list_has(wanted, id->issuer_name)) : POLICY_UNKNOWN;
}

enum policy_tri atom_auth(struct eval *e, const struct auth_need *need)
{
    const struct policy_identity *id = e->identity ? e->identity : &nobody;
    enum policy_tri r = POLICY_TRUE;

    if (need->mfa)
        r = tri_and(r, eval_note(e, id->mfa, STR("auth.mfa")));
    if (need->mfa_within_s >= 0)
        r = tri_and(r, eval_note(e, tri_and(id->mfa, auth_age(e, id, need->mfa_within_s)),
                                 STR("auth.mfa_within")));
    if (need->methods.n)
        r = tri_and(r, eval_note(e, auth_methods(id, need->methods), STR("auth.methods")));
    if (need->acr.n)
        r = tri_and(r,
                    eval_note(e, id->acr.p ? tri_of(list_has(need->acr, id->acr)) : POLICY_UNKNOWN,
                              STR("auth.acr")));
    if (need->login_within_s >= 0)
        r = tri_and(r,
                    eval_note(e, auth_age(e, id, need->login_within_s), STR("auth.login_within")));
    if (need->issuers.n)
        r = tri_and(r, eval_note(e, auth_issuer(id, need->issuers), STR("auth.issuers")));
    return r;
}
