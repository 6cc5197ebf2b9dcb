/* subject: what is known of a credential before any request. Private to policy/.
 *
 * Values of needs hold from the moment at which they were found until the first of their facts
 * changes by itself; whoever asks at another time looks at the needs anew. */
#ifndef POLICY_SUBJECT_H
#define POLICY_SUBJECT_H

#include "policy/compiled.h"

/* The three values as bits: AND is &, OR is |. */
enum subject_code { CODE_FALSE = 0, CODE_UNKNOWN = 1, CODE_TRUE = 3 };

static inline enum subject_code code_of(enum policy_tri value)
{
    return value == POLICY_FALSE ? CODE_FALSE : value == POLICY_TRUE ? CODE_TRUE : CODE_UNKNOWN;
}

static inline enum policy_tri code_value(unsigned code)
{
    return code == CODE_FALSE ? POLICY_FALSE : code == CODE_TRUE ? POLICY_TRUE : POLICY_UNKNOWN;
}

struct subject_value {
    int64_t until_s; /* INT64_MAX: does not change by itself */
    uint8_t code;    /* enum subject_code */
};

struct policy_subject {
    uint64_t serial;
    size_t bytes;
    const struct policy_identity *identity;
    const struct policy_device *devices;
    size_t n_devices;
    bool has_hint;           /* then no device value counts for a deny */
    int64_t made_s, until_s; /* the values of needs are those of this time, the end not in it */
    const uint64_t *whos;    /* two bits each, enum subject_code */
    const struct subject_value *needs_of_devices, *needs_of_auths; /* by number; 0 is true */
    const uint64_t *const *wide; /* by app_index.wide: the places whose who is not false */
};

static inline unsigned subject_who(const struct policy_subject *s, uint32_t who)
{
    return (unsigned)(s->whos[who >> 5] >> 2 * (who & 31) & 3);
}

#endif
