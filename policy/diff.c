/* diff: what another set changes, app by app.
 *
 * Three answers in falling certainty: the same normal form, a proof that nobody gains, a request
 * that shows the difference. Where none is had the answer is "undecided", never "no change".
 *
 * A host may go from one app to another, so what is compared are the two apps that answer the same
 * host. A change is told of the app that answers afterwards. */
#include "policy/author.h"
#include "policy/narrower.h"
#include "policy/normal.h"
#include "policy/witness.h"

#include <assert.h>
#include <stdlib.h>

/* What answers in each set; NULL: nothing does. By a host, or by the app's name (ssh, rdp). */
struct pair {
    const struct app *apps[2];
    enum policy_protocol protocol;
    str host;
};

/* The pairs of one app, each different one once. */
struct pairs {
    struct arena *arena;
    const struct policy *const *sets;
    str name; /* of the app */
    struct pair *items;
    size_t n, cap;
};

/* A set with the normal forms of its rules. */
struct set {
    const struct policy *policy;
    const str *texts;
};

static struct set set_of(struct arena *a, const struct policy *p)
{
    str *texts = arena_array(a, str, p->n_rules + 1);

    for (size_t i = 0; i < p->n_rules; i++)
        texts[i] = normal_rule(a, p, &p->rules[i]);
    return (struct set){p, texts};
}

static void fill_side(struct arena *a, const struct set *set, const struct app *app,
                      struct side *out)
{
    const struct policy *p = set->policy;
    size_t n = 0;

    *out = (struct side){.app = app};
    for (size_t i = 0; app && i < p->n_rules; i++)
        n += normal_concerns(&p->rules[i], app);
    out->rules = arena_array(a, const struct rule *, n + 1);
    out->texts = arena_array(a, str, n + 1);
    out->is_shared = arena_array(a, bool, n + 1);
    for (size_t i = 0; app && i < p->n_rules; i++) {
        if (!normal_concerns(&p->rules[i], app))
            continue;
        out->rules[out->n] = &p->rules[i];
        out->texts[out->n++] = set->texts[i];
    }
}

static void mark_shared(struct side *x, struct side *y)
{
    struct map texts;

    map_init(&texts);
    for (size_t i = 0; i < y->n; i++)
        map_add(&texts, y->texts[i], y);
    for (size_t i = 0; i < x->n; i++)
        x->is_shared[i] = map_has(&texts, x->texts[i]);
    map_finish(&texts);
}

static void list_changed(struct arena *a, const struct side sides[2],
                         const struct rule *const **rules_out, size_t *n_out)
{
    const struct rule **rules = arena_array(a, const struct rule *, sides[0].n + sides[1].n + 1);
    size_t n = 0;

    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < sides[s].n; i++)
            if (!sides[s].is_shared[i])
                rules[n++] = sides[s].rules[i];
    *rules_out = rules;
    *n_out = n;
}

/* ---- one pair of apps --------------------------------------------------------------------------
 */

static bool is_same_app(struct arena *a, const struct side sides[2])
{
    return sides[0].app && sides[1].app &&
           str_eq(normal_app(a, sides[0].app), normal_app(a, sides[1].app));
}

static void add_ids(struct arena *a, const struct rule *const *rules, size_t n,
                    struct policy_app_change *out)
{
    str *ids = arena_array(a, str, out->n_rules + n + 1);
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < out->n_rules; i++) {
        ids[i] = out->rules[i];
        map_add(&seen, ids[i], out);
    }
    for (size_t i = 0; i < n; i++) {
        if (map_has(&seen, rules[i]->id))
            continue;
        map_add(&seen, rules[i]->id, out);
        ids[out->n_rules++] = rules[i]->id;
    }
    map_finish(&seen);
    out->rules = ids;
}

/* Where the app alone differs, all of its rules may matter. */
static void search_all_rules(struct witness_search *search, struct side sides[2])
{
    for (size_t s = 0; s < 2; s++)
        memset(sides[s].is_shared, 0, sides[s].n * sizeof *sides[s].is_shared);
    list_changed(search->arena, sides, &search->changed, &search->n_changed);
}

