/* Sessions: made, found by their cookies, changed and kept. */
#include "kit.h"

static void keeps_all_that_it_is_given(void **state)
{
    struct store_db *db = kit_open();
    struct store_session in = kit_session("kim");
    struct store_seen seen;
    int64_t id;
    in.email = STR("Kim@corp.example");
    in.claims = STR("{\"groups\":[\"dev\"]}");
    in.provider_sid = STR("sid-1");
    in.refresh_token = STR("refresh \x01 bytes");
    in.id_token = STR("aaa.bbb.ccc");
    in.device_id = STR("laptop-7");
    in.device_proof = STR("ab12");
    in.agent = STR("Browser");
    in.address = STR("192.0.2.7");
    assert_ok(store_session_create(db, &in, &id, &kit_fail));
    store_db_close(db);
    db = kit_open(); /* as after a restart */
    assert_int_equal(store_session_by_id(db, id, &kit_arena, &seen, &kit_fail), STORE_FOUND);
    const struct store_session *s = &seen.session;
    const str pairs[][2] = {{s->issuer_name, in.issuer_name},
                            {s->issuer, in.issuer},
                            {s->subject, in.subject},
                            {s->email, in.email},
                            {s->claims, in.claims},
                            {s->provider_sid, in.provider_sid},
                            {s->refresh_token, in.refresh_token},
                            {s->id_token, in.id_token},
                            {s->device_id, in.device_id},
                            {s->device_proof, in.device_proof},
                            {s->agent, in.agent},
                            {s->address, in.address}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (!str_eq(pairs[i][0], pairs[i][1]))
            fail_msg("text %zu: %.*s", i, STR_ARG(pairs[i][0]));
    assert_int_equal(s->ends_s, in.ends_s);
    assert_int_equal(strspn(s->handle, "0123456789abcdef") >= 16, 1);
    assert_int_equal(seen.n_grants + seen.n_purposes, 0);
    store_db_close(db);
}

static void absent_texts_stay_absent(void **state)
{
    struct store_db *db = kit_open();
    struct store_seen seen;
    int64_t id = kit_create(db, "kim");
    assert_int_equal(store_session_by_id(db, id, &kit_arena, &seen, &kit_fail), STORE_FOUND);
    assert_null(seen.session.email.p);
    assert_null(seen.session.refresh_token.p);
    assert_null(seen.session.id_token.p);
    assert_null(seen.session.device_id.p);
    assert_null(seen.host.p);
    assert_int_equal(store_session_by_id(db, id + 1, &kit_arena, &seen, &kit_fail), STORE_ABSENT);
    store_db_close(db);
}

static void a_cookie_is_good_on_its_host_alone(void **state)
{
    static const struct {
        unsigned char cookie;
        const char *host;
        int64_t at_s;
        enum store_found found;
    } rows[] = {
        {1, "wiki.corp.example", T0, STORE_FOUND},
        {2, "access.corp.example", T0, STORE_FOUND},
        {1, "access.corp.example", T0, STORE_ABSENT},
        {1, "wiki.corp.exampl", T0, STORE_ABSENT},
        {1, "", T0, STORE_ABSENT},
        {3, "wiki.corp.example", T0, STORE_ABSENT},
        {1, "wiki.corp.example", T0 + 24 * HOUR - 1, STORE_FOUND},
        {1, "wiki.corp.example", T0 + 24 * HOUR, STORE_ABSENT},
    };
    struct store_db *db = kit_open();
    struct store_seen seen;
    int64_t id = kit_create(db, "kim");
    assert_ok(kit_cookie(db, id, 1, "wiki.corp.example"));
    assert_ok(kit_cookie(db, id, 2, "access.corp.example"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kit_now_s = rows[i].at_s;
        if (kit_find(db, rows[i].cookie, rows[i].host, &seen) != rows[i].found)
            fail_msg("row %zu", i);
        if (rows[i].found == STORE_FOUND)
            assert_true(str_eq(seen.host, str_of(rows[i].host)));
    }
    store_db_close(db);
}

static void a_hosts_old_cookies_make_room(void **state)
{
    struct store_db *db = kit_open();
    struct store_seen seen;
    int64_t id = kit_create(db, "kim");
    assert_ok(kit_cookie(db, id, 100, "other"));
    for (unsigned char n = 1; n <= 10; n++)
        assert_ok(kit_cookie(db, id, n, "wiki"));
    for (unsigned char n = 1; n <= 10; n++)
        if (kit_find(db, n, "wiki", &seen) != (n > 2 ? STORE_FOUND : STORE_ABSENT))
            fail_msg("cookie %u", n);
    assert_int_equal(kit_find(db, 100, "other", &seen), STORE_FOUND);
    assert_false(kit_cookie(db, id, 100, "wiki")); /* a hash that is there already */
    assert_false(kit_cookie(db, id + 1, 101, "wiki"));
    assert_int_equal(kit_fail.code, FAIL_NOT_FOUND);
    store_db_close(db);
}

static void seen_only_grows(void **state)
{
    struct store_db *db = kit_open();
    struct store_seen seen;
    int64_t x = kit_create(db, "kim"), y = kit_create(db, "ann");
    const struct store_touch items[] = {{x, T0 + 50}, {x, T0 + 20}, {y, T0 - 5}, {99, T0}};
    assert_ok(store_sessions_touch(db, items, 4, &kit_fail));
    assert_ok(store_sessions_touch(db, NULL, 0, &kit_fail));
    store_session_by_id(db, x, &kit_arena, &seen, &kit_fail);
    assert_int_equal(seen.session.seen_s, T0 + 50);
    store_session_by_id(db, y, &kit_arena, &seen, &kit_fail);
    assert_int_equal(seen.session.seen_s, T0);
    assert_told("");
    store_db_close(db);
}

static void renewing_keeps_what_is_not_given(void **state)
{
    struct store_db *db = kit_open();
    struct store_session in = kit_session("kim"),
                         next = {.claims = STR("{\"a\":1}"), .claims_s = T0 + 9};
    struct store_seen seen;
    int64_t id;
    in.refresh_token = STR("r1");
    in.id_token = STR("i1");
    in.email = STR("kim@corp.example");
    assert_ok(store_session_create(db, &in, &id, &kit_fail));
    assert_ok(store_session_renew(db, id, &next, &kit_fail));
    assert_told("changed 1 https://idp kim -; ");
    store_session_by_id(db, id, &kit_arena, &seen, &kit_fail);
    assert_true(str_eq(seen.session.refresh_token, STR("r1")));
    assert_true(str_eq(seen.session.id_token, STR("i1")));
    assert_true(str_eq(seen.session.email, in.email));
    assert_true(str_eq(seen.session.claims, next.claims));
    assert_int_equal(seen.session.claims_s, T0 + 9);
    next.refresh_token = STR("r2");
    assert_ok(store_session_renew(db, id, &next, &kit_fail));
    store_session_by_id(db, id, &kit_arena, &seen, &kit_fail);
    assert_true(str_eq(seen.session.refresh_token, STR("r2")));
    assert_true(str_eq(seen.session.id_token, STR("i1")));
    store_db_close(db);
}

static void an_ended_session_changes_no_more(void **state)
{
    struct store_db *db = kit_open();
    struct store_session in = kit_session("kim");
    int64_t id = kit_create(db, "kim");
    struct store_match m = {.session = id};
    struct store_seen seen;
    assert_ok(kit_cookie(db, id, 1, "wiki"));
    assert_ok(store_sessions_end(db, &m, "logout", NULL, &kit_fail));
    assert_told("ended 1 https://idp kim logout; ");
    assert_int_equal(kit_find(db, 1, "wiki", &seen), STORE_ABSENT);
    assert_int_equal(store_session_by_id(db, id, &kit_arena, &seen, &kit_fail), STORE_ABSENT);
    assert_false(store_session_renew(db, id, &in, &kit_fail));
    assert_int_equal(kit_fail.code, FAIL_NOT_FOUND);
    assert_false(store_session_bind(db, id, STR("d"), STR("p"), &kit_fail));
    assert_false(store_purpose_state(db, id, STR("wiki"), STR("x"), &kit_fail));
    assert_false(kit_cookie(db, id, 2, "wiki"));
    assert_told("");
    store_db_close(db);
}

static void binds_and_states(void **state)
{
    struct store_db *db = kit_open();
    struct store_seen seen;
    int64_t id = kit_create(db, "kim");
    assert_ok(store_session_bind(db, id, STR("laptop"), STR("ab"), &kit_fail));
    assert_ok(store_purpose_state(db, id, STR("wiki"), STR("audit"), &kit_fail));
    kit_now_s += 5;
    assert_ok(store_purpose_state(db, id, STR("crm"), STR("ticket 7"), &kit_fail));
    assert_ok(store_purpose_state(db, id, STR("wiki"), STR("again"), &kit_fail));
    assert_told("changed 1 https://idp kim -; changed 1 https://idp kim -; "
                "changed 1 https://idp kim -; changed 1 https://idp kim -; ");
    store_session_by_id(db, id, &kit_arena, &seen, &kit_fail);
    assert_true(str_eq(seen.session.device_id, STR("laptop")));
    assert_true(str_eq(seen.session.device_proof, STR("ab")));
    assert_int_equal(seen.n_purposes, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(str_eq(seen.purposes[i].text, str_eq(seen.purposes[i].app, STR("wiki"))
                                                      ? STR("again")
                                                      : STR("ticket 7")));
    assert_int_equal(seen.purposes[0].stated_s, T0 + 5);
    store_db_close(db);
}

static void one_person_has_no_more_than_256(void **state)
{
    struct store_db *db = kit_open();
    int64_t first = kit_create(db, "kim");
    for (int i = 1; i < 256; i++)
        kit_create(db, "kim");
    kit_create(db, "ann");
    assert_told("");
    kit_create(db, "kim");
    assert_told("ended 1 https://idp kim displaced; ");
    assert_int_equal(first, 1);
    store_db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
        T(keeps_all_that_it_is_given),
        T(absent_texts_stay_absent),
        T(a_cookie_is_good_on_its_host_alone),
        T(a_hosts_old_cookies_make_room),
        T(seen_only_grows),
        T(renewing_keeps_what_is_not_given),
        T(an_ended_session_changes_no_more),
        T(binds_and_states),
        T(one_person_has_no_more_than_256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
