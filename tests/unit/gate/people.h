/* people: sessions in a store that is turned by hand, and requests that bring their cookies. */
#ifndef TESTS_UNIT_GATE_PEOPLE_H
#define TESTS_UNIT_GATE_PEOPLE_H

#include "caller.h"
#include "fake_store.h"

#include "../authn/signer.h"
#include "proxy/gate/gate_impl.h"

static const char INVENTORY[] = "inventory.example", OTHER[] = "other.example";

static inline struct store *people_store(void)
{
    return mem_alloc(sizeof(struct store));
}

static inline int64_t now_s(void)
{
    return clock_wall_us() / 1000000;
}

static inline str people_claims(const char *sub, const char *claims)
{
    return arena_printf(&signer_arena,
                        "{\"iss\":\"https://login.example\",\"aud\":\"postern\",\"sub\":\"%s\","
                        "\"exp\":1,\"iat\":1%s}",
                        sub, claims);
}

/* A session of this person with a cookie for the host; NULL for one that needs no value. */
static inline struct fake_row *people_add(struct house *h, struct store *s, const char *sub,
                                          const char *host, const char **cookie)
{
    struct fake_row *row = &s->rows[s->n_rows++];
    struct store_session *session = &row->seen.session;
    char value[SESSION_COOKIE_CHARS];
    *session = (struct store_session){
        .id = (int64_t)s->n_rows,
        .handle = "0123456789abcdef",
        .issuer_name = STR("corp"),
        .issuer = STR("https://login.example"),
        .subject = arena_dup(&signer_arena, str_of(sub)),
        .claims = people_claims(sub, STAFF),
        .created_s = now_s(),
        .seen_s = now_s(),
        .claims_s = now_s(),
        .ends_s = now_s() + 24 * 3600,
    };
    row->seen.host = str_of(host);
    session_cookie_make(h->cookie_keys, str_of(host), value, row->hash);
    if (cookie)
        *cookie =
            arena_printf(&signer_arena, "%s=%.*s", SESSION_COOKIE, SESSION_COOKIE_CHARS, value).p;
    return row;
}

/* One more cookie of the same session, for another host. */
static inline const char *people_hand_on(struct house *h, struct store *s, int64_t id,
                                         const char *host)
{
    struct fake_row *row = &s->rows[s->n_rows++];
    char value[SESSION_COOKIE_CHARS];
    *row = *fake_store_row(s, id);
    row->seen.host = str_of(host);
    session_cookie_make(h->cookie_keys, str_of(host), value, row->hash);
    return arena_printf(&signer_arena, "%s=%.*s", SESSION_COOKIE, SESSION_COOKIE_CHARS, value).p;
}

static inline enum visit_outcome people_ask_at(struct caller *c, struct house *h, const char *host,
                                               const char *path, const char *cookie)
{
    caller_begin(c, h, host, path);
    c->visit.request.cookie = str_of(cookie);
    return caller_run(c);
}

static inline enum visit_outcome people_ask(struct caller *c, struct house *h, const char *cookie)
{
    return people_ask_at(c, h, INVENTORY, "/x", cookie);
}

/* All that waits is answered, and the worker hears it. */
static inline void people_answer(struct house *h, struct store *s)
{
    while (fake_store_answer(s))
        ;
    house_turn(h);
}

/* Asked, waited, answered. */
static inline enum visit_outcome people_come(struct caller *c, struct house *h, struct store *s,
                                             const char *cookie)
{
    if (people_ask(c, h, cookie) == VISIT_WAITING)
        people_answer(h, s);
    return c->visit.outcome;
}

/* Until the session is in the cache. */
static inline void people_warm(struct house *h, struct store *s, const char *cookie)
{
    struct caller c;
    assert_int_equal(people_come(&c, h, s, cookie), VISIT_PERMITTED);
    caller_end(&c);
}

static inline bool is_in_causes(json_t *record, const char *cause)
{
    json_t *causes = json_object_get(json_object_get(record, "decision"), "causes"), *one;
    size_t i;
    json_array_foreach(causes, i, one)
    {
        if (strcmp(json_string_value(one), cause) == 0)
            return true;
    }
    return false;
}

#endif
