/* desk_impl: the parts of the desk, for the files of this folder. Control thread only.
 *
 * Glossary: an *ask* is a worker's question, a *login* one way of one browser to a provider and
 * back, a *flow* the talk with the provider (of a login or a refresh), a *ticket* hands a session
 * on to an app's host, *work* is something for the store's thread. */
#ifndef PROXY_DESK_DESK_IMPL_H
#define PROXY_DESK_DESK_IMPL_H

#include "proxy/config/keyring.h"
#include "proxy/desk/desk.h"
#include "proxy/gate/gate.h"

#include "base/jout.h"
#include "base/list.h"

enum {
    SHA256_BYTES = 32,
    LOGIN_BUCKETS = 1024,
    LOOP_MOST = 3,
    LOOP_WITHIN_MS = 2 * 60 * 1000,
    TICKET_CHARS = 43, /* base64url of 32 random bytes */
    TICKET_LIFE_MS = 60 * 1000,
    SWEEP_MS = 5 * 1000,
};

/* ---- work on the store's thread (work.c) ------------------------------------------------------
 */

struct desk_work {
    struct desk *desk;
    /* On the store's thread: true, or false with the sentence. */
    bool (*run)(struct store_db *db, struct desk_work *w, struct fail *f);
    void (*done)(struct desk_work *w); /* on ours; frees */
    bool is_good;
    struct fail fail;
};
/* `done` is always called, at once when the store takes nothing more: the last thing to do. */
void work_post(struct desk *d, struct desk_work *w);

/* ---- what a provider says of itself (provider.c) -----------------------------------------------
 */

struct provider {
    struct desk *desk;
    struct arena names, arena; /* of the texts here; of the document */
    str issuer, url, ca;
    struct oidc_provider doc;
    bool is_known, is_builtin, has_failed;
    int64_t fetched_ms, failed_ms;
    struct fetch *fetch;
    struct list_node waiters; /* provider_wait::link */
};
struct provider_wait {
    struct list_node link;
    void (*ready)(struct provider_wait *w, bool is_known);
};
enum provider_state { PROVIDER_FAILED = 0, PROVIDER_READY, PROVIDER_WAITING };

struct provider *provider_create(struct desk *d, const struct config_issuer *issuer);
bool provider_fits(const struct provider *p, const struct config_issuer *issuer);
void provider_destroy(struct provider **p); /* waiters hear that it is not known */
/* READY: p->doc may be used now, stale or not. WAITING: w->ready follows. */
enum provider_state provider_want(struct provider *p, struct provider_wait *w);
void provider_forget(struct provider_wait *w);

/* ---- the issuers that people sign in at (issuers.c) --------------------------------------------
 */

struct desk_issuer {
    size_t index; /* in config->issuers */
    const struct config_issuer *config;
    struct oidc_client client;
    struct oidc_key *key;
    char *secret;
    enum client_auth auth;
    struct provider *provider;
    int64_t warned_ms; /* of an error that its provider answered with; 0: never */
};
bool issuers_configure(struct desk *d, const struct config *old);
void issuers_finish(struct desk *d);
struct desk_issuer *issuer_named(struct desk *d, str name);
/* By `iss`. */
struct desk_issuer *issuer_by_iss(struct desk *d, str iss);
/* The client as this provider takes it. */
const struct oidc_client *issuer_client(struct desk_issuer *i);
const struct keyset *issuer_keys(struct desk *d, const struct desk_issuer *i);
bool issuer_is_offered(const struct config_issuer *i, str app);

/* ---- talk with a provider (flow.c) -------------------------------------------------------------
 */

