/* Hash map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/map.h"

static void keeps_what_was_added(void **state)
{
    static char names[500][8];
    struct map m;
    map_init(&m);
    assert_null(map_get(&m, STR("x")));
    for (int i = 0; i < 500; i++) {
        snprintf(names[i], sizeof names[i], "k%d", i);
        assert_true(map_add(&m, str_of(names[i]), names[i]));
    }
    assert_false(map_add(&m, STR("k7"), NULL));
    for (int i = 0; i < 500; i++)
        assert_ptr_equal(map_get(&m, str_of(names[i])), names[i]);
    assert_false(map_has(&m, STR("k500")));
    assert_ptr_equal(m.entries[3].value, names[3]);
    map_finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_what_was_added)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
