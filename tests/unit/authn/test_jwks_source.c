/* When keys are fetched: minutes and days pass without waiting. */
#include "check.h"

#include <stdio.h>

enum { T0 = 1000000, SECOND = 1000, MINUTE = 60 * SECOND };
#define HOUR ((int64_t)60 * MINUTE)

static struct keyset *keys_of(const char *kid)
{
    struct signer s = signer_make(ALG_ES256, kid);
    return signer_keys(signer_jwk(&s, ""), NULL);
}

/* A source that has fetched its first keys (kid "a") at T0. */
static void started(struct jwks_source *s)
{
    jwks_source_init(s, T0);
    assert_true(jwks_source_due(s, T0));
    jwks_source_begin(s);
    assert_false(jwks_source_due(s, T0));
    jwks_source_fetched(s, keys_of("a"), -1, T0);
    assert_int_equal(s->generation, 1);
}

static void honours_cache_control_within_bounds(void **state)
{
    static const struct {
        int64_t max_age_s, next_ms;
    } rows[] = {{-1, 5 * MINUTE},  {0, MINUTE},         {30, MINUTE},
                {60, MINUTE},      {120, 2 * MINUTE},   {300, 5 * MINUTE},
                {301, 5 * MINUTE}, {86400, 5 * MINUTE}, {INT64_MAX, 5 * MINUTE}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct jwks_source s;
        started(&s);
        jwks_source_begin(&s);
        jwks_source_fetched(&s, keys_of("a"), rows[i].max_age_s, T0);
        assert_int_equal(jwks_source_next_ms(&s), T0 + rows[i].next_ms);
        assert_false(jwks_source_due(&s, T0 + rows[i].next_ms - 1));
        assert_true(jwks_source_due(&s, T0 + rows[i].next_ms));
        jwks_source_finish(&s);
    }
}

static void counts_a_generation_only_when_keys_change(void **state)
{
    struct jwks_source s;
    started(&s);
    struct keyset *before = s.keys;
    jwks_source_fetched(&s, keys_of("a"), -1, T0 + MINUTE);
    assert_ptr_equal(s.keys, before);
    assert_int_equal(s.generation, 1);
    /* a withdrawn key dies with the refresh */
    jwks_source_fetched(&s, keys_of("b"), -1, T0 + 2 * MINUTE);
    assert_int_equal(s.generation, 2);
    assert_false(keyset_has_kid(s.keys, STR("a")));
    jwks_source_finish(&s);
    assert_null(s.keys);
}

static void asks_once_in_30_s_for_unknown_kids(void **state)
{
    struct jwks_source s;
    started(&s);
    assert_int_equal(jwks_source_miss(&s, STR("a"), T0 + 1), JWKS_MISS_PRESENT);
    assert_int_equal(jwks_source_miss(&s, STR("x"), T0 + 1), JWKS_MISS_FETCH);
    assert_true(s.is_fetching);
    assert_int_equal(jwks_source_miss(&s, STR("x"), T0 + 2), JWKS_MISS_WAIT);
    assert_int_equal(jwks_source_miss(&s, STR("y"), T0 + 2), JWKS_MISS_WAIT);
    jwks_source_fetched(&s, keys_of("a"), -1, T0 + 3);
    /* both are known to be unknown now; a new name comes too soon */
    assert_int_equal(jwks_source_miss(&s, STR("x"), T0 + 4), JWKS_MISS_REFUSE);
    assert_int_equal(jwks_source_miss(&s, STR("z"), T0 + 4), JWKS_MISS_REFUSE);
    assert_int_equal(jwks_source_miss(&s, STR("z"), T0 + 30 * SECOND), JWKS_MISS_REFUSE);
    /* after 30 s: the remembered ones still ask for nothing, the new one does */
    assert_int_equal(jwks_source_miss(&s, STR("x"), T0 + 31 * SECOND), JWKS_MISS_REFUSE);
    assert_int_equal(jwks_source_miss(&s, STR("y"), T0 + 31 * SECOND), JWKS_MISS_REFUSE);
    assert_int_equal(jwks_source_miss(&s, STR("z"), T0 + 31 * SECOND), JWKS_MISS_FETCH);
    jwks_source_fetched(&s, keys_of("a"), -1, T0 + 31 * SECOND);
    /* a token without a kid counts as a name of its own */
    assert_int_equal(jwks_source_miss(&s, (str){NULL, 0}, T0 + 62 * SECOND), JWKS_MISS_FETCH);
    jwks_source_fetched(&s, keys_of("a"), -1, T0 + 62 * SECOND);
    assert_int_equal(jwks_source_miss(&s, (str){NULL, 0}, T0 + 100 * SECOND), JWKS_MISS_REFUSE);
    jwks_source_finish(&s);
}

