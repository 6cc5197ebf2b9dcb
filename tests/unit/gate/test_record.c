/* Records: every field, one line whatever bytes come in, never more than was reserved. */
#include "caller.h"

#include "../authn/signer.h"
#include "proxy/gate/gate_impl.h"

static struct visit_close whole_close(void)
{
    struct visit_close close = {.end = END_COMPLETE,
                                .status = 200,
                                .bytes_in = 10,
                                .bytes_out = 2000,
                                .upstream = STR("http://10.0.4.12:3000"),
                                .upstream_status = 203,
                                .connect_us = 150,
                                .first_byte_us = 900,
                                .upstream_reused = true,
                                .headers_left_out = 2};
    assert_true(addr_parse(STR("10.0.4.12"), &close.upstream_addr));
    return close;
}

/* A visit with everything that a record can hold. */
static void every_field(void **state)
{
    struct house *h = house_open(&(struct house_options){.hashes_query = true});
    struct visit_close close = whole_close();
    struct caller c;
    caller_begin(&c, h, "inventory.example", "/a//b");
    struct gate_request *r = &c.visit.request;
    r->method = STR("POST");
    r->query = STR("token=secret");
    r->authorization = str_of(house_bearer("kim", STAFF));
    r->user_agent = STR("curl/8");
    r->front = STR("forwarded");
    addr_parse(STR("2001:db8::7"), &r->client);
    addr_parse(STR("192.0.2.1"), &r->peer);
    r->tls_version = STR("TLSv1.3");
    r->tls_cipher = STR("TLS_AES_128_GCM_SHA256");
    r->tls_group = STR("x25519");
    r->claimed = STR("203.0.113.9, unknown");
    r->spoof_attempts = 3;
    char id[VISIT_ID_CHARS + 1] = "";
    memcpy(id, c.visit.id, VISIT_ID_CHARS);
    clock_pass(2);
    assert_int_equal(caller_run(&c), VISIT_PERMITTED);
    clock_pass(5);
    caller_end_with(&c, &close);
    json_t *got = house_last(h);
    static const struct {
        const char *path, *text;
    } rows[] = {
        {"kind", "decision"},
        {"time", "2026-11-27T15:00:00.000000Z"},
        {"node", "n1"},
        {"boot", "b1"},
        {"app", "inventory"},
        {"protocol", "http"},
        {"method", "POST"},
        {"host", "inventory.example"},
        {"path", "/a//b"},
        {"path_normal", "/a/b"},
        {"agent", "curl/8"},
        {"client.address", "2001:db8::7"},
        {"client.peer", "192.0.2.1"},
        {"client.front", "forwarded"},
        {"client.tls", "TLSv1.3"},
        {"client.cipher", "TLS_AES_128_GCM_SHA256"},
        {"client.group", "x25519"},
        {"client.claimed", "203.0.113.9, unknown"},
        {"spoof_attempts", "3"},
        {"identity.kind", "human"},
        {"identity.subject", "kim"},
        {"identity.email", "kim@acme.example"},
        {"identity.groups", "[\"staff\"]"},
        {"auth.kid", "k"},
        {"decision.effect", "allow"},
        {"decision.reason", "allow"},
        {"decision.rules", "[\"staff\"]"},
        {"decision.valid_until", "1795795200"},
        {"policy.generation", "1"},
        {"facts.now", "1795791600"},
        {"facts.public", "false"},
        {"facts.clock_good", "true"},
        {"upstream.address", "http://10.0.4.12:3000"},
        {"upstream.ip", "10.0.4.12"},
        {"upstream.status", "203"},
        {"upstream.connect_us", "150"},
        {"upstream.first_byte_us", "900"},
        {"upstream.reused", "true"},
        {"status", "200"},
        {"bytes_in", "10"},
        {"bytes_out", "2000"},
        {"duration_us", "7000"},
        {"decision_us", "2000"},
        {"headers_left_out", "2"},
        {"end", "complete"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_text(rows[i].path, member(got, rows[i].path), rows[i].text);
    assert_int_equal(strlen(member(got, "query_sha256")), 64);
    assert_string_equal(member(got, "id"), id);
    assert_int_equal(strlen(id), VISIT_ID_CHARS);
    assert_string_equal(member(got, "policy.digest"), h->snapshot->policy_digest);
    assert_string_equal(member(got, "query"), "");
    assert_string_equal(member(got, "shortened"), "");
    house_close(h);
}

/* No more than this in the smallest record: nothing absent is told as if it were there. */
static void absent_fields(void **state)
{
    static const char *const absent[] = {
        "app",
        "path_normal",
        "query_sha256",
        "agent",
        "client.peer",
        "client.tls",
        "client.group",
        "client.claimed",
        "spoof_attempts",
        "identity",
        "auth",
        "decision.rules",
        "decision.would",
        "decision.token",
        "decision.valid_until",
        "upstream",
        "headers_left_out",
    };
    struct house *h = house_plain();
    struct caller c;
    caller_begin(&c, h, "nowhere.example", "/");
    c.visit.request.query = STR("a=b");
    caller_run(&c);
    caller_end(&c);
    json_t *r = house_last(h);
    for (size_t i = 0; i < ROWS(absent); i++)
        assert_text(absent[i], member(r, absent[i]), "");
    house_close(h);
}

static void hostile_bytes_stay_one_line(void **state)
{
    static const char NASTY[] = "\"}\n{\"kind\":\"decision\",\"id\":\"0\"}\r\n\x01\x7f\xff\xfe\xc3"
                                "\xe2\x80\xa8\\u0000\xf0\x9f\x98\x80";
    struct house *h = house_plain();
    struct caller c;
    caller_begin(&c, h, "inventory.example", NASTY);
    struct gate_request *r = &c.visit.request;
    r->method = r->user_agent = (str){NASTY, sizeof NASTY}; /* its NUL too */
    r->host = (str){NASTY, sizeof NASTY - 1};
    caller_run(&c);
    caller_end(&c);
    assert_int_equal(json_array_size(house_log(h)), 1);
    json_t *got = house_last(h);
    assert_string_equal(member(got, "decision.reason"), "input:host");
    assert_true(strlen(member(got, "path")) > 20);
    /* claims: one line as well */
    caller_ask(&c, h, "/x",
               house_bearer("kim", STAFF ",\"note\":\"\\\"}{\\u2028\\ud83d\\ude00\",\"x\\\"y\":1"));
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    caller_end(&c);
    assert_int_equal(json_array_size(house_log(h)), 2);
    assert_string_equal(member(house_last(h), "identity.claims.note"), "\"}{\u2028\U0001F600");
    house_close(h);
}

static void what_anybody_may_say_is_cut(void **state)
{
    struct house *h = house_plain();
    char text[2000];
    struct caller c;
    memset(text, '\x01', sizeof text); /* the longest when it is escaped */
    caller_begin(&c, h, "inventory.example", "/x");
    c.visit.request.user_agent = c.visit.request.claimed = (str){text, sizeof text};
    caller_run(&c);
    caller_end(&c);
    json_t *r = house_last(h);
    assert_int_equal(strlen(member(r, "agent")), 256);
    assert_int_equal(strlen(member(r, "client.claimed")), 128);
    assert_string_equal(member(r, "shortened"), "");
    house_close(h);
}

static void queries_are_dropped_unless_asked(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    caller_begin(&c, h, "inventory.example", "/x");
    c.visit.request.query = STR("password=hunter2");
    caller_run(&c);
    caller_end(&c);
    char *text = json_dumps(house_last(h), 0);
    assert_null(strstr(text, "hunter2"));
    assert_null(strstr(text, "sha256"));
    free(text);
    house_close(h);
}

/* Neither the token nor the field it came in. */
static void secrets_stay_out(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    const char *token = house_token("kim", STAFF);
    caller_begin(&c, h, "inventory.example", "/x");
    c.visit.request.authorization = str_of(house_bearer("kim", STAFF));
    c.visit.request.token = str_of(token);
    caller_run(&c);
    caller_end(&c);
    char *text = json_dumps(house_last(h), 0);
    assert_null(strstr(text, "Bearer"));
    assert_null(strstr(text, strrchr(token, '.') + 1));
    free(text);
    house_close(h);
}

/* All texts of a policy at their longest: ids of 8 rules, of hosts and owners. */
static void long_names_fit(void **state)
{
    char id[65], policy[8192];
    int n = snprintf(policy, sizeof policy,
                     "version: 1\napps:\n  - {name: inventory, host: inventory.example, "
                     "upstream: \"http://127.0.0.1:9\"}\nrules:\n");
    for (int i = 0; i < 12; i++) {
        memset(id, 'a' + i, 62);
        id[62] = '\0';
        n += snprintf(policy + n, sizeof policy - (size_t)n,
                      "  - {id: %s, effect: allow, who: {groups: [staff]}, to: {apps: "
                      "[inventory]}}\n"
                      "  - {id: %s-, effect: deny, mode: audit, who: anyone, to: everything}\n",
                      id, id);
    }
    /* an id must not end with a dash */
    for (char *p = policy; (p = strstr(p, "-, effect: deny"));)
        *p = 'z';
    struct house *h = house_open(&(struct house_options){.policy = policy});
    struct visit_close close = whole_close();
    struct caller c;
    caller_begin(&c, h, "inventory.example", "/x");
    struct gate_request *r = &c.visit.request;
    r->authorization = str_of(house_bearer("kim", STAFF));
    r->tls_version = STR("TLSv1.3");
    r->tls_cipher = STR("TLS_CHACHA20_POLY1305_SHA256");
    addr_parse(STR("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"), &r->client);
    caller_run(&c);
    close.upstream = STR("https://a-host-of-a-very-long-name-indeed.inside.the.corporation.example"
                         ".with.a.few.more.labels.than.usual.example:65535");
    caller_end_with(&c, &close);
    json_t *got = house_last(h);
    assert_string_equal(member(got, "shortened"), "");
    assert_string_equal(member(got, "end"), "complete");
    assert_int_equal(json_array_size(json_object_get(json_object_get(got, "decision"), "rules")),
                     POLICY_MAX_REPORTED);
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(got, "decision"), "would_rules")),
        POLICY_MAX_REPORTED);
    house_close(h);
}

