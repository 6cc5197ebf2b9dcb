/* Listening sockets on loopback and on unix paths, and dialling them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/net/net.h"

static struct loop *loop;
static char dir[] = "/tmp/net-test-XXXXXX";

static int setup_group(void **state)
{
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown_group(void **state)
{
    return rmdir(dir);
}

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

enum { MAX_ACCEPTED = 128 };

struct accepted {
    int fds[MAX_ACCEPTED];
    size_t n, stop_at;
    struct listener_peer peer;
};

static void on_accept(void *ctx, int fd, const struct listener_peer *peer)
{
    struct accepted *a = ctx;
    assert_true(a->n < MAX_ACCEPTED);
    a->fds[a->n++] = fd;
    a->peer = *peer;
    if (a->n == a->stop_at)
        loop_stop(loop);
}

static void accepted_close(struct accepted *a)
{
    for (size_t i = 0; i < a->n; i++)
        close(a->fds[i]);
}

/* Blocking, so that the connection stands when it returns. */
static int connect_to(const char *ip, uint16_t port)
{
    struct addr a;
    struct sockaddr_storage sa;
    socklen_t len;
    assert_true(addr_parse(str_of(ip), &a) && addr_to_sockaddr(&a, port, &sa, &len));
    int fd = socket(sa.ss_family, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&sa, len) == 0)
        return fd;
    close(fd);
    return -1;
}

static int bind_to(struct listener_options o)
{
    struct fail f = {0};
    int fd = listener_bind(&o, &f);
    if (fd < 0)
        fail_msg("%s", f.text);
    return fd;
}

static struct listener_options loopback(void)
{
    struct listener_options o = {.server_first = true};
    addr_parse(STR("127.0.0.1"), &o.address.ip);
    return o;
}

static int option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    return value;
}

static void accepted_sockets_inherit_their_options(void **state)
{
    struct accepted a = {.stop_at = 1};
    int fd = bind_to(loopback());
    uint16_t port = listener_port(fd);
    struct listener *l = listener_open(loop, fd, (uid_t)-1, on_accept, &a, NULL);
    int client = connect_to("127.0.0.1", port);
    loop_run(loop);
    assert_true(option_of(a.fds[0], IPPROTO_TCP, TCP_NODELAY) == 1);
    assert_true(option_of(a.fds[0], SOL_SOCKET, SO_KEEPALIVE) == 1);
    assert_int_equal(option_of(a.fds[0], IPPROTO_TCP, TCP_KEEPIDLE), 30);
    assert_true(fcntl(a.fds[0], F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(a.fds[0], F_GETFD) & FD_CLOEXEC);
    assert_true(addr_is_loopback(&a.peer.addr));
    assert_true(a.peer.port != 0);
    listener_close(l);
    close(client);
    accepted_close(&a);
}

static void every_address_means_both_families(void **state)
{
    struct accepted a = {.stop_at = 2};
    int fd = bind_to((struct listener_options){.server_first = true});
    uint16_t port = listener_port(fd);
    struct listener *l = listener_open(loop, fd, (uid_t)-1, on_accept, &a, NULL);
    int v4 = connect_to("127.0.0.1", port);
    int v6 = connect_to("::1", port);
    if (v6 < 0)
        a.stop_at = 1; /* a machine without IPv6 */
    assert_true(v4 >= 0);
    loop_run(loop);
    listener_close(l);
    close(v4);
    if (v6 >= 0)
        close(v6);
    accepted_close(&a);
}

static void a_mute_client_is_not_seen_until_it_speaks(void **state)
{
    struct accepted a = {.stop_at = 1};
    struct listener_options o = loopback();
    o.server_first = false;
    int fd = bind_to(o);
    uint16_t port = listener_port(fd);
    struct listener *l = listener_open(loop, fd, (uid_t)-1, on_accept, &a, NULL);
    int client = connect_to("127.0.0.1", port);
    loop_turn(loop, false);
    assert_int_equal(a.n, 0);
    assert_int_equal(send(client, "x", 1, 0), 1);
    loop_run(loop);
    assert_int_equal(a.n, 1);
    listener_close(l);
    close(client);
    accepted_close(&a);
}

static void workers_share_a_port(void **state)
{
    struct listener_options o = loopback();
    struct fail f = {0};
    o.reuse_port = true;
    int first = bind_to(o);
    o.address.port = listener_port(first);
    int second = bind_to(o);
    o.reuse_port = false;
    assert_int_equal(listener_bind(&o, &f), -1);
    assert_non_null(strstr(f.text, "127.0.0.1 port"));
    close(first);
    close(second);
}

static void closing_takes_in_what_is_queued(void **state)
{
    enum { N = 100 }; /* more than one turn accepts */
    struct accepted a = {0};
    int clients[N];
    int fd = bind_to(loopback());
    uint16_t port = listener_port(fd);
    struct listener *l = listener_open(loop, fd, (uid_t)-1, on_accept, &a, NULL);
    for (int i = 0; i < N; i++)
        clients[i] = connect_to("127.0.0.1", port);
    listener_close(l);
    assert_int_equal(a.n, N);
    assert_int_equal(connect_to("127.0.0.1", port), -1);
    for (int i = 0; i < N; i++)
        close(clients[i]);
    accepted_close(&a);
}

static void a_paused_listener_leaves_them_waiting(void **state)
{
    struct accepted a = {.stop_at = 1};
    int fd = bind_to(loopback());
    uint16_t port = listener_port(fd);
    struct listener *l = listener_open(loop, fd, (uid_t)-1, on_accept, &a, NULL);
    listener_pause(l, true);
    int client = connect_to("127.0.0.1", port);
    loop_turn(loop, false);
    assert_int_equal(a.n, 0);
    listener_pause(l, false);
    loop_run(loop);
    assert_int_equal(a.n, 1);
    listener_close(l);
    close(client);
    accepted_close(&a);
}

static void out_of_descriptors_it_rests_and_recovers(void **state)
{
    struct accepted a = {.stop_at = 1};
    struct rlimit saved;
    int fd = bind_to(loopback());
    uint16_t port = listener_port(fd);
    struct listener *l = listener_open(loop, fd, (uid_t)-1, on_accept, &a, NULL);
    int clients[2] = {connect_to("127.0.0.1", port), connect_to("127.0.0.1", port)};
    loop_turn(loop, false); /* sets the loop's own descriptors up */
    accepted_close(&a);
    a.n = 0;
    clients[0] = connect_to("127.0.0.1", port);
    clients[1] = connect_to("127.0.0.1", port);
    getrlimit(RLIMIT_NOFILE, &saved);
    int lowest = dup(0);
    close(lowest);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)lowest, saved.rlim_max});
    loop_turn(loop, true);
    setrlimit(RLIMIT_NOFILE, &saved);
    assert_int_equal(a.n, 0);
    assert_true(listener_is_resting(l));
    char c;
    assert_int_equal(recv(clients[0], &c, 1, 0), 0); /* turned away with the spare one */
    loop_turn(loop, false);
    assert_int_equal(a.n, 0);
    loop_run(loop); /* until the rest is over */
    assert_false(listener_is_resting(l));
    assert_int_equal(a.n, 1);
    listener_close(l);
    close(clients[0]);
    close(clients[1]);
    accepted_close(&a);
}

