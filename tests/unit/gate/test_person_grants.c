/* Grants of people who came by a token: asked for once, only where a rule knows any, and gone with
 * the news that they changed. */
#include "people.h"

static const char POLICY[] =
    "version: 1\n"
    "apps:\n"
    "  - {name: inventory, host: inventory.example, upstream: \"unix:APP_SOCKET\"}\n"
    "  - {name: other, host: other.example, upstream: \"unix:APP_SOCKET\"}\n"
    "  - {name: attic, host: attic.example, upstream: \"unix:APP_SOCKET\"}\n"
    "  - {name: glass, host: glass.example, upstream: \"unix:APP_SOCKET\"}\n"
    "rules:\n"
    "  - {id: asked, effect: allow, who: {groups: [staff]}, to: {apps: [inventory, attic]},\n"
    "     approval: {by: {groups: [boss]}, valid_for: 1h}}\n"
    "  - {id: plain, effect: allow, who: {groups: [staff]}, to: {apps: [other]}}\n"
    "  - {id: hours, effect: require, who: {groups: [staff]}, to: {apps: [glass]},\n"
    "     auth: {methods: [hwk]}}\n"
    "  - {id: broken, effect: allow, who: {groups: [staff]}, to: {apps: [glass]},\n"
    "     break_glass: {skips: [hours], reason_required: true, notify: [alerts]}}\n";

struct scene {
    struct store *store;
    struct house *house;
    struct fake_row *row;
    struct store_grant grant;
    const char *bearer;
};

static struct scene *open_scene(void)
{
    struct scene *s = mem_alloc(sizeof *s);
    s->store = people_store();
    s->house = house_open(&(struct house_options){
        .store = s->store,
        .policy = POLICY,
        .more = "notify: {alerts: {webhook: \"https://hook.example/\"}}\n"});
    s->row = people_add(s->house, s->store, "kim", INVENTORY, NULL);
    s->bearer = arena_printf(&signer_arena, "%s", house_bearer("kim", STAFF)).p;
    s->grant = (struct store_grant){
        .kind = STORE_GRANT_APPROVAL,
        .state = STORE_GRANT_OPEN,
        .rule = STR("asked"),
        .rule_digest = policy_rule_digest(s->house->snapshot->policy, STR("asked")),
        .app = STR("inventory"),
        .expires_s = now_s() + 3600};
    return s;
}

static void close_scene(struct scene *s)
{
    people_answer(s->house, s->store);
    house_close(s->house);
    free(s->store);
    free(s);
}

static void set_open(struct scene *s, bool is_open)
{
    s->row->seen.grants = &s->grant;
    s->row->seen.n_grants = is_open;
}

static void tell(struct scene *s, const char *subject)
{
    gate_store_changed(s->house->gate, STORE_PERSON_CHANGED, 0, s->row->seen.session.issuer,
                       str_of(subject));
}

static enum visit_outcome begin(struct caller *c, struct scene *s, const char *host)
{
    caller_begin(c, s->house, host, "/x");
    c->visit.request.authorization = str_of(s->bearer);
    return caller_run(c);
}

/* Begun, waited, answered, ended. */
static enum visit_outcome come(struct scene *s, const char *host)
{
    struct caller c;
    if (begin(&c, s, host) == VISIT_WAITING)
        people_answer(s->house, s->store);
    enum visit_outcome outcome = c.visit.outcome;
    caller_end(&c);
    return outcome;
}

static void asked_once_and_only_where_a_rule_knows_any(void **state)
{
    struct scene *s = open_scene();
    struct caller c;
    (void)state;
    set_open(s, true);
    assert_int_equal(begin(&c, s, OTHER), VISIT_PERMITTED);
    caller_end(&c);
    assert_int_equal(s->store->asked_grants, 0);
    assert_int_equal(begin(&c, s, INVENTORY), VISIT_WAITING);
    people_answer(s->house, s->store);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    caller_end(&c);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(begin(&c, s, INVENTORY), VISIT_PERMITTED);
        caller_end(&c);
        assert_int_equal(begin(&c, s, "glass.example"), VISIT_REFUSED); /* of another rule */
        caller_end(&c);
        assert_int_equal(begin(&c, s, "attic.example"), VISIT_REFUSED); /* for another app */
        caller_end(&c);
    }
    assert_int_equal(s->store->asked_grants, 1);
    close_scene(s);
}

static void many_at_once_share_a_question(void **state)
{
    struct scene *s = open_scene();
    struct caller c[5];
    (void)state;
    set_open(s, true);
    for (int i = 0; i < 5; i++)
        assert_int_equal(begin(&c[i], s, INVENTORY), VISIT_WAITING);
    gate_audit_changed(s->house->gate); /* woken for nothing they go on waiting */
    caller_end(&c[4]);                  /* gone meanwhile */
    people_answer(s->house, s->store);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(c[i].n_resumed, 1);
        assert_int_equal(c[i].visit.outcome, VISIT_PERMITTED);
        caller_end(&c[i]);
    }
    assert_int_equal(s->store->asked_grants, 1);
    close_scene(s);
}

static void news_of_the_person_alone(void **state)
{
    struct scene *s = open_scene();
    (void)state;
    assert_int_equal(come(s, INVENTORY), VISIT_REFUSED);
    set_open(s, true);
    tell(s, "sam");
    assert_int_equal(come(s, INVENTORY), VISIT_REFUSED);
    assert_int_equal(s->store->asked_grants, 1);
    tell(s, "kim");
    assert_int_equal(come(s, INVENTORY), VISIT_PERMITTED);
    set_open(s, false);
    tell(s, "kim");
    assert_int_equal(come(s, INVENTORY), VISIT_REFUSED);
    assert_int_equal(s->store->asked_grants, 3);
    close_scene(s);
}

