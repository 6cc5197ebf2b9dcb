/* The language page, sentence by sentence: the files of page/ are policies whose own tests are the
 * cases, and page/README.md says which case keeps which sentence. */
#include <dirent.h>

#include "fixture.h"
#include "policy_kit.h"

static const char *const files[] = {"device.yaml", "effects.yaml", "need.yaml",
                                    "time.yaml",   "to.yaml",      "who.yaml"};
enum { FILES = sizeof files / sizeof *files };

static str read_page(struct arena *a, const char *name)
{
    str text = kit_read(a, arena_printf(a, PAGE_DIR "/%s", name).p);

    if (!text.p)
        print_error("%s cannot be read\n", name);
    assert_non_null(text.p);
    return text;
}

static struct policy *load_page(struct arena *a, const char *name, struct findings *f)
{
    struct doc_file file = {str_of(name), read_page(a, name)};
    struct policy_load_in in = {.files = &file,
                                .n_files = 1,
                                .zone = fixture_zone,
                                .tzdata_version = STR("test"),
                                .has_geoip = true};

    return policy_load(&in, f);
}

static void the_cases_of_a_file_hold(void **state)
{
    struct policy_test_totals totals = {0};
    struct findings f;
    struct arena a;

    arena_init(&a, NULL, 0);
    findings_init(&f);
    struct policy *p = load_page(&a, *state, &f);
    bool is_good = p && policy_test_run(p, &f, &totals);
    if (!is_good)
        findings_print(&f, stderr);
    assert_true(is_good);
    assert_true(totals.passed > 10);
    policy_unref(&p);
    findings_finish(&f);
    arena_finish(&a);
}

/* ---- the index ------------------------------------------------------------------------------- */

/* A row: | id | sentence | place |, places with spaces between. */
struct row {
    str id, sentence, places;
};

static str column(str *rest)
{
    return str_trim(str_cut(rest, '|'), " ");
}

static bool next_row(str *text, struct row *out)
{
    while (text->n) {
        str line = str_cut(text, '\n');
        if (!str_starts(line, STR("| ")) || str_starts(line, STR("| id ")))
            continue;
        column(&line);
        out->id = column(&line);
        out->sentence = column(&line);
        out->places = column(&line);
        return true;
    }
    return false;
}

static bool has_case(str text, const char *opening, str id, char after)
{
    struct arena a;

    arena_init(&a, NULL, 0);
    bool has = str_contains(text, arena_printf(&a, "%s%.*s%c", opening, STR_ARG(id), after));
    arena_finish(&a);
    return has;
}

/* x.yaml here, or x.yaml in golden/; test_x.c:function, in this folder or in another. */
static bool place_has(struct arena *a, str place, str id)
{
    str function = place, file = str_cut(&function, ':');

    if (str_ends(file, STR(".yaml")) && str_starts(file, STR("golden/")))
        return kit_read(a, arena_printf(a, PAGE_DIR "/../%.*s", STR_ARG(file)).p).p != NULL;
    if (str_ends(file, STR(".yaml")))
        return has_case(read_page(a, arena_dup(a, file).p), "{name: ", id, ' ');
    str source = kit_read(a, arena_printf(a, PAGE_DIR "/../../%.*s", STR_ARG(file)).p);
    if (!source.p)
        source = kit_read(a, arena_printf(a, PAGE_DIR "/../%.*s", STR_ARG(file)).p);
    if (!function.n)
        return has_case(source, "\"", id, ' ');
    return has_case(source, "cmocka_unit_test(", function, ')') ||
           has_case(source, "\ndef ", function, '(');
}

static void every_sentence_has_a_case(void **state)
{
    struct arena a;
    struct row row;
    size_t n = 0, missing = 0;

    arena_init(&a, NULL, 0);
    for (str text = read_page(&a, "README.md"); next_row(&text, &row); n++) {
        if (!row.places.n) {
            print_error("%.*s has no place\n", STR_ARG(row.id));
            missing++;
        }
        for (str rest = row.places; rest.p && rest.n;) {
            str place = str_cut(&rest, ' ');
            if (place_has(&a, place, row.id))
                continue;
            print_error("%.*s: there is no case in %.*s\n", STR_ARG(row.id), STR_ARG(place));
            missing++;
        }
    }
    assert_int_equal(missing, 0);
    assert_true(n > 100);
    arena_finish(&a);
}