/* The longest path that a request line can bring, all of it escaped. */
static void long_paths_fit(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    size_t n = 8000;
    char *path = mem_alloc(n + 1);
    memset(path, 0x01, n);
    path[0] = '/';
    caller_begin(&c, h, "inventory.example", path);
    caller_run(&c);
    assert_int_equal(c.visit.refusal.status, 400);
    caller_end(&c);
    json_t *r = house_last(h);
    assert_string_equal(member(r, "shortened"), "");
    assert_int_equal(json_string_length(json_object_get(r, "path")), n);
    free(path);
    house_close(h);
}

/* The shadow's word stands in the end of a long visit too, which lets go of the snapshot before. */
static void the_end_of_a_long_visit_has_room_for_the_shadow(void **state)
{
    struct house *h = house_plain();
    struct visit_close close = whole_close();
    struct policy_decision shadow = {.n_rules = POLICY_MAX_REPORTED};
    struct caller c;
    char id[64];
    memset(id, 's', 63);
    id[63] = '\0';
    caller_begin(&c, h, "inventory.example", "/x");
    struct gate_request *r = &c.visit.request;
    r->authorization = str_of(house_bearer("kim", STAFF));
    r->tls_version = STR("TLSv1.3");
    r->tls_cipher = STR("TLS_CHACHA20_POLY1305_SHA256");
    r->tls_group = STR("X25519MLKEM768");
    addr_parse(STR("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"), &r->client);
    addr_parse(STR("2001:db8:aaaa:bbbb:cccc:dddd:eeee:fffe"), &r->peer);
    char upstream[] = "https://" /* a name of 253 bytes */
                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
                      "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
                      "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc."
                      "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd:65535";
    close.upstream = str_of(upstream);
    close.upstream_addr = r->client;
    close.bytes_in = close.bytes_out = INT64_MAX;
    assert_int_equal(caller_run(&c), VISIT_PERMITTED);
    struct policy_decision *d = &c.visit.decision;
    for (size_t i = 0; i < POLICY_MAX_REPORTED; i++)
        shadow.rules[i] = d->rules[i] = d->would_rules[i] = str_of(id);
    d->n_rules = d->n_would_rules = POLICY_MAX_REPORTED;
    d->has_would = true;
    assert_true(visit_stand(&c.visit, VISIT_KIND_STREAM, caller_ended));
    c.visit.shadow = &shadow;
    caller_end_with(&c, &close);
    json_t *got = house_last(h);
    assert_string_equal(member(got, "kind"), "decision");
    assert_string_equal(member(got, "shortened"), "");
    assert_string_equal(member(got, "end"), "complete");
    assert_int_equal(json_array_size(json_object_get(json_object_get(got, "shadow"), "rules")),
                     POLICY_MAX_REPORTED);
    house_close(h);
}

