/* docs/config.md is what `postern config reference` prints: a setting is documented by being there.
 */
#include "room.h"

#include "proxy/config/config.h"

#include "base/arena.h"

static const char *page;

static void page_is_current(void **state)
{
    char *printed = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&printed, &n);
    config_print_reference(out);
    fclose(out);
    FILE *f = fopen(page, "r");
    assert_non_null(f);
    char *kept = mem_alloc(n + 2);
    size_t got = fread(kept, 1, n + 1, f);
    fclose(f);
    if (got != n || memcmp(kept, printed, n) != 0)
        fail_msg("%s is not what `postern config reference` prints", page);
    free(kept);
    free(printed);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(page_is_current)};
    page = argc > 1 ? argv[1] : "docs/config.md";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
