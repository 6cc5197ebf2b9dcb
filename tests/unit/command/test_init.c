/* postern init: what it writes is good at once, and it never overwrites. */
#include "../config/room.h"

#include "proxy/command/command.h"

static int run(int (*command)(int, char **), const char *const *args)
{
    char *argv[8] = {0};
    int argc = 0;
    while (args[argc]) {
        argv[argc] = (char *)(uintptr_t)args[argc];
        argc++;
    }
    return command(argc, argv);
}
#define RUN(command, ...) run(command, (const char *const[]){__VA_ARGS__, NULL})

static unsigned mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(room_path(name), &st), 0);
    return st.st_mode & 07777;
}

static void output_passes_its_own_checks(void **state)
{
    assert_int_equal(RUN(command_init, "init", room_path("new")), EXIT_GOOD);
    assert_int_equal(RUN(command_config, "config", "check", "--strict", "--config",
                         room_path("new/postern.yaml")),
                     EXIT_GOOD);
    assert_int_equal(RUN(command_policy, "policy", "check", "--strict", room_path("new/policies")),
                     EXIT_GOOD);
    assert_int_equal(RUN(command_policy, "policy", "test", room_path("new/policies")), EXIT_GOOD);
    assert_int_equal(mode_of("new/state/keys"), 0700);
    assert_int_equal(mode_of("new/postern.yaml"), 0644);
}

static void never_overwrites(void **state)
{
    room_mkdir("old");
    room_write("old/postern.yaml", "mine");
    assert_int_equal(RUN(command_init, "init", room_path("old")), EXIT_ERRORS);
    assert_int_equal(access(room_path("old/policies"), F_OK), -1);
    char text[8] = "";
    FILE *f = fopen(room_path("old/postern.yaml"), "r");
    assert_int_equal(fread(text, 1, sizeof text, f), 4);
    fclose(f);
    assert_string_equal(text, "mine");
}

static void tells_usage(void **state)
{
    assert_int_equal(RUN(command_init, "init"), EXIT_USAGE);
    assert_int_equal(RUN(command_init, "init", "-x"), EXIT_USAGE);
    assert_int_equal(RUN(command_init, "init", "--help"), EXIT_GOOD);
    assert_int_equal(RUN(command_init, "init", "-h"), EXIT_GOOD);
    assert_int_equal(RUN(command_init, "init", ""), EXIT_USAGE);
    assert_int_equal(RUN(command_config, "config"), EXIT_USAGE);
    assert_int_equal(RUN(command_config, "config", "chek"), EXIT_USAGE);
    assert_int_equal(RUN(command_config, "config", "check", "--nope"), EXIT_USAGE);
    assert_int_equal(RUN(command_config, "config", "check", "more"), EXIT_USAGE);
    assert_int_equal(RUN(command_config, "config", "check", "--config", room_path("none")),
                     EXIT_USAGE);
    assert_int_equal(RUN(command_config, "config", "headers"), EXIT_GOOD);
}

static void exit_codes_tell_errors(void **state)
{
    room_write("bad.yaml", "version: 1\n");
    assert_int_equal(RUN(command_config, "config", "check", "--config", room_path("bad.yaml")),
                     EXIT_ERRORS);
    assert_int_equal(RUN(command_config, "config", "check", "--format", "json", "--config",
                         room_path("bad.yaml")),
                     EXIT_ERRORS);
    assert_int_equal(RUN(command_init, "init", room_path("w")), EXIT_GOOD);
    /* broken policies are errors of the check, although a start would refuse all and go on */
    room_write("w/policies/inventory.yaml", "version: 1\nrules: [{}]\n");
    assert_int_equal(
        RUN(command_config, "config", "check", "--config", room_path("w/postern.yaml")),
        EXIT_ERRORS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_passes_its_own_checks), cmocka_unit_test(never_overwrites),
        cmocka_unit_test(tells_usage), cmocka_unit_test(exit_codes_tell_errors)};
    return cmocka_run_group_tests(tests, room_setup, room_teardown);
}
