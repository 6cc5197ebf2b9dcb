#include "policy/lint.h"

#include "policy/cover.h"

enum { SOON_DAYS = 30 };

/* ---- one rule ---------------------------------------------------------------------------------
 */

static void lint_soon(struct load *l, const struct rule *rule)
{
    int64_t left_s = rule->expires_s - l->in->now_s;

    if (rule->expires_s == POLICY_FOREVER_S || l->in->now_s <= 0 || left_s <= 0 ||
        left_s > (int64_t)SOON_DAYS * 86400 || rule->starts_s >= rule->expires_s)
        return; /* that it ends before it starts is told by the loader */
    doc_warn(l->f, doc_get(rule->node, "expires"), "expires-soon",
             "set a later day if the access goes on", "rule \"%.*s\" ends in %lld day%s",
             STR_ARG(rule->id), (long long)(left_s / 86400), left_s / 86400 == 1 ? "" : "s");
}

static bool has_nocase(str s, str needle)
{
    for (size_t i = 0; i + needle.n <= s.n; i++)
        if (str_eq_nocase((str){s.p + i, needle.n}, needle))
            return true;
    return false;
}

/* By its name only: no other sign of it stands in the rules. */
static bool is_contractor_name(str name)
{
    static const char *const words[] = {"contractor", "external",  "vendor",
                                        "supplier",   "freelance", "consultant"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has_nocase(name, str_of(words[i])))
            return true;
    return str_starts(name, STR("ext-")) || str_starts(name, STR("ext_"));
}

static const struct doc_node *contractor_in(const struct doc_node *set)
{
    static const char *const keys[] = {"any", "all"};

    if (!set)
        return NULL;
    if (set->kind == DOC_LIST) {
        for (size_t i = 0; i < set->n; i++)
            if (is_contractor_name(set->items[i]->text))
                return set->items[i];
        return NULL;
    }
    for (size_t k = 0; k < 2; k++) {
        const struct doc_node *found = contractor_in(doc_get(set, keys[k]));
        if (found)
            return found;
    }
    return NULL;
}

static const struct doc_node *contractor_of(const struct doc_node *who)
{
    static const char *const branches[] = {"any", "all"};
    const struct doc_node *found = contractor_in(doc_get(who, "groups"));

    for (size_t b = 0; b < 2 && !found; b++) {
        const struct doc_node *list = doc_get(who, branches[b]);
        for (size_t i = 0; i < load_count(list) && !found; i++)
            found = contractor_of(load_item(list, i));
    }
    return found;
}

static void lint_contractors(struct load *l, const struct rule *rule)
{
    const struct doc_node *group = contractor_of(doc_get(rule->node, "who"));

    if (rule->effect == RULE_ALLOW && group && rule->expires_s == POLICY_FOREVER_S)
        doc_warn(l->f, group, "contractor-no-expiry", "add expires: with the last day",
                 "rule \"%.*s\" lets group \"%.*s\" in for ever", STR_ARG(rule->id),
                 STR_ARG(group->text));
}

static void lint_deny_paths(struct load *l, const struct rule *rule)
{
    if (rule->effect == RULE_DENY && (rule->to->paths.n || rule->to->n_regexes))
        doc_warn(
            l->f, doc_get(rule->node, "to"), "deny-on-paths",
            "allow the paths that people need instead, or use except: in the allow",
            "rule \"%.*s\" forbids paths: a page that the app also serves elsewhere stays open",
            STR_ARG(rule->id));
}

