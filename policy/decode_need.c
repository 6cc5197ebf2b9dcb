/* decode_need: device, auth, from and when. */
#include <stdlib.h>

#include "policy/load.h"
#include "policy/scalar.h"

/* ---- device -------------------------------------------------------------------------------- */

const char *const device_flag_names[DEVICE_FLAGS + 1] = {
    [DEVICE_MANAGED] = "managed",
    [DEVICE_COMPLIANT] = "compliant",
    [DEVICE_DISK_ENCRYPTED] = "disk_encrypted",
    [DEVICE_FIREWALL] = "firewall",
    [DEVICE_SCREEN_LOCK] = "screen_lock",
    [DEVICE_SECURE_BOOT] = "secure_boot",
    [DEVICE_EDR_RUNNING] = "edr_running",
    [DEVICE_JAILBROKEN] = "jailbroken",
};

static const int64_t DEVICE_SEEN_WITHIN_S = 86400;

static void read_flags(const struct doc_node *node, struct device_need *need)
{
    for (unsigned flag = 0; flag < DEVICE_FLAGS; flag++) {
        const struct doc_node *value = doc_get(node, device_flag_names[flag]);
        if (!value)
            continue;
        need->flags_written |= (uint16_t)(1u << flag);
        if (read_bool(value, false))
            need->flags_wanted |= (uint16_t)(1u << flag);
    }
}

static struct version_mins read_versions(struct load *l, const struct doc_node *node)
{
    size_t n = node ? node->n : 0;
    struct version_min *mins = arena_array(l->a, struct version_min, n);
    for (size_t i = 0; i < n; i++) {
        mins[i].name = node->keys[i]->text;
        mins[i].text = node->items[i]->text;
        version_parse(mins[i].text, &mins[i].least);
    }
    return (struct version_mins){mins, n};
}

static void read_attributes(struct load *l, const struct doc_node *node, struct device_need *need)
{
    need->n_attributes = node ? node->n : 0;
    struct attribute_want *wants = arena_array(l->a, struct attribute_want, need->n_attributes);
    for (size_t i = 0; i < need->n_attributes; i++) {
        wants[i].name = node->keys[i]->text;
        wants[i].values = load_wants(l, node->items[i]);
    }
    need->attributes = wants;
}

static void read_measures(const struct doc_node *node, struct device_need *need)
{
    const struct doc_node *patch = doc_get(node, "min_patch_level"),
                          *risk = doc_get(node, "max_risk");
    need->has_min_patch_level = patch && scalar_date(patch->text, &need->min_patch_level_day);
    need->has_max_risk = risk != NULL;
    need->max_risk = (uint32_t)read_uint(risk, 0);
    need->seen_within_s = load_seconds(doc_get(node, "seen_within"), DEVICE_SEEN_WITHIN_S);
}

const struct device_need *decode_device(struct load *l, const struct doc_node *node, str name)
{
    struct device_need *need = arena_new(l->a, struct device_need);
    need->id = l->p->n_devices++;
    need->name = name;
    read_flags(node, need);
    read_measures(node, need);
    need->os = load_texts(l, doc_get(node, "os"));
    need->min_os_version = read_versions(l, doc_get(node, "min_os_version"));
    need->min_browser_version = read_versions(l, doc_get(node, "min_browser_version"));
    need->ownership = load_texts(l, doc_get(node, "ownership"));
    need->key_protection = load_texts(l, doc_get(node, "key_protection"));
    need->sources = load_texts(l, doc_get(node, "sources"));
    read_attributes(l, doc_get(node, "attributes"), need);
    if (l->in->known)
        load_check_known(l, doc_get(node, "sources"), "device source", l->in->known->sources,
                         l->in->known->n_sources);
    return need;
}

const struct device_need *decode_device_ref(struct load *l, const struct doc_node *node)
{
    if (node->kind == DOC_MAP)
        return decode_device(l, node, (str){NULL, 0});
    const struct def *d = load_find(l, DEF_DEVICE, node);
    return d ? d->value : NULL;
}

/* ---- auth ---------------------------------------------------------------------------------- */

void load_check_issuers(struct load *l, const struct doc_node *node)
{
    const struct policy_known *known = l->in->known;
    if (!known || !node)
        return;
    str *names = mem_alloc((known->n_issuers + 1) * sizeof *names);
    for (size_t i = 0; i < known->n_issuers; i++)
        names[i] = known->issuers[i].name;
    load_check_known(l, node, "issuer", names, known->n_issuers);
    free(names);
}

const struct auth_need *decode_auth(struct load *l, const struct doc_node *node)
{
    struct auth_need *need = arena_new(l->a, struct auth_need);
    need->mfa = read_bool(doc_get(node, "mfa"), false);
    need->mfa_within_s = load_seconds(doc_get(node, "mfa_within"), -1);
    need->login_within_s = load_seconds(doc_get(node, "login_within"), -1);
    need->methods = load_texts(l, doc_get(node, "methods"));
    need->acr = load_texts(l, doc_get(node, "acr"));
    need->issuers = load_texts(l, doc_get(node, "issuers"));
    load_check_issuers(l, doc_get(node, "issuers"));
    return need;
}

