/* keep: deep copies of what outlives its source.
 *
 * Needs are decoded among the rules, once for each that writes them; of equal ones a single copy is
 * taken into the policy's own arena, and in all of them together each text stands once. While
 * policies are loaded, one thread. */
#ifndef POLICY_KEEP_H
#define POLICY_KEEP_H

#include "policy/rule.h"

struct keep {
    struct arena *arena; /* the policy's */
    struct map texts;    /* each to itself */
};

void keep_init(struct keep *k, struct arena *arena);
/* The copies stay. */
void keep_finish(struct keep *k);

str keep_text(struct keep *k, str s); /* {NULL, 0} stays that */
struct str_list keep_texts(struct keep *k, struct str_list list);
struct claim_want keep_claim(struct keep *k, const struct claim_want *claim);
const struct device_need *keep_device(struct keep *k, const struct device_need *need);
const struct auth_need *keep_auth(struct keep *k, const struct auth_need *need);
const struct from_need *keep_from(struct keep *k, const struct from_need *need);
/* The zone is the policy's already. */
const struct schedule *keep_schedule(struct keep *k, const struct schedule *s);
const struct session_terms *keep_session(struct keep *k, const struct session_terms *terms);

#endif
