#include "policy/normal.h"

#include <stdlib.h>

#include "policy/text.h"
#include "policy/zone.h"

/* ---- sorted lists -----------------------------------------------------------------------------
 */

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* Every text carries its length, so that no two lists run together. */
static void add_sorted(struct text *t, const char *name, str *items, size_t n)
{
    if (!n)
        return;
    qsort(items, n, sizeof *items, by_text);
    text_printf(t, "%s[", name);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !str_eq(items[i], items[i - 1])) {
            text_printf(t, "%zu:", items[i].n);
            text_add(t, items[i]);
        }
    text_add(t, STR("]"));
}

static void add_texts(struct text *t, const char *name, struct str_list list)
{
    str *items = arena_array(t->arena, str, list.n + 1);

    if (list.n)
        memcpy(items, list.items, list.n * sizeof *items);
    add_sorted(t, name, items, list.n);
}

static str want_text(struct arena *a, const struct want *w)
{
    return arena_printf(a, "%c%.*s", w->is_plain ? 'p' : 'q', STR_ARG(w->text));
}

/* Groups are texts: whether they were quoted does not count. */
static void add_wants(struct text *t, const char *name, struct want_list list, bool is_group)
{
    str *items = arena_array(t->arena, str, list.n + 1);

    for (size_t i = 0; i < list.n; i++)
        items[i] = is_group ? list.items[i].text : want_text(t->arena, &list.items[i]);
    add_sorted(t, name, items, list.n);
}

static void add_set(struct text *t, const char *name, const struct match_set *set, bool is_group)
{
    str *unions = arena_array(t->arena, str, set->n_all + 1);

    text_printf(t, "%s(", name);
    add_wants(t, "any", set->any, is_group);
    for (size_t i = 0; i < set->n_all; i++) {
        struct text one = {.arena = t->arena};
        add_wants(&one, "", set->all[i], is_group);
        unions[i] = text_str(&one);
    }
    add_sorted(t, "all", unions, set->n_all);
    add_wants(t, "none", set->none, is_group);
    text_add(t, STR(")"));
}

/* ---- who --------------------------------------------------------------------------------------
 */

static void add_who(struct text *t, const struct who *who);

static void add_branch(struct text *t, const char *name, const struct who *const *branch, size_t n)
{
    str *items = arena_array(t->arena, str, n + 1);

    for (size_t i = 0; i < n; i++) {
        struct text one = {.arena = t->arena};
        add_who(&one, branch[i]);
        items[i] = text_str(&one);
    }
    add_sorted(t, name, items, n);
}

static void add_claims(struct text *t, const struct who *who)
{
    str *items = arena_array(t->arena, str, who->n_claims + 1);

    for (size_t i = 0; i < who->n_claims; i++) {
        struct text one = {.arena = t->arena};
        text_printf(&one, "%zu:", who->claims[i].name.n);
        text_add(&one, who->claims[i].name);
        add_set(&one, "", &who->claims[i].set, false);
        items[i] = text_str(&one);
    }
    add_sorted(t, "claims", items, who->n_claims);
}

static void add_who(struct text *t, const struct who *who)
{
    text_printf(t, "who(%d %d ", who->anyone, who->kind);
    add_texts(t, "users", who->users);
    add_texts(t, "domains", who->domains);
    add_texts(t, "services", who->services);
    if (who->groups)
        add_set(t, "groups", who->groups, true);
    add_claims(t, who);
    add_branch(t, "any", who->any, who->n_any);
    add_branch(t, "all", who->all, who->n_all);
    text_add(t, STR(")"));
}

/* ---- to ---------------------------------------------------------------------------------------
 */

static void add_globs(struct text *t, const char *name, struct glob_list globs)
{
    str *items = arena_array(t->arena, str, globs.n + 1);

    for (size_t i = 0; i < globs.n; i++) {
        struct text one = {.arena = t->arena};
        for (size_t k = 0; k < globs.items[i].n; k++) {
            const struct path_segment *s = &globs.items[i].segments[k];
            text_add(&one, STR("/"));
            text_add(&one, s->kind == PATH_SEGMENT_TEXT  ? s->text
                           : s->kind == PATH_SEGMENT_ONE ? STR("*")
                                                         : STR("**"));
        }
        items[i] = text_str(&one);
    }
    add_sorted(t, name, items, globs.n);
}

static void add_to(struct text *t, const struct to *to)
{
    str *regexes = arena_array(t->arena, str, to->n_regexes + 1);

    add_texts(t, "methods", to->methods);
    add_globs(t, "paths", to->paths);
    add_globs(t, "except", to->except);
    for (size_t i = 0; i < to->n_regexes; i++)
        regexes[i] = to->regexes[i].text;
    add_sorted(t, "regex", regexes, to->n_regexes);
    add_texts(t, "logins", to->logins);
}

/* ---- needs ------------------------------------------------------------------------------------
 */

static void add_mins(struct text *t, const char *name, struct version_mins mins)
{
    str *items = arena_array(t->arena, str, mins.n + 1);

    for (size_t i = 0; i < mins.n; i++) {
        struct text one = {.arena = t->arena};
        text_add(&one, mins.items[i].name);
        for (size_t k = 0; k < POLICY_VERSION_PARTS; k++)
            text_printf(&one, ".%llu", (unsigned long long)mins.items[i].least.parts[k]);
        items[i] = text_str(&one);
    }
    add_sorted(t, name, items, mins.n);
}

