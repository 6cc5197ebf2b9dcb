/* Visits: no record, no access; waits; ids; and the table of those that last. */
#include "caller.h"

#include "../authn/signer.h"
#include "proxy/gate/gate_impl.h"

static const char *staff(void)
{
    return house_bearer("kim", STAFF);
}

/* ---- no record, no access ---- */

static void a_full_ring_waits(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    size_t all = house_fill_ring(h);
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_WAITING);
    assert_null(c.visit.app); /* nothing was done for it */
    house_pass(h, 100);
    assert_int_equal(c.n_resumed, 0);
    audit_release(h->ring, all);
    house_sync(h);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    caller_end(&c);
    assert_string_equal(member(house_last(h), "end"), "complete");
    house_close(h);
}

static void a_full_ring_is_busy_in_the_end(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    size_t all = house_fill_ring(h);
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_WAITING);
    /* woken in vain it waits for what is left of its time, not anew */
    for (int i = 0; i < 10 && !c.n_resumed; i++) {
        house_pass(h, 50);
        gate_audit_changed(h->gate);
    }
    assert_int_equal(c.n_resumed, 1);
    assert_true(clock_wall_us() - INT64_C(1000000) * CLOCK_START_S <= 350 * 1000);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    assert_int_equal(c.visit.refusal.status, 503);
    assert_string_equal(c.visit.refusal.reason, "audit:busy");
    assert_int_equal(c.visit.refusal.retry_after_s, 1);
    assert_int_equal(atomic_load(&h->counters.audit_refusals), 1);
    caller_end(&c);
    audit_release(h->ring, all);
    /* its record found a place on the heap */
    assert_string_equal(member(house_last(h), "decision.reason"), "audit:busy");
    assert_string_equal(member(house_last(h), "decision.effect"), "deny");
    house_close(h);
}

static void no_wait_when_told_so(void **state)
{
    struct house *h = house_open(&(struct house_options){.limits = "{audit_wait: 0s}\n"});
    struct caller c;
    size_t all = house_fill_ring(h);
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_REFUSED);
    assert_string_equal(c.visit.refusal.reason, "audit:busy");
    caller_end(&c);
    audit_release(h->ring, all);
    house_close(h);
}

/* Room for a small record, none for what the credential adds: it waits there too. */
static void room_for_the_credential(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    char claims[8192];
    int n = snprintf(claims, sizeof claims, "%s,\"note\":\"", STAFF);
    memset(claims + n, 'n', 6000);
    strcpy(claims + n + 6000, "\"");
    const char *bearer = house_bearer("kim", claims);
    caller_begin(&c, h, "inventory.example", "/x");
    size_t small = record_bytes(&c.visit), all = house_fill_ring(h);
    audit_release(h->ring, small + 1024);
    c.visit.request.authorization = str_of(bearer);
    assert_int_equal(caller_run(&c), VISIT_WAITING);
    assert_int_equal(c.visit.step, STEP_AUTHENTICATE);
    assert_non_null(c.visit.who);
    audit_release(h->ring, all - small - 1024);
    house_sync(h);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    assert_int_equal(atomic_load(&h->counters.tokens_verified), 1);
    caller_end(&c);
    assert_string_equal(member(house_last(h), "shortened"), "");
    house_close(h);
}

static void break_disk(struct house *h)
{
    struct caller c;
    caller_ask(&c, h, "/x", NULL);
    caller_end(&c);
    house_disk_is_broken = true;
    house_pass(h, 1000);
    assert_false(audit_is_writable(h->audit));
}

static void an_unwritable_journal_refuses(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    break_disk(h);
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_REFUSED);
    assert_int_equal(c.visit.refusal.status, 503);
    assert_string_equal(c.visit.refusal.reason, "audit:unwritable");
    assert_int_equal(c.visit.refusal.retry_after_s, 10);
    assert_null(c.visit.app);
    caller_end(&c);
    assert_int_equal(atomic_load(&h->counters.audit_refusals), 1);
    house_disk_is_broken = false;
    house_pass(h, 1000);
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_PERMITTED);
    caller_end(&c);
    /* all three are in the journal */
    assert_int_equal(json_array_size(house_log(h)), 3);
    house_close(h);
}

static void who_waits_is_told_of_a_broken_disk(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    size_t all = house_fill_ring(h);
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_WAITING);
    assert_true(audit_append(h->audit, STR("{\"kind\":\"note\"}")));
    house_disk_is_broken = true;
    house_pass(h, 60);
    assert_int_equal(c.n_resumed, 1);
    assert_string_equal(c.visit.refusal.reason, "audit:unwritable");
    caller_end(&c);
    audit_release(h->ring, all);
    house_close(h);
}

