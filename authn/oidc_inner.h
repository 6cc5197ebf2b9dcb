/* oidc_inner: what the files of the relying party share. The face is oidc.h.
 *
 *     oidc.c           the steps of a flow
 *     oidc_request.c   what is sent: authorization, token, refresh; how the client proves itself
 *     oidc_answer.c    what comes back from the token endpoint and its kin
 *     oidc_id.c        what an ID token must say beyond what token_verify asks of every token
 *     oidc_claims.c    the claims of a session, and the identity that they make
 *     oidc_form.c      application/x-www-form-urlencoded, both ways
 *     oidc_key.c       private_key_jwt
 *     oidc_provider.c  the provider's metadata
 *     oidc_logout.c    logout in both directions */
#ifndef AUTHN_OIDC_INNER_H
#define AUTHN_OIDC_INNER_H

#include "authn/authn.h"
#include "authn/jread.h"

enum {
    OIDC_MAX_ANSWER = 64 * 1024, /* bytes of a token, PAR or userinfo answer */
    OIDC_MAX_CLAIMS = 64 * 1024, /* of a session, as JSON */
    OIDC_MAX_FORM = 32 * 1024,   /* a query or form that is read */
    OIDC_MAX_FIELDS = 32,        /* in it */
    OIDC_MAX_CODE = 4096,
    OIDC_MAX_SECRET = 8 * 1024, /* an access or refresh token */
    OIDC_MAX_ERROR = 64,        /* characters of `error` that are kept */
    OIDC_ASSERTION_S = 60,      /* a client assertion lives so long */
};

/* ---- forms ---------------------------------------------------------------------------------- */

struct oidc_form {
    struct oidc_field fields[OIDC_MAX_FIELDS];
    size_t n;
};
/* Decoded into the arena. False: too long, too many, a bad escape, bytes that are no text, or a
 * name that stands twice, since two readers could take different ones. */
bool oidc_form_read(struct arena *a, str text, struct oidc_form *out);
str oidc_form_get(const struct oidc_form *form, str name); /* {NULL, 0} when absent */
/* Fields without a value are left out. */
str oidc_form_write(struct arena *a, const struct oidc_field *fields, size_t n);

/* ---- a flow --------------------------------------------------------------------------------- */

enum oidc_stage {
    OIDC_AT_END = 0, /* failed or done: nothing moves it any more */
    OIDC_AT_BEGIN,
    OIDC_AT_PAR,
    OIDC_AT_BROWSER,
    OIDC_AT_TOKEN,
    OIDC_AT_KEYS,
    OIDC_AT_USERINFO,
};

struct oidc_flow {
    struct arena arena; /* every text below; wiped */
    enum oidc_stage stage;
    enum oidc_verdict verdict;
    enum token_verdict token_verdict;
    bool is_refresh, has_asked_keys;
    struct oidc_wish wish;
    char state[OIDC_STATE_CHARS], nonce[OIDC_STATE_CHARS], verifier[OIDC_STATE_CHARS];
    str url;
    struct oidc_fetch fetch;
    str error;
    str code, access_token, id_token;
    str subject; /* of a refresh: whose session it is */
    str claims;  /* so far: of the session, then of the new ID token */
    struct identity *identity;
    struct oidc_outcome outcome;
    _Alignas(16) char block[512];
};

/* One call of a flow's owner. */
struct oidc_call {
    struct oidc_flow *f;
    const struct oidc_client *c;
    const struct oidc_provider *p;
    const struct keyset *keys;
    int64_t now_s;
};

/* ---- what is sent ---------------------------------------------------------------------------- */

/* Each sets f->fetch or f->url. False: the client's key cannot sign. */
bool oidc_request_par(const struct oidc_call *k);
void oidc_request_url(const struct oidc_call *k);
void oidc_request_url_of_par(const struct oidc_call *k, str request_uri);
bool oidc_request_code(const struct oidc_call *k);
bool oidc_request_refresh(const struct oidc_call *k, str refresh_token);
void oidc_request_userinfo(const struct oidc_call *k);

/* A JWT by which the client proves itself (RFC 7523); {NULL, 0} when signing fails. */
str oidc_key_assertion(struct arena *a, const struct oidc_key *key, str client_id, str audience,
                       int64_t now_s);

/* ---- what comes back --------------------------------------------------------------------------
 */

/* Nobody is to be blamed but the network or a tired server: to be tried again. */
bool oidc_answer_is_none(int status);
/* The object of a JSON answer, or NULL. */
const struct jnode *oidc_answer_open(struct arena *scratch, str content_type, str body);
/* Of an error answer: keeps `error` in the flow and says what it means. */
enum oidc_verdict oidc_answer_error(struct oidc_flow *f, str content_type, str body);
enum oidc_verdict oidc_answer_tokens(struct oidc_flow *f, str content_type, str body);
/* The pushed request's URI, in the flow. */
bool oidc_answer_par(struct oidc_flow *f, str content_type, str body, str *request_uri);
/* `error` of anybody, fit for a log line. */
void oidc_keep_error(struct oidc_flow *f, str error);

/* ---- what it proves ----------------------------------------------------------------------------
 */

/* The client as the audience of its ID and logout tokens. `c` must outlive it. */
struct issuer oidc_issuer_of(const struct oidc_client *c);
/* The payload of a token that has been verified, in the arena; NULL for any other. */
const struct jnode *oidc_payload(struct arena *scratch, str token);
/* What the flow asks of an ID token that is good in itself. */
enum oidc_verdict oidc_id_check(const struct oidc_call *k, const struct identity *id);

/* The claims of a verified ID token as JSON. With `old`, those of the session before a refresh,
 * what says how the person signed in is carried over. False: too long. */
bool oidc_claims_of_token(struct arena *a, str token, str old, str *out);
/* Adds those of userinfo, which must be of `subject`. */
enum oidc_verdict oidc_claims_add(struct arena *a, const struct issuer *issuer, str claims,
                                  str content_type, str userinfo, str subject, str *out);

#endif
