/* authn: recognises people and programs. Bytes, keys and a time go in, a verdict goes out.
 *
 * No sockets, threads, clock or files: whoever owns those fetches, waits and passes the answer in.
 * Glossary: a *keyset* holds the public keys of one issuer, an *issuer* is what the configuration
 * says of it, a *token* is a compact JWS (RFC 7515), an *identity* is what a good token proved.
 * A zeroed verdict is TOKEN_INVALID: whatever goes wrong on the way refuses. */
#ifndef AUTHN_AUTHN_H
#define AUTHN_AUTHN_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/str.h"

enum {
    TOKEN_MAX_BYTES = 16 * 1024,   /* an Entra token with 200 groups fits */
    TOKEN_MAX_SUBJECT = 255,       /* OpenID Connect Core, section 2 */
    TOKEN_MAX_SKEW_S = 60,         /* how far ahead nbf and iat may be */
    KEYSET_MAX_BYTES = 256 * 1024, /* of one JWKS or discovery document */
    KEYSET_MAX_KEYS = 256,
    JWKS_KID_MAX_BYTES = 128, /* a longer kid fits no key that we keep */
};

/* ---- Algorithms ------------------------------------------------------------------------------
 * The whole list: "none" and HMAC are not compiled in. A set of algorithms is a mask of bits. */

enum token_alg {
    ALG_RS256,
    ALG_RS384,
    ALG_RS512,
    ALG_PS256,
    ALG_PS384,
    ALG_PS512,
    ALG_ES256,
    ALG_ES384,
    ALG_ES512,
    ALG_EDDSA,
    ALG_COUNT
};
#define ALG_BIT(alg) (1u << (alg))
/* What an issuer without `algs` accepts. */
#define ALG_DEFAULT (ALG_BIT(ALG_RS256) | ALG_BIT(ALG_ES256))

/* The name as in a header ("RS256"), compared exactly; false leaves *out alone. */
bool alg_from_name(str name, enum token_alg *out);
str alg_name(enum token_alg alg);

/* ---- Keys ------------------------------------------------------------------------------------
 * A keyset is immutable and shared by threads; its count is atomic. */

struct keyset;

/* Reads a JWK set (RFC 7517). A key that is weak, malformed or of an unknown kind is left out and
 * counted; a set without one usable key is a failure (NULL). */
struct keyset *keyset_parse(str json, struct fail *fail);
struct keyset *keyset_ref(const struct keyset *set);
/* Nulls *set; takes NULL. The last one frees the keys. */
void keyset_unref(struct keyset **set);
size_t keyset_count(const struct keyset *set);
size_t keyset_skipped(const struct keyset *set);
bool keyset_has_kid(const struct keyset *set, str kid);
/* The keys of `old` (may be NULL) and one more, a P-256 key in PEM: for issuers that publish each
 * key below its kid. At most KEYSET_PEM_MOST are kept, the oldest go. NULL: not such a key, or the
 * kid is there already. */
enum { KEYSET_PEM_MOST = 8 };
struct keyset *keyset_with_pem(const struct keyset *old, str kid, str pem, struct fail *fail);
/* True when both sets came from the same bytes: nothing has to be verified again. NULL is equal to
 * NULL alone. */
bool keyset_same(const struct keyset *a, const struct keyset *b);

/* ---- Issuers ---------------------------------------------------------------------------------
 * Plain data, filled by the configuration and constant from then on. */

struct issuer {
    str name;             /* in our configuration: "corp" */
    str issuer;           /* byte-equal to the claim `iss` */
    const str *audiences; /* one of them must be in `aud` */
    size_t n_audiences;
    const str *parties; /* who may be `azp` when `aud` has several; none: the audiences */
    size_t n_parties;
    unsigned algs;                /* mask of ALG_BIT; 0 refuses every token */
    bool wants_at_jwt;            /* access tokens carry typ at+jwt (RFC 9068), nothing else */
    bool trusted_email;           /* `email` counts without `email_verified` */
    str groups_claim;             /* absent: "groups" */
    str email_claim;              /* absent: "email" */
    const str *absent_means_none; /* claims that are always sent when there is something to send */
    size_t n_absent_means_none;
    const str *mfa_amr, *mfa_acr; /* any of them means more than one factor */
    size_t n_mfa_amr, n_mfa_acr;
    const uint64_t *rsa_exponents; /* besides 65537; always odd and at least 3 */
    size_t n_rsa_exponents;
    /* Present: a token whose `sub` is empty is of a service that this claim names (Cloudflare's
     * common_name). It is somebody only when an entry of `services:` matches. */
    str service_claim;
};

