/* Every refusal of requests, as tables; and what is understood of good ones. */
#include "unit.h"
#include "request_rows.h"

#include "proxy/http/fields.h"

struct row {
    const char *id;
    unsigned status;
    const char *refusal;
    str bytes;
};
#define ROW(id, status, refusal, bytes) {id, status, refusal, STR(bytes)},

static unsigned check_row(const struct row *row, size_t step)
{
    char block[8192];
    struct arena arena;
    struct http_request_head head;
    arena_init(&arena, block, sizeof block);
    struct h1_verdict v = feed_request(row->bytes, step, &h1_limits_default, &arena, &head);
    arena_finish(&arena);
    const char *got = v.id ? v.id : "";
    if (v.status == row->status && strcmp(got, row->refusal) == 0)
        return 0;
    print_error("%s (step %zu): %u %s, expected %u %s\n", row->id, step, v.status, got, row->status,
                row->refusal);
    return 1;
}

static void check_rows(const struct row *rows, size_t n)
{
    static const size_t steps[] = {0, 1, 2, 7};
    unsigned wrong = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
            wrong += check_row(&rows[i], steps[s]);
    assert_int_equal(wrong, 0);
}

#define TABLE_TEST(name, list)                                                                     \
    static void name(void **state)                                                                 \
    {                                                                                              \
        static const struct row rows[] = {list};                                                   \
        (void)state;                                                                               \
        check_rows(rows, sizeof rows / sizeof *rows);                                              \
    }
TABLE_TEST(refuses_lines, LINE_ROWS)
TABLE_TEST(refuses_targets, TARGET_ROWS)
TABLE_TEST(refuses_hosts, HOST_ROWS)
TABLE_TEST(refuses_framing, FRAMING_ROWS)
TABLE_TEST(refuses_fields, FIELD_ROWS)
TABLE_TEST(refuses_upgrades, UPGRADE_ROWS)

static void row_ids_are_unique(void **state)
{
    static const struct row rows[] = {
        LINE_ROWS TARGET_ROWS HOST_ROWS FRAMING_ROWS FIELD_ROWS UPGRADE_ROWS};
    (void)state;
    size_t n = sizeof rows / sizeof *rows;
    assert_true(n >= 250);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(rows[i].id, rows[j].id);
}

/* A request whose parts have the sizes asked for. */
static str sized(struct arena *a, size_t line, size_t field, size_t fields)
{
    size_t path = line - strlen("GET / HTTP/1.1");
    char *text = arena_text(a, line + (field + 2) * fields + 64), *at = text;
    at += sprintf(at, "GET /");
    memset(at, 'p', path);
    at += path;
    at += sprintf(at, " HTTP/1.1\r\nHost: a\r\n");
    for (size_t i = 0; i < fields; i++) {
        memcpy(at, "X: ", 3);
        memset(at + 3, 'v', field - 3);
        at += field;
        *at++ = '\r';
        *at++ = '\n';
    }
    at += sprintf(at, "\r\n");
    return (str){text, (size_t)(at - text)};
}

static void sizes_at_the_edge_and_one_over(void **state)
{
    static const struct {
        const char *id;
        size_t line, field, fields;
        unsigned status;
        const char *refusal;
    } rows[] = {
        {"line-edge", 8192, 10, 1, 0, ""},
        {"line-over", 8193, 10, 1, 414, "line.long"},
        {"field-edge", 20, 20480, 1, 0, ""},
        {"field-over", 20, 20481, 1, 431, "head.field-long"},
        {"fields-count-edge", 20, 10, 99, 0, ""},
        {"fields-count-over", 20, 10, 100, 431, "head.fields-many"},
        /* Host: a and its CRLF are 9 bytes of the 65536. */
        {"fields-bytes-edge", 20, 13103, 5, 0, ""},
        {"fields-bytes-over", 20, 13104, 5, 431, "head.fields-long"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t step = 0; step <= 1009; step += 1009) {
            struct arena arena;
            struct http_request_head head;
            arena_init(&arena, NULL, 0);
            str bytes = sized(&arena, rows[i].line, rows[i].field, rows[i].fields);
            struct h1_verdict v = feed_request(bytes, step, &h1_limits_default, &arena, &head);
            if (v.status != rows[i].status || strcmp(v.id ? v.id : "", rows[i].refusal) != 0)
                fail_msg("%s: %u %s", rows[i].id, v.status, v.id ? v.id : "");
            arena_finish(&arena);
        }
    }
}

static void limits_refuse_before_the_line_ends(void **state)
{
    struct h1_scan scan = {.limits = &h1_limits_default};
    size_t n = 9000;
    char *endless = malloc(n);
    (void)state;
    memset(endless, 'a', n);
    memcpy(endless, "GET /", 5);
    assert_int_equal(h1_head_end(endless, 8192, &scan), H1_SCAN_MORE);
    assert_int_equal(h1_head_end(endless, 8193, &scan), H1_SCAN_BAD);
    assert_int_equal(scan.verdict.status, 414);
    free(endless);
}