/* What does not fit is left out, and that is told: who it was and how it ended stay. */
static void a_record_too_long_is_shortened(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    size_t n = AUDIT_RECORD_MAX;
    char *path = mem_alloc(n + 1);
    memset(path, 'a', n);
    path[0] = '/';
    caller_begin(&c, h, "inventory.example", path);
    c.visit.request.authorization = str_of(house_bearer("kim", STAFF));
    char id[VISIT_ID_CHARS + 1] = "";
    memcpy(id, c.visit.id, VISIT_ID_CHARS);
    caller_run(&c);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    assert_int_equal(c.visit.reserved, AUDIT_RECORD_MAX);
    caller_end(&c);
    json_t *r = house_last(h);
    assert_string_equal(member(r, "shortened"), "true");
    assert_string_equal(member(r, "id"), id);
    assert_string_equal(member(r, "kind"), "decision");
    assert_string_equal(member(r, "time"), "2026-11-27T15:00:00.000000Z");
    assert_string_equal(member(r, "app"), "inventory");
    assert_string_equal(member(r, "client.address"), "198.51.100.7");
    assert_string_equal(member(r, "identity.subject"), "kim");
    assert_string_equal(member(r, "decision.effect"), "allow");
    assert_string_equal(member(r, "status"), "200");
    assert_string_equal(member(r, "end"), "complete");
    /* half a path must not be taken for one */
    assert_string_equal(member(r, "path"), "");
    assert_int_equal(json_string_length(json_object_get(r, "path_begins")), 1024);
    free(path);
    house_close(h);
}

