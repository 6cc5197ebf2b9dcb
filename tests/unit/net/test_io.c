/* Plain and TLS over socket pairs; both ends are driven by hand, so nothing waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "proxy/net/net.h"
#include "testcert.h"

static struct loop *loop;
static struct testcert ca, corp, other, person, stranger_ca, stranger;
static struct tls_tickets *tickets;

/* Two ends of one connection. */
struct ends {
    struct io server, client;
};

static int setup(void **state)
{
    loop = loop_create(NULL);
    tickets = tls_tickets_create();
    testcert_make(&ca, "test CA", NULL, NULL);
    testcert_make(&corp, "corp", "DNS:corp.example,DNS:*.corp.example,IP:127.0.0.1", &ca);
    testcert_make(&other, "other", "DNS:other.example", &ca);
    testcert_make(&person, "ada", "email:ada@corp.example", &ca);
    testcert_make(&stranger_ca, "stranger CA", NULL, NULL);
    testcert_make(&stranger, "eve", "email:eve@evil.example", &stranger_ca);
    return 0;
}

static int teardown(void **state)
{
    struct testcert *all[] = {&ca, &corp, &other, &person, &stranger_ca, &stranger};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        testcert_finish(all[i]);
    tls_tickets_destroy(tickets);
    loop_destroy(loop);
    return 0;
}

static struct tls_server *make_server(struct tls_server_options o)
{
    struct tls_cert certs[] = {{corp.cert_pem, corp.key_pem, STR("corp.pem")},
                               {other.cert_pem, other.key_pem, STR("other.pem")}};
    struct fail f = {0};
    o.certs = certs;
    o.n_certs = 2;
    struct tls_server *s = tls_server_create(&o, &f);
    if (!s)
        fail_msg("%s", f.text);
    return s;
}

static struct tls_client *make_client(struct tls_client_options o)
{
    struct fail f = {0};
    if (!o.ca_pem.p)
        o.ca_pem = ca.cert_pem;
    struct tls_client *c = tls_client_create(&o, &f);
    if (!c)
        fail_msg("%s", f.text);
    return c;
}

static void connect_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static struct ends open_ends(struct tls_server *s, struct tls_client *c, const char *name)
{
    struct ends e;
    struct fail f = {0};
    int fds[2];
    connect_pair(fds);
    assert_true(io_open_server(&e.server, loop, fds[0], s, &f));
    assert_true(io_open_client(&e.client, loop, fds[1], c, str_of(name), &f));
    return e;
}

static void close_ends(struct ends *e)
{
    close(e->server.fd);
    close(e->client.fd);
    io_finish(&e->server);
    io_finish(&e->client);
}

/* IO_DONE when both ends are done, else the first end's error. */
static int handshake(struct ends *e, int *server_out, int *client_out)
{
    int s = IO_AGAIN_READ, c = IO_AGAIN_READ;
    for (int i = 0; i < 10 && s != IO_ERROR && (s != IO_DONE || c != IO_DONE); i++) {
        if (c != IO_DONE && c != IO_ERROR)
            c = io_handshake(&e->client);
        if (s != IO_DONE)
            s = io_handshake(&e->server);
    }
    *server_out = s;
    *client_out = c;
    return s == IO_DONE && c == IO_DONE ? IO_DONE : IO_ERROR;
}

static void must_handshake(struct ends *e)
{
    int s, c;
    if (handshake(e, &s, &c) == IO_DONE)
        return;
    char why_s[128], why_c[128];
    io_error_text(&e->server, why_s, sizeof why_s);
    io_error_text(&e->client, why_c, sizeof why_c);
    fail_msg("server %d (%s), client %d (%s)", s, why_s, c, why_c);
}

static struct ends ready_ends(void)
{
    struct tls_server *s = make_server((struct tls_server_options){.tickets = tickets});
    struct tls_client *c = make_client((struct tls_client_options){0});
    struct ends e = open_ends(s, c, "grafana.corp.example");
    tls_server_unref(&s); /* the connection holds its own */
    tls_client_unref(&c);
    must_handshake(&e);
    return e;
}

