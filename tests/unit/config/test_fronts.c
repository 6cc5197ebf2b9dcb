/* `front:` of listeners: what each becomes, the issuers that they imply, and how to get it wrong.
 */
#include "parse.h"

#define TCP(front) HEAD CORP "listeners:\n  - {address: \"127.0.0.1:80\", front: " front "}\n"
#define UNIX(front) HEAD CORP "listeners:\n  - {address: \"unix:/run/x\", front: " front "}\n"
#define ARN "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c"

static void refuses_bad_fronts(void **state)
{
    static const struct bad rows[] = {
        {"two", TCP("{forwarded: {trusted: [10.0.0.0/8]}, tailscale: {}}"),
         "4:38 bad-value: a listener has exactly one front"},
        {"word without trust", TCP("proxy-protocol"),
         "4:38 bad-value: proxy-protocol must say whom it trusts (write front: {proxy-protocol: "
         "{trusted: [10.0.0.0/8]}})"},
        {"unknown word", TCP("tailscal"),
         "4:38 bad-value: there is no front \"tailscal\" (did you mean \"tailscale\"?)"},
        {"proxy trusts nobody", TCP("{proxy-protocol: {}}"),
         "4:55 missing-key: proxy-protocol needs trusted on a TCP listener: the networks whose "
         "PROXY header counts"},
        {"cloudflare without audience", UNIX("{cloudflare: {team: acme}}"),
         "4:50 missing-key: key \"audience\" is missing in cloudflare"},
        {"cloudflare without team", UNIX("{cloudflare: {audience: a}}"),
         "4:50 missing-key: key \"team\" is missing in cloudflare"},
        {"team as a domain", UNIX("{cloudflare: {team: acme.cloudflareaccess.com, audience: a}}"),
         "4:57 bad-value: \"acme.cloudflareaccess.com\" must be the team's name alone, without "
         ".cloudflareaccess.com"},
        {"cloudflare trusts nobody", TCP("{cloudflare: {team: acme, audience: a}}"),
         "4:51 missing-key: cloudflare needs trusted on a TCP listener: the networks that "
         "cloudflared comes from"},
        {"keys over http", UNIX("{cloudflare: {team: a, audience: a, keys_url: \"http://k.x\"}}"),
         "4:83 bad-value: \"http://k.x\" must be an https:// URL (http:// on loopback), without a "
         "user name or a fragment"},
        {"tailscale on a socket", UNIX("tailscale"),
         "4:37 bad-value: tailscale tells people by their address, which a unix socket does not "
         "have (behind tailscale serve write front: {tailscale: {serve: true}})"},
        {"serve over TCP", TCP("{tailscale: {serve: true}}"),
         "4:58 bad-value: serve needs a unix socket: over TCP anybody here could write its "
         "headers"},
        {"serve by anybody", UNIX("{tailscale: {serve: true}}"),
         "4:57 missing-key: serve needs peer_uid on the listener: the user that tailscaled runs as "
         "(write peer_uid: root)"},
        {"alb without arn", UNIX("{aws-alb: {signer: web}}"),
         "4:56 bad-value: \"web\" must be the load balancer's ARN: "
         "arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID"},
        {"unknown issuer", UNIX("{header-jwt: {issuer: crop, header: X-Jwt}}"),
         "4:59 unknown-issuer: there is no issuer \"crop\" (did you mean \"corp\"?)"},
        {"cookie as header", UNIX("{header-jwt: {issuer: corp, header: Cookie}}"),
         "4:73 bad-value: \"Cookie\" must be a header name of letters, digits and \"-\", and not "
         "one that HTTP needs itself"},
        {"header with a space", UNIX("{header-jwt: {issuer: corp, header: \"X Jwt\"}}"),
         "4:73 bad-value: \"X Jwt\" must be a header name of letters, digits and \"-\", and not "
         "one that HTTP needs itself"},
        {"header of ours", UNIX("{header-jwt: {issuer: corp, header: X-Postern-Token}}"),
         "4:73 bad-value: \"X-Postern-Token\" must be a header name of letters, digits and \"-\", "
         "and not one that HTTP needs itself"},
        {"header that says where from", UNIX("{forwarded: {client_cert_header: X-Forwarded-For}}"),
         "4:70 bad-value: \"X-Forwarded-For\" must be a header name of letters, digits and \"-\", "
         "and not one that HTTP needs itself"},
        {"certificate in a bad header", UNIX("{forwarded: {client_cert_header: \"a_b\"}}"),
         "4:70 bad-value: \"a_b\" must be a header name of letters, digits and \"-\", and not one "
         "that HTTP needs itself"},
        {"name of an issuer", UNIX("{cloudflare: {team: a, audience: a, name: corp}}"),
         "4:79 duplicate: the issuer of this front would be \"corp\", and there is another one of "
         "that name"},
        {"two teams of one name",
         HEAD CORP "listeners:\n"
                   "  - {address: \"unix:/run/a\", front: {cloudflare: {team: a, audience: a}}}\n"
                   "  - {address: \"unix:/run/b\", front: {cloudflare: {team: b, audience: a}}}\n",
         "5:38 duplicate: the issuer of this front would be \"cloudflare\", and there is another "
         "one of that name"},
        {"crl alone",
         HEAD CORP "listeners:\n  - {address: \":443\", tls: {certificates: [{cert: a, key: b}], "
                   "client_crl: c}}\n",
         "4:64 missing-key: client_crl needs client_ca: the CAs whose lists these are"},
    };
    EXPECT_ALL(rows);
}

