#include "policy/path_index.h"

#include <stdlib.h>

enum { MAX_TEXT = UINT16_MAX, SMALL_TABLE = 1024 };

/* ---- segments -------------------------------------------------------------------------------- */

static uint64_t stir(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9FB21C651E98DF25u;
    return h ^ h >> 32;
}

/* Who writes the globs knows the names in the table, and who sends the path cannot add any: the
 * hash needs no secret. */
static inline uint32_t segment_hash(uint32_t parent, str s, bool ignores_case)
{
    uint64_t h = stir(0x2545F4914F6CDD1Du + s.n, parent), word = 0;

    if (ignores_case) {
        for (size_t i = 0; i < s.n; i++)
            h = stir(h, (unsigned char)str_lower_char(s.p[i]));
        return (uint32_t)h;
    }
    for (; s.n >= 8; s = (str){s.p + 8, s.n - 8}) {
        memcpy(&word, s.p, 8);
        h = stir(h, word);
    }
    word = 0;
    for (size_t i = 0; i < s.n; i++)
        word = word << 8 | (unsigned char)s.p[i];
    return (uint32_t)stir(h, word);
}

/* ---- building -------------------------------------------------------------------------------- */

/* Nodes are numbered while they grow in number, and get their places at the end. */
struct edge {
    uint32_t parent, child; /* child 0: a free slot */
    uint32_t hash;
    str text; /* the glob's */
};

struct entry {
    uint32_t node, place;
    bool is_deep; /* ended in ** */
};

struct growing_node {
    uint32_t parent, star, n_end, n_deep;
    str text;
    uint32_t at; /* where it will stand */
};

struct path_build {
    bool ignores_case;
    struct edge *edges;
    uint32_t n_edges, n_slots;
    struct growing_node *nodes;
    uint32_t n_nodes, cap_nodes;
    struct entry *entries;
    uint32_t n_entries, cap_entries;
};

struct path_build *path_build_create(void)
{
    return mem_alloc(sizeof(struct path_build));
}

void path_build_destroy(struct path_build **bp)
{
    struct path_build *b = *bp;

    *bp = NULL;
    if (!b)
        return;
    free(b->edges);
    free(b->nodes);
    free(b->entries);
    free(b);
}

static void *room(void *items, uint32_t needed, uint32_t *cap, size_t item_bytes)
{
    if (needed <= *cap)
        return items;
    *cap = needed > 2 * *cap ? needed + 16 : 2 * *cap;
    return mem_grow(items, *cap * item_bytes);
}

static uint32_t add_node(struct path_build *b, uint32_t parent, str text)
{
    b->nodes = room(b->nodes, b->n_nodes + 1, &b->cap_nodes, sizeof *b->nodes);
    b->nodes[b->n_nodes] = (struct growing_node){.parent = parent, .text = text};
    return b->n_nodes++;
}

void path_build_start(struct path_build *b, bool ignores_case)
{
    b->ignores_case = ignores_case;
    b->n_edges = b->n_nodes = b->n_entries = 0;
    /* After a large app a thousand small ones would each clear its table. */
    if (b->n_slots > SMALL_TABLE) {
        free(b->edges);
        b->edges = NULL;
        b->n_slots = 0;
    }
    if (b->n_slots)
        memset(b->edges, 0, b->n_slots * sizeof *b->edges);
    add_node(b, 0, (str){NULL, 0});
}

/* At most half full. */
static void widen(struct path_build *b)
{
    struct edge *old = b->edges;
    uint32_t n_old = b->n_slots;

    if (2 * (b->n_edges + 1) <= n_old)
        return;
    b->n_slots = n_old ? 2 * n_old : 16;
    b->edges = mem_alloc(b->n_slots * sizeof *b->edges);
    for (uint32_t i = 0; i < n_old; i++)
        if (old[i].child) {
            uint32_t k = old[i].hash & (b->n_slots - 1);
            while (b->edges[k].child)
                k = (k + 1) & (b->n_slots - 1);
            b->edges[k] = old[i];
        }
    free(old);
}

