/* Log-in, sessions, mail, notices and devices in postern.yaml. */
#include "parse.h"

#define PORTAL "portal: {host: access.example, origin: \"https://access.example\"}\n"
#define MAIL "mail: {smtp: \"smtp://127.0.0.1:25\", from: p@corp.example}\n"
#define BASE HEAD LISTEN CORP
/* the settings of one issuer, on line 4, or of one source */
#define CLIENT(text)                                                                               \
    HEAD LISTEN PORTAL "issuers:\n  c: {issuer: \"https://l.example\", client_id: p, " text "}\n"
#define SOURCE(text) BASE "device_sources:\n  s: {" text "}\n"

static void refuses_bad_issuers(void **state)
{
    static const struct bad rows[] = {
        {"client without portal",
         HEAD LISTEN "issuers: {c: {issuer: \"https://l.example\", client_id: p}}\n",
         "3:44 needs-portal: log-in in the browser needs a portal: the host of all log-ins (add "
         "portal: {host: ...})"},
        {"builtin without portal", HEAD LISTEN "issuers: {people: builtin}\n",
         "3:19 needs-portal: the built-in issuer needs a portal: the host of all log-ins (add "
         "portal: {host: ...})"},
        {"two builtins", HEAD LISTEN PORTAL "issuers: {a: builtin, b: builtin}\n",
         "4:26 duplicate: there is one built-in issuer, and it is a already"},
        {"secret and key", CLIENT("client_secret_file: a, client_key_file: b"),
         "5:73 bad-value: client_secret_file and client_key_file exclude each other"},
        {"basic without secret", CLIENT("client_auth: basic"),
         "5:63 missing-key: client_auth: basic needs client_secret_file"},
        {"key without key", CLIENT("client_auth: private_key_jwt, client_secret_file: a"),
         "5:63 missing-key: client_auth: private_key_jwt needs client_key_file"},
        {"none with secret", CLIENT("client_auth: none, client_secret_file: a"),
         "5:63 bad-value: client_auth: none leaves nothing to do for the client's secret or key"},
        {"scope with a space", CLIENT("scopes: [openid email]"),
         "5:59 bad-value: \"openid email\" must be one scope: a word without spaces"},
        {"bad domain", CLIENT("mail_domains: [\"@x\"]"),
         "5:65 bad-value: \"@x\" must be a host name in ASCII (an A-label for others)"},
        {"claims from", CLIENT("claims_from: user"),
         "5:63 bad-value: \"user\" is not one of: id_token, userinfo"},
        {"secret without client",
         HEAD LISTEN "issuers: {c: {issuer: \"https://l.example\", audience: p, "
                     "client_secret_file: a}}\n",
         "3:57 missing-key: client_secret_file is for log-in in the browser, which needs "
         "client_id"},
        {"nowhere to sign in",
         HEAD LISTEN PORTAL "issuers: {c: {issuer: corp, client_id: p, jwks_file: k}}\n",
         "4:23 bad-value: \"corp\" is no https URL, so nobody can sign in there"},
        {"pin without mail",
         HEAD LISTEN PORTAL "issuers: {people: builtin}\nbuiltin: {pin: true}\n",
         "5:16 needs-mail: a PIN goes out by mail, and there is no section mail (add mail: {smtp: "
         "..., from: ...})"},
    };
    EXPECT_ALL(rows);
}

