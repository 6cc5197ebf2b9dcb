/* Log-ins under way: which issuer, how many, and whose answer it is. */
#include "counter.h"

static void which_issuer(void **state)
{
    static const char issuers[] =
        "  people: builtin\n"
        "  corp: {issuer: \"https://login.example\", client_id: x, jwks_file: corp.json, "
        "mail_domains: [corp.example],\n"
        "         apps: [inventory]}\n"
        "  acme: {issuer: \"https://acme.example\", client_id: x, jwks_file: corp.json, "
        "mail_domains: [acme.example],\n"
        "         apps: [reports], title: Acme}\n"
        "  bare: {issuer: \"https://bare.example\", audience: x, jwks_file: corp.json}\n";
    static const struct {
        const char *app, *issuer, *hint, *wanted; /* choices, "!": refused, ">": sent away */
    } rows[] = {
        {"inventory", "", "", "people corp "},
        {"reports", "", "", "people acme "},
        {"", "", "", "people "},
        {"inventory", "people", "", ">"},
        {"reports", "corp", "", "!"}, /* not for this app */
        {"inventory", "bare", "", "!"},
        {"inventory", "unknown", "", "!"},
        {"inventory", "", "kim@other.example", "people corp "},
        {"reports", "", "kim@corp.example", "people acme "}, /* nor by its people */
        {"inventory", "", "corp.example", "people corp "},
    };
    struct counter *c = counter_open(issuers, NULL);
    for (size_t i = 0; i < ROWS(rows); i++) {
        char found[128] = "";
        struct desk_ask *ask = counter_ask(c, DESK_LOGIN, (unsigned char)(i + 1));
        ask->app = str_of(rows[i].app);
        ask->issuer = rows[i].issuer[0] ? str_of(rows[i].issuer) : (str){NULL, 0};
        ask->login_hint = rows[i].hint[0] ? str_of(rows[i].hint) : (str){NULL, 0};
        ask->to = STR("http://inventory.localhost:8090/");
        if (strcmp(rows[i].app, "") == 0 && !ask->issuer.n) { /* the only one: it is sent away */
            counter_put(c, ask);
            assert_int_equal(ask->answer, DESK_REDIRECT);
            desk_ask_destroy(&ask);
            continue;
        }
        counter_put(c, ask);
        for (size_t k = 0; k < ask->n_choices; k++)
            snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s ",
                     STR_ARG(ask->choices[k].name));
        assert_text(rows[i].issuer,
                    ask->answer == DESK_CHOOSE     ? found
                    : ask->answer == DESK_REDIRECT ? ">"
                                                   : "!",
                    rows[i].wanted);
        desk_ask_destroy(&ask);
    }
    counter_close(c);
}

static void a_browser_has_its_share(void **state)
{
    struct counter *c = counter_open(NULL, "limits: {logins: 16, logins_per_browser: 4}\n");
    char path[32], first[64] = "";
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof path, "/%d", i);
        struct desk_ask *ask = counter_login(c, 1, path);
        assert_int_equal(ask->answer, DESK_REDIRECT);
        if (i == 0)
            strcpy(first, counter_state(ask));
        desk_ask_destroy(&ask);
        assert_true(desk_logins(c->desk) <= 4);
    }
    struct desk_ask *other = counter_login(c, 2, "/");
    assert_int_equal(desk_logins(c->desk), 5);
    struct desk_ask *back = counter_ask(c, DESK_CALLBACK, 1);
    back->query = arena_printf(&back->arena, "code=x&state=%s", first);
    counter_put(c, back);
    assert_int_equal(back->answer, DESK_REFUSED); /* pushed out */
    assert_string_equal(back->reason, "login.state");
    desk_ask_destroy(&back);
    desk_ask_destroy(&other);
    counter_close(c);
}

static void the_oldest_go_first(void **state)
{
    struct counter *c = counter_open(NULL, "limits: {logins: 16, logins_per_browser: 4}\n");
    char states[64][64];
    for (int i = 0; i < 64; i++) {
        struct desk_ask *ask = counter_login(c, (unsigned char)(i + 1), "/");
        assert_int_equal(ask->answer, DESK_REDIRECT);
        strcpy(states[i], counter_state(ask));
        desk_ask_destroy(&ask);
        assert_true(desk_logins(c->desk) <= 16);
    }
    for (int i = 40; i < 64; i++) {
        struct desk_ask *back = counter_ask(c, DESK_CALLBACK, (unsigned char)(i + 1));
        back->query = arena_printf(&back->arena, "code=x&state=%s", states[i]);
        counter_put(c, back);
        assert_int_equal(back->answer, DESK_REFUSED);
        assert_string_equal(back->reason, i < 48 ? "login.state" : "login.iss");
        desk_ask_destroy(&back);
    }
    counter_close(c);
}

