/* Dialling loopback, names, dead ends and a peer that never answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/net/dial_impl.h"
#include "proxy/net/net.h"

/* A label of 70 characters: the resolver refuses it without asking anybody. */
#define IMPOSSIBLE "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example"

static struct loop *loop;

static int setup(void **state)
{
    loop = loop_create(NULL);
    return loop ? 0 : -1;
}

static int teardown(void **state)
{
    loop_destroy(loop);
    return 0;
}

struct outcome {
    struct dial_result result;
    int calls;
};

static void on_done(void *ctx, const struct dial_result *result)
{
    struct outcome *o = ctx;
    o->result = *result;
    o->calls++;
    loop_stop(loop);
}

static struct outcome dial_to(struct dial_target t)
{
    struct outcome o = {0};
    if (dial_start(loop, &t, on_done, &o))
        loop_run(loop);
    else
        loop_turn(loop, false);
    if (o.calls != 1)
        fail_msg("done was called %d times", o.calls);
    return o;
}

static int listen_on(const char *ip, int backlog, uint16_t *port_out)
{
    struct listener_options o = {.server_first = true, .backlog = backlog};
    addr_parse(str_of(ip), &o.address.ip);
    int fd = listener_bind(&o, NULL);
    assert_true(fd >= 0);
    *port_out = listener_port(fd);
    return fd;
}

static void what_is_near_connects_at_once(void **state)
{
    uint16_t port;
    int fd = listen_on("127.0.0.1", 0, &port);
    struct outcome o = {0};
    struct dial_target t = {.host = STR("127.0.0.1"), .port = port};
    assert_null(dial_start(loop, &t, on_done, &o));
    assert_int_equal(o.result.verdict, DIAL_CONNECTED);
    assert_true(addr_is_loopback(&o.result.peer));
    assert_int_equal(send(o.result.fd, "x", 1, 0), 1);
    close(o.result.fd);
    loop_turn(loop, false);
    close(fd);
}

static void localhost_names_need_no_resolver(void **state)
{
    static const char *const names[] = {"localhost", "app.localhost", "a.b.LOCALHOST",
                                        "app.localhost."};
    uint16_t port;
    int fd = listen_on("127.0.0.1", 0, &port);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct outcome o = dial_to((struct dial_target){.host = str_of(names[i]), .port = port});
        if (o.result.verdict != DIAL_CONNECTED)
            fail_msg("%s: %s", names[i], dial_verdict_text(o.result.verdict));
        close(o.result.fd);
    }
    struct dial_addresses a;
    assert_false(dial_resolve_now(loop, STR("notlocalhost"), &a));
    assert_false(dial_resolve_now(loop, STR("localhost.example"), &a));
    close(fd);
}

static void the_second_address_is_tried_when_the_first_refuses(void **state)
{
    uint16_t port;
    struct listener_options o = {.server_first = true};
    addr_parse(STR("::1"), &o.address.ip);
    int fd = listener_bind(&o, NULL);
    if (fd < 0)
        skip(); /* a machine without IPv6 */
    port = listener_port(fd);
    struct outcome out = dial_to((struct dial_target){.host = STR("localhost"), .port = port});
    assert_int_equal(out.result.verdict, DIAL_CONNECTED);
    assert_int_equal(out.result.peer.family, 6);
    close(out.result.fd);
    close(fd);
}

static void a_closed_port_refuses(void **state)
{
    uint16_t port;
    close(listen_on("127.0.0.1", 0, &port));
    struct outcome o = dial_to((struct dial_target){.host = STR("127.0.0.1"), .port = port});
    assert_int_equal(o.result.verdict, DIAL_REFUSED);
    assert_int_equal(o.result.error, ECONNREFUSED);
    assert_int_equal(o.result.fd, -1);
}

/* A listener whose queue is full drops further SYNs, as an unreachable peer does. */
static int full_listener(uint16_t *port_out, int fillers[8])
{
    int fd = listen_on("127.0.0.1", 1, port_out);
    for (int i = 0; i < 8; i++) {
        struct sockaddr_storage sa;
        socklen_t len;
        struct addr ip;
        addr_parse(STR("127.0.0.1"), &ip);
        addr_to_sockaddr(&ip, *port_out, &sa, &len);
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&sa, len);
    }
    return fd;
}

