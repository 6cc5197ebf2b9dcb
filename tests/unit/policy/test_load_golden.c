/* Every error and warning of the language page: golden/NAME.yaml and, to the letter, what is said
 * of it in golden/NAME.txt. One test a file.
 *
 * A first line "# options: ..." may say geoip (there is a GeoIP file), unknown (there is no
 * configuration), lints (as `check` asks for them) or tests (the embedded tests are run).
 * POSTERN_GOLDEN_WRITE=1 writes the expectations anew; read the diff. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy_kit.h"

enum { MAX_CASES = 800, MAX_FILES = 8 };

static char *names[MAX_CASES];
static size_t n_names;

static bool has_option(str text, const char *word)
{
    str first = str_upto(text, str_find(text, '\n'));
    return str_starts(first, STR("# options:")) && str_contains(first, str_of(word));
}

/* The line of options is no file of its own before others. */
static str without_options(str text)
{
    size_t end = str_find(text, '\n');
    bool is_before_files = str_starts(text, STR("# options:")) && end < text.n &&
                           str_starts(str_from(text, end + 1), STR("#=== "));
    return is_before_files ? str_from(text, end + 1) : text;
}

static char *load_and_print(const char *name, str text)
{
    struct doc_file files[MAX_FILES];
    struct findings f;
    char *said = NULL, file_name[256];
    size_t n = 0;
    snprintf(file_name, sizeof file_name, "%s.yaml", name);
    struct policy_load_in in = {
        .files = files,
        .n_files = kit_split(str_of(file_name), without_options(text), files, MAX_FILES),
        .zone = kit_zone,
        .tzdata_version = STR("2024a"),
        .known = has_option(text, "unknown") ? NULL : &kit_known,
        .has_geoip = has_option(text, "geoip"),
        .now_s = 1795600000, /* 2026-11-25 */
        .wants_lints = has_option(text, "lints"),
    };
    findings_init(&f);
    struct policy *p = policy_load(&in, &f);
    struct policy_test_totals totals = {0};
    assert_true((p != NULL) == (f.errors == 0));
    if (p && has_option(text, "tests"))
        policy_test_run(p, &f, &totals);
    FILE *out = open_memstream(&said, &n);
    findings_print(&f, out);
    fprintf(out, "-- %s\n", p ? "loaded" : "refused");
    if (has_option(text, "tests"))
        fprintf(out, "-- %zu tests, %zu failed\n", totals.passed + totals.failed, totals.failed);
    fclose(out);
    policy_unref(&p);
    findings_finish(&f);
    return said;
}

static void test_golden(void **state)
{
    const char *name = *state;
    char path[512];
    struct arena a;
    arena_init(&a, NULL, 0);
    snprintf(path, sizeof path, "%s/%s.yaml", GOLDEN_DIR, name);
    char *said = load_and_print(name, kit_read(&a, path));
    snprintf(path, sizeof path, "%s/%s.txt", GOLDEN_DIR, name);
    if (getenv("POSTERN_GOLDEN_WRITE")) {
        FILE *out = fopen(path, "wb");
        fputs(said, out);
        fclose(out);
    }
    str expected = kit_read(&a, path);
    if (!str_eq(expected, str_of(said)))
        print_error("%s: expected\n%.*s\nbut it said\n%s\n", name, STR_ARG(expected), said);
    assert_true(str_eq(expected, str_of(said)));
    free(said);
    arena_finish(&a);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void find_cases(void)
{
    DIR *dir = opendir(GOLDEN_DIR);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) && n_names < MAX_CASES) {
        str name = str_of(entry->d_name);
        if (str_ends(name, STR(".yaml")))
            names[n_names++] = mem_dup(str_upto(name, name.n - 5));
    }
    if (dir)
        closedir(dir);
    qsort(names, n_names, sizeof *names, by_text);
}

int main(void)
{
    static struct CMUnitTest tests[MAX_CASES];
    find_cases();
    if (n_names == 0)
        return 1;
    for (size_t i = 0; i < n_names; i++)
        tests[i] = (struct CMUnitTest){names[i], test_golden, NULL, NULL, names[i]};
    int failed = _cmocka_run_group_tests("load_golden", tests, n_names, NULL, NULL);
    for (size_t i = 0; i < n_names; i++)
        free(names[i]);
    return failed;
}
