/* gate: the one place where identity, device and request become policy facts, and where every way
 * in is decided and recorded; the face of this folder.
 *
 * One gate a worker; everything here runs on that worker's thread. A visit is one pass:
 *
 *     visit_begin  ->  visit_run: reserve, route, authenticate, decide, open  ->  visit_end
 *
 * visit_run may answer VISIT_WAITING; then `resumed` is called later with the outcome. A visit that
 * lasts (a WebSocket, a stream that still runs after 10 s) joins the table of long visits with
 * visit_stand: there it is decided again on every new snapshot and at `valid_until`, and `ended`
 * is called when it is no longer allowed. The zero value of every struct here refuses. */
#ifndef PROXY_GATE_GATE_H
#define PROXY_GATE_GATE_H

#include "proxy/audit/audit.h"
#include "proxy/config/config.h"
#include "proxy/gate/counters.h"
#include "proxy/gate/credential.h"
#include "proxy/gate/ends.h"
#include "proxy/gate/session.h"
#include "proxy/net/net.h"
#include "proxy/store/store.h"

struct gate;
struct visit;

/* ---- a request as rules, upstream and log see it ------------------------------------------ */

struct gate_request {
    str method, host;    /* host normalised */
    str path_raw, query; /* query without "?", {NULL, 0}: none */
    str path;            /* normal form, set by the route step */
    str authorization;   /* the field's value */
    str token;           /* X-Postern-Token: for apps that need Authorization themselves */
    str user_agent;
    str origin;                          /* of the page that asks; may be absent */
    str cookie;                          /* all Cookie fields, joined; may be absent */
    str assertion;                       /* the front's identity header; absent: none came */
    str asserted_name, asserted_picture; /* beside that of tailscale serve; may be absent */
    str sec_ch_ua, sec_ch_ua_platform, sec_ch_ua_platform_version; /* client hints */
    const struct gate_document *documents;                         /* posture documents */
    size_t n_documents;
    const struct gate_cert *cert; /* of the connection, or of a trusted front; NULL: none */
    /* Fills documents and client hints, and brings `cert` up to date with the CAs of now: called
     * when rules look at the device, also for a visit that lasts. May be NULL. */
    void (*tell_device)(struct visit *v);
    bool is_websocket;
    bool is_misdirected;         /* TLS: the Host does not belong to the certificate chosen; 421 */
    size_t listener;             /* in snapshot->listeners: its front tells who may assert what */
    struct addr client;          /* after trusted hops; family 0: unknown */
    uint16_t client_port;        /* of the connection, or of its PROXY header */
    struct addr peer;            /* the socket's other end */
    str front;                   /* "direct", "forwarded", "cloudflare" ... */
    str claimed;                 /* where from, by a header that is not believed; or absent */
    str tls_version, tls_cipher; /* absent in the clear */
    str tls_group;
    unsigned spoof_attempts; /* identity headers that were removed */
    const str *spoofed;      /* names of the first of them */
    size_t n_spoofed;
};

enum { SPOOFED_MAX = 8 };

/* A posture document that came with the request. */
struct gate_document {
    size_t source; /* in config->sources */
    str token;
};

/* A client certificate, verified once a connection. */
struct gate_cert {
    enum cert_verdict verdict;
    struct device_cert cert; /* CERT_OK */
};

/* ---- outcomes ----------------------------------------------------------------------------- */

enum visit_outcome {
    VISIT_REFUSED = 0, /* answer with `refusal` */
    VISIT_PERMITTED,   /* forward to visit->app */
    VISIT_WAITING,     /* `resumed` follows */
};

struct visit_refusal {
    uint16_t status;
    const char *reason; /* policy's reason code, or ours ("audit:unwritable") */
    str sentence, remedy;
    uint32_t retry_after_s;
    const struct policy_remedy *remedies; /* what pages offer; of rules whose scope is true */
    size_t n_remedies;
};

/* The order of the steps is the order of this list. */
enum visit_step {
    STEP_RESERVE = 0, /* room in the audit ring: no record, no access */
    STEP_ROUTE,       /* host -> app, path -> normal form */
    STEP_AUTHENTICATE,
    STEP_POSTURE, /* what is known of the device */
    STEP_GRANTS,  /* what is open for a person who has no session */
    STEP_DECIDE,
    STEP_OPEN, /* `sync: always`: the record is on disk before the upstream is dialled */
    STEP_COUNT,
};

enum visit_kind { VISIT_KIND_REQUEST = 0, VISIT_KIND_STREAM, VISIT_KIND_WEBSOCKET };

enum { VISIT_ID_CHARS = 32 };

/* What the store was asked of a cookie of this visit. */
enum visit_asked { ASKED_NOTHING = 0, ASKED_WAITING, ASKED_FOUND, ASKED_ABSENT, ASKED_FAILED };

struct gate_pin; /* a snapshot and how many visits of this worker judge by it */

struct visit {
    struct gate *gate;
    struct arena *arena;
    struct gate_request request;
    char id[VISIT_ID_CHARS]; /* request id: record, upstream and page carry it */

