/* The way up: what an app gets of a request, when it is asked again, and when it is given up. */
#include "stage.h"

#include <sys/socket.h>
#include <unistd.h>

#define REQUEST(line) line "\r\n" HOST "@staff\r\n"
#define POST(fields) "POST /x HTTP/1.1\r\n" HOST fields "@staff\r\n"
#define UP_POST(fields, framing) "POST /x HTTP/1.1\r\n" HOST fields FROM_US framing "\r\n"
#define REFUSED(line) "HTTP/1.1 " line "\r\n*"

static struct stage *stage_with(const char *limits)
{
    struct stage *s = stage_open(&(struct house_options){.limits = limits});
    stage_connect(s, 0);
    return s;
}

static bool matches(const char *text, const char *want)
{
    size_t n = strlen(want);
    if (n && want[n - 1] == '*')
        return strncmp(text, want, n - 1) == 0;
    return strcmp(text, want) == 0;
}

static void requests(void **state)
{
    static const struct {
        const char *id, *request, *up;
    } rows[] = {
        {"no body", GET("/x"), UP_GET("/x")},
        {"the path is the normal one", GET("/a//b/%7e?q=%2F"), UP_GET("/a/b/~?q=%2F")},
        {"an absolute target", "GET http://inventory.example/x HTTP/1.1\r\n" HOST "@staff\r\n",
         UP_GET("/x")},
        {"Host as it came", "GET /x HTTP/1.1\r\nHost: INVENTORY.example:8080\r\n@staff\r\n",
         "GET /x HTTP/1.1\r\nHost: INVENTORY.example:8080\r\n"
         "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: http\r\n"
         "X-Forwarded-Host: INVENTORY.example:8080\r\nX-Request-Id: ID\r\n"
         "X-User: kim@acme.example\r\nX-Groups: staff\r\n\r\n"},
        {"length", POST("Content-Length: 3\r\n") "abc", UP_POST("", "Content-Length: 3\r\n") "abc"},
        {"length 0", POST("Content-Length: 0\r\n"), UP_POST("", "Content-Length: 0\r\n")},
        {"no length, no body", POST(""), UP_POST("", "")},
        {"chunked", POST("Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n0\r\n\r\n",
         UP_POST("", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n0\r\n\r\n"},
        {"chunks are made anew",
         POST("Transfer-Encoding: chunked\r\n") "1;x=y\r\na\r\n02\r\nbc\r\n0\r\nX-T: 1\r\n\r\n",
         UP_POST("", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n0\r\n\r\n"},
        {"an empty chunked body", POST("Transfer-Encoding: chunked\r\n") "0\r\n\r\n",
         UP_POST("", "Transfer-Encoding: chunked\r\n") "0\r\n\r\n"},
        {"a GET with a body", "GET /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n@staff\r\nabc",
         UP("GET /x", "") "Content-Length: 3\r\n\r\nabc"},
        {"HTTP/1.0 goes up as 1.1", REQUEST("GET /x HTTP/1.0"), UP_GET("/x")},
        {"fields of a hop end here",
         "GET /x HTTP/1.1\r\n" HOST "Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nTE: trailers\r\n"
         "Keep-Alive: 5\r\nX-End: 2\r\n@staff\r\n",
         UP("GET /x", "X-End: 2\r\n") "\r\n"},
        {"Connection cannot name ours away",
         "GET /x HTTP/1.1\r\n" HOST "Connection: X-User, X-Request-Id, X-Forwarded-For\r\n@staff"
         "\r\n",
         UP_GET("/x")},
        {"names that the app believes are ours",
         "GET /x HTTP/1.1\r\n" HOST "X-User: root\r\nx_user: root\r\nX.Groups: admins\r\n"
         "X-Forwarded-For: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\nX-Original-URL: /admin\r\n"
         "X-Request-Id: 1\r\nProxy: x\r\n@staff\r\n",
         UP_GET("/x")},
        {"our cookie stays here",
         "GET /x HTTP/1.1\r\n" HOST "Cookie: a=b; __Host-Http-postern=secret; c=d\r\n@staff\r\n",
         UP("GET /x", "Cookie: a=b; c=d\r\n") "\r\n"},
        {"nobody on a public path", "GET /public/x HTTP/1.1\r\n" HOST "X-User: root\r\n@staff\r\n",
         "GET /public/x HTTP/1.1\r\n" HOST
         "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: http\r\n"
         "X-Forwarded-Host: inventory.example\r\nX-Request-Id: ID\r\n\r\n"},
        {"a foreign Authorization passes",
         "GET /public/x HTTP/1.1\r\n" HOST "Authorization: Basic YTpi\r\n\r\n",
         "GET /public/x HTTP/1.1\r\n" HOST "Authorization: Basic YTpi\r\n"
         "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: http\r\n"
         "X-Forwarded-Host: inventory.example\r\nX-Request-Id: ID\r\n\r\n"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        for (int in_bytes = 0; in_bytes < 2; in_bytes++) {
            /* byte by byte each makes a chunk of its own */
            if (in_bytes && strstr(rows[i].up, "3\r\nabc"))
                continue;
            struct stage *s = stage_with(NULL);
            if (in_bytes) {
                const char *line = strstr(rows[i].request, "@staff"), *p = rows[i].request;
                for (; *p && p != line; p++) {
                    stage_say_bytes(s, p, 1);
                    loop_turn(s->house->loop, false);
                }
                if (line)
                    stage_say(s, line);
            } else {
                stage_say(s, rows[i].request);
            }
            stage_settle(s);
            assert_row(rows[i].id, s->n_up == 1);
            assert_text(rows[i].id, stage_up_heard(s, 0), rows[i].up);
            stage_up_say(s, 0, OK_3);
            stage_settle(s);
            assert_end(rows[i].id, s, "complete", "200");
            stage_close(s);
        }
}

static void forwarded_front(void **state)
{
    struct stage *s = stage_open(
        &(struct house_options){.listeners = "  - {address: \"127.0.0.1:8080\", front: {forwarded: "
                                             "{trusted: [198.51.100.0/24]}}}\n"});
    stage_connect(s, 0);
    stage_say(s, "GET /x HTTP/1.1\r\n" HOST "X-Forwarded-For: 10.9.9.9, 203.0.113.9\r\n"
                 "X-Forwarded-Proto: https\r\n@staff\r\n");
    stage_settle(s);
    const char *up = stage_up_heard(s, 0);
    assert_non_null(strstr(up, "\r\nX-Forwarded-For: 203.0.113.9\r\n"));
    assert_non_null(strstr(up, "\r\nX-Forwarded-Proto: https\r\n"));
    assert_null(strstr(up, "10.9.9.9"));
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_non_null(strstr(stage_heard(s), "Strict-Transport-Security"));
    json_t *r = house_last(s->house);
    assert_string_equal(member(r, "client.address"), "203.0.113.9");
    assert_string_equal(member(r, "client.peer"), "198.51.100.7");
    assert_string_equal(member(r, "client.front"), "forwarded");
    /* an address that nobody understands is unknown, to the app as well */
    stage_say(s, "GET /x HTTP/1.1\r\n" HOST "X-Forwarded-For: junk\r\n@staff\r\n");
    stage_settle(s);
    assert_non_null(strstr(stage_up_heard(s, 0), "\r\nX-Forwarded-For: unknown\r\n"));
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    stage_close(s);
}

static void rewrite_host(void **state)
{
    struct stage *s = stage_open(&(struct house_options){
        .policy =
            "version: 1\napps:\n  - {name: inventory, host: inventory.example, upstream: "
            "\"http://app.localhost:1\", rewrite_host: true}\nrules:\n  - {id: staff, effect: "
            "allow, who: {groups: [staff]}, to: {apps: [inventory]}}\n"});
    stage_connect(s, 0);
    stage_say(s, GET("/x"));
    stage_settle(s);
    /* nobody listens on port 1: all that can be seen is the end */
    assert_end("unreachable", s, "upstream-unreachable", "502");
    assert_int_equal(strncmp(stage_heard(s), "HTTP/1.1 502 ", 13), 0);
    stage_close(s);
}

/* ---- refused before the app hears of it ---- */

static void not_forwarded(void **state)
{
    static const struct {
        const char *id, *request, *want, *end, *status;
        bool is_closed;
    } rows[] = {
        {"nobody", "GET /x HTTP/1.1\r\n" HOST "\r\n", REFUSED("401 Unauthorized"), "refused", "401",
         false},
        {"refused", "GET /x HTTP/1.1\r\n" HOST "@guest\r\n", REFUSED("403 Forbidden"), "refused",
         "403", false},
        {"unknown host", "GET /x HTTP/1.1\r\nHost: x.example\r\n@staff\r\n",
         REFUSED("421 Misdirected Request"), "refused", "421", false},
        {"a path with dots", "GET /a/../b HTTP/1.1\r\n" HOST "@staff\r\n",
         REFUSED("400 Bad Request"), "refused", "400", false},
        {"nobody, with a body on its way",
         "POST /x HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc", REFUSED("401 Unauthorized"),
         "refused", "401", true},
        {"nobody, with a body that is here",
         "POST /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", REFUSED("401 Unauthorized"),
         "refused", "401", false},
        {"over the app's limit", POST("Content-Length: 11\r\n"), REFUSED("413 Content Too Large"),
         "body-too-large", "413", true},
        {"no request", "\x16\x03\x01\x02\r\n\r\n", REFUSED("400 Bad Request"), "bad-request", "400",
         true},
        {"two lengths", POST("Content-Length: 3\r\nContent-Length: 3\r\n") "abc",
         REFUSED("400 Bad Request"), "bad-request", "400", true},
        {"length and chunked",
         POST("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n",
         REFUSED("400 Bad Request"), "bad-request", "400", true},
        {"an unknown method", REQUEST("BREW /x HTTP/1.1"), REFUSED("501 Not Implemented"),
         "bad-request", "501", true},
        {"no Host", "GET /x HTTP/1.1\r\n@staff\r\n", REFUSED("400 Bad Request"), "bad-request",
         "400", true},
        {"an unknown expectation", POST("Expect: miracles\r\nContent-Length: 3\r\n"),
         REFUSED("417 Expectation Failed"), "bad-request", "417", true},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_open_app(", max_body: 10");
        stage_say(s, rows[i].request);
        stage_settle(s);
        const char *heard = stage_heard(s);
        if (!matches(heard, rows[i].want))
            print_error("%s\n", heard);
        assert_row(rows[i].id, matches(heard, rows[i].want));
        assert_row(rows[i].id, s->n_up == 0);
        assert_row(rows[i].id, stage_is_closed(s) == rows[i].is_closed);
        bool says_close = strstr(heard, "\r\nConnection: close\r\n") != NULL;
        assert_row(rows[i].id, says_close == rows[i].is_closed);
        assert_end(rows[i].id, s, rows[i].end, rows[i].status);
        assert_row(rows[i].id, json_array_size(house_log(s->house)) == 1);
        stage_close(s);
    }
}

static void a_body_over_the_limit(void **state)
{
    struct stage *s = stage_open_app(", max_body: 10");
    stage_say(s, POST("Transfer-Encoding: chunked\r\n") "8\r\n12345678\r\n");
    stage_settle(s);
    assert_text("ten are fine", stage_up_heard(s, 0),
                UP_POST("", "Transfer-Encoding: chunked\r\n") "8\r\n12345678\r\n");
    stage_say(s, "3\r\nabc\r\n");
    stage_settle(s);
    const char *heard = stage_heard(s);
    assert_true(matches(heard, REFUSED("413 Content Too Large")));
    assert_non_null(strstr(heard, "Connection: close"));
    assert_true(stage_is_closed(s));
    assert_true(s->up[0].saw_end);
    assert_end("over", s, "body-too-large", "413");
    stage_close(s);
}

static void a_body_with_bad_chunks(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, POST("Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n");
    stage_settle(s);
    stage_say(s, "zz\r\n");
    stage_settle(s);
    assert_true(matches(stage_heard(s), REFUSED("400 Bad Request")));
    assert_true(s->up[0].saw_end);
    /* what the app got cannot look whole */
    assert_null(strstr(stage_up_heard(s, 0), "0\r\n\r\n"));
    assert_end("bad", s, "body-bad", "400");
    stage_close(s);
}

/* ---- Expect: 100-continue ---- */

static void expect_continue(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, POST("Expect: 100-continue\r\nContent-Length: 3\r\n"));
    stage_settle(s);
    assert_text("go on", stage_heard(s), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_text("up", stage_up_heard(s, 0), UP_POST("", "Content-Length: 3\r\n"));
    stage_say(s, "abc");
    stage_settle(s);
    assert_text("body", stage_up_heard(s, 0), "abc");
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("answer", stage_heard(s), OK_3_SEEN);
    assert_false(stage_is_closed(s));
    stage_close(s);
}

static void expect_after_the_decision(void **state)
{
    static const struct {
        const char *id, *fields, *want;
    } rows[] = {
        {"nobody", "", REFUSED("401 Unauthorized")},
        {"refused", "@guest", REFUSED("403 Forbidden")},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_with(NULL);
        stage_say(s, "POST /x HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n");
        stage_say(s, rows[i].fields);
        stage_say(s, "\r\n");
        stage_settle(s);
        assert_row(rows[i].id, matches(stage_heard(s), rows[i].want));
        assert_row(rows[i].id, s->n_up == 0);
        /* nobody knows whether the body will come: the connection cannot go on */
        assert_row(rows[i].id, stage_is_closed(s));
        stage_close(s);
    }
}

static void expect_with_the_body_at_once(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, POST("Expect: 100-continue\r\nContent-Length: 3\r\n") "abc");
    stage_settle(s);
    assert_text("needs no word", stage_heard(s), "");
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("answer", stage_heard(s), OK_3_SEEN);
    stage_close(s);
}

/* ---- once more ---- */

/* A kept connection, of which the app has not yet told that it will close it. */
static struct stage *stage_with_kept(void)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, GET("/first"));
    stage_settle(s);
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    stage_heard(s);
    stage_up_heard(s, 0);
    return s;
}

static void a_stale_connection_is_replaced(void **state)
{
    static const struct {
        const char *id, *request, *answer; /* what the app still says before it closes */
        const char *again;                 /* NULL: it is not asked again */
    } rows[] = {
        {"GET", GET("/x"), "", UP_GET("/x")},
        {"HEAD", REQUEST("HEAD /x HTTP/1.1"), "", UP("HEAD /x", "") "\r\n"},
        {"DELETE", REQUEST("DELETE /x HTTP/1.1"), "", UP("DELETE /x", "") "\r\n"},
        {"POST is not idempotent", POST(""), "", NULL},
        {"POST with a body", POST("Content-Length: 3\r\n") "abc", "", NULL},
        {"PUT with a body", "PUT /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n@staff\r\nabc", "",
         NULL},
        {"it has begun to answer", GET("/x"), "HTTP/1.1 2", NULL},
        {"it has told to go on", GET("/x"), "HTTP/1.1 103 Early Hints\r\n\r\n", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_with_kept();
        stage_say(s, rows[i].request);
        stage_settle(s);
        assert_row(rows[i].id, s->n_up == 1);
        stage_up_say(s, 0, rows[i].answer);
        stage_settle(s);
        stage_up_hang_up(s, 0);
        stage_settle(s);
        if (rows[i].again) {
            assert_row(rows[i].id, s->n_up == 2);
            assert_text(rows[i].id, stage_up_heard(s, 1), rows[i].again);
            assert_text(rows[i].id, stage_heard(s), "");
            stage_up_say(s, 1, strstr(rows[i].id, "HEAD") ? "HTTP/1.1 200 OK\r\n\r\n" : OK_3);
            stage_settle(s);
            assert_end(rows[i].id, s, "complete", "200");
            assert_text(rows[i].id, member(house_last(s->house), "upstream.reused"), "false");
        } else {
            assert_row(rows[i].id, s->n_up == 1);
            assert_row(rows[i].id, matches(stage_heard(s), REFUSED("502 Bad Gateway")));
            assert_end(rows[i].id, s, "upstream-reset", "502");
        }
        assert_row(rows[i].id, json_array_size(house_log(s->house)) == 2);
        stage_close(s);
    }
}

static void only_once(void **state)
{
    struct stage *s = stage_with_kept();
    stage_say(s, GET("/x"));
    stage_settle(s);
    stage_up_hang_up(s, 0);
    stage_settle(s);
    assert_int_equal(s->n_up, 2);
    stage_up_hang_up(s, 1);
    stage_settle(s);
    assert_int_equal(s->n_up, 2);
    assert_true(matches(stage_heard(s), REFUSED("502 Bad Gateway")));
    assert_end("twice", s, "upstream-reset", "502");
    stage_close(s);
}

/* A fresh connection that dies tells of an app that fails: asking again would only harm. */
static void never_on_a_fresh_one(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, GET("/x"));
    stage_settle(s);
    stage_up_hang_up(s, 0);
    stage_settle(s);
    assert_int_equal(s->n_up, 1);
    assert_end("fresh", s, "upstream-reset", "502");
    stage_close(s);
}

/* Idle connections that the app closed are not even tried. */
static void a_closed_connection_is_not_taken(void **state)
{
    struct stage *s = stage_with_kept();
    stage_up_hang_up(s, 0);
    stage_settle(s);
    stage_say(s, POST(""));
    stage_settle(s);
    assert_int_equal(s->n_up, 2);
    stage_up_say(s, 1, OK_3);
    stage_settle(s);
    assert_end("fresh", s, "complete", "200");
    stage_close(s);
}

/* A kept connection speaks in the very turn in which it is taken for a request that has not left
 * yet: whatever that is, it is no answer to this one, whose own goes out on another connection. */
static void an_answer_before_the_request(void **state)
{
    static const char *const rows[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\npoison",
        "HTTP/1.1 2",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_with_kept();
        stage_say(s, POST("Content-Length: 3\r\n") "abc");
        stage_up_say(s, 0, rows[i]);
        stage_settle(s);
        assert_row(rows[i], s->n_up == 2);
        assert_text(rows[i], stage_up_heard(s, 0), "");
        stage_up_say(s, 1, OK_3);
        stage_settle(s);
        assert_text(rows[i], stage_heard(s), OK_3_SEEN);
        assert_end(rows[i], s, "complete", "200");
        assert_row(rows[i], json_array_size(house_log(s->house)) == 2);
        stage_close(s);
    }
}

/* ---- answers before the body is there ---- */

static void an_early_answer(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, POST("Content-Length: 10\r\n") "abc");
    stage_settle(s);
    assert_text("up", stage_up_heard(s, 0), UP_POST("", "Content-Length: 10\r\n") "abc");
    stage_up_say(s, 0, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nabc");
    stage_settle(s);
    const char *heard = stage_heard(s);
    assert_true(matches(heard, "HTTP/1.1 413 Too Large\r\n*"));
    assert_true(stage_is_closed(s));
    assert_true(s->up[0].saw_end);
    assert_end("early", s, "complete", "413");
    assert_string_equal(member(house_last(s->house), "bytes_in"), "3");
    stage_close(s);
}

/* The app answers and closes; what the client still sends must not take the answer from it. */
static void an_early_answer_and_an_end(void **state)
{
    static char body[100000];
    struct stage *s = stage_with(NULL);
    memset(body, 'b', sizeof body);
    stage_say(s, POST("Content-Length: 1000000\r\n"));
    stage_say_bytes(s, body, sizeof body);
    stage_settle(s);
    stage_up_say(s, 0, "HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");
    stage_up_hang_up(s, 0);
    for (int i = 0; i < 5; i++)
        stage_say_bytes(s, body, sizeof body);
    stage_settle(s);
    assert_true(matches(stage_heard(s), "HTTP/1.1 401 No\r\n*"));
    assert_false(s->client.is_reset);
    assert_end("early", s, "complete", "401");
    stage_close(s);
}

static void both_ways_at_once(void **state)
{
    struct stage *s = stage_with(NULL);
    stage_say(s, POST("Content-Length: 6\r\n") "abc");
    stage_settle(s);
    stage_up_say(s, 0, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nABC");
    stage_settle(s);
    assert_text("half", stage_heard(s), "HTTP/1.1 200 OK\r\n" ADDED "Content-Length: 6\r\n\r\nABC");
    stage_up_heard(s, 0);
    stage_say(s, "def");
    stage_settle(s);
    assert_text("the rest", stage_up_heard(s, 0), "def");
    stage_up_say(s, 0, "DEF");
    stage_settle(s);
    assert_text("whole", stage_heard(s), "DEF");
    assert_false(stage_is_closed(s));
    assert_end("both", s, "complete", "200");
    assert_int_equal(atomic_load(&s->house->counters.upstream_idle), 1);
    stage_close(s);
}

/* The answer began and the body stops: the one who does not send is the client. */
static void the_body_stops_behind_the_answer(void **state)
{
    struct stage *s = stage_with("{body_stall: 2s}\n");
    stage_say(s, POST("Content-Length: 6\r\n") "abc");
    stage_settle(s);
    stage_up_say(s, 0, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nABC");
    stage_settle(s);
    stage_pass(s, 1900);
    assert_false(stage_is_closed(s));
    stage_pass(s, 300);
    assert_true(stage_is_closed(s));
    assert_true(s->up[0].saw_end);
    assert_end("stall", s, "body-stall", "200");
    stage_close(s);
}

/* ---- time ---- */

static void times(void **state)
{
    static const struct {
        const char *id, *request, *answer;
        int64_t before_ms, after_ms;
        const char *want, *end, *status;
        bool is_closed;
    } rows[] = {
        {"no first byte", GET("/x"), "", 1900, 300, REFUSED("504 Gateway Timeout"), "upstream-slow",
         "504", false},
        {"half a head", GET("/x"), "HTTP/1.1 200 OK\r\n", 1900, 300, REFUSED("504 Gateway Timeout"),
         "upstream-slow", "504", false},
        {"only interim answers", GET("/x"), "HTTP/1.1 103 Early Hints\r\n\r\n", 1900, 300,
         REFUSED("504 Gateway Timeout"), "upstream-slow", "504", false},
        {"the body stops", POST("Content-Length: 10\r\n") "abc", "", 900, 300,
         REFUSED("408 Request Timeout"), "body-stall", "408", true},
        {"the body never comes", POST("Content-Length: 10\r\n"), "", 900, 300,
         REFUSED("408 Request Timeout"), "body-stall", "408", true},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_open_app(", timeouts: {first_byte: 2s, body_stall: 1s}");
        stage_say(s, rows[i].request);
        stage_settle(s);
        stage_up_say(s, 0, rows[i].answer);
        stage_settle(s);
        stage_pass(s, rows[i].before_ms);
        assert_text(rows[i].id, stage_heard(s), "");
        stage_pass(s, rows[i].after_ms);
        const char *heard = stage_heard(s);
        if (!matches(heard, rows[i].want))
            print_error("%s\n", heard);
        assert_row(rows[i].id, matches(heard, rows[i].want));
        assert_row(rows[i].id, s->up[0].saw_end);
        assert_row(rows[i].id, stage_is_closed(s) == rows[i].is_closed);
        assert_end(rows[i].id, s, rows[i].end, rows[i].status);
        stage_close(s);
    }
}

static void a_body_that_goes_on_is_not_late(void **state)
{
    struct stage *s = stage_open_app(", timeouts: {body_stall: 1s}");
    stage_say(s, POST("Content-Length: 30\r\n"));
    for (int i = 0; i < 30; i++) {
        stage_pass(s, 900);
        stage_say(s, "a");
        stage_settle(s);
    }
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_true(matches(stage_heard(s), "HTTP/1.1 200 OK\r\n*"));
    assert_end("slow", s, "complete", "200");
    stage_close(s);
}

static void an_app_that_takes_nothing(void **state)
{
    static char body[1 << 20];
    struct stage *s = stage_open_app(", timeouts: {first_byte: 2s}");
    stage_say(s, POST("Content-Length: 10000000\r\n"));
    stage_settle(s);
    s->up[0].is_deaf = true;
    for (int i = 0; i < 3; i++)
        stage_say_bytes(s, body, sizeof body);
    stage_settle(s);
    assert_true(s->client.n_unsent > 1 << 20); /* it waits at the client */
    assert_true(stage_buffers(s) <= 2);
    stage_pass(s, 1900);
    assert_text("patience", stage_heard(s), "");
    stage_pass(s, 300);
    assert_true(matches(stage_heard(s), REFUSED("504 Gateway Timeout")));
    assert_end("deaf", s, "upstream-slow", "504");
    stage_close(s);
}

static void a_big_body_passes_through_little_room(void **state)
{
    enum { N = 3 << 20 };
    struct stage *s = stage_with(NULL);
    char *body = mem_alloc(N + 1);
    for (size_t i = 0; i < N; i++)
        body[i] = (char)('a' + i % 23);
    stage_say(s, POST("Content-Length: 3145728\r\n"));
    stage_settle(s);
    s->up[0].is_deaf = true;
    stage_say_bytes(s, body, N);
    stage_settle(s);
    assert_true(stage_buffers(s) <= 2);
    s->up[0].is_deaf = false;
    stage_settle(s);
    const char *got = strstr(stage_up_heard(s, 0), "\r\n\r\n");
    assert_int_equal(strlen(got), N + 4);
    assert_memory_equal(got + 4, body, N);
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_string_equal(member(house_last(s->house), "bytes_in"), "3145728");
    free(body);
    stage_close(s);
}

/* ---- an app that is not there ---- */

static void unreachable(void **state)
{
    struct stage *s = stage_with(NULL);
    close(s->listener);
    unlink(house_path(s->house, "app.sock"));
    stage_say(s, "GET /x HTTP/1.1\r\n" HOST "Accept: text/html\r\n@staff\r\n");
    stage_settle(s);
    const char *heard = stage_heard(s);
    assert_true(matches(heard, REFUSED("502 Bad Gateway")));
    assert_non_null(strstr(heard, "Content-Type: text/html"));
    assert_false(stage_is_closed(s));
    assert_end("unreachable", s, "upstream-unreachable", "502");
    json_t *r = house_last(s->house);
    assert_string_equal(member(r, "decision.effect"), "allow");
    assert_string_equal(member(r, "upstream.status"), "");
    assert_string_not_equal(member(r, "upstream.connect_us"), "");
    s->listener = -1;
    stage_close(s);
}

static void too_many_connections(void **state)
{
    struct stage *s = stage_with("{upstream_connections: 1}\n");
    stage_say(s, GET("/one"));
    stage_settle(s);
    struct player first = s->client;
    s->client = (struct player){.fd = -1};
    stage_connect(s, 0);
    stage_say(s, GET("/two"));
    stage_settle(s);
    const char *heard = stage_heard(s);
    assert_true(matches(heard, REFUSED("503 Service Unavailable")));
    assert_non_null(strstr(heard, "\r\nRetry-After: 1\r\n"));
    assert_end("busy", s, "upstream-busy", "503");
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_end("first", s, "complete", "200");
    player_finish(&first);
    stage_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(forwarded_front),
        cmocka_unit_test(rewrite_host),
        cmocka_unit_test(not_forwarded),
        cmocka_unit_test(a_body_over_the_limit),
        cmocka_unit_test(a_body_with_bad_chunks),
        cmocka_unit_test(expect_continue),
        cmocka_unit_test(expect_after_the_decision),
        cmocka_unit_test(expect_with_the_body_at_once),
        cmocka_unit_test(a_stale_connection_is_replaced),
        cmocka_unit_test(only_once),
        cmocka_unit_test(never_on_a_fresh_one),
        cmocka_unit_test(a_closed_connection_is_not_taken),
        cmocka_unit_test(an_answer_before_the_request),
        cmocka_unit_test(an_early_answer),
        cmocka_unit_test(an_early_answer_and_an_end),
        cmocka_unit_test(both_ways_at_once),
        cmocka_unit_test(the_body_stops_behind_the_answer),
        cmocka_unit_test(times),
        cmocka_unit_test(a_body_that_goes_on_is_not_late),
        cmocka_unit_test(an_app_that_takes_nothing),
        cmocka_unit_test(a_big_body_passes_through_little_room),
        cmocka_unit_test(unreachable),
        cmocka_unit_test(too_many_connections),
    };
    return cmocka_run_group_tests_name("http forward", tests, NULL, NULL);
}
