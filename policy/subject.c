#include "policy/subject.h"

#include <stdlib.h>

#include "policy/eval.h"

/* ---- who ------------------------------------------------------------------------------------- */

/* The identity in numbers. */
struct numbered {
    const struct policy_identity *identity;
    uint32_t user, domain; /* COMPILED_NONE: none that a rule names */
    bool has_mail, has_domain;
    uint64_t *groups; /* a bit by number */
};

static uint32_t number_of(const struct map *map, str name)
{
    uintptr_t known = (uintptr_t)map_get(map, name);

    return known ? (uint32_t)known - 1 : COMPILED_NONE;
}

static uint32_t number_of_lower(const struct map *map, str name)
{
    char block[320];
    struct arena a;

    arena_init(&a, block, sizeof block);
    uint32_t number = number_of(map, arena_lower(&a, name));
    arena_finish(&a);
    return number;
}

static void number_identity(const struct compiled *c, const struct policy_identity *id,
                            struct numbered *out)
{
    str domain = who_proved_domain(id);

    out->identity = id;
    out->has_mail = who_has_proved_mail(id);
    out->has_domain = domain.p != NULL;
    out->user = number_of_lower(&c->users, id->email);
    out->domain = number_of_lower(&c->domains, domain);
    for (size_t i = 0; i < id->n_groups; i++) {
        uint32_t group = number_of(&c->groups, id->groups[i]);
        if (group != COMPILED_NONE)
            out->groups[group >> 6] |= (uint64_t)1 << (group & 63);
    }
}

static bool has_number(const uint32_t *ids, uint32_t n, uint32_t number)
{
    for (uint32_t i = 0; i < n; i++)
        if (ids[i] == number)
            return true;
    return false;
}

/* A machine has no mail address; an address that nobody vouches for is unknown. */
static enum policy_tri name_value(const struct numbered *x, bool is_known, const uint32_t *ids,
                                  uint32_t n, uint32_t number)
{
    if (n == 0)
        return POLICY_TRUE;
    if (x->identity->is_machine)
        return POLICY_FALSE;
    return is_known ? tri_of(has_number(ids, n, number)) : POLICY_UNKNOWN;
}

static bool has_group(const struct numbered *x, const uint32_t *ids, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (x->groups[ids[i] >> 6] >> (ids[i] & 63) & 1)
            return true;
    return false;
}

/* *ids moves behind what the groups take. */
static enum policy_tri groups_value(const struct numbered *x, const struct who_test *t,
                                    const uint32_t **ids)
{
    const uint32_t *at = *ids;
    bool fits = !t->n_groups_any || has_group(x, at, t->n_groups_any);

    at += t->n_groups_any;
    fits &= !has_group(x, at, t->n_groups_none);
    at += t->n_groups_none;
    for (uint32_t i = 0; i < t->n_groups_all; i++) {
        fits &= has_group(x, at + 1, at[0]);
        at += 1 + at[0];
    }
    *ids = at;
    if (!t->who->groups)
        return POLICY_TRUE;
    return x->identity->groups_known ? tri_of(fits) : POLICY_UNKNOWN;
}

static enum policy_tri rest_value(const struct numbered *x, const struct who *who)
{
    const struct policy_identity *id = x->identity;
    enum policy_tri r = POLICY_TRUE;
    bool is_odd;

    if (who->kind != WHO_EITHER)
        r = tri_of(id->is_machine == (who->kind == WHO_MACHINE));
    if (who->services.n)
        r = tri_and(r, tri_of(id->is_machine && list_has(who->services, id->service)));
    for (size_t i = 0; i < who->n_claims && r != POLICY_FALSE; i++)
        r = tri_and(r, who_claim_value(id, &who->claims[i], &is_odd));
    return r;
}

static enum policy_tri branch_value(const struct who_test *t, const uint32_t *ids,
                                    const uint8_t *values)
{
    enum policy_tri any = t->n_any ? POLICY_FALSE : POLICY_TRUE, all = POLICY_TRUE;

    for (uint32_t i = 0; i < t->n_any; i++)
        any = tri_or(any, (enum policy_tri)values[ids[i]]);
    ids += t->n_any;
    for (uint32_t i = 0; i < t->n_all; i++)
        all = tri_and(all, (enum policy_tri)values[ids[i]]);
    return tri_and(any, all);
}

static enum policy_tri who_value(const struct numbered *x, const struct who_test *t,
                                 const uint8_t *values)
{
    const uint32_t *ids = t->ids;
    enum policy_tri r;

    if (t->who->anyone)
        return POLICY_TRUE;
    r = name_value(x, x->has_mail, ids, t->n_users, x->user);
    ids += t->n_users;
    r = tri_and(r, name_value(x, x->has_domain, ids, t->n_domains, x->domain));
    ids += t->n_domains;
    r = tri_and(r, groups_value(x, t, &ids));
    if (r == POLICY_FALSE)
        return r;
    r = tri_and(r, branch_value(t, ids, values));
    return r == POLICY_FALSE ? r : tri_and(r, rest_value(x, t->who));
}

/* ---- one block for all ----------------------------------------------------------------------- */