/* An answer of ours lets nobody through, and yet it is not given without a record. */
static void own_answers_need_room(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    size_t all = house_fill_ring(h);
    caller_begin(&c, h, "inventory.example", "/x");
    assert_int_equal(visit_own(&c.visit, "redirect"), VISIT_WAITING);
    audit_release(h->ring, all);
    house_sync(h);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    assert_true(h->ring->reserved == c.visit.reserved && c.visit.reserved >= 1024);
    assert_null(c.visit.app); /* no step of the others was run */
    caller_end_with(&c, &(struct visit_close){
                            .end = END_OWN, .status = 308, .connect_us = -1, .first_byte_us = -1});
    json_t *r = house_last(h);
    assert_string_equal(member(r, "decision.effect"), "own");
    assert_string_equal(member(r, "decision.reason"), "redirect");
    assert_string_equal(member(r, "end"), "own-answer");
    assert_int_equal(atomic_load(&h->counters.own_answers), 1);
    assert_int_equal(atomic_load(&h->counters.allowed), 0);
    all = house_fill_ring(h);
    caller_begin(&c, h, "inventory.example", "/x");
    assert_int_equal(visit_own(&c.visit, "redirect"), VISIT_WAITING);
    house_pass(h, 400);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    caller_end(&c);
    audit_release(h->ring, all);
    r = house_last(h);
    assert_string_equal(member(r, "decision.effect"), "deny");
    assert_string_equal(member(r, "decision.reason"), "audit:busy");
    assert_int_equal(atomic_load(&h->counters.own_answers), 1);
    assert_int_equal(atomic_load(&h->counters.refused), 1);
    house_close(h);
}

/* Nobody refused him, and no policy was missing. */
static void who_leaves_while_waiting_was_not_refused(void **state)
{
    static const struct visit_close left = {
        .end = END_CLIENT_ABORT, .connect_us = -1, .first_byte_us = -1};
    struct house *h = house_plain();
    struct caller c;
    size_t all = house_fill_ring(h);
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_WAITING);
    caller_end_with(&c, &left);
    audit_release(h->ring, all);
    json_t *r = house_last(h);
    assert_string_equal(member(r, "decision.effect"), "none");
    assert_string_equal(member(r, "decision.reason"), "undecided");
    assert_string_equal(member(r, "end"), "client-abort");
    assert_string_equal(member(r, "decision_us"), "");
    assert_int_equal(atomic_load(&h->counters.refused), 0);
    house_close(h);
}

static void on_error_continue(void **state)
{
    struct house *h = house_open(&(struct house_options){.continues = true});
    struct caller c;
    break_disk(h);
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_PERMITTED);
    caller_end(&c);
    size_t all = house_fill_ring(h);
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_PERMITTED);
    assert_int_equal(c.visit.reserved, 0);
    caller_end(&c);
    audit_release(h->ring, all);
    assert_int_equal(atomic_load(&h->counters.audit_refusals), 0);
    house_disk_is_broken = false;
    house_pass(h, 1000);
    assert_int_equal(json_array_size(house_log(h)), 3);
    house_close(h);
}

/* ---- sync: always ---- */

static struct house *house_always(void)
{
    return house_open(&(struct house_options){.is_always = true});
}

static void always_opens_before_it_permits(void **state)
{
    struct house *h = house_always();
    struct visit_close close = {.end = END_COMPLETE,
                                .status = 200,
                                .upstream = STR("unix:/x"),
                                .connect_us = 1,
                                .first_byte_us = 2};
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_WAITING);
    assert_int_equal(c.n_resumed, 0);
    house_turn(h);
    assert_int_equal(c.n_resumed, 0);
    house_sync(h);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    assert_true(c.visit.reserved >= 1024); /* the close has its room too */
    json_t *r = house_last(h);
    assert_string_equal(member(r, "kind"), "request.open");
    assert_string_equal(member(r, "decision.effect"), "allow");
    assert_string_equal(member(r, "decision.rules"), "[\"staff\"]");
    assert_string_equal(member(r, "identity.subject"), "kim");
    assert_string_equal(member(r, "status"), "");
    assert_string_equal(member(r, "end"), "");
    char id[VISIT_ID_CHARS + 1];
    snprintf(id, sizeof id, "%s", member(r, "id"));
    caller_end_with(&c, &close);
    r = house_last(h);
    assert_string_equal(member(r, "kind"), "request.close");
    assert_string_equal(member(r, "id"), id);
    assert_string_equal(member(r, "end"), "complete");
    assert_string_equal(member(r, "decision.effect"), "allow");
    assert_int_equal(json_array_size(house_log(h)), 2);
    house_close(h);
}

/* A refused visit reaches no upstream, so one record at its end is enough. */
static void always_writes_refusals_once(void **state)
{
    struct house *h = house_always();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", NULL), VISIT_REFUSED);
    caller_end(&c);
    assert_int_equal(json_array_size(house_log(h)), 1);
    assert_string_equal(member(house_last(h), "kind"), "decision");
    house_close(h);
}