static void finds_a_rotated_key(void **state)
{
    struct jwks_source s;
    started(&s);
    assert_int_equal(jwks_source_miss(&s, STR("b"), T0 + 1), JWKS_MISS_FETCH);
    jwks_source_fetched(&s, keys_of("a"), -1, T0 + 2);
    assert_int_equal(jwks_source_miss(&s, STR("b"), T0 + MINUTE), JWKS_MISS_REFUSE);
    /* when keys change, what was unknown may come next */
    jwks_source_begin(&s);
    jwks_source_fetched(&s, keys_of("c"), -1, T0 + 5 * MINUTE);
    assert_int_equal(jwks_source_miss(&s, STR("b"), T0 + 5 * MINUTE), JWKS_MISS_FETCH);
    jwks_source_fetched(&s, keys_of("b"), -1, T0 + 5 * MINUTE);
    assert_int_equal(jwks_source_miss(&s, STR("b"), T0 + 5 * MINUTE), JWKS_MISS_PRESENT);
    jwks_source_finish(&s);
}

static void learns_nothing_from_a_failed_fetch(void **state)
{
    struct jwks_source s;
    started(&s);
    assert_int_equal(jwks_source_miss(&s, STR("x"), T0 + 1), JWKS_MISS_FETCH);
    jwks_source_failed(&s, T0 + 2);
    assert_int_equal(jwks_source_miss(&s, STR("x"), T0 + 3), JWKS_MISS_REFUSE);
    assert_int_equal(jwks_source_miss(&s, STR("x"), T0 + 31 * SECOND), JWKS_MISS_FETCH);
    jwks_source_finish(&s);
}

static void forgets_the_oldest_of_many_names(void **state)
{
    struct jwks_source s;
    char name[16];
    started(&s);
    jwks_source_begin(&s);
    for (int i = 0; i < 1000; i++) {
        int n = snprintf(name, sizeof name, "k%d", i);
        assert_int_equal(jwks_source_miss(&s, (str){name, (size_t)n}, T0), JWKS_MISS_WAIT);
    }
    jwks_source_fetched(&s, keys_of("a"), -1, T0);
    assert_int_equal(jwks_source_miss(&s, STR("k999"), T0 + 1), JWKS_MISS_REFUSE);
    assert_int_equal(jwks_source_miss(&s, STR("k0"), T0 + 1), JWKS_MISS_FETCH);
    jwks_source_finish(&s);
    /* no key that we keep has so long a name */
    char *longest = arena_text(&signer_arena, JWKS_KID_MAX_BYTES + 1);
    memset(longest, 'k', JWKS_KID_MAX_BYTES + 1);
    started(&s);
    assert_int_equal(jwks_source_miss(&s, (str){longest, JWKS_KID_MAX_BYTES + 1}, T0),
                     JWKS_MISS_REFUSE);
    jwks_source_finish(&s);
}

static void retries_with_growing_pauses(void **state)
{
    static const int64_t pauses_s[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct jwks_source s;
    int64_t now = T0;
    jwks_source_init(&s, T0);
    for (size_t i = 0; i < ROWS(pauses_s); i++) {
        assert_true(jwks_source_due(&s, now));
        jwks_source_begin(&s);
        jwks_source_failed(&s, now);
        assert_int_equal(jwks_source_next_ms(&s), now + pauses_s[i] * SECOND);
        now = jwks_source_next_ms(&s);
    }
    jwks_source_fetched(&s, keys_of("a"), -1, now);
    jwks_source_failed(&s, now + 1);
    assert_int_equal(jwks_source_next_ms(&s), now + 1 + SECOND);
    jwks_source_finish(&s);
}

static void serves_stale_keys_for_a_day(void **state)
{
    struct jwks_source s;
    started(&s);
    int64_t now = T0;
    while (now < T0 + 24 * HOUR - MINUTE) {
        now = jwks_source_next_ms(&s);
        if (jwks_source_due(&s, now)) {
            jwks_source_begin(&s);
            jwks_source_failed(&s, now);
        }
    }
    assert_non_null(s.keys);
    assert_int_equal(s.generation, 1);
    jwks_source_due(&s, T0 + 24 * HOUR - 1);
    assert_non_null(s.keys);
    /* also while a fetch hangs */
    jwks_source_begin(&s);
    assert_int_equal(jwks_source_next_ms(&s), T0 + 24 * HOUR);
    assert_false(jwks_source_due(&s, T0 + 24 * HOUR));
    assert_null(s.keys);
    assert_int_equal(s.generation, 2);
    assert_int_equal(jwks_source_next_ms(&s), INT64_MAX);
    jwks_source_fetched(&s, keys_of("a"), -1, T0 + 25 * HOUR);
    assert_int_equal(s.generation, 3);
    jwks_source_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honours_cache_control_within_bounds),
        cmocka_unit_test(counts_a_generation_only_when_keys_change),
        cmocka_unit_test(asks_once_in_30_s_for_unknown_kids),
        cmocka_unit_test(finds_a_rotated_key),
        cmocka_unit_test(learns_nothing_from_a_failed_fetch),
        cmocka_unit_test(forgets_the_oldest_of_many_names),
        cmocka_unit_test(retries_with_growing_pauses),
        cmocka_unit_test(serves_stale_keys_for_a_day),
    };
    return cmocka_run_group_tests_name("authn/jwks_source", tests, NULL, NULL);
}
