/* keys: fetches the issuers' keys for the control thread, by authn's plan of when to.
 *
 * Issuers whose keys come from a URL have a source here; when its keys change, `changed` is called
 * with a reference, and every answer, good or bad, is told by `answered`, so that visits waiting
 * for it go on. Control thread only. */
#ifndef PROXY_KEYS_H
#define PROXY_KEYS_H

#include "proxy/config/config.h"

struct keys;

struct keys_events {
    void (*changed)(void *ctx, size_t issuer, struct keyset *keys); /* takes the reference */
    void (*answered)(void *ctx, size_t issuer, bool is_good);
    void *ctx;
};

struct keys *keys_create(struct loop *loop, const struct keys_events *events);
void keys_destroy(struct keys *k);
/* The issuers as configured now; sources of those that stay the same go on. */
void keys_configure(struct keys *k, const struct config *config);
/* Each issuer with a URL was asked once, well or not. */
bool keys_are_settled(const struct keys *k);
/* A worker met a kid that it does not know. */
void keys_missed(struct keys *k, size_t issuer, str kid);

#endif
