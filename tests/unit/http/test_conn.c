/* Client connections: one request after the other, times, ends, the limits of a server. */
#include "stage.h"

#include "proxy/http/conn.h"

static struct stage *stage_with(const char *limits)
{
    struct stage *s = stage_open(&(struct house_options){.limits = limits});
    stage_connect(s, 0);
    return s;
}

/* ---- one after the other ---- */

static void pipelined_requests(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, GET("/1") GET("/2") "GET /nowhere HTTP/1.1\r\n" HOST "\r\n" GET("/3"));
    stage_settle(s);
    assert_int_equal(s->n_up, 1);
    assert_text("first", stage_up_heard(s, 0), UP_GET("/1"));
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("first", stage_heard(s), OK_3_SEEN);
    assert_text("second", stage_up_heard(s, 0), UP_GET("/2"));
    stage_up_say(s, 0, "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n2");
    stage_settle(s);
    const char *heard = stage_heard(s);
    assert_true(begins(heard, "HTTP/1.1 404 Not Found\r\n" ADDED "Content-Length: 1\r\n\r\n2"
                              "HTTP/1.1 401 Unauthorized\r\n"));
    assert_text("third", stage_up_heard(s, 0), UP_GET("/3"));
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("third", stage_heard(s), OK_3_SEEN);
    assert_int_equal(s->n_up, 1);
    json_t *log = house_log(s->house);
    assert_int_equal(json_array_size(log), 4);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(member(json_array_get(log, i), "id"),
                                    member(json_array_get(log, k), "id"));
    stage_close(s);
}

static void many_refusals_in_one_go(void **state)
{
    static char text[64 * 60];
    struct stage *s = stage_with(NULL);
    for (int i = 0; i < 60; i++)
        strcat(text, "GET /x HTTP/1.1\r\n" HOST "\r\n");
    stage_say(s, text);
    stage_settle(s);
    size_t n = 0;
    for (const char *p = stage_heard(s); (p = strstr(p, "HTTP/1.1 401 ")); p++)
        n++;
    assert_int_equal(n, 60);
    assert_int_equal(json_array_size(house_log(s->house)), 60);
    assert_false(stage_is_closed(s));
    stage_close(s);
}

static void a_body_and_the_next_request(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n@staff\r\nabc" GET("/2"));
    stage_settle(s);
    assert_text("first", stage_up_heard(s, 0), UP("POST /1", "") "Content-Length: 3\r\n\r\nabc");
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("second", stage_up_heard(s, 0), UP_GET("/2"));
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("both", stage_heard(s), OK_3_SEEN OK_3_SEEN);
    stage_close(s);
}

static void a_chunked_body_and_the_next_request(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, "POST /1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n@staff\r\n");
    stage_settle(s);
    stage_say(s, "3\r\nabc\r\n0\r\n\r\n" GET("/2"));
    stage_settle(s);
    assert_text("first", stage_up_heard(s, 0),
                UP("POST /1", "") "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("second", stage_up_heard(s, 0), UP_GET("/2"));
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    stage_close(s);
}

/* The classic of smuggling: what is behind a body is a request of its own, decided on its own. */
static void what_is_smuggled_is_judged(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 5\r\n@staff\r\n0\r\n\r\n"
                 "GET /admin HTTP/1.1\r\n" HOST "\r\n");
    stage_settle(s);
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("nothing of it", stage_up_heard(s, 0),
                UP("POST /1", "") "Content-Length: 5\r\n\r\n0\r\n\r\n");
    assert_non_null(strstr(stage_heard(s), "HTTP/1.1 401 "));
    assert_string_equal(member(house_last(s->house), "path"), "/admin");
    stage_close(s);
}

static void bytes_that_are_no_request(void **state)
{
    static const char *const rows[] = {
        "junk\r\n\r\n",   "\x00\x01\x02\x03",        "GET\r\n\r\n",
        "GET /x\r\n\r\n", "GET /x HTTP/2.0\r\n\r\n", "GET /x HTTP/1.1\nHost: a\n\n"};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_with(NULL);
        stage_say(s, GET("/1"));
        stage_say_bytes(s, rows[i], i == 1 ? 4 : strlen(rows[i]));
        stage_settle(s);
        stage_up_say(s, 0, OK_3);
        stage_settle(s);
        const char *heard = stage_heard(s);
        assert_true(begins(heard, OK_3_SEEN));
        const char *second = heard + sizeof OK_3_SEEN - 1;
        assert_row(rows[i], begins(second, "HTTP/1.1 400 ") || begins(second, "HTTP/1.1 505 "));
        assert_row(rows[i], stage_is_closed(s));
        assert_text(rows[i], member(house_last(s->house), "end"), "bad-request");
        assert_int_equal(json_array_size(house_log(s->house)), 2);
        assert_int_equal(atomic_load(&s->house->counters.bad_requests), 1);
        stage_close(s);
    }
}

