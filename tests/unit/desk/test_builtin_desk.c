/* The built-in issuer's form: what it answers, and how many passwords are checked at once. */
#include "counter.h"

static struct desk_ask *form_page(struct counter *c, unsigned char who)
{
    struct desk_ask *away = counter_login(c, who, "/deep");
    size_t q = str_find(away->url, '?');
    struct desk_ask *page = counter_ask(c, DESK_BUILTIN_PAGE, who);
    assert_true(
        str_starts(away->url, STR("http://access.localhost:8090/.postern/issuer/authorize?")));
    page->query = arena_dup(&page->arena, str_from(away->url, q + 1));
    counter_put(c, page);
    desk_ask_destroy(&away);
    return page;
}

static struct desk_ask *form(struct counter *c, str ticket, const char *email, const char *password)
{
    struct desk_ask *ask = counter_ask(c, DESK_BUILTIN_FORM, 1);
    ask->ticket = arena_dup(&ask->arena, ticket);
    ask->email = arena_dup(&ask->arena, str_of(email));
    ask->password = arena_dup(&ask->arena, str_of(password));
    return ask;
}

/* The page knows where the person is on the way to. */
static void the_page(void **state)
{
    struct counter *c = counter_open(NULL, NULL);
    struct desk_ask *page = form_page(c, 1);
    assert_int_equal(page->answer, DESK_FORM);
    assert_int_equal(page->ticket.n, BUILTIN_TICKET_CHARS);
    assert_true(str_eq(page->app, STR("inventory")));
    assert_true(str_eq(page->to, STR("http://inventory.localhost:8090/deep")));
    desk_ask_destroy(&page);
    counter_close(c);
}

static void requests_that_are_not_ours(void **state)
{
    static const char *const rows[] = {"", "client_id=else", "response_type=token", "%", "a=1&a=2"};
    struct counter *c = counter_open(NULL, NULL);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct desk_ask *ask = counter_ask(c, DESK_BUILTIN_PAGE, 1);
        ask->query = arena_dup(&ask->arena, str_of(rows[i]));
        counter_put(c, ask);
        assert_row(rows[i], ask->answer == DESK_REFUSED);
        assert_text(rows[i], ask->reason, "builtin.request");
        desk_ask_destroy(&ask);
    }
    counter_close(c);
}

static void too_many_passwords(void **state)
{
    struct counter *c = counter_open(NULL, "limits: {password_checks: 1}\n");
    struct desk_ask *page = form_page(c, 1), *asks[12];
    for (int i = 0; i < 12; i++) {
        char email[32];
        snprintf(email, sizeof email, "p%d@acme.example", i);
        asks[i] = form(c, page->ticket, email, "wrong wrong wrong");
        desk_ask(c->desk, asks[i]);
    }
    house_turn(c->house);
    unsigned busy = 0;
    for (int i = 0; i < 12; i++)
        busy += asks[i]->status == 429 && asks[i]->answer == DESK_REFUSED && asks[i]->retry_after_s;
    assert_int_equal(busy, 3); /* one runs and eight wait */
    while (c->answered < 14)
        loop_turn(c->house->loop, true);
    for (int i = 0; i < 12; i++) {
        if (asks[i]->status != 429)
            assert_int_equal(asks[i]->answer, DESK_FORM);
        desk_ask_destroy(&asks[i]);
    }
    desk_ask_destroy(&page);
    counter_close(c);
}

/* The end of the desk answers those who wait, and waits for those that run. */
static void the_end_while_passwords_run(void **state)
{
    struct counter *c = counter_open(NULL, "limits: {password_checks: 1}\n");
    struct desk_ask *page = form_page(c, 1), *asks[3];
    for (int i = 0; i < 3; i++) {
        asks[i] = form(c, page->ticket, "kim@acme.example", "wrong wrong wrong");
        desk_ask(c->desk, asks[i]);
    }
    house_turn(c->house);
    unsigned before = c->answered;
    desk_destroy(c->desk);
    c->desk = NULL;
    assert_int_equal(c->answered, before + 3);
    for (int i = 0; i < 3; i++)
        desk_ask_destroy(&asks[i]);
    desk_ask_destroy(&page);
    counter_close(c);
}

static void documents(void **state)
{
    static const struct {
        const char *path;
        int status;
    } rows[] = {
        {"/.well-known/openid-configuration", 200},
        {"/jwks.json", 200},
        {"/nothing", 404},
    };
    struct counter *c = counter_open(NULL, NULL);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct desk_ask *ask = counter_ask(c, DESK_BUILTIN_DOCUMENT, 1);
        ask->to = str_of(rows[i].path);
        counter_put(c, ask);
        assert_row(rows[i].path, ask->answer == DESK_DOCUMENT && ask->status == rows[i].status);
        assert_row(rows[i].path, !str_contains(ask->body, STR("\"d\":"))); /* no private part */
        desk_ask_destroy(&ask);
    }
    counter_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page),           cmocka_unit_test(requests_that_are_not_ours),
        cmocka_unit_test(too_many_passwords), cmocka_unit_test(the_end_while_passwords_run),
        cmocka_unit_test(documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
