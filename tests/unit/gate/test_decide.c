/* Decide: who may, who may not, with which causes and remedies, and how the record says it. */
#include "caller.h"

#include "../authn/signer.h"

static const char POLICY[] =
    "version: 1\n"
    "define: {schedules: {office: {days: [mon, tue, wed, thu, fri], hours: [\"08:00-18:00\"]}}}\n"
    "apps:\n"
    "  - {name: inventory, host: inventory.example, upstream: \"http://127.0.0.1:9\"}\n"
    "rules:\n"
    "  - {id: staff, effect: allow, who: {groups: [staff]}, to: {apps: [inventory]}}\n"
    "  - {id: temps, effect: allow, owner: hr@corp.example, who: {groups: [temps]},\n"
    "     to: {apps: [inventory]}, when: office}\n"
    "  - {id: readers, effect: allow, who: {groups: [readers]},\n"
    "     to: {apps: [inventory], methods: [GET]}}\n"
    "  - {id: near, effect: allow, who: {groups: [near]}, to: {apps: [inventory]},\n"
    "     from: {networks: [198.51.100.0/24]}}\n"
    "  - {id: no-suspended, effect: deny, owner: hr@corp.example, who: {groups: [suspended]},\n"
    "     to: everything}\n"
    "  - {id: no-crawl, effect: deny, mode: audit, who: {groups: [staff]},\n"
    "     to: {apps: [inventory], paths: [/old/**]}}\n"
    "  - {id: factor, effect: require, who: anyone, to: {apps: [inventory], paths: [/admin/**]},\n"
    "     auth: {mfa: true}}\n"
    "  - {id: fresh, effect: require, who: anyone, to: {apps: [inventory], paths: [/vault/**]},\n"
    "     auth: {login_within: 10m}}\n"
    "  - {id: brief, effect: allow, who: {groups: [brief]}, to: {apps: [inventory]},\n"
    "     session: {max: 10m}}\n";

static void verdicts(void **state)
{
    static const struct {
        const char *id, *claims; /* NULL: no token */
        const char *method, *path;
        unsigned status; /* 0: permitted */
        const char *reason, *rules, *causes, *remedy;
    } rows[] = {
        {"allowed", ",\"groups\":[\"staff\"]", "GET", "/", 0, "allow", "[\"staff\"]", "", ""},
        {"two rules allow", ",\"groups\":[\"staff\",\"readers\"]", "GET", "/", 0, "allow",
         "[\"staff\",\"readers\"]", "", ""},
        {"nobody", NULL, "GET", "/", 401, "auth.none", "", "",
         "Ask whoever gave you this address for an access token."},
        {"nobody allows", ",\"groups\":[\"guests\"]", "GET", "/", 403, "default-deny", "", "", ""},
        {"method", ",\"groups\":[\"readers\"]", "POST", "/", 403, "default-deny", "", "", ""},
        {"in office hours", ",\"groups\":[\"temps\"]", "GET", "/", 0, "allow", "[\"temps\"]", "",
         ""},
        {"from the network", ",\"groups\":[\"near\"]", "GET", "/", 0, "allow", "[\"near\"]", "",
         ""},
        {"denied", ",\"groups\":[\"staff\",\"suspended\"]", "GET", "/", 403, "deny-rule",
         "[\"no-suspended\"]", "", "Ask hr@corp.example."},
        {"groups unknown: the deny fires", "", "GET", "/", 403, "deny-rule", "[\"no-suspended\"]",
         "[\"who.groups\"]", ""},
        {"a factor is missing", ",\"groups\":[\"staff\"]", "GET", "/admin/x", 403, "require-failed",
         "[\"factor\"]", "[\"auth.mfa\"]",
         "Get a new access token by signing in with a second factor."},
        {"a factor is there", ",\"groups\":[\"staff\"],\"amr\":[\"pwd\",\"otp\"]", "GET",
         "/admin/x", 0, "allow", "[\"staff\"]", "", ""},
        {"log-in too long ago", ",\"groups\":[\"staff\"],\"auth_time\":1795790000", "GET",
         "/vault/", 403, "require-failed", "[\"fresh\"]", "[\"auth.login_within\"]",
         "Get a new access token by signing in with a second factor."},
        {"log-in fresh", ",\"groups\":[\"staff\"],\"auth_time\":1795791500", "GET", "/vault/", 0,
         "allow", "[\"staff\"]", "", ""},
        {"signed in longer than the rule allows",
         ",\"groups\":[\"brief\"],\"auth_time\":1795790000", "GET", "/", 401, "auth.none",
         "[\"brief\"]", "", "Get a new access token by signing in again."},
        {"signed in within it", ",\"groups\":[\"brief\"],\"auth_time\":1795791500", "GET", "/", 0,
         "allow", "[\"brief\"]", "", ""},
    };
    struct house *h = house_open(&(struct house_options){.policy = POLICY});
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        const char *id = rows[i].id;
        caller_begin(&c, h, "inventory.example", rows[i].path);
        c.visit.request.method = str_of(rows[i].method);
        if (rows[i].claims)
            c.visit.request.authorization = str_of(house_bearer("kim", rows[i].claims));
        caller_run(&c);
        assert_row(id, c.visit.outcome == (rows[i].status ? VISIT_REFUSED : VISIT_PERMITTED));
        assert_row(id, c.visit.refusal.status == rows[i].status);
        caller_end(&c);
        json_t *r = house_last(h);
        assert_text(id, member(r, "decision.effect"), rows[i].status ? "deny" : "allow");
        assert_text(id, member(r, "decision.reason"), rows[i].reason);
        assert_text(id, member(r, "decision.rules"), rows[i].rules);
        if (rows[i].causes[0])
            assert_text(id, member(r, "decision.causes"), rows[i].causes);
        if (rows[i].remedy[0])
            assert_text(id, member(r, "decision.remedy"), rows[i].remedy);
    }
    assert_int_equal(atomic_load(&h->counters.allowed), 7);
    assert_int_equal(atomic_load(&h->counters.refused), ROWS(rows) - 7);
    assert_int_equal(atomic_load(&h->counters.requests), ROWS(rows));
    house_close(h);
}

