/* Arenas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"

static void starts_in_the_lent_block(void **state)
{
    char block[256];
    struct arena a;
    arena_init(&a, block, sizeof block);
    char *p = arena_alloc(&a, 32);
    assert_true(p >= block && p + 32 <= block + sizeof block);
    assert_int_equal((uintptr_t)p % 16, 0);
    assert_int_equal(a.heap_bytes, 0);
    assert_non_null(arena_alloc(&a, 4096));
    assert_true(a.heap_bytes >= 4096);
    arena_reset(&a);
    assert_int_equal(a.heap_bytes, 0);
    assert_ptr_equal(arena_alloc(&a, 32), p);
    arena_finish(&a);
}

static void copies_end_with_nul(void **state)
{
    struct arena a;
    arena_init(&a, NULL, 0);
    str s = arena_dup(&a, STR("abc"));
    assert_string_equal(s.p, "abc");
    s = arena_printf(&a, "%d-%s", 7, "x");
    assert_string_equal(s.p, "7-x");
    assert_int_equal(s.n, 3);
    s = arena_lower(&a, STR("HoSt"));
    assert_string_equal(s.p, "host");
    for (int i = 0; i < 1000; i++)
        memset(arena_alloc(&a, 100), i, 100);
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_in_the_lent_block),
        cmocka_unit_test(copies_end_with_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
