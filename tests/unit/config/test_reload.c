/* Reload on real directories: what publishes, what keeps the last good set. No waiting: the time is
 * given, and what inotify says is asked for right after the change. */
#include "world.h"

static struct reload *reload;
static struct snapshot *running;
static int64_t now_ms;

static void begin(void)
{
    struct findings f;
    world_make();
    running = world_build(NULL, &f);
    findings_finish(&f);
    assert_non_null(running);
    now_ms = 1000000;
    struct snapshot_inputs in = world_inputs();
    reload = reload_create(&in, running, now_ms);
}

static void end(void)
{
    reload_destroy(reload);
    snapshot_unref(&running);
}

/* Looks once at a time of its own; what was found stays in `told`. */
static char told[8192];
static enum reload_result look_at(int64_t at_ms)
{
    struct snapshot *next;
    struct findings f;
    findings_init(&f);
    enum reload_result r = reload_check(reload, at_ms, INT64_C(1000000) * WORLD_WALL_S, &next, &f);
    snprintf(told, sizeof told, "%s", findings_text(&f));
    findings_finish(&f);
    assert_int_equal(next != NULL, r == RELOAD_NEW);
    if (r == RELOAD_NEW) {
        snapshot_unref(&running);
        running = next;
    }
    return r;
}

/* A look after the change was noticed and has come to rest. */
static enum reload_result look(void)
{
    now_ms += 1000;
    reload_notice(reload, now_ms);
    now_ms += RELOAD_DEBOUNCE_MS;
    return look_at(now_ms);
}

static void notices_and_waits_for_rest(void **state)
{
    begin();
    assert_int_equal(reload_due_ms(reload), now_ms + RELOAD_POLL_MS);
    room_write("policies/inventory.yaml", GOOD_POLICY "# 1\n");
    reload_notice(reload, now_ms + 10);
    assert_int_equal(reload_due_ms(reload), now_ms + 10 + RELOAD_DEBOUNCE_MS);
    assert_int_equal(look_at(now_ms + 100), RELOAD_NOTHING);
    room_write("policies/inventory.yaml", GOOD_POLICY "# 2\n");
    reload_notice(reload, now_ms + 200);
    assert_int_equal(reload_due_ms(reload), now_ms + 200 + RELOAD_DEBOUNCE_MS);
    assert_int_equal(look_at(now_ms + 450), RELOAD_NEW);
    assert_int_equal(running->policy_generation, 2);
    assert_string_equal(reload_trigger(reload), "change");
    /* files that never rest are read all the same */
    now_ms += 10000;
    for (int i = 0; i < 30; i++) {
        room_write("policies/inventory.yaml", GOOD_POLICY "# 3\n");
        reload_notice(reload, now_ms + i * 100);
    }
    assert_int_equal(reload_due_ms(reload), now_ms + 2000);
    end();
}

static void polls_without_events(void **state)
{
    begin();
    room_write("policies/inventory.yaml", GOOD_POLICY "# lost event\n");
    assert_int_equal(look_at(now_ms + RELOAD_POLL_MS - 1), RELOAD_NOTHING);
    assert_int_equal(look_at(now_ms + RELOAD_POLL_MS), RELOAD_NEW);
    assert_string_equal(reload_trigger(reload), "poll");
    assert_int_equal(look_at(now_ms + 2 * RELOAD_POLL_MS), RELOAD_NOTHING);
    assert_int_equal(reload_counts(reload).good, 1);
    end();
}

static void looks_at_once_when_asked(void **state)
{
    begin();
    reload_request(reload, "SIGHUP");
    assert_true(reload_due_ms(reload) <= now_ms);
    assert_int_equal(look_at(now_ms), RELOAD_SAME);
    assert_string_equal(reload_trigger(reload), "SIGHUP");
    assert_int_equal(reload_due_ms(reload), now_ms + RELOAD_POLL_MS);
    end();
}

struct breakage {
    const char *id, *text; /* of policies/inventory.yaml */
    const char *says;
};

