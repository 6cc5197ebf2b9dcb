/* The live file followed as it grows and turns. */
#include "desk.h"

#include <stdio.h>
#include <stdlib.h>

enum { SECOND = 1000000 };

struct seen {
    int n, last;
};

static bool note(void *ctx, str line)
{
    struct seen *s = ctx;
    const char *n = memmem(line.p, line.n, "\"n\":", 4);
    if (!n)
        return true;
    assert_int_equal(atoi(n + 4), s->last + 1); /* none is left out, none comes twice */
    s->last++;
    s->n++;
    return true;
}

static void begins_with_the_last_lines(void **state)
{
    struct desk *d = *state;
    struct fail f = {0};
    desk_open(d);
    desk_put_many(d, 0, 5000);
    desk_turn(d, SECOND);
    static const size_t lines[] = {0, 1, 10, 3000};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct seen s = {.last = 4999 - (int)lines[i]};
        struct audit_follow *w = audit_follow_open(d->file, lines[i], &f);
        assert_true(audit_follow_step(w, 0, note, &s, &f));
        assert_int_equal(s.n, lines[i]);
        audit_follow_close(w);
    }
    struct seen s = {.last = -1};
    struct audit_follow *w = audit_follow_open(d->file, 1000000, &f);
    assert_true(audit_follow_step(w, 0, note, &s, &f));
    assert_int_equal(s.n, 5000);
    audit_follow_close(w);
}

static void follows_through_rotation(void **state)
{
    struct desk *d = *state;
    struct fail f = {0};
    struct seen s = {.last = -1};
    d->options.rotate_bytes = 20000;
    desk_open(d);
    struct audit_follow *w = audit_follow_open(d->file, 0, &f);
    for (int i = 0; i < 100; i++) {
        desk_put_many(d, i * 20, i * 20 + 20);
        desk_turn(d, SECOND);
        if (i % 3 == 0)
            assert_true(audit_follow_step(w, 0, note, &s, &f));
    }
    for (int i = 0; i < 3; i++)
        assert_true(audit_follow_step(w, 0, note, &s, &f));
    assert_int_equal(s.n, 2000);
    audit_follow_close(w);
}

static bool stop(void *ctx, str line)
{
    return false;
}

static void stops_when_told(void **state)
{
    struct desk *d = *state;
    struct fail f = {0};
    desk_open(d);
    struct audit_follow *w = audit_follow_open(d->file, 10, &f);
    assert_false(audit_follow_step(w, 0, stop, NULL, &f));
    assert_int_equal(f.code, FAIL_NONE);
    audit_follow_close(w);
    assert_null(audit_follow_open("/nonexistent", 1, &f));
    assert_int_equal(f.code, FAIL_SYSTEM);
}

int main(void)
{
#define on_desk(test) cmocka_unit_test_setup_teardown(test, desk_setup, desk_teardown)
    const struct CMUnitTest tests[] = {
        on_desk(begins_with_the_last_lines),
        on_desk(follows_through_rotation),
        on_desk(stops_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