bool issuer_absent_means_none(const struct issuer *issuer, str claim);

/* ---- Identities ------------------------------------------------------------------------------ */

/* Unknown is its own answer: the fact is absent, of the wrong type or contradicted. */
enum id_fact { ID_UNKNOWN = 0, ID_FALSE, ID_TRUE };

enum claim_kind {
    CLAIM_NONE = 0,
    CLAIM_STRING, /* text: decoded */
    CLAIM_NUMBER, /* text: as written in the token */
    CLAIM_BOOL,   /* text: "true" or "false" */
    CLAIM_LIST,   /* items: scalars, or CLAIM_OTHER for what is none */
    CLAIM_OTHER,  /* null, an object, a list within a list: a type error for every rule */
};

struct claim_value {
    enum claim_kind kind;
    str text;
};

struct claim {
    str name;
    enum claim_kind kind;
    str text;
    const struct claim_value *items; /* CLAIM_LIST only */
    size_t n_items;
};

enum groups_state {
    GROUPS_ABSENT = 0, /* no such claim: unknown */
    GROUPS_KNOWN,      /* also known to be none */
    GROUPS_OVERAGE,    /* the token points elsewhere (_claim_names, hasgroups): unknown */
    GROUPS_MALFORMED,  /* not a list of strings: unknown */
};

/* What a good token proved. Constant after token_verify and identity_match_services, in one heap
 * block that holds every text. The count is plain: one thread (a worker) owns all references. */
struct identity {
    str issuer_name, issuer, subject;
    str email;                   /* as claimed, absent when none */
    enum id_fact email_verified; /* as claimed */
    bool email_counts;           /* verified, or of an issuer marked trusted; exactly one '@' */
    enum groups_state groups_state;
    const str *groups;
    size_t n_groups;
    const struct claim *claims; /* all top-level claims, in the order of the token */
    size_t n_claims;
    const str *amr;
    size_t n_amr;
    str acr;
    enum id_fact mfa; /* by the issuer's map */
    bool has_auth_time, has_iat, has_nbf;
    int64_t auth_time_s, iat_s, nbf_s, exp_s;
    str jti, sid, nonce, azp, kid;
    enum token_alg alg;
    bool is_machine;      /* matched an entry of `services:` */
    bool is_unsigned;     /* vouched for by a local daemon: kid and alg say nothing */
    bool is_service_only; /* nobody at all unless it is_machine: see issuer.service_claim */
    str service;          /* its name */

    unsigned refs;
    struct arena arena;
};

struct identity *identity_ref(struct identity *id);
/* Nulls *id; takes NULL. */
void identity_unref(struct identity **id);
/* NULL when absent. */
const struct claim *identity_claim(const struct identity *id, str name);
/* True when the absence of the claim says that there is nothing (absent_means_none): a rule that
 * asks for it is false, not unknown. Never true while the token points elsewhere for claims. */
bool identity_claim_is_none(const struct identity *id, const struct issuer *issuer, str name);
/* Bytes that the identity holds, for bounded caches and metrics. */
size_t identity_bytes(const struct identity *id);

/* One entry of `services:`; every claim named must match. A value that ends in '*' matches by its
 * beginning, any other by equal bytes; a list claim matches if one of its elements does. */
struct service_claim {
    str name, value;
};
struct service_match {
    str name;   /* of the service */
    str issuer; /* name of its issuer in the configuration */
    const struct service_claim *claims;
    size_t n_claims; /* 0 matches nothing */
};

