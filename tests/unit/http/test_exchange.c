/* Exchanges from the first byte to the record: who gets what, and what is written down. */
#include "stage.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../net/testcert.h"
#include "base/encode.h"

static struct stage *plain_stage(void)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    stage_connect(s, 0);
    return s;
}

static void one_request(void **state)
{
    struct stage *s = plain_stage();
    stage_say(s, GET("/x?a=b"));
    stage_settle(s);
    assert_int_equal(s->n_up, 1);
    assert_text("up", stage_up_heard(s, 0), UP_GET("/x?a=b"));
    assert_text("nothing yet", stage_heard(s), "");
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("answer", stage_heard(s), OK_3_SEEN);
    assert_false(stage_is_closed(s));
    json_t *r = house_last(s->house);
    assert_string_equal(member(r, "end"), "complete");
    assert_string_equal(member(r, "status"), "200");
    assert_string_equal(member(r, "bytes_out"), "3");
    assert_string_equal(member(r, "upstream.status"), "200");
    assert_string_equal(member(r, "upstream.reused"), "false");
    assert_string_equal(member(r, "client.address"), "198.51.100.7");
    /* the connections on both sides serve the next one */
    stage_say(s, GET("/y"));
    stage_settle(s);
    assert_int_equal(s->n_up, 1);
    assert_text("up again", stage_up_heard(s, 0), UP_GET("/y"));
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("answer again", stage_heard(s), OK_3_SEEN);
    assert_string_equal(member(house_last(s->house), "upstream.reused"), "true");
    assert_int_equal(json_array_size(house_log(s->house)), 2);
    stage_close(s);
}

/* ---- answers of ours ---- */

static void own_answers(void **state)
{
    static const struct {
        const char *id, *request;
        size_t listener;
        const char *want; /* the beginning */
        const char *holds;
        const char *reason; /* NULL: not recorded */
        const char *end;
        const char *effect;
    } rows[] = {
        {"health", "GET /.postern/health HTTP/1.1\r\nHost: anything\r\n\r\n", 0,
         "HTTP/1.1 200 OK\r\n", "\r\n\r\nok\n", NULL, NULL},
        {"health by HTTP/1.0", "GET /.postern/health HTTP/1.0\r\nHost: x\r\n\r\n", 0,
         "HTTP/1.1 200 OK\r\n", "Connection: close\r\n", NULL, NULL},
        {"health needs no policy of the host", "HEAD /.postern/health HTTP/1.1\r\nHost: x\r\n\r\n",
         0, "HTTP/1.1 200 OK\r\n", "Content-Length: 3\r\n\r\n", NULL, NULL},
        {"other pages of ours", "GET /.postern/x HTTP/1.1\r\n" HOST "\r\n", 0,
         "HTTP/1.1 404 Not Found\r\n", "", "input:path", "refused", "deny"},
        {"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0, "HTTP/1.1 204 No Content\r\n", "",
         "options-asterisk", "own-answer", "own"},
        {"redirect", "GET /a?b=c HTTP/1.1\r\nHost: Inventory.example:80\r\n\r\n", 2,
         "HTTP/1.1 308 Permanent Redirect\r\n", "\r\nLocation: https://inventory.example/a?b=c\r\n",
         "redirect", "own-answer", "own"},
        {"redirect, a host that is not ours", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 2,
         "HTTP/1.1 421 Misdirected Request\r\n", "", "input:host", "refused", "deny"},
        {"redirect forwards nobody", "GET /x HTTP/1.1\r\n" HOST "@staff\r\n", 2,
         "HTTP/1.1 308 Permanent Redirect\r\n", "", "redirect", "own-answer", "own"},
    };
    static const char listeners[] = "  - {address: \"127.0.0.1:8080\"}\n"
                                    "  - {address: \"127.0.0.1:8081\"}\n"
                                    "  - {address: \"127.0.0.1:8082\", redirect: https}\n";
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_open(&(struct house_options){.listeners = listeners});
        stage_connect(s, rows[i].listener);
        stage_say(s, rows[i].request);
        stage_settle(s);
        const char *heard = stage_heard(s);
        if (!begins(heard, rows[i].want) || !strstr(heard, rows[i].holds))
            print_error("%s\n", heard);
        assert_row(rows[i].id, begins(heard, rows[i].want));
        assert_row(rows[i].id, strstr(heard, rows[i].holds) != NULL);
        assert_row(rows[i].id, s->n_up == 0);
        if (rows[i].reason) {
            json_t *r = house_last(s->house);
            assert_text(rows[i].id, member(r, "decision.reason"), rows[i].reason);
            assert_text(rows[i].id, member(r, "end"), rows[i].end);
            assert_text(rows[i].id, member(r, "decision.effect"), rows[i].effect);
            bool is_own = strcmp(rows[i].effect, "own") == 0;
            assert_row(rows[i].id, atomic_load(&s->house->counters.own_answers) == is_own);
            assert_row(rows[i].id, atomic_load(&s->house->counters.refused) == !is_own);
            assert_row(rows[i].id, atomic_load(&s->house->counters.allowed) == 0);
        } else {
            assert_row(rows[i].id, json_array_size(house_log(s->house)) == 0);
        }
        stage_close(s);
    }
}

