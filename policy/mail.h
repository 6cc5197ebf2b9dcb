/* mail: a person's address as rules compare it. Private to policy/.
 *
 * It counts only when somebody vouches for it: anybody can type a colleague's. Its domain is the
 * A-label; letters are compared without their case. */
#ifndef POLICY_MAIL_H
#define POLICY_MAIL_H

#include "policy/policy.h"

enum { MAIL_MAX_BYTES = 320 }; /* 64 @ 253, and some */

struct mail {
    str address, domain; /* in the identity, or in the room */
    char room[MAIL_MAX_BYTES];
};

/* False: unproved, not of one @, or with a domain that has no A-label: then nobody knows. */
bool mail_of(const struct policy_identity *id, struct mail *out);

#endif
