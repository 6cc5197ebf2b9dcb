/* Every way to tamper with a journal, and the record that is named. */
#include "desk.h"

#include "base/arena.h"
#include "base/encode.h"
#include "proxy/audit/chain.h"
#include "proxy/audit/note.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SECOND = 1000000, LINES = 64 };

/* A small journal taken apart: line 0 is `journal`, then n decisions, the last is a checkpoint. */
struct book {
    char *text;
    str lines[LINES];
    size_t n;
};

static void book_open(struct book *b, const char *file)
{
    size_t bytes;
    b->text = desk_read(file, &bytes);
    b->n = 0;
    for (str rest = {b->text, bytes}; rest.n;) {
        b->lines[b->n] = str_cut(&rest, '\n');
        b->lines[b->n++].n++; /* with its newline */
    }
}

static void book_write(const struct book *b, const char *file)
{
    FILE *out = fopen(file, "we");
    for (size_t i = 0; i < b->n; i++)
        fwrite(b->lines[i].p, 1, b->lines[i].n, out);
    fclose(out);
}

static void fill(struct desk *d, int from, int to)
{
    desk_open(d);
    desk_put_many(d, from, to);
    desk_turn(d, SECOND);
    desk_close(d);
}

static void drop(struct book *b, size_t at)
{
    memmove(b->lines + at, b->lines + at + 1, (b->n - at - 1) * sizeof *b->lines);
    b->n--;
}

static void insert(struct book *b, size_t at, str line)
{
    memmove(b->lines + at + 1, b->lines + at, (b->n - at) * sizeof *b->lines);
    b->lines[at] = line;
    b->n++;
}

static void swap(struct book *b, size_t i, size_t j)
{
    str line = b->lines[i];
    b->lines[i] = b->lines[j];
    b->lines[j] = line;
}

static void edit(struct book *b, size_t at, const char *from, char to)
{
    char *p = memmem(b->lines[at].p, b->lines[at].n, from, strlen(from));
    assert_non_null(p);
    *p = to;
}

/* A record that an attacker chains in properly: number and hash are those that belong there. */
static char forged[512];

static str forge(const struct book *b, size_t at)
{
    struct chain c = {0};
    uint64_t seq;
    str before = b->lines[at - 1];
    before.n--;
    assert_true(line_tail(before, &seq, &c.last));
    c.seq = seq - 1;
    chain_follow(&c, before);
    size_t n = chain_link(&c, STR("{\"kind\":\"decision\",\"n\":666}"), forged);
    return (str){forged, n};
}

static void tamper(struct book *b, int how)
{
    switch (how) {
    case 0: /* nothing */
        break;
    case 1: /* an edited record */
        edit(b, 10, "\"n\":9", 'm');
        edit(b, 10, "m", '"');
        edit(b, 10, "decision", 'D');
        break;
    case 2: /* an edited hash */
        edit(b, 10, "\"prev\":\"", ' ');
        edit(b, 10, " prev", '"');
        edit(b, 10, "decision", 'E');
        break;
    case 3: /* dropped */
        drop(b, 10);
        break;
    case 4: /* several dropped */
        drop(b, 10);
        drop(b, 10);
        break;
    case 5: /* reordered */
        swap(b, 10, 11);
        break;
    case 6: /* the same twice */
        insert(b, 11, b->lines[10]);
        break;
    case 7: /* inserted, chained in */
        insert(b, 10, forge(b, 10));
        break;
    case 8: /* inserted without a chain */
        insert(b, 10, STR("{\"kind\":\"decision\"}\n"));
        break;
    case 9: /* no record at all */
        insert(b, 10, STR("hello\n"));
        break;
    case 10: /* truncated in a line */
        b->lines[b->n - 1].n -= 20;
        break;
    case 11: /* the beginning is gone */
        drop(b, 0);
        break;
    case 12: /* a checkpoint's own tree */
        edit(b, b->n - 1, "\"root\":\"", 'R');
        edit(b, b->n - 1, "Rroot", '"');
        edit(b, b->n - 1, "\"size\":", ' ');
        break;
    case 13: /* an empty line */
        insert(b, 10, STR("\n"));
        break;
    case 14: /* all gone */
        b->n = 0;
        break;
    case 15: /* the first record */
        edit(b, 0, "\"boot\":\"b1\"", ' ');
        break;
    }
}

