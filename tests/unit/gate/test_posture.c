/* Which device a visit is from, and what is known of it. */
#include "house.h"

#include "base/doc.h"

static const char POLICY[] =
    "version: 1\n"
    "apps:\n"
    "  - {name: inventory, host: inventory.corp.example, upstream: \"http://10.0.4.12:3000\"}\n"
    "  - {name: vault, host: vault.corp.example, upstream: \"http://10.0.4.12:3000\"}\n"
    "rules:\n"
    "  - {id: all, effect: allow, who: {groups: [staff]}, to: {apps: [inventory]}}\n"
    "  - {id: healthy, effect: allow, who: {groups: [staff]}, to: {apps: [vault]},\n"
    "     device: {managed: true, seen_within: 1h}}\n";
static const char ISSUERS[] =
    "  corp: {issuer: https://login.example, audience: postern, jwks_file: corp.json,\n"
    "          algs: [ES256, RS256], device: {id: device_id, managed: device_managed}}\n";

static struct house *h;

static int open_house(void **state)
{
    *state = h = house_open(
        &(struct house_options){.policy = POLICY,
                                .issuers = ISSUERS,
                                .services = "  none: {issuer: corp, match: {client_id: none}}\n"});
    return 0;
}

static int close_house(void **state)
{
    house_close(h);
    return 0;
}

/* Written that long ago. */
static void set_table(const char *devices, int64_t age_s)
{
    struct findings f;
    struct arena a;
    findings_init(&f);
    arena_init(&a, NULL, 0);
    str text = arena_printf(&a, "version: 1\ndevices: {%s}\n", devices);
    struct doc_file file = {STR("devices.yaml"), text};
    struct device_table *t =
        inventory_parse(&file, STR("office"), loop_wall_us(h->loop) / 1000000 - age_s, &f);
    assert_non_null(t);
    gate_set_devices(h->gate, &t, 1);
    arena_finish(&a);
    findings_finish(&f);
}

struct row {
    const char *name, *host, *claims;
    enum cert_verdict verdict; /* CERT_NONE: no certificate */
    const char *cert;          /* whose it is */
    int64_t cert_ends_s;       /* from now; 0: in an hour */
    const char *table;
    int64_t age_s;
    const char *effect, *id, *by, *cause; /* of the record */
};

static void visit_of(const struct row *row, struct gate_cert *cert)
{
    struct visit v;
    struct arena a;
    arena_init(&a, NULL, 0);
    visit_begin(&v, h->gate, &a);
    int64_t now_s = v.wall_us / 1000000;
    v.request = (struct gate_request){
        .method = STR("GET"),
        .host = str_of(row->host),
        .path_raw = STR("/"),
        .front = STR("direct"),
        .user_agent = STR("Mozilla/5.0 (Macintosh; Intel Mac OS X) Firefox/132.0"),
    };
    str claims = arena_printf(&a, STAFF ",\"iat\":%lld%s", (long long)now_s, row->claims);
    v.request.authorization = str_of(house_bearer("kim", claims.p));
    *cert = (struct gate_cert){
        .verdict = row->verdict,
        .cert = {.id = str_of(row->cert),
                 .issuer = STR("CN=device CA"),
                 .serial = STR("4d"),
                 .not_after_s = now_s + (row->cert_ends_s ? row->cert_ends_s : 3600)}};
    if (row->verdict != CERT_NONE)
        v.request.cert = cert;
    visit_run(&v);
    visit_end(&v, &(struct visit_close){.connect_us = -1, .first_byte_us = -1});
    house_sync(h);
    arena_finish(&a);
}

