/* Names of browsers in the list of one's sessions. */
#include "unit.h"

#include "proxy/portal/agent.h"

#define LINUX "Mozilla/5.0 (X11; Linux x86_64) "
#define WINDOWS "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
#define KIT "AppleWebKit/537.36 (KHTML, like Gecko) "

static void names(void **state)
{
    static const struct {
        const char *field, *browser, *system;
    } rows[] = {
        {LINUX KIT "Chrome/131.0.0.0 Safari/537.36", "Chrome", "Linux"},
        {WINDOWS KIT "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge", "Windows"},
        {WINDOWS KIT "Chrome/131.0.0.0 Safari/537.36 OPR/116.0.0.0", "Opera", "Windows"},
        {LINUX "rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox", "Linux"},
        {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 "
         "Safari/605.1.15",
         "Safari", "macOS"},
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile Safari/604.1",
         "Safari", "iOS"},
        {"Mozilla/5.0 (Linux; Android 10; K) " KIT "Chrome/131.0.0.0 Mobile Safari/537.36",
         "Chrome", "Android"},
        {"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " KIT "Chrome/131.0.0.0 Safari/537.36", "Chrome",
         "ChromeOS"},
        {"curl/8.5.0", "curl", ""},
        {"something", "", ""},
        {"", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct agent got = agent_of(str_of(rows[i].field));
        if (!str_eq(got.browser, str_of(rows[i].browser)) ||
            !str_eq(got.system, str_of(rows[i].system)))
            fail_msg("%s", rows[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
