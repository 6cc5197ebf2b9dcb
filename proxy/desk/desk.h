/* desk: log-ins under way, and everything that an identity provider is asked; the face of this
 * folder.
 *
 * One a process, on the control thread's loop: it holds the transactions of log-ins (bounded, ten
 * minutes), does the IdP traffic (one refresh at a time for each session), runs the built-in
 * issuer, and makes and redeems the tickets that hand a session on to an app's host. Workers ask
 * from their threads and get the answer through `answered`. Log-in and logout records are written
 * here, before the session they speak of can be used: no record, no session. */
#ifndef PROXY_DESK_DESK_H
#define PROXY_DESK_DESK_H

#include "proxy/audit/audit.h"
#include "proxy/config/config.h"
#include "proxy/net/net.h"
#include "proxy/store/store.h"

struct desk;
struct credential;

/* 32 random bytes and a keyed tag, base64url: what a cookie of ours holds (session cookies, and the
 * binding of a log-in to a browser). */
enum { DESK_COOKIE_CHARS = 64 };

enum desk_kind {
    /* Begin a log-in: out DESK_REDIRECT, or DESK_CHOOSE when several issuers fit. */
    DESK_LOGIN = 1,
    /* The provider's answer came to the callback: out DESK_REDIRECT with `cookie`, or DESK_REFUSED.
     */
    DESK_CALLBACK,
    /* A session goes on to another host: out DESK_REDIRECT to its /.postern/back. Without one, whom
     * the front names goes on as he is: out DESK_REDIRECT to `to`. */
    DESK_HAND_ON,
    /* A ticket came to /.postern/back: out DESK_REDIRECT with `cookie`, or DESK_REFUSED. */
    DESK_REDEEM,
    /* End sessions: out DESK_DONE, with the provider's form in `fields` when there is one. */
    DESK_LOGOUT,
    DESK_BACKCHANNEL,  /* out DESK_DONE or DESK_REFUSED (400) */
    DESK_FRONTCHANNEL, /* out DESK_DONE or DESK_REFUSED */
    /* The built-in issuer: its authorization page asked for, its form sent. */
    DESK_BUILTIN_PAGE,     /* out DESK_FORM or DESK_REFUSED */
    DESK_BUILTIN_FORM,     /* out DESK_REDIRECT, DESK_FORM again with a reason, or DESK_REFUSED */
    DESK_BUILTIN_DOCUMENT, /* discovery and JWKS for whoever asks: out DESK_DOCUMENT */
    /* A device posts a posture document: out DESK_DONE or DESK_REFUSED. */
    DESK_POSTURE,
    /* Approvals and break-glass: asked, decided, opened, ended; out DESK_DONE or DESK_REFUSED. The
     * record is written and the notices queued before a grant opens. */
    DESK_GRANT,
    /* A purpose is stated for an app: out DESK_DONE. */
    DESK_PURPOSE,
    DESK_KIND_COUNT,
};

enum desk_answer {
    DESK_FAILED = 0, /* the store or the log cannot be written: 503 */
    DESK_REFUSED,    /* `reason`, `sentence` */
    DESK_REDIRECT,   /* `url`, and `cookie` when it is set */
    DESK_CHOOSE,     /* `choices` */
    DESK_FORM,       /* of the built-in issuer: `ticket`, `email`, `reason` */
    DESK_DOCUMENT,   /* `status`, `content_type`, `body` */
    DESK_DONE,
};

struct desk_choice {
    str name, title;
};
struct desk_field {
    str name, value;
};

/* One question and its answer: made by the asker on the heap (desk_ask_create), texts in its own
 * arena; belongs to the desk between desk_ask and `answered`, then to the asker again. */
struct desk_ask {
    struct arena arena;
    enum desk_kind kind;
    void (*answered)(
        struct desk_ask *ask); /* on the control thread: posts to the asker's mailbox */
    void *ctx;
    int64_t now_us; /* wall */

    /* Who asks: for records and throttles. */
    str request_id, agent;
    struct addr client;

