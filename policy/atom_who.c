/* atom_who: who asks. On a public path there is no identity and only `anyone` is ever asked. */
#include "policy/eval.h"

static enum policy_tri who_kind(struct eval *e, const struct who *who)
{
    if (who->kind == WHO_EITHER)
        return POLICY_TRUE;
    return eval_note(e, tri_of(e->identity->is_machine == (who->kind == WHO_MACHINE)),
                     STR("who.kind"));
}

static bool is_ascii(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] > 0x7E)
            return false;
    return true;
}

/* The address counts only when somebody vouches for it: anybody can type a colleague's. The gate
 * hands over A-labels; a domain that is left in another script compares with nothing. */
bool who_has_proved_mail(const struct policy_identity *id)
{
    size_t at = str_find(id->email, '@');

    return (id->email_verified == POLICY_TRUE || id->issuer_is_trusted) && at > 0 &&
           at + 1 < id->email.n && at == str_rfind(id->email, '@') &&
           is_ascii(str_from(id->email, at + 1));
}

str who_proved_domain(const struct policy_identity *id)
{
    return who_has_proved_mail(id) ? str_from(id->email, str_find(id->email, '@') + 1)
                                   : (str){NULL, 0};
}

static bool list_has_nocase(struct str_list list, str s)
{
    for (size_t i = 0; i < list.n; i++)
        if (str_eq_nocase(list.items[i], s))
            return true;
    return false;
}

static enum policy_tri who_users(struct eval *e, const struct who *who)
{
    if (who->users.n == 0)
        return POLICY_TRUE;
    if (e->identity->is_machine)
        return eval_note(e, POLICY_FALSE, STR("who.users"));
    if (!who_has_proved_mail(e->identity))
        return eval_note(e, POLICY_UNKNOWN, STR("who.users"));
    return eval_note(e, tri_of(list_has_nocase(who->users, e->identity->email)), STR("who.users"));
}

static enum policy_tri who_domains(struct eval *e, const struct who *who)
{
    if (who->domains.n == 0)
        return POLICY_TRUE;
    if (e->identity->is_machine)
        return eval_note(e, POLICY_FALSE, STR("who.domains"));
    str domain = who_proved_domain(e->identity);
    if (!domain.p)
        return eval_note(e, POLICY_UNKNOWN, STR("who.domains"));
    return eval_note(e, tri_of(list_has_nocase(who->domains, domain)), STR("who.domains"));
}

static bool has_group(const struct policy_identity *id, struct want_list wants)
{
    for (size_t i = 0; i < wants.n; i++)
        for (size_t k = 0; k < id->n_groups; k++)
            if (str_eq(wants.items[i].text, id->groups[k]))
                return true;
    return false;
}

static enum policy_tri who_groups(struct eval *e, const struct who *who)
{
    const struct policy_identity *id = e->identity;
    const struct match_set *set = who->groups;
    bool fits;

    if (!set)
        return POLICY_TRUE;
    if (!id->groups_known)
        return eval_note(e, POLICY_UNKNOWN, STR("who.groups"));
    fits = (!set->any.n || has_group(id, set->any)) && !has_group(id, set->none);
    for (size_t i = 0; i < set->n_all && fits; i++)
        fits = has_group(id, set->all[i]);
    return eval_note(e, tri_of(fits), STR("who.groups"));
}

static enum policy_tri who_services(struct eval *e, const struct who *who)
{
    if (who->services.n == 0)
        return POLICY_TRUE;
    return eval_note(
        e, tri_of(e->identity->is_machine && list_has(who->services, e->identity->service)),
        STR("who.services"));
}

static const struct policy_value *find_claim(const struct policy_identity *id, str name)
{
    for (size_t i = 0; i < id->n_claims; i++)
        if (str_eq(id->claims[i].name, name))
            return &id->claims[i].value;
    return NULL;
}

static enum policy_tri set_matches(const struct policy_value *v, const struct match_set *set,
                                   bool *is_odd_out)
{
    enum policy_tri r = POLICY_TRUE;

    if (set->any.n)
        r = tri_and(r, value_matches(v, set->any, is_odd_out));
    for (size_t i = 0; i < set->n_all; i++)
        r = tri_and(r, value_matches(v, set->all[i], is_odd_out));
    if (set->none.n)
        r = tri_and(r, tri_not(value_matches(v, set->none, is_odd_out)));
    return r;
}

enum policy_tri who_claim_value(const struct policy_identity *id, const struct claim_want *want,
                                bool *is_odd_out)
{
    const struct policy_value *v = find_claim(id, want->name);

    return v ? set_matches(v, &want->set, is_odd_out) : POLICY_UNKNOWN;
}

static enum policy_tri who_claim(struct eval *e, const struct claim_want *want)
{
    bool is_odd = false;
    enum policy_tri r = who_claim_value(e->identity, want, &is_odd);

    if (!e->trace)
        return r;
    if (is_odd && r == POLICY_UNKNOWN)
        eval_note(e, r, STR("type-error"));
    return eval_note(e, r, arena_printf(e->trace->arena, "who.claims.%.*s", STR_ARG(want->name)));
}

/* What of an OR speaks for its value: of a deny the alternatives that have it, otherwise all that
 * are not true. Only then can the notes be told apart, so they are taken in a second round. */
static void note_any(struct eval *e, const struct who *who, enum policy_tri value)
{
    bool is_deny = e->rule->effect == RULE_DENY;

    if (value == (is_deny ? POLICY_FALSE : POLICY_TRUE))
        return;
    for (size_t i = 0; i < who->n_any; i++) {
        size_t mark = eval_mark(e);
        if (atom_who(e, who->any[i]) != value && is_deny)
            e->trace->n = mark;
    }
}

static enum policy_tri who_any(struct eval *e, const struct who *who)
{
    enum policy_tri r = who->n_any ? POLICY_FALSE : POLICY_TRUE;
    size_t mark = eval_mark(e);

    for (size_t i = 0; i < who->n_any && r != POLICY_TRUE; i++)
        r = tri_or(r, atom_who(e, who->any[i]));
    if (!e->trace)
        return r;
    e->trace->n = mark;
    note_any(e, who, r);
    return r;
}

enum policy_tri atom_who(struct eval *e, const struct who *who)
{
    enum policy_tri r = POLICY_TRUE;

    if (who->anyone)
        return POLICY_TRUE;
    if (!e->identity)
        return POLICY_UNKNOWN;
    r = tri_and(r, who_kind(e, who));
    r = tri_and(r, who_users(e, who));
    r = tri_and(r, who_domains(e, who));
    r = tri_and(r, who_groups(e, who));
    r = tri_and(r, who_services(e, who));
    for (size_t i = 0; i < who->n_claims && !eval_is_settled(e, r); i++)
        r = tri_and(r, who_claim(e, &who->claims[i]));
    for (size_t i = 0; i < who->n_all && !eval_is_settled(e, r); i++)
        r = tri_and(r, atom_who(e, who->all[i]));
    if (!eval_is_settled(e, r))
        r = tri_and(r, who_any(e, who));
    return r;
}
