/* oidc: the relying party of OpenID Connect, code flow only, as a step machine without I/O.
 *
 * The owner (the desk, one thread) fetches, redirects and waits; a flow says what is to be done
 * next and is told the outcome. Every text given in is copied; texts of a flow live as long as it.
 *
 *     flow = oidc_login_create(...)          or oidc_refresh_create(...)
 *     step = oidc_begin(flow, ...)           OIDC_FETCH (PAR or token endpoint) or OIDC_REDIRECT
 *     step = oidc_fetched(flow, ...)         after each OIDC_FETCH
 *     step = oidc_answered(flow, ...)        the browser came back with the provider's answer
 *     step = oidc_keys(flow, ...)            after OIDC_KEYS: the issuer's keys were asked anew
 *     ... until OIDC_DONE (oidc_outcome) or OIDC_FAILED (oidc_verdict)
 *
 * OpenID Connect Core 1.0; PKCE S256 always (RFC 7636); `iss` of the answer (RFC 9207); PAR (RFC
 * 9126) when offered; nonce and state are one-time and bound to the flow. */
#ifndef AUTHN_OIDC_H
#define AUTHN_OIDC_H

#include "authn/authn.h"

/* ---- what the provider says of itself ---------------------------------------------------------
 */

/* OpenID Connect Discovery 1.0, section 3. Texts in the arena that it was parsed into. */
struct oidc_provider {
    str issuer;                                                /* byte-equal to ours, checked */
    str authorization_endpoint, token_endpoint, jwks_uri;      /* always there; https or loopback */
    str userinfo_endpoint, end_session_endpoint, par_endpoint; /* may be absent */
    bool par_required;
    bool sends_iss;                          /* authorization_response_iss_parameter_supported */
    bool takes_basic, takes_post, takes_key; /* token_endpoint_auth_methods_supported */
    bool has_backchannel_logout, has_frontchannel_logout;
};
bool oidc_provider_parse(struct arena *a, str json, str issuer, struct oidc_provider *out,
                         struct fail *fail);

/* ---- what we are to it ------------------------------------------------------------------------
 */

enum oidc_auth { OIDC_AUTH_NONE = 0, OIDC_AUTH_BASIC, OIDC_AUTH_POST, OIDC_AUTH_KEY };

struct oidc_key; /* a private key for private_key_jwt */
/* PEM, RSA (RS256) or P-256 (ES256). */
struct oidc_key *oidc_key_read(str pem, struct fail *fail);
void oidc_key_free(struct oidc_key **key);

/* Borrowed by each call that takes it; may be rebuilt in between. */
struct oidc_client {
    const struct issuer *issuer; /* authn's settings: name, iss, algs; the ID token's audience is
                                  * client_id, whatever issuer->audiences says */
    str client_id, client_secret;
    const struct oidc_key *key;
    enum oidc_auth auth;
    str redirect_uri;
    const str *scopes; /* openid is put first if it is not there */
    size_t n_scopes;
    bool from_userinfo;
};

/* ---- a flow ------------------------------------------------------------------------------------
 */

#define OIDC_VERDICTS(X)                                                                           \
    X(OIDC_INVALID, "login.invalid", "the log-in could not be checked")                            \
    X(OIDC_OK, "login.ok", "the log-in is good")                                                   \
    X(OIDC_DENIED, "login.denied", "the provider refused: access_denied")                          \
    X(OIDC_INTERACTION, "login.interaction", "the provider wants the person to sign in")           \
    X(OIDC_ERROR, "login.error", "the provider answered with an error")                            \
    X(OIDC_STATE, "login.state", "state is not that of this log-in")                               \
    X(OIDC_ISS, "login.iss", "iss of the answer is not the provider that was asked")               \
    X(OIDC_CODE, "login.code", "the answer holds no code, or one that the provider refused")       \
    X(OIDC_UNREACHABLE, "login.unreachable", "the provider does not answer")                       \
    X(OIDC_ANSWER, "login.answer", "an answer of the provider is not what it must be")             \
    X(OIDC_TOKEN, "login.token", "the ID token did not verify")                                    \
    X(OIDC_NONCE, "login.nonce", "nonce of the ID token is not that of this log-in")               \
    X(OIDC_HASH, "login.hash", "at_hash or c_hash of the ID token is wrong")                       \
    X(OIDC_AUTH_TIME, "login.auth-time", "the sign-in is older than what was asked for")           \
    X(OIDC_ACR, "login.acr", "the sign-in is not of the class that was asked for")                 \
    X(OIDC_USERINFO, "login.userinfo", "userinfo is of another subject, or not to be read")        \
    X(OIDC_OTHER_PERSON, "login.other-person", "the refreshed ID token names somebody else")       \
    X(OIDC_GRANT_ENDED, "login.grant-ended", "the provider ended the grant: invalid_grant")

enum oidc_verdict {
#define X(id, code, text) id,
    OIDC_VERDICTS(X)
#undef X
        OIDC_VERDICT_COUNT
};
/* Stable code for the audit record and a sentence for operators. */
const char *oidc_verdict_code(enum oidc_verdict v);
const char *oidc_verdict_text(enum oidc_verdict v);