static void a_silent_peer_times_out(void **state)
{
    uint16_t port;
    int fillers[8];
    int fd = full_listener(&port, fillers);
    struct dial_target t = {.host = STR("127.0.0.1"), .port = port, .timeout_ms = 1};
    struct outcome o = dial_to(t);
    assert_int_equal(o.result.verdict, DIAL_TIMED_OUT);
    assert_string_equal(dial_verdict_text(o.result.verdict), "timed-out");
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(fd);
}

static void a_cancelled_dial_says_nothing(void **state)
{
    uint16_t port;
    int fillers[8];
    struct outcome o = {0};
    int fd = full_listener(&port, fillers);
    struct dial_target t = {.host = STR("127.0.0.1"), .port = port};
    struct dial *d = dial_start(loop, &t, on_done, &o);
    assert_non_null(d);
    dial_cancel(d);
    t.host = STR(IMPOSSIBLE); /* cancelled while it is being resolved */
    dial_cancel(dial_start(loop, &t, on_done, &o));
    loop_destroy(loop);
    loop = loop_create(NULL);
    assert_int_equal(o.calls, 0);
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(fd);
}

static void an_unknown_name_has_no_address(void **state)
{
    struct outcome o = dial_to((struct dial_target){.host = STR(IMPOSSIBLE), .port = 80});
    assert_int_equal(o.result.verdict, DIAL_NO_ADDRESS);
}

static void a_unix_path_connects_or_refuses(void **state)
{
    char dir[] = "/tmp/dial-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    struct dial_target t = {.path = str_of(path)};
    assert_int_equal(dial_to(t).result.verdict, DIAL_REFUSED);
    int fd = listener_bind(
        &(struct listener_options){.address = {.family = LISTENER_UNIX, .path = t.path}}, NULL);
    struct outcome o = dial_to(t);
    assert_int_equal(o.result.verdict, DIAL_CONNECTED);
    close(o.result.fd);
    close(fd);
    assert_int_equal(dial_to(t).result.verdict, DIAL_REFUSED);
    unlink(path);
    rmdir(dir);
    char longest[200];
    memset(longest, 'x', sizeof longest);
    t.path = (str){longest, sizeof longest};
    assert_int_equal(dial_to(t).result.verdict, DIAL_FAILED);
}

static void families_alternate(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {{"", ""},         {"4", "4"},         {"6644", "6464"},
                {"4466", "4646"}, {"66664", "64666"}, {"444", "444"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dial_addresses a = {.n = strlen(rows[i].in)};
        for (size_t j = 0; j < a.n; j++)
            a.items[j].family = (uint8_t)(rows[i].in[j] - '0');
        dial_interleave(&a);
        char out[9] = "";
        for (size_t j = 0; j < a.n; j++)
            out[j] = (char)('0' + a.items[j].family);
        assert_string_equal(out, rows[i].out);
    }
}

static void a_resolved_name_is_remembered(void **state)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f};
    struct addrinfo found = {.ai_addr = (struct sockaddr *)&sa, .ai_addrlen = sizeof sa};
    struct dial_addresses a;
    char name[32];
    for (int i = 0; i < 100; i++) { /* more than the table holds */
        snprintf(name, sizeof name, "host%d.example", i);
        assert_false(dial_resolve_now(loop, str_of(name), &a));
        dial_resolve_keep(loop, str_of(name), &found, &a);
        assert_true(dial_resolve_now(loop, str_of(name), &a));
        assert_true(a.n == 1 && addr_is_loopback(&a.items[0]));
    }
}

#define DIAL_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIAL_TEST(what_is_near_connects_at_once),
        DIAL_TEST(localhost_names_need_no_resolver),
        DIAL_TEST(the_second_address_is_tried_when_the_first_refuses),
        DIAL_TEST(a_closed_port_refuses),
        DIAL_TEST(a_silent_peer_times_out),
        DIAL_TEST(a_cancelled_dial_says_nothing),
        DIAL_TEST(an_unknown_name_has_no_address),
        DIAL_TEST(a_unix_path_connects_or_refuses),
        DIAL_TEST(families_alternate),
        DIAL_TEST(a_resolved_name_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
