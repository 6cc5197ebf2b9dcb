/* builtin: an OpenID provider of our own for people without one. The same protocol as any issuer,
 * answered in process; only the browser's leg is HTTP. No I/O, no threads: bytes and a time in,
 * answers out. Owner: the desk, one thread; the password check alone is pure and may run on any.
 *
 * Users are a YAML file, edited by hand or by `postern user`:
 *
 *     version: 1
 *     users:
 *       kim@acme.example: {password: "$scrypt$...", groups: [contractors], claims: {company: Acme}}
 *       eva@corp.example: {pin: true, name: Eva, disabled: true}
 */
#ifndef AUTHN_BUILTIN_H
#define AUTHN_BUILTIN_H

#include "authn/authn.h"
#include "base/addr.h"
#include "base/doc.h"

/* ---- users ------------------------------------------------------------------------------------
 */

struct builtin_user {
    str email;    /* ASCII lower-case; the key */
    str subject;  /* stable; the file's `subject`, else derived from the address */
    str name;     /* may be absent */
    str password; /* scrypt in PHC form; absent: by PIN alone */
    bool takes_pin, is_disabled;
    const str *groups;
    size_t n_groups;
    const struct doc_node *claims; /* a mapping, or NULL */
    const struct doc_node *at;
};

/* Immutable; atomic count. */
struct builtin_users;
/* NULL when there is any error; findings say what and where. */
struct builtin_users *builtin_users_parse(const struct doc_file *file, struct findings *f);
struct builtin_users *builtin_users_ref(const struct builtin_users *u);
void builtin_users_unref(struct builtin_users **u);
size_t builtin_users_count(const struct builtin_users *u);
const struct builtin_user *builtin_users_at(const struct builtin_users *u, size_t i);
/* local@domain, ASCII, unquoted: what may be a user's address, and become an SMTP recipient. */
bool builtin_email_is_sound(str s);
/* NULL: no such user. A disabled one is found. */
const struct builtin_user *builtin_users_find(const struct builtin_users *u, str email);
const struct builtin_user *builtin_users_by_subject(const struct builtin_users *u, str subject);

/* ---- passwords ---------------------------------------------------------------------------------
 */

/* scrypt N=2^15, r=8, p=1: about 70 ms. Any thread. */
enum { PASSWORD_MIN_CHARS = 10, PASSWORD_MAX_BYTES = 1024, PASSWORD_HASH_MAX = 160 };
bool password_hash(str password, char out[PASSWORD_HASH_MAX], struct fail *fail);
/* Constant time for equal parameters. False on any doubt. */
bool password_check(str hash, str password);
/* The same work for a user that does not exist, so that nobody learns who does. */
void password_check_nobody(str password);

/* ---- the provider
 * -------------------------------------------------------------------------------- */

struct builtin;
struct builtin_options {
    str issuer;                  /* "https://access.corp.example/.postern/issuer" */
    str client_id, redirect_uri; /* ours, the only client */
    const str *key_pems;         /* P-256 private keys; the first signs, the others are published */
    size_t n_keys;
};
struct builtin *builtin_create(const struct builtin_options *o, struct fail *fail);
void builtin_destroy(struct builtin **b);
/* After a rotation: what is under way goes on. False: one of them cannot be read, and the old ones
 * stay. */
bool builtin_set_keys(struct builtin *b, const str *pems, size_t n, struct fail *fail);
/* Takes a reference. NULL: nobody. */
void builtin_set_users(struct builtin *b, const struct builtin_users *users);

/* A fetch of ours to a URL below `issuer`: discovery, JWKS, token. Status and body in the arena. A
 * body is a POST. The token endpoint is for this process: it is not to be served over HTTP. */
struct builtin_answer {
    int status;
    str content_type, body;
};
bool builtin_owns(const struct builtin *b, str url);
void builtin_fetch(struct builtin *b, str url, str body, str authorization, int64_t now_s,
                   struct arena *a, struct builtin_answer *out);

