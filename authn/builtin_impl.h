/* The built-in issuer inside: see builtin.h for what it is.
 *
 * Glossary: a *ticket* stands for an authorization request that was checked, from the first look at
 * the form until the person has proved himself; a *code* is what the browser then carries to our
 * own call-back. Both are 32 random bytes; here only their SHA-256 is kept, so that looking one up
 * compares nothing that a client could learn by its time. */
#ifndef AUTHN_BUILTIN_IMPL_H
#define AUTHN_BUILTIN_IMPL_H

#include <openssl/evp.h>

#include "authn/builtin.h"
#include "authn/throttle.h"
#include "base/jout.h"
#include "base/schema.h"

enum {
    BUILTIN_TICKETS = 4096, /* then the oldest goes */
    BUILTIN_TICKET_S = 600,
    BUILTIN_CODES = 1024,
    BUILTIN_CODE_S = 60,
    BUILTIN_PIN_TRIES = 5,
    BUILTIN_ID_TOKEN_S = 600,
    BUILTIN_TOKEN_BYTES = 32, /* of a ticket, a code, an access token */
    BUILTIN_TOKEN_CHARS = 43,
    BUILTIN_DIGEST = 32,    /* SHA-256 */
    BUILTIN_TEXT_MAX = 512, /* of state, nonce and login_hint */
};

struct builtin_key {
    EVP_PKEY *pkey;
    char *pem; /* secret */
    size_t n_pem;
    char x[BUILTIN_TOKEN_CHARS + 1], y[BUILTIN_TOKEN_CHARS + 1];
    char kid[BUILTIN_TOKEN_CHARS + 1]; /* RFC 7638 */
};

struct builtin_ticket {
    int64_t made_s; /* 0: free */
    unsigned char digest[BUILTIN_DIGEST];
    uint64_t made_from; /* network of whoever asked */
    char *texts;        /* heap: the three below */
    str state, nonce, hint;
    char challenge[BUILTIN_TOKEN_CHARS];
    bool is_charged; /* the throttle of addresses counts an attempt of it, from: */
    uint64_t from;
    int64_t pin_made_s; /* 0: none was asked for */
    unsigned pin_tries;
    bool has_pin;
    unsigned char pin[BUILTIN_DIGEST]; /* of ticket, address and PIN */
};

struct builtin_code {
    int64_t made_s; /* 0: free */
    unsigned char digest[BUILTIN_DIGEST];
    char *texts; /* heap: the two below */
    str subject, nonce;
    char challenge[BUILTIN_TOKEN_CHARS];
    char amr[8];
};

struct builtin_keys {
    struct builtin_key *keys; /* the first signs */
    size_t n;
    struct arena arena; /* of jwks */
    str jwks;
    struct keyset *keyset; /* the same keys, to check our refresh tokens with */
};

struct builtin {
    struct arena arena; /* texts of the options */
    str issuer, client_id, redirect_uri;
    str token_audience; /* of refresh tokens: nobody else takes one */
    struct builtin_keys keys;
    struct builtin_users *users;
    struct builtin_ticket *tickets;
    struct builtin_code *codes;
    size_t next_ticket, next_code; /* rings: the oldest goes first */
    struct throttle accounts, addresses, mails;
};

/* --- keys, tokens --- */

bool builtin_key_read(struct builtin_key *key, str pem, struct fail *fail);
void builtin_key_finish(struct builtin_key *key);
str builtin_keys_json(const struct builtin_key *keys, size_t n, struct arena *a);
/* A compact JWS of this payload by libjwt, ES256 with the first key; {NULL, 0} when it cannot.
 */
str builtin_sign(const struct builtin *b, str payload, struct arena *a);
/* Members of an object: `groups`, and what the file says beyond. */
void builtin_write_claims(struct jout *j, const struct builtin_user *user);
void builtin_token(struct builtin *b, str form, str authorization, int64_t now_s, struct arena *a,
                   struct builtin_answer *out);
struct builtin_refresh {
    const struct builtin_user *user;
    str amr; /* one of them */
    int64_t auth_time_s;
};
str builtin_refresh_make(const struct builtin *b, const struct builtin_user *user, str amr,
                         int64_t auth_time_s, int64_t now_s, struct arena *a);
/* False: invalid_grant. */
bool builtin_refresh_read(const struct builtin *b, str token, int64_t now_s, struct arena *a,
                          struct builtin_refresh *out);

/* --- tickets and codes --- */

/* 32 random bytes as text, and what is kept of it. */
void builtin_random(char out[BUILTIN_TOKEN_CHARS], unsigned char digest[BUILTIN_DIGEST]);
void builtin_digest(str text, unsigned char out[BUILTIN_DIGEST]);
/* NULL: none, too old, or used. */
struct builtin_ticket *builtin_ticket_find(struct builtin *b, str ticket, int64_t now_s);
void builtin_ticket_drop(struct builtin_ticket *t);
/* Within [made, made + life), with a minute for a clock that was set back. */
bool builtin_is_fresh(int64_t made_s, int64_t life_s, int64_t now_s);
void builtin_code_make(struct builtin *b, const struct builtin_ticket *t,
                       const struct builtin_user *user, str amr, int64_t now_s,
                       char out[BUILTIN_TOKEN_CHARS]);
/* Taken out whatever follows: a code is tried once. NULL: none or too old; else to be dropped. */
struct builtin_code *builtin_code_take(struct builtin *b, str code, int64_t now_s);
void builtin_code_drop(struct builtin_code *c);

/* --- throttles --- */

uint64_t builtin_account_key(str email);
uint64_t builtin_address_key(const struct addr *from);
/* BUILTIN_OK: counted. */
enum builtin_verdict builtin_charge(struct builtin *b, struct builtin_ticket *t, str email,
                                    const struct addr *from, int64_t now_s);

/* --- users --- */

extern const struct schema_type builtin_users_type;

#endif
