/* Files that the settings name: missing or open to others they are told where they are named, and a
 * change of one is another digest. Implicit issuers: no Bearer meets them. */
#include "world.h"

#include "proxy/config/build.h"

#define WHOLE                                                                                      \
    GOOD_CONFIG                                                                                    \
    "  people: builtin\n"                                                                          \
    "  web: {issuer: \"https://web.example\", client_id: p, client_secret_file: secret, ca: ca, "  \
    "apps: [inventory, wiki]}\n"                                                                   \
    "  key: {issuer: \"https://key.example\", client_id: p, client_key_file: ckey}\n"              \
    "portal: {host: access.example}\n"                                                             \
    "mail: {smtp: \"smtps://m.example\", from: p@m.example, username: u, password_file: pass}\n"   \
    "device_sources:\n"                                                                            \
    "  list: {kind: inventory, file: devices.yaml}\n"                                              \
    "  fleet: {kind: fleet, url: \"https://f.example\", token_file: token}\n"                      \
    "  mdm: {kind: posture, issuer: \"https://ci.example\", audience: p, jwks_file: ci.json}\n"

static const char *const secrets[] = {"secret", "ckey", "pass", "token", "users.yaml"};

static void secret(const char *name, const char *text)
{
    room_write(name, text);
    assert_int_equal(chmod(room_path(name), 0600), 0);
}

static void make(void)
{
    world_make();
    room_write("postern.yaml", WHOLE);
    room_write("ca", "x");
    room_write("devices.yaml", "version: 1\ndevices: {laptop-1: {managed: true}}\n");
    for (size_t i = 0; i < 4; i++)
        secret(secrets[i], "secret\n");
    secret("users.yaml", "version: 1\nusers: {kim@acme.example: {pin: true}}\n");
}

static void all_is_well(void **state)
{
    make();
    struct findings f;
    struct snapshot *s = world_build(NULL, &f);
    if (!s)
        fail_msg("%s", findings_text(&f));
    assert_non_null(strstr(findings_text(&f), "unknown-app: there is no app \"wiki\""));
    assert_null(strstr(findings_text(&f), "\"inventory\""));
    assert_int_equal(f.errors, 0);
    assert_int_equal(builtin_users_count(s->users), 1);
    findings_finish(&f);
    /* the users are the same object while their file is */
    struct snapshot *next = world_build(s, &f);
    findings_finish(&f);
    assert_ptr_equal(next->users, s->users);
    snapshot_unref(&next);
    secret("users.yaml", "version: 1\nusers: {lee@acme.example: {pin: true}}\n");
    next = world_build(s, &f);
    findings_finish(&f);
    assert_ptr_not_equal(next->users, s->users);
    snapshot_unref(&next);
    snapshot_unref(&s);
}

static void a_missing_file_is_told(void **state)
{
    static const char *const names[] = {"secret",     "ckey", "pass",        "token",
                                        "users.yaml", "ca",   "devices.yaml"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char says[128];
        struct findings f;
        make();
        unlink(room_path(names[i]));
        snprintf(says, sizeof says, "%s does not exist", room_path(names[i]));
        struct snapshot *s = world_build(NULL, &f);
        if (s || !strstr(findings_text(&f), says))
            fail_msg("%s: %s", names[i], findings_text(&f));
        findings_finish(&f);
    }
}

static void a_secret_is_no_secret_when_others_may_read_it(void **state)
{
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        struct findings f;
        make();
        assert_int_equal(chmod(room_path(secrets[i]), 0644), 0);
        struct snapshot *s = world_build(NULL, &f);
        if (s || !strstr(findings_text(&f), "0644"))
            fail_msg("%s: %s", secrets[i], findings_text(&f));
        findings_finish(&f);
    }
}

