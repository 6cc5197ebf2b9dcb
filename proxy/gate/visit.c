/* A visit's way through the steps, and its life from beginning to record. */
#include "proxy/gate/gate_impl.h"

#include "base/encode.h"

/* ---- refusals ------------------------------------------------------------------------------ */

enum visit_outcome visit_refuse(struct visit *v, uint16_t status, const char *reason, str sentence,
                                str remedy)
{
    v->reason = reason;
    v->refusal = (struct visit_refusal){
        .status = status, .reason = reason, .sentence = sentence, .remedy = remedy};
    return VISIT_REFUSED;
}

str visit_contact(const struct visit *v)
{
    /* Owners are told to those who proved who they are, to nobody else. */
    if (!v->app || !v->who)
        return (str){NULL, 0};
    for (size_t i = 0; i < v->refusal.n_remedies; i++) {
        const struct policy_remedy *r = &v->refusal.remedies[i];
        if (r->kind == POLICY_REMEDY_CONTACT && r->owner.n)
            return r->owner;
    }
    return v->app->owner;
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

/* ---- steps ----------------------------------------------------------------------------------- */

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
enum visit_outcome authenticate_and_reserve(struct visit *v)
{
    if (!v->who) {
        enum visit_outcome outcome = v->is_page ? authenticate_page(v) : authenticate(v);
        if (outcome != VISIT_PERMITTED)
            return outcome;
    }
    return visit_reserve(v);
}

/* And what is open for the person. */
static enum visit_outcome grants_and_reserve(struct visit *v)
{
    enum visit_outcome outcome = person_grants(v);
    if (outcome != VISIT_PERMITTED)
        return outcome;
    v->grants_record = grants_record(v, v->arena);
    return v->grants_record.p ? visit_reserve(v) : VISIT_PERMITTED;
}

static enum visit_outcome open_record(struct visit *v)
{
    if (!audit_is_always(v->gate->options.audit))
        return VISIT_PERMITTED;
    return record_open(v);
}

enum { OF_OWN = 1, OF_PAGE = 2 }; /* also taken for what postern answers itself, for its pages */

static const struct {
    const char *name;
    enum visit_outcome (*run)(struct visit *v);
    unsigned also;
} STEPS[STEP_COUNT] = {
    [STEP_RESERVE] = {"reserve", visit_reserve, OF_OWN | OF_PAGE},
    [STEP_ROUTE] = {"route", route, 0},
    [STEP_AUTHENTICATE] = {"authenticate", authenticate_and_reserve, OF_PAGE},
    [STEP_POSTURE] = {"posture", posture, OF_PAGE},
    [STEP_GRANTS] = {"grants", grants_and_reserve, OF_PAGE},
    [STEP_DECIDE] = {"decide", decide, 0},
    [STEP_OPEN] = {"open", open_record, 0},
};

static bool is_taken(const struct visit *v)
{
    return !v->is_own || STEPS[v->step].also & (v->is_page ? OF_PAGE : OF_OWN);
}

/* Between two steps it may have waited, and much can happen to a session meanwhile. */
static bool has_lost_session(const struct visit *v)
{
    return v->session && v->session->is_ended;
}

static enum visit_outcome refuse_lost(struct visit *v)
{
    v->session_cause = "session.ended";
    return visit_refuse(v, 401, policy_reason_code(POLICY_REASON_NO_IDENTITY),
                        STR("Your session has ended."), STR("Sign in again."));
}

static enum visit_outcome finish(struct visit *v, enum visit_outcome outcome)
{
    struct counters *c = v->gate->options.counters;
    v->outcome = outcome;
    v->decided_us = gate_now_us();
    if (v->request.spoof_attempts)
        spoof_tell(v);
    counter_add(outcome == VISIT_REFUSED ? &c->refused
                : v->is_own              ? &c->own_answers
                                         : &c->allowed,
                1);
    return outcome;
}

enum visit_outcome visit_run(struct visit *v)
{
    while (v->step < STEP_COUNT) {
        enum visit_outcome outcome = VISIT_PERMITTED;
        if (has_lost_session(v))
            outcome = refuse_lost(v);
        else if (is_taken(v))
            outcome = STEPS[v->step].run(v);
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

enum visit_outcome visit_own(struct visit *v, const char *reason)
{
    v->is_own = true;
    v->reason = reason;
    return visit_run(v);
}

enum visit_outcome visit_page(struct visit *v, const char *reason)
{
    v->is_page = true;
    return visit_own(v, reason);
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

void visit_begin(struct visit *v, struct gate *g, struct arena *a)
{
    *v = (struct visit){.gate = g, .arena = a, .token = TOKEN_OK};
    v->reason = "undecided";
    wait_init(v);
    standing_init(v);
    list_init(&v->asked_link);
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

void visit_end(struct visit *v, const struct visit_close *close)
{
    wait_stop(v);
    standing_leave(v);
    counter_add(&v->gate->options.counters->requests, 1);
    record_close(v, close);
    list_remove(&v->asked_link);
    session_unref(&v->found);
    session_unref(&v->session);
    credential_unref(&v->who);
    pin_give(&v->pin);
}

const struct snapshot *visit_snapshot(const struct visit *v)
{
    return v->pin ? v->pin->snapshot : NULL;
}

size_t visit_identity_headers(struct visit *v, const struct visit_header **out, unsigned *left_out)
{
    size_t n = 0;
    *out = NULL;
    if (!v->who || v->is_public || (!v->app->n_identity_headers && !v->app->wants_assertion))
        return 0;
    struct visit_header *headers =
        arena_array(v->arena, struct visit_header, v->app->n_identity_headers + 1);
    for (size_t i = 0; i < v->app->n_identity_headers; i++) {
        bool bad = false;
        str value =
            credential_claim_text(v->who, v->app->identity_headers[i].claim, v->arena, &bad);
        *left_out += bad;
        if (value.p)
            headers[n++] = (struct visit_header){v->app->identity_headers[i].name, value};
    }
    str assertion = assertion_of(v, left_out);
    if (assertion.p)
        headers[n++] = (struct visit_header){STR("X-Postern-Assertion"), assertion};
    *out = headers;
    return n;
}
