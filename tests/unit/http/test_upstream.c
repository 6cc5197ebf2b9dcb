/* Upstream pools: what is kept, what is closed, what is refused. Real sockets on loopback; the
 * clock is the test's. */
#include "house.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../net/testcert.h"
#include "proxy/http/upstream.h"

struct town {
    struct loop *loop;
    struct counters counters;
    struct upstream_pools *pools;
    struct limits limits;
    struct upstream upstream;
    struct app app;
    char text[64];
    int listener;
    /* the last answer of a dial */
    unsigned n_done;
    struct upstream_conn *conn;
    enum upstream_verdict verdict;
};

static void town_open(struct town *t)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t n = sizeof sa;
    struct fail f = {0};
    memset(t, 0, sizeof *t);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    t->loop = loop_create(&f);
    assert_non_null(t->loop);
    t->pools = upstream_pools_create(t->loop, &t->counters);
    t->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(t->listener, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(t->listener, 16), 0);
    assert_int_equal(getsockname(t->listener, (struct sockaddr *)&sa, &n), 0);
    snprintf(t->text, sizeof t->text, "http://127.0.0.1:%u", ntohs(sa.sin_port));
    t->upstream = (struct upstream){.scheme = UPSTREAM_HTTP,
                                    .text = str_of(t->text),
                                    .host = STR("127.0.0.1"),
                                    .has_addr = true,
                                    .port = ntohs(sa.sin_port)};
    addr_parse(STR("127.0.0.1"), &t->upstream.addr);
    t->app = (struct app){.name = STR("inventory"),
                          .upstreams = &t->upstream,
                          .n_upstreams = 1,
                          .tls_server_name = STR("app.example"),
                          .connect_timeout_ms = 5000};
    t->limits = (struct limits){
        .upstream_idle = 4, .upstream_idle_timeout_ms = 60000, .upstream_connections = 8};
}

static void turn(struct town *t)
{
    for (int i = 0; i < 4; i++)
        loop_turn(t->loop, false);
}

static void town_close(struct town *t)
{
    upstream_pools_close(t->pools);
    turn(t);
    assert_int_equal(atomic_load(&t->counters.upstream_idle), 0);
    loop_destroy(t->loop);
    upstream_pools_destroy(t->pools);
    close(t->listener);
}

static void done(void *ctx, struct upstream_conn *c, enum upstream_verdict verdict, const char *why)
{
    struct town *t = ctx;
    t->n_done++;
    t->conn = c;
    t->verdict = verdict;
}

/* Turns until the dial has answered; loopback needs no waiting, only its turn. */
static struct upstream_conn *dial(struct town *t)
{
    unsigned before = t->n_done;
    t->conn = NULL;
    upstream_dial(t->pools, &t->app, &t->limits, done, t);
    for (int i = 0; i < 10000 && t->n_done == before; i++)
        loop_turn(t->loop, false);
    assert_int_equal(t->n_done, before + 1);
    return t->conn;
}

static int theirs(struct town *t)
{
    int fd = -1;
    for (int i = 0; i < 10000 && fd < 0; i++)
        fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK);
    assert_true(fd >= 0);
    return fd;
}

