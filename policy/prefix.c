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

static uint64_t big_endian(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static struct prefix_bits bits_of(const struct addr *a)
{
    uint8_t bytes[16] = {0};

    memcpy(bytes, a->bytes, bytes_of(a));
    return (struct prefix_bits){big_endian(bytes), big_endian(bytes + 8)};
}

static uint64_t upper_ones(unsigned n)
{
    return n == 0 ? 0 : n >= 64 ? UINT64_MAX : ~(UINT64_MAX >> n);
}

static struct prefix_bits mask_of(unsigned bits)
{
    return (struct prefix_bits){upper_ones(bits), bits > 64 ? upper_ones(bits - 64) : 0};
}

static bool holds(const struct prefix_node *node, struct prefix_bits a)
{
    return (a.high & node->mask.high) == node->base.high &&
           (a.low & node->mask.low) == node->base.low;
}

static bool is_after(struct prefix_bits a, struct prefix_bits b)
{
    return a.high != b.high ? a.high > b.high : a.low > b.low;
}

static bool is_same_net(const struct prefix_node *node, const struct prefix_node *other)
{
    return node->base.high == other->base.high && node->base.low == other->base.low &&
           node->mask.high == other->mask.high && node->mask.low == other->mask.low;
}

static void build_tree(struct arena *a, const struct prefix_entry *entries, size_t n,
                       struct prefix_tree *out)
{
    struct prefix_node *nodes = arena_array(a, struct prefix_node, n);
    uint32_t *sets = arena_array(a, uint32_t, n), open = PREFIX_NONE, count = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct prefix_node node = {.base = bits_of(&entries[i].net.base),
                                   .mask = mask_of(entries[i].net.bits),
                                   .at = i,
                                   .n = 1};
        sets[i] = entries[i].set;
        if (count && is_same_net(&nodes[count - 1], &node)) {
            nodes[count - 1].n++;
            continue;
        }
        while (open != PREFIX_NONE && !holds(&nodes[open], node.base))
            open = nodes[open].parent;
        node.parent = open;
        nodes[count] = node;
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
    build_tree(a, n ? entries + n_v4 : NULL, n - n_v4, &out->v6);
}

static const struct prefix_tree *tree_of(const struct prefix_trees *t, const struct addr *a)
{
    return a->family == 4 ? &t->v4 : &t->v6;
}

uint32_t prefix_find(const struct prefix_trees *t, const struct addr *a)
{
    const struct prefix_tree *tree = tree_of(t, a);
    struct prefix_bits bits = bits_of(a);
    size_t low = 0, high = tree->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (is_after(tree->nodes[mid].base, bits))
            high = mid;
        else
            low = mid + 1;
    }
    /* Of nested networks the longest that begins at or before the address stands last; what holds
     * the address is that one or around it. */
    uint32_t at = low ? (uint32_t)low - 1 : PREFIX_NONE;
    while (at != PREFIX_NONE && !holds(&tree->nodes[at], bits))
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
