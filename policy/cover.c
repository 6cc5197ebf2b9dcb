#include "policy/cover.h"

#include "policy/zone.h"

/* ---- lists: OR, so the longer one is wider ----------------------------------------------------
 */

static bool has_text(struct str_list list, str s)
{
    for (size_t i = 0; i < list.n; i++)
        if (str_eq(list.items[i], s))
            return true;
    return false;
}

/* An empty list is "not written": no condition at all. */
static bool cover_texts(struct str_list wide, struct str_list narrow)
{
    if (!wide.n)
        return true;
    for (size_t i = 0; i < narrow.n; i++)
        if (!has_text(wide, narrow.items[i]))
            return false;
    return narrow.n > 0;
}

static bool has_want(struct want_list list, const struct want *w)
{
    for (size_t i = 0; i < list.n; i++)
        if (str_eq(list.items[i].text, w->text) && list.items[i].is_plain == w->is_plain)
            return true;
    return false;
}

static bool is_subset(struct want_list part, struct want_list whole)
{
    for (size_t i = 0; i < part.n; i++)
        if (!has_want(whole, &part.items[i]))
            return false;
    return true;
}

static bool has_union_in(const struct match_set *set, struct want_list wide)
{
    if (set->any.n && is_subset(set->any, wide))
        return true;
    for (size_t i = 0; i < set->n_all; i++)
        if (is_subset(set->all[i], wide))
            return true;
    return false;
}

static bool cover_set(const struct match_set *wide, const struct match_set *narrow)
{
    if (wide->any.n && !has_union_in(narrow, wide->any))
        return false;
    for (size_t i = 0; i < wide->n_all; i++)
        if (!has_union_in(narrow, wide->all[i]))
            return false;
    return is_subset(wide->none, narrow->none);
}

/* ---- who --------------------------------------------------------------------------------------
 */

static bool cover_claims(const struct who *wide, const struct who *narrow)
{
    for (size_t i = 0; i < wide->n_claims; i++) {
        bool found = false;
        for (size_t k = 0; k < narrow->n_claims && !found; k++)
            found = str_eq(wide->claims[i].name, narrow->claims[k].name) &&
                    cover_set(&wide->claims[i].set, &narrow->claims[k].set);
        if (!found)
            return false;
    }
    return true;
}

/* A machine has no mail address and a human no service. */
static bool cover_kind(const struct who *wide, const struct who *narrow)
{
    if (wide->kind == WHO_EITHER || wide->kind == narrow->kind)
        return true;
    if (wide->kind == WHO_HUMAN)
        return narrow->users.n > 0 || narrow->domains.n > 0;
    return narrow->services.n > 0;
}

static bool cover_own(const struct who *wide, const struct who *narrow)
{
    return cover_kind(wide, narrow) && cover_texts(wide->users, narrow->users) &&
           cover_texts(wide->domains, narrow->domains) &&
           cover_texts(wide->services, narrow->services) &&
           (!wide->groups || (narrow->groups && cover_set(wide->groups, narrow->groups))) &&
           cover_claims(wide, narrow);
}

bool cover_who(const struct who *wide, const struct who *narrow)
{
    if (wide->anyone)
        return true;
    if (narrow->anyone)
        return false;
    /* Every alternative of the narrow one must be covered, one part of its `all` suffices. */
    bool covers_each = narrow->n_any > 0;
    for (size_t i = 0; i < narrow->n_any && covers_each; i++)
        covers_each = cover_who(wide, narrow->any[i]);
    if (covers_each)
        return true;
    for (size_t i = 0; i < narrow->n_all; i++)
        if (cover_who(wide, narrow->all[i]))
            return true;
    if (!cover_own(wide, narrow))
        return false;
    bool covers = wide->n_any == 0;
    for (size_t i = 0; i < wide->n_any && !covers; i++)
        covers = cover_who(wide->any[i], narrow);
    for (size_t i = 0; i < wide->n_all && covers; i++)
        covers = cover_who(wide->all[i], narrow);
    return covers;
}

/* ---- parts of a request ------------------------------------------------------------------------
 */

