/* A visit's way through the steps, its waits, and the table of those that last. */
#include "proxy/gate/gate_impl.h"

#include <stdlib.h>
#include <time.h>

#include "base/encode.h"
#include "base/jout.h"
#include "base/secret.h"

int64_t gate_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- the gate ------------------------------------------------------------------------------ */

static void drop_credential(void *value)
{
    struct credential *c = value;
    credential_unref(&c);
}

struct gate *gate_create(const struct gate_options *o, struct snapshot *snapshot)
{
    struct gate *g = mem_alloc(sizeof *g);
    struct jout j;
    g->options = *o;
    g->pin = pin_create(snapshot);
    g->tokens = token_cache_create(snapshot->config->limits.token_cache, drop_credential);
    g->keys_generation = 1;
    random_fill(&g->id_prefix, sizeof g->id_prefix);
    random_fill(&g->id_next, sizeof g->id_next);
    size_t cap = 64 + JOUT_ESCAPED_MAX(o->node.n) + JOUT_ESCAPED_MAX(o->boot.n);
    g->node_json = mem_alloc(cap);
    jout_init(&j, g->node_json, cap);
    jout_kstr(&j, STR("node"), o->node);
    jout_kstr(&j, STR("boot"), o->boot);
    g->node_json_n = j.n;
    list_init(&g->waiting);
    list_init(&g->standing);
    gate_clock_init(g);
    return g;
}

void gate_destroy(struct gate *g)
{
    if (!g)
        return;
    token_cache_destroy(g->tokens);
    pin_give(&g->pin);
    free(g->node_json);
    free(g->credential_scratch);
    free(g);
}

const struct snapshot *gate_snapshot(const struct gate *g)
{
    return g->pin->snapshot;
}

/* A cached token is good as long as what it was verified by is the same. */
static bool same_keys(const struct snapshot *a, const struct snapshot *b)
{
    if (a->n_issuers != b->n_issuers)
        return false;
    if (a->config != b->config && memcmp(a->config->digest, b->config->digest, DIGEST_HEX_CHARS))
        return false;
    for (size_t i = 0; i < a->n_issuers; i++)
        if (!keyset_same(a->issuers[i].keys, b->issuers[i].keys))
            return false;
    return true;
}

static void look_again(struct visit *v)
{
    enum visit_end why;
    if (v->outcome != VISIT_PERMITTED)
        return; /* it was told to end, and its owner is at it */
    if (!decide_again(v, &why)) {
        deadline_clear(v->gate->options.loop, &v->again);
        counter_add(&v->gate->options.counters->visits_ended, 1);
        v->ended(v, why);
        return;
    }
    if (v->decision.valid_until_s == 0)
        return;
    int64_t left_ms = v->decision.valid_until_s * 1000 - loop_wall_us(v->gate->options.loop) / 1000;
    deadline_set(v->gate->options.loop, &v->again, left_ms < 100 ? 100 : left_ms);
}

/* `ended` may take visits out of the table, so the walk is over a list of its own. */
static void for_each_standing(struct gate *g, void (*fn)(struct visit *, void *), void *arg)
{
    struct list_node todo;
    list_init(&todo);
    if (list_empty(&g->standing))
        return;
    todo = g->standing;
    todo.next->prev = todo.prev->next = &todo;
    list_init(&g->standing);
    while (!list_empty(&todo)) {
        struct visit *v = list_entry(todo.next, struct visit, stand_link);
        list_remove(&v->stand_link);
        list_append(&g->standing, &v->stand_link);
        fn(v, arg);
    }
}

static void recheck(struct visit *v, void *arg)
{
    look_again(v);
}

void gate_decide_again(struct gate *g)
{
    for_each_standing(g, recheck, NULL);
}

void gate_swap(struct gate *g, struct snapshot *snapshot)
{
    struct gate_pin *old = g->pin;
    if (!same_keys(old->snapshot, snapshot))
        g->keys_generation++;
    g->pin = pin_create(snapshot);
    pin_give(&old);
    gate_decide_again(g);
}

