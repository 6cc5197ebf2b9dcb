/* witness_device: the devices that the rules of an app can tell apart. */
#include "policy/witness.h"
#include "policy/zone.h"

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

static str source_of(const struct device_need *need)
{
    return need->sources.n ? need->sources.items[0] : STR("witness");
}

static void meet_device(struct arena *a, struct witness_device *d, const struct device_need *need)
{
    str source = source_of(need);

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
                 rule->device->flags_wanted >> i & 1 ? STR("false") : STR("true"),
                 source_of(rule->device));
        keep_device(v, turned);
    }
}

void witness_gather_devices(const struct witness_search *s, struct witness_values *v)
{
    v->n_devices = 1;
    witness_each_rule(s, v, add_good_device);
    witness_each_rule(s, v, add_device);
    keep_device(v, (struct witness_device){.n = 0});
}