/* Call once, right after token_verify. The first entry that matches makes it a machine, with known
 * empty groups unless the token carries the claim. True when one matched. */
bool identity_match_services(struct identity *id, const struct service_match *services, size_t n);

/* ---- Tokens ---------------------------------------------------------------------------------- */

#define TOKEN_VERDICTS(X)                                                                          \
    X(TOKEN_INVALID, "token.invalid", "the token could not be checked")                            \
    X(TOKEN_OK, "token.ok", "the token is good")                                                   \
    X(TOKEN_MALFORMED, "token.malformed", "the token is not a compact JWS of strict JSON")         \
    X(TOKEN_TOO_LONG, "token.too-long", "the token is longer than 16 KiB")                         \
    X(TOKEN_ALG, "token.alg", "the algorithm is not one that the issuer may use")                  \
    X(TOKEN_CRIT, "token.crit", "the header demands an extension (crit, b64, zip, nesting)")       \
    X(TOKEN_UNKNOWN_KID, "token.unknown-kid", "no key of the issuer has this kid")                 \
    X(TOKEN_AMBIGUOUS_KEY, "token.ambiguous-key", "more than one key of the issuer fits")          \
    X(TOKEN_KEY, "token.key", "the key does not fit the algorithm or is not allowed")              \
    X(TOKEN_SIGNATURE, "token.signature", "the signature is wrong")                                \
    X(TOKEN_ISSUER, "token.issuer", "iss is not the issuer")                                       \
    X(TOKEN_AUDIENCE, "token.audience", "aud does not name us")                                    \
    X(TOKEN_AZP, "token.azp", "aud names several and azp is not ours")                             \
    X(TOKEN_EXPIRED, "token.expired", "the token has expired")                                     \
    X(TOKEN_NO_EXPIRY, "token.no-expiry", "exp is missing or not a finite number")                 \
    X(TOKEN_NOT_YET, "token.not-yet", "nbf or iat is more than 60 s ahead")                        \
    X(TOKEN_TYP, "token.typ", "typ is not that of this kind of token")                             \
    X(TOKEN_SUBJECT, "token.subject", "sub is missing, empty, too long or not a string")           \
    X(TOKEN_CONTROL, "token.control", "a claim holds a control character")                         \
    X(TOKEN_CLAIM, "token.claim", "a registered claim is missing or has the wrong type")

enum token_verdict {
#define X(id, code, text) id,
    TOKEN_VERDICTS(X)
#undef X
        TOKEN_VERDICT_COUNT
};

/* Stable code for the audit record ("token.expired") and a sentence for operators. Neither is for
 * the client, who never learns which check failed. */
const char *token_verdict_code(enum token_verdict verdict);
const char *token_verdict_text(enum token_verdict verdict);

enum token_kind {
    TOKEN_KIND_ACCESS = 0, /* typ: at+jwt; unless the issuer wants it, also absent or JWT */
    TOKEN_KIND_ID,         /* typ: absent or JWT; iat required */
    TOKEN_KIND_LOGOUT,     /* typ: logout+jwt; iat required; sub or sid, no nonce */
    TOKEN_KIND_SET,        /* typ: secevent+jwt; iat required; sub may be absent */
};

/* Room that token_peek needs: the decoded header and payload of the longest token. */
enum { TOKEN_PEEK_BYTES = TOKEN_MAX_BYTES };

/* What a token says of itself, nothing of it proved: to choose the issuer, and to tell a Bearer of
 * ours from a foreign one. Texts point into the scratch. Allocates nothing. */
struct token_peek {
    str issuer; /* absent when there is no string `iss` */
    str kid;    /* absent when there is none */
};
/* False when it is not a JWS at all; then it is no token of ours. */
bool token_peek(str token, char scratch[TOKEN_PEEK_BYTES], struct token_peek *out);
/* The issuer alone; {NULL, 0} when there is none. */
str token_peek_issuer(str token, char scratch[TOKEN_PEEK_BYTES]);

