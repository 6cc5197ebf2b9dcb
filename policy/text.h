/* text: a text that grows in an arena, and a tree written as YAML again.
 *
 * For what is not a decision: mutants, normal forms, conditions told to people. One owner. */
#ifndef POLICY_TEXT_H
#define POLICY_TEXT_H

#include "base/arena.h"
#include "base/doc.h"

struct text {
    struct arena *arena;
    char *p;
    size_t n, cap;
};

void text_add(struct text *t, str s);
__attribute__((format(printf, 2, 3))) void text_printf(struct text *t, const char *fmt, ...);
static inline str text_str(const struct text *t)
{
    return (str){t->p ? t->p : "", t->n};
}

/* While a tree is written, `from` is replaced by `to`; NULL leaves a member or an item out. */
struct text_swap {
    const struct doc_node *from, *to;
};

/* Flow style: what is read from it is the same tree, plain scalars included where that counts (a
 * number and a text are different claims). `swap` may be NULL. */
void text_tree(struct text *t, const struct doc_node *node, const struct text_swap *swap);
/* The same for people: nothing is quoted that need not be. */
void text_tree_plain(struct text *t, const struct doc_node *node);

#endif