static bool index_has(str text, str id)
{
    for (struct row row; next_row(&text, &row);)
        if (str_eq(row.id, id))
            return true;
    return false;
}

/* Where the tests of a file begin: names of apps are no cases. */
static str tests_of(str text)
{
    const char *found = memmem(text.p, text.n, "\ntests:", 7);

    return str_from(text, found ? (size_t)(found - text.p) : text.n);
}

/* The id that a case is named with; those of small letters are only there for others. */
static str case_id(str line)
{
    static const str opening = STR("- {name: ");

    line = str_trim(line, " ");
    if (!str_starts(line, opening) || line.n == opening.n)
        return (str){NULL, 0};
    line = str_from(line, opening.n);
    str id = str_cut(&line, ' ');
    return id.p[0] >= 'A' && id.p[0] <= 'Z' ? id : (str){NULL, 0};
}

static size_t count_strangers(str index, const char *file, str text)
{
    size_t n = 0;

    while (text.n) {
        str id = case_id(str_cut(&text, '\n'));
        if (!id.n || index_has(index, id))
            continue;
        print_error("%s: no sentence %.*s\n", file, STR_ARG(id));
        n++;
    }
    return n;
}

static void every_case_keeps_a_sentence(void **state)
{
    struct arena a;
    size_t n = 0;

    arena_init(&a, NULL, 0);
    str index = read_page(&a, "README.md");
    for (size_t i = 0; i < FILES; i++)
        n += count_strangers(index, files[i], tests_of(read_page(&a, files[i])));
    assert_int_equal(n, 0);
    arena_finish(&a);
}

/* Of the reasons and causes that the page lists; input:header is http's. */
static const char *const codes[] = {
    "auth.none",
    "default-deny",
    "deny-rule",
    "require-failed",
    "input:path",
    "input:host",
    "input:method",
    "who.users",
    "who.domains",
    "who.groups",
    "who.claims.x",
    "who.services",
    "who.kind",
    "to.method",
    "to.path",
    "to.login",
    "device:missing",
    "device:stale",
    "device:conflict",
    "device.os",
    "device.os:missing",
    "device.os_version",
    "auth.mfa",
    "auth.mfa_within",
    "auth.methods",
    "auth.acr",
    "auth.login_within",
    "auth.issuers",
    "from.network",
    "from.country",
    "when",
    "rule:expired",
    "rule:not-started",
    "approval:required",
    "approval:expired",
    "purpose:required",
    "break-glass:closed",
    "type-error",
    "regex-limit",
    "clock",
};

/* "deny CODE" of a test, or "CODE" of a row. */
static bool is_expected(str text, const char *code)
{
    static const char ends[] = "}\"";

    for (size_t i = 0; ends[i]; i++)
        if (has_case(text, "expect: deny ", str_of(code), ends[i]) ||
            has_case(text, "expect: \"deny ", str_of(code), ends[i]) ||
            has_case(text, "\"", str_of(code), ends[i]))
            return true;
    return false;
}

static void every_code_is_expected(void **state)
{
    struct arena a;
    size_t missing = 0;

    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        bool is_there = is_expected(read_page(&a, "../test_page_facts.c"), codes[i]);
        for (size_t k = 0; k < FILES && !is_there; k++)
            is_there = is_expected(read_page(&a, files[k]), codes[i]);
        if (!is_there)
            print_error("no case expects %s\n", codes[i]);
        missing += !is_there;
        arena_reset(&a);
    }
    assert_int_equal(missing, 0);
    arena_finish(&a);
}

static void every_file_is_run(void **state)
{
    DIR *dir = opendir(PAGE_DIR);
    size_t n = 0;

    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        n += str_ends(str_of(e->d_name), STR(".yaml"));
    closedir(dir);
    assert_int_equal(n, FILES);
}

int main(void)
{
    struct CMUnitTest tests[FILES + 4] = {
        cmocka_unit_test(every_sentence_has_a_case),
        cmocka_unit_test(every_case_keeps_a_sentence),
        cmocka_unit_test(every_code_is_expected),
        cmocka_unit_test(every_file_is_run),
    };
    for (size_t i = 0; i < FILES; i++)
        tests[4 + i] = (struct CMUnitTest){files[i], the_cases_of_a_file_hold, NULL, NULL,
                                           (void *)(uintptr_t)files[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