static void always_wakes_only_who_is_durable(void **state)
{
    struct house *h = house_always();
    struct caller first, second;
    assert_int_equal(caller_ask(&first, h, "/x", staff()), VISIT_WAITING);
    audit_turn(h->audit); /* on disk, and nobody was told yet */
    assert_int_equal(caller_ask(&second, h, "/x", staff()), VISIT_WAITING);
    gate_audit_changed(h->gate);
    assert_int_equal(first.n_resumed, 1);
    assert_int_equal(second.n_resumed, 0);
    house_sync(h);
    assert_int_equal(second.n_resumed, 1);
    caller_end(&first);
    caller_end(&second);
    house_close(h);
}

static void always_refuses_when_the_disk_breaks(void **state)
{
    struct house *h = house_always();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_WAITING);
    house_disk_is_broken = true;
    house_sync(h);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    assert_int_equal(c.visit.refusal.status, 503);
    assert_string_equal(c.visit.refusal.reason, "audit:unwritable");
    assert_int_equal(c.visit.refusal.retry_after_s, 10);
    caller_end(&c);
    house_disk_is_broken = false;
    house_pass(h, 1000);
    /* both lines came to disk in the end: what was opened is closed, and as refused */
    assert_int_equal(json_array_size(house_log(h)), 2);
    json_t *r = house_last(h);
    assert_string_equal(member(r, "kind"), "request.close");
    assert_string_equal(member(r, "decision.effect"), "deny");
    assert_string_equal(member(r, "decision.reason"), "audit:unwritable");
    assert_string_equal(member(r, "end"), "refused");
    house_close(h);
}

/* The worker sleeps through it: when it looks, the journal is good again and has gone on. */
static void always_refuses_what_a_sync_took(void **state)
{
    struct house *h = house_always();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_WAITING);
    house_disk_forgets = true;
    audit_turn(h->audit);
    assert_false(audit_is_writable(h->audit));
    house_disk_forgets = false;
    clock_pass(1000);
    audit_turn(h->audit);
    assert_true(audit_is_writable(h->audit));
    gate_audit_changed(h->gate);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    assert_string_equal(c.visit.refusal.reason, "audit:busy");
    caller_end(&c);
    house_pass(h, 1000);
    json_t *r = house_last(h);
    assert_string_equal(member(r, "kind"), "request.close");
    assert_string_equal(member(r, "decision.effect"), "deny");
    assert_string_equal(member(r, "decision.reason"), "audit:busy");
    house_close(h);
}

static void always_and_continue(void **state)
{
    struct house *h = house_open(&(struct house_options){.is_always = true, .continues = true});
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_WAITING);
    house_disk_is_broken = true;
    house_sync(h);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    caller_end(&c);
    house_disk_is_broken = false;
    house_pass(h, 1000);
    assert_int_equal(json_array_size(house_log(h)), 2);
    house_close(h);
}

static void always_gives_up_on_a_slow_disk(void **state)
{
    struct house *h = house_always();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_WAITING);
    for (int i = 0; i < 60 && !c.n_resumed; i++) {
        clock_pass(100);
        house_turn(h);
    }
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    assert_int_equal(c.visit.refusal.status, 503);
    caller_end(&c);
    house_close(h);
}

/* The open record took the last room: there is no access without room for the close either. */
static void always_has_room_for_the_close(void **state)
{
    struct house *h = house_always();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_WAITING);
    size_t all = house_fill_ring(h);
    house_sync(h);
    assert_int_equal(c.n_resumed, 0);
    audit_release(h->ring, all);
    house_sync(h);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    assert_true(c.visit.reserved >= 1024);
    caller_end(&c);
    house_close(h);
}

static void always_while_waiting_the_client_leaves(void **state)
{
    struct house *h = house_always();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_WAITING);
    struct visit_close close = {.end = END_CLIENT_ABORT, .connect_us = -1, .first_byte_us = -1};
    caller_end_with(&c, &close);
    house_pass(h, 6000);
    assert_int_equal(c.n_resumed, 0);
    json_t *log = house_log(h);
    assert_int_equal(json_array_size(log), 2);
    assert_string_equal(member(json_array_get(log, 0), "kind"), "request.open");
    assert_string_equal(member(json_array_get(log, 1), "kind"), "request.close");
    assert_string_equal(member(json_array_get(log, 1), "end"), "client-abort");
    house_close(h);
}

/* ---- ids and counters ---- */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, VISIT_ID_CHARS);
}