struct flow {
    struct desk *desk;
    struct oidc_flow *oidc;
    str issuer; /* by name: the configuration may change under way */
    struct fetch *fetch;
    struct list_node keys_link;                        /* desk.key_waits */
    struct provider_wait waiting;                      /* for the document */
    void (*begin)(struct flow *f);                     /* the document is there: makes `oidc` */
    void (*over)(struct flow *f, enum oidc_step step); /* OIDC_REDIRECT, OIDC_DONE, OIDC_FAILED */
};
/* Waits for the provider's document, then begins. */
void flow_start(struct flow *f, struct desk *d, str issuer);
void flow_answered(struct flow *f, str query);
/* Cancels what is under way. */
void flow_finish(struct flow *f);
void flow_keys_answered(struct desk *d, str issuer);
/* For who has no talk of his own and waits for the keys alone: `over` is told OIDC_KEYS. */
void flow_want_keys(struct flow *f, struct desk *d, str issuer);
enum oidc_verdict flow_verdict(const struct flow *f);

/* ---- log-ins (login.c) -------------------------------------------------------------------------
 */

enum login_phase {
    LOGIN_BEGINS = 1, /* the provider is asked for its document, or takes a pushed request */
    LOGIN_AWAY,       /* the browser is at the provider */
    LOGIN_BACK,       /* the code is redeemed */
    LOGIN_OVER,       /* kept to know a second answer, and loops */
};

struct login {
    struct list_node link;   /* desk.logins, oldest first */
    struct list_node bucket; /* desk.login_buckets; by state */
    struct flow flow;
    struct desk *desk;
    struct arena arena;
    char block[768]; /* of the arena */
    enum login_phase phase;
    char state[OIDC_STATE_CHARS];
    unsigned char browser[SHA256_BYTES], bound[SHA256_BYTES];
    str issuer, to, host, app, acr, hint;
    int64_t max_age_s;
    bool is_step_up;
    int64_t since_ms;
    struct addr from;     /* network of whoever began it */
    struct desk_ask *ask; /* that it works for now */
};

void login_begin(struct desk *d, struct desk_ask *ask);
void login_callback(struct desk *d, struct desk_ask *ask);
/* The newest that is at the provider, of this browser; NULL: none. */
const struct login *login_of(struct desk *d, const unsigned char browser[SHA256_BYTES]);
void login_sweep(struct desk *d, int64_t now_ms);
void logins_finish(struct desk *d);

/* A session for who has signed in (opening.c). Takes what it needs of the login and its outcome,
 * answers the ask. */
void opening_begin(struct login *l, const struct oidc_outcome *outcome);

/* ---- the tickets (ticket.c) --------------------------------------------------------------------
 */

struct ticket {
    struct list_node link; /* desk.tickets, oldest first */
    unsigned char hash[SHA256_BYTES], bound[SHA256_BYTES];
    int64_t session, since_ms;
    char *host, *to;
};
/* The way to /.postern/back of the host of `to`, in the arena. */
str ticket_make(struct desk *d, struct arena *a, int64_t session, str host, str to,
                const unsigned char bound[SHA256_BYTES]);
void ticket_hand_on(struct desk *d, struct desk_ask *ask);
void ticket_redeem(struct desk *d, struct desk_ask *ask);
void ticket_sweep(struct desk *d, int64_t now_ms);
void tickets_finish(struct desk *d);

/* ---- loops (loops.c) ---------------------------------------------------------------------------
 */

/* How often a browser was sent on to one place lately, by a hash of both. */
struct loops {
    struct loop_mark {
        uint64_t what;
        int64_t at_ms;
    } marks[4096]; /* a ring: the oldest is overwritten */
    size_t next;
};
/* True when it was sent there LOOP_MOST times within two minutes; else it counts as one more. */
bool loops_found(struct loops *l, const unsigned char browser[SHA256_BYTES], str to,
                 int64_t now_ms);

/* ---- the rest ----------------------------------------------------------------------------------
 */

void refresh_begin(struct desk *d, int64_t session);
void refreshes_finish(struct desk *d);

