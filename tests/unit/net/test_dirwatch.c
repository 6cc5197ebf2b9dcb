/* A directory that changes, vanishes, and comes back as another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/net/net.h"

static struct loop *loop;
static char root[32], dir[64], next[64];
static int changes;

static void on_change(void *ctx)
{
    assert_ptr_equal(ctx, dir);
    changes++;
    loop_stop(loop);
}

static int setup(void **state)
{
    loop = loop_create(NULL);
    snprintf(root, sizeof root, "/tmp/dirwatch-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(dir, sizeof dir, "%s/policies", root);
    snprintf(next, sizeof next, "%s/next", root);
    changes = 0;
    return mkdir(dir, 0700);
}

static int teardown(void **state)
{
    char command[128];
    loop_destroy(loop);
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static void write_file(const char *in, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", in, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static void a_burst_is_one_call(void **state)
{
    struct dirwatch *d = dirwatch_open(loop, dir, on_change, dir, NULL);
    assert_non_null(d);
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.yaml", i);
        write_file(dir, name);
    }
    loop_run(loop);
    assert_int_equal(changes, 1);
    dirwatch_close(d);
}

static void a_replaced_directory_is_followed(void **state)
{
    char with_slash[80];
    snprintf(with_slash, sizeof with_slash, "%s//", dir);
    struct dirwatch *d = dirwatch_open(loop, with_slash, on_change, dir, NULL);
    assert_int_equal(mkdir(next, 0700), 0);
    assert_int_equal(rename(next, dir), 0); /* over the empty one: the old inode is gone */
    loop_run(loop);
    assert_int_equal(changes, 1);
    write_file(dir, "a.yaml"); /* in the new one */
    loop_run(loop);
    assert_int_equal(changes, 2);
    dirwatch_close(d);
}

static void a_directory_may_come_later(void **state)
{
    assert_int_equal(rmdir(dir), 0);
    struct dirwatch *d = dirwatch_open(loop, dir, on_change, dir, NULL);
    assert_non_null(d);
    assert_int_equal(mkdir(dir, 0700), 0);
    loop_run(loop);
    assert_int_equal(changes, 1);
    write_file(dir, "a.yaml");
    loop_run(loop);
    assert_int_equal(changes, 2);
    dirwatch_close(d);
}

static void neighbours_are_not_our_business(void **state)
{
    struct dirwatch *d = dirwatch_open(loop, dir, on_change, dir, NULL);
    write_file(root, "other");
    loop_turn(loop, true); /* the event of the parent */
    write_file(dir, "a.yaml");
    loop_run(loop);
    assert_int_equal(changes, 1);
    dirwatch_close(d);
    struct fail f = {0};
    assert_null(dirwatch_open(loop, "/nonexistent/deep/dir", on_change, dir, &f));
    assert_non_null(strstr(f.text, "/nonexistent/deep"));
}

#define DIRWATCH_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRWATCH_TEST(a_burst_is_one_call),
        DIRWATCH_TEST(a_replaced_directory_is_followed),
        DIRWATCH_TEST(a_directory_may_come_later),
        DIRWATCH_TEST(neighbours_are_not_our_business),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
