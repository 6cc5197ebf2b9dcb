/* cover_need: of two rules, what each asks of device, log-in, place and time. */
#include "policy/cover.h"

#include "policy/eval.h"
#include "policy/zone.h"

/* ---- device ---------------------------------------------------------------------------------- */

static bool cover_mins(struct version_mins wide, struct version_mins narrow)
{
    if (!wide.n)
        return true;
    for (size_t i = 0; i < narrow.n; i++) {
        bool found = false;
        for (size_t k = 0; k < wide.n && !found; k++)
            found = str_eq(wide.items[k].name, narrow.items[i].name) &&
                    version_cmp(&wide.items[k].least, &narrow.items[i].least) <= 0;
        if (!found)
            return false;
    }
    return narrow.n > 0;
}

/* A system that is not among the least versions is refused: they are a list of systems too. */
static bool cover_os(const struct device_need *wide, const struct device_need *narrow)
{
    if (cover_texts(wide->os, narrow->os))
        return true;
    for (size_t i = 0; i < narrow->min_os_version.n; i++)
        if (!list_has(wide->os, narrow->min_os_version.items[i].name))
            return false;
    return narrow->min_os_version.n > 0;
}

static bool cover_attributes(const struct device_need *wide, const struct device_need *narrow)
{
    for (size_t i = 0; i < wide->n_attributes; i++) {
        bool found = false;
        for (size_t k = 0; k < narrow->n_attributes && !found; k++)
            found = str_eq(wide->attributes[i].name, narrow->attributes[k].name) &&
                    cover_is_subset(narrow->attributes[k].values, wide->attributes[i].values);
        if (!found)
            return false;
    }
    return true;
}

static bool is_same_list(struct str_list a, struct str_list b)
{
    return a.n == b.n && (!a.n || (cover_texts(a, b) && cover_texts(b, a)));
}

/* Other sources or another age see other facts, of which nothing can be said. */
static bool cover_device(const struct device_need *wide, const struct device_need *narrow)
{
    if (!wide)
        return true;
    if (!narrow || !is_same_list(wide->sources, narrow->sources) ||
        wide->seen_within_s != narrow->seen_within_s)
        return false;
    if ((wide->flags_written & ~narrow->flags_written) ||
        ((wide->flags_wanted ^ narrow->flags_wanted) & wide->flags_written))
        return false;
    if (wide->has_min_patch_level &&
        !(narrow->has_min_patch_level && narrow->min_patch_level_day >= wide->min_patch_level_day))
        return false;
    if (wide->has_max_risk && !(narrow->has_max_risk && narrow->max_risk <= wide->max_risk))
        return false;
    return cover_os(wide, narrow) && cover_mins(wide->min_os_version, narrow->min_os_version) &&
           cover_mins(wide->min_browser_version, narrow->min_browser_version) &&
           cover_texts(wide->ownership, narrow->ownership) &&
           cover_texts(wide->key_protection, narrow->key_protection) &&
           cover_attributes(wide, narrow);
}

/* ---- log-in, origin ----------------------------------------------------------------------------
 */

static bool cover_age(int64_t wide_s, int64_t narrow_s)
{
    return wide_s < 0 || (narrow_s >= 0 && narrow_s <= wide_s);
}

static bool cover_auth(const struct auth_need *wide, const struct auth_need *narrow)
{
    if (!wide)
        return true;
    if (!narrow || (wide->mfa && !narrow->mfa && narrow->mfa_within_s < 0))
        return false;
    return cover_age(wide->mfa_within_s, narrow->mfa_within_s) &&
           cover_age(wide->login_within_s, narrow->login_within_s) &&
           cover_texts(wide->methods, narrow->methods) && cover_texts(wide->acr, narrow->acr) &&
           cover_texts(wide->issuers, narrow->issuers);
}