static void end_standing(struct visit *v, void *arg)
{
    if (v->outcome == VISIT_PERMITTED)
        v->ended(v, *(enum visit_end *)arg);
}

void gate_end_all(struct gate *g, enum visit_end why)
{
    for_each_standing(g, end_standing, &why);
}

size_t gate_standing(const struct gate *g)
{
    return g->n_standing;
}

/* ---- steps ----------------------------------------------------------------------------------- */

enum visit_outcome visit_refuse(struct visit *v, uint16_t status, const char *reason, str sentence,
                                str remedy)
{
    v->reason = reason;
    v->refusal = (struct visit_refusal){
        .status = status, .reason = reason, .sentence = sentence, .remedy = remedy};
    return VISIT_REFUSED;
}

enum visit_outcome visit_refuse_unrecorded(struct visit *v)
{
    bool full = audit_is_writable(v->gate->options.audit);
    counter_add(&v->gate->options.counters->audit_refusals, 1);
    visit_refuse(v, 503, full ? "audit:busy" : "audit:unwritable",
                 STR("The access log cannot take a record now, and without a record nobody is let "
                     "through."),
                 STR("Try again in a moment."));
    v->refusal.retry_after_s = full ? 1 : 10;
    return VISIT_REFUSED;
}

/* Room for the whole record, before anything else happens. */
enum visit_outcome visit_reserve(struct visit *v)
{
    size_t want = record_bytes(v);
    if (v->reserved >= want)
        return VISIT_PERMITTED;
    if (audit_reserve(v->gate->options.ring, want - v->reserved)) {
        v->reserved = want;
        return VISIT_PERMITTED;
    }
    if (audit_continues(v->gate->options.audit))
        return VISIT_PERMITTED;
    int64_t most_ms = v->pin->snapshot->config->limits.audit_wait_ms;
    if (!audit_is_writable(v->gate->options.audit) || most_ms == 0 || v->wait_is_over)
        return visit_refuse_unrecorded(v);
    return visit_wait(v, most_ms);
}

/* What the credential adds to the record is known only now. */
static enum visit_outcome authenticate_and_reserve(struct visit *v)
{
    if (!v->who) {
        enum visit_outcome outcome = authenticate(v);
        if (outcome != VISIT_PERMITTED)
            return outcome;
    }
    return visit_reserve(v);
}

static enum visit_outcome open_record(struct visit *v)
{
    if (!audit_is_always(v->gate->options.audit))
        return VISIT_PERMITTED;
    return record_open(v);
}

static const struct {
    const char *name;
    enum visit_outcome (*run)(struct visit *v);
} STEPS[STEP_COUNT] = {
    [STEP_RESERVE] = {"reserve", visit_reserve},
    [STEP_ROUTE] = {"route", route},
    [STEP_AUTHENTICATE] = {"authenticate", authenticate_and_reserve},
    [STEP_DECIDE] = {"decide", decide},
    [STEP_OPEN] = {"open", open_record},
};

static enum visit_outcome finish(struct visit *v, enum visit_outcome outcome)
{
    struct counters *c = v->gate->options.counters;
    v->outcome = outcome;
    v->decided_us = gate_now_us();
    if (outcome != VISIT_WAITING)
        counter_add(outcome == VISIT_REFUSED ? &c->refused : &c->allowed, 1);
    return outcome;
}

enum visit_outcome visit_run(struct visit *v)
{
    while (v->step < STEP_COUNT) {
        enum visit_outcome outcome = STEPS[v->step].run(v);
        v->outcome = outcome;
        if (outcome == VISIT_WAITING)
            return outcome;
        v->wait_until_us = 0;
        v->wait_is_over = false;
        if (outcome != VISIT_PERMITTED)
            return finish(v, outcome);
        v->step++;
    }
    return finish(v, VISIT_PERMITTED);
}