    /* in */
    str issuer;                /* by name; absent: to be chosen */
    str app;                   /* that the person is on the way to; absent: the portal */
    str to;                    /* absolute URL of a known host, checked by the asker */
    str host;                  /* that a ticket or cookie is for */
    unsigned char bound[32];   /* SHA-256 of the binding cookie of the host where it ends */
    unsigned char browser[32]; /* SHA-256 of the portal's binding cookie */
    int64_t session;           /* of the person who asks, 0: none */
    struct credential *who;    /* without a session: whom the front names; NULL: nobody */
    int64_t step_up_age_s;     /* -1: no wish */
    str step_up_acr;           /* or absent */
    bool step_up_mfa;          /* without an acr: by what the issuer calls more than one factor */
    str login_hint;            /* or absent */
    str query, form;           /* as they came */
    str ticket, email, password, pin; /* secret: wiped with the ask */
    bool wants_pin;                   /* the form asks for a PIN to be mailed */
    bool everywhere;                  /* logout: all sessions of this person */
    str other;                        /* logout: the handle of another session of this person */
    str device_id, device_proof;      /* to bind the new session to; may be absent */
    /* DESK_GRANT */
    enum desk_grant_verb {
        DESK_GRANT_ASK = 1,
        DESK_GRANT_APPROVE,
        DESK_GRANT_REFUSE,
        DESK_GRANT_END,
        DESK_GRANT_BREAK_GLASS,
    } verb;
    int64_t grant; /* its id; 0: a new one, of `rule` and `app` */
    str rule, reason_text;
    str grant_issuer, grant_subject, grant_email; /* of the person who asks or decides */

    /* out */
    enum desk_answer answer;
    const char *reason; /* stable code: "login.state" */
    str sentence;       /* for the person; never which check of a token failed */
    str url;
    char cookie[DESK_COOKIE_CHARS + 1]; /* a session cookie for `host`; empty: none */
    char handle[17];                    /* of the session, for the record of the asker */
    uint32_t retry_after_s;
    struct desk_choice *choices;
    size_t n_choices;
    struct desk_field *fields; /* the provider's logout form, to `url` */
    size_t n_fields;
    int status; /* of a document, or of a refusal that has one of its own (429) */
    str content_type, body;
    bool is_open; /* the grant, after this */

    /* the desk's own */
    struct desk *desk;
};

struct desk_ask *desk_ask_create(enum desk_kind kind);
void desk_ask_destroy(struct desk_ask **ask); /* wipes; takes NULL */

struct desk_options {
    struct loop *loop; /* the control thread's */
    struct mailbox *mailbox;
    struct store *store;
    struct audit *audit;
    str node, boot;
    const struct keyring *cookie_keys, *issuer_keys; /* proxy/config/keyring.h */
    /* An ID token names a key that is not known: the keys are asked anew, desk_keys_answered
     * follows. */
    void (*need_keys)(void *ctx, size_t issuer, str kid);
    /* What leaves the house; control thread. NULL: it does not. `to` is an address, `channel` a
     * name of `notify:`. False: it cannot even be queued. */
    bool (*mail)(void *ctx, str to, str subject, str text);
    bool (*notify)(void *ctx, str channel, str subject, str text);
    /* A posture document that a device has posted: verified, kept; answers the ask itself. */
    void (*posture)(void *ctx, struct desk_ask *ask);
    void *ctx;
};

/* Control thread but for desk_ask. */
struct desk *desk_create(const struct desk_options *o, struct fail *f);
void desk_destroy(struct desk *d);
/* The snapshot in force (a reference is taken): issuers, keys, portal, users, limits. Sessions of
 * users who are gone or disabled end. */
void desk_configure(struct desk *d, struct snapshot *snapshot);
void desk_keys_answered(struct desk *d, size_t issuer);
/* After a rotation, instead of those of desk_options, which are not looked at any more. Log-ins
 * that are under way go on. */
void desk_set_keys(struct desk *d, const struct keyring *cookie, const struct keyring *issuer);
/* Any thread. */
void desk_ask(struct desk *d, struct desk_ask *ask);
/* Any thread: the claims of a session are older than they may be; at most one refresh at a time. */
void desk_refresh(struct desk *d, int64_t session);
/* What the store told; the records of sessions that ended are written here. */
void desk_store_changed(struct desk *d, const struct store_change *change);
/* The store is closed: whatever still needs it fails. */
void desk_store_gone(struct desk *d);
/* The key set of the built-in issuer, in the arena; {NULL, 0}: there is none. */
str desk_builtin_keys(struct desk *d, struct arena *a);
/* How many log-ins are under way, and tickets not yet redeemed. */
size_t desk_logins(const struct desk *d);
size_t desk_tickets(const struct desk *d);
/* Answers an ask; for those who answer in the desk's place. Control thread. */
void desk_answer(struct desk_ask *ask, enum desk_answer answer);
void desk_refuse(struct desk_ask *ask, const char *reason, str sentence);

#endif
