/* Client connections under TLS: the same requests, and what only TLS has. */
#include "stage.h"

#include <unistd.h>

#include "../net/testcert.h"

static struct testcert cert;

struct secure {
    struct stage *stage;
    struct tls_client *tls;
    struct io io;
    char heard[65536];
    size_t n;
    bool is_open, saw_end;
};

static int make_cert(void **state)
{
    testcert_make(&cert, "inventory.example", "DNS:inventory.example", NULL);
    return 0;
}

static int drop_cert(void **state)
{
    testcert_finish(&cert);
    return 0;
}

static void secure_stage(struct secure *t)
{
    memset(t, 0, sizeof *t);
    t->stage = stage_open(&(struct house_options){
        .listeners = "  - {address: \"127.0.0.1:8443\", tls: {certificates: [{cert: cert.pem, "
                     "key: key.pem}]}}\n",
        .limits = "{handshake_timeout: 2s}\n",
        .cert_pem = cert.cert_pem.p,
        .key_pem = cert.key_pem.p});
    stage_connect(t->stage, 0);
}

static void turn(struct secure *t)
{
    for (int i = 0; i < 20; i++) {
        stage_settle(t->stage);
        if (!t->is_open)
            t->is_open = io_handshake(&t->io) == IO_DONE;
        io_flush(&t->io);
        if (!t->is_open || t->saw_end)
            continue;
        ssize_t n = io_read(&t->io, t->heard + t->n, sizeof t->heard - 1 - t->n);
        if (n > 0)
            t->n += (size_t)n;
        else if (n == IO_EOF || n == IO_ERROR)
            t->saw_end = true;
    }
}

static void shake_hands(struct secure *t)
{
    struct tls_client_options o = {.verify = TLS_VERIFY_NONE};
    struct fail f = {0};
    t->tls = tls_client_create(&o, &f);
    t->stage->client.is_deaf = true; /* its bytes are ours to read */
    assert_true(io_open_client(&t->io, t->stage->house->loop, t->stage->client.fd, t->tls,
                               STR("inventory.example"), &f));
    turn(t);
    assert_true(t->is_open);
}

/* "@staff" is understood as on a stage. */
static void say(struct secure *t, const char *text)
{
    char all[16384];
    const char *at = strstr(text, "@staff");
    int n = at ? snprintf(all, sizeof all, "%.*sAuthorization: %s\r\n%s", (int)(at - text), text,
                          house_bearer("kim", STAFF), at + 6)
               : snprintf(all, sizeof all, "%s", text);
    struct iovec iov = {all, (size_t)n};
    assert_int_equal(io_writev(&t->io, &iov, 1), n);
    turn(t);
}

static const char *heard(struct secure *t)
{
    t->heard[t->n] = '\0';
    t->n = 0;
    return t->heard;
}

static void secure_close(struct secure *t)
{
    io_finish(&t->io);
    tls_client_unref(&t->tls);
    stage_close(t->stage);
}

static void a_request(void **state)
{
    struct secure t;
    secure_stage(&t);
    shake_hands(&t);
    say(&t, GET("/x"));
    const char *up = stage_up_heard(t.stage, 0);
    assert_non_null(strstr(up, "\r\nX-Forwarded-Proto: https\r\n"));
    stage_up_say(t.stage, 0, OK_3);
    turn(&t);
    assert_string_equal(heard(&t), "HTTP/1.1 200 OK\r\n" ADDED
                                   "Strict-Transport-Security: max-age=31536000\r\n"
                                   "Content-Length: 3\r\n\r\nabc");
    json_t *r = house_last(t.stage->house);
    assert_string_equal(member(r, "client.tls"), "TLSv1.3");
    assert_true(strlen(member(r, "client.cipher")) > 10);
    assert_string_equal(member(r, "client.group"), "x25519");
    assert_string_equal(member(r, "end"), "complete");
    secure_close(&t);
}

/* A certificate for one name opens no other host (http-rules, 1). */
static void a_host_of_another_certificate(void **state)
{
    struct secure t;
    secure_stage(&t);
    shake_hands(&t);
    say(&t, "GET /x HTTP/1.1\r\nHost: other.example\r\n@staff\r\n");
    assert_int_equal(strncmp(heard(&t), "HTTP/1.1 421 ", 13), 0);
    assert_string_equal(member(house_last(t.stage->house), "decision.reason"), "input:host");
    secure_close(&t);
}

/* An app that the certificate does not name, though its host is known here. */
static void an_app_of_another_certificate(void **state)
{
    struct secure t;
    secure_stage(&t);
    house_swap_policy(t.stage->house,
                      "version: 1\napps:\n  - {name: other, host: other.example, upstream: "
                      "\"unix:APP_SOCKET\"}\nrules:\n  - {id: staff, effect: allow, who: "
                      "{groups: [staff]}, to: {apps: [other]}}\n");
    http_swap(t.stage->http);
    shake_hands(&t);
    say(&t, "GET /x HTTP/1.1\r\nHost: other.example\r\n@staff\r\n");
    assert_int_equal(strncmp(heard(&t), "HTTP/1.1 421 ", 13), 0);
    assert_int_equal(t.stage->n_up, 0);
    secure_close(&t);
}

static void pipelined_in_one_record(void **state)
{
    struct secure t;
    secure_stage(&t);
    shake_hands(&t);
    say(&t, "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n"
            "GET /3 HTTP/1.1\r\n" HOST "\r\n");
    size_t n = 0;
    for (const char *p = heard(&t); (p = strstr(p, "HTTP/1.1 401 ")); p++)
        n++;
    assert_int_equal(n, 3);
    secure_close(&t);
}

static void the_end_is_said(void **state)
{
    struct secure t;
    secure_stage(&t);
    shake_hands(&t);
    say(&t, "GET /x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_int_equal(strncmp(heard(&t), "HTTP/1.1 401 ", 13), 0);
    assert_true(t.saw_end);
    /* close_notify: nobody has cut the answer short */
    assert_int_equal(t.io.error, 0);
    assert_int_equal(t.io.tls_error, 0);
    secure_close(&t);
}

static void no_tls(void **state)
{
    struct secure t;
    secure_stage(&t);
    stage_say(t.stage, "GET /x HTTP/1.1\r\n" HOST "\r\n");
    stage_settle(t.stage);
    assert_true(stage_is_closed(t.stage));
    assert_int_equal(atomic_load(&t.stage->house->counters.tls_failures), 1);
    assert_int_equal(json_array_size(house_log(t.stage->house)), 0);
    secure_close(&t);
}

static void a_mute_one(void **state)
{
    struct secure t;
    secure_stage(&t);
    stage_pass(t.stage, 1900);
    assert_false(stage_is_closed(t.stage));
    stage_pass(t.stage, 300);
    assert_true(stage_is_closed(t.stage));
    secure_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request),
        cmocka_unit_test(a_host_of_another_certificate),
        cmocka_unit_test(an_app_of_another_certificate),
        cmocka_unit_test(pipelined_in_one_record),
        cmocka_unit_test(the_end_is_said),
        cmocka_unit_test(no_tls),
        cmocka_unit_test(a_mute_one),
    };
    return cmocka_run_group_tests_name("http conn tls", tests, make_cert, drop_cert);
}