static void out_of_office(void **state)
{
    struct house *h = house_open(&(struct house_options){.policy = POLICY});
    struct caller c;
    house_pass(h, 4 * 3600 * 1000); /* 19:00 */
    caller_ask(&c, h, "/", house_bearer("kim", ",\"groups\":[\"temps\"]"));
    assert_int_equal(c.visit.refusal.status, 403);
    caller_end(&c);
    json_t *r = house_last(h);
    assert_string_equal(member(r, "decision.reason"), "default-deny");
    assert_string_equal(member(r, "decision.causes"), "[\"when\"]");
    assert_non_null(strstr(member(r, "decision.remedy"), "Try again after 2026-11-30 08:00 UTC."));
    house_close(h);
}

static void an_unknown_address_is_in_no_network(void **state)
{
    struct house *h = house_open(&(struct house_options){.policy = POLICY});
    struct caller c;
    caller_begin(&c, h, "inventory.example", "/");
    c.visit.request.authorization = str_of(house_bearer("kim", ",\"groups\":[\"near\"]"));
    c.visit.request.client = (struct addr){0};
    assert_int_equal(caller_run(&c), VISIT_REFUSED);
    caller_end(&c);
    assert_string_equal(member(house_last(h), "decision.causes"), "[\"from.network\"]");
    /* the record names who is at the other end all the same */
    assert_string_equal(member(house_last(h), "client.address"), "");
    assert_string_equal(member(house_last(h), "client.peer"), "198.51.100.7");
    house_close(h);
}

static void audit_mode_changes_nothing(void **state)
{
    struct house *h = house_open(&(struct house_options){.policy = POLICY});
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/old/x", house_bearer("kim", ",\"groups\":[\"staff\"]")),
                     VISIT_PERMITTED);
    caller_end(&c);
    json_t *r = house_last(h);
    assert_string_equal(member(r, "decision.effect"), "allow");
    assert_string_equal(member(r, "decision.would"), "deny");
    assert_string_equal(member(r, "decision.would_rules"), "[\"no-crawl\"]");
    assert_int_equal(atomic_load(&h->counters.would_deny), 1);
    assert_int_equal(atomic_load(&h->counters.would_allow), 0);
    house_close(h);
}