static void an_empty_line_before_a_request(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, "\r\n" GET("/1"));
    stage_settle(s);
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("answer", stage_heard(s), OK_3_SEEN);
    stage_close(s);
}

/* ---- limits of a head ---- */

static void heads_over_the_limits(void **state)
{
    static const struct {
        const char *id, *head;
        size_t fill; /* bytes at the "%" */
        const char *want;
    } rows[] = {
        {"a long line", "GET /% HTTP/1.1\r\n" HOST "\r\n", 300, "HTTP/1.1 414 "},
        {"a long field", "GET / HTTP/1.1\r\n" HOST "X-A: %\r\n\r\n", 400, "HTTP/1.1 431 "},
        {"many fields",
         "GET / HTTP/1.1\r\n" HOST
         "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\nH: 1\r\n\r\n",
         0, "HTTP/1.1 431 "},
        {"an endless line", "GET /%", 300, "HTTP/1.1 414 "},
        {"an endless field", "GET / HTTP/1.1\r\n" HOST "X-A: %", 400, "HTTP/1.1 431 "},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[2048], *at = text;
        struct stage *s = stage_with("{request_line: 256, header: 256, fields: 8}\n");
        for (const char *p = rows[i].head; *p; p++) {
            if (*p == '%') {
                memset(at, 'a', rows[i].fill);
                at += rows[i].fill;
            } else {
                *at++ = *p;
            }
        }
        stage_say_bytes(s, text, (size_t)(at - text));
        stage_settle(s);
        assert_row(rows[i].id, begins(stage_heard(s), rows[i].want));
        assert_row(rows[i].id, stage_is_closed(s));
        assert_text(rows[i].id, member(house_last(s->house), "end"), "bad-request");
        stage_close(s);
    }
}

/* ---- times ---- */

static void times(void **state)
{
    static const struct {
        const char *id, *says;
        int64_t before_ms, after_ms;
        const char *want; /* "" : closed without a word */
        size_t records;
    } rows[] = {
        {"nothing at all", "", 1900, 300, "", 0},
        {"half a line", "GET /x", 1900, 300, "HTTP/1.1 408 ", 1},
        {"half a head", "GET /x HTTP/1.1\r\n" HOST, 1900, 300, "HTTP/1.1 408 ", 1},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_with("{head_timeout: 2s}\n");
        stage_say(s, rows[i].says);
        stage_settle(s);
        stage_pass(s, rows[i].before_ms);
        assert_row(rows[i].id, !stage_is_closed(s));
        stage_pass(s, rows[i].after_ms);
        assert_row(rows[i].id, stage_is_closed(s));
        assert_row(rows[i].id, begins(stage_heard(s), rows[i].want));
        assert_row(rows[i].id, json_array_size(house_log(s->house)) == rows[i].records);
        stage_close(s);
    }
}

/* A byte now and then must not keep a head open for ever. */
static void a_head_in_drops_has_no_more_time(void **state)
{
    static const char head[] =
        "GET /x HTTP/1.1\r\n" HOST "X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct stage *s = stage_with("{head_timeout: 2s}\n");
    for (size_t i = 0; i < sizeof head - 1 && !stage_is_closed(s); i++) {
        stage_say_bytes(s, head + i, 1);
        stage_pass(s, 100);
        assert_true(i < 24);
    }
    assert_true(begins(stage_heard(s), "HTTP/1.1 408 "));
    stage_close(s);
}

static void an_idle_connection_is_closed(void **state)
{
    struct stage *s = stage_with("{keepalive_timeout: 5s, head_timeout: 2s}\n");
    for (int i = 0; i < 3; i++) {
        stage_say(s, GET("/x"));
        stage_settle(s);
        stage_up_say(s, 0, OK_3);
        stage_settle(s);
        stage_pass(s, 4800); /* time begins anew with each answer */
        assert_false(stage_is_closed(s));
    }
    stage_pass(s, 400);
    assert_true(stage_is_closed(s));
    assert_int_equal(json_array_size(house_log(s->house)), 3);
    stage_close(s);
}

