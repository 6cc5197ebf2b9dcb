/* Verified tokens of one worker. */
#include "check.h"

struct thing {
    int alive;
};

static void destroy(void *value)
{
    ((struct thing *)value)->alive--;
}

static struct token_key key_of(int n)
{
    return token_key_of(arena_printf(&signer_arena, "token %d", n));
}

static void makes_keys_by_sha256(void **state)
{
    static const unsigned char abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                          0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                          0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                          0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    struct token_key key = token_key_of(STR("abc"));
    assert_memory_equal(key.bytes, abc, sizeof abc);
}

static void keeps_until_expiry(void **state)
{
    struct thing thing = {1};
    struct token_cache *cache = token_cache_create(10, destroy);
    struct token_key key = key_of(1), other = key_of(2);
    assert_null(token_cache_get(cache, &key, 100, 0));
    token_cache_put(cache, &key, &thing, 200, 100, 0);
    assert_ptr_equal(token_cache_get(cache, &key, 199, 0), &thing);
    assert_null(token_cache_get(cache, &other, 199, 0));
    assert_int_equal(token_cache_count(cache), 1);
    assert_null(token_cache_get(cache, &key, 200, 0));
    assert_int_equal(thing.alive, 0);
    assert_int_equal(token_cache_count(cache), 0);
    thing.alive = 1;
    token_cache_put(cache, &key, &thing, 100, 100, 0);
    assert_int_equal(thing.alive, 0);
    assert_int_equal(token_cache_count(cache), 0);
    token_cache_destroy(cache);
    token_cache_destroy(NULL);
}

static void drops_all_when_keys_change(void **state)
{
    struct thing a = {1}, b = {1};
    struct token_cache *cache = token_cache_create(10, destroy);
    struct token_key ka = key_of(1), kb = key_of(2);
    token_cache_put(cache, &ka, &a, 200, 100, 7);
    token_cache_put(cache, &kb, &b, 200, 100, 7);
    assert_null(token_cache_get(cache, &ka, 100, 8));
    assert_int_equal(a.alive + b.alive, 0);
    assert_int_equal(token_cache_count(cache), 0);
    a.alive = 1;
    token_cache_put(cache, &ka, &a, 200, 100, 8);
    assert_ptr_equal(token_cache_get(cache, &ka, 100, 8), &a);
    /* back to an older number is a change as well */
    assert_null(token_cache_get(cache, &ka, 100, 7));
    token_cache_destroy(cache);
    assert_int_equal(a.alive, 0);
}

static void replaces_and_removes(void **state)
{
    struct thing a = {1}, b = {1};
    struct token_cache *cache = token_cache_create(10, destroy);
    struct token_key key = key_of(1);
    token_cache_put(cache, &key, &a, 200, 100, 0);
    token_cache_put(cache, &key, &b, 200, 100, 0);
    assert_int_equal(a.alive, 0);
    assert_int_equal(token_cache_count(cache), 1);
    assert_ptr_equal(token_cache_get(cache, &key, 100, 0), &b);
    token_cache_remove(cache, &key);
    token_cache_remove(cache, &key);
    assert_int_equal(b.alive, 0);
    assert_null(token_cache_get(cache, &key, 100, 0));
    token_cache_destroy(cache);
}

static void drops_the_least_recently_used(void **state)
{
    enum { CAPACITY = 100, ALL = 1000 };
    static struct thing things[ALL];
    struct token_cache *cache = token_cache_create(CAPACITY, destroy);
    struct token_key first = key_of(0);
    for (int i = 0; i < ALL; i++) {
        struct token_key key = key_of(i);
        things[i].alive = 1;
        token_cache_put(cache, &key, &things[i], 200, 100, 0);
        assert_ptr_equal(token_cache_get(cache, &first, 100, 0), &things[0]);
    }
    assert_int_equal(token_cache_count(cache), CAPACITY);
    int alive = 0;
    for (int i = 0; i < ALL; i++) {
        struct token_key key = key_of(i);
        bool is_kept = i == 0 || i > ALL - CAPACITY;
        alive += things[i].alive;
        assert_int_equal(things[i].alive, is_kept);
        assert_int_equal(token_cache_get(cache, &key, 100, 0) != NULL, is_kept);
    }
    assert_int_equal(alive, CAPACITY);
    token_cache_destroy(cache);
}

static void without_capacity_remembers_nothing(void **state)
{
    struct thing thing = {1};
    struct token_cache *cache = token_cache_create(0, destroy);
    struct token_key key = key_of(1);
    token_cache_put(cache, &key, &thing, 200, 100, 0);
    assert_int_equal(thing.alive, 0);
    assert_null(token_cache_get(cache, &key, 100, 0));
    token_cache_destroy(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_keys_by_sha256),
        cmocka_unit_test(keeps_until_expiry),
        cmocka_unit_test(drops_all_when_keys_change),
        cmocka_unit_test(replaces_and_removes),
        cmocka_unit_test(drops_the_least_recently_used),
        cmocka_unit_test(without_capacity_remembers_nothing),
    };
    return cmocka_run_group_tests_name("authn/token_cache", tests, NULL, NULL);
}
