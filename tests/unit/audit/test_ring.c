/* One producer, one consumer: order, room, reservations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proxy/audit/ring.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BYTES = 512 * 1024, STEP = 2000 };

struct pair {
    struct audit_shared shared;
    struct audit_ring *ring;
};

static int setup(void **state)
{
    struct pair *p = calloc(1, sizeof *p);
    p->ring = aligned_alloc(64, (sizeof *p->ring + 63) / 64 * 64);
    memset(p->ring, 0, sizeof *p->ring);
    atomic_store(&p->shared.is_writable, true);
    assert_true(ring_init(p->ring, &p->shared, BYTES));
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct pair *p = *state;
    ring_finish(p->ring);
    free(p->ring);
    free(p);
    return 0;
}

static void put(struct audit_ring *r, unsigned value, size_t n, size_t reserved)
{
    char *room = audit_begin(r, reserved);
    memset(room, (int)(value & 0xff), n);
    memcpy(room, &value, sizeof value);
    assert_true(audit_commit(r, n, reserved) > 0);
}

static void take(struct audit_ring *r, unsigned value, size_t n)
{
    unsigned got;
    str s = ring_peek(r);
    assert_int_equal(s.n, n);
    memcpy(&got, s.p, sizeof got);
    assert_int_equal(got, value);
    for (size_t i = sizeof got; i < n; i++)
        assert_int_equal((unsigned char)s.p[i], value & 0xff);
    ring_drop(r);
}

static void begins_again_when_empty(void **state)
{
    struct audit_ring *r = ((struct pair *)*state)->ring;
    for (unsigned i = 0; i < 5000; i++) {
        assert_true(audit_reserve(r, STEP));
        assert_ptr_equal(audit_begin(r, STEP), r->room);
        assert_int_equal(audit_commit(r, 0, 0), 0);
        put(r, i, 1000, STEP);
        take(r, i, 1000);
    }
    assert_null(ring_peek(r).p);
    assert_int_equal(r->reserved, 0);
}

/* Whatever is reserved finds its place, in any order and with any sizes, while the consumer lags.
 */
static void keeps_every_reservation(void **state)
{
    struct audit_ring *r = ((struct pair *)*state)->ring;
    enum { STANDING = 64 };
    size_t sizes[STANDING] = {0}, queue[4096];
    unsigned seed = 1, head = 0, tail = 0;
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned slot = seed >> 16 & (STANDING - 1), size = 1024 + (seed >> 8 & 0x3fff);
        if (sizes[slot]) {
            size_t n = 64 + (seed & 0xff);
            if (seed >> 28 == 0) {
                audit_release(r, sizes[slot]);
            } else {
                n = seed >> 27 & 1 ? n : sizes[slot];
                put(r, head, n, sizes[slot]);
                queue[head++ % 4096] = n;
            }
            sizes[slot] = 0;
        } else if (audit_reserve(r, size)) {
            sizes[slot] = size;
        }
        while (head - tail > (seed >> 20 & 0xff)) {
            take(r, tail, queue[tail % 4096]);
            tail++;
        }
    }
    while (tail < head) {
        take(r, tail, queue[tail % 4096]);
        tail++;
    }
    assert_int_equal(r->lost, 0);
    assert_null(r->overflow.first);
}

static void refuses_when_full_and_tells(void **state)
{
    struct pair *p = *state;
    struct audit_ring *r = p->ring;
    unsigned n = 0;
    while (audit_reserve(r, STEP))
        n++;
    assert_in_range(n, (BYTES - AUDIT_RECORD_MAX) / STEP - 1, (BYTES - AUDIT_RECORD_MAX) / STEP);
    assert_true(atomic_load(&r->wants_room));
    assert_int_equal(r->waits, 1);
    audit_release(r, STEP);
    assert_true(audit_reserve(r, STEP));
    assert_false(audit_reserve(r, AUDIT_RECORD_MAX + 1));
    for (unsigned i = 0; i < n; i++)
        put(r, i, STEP, STEP);
    assert_false(audit_reserve(r, STEP));
    for (unsigned i = 0; i < n; i++)
        take(r, i, STEP);
    assert_true(audit_reserve(r, STEP));
    audit_release(r, STEP);
}

