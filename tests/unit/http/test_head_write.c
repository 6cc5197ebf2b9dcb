/* Heads written anew: what passes, what is removed, what is ours. */
#include "unit.h"

#include "proxy/http/fields.h"

static char block[16384];

static void understand(const char *text, struct arena *a, struct http_request_head *out)
{
    struct h1_verdict v = h1_request_parse(str_of(text), &h1_limits_default, a, out);
    if (v.id)
        fail_msg("%s", v.id);
}

static struct request_out request_of(const struct http_request_head *r)
{
    return (struct request_out){.head = r,
                                .path = r->path_raw,
                                .query = r->query,
                                .host = STR("app.example"),
                                .forwarded_for = STR("192.0.2.7"),
                                .forwarded_proto = STR("https"),
                                .forwarded_host = STR("app.example"),
                                .request_id = STR("r1")};
}

#define OURS                                                                                       \
    "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example\r\n"  \
    "X-Request-Id: r1\r\n"

static void writes_a_request(void **state)
{
    static const str names[] = {STR("X-Corp-User")};
    static const struct http_pair identity[] = {{STR("X-Corp-User"), STR("ada@corp.example")}};
    struct arena a;
    struct http_request_head r;
    char out[2048];
    (void)state;
    arena_init(&a, block, sizeof block);
    understand("POST /a?b=c HTTP/1.1\r\nHost: APP.example\r\nAccept:  text/html \r\n"
               "Authorization: Bearer secret\r\nX_Corp_User: root\r\nx-corp-user: root\r\n"
               "X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_User: root\r\nRemote-User: root\r\n"
               "X-Request-Id: theirs\r\nConnection: keep-alive, X-Hop, X-Request-Id\r\nX-Hop: 1\r\n"
               "X-Postern-Token: t\r\nX-Original-URL: /admin\r\nContent_Length: 9\r\n"
               "Cookie: a=1; __Host-Http-postern=s; b=2\r\nCookie: postern=x\r\n"
               "Cookie: CF_Authorization=jwt\r\nContent-Length: 3\r\n\r\n",
               &a, &r);
    assert_int_equal(r.spoof_attempts, 2);
    struct request_out o = request_of(&r);
    o.app_fields = field_set_new(&a, names, 1);
    o.identity = identity;
    o.n_identity = 1;
    o.drop_authorization = true;
    o.framing = FRAMING_LENGTH;
    o.content_length = 3;
    size_t n = request_head_write(&o, out, sizeof out);
    assert_str(((str){out, n}),
               STR("POST /a?b=c HTTP/1.1\r\nHost: app.example\r\nAccept: text/html\r\n"
                   "Cookie: a=1; b=2\r\n" OURS "X-Corp-User: ada@corp.example\r\n"
                   "Content-Length: 3\r\n\r\n"));
    /* Every smaller room is refused, never overrun. */
    for (size_t cap = 0; cap < n; cap++) {
        char *room = malloc(cap ? cap : 1);
        assert_int_equal(request_head_write(&o, room, cap), 0);
        free(room);
    }
    arena_finish(&a);
}