static ssize_t write_text(struct io *io, const char *text)
{
    struct iovec iov = {(char *)text, strlen(text)};
    return io_writev(io, &iov, 1);
}

static void plain_reads_and_writes(void **state)
{
    int fds[2];
    char buf[64];
    struct io a, b;
    connect_pair(fds);
    io_open_plain(&a, fds[0]);
    io_open_plain(&b, fds[1]);
    assert_int_equal(io_handshake(&a), IO_DONE);
    assert_int_equal(io_read(&b, buf, sizeof buf), IO_AGAIN_READ);
    struct iovec iov[] = {{(char *)"head ", 5}, {(char *)"body", 4}};
    assert_int_equal(io_writev(&a, iov, 2), 9);
    assert_int_equal(io_read(&b, buf, sizeof buf), 9);
    assert_memory_equal(buf, "head body", 9);
    io_shutdown(&a);
    assert_int_equal(io_read(&b, buf, sizeof buf), IO_EOF);
    close(fds[0]);
    assert_int_equal(write_text(&b, "x"), IO_ERROR); /* and no SIGPIPE */
    io_error_text(&b, buf, sizeof buf);
    assert_string_equal(buf, "Broken pipe");
    assert_false(io_covers_host(&b, STR("corp.example")));
    close(fds[1]);
    io_finish(&a);
    io_finish(&b);
}

static void tls_tells_what_was_agreed(void **state)
{
    struct ends e = ready_ends();
    assert_true(str_eq(io_sni(&e.server), STR("grafana.corp.example")));
    assert_true(str_eq(io_alpn(&e.server), STR("http/1.1")));
    assert_true(str_eq(io_alpn(&e.client), STR("http/1.1")));
    assert_true(str_eq(io_tls_version(&e.server), STR("TLSv1.3")));
    assert_true(str_starts(io_cipher(&e.server), STR("TLS_")));
    assert_true(io_covers_host(&e.server, STR("wiki.corp.example")));
    assert_false(io_covers_host(&e.server, STR("other.example")));
    assert_int_equal(io_certificate(&e.server), 0);
    unsigned char der[4096];
    size_t n;
    assert_false(io_peer_certificate(&e.server, der, sizeof der, &n));
    assert_true(io_peer_certificate(&e.client, der, sizeof der, &n));
    assert_false(io_peer_certificate(&e.client, der, 16, &n));
    close_ends(&e);
}

static void sni_chooses_and_bounds_the_certificate(void **state)
{
    struct tls_server *s = make_server((struct tls_server_options){0});
    struct tls_client *c = make_client((struct tls_client_options){0});
    struct ends e = open_ends(s, c, "OTHER.example");
    must_handshake(&e);
    assert_true(str_eq(io_sni(&e.server), STR("other.example")));
    assert_int_equal(io_certificate(&e.server), 1);
    assert_true(io_covers_host(&e.server, STR("other.example")));
    assert_false(io_covers_host(&e.server, STR("corp.example")));
    close_ends(&e);
    /* No SNI with an address: the first certificate. */
    e = open_ends(s, c, "127.0.0.1");
    must_handshake(&e);
    assert_false(io_sni(&e.server).p != NULL);
    assert_int_equal(io_certificate(&e.server), 0);
    close_ends(&e);
    tls_server_unref(&s);
    tls_client_unref(&c);
}

static void bytes_come_out_as_they_went_in(void **state)
{
    struct ends e = ready_ends();
    enum { N = 300000 };
    unsigned char *sent = malloc(N), *got = malloc(N);
    RAND_bytes(sent, N);
    size_t in = 0, out = 0;
    while (out < N) {
        /* Odd pieces, so that records are gathered from several. */
        size_t first = N - in < 777 ? N - in : 777, rest = N - in - first;
        struct iovec iov[] = {{sent + in, first}, {sent + in, 0}, {sent + in + first, rest}};
        ssize_t w = in < N ? io_writev(&e.server, iov, 3) : io_flush(&e.server);
        assert_true(w > 0 || w == IO_AGAIN_WRITE);
        if (w > 0 && in < N)
            in += (size_t)w;
        ssize_t r = io_read(&e.client, got + out, N - out);
        assert_true(r > 0 || r == IO_AGAIN_READ);
        out += r > 0 ? (size_t)r : 0;
    }
    assert_int_equal(in, N);
    assert_memory_equal(sent, got, N);
    assert_int_equal(io_unsent(&e.server), 0);
    assert_int_equal(io_pending(&e.client), 0);
    free(sent);
    free(got);
    close_ends(&e);
}