static void health_while_draining(void **state)
{
    struct stage *s = plain_stage();
    http_drain(s->http);
    stage_say(s, "GET /.postern/health HTTP/1.1\r\nHost: x\r\n\r\n");
    stage_settle(s);
    assert_true(begins(stage_heard(s), "HTTP/1.1 503 "));
    assert_true(stage_is_closed(s));
    stage_close(s);
}

static void pages_for_people_problems_for_programs(void **state)
{
    static const struct {
        const char *id, *fields;
        bool is_page;
    } rows[] = {
        {"a person", "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n", true},
        {"an older browser", "Accept: text/html,*/*;q=0.8\r\n", true},
        {"a program", "Accept: */*\r\n", false},
        {"a script in a page", "Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n", false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = plain_stage();
        stage_say(s, "GET /x HTTP/1.1\r\n" HOST);
        stage_say(s, rows[i].fields);
        stage_say(s, "@guest\r\n");
        stage_settle(s);
        const char *heard = stage_heard(s);
        assert_row(rows[i].id, begins(heard, "HTTP/1.1 403 "));
        assert_row(rows[i].id, (strstr(heard, "text/html") != NULL) == rows[i].is_page);
        assert_row(rows[i].id,
                   (strstr(heard, "application/problem+json") != NULL) != rows[i].is_page);
        /* the reason and the request id that the log has */
        assert_row(rows[i].id, strstr(heard, "default-deny") != NULL);
        assert_row(rows[i].id, strstr(heard, "X-Request-Id: ID\r\n") != NULL);
        assert_false(stage_is_closed(s));
        stage_close(s);
    }
}

/* Of the app only those hear who proved who they are. */
static void names_for_those_who_are_known(void **state)
{
    static const char policy[] =
        TESTS_POLICY(", title: \"Plans of the vault\", owner: \"ops@corp.example\"");
    for (int known = 0; known < 2; known++) {
        struct stage *s = stage_open(&(struct house_options){.policy = policy});
        stage_connect(s, 0);
        stage_say(s, known ? "GET /x HTTP/1.1\r\n" HOST "@guest\r\n"
                           : "GET /x HTTP/1.1\r\n" HOST "\r\n");
        stage_settle(s);
        const char *heard = stage_heard(s);
        assert_int_equal(strstr(heard, "Plans of the vault") != NULL, known);
        assert_int_equal(strstr(heard, "ops@corp.example") != NULL, known);
        stage_close(s);
    }
}

static void preflights(void **state)
{
#define PREFLIGHT(origin, more)                                                                    \
    "OPTIONS /x HTTP/1.1\r\n" HOST "Origin: " origin                                               \
    "\r\nAccess-Control-Request-Method: PUT\r\n" more "\r\n"
    static const struct {
        const char *id, *cors, *request, *want, *holds, *reason;
    } rows[] = {
        {"listed", ", cors: {origins: [\"https://a.example\"], methods: [PUT]}",
         PREFLIGHT("https://a.example", ""), "HTTP/1.1 204 ",
         "\r\nAccess-Control-Allow-Origin: https://a.example\r\n"
         "Access-Control-Allow-Methods: PUT\r\n",
         "cors-preflight"},
        {"not listed", ", cors: {origins: [\"https://a.example\"]}",
         PREFLIGHT("https://b.example", ""), "HTTP/1.1 403 ", "", "cors.origin"},
        {"a longer name", ", cors: {origins: [\"https://a.example\"]}",
         PREFLIGHT("https://a.example.evil.example", ""), "HTTP/1.1 403 ", "", "cors.origin"},
        {"an app without cors", "", PREFLIGHT("https://a.example", ""), "HTTP/1.1 401 ", "",
         "auth.none"},
        {"no preflight", ", cors: {origins: [\"https://a.example\"]}",
         "OPTIONS /x HTTP/1.1\r\n" HOST "Origin: https://a.example\r\n\r\n", "HTTP/1.1 401 ",
         "\r\nAccess-Control-Allow-Origin: https://a.example\r\n", "auth.none"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = stage_open_app(rows[i].cors);
        stage_say(s, rows[i].request);
        stage_settle(s);
        const char *heard = stage_heard(s);
        if (!begins(heard, rows[i].want) || !strstr(heard, rows[i].holds))
            print_error("%s\n", heard);
        assert_row(rows[i].id, begins(heard, rows[i].want));
        assert_row(rows[i].id, strstr(heard, rows[i].holds) != NULL);
        assert_row(rows[i].id, s->n_up == 0);
        json_t *r = house_last(s->house);
        bool is_ours = strcmp(rows[i].reason, "cors-preflight") == 0;
        assert_text(rows[i].id, member(r, "decision.reason"), rows[i].reason);
        assert_text(rows[i].id, member(r, "decision.effect"), is_ours ? "own" : "deny");
        stage_close(s);
    }
}

static void own_answers_wait_for_room(void **state)
{
    struct stage *s = plain_stage();
    size_t all = house_fill_ring(s->house);
    stage_say(s, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n");
    stage_settle(s);
    assert_text("waits", stage_heard(s), "");
    audit_release(s->house->ring, all);
    house_sync(s->house);
    stage_settle(s);
    assert_true(begins(stage_heard(s), "HTTP/1.1 204 "));
    assert_string_equal(member(house_last(s->house), "decision.effect"), "own");
    stage_close(s);
}

static void the_id_is_the_same_everywhere(void **state)
{
    struct stage *s = plain_stage();
    stage_say(s, GET("/x"));
    stage_settle(s);
    char *at = strstr(s->up[0].heard, "X-Request-Id: ");
    assert_non_null(at);
    char id[VISIT_ID_CHARS + 1] = "";
    memcpy(id, at + 14, VISIT_ID_CHARS);
    stage_up_say(s, 0, OK_3 "x"); /* a 502 of ours tells it to the client */
    stage_settle(s);
    assert_non_null(strstr(s->client.heard, id));
    assert_string_equal(member(house_last(s->house), "id"), id);
    stage_close(s);
}

static void the_admin_listener(void **state)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    stage_connect_as(s, HTTP_ROLE_ADMIN, 0);
    stage_say(s, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    stage_settle(s);
    assert_non_null(strstr(stage_heard(s), "\r\n\r\nGET /metrics\n"));
    stage_say(s, "junk\r\n\r\n");
    stage_settle(s);
    assert_true(stage_is_closed(s));
    stage_connect_as(s, HTTP_ROLE_ADMIN, 0);
    stage_say(s, "GET /metrics HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
    stage_settle(s);
    assert_true(stage_is_closed(s));
    assert_int_equal(json_array_size(house_log(s->house)), 0);
    stage_close(s);
}

/* ---- the gate takes its time ---- */

static void a_key_that_is_fetched(void **state)
{
    struct stage *s = plain_stage();
    stage_say(s, "GET /x HTTP/1.1\r\n" HOST "@late\r\n" GET("/y"));
    stage_settle(s);
    assert_int_equal(s->n_up, 0);
    assert_int_equal(s->house->asked, 1);
    house_swap_keys(s->house, 1, "new", NULL);
    http_swap(s->http);
    gate_keys_answered(s->house->gate, 1);
    stage_settle(s);
    assert_text("first", stage_up_heard(s, 0), UP_GET("/x"));
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("second", stage_up_heard(s, 0), UP_GET("/y"));
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("both", stage_heard(s), OK_3_SEEN OK_3_SEEN);
    stage_close(s);
}

static void a_body_waits_with_its_request(void **state)
{
    struct stage *s = plain_stage();
    stage_say(s, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 6\r\n@late\r\nabc");
    stage_settle(s);
    stage_say(s, "def");
    stage_settle(s);
    house_swap_keys(s->house, 1, "new", NULL);
    gate_keys_answered(s->house->gate, 1);
    stage_settle(s);
    assert_text("whole", stage_up_heard(s, 0), UP("POST /x", "") "Content-Length: 6\r\n\r\nabcdef");
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_end("whole", s, "complete", "200");
    stage_close(s);
}

static void the_client_leaves_while_the_gate_waits(void **state)
{
    struct stage *s = plain_stage();
    stage_say(s, "GET /x HTTP/1.1\r\n" HOST "@late\r\n");
    stage_settle(s);
    stage_hang_up(s);
    stage_settle(s);
    assert_end("gone", s, "client-abort", "0");
    assert_string_equal(member(house_last(s->house), "decision.effect"), "none");
    gate_keys_answered(s->house->gate, 1);
    stage_settle(s);
    assert_int_equal(s->n_up, 0);
    stage_close(s);
}

static void a_key_that_never_comes(void **state)
{
    struct stage *s = plain_stage();
    stage_say(s, "GET /x HTTP/1.1\r\n" HOST "@late\r\n");
    stage_settle(s);
    stage_pass(s, 12000);
    assert_true(begins(stage_heard(s), "HTTP/1.1 401 "));
    assert_false(stage_is_closed(s));
    assert_end("no key", s, "refused", "401");
    stage_close(s);
}

/* `always`: nothing goes up before the record is on disk. */
static void on_disk_before_the_app_hears(void **state)
{
    struct stage *s = stage_open(&(struct house_options){.is_always = true});
    stage_connect(s, 0);
    stage_say(s, GET("/x"));
    for (int i = 0; i < 10; i++)
        loop_turn(s->house->loop, false);
    assert_int_equal(accept(s->listener, NULL, NULL), -1);
    json_t *open = house_last(s->house); /* the writer's turn */
    assert_string_equal(member(open, "kind"), "request.open");
    stage_settle(s);
    assert_int_equal(s->n_up, 1);
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("answer", stage_heard(s), OK_3_SEEN);
    assert_string_equal(member(house_last(s->house), "kind"), "request.close");
    stage_close(s);
}

static void no_record_no_access(void **state)
{
    struct stage *s = plain_stage();
    size_t all = house_fill_ring(s->house);
    stage_say(s, GET("/x"));
    stage_settle(s);
    assert_int_equal(s->n_up, 0);
    assert_text("waits", stage_heard(s), "");
    stage_pass(s, 400);
    const char *heard = stage_heard(s);
    assert_true(begins(heard, "HTTP/1.1 503 "));
    assert_non_null(strstr(heard, "\r\nRetry-After: 1\r\n"));
    assert_int_equal(s->n_up, 0);
    audit_release(s->house->ring, all);
    assert_end("busy", s, "refused", "503");
    stage_close(s);
}

/* ---- long visits ---- */

static struct stage *streaming_stage(const struct house_options *o)
{
    struct stage *s = stage_open(o);
    stage_connect(s, 0);
    stage_say(s, GET("/events"));
    stage_settle(s);
    stage_up_say(s, 0, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
    stage_settle(s);
    stage_heard(s);
    return s;
}

static void a_stream_stands_after_a_while(void **state)
{
    struct stage *s = streaming_stage(&(struct house_options){.limits = NULL});
    stage_pass(s, 9900);
    assert_int_equal(gate_standing(s->house->gate), 0);
    assert_int_equal(json_array_size(house_log(s->house)), 0);
    stage_pass(s, 300);
    assert_int_equal(gate_standing(s->house->gate), 1);
    assert_string_equal(member(house_last(s->house), "kind"), "request.open");
    stage_up_say(s, 0, "data: 2\n\n");
    stage_settle(s);
    assert_text("goes on", stage_heard(s), "9\r\ndata: 2\n\n\r\n");
    stage_up_hang_up(s, 0);
    stage_settle(s);
    assert_text("ends", stage_heard(s), "0\r\n\r\n");
    assert_false(stage_is_closed(s));
    json_t *r = house_last(s->house);
    assert_string_equal(member(r, "end"), "complete");
    assert_string_equal(member(r, "bytes_out"), "18");
    assert_string_equal(member(r, "policy.generation"), "1");
    assert_non_null(strstr(member(r, "upstream.address"), "app.sock"));
    stage_close(s);
}

static void what_ends_a_stream(void **state)
{
    static const struct {
        const char *id, *end, *effect, *new_policy;
        bool drain;
        int64_t pass_ms;
        int64_t n_displaced;
    } rows[] = {
        {"a new policy", "policy", "deny", SHUT, false, 200, 0},
        {"the token's end", "expired", "deny", NULL, false, 3600 * 1000, 0},
        {"no such app any more", "app-gone", "deny", GONE, false, 0, 1},
        {"its host is another app's", "app-gone", "deny", RENAMED, false, 0, 1},
        {"another upstream", "upstream-changed", "deny", ELSEWHERE, false, 0, 1},
        {"a drain", "drain", "allow", NULL, true, 0, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct stage *s = streaming_stage(&(struct house_options){.limits = NULL});
        stage_pass(s, 11000);
        assert_row(rows[i].id, gate_standing(s->house->gate) == 1);
        if (rows[i].new_policy)
            house_swap_policy(s->house, rows[i].new_policy);
        if (rows[i].drain)
            gate_end_all(s->house->gate, END_DRAIN);
        stage_pass(s, rows[i].pass_ms);
        assert_row(rows[i].id, stage_is_closed(s));
        /* cut, not ended as if it were whole */
        assert_text(rows[i].id, stage_heard(s), "");
        assert_row(rows[i].id, s->up[0].saw_end);
        assert_end(rows[i].id, s, rows[i].end, "200");
        assert_text(rows[i].id, member(house_last(s->house), "decision.effect"), rows[i].effect);
        assert_row(rows[i].id,
                   atomic_load(&s->house->counters.visits_displaced) == rows[i].n_displaced);
        stage_close(s);
    }
}

/* WebSockets are off: that is nothing to a stream. */
static void what_a_stream_outlives(void **state)
{
    struct stage *s = streaming_stage(&(struct house_options){.limits = NULL});
    stage_pass(s, 11000);
    house_swap_policy(s->house, TESTS_POLICY(", websocket: false"));
    stage_pass(s, 200);
    stage_up_say(s, 0, "data: 2\n\n");
    stage_settle(s);
    assert_text("goes on", stage_heard(s), "9\r\ndata: 2\n\n\r\n");
    stage_close(s);
}

/* A request that began under the old rules and is short goes on by them; one that lasts is looked
 * at when it comes to stand. */
static void rules_change_under_way(void **state)
{
    struct stage *s = streaming_stage(&(struct house_options){.limits = NULL});
    house_swap_policy(s->house, SHUT);
    stage_pass(s, 5000);
    assert_false(stage_is_closed(s));
    stage_pass(s, 5300);
    stage_pass(s, 200);
    assert_true(stage_is_closed(s));
    assert_end("stands and is refused", s, "policy", "200");
    stage_close(s);
}

static void a_full_table(void **state)
{
    struct stage *s =
        streaming_stage(&(struct house_options){.limits = "{long_visits: 1, visit_after: 1s}\n"});
    stage_pass(s, 1200);
    assert_int_equal(gate_standing(s->house->gate), 1);
    struct player first = s->client;
    s->client = (struct player){.fd = -1};
    stage_connect(s, 0);
    stage_say(s, GET("/slow"));
    stage_settle(s);
    stage_pass(s, 1200);
    assert_true(begins(stage_heard(s), "HTTP/1.1 503 "));
    assert_end("full", s, "visits-full", "503");
    player_finish(&s->client);
    s->client = first;
    stage_close(s);
}

/* A connect that takes longer than visit_after: the head is written from the app's settings, which
 * a standing visit has let go. */
static void dial_slowly(bool answers)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t n = sizeof sa;
    char policy[1024], pin[48];
    struct testcert cert;
    struct fail f = {0};
    size_t pin_n;
    testcert_make(&cert, "app", "IP:127.0.0.1", NULL);
    base64_encode((str){(const char *)cert.pin, 32}, pin, &pin_n);
    int app = socket(AF_INET, SOCK_STREAM, 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(app, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(app, 4), 0);
    assert_int_equal(getsockname(app, (struct sockaddr *)&sa, &n), 0);
    snprintf(policy, sizeof policy,
             "version: 1\napps:\n  - {name: inventory, host: inventory.example, upstream: "
             "\"https://127.0.0.1:%u\", timeouts: {connect: 5s}, tls: {pin: "
             "[\"sha256:%.*s\"]}}\nrules:\n  - {id: staff, effect: allow, who: {groups: "
             "[staff]}, to: {apps: [inventory]}}\n",
             ntohs(sa.sin_port), (int)pin_n, pin);
    struct stage *s =
        stage_open(&(struct house_options){.limits = "{visit_after: 1s}\n", .policy = policy});
    stage_connect(s, 0);
    stage_say(s, GET("/x"));
    stage_settle(s);
    for (int i = 0; i < 30; i++)
        stage_pass(s, 100);
    assert_text("still on its way", stage_heard(s), "");
    int fd = accept4(app, NULL, NULL, SOCK_NONBLOCK);
    assert_true(fd >= 0);
    if (answers) {
        struct tls_cert tls_cert = {cert.cert_pem, cert.key_pem, STR("app")};
        struct tls_server *tls =
            tls_server_create(&(struct tls_server_options){.certs = &tls_cert, .n_certs = 1}, &f);
        struct iovec iov = {(void *)(uintptr_t)OK_3, sizeof OK_3 - 1};
        static char heard[65536];
        struct io io;
        ssize_t got = 0;
        assert_true(io_open_server(&io, s->house->loop, fd, tls, &f));
        for (int i = 0; i < 1000 && got <= 0; i++) {
            if (io_handshake(&io) == IO_DONE)
                got = io_read(&io, heard, sizeof heard - 1);
            io_flush(&io);
            stage_settle(s);
        }
        assert_true(got > 0);
        assert_true(begins(heard, "GET /x HTTP/1.1\r\n"));
        stage_pass(s, 1200);
        assert_int_equal(gate_standing(s->house->gate), 1); /* now it stands */
        assert_true(io_writev(&io, &iov, 1) > 0);
        for (int i = 0; i < 100 && s->client.n == 0; i++)
            stage_settle(s);
        assert_true(begins(stage_heard(s), "HTTP/1.1 200 OK\r\n"));
        assert_end("late", s, "complete", "200");
        io_finish(&io);
        tls_server_unref(&tls);
    } else {
        for (int i = 0; i < 25; i++)
            stage_pass(s, 100);
        assert_true(begins(stage_heard(s), "HTTP/1.1 504 "));
        assert_end("slow", s, "upstream-slow", "504");
    }
    close(fd);
    close(app);
    for (int i = 0; i < 100 && atomic_load(&s->house->counters.upstream_idle); i++)
        stage_settle(s);
    stage_close(s);
    testcert_finish(&cert);
}

static void a_dial_that_outlasts_visit_after(void **state)
{
    dial_slowly(false);
    dial_slowly(true);
}

/* ---- apps of other kinds ---- */

static void apps_that_are_not_served_here(void **state)
{
    struct stage *s = stage_open(&(struct house_options){
        .policy = "version: 1\napps:\n  - {name: inventory, host: inventory.example, upstream: "
                  "\"tcp://127.0.0.1:22\"}\nrules:\n  - {id: staff, effect: allow, who: {groups: "
                  "[staff]}, to: {apps: [inventory]}}\n"});
    stage_connect(s, 0);
    stage_say(s, GET("/x"));
    stage_settle(s);
    assert_true(begins(stage_heard(s), "HTTP/1.1 501 "));
    assert_end("tcp", s, "unsupported", "501");
    stage_close(s);
}

static void headers_that_cannot_be_carried(void **state)
{
    struct stage *s = stage_open(&(struct house_options){
        .policy = "version: 1\napps:\n  - {name: inventory, host: inventory.example, upstream: "
                  "\"unix:APP_SOCKET\", identity: {headers: {X-User: email, X-Note: note}}}\n"
                  "rules:\n  - {id: staff, effect: allow, who: {groups: [staff]}, to: {apps: "
                  "[inventory]}}\n"});
    stage_connect(s, 0);
    const char *bearer = house_bearer("kim", STAFF ",\"note\":[\"a,b\"]");
    for (int i = 0; i < 2; i++) {
        stage_say(s, "GET /x HTTP/1.1\r\n" HOST "X-Note: forged\r\nAuthorization: ");
        stage_say(s, bearer);
        stage_say(s, "\r\n\r\n");
        stage_settle(s);
        if (i == 1) { /* asked again on a fresh connection: still one header */
            stage_up_hang_up(s, 0);
            stage_settle(s);
        }
        assert_null(strstr(stage_up_heard(s, s->n_up - 1), "X-Note"));
        stage_up_say(s, s->n_up - 1, OK_3);
        stage_settle(s);
        assert_string_equal(member(house_last(s->house), "headers_left_out"), "1");
    }
    stage_close(s);
}

static void spoof_attempts_are_counted(void **state)
{
    struct stage *s = plain_stage();
    stage_say(s, "GET /x HTTP/1.1\r\n" HOST "X-Auth-Request-Email: root\r\nRemote-User: root\r\n"
                 "@staff\r\n");
    stage_settle(s);
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_string_equal(member(house_last(s->house), "spoof_attempts"), "2");
    assert_int_equal(atomic_load(&s->house->counters.spoof_attempts), 2);
    stage_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request),
        cmocka_unit_test(own_answers),
        cmocka_unit_test(health_while_draining),
        cmocka_unit_test(pages_for_people_problems_for_programs),
        cmocka_unit_test(names_for_those_who_are_known),
        cmocka_unit_test(preflights),
        cmocka_unit_test(own_answers_wait_for_room),
        cmocka_unit_test(the_id_is_the_same_everywhere),
        cmocka_unit_test(the_admin_listener),
        cmocka_unit_test(a_key_that_is_fetched),
        cmocka_unit_test(a_body_waits_with_its_request),
        cmocka_unit_test(the_client_leaves_while_the_gate_waits),
        cmocka_unit_test(a_key_that_never_comes),
        cmocka_unit_test(on_disk_before_the_app_hears),
        cmocka_unit_test(no_record_no_access),
        cmocka_unit_test(a_stream_stands_after_a_while),
        cmocka_unit_test(what_ends_a_stream),
        cmocka_unit_test(what_a_stream_outlives),
        cmocka_unit_test(rules_change_under_way),
        cmocka_unit_test(a_full_table),
        cmocka_unit_test(a_dial_that_outlasts_visit_after),
        cmocka_unit_test(apps_that_are_not_served_here),
        cmocka_unit_test(headers_that_cannot_be_carried),
        cmocka_unit_test(spoof_attempts_are_counted),
    };
    return cmocka_run_group_tests_name("http exchange", tests, NULL, NULL);
}
