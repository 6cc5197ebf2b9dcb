#include "policy/key.h"

/* ---- values ---------------------------------------------------------------------------------- */

void key_bytes(struct key *k, const void *p, size_t n)
{
    if (k->n + n > k->cap) {
        k->cap = 2 * k->cap + n + 64;
        k->p = mem_grow(k->p, k->cap);
    }
    if (n)
        memcpy(k->p + k->n, p, n);
    k->n += n;
}

void key_u64(struct key *k, uint64_t v)
{
    key_bytes(k, &v, sizeof v);
}

void key_u32(struct key *k, uint32_t v)
{
    key_bytes(k, &v, sizeof v);
}

void key_str(struct key *k, str s)
{
    key_u32(k, (uint32_t)s.n);
    key_bytes(k, s.p, s.n);
}

void key_strs(struct key *k, struct str_list list)
{
    key_u32(k, (uint32_t)list.n);
    for (size_t i = 0; i < list.n; i++)
        key_str(k, list.items[i]);
}

static void key_wants(struct key *k, struct want_list list)
{
    key_u32(k, (uint32_t)list.n);
    for (size_t i = 0; i < list.n; i++) {
        key_str(k, list.items[i].text);
        key_u32(k, list.items[i].is_plain);
    }
}

/* ---- needs ----------------------------------------------------------------------------------- */

void key_claim(struct key *k, const struct claim_want *claim)
{
    const struct match_set *set = &claim->set;

    key_str(k, claim->name);
    key_wants(k, set->any);
    key_wants(k, set->none);
    key_u32(k, (uint32_t)set->n_all);
    for (size_t all = 0; all < set->n_all; all++)
        key_wants(k, set->all[all]);
}

static void key_mins(struct key *k, struct version_mins mins)
{
    key_u32(k, (uint32_t)mins.n);
    for (size_t i = 0; i < mins.n; i++) {
        key_str(k, mins.items[i].name);
        key_str(k, mins.items[i].text);
    }
}

void key_device(struct key *k, const struct device_need *need)
{
    key_u32(k, (uint32_t)need->flags_written << 16 | need->flags_wanted);
    key_u32(k, (uint32_t)need->has_min_patch_level << 1 | need->has_max_risk);
    key_u32(k, (uint32_t)need->min_patch_level_day);
    key_u32(k, need->max_risk);
    key_u64(k, (uint64_t)need->seen_within_s);
    key_strs(k, need->os);
    key_mins(k, need->min_os_version);
    key_mins(k, need->min_browser_version);
    key_strs(k, need->ownership);
    key_strs(k, need->key_protection);
    key_strs(k, need->sources);
    for (size_t i = 0; i < need->n_attributes; i++) {
        key_str(k, need->attributes[i].name);
        key_wants(k, need->attributes[i].values);
    }
}

void key_auth(struct key *k, const struct auth_need *need)
{
    key_u32(k, need->mfa);
    key_u64(k, (uint64_t)need->mfa_within_s);
    key_u64(k, (uint64_t)need->login_within_s);
    key_strs(k, need->methods);
    key_strs(k, need->acr);
    key_strs(k, need->issuers);
}

void key_networks(struct key *k, struct cidr_list list)
{
    for (size_t i = 0; i < list.n; i++) {
        const struct cidr *net = &list.items[i];
        key_bytes(k, &net->base.family, 1);
        key_bytes(k, &net->bits, 1);
        key_bytes(k, net->base.bytes, net->base.family == 4 ? 4 : 16);
    }
}

void key_schedule(struct key *k, const struct schedule *s)
{
    key_u32(k, s->days);
    key_bytes(k, &s->zone, sizeof s->zone);
    key_u32(k, (uint32_t)s->n_hours);
    for (size_t i = 0; i < s->n_hours; i++)
        key_u32(k, (uint32_t)s->hours[i].start_min << 16 | s->hours[i].end_min);
    key_bytes(k, s->except_days, s->n_except_days * sizeof *s->except_days);
}

void key_session(struct key *k, const struct session_terms *terms)
{
    key_u64(k, (uint64_t)terms->max_s);
    key_u64(k, (uint64_t)terms->idle_s);
    key_u32(k, (uint32_t)terms->record | (uint32_t)terms->clipboard << 8 |
                   (uint32_t)terms->file_transfer << 16 | (uint32_t)terms->port_forwarding << 24);
}
