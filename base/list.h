/* list: an intrusive doubly linked ring. The head is a list_node itself; a node in no list points
 * to itself after list_init. Comment at each head which member links. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *prev, *next;
};

#define list_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list_node *n)
{
    n->prev = n->next = n;
}

static inline bool list_empty(const struct list_node *head)
{
    return head->next == head;
}

static inline void list_insert(struct list_node *after, struct list_node *n)
{
    n->prev = after;
    n->next = after->next;
    after->next->prev = n;
    after->next = n;
}

static inline void list_append(struct list_node *head, struct list_node *n)
{
    list_insert(head->prev, n);
}

/* Safe to call twice. */
static inline void list_remove(struct list_node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

#endif
