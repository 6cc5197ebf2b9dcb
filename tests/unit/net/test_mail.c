/* A mail as text: what reaches the server, whatever was given in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "proxy/net/net.h"

static struct arena arena;

static str write_mail(const char *subject, const char *text)
{
    struct mail mail = {.from = STR("postern@corp.example"),
                        .to = STR("kim@acme.example"),
                        .subject = str_of(subject),
                        .text = str_of(text),
                        .wall_s = 1795627800};
    struct fail fail = {0};
    str out = mail_write(&arena, &mail, STR("id1"), &fail);
    assert_int_equal(fail.code, FAIL_NONE);
    return out;
}

static str header(str message, str name)
{
    for (str rest = message; rest.p;) {
        str line = str_cut(&rest, '\n');
        if (line.n <= 1)
            break;
        if (str_starts(line, name))
            return str_from(str_upto(line, line.n - 1), name.n);
    }
    return (str){NULL, 0};
}

static str body(str message)
{
    size_t i = 0;
    while (memcmp(message.p + i, "\r\n\r\n", 4) != 0)
        i++;
    return str_from(message, i + 4);
}

static void a_mail_has_its_headers_once(void **state)
{
    str m = write_mail("Your PIN", "12345678\n");
    assert_true(str_eq(m, STR("Date: Wed, 25 Nov 2026 17:30:00 +0000\r\n"
                              "From: <postern@corp.example>\r\n"
                              "To: <kim@acme.example>\r\n"
                              "Message-ID: <id1@corp.example>\r\n"
                              "Subject: Your PIN\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n"
                              "Auto-Submitted: auto-generated\r\n"
                              "\r\n"
                              "12345678\r\n")));
}

static void a_subject_is_one_line_of_ascii(void **state)
{
    static const struct {
        const char *subject, *wanted;
    } rows[] = {
        {"", ""},
        {"plain text", "plain text"},
        {"a\r\nBcc: evil@x", "a  Bcc: evil@x"},
        {"a\nb", "a b"},
        {"a\tb\x7F", "a b "},
        {"Zugang f\xC3\xBCr Kim", "=?UTF-8?B?WnVnYW5nIGbDvHIgS2lt?="},
        {"=?UTF-8?Q?x?=", "=?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?="},
        {"a\xC2\x85"
         "b",
         "a b"},
        {"a\xE2\x80\xA8"
         "b",
         "a b"},
        {"bad \xFF byte", "bad   byte"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str found = header(write_mail(rows[i].subject, "x"), STR("Subject: "));
        if (!str_eq(found, str_of(rows[i].wanted)))
            fail_msg("row \"%s\": %.*s", rows[i].subject, STR_ARG(found));
    }
}

/* Each encoded word holds whole characters and no line is longer than 78. */
static void a_long_subject_is_folded(void **state)
{
    char subject[512] = "";
    for (int i = 0; i < 120; i++)
        strcat(subject, "\xE2\x82\xAC");
    str m = write_mail(subject, "x");
    size_t words = 0, at = (size_t)(strstr(m.p, "Subject: ") - m.p);
    for (str rest = str_from(m, at); rest.p;) {
        str line = str_cut(&rest, '\n');
        if (line.n > 0 && line.p[0] == 'M')
            break;
        assert_true(line.n <= 79);
        str word = str_from(line, words ? 1 : 9);
        assert_true(str_starts(word, STR("=?UTF-8?B?")));
        assert_true(str_ends(word, STR("?=\r")));
        unsigned char bytes[64];
        size_t n;
        assert_true(base64_decode((str){word.p + 10, word.n - 13}, bytes, &n));
        assert_int_equal(n % 3, 0);
        words++;
    }
    assert_int_equal(words, 5); /* 198 of 200 bytes, 42 in each */
}

static void a_text_arrives_as_it_was(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"", ""},
        {"a", "a\r\n"},
        {"a\r\nb\n\nc\n", "a\r\nb\r\n\r\nc\r\n"},
        {".\n..x\n", "=2E\r\n=2E.x\r\n"},
        {"1+1=2", "1+1=3D2\r\n"},
        {"gr\xC3\xBC\xC3\x9F", "gr=C3=BC=C3=9F\r\n"},
        {"trailing \n", "trailing=20\r\n"},
        {"tab\t\n", "tab=09\r\n"},
        {"bare\rcr", "bare=0Dcr\r\n"},
        {"From here", "From here\r\n"},
        {"\x01\x7F", "=01=7F\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str found = body(write_mail("s", rows[i].text));
        if (!str_eq(found, str_of(rows[i].wanted)))
            fail_msg("row \"%s\": \"%.*s\"", rows[i].text, STR_ARG(found));
    }
    char line[1000];
    memset(line, '=', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    for (str rest = body(write_mail("s", line)); rest.p;)
        assert_true(str_cut(&rest, '\n').n <= 77); /* 76, and the CR */
}