static size_t words_of_whos(const struct compiled *c)
{
    return c->n_whos / 32 + 1;
}

static void find_whos(const struct compiled *c, const struct policy_identity *id, uint8_t *values,
                      uint64_t *out)
{
    struct numbered x = {.groups = mem_alloc((c->groups.n / 64 + 1) * sizeof *x.groups)};

    number_identity(c, id, &x);
    for (uint32_t i = 0; i < c->n_whos; i++) {
        values[i] = (uint8_t)who_value(&x, &c->whos[i], values);
        out[i >> 5] |= (uint64_t)code_of((enum policy_tri)values[i]) << 2 * (i & 31);
    }
    free(x.groups);
}

static void find_rows(const struct policy *p, const uint8_t *values, uint64_t *rows)
{
    const struct compiled *c = p->compiled;

    for (size_t a = 0; a < p->n_apps; a++) {
        const struct app_index *app = &c->apps[a];
        if (app->row == COMPILED_NONE)
            continue;
        for (uint32_t i = 0; i < app->n; i++) {
            uint64_t *row = rows + app->row, bit = (uint64_t)1 << i % 64;
            uint8_t value = values[app->whos[i]];
            row[0] |= value == POLICY_UNKNOWN;
            row[1 + i / 64] |= value != POLICY_FALSE ? bit : 0;
            row[1 + app->n_words + i / 64] |= value == POLICY_TRUE ? bit : 0;
        }
    }
}

/* What was found last; *until_s becomes the earliest of all. */
static struct subject_value value_found(struct eval *e, enum policy_tri value, int64_t *until_s)
{
    struct subject_value found = value_of_code(e->until_s, code_of(value));

    if (e->until_s < *until_s)
        *until_s = e->until_s;
    e->until_s = INT64_MAX;
    return found;
}

/* Returns until when all of them hold. */
static int64_t find_needs(const struct compiled *c, struct eval *e, struct subject_value *needs)
{
    int64_t until_s = INT64_MAX;

    *needs++ = value_of_code(INT64_MAX, CODE_TRUE);
    for (uint32_t i = 0; i < c->n_devices; i++) {
        enum policy_tri value = atom_device(e, c->devices[i]);
        *needs++ = value_found(e, value, &until_s);
    }
    for (uint32_t i = 0; i < c->n_auths; i++) {
        enum policy_tri value = atom_auth(e, c->auths[i]);
        *needs++ = value_found(e, value, &until_s);
    }
    return until_s;
}

static bool has_hint(const struct policy_device *devices, size_t n)
{
    for (size_t d = 0; d < n; d++)
        for (size_t i = 0; i < devices[d].n_facts; i++)
            if (devices[d].facts[i].is_hint)
                return true;
    return false;
}

struct policy_subject *policy_subject_create(const struct policy *p,
                                             const struct policy_identity *identity,
                                             const struct policy_device *devices, size_t n_devices,
                                             int64_t now_us)
{
    static const struct rule no_deny = {.effect = RULE_REQUIRE};
    const struct compiled *c = p ? p->compiled : NULL;

    if (!c || !identity)
        return NULL;
    struct policy_facts facts = {.identity = identity,
                                 .devices = devices,
                                 .n_devices = n_devices,
                                 .now_us = now_us,
                                 .clock_is_good = true};
    size_t n_needs = 1 + c->n_devices + c->n_auths;
    size_t bytes = sizeof(struct policy_subject) + n_needs * sizeof(struct subject_value) +
                   (words_of_whos(c) + c->n_row_words) * sizeof(uint64_t);
    struct policy_subject *s = mem_alloc(bytes);
    struct subject_value *needs = (struct subject_value *)(s + 1);
    uint64_t *rows = (uint64_t *)(needs + n_needs), *whos = rows + c->n_row_words;
    uint8_t *values = mem_alloc(c->n_whos);
    struct eval e;

    eval_init(&e, p, &facts, NULL);
    e.rule = &no_deny;
    find_whos(c, identity, values, whos);
    find_rows(p, values, rows);
    int64_t until_s = find_needs(c, &e, needs);
    free(values);
    *s = (struct policy_subject){.serial = c->serial,
                                 .identity = identity,
                                 .devices = devices,
                                 .made_s = e.now_s,
                                 .until_s = until_s,
                                 .n_devices = (uint32_t)n_devices,
                                 .has_hint = has_hint(devices, n_devices),
                                 .needs = needs,
                                 .rows = rows,
                                 .whos = whos,
                                 .login_s =
                                     identity->login_s ? identity->login_s : identity->auth_time_s,
                                 .ends_s = identity->expires_s,
                                 .bytes = bytes};
    return s;
}

void policy_subject_destroy(struct policy_subject **s)
{
    free(*s);
    *s = NULL;
}

bool policy_subject_fits(const struct policy_subject *s, const struct policy *p, int64_t now_us)
{
    int64_t now_s = now_us / 1000000;

    return s && p && p->compiled && s->serial == p->compiled->serial && now_s >= s->made_s &&
           now_s < s->until_s;
}

size_t policy_subject_bytes(const struct policy_subject *s)
{
    return s ? s->bytes : 0;
}