static void idle_is_small(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, GET("/x"));
    stage_settle(s);
    assert_true(stage_buffers(s) == 0); /* nor does it hold one while the app thinks */
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    struct conn *c = list_entry(s->http->conns.next, struct conn, link);
    assert_int_equal(c->state, CONN_IDLE);
    assert_null(c->inbox);
    assert_null(c->exchange);
    assert_int_equal(stage_buffers(s), 0);
    assert_true(sizeof *c <= 700);
    stage_close(s);
}

/* ---- clients that go ---- */

static void a_client_that_goes(void **state)
{
    static const struct {
        const char *id, *says;
        bool half;
        const char *end; /* NULL: no record, nothing was asked */
    } rows[] = {
        {"before a word", "", false, NULL},
        {"in the middle of a head", "GET /x HTT", false, NULL},
        {"before the answer", GET("/x"), false, "client-abort"},
        {"half, before the answer", GET("/x"), true, "client-abort"},
        {"in the middle of a body",
         "POST /x HTTP/1.1\r\n" HOST "Content-Length: 10\r\n@staff\r\nabc", false, "client-abort"},
        {"half, in the middle of a body",
         "POST /x HTTP/1.1\r\n" HOST "Content-Length: 10\r\n@staff\r\nabc", true, "client-abort"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_with(NULL);
        stage_say(s, rows[i].says);
        stage_settle(s);
        if (rows[i].half)
            stage_half_close(s);
        else
            stage_hang_up(s);
        stage_settle(s);
        assert_row(rows[i].id, http_connections(s->http) == 0);
        assert_row(rows[i].id, s->n_up == 0 || s->up[0].saw_end);
        if (rows[i].end)
            assert_text(rows[i].id, member(house_last(s->house), "end"), rows[i].end);
        else
            assert_row(rows[i].id, json_array_size(house_log(s->house)) == 0);
        stage_close(s);
    }
}

/* A request and the end in one segment: it asked, so it gets its answer. */
static void a_request_and_a_half_close(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, "GET /x HTTP/1.1\r\n" HOST "\r\n");
    stage_half_close(s);
    stage_settle(s);
    assert_true(begins(stage_heard(s), "HTTP/1.1 401 "));
    assert_true(stage_is_closed(s));
    stage_close(s);
}

/* A reset for bytes that nobody read would take the answer from the client's hands. */
static void the_last_answer_is_not_reset(void **state)
{
    static const struct {
        const char *id, *head, *want;
    } rows[] = {
        {"refused", "POST /x HTTP/1.1\r\n" HOST "Content-Length: 200000\r\n\r\n", "HTTP/1.1 401 "},
        {"understood as bad",
         "POST /x HTTP/1.1\r\n" HOST "Content-Length: 200000\r\nContent-Length: 1\r\n\r\n",
         "HTTP/1.1 400 "},
        {"seen as bad", "POST /x HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400 "},
    };
    static char body[200000];
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_with(NULL);
        stage_say(s, rows[i].head);
        stage_settle(s);
        stage_say_bytes(s, body, sizeof body);
        stage_settle(s);
        assert_row(rows[i].id, begins(stage_heard(s), rows[i].want));
        assert_row(rows[i].id, stage_is_closed(s) && !s->client.is_reset);
        assert_row(rows[i].id, http_connections(s->http) == 1); /* it reads on for a while */
        stage_pass(s, 2200);
        assert_row(rows[i].id, http_connections(s->http) == 0);
        stage_close(s);
    }
}

