/* witness_who: the people whom the rules of an app can tell apart, and how they logged in. */
#include "policy/normal.h"
#include "policy/witness.h"

enum { MAX_PICKS = 6, MAX_PARTNERS = 24, MAX_STRONG = 6 };

/* ---- who --------------------------------------------------------------------------------------
 */

static struct witness_who somebody(void)
{
    return (struct witness_who){.id = {.issuer = STR("witness"),
                                       .subject = STR("witness"),
                                       .email = STR("somebody@witness.example"),
                                       .email_verified = POLICY_TRUE,
                                       .groups_known = true}};
}

static void add_group(struct witness_who *w, str group)
{
    for (size_t i = 0; i < w->id.n_groups; i++)
        if (str_eq(w->groups[i], group))
            return;
    if (w->id.n_groups < WITNESS_MAX_ITEMS)
        w->groups[w->id.n_groups++] = group;
}

static size_t put_items(struct policy_value *out, const struct policy_value *v)
{
    size_t n = v->kind == POLICY_VALUE_LIST ? v->n : 1;

    memcpy(out, v->kind == POLICY_VALUE_LIST ? v->items : v, n * sizeof *out);
    return n;
}

/* A claim has one value: what two rules want of it becomes a list of both. */
static void add_claim(struct arena *a, struct witness_who *w, str name, struct policy_value value)
{
    for (size_t i = 0; i < w->id.n_claims; i++) {
        struct policy_value *v = &w->claims[i].value;
        if (!str_eq(w->claims[i].name, name))
            continue;
        struct policy_value *items = arena_array(a, struct policy_value, v->n + value.n + 2);
        size_t n = put_items(items, v);
        n += put_items(items + n, &value);
        *v = (struct policy_value){.kind = POLICY_VALUE_LIST, .items = items, .n = n};
        return;
    }
    if (w->id.n_claims < WITNESS_MAX_ITEMS)
        w->claims[w->id.n_claims++] = (struct policy_claim){name, value};
}

static struct policy_value text_value(str text)
{
    return (struct policy_value){.kind = POLICY_VALUE_TEXT, .text = text};
}

/* One value for each union that must be met. */
static void meet_claim(struct arena *a, struct witness_who *w, const struct claim_want *want,
                       size_t pick)
{
    const struct match_set *set = &want->set;
    struct policy_value *items = arena_array(a, struct policy_value, set->n_all + 1);
    size_t n = 0;

    if (set->any.n)
        items[n++] = text_value(set->any.items[pick % set->any.n].text);
    for (size_t i = 0; i < set->n_all; i++)
        items[n++] = text_value(set->all[i].items[pick % set->all[i].n].text);
    if (n == 0)
        items[n++] = text_value(STR("something-else"));
    add_claim(a, w, want->name,
              n == 1 ? items[0]
                     : (struct policy_value){.kind = POLICY_VALUE_LIST, .items = items, .n = n});
}

static void be_machine(struct witness_who *w, str service)
{
    w->id.is_machine = true;
    w->id.service = service;
    w->id.subject = service;
    w->id.email = (str){NULL, 0};
}

/* Makes somebody who fits; `pick` chooses among alternatives. */
static void meet_who(struct arena *a, struct witness_who *w, const struct who *who, size_t pick)
{
    if (who->anyone)
        return;
    if (who->kind == WHO_MACHINE && !w->id.is_machine)
        be_machine(w, STR("some-service"));
    if (who->services.n)
        be_machine(w, who->services.items[pick % who->services.n]);
    if (who->users.n)
        w->id.email = who->users.items[pick % who->users.n];
    if (who->domains.n)
        w->id.email =
            arena_printf(a, "somebody@%.*s", STR_ARG(who->domains.items[pick % who->domains.n]));
    if (who->groups && who->groups->any.n)
        add_group(w, who->groups->any.items[pick % who->groups->any.n].text);
    for (size_t i = 0; who->groups && i < who->groups->n_all; i++)
        add_group(w, who->groups->all[i].items[0].text);
    for (size_t i = 0; i < who->n_claims; i++)
        meet_claim(a, w, &who->claims[i], pick);
    for (size_t i = 0; i < who->n_all; i++)
        meet_who(a, w, who->all[i], pick);
    if (who->n_any)
        meet_who(a, w, who->any[pick % who->n_any], pick / who->n_any);
}

