/* credential: a proved identity in the forms that the request path needs.
 *
 * Made once per token and kept in the worker's cache: the facts that rules are matched on and the
 * finished part of the audit record. Immutable; plain count, one worker. */
#ifndef PROXY_GATE_CREDENTIAL_H
#define PROXY_GATE_CREDENTIAL_H

#include "authn/authn.h"
#include "policy/policy.h"

struct assertion;
struct person_grants;

/* One heap block with all its texts: thousands of these wait in a worker's cache. */
struct credential {
    unsigned refs;
    bool was_used;                  /* a request came with it before */
    struct assertion *assertions;   /* made for apps with it, see assertion.c */
    struct person_grants *grants;   /* read for a person without a session, or NULL */
    struct policy_subject *subject; /* facts interned for the policy last asked; may be NULL */
    struct policy_identity facts;
    bool email_counts; /* verified, or of a trusted issuer: only then a header may carry it */
    str email_claim;   /* the issuer's own name for it, absent when that is "email" */
    int64_t said_s;    /* when its issuer said all this; 0: it does not tell */
    str record;        /* `"identity":{...},"auth":{...}`, ready members of an audit record */
};

/* Scratch that credential_create needs: what the longest token says, escaped. */
enum { CREDENTIAL_SCRATCH_BYTES = 6 * TOKEN_MAX_BYTES + 4096 };

/* A session's share in it: when the person signed in, when it ends at the latest, and what records
 * call it. */
struct credential_session {
    int64_t login_s, ends_s;
    str handle;
};

/* Copies what it needs; the identity stays the caller's. `session` is NULL for a token. */
struct credential *credential_create(const struct identity *identity, const struct issuer *issuer,
                                     const struct credential_session *session,
                                     char scratch[CREDENTIAL_SCRATCH_BYTES]);
/* The facts interned for this policy, or NULL where that does not pay: in a small policy, or for a
 * credential that came once. */
const struct policy_subject *credential_subject(struct credential *c, const struct policy *p,
                                                int64_t now_us);
struct credential *credential_ref(struct credential *c);
/* One of its own, for another thread: facts and record, and nothing that was made since. */
struct credential *credential_copy(const struct credential *c);
/* assertion.c: all that were made. */
void assertions_drop(struct assertion **all);
/* person_grants.c */
void person_grants_drop(struct person_grants **p);
/* Nulls *c; takes NULL. */
void credential_unref(struct credential **c);
/* The text that an identity header carries for a claim: a list is joined by commas. {NULL, 0}:
 * leave the header out. *bad_out is set when a value could not be carried (a control byte, or a
 * comma within a list's element) or must not (an address that nobody verified: whoever can type one
 * at his issuer would be its owner for the app), which the record notes. */
str credential_claim_text(const struct credential *c, str claim, struct arena *a, bool *bad_out);

#endif
