/* When to fetch an issuer's keys. See authn.h.
 *
 * Strangers can name any kid, so what they can cause is bounded: one fetch in 30 s per issuer, and
 * a kid that a fetch did not bring is remembered and asks for none again until the keys change. */
#include "authn/authn.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void jwks_source_init(struct jwks_source *s, int64_t now_ms)
{
    *s = (struct jwks_source){.next_ms = now_ms};
}

static void set_keys(struct jwks_source *s, struct keyset *keys)
{
    keyset_unref(&s->keys);
    s->keys = keys;
    s->generation++;
}

void jwks_source_finish(struct jwks_source *s)
{
    keyset_unref(&s->keys);
}

static int64_t stale_ms(const struct jwks_source *s)
{
    return s->keys ? s->fetched_ms + JWKS_STALE_MS : INT64_MAX;
}

/* A day without an answer: nobody vouches for these keys any more. */
static void drop_stale(struct jwks_source *s, int64_t now_ms)
{
    if (now_ms >= stale_ms(s))
        set_keys(s, NULL);
}

bool jwks_source_due(struct jwks_source *s, int64_t now_ms)
{
    drop_stale(s, now_ms);
    return !s->is_fetching && now_ms >= s->next_ms;
}

void jwks_source_begin(struct jwks_source *s)
{
    s->is_fetching = true;
}

int64_t jwks_source_next_ms(const struct jwks_source *s)
{
    return least(s->is_fetching ? INT64_MAX : s->next_ms, stale_ms(s));
}

static int64_t refresh_ms(int64_t max_age_s)
{
    if (max_age_s < 0 || max_age_s > JWKS_REFRESH_MAX_MS / 1000)
        return JWKS_REFRESH_MS;
    int64_t ms = max_age_s * 1000;
    return ms < JWKS_REFRESH_MIN_MS ? JWKS_REFRESH_MIN_MS : ms;
}

void jwks_source_fetched(struct jwks_source *s, struct keyset *keys, int64_t max_age_s,
                         int64_t now_ms)
{
    s->is_fetching = false;
    s->failures = 0;
    s->fetched_ms = now_ms;
    s->next_ms = now_ms + refresh_ms(max_age_s);
    for (size_t i = 0; i < JWKS_NEGATIVE; i++)
        s->unknown[i].is_pending = false;
    if (keyset_same(s->keys, keys)) {
        keyset_unref(&keys);
        return;
    }
    /* The issuer is changing keys: what was unknown so far may come next. */
    memset(s->unknown, 0, sizeof s->unknown);
    set_keys(s, keys);
}

static int64_t retry_ms(unsigned failures)
{
    unsigned doublings = failures > 7 ? 6 : failures - 1;
    return least((int64_t)JWKS_RETRY_MIN_MS << doublings, JWKS_RETRY_MAX_MS);
}

void jwks_source_failed(struct jwks_source *s, int64_t now_ms)
{
    s->is_fetching = false;
    s->failures++;
    s->next_ms = now_ms + retry_ms(s->failures);
    /* Nothing was learned about the kids that asked. */
    for (size_t i = 0; i < JWKS_NEGATIVE; i++)
        if (s->unknown[i].is_pending)
            memset(&s->unknown[i], 0, sizeof s->unknown[i]);
    drop_stale(s, now_ms);
}

static bool is_known_unknown(const struct jwks_source *s, uint64_t hash, int64_t now_ms)
{
    for (size_t i = 0; i < JWKS_NEGATIVE; i++)
        if (s->unknown[i].hash == hash && !s->unknown[i].is_pending &&
            now_ms < s->unknown[i].until_ms)
            return true;
    return false;
}

static void remember(struct jwks_source *s, uint64_t hash, int64_t now_ms)
{
    for (size_t i = 0; i < JWKS_NEGATIVE; i++)
        if (s->unknown[i].hash == hash && s->unknown[i].is_pending)
            return;
    s->unknown[s->unknown_next].hash = hash;
    s->unknown[s->unknown_next].until_ms = now_ms + JWKS_REFRESH_MS;
    s->unknown[s->unknown_next].is_pending = true;
    s->unknown_next = (s->unknown_next + 1) % JWKS_NEGATIVE;
}

enum jwks_miss jwks_source_miss(struct jwks_source *s, str kid, int64_t now_ms)
{
    uint64_t hash = kid.p ? str_hash(kid) | 1 : 2; /* 0 marks a free place */
    drop_stale(s, now_ms);
    if (kid.p && keyset_has_kid(s->keys, kid))
        return JWKS_MISS_PRESENT;
    if (kid.n > JWKS_KID_MAX_BYTES || is_known_unknown(s, hash, now_ms))
        return JWKS_MISS_REFUSE;
    if (s->is_fetching) {
        remember(s, hash, now_ms);
        return JWKS_MISS_WAIT;
    }
    if (s->has_missed && now_ms - s->miss_ms < JWKS_MISS_MS)
        return JWKS_MISS_REFUSE;
    remember(s, hash, now_ms);
    s->has_missed = true;
    s->miss_ms = now_ms;
    jwks_source_begin(s);
    return JWKS_MISS_FETCH;
}