/* Nor does an identity that leaves no room keep the record from being there. */
static void a_record_shortened_most(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    char *host = mem_alloc(AUDIT_RECORD_MAX + 1);
    memset(host, 'h', AUDIT_RECORD_MAX);
    caller_begin(&c, h, host, "/x");
    caller_run(&c);
    caller_end(&c);
    json_t *r = house_last(h);
    assert_string_equal(member(r, "shortened"), "true");
    assert_string_equal(member(r, "kind"), "decision");
    assert_string_equal(member(r, "host"), "");
    free(host);
    house_close(h);
}

static void refused_input_is_recorded(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    caller_begin(&c, h, "", "");
    visit_refuse_input(&c.visit, 431, "head.fields", STR("Too many fields."));
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    struct visit_close close = {
        .end = END_BAD_REQUEST, .status = 431, .connect_us = -1, .first_byte_us = -1};
    caller_end_with(&c, &close);
    json_t *r = house_last(h);
    assert_string_equal(member(r, "decision.reason"), "head.fields");
    assert_string_equal(member(r, "decision.effect"), "deny");
    assert_string_equal(member(r, "end"), "bad-request");
    assert_string_equal(member(r, "status"), "431");
    assert_int_equal(atomic_load(&h->counters.bad_requests), 1);
    assert_int_equal(atomic_load(&h->counters.refused), 1);
    house_close(h);
}

/* Each reservation is given back with the record, on every way out. */
static void reservations_are_given_back(void **state)
{
    static const struct {
        const char *id, *host, *path;
        bool has_token, runs;
    } rows[] = {
        {"never run", "inventory.example", "/", true, false},
        {"unknown host", "x.example", "/", true, true},
        {"bad path", "inventory.example", "/../", true, true},
        {"nobody", "inventory.example", "/", false, true},
        {"refused", "other.example", "/", true, true},
        {"allowed", "inventory.example", "/", true, true},
        {"public", "inventory.example", "/public/", true, true},
    };
    struct house *h = house_plain();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        caller_begin(&c, h, rows[i].host, rows[i].path);
        if (rows[i].has_token)
            c.visit.request.authorization = str_of(house_bearer("kim", STAFF));
        if (rows[i].runs) {
            caller_run(&c);
            assert_row(rows[i].id, h->ring->reserved == c.visit.reserved);
            assert_row(rows[i].id, c.visit.reserved >= 1024);
        }
        caller_end(&c);
        assert_row(rows[i].id, h->ring->reserved == 0);
        house_sync(h);
        assert_row(rows[i].id, json_array_size(house_log(h)) == i + 1);
    }
    struct audit_counts counts;
    audit_counts(h->audit, &counts);
    assert_int_equal(counts.lost, 0);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field),
        cmocka_unit_test(absent_fields),
        cmocka_unit_test(hostile_bytes_stay_one_line),
        cmocka_unit_test(what_anybody_may_say_is_cut),
        cmocka_unit_test(queries_are_dropped_unless_asked),
        cmocka_unit_test(secrets_stay_out),
        cmocka_unit_test(long_names_fit),
        cmocka_unit_test(long_paths_fit),
        cmocka_unit_test(the_end_of_a_long_visit_has_room_for_the_shadow),
        cmocka_unit_test(a_record_too_long_is_shortened),
        cmocka_unit_test(a_record_shortened_most),
        cmocka_unit_test(refused_input_is_recorded),
        cmocka_unit_test(reservations_are_given_back),
    };
    return cmocka_run_group_tests_name("gate record", tests, NULL, NULL);
}