static void refuses_while_the_journal_is_broken(void **state)
{
    struct pair *p = *state;
    atomic_store(&p->shared.is_writable, false);
    assert_false(audit_reserve(p->ring, STEP));
    p->shared.continues = true;
    assert_true(audit_reserve(p->ring, STEP));
    audit_release(p->ring, STEP);
}

static void small_records_do_not_overrun_the_slots(void **state)
{
    struct audit_ring *r = ((struct pair *)*state)->ring;
    unsigned n = 0;
    while (audit_reserve(r, 1024)) {
        put(r, n++, 8, 1024);
    }
    assert_true(n <= r->n_slots);
    for (unsigned i = 0; i < n; i++)
        take(r, i, 8);
}

static void forced_records_go_to_the_heap_and_are_bounded(void **state)
{
    struct audit_ring *r = ((struct pair *)*state)->ring;
    static char record[64 * 1024];
    memset(record, 'r', sizeof record);
    while (audit_reserve(r, STEP))
        ;
    unsigned n = 0;
    while (audit_append_forced(r, (str){record, sizeof record}))
        n++;
    assert_int_equal(n, AUDIT_FORCED_BYTES / sizeof record);
    assert_int_equal(r->lost, 1);
    assert_null(ring_peek(r).p);
    for (unsigned i = 0; i < n; i++) {
        struct overflow_record *o = overflow_take(&r->overflow);
        assert_int_equal(o->n, sizeof record);
        free(o);
    }
    assert_null(overflow_take(&r->overflow));
}

static size_t resident(const struct audit_ring *r)
{
    unsigned char pages[2048];
    size_t n = 0, page = (size_t)sysconf(_SC_PAGESIZE);
    assert_int_equal(mincore(r->room, r->room_bytes, pages), 0);
    for (size_t i = 0; i < r->room_bytes / page; i++)
        n += pages[i] & 1;
    return n * page;
}

static void memory_of_a_burst_goes_back(void **state)
{
    struct pair *p = *state;
    struct audit_ring *r = p->ring;
    unsigned n = 0;
    ring_finish(r);
    memset(r, 0, sizeof *r);
    assert_true(ring_init(r, &p->shared, 4 * 1024 * 1024));
    while (audit_reserve(r, STEP))
        put(r, n++, STEP, STEP);
    assert_true(resident(r) > 3 * 1024 * 1024);
    for (unsigned i = 0; i < n; i++)
        take(r, i, STEP);
    for (unsigned i = 0; i <= RING_CALM_STARTS; i++) {
        assert_true(audit_reserve(r, STEP));
        put(r, i, STEP, STEP);
        take(r, i, STEP);
    }
    assert_true(resident(r) <= RING_KEPT_BYTES);
}

static void wakes_only_a_sleeper(void **state)
{
    struct pair *p = *state;
    struct audit_ring *r = p->ring;
    assert_true(audit_reserve(r, STEP) && audit_reserve(r, STEP) && audit_reserve(r, STEP));
    put(r, 0, 100, STEP);
    assert_int_equal(p->shared.wakes, 0);
    take(r, 0, 100);
    wake_announce(&p->shared.wake, WAKE_NAPPING);
    put(r, 1, 100, STEP);
    assert_int_equal(p->shared.wakes, 0);
    audit_want(r, 2);
    assert_int_equal(p->shared.wakes, 1);
    take(r, 1, 100);
    wake_announce(&p->shared.wake, WAKE_SLEEPING);
    put(r, 2, 100, STEP);
    assert_int_equal(p->shared.wakes, 2);
    assert_int_equal(atomic_load(&p->shared.wake.state), WAKE_AWAKE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(begins_again_when_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_every_reservation, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_when_full_and_tells, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_while_the_journal_is_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(small_records_do_not_overrun_the_slots, setup, teardown),
        cmocka_unit_test_setup_teardown(forced_records_go_to_the_heap_and_are_bounded, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(memory_of_a_burst_goes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(wakes_only_a_sleeper, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