static void whose_answer_it_is(void **state)
{
    static const struct {
        const char *row, *query; /* %s: the state */
        unsigned char who;
        int64_t after_ms;
        const char *reason;
    } rows[] = {
        {"another browser", "code=x&state=%s", 2, 0, "login.state"},
        {"none", "code=x", 1, 0, "login.state"},
        {"twice", "code=x&state=%s&state=%s", 1, 0, "login.state"},
        {"one of its characters", "code=x&state=A%.42s", 1, 0, "login.state"},
        {"a piece of it", "code=x&state=%.42s", 1, 0, "login.state"},
        {"too late", "code=x&state=%s", 1, 10 * 60 * 1000 + 1, "login.state"},
        {"no code", "state=%s&iss=http%%3A%%2F%%2Faccess.localhost%%3A8090%%2F.postern%%2Fissuer",
         1, 0, "login.code"},
        {"no issuer", "code=x&state=%s", 1, 0, "login.iss"},
        {"another issuer", "code=x&state=%s&iss=https%%3A%%2F%%2Fevil.example", 1, 0, "login.iss"},
        {"an invented code",
         "code=x&state=%s&iss=http%%3A%%2F%%2Faccess.localhost%%3A8090%%2F.postern%%2Fissuer", 1, 0,
         "login.code"},
        {"refused",
         "error=access_denied&state=%s&iss=http%%3A%%2F%%2Faccess.localhost%%3A8090%%2F.postern%%"
         "2Fissuer",
         1, 0, "login.denied"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct counter *c = counter_open(NULL, NULL);
        struct desk_ask *away = counter_login(c, 1, "/");
        const char *s = counter_state(away);
        struct desk_ask *back = counter_ask(c, DESK_CALLBACK, rows[i].who);
        char query[512];
        snprintf(query, sizeof query, rows[i].query, s, s);
        back->query = str_of(query);
        clock_pass(rows[i].after_ms);
        house_turn(c->house);
        counter_put(c, back);
        assert_row(rows[i].row, back->answer == DESK_REFUSED && !back->cookie[0]);
        assert_text(rows[i].row, back->reason, rows[i].reason);
        assert_text(rows[i].row, member(counter_record(c, "login.failed"), "reason"),
                    rows[i].reason);
        desk_ask_destroy(&back);
        desk_ask_destroy(&away);
        counter_close(c);
    }
}

/* An answer counts once; a second one goes on only with a session that is good already. */
static void a_second_answer(void **state)
{
    struct counter *c = counter_open(NULL, NULL);
    struct desk_ask *away = counter_login(c, 1, "/x");
    for (int i = 0; i < 3; i++) {
        struct desk_ask *back = counter_ask(c, DESK_CALLBACK, 1);
        back->query = arena_printf(&back->arena, "code=x&state=%s", counter_state(away));
        back->session = i == 2 ? 7 : 0;
        counter_put(c, back);
        assert_int_equal(back->answer, i == 2 ? DESK_REDIRECT : DESK_REFUSED);
        if (i < 2)
            assert_string_equal(back->reason, i ? "login.state" : "login.iss");
        else
            assert_true(
                str_starts(back->url, STR("http://inventory.localhost:8090/.postern/back?t=")));
        assert_int_equal(back->cookie[0], 0);
        desk_ask_destroy(&back);
    }
    desk_ask_destroy(&away);
    counter_close(c);
}

static void a_loop(void **state)
{
    struct counter *c = counter_open(NULL, NULL);
    for (int i = 0; i < 5; i++) {
        struct desk_ask *ask = counter_login(c, 1, "/");
        assert_int_equal(ask->answer, i < LOOP_MOST ? DESK_REDIRECT : DESK_REFUSED);
        if (i >= LOOP_MOST)
            assert_string_equal(ask->reason, "login.loop");
        desk_ask_destroy(&ask);
    }
    assert_string_equal(member(counter_record(c, "login.failed"), "reason"), "login.loop");
    counter_close(c);
}

static void without_a_store_nobody_gets_in(void **state)
{
    struct counter *c = counter_open(NULL, NULL);
    static const enum desk_kind kinds[] = {DESK_LOGOUT, DESK_GRANT, DESK_PURPOSE};
    for (size_t i = 0; i < ROWS(kinds); i++) {
        struct desk_ask *ask = counter_ask(c, kinds[i], 1);
        ask->session = 1;
        ask->verb = DESK_GRANT_ASK;
        counter_put(c, ask);
        assert_int_equal(ask->answer, DESK_FAILED);
        desk_ask_destroy(&ask);
    }
    counter_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_issuer),
        cmocka_unit_test(a_browser_has_its_share),
        cmocka_unit_test(the_oldest_go_first),
        cmocka_unit_test(whose_answer_it_is),
        cmocka_unit_test(a_second_answer),
        cmocka_unit_test(a_loop),
        cmocka_unit_test(without_a_store_nobody_gets_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
