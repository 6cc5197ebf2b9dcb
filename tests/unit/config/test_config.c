/* postern.yaml: what a good one becomes, and every way to get one wrong with its words. */
#include "parse.h"

static void refuses_bad_shape(void **state)
{
    static const struct bad rows[] = {
        {"empty", "", "1:1 empty: the file is empty"},
        {"no version", LISTEN CORP, "1:1 missing-key: key \"version\" is missing in postern.yaml"},
        {"wrong version", "version: 2\n" LISTEN CORP,
         "1:10 bad-value: \"2\" must be 1, the only value that is legal here"},
        {"no listeners", HEAD CORP,
         "1:1 missing-key: key \"listeners\" is missing in postern.yaml"},
        {"unknown key", HEAD LISTEN CORP "polices: x\n",
         "4:1 unknown-key: unknown key \"polices\" in postern.yaml (did you mean \"policies\"?)"},
        {"unknown deep", HEAD LISTEN CORP "audit: {sink: batch}\n",
         "4:9 unknown-key: unknown key \"sink\" in audit (its keys are file, sync, on_error, "
         "query, rotate)"},
        {"duplicate key", HEAD LISTEN CORP "state: a\nstate: b\n",
         "5:1 duplicate-key: key \"state\" stands here a second time; the first is in line 4"},
        {"bad choice", HEAD LISTEN CORP "audit: {sync: allways}\n",
         "4:15 bad-value: \"allways\" is not one of: batch, always (did you mean \"always\"?)"},
        {"two errors", HEAD LISTEN "workers: many\nlog: {level: loud, format: xml}\n" CORP,
         "3:10 out-of-range: workers must be auto or a number from 1 to 256, not \"many\"\n"
         "4:14 bad-value: \"loud\" is not one of: debug, info, warn, error\n"
         "4:28 bad-value: \"xml\" is not one of: text, json"},
        {"workers none", HEAD LISTEN CORP "workers: 0\n",
         "4:10 out-of-range: workers must be auto or a number from 1 to 256, not \"0\""},
        {"portal host", HEAD LISTEN CORP "portal: {host: \"a b\"}\n",
         "4:16 bad-value: \"a b\" must be a host name in ASCII (an A-label for others)"},
        {"portal url", HEAD LISTEN CORP "portal: {host: \"https://a.example\"}\n",
         "4:16 bad-value: \"https://a.example\" must be a host name in ASCII (an A-label for "
         "others)"},
        {"all in one pass",
         HEAD LISTEN "workers: many\nlog: {level: loud}\nissuers: {corp: {audience: x, jwks_file: "
                     "k}}\nservices: {ci: {issuer: corp, match: {sub: a}}}\n",
         "3:10 out-of-range: workers must be auto or a number from 1 to 256, not \"many\"\n"
         "4:14 bad-value: \"loud\" is not one of: debug, info, warn, error\n"
         "5:17 missing-key: key \"issuer\" is missing in an issuer"},
        {"console", HEAD LISTEN CORP "console: {host: c.example}\n",
         "4:1 not-available: the console is not available in this version"},
        {"rotate", HEAD LISTEN CORP "audit: {rotate: {size: 4KiB, every: 1s}}\n",
         "4:24 out-of-range: size must be 0 or at least 1MiB\n"
         "4:37 out-of-range: every must be 0s or at least 1m"},
        {"duration", HEAD LISTEN CORP "limits: {head_timeout: 10}\n",
         "4:24 bad-value: \"10\" must be a number with a unit: ms, s, m, h or d"},
        {"least", HEAD LISTEN CORP "limits: {request_line: 10}\n",
         "4:24 out-of-range: request_line must be between 256 and 64KiB, not \"10\""},
        {"most", HEAD LISTEN CORP "limits: {fields: 100000}\n",
         "4:18 out-of-range: fields must be between 8 and 1000, not \"100000\""},
        {"over a buffer", HEAD LISTEN CORP "limits: {response_headers: 128KiB}\n",
         "4:28 out-of-range: response_headers must be between 1KiB and 120KiB, not \"128KiB\""},
        {"header over headers", HEAD LISTEN CORP "limits: {header: 64KiB, headers: 8KiB}\n",
         "4:9 out-of-range: header must not be larger than headers, the room for all of them"},
        {"limit unknown", HEAD LISTEN CORP "limits: {head_timeot: 10s}\n",
         "4:10 unknown-key: unknown key \"head_timeot\" in limits (did you mean "
         "\"head_timeout\"?)"},
    };
    EXPECT_ALL(rows);
}

