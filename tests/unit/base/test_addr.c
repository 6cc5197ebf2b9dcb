/* Addresses and networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/addr.h"

static void parses_addresses(void **state)
{
    static const struct {
        const char *text, *out;
    } rows[] = {{"127.0.0.1", "127.0.0.1"},       {"::1", "::1"},     {"[::1]", "::1"},
                {"::ffff:10.0.0.1", "10.0.0.1"},  {"1.2.3", NULL},    {"0.0.0.0", "0.0.0.0"},
                {"255.10.100.9", "255.10.100.9"}, {"01.2.3.4", NULL}, {"[1.2.3.4]", NULL},
                {"fe80::1%eth0", NULL},           {"", NULL},         {"1.2.3.4 ", NULL},
                {"2001:DB8::1", "2001:db8::1"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct addr a;
        char text[ADDR_TEXT_BYTES];
        bool good = addr_parse(str_of(rows[i].text), &a);
        addr_text(&a, text);
        if (good != (rows[i].out != NULL) || (good && strcmp(text, rows[i].out) != 0))
            fail_msg("row %s: %s", rows[i].text, text);
    }
}

static void parses_networks(void **state)
{
    static const struct {
        const char *text;
        enum cidr_verdict verdict;
    } rows[] = {{"10.0.0.0/8", CIDR_OK},
                {"10.0.0.1/8", CIDR_HOST_BITS},
                {"10.0.0.1", CIDR_OK},
                {"10.0.0.0/33", CIDR_BAD},
                {"::/0", CIDR_OK},
                {"::ffff:10.0.0.0/104", CIDR_OK},
                {"::ffff:10.0.0.0/95", CIDR_BAD},
                {"10.0.0.0/", CIDR_BAD},
                {"x/8", CIDR_BAD}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cidr net;
        if (cidr_parse(str_of(rows[i].text), &net) != rows[i].verdict)
            fail_msg("row %s", rows[i].text);
    }
}

static void contains(void **state)
{
    struct cidr net, mapped;
    struct addr in, out, six;
    cidr_parse(STR("10.64.0.0/10"), &net);
    cidr_parse(STR("::ffff:10.64.0.0/106"), &mapped);
    addr_parse(STR("10.127.255.255"), &in);
    addr_parse(STR("10.128.0.0"), &out);
    addr_parse(STR("2001:db8::"), &six);
    assert_true(cidr_has(&net, &in) && cidr_has(&mapped, &in));
    assert_false(cidr_has(&net, &out));
    assert_false(cidr_has(&net, &six));
    assert_false(cidr_has(&net, &(struct addr){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_addresses),
        cmocka_unit_test(parses_networks),
        cmocka_unit_test(contains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