static void which_device_and_what_is_known(void **state)
{
#define APP "inventory.corp.example"
#define VAULT "vault.corp.example"
#define SEVEN ",\"device_id\":\"seven\""
    static const struct row rows[] = {
        {"nobody looks", APP, SEVEN, CERT_OK, "seven", 0, "seven: {managed: true}", 0, "allow", "",
         "", NULL},
        {"claimed", VAULT, SEVEN, CERT_NONE, NULL, 0, "seven: {managed: true}", 0, "allow", "seven",
         "claims", NULL},
        {"nothing known of it", VAULT, SEVEN, CERT_NONE, NULL, 0, "eight: {managed: true}", 0,
         "deny", "seven", "claims", "device:missing"},
        {"certificate first", VAULT, SEVEN, CERT_OK, "eight", 0,
         "seven: {managed: true}, eight: {managed: false}", 0, "deny", "eight", "certificate",
         "device.managed"},
        {"a bad one names nothing", VAULT, "", CERT_EXPIRED, "seven", 0, "seven: {managed: true}",
         0, "deny", "", "", "cert.expired"},
        {"a bad one beside a claim", VAULT, SEVEN, CERT_UNTRUSTED, "eight", 0,
         "seven: {managed: true}", 0, "allow", "seven", "claims", NULL},
        {"ended since it was shown", VAULT, "", CERT_OK, "seven", -1, "seven: {managed: true}", 0,
         "deny", "", "", "cert.expired"},
        {"old", VAULT, SEVEN, CERT_NONE, NULL, 0, "seven: {managed: true}", 3601, "deny", "seven",
         "claims", "device:stale"},
        {"just not old", VAULT, SEVEN, CERT_NONE, NULL, 0, "seven: {managed: true}", 3600, "allow",
         "seven", "claims", NULL},
        {"a claim that disagrees", VAULT, SEVEN ",\"device_managed\":false", CERT_NONE, NULL, 0,
         "seven: {managed: true}", 0, "deny", "seven", "claims", "device:conflict"},
        {"a claim alone", VAULT, ",\"device_managed\":true", CERT_NONE, NULL, 0,
         "seven: {managed: false}", 0, "allow", "", "", NULL},
        {"by its serial number", VAULT, ",\"device_id\":\"C02\"", CERT_NONE, NULL, 0,
         "seven: {serial: C02, managed: true}", 0, "allow", "C02", "claims", NULL},
        {"an id that is a number", VAULT, ",\"device_id\":7", CERT_NONE, NULL, 0,
         "\"7\": {managed: true}", 0, "deny", "", "", "device:missing"},
    };
    struct gate_cert cert;
    for (size_t i = 0; i < ROWS(rows); i++) {
        set_table(rows[i].table, rows[i].age_s);
        visit_of(&rows[i], &cert);
        json_t *record = house_last(h);
        assert_text(rows[i].name, member(record, "decision.effect"), rows[i].effect);
        assert_text(rows[i].name, member(record, "device.id"), rows[i].id);
        assert_text(rows[i].name, member(record, "device.by"), rows[i].by);
        if (rows[i].cause)
            assert_row(rows[i].name, strstr(member(record, "decision.causes"), rows[i].cause));
        assert_row(rows[i].name, (json_object_get(record, "device") != NULL) ==
                                     (strcmp(rows[i].host, VAULT) == 0));
    }
}

static unsigned ends;

static void ended(struct visit *v, enum visit_end why)
{
    ends++;
}

/* What is known is joined anew, and forgotten again: only the beginning and the end are kept. */
static void a_change_ends_what_stands(void **state)
{
    struct visit v;
    struct arena a;
    arena_init(&a, NULL, 0);
    set_table("seven: {managed: true}", 0);
    visit_begin(&v, h->gate, &a);
    v.request = (struct gate_request){
        .method = STR("GET"),
        .host = STR(VAULT),
        .path_raw = STR("/"),
        .front = STR("direct"),
        .authorization = str_of(house_bearer("kim", STAFF SEVEN)),
    };
    assert_int_equal(visit_run(&v), VISIT_PERMITTED);
    assert_true(visit_stand(&v, VISIT_KIND_WEBSOCKET, ended));
    size_t before = a.heap_bytes;
    for (int i = 0; i < 1000; i++)
        set_table(i % 2 ? "seven: {managed: true}" : "seven: {managed: true, firewall: true}", 0);
    assert_int_equal(ends, 0);
    assert_int_equal(a.heap_bytes, before);
    set_table("seven: {managed: false}", 0);
    assert_int_equal(ends, 1);
    visit_end(&v, &(struct visit_close){.connect_us = -1, .first_byte_us = -1, .end = END_POLICY});
    house_sync(h);
    assert_true(strstr(member(house_last(h), "device.facts"), "\"value\":false") != NULL);
    arena_finish(&a);
}

/* A client's hint can make a deny fire: by rules that are new, or whose hours begin, as well. */
static void a_hint_counts_for_what_stands(void **state)
{
    static const char deny[] =
        "  - {id: no-windows, effect: deny, who: anyone, to: {apps: [vault]},\n"
        "     device: {os: [windows]}, on_missing: ignore}\n";
    char policy[sizeof POLICY + sizeof deny];
    struct visit v;
    struct arena a;
    unsigned before = ends;
    arena_init(&a, NULL, 0);
    set_table("seven: {managed: true, os: macos}", 0);
    visit_begin(&v, h->gate, &a);
    v.request = (struct gate_request){
        .method = STR("GET"),
        .host = STR(VAULT),
        .path_raw = STR("/"),
        .front = STR("direct"),
        .user_agent = STR("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/132.0"),
        .authorization = str_of(house_bearer("kim", STAFF SEVEN)),
    };
    assert_int_equal(visit_run(&v), VISIT_PERMITTED);
    assert_true(visit_stand(&v, VISIT_KIND_WEBSOCKET, ended));
    snprintf(policy, sizeof policy, "%s%s", POLICY, deny);
    house_swap_policy(h, policy);
    assert_int_equal(ends, before + 1);
    assert_text("reason", v.reason, "deny-rule");
    visit_end(&v, &(struct visit_close){.connect_us = -1, .first_byte_us = -1, .end = END_POLICY});
    house_sync(h);
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(which_device_and_what_is_known, open_house, close_house),
        cmocka_unit_test_setup_teardown(a_change_ends_what_stands, open_house, close_house),
        cmocka_unit_test_setup_teardown(a_hint_counts_for_what_stands, open_house, close_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
