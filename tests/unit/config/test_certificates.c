/* Certificates: where what is wrong with a named file is told, and which end is near. */
#include "world.h"

#include <time.h>

enum { DAY_S = 86400 };

/* The findings of one build as "file:line:column severity code", the file without its folder. */
static const char *places(const struct findings *f)
{
    static char out[2048];
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *x = &f->items[i];
        str file = str_from(x->file, str_rfind(x->file, '/') + 1);
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s:%u:%u %s %s", i ? "\n" : "",
                              STR_ARG(file), x->line, x->column,
                              x->severity == FINDING_ERROR ? "error" : "warning", x->code.p);
    }
    return out;
}

#define NAMED                                                                                      \
    "version: 1\n"                                                                                 \
    "listeners:\n"                                                                                 \
    "  - address: \":8443\"\n"                                                                     \
    "    tls:\n"                                                                                   \
    "      certificates:\n"                                                                        \
    "        - cert: cert.pem\n"                                                                   \
    "          key: key.pem\n"                                                                     \
    "policies: policies\n"                                                                         \
    "state: state\n"                                                                               \
    "issuers:\n"                                                                                   \
    "  corp: {issuer: \"https://login.example\", audience: postern, ca: ca.pem}\n"                 \
    "  ci: {issuer: \"https://ci.example\", audience: postern, jwks_file: ci.json}\n"

static void make_named(void)
{
    world_make();
    room_write("postern.yaml", NAMED);
    room_write("ca.pem", "");
    room_mkdir("state");
}

static void spoil(const char *file, const char *text)
{
    char command[400];
    snprintf(command, sizeof command, "rm -rf '%s'", room_path(file));
    assert_int_equal(system(command), 0);
    if (text)
        room_write(file, text);
}

static void tells_where_a_file_is_named(void **state)
{
    static const struct {
        const char *id, *file, *text, *says, *source;
    } rows[] = {
        {"no certificate", "cert.pem", NULL, "postern.yaml:6:17 error unreadable",
         "cert: cert.pem"},
        {"no key", "key.pem", NULL, "postern.yaml:7:16 error unreadable", "key: key.pem"},
        {"bad certificate", "cert.pem", "x", "postern.yaml:6:17 error tls", "cert: cert.pem"},
        {"no policies", "policies", NULL, "postern.yaml:8:11 error unreadable",
         "policies: policies"},
        {"no CA of an issuer", "ca.pem", NULL, "postern.yaml:11:66 error unreadable", "ca: ca.pem"},
        {"no keys", "ci.json", NULL, "postern.yaml:12:68 error unreadable", "jwks_file: ci.json"},
        {"bad keys", "ci.json", "{}", "postern.yaml:12:68 error keys", "jwks_file: ci.json"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct findings f;
        make_named();
        spoil(rows[i].file, rows[i].text);
        struct snapshot *s = world_build(NULL, &f);
        if (strcmp(places(&f), rows[i].says) != 0 || !strstr(f.items[0].source.p, rows[i].source) ||
            !strstr(f.items[0].message.p, room))
            fail_msg("%s: %s: %s", rows[i].id, places(&f), findings_text(&f));
        snapshot_unref(&s);
        findings_finish(&f);
    }
    struct findings f;
    make_named();
    room_mkdir("state/keys"); /* 0755 */
    assert_null(world_build(NULL, &f));
    assert_string_equal(places(&f), "postern.yaml:9:8 error key-mode");
    findings_finish(&f);
}

/* What a default names has no place in the file. */
static void tells_what_a_default_names(void **state)
{
    struct findings f;
    world_make();
    spoil("policies", NULL);
    struct snapshot *s = world_build(NULL, &f);
    assert_string_equal(places(&f), "policies:0:0 error unreadable");
    snapshot_unref(&s);
    findings_finish(&f);
}

/* Each bad one of several is told, and none of the good. */
static void tells_every_bad_certificate(void **state)
{
    struct findings f;
    world_make();
    room_write("bad.pem", "x");
    room_write("postern.yaml", "version: 1\n"
                               "listeners:\n"
                               "  - address: \":8443\"\n"
                               "    tls:\n"
                               "      certificates:\n"
                               "        - {cert: bad.pem, key: key.pem}\n"
                               "        - {cert: cert.pem, key: key.pem}\n"
                               "        - {cert: bad.pem, key: key.pem}\n"
                               "state: state\n"
                               "issuers: {ci: {issuer: ci, audience: x, jwks_file: ci.json}}\n");
    assert_null(world_build(NULL, &f));
    assert_string_equal(places(&f), "postern.yaml:6:18 error tls\npostern.yaml:8:18 error tls");
    findings_finish(&f);
}

static void warns_of_an_end(void **state)
{
    static const struct {
        int64_t left_s;
        const char *code, *says; /* NULL: nothing is told */
    } rows[] = {
        {60 * DAY_S, NULL, NULL},
        {21 * DAY_S, NULL, NULL},
        {21 * DAY_S - 1, "certificate-expires", "at 2026-12-09T11:06:39Z, in 20 days"},
        {DAY_S, "certificate-expires", "at 2026-11-19T11:06:40Z, in 1 day"},
        {1, "certificate-expires", "at 2026-11-18T11:06:41Z, in 0 days"},
        {0, "certificate-expired", "expired at 2026-11-18T11:06:40Z"},
        {-DAY_S, "certificate-expired", "expired at 2026-11-17T11:06:40Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct findings f;
        world_make();
        world_certificate_until("inventory.example", WORLD_WALL_S + rows[i].left_s);
        struct snapshot *s = world_build(NULL, &f);
        assert_non_null(s); /* it is served all the same */
        if (rows[i].code ? f.n != 1 || !str_eq(f.items[0].code, str_of(rows[i].code)) ||
                               !strstr(f.items[0].message.p, rows[i].says) ||
                               f.items[0].line != 3 || f.items[0].column != 52
                         : f.n != 0)
            fail_msg("row %zu: %s", i, findings_text(&f));
        assert_int_equal(f.errors, 0);
        assert_int_equal(tls_server_not_after_s(s->tls[0], 0), WORLD_WALL_S + rows[i].left_s);
        snapshot_unref(&s);
        findings_finish(&f);
    }
}

/* Also a context that is shared with the last snapshot, for time has passed since. */
static void warns_again_at_a_reload(void **state)
{
    struct findings f;
    world_make();
    struct snapshot *first = world_build(NULL, &f);
    assert_int_equal(f.n, 0);
    findings_finish(&f);
    struct snapshot_inputs in = world_inputs();
    in.wall_us += INT64_C(1000000) * DAY_S * 50;
    bool is_broken;
    findings_init(&f);
    struct snapshot *later = snapshot_build(&in, first, &is_broken, &f);
    assert_ptr_equal(later->tls[0], first->tls[0]);
    assert_non_null(strstr(findings_text(&f), "in 10 days"));
    snapshot_unref(&later);
    snapshot_unref(&first);
    findings_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_where_a_file_is_named), cmocka_unit_test(tells_what_a_default_names),
        cmocka_unit_test(tells_every_bad_certificate), cmocka_unit_test(warns_of_an_end),
        cmocka_unit_test(warns_again_at_a_reload),
    };
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
