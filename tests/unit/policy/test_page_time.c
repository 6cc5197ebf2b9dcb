/* Time at every edge: a decision holds to the second before its valid_until and no longer, whatever
 * the clocks of its zone do; a policy that nobody reloads stays right; dates end and begin where
 * their midnight is skipped or repeated. */
#include "fixture.h"
#include "policy/scalar.h"

#define S(s)                                                                                       \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

static int64_t at(const char *text)
{
    int64_t s = 0;

    assert_true(scalar_instant(str_of(text), &s));
    return s;
}

static struct policy *load_at(int64_t now_s, const char *zone, const char *rest)
{
    char text[4096];
    struct doc_file file = {.name = STR("a.yaml")};
    struct policy_load_in in = {.files = &file,
                                .n_files = 1,
                                .zone = fixture_zone,
                                .tzdata_version = STR("test"),
                                .now_s = now_s};
    struct findings f;

    snprintf(text, sizeof text,
             "version: 1\n"
             "defaults: {timezone: %s}\n"
             "apps: [{name: web, host: web.example, upstream: \"http://10.0.0.1\"}]\n"
             "rules:\n"
             "  - {id: r, effect: allow, who: anyone, to: {apps: [web]}, %s}\n",
             zone, rest);
    file.bytes = str_of(text);
    findings_init(&f);
    struct policy *p = policy_load(&in, &f);
    if (!p)
        findings_print(&f, stdout);
    findings_finish(&f);
    assert_non_null(p);
    policy_drop_source(p); /* as the proxy does: what is asked years later has been kept */
    return p;
}

/* A person who signed in, was approved and whose device was seen at `since`. */
struct visit {
    struct policy_identity identity;
    struct policy_request request;
    struct policy_device device;
    struct policy_device_fact fact;
    struct policy_grant grant;
    struct policy_facts facts;
};

static void visit_init(struct visit *v, const struct policy *p, int64_t since_s)
{
    *v = (struct visit){
        .identity = {.mfa = POLICY_TRUE, .auth_time_s = since_s, .login_s = since_s},
        .request = {.app = policy_app_at(p, 0), .method = S("GET"), .path = S("/")},
        .fact = {.attribute = S("managed"),
                 .value = {.kind = POLICY_VALUE_BOOL, .text = S("true")},
                 .seen_s = since_s},
        .grant = {.kind = POLICY_GRANT_APPROVAL,
                  .rule = S("r"),
                  .rule_digest = policy_rule_digest(p, STR("r")),
                  .expires_s = since_s + 3600},
        .facts = {.clock_is_good = true, .n_devices = 1, .n_grants = 1},
    };
    v->device = (struct policy_device){.facts = &v->fact, .n_facts = 1};
    v->facts.identity = &v->identity;
    v->facts.request = &v->request;
    v->facts.devices = &v->device;
    v->facts.grants = &v->grant;
}

static struct policy_decision decide(const struct policy *p, struct visit *v, int64_t now_s)
{
    struct policy_decision d;

    v->facts.now_us = now_s * 1000000;
    policy_decide(p, &v->facts, &d);
    return d;
}

/* ---- valid_until ------------------------------------------------------------------------------
 */

struct edge_row {
    const char *zone, *rest, *since, *now, *until;
    bool is_allowed; /* now; at `until` it is the other */
};

#define WHEN(hours) "when: {days: [mon, tue, wed, thu, fri, sat, sun], hours: [" hours "]}"
#define SUN(hours) "when: {days: [sun], hours: [\"" hours "\"]}"
#define SAT(hours) "when: {days: [sat], hours: [\"" hours "\"]}"
#define NOON "2026-11-25T12:00:00Z"

