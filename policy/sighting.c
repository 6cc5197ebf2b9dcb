#include "policy/sighting.h"

static bool values_agree(str attribute, const struct policy_value *a, const struct policy_value *b)
{
    struct version va, vb;

    if (a->kind != b->kind)
        return false;
    if (str_ends(attribute, STR("version")) && version_parse(a->text, &va) &&
        version_parse(b->text, &vb))
        return version_cmp(&va, &vb) == 0;
    if (a->kind != POLICY_VALUE_LIST)
        return a->kind != POLICY_VALUE_OTHER && str_eq(a->text, b->text);
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->items[i].kind != b->items[i].kind || !str_eq(a->items[i].text, b->items[i].text))
            return false;
    return true;
}

static bool counts(const struct device_need *need, const struct policy_device_fact *fact,
                   bool is_hint)
{
    return fact->is_hint == is_hint && (!need->sources.n || list_has(need->sources, fact->source));
}

static int64_t stale_at(const struct device_need *need, const struct policy_device_fact *fact)
{
    return eval_too_old_at(fact->seen_s, need->seen_within_s);
}

static bool is_fresh(const struct eval *e, const struct device_need *need,
                     const struct policy_device_fact *fact)
{
    return e->now_s < stale_at(need, fact);
}

static void look_at(struct eval *e, const struct device_need *need, str attribute,
                    const struct policy_device_fact *fact, struct sighting *s)
{
    if (!is_fresh(e, need, fact)) {
        s->is_stale = true;
        return;
    }
    if (s->value && !values_agree(attribute, s->value, &fact->value))
        s->is_contradicted = true;
    s->value = &fact->value;
    if (stale_at(need, fact) < s->until_s)
        s->until_s = stale_at(need, fact);
}

struct sighting sighting_seek(struct eval *e, const struct device_need *need, str attribute)
{
    struct sighting s = {.has_clock = e->facts->clock_is_good, .until_s = INT64_MAX};

    for (size_t d = 0; d < e->facts->n_devices; d++) {
        const struct policy_device *device = &e->facts->devices[d];
        for (size_t i = 0; i < device->n_facts; i++) {
            const struct policy_device_fact *fact = &device->facts[i];
            if (!counts(need, fact, false))
                continue;
            s.is_device_seen = true;
            s.is_device_fresh |= is_fresh(e, need, fact);
            if (str_eq(fact->attribute, attribute))
                look_at(e, need, attribute, fact, &s);
        }
    }
    if (s.value && s.has_clock)
        eval_until(e, s.until_s);
    return s;
}

enum policy_tri sighting_settle(const struct sighting *s, str *doubt_out)
{
    if (!s->is_device_seen)
        *doubt_out = STR("device:missing");
    else if (!s->has_clock)
        *doubt_out = STR("clock");
    else if (!s->value)
        *doubt_out = s->is_stale || !s->is_device_fresh ? STR("device:stale") : STR(":missing");
    else if (s->is_contradicted)
        *doubt_out = STR("device:conflict");
    else
        return POLICY_TRUE;
    return POLICY_UNKNOWN;
}

enum policy_tri sighting_of_device(struct eval *e, const struct device_need *need)
{
    int64_t latest = INT64_MIN;

    for (size_t d = 0; d < e->facts->n_devices; d++) {
        const struct policy_device *device = &e->facts->devices[d];
        for (size_t i = 0; i < device->n_facts; i++)
            if (counts(need, &device->facts[i], false) && device->facts[i].seen_s > latest)
                latest = device->facts[i].seen_s;
    }
    if (latest == INT64_MIN)
        return eval_note(e, POLICY_UNKNOWN, STR("device:missing"));
    enum policy_tri r = eval_age_within(e, latest, need->seen_within_s);
    return r == POLICY_FALSE ? eval_note(e, POLICY_UNKNOWN, STR("device:stale")) : r;
}

bool sighting_has_hint(const struct eval *e)
{
    for (size_t d = 0; d < e->facts->n_devices; d++)
        for (size_t i = 0; i < e->facts->devices[d].n_facts; i++)
            if (e->facts->devices[d].facts[i].is_hint)
                return true;
    return false;
}

const struct policy_device_fact *sighting_next_hint(const struct eval *e,
                                                    const struct device_need *need, str attribute,
                                                    struct hint_walk *walk)
{
    if (e->clause->effect != RULE_DENY)
        return NULL;
    for (; walk->device < e->facts->n_devices; walk->device++, walk->fact = 0) {
        const struct policy_device *device = &e->facts->devices[walk->device];
        while (walk->fact < device->n_facts) {
            const struct policy_device_fact *fact = &device->facts[walk->fact++];
            if (counts(need, fact, true) && str_eq(fact->attribute, attribute) &&
                is_fresh(e, need, fact))
                return fact;
        }
    }
    return NULL;
}

void sighting_until(struct eval *e, const struct device_need *need,
                    const struct policy_device_fact *fact)
{
    eval_until(e, stale_at(need, fact));
}
