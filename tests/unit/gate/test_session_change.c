/* Sessions that end or change: out of the cache at once, and with them the long visits that stand
 * by them; no order of answers and news lets one live on. */
#include "people.h"

static struct house *open_with(struct store *s)
{
    return house_open(&(struct house_options){.store = s});
}

static void close_all(struct house *h, struct store *s)
{
    people_answer(h, s);
    house_close(h);
    free(s);
}

static void tell(struct house *h, enum store_change_kind kind, const struct fake_row *row)
{
    const struct store_session *s = &row->seen.session;
    gate_store_changed(h->gate, kind, kind == STORE_PERSON_CHANGED ? 0 : s->id, s->issuer,
                       s->subject);
}

static void end(struct house *h, struct fake_row *row)
{
    row->is_gone = true;
    tell(h, STORE_SESSION_ENDED, row);
}

/* A WebSocket of this person. */
static void stand(struct caller *c, struct house *h, struct store *s, const char *cookie)
{
    caller_begin(c, h, INVENTORY, "/ws");
    c->visit.request.cookie = str_of(cookie);
    c->visit.request.is_websocket = true;
    if (caller_run(c) == VISIT_WAITING)
        people_answer(h, s);
    assert_int_equal(c->visit.outcome, VISIT_PERMITTED);
    assert_true(visit_stand(&c->visit, VISIT_KIND_WEBSOCKET, caller_ended));
}

static void a_session_that_ended(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie, *elsewhere, *of_sam;
    struct caller ws, ws2, sams, c;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    elsewhere = people_hand_on(h, s, row->seen.session.id, OTHER);
    people_add(h, s, "sam", INVENTORY, &of_sam);
    stand(&ws, h, s, cookie);
    stand(&ws2, h, s, cookie);
    stand(&sams, h, s, of_sam);
    people_ask_at(&c, h, OTHER, "/", elsewhere);
    people_answer(h, s);
    caller_end(&c);
    s->rows[1].is_gone = true;
    end(h, row);
    assert_int_equal(ws.n_ended, 1);
    assert_int_equal(ws.ended, END_SESSION);
    assert_int_equal(ws2.n_ended, 1);
    assert_int_equal(sams.n_ended, 0);
    caller_end_with(&ws, &(struct visit_close){.end = END_SESSION, .connect_us = -1});
    json_t *r = house_last(h);
    assert_text("kind", member(r, "kind"), "visit.end");
    assert_text("end", member(r, "end"), "session");
    assert_text("reason", member(r, "decision.reason"), "auth.none");
    assert_true(is_in_causes(r, "session.ended"));
    caller_end(&ws2);
    unsigned asked = s->asked_cookie;
    assert_int_equal(people_come(&c, h, s, cookie), VISIT_REFUSED);
    caller_end(&c);
    people_ask_at(&c, h, OTHER, "/", elsewhere);
    people_answer(h, s);
    assert_text("elsewhere", c.visit.reason, "auth.none");
    caller_end(&c);
    assert_int_equal(s->asked_cookie, asked + 2); /* none came out of the cache */
    end(h, row);                                  /* once more, of nobody */
    caller_end(&sams);
    close_all(h, s);
}

/* What was read before the end is answered before the end is told: the visit was let in a moment
 * earlier, and nothing of it stays. */
static void an_answer_before_the_news(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    people_ask(&c, h, cookie);
    fake_store_look(s);
    row->is_gone = true;
    fake_store_done(s);
    house_turn(h);
    tell(h, STORE_SESSION_ENDED, row);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    assert_int_equal(session_cache_count(h->gate->sessions), 0);
    assert_true(visit_stand(&c.visit, VISIT_KIND_STREAM, caller_ended));
    house_pass(h, 200);
    assert_int_equal(c.ended, END_SESSION);
    caller_end(&c);
    close_all(h, s);
}

/* What is read after the end is absent, whenever the news comes. */
static void news_before_the_answer(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    people_ask(&c, h, cookie);
    end(h, row);
    people_answer(h, s);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    assert_text("reason", c.visit.reason, "auth.none");
    caller_end(&c);
    close_all(h, s);
}

/* It was let in, and waits for its open record to reach the disk: it goes no further. */
static void ended_while_it_waits(void **state)
{
    struct store *s = people_store();
    struct house *h = house_open(&(struct house_options){.store = s, .is_always = true});
    const char *cookie;
    struct caller c;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    people_ask(&c, h, cookie);
    people_answer(h, s);
    assert_int_equal(c.visit.outcome, VISIT_WAITING);
    assert_true(c.visit.ticket != 0);
    end(h, row);
    house_sync(h);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    assert_text("reason", c.visit.reason, "auth.none");
    caller_end(&c);
    close_all(h, s);
}