static const struct config_issuer *issuer_of(const struct config *c, size_t listener)
{
    str name = c->listeners[listener].assertion.issuer;
    for (size_t i = 0; name.p && i < c->n_issuers; i++)
        if (str_eq(c->issuers[i].name, name))
            return &c->issuers[i];
    return NULL;
}

static void implies_issuers(void **state)
{
    struct findings f;
    const struct config *c = parse(
        HEAD CORP
        "listeners:\n"
        "  - {address: \"127.0.0.1:1\", front: {proxy-protocol: {trusted: [10.0.0.0/8]}}}\n"
        "  - {address: \"unix:/run/2\", front: {cloudflare: {team: Acme, audience: {wiki: a, x: "
        "b}}}}\n"
        "  - {address: \"unix:/run/3\", front: {cloudflare: {team: Acme, audience: {wiki: a, x: "
        "b}}}}\n"
        "  - {address: \"127.0.0.1:4\", front: tailscale}\n"
        "  - {address: \"127.0.0.1:5\", front: {google-iap: {audience: /p/1, trusted: "
        "[\"::1\"]}}}\n"
        "  - {address: \"unix:/run/6\", front: {aws-alb: {signer: \"" ARN "\", client: c}}}\n"
        "  - {address: \"unix:/run/7\", front: {header-jwt: {issuer: corp, header: X-Jwt}}}\n"
        "  - {address: \"unix:/run/8\", front: {forwarded: {client_cert_header: X-Cert, client_ca: "
        "ca.pem}}}\n"
        "  - {address: \"unix:/run/9\", front: {forwarded: {header: x-forwarded-for}}}\n"
        "  - {address: \"unix:/run/10\", front: {forwarded: {header: forwarded}}}\n"
        "services: {ci: {issuer: cloudflare, match: {common_name: x.access}}}\n",
        &f);
    assert_string_equal(findings_text(&f), "");
    assert_non_null(c);
    const struct config_listener *l = c->listeners;
    assert_int_equal(l[0].front, FRONT_PROXY_PROTOCOL);
    assert_null(issuer_of(c, 0));

    assert_int_equal(l[1].front, FRONT_CLOUDFLARE);
    assert_string_equal(l[1].assertion.header.p, "cf-access-jwt-assertion");
    assert_int_equal(l[1].assertion.n_audiences, 2);
    assert_string_equal(l[1].assertion.audiences[0].app.p, "wiki");
    const struct config_issuer *i = issuer_of(c, 1);
    assert_ptr_equal(i, issuer_of(c, 2));
    assert_true(i->is_implicit);
    assert_false(i->is_posture);
    assert_string_equal(i->name.p, "cloudflare");
    assert_string_equal(i->issuer->issuer.p, "https://acme.cloudflareaccess.com");
    assert_string_equal(i->url.p, "https://acme.cloudflareaccess.com/cdn-cgi/access/certs");
    assert_int_equal(i->issuer->algs, ALG_BIT(ALG_RS256));
    assert_int_equal(i->issuer->n_audiences, 2);

    assert_string_equal(l[3].whois_socket.p, "/var/run/tailscale/tailscaled.sock");
    assert_int_equal(l[3].n_trusted, 2);
    assert_int_equal(issuer_of(c, 3)->keys, KEYS_NONE);
    assert_string_equal(issuer_of(c, 4)->issuer->issuer.p, "https://cloud.google.com/iap");

    i = issuer_of(c, 5);
    assert_int_equal(i->keys, KEYS_BY_KID);
    assert_string_equal(i->url.p, "https://public-keys.auth.elb.eu-central-1.amazonaws.com");
    assert_string_equal(l[5].assertion.signer.p, ARN);
    assert_string_equal(i->issuer->audiences[0].p, "c");

    assert_string_equal(issuer_of(c, 6)->name.p, "corp");
    assert_false(issuer_of(c, 6)->is_implicit);
    assert_string_equal(l[6].assertion.header.p, "x-jwt");
    assert_string_equal(l[7].client_cert_header.p, "x-cert");
    assert_int_equal(l[7].front_header, FRONT_HEADER_EITHER);
    assert_int_equal(l[8].front_header, FRONT_HEADER_X);
    assert_int_equal(l[9].front_header, FRONT_HEADER_FORWARDED);
    assert_int_equal(c->n_issuers, 5);
    config_unref(&c);
    findings_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_fronts),
        cmocka_unit_test(implies_issuers),
    };
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