static bool is_same_text(str a, str b, bool ignores_case)
{
    return ignores_case ? str_eq_nocase(a, b) : str_eq(a, b);
}

static uint32_t add_child(struct path_build *b, uint32_t parent, str text)
{
    uint32_t hash = segment_hash(parent, text, b->ignores_case);

    widen(b);
    uint32_t mask = b->n_slots - 1, i = hash & mask;
    for (; b->edges[i].child; i = (i + 1) & mask)
        if (b->edges[i].hash == hash && b->edges[i].parent == parent &&
            is_same_text(b->edges[i].text, text, b->ignores_case))
            return b->edges[i].child;
    b->edges[i] = (struct edge){
        .parent = parent, .child = add_node(b, parent, text), .hash = hash, .text = text};
    b->n_edges++;
    return b->edges[i].child;
}

static uint32_t add_star(struct path_build *b, uint32_t parent)
{
    if (!b->nodes[parent].star) {
        uint32_t child = add_node(b, parent, (str){NULL, 0});
        b->nodes[parent].star = child;
    }
    return b->nodes[parent].star;
}

/* Segments before the first that a walk cannot follow; there the rest may be anything. */
static size_t head_of(const struct path_glob *glob)
{
    size_t n = 0;

    while (n < glob->n && n < PATH_INDEX_DEPTH && glob->segments[n].kind != PATH_SEGMENT_ANY &&
           glob->segments[n].text.n <= MAX_TEXT)
        n++;
    return n;
}

bool path_index_is_exact(const struct path_glob *glob)
{
    size_t head = head_of(glob);

    return head == glob->n ||
           (head + 1 == glob->n && glob->segments[head].kind == PATH_SEGMENT_ANY);
}

void path_build_add(struct path_build *b, const struct path_glob *glob, uint32_t place)
{
    size_t head = head_of(glob);
    uint32_t node = 0;

    for (size_t i = 0; i < head; i++)
        node = glob->segments[i].kind == PATH_SEGMENT_ONE
                   ? add_star(b, node)
                   : add_child(b, node, glob->segments[i].text);
    b->entries = room(b->entries, b->n_entries + 1, &b->cap_entries, sizeof *b->entries);
    b->entries[b->n_entries++] =
        (struct entry){.node = node, .place = place, .is_deep = head < glob->n};
    if (head < glob->n)
        b->nodes[node].n_deep++;
    else
        b->nodes[node].n_end++;
}

enum { HEAD_WORDS = sizeof(struct path_node) / sizeof(uint32_t) };

static struct path_node *node_at(uint32_t *words, uint32_t at)
{
    return (struct path_node *)(words + at);
}

/* Where each node stands; returns the words of all. */
static uint32_t stand(struct path_build *b)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < b->n_nodes; i++) {
        struct growing_node *node = &b->nodes[i];
        node->at = at;
        at += HEAD_WORDS + node->n_end + node->n_deep + (uint32_t)(node->text.n + 3) / 4;
    }
    return at;
}

static void copy_nodes(const struct path_build *b, uint32_t *words)
{
    for (uint32_t i = 0; i < b->n_nodes; i++) {
        const struct growing_node *from = &b->nodes[i];
        struct path_node *node = node_at(words, from->at);
        *node = (struct path_node){.parent = b->nodes[from->parent].at,
                                   .star = from->star ? b->nodes[from->star].at : 0,
                                   .n_text = (uint32_t)from->text.n};
        if (from->text.n)
            memcpy(words + from->at + HEAD_WORDS + from->n_end + from->n_deep, from->text.p,
                   from->text.n);
    }
}