static void keeps_the_last_good_set(void **state)
{
    static const struct breakage rows[] = {
        {"half written", "version: 1\napps:\n  - name: inven", "missing-key"},
        {"truncated", "", "empty"},
        {"not yaml", "{[", "error"},
        {"unknown group key", GOOD_POLICY "  - {name: x}\n", "missing-key"},
        {"test fails",
         "version: 1\napps: [{name: inventory, host: inventory.example, upstream: \"http://a\"}]\n"
         "rules: [{id: in, effect: allow, who: {groups: [staff]}, to: {apps: [inventory]}}]\n"
         "tests: [{name: t, as: {user: a@b.example, groups: []}, at: 2026-11-27T15:00:00Z, "
         "do: GET https://inventory.example/, expect: allow}]\n",
         "test-failed"},
        {"bad upstream",
         "version: 1\napps: [{name: inventory, host: inventory.example, upstream: "
         "\"http://a/b\"}]\n",
         "bad-value"},
    };
    begin();
    const struct policy *policy = running->policy;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        room_write("policies/inventory.yaml", rows[i].text);
        if (look() != RELOAD_FAILED)
            fail_msg("%s: not refused", rows[i].id);
        if (i != 2 && !strstr(told, rows[i].says))
            fail_msg("%s: %s", rows[i].id, told);
        assert_true(reload_counts(reload).is_failing);
        assert_int_equal(reload_counts(reload).failed, i + 1);
        /* told once, not at every poll; again when asked */
        assert_int_equal(look_at(now_ms + RELOAD_POLL_MS), RELOAD_NOTHING);
        now_ms += RELOAD_POLL_MS;
    }
    reload_request(reload, "SIGHUP");
    assert_int_equal(look_at(now_ms), RELOAD_FAILED);
    assert_ptr_equal(running->policy, policy);
    room_write("policies/inventory.yaml", GOOD_POLICY);
    assert_int_equal(look(), RELOAD_SAME);
    assert_false(reload_counts(reload).is_failing);
    assert_int_equal(look(), RELOAD_NOTHING);
    /* the same failure once more, after good ones, is told again */
    for (int i = 0; i < 2; i++) {
        room_write("policies/inventory.yaml", "{[");
        assert_int_equal(look(), RELOAD_FAILED);
        room_write("policies/inventory.yaml", i ? GOOD_POLICY "# 1\n" : GOOD_POLICY "# 0\n");
        assert_int_equal(look(), RELOAD_NEW);
    }
    end();
}

static void one_broken_file_of_many_keeps_all(void **state)
{
    begin();
    room_write("policies/zz.yaml", "version: 1\nrules: [{id: x}]\n");
    assert_int_equal(look(), RELOAD_FAILED);
    room_write("policies/zz.yaml",
               "version: 1\nrules: [{id: x, effect: deny, who: anyone, to: everything}]\n");
    /* good by itself, but it breaks the test of the other file */
    assert_int_equal(look(), RELOAD_FAILED);
    assert_non_null(strstr(told, "test-failed"));
    unlink(room_path("policies/zz.yaml"));
    assert_int_equal(look(), RELOAD_SAME);
    assert_int_equal(running->policy_generation, 1);
    end();
}

static void an_emptied_directory_is_a_failure(void **state)
{
    begin();
    unlink(room_path("policies/inventory.yaml"));
    assert_int_equal(look(), RELOAD_FAILED);
    assert_non_null(strstr(told, "holds no policy file"));
    rmdir(room_path("policies"));
    assert_int_equal(look(), RELOAD_FAILED);
    assert_non_null(running->policy);
    room_mkdir("policies");
    room_write("policies/inventory.yaml", GOOD_POLICY "# back\n");
    assert_int_equal(look(), RELOAD_NEW);
    /* the new directory is watched, too */
    room_write("policies/inventory.yaml", GOOD_POLICY "# again\n");
    assert_int_equal(look(), RELOAD_NEW);
    end();
}

static void follows_a_swapped_link(void **state)
{
    begin();
    char link[256], data[256];
    room_mkdir("policies/..v1");
    room_mkdir("policies/..v2");
    room_write("policies/..v1/app.yaml", GOOD_POLICY "# v1\n");
    room_write("policies/..v2/app.yaml", GOOD_POLICY "# v2\n");
    unlink(room_path("policies/inventory.yaml"));
    snprintf(data, sizeof data, "%s", room_path("policies/..data"));
    snprintf(link, sizeof link, "%s", room_path("policies/..data_tmp"));
    assert_int_equal(symlink("..v1", data), 0);
    assert_int_equal(symlink("..data/app.yaml", room_path("policies/app.yaml")), 0);
    assert_int_equal(look(), RELOAD_NEW);
    char before[DIGEST_HEX_CHARS + 1];
    strcpy(before, running->policy_digest);
    assert_int_equal(symlink("..v2", link), 0);
    assert_int_equal(rename(link, data), 0);
    assert_int_equal(look(), RELOAD_NEW);
    assert_string_not_equal(running->policy_digest, before);
    /* the whole directory behind a link */
    assert_int_equal(rename(room_path("policies"), room_path("p1")), 0);
    assert_int_equal(symlink("p1", room_path("policies")), 0);
    look();
    room_mkdir("p2");
    room_write("p2/inventory.yaml", GOOD_POLICY "# p2\n");
    assert_int_equal(symlink("p2", room_path("next")), 0);
    assert_int_equal(rename(room_path("next"), room_path("policies")), 0);
    assert_int_equal(look(), RELOAD_NEW);
    assert_string_equal(running->policy_files[0].name.p, "inventory.yaml");
    end();
}