/* What was read before the change is answered before the change is told. */
static void news_while_it_is_asked(void **state)
{
    struct scene *s = open_scene();
    struct caller c;
    (void)state;
    set_open(s, true);
    assert_int_equal(begin(&c, s, INVENTORY), VISIT_WAITING);
    fake_store_look(s->store);
    set_open(s, false);
    fake_store_done(s->store);
    house_turn(s->house);
    tell(s, "kim");
    caller_end(&c);
    assert_int_equal(come(s, INVENTORY), VISIT_REFUSED);
    close_scene(s);
}

static void a_store_that_fails_opens_nothing(void **state)
{
    static const struct {
        const char *id;
        bool is_broken, is_full, is_slow;
    } rows[] = {
        {"broken", true, false, false}, {"full", false, true, false}, {"slow", false, false, true}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct scene *s = open_scene();
        struct caller c;
        set_open(s, true);
        s->store->is_broken = rows[i].is_broken;
        s->store->is_full = rows[i].is_full;
        enum visit_outcome outcome = begin(&c, s, INVENTORY);
        assert_row(rows[i].id, outcome == (rows[i].is_full ? VISIT_REFUSED : VISIT_WAITING));
        if (rows[i].is_slow)
            house_pass(s->house, 60 * 1000);
        else
            people_answer(s->house, s->store);
        assert_row(rows[i].id, c.visit.outcome == VISIT_REFUSED);
        assert_text(rows[i].id, c.visit.reason, "default-deny");
        struct policy_facts facts = {.n_grants = 0};
        person_grants_tell(&c.visit, STR("inventory"), c.visit.arena,
                           &facts); /* not "there is none" */
        assert_row(rows[i].id, facts.grants_unknown && !facts.n_grants);
        caller_end(&c);
        s->store->is_broken = s->store->is_full = false;
        people_answer(s->house, s->store);
        assert_row(rows[i].id, come(s, INVENTORY) == VISIT_PERMITTED); /* no failure is kept */
        close_scene(s);
    }
}

static void stand(struct caller *c, struct scene *s)
{
    caller_begin(c, s->house, INVENTORY, "/ws");
    c->visit.request.authorization = str_of(s->bearer);
    c->visit.request.is_websocket = true;
    if (caller_run(c) == VISIT_WAITING)
        people_answer(s->house, s->store);
    assert_int_equal(c->visit.outcome, VISIT_PERMITTED);
    assert_true(visit_stand(&c->visit, VISIT_KIND_WEBSOCKET, caller_ended));
}

static void a_long_visit_ends_with_its_grant(void **state)
{
    struct scene *s = open_scene();
    struct caller one, two;
    (void)state;
    set_open(s, true);
    stand(&one, s);
    stand(&two, s);
    tell(s, "kim"); /* something else changed: they go on, by what is read now */
    people_answer(s->house, s->store);
    assert_int_equal(one.n_ended + two.n_ended, 0);
    set_open(s, false);
    tell(s, "kim");
    assert_int_equal(one.n_ended + two.n_ended, 0);
    people_answer(s->house, s->store);
    assert_int_equal(one.ended, END_POLICY);
    assert_int_equal(two.ended, END_POLICY);
    caller_end(&one);
    caller_end(&two);
    close_scene(s);
}

/* It may be decided a thousand times. */
static void a_long_visit_gathers_nothing(void **state)
{
    struct scene *s = open_scene();
    struct caller c;
    (void)state;
    set_open(s, true);
    stand(&c, s);
    const char *room = c.visit.arena->next;
    for (int i = 0; i < 3; i++)
        gate_decide_again(s->house->gate);
    assert_ptr_equal(c.visit.arena->next, room);
    caller_end(&c);
    close_scene(s);
}

static void a_long_visit_of_what_cannot_be_read(void **state)
{
    struct scene *s = open_scene();
    struct caller ws;
    (void)state;
    set_open(s, true);
    stand(&ws, s);
    s->store->is_broken = true;
    tell(s, "kim");
    people_answer(s->house, s->store);
    assert_int_equal(ws.ended, END_POLICY);
    caller_end(&ws);
    close_scene(s);
}

static void a_grant_that_is_over(void **state)
{
    struct scene *s = open_scene();
    (void)state;
    set_open(s, true);
    s->grant.expires_s = now_s() + 60;
    assert_int_equal(come(s, INVENTORY), VISIT_PERMITTED);
    house_pass(s->house, 61 * 1000);
    assert_int_equal(come(s, INVENTORY), VISIT_REFUSED);
    assert_int_equal(s->store->asked_grants, 1);
    close_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asked_once_and_only_where_a_rule_knows_any),
        cmocka_unit_test(many_at_once_share_a_question),
        cmocka_unit_test(news_of_the_person_alone),
        cmocka_unit_test(news_while_it_is_asked),
        cmocka_unit_test(a_store_that_fails_opens_nothing),
        cmocka_unit_test(a_long_visit_ends_with_its_grant),
        cmocka_unit_test(a_long_visit_gathers_nothing),
        cmocka_unit_test(a_long_visit_of_what_cannot_be_read),
        cmocka_unit_test(a_grant_that_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
