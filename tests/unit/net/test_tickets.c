/* Resumption: a ticket outlives a reload and two rotations, and is good for its certificate only.
 * The client is OpenSSL's own, because ours keeps no sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "proxy/net/net.h"
#include "testcert.h"

static struct loop *loop;
static struct testcert ca, corp, other, issuing, person;
static bool is_asked; /* for a certificate */
static str chain[IO_CHAIN_MOST];
static size_t n_chain; /* what the last visit showed */
static struct arena arena;
static struct tls_tickets *tickets;
static SSL_CTX *client_ctx;

static int setup(void **state)
{
    loop = loop_create(NULL);
    tickets = tls_tickets_create();
    testcert_make(&ca, "test CA", NULL, NULL);
    testcert_make(&corp, "corp", "DNS:corp.example", &ca);
    testcert_make(&other, "other", "DNS:other.example", &ca);
    testcert_make(&issuing, "issuing", NULL, &ca);
    testcert_make(&person, "person", "DNS:person", &issuing);
    client_ctx = SSL_CTX_new(TLS_client_method());
    arena_init(&arena, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    SSL_CTX_free(client_ctx);
    testcert_finish(&ca);
    testcert_finish(&corp);
    testcert_finish(&other);
    testcert_finish(&issuing);
    testcert_finish(&person);
    arena_finish(&arena);
    tls_tickets_destroy(tickets);
    loop_destroy(loop);
    return 0;
}

static struct tls_server *make_server(struct tls_tickets *t, str client_ca)
{
    struct tls_cert certs[] = {{corp.cert_pem, corp.key_pem, STR("corp.pem")},
                               {other.cert_pem, other.key_pem, STR("other.pem")}};
    struct tls_server_options o = {
        .certs = certs, .n_certs = 2, .tickets = t, .client_ca_pem = client_ca};
    return tls_server_create(&o, NULL);
}

static bool asks(void *ctx, str sni)
{
    return is_asked;
}

/* One visit; *session is offered when there is one and replaced by what the server gave. */
static bool visit(struct tls_server *s, const char *sni, int version, SSL_SESSION **session)
{
    int fds[2];
    struct io io;
    char buf[16];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_true(io_open_server(&io, loop, fds[0], s, NULL));
    io_ask_certificate(&io, asks, NULL);
    SSL *ssl = SSL_new(client_ctx);
    SSL_set_fd(ssl, fds[1]);
    SSL_set_min_proto_version(ssl, version);
    SSL_set_max_proto_version(ssl, version);
    SSL_set_tlsext_host_name(ssl, sni);
    if (*session)
        SSL_set_session(ssl, *session);
    int client = 0, server = IO_AGAIN_READ;
    for (int i = 0; i < 10 && (client != 1 || server != IO_DONE); i++) {
        client = client == 1 ? 1 : SSL_connect(ssl);
        server = server == IO_DONE ? IO_DONE : io_handshake(&io);
        assert_true(server != IO_ERROR);
    }
    assert_int_equal(client, 1);
    SSL_read(ssl, buf, sizeof buf); /* takes the ticket in */
    bool is_resumed = io_is_resumed(&io);
    n_chain = io_peer_chain(&io, &arena, chain);
    assert_int_equal(is_resumed, SSL_session_reused(ssl));
    SSL_SESSION_free(*session);
    *session = SSL_get1_session(ssl);
    SSL_shutdown(ssl); /* a session that was cut is not offered again */
    SSL_free(ssl);
    io_finish(&io);
    close(fds[0]);
    close(fds[1]);
    return is_resumed;
}

/* With the certificate of the CA that issued it. */
static void use_person(bool has_it)
{
    SSL_CTX_free(client_ctx);
    client_ctx = SSL_CTX_new(TLS_client_method());
    if (!has_it)
        return;
    SSL_CTX_use_certificate(client_ctx, person.x509);
    SSL_CTX_use_PrivateKey(client_ctx, person.key);
    SSL_CTX_add1_chain_cert(client_ctx, issuing.x509);
}

static void a_ticket_survives_reload_and_rotation(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        SSL_SESSION *session = NULL;
        struct tls_server *s = make_server(tickets, (str){NULL, 0});
        assert_false(visit(s, "corp.example", versions[i], &session));
        assert_true(visit(s, "corp.example", versions[i], &session));
        tls_server_unref(&s);
        s = make_server(tickets, (str){NULL, 0});
        assert_true(visit(s, "corp.example", versions[i], &session));
        tls_tickets_rotate(tickets);
        assert_true(visit(s, "corp.example", versions[i], &session));
        for (int n = 0; n < 3; n++)
            tls_tickets_rotate(tickets);
        assert_false(visit(s, "corp.example", versions[i], &session));
        SSL_SESSION_free(session);
        tls_server_unref(&s);
    }
}

