/* store: sessions, grants, purposes and what else must outlive the process; SQLite (WAL) on a
 * thread of its own. The face of this folder.
 *
 * Nobody but the store's thread touches the database. Others post work:
 *
 *     store_post(store, run, done, ctx);     run(db, ctx) on the store's thread, then done(ctx)
 *
 * still on that thread: done posts to the caller's mailbox. Inside `run` the functions below that
 * take `struct store_db *` are called; each is one transaction. What they change that others must
 * hear of is told through `changed`, on the store's thread, after the commit and before `done`: so
 * whoever gets both in one mailbox hears them in order, and a session that was read before it ended
 * is heard of as ended after.
 *
 * Another process may write too (`postern session revoke`): its revocations are found within a
 * tenth of a second and told the same way. A database that is locked for long, full or damaged
 * fails the operation (false, with a sentence): the caller refuses. */
#ifndef PROXY_STORE_STORE_H
#define PROXY_STORE_STORE_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/str.h"

struct store;
struct store_db;

/* ---- changes ----------------------------------------------------------------------------------
 */

enum store_change_kind {
    STORE_SESSION_ENDED = 1, /* of every worker and every long visit, now */
    STORE_SESSION_CHANGED,   /* claims, device, purpose: read it again */
    STORE_PERSON_CHANGED,    /* grants of (issuer, subject): read their sessions again */
};

struct store_change {
    enum store_change_kind kind;
    int64_t session;     /* 0 for a person */
    str issuer, subject; /* of the session, too */
    str handle;          /* of the session; absent for a person, or when it is not known */
    /* "logout", "backchannel", "administrator", "user-removed", "expired", "idle", "renewed",
     * "displaced", "grant" ...: of static storage. The texts above are good during the call only.
     */
    const char *why;
};

/* ---- life --------------------------------------------------------------------------------------
 */

/* Within the state folder. */
#define STORE_FILE "postern.db"

struct store_options {
    const char *path; /* state/postern.db; made when missing, 0600 */
    /* 32 bytes each, the newest first: seals refresh tokens (AES-256-GCM, random nonce). */
    const unsigned char (*seal_keys)[32];
    size_t n_seal_keys;
    void (*changed)(void *ctx, const struct store_change *change);
    void *ctx;
    int64_t (*wall_s)(void); /* NULL: the system's clock */
};

/* Opens, checks (format, a quick look at its integrity) and migrates, then starts the thread. NULL
 * with a whole sentence when it is damaged, newer than us or cannot be written. */
struct store *store_open(const struct store_options *o, struct fail *f);
/* Runs what is queued, closes, joins. NULL is fine. */
void store_close(struct store *s);
typedef void store_run_fn(struct store_db *db, void *ctx);
typedef void store_done_fn(void *ctx);
/* Any thread. False: too much is queued (4096) and neither is called. `done` may be NULL. */
__attribute__((warn_unused_result)) bool store_post(struct store *s, store_run_fn *run,
                                                    store_done_fn *done, void *ctx);
/* For commands, without a thread: the caller's thread is the store's. */
struct store_db *store_db_open(const struct store_options *o, bool may_write, struct fail *f);
void store_db_close(struct store_db *db);
int64_t store_now_s(const struct store_db *db);
/* After a rotation, in a `run`; at most 8. */
bool store_seal_keys(struct store_db *db, const unsigned char (*keys)[32], size_t n,
                     struct fail *f);

/* ---- sessions
 * ------------------------------------------------------------------------------------ */

enum {
    STORE_ID_BYTES = 32,
    STORE_PURPOSES = 64,              /* of one session, the newest */
    STORE_ASKED_S = 7 * 24 * 60 * 60, /* a question without its own expires_s ends unanswered */
};

/* A person's session on the portal; every host's cookie is a child of it. Keyed by (issuer,
 * subject), never by mail. */
