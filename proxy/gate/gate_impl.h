/* gate_impl: the gate's own members, shared by the files of this folder. */
#ifndef PROXY_GATE_GATE_IMPL_H
#define PROXY_GATE_GATE_IMPL_H

#include "base/jout.h"
#include "proxy/gate/gate.h"

struct keyring;

/* By a hash of the client's network. */
enum { SPOOF_SLOTS = 64 };
/* By a character of the cookie. */
enum { QUESTION_BUCKETS = 64 };

struct gate_pin {
    struct snapshot *snapshot;
    size_t uses;      /* visits that judge by it, and 1 for the gate's current one */
    char policy[192]; /* `"policy":{...}`, ready for a record */
    size_t policy_n;
};

struct gate {
    struct gate_options options;
    struct gate_pin *pin; /* the current snapshot */
    struct token_cache *tokens;
    uint64_t keys_generation; /* counts up when issuers or their keys differ */
    char *node_json;          /* `"node":"...","boot":"..."` */
    size_t node_json_n;
    uint64_t id_prefix, id_next;
    struct list_node waiting;  /* visit.wait_link */
    struct list_node standing; /* visit.stand_link */
    size_t n_standing;
    int64_t newest_wall_us;             /* to notice a clock that was stepped back */
    int64_t clock_ahead_us;             /* of the monotonic clock, when it was last looked at */
    struct deadline clock_due;          /* set while visits stand */
    int64_t spoof_next_us[SPOOF_SLOTS]; /* monotonic; before it no other record of the slot */
    uint64_t spoofs_untold;             /* requests since the last one that was told */
    struct device_table **tables;       /* of gate_set_devices */
    size_t n_tables;
    struct token_cache *documents; /* verified posture documents */
    char scratch[TOKEN_PEEK_BYTES];
    char *credential_scratch; /* made with the first token */
    struct whois_book *whois; /* made with the first question */
    struct assertion_keys *assertion_keys;
    struct session_cache *sessions;
    struct list_node questions[QUESTION_BUCKETS]; /* to the store, whose cookie it is */
    struct list_node rereads;                     /* to the store, for long visits */
    struct list_node person_grants;               /* person_grants.link */
    struct list_node grants_questions;            /* grants_question.link */
    struct list_node touched;                     /* session.touched */
    size_t n_touched;
    struct deadline tell_due;
    int64_t least_idle_s; /* the shortest idle limit that was met; 0: none */
};

/* gate.c */
char *gate_credential_scratch(struct gate *g); /* CREDENTIAL_SCRATCH_BYTES */

/* pin.c */
struct gate_pin *pin_create(struct snapshot *snapshot);
struct gate_pin *pin_take(struct gate *g);
void pin_give(struct gate_pin **p);

/* prove.c */
struct proof {
    const struct snapshot_issuer *issuer; /* of the visit's snapshot */
    struct token_key key;                 /* in the cache */
    str kid;                              /* to ask for, when it is unknown */
};
enum visit_outcome prove_refuse(struct visit *v, enum token_verdict verdict);
struct credential *prove_known(struct visit *v, const struct token_key *key); /* or NULL */
/* Takes the identity. NULL: a service's that no entry of `services:` names. */
struct credential *prove_make(const struct snapshot *s, struct gate *g,
                              const struct snapshot_issuer *issuer, struct identity *id);
/* What follows from a verdict: PERMITTED with *out, refused, or waiting for keys. Takes `id`. */
enum visit_outcome prove_end(struct visit *v, const struct proof *proof, enum token_verdict verdict,
                             struct identity *id, struct credential **out);
/* assertion_in.c */
/* PERMITTED with *out set, or NULL in *out when the front asserts nobody; refused; or waiting. */
enum visit_outcome assertion_prove(struct visit *v, struct credential **out);
/* whois.c: the same for a front that is asked. */
enum visit_outcome whois_prove(struct visit *v, const struct config_listener *l,
                               struct credential **out);