static void add_device(struct text *t, const struct device_need *need)
{
    text_printf(t, "device(%u %u %d %u %lld ", need->flags_written, need->flags_wanted,
                need->has_min_patch_level ? need->min_patch_level_day : -1,
                need->has_max_risk ? need->max_risk : UINT32_MAX, (long long)need->seen_within_s);
    add_texts(t, "os", need->os);
    add_mins(t, "min", need->min_os_version);
    add_mins(t, "browser", need->min_browser_version);
    add_texts(t, "owner", need->ownership);
    add_texts(t, "key", need->key_protection);
    add_texts(t, "sources", need->sources);
    for (size_t i = 0; i < need->n_attributes; i++) {
        text_add(t, need->attributes[i].name);
        add_wants(t, "", need->attributes[i].values, false);
    }
    text_add(t, STR(")"));
}

static void add_auth(struct text *t, const struct auth_need *need)
{
    text_printf(t, "auth(%d %lld %lld ", need->mfa, (long long)need->mfa_within_s,
                (long long)need->login_within_s);
    add_texts(t, "amr", need->methods);
    add_texts(t, "acr", need->acr);
    add_texts(t, "issuers", need->issuers);
    text_add(t, STR(")"));
}

static void add_nets(struct text *t, const char *name, struct cidr_list nets)
{
    str *items = arena_array(t->arena, str, nets.n + 1);

    for (size_t i = 0; i < nets.n; i++) {
        char text[ADDR_TEXT_BYTES];
        addr_text(&nets.items[i].base, text);
        items[i] = arena_printf(t->arena, "%s/%u", text, nets.items[i].bits);
    }
    add_sorted(t, name, items, nets.n);
}

static void add_from(struct text *t, const struct from_need *need)
{
    text_add(t, STR("from("));
    add_nets(t, "in", need->networks);
    add_nets(t, "out", need->not_networks);
    add_texts(t, "countries", need->countries);
    add_texts(t, "not", need->not_countries);
    text_add(t, STR(")"));
}

static str schedule_text(struct arena *a, const struct schedule *s)
{
    struct text t = {.arena = a};

    text_printf(&t, "%u %.*s", s->days, STR_ARG(zone_name(s->zone)));
    for (size_t i = 0; i < s->n_hours; i++)
        text_printf(&t, " %u-%u", s->hours[i].start_min, s->hours[i].end_min);
    for (size_t i = 0; i < s->n_except_days; i++)
        text_printf(&t, " !%d", s->except_days[i]);
    return text_str(&t);
}

static void add_when(struct text *t, struct schedule_list when)
{
    str *items = arena_array(t->arena, str, when.n + 1);

    for (size_t i = 0; i < when.n; i++)
        items[i] = schedule_text(t->arena, when.items[i]);
    add_sorted(t, "when", items, when.n);
}

static void add_grants(struct text *t, const struct policy *p, const struct rule *rule)
{
    if (rule->approval)
        text_printf(t, "approval(%.*s %.*s)", STR_ARG(rule->id), STR_ARG(rule->text_digest));
    if (!rule->break_glass)
        return;
    const struct index_list *skips = &rule->break_glass->skips;
    str *items = arena_array(t->arena, str, skips->n + 1);
    /* What is skipped, not what it is called: a name may have gone to another rule. */
    for (size_t i = 0; i < skips->n; i++)
        items[i] = normal_rule(t->arena, p, &p->rules[skips->items[i]]);
    text_printf(t, "glass(%.*s %.*s", STR_ARG(rule->id), STR_ARG(rule->text_digest));
    add_sorted(t, "skips", items, skips->n);
    text_add(t, STR(")"));
}

static void add_session(struct text *t, const struct session_terms *s)
{
    text_printf(t, "session(%lld %lld %d %d %d %d)", (long long)s->max_s, (long long)s->idle_s,
                s->record, s->clipboard, s->file_transfer, s->port_forwarding);
}

/* ---- exported ---------------------------------------------------------------------------------
 */

str normal_rule(struct arena *a, const struct policy *p, const struct rule *rule)
{
    struct text t = {.arena = a};

    text_printf(&t, "%d %d %d %lld %lld ", rule->effect, rule->is_audit_only, rule->ignores_missing,
                (long long)rule->starts_s, (long long)rule->expires_s);
    add_who(&t, rule->who);
    add_to(&t, rule->to);
    if (rule->device)
        add_device(&t, rule->device);
    if (rule->auth)
        add_auth(&t, rule->auth);
    if (rule->from)
        add_from(&t, rule->from);
    add_when(&t, rule->when);
    add_grants(&t, p, rule);
    if (rule->purpose)
        text_add(&t, STR("purpose"));
    if (rule->session)
        add_session(&t, rule->session);
    return text_str(&t);
}

str normal_app(struct arena *a, const struct app *app)
{
    const struct policy_app *face = &app->face;
    struct text t = {.arena = a};

    text_printf(&t, "%d %d %d %d ", face->protocol, face->ignores_case,
                face->path_rules.pass_encoded_slash, face->path_rules.pass_params);
    add_texts(&t, "logins", (struct str_list){face->logins, face->n_logins});
    add_globs(&t, "public", app->public_paths);
    return text_str(&t);
}

bool normal_concerns(const struct rule *rule, const struct app *app)
{
    for (size_t i = 0; i < rule->to->apps.n; i++)
        if (rule->to->apps.items[i] == app->face.index)
            return true;
    return rule->to->everything;
}
