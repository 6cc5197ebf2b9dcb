/* caller: one request put to the gate of a house, as a codec would. */
#ifndef TESTS_UNIT_GATE_CALLER_H
#define TESTS_UNIT_GATE_CALLER_H

#include "house.h"

struct caller {
    struct visit visit; /* first: the callbacks know only the visit */
    struct arena arena;
    unsigned n_resumed, n_ended;
    enum visit_end ended;
};

static inline void caller_resumed(struct visit *v)
{
    ((struct caller *)v)->n_resumed++;
}

static inline void caller_ended(struct visit *v, enum visit_end why)
{
    ((struct caller *)v)->n_ended++;
    ((struct caller *)v)->ended = why;
}

/* GET of a host and path; further members of visit.request are set before caller_run. */
static inline void caller_begin(struct caller *c, struct house *h, const char *host,
                                const char *path)
{
    *c = (struct caller){.n_ended = 0};
    arena_init(&c->arena, NULL, 0);
    visit_begin(&c->visit, h->gate, &c->arena);
    c->visit.resumed = caller_resumed;
    struct gate_request *r = &c->visit.request;
    r->method = STR("GET");
    r->host = str_of(host);
    r->path_raw = str_of(path);
    r->front = STR("direct");
    assert_true(addr_parse(STR("198.51.100.7"), &r->client));
    r->peer = r->client;
}

static inline enum visit_outcome caller_run(struct caller *c)
{
    return visit_run(&c->visit);
}

/* Begin and run, with an Authorization field or NULL. */
static inline enum visit_outcome caller_ask(struct caller *c, struct house *h, const char *path,
                                            const char *authorization)
{
    caller_begin(c, h, "inventory.example", path);
    c->visit.request.authorization = str_of(authorization);
    return caller_run(c);
}

static inline void caller_end_with(struct caller *c, const struct visit_close *close)
{
    visit_end(&c->visit, close);
    arena_finish(&c->arena);
}

static inline void caller_end(struct caller *c)
{
    struct visit_close close = {
        .end = END_COMPLETE, .status = 200, .connect_us = -1, .first_byte_us = -1};
    if (c->visit.outcome != VISIT_PERMITTED)
        close = (struct visit_close){.end = END_REFUSED,
                                     .status = c->visit.refusal.status,
                                     .connect_us = -1,
                                     .first_byte_us = -1};
    caller_end_with(c, &close);
}

/* House and nothing else, for a test that needs no options. */
static inline struct house *house_plain(void)
{
    return house_open(&(struct house_options){.limits = NULL});
}

#endif