static void writes_requests_otherwise(void **state)
{
    struct arena a;
    struct http_request_head r;
    char out[2048];
    (void)state;
    arena_init(&a, block, sizeof block);
    understand("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               "Authorization: Basic foreign\r\nSec-WebSocket-Key: k\r\n\r\n",
               &a, &r);
    struct request_out o = request_of(&r);
    o.is_websocket = true;
    size_t n = request_head_write(&o, out, sizeof out);
    assert_str(((str){out, n}),
               STR("GET /ws HTTP/1.1\r\nHost: app.example\r\nAuthorization: Basic foreign\r\n"
                   "Sec-WebSocket-Key: k\r\n" OURS
                   "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    understand("PUT /? HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", &a, &r);
    o = request_of(&r);
    o.framing = FRAMING_CHUNKED;
    n = request_head_write(&o, out, sizeof out);
    assert_str(((str){out, n}), STR("PUT /? HTTP/1.1\r\nHost: app.example\r\n" OURS
                                    "Transfer-Encoding: chunked\r\n\r\n"));
    arena_finish(&a);
}

static void a_text_of_ours_cannot_break_the_head(void **state)
{
    static const str breakers[] = {STR("a\r\nX: y"), STR("a\nb"), STR("a\x00"), STR("\x7f")};
    struct arena a;
    struct http_request_head r;
    char out[2048];
    (void)state;
    arena_init(&a, block, sizeof block);
    understand("GET / HTTP/1.1\r\nHost: a\r\n\r\n", &a, &r);
    for (size_t i = 0; i < sizeof breakers / sizeof *breakers; i++) {
        struct http_pair pair = {STR("X-Corp-User"), breakers[i]};
        struct request_out o = request_of(&r);
        o.identity = &pair;
        o.n_identity = 1;
        assert_int_equal(request_head_write(&o, out, sizeof out), 0);
        o = request_of(&r);
        o.path = breakers[i];
        assert_int_equal(request_head_write(&o, out, sizeof out), 0);
        o = request_of(&r);
        o.query = breakers[i];
        assert_int_equal(request_head_write(&o, out, sizeof out), 0);
        o = request_of(&r);
        o.host = breakers[i];
        assert_int_equal(request_head_write(&o, out, sizeof out), 0);
        o = request_of(&r);
        o.request_id = breakers[i];
        assert_int_equal(request_head_write(&o, out, sizeof out), 0);
    }
    struct request_out o = request_of(&r);
    o.path = STR("");
    assert_int_equal(request_head_write(&o, out, sizeof out), 0);
    o.path = STR("/a b");
    assert_int_equal(request_head_write(&o, out, sizeof out), 0);
    arena_finish(&a);
}

struct answer_row {
    const char *id;
    str from, to;
    struct response_out how;
};
#define ANSWER(id, from, to, ...)                                                                  \
    {                                                                                              \
        id, STR(from), STR(to),                                                                    \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define OK_ "HTTP/1.1 200 OK\r\n"
#define KEEP .keep_alive = true, .client_minor = 1, .framing = FRAMING_LENGTH
#define END "Content-Length: 0\r\n\r\n"

static const struct answer_row answers[] = {
    ANSWER("plain", OK_ "Server: x\r\n" END, OK_ "Server: x\r\n" END, KEEP),
    ANSWER("close", OK_ END, OK_ "Connection: close\r\n" END, .client_minor = 1,
           .framing = FRAMING_LENGTH),
    ANSWER("keep-10", OK_ END, OK_ "Connection: keep-alive\r\n" END, .keep_alive = true,
           .framing = FRAMING_LENGTH),
    ANSWER("chunked", OK_ "Transfer-Encoding: chunked\r\n\r\n",
           OK_ "Transfer-Encoding: chunked\r\n\r\n", .keep_alive = true, .client_minor = 1,
           .framing = FRAMING_CHUNKED),
    ANSWER("until-close", OK_ "\r\n", OK_ "Connection: close\r\n\r\n", .keep_alive = true,
           .client_minor = 1, .framing = FRAMING_UNTIL_CLOSE),
    ANSWER("head-length", OK_ "Content-Length: 9\r\n\r\n", OK_ "Content-Length: 9\r\n\r\n",
           .keep_alive = true, .client_minor = 1, .has_content_length = true, .content_length = 9),
    ANSWER("hop", OK_ "Connection: X-A\r\nX-A: 1\r\nKeep-Alive: 1\r\nProxy-Connection: x\r\n" END,
           OK_ END, KEEP),
    ANSWER("our-cookie", OK_ "Set-Cookie: __Host-Http-postern=x\r\nSet-Cookie: a=b\r\n" END,
           OK_ "Set-Cookie: a=b\r\n" END, KEEP),
    ANSWER("hsts", OK_ END, OK_ "Strict-Transport-Security: max-age=31536000\r\n" END, KEEP,
           .is_tls = true),
    ANSWER("hsts-theirs", OK_ "Strict-Transport-Security: max-age=1\r\n" END,
           OK_ "Strict-Transport-Security: max-age=1\r\n" END, KEEP, .is_tls = true),
    ANSWER("hsts-named-by-connection",
           OK_
           "Connection: Strict-Transport-Security\r\nStrict-Transport-Security: max-age=0\r\n" END,
           OK_ "Strict-Transport-Security: max-age=31536000\r\n" END, KEEP, .is_tls = true),
    ANSWER("date", OK_ END, OK_ "Date: now\r\n" END, KEEP, .date = STR("now")),
    ANSWER("date-theirs", OK_ "Date: then\r\n" END, OK_ "Date: then\r\n" END, KEEP,
           .date = STR("now")),
    ANSWER("private", OK_ END, OK_ "Cache-Control: private\r\n" END, KEEP, .is_identified = true),
    ANSWER("private-not-identified", OK_ "Cache-Control: public\r\n" END,
           OK_ "Cache-Control: public\r\n" END, KEEP),
    ANSWER("private-shared", OK_ "Cache-Control: public, s-maxage=9\r\n" END,
           OK_ "Cache-Control: public, s-maxage=9\r\n" END, KEEP, .is_identified = true,
           .shared_cache = true),
    ANSWER("private-public", OK_ "Cache-Control: public\r\n" END,
           OK_ "Cache-Control: private\r\n" END, KEEP, .is_identified = true),
    ANSWER("private-s-maxage", OK_ "Cache-Control: max-age=5, S-MaxAge=9, public\r\n" END,
           OK_ "Cache-Control: max-age=5\r\nCache-Control: private\r\n" END, KEEP,
           .is_identified = true),
    ANSWER("private-already", OK_ "Cache-Control: private, max-age=5\r\n" END,
           OK_ "Cache-Control: private, max-age=5\r\n" END, KEEP, .is_identified = true),
    ANSWER("private-no-store", OK_ "Cache-Control: no-store\r\n" END,
           OK_ "Cache-Control: no-store\r\n" END, KEEP, .is_identified = true),
    ANSWER("private-field-only", OK_ "Cache-Control: private=\"a, public\", public\r\n" END,
           OK_ "Cache-Control: private=\"a, public\"\r\nCache-Control: private\r\n" END, KEEP,
           .is_identified = true),
    ANSWER("private-two-fields", OK_ "Cache-Control: public\r\nCache-Control: no-cache\r\n" END,
           OK_ "Cache-Control: no-cache\r\nCache-Control: private\r\n" END, KEEP,
           .is_identified = true),
    ANSWER("private-cdn", OK_ "CDN-Cache-Control: max-age=9\r\nSurrogate-Control: x\r\n" END,
           OK_ "Cache-Control: private\r\n" END, KEEP, .is_identified = true),
    ANSWER("304", "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
           "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", .keep_alive = true, .client_minor = 1),
    ANSWER("103", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
           "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", .client_minor = 1, .is_identified = true,
           .is_tls = true),
};

static void writes_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const struct answer_row *row = &answers[i];
        struct arena a;
        struct http_response_head head;
        char out[2048];
        arena_init(&a, block, sizeof block);
        struct h1_verdict v =
            h1_response_parse(row->from, &h1_limits_default, METHOD_GET, false, &a, &head);
        struct response_out how = row->how;
        how.head = &head;
        size_t n = v.id ? 0 : response_head_write(&how, out, sizeof out);
        if (!str_eq((str){out, n}, row->to))
            fail_msg("%s: %s\n%.*s", row->id, v.id ? v.id : "", (int)n, out);
        for (size_t cap = 0; cap < n; cap++) {
            char *room = malloc(cap ? cap : 1);
            assert_int_equal(response_head_write(&how, room, cap), 0);
            free(room);
        }
        arena_finish(&a);
    }
}

static void no_chunks_for_http10(void **state)
{
    struct arena a;
    struct http_response_head head;
    char out[256];
    (void)state;
    arena_init(&a, block, sizeof block);
    h1_response_parse(STR(OK_ "\r\n"), &h1_limits_default, METHOD_GET, false, &a, &head);
    struct response_out o = {.head = &head, .framing = FRAMING_CHUNKED};
    assert_int_equal(response_head_write(&o, out, sizeof out), 0);
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_request),
        cmocka_unit_test(writes_requests_otherwise),
        cmocka_unit_test(a_text_of_ours_cannot_break_the_head),
        cmocka_unit_test(writes_answers),
        cmocka_unit_test(no_chunks_for_http10),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