static void ids_are_distinct(void **state)
{
    enum { N = 20000 };
    struct house *h = house_plain();
    char(*ids)[VISIT_ID_CHARS] = mem_alloc(N * VISIT_ID_CHARS);
    for (size_t i = 0; i < N; i++) {
        struct caller c;
        caller_begin(&c, h, "inventory.example", "/");
        memcpy(ids[i], c.visit.id, VISIT_ID_CHARS);
        assert_true(strspn(c.visit.id, "0123456789abcdef") >= VISIT_ID_CHARS);
        pin_give(&c.visit.pin); /* no record: this is about ids */
        arena_finish(&c.arena);
    }
    qsort(ids, N, VISIT_ID_CHARS, compare_ids);
    for (size_t i = 1; i < N; i++)
        assert_memory_not_equal(ids[i - 1], ids[i], VISIT_ID_CHARS);
    free(ids);
    house_close(h);
}

static void counters_add_up(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    caller_ask(&c, h, "/x", staff());
    caller_end(&c);
    caller_ask(&c, h, "/x", NULL);
    caller_end(&c);
    caller_begin(&c, h, "x", "");
    visit_refuse_input(&c.visit, 400, "head.bare-lf", STR("x"));
    caller_end(&c);
    const struct counters *n = &h->counters;
    assert_int_equal(atomic_load(&n->requests), 3);
    assert_int_equal(atomic_load(&n->allowed), 1);
    assert_int_equal(atomic_load(&n->refused), 2);
    assert_int_equal(atomic_load(&n->bad_requests), 1);
    assert_int_equal(atomic_load(&n->visits_open), 0);
    house_close(h);
}

/* ---- the table of long visits ---- */

/* Allowed and standing. */
static void stand(struct caller *c, struct house *h, enum visit_kind kind, const char *bearer)
{
    assert_int_equal(caller_ask(c, h, "/x", bearer), VISIT_PERMITTED);
    assert_true(visit_stand(&c->visit, kind, caller_ended));
}

static void end_as(struct caller *c, enum visit_end end)
{
    struct visit_close close = {.end = end, .status = 101, .connect_us = -1, .first_byte_us = -1};
    caller_end_with(c, &close);
}

static void standing_is_recorded_and_lets_go(void **state)
{
    struct house *h = house_plain();
    struct caller ws, stream;
    stand(&ws, h, VISIT_KIND_WEBSOCKET, staff());
    stand(&stream, h, VISIT_KIND_STREAM, staff());
    assert_null(ws.visit.pin);
    assert_null(ws.visit.app);
    assert_null(visit_snapshot(&ws.visit));
    assert_int_equal(h->gate->pin->uses, 1);
    assert_int_equal(gate_standing(h->gate), 2);
    assert_int_equal(atomic_load(&h->counters.visits_open), 2);
    assert_int_equal(h->ring->reserved, 0);
    json_t *log = house_log(h);
    assert_string_equal(member(json_array_get(log, 0), "kind"), "visit.start");
    assert_string_equal(member(json_array_get(log, 1), "kind"), "request.open");
    assert_string_equal(member(json_array_get(log, 0), "decision.effect"), "allow");
    end_as(&ws, END_COMPLETE);
    end_as(&stream, END_COMPLETE);
    log = house_log(h);
    assert_int_equal(json_array_size(log), 4);
    json_t *end = json_array_get(log, 2);
    assert_string_equal(member(end, "kind"), "visit.end");
    assert_string_equal(member(end, "decision.effect"), "allow");
    assert_string_equal(member(end, "decision.rules"), "[\"staff\"]");
    assert_string_equal(member(end, "policy.generation"), "1");
    assert_string_equal(member(end, "app"), "inventory");
    assert_string_equal(member(json_array_get(log, 3), "kind"), "decision");
    assert_string_equal(member(json_array_get(log, 3), "id"), member(json_array_get(log, 1), "id"));
    assert_int_equal(atomic_load(&h->counters.visits_open), 0);
    house_close(h);
}

static void standing_in_always_mode(void **state)
{
    static const struct {
        enum visit_kind kind;
        const char *kinds[4];
    } rows[] = {
        {VISIT_KIND_WEBSOCKET, {"request.open", "visit.start", "visit.end"}},
        {VISIT_KIND_STREAM, {"request.open", "request.close"}},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct house *h = house_always();
        struct caller c;
        caller_ask(&c, h, "/x", staff());
        house_sync(h);
        assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
        assert_true(visit_stand(&c.visit, rows[i].kind, caller_ended));
        end_as(&c, END_COMPLETE);
        json_t *log = house_log(h);
        size_t n = 0;
        for (; rows[i].kinds[n]; n++)
            assert_text("kind", member(json_array_get(log, n), "kind"), rows[i].kinds[n]);
        assert_int_equal(json_array_size(log), n);
        house_close(h);
    }
}