static void a_batch_that_does_not_fit_is_kept_and_flushed(void **state)
{
    struct ends e = ready_ends();
    int small = 4096;
    setsockopt(e.server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    static unsigned char body[IO_BATCH_BYTES], got[IO_BATCH_BYTES];
    RAND_bytes(body, sizeof body);
    struct iovec iov = {body, sizeof body};
    assert_int_equal(io_writev(&e.server, &iov, 1), sizeof body);
    assert_true(io_unsent(&e.server) > 0);
    assert_int_equal(io_writev(&e.server, &iov, 1), IO_AGAIN_WRITE); /* nothing was taken */
    size_t out = 0;
    int flushes = 0;
    while (out < sizeof body) {
        ssize_t r = io_read(&e.client, got + out, sizeof got - out);
        assert_true(r > 0 || r == IO_AGAIN_READ);
        out += r > 0 ? (size_t)r : 0;
        int status = io_flush(&e.server);
        assert_true(status == IO_DONE || status == IO_AGAIN_WRITE);
        flushes += status == IO_AGAIN_WRITE;
    }
    assert_true(flushes > 3);
    assert_int_equal(io_flush(&e.server), IO_DONE);
    assert_int_equal(io_unsent(&e.server), 0);
    assert_memory_equal(body, got, sizeof body);
    close_ends(&e);
}

static void a_small_read_keeps_the_rest_pending(void **state)
{
    struct ends e = ready_ends();
    char buf[8];
    assert_int_equal(write_text(&e.client, "0123456789abcdef"), 16);
    assert_int_equal(write_text(&e.client, "ghij"), 4);
    size_t total = 0;
    char all[21] = "";
    do {
        ssize_t r = io_read(&e.server, buf, sizeof buf);
        if (r == IO_AGAIN_READ && total < 20)
            continue;
        assert_true(r > 0);
        memcpy(all + total, buf, (size_t)r);
        total += (size_t)r;
    } while (total < 20);
    assert_string_equal(all, "0123456789abcdefghij");
    assert_int_equal(io_pending(&e.server), 0);
    close_ends(&e);
}

static void one_read_takes_several_records(void **state)
{
    struct ends e = ready_ends();
    static unsigned char body[100000], got[128 << 10];
    struct iovec iov = {body, sizeof body};
    int big = 1 << 20;
    setsockopt(e.client.fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
    assert_int_equal(io_writev(&e.client, &iov, 1), sizeof body);
    assert_int_equal(io_unsent(&e.client), 0); /* seven records with one send */
    assert_int_equal(io_read(&e.server, got, sizeof got), sizeof body);
    close_ends(&e);
}

static void data_right_behind_the_handshake_is_pending(void **state)
{
    struct tls_server *s = make_server((struct tls_server_options){0});
    struct tls_client *c = make_client((struct tls_client_options){0});
    struct ends e = open_ends(s, c, "corp.example");
    char buf[64];
    assert_int_equal(io_handshake(&e.client), IO_AGAIN_READ);
    assert_int_equal(io_handshake(&e.server), IO_AGAIN_READ);
    assert_int_equal(io_handshake(&e.client), IO_DONE);
    assert_int_equal(write_text(&e.client, "GET / HTTP/1.1"), 14);
    assert_int_equal(io_handshake(&e.server), IO_DONE);
    assert_true(io_pending(&e.server) > 0);
    assert_int_equal(io_read(&e.server, buf, sizeof buf), 14);
    assert_int_equal(io_pending(&e.server), 0);
    close_ends(&e);
    tls_server_unref(&s);
    tls_client_unref(&c);
}

static void an_end_is_told_from_a_cut(void **state)
{
    char buf[64];
    struct ends e = ready_ends();
    assert_int_equal(write_text(&e.client, "bye"), 3);
    io_shutdown(&e.client);
    assert_int_equal(io_read(&e.server, buf, sizeof buf), 3);
    assert_int_equal(io_read(&e.server, buf, sizeof buf), IO_EOF);
    close_ends(&e);
    e = ready_ends();
    shutdown(e.client.fd, SHUT_WR); /* as an attacker who cuts a body short would */
    assert_int_equal(io_read(&e.server, buf, sizeof buf), IO_ERROR);
    io_error_text(&e.server, buf, sizeof buf);
    assert_string_equal(buf, "unexpected eof while reading");
    close_ends(&e);
}

static void a_tampered_record_ends_the_connection(void **state)
{
    struct ends e = ready_ends();
    char buf[64], text[128];
    static const unsigned char forged[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                           9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    assert_int_equal(send(e.client.fd, forged, sizeof forged, 0), sizeof forged);
    assert_int_equal(io_read(&e.server, buf, sizeof buf), IO_ERROR);
    io_error_text(&e.server, text, sizeof text);
    assert_string_equal(text, "decryption failed or bad record mac");
    assert_int_equal(io_read(&e.server, buf, sizeof buf), IO_ERROR); /* and stays so */
    close_ends(&e);
}

static void noise_is_no_handshake(void **state)
{
    struct tls_server *s = make_server((struct tls_server_options){0});
    int fds[2];
    struct io io;
    char text[128];
    connect_pair(fds);
    assert_true(io_open_server(&io, loop, fds[0], s, NULL));
    assert_int_equal(send(fds[1], "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
    assert_int_equal(io_handshake(&io), IO_ERROR);
    io_error_text(&io, text, sizeof text);
    assert_string_equal(text, "http request");
    io_finish(&io);
    close(fds[0]);
    close(fds[1]);
    tls_server_unref(&s);
}

/* --- who is who ------------------------------------------------------------------------------- */

static void upstreams_are_verified(void **state)
{
    unsigned char right[1][TLS_PIN_BYTES], wrong[1][TLS_PIN_BYTES] = {{1}};
    memcpy(right[0], corp.pin, TLS_PIN_BYTES);
    const struct {
        const char *id, *name;
        struct tls_client_options o;
        bool ok;
        const char *says;
    } rows[] = {
        {"ca and name", "corp.example", {0}, true, NULL},
        {"ca and wildcard", "x.corp.example", {0}, true, NULL},
        {"ca and address", "127.0.0.1", {0}, true, NULL},
        {"wrong name", "corp.evil", {0}, false, "certificate refused: hostname mismatch"},
        {"wrong address", "127.0.0.2", {0}, false, "certificate refused: IP address mismatch"},
        {"stranger's ca",
         "corp.example",
         {.ca_pem = stranger_ca.cert_pem},
         false,
         "certificate refused: unable to get local issuer certificate"},
        {"ca and pin", "corp.example", {.pins = right, .n_pins = 1}, true, NULL},
        {"ca and wrong pin",
         "corp.example",
         {.pins = wrong, .n_pins = 1},
         false,
         "certificate refused: application verification failure"},
        {"pin alone",
         "any.name",
         {.verify = TLS_VERIFY_PIN, .pins = right, .n_pins = 1},
         true,
         NULL},
        {"wrong pin alone",
         "corp.example",
         {.verify = TLS_VERIFY_PIN, .pins = wrong, .n_pins = 1},
         false,
         "certificate refused: application verification failure"},
        {"none", "any.name", {.verify = TLS_VERIFY_NONE}, true, NULL},
    };
    struct tls_server *s = make_server((struct tls_server_options){0});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tls_client *c = make_client(rows[i].o);
        struct ends e = open_ends(s, c, rows[i].name);
        int server, client;
        char why[128];
        bool ok = handshake(&e, &server, &client) == IO_DONE;
        io_error_text(&e.client, why, sizeof why);
        if (ok != rows[i].ok || (!ok && strcmp(why, rows[i].says) != 0))
            fail_msg("%s: %d %s", rows[i].id, ok, why);
        close_ends(&e);
        tls_client_unref(&c);
    }
    tls_server_unref(&s);
}

static void an_upstream_needs_a_name(void **state)
{
    struct tls_client *c = make_client((struct tls_client_options){0});
    struct io io;
    struct fail f = {0};
    assert_false(io_open_client(&io, loop, 0, c, STR(""), &f));
    assert_int_equal(f.code, FAIL_CRYPTO);
    io_finish(&io);
    tls_client_unref(&c);
}

static bool asks_corp(void *ctx, str sni)
{
    ++*(int *)ctx;
    return str_eq(sni, STR("corp.example"));
}

/* Whoever sends a bad one gets in, to read on a page what is wrong with it. */
static void client_certificates_are_asked_for_and_handed_up(void **state)
{
    const struct {
        const char *id, *sni;
        bool has_ca, asks;
        const struct testcert *cert;
        bool is_asked, has_cert;
    } rows[] = {
        {"none", "corp.example", true, true, NULL, true, false},
        {"ours", "corp.example", true, true, &person, true, true},
        {"stranger", "corp.example", true, true, &stranger, true, true},
        {"another host", "other.example", true, true, &person, false, false},
        {"nobody asks", "corp.example", true, false, &person, false, false},
        {"no CA", "corp.example", false, true, &person, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tls_server *s = make_server((struct tls_server_options){
            .client_ca_pem = rows[i].has_ca ? ca.cert_pem : (str){NULL, 0}});
        struct tls_client_options o = {0};
        if (rows[i].cert) {
            o.cert_pem = rows[i].cert->cert_pem;
            o.key_pem = rows[i].cert->key_pem;
        }
        struct tls_client *c = make_client(o);
        struct ends e = open_ends(s, c, rows[i].sni);
        struct arena a;
        str chain[IO_CHAIN_MOST];
        unsigned char der[4096];
        int asked = 0;
        size_t n = 0;
        arena_init(&a, NULL, 0);
        if (rows[i].asks)
            io_ask_certificate(&e.server, asks_corp, &asked);
        must_handshake(&e);
        bool has_cert = io_peer_certificate(&e.server, der, sizeof der, &n);
        size_t n_chain = io_peer_chain(&e.server, &a, chain);
        if (has_cert != rows[i].has_cert || (n_chain > 0) != rows[i].has_cert ||
            io_asked_certificate(&e.server) != rows[i].is_asked ||
            asked != (rows[i].asks && rows[i].has_ca))
            fail_msg("%s: %d %zu %d", rows[i].id, has_cert, n_chain, asked);
        assert_true(!has_cert || str_eq(chain[0], (str){(char *)der, n}));
        close_ends(&e);
        arena_finish(&a);
        tls_server_unref(&s);
        tls_client_unref(&c);
    }
}

static void versions_meet_or_part(void **state)
{
    struct tls_server *s = make_server((struct tls_server_options){.min = TLS_MIN_13, .h2 = true});
    struct tls_client *c = make_client((struct tls_client_options){.h2 = true});
    struct ends e = open_ends(s, c, "corp.example");
    must_handshake(&e);
    assert_true(str_eq(io_alpn(&e.server), STR("h2")));
    close_ends(&e);
    tls_server_unref(&s);
    tls_client_unref(&c);
}

#define IO_TEST(fn) cmocka_unit_test(fn)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(plain_reads_and_writes),
        IO_TEST(tls_tells_what_was_agreed),
        IO_TEST(sni_chooses_and_bounds_the_certificate),
        IO_TEST(bytes_come_out_as_they_went_in),
        IO_TEST(a_batch_that_does_not_fit_is_kept_and_flushed),
        IO_TEST(a_small_read_keeps_the_rest_pending),
        IO_TEST(one_read_takes_several_records),
        IO_TEST(data_right_behind_the_handshake_is_pending),
        IO_TEST(an_end_is_told_from_a_cut),
        IO_TEST(a_tampered_record_ends_the_connection),
        IO_TEST(noise_is_no_handshake),
        IO_TEST(upstreams_are_verified),
        IO_TEST(an_upstream_needs_a_name),
        IO_TEST(client_certificates_are_asked_for_and_handed_up),
        IO_TEST(versions_meet_or_part),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