/* The browser's leg. An authorization request is checked once and kept as a ticket (one-time,
 * 10 min, bounded), which the form carries. */
enum {
    BUILTIN_TICKET_CHARS = 43,
    BUILTIN_PIN_DIGITS = 8,
    BUILTIN_PIN_S = 600,
    BUILTIN_REFRESH_S = 30 * 86400, /* of a refresh token: keys are kept so long after a rotation */
};
#define BUILTIN_VERDICTS(X)                                                                        \
    X(BUILTIN_REFUSED, "builtin.refused", "the name or the password is wrong")                     \
    X(BUILTIN_OK, "builtin.ok", "the person is who he says")                                       \
    X(BUILTIN_REQUEST, "builtin.request", "the request is not one of ours")                        \
    X(BUILTIN_TICKET, "builtin.ticket", "the form is too old or was used")                         \
    X(BUILTIN_THROTTLED, "builtin.throttled", "too many attempts")                                 \
    X(BUILTIN_DISABLED, "builtin.disabled", "the account is disabled")                             \
    X(BUILTIN_PIN, "builtin.pin", "the PIN is wrong or too old")
enum builtin_verdict {
#define X(id, code, text) id,
    BUILTIN_VERDICTS(X)
#undef X
        BUILTIN_VERDICT_COUNT
};
const char *builtin_verdict_code(enum builtin_verdict v);
const char *builtin_verdict_text(enum builtin_verdict v);

/* `query` of the authorization endpoint; `from` may be NULL: a network (a /64 of IPv6) holds an
 * eighth of all tickets at most. BUILTIN_OK: *ticket_out is set. */
enum builtin_verdict builtin_authorize(struct builtin *b, str query, const struct addr *from,
                                       int64_t now_s, char ticket_out[BUILTIN_TICKET_CHARS]);
/* The login_hint that the request behind a ticket carried; absent when none or no such ticket. */
str builtin_ticket_hint(struct builtin *b, str ticket);
/* May this attempt be made? Throttled per account and per address, and counted at once, so that a
 * hundred at the same time are counted too. BUILTIN_OK: check the password (any thread; hold the
 * users while it runs) and say how it went: builtin_grant or builtin_attempt_failed. *user_out
 * NULL: nobody who has a password, so password_check_nobody. A disabled user learns that he is from
 * builtin_grant, after his password was right. */
enum builtin_verdict builtin_attempt(struct builtin *b, str ticket, str email,
                                     const struct addr *from, int64_t now_s,
                                     const struct builtin_user **user_out);
void builtin_attempt_failed(struct builtin *b, str email, const struct addr *from, int64_t now_s);
/* A fresh PIN for a user who takes one, to be mailed to his address. Asked for somebody who does
 * not exist or takes none, nothing is made and the answer is the same: BUILTIN_OK, pin_out[0] 0. */
enum builtin_verdict builtin_pin_make(struct builtin *b, str ticket, str email,
                                      const struct addr *from, int64_t now_s,
                                      char pin_out[BUILTIN_PIN_DIGITS + 1]);
/* One try a wrong digit, five in all, then it is dead. */
enum builtin_verdict builtin_pin_check(struct builtin *b, str ticket, str email, str pin,
                                       const struct addr *from, int64_t now_s,
                                       const struct builtin_user **user_out);
/* The person proved himself (amr "pwd" or "otp"): the ticket is used up; *url_out, in the arena, is
 * the redirect URI with code, state and iss. A user who is gone since, or has another password, is
 * BUILTIN_REFUSED. */
enum builtin_verdict builtin_grant(struct builtin *b, str ticket, const struct builtin_user *user,
                                   str amr, int64_t now_s, struct arena *a, str *url_out);
/* Seconds until the next attempt is let through, after BUILTIN_THROTTLED. */
uint32_t builtin_retry_s(const struct builtin *b, str email, const struct addr *from,
                         int64_t now_s);

#endif