static void refuses_bad_listeners(void **state)
{
#define ONE(text) HEAD CORP "listeners:\n  - " text "\n"
    static const struct bad rows[] = {
        {"no address", ONE("{front: direct}"),
         "4:5 missing-key: key \"address\" is missing in a listener"},
        {"no port", ONE("{address: localhost}"),
         "4:15 bad-value: \"localhost\" must be \":PORT\", \"IPv4:PORT\", \"[IPv6]:PORT\" or "
         "\"unix:/PATH\""},
        {"name", ONE("{address: \"localhost:80\"}"),
         "4:15 bad-value: \"localhost:80\" must be \":PORT\", \"IPv4:PORT\", \"[IPv6]:PORT\" or "
         "\"unix:/PATH\""},
        {"port 0", ONE("{address: \":0\"}"),
         "4:15 bad-value: \":0\" must end with a port from 1 to 65535"},
        {"port past end", ONE("{address: \"127.0.0.1:65536\"}"),
         "4:15 bad-value: \"127.0.0.1:65536\" must end with a port from 1 to 65535"},
        {"v6 without brackets", ONE("{address: \"::1:80\"}"),
         "4:15 bad-value: \"::1:80\" must be \":PORT\", \"IPv4:PORT\", \"[IPv6]:PORT\" or "
         "\"unix:/PATH\""},
        {"link-local", ONE("{address: \"[fe80::1]:80\"}"),
         "4:15 bad-value: \"[fe80::1]:80\" must not be link-local: such an address means nothing "
         "without its zone"},
        {"zone", ONE("{address: \"[fe80::1%eth0]:80\"}"),
         "4:15 bad-value: \"[fe80::1%eth0]:80\" must be \":PORT\", \"IPv4:PORT\", \"[IPv6]:PORT\" "
         "or \"unix:/PATH\""},
        {"relative socket", ONE("{address: \"unix:run/x.sock\"}"),
         "4:15 bad-value: \"unix:run/x.sock\" must be unix: and an absolute path of at most 107 "
         "bytes"},
        {"plain on all", ONE("{address: \":80\"}"),
         "4:15 plain-listener: \":80\" is neither on loopback nor a unix socket and has no tls "
         "(add tls: or plain: true)"},
        {"plain on an address", ONE("{address: \"10.0.0.1:80\", plain: false}"),
         "4:15 plain-listener: \"10.0.0.1:80\" is neither on loopback nor a unix socket and has no "
         "tls (add tls: or plain: true)"},
        {"no certificates", ONE("{address: \":443\", tls: {min: \"1.2\"}}"),
         "4:28 missing-key: key \"certificates\" is missing in tls"},
        {"empty certificates", ONE("{address: \":443\", tls: {certificates: []}}"),
         "4:43 empty: this list is empty (write at least one item, or leave the key out)"},
        {"no key", ONE("{address: \":443\", tls: {certificates: [{cert: a}]}}"),
         "4:44 missing-key: key \"key\" is missing in a certificate"},
        {"old tls",
         ONE("{address: \":443\", tls: {certificates: [{cert: a, key: b}], min: \"1.1\"}}"),
         "4:69 bad-value: \"1.1\" is not one of: 1.2, 1.3 (did you mean \"1.2\"?)"},
        {"unknown front", ONE("{address: \"127.0.0.1:80\", front: {forwardd: {}}}"),
         "4:39 unknown-key: unknown key \"forwardd\" in a front (did you mean \"forwarded\"?)"},
        {"two fronts",
         ONE("{address: \"127.0.0.1:80\", front: {forwarded: {trusted: [10.0.0.0/8]}, tailscale: "
             "{}}}"),
         "4:38 bad-value: a listener has exactly one front"},
        {"forwarded word", ONE("{address: \"127.0.0.1:80\", front: forwarded}"),
         "4:38 bad-value: forwarded must say whom it trusts (write front: {forwarded: {trusted: "
         "[127.0.0.1/32]}})"},
        {"trusts nobody", ONE("{address: \"127.0.0.1:80\", front: {forwarded: {}}}"),
         "4:50 missing-key: forwarded needs trusted on a TCP listener: the networks whose "
         "X-Forwarded headers count"},
        {"host bits",
         ONE("{address: \"127.0.0.1:80\", front: {forwarded: {trusted: [10.0.0.1/8]}}}"),
         "4:61 bad-value: \"10.0.0.1/8\" must not have bits set past its length"},
        {"peer_uid on tcp", ONE("{address: \"127.0.0.1:80\", peer_uid: root}"),
         "4:41 bad-value: peer_uid is for unix sockets only"},
        {"unknown user", ONE("{address: \"unix:/run/x\", peer_uid: nobody-like-that}"),
         "4:40 unknown-user: there is no user \"nobody-like-that\" on this system"},
        {"redirect with tls",
         ONE("{address: \":443\", redirect: https, tls: {certificates: [{cert: a, key: b}]}}"),
         "4:23 bad-value: a listener with tls has nothing to redirect to https"},
        {"acme alone", ONE("{address: \"127.0.0.1:80\", acme_dir: /a}"),
         "4:31 bad-value: acme_dir is for listeners with redirect: https only"},
        {"twice",
         HEAD CORP
         "listeners:\n  - {address: \":80\", plain: true}\n  - {address: \"127.0.0.1:80\"}\n",
         "4:15 plain-listener: \":80\" takes requests, and tokens in them, without TLS\n"
         "5:15 duplicate: \"127.0.0.1:80\" is taken by the listener on line 4"},
        {"admin on all", HEAD LISTEN CORP "admin: {address: \":9000\"}\n",
         "4:18 plain-listener: the admin address \":9000\" is neither on loopback nor a unix "
         "socket (add plain: true if that is meant)"},
        {"admin taken", HEAD LISTEN CORP "admin: {address: \"127.0.0.1:80\"}\n",
         "4:18 duplicate: \"127.0.0.1:80\" is taken by a listener"},
    };
#undef ONE
    EXPECT_ALL(rows);
}