void logout_begin(struct desk *d, struct desk_ask *ask);
void logout_backchannel(struct desk *d, struct desk_ask *ask);
void logout_frontchannel(struct desk *d, struct desk_ask *ask);
/* Notices that wait for keys are refused. */
void notices_finish(struct desk *d);
/* Ends what matches, without anybody waiting for it. */
void sessions_end(struct desk *d, const struct store_match *m, const char *why);
/* Sessions of users of the built-in issuer who are gone or disabled end. */
void sessions_of_users_gone(struct desk *d);

void builtin_desk_page(struct desk *d, struct desk_ask *ask);
void builtin_desk_form(struct desk *d, struct desk_ask *ask);
void builtin_desk_document(struct desk *d, struct desk_ask *ask);
bool builtin_desk_configure(struct desk *d);
void builtin_desk_keys(struct desk *d);
void builtin_desk_finish(struct desk *d);

void grants_ask(struct desk *d, struct desk_ask *ask);
void purpose_ask(struct desk *d, struct desk_ask *ask);
/* Open grants whose end is to be recorded (endings.c). */
void endings_read(struct desk *d);
void endings_watch(struct desk *d, const struct store_grant *g);
void endings_forget(struct desk *d, int64_t grant);
void endings_sweep(struct desk *d);
void endings_finish(struct desk *d);
/* The store forgets what is over. */
void sweep_store(struct desk *d);

struct check; /* builtin_desk.c */

struct desk {
    struct desk_options options;
    struct store *store; /* NULL once it is closed */
    struct snapshot *snapshot;
    struct fetcher *fetcher;
    struct desk_issuer *issuers;
    size_t n_issuers;
    struct list_node key_waits; /* flow::keys_link */
    struct list_node logins, login_buckets[LOGIN_BUCKETS];
    size_t n_logins;
    struct list_node tickets;
    size_t n_tickets;
    struct loops loops;
    struct list_node refreshes; /* refresh::link */
    size_t n_refreshes;
    struct builtin *builtin;
    char *builtin_made_of;             /* issuer, client and redirect URI */
    const struct builtin_users *users; /* those that sessions were last held against */
    struct list_node checks;           /* check::link; that run, then that wait */
    size_t n_checks, n_checking;
    struct list_node open_grants; /* ending_grant::link */
    size_t n_open_grants;
    struct list_node breaking; /* granting::link: glass that is being broken (grants.c) */
    struct deadline sweep;
    int64_t swept_ms; /* the store; 0: not yet */
    bool is_sweeping;
};

static inline const struct config *desk_config(const struct desk *d)
{
    return d->snapshot->config;
}
static inline int64_t desk_now_ms(const struct desk *d)
{
    return loop_now_ms(d->options.loop);
}
static inline int64_t desk_now_s(const struct desk *d)
{
    return loop_wall_us(d->options.loop) / 1000000;
}

/* DESK_FAILED: the store or the log. `f` is told to operators. */
void desk_fail(struct desk_ask *ask, const char *reason, const struct fail *f);
void sha256_of(str s, unsigned char out[SHA256_BYTES]);

/* ---- records (entry.c) ----------------------------------------------------------------------- */

struct entry {
    struct jout j;
    struct desk *desk;
    char text[16 * 1024];
};
/* `ask` may be NULL: nobody asked. */
void entry_open(struct entry *r, struct desk *d, str kind, const struct desk_ask *ask);
void entry_text(struct entry *r, str name, str value); /* left out when absent; cut */
void entry_grant(struct entry *r, const struct store_grant *x);
/* False: it is not written. */
bool entry_close(struct entry *r);
/* identity and auth of who signed in, as in records of visits; heap, free it. */
char *entry_credential(const struct credential *c);
char *entry_identity(const struct identity *id, const struct issuer *issuer);
/* A log-in that failed, in one. */
void entry_login_failed(struct desk *d, const struct desk_ask *ask, str issuer, const char *reason,
                        const struct oidc_flow *flow);

#endif