static void lint_regexes(struct load *l, const struct rule *rule)
{
    const struct doc_node *list = doc_get(doc_get(rule->node, "to"), "paths_regex");

    for (size_t i = 0; i < load_count(list); i++) {
        const struct doc_node *item = load_item(list, i);
        str glob = lint_glob_of_regex(l->a, item->text);
        if (lint_is_glob(item->text))
            doc_warn(l->f, item, "glob-as-regex",
                     arena_printf(l->a, "write paths: [%.*s]", STR_ARG(item->text)).p,
                     "in an expression /* means any number of slashes: this looks like a glob");
        else if (glob.p)
            doc_warn(l->f, item, "regex-for-glob",
                     arena_printf(l->a, "write paths: [%.*s]", STR_ARG(glob)).p,
                     "a glob serves here, and is easier to read than this expression");
    }
}

/* ---- rules that can never be true --------------------------------------------------------------
 */

static bool covers_all(struct glob_list wide, struct glob_list narrow)
{
    for (size_t i = 0; i < narrow.n; i++) {
        bool found = false;
        for (size_t k = 0; k < wide.n && !found; k++)
            found = cover_glob(&wide.items[k], &narrow.items[i]);
        if (!found)
            return false;
    }
    return narrow.n > 0;
}

static bool has_login(const struct app *app, struct str_list logins)
{
    for (size_t i = 0; i < app->face.n_logins; i++)
        for (size_t k = 0; k < logins.n; k++)
            if (str_eq(app->face.logins[i], logins.items[k]))
                return true;
    return false;
}

/* Whether the parts of a request that the rule names can be true at this app. */
static bool can_concern(const struct rule *rule, const struct app *app)
{
    const struct to *to = rule->to;

    if (app->face.protocol != POLICY_HTTP && to->names_http_parts)
        return false;
    if (to->logins.n && (app->face.protocol != POLICY_SSH || !has_login(app, to->logins)))
        return false;
    /* On a public path nobody is asked, but for denies of anyone. */
    bool is_asked = rule->effect == RULE_DENY && rule->who->anyone;
    return is_asked || app->face.protocol != POLICY_HTTP ||
           !covers_all(app->public_paths, to->paths);
}

static bool concerns_any(const struct load *l, const struct rule *rule)
{
    size_t n = rule->to->everything ? l->p->n_apps : rule->to->apps.n;

    for (size_t i = 0; i < n; i++)
        if (can_concern(rule, &l->apps[rule->to->everything ? i : rule->to->apps.items[i]]))
            return true;
    return n == 0; /* said elsewhere */
}

static void lint_unreachable(struct load *l, const struct rule *rule)
{
    const char *why = lint_who_is_nobody(rule->who);

    if (!why && cover_is_empty(rule->to))
        why = "its except leaves out all of its paths";
    if (!why && !concerns_any(l, rule))
        why = "no request to its apps has what its to asks for";
    if (!why && rule->effect != RULE_REQUIRE)
        why = lint_need_is_never(rule);
    if (why)
        doc_warn(l->f, rule->node, "unreachable", "remove it, or mend it",
                 "rule \"%.*s\" can never hold: %s", STR_ARG(rule->id), why);
}

static void lint_never(struct load *l, const struct rule *rule)
{
    const char *why = rule->effect == RULE_REQUIRE ? lint_need_is_never(rule) : NULL;

    if (why)
        doc_warn(l->f, rule->node, "refuses-all", "mend it, or write effect: deny",
                 "rule \"%.*s\" refuses everybody whom it concerns: %s", STR_ARG(rule->id), why);
}

/* ---- pairs ------------------------------------------------------------------------------------
 */

static bool has_apps(const struct to *wide, const struct to *narrow)
{
    if (wide->everything)
        return true;
    if (narrow->everything || !narrow->apps.n)
        return false;
    for (size_t i = 0, k = 0; i < narrow->apps.n; i++) {
        while (k < wide->apps.n && wide->apps.items[k] < narrow->apps.items[i])
            k++;
        if (k == wide->apps.n || wide->apps.items[k] != narrow->apps.items[i])
            return false;
    }
    return true;
}

static bool is_in_force(const struct rule *rule)
{
    return !rule->is_audit_only && rule->node;
}

