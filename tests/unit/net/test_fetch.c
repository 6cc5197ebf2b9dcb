/* Fetching from an origin of our own on loopback, and what may not be fetched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy/net/cache_control.h"
#include "proxy/net/net.h"

static struct loop *loop;
static struct fetcher *fetcher;
static struct listener *listener;
static uint16_t port;

/* What the origin says, and what it heard. */
static struct {
    const char *answer;
    size_t body_bytes; /* of 'x', sent after it */
    char heard[4096];
    bool is_mute;
    int open_fds[4];
    int n_open;
} origin;

/* Accepted with the request in hand (TCP_DEFER_ACCEPT), so one read is enough. */
static void on_accept(void *ctx, int fd, const struct listener_peer *peer)
{
    ssize_t n = recv(fd, origin.heard, sizeof origin.heard - 1, 0);
    origin.heard[n > 0 ? n : 0] = '\0';
    if (origin.is_mute) {
        origin.open_fds[origin.n_open++] = fd;
        return;
    }
    char *body = malloc(origin.body_bytes + 1);
    memset(body, 'x', origin.body_bytes);
    send(fd, origin.answer, strlen(origin.answer), MSG_NOSIGNAL);
    send(fd, body, origin.body_bytes, MSG_NOSIGNAL);
    free(body);
    close(fd);
}

