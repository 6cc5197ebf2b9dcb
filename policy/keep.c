#include "policy/keep.h"

void keep_init(struct keep *k, struct arena *arena)
{
    *k = (struct keep){.arena = arena};
    map_init(&k->texts);
}

void keep_finish(struct keep *k)
{
    map_finish(&k->texts);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void *copy(struct keep *k, const void *p, size_t bytes)
{
    return bytes ? memcpy(arena_alloc(k->arena, bytes), p, bytes) : NULL;
}

str keep_text(struct keep *k, str s)
{
    if (!s.p)
        return s;
    const char *known = map_get(&k->texts, s);
    if (known)
        return (str){known, s.n};
    str kept = arena_dup(k->arena, s);
    map_add(&k->texts, kept, (void *)(uintptr_t)kept.p);
    return kept;
}

struct str_list keep_texts(struct keep *k, struct str_list list)
{
    str *items = copy(k, list.items, list.n * sizeof *items);

    for (size_t i = 0; i < list.n; i++)
        items[i] = keep_text(k, items[i]);
    return (struct str_list){items, list.n};
}

static struct want_list keep_wants(struct keep *k, struct want_list list)
{
    struct want *items = copy(k, list.items, list.n * sizeof *items);

    for (size_t i = 0; i < list.n; i++)
        items[i].text = keep_text(k, items[i].text);
    return (struct want_list){items, list.n};
}

static struct version_mins keep_mins(struct keep *k, struct version_mins mins)
{
    struct version_min *items = copy(k, mins.items, mins.n * sizeof *items);

    for (size_t i = 0; i < mins.n; i++) {
        items[i].name = keep_text(k, items[i].name);
        items[i].text = keep_text(k, items[i].text);
    }
    return (struct version_mins){items, mins.n};
}

static struct cidr_list keep_networks(struct keep *k, struct cidr_list list)
{
    return (struct cidr_list){copy(k, list.items, list.n * sizeof *list.items), list.n};
}

/* ---- needs ----------------------------------------------------------------------------------- */

struct claim_want keep_claim(struct keep *k, const struct claim_want *claim)
{
    const struct match_set *set = &claim->set;
    struct want_list *all = copy(k, set->all, set->n_all * sizeof *all);

    for (size_t i = 0; i < set->n_all; i++)
        all[i] = keep_wants(k, all[i]);
    return (struct claim_want){.name = keep_text(k, claim->name),
                               .set = {.any = keep_wants(k, set->any),
                                       .none = keep_wants(k, set->none),
                                       .all = all,
                                       .n_all = set->n_all}};
}

const struct device_need *keep_device(struct keep *k, const struct device_need *need)
{
    struct device_need *kept = copy(k, need, sizeof *need);
    struct attribute_want *attributes =
        copy(k, need->attributes, need->n_attributes * sizeof *attributes);

    kept->name = keep_text(k, need->name);
    kept->os = keep_texts(k, need->os);
    kept->min_os_version = keep_mins(k, need->min_os_version);
    kept->min_browser_version = keep_mins(k, need->min_browser_version);
    kept->ownership = keep_texts(k, need->ownership);
    kept->key_protection = keep_texts(k, need->key_protection);
    kept->sources = keep_texts(k, need->sources);
    for (size_t i = 0; i < need->n_attributes; i++) {
        attributes[i].name = keep_text(k, attributes[i].name);
        attributes[i].values = keep_wants(k, attributes[i].values);
    }
    kept->attributes = attributes;
    return kept;
}

const struct auth_need *keep_auth(struct keep *k, const struct auth_need *need)
{
    struct auth_need *kept = copy(k, need, sizeof *need);

    kept->methods = keep_texts(k, need->methods);
    kept->acr = keep_texts(k, need->acr);
    kept->issuers = keep_texts(k, need->issuers);
    return kept;
}

const struct from_need *keep_from(struct keep *k, const struct from_need *need)
{
    struct from_need *kept = copy(k, need, sizeof *need);

    kept->networks = keep_networks(k, need->networks);
    kept->not_networks = keep_networks(k, need->not_networks);
    kept->countries = keep_texts(k, need->countries);
    kept->not_countries = keep_texts(k, need->not_countries);
    return kept;
}

const struct schedule *keep_schedule(struct keep *k, const struct schedule *s)
{
    struct schedule *kept = copy(k, s, sizeof *s);

    kept->name = keep_text(k, s->name);
    kept->hours = copy(k, s->hours, s->n_hours * sizeof *s->hours);
    kept->except_days = copy(k, s->except_days, s->n_except_days * sizeof *s->except_days);
    return kept;
}

const struct session_terms *keep_session(struct keep *k, const struct session_terms *terms)
{
    return copy(k, terms, sizeof *terms);
}
