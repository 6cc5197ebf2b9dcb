/* counter: a desk at work without its store: a house around it, and asks that are answered at once.
 * The built-in issuer signs its people in, so nothing leaves the process. */
#ifndef TESTS_UNIT_DESK_COUNTER_H
#define TESTS_UNIT_DESK_COUNTER_H

#include "house.h"
#include "proxy/desk/desk_impl.h"

struct counter {
    struct house *house;
    struct desk *desk;
    struct keyring *issuer_keys;
    unsigned answered;
};

/* `more`: further sections of postern.yaml. */
struct counter *counter_open(const char *issuers, const char *more);
void counter_close(struct counter *c);

/* An ask of browser number `who`; texts must live as long as it. */
struct desk_ask *counter_ask(struct counter *c, enum desk_kind kind, unsigned char who);
/* To the desk and back. */
void counter_put(struct counter *c, struct desk_ask *ask);
/* A log-in on the way to `path` of the inventory, as far as it goes without a browser. */
struct desk_ask *counter_login(struct counter *c, unsigned char who, const char *path);
/* `state` of the URL that an ask was sent away with; one of eight buffers. */
const char *counter_state(const struct desk_ask *ask);
/* The last record of this kind, or NULL. */
json_t *counter_record(struct counter *c, const char *kind);

#endif
