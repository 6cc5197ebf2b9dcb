/* A snapshot: what it joins, what it shares with the one before, what it refuses. */
#include "world.h"

#include "proxy/config/build.h"

static void joins_everything(void **state)
{
    world_make();
    struct findings f;
    struct snapshot *s = world_build(NULL, &f);
    assert_string_equal(findings_text(&f), "");
    assert_non_null(s);
    assert_non_null(s->policy);
    assert_int_equal(s->n_apps, 1);
    assert_int_equal(s->policy_generation, 1);
    assert_int_equal(strlen(s->policy_digest), DIGEST_HEX_CHARS);
    assert_int_equal(s->n_listeners, 2);
    assert_non_null(s->tls[0]);
    assert_null(s->tls[1]);
    const struct app *app = snapshot_app_by_host(s, STR("inventory.example"));
    assert_non_null(app);
    assert_ptr_equal(app, snapshot_app_by_name(s, STR("inventory")));
    assert_null(snapshot_app_by_host(s, STR("other.example")));
    assert_int_equal(app->upstreams[0].port, 3000);
    assert_true(app->websocket);
    assert_int_equal(app->max_body_bytes, 1 << 30);
    assert_int_equal(app->connect_timeout_ms, 5000);
    assert_string_equal(app->identity_headers[0].name.p, "X-WEBAUTH-USER");
    assert_string_equal(app->identity_headers[0].claim.p, "email");
    const struct snapshot_issuer *i = snapshot_issuer_by_iss(s, STR("https://ci.example"));
    assert_non_null(i);
    assert_non_null(i->keys);
    assert_null(snapshot_issuer_by_iss(s, STR("https://login.example"))->keys);
    assert_null(snapshot_issuer_by_iss(s, STR("https://login.example/")));
    assert_int_equal(s->n_policy_files, 1);
    assert_string_equal(s->policy_files[0].name.p, "inventory.yaml");
    snapshot_unref(&s);
    assert_null(s);
    findings_finish(&f);
}

static void shares_what_did_not_change(void **state)
{
    world_make();
    struct findings f;
    struct snapshot *first = world_build(NULL, &f);
    assert_non_null(first);
    findings_finish(&f);
    struct snapshot *same = world_build(first, &f);
    findings_finish(&f);
    assert_ptr_equal(first->policy, same->policy);
    assert_ptr_equal(first->tls[0], same->tls[0]);
    assert_int_equal(same->policy_generation, 1);
    assert_int_equal(same->serial, 2);
    world_certificate("other.example");
    room_write("policies/inventory.yaml", GOOD_POLICY "# changed\n");
    struct snapshot *other = world_build(same, &f);
    findings_finish(&f);
    assert_ptr_not_equal(first->policy, other->policy);
    assert_ptr_not_equal(first->tls[0], other->tls[0]);
    assert_int_equal(other->policy_generation, 2);
    assert_string_not_equal(first->policy_digest, other->policy_digest);
    snapshot_unref(&same);
    snapshot_unref(&first);
    assert_non_null(snapshot_app_by_name(other, STR("inventory")));
    snapshot_unref(&other);
}

static void takes_new_keys(void **state)
{
    world_make();
    struct findings f;
    struct fail fail;
    struct snapshot *first = world_build(NULL, &f);
    findings_finish(&f);
    struct keyset *keys = keyset_parse(STR(JWKS), &fail);
    assert_non_null(keys);
    struct snapshot *next = snapshot_with_keys(first, 0, keys);
    assert_null(first->issuers[0].keys);
    assert_ptr_equal(next->issuers[0].keys, keys);
    assert_non_null(next->issuers[1].keys);
    assert_ptr_equal(next->policy, first->policy);
    snapshot_unref(&first);
    /* keys that were fetched outlive a reload */
    room_write("policies/inventory.yaml", GOOD_POLICY "# changed\n");
    struct snapshot *reloaded = world_build(next, &f);
    findings_finish(&f);
    assert_ptr_equal(reloaded->issuers[0].keys, keys);
    assert_int_equal(reloaded->serial, 3);
    snapshot_unref(&next);
    snapshot_unref(&reloaded);
}