static void every_tampering_is_named(void **state)
{
    static const struct {
        enum verify_flaw flaw;
        uint64_t seq;
        const char *what;
    } rows[] = {
        {VERIFY_GOOD, 0, "nothing"},
        {VERIFY_EDITED, 11, "an edited record"},
        {VERIFY_EDITED, 11, "an edited hash"},
        {VERIFY_MISSING, 11, "dropped"},
        {VERIFY_MISSING, 11, "several dropped"},
        {VERIFY_ORDER, 12, "reordered"},
        {VERIFY_ORDER, 11, "the same twice"},
        {VERIFY_ORDER, 11, "inserted, chained in"},
        {VERIFY_FORMAT, 11, "inserted without a chain"},
        {VERIFY_FORMAT, 11, "no record at all"},
        {VERIFY_TORN, 32, "truncated in a line"},
        {VERIFY_MISSING, 1, "the beginning is gone"},
        {VERIFY_CHECKPOINT, 32, "a checkpoint's own tree"},
        {VERIFY_FORMAT, 11, "an empty line"},
        {VERIFY_EMPTY, 0, "all gone"},
        {VERIFY_MISSING, 1, "the first record"},
    };
    struct desk *d = *state;
    fill(d, 0, 30);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct book b;
        char good[320];
        snprintf(good, sizeof good, "%s.good", d->file);
        if (i == 0)
            assert_int_equal(rename(d->file, good), 0);
        book_open(&b, good);
        assert_int_equal(b.n, 32);
        tamper(&b, (int)i);
        book_write(&b, d->file);
        free(b.text);
        print_message("row %zu: %s\n", i, rows[i].what);
        struct verify_result r = desk_verify(d, rows[i].flaw);
        assert_int_equal(r.bad_seq, rows[i].seq);
        if (rows[i].flaw != VERIFY_GOOD)
            assert_true(r.text[0]);
    }
}

/* What only a checkpoint kept elsewhere tells: a journal whose end was cut cleanly. */
static void a_checkpoint_elsewhere_tells_a_rollback(void **state)
{
    struct desk *d = *state;
    struct verify_result r;
    struct fail f = {0};
    size_t short_n, whole_n;
    fill(d, 0, 20);
    char *shorter = desk_read(d->file, &short_n), *early = desk_read(d->state, NULL);
    fill(d, 20, 40);
    char *whole = desk_read(d->file, &whole_n), *late = desk_read(d->state, NULL);
    struct verify_options o = {.file = d->file, .since = str_of(late)};
    assert_true(audit_verify(&o, &r, &f));
    assert_int_equal(r.flaw, VERIFY_GOOD);
    desk_write(d->file, shorter, short_n);
    assert_true(audit_verify(&o, &r, &f));
    assert_int_equal(r.flaw, VERIFY_ROLLED_BACK);
    o.since = str_of(early);
    assert_true(audit_verify(&o, &r, &f));
    assert_int_equal(r.flaw, VERIFY_GOOD);
    /* Another history of the same length: forked after the restart on an older copy. */
    fill(d, 50, 70);
    o.since = str_of(late);
    assert_true(audit_verify(&o, &r, &f));
    assert_int_equal(r.flaw, VERIFY_ROLLED_BACK);
    o.since = STR("nonsense");
    assert_false(audit_verify(&o, &r, &f));
    assert_int_equal(r.flaw, VERIFY_UNKNOWN);
    free(shorter);
    free(whole);
    free(early);
    free(late);
}