static void takes_certificates_and_keys(void **state)
{
    begin();
    const struct policy *policy = running->policy;
    const struct tls_server *tls = running->tls[0];
    world_certificate("inventory.example");
    assert_int_equal(look(), RELOAD_NEW);
    assert_ptr_equal(running->policy, policy);
    assert_ptr_not_equal(running->tls[0], tls);
    tls = running->tls[0];
    room_write("cert.pem", "half");
    assert_int_equal(look(), RELOAD_FAILED);
    assert_ptr_equal(running->tls[0], tls);
    world_certificate("inventory.example");
    /* broken policies do not hold up a certificate */
    room_write("policies/inventory.yaml", "version: 2\n");
    assert_int_equal(look(), RELOAD_NEW);
    assert_ptr_not_equal(running->tls[0], tls);
    assert_ptr_equal(running->policy, policy);
    assert_true(reload_counts(reload).is_failing);
    room_write("policies/inventory.yaml", GOOD_POLICY);
    assert_int_equal(look(), RELOAD_NEW);
    assert_false(reload_counts(reload).is_failing);
    room_write("ci.json", JWKS "\n");
    assert_int_equal(look(), RELOAD_NEW);
    end();
}

static void takes_the_configuration(void **state)
{
    begin();
    room_write("postern.yaml", GOOD_CONFIG "limits: {fields: 50}\n");
    assert_int_equal(look(), RELOAD_NEW);
    assert_string_equal(told, "");
    assert_int_equal(running->config->limits.fields, 50);
    room_write("postern.yaml", GOOD_CONFIG "limits: {fields: many}\n");
    assert_int_equal(look(), RELOAD_FAILED);
    unlink(room_path("postern.yaml"));
    assert_int_equal(look(), RELOAD_FAILED);
    room_write("postern.yaml", "version: 1\n"
                               "listeners: [{address: \"127.0.0.1:9999\"}]\n"
                               "issuers: {ci: {issuer: \"https://ci.example\", audience: postern, "
                               "jwks_file: ci.json}}\n"
                               "state: state\n");
    assert_int_equal(look(), RELOAD_NEW);
    assert_non_null(strstr(told, "needs-restart: listeners"));
    /* what is listened on stays, with its certificates */
    assert_int_equal(running->n_listeners, 2);
    assert_int_equal(running->listeners[0].address.port, 8443);
    assert_non_null(running->tls[0]);
    assert_int_equal(running->n_issuers, 1);
    end();
}

static void keeps_what_others_published(void **state)
{
    begin();
    struct fail fail;
    struct snapshot *next = snapshot_with_keys(running, 0, keyset_parse(STR(JWKS), &fail));
    reload_set_current(reload, next);
    snapshot_unref(&running);
    running = next;
    assert_int_equal(look_at(now_ms + RELOAD_POLL_MS), RELOAD_NOTHING);
    room_write("policies/inventory.yaml", GOOD_POLICY "# 1\n");
    now_ms += RELOAD_POLL_MS;
    assert_int_equal(look(), RELOAD_NEW);
    assert_non_null(running->issuers[0].keys);
    end();
}

static void starts_with_broken_policies(void **state)
{
    struct findings f;
    world_make();
    room_write("policies/inventory.yaml", "version: 2\n");
    running = world_build(NULL, &f);
    findings_finish(&f);
    now_ms = 5;
    struct snapshot_inputs in = world_inputs();
    reload = reload_create(&in, running, now_ms);
    assert_true(reload_counts(reload).is_failing);
    assert_int_equal(look_at(now_ms + RELOAD_POLL_MS), RELOAD_NOTHING);
    now_ms += RELOAD_POLL_MS;
    room_write("policies/inventory.yaml", GOOD_POLICY);
    assert_int_equal(look(), RELOAD_NEW);
    assert_non_null(running->policy);
    assert_int_equal(running->policy_generation, 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notices_and_waits_for_rest),
        cmocka_unit_test(polls_without_events),
        cmocka_unit_test(looks_at_once_when_asked),
        cmocka_unit_test(keeps_the_last_good_set),
        cmocka_unit_test(one_broken_file_of_many_keeps_all),
        cmocka_unit_test(an_emptied_directory_is_a_failure),
        cmocka_unit_test(follows_a_swapped_link),
        cmocka_unit_test(takes_certificates_and_keys),
        cmocka_unit_test(takes_the_configuration),
        cmocka_unit_test(keeps_what_others_published),
        cmocka_unit_test(starts_with_broken_policies),
    };
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
