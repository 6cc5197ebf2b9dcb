/* path_index: the globs of one app as a trie by segment.
 *
 * A walk along the path meets every glob that fits it, whatever the number of globs: a literal
 * child by hash, a `*` child beside it, and what ends in `**` on the way. A glob with a `**` before
 * its end, or with more segments than PATH_INDEX_DEPTH, is entered by its head alone: the walk then
 * gives a place that may fit, and whoever entered it matches the whole glob again.
 * Built once, then immutable; a walk allocates nothing. Any thread. */
#ifndef POLICY_PATH_INDEX_H
#define POLICY_PATH_INDEX_H

#include "base/arena.h"
#include "policy/path.h"

enum { PATH_INDEX_DEPTH = 32 }; /* bounds the recursion of a walk */

/* A node of the trie, followed by its places (first of globs that end here, then of those whose
 * `**` begins here) and by the text of its segment. Nodes are told by where they stand, in words of
 * four bytes; the root stands at 0. All that a step of a walk needs is in one place. */
struct path_node {
    uint32_t parent, star; /* star: child by *, 0: none */
    uint32_t n_end, n_deep, n_text;
};

struct path_slot {
    uint32_t hash, node; /* 0: free, for the root is nobody's child */
};

/* Places are numbers of the caller: positions in an app's bucket. */
struct path_index {
    const struct path_slot *slots; /* open addressing over parent and segment; NULL: no literal */
    const uint32_t *nodes;         /* NULL: no glob */
    uint32_t slot_mask;
    bool ignores_case;
};

/* True when the walk decides about this glob alone. */
bool path_index_is_exact(const struct path_glob *glob);

/* Collects the globs of one app after another; heap memory, kept between apps. */
struct path_build;
struct path_build *path_build_create(void);
void path_build_destroy(struct path_build **b);
void path_build_start(struct path_build *b, bool ignores_case);
/* Returns the node that the glob ends at, or its head: globs of one node fit the same paths. */
uint32_t path_build_add(struct path_build *b, const struct path_glob *glob, uint32_t place);
void path_build_finish(struct path_build *b, struct arena *a, struct path_index *out);

/* Places as bits, and a bit for each of these words that may not be zero. */
struct path_bits {
    uint64_t *words, *some;
};

/* Sets the bit of each place whose glob fits the normal form. */
void path_index_match(const struct path_index *index, str path, struct path_bits bits);

#endif