struct store_session {
    int64_t id;      /* rising, never used again */
    char handle[16]; /* lower-case hex, what records and pages call it */
    str issuer_name; /* in our configuration */
    str issuer, subject;
    str email;         /* for lists alone; may be absent */
    str claims;        /* JSON, see identity_from_claims */
    str provider_sid;  /* may be absent */
    str refresh_token; /* opened; absent: none */
    str id_token;      /* opened; absent: none */
    int64_t created_s, seen_s;
    int64_t claims_s;   /* when claims were last fetched */
    int64_t ends_s;     /* absolute */
    str device_id;      /* it is bound to; absent: to none */
    str device_proof;   /* hex SHA-256 of the client's certificate; absent: none */
    str agent, address; /* at the log-in, for the person's own list */
    bool is_ended;
};

/* An open grant of this person: see policy_grant. */
enum store_grant_kind { STORE_GRANT_APPROVAL = 1, STORE_GRANT_BREAK_GLASS };
enum store_grant_state {
    STORE_GRANT_ASKED = 1,
    STORE_GRANT_OPEN,
    STORE_GRANT_REFUSED,
    STORE_GRANT_WITHDRAWN,
    STORE_GRANT_ENDED,
};
struct store_grant {
    int64_t id;
    enum store_grant_kind kind;
    enum store_grant_state state;
    str rule, rule_digest, app;
    str issuer, subject, email; /* of whom it is for */
    str purpose;                /* the stated reason */
    int64_t asked_s, decided_s, expires_s;
    int64_t valid_for_s;  /* from the approval */
    int64_t count_needed; /* approvers */
    str approvers;        /* JSON list of {issuer, subject, email, at} */
    str request_id;       /* of the visit that asked */
};
struct store_purpose {
    str app, text;
    int64_t stated_s;
};

/* Session, with what decisions need beside it. */
struct store_seen {
    struct store_session session;
    str host;                         /* the cookie's */
    const struct store_grant *grants; /* open ones of the person, all apps */
    size_t n_grants;
    const struct store_purpose *purposes; /* of the session */
    size_t n_purposes;
};

enum store_found { STORE_FAILED = 0, STORE_FOUND, STORE_ABSENT };

/* `in->id` and `handle` are made here. Of a person's sessions over 256 the oldest ends
 * ("displaced"). */
bool store_session_create(struct store_db *db, const struct store_session *in, int64_t *id_out,
                          struct fail *f);
/* The same with its first cookie, in one transaction: id and handle come to stand in `in`. */
bool store_session_open(struct store_db *db, struct store_session *in, const unsigned char hash[32],
                        str host, struct fail *f);
/* A cookie for a host: SHA-256 of its 32 bytes is kept, never the bytes. The newest 8 of a session
 * on a host are good. False for a session that has ended (FAIL_NOT_FOUND). */
bool store_cookie_add(struct store_db *db, int64_t session, const unsigned char hash[32], str host,
                      struct fail *f);
/* By a cookie's hash, for exactly this host. ABSENT: unknown, ended, or past `ends_s`. Texts in the
 * arena. */
enum store_found store_session_by_cookie(struct store_db *db, const unsigned char hash[32],
                                         str host, struct arena *a, struct store_seen *out,
                                         struct fail *f);
/* Ended ones and those past `ends_s` are ABSENT here too; `host` is absent. */
enum store_found store_session_by_id(struct store_db *db, int64_t id, struct arena *a,
                                     struct store_seen *out, struct fail *f);
/* seen_s only grows. */
struct store_touch {
    int64_t session, seen_s;
};
bool store_sessions_touch(struct store_db *db, const struct store_touch *items, size_t n,
                          struct fail *f);
/* After a refresh or a step-up: claims and claims_s; refresh_token, id_token, email and
 * provider_sid where they are given (absent: kept). Told as STORE_SESSION_CHANGED. These three are
 * false for a session that has ended (FAIL_NOT_FOUND). */
bool store_session_renew(struct store_db *db, int64_t id, const struct store_session *in,
                         struct fail *f);
bool store_session_bind(struct store_db *db, int64_t id, str device_id, str device_proof,
                        struct fail *f);
bool store_purpose_state(struct store_db *db, int64_t session, str app, str text, struct fail *f);