/* It left the cache, and a visit holds it still. */
static void ended_after_it_left_the_cache(void **state)
{
    struct store *s = people_store();
    struct house *h =
        house_open(&(struct house_options){.store = s, .limits = "{session_cache: 1}\n"});
    const char *cookie, *other;
    struct caller ws;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    people_add(h, s, "sam", INVENTORY, &other);
    stand(&ws, h, s, cookie);
    people_warm(h, s, other);
    end(h, row);
    assert_int_equal(ws.ended, END_SESSION);
    caller_end(&ws);
    close_all(h, s);
}

/* `ended` may end others of the same session, and itself. */
static struct caller *victims[8];
static size_t n_victims;

static void ends_all(struct visit *v, enum visit_end why)
{
    caller_ended(v, why);
    for (size_t i = 0; i < n_victims; i++)
        caller_end(victims[i]);
    n_victims = 0;
}

static void endings_that_end_others(void **state)
{
    static struct caller ws[8];
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    n_victims = 8;
    for (size_t i = 0; i < 8; i++) {
        stand(&ws[i], h, s, cookie);
        ws[i].visit.ended = ends_all;
        victims[i] = &ws[i];
    }
    end(h, row);
    assert_int_equal(gate_standing(h->gate), 0);
    close_all(h, s);
}

/* ---- changes ---- */

static void a_session_that_changed(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller ws, c;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    stand(&ws, h, s, cookie);
    row->seen.session.claims = people_claims("kim", STAFF ",\"note\":\"n\"");
    tell(h, STORE_SESSION_CHANGED, row);
    tell(h, STORE_SESSION_CHANGED, row);
    people_answer(h, s);
    assert_int_equal(s->asked_id, 1); /* one answer has the news of both */
    assert_int_equal(ws.n_ended, 0);
    assert_int_equal(people_come(&c, h, s, cookie), VISIT_PERMITTED);
    caller_end(&c);
    assert_text("anew", member(house_last(h), "identity.claims.note"), "n");
    row->seen.session.claims = people_claims("kim", ",\"groups\":[\"suspended\"]");
    tell(h, STORE_SESSION_CHANGED, row);
    assert_int_equal(ws.n_ended, 0);
    people_answer(h, s);
    assert_int_equal(ws.ended, END_POLICY);
    caller_end_with(&ws, &(struct visit_close){.end = ws.ended, .connect_us = -1});
    json_t *r = house_last(h);
    assert_text("reason", member(r, "decision.reason"), "deny-rule");
    assert_text("by whom he is now", member(r, "identity.groups"), "[\"suspended\"]");
    close_all(h, s);
}

/* It ended while it was read again. */
/* What the claims say of the device is asked anew with them. */
static void device_claims_that_changed(void **state)
{
    struct store *s = people_store();
    struct house *h = house_open(&(struct house_options){
        .store = s,
        .policy = "version: 1\n"
                  "apps: [{name: a, host: inventory.example, upstream: \"http://10.0.4.12:3000\",\n"
                  "        websocket: true}]\n"
                  "rules:\n"
                  "  - {id: healthy, effect: allow, who: {groups: [staff]}, to: {apps: [a]},\n"
                  "     device: {managed: true}}\n",
        .issuers = "  corp: {issuer: https://login.example, audience: postern,\n"
                   "         jwks_file: corp.json, algs: [ES256, RS256],\n"
                   "         device: {managed: device_managed}}\n",
        .services = "  none: {issuer: corp, match: {client_id: none}}\n"});
    const char *cookie;
    struct caller ws;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    row->seen.session.claims = people_claims("kim", STAFF ",\"device_managed\":true");
    stand(&ws, h, s, cookie);
    tell(h, STORE_SESSION_CHANGED, row);
    people_answer(h, s);
    assert_int_equal(ws.n_ended, 0);
    row->seen.session.claims = people_claims("kim", STAFF ",\"device_managed\":false");
    tell(h, STORE_SESSION_CHANGED, row);
    people_answer(h, s);
    assert_int_equal(ws.n_ended, 1);
    assert_int_equal(ws.ended, END_POLICY);
    caller_end(&ws);
    close_all(h, s);
}

static void changed_and_ended(void **state)
{
    static const char *const orders[] = {"look, news", "news, look"};
    for (size_t i = 0; i < ROWS(orders); i++) {
        struct store *s = people_store();
        struct house *h = open_with(s);
        const char *cookie;
        struct caller ws;
        struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
        stand(&ws, h, s, cookie);
        tell(h, STORE_SESSION_CHANGED, row);
        if (i == 0)
            people_answer(h, s);
        end(h, row);
        people_answer(h, s);
        assert_row(orders[i], ws.n_ended == 1);
        assert_row(orders[i], ws.ended == END_SESSION);
        caller_end(&ws);
        close_all(h, s);
    }
}

