/* The way down: what an app answers, and what the client gets of it. */
#include "stage.h"

#include <sys/socket.h>

#define REQUEST(line) line "\r\n" HOST "@staff\r\n"
#define BAD_GATEWAY "HTTP/1.1 502 Bad Gateway\r\n"
#define S "HTTP/1.1 200 OK\r\n"

struct row {
    const char *id, *request, *answer;
    bool closes;      /* the app, behind its answer */
    const char *want; /* all that the client gets; with a "*" at its end: the beginning */
    bool is_closed;   /* and then we close */
    const char *end, *status;
};

static void check(const struct row *row, struct stage *s)
{
    const char *heard = stage_heard(s);
    size_t n = strlen(row->want);
    if (n && row->want[n - 1] == '*')
        assert_row(row->id, strncmp(heard, row->want, n - 1) == 0);
    else
        assert_text(row->id, heard, row->want);
    assert_row(row->id, stage_is_closed(s) == row->is_closed);
    assert_end(row->id, s, row->end, row->status);
    assert_row(row->id, json_array_size(house_log(s->house)) == 1);
}

/* The answer comes in one piece, and then once more byte by byte: the same must come of it. */
static void play(const struct row *row, bool in_bytes)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    stage_connect(s, 0);
    stage_say(s, row->request);
    stage_settle(s);
    assert_row(row->id, s->n_up == 1);
    size_t n = strlen(row->answer);
    for (size_t i = 0; in_bytes && i < n && !s->up[0].saw_end; i++) {
        stage_up_say_bytes(s, 0, row->answer + i, 1);
        loop_turn(s->house->loop, false);
        loop_turn(s->house->loop, false);
    }
    if (!in_bytes)
        stage_up_say(s, 0, row->answer);
    if (row->closes) {
        if (!in_bytes)
            stage_settle(s);
        stage_up_hang_up(s, 0);
    }
    stage_settle(s);
    check(row, s);
    stage_close(s);
}