static int setup(void **state)
{
    struct listener_options o = {0};
    memset(&origin, 0, sizeof origin);
    loop = loop_create(NULL);
    fetcher = fetcher_create(loop);
    addr_parse(STR("127.0.0.1"), &o.address.ip);
    int fd = listener_bind(&o, NULL);
    port = listener_port(fd);
    listener = listener_open(loop, fd, (uid_t)-1, on_accept, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    fetcher_destroy(fetcher);
    listener_close(listener);
    loop_destroy(loop);
    for (int i = 0; i < origin.n_open; i++)
        close(origin.open_fds[i]);
    return 0;
}

struct outcome {
    int calls, status;
    int64_t max_age_s;
    char body[64], type[64], why[512];
    size_t body_n;
};

static void on_done(void *ctx, const struct fetch_result *r)
{
    struct outcome *o = ctx;
    o->calls++;
    o->status = r->status;
    o->max_age_s = r->max_age_s;
    o->body_n = r->body.n;
    snprintf(o->body, sizeof o->body, "%.*s", STR_ARG(str_upto(r->body, 60)));
    snprintf(o->type, sizeof o->type, "%.*s", STR_ARG(r->content_type));
    snprintf(o->why, sizeof o->why, "%s", r->fail.text);
    loop_stop(loop);
}

static str origin_url(const char *host)
{
    static char url[128];
    snprintf(url, sizeof url, "http://%s:%u/keys?x=1", host, port);
    return str_of(url);
}

static struct outcome run(struct fetch_request r)
{
    struct outcome o = {0};
    struct fail f = {0};
    if (!r.url.p)
        r.url = origin_url("127.0.0.1");
    if (!fetch_start(fetcher, &r, on_done, &o, &f))
        fail_msg("%s", f.text);
    assert_int_equal(o.calls, 0); /* never before it returns */
    loop_run(loop);
    assert_int_equal(o.calls, 1);
    return o;
}

static void a_document_comes_with_its_headers(void **state)
{
    origin.answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    "Cache-Control: public, max-age=3600\r\nContent-Length: 2\r\n\r\n{}";
    struct outcome o = run((struct fetch_request){.authorization = STR("Bearer abc")});
    assert_int_equal(o.status, 200);
    assert_string_equal(o.body, "{}");
    assert_string_equal(o.type, "application/json");
    assert_int_equal(o.max_age_s, 3600);
    assert_ptr_equal(strstr(origin.heard, "GET /keys?x=1 HTTP/1.1\r\n"), origin.heard);
    assert_non_null(strstr(origin.heard, "\r\nAuthorization: Bearer abc\r\n"));
    assert_non_null(strstr(origin.heard, "\r\nAccept: application/json\r\n"));
}

static void a_form_is_posted(void **state)
{
    origin.answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno!";
    struct outcome o =
        run((struct fetch_request){.body = STR("grant_type=x"), .url = origin_url("localhost")});
    assert_int_equal(o.status, 400);
    assert_string_equal(o.body, "no!");
    assert_int_equal(o.max_age_s, -1);
    assert_ptr_equal(strstr(origin.heard, "POST "), origin.heard);
    assert_non_null(
        strstr(origin.heard, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_non_null(strstr(origin.heard, "\r\n\r\ngrant_type=x"));
}

static void a_redirect_is_not_followed(void **state)
{
    origin.answer =
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(run((struct fetch_request){0}).status, 302);
}

static void too_much_is_refused(void **state)
{
    origin.answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    origin.body_bytes = 5000;
    struct outcome o = run((struct fetch_request){.max_bytes = 4999});
    assert_int_equal(o.status, 0);
    assert_string_equal(o.why, "the answer is larger than 4999 bytes");
    o = run((struct fetch_request){.max_bytes = 5000});
    assert_int_equal(o.status, 200);
    assert_int_equal(o.body_n, 5000);
}

static void silence_ends_by_itself(void **state)
{
    origin.is_mute = true;
    struct outcome o = run((struct fetch_request){.timeout_ms = 50});
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.why, "timed out"));
}

static void a_cancelled_fetch_says_nothing(void **state)
{
    struct outcome o = {0};
    struct fetch_request r = {.url = origin_url("127.0.0.1")};
    origin.is_mute = true;
    struct fetch *x = fetch_start(fetcher, &r, on_done, &o, NULL);
    while (origin.n_open == 0)
        loop_turn(loop, true);
    fetch_cancel(x);
    assert_non_null(fetch_start(fetcher, &r, on_done, &o, NULL)); /* and teardown drops this one */
    assert_int_equal(o.calls, 0);
}

static void only_https_or_loopback_is_fetched(void **state)
{
    static const char *const refused[] = {"http://example.com/",
                                          "http://10.0.0.1/",
                                          "ftp://127.0.0.1/",
                                          "file:///etc/passwd",
                                          "//127.0.0.1/",
                                          "",
                                          "not a url",
                                          "http://user@127.0.0.1/",
                                          "https://a:b@example.com/",
                                          "http://localhost.evil/",
                                          "http://127.0.0.1.nip.io/",
                                          "http://evil/\r\nX: y",
                                          "gopher://127.0.0.1/",
                                          "http://127.0.0.1@evil.com/"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct fail f = {0};
        struct outcome o = {0};
        struct fetch_request r = {.url = str_of(refused[i])};
        if (fetch_start(fetcher, &r, on_done, &o, &f) || f.code != FAIL_INPUT)
            fail_msg("%s: %s", refused[i], f.text);
    }
}

static void cache_control_is_read(void **state)
{
    static const struct {
        const char *value;
        int64_t age_s;
    } rows[] = {
        {"max-age=60", 60},
        {"public, max-age=86400, must-revalidate", 86400},
        {"MAX-AGE = \"5\"", 5},
        {"max-age=5, max-age=9", 5},
        {"no-store", 0},
        {"max-age=60, no-cache", 0},
        {"private", -1},
        {"", -1},
        {"max-age=", 0},
        {"max-age=-1", 0},
        {"max-age=99999999999", 366 * 24 * 3600},
        {"max-age=99999999999999999999999", 0},
        {"s-maxage=10", -1},
        {",,,", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (cache_control_max_age_s(str_of(rows[i].value)) != rows[i].age_s)
            fail_msg("%s: %ld", rows[i].value,
                     (long)cache_control_max_age_s(str_of(rows[i].value)));
}

#define FETCH_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(a_document_comes_with_its_headers),
        FETCH_TEST(a_form_is_posted),
        FETCH_TEST(a_redirect_is_not_followed),
        FETCH_TEST(too_much_is_refused),
        FETCH_TEST(silence_ends_by_itself),
        FETCH_TEST(a_cancelled_fetch_says_nothing),
        FETCH_TEST(only_https_or_loopback_is_fetched),
        cmocka_unit_test(cache_control_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
