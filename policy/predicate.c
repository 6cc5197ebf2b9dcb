/* predicate: equal needs of different rules get one number, so that a request looks at each once.
 *
 * Equality is that of their keys (key.h). Names of users, domains and groups are numbered on the
 * way, and so are the parts of a need that others may have too: alternatives of a `who`, sets of
 * networks, schedules. */
#include "policy/compiled.h"
#include "policy/key.h"

#include <stdlib.h>

/* A table in the making. */
struct table {
    void *items;
    uint32_t n, cap;
    struct map numbers; /* key -> number + 1 */
};

struct predicates {
    struct policy *policy;
    struct compiled *compiled;
    struct arena keys; /* of the maps; not needed afterwards */
    struct key key;
    struct table whos, devices, auths, froms, whens, calendars, sessions;
    struct map sets; /* networks -> number + 1 */
    struct prefix_entry *networks;
    uint32_t n_networks, cap_networks;
    uint32_t *device_numbers, *schedule_numbers; /* by id of what was decoded, + 1 */
};

/* ---- numbers --------------------------------------------------------------------------------- */

static uint32_t number_in(struct map *map, str name)
{
    uintptr_t known = (uintptr_t)map_get(map, name);

    if (!known) {
        known = map->n + 1;
        map_add(map, name, (void *)known);
    }
    return (uint32_t)known - 1;
}

/* The number of the key from `start` on, which is taken off; a new one is the next. */
static uint32_t number_key(struct predicates *ps, struct map *map, size_t start, bool *is_new_out)
{
    str key = {ps->key.p + start, ps->key.n - start};
    uintptr_t known = (uintptr_t)map_get(map, key);

    *is_new_out = !known;
    if (!known) {
        known = map->n + 1;
        map_add(map, arena_dup(&ps->keys, key), (void *)known);
    }
    ps->key.n = start;
    return (uint32_t)known - 1;
}

static void *room(void *items, uint32_t needed, uint32_t *cap, size_t item_bytes)
{
    if (needed <= *cap)
        return items;
    *cap = needed > 2 * *cap ? needed + 16 : 2 * *cap;
    return mem_grow(items, *cap * item_bytes);
}

#define table_put(table, type, value)                                                              \
    ((table)->items = room((table)->items, (table)->n + 1, &(table)->cap, sizeof(type)),           \
     ((type *)(table)->items)[(table)->n++] = (value))

/* ---- who ------------------------------------------------------------------------------------- */

static uint32_t number_who(struct predicates *ps, const struct who *who);

static void key_names(struct predicates *ps, struct map *names, struct str_list list)
{
    for (size_t i = 0; i < list.n; i++)
        key_u32(&ps->key, number_in(names, list.items[i]));
}

static void key_groups(struct predicates *ps, struct want_list list)
{
    for (size_t i = 0; i < list.n; i++)
        key_u32(&ps->key, number_in(&ps->compiled->groups, list.items[i].text));
}

static void key_branch(struct predicates *ps, const struct who *const *branch, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t number = number_who(ps, branch[i]);
        key_u32(&ps->key, number);
    }
}

static void key_ids(struct predicates *ps, const struct who *who)
{
    static const struct match_set none;
    const struct match_set *groups = who->groups ? who->groups : &none;

    key_names(ps, &ps->compiled->users, who->users);
    key_names(ps, &ps->compiled->domains, who->domains);
    key_groups(ps, groups->any);
    key_groups(ps, groups->none);
    for (size_t i = 0; i < groups->n_all; i++) {
        key_u32(&ps->key, (uint32_t)groups->all[i].n);
        key_groups(ps, groups->all[i]);
    }
    key_branch(ps, who->any, who->n_any);
    key_branch(ps, who->all, who->n_all);
}

static struct who_test who_test_of(const struct who *who)
{
    struct who_test t = {.who = who,
                         .n_users = (uint32_t)who->users.n,
                         .n_domains = (uint32_t)who->domains.n,
                         .n_any = (uint32_t)who->n_any,
                         .n_all = (uint32_t)who->n_all};

    if (who->groups) {
        t.n_groups_any = (uint32_t)who->groups->any.n;
        t.n_groups_none = (uint32_t)who->groups->none.n;
        t.n_groups_all = (uint32_t)who->groups->n_all;
    }
    return t;
}

