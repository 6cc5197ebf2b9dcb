/* Messages on their way out, against a webhook of our own on loopback. Mail itself is shown end to
 * end, against a server in Python. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "proxy/notify.h"

static struct loop *loop;
static struct listener *listener;
static struct notify *notify;
static uint16_t port;
static const char *answer;
static char heard[4096];
static int n_heard;

static void on_accept(void *ctx, int fd, const struct listener_peer *peer)
{
    ssize_t n = recv(fd, heard, sizeof heard - 1, 0);
    heard[n > 0 ? n : 0] = '\0';
    n_heard++;
    send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    close(fd);
}

static void configure(const char *more)
{
    char text[1024];
    const struct config *c = NULL;
    struct findings f;
    snprintf(text, sizeof text,
             "version: 1\nlisteners: [{address: \"127.0.0.1:80\"}]\n"
             "issuers: {corp: {issuer: \"https://l.example\", audience: p}}\n"
             "notify: {ops: {webhook: \"http://127.0.0.1:%u/hook?key=secret\"}}\n%s",
             port, more);
    findings_init(&f);
    if (!config_parse(STR("postern.yaml"), STR("/etc"), str_of(text), &c, &f)) {
        findings_print(&f, stderr);
        fail_msg("the configuration is refused");
    }
    findings_finish(&f);
    notify_configure(notify, c);
    config_unref(&c);
}

static int setup(void **state)
{
    struct listener_options o = {0};
    log_level(LOG_LEVEL_ERROR);
    n_heard = 0;
    loop = loop_create(NULL);
    addr_parse(STR("127.0.0.1"), &o.address.ip);
    int fd = listener_bind(&o, NULL);
    port = listener_port(fd);
    listener = listener_open(loop, fd, (uid_t)-1, on_accept, NULL, NULL);
    notify = notify_create(loop);
    return 0;
}

static int teardown(void **state)
{
    notify_destroy(notify);
    listener_close(listener);
    loop_destroy(loop);
    return 0;
}

static struct notify_counts settle(void)
{
    struct notify_counts c;
    do {
        loop_turn(loop, true);
        notify_counts(notify, &c);
    } while (c.queued);
    return c;
}

static void a_webhook_is_told(void **state)
{
    configure("");
    answer = "HTTP/1.1 204 No Content\r\n\r\n";
    assert_true(notify_channel(notify, STR("ops"), STR("break-glass"), STR("Kim \"opened\" it\n")));
    struct notify_counts c = settle();
    assert_int_equal(c.sent, 1);
    assert_int_equal(c.failed, 0);
    assert_non_null(strstr(heard, "POST /hook?key=secret HTTP/1.1\r\n"));
    assert_non_null(strstr(heard, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(heard, "{\"channel\":\"ops\",\"subject\":\"break-glass\","
                                  "\"text\":\"break-glass\\u000aKim \\\"opened\\\" it\\u000a\"}"));
}

static void an_answer_says_whether_to_try_again(void **state)
{
    configure("");
    answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    assert_true(notify_channel(notify, STR("ops"), STR("s"), STR("t")));
    struct notify_counts c = settle();
    assert_int_equal(c.failed, 1);
    assert_int_equal(n_heard, 1);
    answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    assert_true(notify_channel(notify, STR("ops"), STR("s"), STR("t")));
    while (n_heard < 2)
        loop_turn(loop, true);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, false);
    notify_counts(notify, &c);
    assert_true(c.queued == 1 && c.failed == 1); /* it waits for its next try */
}

static void what_cannot_be_queued_is_refused(void **state)
{
    struct notify_counts c;
    assert_false(notify_channel(notify, STR("ops"), STR("s"), STR("t"))); /* nothing configured */
    assert_false(notify_mail(notify, STR("a@b"), STR("s"), STR("t")));
    configure("");
    assert_false(notify_channel(notify, STR("other"), STR("s"), STR("t")));
    assert_false(notify_mail(notify, STR("a@b"), STR("s"), STR("t"))); /* no mail server */
    configure("mail: {smtp: \"smtp://127.0.0.1:1\", from: p@corp.example}\n");
    assert_false(notify_mail(notify, STR("not an address"), STR("s"), STR("t")));
    /* Bounded, and notices keep their room. */
    int mails = 0, notices = 0;
    for (int i = 0; i < 300; i++)
        mails += notify_mail(notify, STR("a@b"), STR("s"), STR("t"));
    for (int i = 0; i < 300; i++)
        notices += notify_channel(notify, STR("ops"), STR("s"), STR("t"));
    assert_int_equal(mails, NOTIFY_QUEUE_MAILS);
    assert_int_equal(notices, NOTIFY_QUEUE - NOTIFY_QUEUE_MAILS);
    notify_counts(notify, &c);
    assert_int_equal(c.queued, NOTIFY_QUEUE);
}

static void waits_grow(void **state)
{
    static const int64_t wanted[] = {1000, 4000, 16000, 64000, 256000, 300000, 300000};
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_int_equal(notify_backoff_ms(i + 1), wanted[i]);
    assert_int_equal(notify_backoff_ms(UINT32_MAX), 300000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_webhook_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_says_whether_to_try_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_queued_is_refused, setup, teardown),
        cmocka_unit_test(waits_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