static void copy_places(const struct path_build *b, uint32_t *words)
{
    for (int deep = 0; deep < 2; deep++)
        for (uint32_t i = 0; i < b->n_entries; i++) {
            uint32_t at = b->nodes[b->entries[i].node].at;
            struct path_node *node = node_at(words, at);
            if (b->entries[i].is_deep != deep)
                continue;
            words[at + HEAD_WORDS + node->n_end + node->n_deep] = b->entries[i].place;
            if (deep)
                node->n_deep++;
            else
                node->n_end++;
        }
}

/* At most three quarters full. */
static uint32_t fitting_slots(uint32_t n_edges)
{
    uint32_t n = 4;

    while (3 * n < 4 * n_edges)
        n *= 2;
    return n;
}

static void copy_slots(const struct path_build *b, struct arena *a, struct path_index *out)
{
    uint32_t n = fitting_slots(b->n_edges);
    struct path_slot *slots = arena_array(a, struct path_slot, n);

    for (uint32_t i = 0; i < b->n_slots; i++) {
        const struct edge *edge = &b->edges[i];
        if (!edge->child)
            continue;
        uint32_t hash = segment_hash(b->nodes[edge->parent].at, edge->text, b->ignores_case);
        uint32_t k = hash & (n - 1);
        while (slots[k].node)
            k = (k + 1) & (n - 1);
        slots[k] = (struct path_slot){hash, b->nodes[edge->child].at};
    }
    out->slots = slots;
    out->slot_mask = n - 1;
}

void path_build_finish(struct path_build *b, struct arena *a, struct path_index *out)
{
    *out = (struct path_index){.ignores_case = b->ignores_case};
    if (!b->n_entries)
        return;
    uint32_t *words = arena_array(a, uint32_t, stand(b));
    copy_nodes(b, words);
    copy_places(b, words);
    out->nodes = words;
    if (b->n_edges)
        copy_slots(b, a, out);
}

/* ---- matching -------------------------------------------------------------------------------- */

static inline void mark(const uint32_t *places, uint32_t n, uint64_t *bits)
{
    for (uint32_t i = 0; i < n; i++)
        bits[places[i] >> 6] |= (uint64_t)1 << (places[i] & 63);
}

/* The literal child, 0: none. */
static inline uint32_t find_child(const struct path_index *index, uint32_t parent, str segment)
{
    uint32_t hash = segment_hash(parent, segment, index->ignores_case);

    for (uint32_t i = hash & index->slot_mask;; i = (i + 1) & index->slot_mask) {
        const struct path_slot *slot = &index->slots[i];
        if (!slot->node)
            return 0;
        if (slot->hash != hash)
            continue;
        const uint32_t *words = index->nodes + slot->node;
        const struct path_node *node = (const struct path_node *)words;
        str text = {(const char *)(words + HEAD_WORDS + node->n_end + node->n_deep), node->n_text};
        if (node->parent == parent && is_same_text(text, segment, index->ignores_case))
            return slot->node;
    }
}

/* `rest` is empty or begins with the slash of its first segment. The depth is that of the trie. */
static void walk(const struct path_index *index, uint32_t at, str rest, uint64_t *bits)
{
    const uint32_t *places = index->nodes + at + HEAD_WORDS;
    const struct path_node *node = (const struct path_node *)(index->nodes + at);
    size_t end = 1;

    mark(places + node->n_end, node->n_deep, bits);
    if (!rest.n) {
        mark(places, node->n_end, bits);
        return;
    }
    while (end < rest.n && rest.p[end] != '/')
        end++;
    str segment = {rest.p + 1, end - 1}, behind = {rest.p + end, rest.n - end};
    uint32_t child = index->slots ? find_child(index, at, segment) : 0;
    if (child)
        walk(index, child, behind, bits);
    if (node->star && segment.n)
        walk(index, node->star, behind, bits);
}

void path_index_match(const struct path_index *index, str path, uint64_t *bits)
{
    if (!index->nodes)
        return;
    if (path.n && path.p[path.n - 1] == '/')
        path.n--;
    walk(index, 0, path, bits);
}