/* Reading off is a courtesy: neither for ever nor without end. */
static void lingering_has_a_limit(void **state)
{
    static char body[1 << 20];
    struct stage *s = stage_with(NULL);
    stage_say(s, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 2000000000\r\n\r\n");
    stage_settle(s);
    assert_true(stage_is_closed(s));
    int said = 0;
    for (; http_connections(s->http) && said < 100; said++) {
        stage_say_bytes(s, body, sizeof body);
        stage_settle(s);
    }
    assert_in_range(said, 1, 99);
    stage_close(s);
}

/* ---- a server of many ---- */

static void crowded(void **state)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    struct player others[4];
    s->connections = 4;
    for (size_t i = 0; i < 4; i++) {
        stage_connect(s, 0);
        assert_int_equal(s->n_crowded, i == 3);
        others[i] = s->client;
        s->client = (struct player){.fd = -1};
    }
    assert_true(s->is_crowded);
    stage_connect(s, 0); /* one that was on its way is served all the same */
    stage_say(s, "GET /x HTTP/1.1\r\n" HOST "\r\n");
    stage_settle(s);
    assert_true(begins(stage_heard(s), "HTTP/1.1 401 "));
    assert_int_equal(http_connections(s->http), 5);
    assert_int_equal(atomic_load(&s->house->counters.connections_open), 5);
    for (size_t i = 0; i < 4; i++)
        player_finish(&others[i]);
    stage_settle(s);
    assert_int_equal(s->n_crowded, 2);
    assert_false(s->is_crowded);
    assert_int_equal(atomic_load(&s->house->counters.connections), 5);
    stage_close(s);
}

static void a_drain(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, GET("/x"));
    stage_settle(s);
    http_drain(s->http);
    stage_settle(s);
    assert_int_equal(s->n_drained, 0);
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("whole, and then good-bye", stage_heard(s),
                "HTTP/1.1 200 OK\r\n" ADDED "Connection: close\r\nContent-Length: 3\r\n\r\nabc");
    assert_true(stage_is_closed(s));
    assert_int_equal(s->n_drained, 1);
    stage_close(s);
}

static void a_drain_of_idle_ones(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, GET("/x"));
    stage_settle(s);
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    stage_heard(s);
    http_drain(s->http);
    stage_pass(s, 500);
    assert_false(stage_is_closed(s));
    /* a request that was on its way is answered */
    stage_say(s, GET("/y"));
    stage_settle(s);
    stage_up_say(s, s->n_up - 1, OK_3);
    stage_settle(s);
    assert_non_null(strstr(stage_heard(s), "Connection: close"));
    assert_true(stage_is_closed(s));
    assert_int_equal(s->n_drained, 1);
    stage_close(s);
}

static void a_drain_closes_who_stays_idle(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, GET("/x"));
    stage_settle(s);
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    http_drain(s->http);
    stage_pass(s, 1200);
    assert_true(stage_is_closed(s));
    assert_int_equal(s->n_drained, 1);
    stage_close(s);
}

static void a_drain_of_nobody(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_hang_up(s);
    stage_settle(s);
    http_drain(s->http);
    assert_int_equal(s->n_drained, 1);
    stage_close(s);
}

static void a_cut(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, GET("/x"));
    stage_settle(s);
    http_cut(s->http);
    stage_settle(s);
    assert_true(stage_is_closed(s));
    assert_true(s->up[0].saw_end);
    assert_int_equal(http_connections(s->http), 0);
    assert_end("cut", s, "drain", "0");
    stage_close(s);
}

/* More clients wait for slow ones than there are buffers: an answer, no crash. */
static void out_of_buffers(void **state)
{
    struct stage *s = stage_with("{buffers: 1MiB}\n");
    struct buffer *taken[64] = {0};
    size_t n = 0;
    while ((taken[n] = buffer_take(&s->http->buffers)))
        n++;
    stage_say(s, GET("/x"));
    stage_settle(s);
    assert_true(stage_is_closed(s));
    while (n)
        buffer_give(&s->http->buffers, &taken[--n]);
    stage_close(s);
}

static void out_of_buffers_for_the_answer(void **state)
{
    struct stage *s = stage_with("{buffers: 1MiB}\n");
    struct buffer *taken[64] = {0};
    size_t n = 0;
    stage_say(s, GET("/x"));
    stage_settle(s);
    while ((taken[n] = buffer_take(&s->http->buffers)))
        n++;
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_true(stage_is_closed(s));
    assert_text("end", member(house_last(s->house), "end"), "buffers");
    while (n)
        buffer_give(&s->http->buffers, &taken[--n]);
    stage_close(s);
}

