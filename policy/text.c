#include "policy/text.h"

#include <stdio.h>

void text_add(struct text *t, str s)
{
    if (t->cap - t->n < s.n) {
        size_t cap = t->cap ? t->cap : 256;
        while (cap - t->n < s.n)
            cap *= 2;
        char *grown = arena_text(t->arena, cap);
        if (t->n)
            memcpy(grown, t->p, t->n);
        t->p = grown;
        t->cap = cap;
    }
    if (s.n)
        memcpy(t->p + t->n, s.p, s.n);
    t->n += s.n;
}

void text_printf(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str s = arena_vprintf(t->arena, fmt, ap);
    va_end(ap);
    text_add(t, s);
}

/* ---- scalars -------------------------------------------------------------------------------- */

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '+' || c == '-';
}

/* Needs no quotes wherever it stands, and is the same text without them. */
static bool is_word(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_word_char(s.p[i]))
            return false;
    return s.n > 0 && (s.p[0] != '-' || (s.n > 1 && s.p[1] >= '0' && s.p[1] <= '9'));
}

static void add_quoted(struct text *t, str s)
{
    text_add(t, STR("\""));
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            text_printf(t, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            text_printf(t, "\\x%02X", c);
        else
            text_add(t, (str){s.p + i, 1});
    }
    text_add(t, STR("\""));
}

static void add_scalar(struct text *t, const struct doc_node *node)
{
    if (node->is_plain && is_word(node->text))
        text_add(t, node->text);
    else
        add_quoted(t, node->text);
}

/* ---- trees ---------------------------------------------------------------------------------- */

static const struct doc_node *swapped(const struct doc_node *node, const struct text_swap *swap)
{
    return swap && swap->from == node ? swap->to : node;
}

void text_tree(struct text *t, const struct doc_node *node, const struct text_swap *swap)
{
    bool is_map = node->kind == DOC_MAP, is_first = true;

    if (node->kind == DOC_SCALAR) {
        add_scalar(t, node);
        return;
    }
    text_add(t, is_map ? STR("{") : STR("["));
    for (size_t i = 0; i < node->n; i++) {
        const struct doc_node *item = swapped(node->items[i], swap);
        if (!item)
            continue;
        if (!is_first)
            text_add(t, STR(", "));
        is_first = false;
        if (is_map) {
            add_scalar(t, node->keys[i]);
            text_add(t, STR(": "));
        }
        /* What replaces may hold what it replaces: it is written as it is. */
        text_tree(t, item, item == node->items[i] ? swap : NULL);
    }
    text_add(t, is_map ? STR("}") : STR("]"));
}

static void add_plain(struct text *t, str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || strchr(",[]{}\"#", s.p[i])) {
            add_quoted(t, s);
            return;
        }
    text_add(t, s);
}

void text_tree_plain(struct text *t, const struct doc_node *node)
{
    bool is_map = node->kind == DOC_MAP;

    if (node->kind == DOC_SCALAR) {
        add_plain(t, node->text);
        return;
    }
    text_add(t, is_map ? STR("{") : STR("["));
    for (size_t i = 0; i < node->n; i++) {
        if (i)
            text_add(t, STR(", "));
        if (is_map) {
            add_plain(t, node->keys[i]->text);
            text_add(t, STR(": "));
        }
        text_tree_plain(t, node->items[i]);
    }
    text_add(t, is_map ? STR("}") : STR("]"));
}