static void refuses_bad_issuers(void **state)
{
#define ONE(text) HEAD LISTEN "issuers:\n  corp: " text "\n"
    static const struct bad rows[] = {
        {"word", ONE("corp"),
         "4:9 wrong-kind: an issuer is a mapping with issuer and audience, or the word builtin"},
        {"no audience", ONE("{issuer: \"https://l.example\"}"),
         "4:9 missing-key: an issuer needs audience, or client_id for log-in in the browser"},
        {"none alg", ONE("{issuer: \"https://l.example\", audience: p, algs: [none]}"),
         "4:59 bad-value: \"none\" is not one of: RS256, RS384, RS512, PS256, PS384, PS512, ES256, "
         "ES384, ES512, EdDSA"},
        {"hmac", ONE("{issuer: \"https://l.example\", audience: p, algs: [HS256]}"),
         "4:59 bad-value: \"HS256\" is not one of: RS256, RS384, RS512, PS256, PS384, PS512, "
         "ES256, ES384, ES512, EdDSA (did you mean \"RS256\"?)"},
        {"empty algs", ONE("{issuer: \"https://l.example\", audience: p, algs: []}"),
         "4:58 empty: this list is empty (write at least one item, or leave the key out)"},
        {"http issuer", ONE("{issuer: \"http://l.example\", audience: p}"),
         "4:18 bad-value: \"http://l.example\" is no https URL, so its keys cannot be discovered "
         "(name the keys by jwks_url or jwks_file)"},
        {"bare issuer", ONE("{issuer: corp, audience: p}"),
         "4:18 bad-value: \"corp\" is no https URL, so its keys cannot be discovered (name the "
         "keys by jwks_url or jwks_file)"},
        {"http keys", ONE("{issuer: corp, audience: p, jwks_url: \"http://l.example/k\"}"),
         "4:47 bad-value: \"http://l.example/k\" must be an https:// URL (http:// on loopback), "
         "without a user name or a fragment"},
        {"two sources",
         ONE("{issuer: corp, audience: p, jwks_url: \"https://l.example/k\", jwks_file: k}"),
         "4:70 bad-value: jwks_url and jwks_file exclude each other"},
        {"exponent", ONE("{issuer: \"https://l.example\", audience: p, rsa_exponents: [3, 4, 1]}"),
         "4:71 out-of-range: a public exponent is odd and at least 3, not \"4\"\n"
         "4:74 out-of-range: a public exponent is odd and at least 3, not \"1\""},
        {"same iss",
         HEAD LISTEN "issuers:\n  a: {issuer: x, audience: p, jwks_file: k}\n  b: {issuer: x, "
                     "audience: q, jwks_file: k}\n",
         "5:15 duplicate: \"x\" is the issuer of a already"},
        {"issuer name", HEAD LISTEN "issuers: {\"a b\": {issuer: x, audience: p, jwks_file: k}}\n",
         "3:11 bad-value: \"a b\" must be of letters, digits, \"-\", \"_\" and \".\", at most 63"},
        {"service without issuer", HEAD LISTEN CORP "services: {ci: {match: {sub: a}}}\n",
         "4:16 missing-key: key \"issuer\" is missing in a service"},
        {"service of nobody", HEAD LISTEN CORP "services: {ci: {issuer: crop, match: {sub: a}}}\n",
         "4:25 unknown-issuer: there is no issuer \"crop\" (did you mean \"corp\"?)"},
        {"service matches all",
         HEAD LISTEN CORP "services: {ci: {issuer: corp, match: {sub: \"*\"}}}\n",
         "4:44 bad-value: \"*\" must have \"*\" at its end only, and something before it"},
        {"star within", HEAD LISTEN CORP "services: {ci: {issuer: corp, match: {sub: \"a*b\"}}}\n",
         "4:44 bad-value: \"a*b\" must have \"*\" at its end only, and something before it"},
        {"service without match", HEAD LISTEN CORP "services: {ci: {issuer: corp, match: {}}}\n",
         "4:38 empty: this mapping is empty (write at least one key, or leave it out)"},
    };
#undef ONE
    EXPECT_ALL(rows);
}