/* Whom to end; every member given must match, one at least must be given. */
struct store_match {
    int64_t session;
    str handle, issuer, subject, provider_sid, email;
    bool everybody;
    size_t most; /* of the end alone: no more than these in this call; 0: all */
};
/* Marks them ended, in one transaction; each is told as STORE_SESSION_ENDED. */
bool store_sessions_end(struct store_db *db, const struct store_match *m, const char *why,
                        size_t *n_out, struct fail *f);
/* The same for a notice that counts once (see store_once), with its mark in the same transaction: a
 * notice whose sessions could not be ended may come again. A replayed one ends nobody. */
struct store_mark {
    str what, value;
    int64_t expires_s;
};
bool store_sessions_end_once(struct store_db *db, const struct store_match *m, const char *why,
                             const struct store_mark *mark, bool *fresh_out, size_t *n_out,
                             struct fail *f);
/* Newest first, at most `most`; ended ones are left out. */
bool store_sessions_list(struct store_db *db, const struct store_match *m, size_t most,
                         struct arena *a, const struct store_session **out, size_t *n_out,
                         struct fail *f);
/* Whose sessions are open, one after the other in the order of their text; `after` is the one
 * before, {NULL, 0} for the first. ABSENT: there is no more. */
enum store_found store_subject_next(struct store_db *db, str issuer, str after, struct arena *a,
                                    str *out, struct fail *f);
/* Rows that ended or expired more than a day ago go; what passed `idle_s` (0: none does) or ends_s
 * ends and is told, grants too. Touch first: what workers have not told counts as idle. A few
 * thousand rows a call; true in *more_out: call again. */
bool store_sweep(struct store_db *db, int64_t idle_s, bool *more_out, struct fail *f);

/* ---- replay
 * ---------------------------------------------------------------------------------------- */

/* True in *fresh_out exactly once for (what, value) until expires_s (and two minutes, for clocks
 * that differ). */
bool store_once(struct store_db *db, str what, str value, int64_t expires_s, bool *fresh_out,
                struct fail *f);

/* ---- grants
 * ---------------------------------------------------------------------------------------- */

/* ASKED; the same open question of the same person (rule, rule_digest, app) is returned instead of
 * a second one. expires_s: when the question itself ends; 0: in STORE_ASKED_S. */
bool store_grant_ask(struct store_db *db, const struct store_grant *in, int64_t *id_out,
                     struct fail *f);
/* One more approver (JSON object); opens for valid_for_s when count_needed are there. FOUND with
 * the new row. ABSENT: no such question, decided already, or by the same approver. */
enum store_found store_grant_approve(struct store_db *db, int64_t id, str approver,
                                     str approver_key, struct arena *a, struct store_grant *out,
                                     struct fail *f);
enum store_found store_grant_close(struct store_db *db, int64_t id, enum store_grant_state state,
                                   struct arena *a, struct store_grant *out, struct fail *f);
/* OPEN at once, for break-glass; until expires_s, or for valid_for_s when that is 0. The same one
 * that is open already (person, rule, rule_digest, app) is returned instead of a second one. */
bool store_grant_open(struct store_db *db, const struct store_grant *in, int64_t *id_out,
                      struct fail *f);
/* Open and asked ones; {NULL, 0} of issuer and subject: of everybody. */
bool store_grants_list(struct store_db *db, str issuer, str subject, struct arena *a,
                       const struct store_grant **out, size_t *n_out, struct fail *f);
enum store_found store_grant_by_id(struct store_db *db, int64_t id, struct arena *a,
                                   struct store_grant *out, struct fail *f);

/* ---- posture documents that devices have posted
 * ------------------------------------------------------ */

bool store_posture_put(struct store_db *db, str device, str source, str facts_json, int64_t seen_s,
                       struct fail *f);
struct store_posture {
    str device, source, facts_json;
    int64_t seen_s;
};
bool store_postures_list(struct store_db *db, int64_t since_s, struct arena *a,
                         const struct store_posture **out, size_t *n_out, struct fail *f);

#endif
