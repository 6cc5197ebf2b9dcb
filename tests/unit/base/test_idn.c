/* Domains in their own script. The A-labels are those of RFC 3492 section 7.1 and of registries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/idn.h"

static const struct {
    const char *domain, *want; /* NULL: refused */
} rows[] = {
    {"acme.example", "acme.example"},
    {"", ""},
    {"Acme.Example", "Acme.Example"},
    {"bücher.example", "xn--bcher-kva.example"},
    {"Bücher.example", "xn--bcher-kva.example"}, /* a capital of ASCII */
    {"www.bücher.example", "www.xn--bcher-kva.example"},
    {"münchen-ost.example", "xn--mnchen-ost-9db.example"},
    {"ελλάδα.example", "xn--hxakic4aa.example"},
    {"пример.example", "xn--e1afmkfd.example"},
    {"例え.example", "xn--r8jz45g.example"},
    {"한국.example", "xn--3e0b707e.example"},
    {"żółw.example", "xn--w-uga1v8h.example"},
    {"ひとつ屋根の下2.example", "xn--2-u9tlzr9756bt3uc0v.example"},
    {"straße.example", "xn--strae-oqa.example"}, /* a letter of its own since IDNA 2008 */
    {"λόγος.example", "xn--oxapnm1c.example"},
    {"שלום.example", "xn--9dbne9b.example"},
    /* What another reader may take for another name. */
    {"BÜCHER.example", NULL},
    {"bu\xcc\x88"
     "cher.example",
     NULL},                  /* a combining mark */
    {"ａcme.example", NULL}, /* full width */
    {"acme。example", NULL}, /* an ideographic full stop */
    {"ⅷ.example", NULL},     /* a number as one letter */
    {"ŀl.example", NULL},    /* U+0140 has a mapping */
    {"ŉ.example", NULL},     /* so has U+0149 */
    {"a\xe2\x80\x8d"
     "b.example",
     NULL}, /* a joiner */
    {"bü--cher.example", NULL},
    {"bücher example", NULL},
    {"b\xc3.example", NULL}, /* no UTF-8 */
    {"\xff.example", NULL},
};

static void domains_become_ascii(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[IDN_MAX_BYTES];
        str got = {NULL, 0};
        bool is_good = idn_to_ascii(str_of(rows[i].domain), out, &got);
        bool is_wanted = rows[i].want ? is_good && str_eq(got, str_of(rows[i].want)) : !is_good;
        if (!is_wanted)
            print_error("row %zu: %s gives %d %.*s\n", i, rows[i].domain, is_good, STR_ARG(got));
        assert_true(is_wanted);
    }
}

/* At and past each limit: the sanitizers watch the room. */
static void long_labels_are_refused(void **state)
{
    char domain[2048], out[IDN_MAX_BYTES];
    str got;

    for (size_t letters = 1; letters < 200; letters++) {
        size_t n = 0;
        for (size_t i = 0; i < letters; i++) {
            domain[n++] = (char)0xC3;
            domain[n++] = (char)(0xA0 + i % 20);
        }
        bool is_good = idn_to_ascii((str){domain, n}, out, &got);
        assert_true(!is_good || (got.n > 4 && got.n <= IDN_MAX_LABEL_BYTES));
        assert_true(letters > 20 || is_good);
        assert_true(letters < 60 || !is_good);
    }
    for (size_t labels = 1; labels < 100; labels++) {
        size_t n = 0;
        for (size_t i = 0; i < labels; i++) {
            memcpy(domain + n, i ? ".\xc3\xa4" : "\xc3\xa4", i ? 3 : 2);
            n += i ? 3 : 2;
        }
        bool is_good = idn_to_ascii((str){domain, n}, out, &got);
        assert_int_equal(is_good, 8 * labels - 1 <= IDN_MAX_BYTES);
    }
}

/* Any bytes: what is given is ASCII, of good labels, in its room. */
static void any_bytes_stay_in_their_room(void **state)
{
    static const char *const pieces[] = {".", "a", "-",    "\xc3\xa4",     "\xe4\xb8\xad", "\xc3",
                                         "Z", "9", "\xff", "\xed\x95\x9c", "\xd0\xb6"};
    char domain[1024], out[IDN_MAX_BYTES];
    size_t n_good = 0;

    srand(11);
    for (int round = 0; round < 200000; round++) {
        size_t n = 0, most = (size_t)(rand() % 120);
        int kinds = round % 2 ? 5 : 11;
        for (size_t i = 0; i < most; i++) {
            const char *piece = pieces[rand() % kinds];
            memcpy(domain + n, piece, strlen(piece));
            n += strlen(piece);
        }
        str got;
        if (!idn_to_ascii((str){domain, n}, out, &got))
            continue;
        n_good++;
        assert_true(got.n <= IDN_MAX_BYTES);
        for (size_t i = 0; i < got.n; i++)
            assert_true(got.p[i] >= '-' && got.p[i] <= 'z');
    }
    assert_true(n_good > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_become_ascii),
        cmocka_unit_test(long_labels_are_refused),
        cmocka_unit_test(any_bytes_stay_in_their_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