/* A request under way when it changed, which lasts: it is read again when it stands. */
static void stands_after_the_change(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    people_come(&c, h, s, cookie);
    row->seen.session.claims = people_claims("kim", ",\"groups\":[]");
    tell(h, STORE_SESSION_CHANGED, row);
    assert_int_equal(s->asked_id, 0);
    assert_true(visit_stand(&c.visit, VISIT_KIND_STREAM, caller_ended));
    people_answer(h, s);
    assert_int_equal(c.ended, END_POLICY);
    caller_end(&c);
    close_all(h, s);
}

/* While the store cannot be asked they go on for a moment, then they end. */
static void changed_and_not_to_be_read(void **state)
{
    static const char *const how[] = {"broken", "full"};
    for (size_t i = 0; i < ROWS(how); i++) {
        struct store *s = people_store();
        struct house *h = open_with(s);
        const char *cookie;
        struct caller ws;
        struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
        stand(&ws, h, s, cookie);
        s->is_broken = i == 0;
        s->is_full = i == 1;
        tell(h, STORE_SESSION_CHANGED, row);
        people_answer(h, s);
        house_pass(h, 700);
        people_answer(h, s);
        assert_row(how[i], ws.n_ended == 0);
        for (int n = 0; n < 4; n++) {
            house_pass(h, 700);
            people_answer(h, s);
        }
        assert_row(how[i], ws.n_ended == 1);
        assert_row(how[i], ws.ended == END_SESSION);
        caller_end(&ws);
        s->is_full = false;
        close_all(h, s);
    }
}

/* ---- the person ---- */

static void a_grant_that_opens_and_ends(void **state)
{
    static const char policy[] =
        "version: 1\n"
        "apps:\n"
        "  - {name: inventory, host: inventory.example, upstream: \"unix:APP_SOCKET\"}\n"
        "rules:\n"
        "  - {id: asked, effect: allow, who: {groups: [staff]}, to: {apps: [inventory]},\n"
        "     approval: {by: {groups: [boss]}, valid_for: 1h}}\n";
    struct store *s = people_store();
    struct house *h = house_open(&(struct house_options){.store = s, .policy = policy});
    const char *cookie;
    struct caller ws, c;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    struct store_grant grant = {.kind = STORE_GRANT_APPROVAL,
                                .state = STORE_GRANT_OPEN,
                                .rule = STR("asked"),
                                .rule_digest =
                                    policy_rule_digest(h->snapshot->policy, STR("asked")),
                                .app = STR("inventory"),
                                .expires_s = now_s() + 3600};
    assert_int_equal(people_come(&c, h, s, cookie), VISIT_REFUSED);
    assert_int_equal(c.visit.refusal.remedies[0].kind, POLICY_REMEDY_REQUEST_APPROVAL);
    caller_end(&c);
    row->seen.grants = &grant;
    row->seen.n_grants = 1;
    tell(h, STORE_PERSON_CHANGED, row);
    stand(&ws, h, s, cookie);
    row->seen.n_grants = 0;
    tell(h, STORE_PERSON_CHANGED, row);
    people_answer(h, s);
    assert_int_equal(ws.ended, END_POLICY);
    caller_end(&ws);
    close_all(h, s);
}

static void other_people_are_left_alone(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller ws;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    stand(&ws, h, s, cookie);
    gate_store_changed(h->gate, STORE_PERSON_CHANGED, 0, row->seen.session.issuer, STR("sam"));
    gate_store_changed(h->gate, STORE_PERSON_CHANGED, 0, STR("https://late.example"), STR("kim"));
    gate_store_changed(h->gate, STORE_SESSION_ENDED, 77, row->seen.session.issuer, STR("kim"));
    assert_int_equal(session_cache_count(h->gate->sessions), 1);
    assert_int_equal(ws.n_ended, 0);
    caller_end(&ws);
    close_all(h, s);
}

/* ---- limits of long visits ---- */