static bool peer_sees_end(int fd)
{
    char byte;
    for (int i = 0; i < 10000; i++) {
        ssize_t n = recv(fd, &byte, 1, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return true;
    }
    return false;
}

static void kept_and_taken_again(void **state)
{
    struct town t;
    town_open(&t);
    assert_null(upstream_take(t.pools, &t.app, &t.limits));
    struct upstream_conn *c = dial(&t), *was = c;
    assert_int_equal(t.verdict, UPSTREAM_READY);
    assert_int_equal(c->uses, 0);
    char text[ADDR_TEXT_BYTES];
    addr_text(&c->addr, text);
    assert_string_equal(text, "127.0.0.1");
    upstream_give(&c, &t.limits);
    assert_null(c);
    assert_int_equal(atomic_load(&t.counters.upstream_idle), 1);
    turn(&t);
    c = upstream_take(t.pools, &t.app, &t.limits);
    assert_ptr_equal(c, was);
    assert_int_equal(c->uses, 1);
    assert_int_equal(atomic_load(&t.counters.upstream_idle), 0);
    assert_null(upstream_take(t.pools, &t.app, &t.limits));
    upstream_drop(&c);
    assert_null(c);
    upstream_drop(&c); /* NULL is fine */
    assert_int_equal(atomic_load(&t.counters.upstream_dials), 1);
    town_close(&t);
}

static void the_latest_first(void **state)
{
    struct town t;
    town_open(&t);
    struct upstream_conn *a = dial(&t), *b = dial(&t), *was_b = b;
    upstream_give(&a, &t.limits);
    upstream_give(&b, &t.limits);
    struct upstream_conn *c = upstream_take(t.pools, &t.app, &t.limits);
    assert_ptr_equal(c, was_b);
    upstream_drop(&c);
    town_close(&t);
}

static void idle_ones_that_are_closed(void **state)
{
    static const struct {
        const char *id;
        bool closes, talks, waits;
    } rows[] = {
        {"the upstream closes", true, false, false},
        {"bytes that nobody asked for", false, true, false},
        {"too long idle", false, false, true},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct town t;
        town_open(&t);
        struct upstream_conn *c = dial(&t);
        int fd = theirs(&t);
        upstream_give(&c, &t.limits);
        turn(&t);
        assert_row(rows[i].id, atomic_load(&t.counters.upstream_idle) == 1);
        if (rows[i].closes)
            close(fd);
        if (rows[i].talks)
            assert_int_equal(send(fd, "HTTP/1.1 200 OK\r\n\r\n", 19, MSG_NOSIGNAL), 19);
        if (rows[i].waits) {
            clock_pass(59800);
            turn(&t);
            assert_row(rows[i].id, atomic_load(&t.counters.upstream_idle) == 1);
            clock_pass(400);
        }
        for (int k = 0; k < 10000 && atomic_load(&t.counters.upstream_idle); k++)
            loop_turn(t.loop, false);
        assert_row(rows[i].id, atomic_load(&t.counters.upstream_idle) == 0);
        assert_row(rows[i].id, !upstream_take(t.pools, &t.app, &t.limits));
        if (!rows[i].closes) {
            assert_row(rows[i].id, peer_sees_end(fd));
            close(fd);
        }
        town_close(&t);
    }
}

/* While it is lent, the idle deadline does not stand. */
static void a_lent_one_is_not_idle(void **state)
{
    struct town t;
    town_open(&t);
    struct upstream_conn *c = dial(&t);
    upstream_give(&c, &t.limits);
    c = upstream_take(t.pools, &t.app, &t.limits);
    clock_pass(120000);
    turn(&t);
    assert_false(c->is_closed);
    upstream_give(&c, &t.limits);
    town_close(&t);
}

static void no_more_idle_than_the_limit(void **state)
{
    struct town t;
    town_open(&t);
    struct upstream_conn *all[6];
    for (size_t i = 0; i < 6; i++)
        all[i] = dial(&t);
    for (size_t i = 0; i < 6; i++)
        upstream_give(&all[i], &t.limits);
    assert_int_equal(atomic_load(&t.counters.upstream_idle), 4);
    town_close(&t);
}

static void no_more_open_than_the_limit(void **state)
{
    struct town t;
    town_open(&t);
    t.limits.upstream_connections = 2;
    struct upstream_conn *a = dial(&t), *b = dial(&t);
    assert_null(dial(&t));
    assert_int_equal(t.verdict, UPSTREAM_FULL);
    upstream_drop(&a);
    a = dial(&t);
    assert_int_equal(t.verdict, UPSTREAM_READY);
    upstream_drop(&a);
    upstream_drop(&b);
    town_close(&t);
}

/* Those that are on their way count too: a slow upstream must not be flooded with dials. */
static void dials_count_as_open(void **state)
{
    struct town t;
    town_open(&t);
    struct tls_client_options o = {.verify = TLS_VERIFY_NONE};
    struct fail f = {0};
    t.app.tls = tls_client_create(&o, &f);
    t.limits.upstream_connections = 2;
    struct upstream_dial *d[2];
    for (size_t i = 0; i < 2; i++) {
        d[i] = upstream_dial(t.pools, &t.app, &t.limits, done, &t);
        assert_non_null(d[i]);
    }
    turn(&t);
    assert_int_equal(t.n_done, 0); /* nobody answers the handshake */
    assert_null(upstream_dial(t.pools, &t.app, &t.limits, done, &t));
    assert_int_equal(t.n_done, 1);
    assert_int_equal(t.verdict, UPSTREAM_FULL);
    for (size_t i = 0; i < 2; i++)
        upstream_dial_cancel(d[i]);
    upstream_dial_cancel(NULL);
    assert_int_equal(t.n_done, 1);
    tls_client_unref(&t.app.tls);
    town_close(&t);
}

/* A full queue at the upstream leaves connects pending for seconds. */
static void pending_connects_count_as_open(void **state)
{
    struct town t;
    town_open(&t);
    assert_int_equal(listen(t.listener, 0), 0);
    t.limits.upstream_connections = 6;
    struct upstream_dial *d[8];
    struct upstream_conn *c[8];
    size_t n_dials = 0, n_conns = 0;
    while (n_dials + n_conns < 6) {
        unsigned before = t.n_done;
        struct upstream_dial *one = upstream_dial(t.pools, &t.app, &t.limits, done, &t);
        turn(&t);
        if (t.n_done == before)
            d[n_dials++] = one;
        else
            c[n_conns++] = t.conn;
        assert_true(t.n_done == before || t.verdict == UPSTREAM_READY);
    }
    assert_true(n_dials > 0);
    assert_null(upstream_dial(t.pools, &t.app, &t.limits, done, &t));
    assert_int_equal(t.verdict, UPSTREAM_FULL);
    while (n_dials)
        upstream_dial_cancel(d[--n_dials]);
    while (n_conns)
        upstream_drop(&c[--n_conns]);
    town_close(&t);
}

static void nobody_there(void **state)
{
    struct town t;
    town_open(&t);
    close(t.listener);
    assert_null(dial(&t));
    assert_int_equal(t.verdict, UPSTREAM_FAILED);
    t.listener = -1;
    town_close(&t);
}

static void a_unix_socket(void **state)
{
    struct town t;
    town_open(&t);
    t.upstream = (struct upstream){.scheme = UPSTREAM_UNIX,
                                   .text = STR("unix:/nowhere/app.sock"),
                                   .path = STR("/nowhere/app.sock")};
    assert_null(dial(&t));
    assert_int_equal(t.verdict, UPSTREAM_FAILED);
    town_close(&t);
}

/* The app has accepted and says nothing yet. */
static void dial_over_tls(struct town *t)
{
    struct tls_client_options o = {.verify = TLS_VERIFY_NONE};
    struct fail f = {0};
    town_open(t);
    t->app.tls = tls_client_create(&o, &f);
    upstream_dial(t->pools, &t->app, &t->limits, done, t);
    turn(t);
}

static void a_handshake_that_hangs(void **state)
{
    struct town t;
    dial_over_tls(&t);
    clock_pass(4800);
    turn(&t);
    assert_int_equal(t.n_done, 0);
    clock_pass(400);
    turn(&t);
    assert_int_equal(t.n_done, 1);
    assert_int_equal(t.verdict, UPSTREAM_SLOW);
    tls_client_unref(&t.app.tls);
    town_close(&t);
}

static void a_handshake_that_breaks(void **state)
{
    struct town t;
    dial_over_tls(&t);
    int fd = theirs(&t);
    assert_int_equal(send(fd, "HTTP/1.1 400 Bad\r\n\r\n", 20, MSG_NOSIGNAL), 20);
    for (int i = 0; i < 10000 && !t.n_done; i++)
        loop_turn(t.loop, false);
    assert_int_equal(t.verdict, UPSTREAM_TLS);
    close(fd);
    tls_client_unref(&t.app.tls);
    town_close(&t);
}

/* ---- what was verified before does not count ---- */

struct server {
    struct testcert cert;
    struct tls_server *ctx;
    struct io io;
    int fd;
};

/* The other end of the handshake, by hand. */
static struct upstream_conn *dial_tls(struct town *t, struct server *s)
{
    struct fail f = {0};
    char scratch[16];
    unsigned before = t->n_done;
    upstream_dial(t->pools, &t->app, &t->limits, done, t);
    s->fd = theirs(t);
    assert_true(io_open_server(&s->io, t->loop, s->fd, s->ctx, &f));
    for (int i = 0; i < 10000 && t->n_done == before; i++) {
        loop_turn(t->loop, false);
        io_handshake(&s->io);
        io_flush(&s->io);
    }
    io_read(&s->io, scratch, sizeof scratch);
    assert_int_equal(t->verdict, UPSTREAM_READY);
    return t->conn;
}

static void hang_up(struct server *s)
{
    io_finish(&s->io);
    close(s->fd);
}

static void other_settings(void **state)
{
    static const struct {
        const char *id;
        bool other_context, other_name, lent, kept;
    } rows[] = {
        {"the same", false, false, false, true},
        {"another context", true, false, false, false},
        {"another name", false, true, false, false},
        {"the same, lent meanwhile", false, false, true, true},
        {"another context while lent", true, false, true, false},
        {"another name while lent", false, true, true, false},
    };
    struct server s = {.fd = -1};
    struct fail f = {0};
    testcert_make(&s.cert, "app.example", "DNS:app.example,DNS:other.example", NULL);
    struct tls_cert cert = {s.cert.cert_pem, s.cert.key_pem, STR("test")};
    s.ctx = tls_server_create(&(struct tls_server_options){.certs = &cert, .n_certs = 1}, &f);
    assert_non_null(s.ctx);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct town t;
        town_open(&t);
        struct tls_client_options o = {.verify = TLS_VERIFY_NONE};
        struct tls_client *first = tls_client_create(&o, &f), *second = tls_client_create(&o, &f);
        t.app.tls = first;
        struct upstream_conn *c = dial_tls(&t, &s), *again;
        if (!rows[i].lent)
            upstream_give(&c, &t.limits);
        if (rows[i].other_context)
            t.app.tls = second;
        if (rows[i].other_name)
            t.app.tls_server_name = STR("other.example");
        if (rows[i].lent) {
            /* somebody comes under the new settings while it is away */
            assert_null(upstream_take(t.pools, &t.app, &t.limits));
            upstream_give(&c, &t.limits);
        }
        again = upstream_take(t.pools, &t.app, &t.limits);
        assert_row(rows[i].id, (again != NULL) == rows[i].kept);
        upstream_drop(&again);
        hang_up(&s);
        tls_client_unref(&first);
        tls_client_unref(&second);
        town_close(&t);
    }
    tls_server_unref(&s.ctx);
    testcert_finish(&s.cert);
}