static void a_ticket_is_good_for_its_own_certificate_and_client_ca(void **state)
{
    SSL_SESSION *session = NULL;
    struct tls_server *s = make_server(tickets, (str){NULL, 0});
    assert_false(visit(s, "other.example", TLS1_3_VERSION, &session));
    assert_true(visit(s, "other.example", TLS1_3_VERSION, &session));
    assert_false(visit(s, "corp.example", TLS1_3_VERSION, &session));
    tls_server_unref(&s);
    s = make_server(tickets, ca.cert_pem);
    assert_false(visit(s, "corp.example", TLS1_3_VERSION, &session));
    SSL_SESSION_free(session);
    tls_server_unref(&s);
}

/* The chain comes with the ticket, and a ticket without one does not keep it from being asked. */
static void a_certificate_is_resumed_or_asked_again(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        SSL_SESSION *session = NULL;
        struct tls_server *s = make_server(tickets, ca.cert_pem);
        is_asked = false;
        use_person(false);
        assert_false(visit(s, "corp.example", versions[i], &session));
        assert_true(visit(s, "corp.example", versions[i], &session));
        assert_int_equal(n_chain, 0);
        is_asked = true; /* the rules want one now; the browser has none */
        assert_false(visit(s, "corp.example", versions[i], &session));
        assert_false(visit(s, "corp.example", versions[i], &session));
        assert_int_equal(n_chain, 0);
        use_person(true); /* it was installed */
        assert_false(visit(s, "corp.example", versions[i], &session));
        assert_int_equal(n_chain, 2);
        str leaf = chain[0], above = chain[1];
        for (int again = 0; again < 3; again++) {
            assert_true(visit(s, "corp.example", versions[i], &session));
            assert_int_equal(n_chain, 2);
            assert_true(str_eq(chain[0], leaf) && str_eq(chain[1], above));
        }
        SSL_SESSION_free(session);
        tls_server_unref(&s);
    }
    is_asked = false;
    use_person(false);
}

static void without_keys_nothing_is_resumed(void **state)
{
    SSL_SESSION *session = NULL;
    struct tls_server *s = make_server(NULL, (str){NULL, 0});
    assert_false(visit(s, "corp.example", TLS1_3_VERSION, &session));
    assert_false(visit(s, "corp.example", TLS1_3_VERSION, &session));
    assert_false(visit(s, "corp.example", TLS1_2_VERSION, &session));
    SSL_SESSION_free(session);
    tls_server_unref(&s);
}

static void old_versions_are_refused(void **state)
{
    struct tls_cert cert = {corp.cert_pem, corp.key_pem, STR("corp.pem")};
    static const struct {
        enum tls_min min;
        int version;
        bool ok;
    } rows[] = {
        {TLS_MIN_12, TLS1_1_VERSION, false},
        {TLS_MIN_12, TLS1_2_VERSION, true},
        {TLS_MIN_13, TLS1_2_VERSION, false},
        {TLS_MIN_13, TLS1_3_VERSION, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tls_server_options o = {.certs = &cert, .n_certs = 1, .min = rows[i].min};
        struct tls_server *s = tls_server_create(&o, NULL);
        int fds[2], server = IO_AGAIN_READ;
        struct io io;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        assert_true(io_open_server(&io, loop, fds[0], s, NULL));
        SSL *ssl = SSL_new(client_ctx);
        SSL_set_security_level(ssl, 0); /* the client would speak anything */
        SSL_set_cipher_list(ssl, "ALL:@SECLEVEL=0");
        SSL_set_fd(ssl, fds[1]);
        SSL_set_min_proto_version(ssl, rows[i].version);
        SSL_set_max_proto_version(ssl, rows[i].version);
        for (int n = 0; n < 10 && server != IO_ERROR && server != IO_DONE; n++) {
            SSL_connect(ssl);
            server = io_handshake(&io);
        }
        if ((server == IO_DONE) != rows[i].ok)
            fail_msg("row %zu: %d", i, server);
        SSL_free(ssl);
        io_finish(&io);
        close(fds[0]);
        close(fds[1]);
        tls_server_unref(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_survives_reload_and_rotation),
        cmocka_unit_test(a_ticket_is_good_for_its_own_certificate_and_client_ca),
        cmocka_unit_test(a_certificate_is_resumed_or_asked_again),
        cmocka_unit_test(without_keys_nothing_is_resumed),
        cmocka_unit_test(old_versions_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