static const char *without_staff(void)
{
    return "version: 1\n"
           "apps:\n"
           "  - {name: inventory, host: inventory.example, upstream: \"http://127.0.0.1:9\"}\n"
           "rules:\n"
           "  - {id: admins-only, effect: allow, who: {groups: [admins]}, to: {apps: "
           "[inventory]}}\n"
           "  - {id: shut, effect: deny, who: {groups: [staff]}, to: everything}\n";
}

static void a_swap_decides_again(void **state)
{
    struct house *h = house_plain();
    struct caller kim, ann;
    stand(&kim, h, VISIT_KIND_WEBSOCKET, staff());
    stand(&ann, h, VISIT_KIND_STREAM, house_bearer("ann", ",\"groups\":[\"staff\",\"admins\"]"));
    house_swap_policy(h, arena_printf(&signer_arena, "%s# same\n", HOUSE_POLICY).p);
    assert_int_equal(kim.n_ended + ann.n_ended, 0);
    house_swap_policy(h, without_staff());
    assert_int_equal(kim.n_ended, 1);
    assert_int_equal(kim.ended, END_POLICY);
    assert_int_equal(ann.n_ended, 1);
    assert_int_equal(atomic_load(&h->counters.visits_ended), 2);
    /* it still stands until its owner has closed it; `ended` is not called again */
    house_swap_policy(h, arena_printf(&signer_arena, "%s# again\n", without_staff()).p);
    house_pass(h, 2 * 3600 * 1000);
    gate_end_all(h->gate, END_DRAIN);
    assert_int_equal(kim.n_ended, 1);
    assert_int_equal(atomic_load(&h->counters.visits_ended), 2);
    end_as(&kim, kim.ended);
    end_as(&ann, ann.ended);
    json_t *log = house_log(h), *end = json_array_get(log, 2);
    /* the end tells the decision that ended it, and by which policy */
    assert_string_equal(member(end, "kind"), "visit.end");
    assert_string_equal(member(end, "end"), "policy");
    assert_string_equal(member(end, "decision.effect"), "deny");
    assert_string_equal(member(end, "decision.reason"), "deny-rule");
    assert_string_equal(member(end, "decision.rules"), "[\"shut\"]");
    assert_string_equal(member(end, "policy.generation"), "3");
    house_close(h);
}

static void swaps_that_end_visits(void **state)
{
    static const struct {
        const char *id, *policy;
        bool ends;
    } rows[] = {
        {"the same", NULL, false},
        {"the app is gone",
         "version: 1\napps:\n  - {name: other, host: other.example, upstream: "
         "\"http://127.0.0.1:9\"}\n",
         true},
        {"its host is another app's now",
         "version: 1\napps:\n  - {name: changed, host: inventory.example, upstream: "
         "\"http://127.0.0.1:9\"}\nrules:\n  - {id: all, effect: allow, who: anyone, to: {apps: "
         "[changed]}}\n",
         true},
        {"another rule allows it",
         "version: 1\napps:\n  - {name: inventory, host: inventory.example, upstream: "
         "\"http://127.0.0.1:9\"}\nrules:\n  - {id: all, effect: allow, who: anyone, to: {apps: "
         "[inventory]}}\n",
         false},
        {"no rules at all",
         "version: 1\napps:\n  - {name: inventory, host: inventory.example, upstream: "
         "\"http://127.0.0.1:9\"}\n",
         true},
        {"the path became public",
         "version: 1\napps:\n  - {name: inventory, host: inventory.example, public_paths: [/**], "
         "upstream: \"http://127.0.0.1:9\"}\n",
         false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct house *h = house_plain();
        struct caller c;
        stand(&c, h, VISIT_KIND_WEBSOCKET, staff());
        house_swap_policy(h, rows[i].policy ? rows[i].policy : HOUSE_POLICY);
        assert_row(rows[i].id, c.n_ended == rows[i].ends);
        end_as(&c, END_POLICY);
        house_close(h);
    }
}

/* A path that the app takes no more, as a new request would find. */
static void the_path_is_refused_now(void **state)
{
    static const char passes[] =
        "version: 1\napps:\n  - {name: inventory, host: inventory.example, path_params: pass, "
        "upstream: \"http://127.0.0.1:9\"}\nrules:\n  - {id: all, effect: allow, who: anyone, to: "
        "{apps: [inventory]}}\n  - {id: shut, effect: deny, who: anyone, to: {apps: [inventory], "
        "paths: [/admin]}}\n";
    static const struct {
        const char *path;
        bool ends;
    } rows[] = {{"/admin;x=1", true}, {"/users", false}};
    char refuses[sizeof passes];
    strcpy(refuses, passes);
    memcpy(strstr(refuses, "path_params: pass"), "title: no params ", 17);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct house *h = house_open(&(struct house_options){.policy = passes});
        struct caller c;
        assert_int_equal(caller_ask(&c, h, rows[i].path, staff()), VISIT_PERMITTED);
        assert_true(visit_stand(&c.visit, VISIT_KIND_WEBSOCKET, caller_ended));
        house_swap_policy(h, passes);
        assert_int_equal(c.n_ended, 0);
        house_swap_policy(h, refuses);
        assert_row(rows[i].path, c.n_ended == rows[i].ends);
        end_as(&c, rows[i].ends ? c.ended : END_COMPLETE);
        json_t *end = house_last(h);
        assert_text(rows[i].path, member(end, "end"), rows[i].ends ? "policy" : "complete");
        assert_text(rows[i].path, member(end, "decision.reason"),
                    rows[i].ends ? "input:path" : "allow");
        house_close(h);
    }
}