static void keep_who(struct witness_values *v, struct witness_who w)
{
    if (v->n_whos < WITNESS_MAX_WHO)
        v->whos[v->n_whos++] = w;
}

/* What a service has of it: no mail address. */
static void keep_machine(struct witness_values *v, struct witness_who w)
{
    if (w.id.is_machine)
        return;
    be_machine(&w, STR("some-service"));
    keep_who(v, w);
}

static size_t picks_of(const struct who *who)
{
    size_t n = who->n_any > who->users.n ? who->n_any : who->users.n;

    if (who->groups && who->groups->any.n > n)
        n = who->groups->any.n;
    if (who->domains.n > n)
        n = who->domains.n;
    if (who->services.n > n)
        n = who->services.n;
    for (size_t i = 0; i < who->n_claims; i++)
        n = who->claims[i].set.any.n > n ? who->claims[i].set.any.n : n;
    for (size_t i = 0; i < who->n_all; i++)
        n = picks_of(who->all[i]) > n ? picks_of(who->all[i]) : n;
    return n < 1 ? 1 : n > MAX_PICKS ? MAX_PICKS : n;
}

/* Somebody whom all but one claim fits. */
static void keep_others(struct witness_values *v, const struct witness_who *w,
                        const struct who *who)
{
    for (size_t i = 0; i < who->n_claims; i++)
        for (size_t k = 0; k < w->id.n_claims; k++) {
            struct witness_who other = *w;
            if (!str_eq(w->claims[k].name, who->claims[i].name))
                continue;
            other.claims[k].value = text_value(STR("something-else"));
            keep_who(v, other);
        }
    for (size_t i = 0; i < who->n_all; i++)
        keep_others(v, w, who->all[i]);
}

/* A person who is meant by two rules at once, an allow and what forbids or requires. */
static void pair_whos(const struct witness_search *s, struct witness_values *v,
                      const struct rule *rule)
{
    size_t n = 0;

    for (size_t set = 0; set < 2; set++)
        for (size_t i = 0; s->apps[set] && i < s->sets[set]->n_rules && n < MAX_PARTNERS; i++) {
            const struct rule *partner = &s->sets[set]->rules[i];
            if (partner->effect != RULE_ALLOW || !normal_concerns(partner, s->apps[set]))
                continue;
            struct witness_who w = somebody(), alone = somebody();
            meet_who(v->arena, &w, partner->who, 0);
            meet_who(v->arena, &w, rule->who, 0);
            meet_who(v->arena, &alone, partner->who, 0);
            keep_who(v, w);
            keep_who(v, alone);
            keep_others(v, &w, rule->who);
            n++;
        }
}

/* Groups and claims that must be absent matter when they are there. */
static void add_forbidden(struct arena *a, struct witness_who *w, const struct who *who)
{
    for (size_t i = 0; who->groups && i < who->groups->none.n; i++)
        add_group(w, who->groups->none.items[i].text);
    for (size_t i = 0; i < who->n_claims; i++)
        if (who->claims[i].set.none.n)
            add_claim(a, w, who->claims[i].name, text_value(who->claims[i].set.none.items[0].text));
    for (size_t i = 0; i < who->n_all; i++)
        add_forbidden(a, w, who->all[i]);
    for (size_t i = 0; i < who->n_any; i++)
        add_forbidden(a, w, who->any[i]);
}

/* Somebody whom one changed rule means and another forbids. */
static void pair_forbidden(const struct witness_search *s, struct witness_values *v)
{
    for (size_t i = 0; i < s->n_changed && i < MAX_PARTNERS; i++)
        for (size_t k = 0; k < s->n_changed && k < MAX_PARTNERS; k++) {
            struct witness_who w = somebody();
            size_t n;
            meet_who(v->arena, &w, s->changed[i]->who, 0);
            n = w.id.n_groups + w.id.n_claims;
            add_forbidden(v->arena, &w, s->changed[k]->who);
            if (i != k && w.id.n_groups + w.id.n_claims > n)
                keep_who(v, w);
        }
}