static void lint_pair(struct load *l, const struct rule *allow, const struct rule *other)
{
    if (other->effect == RULE_DENY)
        doc_warn(l->f, allow->node, "covered-by-deny", "remove it, or narrow the deny",
                 "rule \"%.*s\" lets nobody in: rule \"%.*s\" (%.*s:%u) denies all that it allows",
                 STR_ARG(allow->id), STR_ARG(other->id), STR_ARG(other->node->file->name),
                 other->node->line);
    else
        doc_warn(l->f, allow->node, "redundant", "remove one of them",
                 "rule \"%.*s\" adds nothing: rule \"%.*s\" (%.*s:%u) allows all that it allows",
                 STR_ARG(allow->id), STR_ARG(other->id), STR_ARG(other->node->file->name),
                 other->node->line);
}

static bool skips(const struct rule *rule, const struct rule *require, const struct load *l)
{
    struct index_list list = rule->break_glass ? rule->break_glass->skips : (struct index_list){0};

    for (size_t i = 0; i < list.n; i++)
        if (&l->rules[list.items[i]] == require)
            return true;
    return false;
}

static bool is_skipped(const struct load *l, const struct rule *require)
{
    for (size_t i = 0; i < l->p->n_rules; i++)
        if (skips(&l->rules[i], require, l))
            return true;
    return false;
}

/* Wherever the allow applies the require fires: it concerns all that the allow does, and what the
 * one needs the other rules out. */
static void lint_against(struct load *l, const struct rule *allow, const struct rule *require)
{
    if (require->effect != RULE_REQUIRE || !is_in_force(require) ||
        !has_apps(require->to, allow->to) || !cover_life(require, allow) ||
        !cover_who(require->who, allow->who) || !cover_parts(require->to, allow->to))
        return;
    const char *need = lint_needs_are_apart(allow, require);
    if (need && !is_skipped(l, require))
        doc_warn(l->f, allow->node, "covered-by-require", "remove it, or narrow the require",
                 "rule \"%.*s\" lets nobody in: no visit has the %s that it needs and the one that "
                 "rule \"%.*s\" (%.*s:%u) requires",
                 STR_ARG(allow->id), need, STR_ARG(require->id), STR_ARG(require->node->file->name),
                 require->node->line);
}

/* Two allows that say the same cover each other: the later one is told. Session terms and a break
 * glass are effects of their own. */
static bool is_covered(const struct rule *allow, const struct rule *other)
{
    if (other == allow || !is_in_force(other) || other->effect == RULE_REQUIRE ||
        !has_apps(other->to, allow->to))
        return false;
    if (other->effect == RULE_DENY)
        return cover_rule(other, allow);
    if (allow->session || allow->break_glass || other->session || !cover_rule(other, allow))
        return false;
    return other < allow || !cover_rule(allow, other) || !has_apps(allow->to, other->to);
}

static void lint_pairs(struct load *l, const struct rule *allow)
{
    if (allow->effect != RULE_ALLOW || !is_in_force(allow))
        return;
    for (size_t i = 0; i < l->p->n_rules; i++)
        if (is_covered(allow, &l->rules[i])) {
            lint_pair(l, allow, &l->rules[i]);
            return;
        }
    for (size_t i = 0; i < l->p->n_rules; i++)
        lint_against(l, allow, &l->rules[i]);
}

void lint_set(struct load *l)
{
    for (size_t i = 0; i < l->p->n_rules; i++) {
        const struct rule *rule = &l->rules[i];
        lint_soon(l, rule);
        lint_contractors(l, rule);
        lint_deny_paths(l, rule);
        lint_spellings(l, rule);
        lint_regexes(l, rule);
        lint_methods(l, rule);
        lint_session(l, rule);
        lint_unreachable(l, rule);
        lint_never(l, rule);
        lint_pairs(l, rule);
    }
    lint_groups(l);
    lint_zones(l);
    lint_scalars(l);
}
