/* Answers of upstreams: what is believed and what is 502. */
#include "unit.h"

#include "proxy/http/fields.h"

#define OK_ "HTTP/1.1 200 OK\r\n"

struct row {
    const char *id;
    const char *refusal; /* "": good */
    enum http_method method;
    bool asked;
    enum http_framing framing;
    bool keep_alive;
    str bytes;
};
#define ROW(id, refusal, framing, keep, bytes)                                                     \
    {                                                                                              \
        id, refusal, METHOD_GET, false, FRAMING_##framing, keep, STR(bytes)                        \
    }
#define HEADROW(id, refusal, framing, keep, bytes)                                                 \
    {                                                                                              \
        id, refusal, METHOD_HEAD, false, FRAMING_##framing, keep, STR(bytes)                       \
    }
#define UPROW(id, refusal, bytes)                                                                  \
    {                                                                                              \
        id, refusal, METHOD_GET, true, FRAMING_NONE, true, STR(bytes)                              \
    }
#define UP_ "HTTP/1.1 101 Switching Protocols\r\n"

static const struct row rows[] = {
    ROW("length", "", LENGTH, true, OK_ "Content-Length: 3\r\n\r\n"),
    ROW("length-zero", "", LENGTH, true, OK_ "Content-Length: 0\r\n\r\n"),
    ROW("chunked", "", CHUNKED, true, OK_ "Transfer-Encoding: chunked\r\n\r\n"),
    ROW("until-close", "", UNTIL_CLOSE, false, OK_ "\r\n"),
    ROW("close", "", LENGTH, false, OK_ "Connection: close\r\nContent-Length: 3\r\n\r\n"),
    ROW("http10", "", UNTIL_CLOSE, false, "HTTP/1.0 200 OK\r\n\r\n"),
    ROW("http10-length", "", LENGTH, false, "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n"),
    ROW("http10-keep", "", LENGTH, true,
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n"),
    ROW("no-reason", "", LENGTH, true, "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\n"),
    ROW("no-reason-no-space", "", LENGTH, true, "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n"),
    ROW("reason-8bit", "", LENGTH, true, "HTTP/1.1 200 \xc3\x84\r\nContent-Length: 0\r\n\r\n"),
    ROW("interim-100", "", NONE, true, "HTTP/1.1 100 Continue\r\n\r\n"),
    ROW("interim-103", "", NONE, true, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    ROW("204", "", NONE, true, "HTTP/1.1 204 No Content\r\n\r\n"),
    ROW("204-zero", "", NONE, true, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
    ROW("304", "", NONE, true, "HTTP/1.1 304 Not Modified\r\n\r\n"),
    ROW("304-length", "", NONE, true, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
    HEADROW("head-length", "", NONE, true, OK_ "Content-Length: 3\r\n\r\n"),
    HEADROW("head-chunked", "", NONE, true, OK_ "Transfer-Encoding: chunked\r\n\r\n"),
    HEADROW("head-nothing", "", NONE, true, OK_ "\r\n"),
    UPROW("101", "", UP_ "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    ROW("204-length", "status.body", NONE, false, "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n"),
    ROW("204-chunked", "status.body", NONE, false,
        "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ROW("interim-length", "status.body", NONE, false,
        "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n"),
    ROW("interim-chunked", "status.body", NONE, false,
        "HTTP/1.1 103 Early\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ROW("101-unasked", "status.upgrade-unasked", NONE, false,
        UP_ "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    UPROW("101-h2c", "status.upgrade-other", UP_ "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
    UPROW("101-no-upgrade", "status.upgrade-other", UP_ "Connection: Upgrade\r\n\r\n"),
    UPROW("101-no-connection", "status.upgrade-other", UP_ "Upgrade: websocket\r\n\r\n"),
    UPROW("101-twice", "status.upgrade-other",
          UP_ "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n\r\n"),
    UPROW("101-length", "status.body",
          UP_ "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\n"),
    ROW("two-lengths", "length.twice", NONE, false,
        OK_ "Content-Length: 3\r\nContent-Length: 4\r\n\r\n"),
    ROW("two-lengths-same", "length.twice", NONE, false,
        OK_ "Content-Length: 3\r\nContent-Length: 3\r\n\r\n"),
    ROW("length-list", "length.form", NONE, false, OK_ "Content-Length: 3, 3\r\n\r\n"),
    ROW("length-minus", "length.form", NONE, false, OK_ "Content-Length: -3\r\n\r\n"),
    ROW("both", "framing.both", NONE, false,
        OK_ "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ROW("te-gzip", "te.not-chunked", NONE, false, OK_ "Transfer-Encoding: gzip\r\n\r\n"),
    ROW("te-gzip-chunked", "te.not-chunked", NONE, false,
        OK_ "Transfer-Encoding: gzip, chunked\r\n\r\n"),
    ROW("te-identity", "te.not-chunked", NONE, false, OK_ "Transfer-Encoding: identity\r\n\r\n"),
    ROW("te-twice", "te.twice", NONE, false,
        OK_ "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ROW("te-empty", "te.empty", NONE, false, OK_ "Transfer-Encoding: \r\n\r\n"),
    ROW("te-10", "te.http10", NONE, false, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ROW("te-space-colon", "field.space-before-colon", NONE, false,
        OK_ "Transfer-Encoding : chunked\r\n\r\n"),
    ROW("fold", "head.fold", NONE, false, OK_ "X-A: a\r\n b\r\nContent-Length: 3\r\n\r\n"),
    ROW("bare-lf", "head.bare-lf", NONE, false, "HTTP/1.1 200 OK\nContent-Length: 3\n\n"),
    ROW("bare-lf-field", "head.bare-lf", NONE, false, OK_ "Content-Length: 3\n\r\n"),
    ROW("bare-cr", "head.bare-cr", NONE, false, OK_ "X-A: a\rContent-Length: 3\r\n\r\n"),
    ROW("nul", "field.value", NONE, false, OK_ "X-A: \x00\r\n\r\n"),
    ROW("name", "field.name", NONE, false, OK_ "X A: a\r\n\r\n"),
    ROW("no-colon", "field.no-colon", NONE, false, OK_ "X-A\r\n\r\n"),
    ROW("version-20", "status.form", NONE, false, "HTTP/2.0 200 OK\r\n\r\n"),
    ROW("version-12", "status.form", NONE, false, "HTTP/1.2 200 OK\r\n\r\n"),
    ROW("version-icy", "status.form", NONE, false, "ICY 200 OK\r\n\r\n"),
    ROW("http09", "status.form", NONE, false, "<html>hello</html>\r\n\r\n"),
    ROW("status-two", "status.form", NONE, false, "HTTP/1.1 20 OK\r\n\r\n"),
    ROW("status-four", "status.form", NONE, false, "HTTP/1.1 2000 OK\r\n\r\n"),
    ROW("status-zero", "status.form", NONE, false, "HTTP/1.1 000 OK\r\n\r\n"),
    ROW("status-099", "status.form", NONE, false, "HTTP/1.1 099 OK\r\n\r\n"),
    ROW("status-600", "status.form", NONE, false, "HTTP/1.1 600 OK\r\n\r\n"),
    ROW("status-sign", "status.form", NONE, false, "HTTP/1.1 +20 OK\r\n\r\n"),
    ROW("status-letters", "status.form", NONE, false, "HTTP/1.1 2x0 OK\r\n\r\n"),
    ROW("status-two-spaces", "status.form", NONE, false, "HTTP/1.1  200 OK\r\n\r\n"),
    ROW("status-nul", "status.form", NONE, false, "HTTP/1.1 200 O\x00K\r\n\r\n"),
    ROW("empty-first", "status.form", NONE, false, "\r\nHTTP/1.1 200 OK\r\n\r\n"),
    ROW("incomplete", "incomplete", NONE, false, OK_),
};

static const char *feed(const struct row *row, size_t step, struct arena *arena,
                        struct http_response_head *out)
{
    struct h1_scan scan = {.limits = &h1_limits_default, .is_response = true};
    size_t n = step ? 0 : row->bytes.n;
    enum h1_scan_result r = H1_SCAN_MORE;
    do {
        n = n + step < row->bytes.n ? n + step : row->bytes.n;
        char *seen = exact_copy(str_upto(row->bytes, n));
        r = h1_head_end(seen, n, &scan);
        free(seen);
    } while (r == H1_SCAN_MORE && n < row->bytes.n);
    if (r == H1_SCAN_MORE)
        return "incomplete";
    struct h1_verdict v = scan.verdict;
    if (r == H1_SCAN_END)
        v = h1_response_parse(arena_dup(arena, str_upto(row->bytes, scan.head_len)),
                              &h1_limits_default, row->method, row->asked, arena, out);
    assert_int_equal(v.status, v.id ? 502 : 0);
    return v.id ? v.id : "";
}

static void reads_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t step = 0; step < 3; step++) {
            struct arena a;
            struct http_response_head head = {0};
            arena_init(&a, NULL, 0);
            const char *got = feed(&rows[i], step, &a, &head);
            if (strcmp(got, rows[i].refusal) != 0 || head.framing != rows[i].framing ||
                (!*got && head.keep_alive != rows[i].keep_alive))
                fail_msg("%s: %s, framing %d, keep %d", rows[i].id, got, (int)head.framing,
                         head.keep_alive);
            arena_finish(&a);
        }
    }
}

static void parse(str bytes, enum http_method method, struct arena *a,
                  struct http_response_head *out)
{
    struct h1_verdict v = h1_response_parse(bytes, &h1_limits_default, method, false, a, out);
    if (v.id)
        fail_msg("%s", v.id);
}

static void keeps_the_length_of_a_head_answer(void **state)
{
    struct arena a;
    struct http_response_head r;
    (void)state;
    arena_init(&a, NULL, 0);
    parse(STR(OK_ "Content-Length: 42\r\n\r\n"), METHOD_HEAD, &a, &r);
    assert_true(r.has_content_length && r.content_length == 42 && r.framing == FRAMING_NONE);
    parse(STR("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), METHOD_GET, &a, &r);
    assert_true(r.has_content_length && r.content_length == 9);
    arena_finish(&a);
}

static void refuses_our_cookies(void **state)
{
    static const struct {
        str value;
        bool ours;
    } cookies[] = {
        {STR("__Host-Http-postern=x; Path=/"), true},
        {STR("__host-http-POSTERN=x"), true},
        {STR("__Host-Http-postern-login=x"), true},
        {STR("__Host-postern=x"), true},
        {STR("postern=x"), true},
        {STR("postern_x=x"), true},
        {STR("  postern  = x"), true},
        {STR("=__Host-Http-postern=x"), true},
        {STR("__Host-Http-postern"), true},
        {STR("posterns=x"), false},
        {STR("session=postern"), false},
        {STR("a=b; postern=x"), false},
        {STR(""), false},
        {STR("="), false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cookies / sizeof *cookies; i++) {
        struct arena a;
        struct http_response_head r;
        arena_init(&a, NULL, 0);
        str head = arena_printf(&a, OK_ "Set-Cookie: %.*s\r\n\r\n", STR_ARG(cookies[i].value));
        parse(head, METHOD_GET, &a, &r);
        if ((r.cookies_refused == 1) != cookies[i].ours ||
            (r.fields[0].drop == DROP_COOKIE) != cookies[i].ours)
            fail_msg("%.*s", STR_ARG(cookies[i].value));
        arena_finish(&a);
    }
}

static void drops_hop_fields(void **state)
{
    struct arena a;
    struct http_response_head r;
    (void)state;
    arena_init(&a, NULL, 0);
    parse(STR(OK_ "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
                  "Proxy-Authenticate: Basic\r\nTrailer: X\r\nContent_Length: 4\r\nX-Keep: 1\r\n"
                  "Content-Length: 0\r\n\r\n"),
          METHOD_GET, &a, &r);
    size_t kept = 0;
    for (size_t i = 0; i < r.n_fields; i++)
        kept += r.fields[i].drop == DROP_NOT;
    assert_int_equal(kept, 1);
    assert_int_equal(http_field_named(r.fields, r.n_fields, STR("x-hop"))->drop, DROP_CONNECTION);
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_answers),
        cmocka_unit_test(keeps_the_length_of_a_head_answer),
        cmocka_unit_test(refuses_our_cookies),
        cmocka_unit_test(drops_hop_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
