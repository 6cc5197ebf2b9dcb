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

struct path_edge {
    uint32_t parent, hash;
    uint32_t child;   /* 0: a free slot, for the root is nobody's child */
    uint32_t text_at; /* in texts: two bytes of length, then the segment */
};

/* Places are numbers of the caller: positions in an app's bucket. */
struct path_node {
    uint32_t star; /* child by *, 0: none */
    uint32_t at;   /* in places: first those that end here, then those of a final ** */
    uint32_t n_end, n_deep;
};

struct path_index {
    const struct path_edge *edges; /* open addressing over parent and segment */
    uint32_t edge_mask;            /* 0 with edges == NULL: no literal segment at all */
    const struct path_node *nodes; /* nodes[0] is the root; NULL: no glob */
    const uint32_t *places;
    const char *texts;
    bool ignores_case;
};

/* True when the walk decides about this glob alone. */
bool path_index_is_exact(const struct path_glob *glob);

/* Collects the globs of one app after another; heap memory, kept between apps. */
struct path_build;
struct path_build *path_build_create(void);
void path_build_destroy(struct path_build **b);
void path_build_start(struct path_build *b, bool ignores_case);
void path_build_add(struct path_build *b, const struct path_glob *glob, uint32_t place);
void path_build_finish(struct path_build *b, struct arena *a, struct path_index *out);

/* Sets the bit of each place whose glob fits the normal form. */
void path_index_match(const struct path_index *index, str path, uint64_t *bits);

#endif
