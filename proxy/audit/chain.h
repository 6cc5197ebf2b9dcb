/* chain: what makes a journal tamper-evident. The leaf hash of RFC 9162 (SHA-256 of 00 and the
 * line) serves twice: the next record carries it as `prev`, and it is the record's leaf in a
 * Merkle tree whose root the checkpoints sign. One hash of the text for each record. */
#ifndef PROXY_AUDIT_CHAIN_H
#define PROXY_AUDIT_CHAIN_H

#include "base/jout.h"
#include "base/str.h"

enum {
    HASH_BYTES = 32,
    HASH_HEX = 2 * HASH_BYTES,
    TREE_LEVELS = 48,
    /* What chain_link adds: ,"seq":<20>,"prev":"<64>"} and the newline. */
    CHAIN_TAIL_MAX = 7 + 20 + 9 + HASH_HEX + 2 + 1,
};

struct hash {
    unsigned char b[HASH_BYTES];
};

/* The roots of the complete subtrees, largest leftmost: all that is needed to go on. */
struct tree {
    uint64_t size;                 /* leaves */
    struct hash full[TREE_LEVELS]; /* full[i] is valid when bit i of size is set */
};

struct chain {
    uint64_t seq;     /* of the last record; 0: none yet. Equal to tree.size */
    struct hash last; /* leaf hash of the last record, zero before the first */
    struct tree tree;
};

void hash_leaf(str line, struct hash *out);
void hash_node(const struct hash *left, const struct hash *right, struct hash *out);
bool hash_eq(const struct hash *a, const struct hash *b);

void tree_add(struct tree *t, const struct hash *leaf);
void tree_root(const struct tree *t, struct hash *out);
/* The frontier as JSON: hex texts, largest subtree first; and back (false: not of that size). */
void tree_write(const struct tree *t, struct jout *j);
bool tree_read(struct tree *t, uint64_t size, const str *hex, size_t n);

/* Writes the record with its chain members and a newline to `out`, which has room for n +
 * CHAIN_TAIL_MAX, and moves the chain on. `record` is an object with at least one member. */
size_t chain_link(struct chain *c, str record, char *out);
/* Moves the chain over a line that is there already. */
void chain_follow(struct chain *c, str line);

/* The chain members at the end of a line without its newline; false: it is no record. */
bool line_tail(str line, uint64_t *seq, struct hash *prev);

#endif
