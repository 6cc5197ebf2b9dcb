/* Verified tokens of one worker. See authn.h.
 *
 * A chained hash over the SHA-256 of the token: who could choose where a token falls would have to
 * have it signed first. Only verified tokens get in, so strangers cannot push anybody out. */
/* OpenSSL 3.0's EVP takes new memory for every hash, also with a context that is kept; only the
 * older calls do not, and a hit must not allocate. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "authn/authn.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "base/list.h"

enum { FIRST_BUCKETS = 16 };

struct entry {
    struct entry *chain;
    struct list_node lru; /* token_cache.recent, latest first */
    struct token_key key;
    void *value;
    int64_t expires_s;
};

struct token_cache {
    size_t capacity, n, n_buckets; /* n_buckets is a power of two */
    struct entry **buckets;
    struct list_node recent; /* entry.lru */
    token_cache_destroy_fn *destroy_value;
    uint64_t generation;
};

struct token_cache *token_cache_create(size_t capacity, token_cache_destroy_fn *destroy_value)
{
    struct token_cache *cache = mem_alloc(sizeof *cache);
    cache->capacity = capacity;
    cache->n_buckets = FIRST_BUCKETS;
    cache->buckets = mem_alloc(FIRST_BUCKETS * sizeof(struct entry *));
    cache->destroy_value = destroy_value;
    list_init(&cache->recent);
    return cache;
}

static struct entry **bucket_of(const struct token_cache *cache, const struct token_key *key)
{
    uint64_t hash;
    memcpy(&hash, key->bytes, sizeof hash);
    return &cache->buckets[(size_t)hash & (cache->n_buckets - 1)];
}

static struct entry *find(const struct token_cache *cache, const struct token_key *key)
{
    struct entry *e = *bucket_of(cache, key);
    while (e && memcmp(&e->key, key, sizeof *key) != 0)
        e = e->chain;
    return e;
}

static void drop(struct token_cache *cache, struct entry *entry)
{
    struct entry **link = bucket_of(cache, &entry->key);
    while (*link != entry)
        link = &(*link)->chain;
    *link = entry->chain;
    list_remove(&entry->lru);
    cache->n--;
    cache->destroy_value(entry->value);
    free(entry);
}

static struct entry *oldest(const struct token_cache *cache)
{
    return list_entry(cache->recent.prev, struct entry, lru);
}

static void drop_all(struct token_cache *cache)
{
    while (cache->n)
        drop(cache, oldest(cache));
}

void token_cache_destroy(struct token_cache *cache)
{
    if (!cache)
        return;
    drop_all(cache);
    free(cache->buckets);
    free(cache);
}

struct token_key token_key_of(str token)
{
    struct token_key key;
    SHA256_CTX ctx;
    int ok =
        SHA256_Init(&ctx) && SHA256_Update(&ctx, token.p, token.n) && SHA256_Final(key.bytes, &ctx);
    assert(ok);
    (void)ok;
    return key;
}

static void enter_generation(struct token_cache *cache, uint64_t generation)
{
    if (cache->generation == generation)
        return;
    drop_all(cache);
    cache->generation = generation;
}

void *token_cache_get(struct token_cache *cache, const struct token_key *key, int64_t now_s,
                      uint64_t generation)
{
    enter_generation(cache, generation);
    struct entry *entry = find(cache, key);
    if (!entry)
        return NULL;
    if (entry->expires_s <= now_s) {
        drop(cache, entry);
        return NULL;
    }
    list_remove(&entry->lru);
    list_insert(&cache->recent, &entry->lru);
    return entry->value;
}

static void grow(struct token_cache *cache)
{
    struct entry **old = cache->buckets;
    size_t n_old = cache->n_buckets;
    cache->n_buckets *= 2;
    cache->buckets = mem_alloc(cache->n_buckets * sizeof(struct entry *));
    for (size_t i = 0; i < n_old; i++) {
        for (struct entry *e = old[i], *next; e; e = next) {
            struct entry **bucket = bucket_of(cache, &e->key);
            next = e->chain;
            e->chain = *bucket;
            *bucket = e;
        }
    }
    free(old);
}

static void make_room(struct token_cache *cache)
{
    if (cache->n >= cache->capacity)
        drop(cache, oldest(cache));
    else if (cache->n >= cache->n_buckets)
        grow(cache);
}

void token_cache_put(struct token_cache *cache, const struct token_key *key, void *value,
                     int64_t expires_s, int64_t now_s, uint64_t generation)
{
    enter_generation(cache, generation);
    token_cache_remove(cache, key);
    if (expires_s <= now_s || cache->capacity == 0) {
        cache->destroy_value(value);
        return;
    }
    make_room(cache);
    struct entry *entry = mem_alloc(sizeof *entry);
    struct entry **bucket = bucket_of(cache, key);
    *entry = (struct entry){.chain = *bucket, .key = *key, .value = value, .expires_s = expires_s};
    *bucket = entry;
    list_insert(&cache->recent, &entry->lru);
    cache->n++;
}

void token_cache_remove(struct token_cache *cache, const struct token_key *key)
{
    struct entry *entry = find(cache, key);
    if (entry)
        drop(cache, entry);
}

size_t token_cache_count(const struct token_cache *cache)
{
    return cache->n;
}