/* Another app at the same address has a pool of its own: it may trust other certificates. */
static void apps_share_nothing(void **state)
{
    struct town t;
    town_open(&t);
    struct app other = t.app;
    other.name = STR("other");
    struct upstream_conn *c = dial(&t);
    upstream_give(&c, &t.limits);
    assert_null(upstream_take(t.pools, &other, &t.limits));
    c = upstream_take(t.pools, &t.app, &t.limits);
    assert_non_null(c);
    upstream_drop(&c);
    town_close(&t);
}

/* Every app that ever was would else keep its pool, and the TLS settings in it. */
static void pools_without_connections_go(void **state)
{
    struct town t;
    char name[16];
    town_open(&t);
    struct upstream_conn *idle = dial(&t), *lent = dial(&t), *was = idle;
    upstream_give(&idle, &t.limits);
    for (int i = 0; i < 100; i++) {
        struct app gone = t.app;
        gone.name = (str){name, (size_t)snprintf(name, sizeof name, "app-%d", i)};
        assert_null(upstream_take(t.pools, &gone, &t.limits));
    }
    assert_int_equal(upstream_pools_count(t.pools), 101);
    upstream_pools_sweep(t.pools);
    assert_int_equal(upstream_pools_count(t.pools), 1);
    assert_ptr_equal(upstream_take(t.pools, &t.app, &t.limits), was);
    upstream_give(&lent, &t.limits);
    upstream_drop(&was);
    upstream_pools_sweep(t.pools);
    assert_int_equal(upstream_pools_count(t.pools), 1);
    upstream_pools_close(t.pools);
    upstream_pools_sweep(t.pools);
    assert_int_equal(upstream_pools_count(t.pools), 0);
    town_close(&t);
}