void whois_finish(struct gate *g);
/* authenticate.c */
enum visit_outcome authenticate(struct visit *v);
enum visit_outcome authenticate_page(struct visit *v);
/* clock.c */
bool gate_clock_is_good(struct gate *g, int64_t wall_us);
void gate_clock_init(struct gate *g);
/* Visits stand: a clock that is set makes them be decided again. */
void gate_clock_watch(struct gate *g);
void gate_clock_rest(struct gate *g);
/* posture.c */
enum visit_outcome posture(struct visit *v);
/* What is known now, for a visit that lasts, in an arena of the moment: posture_restore puts back
 * what it began with, which is what its record tells. */
struct posture_now {
    const struct policy_device *kept;
    size_t n_kept;
};
void posture_again(struct visit *v, struct arena *a, int64_t now_s, struct posture_now *out);
void posture_restore(struct visit *v, const struct posture_now *now);
void posture_forget_document(void *value);
/* The ready member `"device":{...}` of a record. */
str posture_record(const struct visit *v, struct arena *a, int64_t now_s);
str grants_record(const struct visit *v, struct arena *a);
/* person_grants.c */
void person_grants_init(struct gate *g);
void person_grants_finish(struct gate *g);
enum visit_outcome person_grants(struct visit *v);
void person_grants_tell(const struct visit *v, str app, struct arena *a,
                        struct policy_facts *facts);
/* What is open for this person is another thing now. */
void person_grants_changed(struct gate *g, str issuer, str subject);
/* decide.c */
/* Grants are in `a`, which must live as long as the facts. */
struct policy_facts decide_facts(const struct visit *v, const struct policy_request *r,
                                 int64_t wall_us, struct arena *a);
enum visit_outcome decide(struct visit *v);
/* True when it is still allowed by what is known now; else *why says why not. */
bool decide_again(struct visit *v, enum visit_end *why);
/* shadow.c */
void shadow_compare(struct visit *v, const struct policy_facts *facts);
/* route.c */
enum visit_outcome route(struct visit *v);
/* record.c */
size_t record_bytes(const struct visit *v);
enum visit_outcome record_open(struct visit *v);
void record_start(struct visit *v);
void record_close(struct visit *v, const struct visit_close *close);
/* The member `client`; of what was claimed so many bytes. */
enum { CLAIMED_MOST = 128 };
void record_client(struct jout *j, const struct gate_request *r);
/* spoof.c */
void spoof_tell(struct visit *v);
/* standing.c */
void standing_init(struct visit *v);
void standing_leave(struct visit *v); /* fine for one that does not stand */
void standing_look(struct visit *v);  /* decides it again, and ends it when it must */
/* `who` was read anew, by the settings of now. */
void standing_keep_trust(struct visit *v);
void gate_decide_again(struct gate *g); /* all that stand */
/* By this credential, and by no session. */
bool standing_has(const struct gate *g, const struct credential *who);
void standing_look_all(struct gate *g, const struct credential *who);
/* wait.c */
void wait_init(struct visit *v);
void wait_stop(struct visit *v); /* fine for one that does not wait */
/* The step answers with it: it runs again when what it waits for came, or `most_ms` are over. */
enum visit_outcome visit_wait(struct visit *v, int64_t most_ms);
/* The snapshot in force numbers issuers anew: whoever waits for the keys of one looks again. */
void wait_renumbered(struct gate *g);
/* A waiting visit goes on only through here. */
void visit_resume(struct visit *v);
/* visit.c */
enum visit_outcome authenticate_and_reserve(struct visit *v);
enum visit_outcome visit_refuse(struct visit *v, uint16_t status, const char *reason, str sentence,
                                str remedy);
enum visit_outcome visit_reserve(struct visit *v);
enum visit_outcome visit_refuse_unrecorded(struct visit *v);