static const struct edge_row edge_rows[] = {
    /* Each kind of fact: within is at most, so the second after the limit is the first without. */
    {"UTC", "auth: {mfa_within: 1h}", NOON, NOON, "2026-11-25T13:00:01Z", true},
    {"UTC", "auth: {login_within: 90s}", NOON, NOON, "2026-11-25T12:01:31Z", true},
    {"UTC", "device: {managed: true}", NOON, NOON, "2026-11-26T12:00:01Z", true},
    {"UTC", "device: {managed: true, seen_within: 1s}", NOON, NOON, "2026-11-25T12:00:02Z", true},
    {"UTC", "approval: {by: anyone, valid_for: 9h}", NOON, NOON, "2026-11-25T13:00:00Z", true},
    {"UTC", "expires: 2026-11-25", NOON, NOON, "2026-11-26T00:00:00Z", true},
    {"UTC", "expires: 2026-11-25T13:00:00+01:00", NOON, "2026-11-25T11:59:59Z", NOON, true},
    {"UTC", "starts: 2026-11-26", NOON, NOON, "2026-11-26T00:00:00Z", false},
    {"UTC", "starts: 2026-11-25T12:00:01Z", NOON, NOON, "2026-11-25T12:00:01Z", false},
    {"UTC", WHEN("\"08:00-12:01\""), NOON, NOON, "2026-11-25T12:01:00Z", true},
    {"UTC", WHEN("\"08:00-12:00\""), NOON, NOON, "2026-11-26T08:00:00Z", false},
    /* Windows that touch are one. */
    {"UTC", WHEN("\"08:00-12:00\", \"12:00-14:00\""), NOON, NOON, "2026-11-25T14:00:00Z", true},
    {"UTC", WHEN("\"22:00-24:00\", \"00:00-02:00\""), NOON, "2026-11-25T23:00:00Z",
     "2026-11-26T02:00:00Z", true},
    /* The skipped hour in Stockholm. */
    {"Europe/Stockholm", SUN("02:30-05:00"), NOON, "2027-03-28T00:00:00Z", "2027-03-28T01:00:00Z",
     false},
    {"Europe/Stockholm", SUN("02:30-05:00"), NOON, "2027-03-28T01:00:00Z", "2027-03-28T03:00:00Z",
     true},
    {"Europe/Stockholm", SUN("01:00-02:30"), NOON, "2027-03-28T00:30:00Z", "2027-03-28T01:00:00Z",
     true},
    {"Europe/Stockholm", SUN("02:00-03:00"), NOON, "2027-03-28T00:00:00Z", "2027-04-04T00:00:00Z",
     false},
    {"Europe/Stockholm", SAT("22:00-06:00"), NOON, "2027-03-27T22:00:00Z", "2027-03-28T04:00:00Z",
     true},
    /* The repeated one. */
    {"Europe/Stockholm", SUN("02:00-03:00"), NOON, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z",
     true},
    {"Europe/Stockholm", SUN("02:00-02:30"), NOON, "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z",
     true},
    {"Europe/Stockholm", SUN("02:00-02:30"), NOON, "2026-10-25T00:40:00Z", "2026-10-25T01:00:00Z",
     false},
    {"Europe/Stockholm", SUN("02:00-02:30"), NOON, "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
     true},
    {"Europe/Stockholm", SUN("02:30-05:00"), NOON, "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z",
     true},
    {"Europe/Stockholm", SAT("22:00-06:00"), NOON, "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z",
     true},
    /* South of the equator, by half an hour, at midnight. */
    {"Australia/Sydney", SAT("22:00-06:00"), NOON, "2026-10-03T12:00:00Z", "2026-10-03T19:00:00Z",
     true},
    {"Australia/Sydney", SUN("02:00-03:00"), NOON, "2027-04-03T15:00:00Z", "2027-04-03T17:00:00Z",
     true},
    {"Australia/Lord_Howe", SUN("01:30-02:00"), NOON, "2027-04-03T14:30:00Z",
     "2027-04-03T15:30:00Z", true},
    {"Australia/Lord_Howe", SUN("02:15-04:00"), NOON, "2026-10-03T15:00:00Z",
     "2026-10-03T15:30:00Z", false},
    {"America/Santiago", SAT("23:00-24:00"), NOON, "2027-04-04T02:00:00Z", "2027-04-04T04:00:00Z",
     true},
    {"America/Santiago", SUN("00:30-02:00"), NOON, "2026-09-06T03:30:00Z", "2026-09-06T04:00:00Z",
     false},
    {"America/Sao_Paulo", SAT("23:30-00:30"), NOON, "2018-11-04T02:30:00Z", "2018-11-04T03:00:00Z",
     true},
    {"America/Sao_Paulo", SAT("23:30-00:30"), NOON, "2018-02-18T01:30:00Z", "2018-02-18T02:00:00Z",
     true},
    {"America/Sao_Paulo", SAT("23:30-00:30"), NOON, "2018-02-18T02:30:00Z", "2018-02-18T03:30:00Z",
     true},
    {"Asia/Beirut", SUN("00:00-02:00"), NOON, "2026-10-24T21:00:00Z", "2026-10-24T22:00:00Z",
     false},
    {"Africa/Cairo", "when: {days: [thu], hours: [\"23:00-24:00\"]}", NOON, "2026-10-29T20:00:00Z",
     "2026-10-29T22:00:00Z", true},
    {"Europe/Dublin", SUN("01:00-02:00"), NOON, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z",
     true},
    {"Pacific/Apia", "when: {days: [thu], hours: [\"22:00-06:00\"]}", NOON, "2011-12-30T08:00:00Z",
     "2011-12-30T10:00:00Z", true},
    /* Past what any file lists. */
    {"Europe/Stockholm", SUN("02:30-05:00"), NOON, "2100-03-28T00:00:00Z", "2100-03-28T01:00:00Z",
     false},
    {"America/New_York", SUN("01:30-02:00"), NOON, "2060-11-07T05:30:00Z", "2060-11-07T06:00:00Z",
     true},
};