static void idle(void **state)
{
    static const char more[] = "sessions: {max: 8h, idle: 30m}\n";
    struct store *s = people_store();
    struct house *h = house_open(&(struct house_options){.store = s, .more = more});
    const char *cookie;
    struct caller ws;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    stand(&ws, h, s, cookie);
    house_pass(h, 20 * 60 * 1000);
    visit_touch(&ws.visit); /* it says something */
    house_pass(h, 20 * 60 * 1000);
    people_answer(h, s);
    assert_int_equal(ws.n_ended, 0);
    row->seen.session.seen_s = now_s(); /* elsewhere */
    house_pass(h, 11 * 60 * 1000);
    people_answer(h, s);
    assert_int_equal(ws.n_ended, 0);
    house_pass(h, 20 * 60 * 1000);
    people_answer(h, s);
    assert_int_equal(ws.ended, END_EXPIRED);
    caller_end(&ws);
    assert_true(is_in_causes(house_last(h), "session.idle"));
    close_all(h, s);
}

static void max(void **state)
{
    static const char more[] = "sessions: {max: 8h, idle: 30m}\n";
    struct store *s = people_store();
    struct house *h = house_open(&(struct house_options){.store = s, .more = more});
    const char *cookie;
    struct caller ws;
    people_add(h, s, "kim", INVENTORY, &cookie);
    stand(&ws, h, s, cookie);
    for (int i = 0; i < 8 * 60 / 20; i++) {
        assert_int_equal(ws.n_ended, 0);
        visit_touch(&ws.visit);
        house_pass(h, 20 * 60 * 1000);
    }
    house_pass(h, 1000);
    assert_int_equal(ws.ended, END_EXPIRED);
    caller_end(&ws);
    assert_true(is_in_causes(house_last(h), "session.max"));
    close_all(h, s);
}

/* A WebSocket alone makes old claims be fetched anew. */
static void claims_grow_old_under_a_long_visit(void **state)
{
    static const char more[] = "sessions: {refresh: 10m}\n";
    struct store *s = people_store();
    struct house *h = house_open(&(struct house_options){.store = s, .more = more});
    const char *cookie;
    struct caller ws;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    row->seen.session.refresh_token = STR("r");
    stand(&ws, h, s, cookie);
    house_pass(h, 599 * 1000);
    assert_int_equal(h->refreshes, 0);
    house_pass(h, 2000);
    assert_int_equal(h->refreshes, 1);
    house_pass(h, 61 * 1000);
    assert_int_equal(h->refreshes, 2);
    row->seen.session.claims_s = now_s();
    tell(h, STORE_SESSION_CHANGED, row);
    people_answer(h, s);
    house_pass(h, 590 * 1000);
    assert_int_equal(h->refreshes, 2);
    house_pass(h, 12 * 1000);
    assert_int_equal(h->refreshes, 3);
    caller_end(&ws);
    close_all(h, s);
}

/* ---- many ---- */

/* 9,000 sessions end one by one, 9,000 visits stand: none is searched for. */
static void nine_thousand(void **state)
{
    enum { MANY = 9000 };
    static struct caller ws[MANY];
    struct store *s = people_store();
    struct house *h = house_open(&(struct house_options){
        .store = s, .limits = "{long_visits: 10000, session_cache: 100}\n"});
    for (size_t i = 0; i < MANY; i++) {
        const char *cookie;
        people_add(h, s, "kim", INVENTORY, &cookie);
        s->rows[0] = s->rows[s->n_rows - 1]; /* the fake looks at all: one is enough */
        s->n_rows = 1;
        s->rows[0].seen.session.id = (int64_t)i + 1;
        stand(&ws[i], h, s, cookie);
        if (i % 64 == 0)
            house_sync(h);
    }
    for (size_t i = 0; i < MANY; i++) {
        gate_store_changed(h->gate, STORE_SESSION_ENDED, (int64_t)i + 1, STR("x"), STR("y"));
        assert_int_equal(ws[i].n_ended, 1);
        assert_true(i + 1 == MANY || ws[i + 1].n_ended == 0);
    }
    for (size_t i = 0; i < MANY; i++) {
        caller_end(&ws[i]);
        if (i % 64 == 0)
            house_sync(h);
    }
    close_all(h, s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_that_ended),
        cmocka_unit_test(an_answer_before_the_news),
        cmocka_unit_test(news_before_the_answer),
        cmocka_unit_test(ended_while_it_waits),
        cmocka_unit_test(ended_after_it_left_the_cache),
        cmocka_unit_test(endings_that_end_others),
        cmocka_unit_test(a_session_that_changed),
        cmocka_unit_test(device_claims_that_changed),
        cmocka_unit_test(changed_and_ended),
        cmocka_unit_test(stands_after_the_change),
        cmocka_unit_test(changed_and_not_to_be_read),
        cmocka_unit_test(a_grant_that_opens_and_ends),
        cmocka_unit_test(other_people_are_left_alone),
        cmocka_unit_test(idle),
        cmocka_unit_test(max),
        cmocka_unit_test(claims_grow_old_under_a_long_visit),
        cmocka_unit_test(nine_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
