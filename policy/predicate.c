/* predicate: equal needs of different rules get one number, so that a request looks at each once,
 * and one copy of them is kept.
 *
 * Equality is that of their keys (key.h). Names of users, domains and groups are numbered on the
 * way, and so are the parts of a need that others may have too: alternatives of a `who`, claims,
 * globs, sets of networks, schedules. Parts of a who are its key, and are kept as they are. */
#include "policy/compiled.h"
#include "policy/keep.h"
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
    struct keep keep;
    struct arena keys; /* of the maps; not needed afterwards */
    struct key key;
    struct table whos, parts, devices, auths, froms, whens, calendars, sessions;
    struct table texts, globs, claims, regexes;
    struct map sets; /* networks -> number + 1 */
    struct prefix_entry *networks;
    uint32_t n_networks, cap_networks;
    uint32_t *device_numbers, *schedule_numbers; /* by id of what was decoded, + 1 */
    struct want_list last_union;                 /* the union of groups that was numbered last */
    struct key last_numbers;
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

/* The same for names that the map has to keep. */
static uint32_t number_name(struct predicates *ps, struct map *map, str name)
{
    uintptr_t known = (uintptr_t)map_get(map, name);

    return known ? (uint32_t)known - 1 : number_in(map, keep_text(&ps->keep, name));
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

/* ---- parts ----------------------------------------------------------------------------------- */

uint32_t predicates_text(struct predicates *ps, str text)
{
    uint32_t number = number_name(ps, &ps->texts.numbers, text);

    if (number == ps->texts.n)
        table_put(&ps->texts, str, ps->texts.numbers.entries[number].key);
    return number;
}

static uint32_t number_glob(struct predicates *ps, const struct path_glob *glob)
{
    uint32_t number = number_name(ps, &ps->globs.numbers, glob->path);

    if (number == ps->globs.n)
        table_put(&ps->globs, str, ps->globs.numbers.entries[number].key);
    return number;
}

static uint32_t number_claim(struct predicates *ps, const struct claim_want *claim)
{
    size_t start = ps->key.n;
    bool is_new;

    key_claim(&ps->key, claim);
    uint32_t number = number_key(ps, &ps->claims.numbers, start, &is_new);
    if (is_new) {
        struct claim_want kept = keep_claim(&ps->keep, claim);
        table_put(&ps->claims, struct claim_want, kept);
    }
    return number;
}

static uint32_t number_regex(struct predicates *ps, const struct regex *regex)
{
    struct regex kept = *regex;

    kept.text = keep_text(&ps->keep, regex->text);
    table_put(&ps->regexes, struct regex, kept);
    return ps->regexes.n - 1;
}

/* Nothing is written for an empty part. */
static bool key_head(struct predicates *ps, enum part_kind kind, size_t n, bool is_written)
{
    if (n >> PART_COUNT_BITS)
        abort(); /* names that take more than all memory */
    if (is_written)
        key_u32(&ps->key, (uint32_t)kind << PART_COUNT_BITS | (uint32_t)n);
    return is_written;
}

static void key_names(struct predicates *ps, enum part_kind kind, struct map *names,
                      struct str_list list)
{
    key_head(ps, kind, list.n, list.n > 0);
    for (size_t i = 0; i < list.n; i++)
        key_u32(&ps->key, number_name(ps, names, list.items[i]));
}

static void key_texts(struct predicates *ps, enum part_kind kind, struct str_list list)
{
    key_head(ps, kind, list.n, list.n > 0);
    for (size_t i = 0; i < list.n; i++)
        key_u32(&ps->key, predicates_text(ps, list.items[i]));
}

/* Takes what was written from `start` on, and ends it; returns where it stands. */
static uint32_t settle_parts(struct predicates *ps, const void *words, size_t bytes)
{
    struct table *parts = &ps->parts;
    uint32_t at = parts->n, n = (uint32_t)(bytes / sizeof(uint32_t));

    if (bytes / sizeof(uint32_t) >= UINT32_MAX - parts->n)
        abort();
    parts->items = room(parts->items, at + n + 1, &parts->cap, sizeof(uint32_t));
    if (n)
        memcpy((uint32_t *)parts->items + at, words, bytes);
    ((uint32_t *)parts->items)[at + n] = PART_END;
    parts->n = at + n + 1;
    return at;
}

/* ---- who ------------------------------------------------------------------------------------- */

/* Rules that name the same alias share its list: thousands of names are looked up once. */
static void number_union(struct predicates *ps, struct want_list list)
{
    if (ps->last_union.items == list.items && ps->last_union.n == list.n)
        return;
    ps->last_union = list;
    ps->last_numbers.n = 0;
    for (size_t i = 0; i < list.n; i++)
        key_u32(&ps->last_numbers, number_name(ps, &ps->compiled->groups, list.items[i].text));
}

static void key_union(struct predicates *ps, enum part_kind kind, struct want_list list,
                      bool is_written)
{
    if (!key_head(ps, kind, list.n, is_written))
        return;
    number_union(ps, list);
    key_bytes(&ps->key, ps->last_numbers.p, ps->last_numbers.n);
}

static void key_groups(struct predicates *ps, const struct match_set *groups)
{
    key_union(ps, PART_GROUPS_ANY, groups->any, groups->any.n > 0);
    key_union(ps, PART_GROUPS_NONE, groups->none, groups->none.n > 0);
    for (size_t i = 0; i < groups->n_all; i++)
        key_union(ps, PART_GROUPS_ALL, groups->all[i], true);
}

static void key_claims(struct predicates *ps, const struct who *who)
{
    key_head(ps, PART_CLAIMS, who->n_claims, who->n_claims > 0);
    for (size_t i = 0; i < who->n_claims; i++) {
        uint32_t number = number_claim(ps, &who->claims[i]);
        key_u32(&ps->key, number);
    }
}

static void key_branch(struct predicates *ps, enum part_kind kind, const struct who *const *branch,
                       size_t n)
{
    key_head(ps, kind, n, n > 0);
    for (size_t i = 0; i < n; i++) {
        uint32_t number = predicates_who(ps, branch[i]);
        key_u32(&ps->key, number);
    }
}

static void key_who(struct predicates *ps, const struct who *who)
{
    key_head(ps, PART_ANYONE, 0, who->anyone);
    key_head(ps, PART_HUMAN, 0, who->kind == WHO_HUMAN);
    key_head(ps, PART_MACHINE, 0, who->kind == WHO_MACHINE);
    key_names(ps, PART_USERS, &ps->compiled->users, who->users);
    key_names(ps, PART_DOMAINS, &ps->compiled->domains, who->domains);
    if (who->groups)
        key_groups(ps, who->groups);
    key_texts(ps, PART_SERVICES, who->services);
    key_claims(ps, who);
    key_branch(ps, PART_ALL, who->all, who->n_all);
    key_branch(ps, PART_ANY, who->any, who->n_any);
}

uint32_t predicates_who(struct predicates *ps, const struct who *who)
{
    size_t start = ps->key.n;
    bool is_new;

    key_who(ps, who);
    size_t bytes = ps->key.n - start;
    uint32_t number = number_key(ps, &ps->whos.numbers, start, &is_new);
    if (is_new) {
        /* taken off the key, but not yet written over */
        uint32_t at = settle_parts(ps, ps->key.p + start, bytes);
        table_put(&ps->whos, uint32_t, at);
    }
    return number;
}

/* ---- to: its apps are in the buckets ----------------------------------------------------------
 */

static void key_globs(struct predicates *ps, enum part_kind kind, struct glob_list globs)
{
    key_head(ps, kind, globs.n, globs.n > 0);
    for (size_t i = 0; i < globs.n; i++)
        key_u32(&ps->key, number_glob(ps, &globs.items[i]));
}

static uint32_t number_to(struct predicates *ps, const struct to *to)
{
    size_t start = ps->key.n;

    key_texts(ps, PART_LOGINS, to->logins);
    key_texts(ps, PART_METHODS, to->methods);
    key_globs(ps, PART_PATHS, to->paths);
    key_globs(ps, PART_EXCEPT, to->except);
    key_head(ps, PART_REGEXES, to->n_regexes, to->n_regexes > 0);
    for (size_t i = 0; i < to->n_regexes; i++)
        key_u32(&ps->key, number_regex(ps, &to->regexes[i]));
    size_t bytes = ps->key.n - start;
    ps->key.n = start;
    return bytes ? settle_parts(ps, ps->key.p + start, bytes) : 0;
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
        table_put(&ps->devices, const struct device_need *, keep_device(&ps->keep, need));
    ps->device_numbers[need->id] = number + 1;
    return number;
}

static uint32_t number_auth(struct predicates *ps, const struct auth_need *need)
{
    bool is_new;

    key_auth(&ps->key, need);
    uint32_t number = number_key(ps, &ps->auths.numbers, 0, &is_new);
    if (is_new)
        table_put(&ps->auths, const struct auth_need *, keep_auth(&ps->keep, need));
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
    struct from_test test = {.networks = number_networks(ps, need->networks),
                             .not_networks = number_networks(ps, need->not_networks)};
    bool is_new;

    key_u32(&ps->key, test.networks);
    key_u32(&ps->key, test.not_networks);
    key_strs(&ps->key, need->countries);
    key_strs(&ps->key, need->not_countries);
    uint32_t number = number_key(ps, &ps->froms.numbers, 0, &is_new);
    if (is_new) {
        test.need = keep_from(&ps->keep, need);
        table_put(&ps->froms, struct from_test, test);
    }
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
        table_put(&ps->calendars, const struct schedule *, keep_schedule(&ps->keep, s));
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
        table_put(&ps->sessions, const struct session_terms *, keep_session(&ps->keep, terms));
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
    keep_init(&ps->keep, &p->arena);
    predicates_text(ps, STR("")); /* number 0 */
    settle_parts(ps, NULL, 0);    /* where nothing is written */
    return ps;
}

void predicates_number(struct predicates *ps, const struct rule *rule, struct clause *out)
{
    out->who = predicates_who(ps, rule->who);
    out->to = number_to(ps, rule->to);
    out->device = rule->device ? number_device(ps, rule->device) + 1 : 0;
    out->auth = rule->auth ? number_auth(ps, rule->auth) + 1 : 0;
    out->from = rule->from ? number_from(ps, rule->from) + 1 : 0;
    out->when = rule->when.n ? number_when(ps, rule->when) + 1 : 0;
    out->session = rule->session ? number_session(ps, rule->session) + 1 : 0;
}

struct keep *predicates_keep(struct predicates *ps)
{
    return &ps->keep;
}

static const void *settle(struct predicates *ps, struct table *t, size_t item_bytes, uint32_t *n)
{
    void *items = arena_alloc(&ps->policy->arena, t->n * item_bytes + 1);

    if (t->n)
        memcpy(items, t->items, t->n * item_bytes);
    if (n)
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
    c->parts = settle(ps, &ps->parts, sizeof *c->parts, NULL);
    c->texts = settle(ps, &ps->texts, sizeof *c->texts, NULL);
    c->globs = settle(ps, &ps->globs, sizeof *c->globs, NULL);
    c->claims = settle(ps, &ps->claims, sizeof *c->claims, NULL);
    c->regexes = settle(ps, &ps->regexes, sizeof *c->regexes, NULL);
    for (size_t r = 0; r < ps->policy->n_rules; r++) {
        clauses[r].when += clauses[r].when ? c->n_froms : 0;
        clauses[r].auth += clauses[r].auth ? c->n_devices : 0;
    }
    build_calendars(ps, now_s);
    prefix_build(&ps->policy->arena, ps->networks, ps->n_networks, &c->prefixes);
    map_finish(&ps->sets);
    keep_finish(&ps->keep);
    free(ps->networks);
    free(ps->key.p);
    free(ps->last_numbers.p);
    free(ps->device_numbers);
    free(ps->schedule_numbers);
    arena_finish(&ps->keys);
    free(ps);
}