static void zero_limits_refuse(void **state)
{
    static const struct h1_limits none;
    struct h1_scan scan = {.limits = &none};
    (void)state;
    assert_int_equal(h1_head_end("GET / HTTP/1.1\r\n\r\n", 18, &scan), H1_SCAN_BAD);
}

static void parse(const char *text, struct arena *a, struct http_request_head *out)
{
    struct h1_verdict v = feed_request(str_of(text), 0, &h1_limits_default, a, out);
    if (v.status || v.id)
        fail_msg("%s: %s", text, v.id);
}

static void understands_a_request(void **state)
{
    char block[8192];
    struct arena a;
    struct http_request_head r;
    (void)state;
    arena_init(&a, block, sizeof block);
    parse("POST https://APP.example.:8443/a%20b?x=1&y HTTP/1.1\r\nHost: App.Example:8443\r\n"
          "Authorization: Bearer abc\r\nCookie: a=1\r\nCookie:  b=2 \r\nAccept:text/html\r\n"
          "Expect: 100-continue\r\nContent-Length: 7\r\nUser-Agent: x\r\n\r\n",
          &a, &r);
    assert_int_equal(r.method_id, METHOD_POST);
    assert_str(r.host, STR("app.example"));
    assert_int_equal(r.port, 8443);
    assert_str(r.path_raw, STR("/a%20b"));
    assert_str(r.query, STR("x=1&y"));
    assert_str(r.authorization, STR("Bearer abc"));
    assert_str(r.cookie, STR("a=1; b=2"));
    assert_str(r.accept, STR("text/html"));
    assert_true(r.is_absolute && r.keep_alive && r.expects_continue);
    assert_int_equal(r.framing, FRAMING_LENGTH);
    assert_int_equal(r.content_length, 7);
    assert_int_equal(r.n_fields, 8);
    assert_null(r.origin.p);
    assert_int_equal(a.heap_bytes, 0);
    arena_finish(&a);
}

static void understands_corners(void **state)
{
    char block[8192];
    struct arena a;
    struct http_request_head r;
    (void)state;
    arena_init(&a, block, sizeof block);
    parse("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", &a, &r);
    assert_str(r.path_raw, STR("/"));
    assert_null(r.query.p);
    parse("GET /? HTTP/1.1\r\nHost: [2001:DB8:0::1]:1\r\n\r\n", &a, &r);
    assert_str(r.host, STR("[2001:db8::1]"));
    assert_true(r.query.p && r.query.n == 0);
    parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", &a, &r);
    assert_true(r.is_asterisk);
    parse("GET / HTTP/1.0\r\nHost: h\r\n\r\n", &a, &r);
    assert_false(r.keep_alive);
    parse("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", &a, &r);
    assert_true(r.keep_alive);
    parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\n", &a, &r);
    assert_false(r.keep_alive);
    parse("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n", &a, &r);
    assert_false(r.wants_upgrade_websocket);
    parse("GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n", &a, &r);
    assert_false(r.expects_continue);
    arena_finish(&a);
}

static void refused_request_is_empty(void **state)
{
    struct arena a;
    struct http_request_head r;
    (void)state;
    arena_init(&a, NULL, 0);
    str bytes = STR("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n");
    assert_int_equal(h1_request_parse(bytes, &h1_limits_default, &a, &r).status, 400);
    assert_int_equal(r.n_fields, 0);
    assert_null(r.method.p);
    assert_int_equal(h1_request_parse(STR(""), &h1_limits_default, &a, &r).status, 400);
    assert_int_equal(h1_request_parse(STR("\r\n"), &h1_limits_default, &a, &r).status, 400);
    /* Bytes after the head are not this head's. */
    str more = STR("GET / HTTP/1.1\r\nHost: h\r\n\r\nx");
    assert_string_equal(h1_request_parse(more, &h1_limits_default, &a, &r).id, "head.end");
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_lines),
        cmocka_unit_test(refuses_targets),
        cmocka_unit_test(refuses_hosts),
        cmocka_unit_test(refuses_framing),
        cmocka_unit_test(refuses_fields),
        cmocka_unit_test(refuses_upgrades),
        cmocka_unit_test(row_ids_are_unique),
        cmocka_unit_test(sizes_at_the_edge_and_one_over),
        cmocka_unit_test(limits_refuse_before_the_line_ends),
        cmocka_unit_test(zero_limits_refuse),
        cmocka_unit_test(understands_a_request),
        cmocka_unit_test(understands_corners),
        cmocka_unit_test(refused_request_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
