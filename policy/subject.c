#include "policy/subject.h"

#include <stdlib.h>

#include "policy/eval.h"
#include "policy/mail.h"

/* ---- who ------------------------------------------------------------------------------------- */

/* The identity in numbers. */
struct numbered {
    const struct compiled *compiled;
    const struct policy_identity *identity;
    uint32_t user, domain; /* COMPILED_NONE: none that a rule names */
    bool has_mail;
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
    struct mail mail;

    out->compiled = c;
    out->identity = id;
    out->user = out->domain = COMPILED_NONE;
    out->has_mail = mail_of(id, &mail);
    if (out->has_mail) {
        out->user = number_of_lower(&c->users, mail.address);
        out->domain = number_of_lower(&c->domains, mail.domain);
    }
    for (size_t i = 0; i < id->n_groups; i++) {
        uint32_t group = number_of(&c->groups, id->groups[i]);
        if (group != COMPILED_NONE)
            out->groups[group >> 6] |= (uint64_t)1 << (group & 63);
    }
}

static bool has_number(struct part wanted, uint32_t number)
{
    for (uint32_t i = 0; i < wanted.n; i++)
        if (wanted.ids[i] == number)
            return true;
    return false;
}

/* A machine has no mail address; an address that nobody vouches for is unknown. */
static enum policy_tri name_value(const struct numbered *x, struct part wanted, uint32_t number)
{
    if (x->identity->is_machine)
        return POLICY_FALSE;
    return x->has_mail ? tri_of(has_number(wanted, number)) : POLICY_UNKNOWN;
}

static enum policy_tri group_value(const struct numbered *x, struct part wanted)
{
    bool has = false;

    if (!x->identity->groups_known)
        return POLICY_UNKNOWN;
    for (uint32_t i = 0; i < wanted.n && !has; i++)
        has = x->groups[wanted.ids[i] >> 6] >> (wanted.ids[i] & 63) & 1;
    return tri_of(has != (wanted.kind == PART_GROUPS_NONE));
}

static enum policy_tri claims_value(const struct numbered *x, struct part wanted)
{
    enum policy_tri r = POLICY_TRUE;
    bool is_odd;

    for (uint32_t i = 0; i < wanted.n && r != POLICY_FALSE; i++)
        r = tri_and(r, who_claim_value(x->identity, &x->compiled->claims[wanted.ids[i]], &is_odd));
    return r;
}

static enum policy_tri branch_value(struct part branch, const uint8_t *codes)
{
    unsigned any = CODE_FALSE, all = CODE_TRUE;

    for (uint32_t i = 0; i < branch.n; i++) {
        any |= codes[branch.ids[i]];
        all &= codes[branch.ids[i]];
    }
    return code_value(branch.kind == PART_ANY ? any : all);
}

static enum policy_tri part_value(const struct numbered *x, struct part part, const uint8_t *codes)
{
    const struct policy_identity *id = x->identity;

    switch (part.kind) {
    case PART_ANYONE:
        return POLICY_TRUE;
    case PART_HUMAN:
    case PART_MACHINE:
        return tri_of(id->is_machine == (part.kind == PART_MACHINE));
    case PART_USERS:
        return name_value(x, part, x->user);
    case PART_DOMAINS:
        return name_value(x, part, x->domain);
    case PART_GROUPS_ANY:
    case PART_GROUPS_NONE:
    case PART_GROUPS_ALL:
        return group_value(x, part);
    case PART_SERVICES:
        return tri_of(id->is_machine && texts_have(x->compiled, part, id->service));
    case PART_CLAIMS:
        return claims_value(x, part);
    case PART_ALL:
    case PART_ANY:
        return branch_value(part, codes);
    default:
        return POLICY_FALSE;
    }
}

static enum policy_tri who_value(const struct numbered *x, const uint32_t *who,
                                 const uint8_t *codes)
{
    enum policy_tri r = POLICY_TRUE;
    struct part part;

    while (r != POLICY_FALSE && part_next(&who, &part))
        r = tri_and(r, part_value(x, part, codes));
    return r;
}

/* ---- one block for all ----------------------------------------------------------------------- */

static size_t words_of_whos(const struct compiled *c)
{
    return c->n_whos / 32 + 1;
}

static void find_whos(const struct compiled *c, const struct policy_identity *id, uint8_t *codes,
                      uint64_t *out)
{
    struct numbered x = {.groups = mem_alloc((c->groups.n / 64 + 1) * sizeof *x.groups)};

    number_identity(c, id, &x);
    for (uint32_t i = 0; i < c->n_whos; i++) {
        codes[i] = (uint8_t)code_of(who_value(&x, compiled_who(c, i), codes));
        out[i >> 5] |= (uint64_t)codes[i] << 2 * (i & 31);
    }
    free(x.groups);
}

static void find_row(const struct app_index *app, const uint8_t *codes, uint64_t *row)
{
    uint64_t *open = row + 1, *sure = open + app->n_words;

    for (uint32_t word = 0; word < app->n_words; word++) {
        uint32_t first = 64 * word, n = app->n - first < 64 ? app->n - first : 64;
        uint64_t some = 0, all = 0, refusing = 0;
        for (uint32_t i = 0; i < n; i++) {
            uint64_t code = codes[app->whos[first + i]];
            some |= (code & 1) << i;
            all |= code >> 1 << i;
        }
        if (first < app->n_refusing) {
            refusing =
                UINT64_MAX >> (app->n_refusing - first < 64 ? 64 - (app->n_refusing - first) : 0);
            sure[word] = all & refusing;
            row[0] |= (some & ~all & refusing) != 0;
        }
        open[word] = (some & refusing) | (all & ~refusing);
    }
}

static void find_rows(const struct policy *p, const uint8_t *codes, uint64_t *rows)
{
    const struct app_index *apps = p->compiled->apps;

    for (size_t a = 0; a < p->n_apps; a++)
        if (apps[a].row != COMPILED_NONE)
            find_row(&apps[a], codes, rows + apps[a].row);
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
    static const struct clause no_deny = {.effect = RULE_REQUIRE};
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
    uint8_t *codes = mem_alloc(c->n_whos);
    struct eval e;

    eval_init(&e, p, &facts, NULL);
    e.clause = &no_deny;
    find_whos(c, identity, codes, whos);
    find_rows(p, codes, rows);
    int64_t until_s = find_needs(c, &e, needs);
    free(codes);
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
