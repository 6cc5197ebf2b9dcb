/* What a Fleet server answers, read into facts. */
#include "check.h"

enum { NOW_S = 1764061200 }; /* 2025-11-25T09:00:00Z */

#define HOST(members) "{\"hosts\":[{\"uuid\":\"u-1\",\"hardware_serial\":\"C02XYZ\"," members "}]}"
#define TIMES                                                                                      \
    "\"detail_updated_at\":\"2025-11-25T08:00:00Z\",\"policy_updated_at\":\"2025-11-25T07:00:"     \
    "00Z\","                                                                                       \
    "\"seen_time\":\"2025-11-25T08:59:00Z\""
#define POLICIES(answers) HOST(TIMES ",\"policies\":[" answers "]")
#define POLICY(name, answer) "{\"id\":1,\"name\":\"" name "\",\"response\":\"" answer "\"}"

static struct device_table *read_pages(const char *const *pages, struct fail *fail)
{
    struct fleet_reader *r = fleet_reader_create(STR("fleet"), NOW_S);
    for (size_t i = 0; pages[i]; i++) {
        bool more;
        if (!fleet_reader_page(r, str_of(pages[i]), &more, fail)) {
            fleet_reader_destroy(&r);
            return NULL;
        }
    }
    return fleet_reader_finish(&r);
}

static const struct device_fact *fact_of(const struct device *d, str attribute)
{
    for (size_t i = 0; d && i < d->n_facts; i++)
        if (str_eq(d->facts[i].attribute, attribute))
            return &d->facts[i];
    return NULL;
}

static void facts_of_a_host(void **state)
{
    static const struct {
        const char *json, *attribute, *text; /* NULL: not known */
        int64_t age_s;
    } rows[] = {
        {HOST(TIMES ",\"platform\":\"darwin\""), "os", "macos", 3600},
        {HOST(TIMES ",\"platform\":\"ubuntu\""), "os", "linux", 3600},
        {HOST(TIMES ",\"platform\":\"windows\""), "os", "windows", 3600},
        {HOST(TIMES ",\"platform\":\"\""), "os", NULL, 0},
        {HOST(TIMES ",\"os_version\":\"macOS 14.2.1\""), "os_version", "14.2.1", 3600},
        {HOST(TIMES ",\"os_version\":\"Ubuntu 22.04.3 LTS\""), "os_version", "22.04.3", 3600},
        {HOST(TIMES ",\"os_version\":\"Windows 11 Enterprise 23H2 10.0.22631.2715\""), "os_version",
         "10.0.22631.2715", 3600},
        {HOST(TIMES ",\"os_version\":\"Debian GNU/Linux 12\""), "os_version", "12", 3600},
        {HOST(TIMES ",\"os_version\":\"rolling\""), "os_version", NULL, 0},
        {HOST(TIMES ",\"disk_encryption_enabled\":true"), "disk_encrypted", "true", 3600},
        {HOST(TIMES ",\"disk_encryption_enabled\":false"), "disk_encrypted", "false", 3600},
        {HOST(TIMES ",\"disk_encryption_enabled\":null"), "disk_encrypted", NULL, 0},
        {HOST(TIMES ",\"mdm\":{\"enrollment_status\":\"On (automatic)\"}"), "managed", "true",
         3600},
        {HOST(TIMES ",\"mdm\":{\"enrollment_status\":\"Off\"}"), "managed", "false", 3600},
        {HOST(TIMES ",\"mdm\":{\"enrollment_status\":null}"), "managed", NULL, 0},
        {HOST(TIMES ",\"status\":\"online\""), "fleet.status", "online", 60},
        /* Without its clock a fact is none, and a clock that is ahead makes nothing younger. */
        {HOST("\"platform\":\"darwin\""), "os", NULL, 0},
        {HOST("\"detail_updated_at\":\"soon\",\"platform\":\"darwin\""), "os", NULL, 0},
        {HOST("\"detail_updated_at\":\"2030-01-01T00:00:00Z\",\"platform\":\"darwin\""), "os",
         "macos", 0},
        {POLICIES(POLICY("Gatekeeper enabled (macOS)", "pass")), "fleet.gatekeeper_enabled_macos",
         "true", 7200},
        {POLICIES(POLICY("Gatekeeper enabled (macOS)", "fail")), "fleet.gatekeeper_enabled_macos",
         "false", 7200},
        {POLICIES(POLICY("Gatekeeper enabled (macOS)", "")), "fleet.gatekeeper_enabled_macos", NULL,
         0},
        {POLICIES(POLICY("postern: firewall", "pass")), "firewall", "true", 7200},
        {POLICIES(POLICY("postern: os", "pass")), "os", NULL, 0},
        {POLICIES(POLICY("a", "pass") "," POLICY("b", "pass")), "compliant", "true", 7200},
        {POLICIES(POLICY("a", "pass") "," POLICY("b", "fail")), "compliant", "false", 7200},
        {POLICIES(POLICY("a", "pass") "," POLICY("b", "")), "compliant", NULL, 0},
        {POLICIES(POLICY("a", "fail") "," POLICY("b", "")), "compliant", "false", 7200},
        {POLICIES(""), "compliant", NULL, 0},
        {HOST(TIMES), "compliant", NULL, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail fail = {0};
        struct device_table *t = read_pages((const char *[]){rows[i].json, NULL}, &fail);
        assert_row(rows[i].json, t);
        const struct device *d = device_table_find(t, STR("C02XYZ"));
        assert_row(rows[i].json, d && d == device_table_find(t, STR("u-1")));
        const struct device_fact *fact = fact_of(d, str_of(rows[i].attribute));
        assert_row(rows[i].json, (fact != NULL) == (rows[i].text != NULL));
        assert_row(rows[i].json, !fact || str_eq(fact->text, str_of(rows[i].text)));
        assert_row(rows[i].json, !fact || NOW_S - fact->seen_s == rows[i].age_s);
        device_table_unref(&t);
    }
}

static void pages_end_with_an_empty_one(void **state)
{
    struct fleet_reader *r = fleet_reader_create(STR("fleet"), NOW_S);
    struct fail fail = {0};
    bool more = false;
    assert_true(fleet_reader_page(
        r, STR("{\"hosts\":[{\"uuid\":\"a\",\"hardware_serial\":\"\"},{\"uuid\":\"\"}]}"), &more,
        &fail));
    assert_true(more);
    assert_true(
        fleet_reader_page(r, STR("{\"hosts\":[{\"uuid\":\"b\"},{\"uuid\":\"b\"}]}"), &more, &fail));
    assert_true(fleet_reader_page(r, STR("{\"hosts\":[]}"), &more, &fail));
    assert_false(more);
    struct device_table *t = fleet_reader_finish(&r);
    assert_null(r);
    assert_non_null(device_table_find(t, STR("a")));
    assert_null(device_table_find(t, STR("b"))); /* two of that name: neither */
    device_table_unref(&t);
}

static void refuses_what_fleet_does_not_answer(void **state)
{
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        "{\"hosts\":null}",
        "{\"hosts\":[1]}",
        "{\"hosts\":{}}",
        "<html>",
        "{\"hosts\":[]} x",
        "{\"message\":\"Authentication required\"}",
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail fail = {0};
        assert_row(rows[i], !read_pages((const char *[]){rows[i], NULL}, &fail));
        assert_row(rows[i], fail.code == FAIL_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_a_host),
        cmocka_unit_test(pages_end_with_an_empty_one),
        cmocka_unit_test(refuses_what_fleet_does_not_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
