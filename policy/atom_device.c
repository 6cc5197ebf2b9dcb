/* atom_device: what a need asks of the device, compared with what its sources saw (sighting.h). */
#include "policy/scalar.h"
#include "policy/sighting.h"

/* What an atom compares an attribute with. */
struct wish {
    str attribute;
    enum policy_tri (*test)(const struct policy_value *v, const struct wish *wish, bool *is_odd);
    struct want_list wants;      /* one of these */
    struct str_list texts;       /* one of these */
    const struct version *least; /* at least */
    int64_t number;              /* at least this day, at most this risk */
};

static bool hint_says_yes(struct eval *e, const struct device_need *need, const struct wish *wish)
{
    struct hint_walk walk = {0};
    bool is_odd;

    for (const struct policy_device_fact *hint;
         (hint = sighting_next_hint(e, need, wish->attribute, &walk));)
        if (wish->test(&hint->value, wish, &is_odd) == POLICY_TRUE) {
            sighting_until(e, need, hint);
            return true;
        }
    return false;
}

/* One atom's note: device.ATTR, device.ATTR:missing or the doubt's own code. */
static enum policy_tri note_device(struct eval *e, enum policy_tri r, str attribute, str doubt,
                                   str wanted)
{
    struct trace *t = e->trace;
    str code = doubt;

    if (!t || t->n == TRACE_MAX_NOTES)
        return r;
    if (!doubt.n || doubt.p[0] == ':')
        code = arena_printf(t->arena, "device.%.*s%.*s", STR_ARG(attribute), STR_ARG(doubt));
    eval_note(e, r, code);
    t->notes[t->n - 1].attribute = attribute;
    t->notes[t->n - 1].wanted = wanted;
    return r;
}

static enum policy_tri device_atom(struct eval *e, const struct device_need *need,
                                   const struct wish *wish, str wanted)
{
    struct sighting s = sighting_seek(e, need, wish->attribute);
    str doubt = {NULL, 0};
    bool is_odd = false;
    enum policy_tri r = sighting_settle(&s, &doubt);

    if (r == POLICY_TRUE)
        r = wish->test(s.value, wish, &is_odd);
    if (r != POLICY_TRUE && hint_says_yes(e, need, wish))
        return note_device(e, POLICY_TRUE, wish->attribute, (str){NULL, 0}, wanted);
    if (is_odd && r == POLICY_UNKNOWN)
        eval_note(e, r, STR("type-error"));
    return note_device(e, r, wish->attribute, doubt, wanted);
}

/* ---- the comparisons ---- */

static enum policy_tri test_wants(const struct policy_value *v, const struct wish *wish,
                                  bool *is_odd)
{
    return value_matches(v, wish->wants, is_odd);
}

static enum policy_tri odd(bool *is_odd)
{
    *is_odd = true;
    return POLICY_UNKNOWN;
}

static enum policy_tri test_flag(const struct policy_value *v, const struct wish *wish,
                                 bool *is_odd)
{
    if (v->kind != POLICY_VALUE_BOOL)
        return odd(is_odd);
    return tri_of(str_eq(v->text, STR("true")) == (wish->number != 0));
}

static enum policy_tri test_texts(const struct policy_value *v, const struct wish *wish,
                                  bool *is_odd)
{
    if (v->kind != POLICY_VALUE_TEXT)
        return odd(is_odd);
    return tri_of(list_has(wish->texts, v->text));
}

static enum policy_tri test_version(const struct policy_value *v, const struct wish *wish,
                                    bool *is_odd)
{
    struct version seen;

    if ((v->kind != POLICY_VALUE_TEXT && v->kind != POLICY_VALUE_NUMBER) ||
        !version_parse(v->text, &seen))
        return odd(is_odd);
    return tri_of(version_cmp(&seen, wish->least) >= 0);
}

static enum policy_tri test_day(const struct policy_value *v, const struct wish *wish, bool *is_odd)
{
    int32_t day;