static void the_issuer_is_gone(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    stand(&c, h, VISIT_KIND_WEBSOCKET, staff());
    house_swap_config(
        h, &(struct house_options){
               .issuers = "  late: {issuer: \"https://late.example\", audience: postern}\n",
               .services = "  robot: {issuer: late, match: {sub: \"robot:*\"}}\n"});
    assert_int_equal(c.n_ended, 1);
    end_as(&c, END_POLICY);
    house_close(h);
}

#define CORP(more)                                                                                 \
    "  corp: {issuer: \"https://login.example\", audience: postern, jwks_file: corp.json,\n"       \
    "         mfa: {amr: [otp]}" more "}\n"
#define LATE "  late: {issuer: \"https://late.example\", audience: postern}\n"

/* What was read out of the token by other settings than those of now is no proof any more. */
static void the_issuers_settings_changed(void **state)
{
    static const char robot[] = ",\"email\":\"r@acme.example\"";
    static const struct {
        const char *id, *issuers, *services;
        bool ends_kim, ends_robot;
    } rows[] = {
        {"nothing", NULL, NULL, false, false},
        {"another issuer", CORP("") "  late: {issuer: \"https://later.example\", audience: x}\n",
         NULL, false, false},
        {"words and order", CORP(", algs: [RS256, ES256]") LATE, NULL, false, false},
        {"audience", CORP(", authorized_parties: [x]") LATE, NULL, true, true},
        {"claims", CORP(", claims: {groups: roles}") LATE, NULL, true, true},
        {"trusted_email", CORP(", trusted_email: true") LATE, NULL, true, true},
        {"the service is another's", NULL, "  robot: {issuer: corp, match: {sub: \"other:*\"}}\n",
         false, true},
        {"the service is of another issuer", NULL,
         "  robot: {issuer: late, match: {sub: \"robot:*\"}}\n", false, true},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct house *h = house_plain();
        struct caller kim, machine;
        stand(&kim, h, VISIT_KIND_WEBSOCKET, staff());
        stand(&machine, h, VISIT_KIND_STREAM, house_bearer("robot:7", robot));
        house_swap_config(
            h, &(struct house_options){.issuers = rows[i].issuers, .services = rows[i].services});
        assert_row(rows[i].id, kim.n_ended == rows[i].ends_kim);
        assert_row(rows[i].id, machine.n_ended == rows[i].ends_robot);
        end_as(&kim, rows[i].ends_kim ? kim.ended : END_COMPLETE);
        if (rows[i].ends_kim)
            assert_text(rows[i].id, member(house_last(h), "decision.reason"), "auth.none");
        end_as(&machine, rows[i].ends_robot ? machine.ended : END_COMPLETE);
        assert_text(rows[i].id, member(house_last(h), "end"),
                    rows[i].ends_robot ? "policy" : "complete");
        house_close(h);
    }
}

static void a_public_visit_stands_without_identity(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/public/feed", NULL), VISIT_PERMITTED);
    assert_true(visit_stand(&c.visit, VISIT_KIND_STREAM, caller_ended));
    house_swap_policy(h, arena_printf(&signer_arena, "%s# same\n", HOUSE_POLICY).p);
    assert_int_equal(c.n_ended, 0);
    house_swap_policy(h, without_staff()); /* public no more */
    assert_int_equal(c.n_ended, 1);
    end_as(&c, END_POLICY);
    assert_string_equal(member(house_last(h), "decision.reason"), "auth.none");
    house_close(h);
}

static void valid_until_decides_again(void **state)
{
    struct house *h = house_open(&(struct house_options){
        .policy = "version: 1\n"
                  "apps:\n"
                  "  - {name: inventory, host: inventory.example, upstream: "
                  "\"http://127.0.0.1:9\"}\n"
                  "rules:\n"
                  "  - {id: office, effect: allow, who: {groups: [staff]}, to: {apps: "
                  "[inventory]},\n"
                  "     when: {days: [fri], hours: [\"08:00-15:10\"]}}\n"});
    struct caller c;
    stand(&c, h, VISIT_KIND_WEBSOCKET, staff());
    house_pass(h, 599 * 1000);
    assert_int_equal(c.n_ended, 0);
    house_pass(h, 1200);
    assert_int_equal(c.n_ended, 1);
    assert_int_equal(c.ended, END_POLICY);
    end_as(&c, c.ended);
    assert_string_equal(member(house_last(h), "end"), "policy");
    assert_string_equal(member(house_last(h), "decision.effect"), "deny");
    house_close(h);
}