/* Rotated, then the live file put back from before the rotation. */
static void a_fork_after_a_restart_is_named(void **state)
{
    struct desk *d = *state;
    size_t n;
    fill(d, 0, 20);
    char *old = desk_read(d->file, &n);
    d->options.rotate_bytes = 4000;
    fill(d, 20, 40);
    desk_verify(d, VERIFY_GOOD);
    desk_write(d->file, old, n);
    free(old);
    unlink(d->state); /* not even the hint that postern keeps */
    fill(d, 40, 50);
    struct verify_result r = desk_verify(d, VERIFY_FORKED);
    assert_true(r.bad_seq >= 1);
}

static void a_missing_file_is_named(void **state)
{
    struct desk *d = *state;
    d->options.rotate_bytes = 3000;
    desk_open(d);
    for (int i = 0; i < 6; i++) {
        desk_put_many(d, i * 20, i * 20 + 20);
        desk_turn(d, SECOND);
    }
    desk_close(d);
    desk_verify(d, VERIFY_GOOD);
    char *second = desk_find(d, "-000000000024-");
    if (!second)
        second = desk_find(d, "-000000000023-");
    assert_non_null(second);
    unlink(second);
    free(second);
    assert_in_range(desk_verify(d, VERIFY_MISSING).bad_seq, 23, 24);
}

/* The whole chain made anew without the key: every hash fits, no signature does. */
static void a_rewritten_chain_is_not_signed(void **state)
{
    struct desk *d = *state;
    char other[320], copy[320];
    fill(d, 0, 20);
    snprintf(other, sizeof other, "%s.other", d->key);
    snprintf(copy, sizeof copy, "%s.pub", d->key);
    size_t n;
    char *pub = desk_read(copy, &n);
    unlink(d->file);
    unlink(d->state);
    d->options.key_file = other;
    fill(d, 0, 20);
    assert_int_equal(desk_verify(d, VERIFY_SIGNATURE).bad_seq, 1);
    free(pub);
    d->options.key_file = NULL;
    unlink(d->file);
    fill(d, 0, 20);
    desk_verify(d, VERIFY_SIGNATURE); /* unsigned is not signed by the key */
}

static void too_old_a_checkpoint_is_refused(void **state)
{
    struct desk *d = *state;
    struct verify_result r;
    struct fail f = {0};
    d->options.rotate_bytes = 3000;
    fill(d, 0, 20);
    char *early = desk_read(d->state, NULL);
    fill(d, 20, 40);
    fill(d, 40, 60);
    char *first = desk_find(d, "-000000000001-");
    assert_non_null(first);
    unlink(first);
    struct verify_options o = {.file = d->file, .since = str_of(early)};
    struct checkpoint c;
    assert_true(checkpoint_parse(o.since, &c));
    bool ok = audit_verify(&o, &r, &f);
    if (c.size < r.first_seq - 1)
        assert_false(ok);
    else
        assert_int_equal(r.flaw, VERIFY_GOOD);
    free(first);
    free(early);
}

/* The live file may end in half a line while its writer lives. */
static void a_line_being_written_is_no_flaw(void **state)
{
    struct desk *d = *state;
    desk_open(d);
    desk_put_many(d, 0, 10);
    desk_turn(d, SECOND);
    FILE *out = fopen(d->file, "ae");
    fputs("{\"time\":", out);
    fclose(out);
    desk_verify(d, VERIFY_GOOD);
    desk_close(d);
}

int main(void)
{
#define on_desk(test) cmocka_unit_test_setup_teardown(test, desk_setup, desk_teardown)
    const struct CMUnitTest tests[] = {
        on_desk(every_tampering_is_named),        on_desk(a_checkpoint_elsewhere_tells_a_rollback),
        on_desk(a_fork_after_a_restart_is_named), on_desk(a_missing_file_is_named),
        on_desk(a_rewritten_chain_is_not_signed), on_desk(too_old_a_checkpoint_is_refused),
        on_desk(a_line_being_written_is_no_flaw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