static enum policy_change compare_pair(struct witness_search *search, struct side sides[2],
                                       struct policy_app_change *out)
{
    struct arena *a = search->arena;
    bool is_same = is_same_app(a, sides);
    struct policy_witness gains, loses;

    list_changed(a, sides, &search->changed, &search->n_changed);
    add_ids(a, search->changed, search->n_changed, out);
    if (is_same && search->n_changed == 0)
        return POLICY_CHANGE_NONE;
    bool is_narrower_here =
        narrower_is_closed(&sides[1]) || (is_same && narrower_is(&sides[0], &sides[1]));
    if (search->n_changed == 0)
        search_all_rules(search, sides);
    witness_find(search, &gains, &loses);
    if (gains.is_there && !out->gains.is_there)
        out->gains = gains;
    if (loses.is_there && !out->loses.is_there)
        out->loses = loses;
    return gains.is_there     ? POLICY_CHANGE_SHOWN
           : is_narrower_here ? POLICY_CHANGE_NARROWER
                              : POLICY_CHANGE_UNDECIDED;
}

/* ---- the pairs of one app ----------------------------------------------------------------------
 */

static const struct app *app_named(const struct policy *p, str name)
{
    return map_get(&p->apps_by_name, name);
}

static bool is_named(const struct app *app, str name)
{
    return app && str_eq(app->face.name, name);
}

static void add_pair(struct pairs *pairs, struct pair pair)
{
    for (size_t i = 0; i < pairs->n; i++)
        if (pairs->items[i].apps[0] == pair.apps[0] && pairs->items[i].apps[1] == pair.apps[1] &&
            pairs->items[i].protocol == pair.protocol)
            return;
    arena_push(pairs->arena, pairs->items, pairs->n, pairs->cap, pair);
}

static const struct app *app_at(const struct policy *p, str host)
{
    const struct policy_app *face = policy_app_find(p, host);

    return face ? &p->apps[face->index] : NULL;
}

static void add_host(struct pairs *pairs, str host)
{
    struct pair pair = {.protocol = POLICY_HTTP, .host = host};

    for (size_t set = 0; set < 2; set++)
        pair.apps[set] = app_at(pairs->sets[set], host);
    if (is_named(pair.apps[0], pairs->name) || is_named(pair.apps[1], pairs->name))
        add_pair(pairs, pair);
}

/* "x.corp.example" below ".corp.example": one label more. */
static bool is_below(str host, str domain)
{
    return str_ends(host, domain) && host.p[0] != '*' && !memchr(host.p, '.', host.n - domain.n);
}

/* A host that no app has for itself, and all that some app has. */
static void add_hosts_below(struct pairs *pairs, str domain)
{
    str host = arena_printf(pairs->arena, "any%.*s", STR_ARG(domain));

    while (map_has(&pairs->sets[0]->apps_by_host, host) ||
           map_has(&pairs->sets[1]->apps_by_host, host))
        host = arena_printf(pairs->arena, "any-%.*s", STR_ARG(host));
    add_host(pairs, host);
    for (size_t set = 0; set < 2; set++) {
        const struct map *hosts = &pairs->sets[set]->apps_by_host;
        for (size_t i = 0; i < hosts->n; i++)
            if (is_below(hosts->entries[i].key, domain))
                add_host(pairs, hosts->entries[i].key);
    }
}

static void add_name_of_host(struct pairs *pairs, str host)
{
    if (str_starts(host, STR("*.")))
        add_hosts_below(pairs, str_from(host, 1));
    else
        add_host(pairs, host);
}

static void add_pairs_of(struct pairs *pairs, const struct app *app)
{
    const struct policy_app *face = &app->face;

    if (face->protocol != POLICY_HTTP) {
        struct pair pair = {.protocol = face->protocol};
        for (size_t set = 0; set < 2; set++)
            pair.apps[set] = app_named(pairs->sets[set], face->name);
        add_pair(pairs, pair);
        return;
    }
    add_name_of_host(pairs, face->host);
    for (size_t i = 0; i < face->n_aliases; i++)
        add_name_of_host(pairs, face->aliases[i]);
}