/* The whole check. Only with TOKEN_OK *out is set, to an identity with one reference that the
 * caller owns. `keys` may be NULL (no keys yet): then TOKEN_UNKNOWN_KID. */
enum token_verdict token_verify(const struct issuer *issuer, const struct keyset *keys, str token,
                                enum token_kind kind, int64_t now_s, struct identity **out);
/* Form, header and signature alone; the payload may be any bytes. For public test vectors. */
enum token_verdict token_verify_signature(unsigned algs, const struct keyset *keys, str token);

/* ---- Proofs of fronts --------------------------------------------------------------------------
 */

/* X-Amzn-Oidc-Data of an AWS load balancer: `issuer->issuer` is its ARN, compared with the header's
 * `signer` before anything else; `issuer->audiences`, when there are any, are the header's
 * `client`. Its parts may be padded. The subject is the provider's, the issuer the load balancer.
 */
enum token_verdict alb_verify(const struct issuer *issuer, const struct keyset *keys, str token,
                              int64_t now_s, struct identity **out);
/* The kid, to ask for its key; nothing of it proved. */
bool alb_peek_kid(str token, char scratch[TOKEN_PEEK_BYTES], str *out);

/* Whom a Tailscale daemon names for an address (the answer to /localapi/v0/whois). */
enum { WHOIS_MAX_BYTES = 64 * 1024 };
enum whois_kind {
    WHOIS_NOBODY = 0, /* not to be read, or nobody's */
    WHOIS_PERSON,
    WHOIS_TAGGED,  /* a machine of the tailnet's administrators */
    WHOIS_SHARED,  /* of another tailnet */
    WHOIS_EXPIRED, /* its key is no longer good */
    WHOIS_ROUTED,  /* somebody behind a subnet router */
};
const char *whois_kind_word(enum whois_kind kind);
struct addr;
/* NULL: nobody. Those that are no person are is_service_only; claims: node, node_id, node_kind,
 * tags, and of a person email and name. */
struct identity *whois_read(const struct issuer *issuer, str json, const struct addr *asked,
                            int64_t now_s, int64_t expires_s, enum whois_kind *kind_out);
/* Whom `tailscale serve` names in its headers; name and picture may be absent. The subject is the
 * login name, which is the mail address too when it looks like one: verified for nobody, unless the
 * issuer's are trusted. NULL: no login name that could be somebody's. */
struct identity *whois_served(const struct issuer *issuer, str login, str name, str picture,
                              int64_t expires_s);

/* ---- The cache of verified tokens -------------------------------------------------------------
 * One per worker, one thread. Least recently used out first. A value is opaque and owned by the
 * cache from put on; `destroy` is called when it leaves. A value that is in use elsewhere is the
 * caller's matter (a count). */

struct token_cache;
struct token_key {
    unsigned char bytes[32];
};

typedef void token_cache_destroy_fn(void *value);

/* Memory grows with what is held, up to `capacity` entries; 0 remembers nothing. */
struct token_cache *token_cache_create(size_t capacity, token_cache_destroy_fn *destroy_value);
void token_cache_destroy(struct token_cache *cache);
/* SHA-256 of the token. Neither this nor a hit allocates or enters the kernel. */
struct token_key token_key_of(str token);
/* NULL when absent, expired, or of another generation. The first call with a new generation drops
 * everything: count it up whenever keys or issuers change. */
void *token_cache_get(struct token_cache *cache, const struct token_key *key, int64_t now_s,
                      uint64_t generation);
/* Takes value. Replaces an entry of the same key. What has expired already, or finds no capacity,
 * is destroyed at once. */
void token_cache_put(struct token_cache *cache, const struct token_key *key, void *value,
                     int64_t expires_s, int64_t now_s, uint64_t generation);
void token_cache_remove(struct token_cache *cache, const struct token_key *key);
size_t token_cache_count(const struct token_cache *cache);