    if (v->kind != POLICY_VALUE_TEXT || !scalar_date(v->text, &day))
        return odd(is_odd);
    return tri_of(day >= wish->number);
}

/* A risk may have a fraction: 12.5 is over 12. */
static enum policy_tri test_risk(const struct policy_value *v, const struct wish *wish,
                                 bool *is_odd)
{
    str fraction = v->text, whole = str_cut(&fraction, '.');
    uint64_t number, part = 0;

    if (v->kind != POLICY_VALUE_NUMBER || !str_to_u64(whole, INT32_MAX, &number) ||
        (fraction.p && !str_to_u64(fraction, UINT64_MAX, &part)))
        return odd(is_odd);
    return tri_of((int64_t)number + (part > 0) <= wish->number);
}

/* ---- the atoms ---- */

static str wanted_bool(bool wanted)
{
    return wanted ? STR("true") : STR("false");
}

static str join(struct eval *e, struct str_list list)
{
    str s = {"", 0};

    for (size_t i = 0; e->trace && i < list.n; i++)
        s = arena_printf(e->trace->arena, "%.*s%s%.*s", STR_ARG(s), i ? " or " : "",
                         STR_ARG(list.items[i]));
    return s;
}

static str join_wants(struct eval *e, struct want_list list)
{
    str s = {"", 0};

    for (size_t i = 0; e->trace && i < list.n; i++)
        s = arena_printf(e->trace->arena, "%.*s%s%.*s", STR_ARG(s), i ? " or " : "",
                         STR_ARG(list.items[i].text));
    return s;
}

static enum policy_tri device_flags(struct eval *e, const struct device_need *need)
{
    enum policy_tri r = POLICY_TRUE;

    for (unsigned i = 0; i < DEVICE_FLAGS; i++) {
        if (!(need->flags_written >> i & 1))
            continue;
        struct wish wish = {.attribute = str_of(device_flag_names[i]),
                            .test = test_flag,
                            .number = need->flags_wanted >> i & 1};
        r = tri_and(r, device_atom(e, need, &wish, wanted_bool(wish.number)));
    }
    return r;
}

static enum policy_tri device_texts(struct eval *e, const struct device_need *need, str attribute,
                                    struct str_list texts)
{
    struct wish wish = {.attribute = attribute, .test = test_texts, .texts = texts};

    return texts.n ? device_atom(e, need, &wish, join(e, texts)) : POLICY_TRUE;
}

static const struct version_min *find_min(struct version_mins mins, str name)
{
    for (size_t i = 0; i < mins.n; i++)
        if (str_eq(mins.items[i].name, name))
            return &mins.items[i];
    return NULL;
}

/* Whether the version, as it was seen or hinted, is enough. */
static bool version_says_yes(struct eval *e, const struct device_need *need,
                             const struct version_min *min, str version_attribute)
{
    struct wish wish = {.attribute = version_attribute, .test = test_version, .least = &min->least};
    struct sighting s = sighting_seek(e, need, version_attribute);
    str doubt;
    bool is_odd;

    if (sighting_settle(&s, &doubt) == POLICY_TRUE &&
        test_version(s.value, &wish, &is_odd) == POLICY_TRUE)
        return true;
    return hint_says_yes(e, need, &wish);
}

/* The name may be hinted as well as the version: one reading that is true is enough for a deny. */
static bool hinted_name_says_yes(struct eval *e, const struct device_need *need,
                                 struct version_mins mins, str name_attribute,
                                 str version_attribute)
{
    struct hint_walk walk = {0};

    for (const struct policy_device_fact *hint;
         (hint = sighting_next_hint(e, need, name_attribute, &walk));) {
        if (hint->value.kind != POLICY_VALUE_TEXT)
            continue;
        const struct version_min *min = find_min(mins, hint->value.text);
        if (min && version_says_yes(e, need, min, version_attribute)) {
            sighting_until(e, need, hint);
            return true;
        }
    }
    return false;
}