static void broken_policies_refuse_all(void **state)
{
    world_make();
    struct findings f;
    room_write("policies/inventory.yaml", "version: 1\napps: [");
    struct snapshot_inputs in = world_inputs();
    bool is_broken = false;
    findings_init(&f);
    struct snapshot *s = snapshot_build(&in, NULL, &is_broken, &f);
    assert_non_null(s);
    assert_true(is_broken);
    assert_null(s->policy);
    assert_int_equal(s->n_apps, 0);
    assert_int_equal(s->policy_generation, 0);
    assert_string_equal(s->policy_digest, "");
    assert_null(snapshot_app_by_host(s, STR("inventory.example")));
    assert_true(f.errors > 0);
    snapshot_unref(&s);
    findings_finish(&f);
}

static void refuses_broken_parts(void **state)
{
    static const struct {
        const char *id, *file, *text, *says;
    } rows[] = {
        {"config", "postern.yaml", "version: 1\n", "missing-key"},
        {"certificate", "cert.pem", "-----BEGIN NOTHING-----\n", "tls"},
        {"key of another", "key.pem", "", "tls"},
        {"no certificate", "cert.pem", NULL, "cert.pem does not exist"},
        {"no keys", "ci.json", NULL, "ci.json does not exist"},
        {"bad keys", "ci.json", "{\"keys\":[]}", "keys"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct findings f;
        world_make();
        if (rows[i].text)
            room_write(rows[i].file, rows[i].text);
        else
            unlink(room_path(rows[i].file));
        struct snapshot *s = world_build(NULL, &f);
        if (s || !strstr(findings_text(&f), rows[i].says))
            fail_msg("%s: %s", rows[i].id, findings_text(&f));
        findings_finish(&f);
    }
    struct findings f;
    world_make();
    assert_int_equal(chmod(room_path("key.pem"), 0644), 0);
    assert_null(world_build(NULL, &f));
    assert_non_null(strstr(findings_text(&f), "holds secrets and has mode 0644"));
    findings_finish(&f);
}

#define APP_HEAD "version: 1\napps:\n  - {name: a, host: a.example, upstream: "
static void refuses_apps_of_later_versions(void **state)
{
    static const struct {
        const char *text, *says;
        bool good;
    } rows[] = {
        {"\"https://10.0.0.1\"}", "", true},
        {"\"http://10.0.0.1\", identity: {assertion: true, claims: [email]}}", "", true},
        {"\"http://10.0.0.1\", identity: {assertion: true, claims: [aud]}}",
         "\"aud\" is a claim of the assertion itself", false},
        {"\"http://10.0.0.1\", tls: {server_name: x.example}}",
         "3:61 bad-value: tls is for https:// upstreams only", false},
        {"\"https://10.0.0.1\", tls: {ca: none.pem}}", "none.pem does not exist", false},
        {"[\"http://10.0.0.1\", \"http://10.0.0.2\"]}", "only the first upstream is used", true},
        {"\"tcp://10.0.0.1:1\"}", "answered 501", true},
        {"\"http://10.0.0.1\", health: {path: /}}", "not checked actively", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        struct findings f;
        world_make();
        snprintf(text, sizeof text, "%s%s\n", APP_HEAD, rows[i].text);
        room_write("policies/inventory.yaml", text);
        struct snapshot *s = world_build(NULL, &f);
        if (!s || (s->policy != NULL) != rows[i].good || !strstr(findings_text(&f), rows[i].says))
            fail_msg("%s: %s", rows[i].text, findings_text(&f));
        snapshot_unref(&s);
        findings_finish(&f);
    }
}

static void apps_share_a_tls_context(void **state)
{
    world_make();
    struct findings f;
    room_write(
        "policies/inventory.yaml",
        "version: 1\napps:\n"
        "  - {name: a, host: a.example, upstream: \"https://10.0.0.1\"}\n"
        "  - {name: b, host: b.example, upstream: \"https://10.0.0.2\", tls: {server_name: "
        "x.example}}\n"
        "  - {name: c, host: c.example, upstream: \"https://10.0.0.3\", tls: {ca: cert.pem}}\n");
    struct snapshot *s = world_build(NULL, &f);
    findings_finish(&f);
    assert_int_equal(s->n_apps, 3);
    assert_non_null(s->apps[0].tls);
    assert_ptr_equal(s->apps[0].tls, s->apps[1].tls);
    assert_ptr_not_equal(s->apps[0].tls, s->apps[2].tls);
    assert_string_equal(s->apps[0].tls_server_name.p, "10.0.0.1");
    assert_string_equal(s->apps[1].tls_server_name.p, "x.example");
    snapshot_unref(&s);
}

/* What rules and apps were written as is most of what a policy takes: who runs has let it go. */
static void keeps_no_source(void **state)
{
    world_make();
    struct findings f;
    struct snapshot *s = world_build(NULL, &f);
    assert_string_equal(findings_text(&f), "");
    findings_finish(&f);
    assert_non_null(s->policy);
    assert_false(policy_has_source(s->policy));
    assert_null(policy_app_at(s->policy, 0)->node);
    assert_int_equal(s->apps[0].upstreams[0].port, 3000);
    struct snapshot *same = world_build(s, &f);
    findings_finish(&f);
    assert_ptr_equal(same->apps, s->apps);
    assert_string_equal(snapshot_rules_digest(same), snapshot_rules_digest(s));
    snapshot_unref(&same);
    snapshot_unref(&s);
}

/* Apps cannot be read again without their source: with a file that one of them names the rules are
 * loaded anew, and are no other rules for that. */
static void takes_new_files_of_apps(void **state)
{
    world_make();
    struct findings f;
    room_write(
        "policies/inventory.yaml",
        "version: 1\napps:\n"
        "  - {name: a, host: a.example, upstream: \"https://10.0.0.1\"}\n"
        "  - {name: b, host: b.example, upstream: \"https://10.0.0.2\", tls: {ca: cert.pem}}\n");
    struct snapshot *first = world_build(NULL, &f);
    findings_finish(&f);
    struct snapshot *same = world_build(first, &f);
    findings_finish(&f);
    assert_ptr_equal(same->apps, first->apps);
    assert_string_equal(snapshot_rules_digest(same), snapshot_rules_digest(first));
    world_certificate("other.example");
    struct snapshot *next = world_build(same, &f);
    findings_finish(&f);
    assert_string_not_equal(snapshot_rules_digest(next), snapshot_rules_digest(same));
    assert_string_equal(next->policy_digest, first->policy_digest);
    assert_int_equal(next->policy_generation, 1);
    assert_false(policy_has_source(next->policy));
    assert_ptr_equal(next->apps[0].tls, first->apps[0].tls);
    assert_ptr_not_equal(next->apps[1].tls, first->apps[1].tls);
    struct snapshot *again = world_build(next, &f);
    findings_finish(&f);
    assert_ptr_equal(again->apps, next->apps);
    assert_string_equal(snapshot_rules_digest(again), snapshot_rules_digest(next));
    snapshot_unref(&first);
    snapshot_unref(&same);
    snapshot_unref(&next);
    snapshot_unref(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_everything),
        cmocka_unit_test(shares_what_did_not_change),
        cmocka_unit_test(takes_new_keys),
        cmocka_unit_test(broken_policies_refuse_all),
        cmocka_unit_test(refuses_broken_parts),
        cmocka_unit_test(refuses_apps_of_later_versions),
        cmocka_unit_test(apps_share_a_tls_context),
        cmocka_unit_test(keeps_no_source),
        cmocka_unit_test(takes_new_files_of_apps),
    };
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