static void a_change_is_another_digest(void **state)
{
    static const char *const names[] = {"secret", "ckey", "pass", "token", "ca"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct findings f;
        make();
        struct snapshot *before = world_build(NULL, &f);
        findings_finish(&f);
        room_write(names[i], "other\n");
        struct snapshot *after = world_build(NULL, &f);
        findings_finish(&f);
        if (strcmp(snapshot_base_digest(before), snapshot_base_digest(after)) == 0)
            fail_msg("%s may change without a sign", names[i]);
        snapshot_unref(&before);
        snapshot_unref(&after);
    }
}

/* The posture source reads documents of the same `iss` as the issuer ci: a Bearer is ci's. */
static void implicit_issuers_meet_no_bearer(void **state)
{
    struct findings f;
    make();
    struct snapshot *s = world_build(NULL, &f);
    findings_finish(&f);
    const struct snapshot_issuer *ci = snapshot_issuer_by_iss(s, STR("https://ci.example"));
    assert_string_equal(ci->config->name.p, "ci");
    assert_false(ci->config->is_implicit);
    snapshot_unref(&s);
    /* and with the source alone it is nobody's */
    room_write(
        "postern.yaml",
        "version: 1\nlisteners: [{address: \"127.0.0.1:8080\", front: tailscale}]\n"
        "state: state\ndevice_sources: {mdm: {kind: posture, issuer: \"https://ci.example\", "
        "audience: p, jwks_file: ci.json}}\n");
    s = world_build(NULL, &f);
    if (!s)
        fail_msg("%s", findings_text(&f));
    findings_finish(&f);
    assert_int_equal(s->n_issuers, 2);
    assert_null(snapshot_issuer_by_iss(s, STR("https://ci.example")));
    assert_null(snapshot_issuer_by_iss(s, STR("tailscale")));
    assert_non_null(snapshot_issuer_by_name(s, STR("tailscale")));
    assert_non_null(snapshot_issuer_by_name(s, STR("posture:mdm"))->keys);
    snapshot_unref(&s);
}

/* An inventory is looked into by the device's id, which it cannot give itself. */
static void sources_without_an_id_are_told(void **state)
{
    static const struct {
        const char *id, *more, *rule;
        bool is_told;
    } rows[] = {
        {"asked", "", ", device: {managed: true}", true},
        {"not asked", "", "", false},
        {"documents name it",
         "  mdm: {kind: posture, issuer: m, audience: p, jwks_file: ci.json}\n",
         ", device: {managed: true}", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char config[1024], policy[1024];
        struct findings f;
        make();
        snprintf(
            config, sizeof config,
            "version: 1\nlisteners: [{address: \"127.0.0.1:8080\"}]\nstate: state\n"
            "issuers: {ci: {issuer: \"https://ci.example\", audience: p, jwks_file: ci.json}}\n"
            "device_sources:\n  list: {kind: inventory, file: devices.yaml}\n%s",
            rows[i].more);
        snprintf(
            policy, sizeof policy,
            "version: 1\napps: [{name: inventory, host: inventory.example, upstream: "
            "\"http://127.0.0.1:3000\"}]\nrules: [{id: in, effect: allow, who: {groups: [staff]}, "
            "to: {apps: [inventory]}%s}]\n",
            rows[i].rule);
        room_write("postern.yaml", config);
        room_write("policies/inventory.yaml", policy);
        struct snapshot *s = world_build(NULL, &f);
        const char *told = strstr(findings_text(&f), "6:3 no-device-id: rules ask for the device");
        if (!s || (told != NULL) != rows[i].is_told)
            fail_msg("%s: %s", rows[i].id, findings_text(&f));
        snapshot_unref(&s);
        findings_finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_well),
        cmocka_unit_test(a_missing_file_is_told),
        cmocka_unit_test(a_secret_is_no_secret_when_others_may_read_it),
        cmocka_unit_test(a_change_is_another_digest),
        cmocka_unit_test(sources_without_an_id_are_told),
        cmocka_unit_test(implicit_issuers_meet_no_bearer),
    };
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
