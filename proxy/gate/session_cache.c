/* The cache of sessions, by the whole cookie value, and the index of all that live, by id.
 *
 * A hit is what every request of a signed-in person costs: no lock, no I/O, no memory, and no HMAC,
 * for only a value whose tag was good, and whose row the store found, is ever in here. The values
 * are compared in constant time: how far a guess is right cannot be told by a clock. */
#include "proxy/gate/gate_impl.h"

#include <stdlib.h>

#include "base/secret.h"

enum { FIRST_BUCKETS = 64, ID_BUCKETS = 4096 };

/* Long-lived, one a gate, one thread. */
struct session_cache {
    size_t capacity, n;
    struct session **buckets; /* by the value, session.chain; a power of two */
    size_t n_buckets;
    struct list_node recent; /* session.recent, newest first; each holds a reference */
    struct list_node *by_id; /* session.same_id; made with the first session */
};

struct session_cache *session_cache_create(size_t capacity)
{
    struct session_cache *c = mem_alloc(sizeof *c);
    c->capacity = capacity;
    c->n_buckets = FIRST_BUCKETS;
    c->buckets = mem_alloc(FIRST_BUCKETS * sizeof(struct session *));
    list_init(&c->recent);
    return c;
}

/* The value is random where it counts: its first eight characters spread well. */
static struct session **bucket_of(const struct session_cache *c, const char *value)
{
    uint64_t word;
    memcpy(&word, value, sizeof word);
    return &c->buckets[(word * 0x9E3779B97F4A7C15u) >> 32 & (c->n_buckets - 1)];
}

static bool is_same(const struct session *s, str value, str host)
{
    return secret_eq((str){s->cookie, SESSION_COOKIE_CHARS}, value) && str_eq(s->host, host);
}

static void leave(struct session_cache *c, struct session *s)
{
    struct session **link = bucket_of(c, s->cookie);
    while (*link != s)
        link = &(*link)->chain;
    *link = s->chain;
    list_remove(&s->recent);
    c->n--;
    session_unref(&s);
}

void session_cache_drop(struct session_cache *c, struct session *s)
{
    if (!list_empty(&s->recent))
        leave(c, s);
}

void session_cache_clear(struct session_cache *c)
{
    while (c->n)
        leave(c, list_entry(c->recent.prev, struct session, recent));
}

void session_cache_resize(struct session_cache *c, size_t capacity)
{
    c->capacity = capacity;
    while (c->n > capacity)
        leave(c, list_entry(c->recent.prev, struct session, recent));
}

struct session *session_cache_get(struct session_cache *c, str value, str host)
{
    if (value.n != SESSION_COOKIE_CHARS)
        return NULL;
    struct session *s = *bucket_of(c, value.p);
    while (s && !is_same(s, value, host))
        s = s->chain;
    if (!s)
        return NULL;
    list_remove(&s->recent);
    list_insert(&c->recent, &s->recent);
    return s;
}

static void grow(struct session_cache *c)
{
    struct session **old = c->buckets;
    size_t n_old = c->n_buckets;
    c->n_buckets *= 2;
    c->buckets = mem_alloc(c->n_buckets * sizeof(struct session *));
    for (size_t i = 0; i < n_old; i++)
        for (struct session *s = old[i], *next; s; s = next) {
            struct session **bucket = bucket_of(c, s->cookie);
            next = s->chain;
            s->chain = *bucket;
            *bucket = s;
        }
    free(old);
}

void session_cache_put(struct session_cache *c, struct session *s,
                       const char value[SESSION_COOKIE_CHARS])
{
    struct session *old = session_cache_get(c, (str){value, SESSION_COOKIE_CHARS}, s->host);
    if (old)
        leave(c, old);
    if (c->capacity == 0)
        return;
    if (c->n >= c->capacity)
        leave(c, list_entry(c->recent.prev, struct session, recent));
    else if (c->n >= c->n_buckets)
        grow(c);
    memcpy(s->cookie, value, SESSION_COOKIE_CHARS);
    struct session **bucket = bucket_of(c, s->cookie);
    s->chain = *bucket;
    *bucket = s;
    list_insert(&c->recent, &s->recent);
    c->n++;
    session_ref(s);
}

size_t session_cache_count(const struct session_cache *c)
{
    return c->n;
}

/* ---- by id ----------------------------------------------------------------------------------- */

static struct list_node *id_bucket(struct session_cache *c, int64_t id)
{
    return &c->by_id[(uint64_t)id * 0x9E3779B97F4A7C15u >> 32 & (ID_BUCKETS - 1)];
}

void session_index_add(struct gate *g, struct session *s)
{
    struct session_cache *c = g->sessions;
    if (!c->by_id) {
        c->by_id = mem_alloc(ID_BUCKETS * sizeof *c->by_id);
        for (size_t i = 0; i < ID_BUCKETS; i++)
            list_init(&c->by_id[i]);
    }
    list_append(id_bucket(c, s->id), &s->same_id);
}

/* `fn` may drop sessions, this one and others, but not while the walk stands on them: each is held
 * until its successor is held. */
static void walk(struct list_node *head, bool (*wanted)(const struct session *, const void *),
                 const void *what, void (*fn)(struct gate *, struct session *), struct gate *g)
{
    struct list_node *n = head->next;
    struct session *s = n == head ? NULL : session_ref(list_entry(n, struct session, same_id));
    while (s) {
        if (wanted(s, what))
            fn(g, s);
        n = s->same_id.next;
        struct session *next =
            n == head ? NULL : session_ref(list_entry(n, struct session, same_id));
        session_unref(&s);
        s = next;
    }
}

static bool has_id(const struct session *s, const void *id)
{
    return s->id == *(const int64_t *)id;
}

void session_index_each(struct gate *g, int64_t id, void (*fn)(struct gate *, struct session *))
{
    if (g->sessions->by_id)
        walk(id_bucket(g->sessions, id), has_id, &id, fn, g);
}

struct person {
    str issuer, subject;
};

static bool is_of(const struct session *s, const void *person)
{
    const struct person *p = person;
    return str_eq(s->who->facts.subject, p->subject) && str_eq(s->who->facts.issuer, p->issuer);
}

/* A grant is a rare thing: all that live are looked at. */
void session_index_person(struct gate *g, str issuer, str subject,
                          void (*fn)(struct gate *, struct session *))
{
    struct person person = {issuer, subject};
    for (size_t i = 0; g->sessions->by_id && i < ID_BUCKETS; i++)
        walk(&g->sessions->by_id[i], is_of, &person, fn, g);
}

int64_t session_seen_s(struct gate *g, const struct session *s)
{
    int64_t seen_s = s->seen_s;
    struct list_node *head = id_bucket(g->sessions, s->id);
    for (struct list_node *n = head->next; n != head; n = n->next) {
        const struct session *other = list_entry(n, struct session, same_id);
        if (other->id == s->id && other->seen_s > seen_s)
            seen_s = other->seen_s;
    }
    return seen_s;
}

void session_cache_destroy(struct session_cache *c)
{
    if (!c)
        return;
    session_cache_clear(c);
    free(c->buckets);
    free(c->by_id);
    free(c);
}
