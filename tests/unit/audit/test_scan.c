/* Filters, times, and files that are searched. */
#include "desk.h"

#include "base/arena.h"
#include "proxy/audit/files.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE                                                                                       \
    "{\"time\":\"2026-11-25T09:30:00.123456Z\",\"kind\":\"decision\",\"id\":\"r-1\","              \
    "\"app\":\"inventory\",\"identity\":{\"subject\":\"u-17\",\"email\":\"d\\u00e9@x.example\"},"  \
    "\"session\":\"5e55\",\"device\":{\"id\":\"dev-9\"},\"path\":\"/alice\","                      \
    "\"decision\":{\"effect\":\"allow\",\"reason\":\"rule\",\"rules\":[\"contractors/inv\","       \
    "\"night\"]},\"seq\":1,\"prev\":\"\"}"

static void a_record_fits_all_that_is_asked(void **state)
{
    static const struct {
        struct audit_filter w;
        bool fits;
    } rows[] = {
        {{.user = STR("u-17")}, true},
        {{.user = STR("d\xc3\xa9@x.example")}, true},
        {{.user = STR("alice")}, false}, /* a path is not a person */
        {{.user = STR("u-1")}, false},
        {{.app = STR("inventory")}, true},
        {{.app = STR("inv")}, false},
        {{.rule = STR("night")}, true},
        {{.rule = STR("contractors/inv")}, true},
        {{.rule = STR("contractors")}, false},
        {{.reason = STR("rule")}, true},
        {{.effect = STR("allow")}, true},
        {{.effect = STR("deny")}, false},
        {{.session = STR("5e55")}, true},
        {{.device = STR("dev-9")}, true},
        {{.id = STR("r-1")}, true},
        {{.id = STR("r-2")}, false},
        {{.kind = STR("decision")}, true},
        {{.kind = STR("login")}, false},
        {{.user = STR("u-17"), .app = STR("inventory"), .effect = STR("allow")}, true},
        {{.user = STR("u-17"), .app = STR("inventory"), .effect = STR("deny")}, false},
        {{.since_us = 1795599000123456}, true},
        {{.since_us = 1795599000123457}, false},
        {{.until_us = 1795599000123457}, true},
        {{.until_us = 1795599000123456}, false},
        {{.since_us = 0}, true},
        {{.shadow_differs = true}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (audit_filter_fits(&rows[i].w, STR(LINE)) != rows[i].fits)
            fail_msg("row %zu", i);
    struct audit_filter shadow = {.shadow_differs = true};
    assert_true(audit_filter_fits(&shadow, STR("{\"shadow\":{\"effect\":\"deny\"}}")));
    assert_false(audit_filter_fits(&shadow, STR("{\"app\":\"shadow\"}")));
    struct audit_filter w = {.user = STR("u-17")};
    assert_false(audit_filter_fits(&w, STR("{\"u-17\"")));
    assert_false(audit_filter_fits(&w, STR("[\"u-17\"]")));
}

static void times_are_read(void **state)
{
    enum { NOW_S = 1795600000 };
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } rows[] = {
        {"2026-11-25T09:30:00Z", 1795599000000000},
        {"2026-11-25T09:30:00.5Z", 1795599000500000},
        {"2026-11-25T09:30:00.123456Z", 1795599000123456},
        {"2026-11-25T10:30:00+01:00", 1795599000000000},
        {"2026-11-25T04:00:00-05:30", 1795599000000000},
        {"2026-11-25 09:30", 1795599000000000},
        {"2026-11-25", 1795564800000000},
        {"90s", (NOW_S - 90) * 1000000LL},
        {"15m", (NOW_S - 900) * 1000000LL},
        {"2h", (NOW_S - 7200) * 1000000LL},
        {"7d", (NOW_S - 7 * 86400) * 1000000LL},
        {"", -1},
        {"7", -1},
        {"7x", -1},
        {"d", -1},
        {"yesterday", -1},
        {"2026-11-25T09:30:00+1:00", -1},
        {"2026-11-25T09:30:00 CET", -1},
        {"2026-13-25", -1},
        {"2026-11-25T09:30:00.123456Z and then some more of it, far too long to be a time", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t us = -1;
        if (!audit_time_parse(str_of(rows[i].text), NOW_S * 1000000LL, &us))
            us = -1;
        if (us != rows[i].us)
            fail_msg("row %zu: %s is %lld", i, rows[i].text, (long long)us);
    }
}

struct seen {
    int n, last, stop_at;
};

static bool count(void *ctx, str line)
{
    struct seen *s = ctx;
    const char *n = memmem(line.p, line.n, "\"n\":", 4);
    assert_non_null(n);
    assert_true(atoi(n + 4) > s->last);
    s->last = atoi(n + 4);
    return ++s->n != s->stop_at;
}

static void all_files_are_searched_in_order(void **state)
{
    struct desk *d = *state;
    struct fail f = {0};
    struct audit_filter w = {.kind = STR("decision")};
    d->options.rotate_bytes = 20000;
    desk_open(d);
    for (int i = 0; i < 10; i++) {
        desk_put_many(d, i * 100, i * 100 + 100);
        desk_turn(d, 3600 * 1000000LL);
    }
    char *rotated = desk_find(d, "-000000000001-");
    _Atomic(bool) stop = false;
    assert_true(files_compress(rotated, &stop, &f));
    free(rotated);
    struct seen all = {.last = -1}, some = {.last = -1, .stop_at = 7}, late = {.last = -1};
    assert_true(audit_scan(d->file, &w, count, &all, &f));
    assert_int_equal(all.n, 1000);
    assert_true(audit_scan(d->file, &w, count, &some, &f));
    assert_int_equal(some.n, 7);
    w.since_us = desk_wall_us - 2 * 3600 * 1000000LL - 1;
    assert_true(audit_scan(d->file, &w, count, &late, &f));
    assert_int_equal(late.n, 200);
}

static void no_journal_is_a_failure(void **state)
{
    struct desk *d = *state;
    struct fail f = {0};
    struct audit_filter w = {0};
    assert_false(audit_scan(d->file, &w, count, NULL, &f));
    assert_int_equal(f.code, FAIL_NOT_FOUND);
    assert_false(audit_scan("/nonexistent/x.jsonl", &w, count, NULL, &f));
}

static void a_row_cannot_steer_the_terminal(void **state)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    audit_table_head(out);
    audit_table_row(out, STR(LINE));
    audit_table_row(out, STR("{\"kind\":\"decision\",\"decision\":{},\"path\":"
                             "\"/\\u001b[2J\\u0007\\u009b\\u202e\\n\\u007f\"}"));
    audit_table_row(out, STR("{\"kind\":\"x\\u001b[2J\",\"reason\":\"\\u001b\",\"size\":7}"));
    audit_table_row(out, STR("no json \x1b"));
    audit_table_row(out, STR("{\"kind\":\"decision\",\"decision\":{\"reason\":\"auth.none\","
                             "\"token\":\"token.expired\"}}"));
    audit_table_row(out, STR("{\"kind\":\"policy.failed\",\"errors\":[\"a.yaml:3:1: no\",\"b\"]}"));
    fclose(out);
    int lines = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true((unsigned char)text[i] >= ' ' || text[i] == '\n');
        lines += text[i] == '\n';
    }
    assert_int_equal(lines, 7);
    assert_null(strstr(text, "\xc2\x9b"));
    assert_null(strstr(text, "\xe2\x80\xae"));
    assert_non_null(strstr(text, "d\xc3\xa9@x.example"));
    assert_non_null(strstr(text, "contractors/inv"));
    assert_non_null(strstr(text, "/?[2J?"));
    assert_non_null(strstr(text, " token.expired "));
    assert_null(strstr(text, "auth.none"));
    assert_non_null(strstr(text, " a.yaml:3:1: no (and 1 more)\n"));
    free(text);
}