/* ---- from ---------------------------------------------------------------------------------- */

static void add_network(struct load *l, const struct doc_node *node, struct cidr **items, size_t *n,
                        size_t *cap)
{
    struct cidr net;
    if (cidr_parse(node->text, &net) == CIDR_OK) {
        arena_push(l->a, *items, *n, *cap, net);
        return;
    }
    const struct def *d = load_find(l, DEF_NETWORK, node);
    const struct cidr_list *named = d ? d->value : NULL;
    for (size_t i = 0; named && i < named->n; i++)
        arena_push(l->a, *items, *n, *cap, named->items[i]);
}

static struct cidr_list read_networks(struct load *l, const struct doc_node *node)
{
    size_t n = 0, cap = load_count(node); /* more when a name stands for several */
    struct cidr *items = arena_array(l->a, struct cidr, cap);
    for (size_t i = 0; i < load_count(node); i++)
        add_network(l, load_item(node, i), &items, &n, &cap);
    return (struct cidr_list){items, n};
}

void decode_networks(struct load *l)
{
    for (size_t i = 0; i < l->defs[DEF_NETWORK].n; i++) {
        struct def *d = l->defs[DEF_NETWORK].entries[i].value;
        if (!d->has_form)
            continue;
        struct cidr_list *list = arena_new(l->a, struct cidr_list);
        *list = read_networks(l, d->node);
        d->value = list;
    }
}

static struct str_list read_countries(struct load *l, const struct doc_node *from, const char *key)
{
    const struct doc_node *node = doc_get(from, key);
    if (node && !l->in->has_geoip)
        doc_error(l->f, doc_key(from, key), "no-geoip",
                  "there is no setting for one yet: use networks",
                  "a rule that names a country needs a GeoIP file");
    return load_texts(l, node);
}

const struct from_need *decode_from(struct load *l, const struct doc_node *node)
{
    struct from_need *need = arena_new(l->a, struct from_need);
    need->networks = read_networks(l, doc_get(node, "networks"));
    need->not_networks = read_networks(l, doc_get(node, "not_networks"));
    need->countries = read_countries(l, node, "countries");
    need->not_countries = read_countries(l, node, "not_countries");
    return need;
}

/* ---- when ---------------------------------------------------------------------------------- */

static uint8_t read_days(const struct doc_node *node)
{
    uint8_t days = 0;
    for (size_t i = 0; i < load_count(node); i++)
        days |= (uint8_t)(1 << scalar_weekday(load_item(node, i)->text));
    return days;
}

static int by_day(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void read_except_dates(struct load *l, const struct doc_node *node, struct schedule *s)
{
    size_t n = load_count(node);
    int32_t *days = arena_array(l->a, int32_t, n);
    for (size_t i = 0; i < n; i++)
        scalar_date(load_item(node, i)->text, &days[i]);
    if (n > 0)
        qsort(days, n, sizeof *days, by_day);
    s->except_days = days;
    s->n_except_days = n;
}

static const struct schedule *read_schedule(struct load *l, const struct doc_node *node, str name,
                                            const struct load_file *file)
{
    struct schedule *s = arena_new(l->a, struct schedule);
    const struct doc_node *hours = doc_get(node, "hours"), *zone = doc_get(node, "timezone");
    s->id = l->p->n_schedules++;
    s->name = name;
    s->days = read_days(doc_get(node, "days"));
    s->n_hours = load_count(hours);
    struct hours *windows = arena_array(l->a, struct hours, s->n_hours);
    for (size_t i = 0; i < s->n_hours; i++)
        scalar_hours(load_item(hours, i)->text, &windows[i].start_min, &windows[i].end_min);
    s->hours = windows;
    s->zone = zone ? load_zone(l, zone) : file->zone;
    read_except_dates(l, doc_get(node, "except_dates"), s);
    return s;
}

void decode_schedules(struct load *l)
{
    for (size_t i = 0; i < l->defs[DEF_SCHEDULE].n; i++) {
        struct def *d = l->defs[DEF_SCHEDULE].entries[i].value;
        if (d->has_form)
            d->value = read_schedule(l, d->node, d->name, d->file);
    }
}

struct schedule_list decode_when(struct load *l, const struct doc_node *node,
                                 const struct load_file *file)
{
    size_t n = load_count(node);
    const struct schedule **items = arena_array(l->a, const struct schedule *, n);
    for (size_t i = 0; i < n; i++) {
        const struct doc_node *item = load_item(node, i);
        if (item->kind == DOC_MAP) {
            items[i] = read_schedule(l, item, (str){NULL, 0}, file);
            continue;
        }
        const struct def *d = load_find(l, DEF_SCHEDULE, item);
        items[i] = d ? d->value : NULL;
    }
    return (struct schedule_list){items, n};
}
