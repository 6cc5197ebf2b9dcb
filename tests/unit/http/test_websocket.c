/* The handshake and the borders of frames. */
#include "unit.h"

#include "proxy/http/websocket.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455, 1.3 */
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define START "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"

static void checks_requests(void **state)
{
    static const struct {
        const char *bad; /* NULL: good */
        const char *text;
    } rows[] = {
        {NULL, START "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n\r\n"},
        {"ws.method", "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n\r\n"},
        {"ws.upgrade", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n\r\n"},
        {"ws.body", START "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY
                          "\r\nContent-Length: 1\r\n\r\n"},
        {"ws.body", START "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY
                          "\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"ws.version", START "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: " KEY "\r\n\r\n"},
        {"ws.version", START "Sec-WebSocket-Key: " KEY "\r\n\r\n"},
        {"ws.key", START "Sec-WebSocket-Version: 13\r\n\r\n"},
        {"ws.key", START "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc\r\n\r\n"},
        {"ws.key", START "Sec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: ????????????????????????\r\n\r\n"},
        {"ws.key", START "Sec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTEy\r\n\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct http_request_head r;
        arena_init(&a, NULL, 0);
        assert_null(h1_request_parse(str_of(rows[i].text), &h1_limits_default, &a, &r).id);
        const char *got = ws_request_check(&r), *want = rows[i].bad;
        if (strcmp(got ? got : "", want ? want : "") != 0)
            fail_msg("row %zu: %s", i, got);
        arena_finish(&a);
    }
}

static void computes_the_accept(void **state)
{
    char out[WS_ACCEPT_CHARS];
    (void)state;
    ws_accept(STR(KEY), out);
    assert_str(((str){out, sizeof out}), STR(ACCEPT));
}

static void checks_answers(void **state)
{
    static const struct {
        const char *bad;
        str accept, protocol, extensions;
    } rows[] = {
        {NULL, STR(ACCEPT), {NULL, 0}, {NULL, 0}},
        {NULL, STR(ACCEPT), STR("chat"), STR("permessage-deflate; server_no_context_takeover")},
        {"ws.accept", {NULL, 0}, {NULL, 0}, {NULL, 0}},
        {"ws.accept", STR("s3pPLMBiTxaQ9kYGzzhZRbK+xOO="), {NULL, 0}, {NULL, 0}},
        {"ws.protocol", STR(ACCEPT), STR("other"), {NULL, 0}},
        {"ws.protocol", STR(ACCEPT), STR(""), {NULL, 0}},
        {"ws.extension", STR(ACCEPT), {NULL, 0}, STR("x-other")},
    };
    struct http_request_head request = {.sec_websocket_key = STR(KEY),
                                        .sec_websocket_protocol = STR("soap, chat"),
                                        .sec_websocket_extensions = STR("permessage-deflate; a")};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_response_head r = {.status = 101,
                                       .is_upgrade = true,
                                       .sec_websocket_accept = rows[i].accept,
                                       .sec_websocket_protocol = rows[i].protocol,
                                       .sec_websocket_extensions = rows[i].extensions};
        const char *got = ws_response_check(&request, &r), *want = rows[i].bad;
        if (strcmp(got ? got : "", want ? want : "") != 0)
            fail_msg("row %zu: %s", i, got);
    }
    struct http_response_head not101 = {.status = 200, .sec_websocket_accept = STR(ACCEPT)};
    assert_string_equal(ws_response_check(&request, &not101), "ws.status");
}

struct frame_row {
    const char *id, *bad;
    bool must_mask, at_boundary, saw_close;
    str bytes;
};

static const struct frame_row frames[] = {
    {"text", NULL, false, true, false, STR("\x81\x05hello")},
    {"empty", NULL, false, true, false, STR("\x81\x00")},
    {"two", NULL, false, true, false, STR("\x81\x01h\x82\x02xy")},
    {"half-header", NULL, false, false, false, STR("\x81")},
    {"half-length", NULL, false, false, false, STR("\x82\x7e\x00")},
    {"half-payload", NULL, false, false, false, STR("\x81\x05hel")},
    {"length-16", NULL, false, true, false, STR("\x82\x7e\x00\x02xy")},
    {"length-64", NULL, false, true, false, STR("\x82\x7f\0\0\0\0\0\0\0\x02xy")},
    {"masked", NULL, true, true, false, STR("\x81\x82\1\2\3\4ab")},
    {"half-mask", NULL, true, false, false, STR("\x81\x80\1\2\3")},
    {"compressed", NULL, false, true, false, STR("\xc1\x02xy")},
    {"ping-between", NULL, false, true, false, STR("\x01\x01x\x89\x00\x80\x01y")},
    {"close", NULL, false, true, true, STR("\x88\x02\x03\xe8")},
    {"unmasked-client", "ws.mask", true, false, false, STR("\x81\x01x")},
    {"masked-server", "ws.mask", false, false, false, STR("\x81\x81\1\2\3\4x")},
    {"opcode-3", "ws.opcode", false, false, false, STR("\x83\x00")},
    {"opcode-11", "ws.opcode", false, false, false, STR("\x8b\x00")},
    {"long-ping", "ws.control", false, false, false, STR("\x89\x7e\x00\x7e")},
    {"cut-ping", "ws.control", false, false, false, STR("\x09\x00")},
    {"length-63-bits", "ws.length", false, false, false, STR("\x82\x7f\x80\0\0\0\0\0\0\0")},
};

static void follows_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        const struct frame_row *row = &frames[i];
        for (size_t step = 1; step <= 20; step += 19) {
            struct ws_scan s = {.must_mask = row->must_mask};
            for (size_t at = 0; at < row->bytes.n; at += step) {
                str piece = str_upto(str_from(row->bytes, at), step);
                char *buf = exact_copy(piece);
                ws_scan_feed(&s, buf, piece.n);
                free(buf);
            }
            if (strcmp(s.bad ? s.bad : "", row->bad ? row->bad : "") != 0 ||
                ws_at_boundary(&s) != row->at_boundary || s.saw_close != row->saw_close)
                fail_msg("%s (step %zu): %s", row->id, step, s.bad);
        }
    }
}

