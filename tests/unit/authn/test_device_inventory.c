/* Inventory files, YAML and CSV, and the table that they become. */
#include "check.h"

#include <stdlib.h>

#include "authn/device_words.h"

enum { WRITTEN_S = 1764061200 }; /* 2025-11-25T09:00:00Z */

static struct device_table *parse(const char *name, const char *bytes, struct findings *f)
{
    struct doc_file file = {str_of(name), str_of(bytes)};
    return inventory_parse(&file, STR("office"), WRITTEN_S, f);
}

static const struct device_fact *fact_of(const struct device *d, const char *attribute)
{
    for (size_t i = 0; d && i < d->n_facts; i++)
        if (str_eq(d->facts[i].attribute, str_of(attribute)))
            return &d->facts[i];
    return NULL;
}

static void both_ways_to_write_say_the_same(void **state)
{
    static const struct {
        const char *name, *bytes;
    } files[] = {
        {"devices.yaml",
         "version: 1\n"
         "devices:\n"
         "  laptop-7: {serial: C02XYZ, seen: 2025-11-24T09:00:00+01:00, managed: true,"
         " os: macos,\n"
         "    os_version: \"14.10\", risk: 12, jamf.group: \"finance, a \\\"b\\\"\"}\n"
         "  laptop-8: {managed: false}\n"},
        {"devices.CSV", "\xEF\xBB\xBFid,serial,seen,managed,os,os_version,risk,jamf.group\r\n"
                        "laptop-7,C02XYZ,2025-11-24T09:00:00+01:00,true,macos,14.10,12,"
                        "\"finance, a \"\"b\"\"\"\r\n"
                        "\r\n"
                        "laptop-8,,,false,,,,\n"},
    };
    for (size_t i = 0; i < ROWS(files); i++) {
        struct findings f;
        findings_init(&f);
        struct device_table *t = parse(files[i].name, files[i].bytes, &f);
        assert_row(files[i].name, t && f.n == 0 && device_table_count(t) == 2);
        const struct device *d = device_table_find(t, STR("laptop-7"));
        assert_row(files[i].name, d && d == device_table_find(t, STR("C02XYZ")));
        assert_row(files[i].name, d->n_facts == 5 && d->seen_s == 1763971200);
        const struct device_fact *fact = fact_of(d, "os_version");
        assert_row(files[i].name, fact->kind == CLAIM_STRING && str_eq(fact->text, STR("14.10")));
        assert_row(files[i].name, str_eq(fact->source, STR("office")) && !fact->is_hint);
        assert_row(files[i].name, fact->seen_s == 1763971200);
        assert_row(files[i].name, fact_of(d, "managed")->kind == CLAIM_BOOL);
        assert_row(files[i].name, fact_of(d, "risk")->kind == CLAIM_NUMBER);
        assert_row(files[i].name, str_eq(fact_of(d, "jamf.group")->text, STR("finance, a \"b\"")));
        d = device_table_find(t, STR("laptop-8"));
        assert_row(files[i].name, d && d->n_facts == 1 && d->seen_s == WRITTEN_S);
        assert_row(files[i].name, !device_table_find(t, STR("laptop-9")));
        assert_row(files[i].name, !device_table_find(t, STR("")));
        struct device_table *other = device_table_ref(t);
        device_table_unref(&t);
        assert_row(files[i].name, device_table_count(other) == 2);
        device_table_unref(&other);
        findings_finish(&f);
    }
}

/* A device that was seen after the file was written would stay fresh for ever. */
static void the_future_is_no_excuse(void **state)
{
    struct findings f;
    findings_init(&f);
    struct device_table *t = parse(
        "d.yaml", "version: 1\ndevices: {a: {seen: 2031-01-01T00:00:00Z, managed: true}}", &f);
    assert_non_null(t);
    assert_int_equal(device_table_at(t, 0)->seen_s, WRITTEN_S);
    assert_int_equal(device_table_at(t, 0)->facts[0].seen_s, WRITTEN_S);
    assert_null(device_table_at(t, 1));
    device_table_unref(&t);
    findings_finish(&f);
}

