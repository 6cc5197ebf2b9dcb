/* Throttles. See throttle.h. Keys come from str_hash, which is seeded for each process: nobody can
 * choose two names that share a set. */
#include "authn/throttle.h"

#include <stdlib.h>

#include "base/arena.h"

enum { SETS = 1024, WAYS = 8 };

struct throttle_slot {
    uint64_t key;
    int64_t last_s, until_s;
    unsigned attempts; /* 0: free */
};

void throttle_init(struct throttle *t, struct throttle_rule rule)
{
    *t = (struct throttle){rule, mem_alloc(SETS * WAYS * sizeof *t->slots)};
}

void throttle_finish(struct throttle *t)
{
    free(t->slots);
    *t = (struct throttle){0};
}

static struct throttle_slot *find(const struct throttle *t, uint64_t key)
{
    struct throttle_slot *set = &t->slots[key % SETS * WAYS];

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].attempts && set[i].key == key)
            return &set[i];
    return NULL;
}

static bool is_forgotten(const struct throttle *t, const struct throttle_slot *s, int64_t now_s)
{
    return !s->attempts || now_s - s->last_s >= t->rule.memory_s;
}

/* Which of two is missed less. */
static bool is_lesser(const struct throttle_slot *a, const struct throttle_slot *b)
{
    return a->attempts != b->attempts ? a->attempts < b->attempts : a->last_s < b->last_s;
}

static struct throttle_slot *make_room(struct throttle *t, uint64_t key, int64_t now_s)
{
    struct throttle_slot *set = &t->slots[key % SETS * WAYS], *least = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (is_forgotten(t, &set[i], now_s))
            return &set[i];
        if (is_lesser(&set[i], least))
            least = &set[i];
    }
    return least;
}

int64_t throttle_left_s(const struct throttle *t, uint64_t key, int64_t now_s)
{
    const struct throttle_slot *s = find(t, key);

    if (!s || is_forgotten(t, s, now_s) || s->until_s <= now_s)
        return 0;
    int64_t left_s = s->until_s - now_s;
    return left_s < t->rule.max_s ? left_s : t->rule.max_s; /* the clock may have been set back */
}

static int64_t wait_s(const struct throttle *t, unsigned attempts)
{
    unsigned beyond = attempts > t->rule.free ? attempts - t->rule.free : 0;
    int64_t wait = beyond == 0 ? 0 : beyond < 30 ? INT64_C(1) << beyond : t->rule.max_s;

    return wait < t->rule.max_s ? wait : t->rule.max_s;
}

void throttle_charge(struct throttle *t, uint64_t key, int64_t now_s)
{
    struct throttle_slot *s = find(t, key);

    if (!s || is_forgotten(t, s, now_s)) {
        s = s ? s : make_room(t, key, now_s);
        *s = (struct throttle_slot){.key = key};
    }
    if (s->attempts < UINT32_MAX)
        s->attempts++;
    s->last_s = now_s;
    s->until_s = now_s + wait_s(t, s->attempts);
}

void throttle_extend(struct throttle *t, uint64_t key, int64_t now_s)
{
    struct throttle_slot *s = find(t, key);

    if (!s)
        return;
    s->last_s = now_s;
    s->until_s = now_s + wait_s(t, s->attempts);
}

void throttle_clear(struct throttle *t, uint64_t key)
{
    struct throttle_slot *s = find(t, key);

    if (s)
        *s = (struct throttle_slot){0};
}

void throttle_refund(struct throttle *t, uint64_t key)
{
    struct throttle_slot *s = find(t, key);

    if (!s)
        return;
    s->attempts--;
    s->until_s = s->last_s + wait_s(t, s->attempts);
}
