#include "policy/prefix.h"

#include <stdlib.h>

static size_t bytes_of(const struct addr *a)
{
    return a->family == 4 ? 4 : 16;
}

/* Family, then address, then length, then set: a network stands before those within it. */
static int compare(const void *pa, const void *pb)
{
    const struct prefix_entry *a = pa, *b = pb;

    if (a->net.base.family != b->net.base.family)
        return a->net.base.family < b->net.base.family ? -1 : 1;
    int order = memcmp(a->net.base.bytes, b->net.base.bytes, bytes_of(&a->net.base));
    if (order)
        return order;
    if (a->net.bits != b->net.bits)
        return a->net.bits < b->net.bits ? -1 : 1;
    return (a->set > b->set) - (a->set < b->set);
}

static bool is_same_net(const struct cidr *a, const struct cidr *b)
{
    return a->bits == b->bits && addr_eq(&a->base, &b->base);
}

static void build_tree(struct arena *a, const struct prefix_entry *entries, size_t n,
                       struct prefix_tree *out)
{
    struct prefix_node *nodes = arena_array(a, struct prefix_node, n);
    uint32_t *sets = arena_array(a, uint32_t, n), open = PREFIX_NONE, count = 0;

    for (uint32_t i = 0; i < n; i++) {
        sets[i] = entries[i].set;
        if (count && is_same_net(&nodes[count - 1].net, &entries[i].net)) {
            nodes[count - 1].n++;
            continue;
        }
        while (open != PREFIX_NONE && !cidr_has(&nodes[open].net, &entries[i].net.base))
            open = nodes[open].parent;
        nodes[count] = (struct prefix_node){.net = entries[i].net, .parent = open, .at = i, .n = 1};
        open = count++;
    }
    *out = (struct prefix_tree){.nodes = nodes, .n = count, .sets = sets};
}

void prefix_build(struct arena *a, struct prefix_entry *entries, size_t n, struct prefix_trees *out)
{
    size_t n_v4 = 0;

    if (n)
        qsort(entries, n, sizeof *entries, compare);
    while (n_v4 < n && entries[n_v4].net.base.family == 4)
        n_v4++;
    build_tree(a, entries, n_v4, &out->v4);
    build_tree(a, entries + n_v4, n - n_v4, &out->v6);
}

static const struct prefix_tree *tree_of(const struct prefix_trees *t, const struct addr *a)
{
    return a->family == 4 ? &t->v4 : &t->v6;
}

uint32_t prefix_find(const struct prefix_trees *t, const struct addr *a)
{
    const struct prefix_tree *tree = tree_of(t, a);
    size_t width = bytes_of(a), low = 0, high = tree->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (memcmp(tree->nodes[mid].net.base.bytes, a->bytes, width) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    /* Of nested networks the longest that begins at or before the address stands last; what holds
     * the address is that one or around it. */
    uint32_t at = low ? (uint32_t)low - 1 : PREFIX_NONE;
    while (at != PREFIX_NONE && !cidr_has(&tree->nodes[at].net, a))
        at = tree->nodes[at].parent;
    return at;
}

bool prefix_has(const struct prefix_trees *t, const struct addr *a, uint32_t found, uint32_t set)
{
    const struct prefix_tree *tree = tree_of(t, a);

    for (uint32_t at = found; at != PREFIX_NONE; at = tree->nodes[at].parent) {
        const struct prefix_node *node = &tree->nodes[at];
        for (uint32_t i = 0; i < node->n && tree->sets[node->at + i] <= set; i++)
            if (tree->sets[node->at + i] == set)
                return true;
    }
    return false;
}