static void an_address_is_sound_or_no_mail_goes(void **state)
{
    static const struct {
        const char *address;
        bool wanted;
    } rows[] = {
        {"kim@acme.example", true},
        {"Kim.Lee+x@acme.example", true},
        {"o'neil@acme-1.example", true},
        {"root@localhost", true},
        {"", false},
        {"kim", false},
        {"@acme.example", false},
        {"kim@", false},
        {"kim@acme..example", false},
        {"kim@.example", false},
        {"kim@acme.example.", false},
        {"kim@a@b", false},
        {"kim lee@acme.example", false},
        {"kim@acme.example> SIZE=1", false},
        {"<kim@acme.example>", false},
        {"kim@acme.example\r\nRCPT TO:<x@y>", false},
        {"kim\r\n@acme.example", false},
        {"\"kim\"@acme.example", false},
        {"kim@acme.example,lee@acme.example", false},
        {"kim@[192.0.2.1]", false},
        {"k\xC3\xADm@acme.example", false},
        {"kim@acm\xC3\xA9.example", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fail fail = {0};
        struct mail to = {.from = STR("a@b"), .to = str_of(rows[i].address)};
        struct mail from = {.from = str_of(rows[i].address), .to = STR("a@b")};
        if (mail_address_is_sound(str_of(rows[i].address)) != rows[i].wanted)
            fail_msg("row \"%s\"", rows[i].address);
        if ((mail_write(&arena, &to, STR("i"), &fail).p != NULL) != rows[i].wanted ||
            (mail_write(&arena, &from, STR("i"), &fail).p != NULL) != rows[i].wanted)
            fail_msg("row \"%s\": a mail", rows[i].address);
    }
}

/* ---- starting ---- */

static void on_done(void *ctx, const struct mail_result *r)
{
    *(struct mail_result *)ctx = *r;
}

static void what_cannot_begin_says_so(void **state)
{
    static const struct {
        const char *url, *to;
    } rows[] = {{"http://127.0.0.1:25", "a@b"},
                {"smtp://user@127.0.0.1:25", "a@b"},
                {"smtp://127.0.0.1:25/x", "a@b"},
                {"smtp://127.0.0.1:25\r\nX", "a@b"},
                {"", "a@b"},
                {"smtp://127.0.0.1:25", "a@b\r\nDATA"}};
    struct loop *loop = loop_create(NULL);
    struct fetcher *f = fetcher_create(loop);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mail_server server = {.url = str_of(rows[i].url)};
        struct mail mail = {.from = STR("a@b"), .to = str_of(rows[i].to), .text = STR("x")};
        struct fail fail = {0};
        assert_null(mail_start(f, &server, &mail, on_done, NULL, &fail));
        assert_int_not_equal(fail.code, FAIL_NONE);
    }
    fetcher_destroy(f);
    loop_destroy(loop);
}

static void a_server_that_is_not_there_fails_the_mail(void **state)
{
    struct loop *loop = loop_create(NULL);
    struct fetcher *f = fetcher_create(loop);
    struct listener_options o = {0};
    addr_parse(STR("127.0.0.1"), &o.address.ip);
    int fd = listener_bind(&o, NULL); /* bound, and closed again: nobody listens there */
    char url[64];
    snprintf(url, sizeof url, "smtp://127.0.0.1:%u", listener_port(fd));
    close(fd);
    struct mail_server server = {.url = str_of(url)};
    struct mail mail = {.from = STR("a@b"), .to = STR("c@d"), .text = STR("x")};
    struct mail_result r = {.is_sent = true};
    struct fail fail = {0};
    assert_non_null(mail_start(f, &server, &mail, on_done, &r, &fail));
    assert_int_equal(fail.code, FAIL_NONE);
    while (!r.fail.code)
        loop_turn(loop, true);
    assert_false(r.is_sent || r.is_final);
    struct mail_sending *m = mail_start(f, &server, &mail, on_done, NULL, &fail);
    mail_cancel(m);
    mail_start(f, &server, &mail, on_done, NULL, &fail); /* ends with the fetcher */
    fetcher_destroy(f);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_has_its_headers_once),
        cmocka_unit_test(a_subject_is_one_line_of_ascii),
        cmocka_unit_test(a_long_subject_is_folded),
        cmocka_unit_test(a_text_arrives_as_it_was),
        cmocka_unit_test(an_address_is_sound_or_no_mail_goes),
        cmocka_unit_test(what_cannot_begin_says_so),
        cmocka_unit_test(a_server_that_is_not_there_fails_the_mail),
    };
    arena_init(&arena, NULL, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&arena);
    return failed;
}