/* assertion.c */
/* Never NULL; a generation that is no P-256 key is left out. */
struct assertion_keys *assertion_keys_open(const struct keyring *ring);
void assertion_keys_close(struct assertion_keys *k);
/* For the visit's app, or {NULL, 0}: it wants none, or there is no key. Lives until the next call
 * for the same credential. */
str assertion_of(struct visit *v, unsigned *left_out);

/* ---- sessions -------------------------------------------------------------------------------- */

/* session.c */
/* NULL: the row is of no issuer that we have, or its claims are not to be read. */
struct session *session_make(struct gate *g, const struct store_seen *seen, str host);
/* False: it is not open. Texts go into the arena. */
bool session_grant(const struct store_grant *from, struct arena *a, struct policy_grant *out,
                   str *app_out);
/* What the rules of one app are told. */
size_t session_grants(const struct session *s, str app, struct arena *a,
                      const struct policy_grant **out);
str session_purpose(const struct session *s, str app);

/* session_cache.c */
struct session_cache *session_cache_create(size_t capacity);
void session_cache_destroy(struct session_cache *c);
void session_cache_resize(struct session_cache *c, size_t capacity);
/* Borrowed. NULL: not known here. */
struct session *session_cache_get(struct session_cache *c, str value, str host);
/* Takes a reference of its own. */
void session_cache_put(struct session_cache *c, struct session *s,
                       const char value[SESSION_COOKIE_CHARS]);
void session_cache_drop(struct session_cache *c, struct session *s); /* fine when not cached */
void session_cache_clear(struct session_cache *c);
size_t session_cache_count(const struct session_cache *c);
void session_index_add(struct gate *g, struct session *s);
/* All that live, cached or not. */
void session_index_each(struct gate *g, int64_t id, void (*fn)(struct gate *, struct session *));
void session_index_person(struct gate *g, str issuer, str subject,
                          void (*fn)(struct gate *, struct session *));
/* When any host of this worker saw it last. */
int64_t session_seen_s(struct gate *g, const struct session *s);

/* session_ask.c */
void session_ask_init(struct gate *g);
void session_ask_finish(struct gate *g);
/* Whose cookie it is: v->asked and v->found hold the answer when the visit is resumed. False: too
 * much is asked already. */
__attribute__((warn_unused_result)) bool session_ask(struct visit *v, str value,
                                                     const unsigned char hash[32]);
/* For the long visits that stand by it: session_replace or session_end follows. */
void session_ask_again(struct gate *g, struct session *s);

/* session_change.c */
void session_end(struct gate *g, struct session *s);
/* The long visits of `old` stand by `now` from here on, and are decided again. */
void session_replace(struct gate *g, struct session *old, struct session *now);

/* session_limit.c */
enum session_limit {
    SESSION_PAST_MAX = 0,
    SESSION_PAST_IDLE,
    SESSION_MAY_BE_IDLE, /* by what is known here; the store is to be asked again */
    SESSION_GOOD,
};
void session_limit_init(struct gate *g);
void session_limit_finish(struct gate *g);
enum session_limit session_limit(struct gate *g, const struct session *s,
                                 const struct policy_obligations *o, int64_t now_s);
const char *session_limit_cause(enum session_limit limit);
int64_t session_valid_until_s(struct gate *g, const struct session *s,
                              const struct policy_obligations *o);
void session_touch(struct gate *g, struct session *s, int64_t now_s);
void session_tell(struct gate *g); /* the store, who was seen; now */
/* When its claims want a refresh; 0: never. */
int64_t session_refresh_s(const struct gate *g, const struct session *s);
void session_refresh(struct gate *g, struct session *s, int64_t now_s);

/* session_prove.c */
/* PERMITTED with *out set (one reference) or without; refused; or waiting for the store. */
enum visit_outcome session_prove(struct visit *v, struct session **out);
/* Back to the cookie, with a fresh look into the store. */
enum visit_outcome session_prove_again(struct visit *v);
/* The session is bound to another certificate than the one that came. */
bool session_is_elsewhere(const struct visit *v, const struct session *s);

#endif