/* Segments from w and n on; `**` of the wide one takes none or one more of the narrow one. */
static bool cover_segments(const struct path_glob *wide, size_t w, const struct path_glob *narrow,
                           size_t n)
{
    if (w == wide->n)
        return n == narrow->n;
    const struct path_segment *ws = &wide->segments[w];
    if (ws->kind == PATH_SEGMENT_ANY)
        return cover_segments(wide, w + 1, narrow, n) ||
               (n < narrow->n && cover_segments(wide, w, narrow, n + 1));
    if (n == narrow->n)
        return false;
    const struct path_segment *ns = &narrow->segments[n];
    if (ns->kind == PATH_SEGMENT_ANY || (ws->kind == PATH_SEGMENT_TEXT && ns->kind != ws->kind))
        return false;
    if (ws->kind == PATH_SEGMENT_TEXT && !str_eq(ws->text, ns->text))
        return false;
    return cover_segments(wide, w + 1, narrow, n + 1);
}

/* More segments than people write would take long to compare: then nothing is claimed. */
bool cover_glob(const struct path_glob *wide, const struct path_glob *narrow)
{
    enum { MOST = 12 };

    return wide->n <= MOST && narrow->n <= MOST && cover_segments(wide, 0, narrow, 0);
}

static bool cover_globs(struct glob_list wide, struct glob_list narrow)
{
    for (size_t i = 0; i < narrow.n; i++) {
        bool found = false;
        for (size_t k = 0; k < wide.n && !found; k++)
            found = cover_glob(&wide.items[k], &narrow.items[i]);
        if (!found)
            return false;
    }
    return true;
}

static bool has_regex(const struct to *to, str text)
{
    for (size_t i = 0; i < to->n_regexes; i++)
        if (str_eq(to->regexes[i].text, text))
            return true;
    return false;
}

static bool cover_regexes(const struct to *wide, const struct to *narrow)
{
    for (size_t i = 0; i < narrow->n_regexes; i++)
        if (!has_regex(wide, narrow->regexes[i].text))
            return false;
    return narrow->n_regexes > 0;
}

static bool has_all_paths(struct glob_list globs)
{
    for (size_t i = 0; i < globs.n; i++)
        if (globs.items[i].n == 1 && globs.items[i].segments[0].kind == PATH_SEGMENT_ANY)
            return true;
    return false;
}

/* What names any part of a request is for http alone, where each has a path. */
static bool covers_paths(const struct to *wide, const struct to *narrow)
{
    if (narrow->names_http_parts && has_all_paths(wide->paths))
        return true;
    return narrow->paths.n && cover_globs(wide->paths, narrow->paths);
}

bool cover_parts(const struct to *wide, const struct to *narrow)
{
    if (!cover_texts(wide->methods, narrow->methods) || !cover_texts(wide->logins, narrow->logins))
        return false;
    if (wide->paths.n && !covers_paths(wide, narrow))
        return false;
    if (wide->n_regexes && !cover_regexes(wide, narrow))
        return false;
    /* What the wide one leaves out, the narrow one leaves out too. */
    return !wide->except.n || (narrow->except.n && cover_globs(narrow->except, wide->except));
}

bool cover_is_empty(const struct to *to)
{
    return to->paths.n && to->except.n && cover_globs(to->except, to->paths);
}

/* ---- needs ------------------------------------------------------------------------------------
 */

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
        if (!has_text(wide->os, narrow->min_os_version.items[i].name))
            return false;
    return narrow->min_os_version.n > 0;
}

static bool cover_attributes(const struct device_need *wide, const struct device_need *narrow)
{
    for (size_t i = 0; i < wide->n_attributes; i++) {
        bool found = false;
        for (size_t k = 0; k < narrow->n_attributes && !found; k++)
            found = str_eq(wide->attributes[i].name, narrow->attributes[k].name) &&
                    is_subset(narrow->attributes[k].values, wide->attributes[i].values);
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

/* A grant is for one rule: only the same rule, unchanged, has the same grants. */
static bool cover_grants(const struct rule *wide, const struct rule *narrow)
{
    if (!wide->approval && !wide->break_glass)
        return true;
    return str_eq(wide->id, narrow->id) && str_eq(wide->text_digest, narrow->text_digest);
}

bool cover_need(const struct rule *wide, const struct rule *narrow)
{
    return cover_device(wide->device, narrow->device) && cover_auth(wide->auth, narrow->auth) &&
           cover_from(wide->from, narrow->from) && cover_when(wide->when, narrow->when) &&
           cover_grants(wide, narrow) && (!wide->purpose || narrow->purpose);
}

bool cover_life(const struct rule *wide, const struct rule *narrow)
{
    return wide->starts_s <= narrow->starts_s && wide->expires_s >= narrow->expires_s;
}

bool cover_rule(const struct rule *wide, const struct rule *narrow)
{
    return cover_life(wide, narrow) && cover_who(wide->who, narrow->who) &&
           cover_parts(wide->to, narrow->to) && cover_need(wide, narrow);
}
