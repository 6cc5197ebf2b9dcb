/* Read buffers: bounded, warm, given back. */
#include "unit.h"

#include "proxy/http/buffer.h"

static void the_pool_is_bounded(void **state)
{
    enum { LIMIT = 12, ALL = LIMIT + BUFFER_SPARE };
    struct buffer_pool p;
    struct buffer *taken[ALL] = {0};
    buffer_pool_init(&p, LIMIT * (size_t)BUFFER_BYTES);
    for (size_t i = 0; i < ALL; i++) {
        taken[i] = buffer_take(&p);
        assert_non_null(taken[i]);
        taken[i]->data[0] = taken[i]->data[BUFFER_BYTES - 1] = 'x';
        taken[i]->lead[0] = taken[i]->tail[BUFFER_TAIL - 1] = 'x';
        assert_int_equal(buffer_pool_is_over(&p), i >= LIMIT);
    }
    assert_null(buffer_take(&p));
    buffer_give(&p, &taken[3]);
    assert_null(taken[3]);
    taken[3] = buffer_take(&p);
    assert_non_null(taken[3]);
    assert_null(buffer_take(&p));
    for (size_t i = 0; i < ALL; i++)
        buffer_give(&p, &taken[i]);
    assert_int_equal(p.n_taken, 0);
    assert_int_equal(p.n_free, BUFFER_KEEP);
    buffer_give(&p, &taken[0]); /* NULL is fine */
    assert_int_equal(p.n_taken, 0);
    buffer_pool_finish(&p);
}

static void the_warmest_first(void **state)
{
    struct buffer_pool p;
    buffer_pool_init(&p, 64 * (size_t)BUFFER_BYTES);
    struct buffer *a = buffer_take(&p), *b = buffer_take(&p), *was_b = b;
    buffer_give(&p, &a);
    buffer_give(&p, &b);
    struct buffer *next = buffer_take(&p);
    assert_ptr_equal(next, was_b);
    buffer_give(&p, &next);
    buffer_pool_finish(&p);
}

/* A limit below what one exchange needs would refuse everything. */
static void a_small_limit_still_serves(void **state)
{
    struct buffer_pool p;
    struct buffer *taken[BUFFER_KEEP];
    buffer_pool_init(&p, 1);
    for (size_t i = 0; i < BUFFER_KEEP; i++) {
        assert_non_null(taken[i] = buffer_take(&p));
        assert_false(buffer_pool_is_over(&p));
    }
    for (size_t i = 0; i < BUFFER_KEEP; i++)
        buffer_give(&p, &taken[i]);
    buffer_pool_finish(&p);
}

/* A reload lowers the limit while more are out: nobody keeps one until enough came back. */
static void the_limit_is_lowered(void **state)
{
    struct buffer_pool p;
    struct buffer *taken[10];
    buffer_pool_init(&p, 10 * (size_t)BUFFER_BYTES);
    for (size_t i = 0; i < 10; i++)
        taken[i] = buffer_take(&p);
    assert_false(buffer_pool_is_over(&p));
    p.most = 8;
    for (size_t i = 0; i < 2; i++) {
        assert_true(buffer_pool_is_over(&p));
        buffer_give(&p, &taken[i]);
    }
    assert_false(buffer_pool_is_over(&p));
    for (size_t i = 2; i < 10; i++)
        buffer_give(&p, &taken[i]);
    buffer_pool_finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pool_is_bounded),
        cmocka_unit_test(the_warmest_first),
        cmocka_unit_test(a_small_limit_still_serves),
        cmocka_unit_test(the_limit_is_lowered),
    };
    return cmocka_run_group_tests_name("http buffer", tests, NULL, NULL);
}
