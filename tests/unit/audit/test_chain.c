/* Leaf hashes, the tree and the chain members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proxy/audit/chain.h"

#include "base/encode.h"

#include <stdio.h>
#include <string.h>

static void is_hex(const struct hash *h, const char *want)
{
    char hex[HASH_HEX + 1] = {0};
    hex_encode(h->b, HASH_BYTES, hex);
    assert_string_equal(hex, want);
}

/* The tests of RFC 9162's ancestor in certificate-transparency: inputs and roots. */
static void roots_are_those_of_the_rfc(void **state)
{
    static const struct {
        const char *hex;
        const char *root;
    } rows[] = {
        {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"606162636465666768696a6b6c6d6e6f",
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    struct tree t = {0};
    struct hash leaf, root;
    tree_root(&t, &root);
    is_hex(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char raw[16];
        size_t n = strlen(rows[i].hex) / 2;
        assert_true(hex_decode(str_of(rows[i].hex), raw));
        hash_leaf((str){(char *)raw, n}, &leaf);
        tree_add(&t, &leaf);
        tree_root(&t, &root);
        is_hex(&root, rows[i].root);
    }
}

static void link_adds_members_and_moves_on(void **state)
{
    struct chain c = {0}, again = {0};
    char line[256];
    uint64_t seq;
    struct hash prev, before;
    for (uint64_t i = 1; i <= 100; i++) {
        before = c.last;
        size_t n = chain_link(&c, STR("{\"a\":1}"), line);
        assert_true(n <= 7 + CHAIN_TAIL_MAX);
        assert_int_equal(line[n - 1], '\n');
        assert_true(line_tail((str){line, n - 1}, &seq, &prev));
        assert_int_equal(seq, i);
        assert_true(hash_eq(&prev, &before));
        chain_follow(&again, (str){line, n - 1});
        assert_true(hash_eq(&again.last, &c.last));
    }
    assert_int_equal(c.tree.size, 100);
    c.seq = UINT64_MAX >> 1;
    assert_true(chain_link(&c, STR("{\"a\":1}"), line) <= 7 + CHAIN_TAIL_MAX);
}

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void tail_is_read_strictly(void **state)
{
    static const struct {
        const char *line;
        bool is_good;
    } rows[] = {
        {"{\"a\":1,\"seq\":7,\"prev\":\"" HEX64 "\"}", true},
        {"{\"a\":1,\"seq\":07,\"prev\":\"" HEX64 "\"}", false},
        {"{\"a\":1,\"seq\":0,\"prev\":\"" HEX64 "\"}", false},
        {"{\"a\":1,\"seq\":,\"prev\":\"" HEX64 "\"}", false},
        {"{\"a\":1,\"seq\":-7,\"prev\":\"" HEX64 "\"}", false},
        {"{\"a\":1,\"seq\":99999999999999999999,\"prev\":\"" HEX64 "\"}", false},
        {"{\"a\":1,\"seq\":7,\"prev\":\"" HEX64 "\"} ", false},
        {"{\"a\":1,\"seq\":7,\"prev\":\"" HEX64 "\",\"b\":1}", false},
        {"{\"a\":1,\"prev\":\"" HEX64 "\"}", false},
        {"[\"a\":1,\"seq\":7,\"prev\":\"" HEX64 "\"}", false},
        {"{}", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t seq;
        struct hash prev;
        if (line_tail(str_of(rows[i].line), &seq, &prev) != rows[i].is_good)
            fail_msg("row %zu: %s", i, rows[i].line);
    }
}

static void frontier_goes_out_and_in(void **state)
{
    struct tree t = {0};
    for (unsigned size = 0; size < 40; size++) {
        char buf[4096];
        struct jout j;
        struct tree back = {0};
        struct hash leaf, root, root_back;
        str hex[TREE_LEVELS];
        size_t n = 0;
        jout_init(&j, buf, sizeof buf);
        tree_write(&t, &j);
        for (str rest = jout_text(&j); rest.p;) {
            str part = str_trim(str_cut(&rest, ','), "[]\"");
            if (part.n)
                hex[n++] = part;
        }
        assert_true(tree_read(&back, size, hex, n));
        assert_false(tree_read(&back, size + 1 == 0 ? 1 : size * 2 + 1, hex, n));
        assert_true(tree_read(&back, size, hex, n));
        tree_root(&t, &root);
        tree_root(&back, &root_back);
        assert_true(hash_eq(&root, &root_back));
        memset(&leaf, (int)size, sizeof leaf);
        tree_add(&t, &leaf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_those_of_the_rfc),
        cmocka_unit_test(link_adds_members_and_moves_on),
        cmocka_unit_test(tail_is_read_strictly),
        cmocka_unit_test(frontier_goes_out_and_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
