/* lint_never: conditions that nothing can meet, in one rule and between an allow and a require.
 *
 * What is told is a proof from the texts alone: of values that a device or a log-in may have
 * several of at once, such as methods, nothing is claimed. */
#include "policy/lint.h"

#include "policy/cover.h"
#include "policy/eval.h"
#include "policy/schedule.h"
#include "policy/zone.h"

/* ---- lists -------------------------------------------------------------------------------------
 */

/* Both written, and nothing in common. */
static bool are_apart(struct str_list a, struct str_list b)
{
    for (size_t i = 0; i < a.n; i++)
        if (list_has(b, a.items[i]))
            return false;
    return a.n > 0 && b.n > 0;
}

static bool nets_meet(const struct cidr *a, const struct cidr *b)
{
    return a->base.family == b->base.family && (cidr_has(a, &b->base) || cidr_has(b, &a->base));
}

static bool are_nets_apart(struct cidr_list a, struct cidr_list b)
{
    for (size_t i = 0; i < a.n; i++)
        for (size_t k = 0; k < b.n; k++)
            if (nets_meet(&a.items[i], &b.items[k]))
                return false;
    return a.n > 0 && b.n > 0;
}

static bool is_net_in(const struct cidr *net, struct cidr_list list)
{
    for (size_t i = 0; i < list.n; i++)
        if (list.items[i].base.family == net->base.family && list.items[i].bits <= net->bits &&
            cidr_has(&list.items[i], &net->base))
            return true;
    return false;
}

static bool are_nets_in(struct cidr_list part, struct cidr_list whole)
{
    for (size_t i = 0; i < part.n; i++)
        if (!is_net_in(&part.items[i], whole))
            return false;
    return part.n > 0;
}

static bool are_in(struct str_list part, struct str_list whole)
{
    return part.n > 0 && whole.n > 0 && cover_texts(whole, part);
}

/* ---- who ---------------------------------------------------------------------------------------
 */

static bool is_person(const struct who *w)
{
    return w->kind == WHO_HUMAN || w->users.n || w->domains.n;
}

static bool is_machine(const struct who *w)
{
    return w->kind == WHO_MACHINE || w->services.n;
}

static bool are_users_outside(struct str_list users, struct str_list domains)
{
    for (size_t i = 0; i < users.n; i++)
        if (list_has(domains, str_from(users.items[i], str_find(users.items[i], '@') + 1)))
            return false;
    return users.n > 0 && domains.n > 0;
}

static bool are_strangers(const struct who *a, const struct who *b)
{
    return (is_person(a) && is_machine(b)) || (is_machine(a) && is_person(b)) ||
           are_apart(a->users, b->users) || are_apart(a->domains, b->domains) ||
           are_apart(a->services, b->services) || are_users_outside(a->users, b->domains) ||
           are_users_outside(b->users, a->domains);
}

/* The members that hold all at once: its own and those of `all`, deeper ones too. */
static size_t gather(const struct who *who, const struct who **out, size_t n, size_t most)
{
    if (n < most)
        out[n++] = who;
    for (size_t i = 0; i < who->n_all; i++)
        n = gather(who->all[i], out, n, most);
    return n;
}

static bool is_set_ruled_out(const struct match_set *set, struct want_list none)
{
    if (set->any.n && cover_is_subset(set->any, none))
        return true;
    for (size_t i = 0; i < set->n_all; i++)
        if (set->all[i].n && cover_is_subset(set->all[i], none))
            return true;
    return false;
}

/* What the one asks for the other rules out. */
static bool rules_out(const struct who *who, const struct who *asked)
{
    if (who->groups && asked->groups && is_set_ruled_out(asked->groups, who->groups->none))
        return true;
    for (size_t i = 0; i < who->n_claims; i++)
        for (size_t k = 0; k < asked->n_claims; k++)
            if (str_eq(who->claims[i].name, asked->claims[k].name) &&
                is_set_ruled_out(&asked->claims[k].set, who->claims[i].set.none))
                return true;
    return false;
}

const char *lint_who_is_nobody(const struct who *who)
{
    enum { MOST = 16 };
    const struct who *parts[MOST];
    const char *why = NULL;
    size_t n = gather(who, parts, 0, MOST), closed = 0;

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++)
            if (rules_out(parts[i], parts[k]))
                return "its who asks for values and rules them out";
        for (size_t k = 0; k <= i; k++)
            if (are_strangers(parts[i], parts[k]))
                return is_person(parts[i]) && is_machine(parts[k])
                           ? "its who asks for a person and a machine at once"
                           : "its who asks for two visitors at once";
    }
    for (size_t i = 0; i < who->n_any; i++, closed += why != NULL)
        why = lint_who_is_nobody(who->any[i]);
    return who->n_any && closed == who->n_any ? why : NULL;
}

