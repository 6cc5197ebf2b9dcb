/* WebSockets: the handshake on both sides, bytes both ways, and ends that the browser is told. */
#include "stage.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define UPGRADE                                                                                    \
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"                   \
    "Sec-WebSocket-Key: " KEY "\r\n"
#define OPEN "GET /ws HTTP/1.1\r\n" HOST UPGRADE "@staff\r\n"
#define SWITCH                                                                                     \
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"            \
    "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n"

static struct stage *stage_plain(void)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    stage_connect(s, 0);
    return s;
}

/* An open WebSocket of which both sides have heard nothing yet. */
static struct stage *stage_tunnel_with(const struct house_options *o)
{
    struct stage *s = stage_open(o);
    stage_connect(s, 0);
    stage_say(s, OPEN);
    stage_settle(s);
    stage_up_say(s, 0, SWITCH);
    stage_settle(s);
    assert_true(begins(stage_heard(s), "HTTP/1.1 101 "));
    stage_up_heard(s, 0);
    return s;
}

static struct stage *stage_tunnel(void)
{
    return stage_tunnel_with(&(struct house_options){.limits = NULL});
}

static void the_handshake(void **state)
{
    struct stage *s = stage_plain();
    stage_say(s, OPEN);
    stage_settle(s);
    assert_text("up", stage_up_heard(s, 0),
                UP("GET /ws", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY
                              "\r\n") "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    stage_up_say(s, 0, SWITCH);
    stage_settle(s);
    const char *heard = stage_heard(s);
    assert_true(begins(heard, "HTTP/1.1 101 Switching Protocols\r\n"));
    assert_non_null(strstr(heard, "\r\nSec-WebSocket-Accept: " ACCEPT "\r\n"));
    assert_non_null(strstr(heard, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"));
    assert_null(strstr(heard, "Transfer-Encoding"));
    assert_int_equal(gate_standing(s->house->gate), 1);
    json_t *r = house_last(s->house);
    assert_string_equal(member(r, "kind"), "visit.start");
    assert_string_equal(member(r, "protocol"), "websocket");
    stage_say(s, "from the client");
    stage_up_say(s, 0, "from the app");
    stage_settle(s);
    assert_text("down", stage_heard(s), "from the app");
    assert_text("up", stage_up_heard(s, 0), "from the client");
    stage_up_hang_up(s, 0);
    stage_settle(s);
    assert_true(stage_is_closed(s));
    r = house_last(s->house);
    assert_string_equal(member(r, "kind"), "visit.end");
    assert_string_equal(member(r, "end"), "complete");
    assert_string_equal(member(r, "status"), "101");
    assert_string_equal(member(r, "bytes_in"), "15");
    assert_string_equal(member(r, "bytes_out"), "12");
    assert_int_equal(json_array_size(house_log(s->house)), 2);
    stage_close(s);
}

static void frames_right_behind_the_handshake(void **state)
{
    struct stage *s = stage_plain();
    stage_say(s, OPEN "early client");
    stage_settle(s);
    assert_null(strstr(stage_up_heard(s, 0), "early client"));
    stage_up_say(s, 0, SWITCH "early app");
    stage_settle(s);
    assert_non_null(strstr(stage_heard(s), "\r\n\r\nearly app"));
    assert_text("up", stage_up_heard(s, 0), "early client");
    stage_hang_up(s);
    stage_settle(s);
    assert_true(s->up[0].saw_end);
    assert_string_equal(member(house_last(s->house), "end"), "complete");
    stage_close(s);
}

static void requests_that_are_refused(void **state)
{
    static const struct {
        const char *id, *settings, *request, *want, *reason;
    } rows[] = {
        {"nobody", "", "GET /ws HTTP/1.1\r\n" HOST UPGRADE "\r\n", "HTTP/1.1 401 ", "auth.none"},
        {"refused", "", "GET /ws HTTP/1.1\r\n" HOST UPGRADE "@guest\r\n", "HTTP/1.1 403 ",
         "default-deny"},
        {"switched off", ", websocket: false", OPEN, "HTTP/1.1 403 ", "ws.off"},
        {"another version", "",
         "GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: " KEY "\r\n@staff\r\n",
         "HTTP/1.1 426 ", "ws.version"},
        {"no key", "",
         "GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\n@staff\r\n",
         "HTTP/1.1 400 ", "ws.key"},
        {"a short key", "",
         "GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YQ==\r\n@staff\r\n",
         "HTTP/1.1 400 ", "ws.key"},
        {"a POST", "", "POST /ws HTTP/1.1\r\n" HOST UPGRADE "@staff\r\n", "HTTP/1.1 400 ",
         "ws.method"},
        {"another protocol", "",
         "GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n@staff\r\n",
         "HTTP/1.1 400 ", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_open_app(rows[i].settings);
        stage_say(s, rows[i].request);
        stage_settle(s);
        const char *heard = stage_heard(s);
        if (!begins(heard, rows[i].want))
            print_error("%s\n", heard);
        assert_row(rows[i].id, begins(heard, rows[i].want));
        assert_row(rows[i].id, s->n_up == 0);
        if (strstr(rows[i].want, "426"))
            assert_row(rows[i].id, strstr(heard, "\r\nSec-WebSocket-Version: 13\r\n") != NULL);
        json_t *r = house_last(s->house);
        assert_text(rows[i].id, member(r, "decision.effect"), "deny");
        if (rows[i].reason)
            assert_text(rows[i].id, member(r, "decision.reason"), rows[i].reason);
        stage_close(s);
    }
}

static void answers_to_an_upgrade(void **state)
{
    static const struct {
        const char *id, *answer, *want, *end, *status;
    } rows[] = {
        {"no thanks", OK_3, OK_3_SEEN, "complete", "200"},
        {"another accept",
         "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
         "HTTP/1.1 502 ", "upstream-bad", "502"},
        {"no accept",
         "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
         "HTTP/1.1 502 ", "upstream-bad", "502"},
        {"a protocol that nobody offered",
         "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Protocol: x\r\n\r\n",
         "HTTP/1.1 502 ", "upstream-bad", "502"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_plain();
        stage_say(s, OPEN);
        stage_settle(s);
        stage_up_say(s, 0, rows[i].answer);
        stage_settle(s);
        assert_row(rows[i].id, begins(stage_heard(s), rows[i].want));
        assert_row(rows[i].id, gate_standing(s->house->gate) == 0);
        assert_end(rows[i].id, s, rows[i].end, rows[i].status);
        stage_close(s);
    }
}

/* ---- a visit that is ended ---- */

/* 0x88, length, code in network order, reason. */
static void assert_close_frame(const char *row, struct stage *s, size_t at, unsigned code,
                               const char *reason)
{
    const unsigned char *p = (const unsigned char *)s->client.heard + at;
    size_t n = strlen(reason);
    assert_row(row, s->client.n == at + 4 + n);
    assert_row(row, p[0] == 0x88 && p[1] == 2 + n);
    assert_row(row, (unsigned)(p[2] << 8 | p[3]) == code);
    assert_row(row, memcmp(p + 4, reason, n) == 0);
}

static void ends_with_a_reason(void **state)
{
    static const struct {
        const char *id, *end, *text, *effect, *reason;
        unsigned code;
        const char *new_policy;
        bool drain;
        int64_t pass_ms;
    } rows[] = {
        {"a new policy", "policy", "a new decision no longer allows it", "deny", "default-deny",
         1008, SHUT, false, 0},
        {"the token's end", "expired", "the proof of identity has expired", "deny", "auth.none",
         1008, NULL, false, 3601 * 1000},
        {"no such app any more", "app-gone", "no app of this name answers to this host any more",
         "deny", "input:host", 1008, GONE, false, 0},
        {"its host is another app's", "app-gone",
         "no app of this name answers to this host any more", "deny", "input:host", 1008, RENAMED,
         false, 0},
        {"no WebSockets any more", "websocket-off", "the app takes no WebSockets any more", "deny",
         "ws.off", 1008, TESTS_POLICY(", websocket: false"), false, 0},
        {"another upstream", "upstream-changed", "the app has another upstream now", "deny",
         "upstream.changed", 1012, ELSEWHERE, false, 0},
        {"a drain", "drain", "postern was shutting down", "allow", "allow", 1001, NULL, true, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_tunnel();
        stage_up_say_bytes(s, 0, "\x81\x02hi", 4);
        stage_settle(s);
        stage_heard(s);
        if (rows[i].new_policy)
            house_swap_policy(s->house, rows[i].new_policy);
        if (rows[i].drain)
            gate_end_all(s->house->gate, END_DRAIN);
        stage_pass(s, rows[i].pass_ms);
        assert_row(rows[i].id, stage_is_closed(s));
        assert_row(rows[i].id, !s->client.is_reset);
        assert_close_frame(rows[i].id, s, 0, rows[i].code, rows[i].text);
        assert_row(rows[i].id, s->up[0].saw_end);
        json_t *r = house_last(s->house);
        assert_text(rows[i].id, member(r, "kind"), "visit.end");
        assert_text(rows[i].id, member(r, "end"), rows[i].end);
        assert_text(rows[i].id, member(r, "decision.effect"), rows[i].effect);
        assert_text(rows[i].id, member(r, "decision.reason"), rows[i].reason);
        stage_close(s);
    }
}

/* A frame of six bytes is on its way down, and three of them are there. */
static struct stage *stage_in_a_frame(void)
{
    struct stage *s = stage_tunnel();
    stage_up_say_bytes(s, 0,
                       "\x81\x06"
                       "abc",
                       5);
    stage_settle(s);
    return s;
}

/* A frame of the app is on its way: ours goes behind it, never into it. */
static void the_frame_is_finished_first(void **state)
{
    struct stage *s = stage_in_a_frame();
    house_swap_policy(s->house, SHUT);
    stage_settle(s);
    assert_false(stage_is_closed(s));
    stage_up_say_bytes(s, 0, "def\x81\x03no!", 8);
    stage_settle(s);
    assert_memory_equal(s->client.heard,
                        "\x81\x06"
                        "abcdef",
                        8);
    assert_close_frame("behind", s, 8, 1008, "a new decision no longer allows it");
    assert_true(stage_is_closed(s));
    assert_string_equal(member(house_last(s->house), "bytes_out"), "8");
    stage_close(s);
}

static void a_frame_that_never_ends(void **state)
{
    struct stage *s = stage_in_a_frame();
    house_swap_policy(s->house, SHUT);
    stage_pass(s, 600);
    assert_false(stage_is_closed(s));
    /* more of the same does not put it off, nor does another decision */
    house_swap_policy(s->house, SHUT);
    stage_up_say(s, 0, "d");
    stage_settle(s);
    stage_pass(s, 300);
    assert_true(stage_is_closed(s));
    assert_int_equal(s->client.n, 6); /* no close frame within a frame */
    assert_string_equal(member(house_last(s->house), "end"), "policy");
    stage_close(s);
}

/* The client is not listened to any more once the visit is ended. */
static void nothing_goes_up_after_the_end(void **state)
{
    struct stage *s = stage_in_a_frame();
    house_swap_policy(s->house, SHUT);
    stage_settle(s);
    stage_say(s, "more");
    stage_settle(s);
    assert_text("up", stage_up_heard(s, 0), "");
    stage_pass(s, 900);
    stage_close(s);
}

static void the_app_has_said_good_bye(void **state)
{
    struct stage *s = stage_tunnel();
    stage_up_say_bytes(s, 0, "\x88\x02\x03\xe8", 4);
    stage_settle(s);
    house_swap_policy(s->house, SHUT);
    stage_pass(s, 900);
    assert_true(stage_is_closed(s));
    assert_int_equal(s->client.n, 4); /* one close frame is enough */
    stage_close(s);
}

static void a_client_that_takes_nothing_at_the_end(void **state)
{
    static char big[1 << 20];
    struct stage *s = stage_tunnel();
    s->client.is_deaf = true;
    memcpy(big, "\x82\x7f\0\0\0\0\0\x0f\xff\xf6", 10);
    stage_up_say_bytes(s, 0, big, sizeof big);
    stage_settle(s);
    assert_true(stage_buffers(s) <= 3);
    house_swap_policy(s->house, SHUT);
    stage_pass(s, 900);
    assert_int_equal(gate_standing(s->house->gate), 0);
    assert_string_equal(member(house_last(s->house), "end"), "policy");
    stage_close(s);
}

static void a_client_that_takes_nothing(void **state)
{
    static char big[1 << 20];
    struct stage *s = stage_tunnel_with(&(struct house_options){.limits = "{client_stall: 5s}\n"});
    s->client.is_deaf = true;
    stage_up_say_bytes(s, 0, big, sizeof big);
    stage_settle(s);
    assert_true(s->up[0].n_unsent > 0);
    stage_pass(s, 4800);
    assert_int_equal(gate_standing(s->house->gate), 1);
    stage_pass(s, 400);
    assert_string_equal(member(house_last(s->house), "end"), "client-stall");
    stage_close(s);
}

static void big_both_ways(void **state)
{
    enum { N = 1 << 20 };
    struct stage *s = stage_tunnel();
    char *down = mem_alloc(N + 1), *up = mem_alloc(N + 1);
    for (size_t i = 0; i < N; i++) {
        down[i] = (char)('a' + i % 19);
        up[i] = (char)('A' + i % 17);
    }
    stage_up_say_bytes(s, 0, down, N);
    stage_say_bytes(s, up, N);
    stage_settle(s);
    assert_int_equal(s->client.n, N);
    assert_int_equal(s->up[0].n, N);
    assert_memory_equal(s->client.heard, down, N);
    assert_memory_equal(s->up[0].heard, up, N);
    free(down);
    free(up);
    stage_close(s);
}

static void an_idle_one_lasts(void **state)
{
    struct stage *s = stage_tunnel();
    for (int i = 0; i < 55; i++)
        stage_pass(s, 60 * 1000);
    assert_false(stage_is_closed(s));
    assert_int_equal(stage_buffers(s), 0);
    stage_say(s, "still here");
    stage_settle(s);
    assert_text("up", stage_up_heard(s, 0), "still here");
    stage_close(s);
}

static void the_table_is_full(void **state)
{
    struct stage *s = stage_tunnel_with(&(struct house_options){.limits = "{long_visits: 1}\n"});
    struct player first = s->client;
    s->client = (struct player){.fd = -1};
    stage_connect(s, 0);
    stage_say(s, OPEN);
    stage_settle(s);
    stage_up_say(s, 1, SWITCH);
    stage_settle(s);
    assert_false(begins(stage_heard(s), "HTTP/1.1 101 "));
    assert_true(s->up[1].saw_end);
    assert_string_equal(member(house_last(s->house), "end"), "visits-full");
    player_finish(&s->client);
    s->client = first;
    stage_close(s);
}

/* A handshake that itself outlasts visit_after stands already when the 101 comes. */
static void a_slow_handshake(void **state)
{
    struct stage *s = stage_open(&(struct house_options){.limits = "{visit_after: 1s}\n"});
    stage_connect(s, 0);
    stage_say(s, OPEN);
    stage_settle(s);
    stage_pass(s, 1200);
    assert_int_equal(gate_standing(s->house->gate), 1);
    stage_up_say(s, 0, SWITCH);
    stage_settle(s);
    assert_true(begins(stage_heard(s), "HTTP/1.1 101 "));
    assert_int_equal(gate_standing(s->house->gate), 1);
    house_swap_policy(s->house, SHUT);
    stage_settle(s);
    assert_close_frame("slow", s, 0, 1008, "a new decision no longer allows it");
    assert_string_equal(member(house_last(s->house), "kind"), "visit.end");
    stage_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake),
        cmocka_unit_test(frames_right_behind_the_handshake),
        cmocka_unit_test(requests_that_are_refused),
        cmocka_unit_test(answers_to_an_upgrade),
        cmocka_unit_test(ends_with_a_reason),
        cmocka_unit_test(the_frame_is_finished_first),
        cmocka_unit_test(a_frame_that_never_ends),
        cmocka_unit_test(nothing_goes_up_after_the_end),
        cmocka_unit_test(the_app_has_said_good_bye),
        cmocka_unit_test(a_client_that_takes_nothing_at_the_end),
        cmocka_unit_test(a_client_that_takes_nothing),
        cmocka_unit_test(big_both_ways),
        cmocka_unit_test(an_idle_one_lasts),
        cmocka_unit_test(the_table_is_full),
        cmocka_unit_test(a_slow_handshake),
    };
    return cmocka_run_group_tests_name("http tunnel", tests, NULL, NULL);
}
