/* credential: a proved identity in the forms that the request path needs.
 *
 * Made once per token and kept in the worker's cache: the facts that rules are matched on and the
 * finished part of the audit record. Immutable; plain count, one worker. */
#ifndef PROXY_GATE_CREDENTIAL_H
#define PROXY_GATE_CREDENTIAL_H

#include "authn/authn.h"
#include "policy/policy.h"

struct credential {
    unsigned refs;
    struct identity *identity; /* one reference */
    struct policy_identity facts;
    str record; /* `"identity":{...},"auth":{...}`, ready members of an audit record */
    struct arena arena;
};

/* Takes the identity. */
struct credential *credential_create(struct identity *identity, const struct issuer *issuer);
struct credential *credential_ref(struct credential *c);
/* Nulls *c; takes NULL. */
void credential_unref(struct credential **c);
/* The text that an identity header carries for a claim: a list is joined by commas. {NULL, 0}:
 * leave the header out. *bad_out is set when a value could not be carried (a control byte, or a
 * comma within a list's element), which the record notes. */
str credential_claim_text(const struct credential *c, str claim, struct arena *a, bool *bad_out);

#endif