static void a_closing_worker_keeps_none(void **state)
{
    struct town t;
    town_open(&t);
    struct upstream_conn *idle = dial(&t), *lent = dial(&t);
    upstream_give(&idle, &t.limits);
    upstream_pools_close(t.pools);
    assert_int_equal(atomic_load(&t.counters.upstream_idle), 0);
    upstream_give(&lent, &t.limits);
    assert_int_equal(atomic_load(&t.counters.upstream_idle), 0);
    town_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_and_taken_again),
        cmocka_unit_test(the_latest_first),
        cmocka_unit_test(idle_ones_that_are_closed),
        cmocka_unit_test(a_lent_one_is_not_idle),
        cmocka_unit_test(no_more_idle_than_the_limit),
        cmocka_unit_test(no_more_open_than_the_limit),
        cmocka_unit_test(dials_count_as_open),
        cmocka_unit_test(pending_connects_count_as_open),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(a_unix_socket),
        cmocka_unit_test(a_handshake_that_hangs),
        cmocka_unit_test(a_handshake_that_breaks),
        cmocka_unit_test(other_settings),
        cmocka_unit_test(apps_share_nothing),
        cmocka_unit_test(pools_without_connections_go),
        cmocka_unit_test(a_closing_worker_keeps_none),
    };
    return cmocka_run_group_tests_name("http upstream", tests, NULL, NULL);
}