enum oidc_step {
    OIDC_FAILED = 0, /* oidc_flow_verdict says why */
    OIDC_FETCH,      /* send oidc_flow_fetch, then oidc_fetched */
    OIDC_REDIRECT,   /* send the browser to oidc_flow_url, then oidc_answered */
    OIDC_KEYS,       /* the ID token names an unknown key: fetch the JWKS, then oidc_keys */
    OIDC_DONE,
};

enum { OIDC_STATE_CHARS = 43 }; /* 32 random bytes, base64url */

struct oidc_flow;

/* What a log-in asks for beyond the usual. */
struct oidc_wish {
    int64_t max_age_s; /* step-up: the sign-in is at most so old; -1: no wish */
    str acr;           /* step-up: space separated acr_values, one must come back; or absent */
    str login_hint;    /* or absent */
    bool prompt_login; /* ask for the password even with a session at the provider */
};

struct oidc_fetch {
    str url, body, content_type, authorization, accept; /* body absent: GET */
    bool is_secret;                                     /* body and answer are never logged */
};

/* Random values come from the system. */
struct oidc_flow *oidc_login_create(const struct oidc_client *c, const struct oidc_provider *p,
                                    const struct oidc_wish *wish);
/* `subject` is the session's: an ID token of somebody else is OIDC_OTHER_PERSON. `claims`: those of
 * the session (JSON), kept where the answer holds no new ID token. */
struct oidc_flow *oidc_refresh_create(const struct oidc_client *c, const struct oidc_provider *p,
                                      str refresh_token, str subject, str claims);
void oidc_flow_destroy(struct oidc_flow **flow); /* wipes; takes NULL */

enum oidc_step oidc_begin(struct oidc_flow *f, const struct oidc_client *c,
                          const struct oidc_provider *p, int64_t now_s);
/* `status` 0: no answer. `keys` may be NULL. */
enum oidc_step oidc_fetched(struct oidc_flow *f, const struct oidc_client *c,
                            const struct oidc_provider *p, const struct keyset *keys, int status,
                            str content_type, str body, int64_t now_s);
/* The query of the redirect URI as it came, undecoded. Duplicate parameters fail. A flow takes one
 * answer: a second one is OIDC_STATE. */
enum oidc_step oidc_answered(struct oidc_flow *f, const struct oidc_client *c,
                             const struct oidc_provider *p, str query, int64_t now_s);
/* Once: still unknown is OIDC_FAILED. */
enum oidc_step oidc_keys(struct oidc_flow *f, const struct oidc_client *c,
                         const struct oidc_provider *p, const struct keyset *keys, int64_t now_s);

str oidc_flow_state(const struct oidc_flow *f); /* OIDC_STATE_CHARS */
str oidc_flow_url(const struct oidc_flow *f);
const struct oidc_fetch *oidc_flow_fetch(const struct oidc_flow *f);
enum oidc_verdict oidc_flow_verdict(const struct oidc_flow *f);
/* For the audit record: which check of the ID token failed, TOKEN_OK when none did. */
enum token_verdict oidc_flow_token_verdict(const struct oidc_flow *f);
/* `error` as the provider said it, control characters replaced; absent when it said none. */
str oidc_flow_error(const struct oidc_flow *f);

/* After OIDC_DONE. `refresh_token` is always the one to keep, also when a refresh failed half way:
 * the provider may have rotated it before. */
struct oidc_outcome {
    const struct identity *identity; /* of the flow; identity_ref to keep */
    str claims;                      /* JSON object: ID token, and userinfo's beside it */
    str id_token;                    /* for the provider's logout; secret; absent after a refresh
                                      * that brought no new one: keep the old */
    str refresh_token;               /* absent: none; secret */
    str sid;                         /* of the provider's session; may be absent */
};
const struct oidc_outcome *oidc_flow_outcome(const struct oidc_flow *f);

/* The `state` of a query without judging the rest; {NULL, 0} when absent, double or not of the
 * right form: to find the flow. */
str oidc_query_state(str query, struct arena *a);

/* ---- sessions' identities -----------------------------------------------------------------------
 */

/* The identity that stored claims describe, as token_verify would have made it, without signature
 * or times: they were verified when they were stored. NULL when the JSON is not what oidc_outcome
 * gave. kid is "session". */
struct identity *identity_from_claims(const struct issuer *issuer, str claims, struct fail *fail);

/* ---- logout -------------------------------------------------------------------------------------
 */

/* RP-Initiated Logout 1.0. The form to be POSTed, so that no token stands in a URL; name and value
 * in turn. Returns how many fields, at most OIDC_LOGOUT_FIELDS; 0: the provider has no such thing.
 */
struct oidc_field {
    str name, value;
};
enum { OIDC_LOGOUT_FIELDS = 4 };
size_t oidc_logout_fields(const struct oidc_client *c, const struct oidc_provider *p, str id_token,
                          str return_to, struct oidc_field out[OIDC_LOGOUT_FIELDS]);

/* Back-Channel Logout 1.0, section 2.6. The body of the POST (form) in, whom it is about out; texts
 * in the arena. The caller refuses a jti that was seen before. */
struct oidc_logout {
    str subject, sid; /* one may be absent */
    str jti;
    int64_t exp_s;
};
enum token_verdict oidc_logout_read(const struct oidc_client *c, const struct keyset *keys,
                                    str form, int64_t now_s, struct arena *a,
                                    struct oidc_logout *out);

#endif