/* Plainly, and with an identity that was interned now and is old at the edge. */
static void check_edge(const struct edge_row *row, size_t i, int64_t loaded_s, bool is_interned)
{
    struct policy *p = load_at(loaded_s, row->zone, row->rest);
    int64_t now_s = at(row->now), until_s = at(row->until);
    struct policy_subject *s = NULL;
    struct visit v;
    visit_init(&v, p, at(row->since));
    if (is_interned)
        s = policy_subject_create(p, &v.identity, &v.device, 1, now_s * 1000000);
    v.facts.subject = s;
    struct policy_decision now = decide(p, &v, now_s), last = decide(p, &v, until_s - 1),
                           then = decide(p, &v, until_s);
    bool was = now.effect == POLICY_ALLOW, is_good = now.valid_until_s == until_s;
    is_good &= was == row->is_allowed && (last.effect == POLICY_ALLOW) == row->is_allowed &&
               (then.effect == POLICY_ALLOW) != row->is_allowed;
    is_good &= last.valid_until_s == until_s || until_s - 1 == now_s;
    if (!is_good)
        print_error("row %zu: %s, %s: %d until %lld, then %d %d, not %lld\n", i, row->zone,
                    row->rest, was, (long long)now.valid_until_s, last.effect == POLICY_ALLOW,
                    then.effect == POLICY_ALLOW, (long long)until_s);
    assert_true(is_good);
    policy_subject_destroy(&s);
    policy_unref(&p);
}

/* Compiled for those days, and by a proxy that was started years before. */
static void valid_until_is_on_the_edge(void **state)
{
    static const char *const loaded[] = {NULL, "2001-01-01T00:00:00Z", "2110-01-01T00:00:00Z"};

    for (size_t i = 0; i < sizeof edge_rows / sizeof *edge_rows; i++)
        for (size_t k = 0; k < sizeof loaded / sizeof *loaded; k++)
            for (int is_interned = 0; is_interned < 2; is_interned++)
                check_edge(&edge_rows[i], i, at(loaded[k] ? loaded[k] : edge_rows[i].now),
                           is_interned);
}

/* ---- a policy that nobody reloads --------------------------------------------------------------
 */

/* What was compiled at the start, against what is compiled at each moment anew. */
static void years_later_the_answers_are_the_same(void **state)
{
    static const char *const zones[] = {"Europe/Stockholm", "Australia/Lord_Howe",
                                        "Africa/Casablanca", "America/Santiago", "Etc/GMT+12"};
    static const char rest[] = "when: {days: [mon, wed, sat, sun], hours: [\"01:15-02:45\", "
                               "\"22:00-06:00\"], except_dates: [2026-11-28, 2031-03-30]}";
    int64_t start_s = at("2026-11-25T00:00:00Z");

    for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
        struct policy *old = load_at(start_s, zones[z], rest);
        for (int month = 0; month < 12 * 20; month++) {
            int64_t base_s = start_s + month * 2629800LL;
            struct policy *fresh = load_at(base_s, zones[z], rest);
            struct visit v;
            visit_init(&v, old, base_s);
            for (int64_t now_s = base_s; now_s < base_s + 30 * 86400; now_s += 86400 / 3 + 1811) {
                struct policy_decision a = decide(old, &v, now_s);
                struct policy_decision b = decide(fresh, &v, now_s);
                assert_int_equal(a.effect, b.effect);
                assert_int_equal(a.valid_until_s, b.valid_until_s);
            }
            policy_unref(&fresh);
        }
        policy_unref(&old);
    }
}

/* ---- dates whose midnight is odd ---------------------------------------------------------------
 */

