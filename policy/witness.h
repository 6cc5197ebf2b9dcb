/* witness: looks for a request that two sets decide otherwise.
 *
 * The rules themselves say which facts matter: each names groups, paths, networks, edges of time.
 * Those are gathered as values of seven kinds, combined, and decided in both sets. What is found is
 * a proof; that nothing is found proves nothing. */
#ifndef POLICY_WITNESS_H
#define POLICY_WITNESS_H

#include "policy/author.h"
#include "policy/rule.h"

enum {
    WITNESS_MAX_WHO = 256,
    WITNESS_MAX_PLACES = 128,
    WITNESS_MAX_TIMES = 48,
    WITNESS_MAX_ORIGINS = 32,
    WITNESS_MAX_DEVICES = 48,
    WITNESS_MAX_AUTHS = 32,
    WITNESS_MAX_ITEMS = 24, /* groups, claims, methods, facts of one value */
    WITNESS_BUDGET = 300000,
};

struct witness_who {
    struct policy_identity id; /* without lists: they are below */
    str groups[WITNESS_MAX_ITEMS];
    struct policy_claim claims[WITNESS_MAX_ITEMS];
};

struct witness_auth {
    enum policy_tri mfa;
    int64_t age_s; /* -1: not told */
    str methods[WITNESS_MAX_ITEMS];
    size_t n_methods;
    str acr, issuer;
};

struct witness_device {
    struct policy_device_fact facts[WITNESS_MAX_ITEMS]; /* seen_s is an age here */
    size_t n;
};

struct witness_origin {
    struct addr from;
    str country;
};

struct witness_place {
    str method, path, login;
    str paths[2]; /* the normal form by the rules of each set's app; absent: refused */
};

/* The first of each kind is the most trusted one: it meets all needs that can be met at once. */
struct witness_values {
    struct arena *arena;
    struct witness_who *whos;
    struct witness_auth *auths;
    struct witness_device *devices;
    struct witness_origin *origins;
    struct witness_place *places;
    int64_t *times_s;
    size_t n_whos, n_auths, n_devices, n_origins, n_places, n_times;
    size_t n_strong;    /* of auths: those that are tried with every request */
    bool names_issuers; /* a rule does */
};

/* What answers a host in two sets, or has a name; NULL where nothing does. */
struct witness_search {
    struct arena *arena;
    const struct policy *sets[2];
    const struct app *apps[2];
    enum policy_protocol protocol;     /* of the requests */
    str host;                          /* http */
    const struct rule *const *changed; /* rules of either set that the other has not */
    size_t n_changed;
    int64_t now_s;
};

void witness_gather(const struct witness_search *s, struct witness_values *out);
void witness_find(const struct witness_search *s, struct policy_witness *gains,
                  struct policy_witness *loses);

/* ---- the parts of witness_gather: each fills its kind of values, in the order of trust ---- */

typedef void witness_rule_fn(const struct witness_search *s, struct witness_values *v,
                             const struct rule *rule);
/* Calls fn for each rule of either set that concerns the app. */
void witness_each_rule(const struct witness_search *s, struct witness_values *v,
                       witness_rule_fn *fn);
void witness_gather_whos(const struct witness_search *s, struct witness_values *v);
void witness_gather_auths(const struct witness_search *s, struct witness_values *v);
void witness_gather_devices(const struct witness_search *s, struct witness_values *v);

#endif