static void warns(void **state)
{
    static const struct bad rows[] = {
        {"no issuer", HEAD LISTEN,
         "1:1 no-issuer: there are no issuers: nobody can prove an identity, only public paths are "
         "served"},
        {"plain", HEAD CORP "listeners: [{address: \":80\", plain: true}]\n",
         "3:23 plain-listener: \":80\" takes requests, and tokens in them, without TLS"},
        {"continue", HEAD LISTEN CORP "audit: {on_error: continue}\n",
         "4:19 audit-continue: access goes on without a record while the journal cannot be "
         "written"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct findings f;
        const struct config *c = parse(rows[i].text, &f);
        if (!c || f.errors || strcmp(findings_text(&f), rows[i].findings) != 0)
            fail_msg("%s: found %s", rows[i].id, findings_text(&f));
        config_unref(&c);
        findings_finish(&f);
    }
}

static void fills_every_section(void **state)
{
    struct findings f;
    const struct config *c = parse(
        HEAD
        "listeners:\n"
        "  - {address: \":443\", tls: {certificates: [{cert: tls/c.pem, key: /k.pem}], min: "
        "\"1.3\"}}\n"
        "  - {address: \":80\", redirect: https, acme_dir: /var/lib/acme}\n"
        "  - {address: \"unix:/run/p.sock\", peer_uid: 33, front: {forwarded: {}}}\n"
        "  - {address: \"[::1]:81\", front: {forwarded: {trusted: [10.0.0.0/8, \"::1\"]}}}\n"
        "portal: {host: Access.Corp.Example}\n"
        "admin: {address: \"unix:/run/admin.sock\"}\n"
        "policies: policies/\n"
        "workers: 3\n"
        "issuers:\n"
        "  corp: {issuer: \"https://login.example/\", audience: [a, b], algs: [PS256, EdDSA],\n"
        "         trusted_email: true, claims: {groups: roles}, mfa: {amr: [otp]},\n"
        "         absent_means_none: [groups]}\n"
        "  ci: {issuer: ci, audience: x, jwks_file: ci.json}\n"
        "services: {build: {issuer: ci, match: {sub: \"repo:*\", env: prod}}}\n"
        "audit: {file: \"-\", sync: always, query: hash, rotate: {size: 0, keep: 30d}}\n"
        "limits: {request_line: 4KiB, fields: 50, keepalive_timeout: 5m}\n"
        "log: {level: debug, format: json}\n",
        &f);
    assert_string_equal(findings_text(&f), "");
    assert_non_null(c);
    assert_int_equal(c->n_listeners, 4);
    const struct config_listener *l = c->listeners;
    assert_int_equal(l[0].address.kind, ADDRESS_TCP);
    assert_int_equal(l[0].address.addr.family, 0);
    assert_int_equal(l[0].address.port, 443);
    assert_string_equal(l[0].certificates[0].cert.p, "/etc/postern/tls/c.pem");
    assert_string_equal(l[0].certificates[0].key.p, "/k.pem");
    assert_int_equal(l[0].tls_min, TLS_MIN_13);
    assert_int_equal(l[0].front, FRONT_DIRECT);
    assert_true(l[1].is_redirect);
    assert_string_equal(l[1].acme_dir.p, "/var/lib/acme");
    assert_true(l[2].has_peer_uid);
    assert_int_equal(l[2].peer_uid, 33);
    assert_int_equal(l[2].front, FRONT_FORWARDED);
    assert_int_equal(l[3].address.addr.family, 6);
    assert_int_equal(l[3].n_trusted, 2);
    assert_string_equal(c->portal.host.p, "access.corp.example");
    assert_true(c->has_admin);
    assert_string_equal(c->admin.path.p, "/run/admin.sock");
    assert_string_equal(c->policies_dir.p, "/etc/postern/policies");
    assert_string_equal(c->state_dir.p, "/var/lib/postern");
    assert_int_equal(config_workers(c), 3);
    const struct config_issuer *i = c->issuers;
    assert_int_equal(c->n_issuers, 2);
    assert_string_equal(i[0].issuer->issuer.p, "https://login.example/");
    assert_int_equal(i[0].issuer->n_audiences, 2);
    assert_int_equal(i[0].issuer->algs, ALG_BIT(ALG_PS256) | ALG_BIT(ALG_EDDSA));
    assert_true(i[0].issuer->trusted_email);
    assert_string_equal(i[0].issuer->groups_claim.p, "roles");
    assert_int_equal(i[0].keys, KEYS_DISCOVERY);
    assert_string_equal(i[0].url.p, "https://login.example/.well-known/openid-configuration");
    assert_int_equal(i[1].issuer->algs, ALG_DEFAULT);
    assert_int_equal(i[1].keys, KEYS_FILE);
    assert_string_equal(i[1].file.p, "/etc/postern/ci.json");
    assert_int_equal(c->services[0].n_claims, 2);
    assert_string_equal(c->audit.file.p, "-");
    assert_true(c->audit.is_always);
    assert_false(c->audit.continues);
    assert_int_equal(c->audit.query, QUERY_HASH);
    assert_int_equal(c->audit.rotate_bytes, 0);
    assert_int_equal(c->audit.rotate_every_ms, 86400000);
    assert_int_equal(c->audit.keep_ms, INT64_C(30) * 86400000);
    assert_int_equal(c->limits.request_line_bytes, 4096);
    assert_int_equal(c->limits.fields, 50);
    assert_int_equal(c->limits.keepalive_timeout_ms, 300000);
    assert_int_equal(c->limits.head_timeout_ms, 10000);
    assert_int_equal(c->limits.header_bytes, 20480);
    assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(c->log_style, LOG_JSON);
    config_unref(&c);
    findings_finish(&f);
}

/* The zero value of what is left out is the strict one. */
static void defaults_are_strict(void **state)
{
    struct findings f;
    const struct config *c = parse(HEAD LISTEN CORP, &f);
    assert_non_null(c);
    assert_int_equal(c->listeners[0].front, FRONT_DIRECT);
    assert_int_equal(c->listeners[0].n_trusted, 0);
    assert_false(c->has_admin);
    assert_false(c->audit.continues);
    assert_int_equal(c->audit.query, QUERY_DROP);
    assert_false(c->issuers[0].issuer->trusted_email);
    assert_int_equal(c->issuers[0].issuer->algs, ALG_DEFAULT);
    assert_string_equal(c->audit.file.p, "/var/log/postern/access.jsonl");
    assert_int_equal(c->limits.audit_ring_bytes, 8 << 20);
    config_unref(&c);
    findings_finish(&f);
}

static void tells_absent_from_broken(void **state)
{
    const struct config *c = NULL;
    struct findings f;
    findings_init(&f);
    assert_int_equal(config_open(room_path("none.yaml"), &c, &f), CONFIG_ABSENT);
    assert_non_null(strstr(findings_text(&f), "postern init DIR"));
    findings_finish(&f);
    findings_init(&f);
    room_write("bad.yaml", "version: 1\n");
    assert_int_equal(config_open(room_path("bad.yaml"), &c, &f), CONFIG_BROKEN);
    findings_finish(&f);
    findings_init(&f);
    room_write("good.yaml", HEAD LISTEN CORP);
    assert_int_equal(config_open(room_path("good.yaml"), &c, &f), CONFIG_GOOD);
    assert_string_equal(c->policies_dir.p, room_path("policies"));
    config_unref(&c);
    findings_finish(&f);
}

static void says_what_needs_a_restart(void **state)
{
    static const struct {
        const char *next, *what;
    } rows[] = {
        {HEAD LISTEN CORP "limits: {fields: 50}\n", ""},
        {HEAD LISTEN CORP "limits: {response_headers: 120KiB}\n", ""}, /* the most */
        {HEAD CORP
         "listeners: [{address: \"127.0.0.1:80\", front: {forwarded: {trusted: [10.0.0.0/8]}}}]\n",
         ""},
        {HEAD CORP "listeners: [{address: \"127.0.0.1:81\"}]\n",
         "0:0 needs-restart: listeners (an address, its kind, tls or not, peer_uid) changed: that "
         "takes effect at the next start"},
        {HEAD LISTEN CORP "workers: 2\nstate: /other\n",
         "0:0 needs-restart: workers changed: that takes effect at the next start\n"
         "0:0 needs-restart: state changed: that takes effect at the next start"},
        {HEAD LISTEN CORP "limits: {session_cache: 7}\n",
         "0:0 needs-restart: limits.session_cache changed: that takes effect at the next start"},
        {HEAD LISTEN CORP
         "portal: {host: a.example, origin: \"https://a.example\"}\nsessions: {idle: 1h}\n",
         ""},
        {HEAD LISTEN CORP "audit: {sync: always}\n",
         "0:0 needs-restart: audit changed: that takes effect at the next start"},
    };
    struct findings f;
    const struct config *running = parse(HEAD LISTEN CORP, &f);
    findings_finish(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct config *next = parse(rows[i].next, &f);
        assert_non_null(next);
        assert_int_equal(config_needs_restart(running, next, &f), *rows[i].what != '\0');
        assert_string_equal(findings_text(&f), rows[i].what);
        config_unref(&next);
        findings_finish(&f);
    }
    config_unref(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_shape),        cmocka_unit_test(refuses_bad_listeners),
        cmocka_unit_test(refuses_bad_issuers),      cmocka_unit_test(warns),
        cmocka_unit_test(fills_every_section),      cmocka_unit_test(defaults_are_strict),
        cmocka_unit_test(tells_absent_from_broken), cmocka_unit_test(says_what_needs_a_restart),
    };
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