static const struct {
    const char *zone, *rest, *edge;
    bool opens;
} date_rows[] = {
    /* Skipped: the day begins at one, when the day before ends. */
    {"America/Sao_Paulo", "expires: 2018-11-03", "2018-11-04T03:00:00Z", false},
    {"America/Sao_Paulo", "starts: 2018-11-04", "2018-11-04T03:00:00Z", true},
    {"Asia/Beirut", "expires: 2026-03-28", "2026-03-28T22:00:00Z", false},
    {"Africa/Cairo", "starts: 2026-04-24", "2026-04-23T22:00:00Z", true},
    {"America/Santiago", "expires: 2026-09-05", "2026-09-06T04:00:00Z", false},
    {"America/Havana", "starts: 2027-03-14", "2027-03-14T05:00:00Z", true},
    /* The clock that goes back at midnight never shows it before the second time. */
    {"America/Sao_Paulo", "expires: 2018-02-17", "2018-02-18T03:00:00Z", false},
    {"Asia/Beirut", "expires: 2026-10-24", "2026-10-24T22:00:00Z", false},
    {"Africa/Cairo", "expires: 2026-10-29", "2026-10-29T22:00:00Z", false},
    {"America/Santiago", "starts: 2027-04-04", "2027-04-04T04:00:00Z", true},
    /* One that goes back to midnight shows it twice: the first time counts. */
    {"America/Havana", "expires: 2026-10-31", "2026-11-01T04:00:00Z", false},
    {"America/Havana", "starts: 2026-11-01", "2026-11-01T04:00:00Z", true},
    /* Back over midnight: the day before is over when it ends for the first time. */
    {"America/St_Johns", "expires: 2010-11-06", "2010-11-07T02:30:00Z", false},
    {"America/St_Johns", "starts: 2010-11-07", "2010-11-07T02:30:00Z", true},
    /* Friday was left out: Thursday ends where Saturday begins. */
    {"Pacific/Apia", "expires: 2011-12-29", "2011-12-30T10:00:00Z", false},
    {"Pacific/Apia", "expires: 2011-12-30", "2011-12-30T10:00:00Z", false},
    {"Pacific/Apia", "starts: 2011-12-30", "2011-12-30T10:00:00Z", true},
    {"Pacific/Apia", "starts: 2011-12-31", "2011-12-30T10:00:00Z", true},
    {"Europe/Dublin", "expires: 2026-10-25", "2026-10-26T00:00:00Z", false},
    {"Europe/Dublin", "expires: 2026-10-24", "2026-10-24T23:00:00Z", false},
    {"Pacific/Kiritimati", "starts: 2026-11-25", "2026-11-24T10:00:00Z", true},
    {"Etc/GMT+12", "expires: 2026-11-25", "2026-11-26T12:00:00Z", false},
    {"Australia/Lord_Howe", "expires: 2026-10-04", "2026-10-04T13:00:00Z", false},
    {"Europe/Stockholm", "expires: 2028-02-29", "2028-02-29T23:00:00Z", false},
    {"Europe/Stockholm", "expires: 2100-02-28", "2100-02-28T23:00:00Z", false},
    {"Europe/Stockholm", "expires: 9999-12-31", "9999-12-31T23:00:00Z", false},
    {"UTC", "starts: 2038-01-20", "2038-01-20T00:00:00Z", true},
};

static void dates_begin_and_end_at_local_midnight(void **state)
{
    for (size_t i = 0; i < sizeof date_rows / sizeof *date_rows; i++) {
        struct policy *p = load_at(0, date_rows[i].zone, date_rows[i].rest);
        int64_t edge_s = at(date_rows[i].edge);
        struct visit v;
        visit_init(&v, p, edge_s);
        struct policy_decision before = decide(p, &v, edge_s - 1), then = decide(p, &v, edge_s);
        bool is_good = (before.effect == POLICY_ALLOW) != date_rows[i].opens &&
                       (then.effect == POLICY_ALLOW) == date_rows[i].opens &&
                       before.valid_until_s == edge_s && then.valid_until_s == 0;
        if (!is_good)
            print_error("row %zu: %s, %s: until %lld, not %lld\n", i, date_rows[i].zone,
                        date_rows[i].rest, (long long)before.valid_until_s, (long long)edge_s);
        assert_true(is_good);
        policy_unref(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_until_is_on_the_edge),
        cmocka_unit_test(years_later_the_answers_are_the_same),
        cmocka_unit_test(dates_begin_and_end_at_local_midnight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
