/* sighting: the device as its sources saw it.
 *
 * An attribute has one value only when the fresh facts agree. The traps: a client hint is said by
 * the device itself, so it may make an atom of a deny true and nothing else; and a fact of a source
 * that the need does not name is no fact. */
#ifndef POLICY_SIGHTING_H
#define POLICY_SIGHTING_H

#include "policy/eval.h"

/* The fresh facts about one attribute, and whether any source saw the device at all. */
struct sighting {
    const struct policy_value *value; /* of the facts; NULL: none is fresh */
    bool is_stale, is_contradicted, has_clock;
    bool is_device_seen, is_device_fresh;
    int64_t until_s; /* when the first of them is stale */
};

/* All sources together; the decision then lasts no longer than what was seen. */
struct sighting sighting_seek(struct eval *e, const struct device_need *need, str attribute);
/* Unknown, or true with a value that may be compared. *doubt_out names what is wrong: a code, or
 * ":missing" of the attribute. */
enum policy_tri sighting_settle(const struct sighting *s, str *doubt_out);
/* Whether any source that the need accepts has seen the device lately; true or unknown. */
enum policy_tri sighting_of_device(struct eval *e, const struct device_need *need);

/* ---- hints ---- */

bool sighting_has_hint(const struct eval *e);

/* Zeroed: at the first. */
struct hint_walk {
    size_t device, fact;
};

/* The next fresh hint about the attribute; NULL: no more, and always for what is no deny. */
const struct policy_device_fact *sighting_next_hint(const struct eval *e,
                                                    const struct device_need *need, str attribute,
                                                    struct hint_walk *walk);
/* The decision leans on this fact. */
void sighting_until(struct eval *e, const struct device_need *need,
                    const struct policy_device_fact *fact);

#endif
