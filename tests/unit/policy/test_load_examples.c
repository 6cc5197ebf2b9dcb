/* The example policies load without warnings but the listed notes, and their own tests hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy_kit.h"

static void test_examples(void **state)
{
    struct doc_file files[32];
    size_t n = 0;
    struct arena a;
    struct findings f;
    struct policy_test_totals totals = {0};
    arena_init(&a, NULL, 0);
    findings_init(&f);
    DIR *dir = opendir(EXAMPLES_DIR);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) && n < 32;) {
        str name = arena_dup(&a, str_of(entry->d_name));
        if (!str_ends(name, STR(".yaml")))
            continue;
        str path = arena_printf(&a, "%s/%s", EXAMPLES_DIR, name.p);
        files[n++] = (struct doc_file){name, kit_read(&a, path.p)};
    }
    closedir(dir);
    struct policy_load_in in = {
        .files = files, .n_files = n, .zone = kit_zone, .known = &kit_known, .now_s = 1795600000};
    struct policy *p = policy_load(&in, &f);
    bool good = p && policy_test_run(p, &f, &totals);
    if (!good || f.warnings > 0)
        findings_print(&f, stderr);
    assert_non_null(p);
    assert_true(good);
    assert_int_equal(f.warnings, 0);
    assert_true(totals.passed >= 20);
    policy_unref(&p);
    findings_finish(&f);
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples)};
    return cmocka_run_group_tests_name("load_examples", tests, NULL, NULL);
}
