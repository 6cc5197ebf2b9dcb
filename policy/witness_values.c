/* witness_values: the facts that the rules of an app can tell apart. */
#include "policy/normal.h"
#include "policy/schedule.h"
#include "policy/testrun.h"
#include "policy/text.h"
#include "policy/witness.h"
#include "policy/zone.h"

enum { MAX_PICKS = 6, MAX_SCHEDULES = 32, SCAN_DAYS = 8, SCAN_STEP_S = 1800, MAX_PARTNERS = 24 };

/* Calls fn for each rule of either set that concerns the app. */
static void each_rule(const struct witness_search *s, struct witness_values *v,
                      void (*fn)(const struct witness_search *s, struct witness_values *v,
                                 const struct rule *rule))
{
    for (size_t set = 0; set < 2; set++)
        for (size_t i = 0; s->apps[set] && i < s->sets[set]->n_rules; i++)
            if (normal_concerns(&s->sets[set]->rules[i], s->apps[set]))
                fn(s, v, &s->sets[set]->rules[i]);
}

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

static void add_claim(struct witness_who *w, str name, struct policy_value value)
{
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
    add_claim(w, want->name,
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
            add_claim(w, who->claims[i].name, text_value(who->claims[i].set.none.items[0].text));
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

static void gather_whos(const struct witness_search *s, struct witness_values *v)
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
    if (v->n_strong < 6) {
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

static void gather_auths(const struct witness_search *s, struct witness_values *v)
{
    keep_auth(v, (struct witness_auth){.mfa = POLICY_TRUE, .age_s = 1});
    v->n_strong = 1;
    each_rule(s, v, add_strong_auth);
    each_rule(s, v, add_weak_auth);
    for (size_t i = 0; i < v->auths[0].n_methods; i++) {
        struct witness_auth single = v->auths[0];
        single.methods[0] = single.methods[i];
        single.n_methods = 1;
        keep_auth(v, single);
    }
    struct witness_auth without = v->auths[0], plain = v->auths[0];
    without.n_methods = 0;
    keep_auth(v, without);
    plain.mfa = POLICY_FALSE;
    keep_auth(v, plain);
    plain.n_methods = 0;
    keep_auth(v, plain);
    keep_auth(v, (struct witness_auth){.mfa = POLICY_UNKNOWN, .age_s = -1});
}

/* ---- device -----------------------------------------------------------------------------------
 */

static void set_fact(struct witness_device *d, str attribute, enum policy_value_kind kind, str text,
                     str source)
{
    size_t i = 0;

    while (i < d->n && !str_eq(d->facts[i].attribute, attribute))
        i++;
    if (i == WITNESS_MAX_ITEMS)
        return;
    d->n += i == d->n;
    d->facts[i] = (struct policy_device_fact){
        .attribute = attribute, .value = {.kind = kind, .text = text}, .source = source};
}

static str fact_text(const struct witness_device *d, const char *attribute)
{
    for (size_t i = 0; i < d->n; i++)
        if (str_eq(d->facts[i].attribute, str_of(attribute)))
            return d->facts[i].value.text;
    return (str){NULL, 0};
}

/* Stays with the system that it has when the list knows it. */
static void meet_version(struct witness_device *d, struct version_mins mins, const char *name,
                         const char *version, str source)
{
    size_t pick = 0;

    if (!mins.n)
        return;
    for (size_t i = 0; i < mins.n; i++)
        if (str_eq(mins.items[i].name, fact_text(d, name)))
            pick = i;
    set_fact(d, str_of(name), POLICY_VALUE_TEXT, mins.items[pick].name, source);
    set_fact(d, str_of(version), POLICY_VALUE_TEXT, mins.items[pick].text, source);
}

static str day_text(struct arena *a, int32_t day)
{
    int32_t y, m, d;

    zone_date_of(day, &y, &m, &d);
    return arena_printf(a, "%04d-%02d-%02d", y, m, d);
}

static void meet_device(struct arena *a, struct witness_device *d, const struct device_need *need)
{
    str source = need->sources.n ? need->sources.items[0] : STR("witness");

    for (int i = 0; i < DEVICE_FLAGS; i++)
        if (need->flags_written >> i & 1)
            set_fact(d, str_of(device_flag_names[i]), POLICY_VALUE_BOOL,
                     need->flags_wanted >> i & 1 ? STR("true") : STR("false"), source);
    if (need->os.n)
        set_fact(d, STR("os"), POLICY_VALUE_TEXT, need->os.items[0], source);
    meet_version(d, need->min_os_version, "os", "os_version", source);
    meet_version(d, need->min_browser_version, "browser", "browser_version", source);
    if (need->has_min_patch_level)
        set_fact(d, STR("patch_level"), POLICY_VALUE_TEXT, day_text(a, need->min_patch_level_day),
                 source);
    if (need->has_max_risk)
        set_fact(d, STR("risk"), POLICY_VALUE_NUMBER, arena_printf(a, "%u", need->max_risk),
                 source);
    if (need->ownership.n)
        set_fact(d, STR("ownership"), POLICY_VALUE_TEXT, need->ownership.items[0], source);
    if (need->key_protection.n)
        set_fact(d, STR("key_protection"), POLICY_VALUE_TEXT, need->key_protection.items[0],
                 source);
    for (size_t i = 0; i < need->n_attributes; i++)
        set_fact(d, need->attributes[i].name, POLICY_VALUE_TEXT,
                 need->attributes[i].values.items[0].text, source);
}

static void keep_device(struct witness_values *v, struct witness_device d)
{
    if (v->n_devices < WITNESS_MAX_DEVICES)
        v->devices[v->n_devices++] = d;
}

/* A deny's device is one that nobody should have. */
static void add_good_device(const struct witness_search *s, struct witness_values *v,
                            const struct rule *rule)
{
    if (rule->device && rule->effect != RULE_DENY)
        meet_device(v->arena, &v->devices[0], rule->device);
}

/* All needs met, this one just so, or with one flag turned. */
static void add_device(const struct witness_search *s, struct witness_values *v,
                       const struct rule *rule)
{
    if (!rule->device)
        return;
    struct witness_device d = v->devices[0];
    meet_device(v->arena, &d, rule->device);
    struct witness_device just = {.n = 0};
    meet_device(v->arena, &just, rule->device);
    keep_device(v, d);
    keep_device(v, just);
    for (int i = 0; i < DEVICE_FLAGS; i++) {
        struct witness_device turned = d;
        if (!(rule->device->flags_written >> i & 1))
            continue;
        set_fact(&turned, str_of(device_flag_names[i]), POLICY_VALUE_BOOL,
                 rule->device->flags_wanted >> i & 1 ? STR("false") : STR("true"), STR("witness"));
        keep_device(v, turned);
    }
}

static void gather_devices(const struct witness_search *s, struct witness_values *v)
{
    v->n_devices = 1;
    each_rule(s, v, add_good_device);
    each_rule(s, v, add_device);
    keep_device(v, (struct witness_device){.n = 0});
}

/* ---- from -------------------------------------------------------------------------------------
 */

static void keep_origin(struct witness_values *v, struct addr from, str country)
{
    if (v->n_origins < WITNESS_MAX_ORIGINS)
        v->origins[v->n_origins++] = (struct witness_origin){from, country};
}

/* The first and the last address: a wider network has others than a narrower one within it. */
static void keep_ends(struct witness_values *v, const struct cidr *net, str country)
{
    struct addr last = net->base;
    unsigned bits = last.family == 4 ? 32 : 128;

    for (unsigned i = net->bits; i < bits; i++)
        last.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
    keep_origin(v, net->base, country);
    keep_origin(v, last, country);
}

static void add_origins(const struct witness_search *s, struct witness_values *v,
                        const struct rule *rule)
{
    const struct from_need *need = rule->from;
    str country = {NULL, 0};

    if (!need)
        return;
    if (need->countries.n)
        country = need->countries.items[0];
    else if (need->not_countries.n)
        country = STR("ZZ");
    for (size_t i = 0; i < need->networks.n; i++)
        keep_ends(v, &need->networks.items[i], country);
    for (size_t i = 0; i < need->not_networks.n; i++)
        keep_ends(v, &need->not_networks.items[i], country);
    for (size_t i = 0; i < need->countries.n; i++)
        keep_origin(v, v->origins[0].from, need->countries.items[i]);
    for (size_t i = 0; i < need->not_countries.n; i++)
        keep_origin(v, v->origins[0].from, need->not_countries.items[i]);
}

static void gather_origins(const struct witness_search *s, struct witness_values *v)
{
    struct addr elsewhere, nowhere = {0};

    addr_parse(STR("203.0.113.77"), &elsewhere);
    keep_origin(v, elsewhere, (str){NULL, 0});
    each_rule(s, v, add_origins);
    if (v->n_origins > 1)
        keep_origin(v, nowhere, (str){NULL, 0});
}

/* ---- time -------------------------------------------------------------------------------------
 */

struct schedules {
    const struct schedule *items[MAX_SCHEDULES];
    size_t n;
};

static void collect_schedules(const struct witness_search *s, struct schedules *out)
{
    for (size_t set = 0; set < 2; set++)
        for (size_t i = 0; s->apps[set] && i < s->sets[set]->n_rules; i++) {
            const struct rule *rule = &s->sets[set]->rules[i];
            if (!normal_concerns(rule, s->apps[set]))
                continue;
            for (size_t k = 0; k < rule->when.n && out->n < MAX_SCHEDULES; k++)
                out->items[out->n++] = rule->when.items[k];
        }
}

static uint32_t which_hold(const struct schedules *list, int64_t at_s)
{
    uint32_t bits = 0;
    int64_t until_s;

    for (size_t i = 0; i < list->n; i++)
        bits |= (uint32_t)schedule_has(list->items[i], at_s, 1, &until_s) << i;
    return bits;
}

static void keep_time(struct witness_values *v, int64_t at_s)
{
    if (v->n_times < WITNESS_MAX_TIMES)
        v->times_s[v->n_times++] = at_s;
}

/* The first moment of each combination of schedules within [from_s, to_s). */
static void scan_times(struct witness_values *v, const struct schedules *list, int64_t from_s,
                       int64_t to_s)
{
    uint32_t seen[16];
    size_t n = 0;

    for (int64_t at_s = from_s; at_s < to_s && n < 16; at_s += SCAN_STEP_S) {
        uint32_t bits = which_hold(list, at_s);
        bool is_new = true;
        for (size_t i = 0; i < n && is_new; i++)
            is_new = seen[i] != bits;
        if (!is_new)
            continue;
        seen[n++] = bits;
        keep_time(v, at_s);
        if (!list->n)
            return;
    }
}

static void gather_times(const struct witness_search *s, struct witness_values *v)
{
    const int64_t week_s = (int64_t)SCAN_DAYS * ZONE_DAY_S;
    struct schedules list = {.n = 0};

    collect_schedules(s, &list);
    scan_times(v, &list, s->now_s, s->now_s + week_s);
    for (size_t i = 0; i < s->n_changed; i++) {
        int64_t edges[] = {s->changed[i]->starts_s, s->changed[i]->expires_s};
        for (size_t k = 0; k < 2; k++) {
            if (edges[k] == POLICY_NEVER_S || edges[k] == POLICY_FOREVER_S)
                continue;
            scan_times(v, &list, edges[k] - week_s, edges[k]);
            scan_times(v, &list, edges[k], edges[k] + week_s);
        }
    }
}

/* ---- places -----------------------------------------------------------------------------------
 */

struct words {
    str items[64];
    size_t n;
};

static void add_word(struct words *w, str s)
{
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(w->items[i], s))
            return;
    if (w->n < sizeof w->items / sizeof *w->items)
        w->items[w->n++] = s;
}

/* A path that the glob matches; `deep` lets ** stand for two segments. */
static str path_of(struct arena *a, const struct path_glob *glob, bool deep)
{
    struct text t = {.arena = a};

    for (size_t i = 0; i < glob->n; i++) {
        const struct path_segment *s = &glob->segments[i];
        if (s->kind == PATH_SEGMENT_ANY) {
            text_add(&t, deep ? STR("/x/y") : STR(""));
            continue;
        }
        text_add(&t, STR("/"));
        text_add(&t, s->kind == PATH_SEGMENT_ONE ? STR("x") : s->text);
    }
    return t.n ? text_str(&t) : STR("/");
}

static void add_globs(struct arena *a, struct words *w, struct glob_list globs)
{
    for (size_t i = 0; i < globs.n; i++) {
        add_word(w, path_of(a, &globs.items[i], true));
        add_word(w, path_of(a, &globs.items[i], false));
    }
}

static void words_of_tests(const struct witness_search *s, struct witness_values *v,
                           struct words *paths)
{
    for (size_t set = 0; set < 2; set++)
        for (size_t i = 0; s->apps[set] && i < s->sets[set]->n_tests; i++) {
            const struct policy_test *test = &s->sets[set]->tests[i];
            for (size_t k = 0; k < test->n_requests; k++) {
                struct policy_request r;
                if (test->requests[k].app != s->apps[set]->face.index)
                    continue;
                testrun_request(v->arena, s->sets[set], test, &test->requests[k], &r);
                if (r.path.n)
                    add_word(paths, r.path);
            }
        }
}

static void gather_paths(const struct witness_search *s, struct witness_values *v,
                         struct words *methods, struct words *paths)
{
    for (size_t i = 0; i < s->n_changed; i++) {
        const struct to *to = s->changed[i]->to;
        for (size_t k = 0; k < to->methods.n && k < 8; k++)
            add_word(methods, to->methods.items[k]);
        add_globs(v->arena, paths, to->paths);
        add_globs(v->arena, paths, to->except);
    }
    add_word(methods, STR("GET"));
    add_word(methods, STR("POST"));
    add_word(methods, STR("DELETE"));
    add_word(methods, STR("REPORT")); /* hardly in any rule */
    for (size_t set = 0; set < 2; set++)
        if (s->apps[set])
            add_globs(v->arena, paths, s->apps[set]->public_paths);
    words_of_tests(s, v, paths);
    add_word(paths, STR("/"));
    add_word(paths, STR("/some/other/page"));
}

static void keep_place(struct witness_values *v, struct witness_place place)
{
    if (v->n_places < WITNESS_MAX_PLACES)
        v->places[v->n_places++] = place;
}

static void gather_places(const struct witness_search *s, struct witness_values *v)
{
    struct words methods = {.n = 0}, paths = {.n = 0}, logins = {.n = 0};
    const struct app *app = s->apps[1] ? s->apps[1] : s->apps[0];

    if (app->face.protocol == POLICY_RDP)
        keep_place(v, (struct witness_place){.login = {NULL, 0}});
    for (size_t set = 0; set < 2 && app->face.protocol == POLICY_SSH; set++)
        for (size_t i = 0; s->apps[set] && i < s->apps[set]->face.n_logins; i++)
            add_word(&logins, s->apps[set]->face.logins[i]);
    for (size_t i = 0; i < logins.n; i++)
        keep_place(v, (struct witness_place){.login = logins.items[i]});
    if (app->face.protocol != POLICY_HTTP)
        return;
    gather_paths(s, v, &methods, &paths);
    for (size_t m = 0; m < methods.n; m++)
        for (size_t i = 0; i < paths.n; i++)
            keep_place(v,
                       (struct witness_place){.method = methods.items[m], .path = paths.items[i]});
}

/* ---- all --------------------------------------------------------------------------------------
 */

void witness_gather(const struct witness_search *s, struct witness_values *v)
{
    *v = (struct witness_values){.arena = s->arena};
    v->whos = arena_array(s->arena, struct witness_who, WITNESS_MAX_WHO);
    v->auths = arena_array(s->arena, struct witness_auth, WITNESS_MAX_AUTHS);
    v->devices = arena_array(s->arena, struct witness_device, WITNESS_MAX_DEVICES);
    v->origins = arena_array(s->arena, struct witness_origin, WITNESS_MAX_ORIGINS);
    v->places = arena_array(s->arena, struct witness_place, WITNESS_MAX_PLACES);
    v->times_s = arena_array(s->arena, int64_t, WITNESS_MAX_TIMES);
    gather_whos(s, v);
    gather_auths(s, v);
    gather_devices(s, v);
    gather_origins(s, v);
    gather_times(s, v);
    gather_places(s, v);
}