static void framing(void **state)
{
    static const struct row rows[] = {
        {"length", REQUEST("GET /x HTTP/1.1"), OK_3, false, OK_3_SEEN, false, "complete", "200"},
        {"length 0", REQUEST("GET /x HTTP/1.1"), S "Content-Length: 0\r\n\r\n", false,
         S ADDED "Content-Length: 0\r\n\r\n", false, "complete", "200"},
        {"chunked", REQUEST("GET /x HTTP/1.1"),
         S "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false,
         S ADDED "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false, "complete",
         "200"},
        {"extensions and trailers end here", REQUEST("GET /x HTTP/1.1"),
         S "Transfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n3;n=v\r\nabc\r\n0\r\nX-A: b\r\n\r\n",
         false, S ADDED "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false,
         "complete", "200"},
        {"until close becomes chunked", REQUEST("GET /x HTTP/1.1"), S "\r\nabc", true,
         S ADDED "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false, "complete",
         "200"},
        {"until close, nothing in it", REQUEST("GET /x HTTP/1.1"), S "\r\n", true,
         S ADDED "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, "complete", "200"},
        {"an HTTP/1.0 app", REQUEST("GET /x HTTP/1.1"), "HTTP/1.0 200 OK\r\n\r\nabc", true,
         S ADDED "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false, "complete",
         "200"},
        {"HTTP/1.0, length", REQUEST("GET /x HTTP/1.0"), OK_3, false,
         S ADDED "Connection: close\r\nContent-Length: 3\r\n\r\nabc", true, "complete", "200"},
        {"HTTP/1.0, keep-alive", "GET /x HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n@staff\r\n",
         OK_3, false, S ADDED "Connection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", false,
         "complete", "200"},
        {"HTTP/1.0, chunked", "GET /x HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n@staff\r\n",
         S "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false,
         S ADDED "Connection: close\r\n\r\nabc", true, "complete", "200"},
        {"HTTP/1.0, until close", REQUEST("GET /x HTTP/1.0"), S "\r\nabc", true,
         S ADDED "Connection: close\r\n\r\nabc", true, "complete", "200"},
        {"the client closes", "GET /x HTTP/1.1\r\n" HOST "Connection: close\r\n@staff\r\n", OK_3,
         false, S ADDED "Connection: close\r\nContent-Length: 3\r\n\r\nabc", true, "complete",
         "200"},
        {"the app closes, the client goes on", REQUEST("GET /x HTTP/1.1"),
         S "Connection: close\r\nContent-Length: 3\r\n\r\nabc", true, OK_3_SEEN, false, "complete",
         "200"},
        {"HEAD with a length", REQUEST("HEAD /x HTTP/1.1"), S "Content-Length: 300\r\n\r\n", false,
         S ADDED "Content-Length: 300\r\n\r\n", false, "complete", "200"},
        {"HEAD of chunked", REQUEST("HEAD /x HTTP/1.1"), S "Transfer-Encoding: chunked\r\n\r\n",
         false, S ADDED "\r\n", false, "complete", "200"},
        {"204", REQUEST("GET /x HTTP/1.1"), "HTTP/1.1 204 No Content\r\n\r\n", false,
         "HTTP/1.1 204 No Content\r\n" ADDED "\r\n", false, "complete", "204"},
        {"304 with a length", REQUEST("GET /x HTTP/1.1"),
         "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 300\r\n\r\n", false,
         "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n" ADDED "Content-Length: 300\r\n\r\n", false,
         "complete", "304"},
        {"interim answers are dropped", REQUEST("GET /x HTTP/1.1"),
         "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" OK_3, false,
         OK_3_SEEN, false, "complete", "200"},
        {"fields of a hop are dropped", REQUEST("GET /x HTTP/1.1"),
         S "Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-End: 2\r\n"
           "Content-Length: 3\r\n\r\nabc",
         false, S "X-End: 2\r\n" ADDED "Content-Length: 3\r\n\r\nabc", false, "complete", "200"},
        {"an error is an answer", REQUEST("GET /x HTTP/1.1"),
         "HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nabc", false,
         "HTTP/1.1 500 Oops\r\n" ADDED "Content-Length: 3\r\n\r\nabc", false, "complete", "500"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        play(&rows[i], false);
        /* byte by byte the chunks differ, not what is in them */
        if (!strstr(rows[i].want, "3\r\nabc\r\n"))
            play(&rows[i], true);
    }
}

static void bad_answers(void **state)
{
    static const struct row rows[] = {
        {"no answer", REQUEST("GET /x HTTP/1.1"), "", true, BAD_GATEWAY "*", false,
         "upstream-reset", "502"},
        {"half a head", REQUEST("GET /x HTTP/1.1"), S "Content-", true, BAD_GATEWAY "*", false,
         "upstream-reset", "502"},
        {"no HTTP", REQUEST("GET /x HTTP/1.1"), "SSH-2.0-OpenSSH\r\n\r\n", false, BAD_GATEWAY "*",
         true, "upstream-bad", "502"},
        {"two lengths", REQUEST("GET /x HTTP/1.1"),
         S "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", false, BAD_GATEWAY "*", true,
         "upstream-bad", "502"},
        {"length and chunked", REQUEST("GET /x HTTP/1.1"),
         S "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false,
         BAD_GATEWAY "*", true, "upstream-bad", "502"},
        {"an unknown coding", REQUEST("GET /x HTTP/1.1"),
         S "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", false, BAD_GATEWAY "*", true,
         "upstream-bad", "502"},
        {"bare LF", REQUEST("GET /x HTTP/1.1"), "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", false,
         BAD_GATEWAY "*", true, "upstream-bad", "502"},
        {"101 that nobody asked for", REQUEST("GET /x HTTP/1.1"),
         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
         false, BAD_GATEWAY "*", true, "upstream-bad", "502"},
        {"nine interim answers", REQUEST("GET /x HTTP/1.1"),
         "HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 B\r\n\r\nHTTP/1.1 100 C\r\n\r\n"
         "HTTP/1.1 100 D\r\n\r\nHTTP/1.1 100 E\r\n\r\nHTTP/1.1 100 F\r\n\r\n"
         "HTTP/1.1 100 G\r\n\r\nHTTP/1.1 100 H\r\n\r\nHTTP/1.1 100 I\r\n\r\n" OK_3,
         false, BAD_GATEWAY "*", true, "upstream-bad", "502"},
    };
    static const struct row at_once[] = {
        /* in one piece nothing of it has reached the client yet */
        {"bytes left over", REQUEST("GET /x HTTP/1.1"), OK_3 "d", false, BAD_GATEWAY "*", true,
         "upstream-bad", "502"},
        {"a second answer", REQUEST("GET /x HTTP/1.1"), OK_3 OK_3, false, BAD_GATEWAY "*", true,
         "upstream-bad", "502"},
        {"a body of a HEAD", REQUEST("HEAD /x HTTP/1.1"), OK_3, false, BAD_GATEWAY "*", true,
         "upstream-bad", "502"},
        {"a body of a 204", REQUEST("GET /x HTTP/1.1"), "HTTP/1.1 204 No Content\r\n\r\nabc", false,
         BAD_GATEWAY "*", true, "upstream-bad", "502"},
        {"a bad chunk at once", REQUEST("GET /x HTTP/1.1"),
         S "Transfer-Encoding: chunked\r\n\r\nzz\r\n", false, BAD_GATEWAY "*", true, "upstream-bad",
         "502"},
        {"length, broken off", REQUEST("GET /x HTTP/1.1"), S "Content-Length: 5\r\n\r\nabc", true,
         S ADDED "Content-Length: 5\r\n\r\nabc", true, "upstream-truncated", "200"},
        {"chunked, broken off", REQUEST("GET /x HTTP/1.1"),
         S "Transfer-Encoding: chunked\r\n\r\n5\r\nabc", true,
         S ADDED "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true, "upstream-truncated",
         "200"},
        {"chunked, the last chunk missing", REQUEST("GET /x HTTP/1.1"),
         S "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true,
         S ADDED "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true, "upstream-truncated",
         "200"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        play(&rows[i], false);
        play(&rows[i], true);
    }
    for (size_t i = 0; i < ROWS(at_once); i++)
        play(&at_once[i], false);
}

/* The client has the beginning already: it can only be cut, so that nothing looks whole. */
static void bad_in_the_middle(void **state)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    stage_connect(s, 0);
    stage_say(s, GET("/x"));
    stage_settle(s);
    stage_up_say(s, 0, S "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    stage_settle(s);
    stage_up_say(s, 0, "zz\r\n");
    stage_settle(s);
    assert_text("cut", stage_heard(s), S ADDED "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    assert_true(stage_is_closed(s));
    assert_true(s->up[0].saw_end);
    assert_end("cut", s, "upstream-bad", "200");
    stage_close(s);
}

static void bytes_left_over_later(void **state)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    stage_connect(s, 0);
    stage_say(s, GET("/x"));
    stage_settle(s);
    stage_up_say(s, 0, S "Content-Length: 5\r\n\r\nabc");
    stage_settle(s);
    stage_up_say(s, 0, "deX");
    stage_settle(s);
    assert_true(stage_is_closed(s));
    assert_true(s->up[0].saw_end);
    assert_end("left over", s, "upstream-bad", "200");
    stage_close(s);
}

static void a_head_without_end(void **state)
{
    static char field[1000];
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    stage_connect(s, 0);
    stage_say(s, GET("/x"));
    stage_settle(s);
    stage_up_say(s, 0, S);
    memset(field, 'a', sizeof field);
    memcpy(field, "X-A: ", 5);
    memcpy(field + sizeof field - 2, "\r\n", 2);
    for (int i = 0; i < 80 && !s->up[0].saw_end; i++) {
        stage_up_say_bytes(s, 0, field, sizeof field);
        stage_settle(s);
        assert_true(stage_buffers(s) <= 2);
    }
    assert_int_equal(strncmp(stage_heard(s), BAD_GATEWAY, 20), 0);
    assert_true(s->up[0].saw_end);
    assert_end("endless", s, "upstream-bad", "502");
    stage_close(s);
}

/* An upstream connection serves again only after a cleanly framed answer. */
static void which_connections_are_kept(void **state)
{
    static const struct {
        const char *id, *request, *answer;
        bool closes, kept;
    } rows[] = {
        {"length", GET("/x"), OK_3, false, true},
        {"chunked", GET("/x"), S "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, true},
        {"204", GET("/x"), "HTTP/1.1 204 No Content\r\n\r\n", false, true},
        {"close", GET("/x"), S "Connection: close\r\nContent-Length: 3\r\n\r\nabc", false, false},
        {"HTTP/1.0", GET("/x"), "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, false},
        {"HTTP/1.0, keep-alive", GET("/x"),
         "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", false, true},
        {"until close", GET("/x"), S "\r\nabc", true, false},
        {"a 502 of ours", GET("/x"), OK_3 "d", false, false},
        {"our client closes, the app's stays",
         "GET /x HTTP/1.1\r\n" HOST "Connection: close\r\n@staff\r\n", OK_3, false, true},
        {"answered before the body was read",
         "POST /x HTTP/1.1\r\n" HOST "Content-Length: 10\r\n@staff\r\nabc", OK_3, false, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_open(&(struct house_options){.limits = NULL});
        stage_connect(s, 0);
        stage_say(s, rows[i].request);
        stage_settle(s);
        stage_up_say(s, 0, rows[i].answer);
        stage_settle(s);
        if (rows[i].closes)
            stage_up_hang_up(s, 0);
        stage_settle(s);
        bool kept = atomic_load(&s->house->counters.upstream_idle) == 1;
        assert_row(rows[i].id, kept == rows[i].kept);
        assert_row(rows[i].id, kept || s->up[0].saw_end || s->up[0].fd < 0);
        stage_close(s);
    }
}

/* ---- who takes slowly ---- */

enum { BIG = 3 << 20 };

static char *big_answer(size_t *n)
{
    char *text = mem_alloc(BIG + 100);
    *n = (size_t)sprintf(text, S "Content-Length: %d\r\n\r\n", BIG);
    for (size_t i = 0; i < BIG; i++)
        text[*n + i] = (char)('a' + i % 26);
    *n += BIG;
    return text;
}

static void a_slow_client_holds_little(void **state)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    size_t n;
    char *answer = big_answer(&n);
    stage_connect(s, 0);
    stage_say(s, GET("/x"));
    stage_settle(s);
    s->client.is_deaf = true;
    stage_up_say_bytes(s, 0, answer, n);
    stage_settle(s);
    assert_true(s->up[0].n_unsent > BIG / 2); /* it waits at the app */
    assert_true(stage_buffers(s) >= 1 && stage_buffers(s) <= 2);
    s->client.is_deaf = false;
    stage_settle(s);
    assert_int_equal(s->up[0].n_unsent, 0);
    assert_true(s->client.n > BIG);
    const char *heard = stage_heard(s);
    assert_memory_equal(strstr(heard, "\r\n\r\n"), strstr(answer, "\r\n\r\n"), BIG + 4);
    char size[16];
    snprintf(size, sizeof size, "%d", BIG);
    assert_string_equal(member(house_last(s->house), "bytes_out"), size);
    assert_end("slow", s, "complete", "200");
    free(answer);
    stage_close(s);
}

/* A long answer has begun, and the client takes nothing of it. */
static struct stage *deaf_stage(void)
{
    struct stage *s = stage_open(&(struct house_options){.limits = "{client_stall: 5s}\n"});
    size_t n;
    char *answer = big_answer(&n);
    stage_connect(s, 0);
    stage_say(s, GET("/x"));
    stage_settle(s);
    s->client.is_deaf = true;
    stage_up_say_bytes(s, 0, answer, n);
    stage_settle(s);
    free(answer);
    return s;
}

static void a_client_that_takes_a_little(void **state)
{
    static char some[64 * 1024];
    struct stage *s = deaf_stage();
    stage_pass(s, 4800);
    /* as much as makes the socket writable again: a third of what the kernel holds for it */
    for (int i = 0; i < 16; i++) {
        (void)!recv(s->client.fd, some, sizeof some, MSG_DONTWAIT);
        stage_settle(s);
    }
    stage_pass(s, 4800);
    assert_int_equal(json_array_size(house_log(s->house)), 0);
    stage_pass(s, 400);
    assert_end("stall", s, "client-stall", "200");
    stage_close(s);
}

static void a_client_that_takes_nothing_is_closed(void **state)
{
    struct stage *s = deaf_stage();
    stage_pass(s, 4800);
    assert_int_equal(json_array_size(house_log(s->house)), 0);
    stage_pass(s, 400);
    assert_end("stall", s, "client-stall", "200");
    assert_true(s->up[0].saw_end);
    stage_close(s);
}

/* There is no limit on gaps in an answer: long polling and event streams live of them. */
static void an_answer_may_pause(void **state)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    stage_connect(s, 0);
    stage_say(s, GET("/events"));
    stage_settle(s);
    stage_up_say(s, 0, S "Content-Type: text/event-stream\r\n\r\ndata: 1\n\n");
    stage_settle(s);
    assert_text("at once", stage_heard(s),
                S "Content-Type: text/event-stream\r\n" ADDED
                  "Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n");
    for (int i = 0; i < 40; i++)
        stage_pass(s, 60 * 1000);
    stage_up_say(s, 0, "data: 2\n\n");
    stage_settle(s);
    assert_text("later", stage_heard(s), "9\r\ndata: 2\n\n\r\n");
    stage_up_hang_up(s, 0);
    stage_settle(s);
    assert_text("end", stage_heard(s), "0\r\n\r\n");
    assert_end("events", s, "complete", "200");
    stage_close(s);
}

static void the_client_goes_away(void **state)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    stage_connect(s, 0);
    stage_say(s, GET("/x"));
    stage_settle(s);
    stage_up_say(s, 0, S "Content-Length: 10\r\n\r\nabc");
    stage_settle(s);
    stage_hang_up(s);
    stage_settle(s);
    assert_true(s->up[0].saw_end);
    assert_end("gone", s, "client-abort", "200");
    assert_string_equal(member(house_last(s->house), "bytes_out"), "3");
    stage_close(s);
}

static void cookies_and_caches(void **state)
{
    static const struct row rows[] = {
        {"our cookie is not the app's to set", GET("/x"),
         S "Set-Cookie: __Host-Http-postern=1\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
         false, S "Set-Cookie: a=b\r\n" ADDED "Content-Length: 0\r\n\r\n", false, "complete",
         "200"},
        {"public becomes private", GET("/x"),
         S "Cache-Control: public, max-age=60\r\nContent-Length: 0\r\n\r\n", false,
         S "Cache-Control: max-age=60\r\nCache-Control: private\r\n"
           "Date: Fri, 27 Nov 2026 15:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
         false, "complete", "200"},
        {"nobody's answer stays public", "GET /public/x HTTP/1.1\r\n" HOST "\r\n",
         S "Cache-Control: public, max-age=60\r\nContent-Length: 0\r\n\r\n", false,
         S "Cache-Control: public, max-age=60\r\nDate: Fri, 27 Nov 2026 15:00:00 GMT\r\n"
           "Content-Length: 0\r\n\r\n",
         false, "complete", "200"},
        {"the app's date is kept", GET("/x"),
         S "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n", false,
         S "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nCache-Control: private\r\n"
           "Content-Length: 0\r\n\r\n",
         false, "complete", "200"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        play(&rows[i], false);
}

static void shared_cache_is_the_apps_choice(void **state)
{
    struct stage *s = stage_open_app(", shared_cache: true");
    stage_say(s, GET("/x"));
    stage_settle(s);
    stage_up_say(s, 0, S "Cache-Control: public\r\nContent-Length: 0\r\n\r\n");
    stage_settle(s);
    assert_text("shared", stage_heard(s),
                S "Cache-Control: public\r\nDate: Fri, 27 Nov 2026 15:00:00 GMT\r\n"
                  "Content-Length: 0\r\n\r\n");
    stage_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(framing),
        cmocka_unit_test(bad_answers),
        cmocka_unit_test(bad_in_the_middle),
        cmocka_unit_test(bytes_left_over_later),
        cmocka_unit_test(a_head_without_end),
        cmocka_unit_test(which_connections_are_kept),
        cmocka_unit_test(a_slow_client_holds_little),
        cmocka_unit_test(a_client_that_takes_a_little),
        cmocka_unit_test(a_client_that_takes_nothing_is_closed),
        cmocka_unit_test(an_answer_may_pause),
        cmocka_unit_test(the_client_goes_away),
        cmocka_unit_test(cookies_and_caches),
        cmocka_unit_test(shared_cache_is_the_apps_choice),
    };
    return cmocka_run_group_tests_name("http respond", tests, NULL, NULL);
}
