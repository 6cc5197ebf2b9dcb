/* gate_impl: the gate's own members, shared by the files of this folder. */
#ifndef PROXY_GATE_GATE_IMPL_H
#define PROXY_GATE_GATE_IMPL_H

#include "base/jout.h"
#include "proxy/gate/gate.h"

/* By a hash of the client's network. */
enum { SPOOF_SLOTS = 64 };

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
    char scratch[TOKEN_PEEK_BYTES];
    char *credential_scratch; /* made with the first token */
};

/* pin.c */
struct gate_pin *pin_create(struct snapshot *snapshot);
struct gate_pin *pin_take(struct gate *g);
void pin_give(struct gate_pin **p);

/* authenticate.c */
enum visit_outcome authenticate(struct visit *v);
/* clock.c */
bool gate_clock_is_good(struct gate *g, int64_t wall_us);
void gate_clock_init(struct gate *g);
/* Visits stand: a clock that is set makes them be decided again. */
void gate_clock_watch(struct gate *g);
void gate_clock_rest(struct gate *g);
/* posture.c */
enum visit_outcome posture(struct visit *v);
/* decide.c */
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
void standing_leave(struct visit *v);   /* fine for one that does not stand */
void gate_decide_again(struct gate *g); /* all that stand */
/* wait.c */
void wait_init(struct visit *v);
void wait_stop(struct visit *v); /* fine for one that does not wait */
/* The step answers with it: it runs again when what it waits for came, or `most_ms` are over. */
enum visit_outcome visit_wait(struct visit *v, int64_t most_ms);
/* visit.c */
enum visit_outcome visit_refuse(struct visit *v, uint16_t status, const char *reason, str sentence,
                                str remedy);
enum visit_outcome visit_reserve(struct visit *v);
enum visit_outcome visit_refuse_unrecorded(struct visit *v);

#endif
