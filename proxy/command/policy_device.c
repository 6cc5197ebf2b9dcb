/* The device of a recorded decision as facts again; what writes it is proxy/gate/posture_record.c.
 */
#include "proxy/command/policy_record.h"

#include "proxy/command/policy_walk.h"

enum { FACTS_MOST = 256 };

static enum policy_value_kind kind_of(str value)
{
    if (walk_is_text(value))
        return POLICY_VALUE_TEXT;
    if (str_eq(value, STR("true")) || str_eq(value, STR("false")))
        return POLICY_VALUE_BOOL;
    return value.n && (value.p[0] == '-' || (value.p[0] >= '0' && value.p[0] <= '9'))
               ? POLICY_VALUE_NUMBER
               : POLICY_VALUE_OTHER;
}

static void read_fact(str item, int64_t now_s, struct arena *a, struct policy_device_fact *out)
{
    struct walk w = walk_into(item);

    for (str name, value; walk_member(&w, &name, &value);) {
        if (str_eq(name, STR("name")))
            out->attribute = record_text(a, walk_text(value));
        else if (str_eq(name, STR("value"))) {
            out->value.kind = kind_of(value);
            out->value.text = walk_is_text(value) ? record_text(a, walk_text(value)) : value;
        } else if (str_eq(name, STR("source")))
            out->source = record_text(a, walk_text(value));
        else if (str_eq(name, STR("age")))
            out->seen_s = now_s - walk_number(value);
        else if (str_eq(name, STR("hint")))
            out->is_hint = walk_is_true(value);
    }
}

static size_t read_facts(str list, int64_t now_s, struct arena *a,
                         const struct policy_device_fact **out)
{
    struct policy_device_fact *facts = arena_array(a, struct policy_device_fact, FACTS_MOST);
    struct walk w = walk_into(list);
    size_t n = 0;

    for (str item; n < FACTS_MOST && walk_item(&w, &item);)
        read_fact(item, now_s, a, &facts[n++]);
    *out = facts;
    return n;
}

/* Which report a fact came from does not matter: rules look at all of them. */
size_t record_device(struct arena *a, const struct record *r, const struct policy_device **out)
{
    struct walk w = walk_into(r->device);
    struct policy_device *device = arena_new(a, struct policy_device);

    for (str name, value; walk_member(&w, &name, &value);) {
        if (str_eq(name, STR("id")))
            device->id = record_text(a, walk_text(value));
        else if (str_eq(name, STR("facts")))
            device->n_facts = read_facts(value, r->now_s, a, &device->facts);
    }
    *out = device;
    return r->device.n ? 1 : 0;
}
