/* prefix: sets of networks, as one tree of prefixes a family.
 *
 * Each distinct network of the policy is one node, and a node knows the sets that name it. The
 * nodes that hold an address are one chain from the longest of them upwards: it is found once a
 * request, and then each set is asked along the chain. Immutable once built; any thread. */
#ifndef POLICY_PREFIX_H
#define POLICY_PREFIX_H

#include "base/addr.h"
#include "base/arena.h"

#define PREFIX_NONE UINT32_MAX

/* An address as numbers: of IPv4 the upper half of high. */
struct prefix_bits {
    uint64_t high, low;
};

struct prefix_node {
    struct prefix_bits base, mask;
    uint32_t parent; /* the next longer network around it, or PREFIX_NONE */
    uint32_t at, n;  /* its sets, ascending */
};

struct prefix_tree {
    const struct prefix_node *nodes; /* by address, the wider first */
    uint32_t n;
    const uint32_t *sets;
};

struct prefix_trees {
    struct prefix_tree v4, v6;
};

/* A network as one set has it. */
struct prefix_entry {
    struct cidr net;
    uint32_t set;
};

/* Sorts `entries`. */
void prefix_build(struct arena *a, struct prefix_entry *entries, size_t n,
                  struct prefix_trees *out);
/* The longest network that holds the address, for prefix_has. */
uint32_t prefix_find(const struct prefix_trees *t, const struct addr *a);
bool prefix_has(const struct prefix_trees *t, const struct addr *a, uint32_t found, uint32_t set);

#endif