    struct gate_pin *pin;  /* NULL once the visit stands in the table */
    const struct app *app; /* of the pinned snapshot; NULL before the route step, and again
                            * once the visit stands */
    str app_name;
    struct path_rules path_rules; /* of the app, by which request.path was read */
    struct credential *who;       /* one reference; NULL: no identity */
    struct session *session;      /* one reference; NULL: `who` came by a token, or there is none */
    const char *session_cause;    /* why the session that came does not count; NULL: none came */
    enum visit_asked asked;
    enum visit_asked grants_asked;       /* of a person without a session */
    uint8_t asked_cookie, ruled_out;     /* by number, in the order of the Cookie field; a mask */
    struct session *found;               /* the store's answer; one reference */
    struct list_node asked_link;         /* of whom waits for the same answer */
    const struct policy_device *devices; /* reports, in the arena */
    size_t n_devices, n_told;            /* the first ones came with the request itself */
    str device_id;                       /* absent: nobody knows which one it is */
    const char *device_by;               /* what names it: "certificate", "posture" ... */
    const char *device_cause;            /* why something that came does not count; or NULL */
    str device_record;                   /* `"device":{...}`; absent: no rule looks at it */
    str grants_record; /* `"grants":[...],"purpose":"..."`; absent: nothing is open or stated */
    bool has_foreign_token;  /* a Bearer of an issuer that is not ours: it proved nothing */
    bool took_authorization; /* Authorization held a token of ours: it goes no further */
    bool is_asserted;        /* the front says who this is, rightly or not */
    bool is_public;
    enum token_verdict token; /* of the token that was refused, TOKEN_OK otherwise */
    struct policy_decision decision;
    const struct policy_decision *shadow; /* by the shadow policies, when it differs; or NULL */
    const char *reason;                   /* code; policy's or ours */
    bool is_own;                          /* of visit_own and visit_page: no rule is asked */
    bool is_page;                         /* of visit_page: who is there is asked */
    const str *causes;
    size_t n_causes;
    struct visit_refusal refusal;
    str policy_digest; /* those it was decided by, kept for the record */
    uint64_t policy_generation;

    enum visit_step step;
    enum visit_outcome outcome;
    void (*resumed)(struct visit *v); /* set before visit_run; outcome is in visit->outcome */
    struct list_node wait_link;       /* gate.waiting */
    struct deadline wait;
    int64_t wait_until_us; /* monotonic; 0: has not waited in this step */
    bool wait_is_over, has_asked_keys, has_asked_whois, waits_whois;
    size_t waits_issuer; /* whose keys it waits for, SIZE_MAX: none */
    uint64_t ticket;     /* of its open record, 0: none */

    size_t reserved;                       /* bytes in the audit ring */
    int64_t wall_us, start_us, decided_us; /* wall at the start; monotonic us */

    /* What it is connected to and what that was verified by: set before visit_stand, from then on
     * held against each new configuration. Absent: to nothing. */
    str upstream, upstream_tls, upstream_name;
    str trust, services_trust;     /* by which settings `who` was read out of a token */
    enum visit_kind kind;          /* set by visit_stand */
    struct list_node stand_link;   /* gate.standing */
    struct list_node session_link; /* session.standing */
    struct deadline again;         /* valid_until */
    void (*ended)(struct visit *v, enum visit_end why); /* of visit_stand */
};

/* What the record needs to know about how it went. */
struct visit_close {
    enum visit_end end;
    uint16_t status;
    uint64_t bytes_in, bytes_out; /* bodies */
    str upstream;                 /* as configured; absent: none was asked */
    struct addr upstream_addr;
    uint16_t upstream_status;
    int64_t connect_us, first_byte_us; /* -1: did not happen */
    bool upstream_reused;
    unsigned headers_left_out; /* identity headers that could not be carried */
};

/* ---- the gate ------------------------------------------------------------------------------ */

/* One question to the local Tailscale daemon; the gate's own. */
struct whois_key {
    struct addr addr;
    uint16_t port;
    size_t listener;
};
struct whois_ask {
    struct list_node link;
    struct gate *gate;
    struct whois_key key;
    char socket[108]; /* the daemon's, as large as sun_path */
    int status;       /* of the answer; 0: none */
    char *body;
    size_t n_body;
};
/* The answer, on the control thread; status 0: there was none. After it `ask` is the gate's. */
void whois_answered(struct whois_ask *ask, int status, str body);

struct gate_options {
    struct loop *loop;
    struct audit *audit;
    struct audit_ring *ring;
    struct counters *counters;
    str node, boot;
    unsigned worker;
    /* A token names a key that is not known: ask the control thread; the answer comes through
     * gate_keys_answered. Called on the worker's thread. */
    void (*need_keys)(void *ctx, size_t issuer, str kid);
    void *ctx;
    /* Sessions. `mailbox` is this worker's: the store's answers come by it. */
    struct store *store; /* NULL: there are none */
    struct mailbox *mailbox;
    const struct keyring *cookie_keys, *assertion_keys;
    /* The claims of a session are older than they may be: the control thread is asked to fetch them
     * anew. Called on the worker's thread, at most once a minute for a session. */
    void (*need_refresh)(void *ctx, int64_t session);
    /* Whose is a connection? The control thread asks the local daemon and calls whois_answered.
     * Called on the worker's thread; NULL: there is nobody to ask. */
    void (*need_whois)(void *ctx, struct whois_ask *ask);
};

