/* Accept-Language: the liked one of those we speak. */
#include "unit.h"

#include "proxy/portal/pages.h"

static void by_quality(void **state)
{
    static const struct {
        const char *header;
        enum page_language language;
    } rows[] = {
        {"", PAGE_ENGLISH},
        {"de", PAGE_GERMAN},
        {"DE-at", PAGE_GERMAN},
        {"en", PAGE_ENGLISH},
        {"fr", PAGE_ENGLISH},
        {"*", PAGE_ENGLISH},
        {"fr, de;q=0.1", PAGE_GERMAN},
        {"en-US,en;q=0.9,de;q=0.8", PAGE_ENGLISH},
        {"de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", PAGE_GERMAN},
        {"en;q=0.5, de;q=0.9", PAGE_GERMAN},
        {"en;q=0.801,de;q=0.802", PAGE_GERMAN},
        {"de;q=0", PAGE_ENGLISH},
        {"de;q=0.000, en;q=0.1", PAGE_ENGLISH},
        {"de;q=x", PAGE_ENGLISH},
        {"de;q=2", PAGE_ENGLISH},
        {"de;q=0.99999", PAGE_ENGLISH},
        {"de;q=", PAGE_ENGLISH},
        {"de;Q=1.000", PAGE_GERMAN},
        {" de ; q=0.5 ", PAGE_GERMAN},
        {"deu", PAGE_ENGLISH},
        {",,,;;;,de", PAGE_GERMAN},
        {"en,de", PAGE_ENGLISH},
        {"de,en", PAGE_GERMAN},
    };
    (void)state;
    assert_int_equal(page_language((str){NULL, 0}), PAGE_ENGLISH);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (page_language(str_of(rows[i].header)) != rows[i].language)
            fail_msg("%s", rows[i].header);
}

static void a_long_list_ends(void **state)
{
    static char many[8192];
    (void)state;
    for (size_t i = 0; i + 3 < sizeof many; i += 3)
        memcpy(many + i, "fr,", 3);
    memcpy(many + 6000, "de,", 3);
    assert_int_equal(page_language(str_of(many)), PAGE_ENGLISH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_quality),
        cmocka_unit_test(a_long_list_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