static void stops_at_a_boundary(void **state)
{
    struct ws_scan s = {.must_mask = false};
    str bytes = STR("\x81\x05hello\x81\x01x");
    (void)state;
    assert_int_equal(ws_scan_to_boundary(&s, bytes.p, bytes.n), 0);
    assert_true(ws_scan_feed(&s, bytes.p, 4));
    assert_int_equal(ws_scan_to_boundary(&s, bytes.p + 4, bytes.n - 4), 3);
    assert_true(ws_at_boundary(&s));
}

static void writes_close_frames(void **state)
{
    char out[WS_CLOSE_MAX];
    static const unsigned char mask[4] = {1, 2, 3, 4};
    struct arena a;
    (void)state;
    size_t n = ws_close_write(out, WS_POLICY, STR("ended"), NULL);
    assert_str(((str){out, n}), STR("\x88\x07\x03\xf0"
                                    "ended"));
    n = ws_close_write(out, WS_NORMAL, STR(""), mask);
    assert_str(((str){out, n}), STR("\x88\x82\1\2\3\4\x02\xea"));
    struct ws_scan s = {.must_mask = true};
    assert_true(ws_scan_feed(&s, out, n) && ws_at_boundary(&s) && s.saw_close);
    /* 122 bytes and a character of two: cut before it, never inside. */
    arena_init(&a, NULL, 0);
    str longer = arena_printf(&a, "%0122d\xc3\xa9\xc3\xa9", 0);
    n = ws_close_write(out, WS_POLICY, longer, mask);
    assert_int_equal(n, 6 + 2 + 122);
    longer = arena_printf(&a, "%0200d", 0);
    assert_int_equal(ws_close_write(out, WS_POLICY, longer, mask), WS_CLOSE_MAX);
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_requests),     cmocka_unit_test(computes_the_accept),
        cmocka_unit_test(checks_answers),      cmocka_unit_test(follows_frames),
        cmocka_unit_test(stops_at_a_boundary), cmocka_unit_test(writes_close_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