/* Takes a reference of the snapshot. */
struct gate *gate_create(const struct gate_options *o, struct snapshot *snapshot);
/* After the last visit has ended and the store was closed. NULL is fine. */
void gate_destroy(struct gate *g);
/* New snapshot (takes the reference): visits that run keep theirs, standing ones are decided again
 * now. */
void gate_swap(struct gate *g, struct snapshot *snapshot);
/* The current one; valid until the next gate_swap. */
const struct snapshot *gate_snapshot(const struct gate *g);
/* The control thread has asked, or would not: visits that wait for this issuer go on. */
void gate_keys_answered(struct gate *g, size_t issuer);
/* The audit writer's `changed`: room, a durable record, or a writable journal again. */
void gate_audit_changed(struct gate *g);
/* Something in the store changed; on this worker's thread, in the order of the store. A session
 * that ended leaves the cache at once, and its long visits end with END_SESSION; one that changed
 * is read anew, and its long visits are decided again. */
void gate_store_changed(struct gate *g, enum store_change_kind kind, int64_t session, str issuer,
                        str subject);
/* What is known of devices, a table a source; NULL for one that knows nothing yet (takes the
 * references). Long visits are decided again. */
struct device_table;
void gate_set_devices(struct gate *g, struct device_table **tables, size_t n);
/* After a rotation, instead of those of gate_options, which are not looked at any more: what older
 * generations made stays good. */
void gate_set_keyrings(struct gate *g, const struct keyring *cookie,
                       const struct keyring *assertion);
/* Shutting down: the store is told who was seen, and `ended` with END_DRAIN for all that stand. */
void gate_end_all(struct gate *g, enum visit_end why);
size_t gate_standing(const struct gate *g);
/* The public keys that assertions are signed with, all generations: a JWK set. */
str gate_jwks(const struct gate *g);

/* ---- a visit ------------------------------------------------------------------------------- */

/* Zeroes and starts: id, times, snapshot. `request` is filled by the caller afterwards. Must be
 * ended with visit_end. */
void visit_begin(struct visit *v, struct gate *g, struct arena *a);
enum visit_outcome visit_run(struct visit *v);
/* Instead of visit_run, for what postern answers itself (a redirect, a preflight): nobody is let
 * through and no rule is asked, but there is no answer without room for its record either. Outcomes
 * as of visit_run; PERMITTED: answer it now. */
enum visit_outcome visit_own(struct visit *v, const char *reason);
/* The same for pages of ours, which must know who is there: the front's assertion is looked at,
 * then the session's cookie, and nothing else; v->who is set, and v->session when the person came
 * by that. A store that cannot be asked refuses. */
enum visit_outcome visit_page(struct visit *v, const char *reason);
/* What would be decided if this person asked for `GET path` of the app now: for the launcher, and
 * for pages that tell what is missing. No record. All in the visit's arena. */
struct gate_view {
    enum policy_effect effect;
    const char *reason;
    const struct policy_remedy *remedies;
    size_t n_remedies;
    const str *causes;
    size_t n_causes;
};
void visit_look(struct visit *v, const struct app *app, str path, struct gate_view *out);
/* What people call who has identified them in front of us: there they sign in again, and nowhere
 * here. Absent: they came by a session, by a token or not at all. */
str visit_front(const struct visit *v);
/* Whom a person who is known may ask about a refusal: the owner of the rule, else of the app.
 * Absent: nobody is named. The same on pages and for programs. */
str visit_contact(const struct visit *v);
/* The client sent something over a connection that lasts: it is not idle. */
void visit_touch(struct visit *v);
/* A request that was refused before it could be understood: the refusal is set by the caller, the
 * record still needs room. */
void visit_refuse_input(struct visit *v, uint16_t status, const char *reason, str sentence);
/* Writes the record and gives everything back. The visit may wait or stand: it leaves both. */
void visit_end(struct visit *v, const struct visit_close *close);
/* Joins the table: writes visit.start or request.open, lets go of the snapshot. False when the
 * table is full: the visit must end. `ended` may be called from any later event. A stream may
 * become a WebSocket by standing again. */
bool visit_stand(struct visit *v, enum visit_kind kind,
                 void (*ended)(struct visit *v, enum visit_end why));
/* The snapshot that this visit is judged by; NULL once it stands. */
const struct snapshot *visit_snapshot(const struct visit *v);
/* Identity headers of the app, in order, and the assertion when it wants one: name and value in
 * turn, good until the next event. Returns how many pairs; `left_out` counts the headers and claims
 * that could not be carried. */
struct visit_header {
    str name, value;
};
size_t visit_identity_headers(struct visit *v, const struct visit_header **out, unsigned *left_out);
/* CLOCK_MONOTONIC in microseconds, no system call. */
int64_t gate_now_us(void);

#endif