/* Readers that take nothing harm themselves: those beyond the limit end, others are served. */
static void greedy_readers(void **state)
{
    enum { N = 10 };
    static char body[1 << 20];
    struct stage *s = stage_open(&(struct house_options){.limits = "{buffers: 1MiB}\n"});
    struct player greedy[N];
    for (size_t i = 0; i < N; i++) {
        stage_connect(s, 0);
        stage_say(s, GET("/x"));
        stage_settle(s);
        s->client.is_deaf = true;
        size_t up = s->n_up - 1;
        stage_up_say(s, up, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
        stage_up_say_bytes(s, up, body, sizeof body);
        stage_settle(s);
        greedy[i] = s->client;
        s->client = (struct player){.fd = -1};
    }
    assert_true(stage_buffers(s) <= 9);
    json_t *log = house_log(s->house);
    assert_true(json_array_size(log) >= 1);
    for (size_t i = 0; i < json_array_size(log); i++)
        assert_text("greedy", member(json_array_get(log, i), "end"), "buffers");
    stage_connect(s, 0);
    stage_say(s, GET("/small"));
    stage_settle(s);
    stage_up_say(s, s->n_up - 1, OK_3);
    stage_settle(s);
    assert_text("served", stage_heard(s), OK_3_SEEN);
    for (size_t i = 0; i < N; i++)
        player_finish(&greedy[i]);
    stage_close(s);
}

/* Half-open heads are bounded together; a usual one is taken all the same. */
static void half_open_heads(void **state)
{
    enum { N = 40 };
    static char text[40000];
    struct stage *s = stage_open(&(struct house_options){.limits = "{buffers: 1MiB}\n"});
    struct player half[N];
    s->connections = 64;
    memset(text, 'a', sizeof text);
    int n = sprintf(text, "GET /x HTTP/1.1\r\n" HOST);
    text[n] = 'X';
    for (size_t at = (size_t)n + 900; at + 10 < sizeof text; at += 900)
        memcpy(text + at, "\r\nX-A: ", 7);
    text[n + 1] = ':';
    for (size_t i = 0; i < N; i++) {
        stage_connect(s, 0);
        stage_say_bytes(s, text, sizeof text);
        stage_settle(s);
        half[i] = s->client;
        s->client = (struct player){.fd = -1};
    }
    assert_true(s->http->inbox_bytes <= 1 << 20);
    assert_true(http_connections(s->http) < N);
    stage_connect(s, 0);
    stage_say(s, "GET /x HTTP/1.1\r\n");
    stage_settle(s);
    stage_say(s, HOST "\r\n");
    stage_settle(s);
    assert_true(begins(stage_heard(s), "HTTP/1.1 401 "));
    for (size_t i = 0; i < N; i++)
        player_finish(&half[i]);
    stage_settle(s);
    assert_int_equal(s->http->inbox_bytes, 0);
    stage_close(s);
}

static void who_is_idle_while_others_wait(void **state)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    s->connections = 2;
    stage_connect(s, 0);
    stage_say(s, GET("/x"));
    stage_settle(s);
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    struct player idle = s->client;
    s->client = (struct player){.fd = -1};
    stage_connect(s, 0);
    stage_say(s, GET("/slow"));
    stage_settle(s);
    assert_int_equal(http_connections(s->http), 2);
    stage_pass(s, 1200);
    assert_int_equal(http_connections(s->http), 1);
    assert_false(s->is_crowded);
    player_finish(&idle);
    stage_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelined_requests),
        cmocka_unit_test(many_refusals_in_one_go),
        cmocka_unit_test(a_body_and_the_next_request),
        cmocka_unit_test(a_chunked_body_and_the_next_request),
        cmocka_unit_test(what_is_smuggled_is_judged),
        cmocka_unit_test(bytes_that_are_no_request),
        cmocka_unit_test(an_empty_line_before_a_request),
        cmocka_unit_test(heads_over_the_limits),
        cmocka_unit_test(times),
        cmocka_unit_test(a_head_in_drops_has_no_more_time),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(idle_is_small),
        cmocka_unit_test(a_client_that_goes),
        cmocka_unit_test(a_request_and_a_half_close),
        cmocka_unit_test(the_last_answer_is_not_reset),
        cmocka_unit_test(lingering_has_a_limit),
        cmocka_unit_test(crowded),
        cmocka_unit_test(a_drain),
        cmocka_unit_test(a_drain_of_idle_ones),
        cmocka_unit_test(a_drain_closes_who_stays_idle),
        cmocka_unit_test(a_drain_of_nobody),
        cmocka_unit_test(a_cut),
        cmocka_unit_test(out_of_buffers),
        cmocka_unit_test(out_of_buffers_for_the_answer),
        cmocka_unit_test(greedy_readers),
        cmocka_unit_test(half_open_heads),
        cmocka_unit_test(who_is_idle_while_others_wait),
    };
    return cmocka_run_group_tests_name("http conn", tests, NULL, NULL);
}