/* The moment comes, and a rule still allows it: it stays, until the next one. */
static void valid_until_goes_on(void **state)
{
    struct house *h = house_open(&(struct house_options){
        .policy = "version: 1\n"
                  "apps:\n"
                  "  - {name: inventory, host: inventory.example, upstream: "
                  "\"http://127.0.0.1:9\"}\n"
                  "rules:\n"
                  "  - {id: first, effect: allow, who: {groups: [staff]}, to: {apps: "
                  "[inventory]},\n"
                  "     when: {days: [fri], hours: [\"08:00-15:10\", \"15:20-15:30\"]}}\n"
                  "  - {id: between, effect: allow, who: {groups: [staff]}, to: {apps: "
                  "[inventory]},\n"
                  "     when: {days: [fri], hours: [\"15:05-15:20\"]}}\n"});
    struct caller c;
    stand(&c, h, VISIT_KIND_WEBSOCKET, staff());
    for (int minute = 0; minute < 29; minute++) {
        house_pass(h, 60 * 1000);
        assert_int_equal(c.n_ended, 0);
    }
    house_pass(h, 62 * 1000);
    assert_int_equal(c.n_ended, 1);
    end_as(&c, c.ended);
    house_close(h);
}

static void the_token_ends(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    stand(&c, h, VISIT_KIND_WEBSOCKET, staff());
    house_pass(h, 3599 * 1000);
    assert_int_equal(c.n_ended, 0);
    house_pass(h, 1200);
    assert_int_equal(c.n_ended, 1);
    assert_int_equal(c.ended, END_EXPIRED);
    end_as(&c, c.ended);
    assert_string_equal(member(house_last(h), "end"), "expired");
    assert_string_equal(member(house_last(h), "decision.effect"), "deny");
    house_close(h);
}

