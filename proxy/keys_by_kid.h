/* keys_by_kid: keys of one issuer that publishes each below its kid (an AWS load balancer), fetched
 * when a token names one that is not known: once a kid, few at a time, and one that is not there is
 * not asked for again for half a minute. All go after an hour, since nobody says which of them was
 * withdrawn. Control thread only. */
#ifndef PROXY_KEYS_BY_KID_H
#define PROXY_KEYS_BY_KID_H

#include "proxy/keys.h"

struct kid_source;

struct kid_source *kid_source_create(struct loop *loop, struct fetcher *fetcher,
                                     const struct keys_events *events);
void kid_source_destroy(struct kid_source *s); /* NULL is fine */
/* A reference of the configuration is taken. */
void kid_source_configure(struct kid_source *s, const struct config *config, size_t issuer);
/* It has the keys of this issuer. */
bool kid_source_fits(const struct kid_source *s, const struct config_issuer *issuer);
void kid_source_missed(struct kid_source *s, str kid);

#endif
