/* cover: who and what of two rules; cover_need.c has the rest. */
#include "policy/cover.h"

#include "policy/eval.h"

/* ---- lists: OR, so the longer one is wider ----------------------------------------------------
 */

bool cover_texts(struct str_list wide, struct str_list narrow)
{
    if (!wide.n)
        return true;
    for (size_t i = 0; i < narrow.n; i++)
        if (!list_has(wide, narrow.items[i]))
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

bool cover_is_subset(struct want_list part, struct want_list whole)
{
    for (size_t i = 0; i < part.n; i++)
        if (!has_want(whole, &part.items[i]))
            return false;
    return true;
}

static bool has_union_in(const struct match_set *set, struct want_list wide)
{
    if (set->any.n && cover_is_subset(set->any, wide))
        return true;
    for (size_t i = 0; i < set->n_all; i++)
        if (cover_is_subset(set->all[i], wide))
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
    return cover_is_subset(wide->none, narrow->none);
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

/* ---- rules ------------------------------------------------------------------------------------
 */

bool cover_life(const struct rule *wide, const struct rule *narrow)
{
    return wide->starts_s <= narrow->starts_s && wide->expires_s >= narrow->expires_s;
}

bool cover_rule(const struct rule *wide, const struct rule *narrow)
{
    return cover_life(wide, narrow) && cover_who(wide->who, narrow->who) &&
           cover_parts(wide->to, narrow->to) && cover_need(wide, narrow);
}
