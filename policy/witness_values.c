/* witness_values: the facts that the rules of an app can tell apart: origins, times and places
 * here, people in witness_who.c and devices in witness_device.c. */
#include "policy/normal.h"
#include "policy/schedule.h"
#include "policy/testrun.h"
#include "policy/text.h"
#include "policy/witness.h"
#include "policy/zone.h"

enum { MAX_SCHEDULES = 32, MAX_COMBINATIONS = 16, SCAN_DAYS = 8, SCAN_STEP_S = 1800 };

void witness_each_rule(const struct witness_search *s, struct witness_values *v,
                       witness_rule_fn *fn)
{
    for (size_t set = 0; set < 2; set++)
        for (size_t i = 0; s->apps[set] && i < s->sets[set]->n_rules; i++)
            if (normal_concerns(&s->sets[set]->rules[i], s->apps[set]))
                fn(s, v, &s->sets[set]->rules[i]);
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
    witness_each_rule(s, v, add_origins);
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
    uint32_t seen[MAX_COMBINATIONS];
    size_t n = 0;

    for (int64_t at_s = from_s; at_s < to_s && n < MAX_COMBINATIONS; at_s += SCAN_STEP_S) {
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

static void keep_path(const struct witness_search *s, struct witness_values *v, str method,
                      str path)
{
    struct witness_place place = {.method = method, .path = path};

    for (size_t set = 0; set < 2; set++)
        if (s->apps[set])
            path_normalise(path, s->apps[set]->face.path_rules, arena_text(v->arena, path.n + 2),
                           &place.paths[set]);
    keep_place(v, place);
}

static void gather_places(const struct witness_search *s, struct witness_values *v)
{
    struct words methods = {.n = 0}, paths = {.n = 0}, logins = {.n = 0};

    if (s->protocol == POLICY_RDP)
        keep_place(v, (struct witness_place){.login = {NULL, 0}});
    for (size_t set = 0; set < 2 && s->protocol == POLICY_SSH; set++)
        for (size_t i = 0; s->apps[set] && i < s->apps[set]->face.n_logins; i++)
            add_word(&logins, s->apps[set]->face.logins[i]);
    for (size_t i = 0; i < logins.n; i++)
        keep_place(v, (struct witness_place){.login = logins.items[i]});
    if (s->protocol != POLICY_HTTP)
        return;
    gather_paths(s, v, &methods, &paths);
    for (size_t m = 0; m < methods.n; m++)
        for (size_t i = 0; i < paths.n; i++)
            keep_path(s, v, methods.items[m], paths.items[i]);
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
    witness_gather_whos(s, v);
    witness_gather_auths(s, v);
    witness_gather_devices(s, v);
    gather_origins(s, v);
    gather_times(s, v);
    gather_places(s, v);
}