static uint32_t number_who(struct predicates *ps, const struct who *who)
{
    size_t start = ps->key.n;
    struct who_test test = who_test_of(who);
    struct arena *a = &ps->policy->arena;
    bool is_new;

    key_ids(ps, who);
    size_t n_ids = ps->key.n - start;
    key_u32(&ps->key,
            who->anyone | (uint32_t)who->kind << 1 | (uint32_t)(who->groups != NULL) << 8);
    key_bytes(&ps->key, &test.n_users, 7 * sizeof test.n_users);
    key_strs(&ps->key, who->services);
    key_claims(&ps->key, who);
    uint32_t number = number_key(ps, &ps->whos.numbers, start, &is_new);
    if (!is_new)
        return number;
    uint32_t *ids = arena_alloc(a, n_ids + 1);
    if (n_ids)
        memcpy(ids, ps->key.p + start, n_ids); /* taken off, but not yet written over */
    test.ids = ids;
    table_put(&ps->whos, struct who_test, test);
    return number;
}

/* ---- device, auth ---------------------------------------------------------------------------- */

/* What stands in define is one object for all rules that name it: its key is written once. */
static uint32_t number_device(struct predicates *ps, const struct device_need *need)
{
    bool is_new;

    if (ps->device_numbers[need->id])
        return ps->device_numbers[need->id] - 1;
    key_device(&ps->key, need);
    uint32_t number = number_key(ps, &ps->devices.numbers, 0, &is_new);
    if (is_new)
        table_put(&ps->devices, const struct device_need *, need);
    ps->device_numbers[need->id] = number + 1;
    return number;
}

static uint32_t number_auth(struct predicates *ps, const struct auth_need *need)
{
    bool is_new;

    key_auth(&ps->key, need);
    uint32_t number = number_key(ps, &ps->auths.numbers, 0, &is_new);
    if (is_new)
        table_put(&ps->auths, const struct auth_need *, need);
    return number;
}

/* ---- from ------------------------------------------------------------------------------------ */

static void add_networks(struct predicates *ps, struct cidr_list list, uint32_t set)
{
    for (size_t i = 0; i < list.n; i++) {
        ps->networks =
            room(ps->networks, ps->n_networks + 1, &ps->cap_networks, sizeof *ps->networks);
        ps->networks[ps->n_networks++] = (struct prefix_entry){list.items[i], set};
    }
}

static uint32_t number_networks(struct predicates *ps, struct cidr_list list)
{
    size_t start = ps->key.n;
    bool is_new;

    if (!list.n)
        return COMPILED_NONE;
    key_networks(&ps->key, list);
    uint32_t number = number_key(ps, &ps->sets, start, &is_new);
    if (is_new)
        add_networks(ps, list, number);
    return number;
}

static uint32_t number_from(struct predicates *ps, const struct from_need *need)
{
    struct from_test test = {.need = need,
                             .networks = number_networks(ps, need->networks),
                             .not_networks = number_networks(ps, need->not_networks)};
    bool is_new;

    key_u32(&ps->key, test.networks);
    key_u32(&ps->key, test.not_networks);
    key_strs(&ps->key, need->countries);
    key_strs(&ps->key, need->not_countries);
    uint32_t number = number_key(ps, &ps->froms.numbers, 0, &is_new);
    if (is_new)
        table_put(&ps->froms, struct from_test, test);
    return number;
}

/* ---- when ------------------------------------------------------------------------------------ */

static uint32_t number_schedule(struct predicates *ps, const struct schedule *s)
{
    size_t start = ps->key.n;
    bool is_new;

    if (ps->schedule_numbers[s->id])
        return ps->schedule_numbers[s->id] - 1;
    key_schedule(&ps->key, s);
    uint32_t number = number_key(ps, &ps->calendars.numbers, start, &is_new);
    if (is_new)
        table_put(&ps->calendars, const struct schedule *, s);
    ps->schedule_numbers[s->id] = number + 1;
    return number;
}

static uint32_t number_when(struct predicates *ps, struct schedule_list when)
{
    bool is_new;

    for (size_t i = 0; i < when.n; i++) {
        uint32_t calendar = number_schedule(ps, when.items[i]);
        key_u32(&ps->key, calendar);
    }
    uint32_t number = number_key(ps, &ps->whens.numbers, 0, &is_new);
    if (!is_new)
        return number;
    uint32_t *calendars = arena_array(&ps->policy->arena, uint32_t, when.n);
    for (size_t i = 0; i < when.n; i++)
        calendars[i] = number_schedule(ps, when.items[i]);
    struct when_test test = {calendars, (uint32_t)when.n};
    table_put(&ps->whens, struct when_test, test);
    return number;
}