void witness_gather_whos(const struct witness_search *s, struct witness_values *v)
{
    for (size_t i = 0; i < s->n_changed; i++) {
        const struct rule *rule = s->changed[i];
        for (size_t pick = 0; pick < picks_of(rule->who); pick++) {
            struct witness_who w = somebody(), forbidden = somebody();
            add_forbidden(v->arena, &forbidden, rule->who);
            meet_who(v->arena, &w, rule->who, pick);
            meet_who(v->arena, &forbidden, rule->who, pick);
            keep_who(v, w);
            keep_machine(v, w);
            if (forbidden.id.n_groups != w.id.n_groups || forbidden.id.n_claims != w.id.n_claims)
                keep_who(v, forbidden);
        }
    }
    for (size_t i = 0; i < s->n_changed; i++)
        if (s->changed[i]->effect != RULE_ALLOW)
            pair_whos(s, v, s->changed[i]);
    pair_forbidden(s, v);
    keep_who(v, somebody());
    struct witness_who machine = somebody();
    be_machine(&machine, STR("some-service"));
    keep_who(v, machine);
}

/* ---- auth -------------------------------------------------------------------------------------
 */

static void keep_auth(struct witness_values *v, struct witness_auth a)
{
    if (v->n_auths < WITNESS_MAX_AUTHS)
        v->auths[v->n_auths++] = a;
}

static void add_method(struct witness_auth *auth, str method)
{
    for (size_t i = 0; i < auth->n_methods; i++)
        if (str_eq(auth->methods[i], method))
            return;
    if (auth->n_methods < WITNESS_MAX_ITEMS)
        auth->methods[auth->n_methods++] = method;
}

static void add_strong_auth(const struct witness_search *s, struct witness_values *v,
                            const struct rule *rule)
{
    if (!rule->auth)
        return;
    struct witness_auth auth = v->auths[0];
    v->names_issuers |= rule->auth->issuers.n > 0;
    for (size_t i = 0; i < rule->auth->methods.n; i++)
        add_method(&v->auths[0], rule->auth->methods.items[i]);
    if (!rule->auth->acr.n && !rule->auth->issuers.n)
        return;
    if (rule->auth->acr.n)
        auth.acr = rule->auth->acr.items[0];
    if (rule->auth->issuers.n)
        auth.issuer = rule->auth->issuers.items[0];
    if (rule->auth->methods.n)
        add_method(&auth, rule->auth->methods.items[0]);
    if (v->n_strong < MAX_STRONG) {
        v->n_strong++;
        keep_auth(v, auth);
    }
}

static void add_weak_auth(const struct witness_search *s, struct witness_values *v,
                          const struct rule *rule)
{
    if (!rule->auth)
        return;
    int64_t ages[] = {rule->auth->mfa_within_s, rule->auth->login_within_s};
    for (size_t i = 0; i < 2; i++)
        for (int64_t more = 0; ages[i] >= 0 && more < 2; more++) {
            struct witness_auth auth = v->auths[0];
            auth.age_s = ages[i] + more;
            keep_auth(v, auth);
        }
}

/* The same without this and that. */
static void weaken_auth(struct witness_values *v, struct witness_auth auth)
{
    struct witness_auth without = auth;

    without.n_methods = 0;
    keep_auth(v, without);
    auth.mfa = POLICY_FALSE;
    keep_auth(v, auth);
    auth.n_methods = 0;
    keep_auth(v, auth);
}

void witness_gather_auths(const struct witness_search *s, struct witness_values *v)
{
    keep_auth(v, (struct witness_auth){.mfa = POLICY_TRUE, .age_s = 1});
    v->n_strong = 1;
    witness_each_rule(s, v, add_strong_auth);
    witness_each_rule(s, v, add_weak_auth);
    for (size_t i = 0; i < v->auths[0].n_methods; i++) {
        struct witness_auth single = v->auths[0];
        single.methods[0] = single.methods[i];
        single.n_methods = 1;
        keep_auth(v, single);
    }
    for (size_t i = 0; i < v->n_strong; i++)
        weaken_auth(v, v->auths[i]);
    keep_auth(v, (struct witness_auth){.mfa = POLICY_UNKNOWN, .age_s = -1});
}