static void refuses_bad_sections(void **state)
{
    static const struct bad rows[] = {
        {"origin of another host",
         BASE "portal: {host: a.example, origin: \"https://b.example\"}\n",
         "4:35 bad-value: origin must be of the portal's host \"a.example\", not "
         "\"https://b.example\""},
        {"origin with a path", BASE "portal: {host: a.example, origin: \"https://a.example/x\"}\n",
         "4:35 bad-value: \"https://a.example/x\" must be https://HOST or https://HOST:PORT, "
         "without a path"},
        {"idle over max", BASE "sessions: {max: 1h, idle: 2h}\n",
         "4:27 out-of-range: idle must not be longer than max"},
        {"no session", BASE "sessions: {max: 10ms}\n",
         "4:17 out-of-range: max must be at least 1s"},
        {"mail by http", BASE "mail: {smtp: \"http://a\", from: p@corp.example}\n",
         "4:14 bad-value: \"http://a\" must be smtp://HOST:PORT, smtp+starttls://HOST:PORT or "
         "smtps://HOST:PORT"},
        {"from a name", BASE "mail: {smtp: \"smtps://a.example:465\", from: Postern}\n",
         "4:45 bad-value: \"Postern\" must be a mail address such as ops@corp.example, without a "
         "name"},
        {"from with an injection",
         BASE "mail: {smtp: \"smtps://a.example\", from: \"a@b.example\\r\\nBcc: c@d.example\"}\n",
         "4:41 bad-value: \"a@b.example\\r\\n"
         "Bcc: c@d.example\" must be a mail address such as ops@corp.example, without a name"},
        {"user without password",
         BASE "mail: {smtp: \"smtps://a.example\", from: p@corp.example, username: u}\n",
         "4:67 missing-key: username and password_file go together"},
        {"password in clear",
         BASE "mail: {smtp: \"smtp://a.example:25\", from: p@c.example, username: u, "
              "password_file: f}\n",
         "4:14 plain-password: \"smtp://a.example:25\" would carry the password without TLS (write "
         "smtps:// or smtp+starttls://)"},
        {"channel without target", BASE "notify: {ops: {}}\n",
         "4:15 empty: this mapping is empty (write at least one key, or leave it out)"},
        {"channel without mail", BASE "notify: {ops: {mail: [a@corp.example]}}\n",
         "4:22 needs-mail: the channel \"ops\" sends mail, and there is no section mail (add mail: "
         "{smtp: ..., from: ...})"},
    };
    EXPECT_ALL(rows);
}

static void refuses_bad_sources(void **state)
{
    static const struct bad rows[] = {
        {"no kind", SOURCE("file: a"),
         "5:6 missing-key: key \"kind\" is missing in a device "
         "source"},
        {"unknown kind", SOURCE("kind: fleat"),
         "5:13 bad-value: \"fleat\" is not one of: inventory, fleet, posture, certificate (did you "
         "mean \"fleet\"?)"},
        {"no file", SOURCE("kind: inventory"),
         "5:6 missing-key: a source of kind inventory needs file"},
        {"key of another kind", SOURCE("kind: inventory, file: a, every: 5s"),
         "5:33 bad-value: every is not for a source of kind inventory"},
        {"fleet without token", SOURCE("kind: fleet, url: \"https://f.example\""),
         "5:6 missing-key: a source of kind fleet needs token_file"},
        {"too often", SOURCE("kind: fleet, url: \"https://f.example\", token_file: t, every: 1ms"),
         "5:68 out-of-range: every must be at least 1s"},
        {"posture without audience", SOURCE("kind: posture, issuer: mdm, jwks_file: k"),
         "5:6 missing-key: a source of kind posture needs audience"},
        {"posture without keys", SOURCE("kind: posture, issuer: mdm, audience: p"),
         "5:30 bad-value: \"mdm\" is no https URL, so its keys cannot be discovered (name the keys "
         "by jwks_url or jwks_file)"},
        {"cookie of ours",
         SOURCE("kind: posture, issuer: m, audience: p, jwks_file: k, cookie: postern"),
         "5:68 bad-value: \"postern\" must be a cookie name of letters, digits, \"-\", \"_\" and "
         "\".\", and not one of ours"},
        {"named like an issuer with device claims",
         HEAD LISTEN "issuers: {corp: {issuer: x, audience: p, jwks_file: k, device: {managed: "
                     "m}}}\ndevice_sources: {corp: {kind: inventory, file: a}}\n",
         "4:18 duplicate: \"corp\" is the source of what that issuer's tokens say of devices"},
    };
    EXPECT_ALL(rows);
}

/* An issuer that is broken is one, and the section beside it has an effect. */
static void an_error_begets_no_other(void **state)
{
    static const struct bad rows[] = {
        {"builtin beside a broken issuer",
         HEAD LISTEN PORTAL
         "issuers: {people: builtin, c: {issuer: x, nonsense: 1}}\nbuiltin: {users: u}\n",
         "4:43 unknown-key: unknown key \"nonsense\" in an issuer"},
    };
    EXPECT_ALL(rows);
}

