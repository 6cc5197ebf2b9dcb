/* Sinks: what one side did not take yet, in order, whatever the socket takes at a time. */
#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/http/sink.h"

struct pipe {
    int ours, theirs;
    struct io io;
    struct buffer_pool pool;
    struct sink sink;
};

static void open_pipe(struct pipe *p)
{
    int fds[2], small = 4096;
    memset(p, 0, sizeof *p);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    p->ours = fds[0];
    p->theirs = fds[1];
    assert_int_equal(setsockopt(p->ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    io_open_plain(&p->io, p->ours);
    buffer_pool_init(&p->pool, 8 * (size_t)BUFFER_BYTES);
}

static void close_pipe(struct pipe *p)
{
    assert_int_equal(p->pool.n_taken, 0);
    buffer_pool_finish(&p->pool);
    io_finish(&p->io);
    close(p->ours);
    if (p->theirs >= 0)
        close(p->theirs);
}

/* n bytes that go on counting where `from` says. */
static void put(struct pipe *p, size_t from, size_t n)
{
    struct buffer *b = buffer_take(&p->pool);
    assert_non_null(b);
    for (size_t i = 0; i < n; i++)
        b->data[i] = (char)((from + i) % 251);
    sink_put(&p->sink, &p->pool, &b, b->data, n);
    assert_null(b);
}

static size_t take(struct pipe *p, size_t seen, size_t most)
{
    static char buf[BUFFER_BYTES];
    ssize_t n = recv(p->theirs, buf, most < sizeof buf ? most : sizeof buf, 0);
    for (ssize_t i = 0; i < n; i++)
        assert_int_equal((unsigned char)buf[i], (seen + (size_t)i) % 251);
    return n > 0 ? (size_t)n : 0;
}

static void two_pieces_at_once(void **state)
{
    struct pipe p;
    open_pipe(&p);
    assert_true(sink_is_empty(&p.sink));
    assert_int_equal(sink_flush(&p.sink, &p.pool, &p.io), SINK_EMPTY);
    put(&p, 0, 100);
    put(&p, 100, 200);
    assert_false(sink_is_empty(&p.sink));
    assert_int_equal(sink_flush(&p.sink, &p.pool, &p.io), SINK_EMPTY);
    assert_int_equal(p.sink.sent, 300);
    assert_int_equal(p.pool.n_taken, 0);
    assert_int_equal(take(&p, 0, 4096), 300);
    close_pipe(&p);
}

static void partial_writes(void **state)
{
    static const struct {
        size_t first, second, read;
    } rows[] = {
        {BUFFER_BYTES, 0, BUFFER_BYTES}, {1, BUFFER_BYTES, 1000},
        {BUFFER_BYTES, 1, 4096},         {60000, 60000, 333},
        {5000, 100000, 65536},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pipe p;
        size_t all = rows[i].first + rows[i].second, seen = 0;
        unsigned blocked = 0;
        open_pipe(&p);
        put(&p, 0, rows[i].first);
        if (rows[i].second)
            put(&p, rows[i].first, rows[i].second);
        while (sink_flush(&p.sink, &p.pool, &p.io) == SINK_BLOCKED) {
            blocked++;
            size_t n = take(&p, seen, rows[i].read);
            assert_true(n > 0);
            seen += n;
            assert_true(p.sink.sent >= seen);
        }
        assert_true(blocked > 0);
        assert_true(sink_is_empty(&p.sink));
        assert_int_equal(p.sink.sent, all);
        assert_int_equal(p.pool.n_taken, 0);
        for (size_t n; (n = take(&p, seen, BUFFER_BYTES)) > 0;)
            seen += n;
        assert_int_equal(seen, all);
        close_pipe(&p);
    }
}

/* The first piece left whole: its place is free again while the second waits. */
static void a_place_becomes_free(void **state)
{
    struct pipe p;
    open_pipe(&p);
    put(&p, 0, 10);
    put(&p, 10, BUFFER_BYTES);
    assert_int_equal(sink_flush(&p.sink, &p.pool, &p.io), SINK_BLOCKED);
    assert_int_equal(p.sink.n, 1);
    assert_int_equal(p.pool.n_taken, 1);
    put(&p, 10 + BUFFER_BYTES, 10);
    size_t seen = 0;
    while (sink_flush(&p.sink, &p.pool, &p.io) == SINK_BLOCKED)
        seen += take(&p, seen, BUFFER_BYTES);
    for (size_t n; (n = take(&p, seen, BUFFER_BYTES)) > 0;)
        seen += n;
    assert_int_equal(seen, 20 + BUFFER_BYTES);
    close_pipe(&p);
}

static void nothing_is_given_back_at_once(void **state)
{
    struct pipe p;
    open_pipe(&p);
    put(&p, 0, 0);
    assert_true(sink_is_empty(&p.sink));
    assert_int_equal(p.pool.n_taken, 0);
    close_pipe(&p);
}

static void a_piece_without_a_buffer(void **state)
{
    static const char text[] = "\0\1\2\3";
    struct pipe p;
    struct buffer *none = NULL;
    open_pipe(&p);
    sink_put(&p.sink, &p.pool, &none, text, 4);
    assert_int_equal(sink_flush(&p.sink, &p.pool, &p.io), SINK_EMPTY);
    assert_int_equal(take(&p, 0, 10), 4);
    close_pipe(&p);
}

static void the_other_side_is_gone(void **state)
{
    struct pipe p;
    open_pipe(&p);
    put(&p, 0, 10);
    put(&p, 10, 10);
    close(p.theirs);
    p.theirs = -1;
    assert_int_equal(sink_flush(&p.sink, &p.pool, &p.io), SINK_ERROR);
    sink_clear(&p.sink, &p.pool);
    assert_true(sink_is_empty(&p.sink));
    close_pipe(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_pieces_at_once),       cmocka_unit_test(partial_writes),
        cmocka_unit_test(a_place_becomes_free),     cmocka_unit_test(nothing_is_given_back_at_once),
        cmocka_unit_test(a_piece_without_a_buffer), cmocka_unit_test(the_other_side_is_gone),
    };
    return cmocka_run_group_tests_name("http sink", tests, NULL, NULL);
}