/* ---- waits ----------------------------------------------------------------------------------- */

static void stop_waiting(struct visit *v)
{
    list_remove(&v->wait_link);
    deadline_clear(v->gate->options.loop, &v->wait);
    v->waits_issuer = SIZE_MAX;
}

/* A waiting visit goes on only through here. */
static void visit_resume(struct visit *v)
{
    stop_waiting(v);
    if (visit_run(v) != VISIT_WAITING)
        v->resumed(v);
}

/* Time is up: the step runs a last time and may not wait again. */
static void waited_enough(struct deadline *d)
{
    struct visit *v = (struct visit *)((char *)d - offsetof(struct visit, wait));
    v->wait_is_over = true;
    visit_resume(v);
}

/* A step that waits again, woken for nothing, waits for what is left of its time. */
enum visit_outcome visit_wait(struct visit *v, int64_t most_ms)
{
    int64_t now_us = gate_now_us();
    if (!v->wait_until_us)
        v->wait_until_us = now_us + most_ms * 1000;
    int64_t left_ms = (v->wait_until_us - now_us) / 1000;
    list_append(&v->gate->waiting, &v->wait_link);
    deadline_set(v->gate->options.loop, &v->wait, left_ms < 1 ? 1 : left_ms);
    return VISIT_WAITING;
}

/* The keys that it waited for are in the newest snapshot: it is judged by that, from the route on.
 */
static void begin_anew(struct visit *v)
{
    pin_give(&v->pin);
    v->pin = pin_take(v->gate);
    v->app = NULL;
    v->step = STEP_ROUTE;
}

static void resume_those(struct gate *g, size_t issuer)
{
    struct list_node todo;
    list_init(&todo);
    for (struct list_node *n = g->waiting.next, *next; n != &g->waiting; n = next) {
        struct visit *v = list_entry(n, struct visit, wait_link);
        next = n->next;
        if (v->waits_issuer != issuer)
            continue;
        list_remove(n);
        list_append(&todo, n);
    }
    while (!list_empty(&todo)) {
        struct visit *v = list_entry(todo.next, struct visit, wait_link);
        if (issuer == SIZE_MAX && v->ticket && audit_durable(g->options.ring) < v->ticket &&
            audit_is_writable(g->options.audit)) {
            list_remove(&v->wait_link);
            list_append(&g->waiting, &v->wait_link);
            continue;
        }
        if (issuer != SIZE_MAX)
            begin_anew(v);
        visit_resume(v);
    }
}

void gate_keys_answered(struct gate *g, size_t issuer)
{
    resume_those(g, issuer);
}

void gate_audit_changed(struct gate *g)
{
    resume_those(g, SIZE_MAX);
}

/* ---- life ------------------------------------------------------------------------------------ */

/* A prefix drawn at random for this worker and run, and a scrambled count: unique, and telling
 * nothing of how many came before. */
static void make_id(struct gate *g, char out[VISIT_ID_CHARS])
{
    uint64_t n = g->id_next++ * 0x9E3779B97F4A7C15u, both[2];
    both[0] = g->id_prefix;
    both[1] = n ^ n >> 29;
    hex_encode((const unsigned char *)both, sizeof both, out);
}

static void time_is_up(struct deadline *d)
{
    look_again((struct visit *)((char *)d - offsetof(struct visit, again)));
}

void visit_begin(struct visit *v, struct gate *g, struct arena *a)
{
    *v = (struct visit){.gate = g, .arena = a, .waits_issuer = SIZE_MAX, .token = TOKEN_OK};
    v->reason = policy_reason_code(POLICY_REASON_NO_POLICY);
    list_init(&v->wait_link);
    list_init(&v->stand_link);
    deadline_init(&v->wait, waited_enough);
    deadline_init(&v->again, time_is_up);
    v->pin = pin_take(g);
    v->wall_us = loop_wall_us(g->options.loop);
    v->start_us = gate_now_us();
    make_id(g, v->id);
}