static void builtin_is_called_like_the_portal(void **state)
{
    static const struct {
        const char *portal, *builtin, *title;
    } rows[] = {{"", "", "postern"},
                {", title: Acme", "", "Acme"},
                {", title: Acme", ", title: Guests", "Guests"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        struct findings f;
        snprintf(text, sizeof text,
                 HEAD LISTEN "portal: {host: a.localhost, origin: \"http://a.localhost:80\"%s}\n"
                             "issuers: {people: builtin}\nbuiltin: {users: u%s}\n",
                 rows[i].portal, rows[i].builtin);
        const struct config *c = parse(text, &f);
        assert_non_null(c);
        if (!str_eq(c->issuers[0].title, str_of(rows[i].title)))
            fail_msg("row %zu: %.*s", i, STR_ARG(c->issuers[0].title));
        config_unref(&c);
        findings_finish(&f);
    }
}

static void warns(void **state)
{
    static const struct bad rows[] = {
        {"plain origin", BASE "portal: {host: a.example, origin: \"http://a.example:80\"}\n",
         "4:35 plain-origin: browsers keep our cookies over https only, or on a host below "
         "localhost: nobody can sign in at \"http://a.example:80\""},
        {"no TLS and no origin", BASE "portal: {host: a.example}\n",
         "4:9 no-tls: origin is https://a.example when left out, and no listener has TLS: the "
         "log-in would lead nowhere (say how browsers reach the portal, such as origin: "
         "\"http://HOST:PORT\")"},
        {"no TLS, behind a front",
         HEAD "listeners: [{address: \"127.0.0.1:80\", front: {forwarded: {trusted: "
              "[127.0.0.1/32]}}}]\n" CORP "portal: {host: a.example}\n",
         ""},
        {"builtin alone", BASE PORTAL "builtin: {users: u}\n",
         "5:10 no-issuer: the section builtin has no effect without an issuer that is builtin (add "
         "issuers: {people: builtin})"},
        {"nobody asks for certificates", SOURCE("kind: certificate"),
         "5:6 no-client-ca: no listener asks clients for a certificate: \"s\" will know nothing "
         "(add client_ca to a listener's tls)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct findings f;
        const struct config *c = parse(rows[i].text, &f);
        if (!c || strcmp(findings_text(&f), rows[i].findings) != 0)
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
        "listeners: [{address: \":443\", tls: {certificates: [{cert: a, key: b}], client_ca: "
        "ca.pem, client_crl: /crl.pem}}]\n"
        "portal: {host: Access.Localhost, origin: \"http://access.localhost:8090\", title: "
        "Corp, contact: it@corp.example}\n"
        "sessions: {max: 2h, refresh: 90s}\n"
        "issuers:\n"
        "  people: builtin\n"
        "  corp: {issuer: \"https://l.example\", client_id: p, client_secret_file: s, "
        "client_auth: post, scopes: [groups, openid], title: Corp, mail_domains: "
        "[Corp.Example], apps: [wiki], claims_from: userinfo, device: {managed: m}}\n"
        "builtin: {users: /u.yaml, pin: true, title: Guests}\n" MAIL
        "notify: {ops: {webhook: \"https://h.example\", mail: [a@corp.example]}}\n"
        "device_sources:\n"
        "  list: {kind: inventory, file: d.csv}\n"
        "  fleet: {kind: fleet, url: \"https://f.example\", token_file: t}\n"
        "  mdm: {kind: posture, issuer: \"https://m.example\", audience: p, header: X-Posture, "
        "cookie: pos, max_age: 1m, algs: [EdDSA]}\n"
        "  cert: {kind: certificate, id: serial}\n",
        &f);
    assert_string_equal(findings_text(&f), "");
    assert_non_null(c);
    assert_string_equal(c->listeners[0].client_ca.p, "/etc/postern/ca.pem");
    assert_string_equal(c->listeners[0].client_crl.p, "/crl.pem");
    assert_string_equal(c->portal.host.p, "access.localhost");
    assert_string_equal(c->portal.origin.p, "http://access.localhost:8090");
    assert_string_equal(c->portal.contact.p, "it@corp.example");
    assert_int_equal(c->sessions.max_s, 7200);
    assert_int_equal(c->sessions.idle_s, 7200);
    assert_int_equal(c->sessions.refresh_s, 90);
    assert_int_equal(c->n_issuers, 3);
    const struct config_issuer *i = c->issuers;
    assert_true(i[0].is_builtin);
    assert_string_equal(i[0].title.p, "Guests");
    assert_int_equal(i[0].keys, KEYS_BUILTIN);
    assert_string_equal(i[0].issuer->issuer.p, "http://access.localhost:8090/.postern/issuer");
    assert_int_equal(i[0].issuer->algs, ALG_BIT(ALG_ES256));
    assert_true(i[0].issuer->trusted_email);
    assert_string_equal(i[0].client_id.p, "postern");
    assert_int_equal(i[0].n_scopes, 3);
    assert_int_equal(i[1].issuer->n_audiences, 0); /* client_id is none */
    assert_string_equal(i[1].client_secret_file.p, "/etc/postern/s");
    assert_int_equal(i[1].client_auth, CLIENT_AUTH_POST);
    assert_int_equal(i[1].n_scopes, 2);
    assert_string_equal(i[1].scopes[0].p, "openid");
    assert_string_equal(i[1].mail_domains[0].p, "corp.example");
    assert_string_equal(i[1].apps[0].p, "wiki");
    assert_true(i[1].from_userinfo);
    assert_string_equal(i[1].device[0].claim.p, "m");
    assert_true(i[2].is_posture && i[2].is_implicit);
    assert_string_equal(i[2].name.p, "posture:mdm");
    assert_string_equal(c->builtin.users_file.p, "/u.yaml");
    assert_true(c->builtin.has_pin);
    assert_string_equal(c->mail.url.p, "smtp://127.0.0.1:25");
    assert_string_equal(c->channels[0].webhook.p, "https://h.example");
    assert_int_equal(c->channels[0].n_mail, 1);
    assert_int_equal(c->n_sources, 5);
    const struct config_source *s = c->sources;
    assert_int_equal(s[0].kind, SOURCE_INVENTORY);
    assert_string_equal(s[0].file.p, "/etc/postern/d.csv");
    assert_int_equal(s[1].every_ms, 60000);
    assert_int_equal(s[2].issuer, 2);
    assert_string_equal(s[2].header.p, "x-posture");
    assert_int_equal(s[2].max_age_s, 60);
    assert_int_equal(s[3].id_from, DEVICE_ID_SERIAL);
    assert_int_equal(s[4].kind, SOURCE_CLAIMS);
    assert_string_equal(s[4].name.p, "corp");
    assert_int_equal(s[4].issuer, 1);
    config_unref(&c);
    findings_finish(&f);
}

static void defaults(void **state)
{
    struct findings f;
    const struct config *c = parse(HEAD LISTEN PORTAL "issuers: {people: builtin}\n", &f);
    assert_non_null(c);
    assert_string_equal(c->portal.origin.p, "https://access.example");
    assert_int_equal(c->sessions.max_s, 86400);
    assert_int_equal(c->sessions.idle_s, 28800);
    assert_int_equal(c->sessions.refresh_s, 600);
    assert_string_equal(c->builtin.users_file.p, "/etc/postern/users.yaml");
    assert_false(c->builtin.has_pin);
    assert_null(c->mail.url.p);
    config_unref(&c);
    findings_finish(&f);
    /* the usual port is not part of an origin */
    c = parse(BASE "portal: {host: a.example, origin: \"https://A.example:443\"}\n", &f);
    assert_non_null(c);
    assert_string_equal(c->portal.origin.p, "https://a.example");
    config_unref(&c);
    findings_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_issuers),
        cmocka_unit_test(refuses_bad_sections),
        cmocka_unit_test(refuses_bad_sources),
        cmocka_unit_test(an_error_begets_no_other),
        cmocka_unit_test(builtin_is_called_like_the_portal),
        cmocka_unit_test(warns),
        cmocka_unit_test(fills_every_section),
        cmocka_unit_test(defaults),
    };
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