#define WHO "\"identity\":{\"subject\":\"u-1\",\"email\":\"eva@x.example\"}"
#define GRANT                                                                                      \
    "\"grant\":{\"id\":7,\"rule\":\"help\",\"app\":\"crm\",\"subject\":\"u-2\",\"email\":\"kim@x." \
    "example\","                                                                                   \
    "\"reason\":\"a caller\"}"

static void an_event_names_the_person_and_why(void **state)
{
    static const struct {
        const char *kind, *members, *user, *told;
    } rows[] = {
        {"login", WHO ",\"issuer\":\"corp\",\"device\":\"d-1\"", "eva@x.example",
         "device=d-1 issuer=corp"},
        {"login.failed", "\"issuer\":\"corp\",\"reason\":\"login.code\"", "-",
         "reason=login.code issuer=corp"},
        {"login.failed", "\"reason\":\"builtin.refused\",\"email\":\"sam@x.example\"",
         "sam@x.example", "reason=builtin.refused"},
        {"logout", WHO ",\"how\":\"everywhere\",\"ended\":2", "eva@x.example",
         "how=everywhere ended=2"},
        {"session.revoked", "\"identity\":{\"subject\":\"u-1\"},\"why\":\"idle\",\"by\":\"time\"",
         "u-1", "why=idle by=time"},
        {"step_up", WHO ",\"app\":\"crm\"", "eva@x.example", "app=crm"},
        {"approval.approved", WHO "," GRANT, "eva@x.example",
         "app=crm rule=help grant=7 for=kim@x.example reason=a caller"},
        {"approval.ended", GRANT ",\"why\":\"time\"", "kim@x.example",
         "why=time app=crm rule=help"},
        {"break_glass.opened", WHO "," GRANT, "eva@x.example", "reason=a caller"},
        {"purpose.stated", WHO ",\"app\":\"crm\",\"purpose\":\"a caller\"", "eva@x.example",
         "app=crm purpose=a caller"},
        {"device.source", "\"source\":\"mdm\",\"state\":\"down\",\"why\":\"timeout\"", "-",
         "why=timeout state=down source=mdm"},
        {"device.changed",
         "\"source\":\"mdm\",\"device\":{\"id\":\"d-1\"},\"changes\":[{\"name\":\"managed\","
         "\"from\":\"true\",\"to\":\"false\"}]",
         "-", "source=mdm device=d-1 managed=false"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = NULL, line[1024], column[64];
        size_t n;
        FILE *out = open_memstream(&text, &n);
        snprintf(line, sizeof line, "{\"kind\":\"%s\",%s}", rows[i].kind, rows[i].members);
        snprintf(column, sizeof column, "%s ", rows[i].user);
        audit_table_row(out, str_of(line));
        fclose(out);
        if (!strstr(text, column) || !strstr(text, rows[i].told))
            fail_msg("row %zu: %s", i, text);
        free(text);
    }
}

int main(void)
{
#define on_desk(test) cmocka_unit_test_setup_teardown(test, desk_setup, desk_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_fits_all_that_is_asked),
        cmocka_unit_test(times_are_read),
        on_desk(all_files_are_searched_in_order),
        on_desk(no_journal_is_a_failure),
        cmocka_unit_test(a_row_cannot_steer_the_terminal),
        cmocka_unit_test(an_event_names_the_person_and_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