/* Deadlines go by the monotonic clock: a clock that is set must not leave a dead token standing. */
static void a_clock_that_is_set(void **state)
{
    static const struct {
        const char *id;
        int64_t step_ms;
        bool ends;
    } rows[] = {
        {"not at all", 0, false},
        {"a little", 300, false},
        {"past the token's end", 3601 * 1000, true},
        {"far back", -3600 * 1000, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct house *h = house_plain();
        struct caller c;
        stand(&c, h, VISIT_KIND_WEBSOCKET, staff());
        house_pass(h, 3000);
        clock_step(rows[i].step_ms);
        house_pass(h, 1200);
        house_pass(h, 1200);
        assert_row(rows[i].id, c.n_ended == rows[i].ends);
        end_as(&c, END_COMPLETE);
        house_close(h);
    }
}

/* The rules changed while the request was on its way to stand: it is looked at at once. */
static void stands_under_rules_that_are_old(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", staff()), VISIT_PERMITTED);
    house_swap_policy(h, without_staff());
    assert_int_equal(c.n_ended, 0);
    assert_true(visit_stand(&c.visit, VISIT_KIND_WEBSOCKET, caller_ended));
    house_pass(h, 200);
    assert_int_equal(c.n_ended, 1);
    assert_int_equal(c.ended, END_POLICY);
    end_as(&c, c.ended);
    house_close(h);
}

static void the_table_is_bounded(void **state)
{
    struct house *h = house_open(&(struct house_options){.limits = "{long_visits: 2}\n"});
    struct caller one, two, three;
    stand(&one, h, VISIT_KIND_STREAM, staff());
    stand(&two, h, VISIT_KIND_STREAM, staff());
    assert_int_equal(caller_ask(&three, h, "/x", staff()), VISIT_PERMITTED);
    assert_false(visit_stand(&three.visit, VISIT_KIND_STREAM, caller_ended));
    end_as(&two, END_COMPLETE);
    assert_true(visit_stand(&three.visit, VISIT_KIND_STREAM, caller_ended));
    end_as(&one, END_COMPLETE);
    end_as(&three, END_COMPLETE);
    house_close(h);
}

static void a_stream_becomes_a_websocket(void **state)
{
    struct house *h = house_open(&(struct house_options){.limits = "{long_visits: 1}\n"});
    struct caller c;
    stand(&c, h, VISIT_KIND_STREAM, staff());
    assert_true(visit_stand(&c.visit, VISIT_KIND_WEBSOCKET, caller_ended));
    assert_int_equal(gate_standing(h->gate), 1);
    end_as(&c, END_COMPLETE);
    json_t *log = house_log(h);
    assert_int_equal(json_array_size(log), 3);
    assert_string_equal(member(json_array_get(log, 2), "kind"), "visit.end");
    house_close(h);
}

/* `ended` may end the visit, and others, then and there. */
static struct caller *all[4];

static void end_two(struct visit *v, enum visit_end why)
{
    caller_ended(v, why);
    for (size_t i = 0; i < 4; i++)
        if (all[i] && (&all[i]->visit == v || i == 2)) {
            struct caller *c = all[i];
            all[i] = NULL;
            end_as(c, why);
        }
}

static void ended_may_end_visits(void **state)
{
    static struct caller callers[4];
    struct house *h = house_plain();
    for (size_t i = 0; i < 4; i++) {
        all[i] = &callers[i];
        assert_int_equal(caller_ask(all[i], h, "/x", staff()), VISIT_PERMITTED);
        assert_true(visit_stand(&all[i]->visit, VISIT_KIND_STREAM, end_two));
    }
    gate_end_all(h->gate, END_DRAIN);
    for (size_t i = 0; i < 4; i++) {
        assert_null(all[i]);
        assert_int_equal(callers[i].n_ended, i == 2 ? 0 : 1);
    }
    assert_int_equal(gate_standing(h->gate), 0);
    house_close(h);
}

static void the_end_of_all(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    stand(&c, h, VISIT_KIND_WEBSOCKET, staff());
    gate_end_all(h->gate, END_DRAIN);
    assert_int_equal(c.n_ended, 1);
    assert_int_equal(c.ended, END_DRAIN);
    end_as(&c, c.ended);
    json_t *r = house_last(h);
    /* nothing was decided anew */
    assert_string_equal(member(r, "decision.effect"), "allow");
    assert_string_equal(member(r, "end"), "drain");
    house_close(h);
}

/* ---- names of ends ---- */

static void ends_have_words(void **state)
{
    for (int i = 0; i < END_COUNT; i++) {
        enum visit_end end = (enum visit_end)i;
        assert_non_null(visit_end_word(end));
        assert_true(strlen(visit_end_text(end)) > 10);
        assert_true(strspn(visit_end_word(end), "abcdefghijklmnopqrstuvwxyz-") ==
                    strlen(visit_end_word(end)));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(visit_end_word(end), visit_end_word((enum visit_end)k));
    }
    assert_true(visit_end_is_error(END_NONE));
    assert_false(visit_end_is_error(END_COMPLETE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_ring_waits),
        cmocka_unit_test(a_full_ring_is_busy_in_the_end),
        cmocka_unit_test(no_wait_when_told_so),
        cmocka_unit_test(room_for_the_credential),
        cmocka_unit_test(an_unwritable_journal_refuses),
        cmocka_unit_test(who_waits_is_told_of_a_broken_disk),
        cmocka_unit_test(own_answers_need_room),
        cmocka_unit_test(who_leaves_while_waiting_was_not_refused),
        cmocka_unit_test(on_error_continue),
        cmocka_unit_test(always_opens_before_it_permits),
        cmocka_unit_test(always_writes_refusals_once),
        cmocka_unit_test(always_wakes_only_who_is_durable),
        cmocka_unit_test(always_refuses_when_the_disk_breaks),
        cmocka_unit_test(always_refuses_what_a_sync_took),
        cmocka_unit_test(always_and_continue),
        cmocka_unit_test(always_gives_up_on_a_slow_disk),
        cmocka_unit_test(always_has_room_for_the_close),
        cmocka_unit_test(always_while_waiting_the_client_leaves),
        cmocka_unit_test(ids_are_distinct),
        cmocka_unit_test(counters_add_up),
        cmocka_unit_test(standing_is_recorded_and_lets_go),
        cmocka_unit_test(standing_in_always_mode),
        cmocka_unit_test(a_swap_decides_again),
        cmocka_unit_test(swaps_that_end_visits),
        cmocka_unit_test(the_path_is_refused_now),
        cmocka_unit_test(the_issuer_is_gone),
        cmocka_unit_test(the_issuers_settings_changed),
        cmocka_unit_test(a_public_visit_stands_without_identity),
        cmocka_unit_test(valid_until_decides_again),
        cmocka_unit_test(valid_until_goes_on),
        cmocka_unit_test(the_token_ends),
        cmocka_unit_test(a_clock_that_is_set),
        cmocka_unit_test(stands_under_rules_that_are_old),
        cmocka_unit_test(the_table_is_bounded),
        cmocka_unit_test(a_stream_becomes_a_websocket),
        cmocka_unit_test(ended_may_end_visits),
        cmocka_unit_test(the_end_of_all),
        cmocka_unit_test(ends_have_words),
    };
    return cmocka_run_group_tests_name("gate visit", tests, NULL, NULL);
}