/* ---- one need ----------------------------------------------------------------------------------
 */

static bool has_no_system(const struct device_need *need)
{
    for (size_t i = 0; i < need->min_os_version.n; i++)
        if (!need->os.n || list_has(need->os, need->min_os_version.items[i].name))
            return false;
    return need->min_os_version.n > 0;
}

/* Only a rule that begins and ends is looked at: any other has a window some day. */
static bool is_always_closed(const struct rule *rule)
{
    enum { MOST_DAYS = SCHEDULE_FAR_DAYS };
    int64_t until_s;

    if (!rule->when.n || rule->starts_s == POLICY_NEVER_S || rule->expires_s == POLICY_FOREVER_S ||
        rule->expires_s - rule->starts_s > (int64_t)MOST_DAYS * ZONE_DAY_S)
        return false;
    for (size_t i = 0; i < rule->when.n; i++)
        if (schedule_has(rule->when.items[i], rule->starts_s, MOST_DAYS + 2, &until_s) ||
            until_s < rule->expires_s)
            return false;
    return true;
}

const char *lint_need_is_never(const struct rule *rule)
{
    if (rule->from && (are_nets_in(rule->from->networks, rule->from->not_networks) ||
                       are_in(rule->from->countries, rule->from->not_countries)))
        return "its from asks for places and rules them out";
    if (rule->device && has_no_system(rule->device))
        return "its device has no system that is in os and in min_os_version";
    if (rule->approval && lint_who_is_nobody(rule->approval->by))
        return "nobody can give its approval";
    return is_always_closed(rule) ? "its when has no hour between starts and expires" : NULL;
}

/* ---- two needs ---------------------------------------------------------------------------------
 */

static bool is_same_list(struct str_list a, struct str_list b)
{
    return a.n == b.n && (!a.n || (cover_texts(a, b) && cover_texts(b, a)));
}

/* Other sources see other facts, of which nothing can be said. */
static bool are_devices_apart(const struct device_need *a, const struct device_need *b)
{
    if (!a || !b || !is_same_list(a->sources, b->sources))
        return false;
    if ((a->flags_wanted ^ b->flags_wanted) & a->flags_written & b->flags_written)
        return true;
    return are_apart(a->os, b->os) || are_apart(a->ownership, b->ownership) ||
           are_apart(a->key_protection, b->key_protection);
}

static bool are_places_apart(const struct from_need *a, const struct from_need *b)
{
    return a && b &&
           (are_nets_apart(a->networks, b->networks) || are_apart(a->countries, b->countries) ||
            are_nets_in(a->networks, b->not_networks) ||
            are_nets_in(b->networks, a->not_networks) || are_in(a->countries, b->not_countries) ||
            are_in(b->countries, a->not_countries));
}

enum { WEEK_MIN = 7 * 1440 };

static void fill_week(const struct schedule *s, bool week[WEEK_MIN])
{
    for (unsigned day = 0; day < 7; day++)
        for (size_t i = 0; s->days >> day & 1 && i < s->n_hours; i++) {
            const struct hours *h = &s->hours[i];
            unsigned end = h->end_min > h->start_min ? h->end_min : h->end_min + 1440u;
            for (unsigned m = h->start_min; m < end; m++)
                week[(day * 1440 + m) % WEEK_MIN] = true;
        }
}

static bool share_a_minute(const struct schedule *a, const struct schedule *b)
{
    bool week_a[WEEK_MIN] = {false}, week_b[WEEK_MIN] = {false};

    if (!str_eq(zone_name(a->zone), zone_name(b->zone)))
        return true;
    fill_week(a, week_a);
    fill_week(b, week_b);
    for (size_t m = 0; m < WEEK_MIN; m++)
        if (week_a[m] && week_b[m])
            return true;
    return false;
}

static bool are_hours_apart(struct schedule_list a, struct schedule_list b)
{
    for (size_t i = 0; i < a.n; i++)
        for (size_t k = 0; k < b.n; k++)
            if (share_a_minute(a.items[i], b.items[k]))
                return false;
    return a.n > 0 && b.n > 0;
}

const char *lint_needs_are_apart(const struct rule *a, const struct rule *b)
{
    if (are_devices_apart(a->device, b->device))
        return "device";
    if (are_places_apart(a->from, b->from))
        return "from";
    if (a->auth && b->auth &&
        (are_apart(a->auth->acr, b->auth->acr) || are_apart(a->auth->issuers, b->auth->issuers)))
        return "auth";
    return are_hours_apart(a->when, b->when) ? "when" : NULL;
}