/* ---- one app ----------------------------------------------------------------------------------
 */

/* The worse of two. */
static enum policy_change worse(enum policy_change x, enum policy_change y)
{
    static const int weights[] = {[POLICY_CHANGE_NONE] = 0,
                                  [POLICY_CHANGE_NARROWER] = 1,
                                  [POLICY_CHANGE_UNDECIDED] = 2,
                                  [POLICY_CHANGE_SHOWN] = 3};

    return weights[x] > weights[y] ? x : y;
}

static enum policy_change compare_at(struct arena *a, const struct set forms[2], int64_t now_s,
                                     const struct pair *pair, struct policy_app_change *out)
{
    struct witness_search search = {.arena = a,
                                    .sets = {forms[0].policy, forms[1].policy},
                                    .apps = {pair->apps[0], pair->apps[1]},
                                    .protocol = pair->protocol,
                                    .host = pair->host,
                                    .now_s = now_s};
    struct side sides[2];

    for (size_t s = 0; s < 2; s++)
        fill_side(a, &forms[s], pair->apps[s], &sides[s]);
    mark_shared(&sides[0], &sides[1]);
    mark_shared(&sides[1], &sides[0]);
    return compare_pair(&search, sides, out);
}

static void compare_app(struct arena *a, const struct set forms[2], int64_t now_s,
                        struct policy_app_change *out)
{
    const struct policy *sets[2] = {forms[0].policy, forms[1].policy};
    struct pairs pairs = {.arena = a, .sets = sets, .name = out->app};

    for (size_t s = 0; s < 2; s++)
        if (app_named(sets[s], out->app))
            add_pairs_of(&pairs, app_named(sets[s], out->app));
    out->change = POLICY_CHANGE_NONE;
    for (size_t i = 0; i < pairs.n; i++) {
        const struct pair *pair = &pairs.items[i];
        /* A host that another app has now: what that lets in is told there. */
        bool is_elsewhere = pair->apps[1] && !is_named(pair->apps[1], out->app);
        out->change = worse(out->change, is_elsewhere ? POLICY_CHANGE_NARROWER
                                                      : compare_at(a, forms, now_s, pair, out));
    }
}

/* ---- all apps ---------------------------------------------------------------------------------
 */

static int by_name(const void *x, const void *y)
{
    return str_cmp(((const struct policy_app_change *)x)->app,
                   ((const struct policy_app_change *)y)->app);
}

static size_t list_apps(const struct policy *sets[2], struct policy_app_change *apps)
{
    size_t n = 0;

    for (size_t i = 0; i < sets[0]->n_apps; i++) {
        str name = sets[0]->apps[i].face.name;
        apps[n++] = (struct policy_app_change){.app = name, .is_gone = !app_named(sets[1], name)};
    }
    for (size_t i = 0; i < sets[1]->n_apps; i++) {
        str name = sets[1]->apps[i].face.name;
        if (!app_named(sets[0], name))
            apps[n++] = (struct policy_app_change){.app = name, .is_new = true};
    }
    if (n)
        qsort(apps, n, sizeof *apps, by_name);
    return n;
}

void policy_diff(const struct policy *before, const struct policy *after, int64_t now_us,
                 const struct policy_progress *progress, struct arena *a, struct policy_diff *out)
{
    assert(policy_has_source(before) && policy_has_source(after));
    const struct policy *sets[2] = {before, after};
    struct set forms[2] = {set_of(a, before), set_of(a, after)};
    struct policy_app_change *apps =
        arena_array(a, struct policy_app_change, before->n_apps + after->n_apps + 1);

    *out = (struct policy_diff){.apps = apps, .n_apps = list_apps(sets, apps)};
    for (size_t i = 0; i < out->n_apps; i++) {
        if (progress)
            progress->fn(progress->ctx, i, out->n_apps);
        compare_app(a, forms, now_us / 1000000, &apps[i]);
    }
}