static bool cover_net(const struct cidr *wide, const struct cidr *narrow)
{
    return wide->base.family == narrow->base.family && wide->bits <= narrow->bits &&
           cidr_has(wide, &narrow->base);
}

static bool cover_nets(struct cidr_list wide, struct cidr_list narrow)
{
    for (size_t i = 0; i < narrow.n; i++) {
        bool found = false;
        for (size_t k = 0; k < wide.n && !found; k++)
            found = cover_net(&wide.items[k], &narrow.items[i]);
        if (!found)
            return false;
    }
    return true;
}

static bool cover_from(const struct from_need *wide, const struct from_need *narrow)
{
    if (!wide)
        return true;
    if (!narrow || !cover_texts(wide->countries, narrow->countries))
        return false;
    if (wide->not_countries.n &&
        !(narrow->not_countries.n && cover_texts(narrow->not_countries, wide->not_countries)))
        return false;
    if (wide->networks.n && !(narrow->networks.n && cover_nets(wide->networks, narrow->networks)))
        return false;
    return !wide->not_networks.n || cover_nets(narrow->not_networks, wide->not_networks);
}

/* ---- time --------------------------------------------------------------------------------------
 */

/* Minutes since the midnight of the day on which the window starts. */
static unsigned end_of(const struct hours *h)
{
    return h->end_min > h->start_min ? h->end_min : h->end_min + 1440u;
}

static bool has_window(const struct schedule *s, const struct hours *h)
{
    for (size_t i = 0; i < s->n_hours; i++)
        if (s->hours[i].start_min <= h->start_min && end_of(&s->hours[i]) >= end_of(h))
            return true;
    return false;
}

static bool is_excepted(const struct schedule *s, int32_t day)
{
    for (size_t i = 0; i < s->n_except_days; i++)
        if (s->except_days[i] == day)
            return true;
    return false;
}

/* A window belongs to the day on which it starts, in both alike. */
static bool cover_schedule(const struct schedule *wide, const struct schedule *narrow)
{
    if ((narrow->days & ~wide->days) || !str_eq(zone_name(wide->zone), zone_name(narrow->zone)))
        return false;
    for (size_t i = 0; i < narrow->n_hours; i++)
        if (!has_window(wide, &narrow->hours[i]))
            return false;
    for (size_t i = 0; i < wide->n_except_days; i++)
        if (!is_excepted(narrow, wide->except_days[i]))
            return false;
    return true;
}

static bool cover_when(struct schedule_list wide, struct schedule_list narrow)
{
    if (!wide.n)
        return true;
    for (size_t i = 0; i < narrow.n; i++) {
        bool found = false;
        for (size_t k = 0; k < wide.n && !found; k++)
            found = cover_schedule(wide.items[k], narrow.items[i]);
        if (!found)
            return false;
    }
    return narrow.n > 0;
}

/* ---- all ---------------------------------------------------------------------------------------
 */

/* A grant is for one rule: only the same rule, unchanged, has the same grants. */
static bool cover_grants(const struct rule *wide, const struct rule *narrow)
{
    if (!wide->approval && !wide->break_glass)
        return true;
    return str_eq(wide->id, narrow->id) && str_eq(wide->text_digest, narrow->text_digest);
}

/* A hint may make the narrow one fire where the wide one, which hears none, does not. */
static bool differs_in_hints(const struct rule *wide, const struct rule *narrow)
{
    return narrow->effect == RULE_DENY && wide->device && narrow->device &&
           atom_device_is_sight(wide->device) && !atom_device_is_sight(narrow->device);
}

bool cover_need(const struct rule *wide, const struct rule *narrow)
{
    return !differs_in_hints(wide, narrow) && cover_device(wide->device, narrow->device) &&
           cover_auth(wide->auth, narrow->auth) && cover_from(wide->from, narrow->from) &&
           cover_when(wide->when, narrow->when) && cover_grants(wide, narrow) &&
           (!wide->purpose || narrow->purpose);
}
