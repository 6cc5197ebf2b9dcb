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

/* A value and the second from which it may be another, in eight bytes: a subject is cold when it is
 * asked, and every cache line of it counts. */
struct subject_value {
    int64_t bits; /* the second, 62 bits, and the code */
};
#define SUBJECT_FOREVER_S (INT64_MAX >> 2)

static inline struct subject_value value_of_code(int64_t until_s, enum subject_code code)
{
    int64_t second = until_s < SUBJECT_FOREVER_S ? until_s : SUBJECT_FOREVER_S;

    return (struct subject_value){second * 4 + (int64_t)code};
}

static inline unsigned value_code(struct subject_value v)
{
    return (unsigned)(v.bits & 3);
}

/* INT64_MAX: it does not change by itself. */
static inline int64_t value_until_s(struct subject_value v)
{
    int64_t second = v.bits >> 2;

    return second == SUBJECT_FOREVER_S ? INT64_MAX : second;
}

/* The first line is read by every decision. */
struct policy_subject {
    uint64_t serial;
    const struct policy_identity *identity;
    const struct policy_device *devices;
    int64_t made_s, until_s; /* the needs are those of this time, the end not in it */
    uint32_t n_devices;
    bool has_hint;                     /* then no device value counts for a deny */
    const struct subject_value *needs; /* by number of device and auth; 0 is true */
    /* From app_index.row on: whether any who of those that refuse is unknown; the places whose who
     * may count, which is not false, and of an allow true; of those that refuse, where it is true.
     */
    const uint64_t *rows;
    const uint64_t *whos; /* two bits each, enum subject_code */
    int64_t login_s,
        ends_s; /* of the identity: session.max counts from here; token or session end */
    size_t bytes;
};

static inline unsigned subject_who(const struct policy_subject *s, uint32_t who)
{
    return (unsigned)(s->whos[who >> 5] >> 2 * (who & 31) & 3);
}

#endif
