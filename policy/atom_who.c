/* atom_who: who asks. On a public path there is no identity and only `anyone` is ever asked. */
#include "policy/eval.h"
#include "policy/mail.h"

static enum policy_tri who_kind(struct eval *e, const uint32_t *who)
{
    bool is_machine = part_find(who, PART_MACHINE).kind;

    if (!is_machine && !part_find(who, PART_HUMAN).kind)
        return POLICY_TRUE;
    return eval_note(e, tri_of(e->identity->is_machine == is_machine), STR("who.kind"));
}

static bool names_have(const struct map *names, struct part wanted, str s)
{
    for (uint32_t i = 0; i < wanted.n; i++)
        if (str_eq_nocase(names->entries[wanted.ids[i]].key, s))
            return true;
    return false;
}

static enum policy_tri mail_value(const struct eval *e, struct part users, struct part domains)
{
    const struct compiled *c = e->policy->compiled;
    struct mail mail;

    if (e->identity->is_machine)
        return POLICY_FALSE;
    if (!mail_of(e->identity, &mail))
        return POLICY_UNKNOWN;
    return tri_of(names_have(&c->users, users, mail.address) ||
                  names_have(&c->domains, domains, mail.domain));
}

static enum policy_tri who_users(struct eval *e, const uint32_t *who)
{
    struct part users = part_find(who, PART_USERS), none = {0};

    if (users.n == 0)
        return POLICY_TRUE;
    return eval_note(e, mail_value(e, users, none), STR("who.users"));
}

static enum policy_tri who_domains(struct eval *e, const uint32_t *who)
{
    struct part domains = part_find(who, PART_DOMAINS), none = {0};

    if (domains.n == 0)
        return POLICY_TRUE;
    return eval_note(e, mail_value(e, none, domains), STR("who.domains"));
}

static bool has_group(const struct eval *e, struct part wanted)
{
    const struct map *names = &e->policy->compiled->groups;
    const struct policy_identity *id = e->identity;

    for (uint32_t i = 0; i < wanted.n; i++)
        for (size_t k = 0; k < id->n_groups; k++)
            if (str_eq(names->entries[wanted.ids[i]].key, id->groups[k]))
                return true;
    return false;
}

static enum policy_tri who_groups(struct eval *e, const uint32_t *who)
{
    bool is_written = false, fits = true;
    struct part part;

    while (part_next(&who, &part)) {
        if (part.kind < PART_GROUPS_ANY || part.kind > PART_GROUPS_ALL)
            continue;
        is_written = true;
        fits = fits && has_group(e, part) != (part.kind == PART_GROUPS_NONE);
    }
    if (!is_written)
        return POLICY_TRUE;
    return eval_note(e, e->identity->groups_known ? tri_of(fits) : POLICY_UNKNOWN,
                     STR("who.groups"));
}

static enum policy_tri who_services(struct eval *e, const uint32_t *who)
{
    struct part services = part_find(who, PART_SERVICES);

    if (services.n == 0)
        return POLICY_TRUE;
    return eval_note(e,
                     tri_of(e->identity->is_machine &&
                            texts_have(e->policy->compiled, services, e->identity->service)),
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
static void note_any(struct eval *e, struct part any, enum policy_tri value)
{
    bool is_deny = e->clause->effect == RULE_DENY;

    if (value == (is_deny ? POLICY_FALSE : POLICY_TRUE))
        return;
    for (uint32_t i = 0; i < any.n; i++) {
        size_t mark = eval_mark(e);
        if (atom_who(e, any.ids[i]) != value && is_deny)
            e->trace->n = mark;
    }
}

static enum policy_tri who_any(struct eval *e, struct part any)
{
    enum policy_tri r = any.n ? POLICY_FALSE : POLICY_TRUE;
    size_t mark = eval_mark(e);

    for (uint32_t i = 0; i < any.n && r != POLICY_TRUE; i++)
        r = tri_or(r, atom_who(e, any.ids[i]));
    if (!e->trace)
        return r;
    e->trace->n = mark;
    note_any(e, any, r);
    return r;
}

enum policy_tri atom_who(struct eval *e, uint32_t number)
{
    const struct compiled *c = e->policy->compiled;
    const uint32_t *who = compiled_who(c, number);
    struct part claims = part_find(who, PART_CLAIMS), all = part_find(who, PART_ALL);
    enum policy_tri r = POLICY_TRUE;

    if (part_find(who, PART_ANYONE).kind)
        return POLICY_TRUE;
    if (!e->identity)
        return POLICY_UNKNOWN;
    r = tri_and(r, who_kind(e, who));
    r = tri_and(r, who_users(e, who));
    r = tri_and(r, who_domains(e, who));
    r = tri_and(r, who_groups(e, who));
    r = tri_and(r, who_services(e, who));
    for (uint32_t i = 0; i < claims.n && !eval_is_settled(e, r); i++)
        r = tri_and(r, who_claim(e, &c->claims[claims.ids[i]]));
    for (uint32_t i = 0; i < all.n && !eval_is_settled(e, r); i++)
        r = tri_and(r, atom_who(e, all.ids[i]));
    if (!eval_is_settled(e, r))
        r = tri_and(r, who_any(e, part_find(who, PART_ANY)));
    return r;
}
