/* key: a need as bytes, so that two needs are the same when their bytes are.
 *
 * Every text and list goes with its length, or "ab", "c" would be "a", "bc". What is left out of a
 * key is taken for equal: whoever adds a member to a need adds it here. While policies are
 * compiled, one thread. */
#ifndef POLICY_KEY_H
#define POLICY_KEY_H

#include "policy/rule.h"

/* Grows at its end; a zeroed one is empty. Whoever made it frees p. */
struct key {
    char *p;
    size_t n, cap;
};

void key_bytes(struct key *k, const void *p, size_t n);
void key_u32(struct key *k, uint32_t v);
void key_u64(struct key *k, uint64_t v);
void key_str(struct key *k, str s);
void key_strs(struct key *k, struct str_list list);

void key_claim(struct key *k, const struct claim_want *claim);
void key_device(struct key *k, const struct device_need *need);
void key_auth(struct key *k, const struct auth_need *need);
void key_networks(struct key *k, struct cidr_list list);
void key_schedule(struct key *k, const struct schedule *s);
void key_session(struct key *k, const struct session_terms *terms);

#endif