void visit_refuse_input(struct visit *v, uint16_t status, const char *reason, str sentence)
{
    counter_add(&v->gate->options.counters->bad_requests, 1);
    size_t want = record_bytes(v);
    if (v->reserved < want && audit_reserve(v->gate->options.ring, want - v->reserved))
        v->reserved = want;
    visit_refuse(v, status, reason, sentence, (str){NULL, 0});
    finish(v, VISIT_REFUSED);
}

static void leave_table(struct visit *v)
{
    if (!v->ended)
        return;
    list_remove(&v->stand_link);
    deadline_clear(v->gate->options.loop, &v->again);
    v->ended = NULL;
    if (--v->gate->n_standing == 0)
        gate_clock_rest(v->gate);
    counter_add(&v->gate->options.counters->visits_open, -1);
}

void visit_end(struct visit *v, const struct visit_close *close)
{
    stop_waiting(v);
    leave_table(v);
    counter_add(&v->gate->options.counters->requests, 1);
    record_close(v, close);
    credential_unref(&v->who);
    pin_give(&v->pin);
}

/* Everything that the visit still needs, out of the snapshot and into its own arena. */
static void let_go_of_snapshot(struct visit *v)
{
    v->app_name = arena_dup(v->arena, v->app_name);
    for (size_t i = 0; i < v->decision.n_rules; i++)
        v->decision.rules[i] = arena_dup(v->arena, v->decision.rules[i]);
    for (size_t i = 0; i < v->decision.n_would_rules; i++)
        v->decision.would_rules[i] = arena_dup(v->arena, v->decision.would_rules[i]);
    v->policy_digest = arena_dup(v->arena, str_of(v->pin->snapshot->policy_digest));
    v->policy_generation = v->pin->snapshot->policy_generation;
    v->app = NULL;
    pin_give(&v->pin);
}

bool visit_stand(struct visit *v, enum visit_kind kind,
                 void (*ended)(struct visit *v, enum visit_end why))
{
    struct gate *g = v->gate;
    if (v->ended) { /* a stream that became a WebSocket: it stands already */
        v->kind = kind;
        v->ended = ended;
        record_start(v);
        return true;
    }
    if (g->n_standing >= g->pin->snapshot->config->limits.long_visits)
        return false;
    bool is_newest = v->pin == g->pin;
    v->kind = kind;
    v->ended = ended;
    record_start(v);
    let_go_of_snapshot(v);
    list_append(&g->standing, &v->stand_link);
    g->n_standing++;
    gate_clock_watch(g);
    counter_add(&g->options.counters->visits_open, 1);
    int64_t left_ms = v->decision.valid_until_s * 1000 - loop_wall_us(g->options.loop) / 1000;
    if (!is_newest)
        left_ms = 0; /* the rules changed while it was under way */
    if (v->decision.valid_until_s || !is_newest)
        deadline_set(g->options.loop, &v->again, left_ms < 1 ? 1 : left_ms);
    return true;
}

const struct snapshot *visit_snapshot(const struct visit *v)
{
    return v->pin ? v->pin->snapshot : NULL;
}

size_t visit_identity_headers(const struct visit *v, const struct visit_header **out,
                              unsigned *left_out)
{
    size_t n = 0;
    *out = NULL;
    if (!v->who || v->is_public || !v->app->n_identity_headers)
        return 0;
    struct visit_header *headers =
        arena_array(v->arena, struct visit_header, v->app->n_identity_headers);
    for (size_t i = 0; i < v->app->n_identity_headers; i++) {
        bool bad = false;
        str value =
            credential_claim_text(v->who, v->app->identity_headers[i].claim, v->arena, &bad);
        *left_out += bad;
        if (value.p)
            headers[n++] = (struct visit_header){v->app->identity_headers[i].name, value};
    }
    *out = headers;
    return n;
}