/* A name that the mapping does not list is false, not unknown: {macos: "14"} asks for macOS. */
static enum policy_tri device_version(struct eval *e, const struct device_need *need,
                                      struct version_mins mins, str name_attribute,
                                      str version_attribute)
{
    str doubt = {NULL, 0}, none = {NULL, 0};

    if (!mins.n)
        return POLICY_TRUE;
    if (hinted_name_says_yes(e, need, mins, name_attribute, version_attribute))
        return note_device(e, POLICY_TRUE, version_attribute, none, none);
    struct sighting s = sighting_seek(e, need, name_attribute);
    enum policy_tri r = sighting_settle(&s, &doubt);
    if (r == POLICY_TRUE && s.value->kind != POLICY_VALUE_TEXT) {
        r = eval_note(e, POLICY_UNKNOWN, STR("type-error"));
        doubt = none;
    }
    if (r != POLICY_TRUE) {
        note_device(e, r, name_attribute, doubt, none);
        return note_device(e, r, version_attribute, doubt, none);
    }
    const struct version_min *min = find_min(mins, s.value->text);
    if (!min)
        return note_device(e, POLICY_FALSE, version_attribute, none, none);
    struct wish wish = {.attribute = version_attribute, .test = test_version, .least = &min->least};
    return device_atom(e, need, &wish, min->text);
}

static enum policy_tri device_numbers(struct eval *e, const struct device_need *need)
{
    struct wish patch = {
        .attribute = STR("patch_level"), .test = test_day, .number = need->min_patch_level_day};
    struct wish risk = {.attribute = STR("risk"), .test = test_risk, .number = need->max_risk};
    enum policy_tri r = POLICY_TRUE;
    str wanted = {NULL, 0};

    if (need->has_min_patch_level)
        r = tri_and(r, device_atom(e, need, &patch, wanted));
    if (need->has_max_risk) {
        if (e->trace)
            wanted = arena_printf(e->trace->arena, "at most %u", need->max_risk);
        r = tri_and(r, device_atom(e, need, &risk, wanted));
    }
    return r;
}

static enum policy_tri device_attributes(struct eval *e, const struct device_need *need)
{
    enum policy_tri r = POLICY_TRUE;

    for (size_t i = 0; i < need->n_attributes; i++) {
        const struct attribute_want *want = &need->attributes[i];
        struct wish wish = {.attribute = want->name, .test = test_wants, .wants = want->values};
        r = tri_and(r, device_atom(e, need, &wish, join_wants(e, want->values)));
    }
    return r;
}

bool atom_device_is_sight(const struct device_need *need)
{
    return !need->flags_written && !need->os.n && !need->min_os_version.n &&
           !need->min_browser_version.n && !need->has_min_patch_level && !need->has_max_risk &&
           !need->ownership.n && !need->key_protection.n && !need->n_attributes;
}

enum policy_tri atom_device(struct eval *e, const struct device_need *need)
{
    size_t mark = eval_mark(e);
    enum policy_tri r = sighting_of_device(e, need);
    bool only_hints = r != POLICY_TRUE && e->clause->effect == RULE_DENY && sighting_has_hint(e);

    if (atom_device_is_sight(need) || (r != POLICY_TRUE && !only_hints))
        return r;
    r = POLICY_TRUE;
    r = tri_and(r, device_flags(e, need));
    r = tri_and(r, device_texts(e, need, STR("os"), need->os));
    r = tri_and(r, device_version(e, need, need->min_os_version, STR("os"), STR("os_version")));
    r = tri_and(r, device_version(e, need, need->min_browser_version, STR("browser"),
                                  STR("browser_version")));
    r = tri_and(r, device_numbers(e, need));
    r = tri_and(r, device_texts(e, need, STR("ownership"), need->ownership));
    r = tri_and(r, device_texts(e, need, STR("key_protection"), need->key_protection));
    r = tri_and(r, device_attributes(e, need));
    eval_settle(e, mark, r);
    return r;
}
