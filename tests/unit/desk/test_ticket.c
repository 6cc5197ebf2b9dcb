/* A ticket is good once, soon, here, and in one browser. */
#include "counter.h"

/* Of browser 1, session 7, for inventory.localhost; its text is in one of eight buffers. */
static str make(struct counter *c)
{
    static char buffers[8][64];
    static unsigned turn;
    char *out = buffers[turn++ % 8];
    unsigned char bound[32];
    struct arena a;
    arena_init(&a, NULL, 0);
    memset(bound, 1, sizeof bound);
    str url = ticket_make(c->desk, &a, 7, STR("inventory.localhost"),
                          STR("http://inventory.localhost:8090/x?y"), bound);
    assert_true(str_starts(url, STR("http://inventory.localhost:8090/.postern/back?t=")));
    snprintf(out, sizeof buffers[0], "%.*s", TICKET_CHARS, url.p + url.n - TICKET_CHARS);
    arena_finish(&a);
    return (str){out, TICKET_CHARS};
}

static struct desk_ask *redeem(struct counter *c, str ticket, unsigned char who, const char *host,
                               int64_t session)
{
    struct desk_ask *ask = counter_ask(c, DESK_REDEEM, who);
    ask->ticket = arena_dup(&ask->arena, ticket);
    ask->host = str_of(host);
    ask->session = session;
    counter_put(c, ask);
    return ask;
}

static void redeeming(void **state)
{
    static const struct {
        const char *row;
        unsigned char who;
        const char *host;
        int64_t session, after_ms;
        enum desk_answer answer; /* FAILED: only the store was missing */
    } rows[] = {
        {"here", 1, "inventory.localhost", 0, 0, DESK_FAILED},
        {"at the last moment", 1, "inventory.localhost", 0, TICKET_LIFE_MS - 200, DESK_FAILED},
        {"too late", 1, "inventory.localhost", 0, TICKET_LIFE_MS, DESK_REFUSED},
        {"another browser", 2, "inventory.localhost", 0, 0, DESK_REFUSED},
        {"another host", 1, "reports.localhost", 0, 0, DESK_REFUSED},
        {"the other tab was faster", 2, "inventory.localhost", 7, 0, DESK_REDIRECT},
        {"another session is here", 2, "inventory.localhost", 8, 0, DESK_REFUSED},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct counter *c = counter_open(NULL, NULL);
        str ticket = make(c);
        clock_pass(rows[i].after_ms);
        house_turn(c->house);
        struct desk_ask *ask = redeem(c, ticket, rows[i].who, rows[i].host, rows[i].session);
        assert_row(rows[i].row, ask->answer == rows[i].answer && !ask->cookie[0]);
        if (ask->answer == DESK_REDIRECT)
            assert_row(rows[i].row, str_eq(ask->url, STR("http://inventory.localhost:8090/x?y")));
        if (ask->answer == DESK_REFUSED)
            assert_text(rows[i].row, member(counter_record(c, "login.failed"), "reason"),
                        "login.ticket");
        desk_ask_destroy(&ask);
        counter_close(c);
    }
}

/* Tried by whoever, it is used up, but for a host that it is not for. */
static void once(void **state)
{
    struct counter *c = counter_open(NULL, NULL);
    str ticket = make(c);
    struct desk_ask *ask = redeem(c, ticket, 1, "reports.localhost", 0);
    assert_int_equal(desk_tickets(c->desk), 1);
    desk_ask_destroy(&ask);
    ask = redeem(c, ticket, 2, "inventory.localhost", 0);
    assert_int_equal(desk_tickets(c->desk), 0);
    desk_ask_destroy(&ask);
    ask = redeem(c, ticket, 1, "inventory.localhost", 0);
    assert_int_equal(ask->answer, DESK_REFUSED);
    desk_ask_destroy(&ask);
    counter_close(c);
}

static void invented_ones(void **state)
{
    static const char *const rows[] = {"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    struct counter *c = counter_open(NULL, NULL);
    make(c);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct desk_ask *ask = redeem(c, str_of(rows[i]), 1, "inventory.localhost", 0);
        assert_row(rows[i], ask->answer == DESK_REFUSED);
        desk_ask_destroy(&ask);
    }
    assert_int_equal(desk_tickets(c->desk), 1);
    counter_close(c);
}

static void they_are_bounded(void **state)
{
    struct counter *c = counter_open(NULL, "limits: {logins: 16}\n");
    str first = make(c);
    char kept[TICKET_CHARS];
    memcpy(kept, first.p, sizeof kept);
    for (int i = 0; i < 40; i++)
        make(c);
    assert_int_equal(desk_tickets(c->desk), 16);
    struct desk_ask *ask = redeem(c, (str){kept, sizeof kept}, 1, "inventory.localhost", 0);
    assert_int_equal(ask->answer, DESK_REFUSED);
    desk_ask_destroy(&ask);
    clock_pass(TICKET_LIFE_MS + SWEEP_MS + 200);
    house_turn(c->house);
    assert_int_equal(desk_tickets(c->desk), 0);
    counter_close(c);
}

static void handing_on_in_a_loop(void **state)
{
    struct counter *c = counter_open(NULL, NULL);
    for (int i = 0; i < 5; i++) {
        struct desk_ask *ask = counter_ask(c, DESK_HAND_ON, 1);
        ask->to = STR("http://inventory.localhost:8090/");
        ask->session = 7;
        counter_put(c, ask);
        assert_int_equal(ask->answer, i < LOOP_MOST ? DESK_REDIRECT : DESK_REFUSED);
        desk_ask_destroy(&ask);
    }
    counter_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redeeming),
        cmocka_unit_test(once),
        cmocka_unit_test(invented_ones),
        cmocka_unit_test(they_are_bounded),
        cmocka_unit_test(handing_on_in_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