static void errors_name_their_place(void **state)
{
    static const struct {
        const char *name, *bytes, *code;
        unsigned line, column;
    } rows[] = {
        {"d.yaml", "version: 1\ndevices:\n  a: {mannaged: true}\n", "unknown-key", 3, 7},
        {"d.yaml", "version: 1\ndevices:\n  a: {managed: yes}\n", "bad-value", 3, 16},
        {"d.yaml", "version: 1\ndevices:\n  a: {os_version: Sonoma}\n", "bad-value", 3, 19},
        {"d.yaml", "version: 1\ndevices:\n  a: {risk: 101}\n", "bad-value", 3, 13},
        {"d.yaml", "version: 1\ndevices:\n  a: {patch_level: 2026-02-30}\n", "bad-value", 3, 20},
        {"d.yaml", "version: 1\ndevices:\n  a: {seen: yesterday}\n", "bad-value", 3, 13},
        {"d.yaml", "version: 1\ndevices:\n  a: {os: Mac OS}\n", "bad-value", 3, 11},
        {"d.yaml", "version: 1\ndevices:\n  a: [managed]\n", "wrong-kind", 3, 6},
        {"d.yaml", "version: 1\ndevices:\n  a: {}\n  a: {}\n", "duplicate-key", 4, 3},
        {"d.yaml", "version: 2\ndevices: {a: {}}\n", "bad-value", 1, 10},
        {"d.yaml", "devices: {a: {}}\n", "missing-key", 1, 1},
        {"d.yaml", "", "empty", 0, 0},
        {"d.csv", "id,mannaged\na,true\n", "unknown-key", 1, 4},
        {"d.csv", "serial,id\nx,a\n", "no-id", 1, 1},
        {"d.csv", "id,os,os\na,macos,macos\n", "duplicate-key", 1, 7},
        {"d.csv", "id,managed\na,TRUE\n", "bad-value", 2, 3},
        {"d.csv", "id,managed\na,true\nb\n", "wrong-count", 3, 1},
        {"d.csv", "id,managed\na,true,x\n", "wrong-count", 2, 1},
        {"d.csv", "id,managed\na,true\na,true\n", "duplicate-key", 3, 1},
        {"d.csv", "id,x.note\na,\"two\nlines\"\n", "bad-value", 2, 3},
        {"d.csv", "id,x.note\na,\"open\n", "quote", 2, 3},
        {"d.csv", "id,x.note\na,\"b\"c\n", "quote", 2, 3},
        {"d.csv", "id,x.note\na,b\"c\n", "quote", 2, 3},
        {"d.csv", "id,x.note\n,b\n", "bad-value", 2, 1},
        {"d.csv", "id,x.note\na,\xFF\n", "bad-utf8", 1, 1},
        {"d.csv", "", "no-id", 1, 1},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct findings f;
        findings_init(&f);
        struct device_table *t = parse(rows[i].name, rows[i].bytes, &f);
        assert_row(rows[i].bytes, !t && f.errors > 0);
        const struct finding *it = &f.items[0];
        if (rows[i].line && (!str_eq(it->code, str_of(rows[i].code)) || it->line != rows[i].line ||
                             it->column != rows[i].column))
            fail_msg("row \"%s\": %s at %u:%u, wanted %s at %u:%u", rows[i].bytes, it->code.p,
                     it->line, it->column, rows[i].code, rows[i].line, rows[i].column);
        findings_finish(&f);
    }
}

static void all_errors_of_a_file_are_told_at_once(void **state)
{
    struct findings f;
    findings_init(&f);
    assert_null(parse("d.csv", "id,managed,risk\na,TRUE,1\nb,true,200\n", &f));
    assert_int_equal(f.errors, 2);
    assert_int_equal(f.items[1].line, 3);
    assert_int_equal(f.items[1].column, 8);
    findings_finish(&f);
}

/* Clones share a serial number; nobody can say which of them it is. */
static void a_serial_that_two_share_finds_neither(void **state)
{
    struct findings f;
    findings_init(&f);
    struct device_table *t = parse("d.csv", "id,serial\na,S1\nb,S1\nc,S2\n", &f);
    assert_non_null(t);
    assert_null(device_table_find(t, STR("S1")));
    assert_non_null(device_table_find(t, STR("a")));
    assert_non_null(device_table_find(t, STR("S2")));
    device_table_unref(&t);
    findings_finish(&f);
}

/* What one is called is the serial number of the other: neither is told for the other. */
static void an_id_that_is_anothers_serial_finds_neither(void **state)
{
    struct findings f;
    findings_init(&f);
    struct device_table *t = parse("d.csv", "id,serial\na,b\nb,S2\nc,c\nd,x\ne,x\nx,S3\n", &f);
    assert_non_null(t);
    for (const char *const *id = (const char *const[]){"a", "b", "S2", "d", "e", "x", "S3", NULL};
         *id; id++)
        assert_row(*id, !device_table_find(t, str_of(*id)));
    assert_non_null(device_table_find(t, STR("c")));
    assert_int_equal(device_table_twins(t), 5);
    assert_int_equal(f.warnings, 1);
    assert_string_equal(f.items[0].code.p, "device-twins");
    device_table_unref(&t);
    findings_finish(&f);
}

static void instants_are_read_strictly(void **state)
{
    static const struct {
        const char *text;
        int64_t wanted; /* -1: none */
    } rows[] = {
        {"2025-11-25T09:00:00Z", WRITTEN_S},
        {"2025-11-25T09:00:00.123456Z", WRITTEN_S},
        {"2025-11-25T10:00:00+01:00", WRITTEN_S},
        {"2025-11-25T04:30:00-04:30", WRITTEN_S},
        {"2025-11-25 09:00:00Z", -1},
        {"2025-11-25T09:00:00", -1},
        {"2025-11-31T09:00:00Z", -1},
        {"2025-11-25T24:00:00Z", -1},
        {"2025-11-25T09:61:00Z", -1},
        {"2025-11-25T09:00:00Zx", -1},
        {"2025-11-25", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t at = -1;
        bool good = device_instant(str_of(rows[i].text), &at);
        assert_row(rows[i].text, good == (rows[i].wanted != -1));
        assert_row(rows[i].text, !good || at == rows[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_to_write_say_the_same),
        cmocka_unit_test(the_future_is_no_excuse),
        cmocka_unit_test(errors_name_their_place),
        cmocka_unit_test(all_errors_of_a_file_are_told_at_once),
        cmocka_unit_test(a_serial_that_two_share_finds_neither),
        cmocka_unit_test(an_id_that_is_anothers_serial_finds_neither),
        cmocka_unit_test(instants_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