/* --- unix ----------------------------------------------------------------------------------------
 */

static struct listener_options on_path(char path[64])
{
    snprintf(path, 64, "%s/s", dir);
    return (struct listener_options){
        .address = {.family = LISTENER_UNIX, .path = str_of(path), .mode = 0600}};
}

static int connect_unix(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

static void a_unix_peer_is_known_by_its_user(void **state)
{
    struct accepted a = {.stop_at = 1};
    char path[64], c;
    struct stat st;
    struct listener_options o = on_path(path);
    struct listener *l = listener_open(loop, bind_to(o), getuid(), on_accept, &a, NULL);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    int client = connect_unix(path);
    loop_run(loop);
    assert_int_equal(a.peer.uid, getuid());
    assert_int_equal(a.peer.addr.family, 0);
    listener_close(l);
    close(client);
    accepted_close(&a);

    a = (struct accepted){0};
    l = listener_open(loop, bind_to(o), getuid() + 1, on_accept, &a, NULL);
    client = connect_unix(path);
    loop_turn(loop, true);
    assert_int_equal(a.n, 0);
    assert_int_equal(recv(client, &c, 1, 0), 0);
    listener_close(l);
    close(client);
    unlink(path);
}

static void a_stale_socket_is_replaced_a_live_one_is_not(void **state)
{
    char path[64];
    struct fail f = {0};
    struct listener_options o = on_path(path);
    int fd = bind_to(o);
    assert_int_equal(listener_bind(&o, &f), -1);
    assert_non_null(strstr(f.text, "Address already in use"));
    close(fd); /* as a process that died: the file stays */
    fd = bind_to(o);
    close(fd);
    unlink(path);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(listener_bind(&o, &f), -1); /* not a socket: not ours to remove */
    close(fd);
    unlink(path);
}

#define LISTENER_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    log_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    const struct CMUnitTest tests[] = {
        LISTENER_TEST(accepted_sockets_inherit_their_options),
        LISTENER_TEST(every_address_means_both_families),
        LISTENER_TEST(a_mute_client_is_not_seen_until_it_speaks),
        LISTENER_TEST(workers_share_a_port),
        LISTENER_TEST(closing_takes_in_what_is_queued),
        LISTENER_TEST(a_paused_listener_leaves_them_waiting),
        LISTENER_TEST(out_of_descriptors_it_rests_and_recovers),
        LISTENER_TEST(a_unix_peer_is_known_by_its_user),
        LISTENER_TEST(a_stale_socket_is_replaced_a_live_one_is_not),
    };
    return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