/* A refused stranger learns neither rule names nor the app's. */
static void strangers_learn_nothing(void **state)
{
    struct house *h = house_open(&(struct house_options){.policy = POLICY});
    struct caller c;
    caller_ask(&c, h, "/", house_bearer("kim", ",\"groups\":[\"guests\"]"));
    str said = arena_printf(&signer_arena, "%.*s %.*s", STR_ARG(c.visit.refusal.sentence),
                            STR_ARG(c.visit.refusal.remedy));
    static const char *const secrets[] = {"staff", "temps", "readers", "suspended", "inventory"};
    for (size_t i = 0; i < ROWS(secrets); i++)
        assert_row(secrets[i], !str_contains(said, str_of(secrets[i])));
    caller_end(&c);
    house_close(h);
}

/* valid_until of the record: the earliest end of what was used. */
static void valid_until(void **state)
{
    static const struct {
        const char *id, *claims, *path;
        int64_t until_s;
    } rows[] = {
        {"the token's end", ",\"groups\":[\"staff\"]", "/", CLOCK_START_S + 3600},
        {"the factor's age", ",\"groups\":[\"staff\"],\"auth_time\":1795791500", "/vault/",
         1795791500 + 600},
    };
    struct house *h = house_open(&(struct house_options){.policy = POLICY});
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        caller_ask(&c, h, rows[i].path, house_bearer("kim", rows[i].claims));
        assert_row(rows[i].id, c.visit.outcome == VISIT_PERMITTED);
        int64_t until = c.visit.decision.valid_until_s;
        caller_end(&c);
        /* a second to either side: which of both is before is the language's business */
        assert_row(rows[i].id, until >= rows[i].until_s && until <= rows[i].until_s + 1);
    }
    house_close(h);
}

/* ---- the clock ---- */

static const char TIMED[] =
    "version: 1\n"
    "apps:\n"
    "  - {name: inventory, host: inventory.example, upstream: \"http://127.0.0.1:9\"}\n"
    "rules:\n"
    "  - {id: staff, effect: allow, who: {groups: [staff]}, to: {apps: [inventory]},\n"
    "     when: {days: [mon, tue, wed, thu, fri], hours: [\"08:00-18:00\"]}}\n";

static void a_clock_stepped_back(void **state)
{
    static const struct {
        const char *id;
        int64_t step_ms;
        bool good;
    } rows[] = {
        {"at first", 0, true},
        {"a little back", -299 * 1000, true},
        {"five minutes in all", -1000, true},
        {"over five minutes in all", -1000, false},
        {"forward again, not enough", 500, false},
        {"forward again", 10 * 1000, true},
        {"far ahead", 3600 * 1000, true},
        {"back by the hour", -3600 * 1000, false},
    };
    struct house *h = house_open(&(struct house_options){.policy = TIMED});
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        clock_step(rows[i].step_ms);
        house_turn(h);
        caller_ask(&c, h, "/", house_bearer("kim", ",\"groups\":[\"staff\"]"));
        assert_row(rows[i].id, (c.visit.outcome == VISIT_PERMITTED) == rows[i].good);
        caller_end(&c);
        json_t *r = house_last(h);
        assert_text(rows[i].id, member(r, "facts.clock_good"), rows[i].good ? "true" : "false");
        if (!rows[i].good)
            assert_row(rows[i].id, strstr(member(r, "decision.causes"), "\"clock\"") != NULL);
    }
    house_close(h);
}

static void a_clock_before_the_build(void **state)
{
    struct house *h = house_open(&(struct house_options){.policy = TIMED});
    struct caller c;
    const char *bearer = house_bearer("kim", ",\"groups\":[\"staff\"]");
    clock_step(INT64_C(-28) * 86400 * 1000);
    house_turn(h);
    assert_int_equal(caller_ask(&c, h, "/", bearer), VISIT_REFUSED);
    caller_end(&c);
    assert_string_equal(member(house_last(h), "facts.clock_good"), "false");
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(out_of_office),
        cmocka_unit_test(an_unknown_address_is_in_no_network),
        cmocka_unit_test(audit_mode_changes_nothing),
        cmocka_unit_test(strangers_learn_nothing),
        cmocka_unit_test(valid_until),
        cmocka_unit_test(a_clock_stepped_back),
        cmocka_unit_test(a_clock_before_the_build),
    };
    return cmocka_run_group_tests_name("gate decide", tests, NULL, NULL);
}