/* ---- session --------------------------------------------------------------------------------- */

static uint32_t number_session(struct predicates *ps, const struct session_terms *terms)
{
    bool is_new;

    key_session(&ps->key, terms);
    uint32_t number = number_key(ps, &ps->sessions.numbers, 0, &is_new);
    if (is_new)
        table_put(&ps->sessions, const struct session_terms *, terms);
    return number;
}

/* ---- all ------------------------------------------------------------------------------------- */

struct predicates *predicates_create(struct policy *p, struct compiled *c)
{
    struct predicates *ps = mem_alloc(sizeof *ps);

    ps->policy = p;
    ps->compiled = c;
    arena_init(&ps->keys, NULL, 0);
    ps->keys.chunk_bytes = 1 << 18;
    ps->device_numbers = mem_alloc((p->n_devices + 1) * sizeof *ps->device_numbers);
    ps->schedule_numbers = mem_alloc((p->n_schedules + 1) * sizeof *ps->schedule_numbers);
    return ps;
}

void predicates_number(struct predicates *ps, const struct rule *rule, struct clause *out)
{
    out->who = number_who(ps, rule->who);
    out->device = rule->device ? number_device(ps, rule->device) + 1 : 0;
    out->auth = rule->auth ? number_auth(ps, rule->auth) + 1 : 0;
    out->from = rule->from ? number_from(ps, rule->from) + 1 : 0;
    out->when = rule->when.n ? number_when(ps, rule->when) + 1 : 0;
    out->session = rule->session ? number_session(ps, rule->session) + 1 : 0;
}

static const void *settle(struct predicates *ps, struct table *t, size_t item_bytes, uint32_t *n)
{
    void *items = arena_alloc(&ps->policy->arena, t->n * item_bytes + 1);

    if (t->n)
        memcpy(items, t->items, t->n * item_bytes);
    *n = t->n;
    free(t->items);
    map_finish(&t->numbers);
    return items;
}

static void build_calendars(struct predicates *ps, int64_t now_s)
{
    struct compiled *c = ps->compiled;
    const struct schedule *const *schedules = ps->calendars.items;
    uint32_t n = ps->calendars.n;
    struct calendar *calendars = arena_array(&ps->policy->arena, struct calendar, n);
    int32_t days = calendar_days(schedules, n);

    for (uint32_t i = 0; i < n; i++)
        calendar_build(&ps->policy->arena, schedules[i], now_s, days, &calendars[i]);
    c->calendars = calendars;
    c->n_calendars = n;
    free(ps->calendars.items);
    map_finish(&ps->calendars.numbers);
}

void predicates_finish(struct predicates **pps, struct clause *clauses, int64_t now_s)
{
    struct predicates *ps = *pps;
    struct compiled *c = ps->compiled;

    *pps = NULL;
    c->whos = settle(ps, &ps->whos, sizeof *c->whos, &c->n_whos);
    c->devices = settle(ps, &ps->devices, sizeof *c->devices, &c->n_devices);
    c->auths = settle(ps, &ps->auths, sizeof *c->auths, &c->n_auths);
    c->froms = settle(ps, &ps->froms, sizeof *c->froms, &c->n_froms);
    c->whens = settle(ps, &ps->whens, sizeof *c->whens, &c->n_whens);
    c->sessions = settle(ps, &ps->sessions, sizeof *c->sessions, &c->n_sessions);
    for (size_t r = 0; r < ps->policy->n_rules; r++) {
        clauses[r].when += clauses[r].when ? c->n_froms : 0;
        clauses[r].auth += clauses[r].auth ? c->n_devices : 0;
    }
    build_calendars(ps, now_s);
    prefix_build(&ps->policy->arena, ps->networks, ps->n_networks, &c->prefixes);
    map_finish(&ps->sets);
    free(ps->networks);
    free(ps->key.p);
    free(ps->device_numbers);
    free(ps->schedule_numbers);
    arena_finish(&ps->keys);
    free(ps);
}
