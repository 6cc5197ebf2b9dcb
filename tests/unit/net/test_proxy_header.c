/* The PROXY protocol: whom a header speaks for, whatever pieces it comes in, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "proxy/net/proxy_header.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define V2(command, family, length) SIG command family length
#define FOUR "\xC0\x00\x02\x09\xC6\x33\x64\x01\xDC\x04\x01\xBB"
#define SIX                                                                                        \
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x09"                                                   \
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01\xDC\x04\x01\xBB"
#define MAPPED                                                                                     \
    "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\x00\x02\x09"                                                 \
    "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC6\x33\x64\x01\xDC\x04\x01\xBB"
#define TLV "\x03\x00\x04\x01\x02\x03\x04"

struct row {
    const char *id;
    str bytes;
    const char *found; /* "ADDRESS PORT", "local", or "bad" */
};

static const struct row rows[] = {
    {"v1", STR("PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n"), "192.0.2.9 56324"},
    {"v1 six", STR("PROXY TCP6 2001:db8::9 2001:db8::1 56324 443\r\n"), "2001:db8::9 56324"},
    {"v1 unknown", STR("PROXY UNKNOWN\r\n"), "- 0"},
    {"v1 unknown, more", STR("PROXY UNKNOWN ff::1 ff::2 1 2\r\n"), "- 0"},
    {"v1 longest",
     STR("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535"},
    {"v1 bare LF", STR("PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\n"), "bad"},
    {"v1 two spaces", STR("PROXY TCP4  192.0.2.9 198.51.100.1 56324 443\r\n"), "bad"},
    {"v1 tab", STR("PROXY TCP4\t192.0.2.9 198.51.100.1 56324 443\r\n"), "bad"},
    {"v1 no port", STR("PROXY TCP4 192.0.2.9 198.51.100.1 56324\r\n"), "bad"},
    {"v1 one word more", STR("PROXY TCP4 192.0.2.9 198.51.100.1 56324 443 x\r\n"), "bad"},
    {"v1 port too large", STR("PROXY TCP4 192.0.2.9 198.51.100.1 65536 443\r\n"), "bad"},
    {"v1 port with a zero", STR("PROXY TCP4 192.0.2.9 198.51.100.1 0443 443\r\n"), "bad"},
    {"v1 negative port", STR("PROXY TCP4 192.0.2.9 198.51.100.1 -1 443\r\n"), "bad"},
    {"v1 name", STR("PROXY TCP4 localhost 198.51.100.1 1 443\r\n"), "bad"},
    {"v1 six as four", STR("PROXY TCP4 ::ffff:192.0.2.9 198.51.100.1 1 443\r\n"), "bad"},
    {"v1 four as six", STR("PROXY TCP6 192.0.2.9 198.51.100.1 1 443\r\n"), "bad"},
    {"v1 brackets", STR("PROXY TCP6 [2001:db8::9] 2001:db8::1 1 443\r\n"), "bad"},
    {"v1 udp", STR("PROXY UDP4 192.0.2.9 198.51.100.1 1 443\r\n"), "bad"},
    {"v1 lower case", STR("proxy TCP4 192.0.2.9 198.51.100.1 1 443\r\n"), "bad"},
    {"v1 CR within", STR("PROXY TCP4 192.0.2.9 198.51.100.1 1 44\r3\r\n"), "bad"},
    {"v1 NUL", STR("PROXY TCP4 192.0.2.9\0 198.51.100.1 1 443\r\n"), "bad"},
    {"v1 too long",
     STR("PROXY UNKNOWN "
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
     "bad"},
    {"v1 nothing", STR("PROXY \r\n"), "bad"},
    {"http", STR("GET / HTTP/1.1\r\n"), "bad"},
    {"http that begins like it", STR("PROPFIND / HTTP/1.1\r\n"), "bad"},
    {"tls", STR("\x16\x03\x01\x02\x00\x01"), "bad"},
    {"v2", STR(V2("\x21", "\x11", "\x00\x0C") FOUR), "192.0.2.9 56324"},
    {"v2 tlv", STR(V2("\x21", "\x11", "\x00\x13") FOUR TLV), "192.0.2.9 56324"},
    {"v2 six", STR(V2("\x21", "\x21", "\x00\x24") SIX), "2001:db8::9 56324"},
    {"v2 mapped", STR(V2("\x21", "\x21", "\x00\x24") MAPPED), "192.0.2.9 56324"},
    {"v2 unspecified", STR(V2("\x21", "\x00", "\x00\x00")), "- 0"},
    {"v2 unspecified, more", STR(V2("\x21", "\x00", "\x00\x07") TLV), "- 0"},
    {"v2 local", STR(V2("\x20", "\x00", "\x00\x00")), "local"},
    {"v2 local with addresses", STR(V2("\x20", "\x11", "\x00\x0C") FOUR), "local"},
    {"v2 datagram", STR(V2("\x21", "\x12", "\x00\x0C") FOUR), "bad"},
    {"v2 too short", STR(V2("\x21", "\x11", "\x00\x0B") FOUR), "bad"},
    {"v2 too long", STR(V2("\x21", "\x11", "\x0F\xF1") FOUR), "bad"},
    {"v2 version 1", STR(V2("\x11", "\x11", "\x00\x0C") FOUR), "bad"},
    {"v2 command 2", STR(V2("\x22", "\x11", "\x00\x0C") FOUR), "bad"},
    {"v2 family 4", STR(V2("\x21", "\x41", "\x00\x0C") FOUR), "bad"},
    {"v2 signature", STR("\r\n\r\n\0\r\nQUIX\n"), "bad"},
};

static const char *run(str bytes, size_t step, size_t *used_all)
{
    static char found[ADDR_TEXT_BYTES + 8];
    struct proxy_header h = {0};
    enum proxy_header_result r = PROXY_HEADER_MORE;
    *used_all = 0;
    for (size_t at = 0, used; r == PROXY_HEADER_MORE && at < bytes.n; at += used) {
        r = proxy_header_push(&h, str_upto(str_from(bytes, at), step), &used);
        *used_all += used;
    }
    if (r != PROXY_HEADER_DONE)
        return r == PROXY_HEADER_BAD ? "bad" : "more";
    if (h.is_local)
        return "local";
    size_t n = addr_text(&h.addr, found);
    snprintf(found + n, sizeof found - n, " %u", (unsigned)h.port);
    return found;
}

static void every_row_in_every_cut(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step <= rows[i].bytes.n; step++) {
            size_t used;
            const char *found = run(rows[i].bytes, step, &used);
            if (strcmp(found, rows[i].found) != 0)
                fail_msg("%s by %zu: %s, expected %s", rows[i].id, step, found, rows[i].found);
        }
}

/* What follows belongs to TLS or HTTP, to the byte. */
static void takes_no_byte_too_many(void **state)
{
    static const str after[] = {
        STR("PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n"),
        STR(V2("\x21", "\x11", "\x00\x13") FOUR TLV "GET / HTTP/1.1\r\n"),
        STR(V2("\x20", "\x00", "\x00\x00") "GET / HTTP/1.1\r\n"),
    };
    for (size_t i = 0; i < sizeof after / sizeof *after; i++)
        for (size_t step = 1; step <= after[i].n; step++) {
            size_t used;
            run(after[i], step, &used);
            assert_true(str_eq(str_from(after[i], used), STR("GET / HTTP/1.1\r\n")));
        }
}

static void half_is_more(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t n = 1; strcmp(rows[i].found, "bad") != 0 && n < rows[i].bytes.n; n++) {
            size_t used;
            assert_string_equal(run(str_upto(rows[i].bytes, n), n, &used), "more");
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_in_every_cut),
        cmocka_unit_test(takes_no_byte_too_many),
        cmocka_unit_test(half_is_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