/* ---- Where keys come from ---------------------------------------------------------------------
 * When to fetch an issuer's JWKS, without fetching: the owner (control thread) asks and tells.
 * Times are monotonic milliseconds.
 *
 *   for each wake-up:  if (jwks_source_due(s, now)) { jwks_source_begin(s); start a fetch; }
 *                      sleep until jwks_source_next_ms(s)
 *   on the answer:     jwks_source_fetched(...) or jwks_source_failed(...)
 *   on TOKEN_UNKNOWN_KID at a worker:  jwks_source_miss(...)
 * After each call that may change `keys`, compare `generation`. */

enum {
    JWKS_REFRESH_MS = 5 * 60 * 1000,     /* without Cache-Control */
    JWKS_REFRESH_MIN_MS = 60 * 1000,     /* max-age is honoured between these two */
    JWKS_REFRESH_MAX_MS = 5 * 60 * 1000, /* a withdrawn key lives no longer than this */
    JWKS_MISS_MS = 30 * 1000,            /* at most one fetch for unknown kids in this time */
    JWKS_RETRY_MIN_MS = 1000,
    JWKS_RETRY_MAX_MS = 60 * 1000,
    JWKS_STALE_MS = 24 * 60 * 60 * 1000, /* old keys serve while the issuer is down */
    JWKS_NEGATIVE = 64,                  /* kids remembered as unknown */
};

struct jwks_source {
    struct keyset *keys; /* NULL: none yet, or too old */
    uint64_t generation; /* counts up whenever `keys` changes */
    bool is_fetching;
    int64_t fetched_ms; /* last good answer */
    int64_t next_ms;    /* next fetch by plan */
    int64_t miss_ms;    /* last fetch that a kid asked for */
    bool has_missed;
    unsigned failures; /* in a row */
    struct {
        uint64_t hash;
        int64_t until_ms;
        bool is_pending; /* the fetch that it asked for is not back */
    } unknown[JWKS_NEGATIVE];
    size_t unknown_next;
};

enum jwks_miss {
    JWKS_MISS_REFUSE = 0, /* known to be unknown, or too soon: refuse the token now */
    JWKS_MISS_FETCH,      /* a fetch has begun: start it now; the visit waits for it */
    JWKS_MISS_WAIT,       /* a fetch is on its way; wait for it */
    JWKS_MISS_PRESENT,    /* the keys have it by now: verify again with source->keys */
};

void jwks_source_init(struct jwks_source *s, int64_t now_ms);
/* Drops the keys. */
void jwks_source_finish(struct jwks_source *s);
bool jwks_source_due(struct jwks_source *s, int64_t now_ms);
void jwks_source_begin(struct jwks_source *s);
/* The earliest time at which due may turn true or stale keys end; INT64_MAX during a fetch. */
int64_t jwks_source_next_ms(const struct jwks_source *s);
/* Takes keys. max_age_s as in Cache-Control; negative when it says nothing. */
void jwks_source_fetched(struct jwks_source *s, struct keyset *keys, int64_t max_age_s,
                         int64_t now_ms);
/* No answer, or one that is no JWKS. */
void jwks_source_failed(struct jwks_source *s, int64_t now_ms);
/* A token named this kid (absent: named none) and no key fits. */
enum jwks_miss jwks_source_miss(struct jwks_source *s, str kid, int64_t now_ms);
/* ---- Discovery --------------------------------------------------------------------------------
 */

struct discovery {
    str jwks_uri;
};
/* OpenID Connect Discovery 1.0, section 4.3: `issuer` in the document is byte-equal to ours, and
 * jwks_uri is https, or http to a loopback host. Texts are copied into the arena. */
bool discovery_parse(struct arena *a, str json, str issuer, struct discovery *out,
                     struct fail *fail);
/* ISSUER/.well-known/openid-configuration. */
str discovery_url(struct arena *a, str issuer);
/* https, or http to localhost, *.localhost, 127.0.0.0/8 or ::1; no userinfo, no fragment. */
bool fetch_url_allowed(str url);

/* The rest of the face: log-in, the issuer of our own, devices. */
#include "authn/builtin.h"
#include "authn/device.h"
#include "authn/device_table.h"
#include "authn/oidc.h"

#endif
