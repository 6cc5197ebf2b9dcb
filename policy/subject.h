/* subject: what is known of a credential before any request. Private to policy/.
 *
 * Values of needs hold from the moment at which they were found until the first of their facts
 * changes by itself; whoever asks at another time looks at the need anew. */
#ifndef POLICY_SUBJECT_H
#define POLICY_SUBJECT_H

#include "policy/compiled.h"

struct subject_value {
    int64_t until_s; /* INT64_MAX: does not change by itself */
    uint8_t value;   /* enum policy_tri */
};

struct policy_subject {
    uint64_t serial;
    size_t bytes;
    const struct policy_identity *identity;
    const struct policy_device *devices;
    size_t n_devices;
    bool has_hint; /* then no device value counts for a deny */
    int64_t made_s;
    const uint64_t *whos;                         /* two bits each, enum policy_tri */
    const struct subject_value *needs_of_devices; /* by number of the need */
    const struct subject_value *needs_of_auths;
    const uint64_t *const *wide; /* by app_index.wide: the places whose who is not false */
};

static inline enum policy_tri subject_who(const struct policy_subject *s, uint32_t who)
{
    return (enum policy_tri)(s->whos[who >> 5] >> 2 * (who & 31) & 3);
}

#endif
