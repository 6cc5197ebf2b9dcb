/* Spoof attempts: a record beside the decision, and never a flood of them. */
#include "caller.h"

#include "proxy/gate/gate_impl.h"

static const str NAMES[] = {STR("X-Auth-User"), STR("remote_user")};

static void ask(struct caller *c, struct house *h, const char *from, const char *authorization)
{
    caller_begin(c, h, "inventory.example", "/x");
    struct gate_request *r = &c->visit.request;
    assert_true(addr_parse(str_of(from), &r->client));
    r->authorization = str_of(authorization);
    r->spoof_attempts = 3;
    r->spoofed = NAMES;
    r->n_spoofed = 2;
    caller_run(c);
    caller_end(c);
}

static size_t told(struct house *h)
{
    json_t *log = house_log(h), *r;
    size_t i, n = 0;
    json_array_foreach(log, i, r) n += strcmp(member(r, "kind"), "spoof_attempt") == 0;
    return n;
}

static void the_record(void **state)
{
    static const char *const rows[][2] = {
        {"kind", "spoof_attempt"},
        {"time", "2026-11-27T15:00:00.000000Z"},
        {"node", "n1"},
        {"boot", "b1"},
        {"app", "inventory"},
        {"host", "inventory.example"},
        {"client.address", "203.0.113.9"},
        {"client.peer", "198.51.100.7"},
        {"client.front", "direct"},
        {"identity.issuer", "https://login.example"},
        {"identity.subject", "kim"},
        {"headers", "[\"X-Auth-User\",\"remote_user\"]"},
        {"spoof_attempts", "3"},
        {"untold", ""},
        {"decision", ""},
    };
    struct house *h = house_plain();
    struct caller c;
    ask(&c, h, "203.0.113.9", house_bearer("kim", STAFF));
    json_t *log = house_log(h), *spoof = json_array_get(log, 0), *decision = json_array_get(log, 1);
    assert_int_equal(json_array_size(log), 2);
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_text(rows[i][0], member(spoof, rows[i][0]), rows[i][1]);
    assert_string_equal(member(decision, "kind"), "decision");
    assert_string_equal(member(decision, "spoof_attempts"), "3");
    assert_string_equal(member(spoof, "id"), member(decision, "id"));
    house_close(h);
}

/* A refusal has one too, and of a client that proved nothing no identity is told. */
static void who_is_refused_is_told(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    ask(&c, h, "203.0.113.9", NULL);
    json_t *spoof = json_array_get(house_log(h), 0);
    assert_string_equal(member(spoof, "kind"), "spoof_attempt");
    assert_string_equal(member(spoof, "identity"), "");
    house_close(h);
}

static void one_a_second_and_client(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    for (int i = 0; i < 20; i++)
        ask(&c, h, "203.0.113.9", NULL);
    assert_int_equal(json_array_size(house_log(h)), 21); /* each decision has its own */
    assert_int_equal(told(h), 1);
    assert_int_equal(atomic_load(&h->counters.spoofs_untold), 19);
    clock_pass(999);
    ask(&c, h, "203.0.113.9", NULL);
    assert_int_equal(told(h), 1);
    clock_pass(1);
    ask(&c, h, "203.0.113.9", NULL);
    assert_int_equal(told(h), 2);
    json_t *log = house_log(h), *again = json_array_get(log, json_array_size(log) - 2);
    assert_string_equal(member(again, "untold"), "20");
    clock_pass(1000);
    ask(&c, h, "203.0.113.9", NULL);
    log = house_log(h);
    again = json_array_get(log, json_array_size(log) - 2);
    assert_string_equal(member(again, "kind"), "spoof_attempt");
    assert_string_equal(member(again, "untold"), "");
    house_close(h);
}

/* Whoever has many addresses, of one network or of many, has no more than the slots. */
static void many_addresses(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    char from[64];
    for (int i = 0; i < 40; i++) {
        snprintf(from, sizeof from, "2001:db8::%x", i + 1);
        ask(&c, h, from, NULL);
    }
    assert_int_equal(told(h), 1);
    for (int i = 0; i < 500; i++) {
        snprintf(from, sizeof from, "2001:db8:%x::1", i + 1);
        ask(&c, h, from, NULL);
        if (i % 50 == 0)
            house_sync(h);
    }
    assert_in_range(told(h), 30, SPOOF_SLOTS);
    house_close(h);
}

/* What little room there is belongs to decisions: nobody waits for this one, and it is counted. */
static void without_room_it_is_counted(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    caller_begin(&c, h, "inventory.example", "/x");
    c.visit.request.spoof_attempts = 1;
    size_t own = record_bytes(&c.visit), all = house_fill_ring(h);
    audit_release(h->ring, own);
    assert_int_equal(caller_run(&c), VISIT_REFUSED);
    assert_string_equal(c.visit.refusal.reason, "auth.none");
    caller_end(&c);
    audit_release(h->ring, all - own);
    assert_int_equal(told(h), 0);
    assert_int_equal(atomic_load(&h->counters.spoofs_untold), 1);
    assert_int_equal(json_array_size(house_log(h)), 1);
    /* and the next is not too early */
    ask(&c, h, "203.0.113.9", NULL);
    assert_int_equal(told(h), 1);
    house_close(h);
}

static void the_longest_names_fit(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    char name[2000];
    str names[SPOOFED_MAX];
    memset(name, '\x01', sizeof name);
    for (size_t i = 0; i < SPOOFED_MAX; i++)
        names[i] = (str){name, sizeof name};
    caller_begin(&c, h, "inventory.example", "/x");
    struct gate_request *r = &c.visit.request;
    r->spoof_attempts = 100;
    r->spoofed = names;
    r->n_spoofed = SPOOFED_MAX;
    r->claimed = (str){name, sizeof name};
    r->host = (str){name, 255};
    caller_run(&c);
    caller_end(&c);
    json_t *headers = json_object_get(json_array_get(house_log(h), 0), "headers");
    assert_int_equal(json_array_size(headers), SPOOFED_MAX);
    assert_int_equal(json_string_length(json_array_get(headers, 0)), 64);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_record),
        cmocka_unit_test(who_is_refused_is_told),
        cmocka_unit_test(one_a_second_and_client),
        cmocka_unit_test(many_addresses),
        cmocka_unit_test(without_room_it_is_counted),
        cmocka_unit_test(the_longest_names_fit),
    };
    return cmocka_run_group_tests_name("gate spoof", tests, NULL, NULL);
}
