#include "policy/path_index.h"

#include <stdlib.h>

enum { MAX_TEXT = UINT16_MAX };

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

static str text_at(const char *texts, uint32_t at)
{
    uint16_t n;

    memcpy(&n, texts + at, sizeof n);
    return (str){texts + at + sizeof n, n};
}

static inline uint32_t slot_of(const struct path_edge *edges, uint32_t mask, const char *texts,
                               uint32_t parent, uint32_t hash, str s, bool ignores_case)
{
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        const struct path_edge *e = &edges[i];
        if (!e->child)
            return i;
        if (e->hash != hash || e->parent != parent)
            continue;
        str text = text_at(texts, e->text_at);
        if (ignores_case ? str_eq_nocase(text, s) : str_eq(text, s))
            return i;
    }
}

/* ---- building -------------------------------------------------------------------------------- */

struct entry {
    uint32_t node, place;
    bool is_deep; /* ended in ** */
};

struct path_build {
    bool ignores_case;
    struct path_edge *edges;
    uint32_t n_edges, n_slots;
    struct path_node *nodes;
    uint32_t n_nodes, cap_nodes;
    struct entry *entries;
    uint32_t n_entries, cap_entries;
    char *texts;
    uint32_t n_texts, cap_texts;
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
    free(b->texts);
    free(b);
}

static void *room(void *items, uint32_t needed, uint32_t *cap, size_t item_bytes)
{
    if (needed <= *cap)
        return items;
    *cap = needed > 2 * *cap ? needed + 16 : 2 * *cap;
    return mem_grow(items, *cap * item_bytes);
}

static uint32_t add_node(struct path_build *b)
{
    b->nodes = room(b->nodes, b->n_nodes + 1, &b->cap_nodes, sizeof *b->nodes);
    b->nodes[b->n_nodes] = (struct path_node){0};
    return b->n_nodes++;
}

void path_build_start(struct path_build *b, bool ignores_case)
{
    b->ignores_case = ignores_case;
    b->n_edges = b->n_nodes = b->n_entries = b->n_texts = 0;
    if (b->n_slots)
        memset(b->edges, 0, b->n_slots * sizeof *b->edges);
    add_node(b);
}

/* At most half full. */
static void widen(struct path_build *b)
{
    struct path_edge *old = b->edges;
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

static uint32_t add_text(struct path_build *b, str s)
{
    uint32_t at = b->n_texts;
    uint16_t n = (uint16_t)s.n;

    b->n_texts += (uint32_t)(sizeof n + s.n);
    b->texts = room(b->texts, b->n_texts, &b->cap_texts, 1);
    memcpy(b->texts + at, &n, sizeof n);
    memcpy(b->texts + at + sizeof n, s.p, s.n);
    return at;
}

static uint32_t add_child(struct path_build *b, uint32_t parent, str text)
{
    widen(b);
    uint32_t hash = segment_hash(parent, text, b->ignores_case);
    uint32_t slot =
        slot_of(b->edges, b->n_slots - 1, b->texts, parent, hash, text, b->ignores_case);
    if (!b->edges[slot].child) {
        b->edges[slot] = (struct path_edge){
            .parent = parent, .hash = hash, .child = add_node(b), .text_at = add_text(b, text)};
        b->n_edges++;
    }
    return b->edges[slot].child;
}

static uint32_t add_star(struct path_build *b, uint32_t parent)
{
    if (!b->nodes[parent].star) {
        uint32_t child = add_node(b);
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

/* Gives each node its stretch of places and fills it. */
static uint32_t *spread(struct path_build *b, struct arena *a)
{
    uint32_t *places = arena_array(a, uint32_t, b->n_entries), at = 0;

    for (uint32_t i = 0; i < b->n_nodes; i++) {
        struct path_node *node = &b->nodes[i];
        node->at = at;
        at += node->n_end + node->n_deep;
        node->n_end = node->n_deep = 0;
    }
    for (int deep = 0; deep < 2; deep++)
        for (uint32_t i = 0; i < b->n_entries; i++) {
            struct path_node *node = &b->nodes[b->entries[i].node];
            if (b->entries[i].is_deep != deep)
                continue;
            places[node->at + node->n_end + node->n_deep] = b->entries[i].place;
            if (deep)
                node->n_deep++;
            else
                node->n_end++;
        }
    return places;
}

static uint32_t fitting_slots(uint32_t n_edges)
{
    uint32_t n = 2;

    while (n < 2 * n_edges)
        n *= 2;
    return n;
}

static void copy_edges(struct path_build *b, struct arena *a, struct path_index *out)
{
    uint32_t n = fitting_slots(b->n_edges);
    struct path_edge *edges = arena_array(a, struct path_edge, n);

    for (uint32_t i = 0; i < b->n_slots; i++) {
        if (!b->edges[i].child)
            continue;
        uint32_t k = b->edges[i].hash & (n - 1);
        while (edges[k].child)
            k = (k + 1) & (n - 1);
        edges[k] = b->edges[i];
    }
    out->edges = edges;
    out->edge_mask = n - 1;
}

void path_build_finish(struct path_build *b, struct arena *a, struct path_index *out)
{
    *out = (struct path_index){.ignores_case = b->ignores_case};
    if (!b->n_entries)
        return;
    out->places = spread(b, a);
    struct path_node *nodes = arena_array(a, struct path_node, b->n_nodes);
    memcpy(nodes, b->nodes, b->n_nodes * sizeof *nodes);
    out->nodes = nodes;
    if (!b->n_edges)
        return;
    char *texts = arena_text(a, b->n_texts);
    memcpy(texts, b->texts, b->n_texts);
    out->texts = texts;
    copy_edges(b, a, out);
}

/* ---- matching -------------------------------------------------------------------------------- */

static inline void mark(const uint32_t *places, uint32_t n, uint64_t *bits)
{
    for (uint32_t i = 0; i < n; i++)
        bits[places[i] >> 6] |= (uint64_t)1 << (places[i] & 63);
}

/* `rest` is empty or begins with the slash of its first segment. The depth is that of the trie. */
static void walk(const struct path_index *index, uint32_t at, str rest, uint64_t *bits)
{
    const struct path_node *node = &index->nodes[at];
    size_t end = 1;

    mark(index->places + node->at + node->n_end, node->n_deep, bits);
    if (!rest.n) {
        mark(index->places + node->at, node->n_end, bits);
        return;
    }
    while (end < rest.n && rest.p[end] != '/')
        end++;
    str segment = {rest.p + 1, end - 1}, behind = {rest.p + end, rest.n - end};
    if (index->edges) {
        uint32_t hash = segment_hash(at, segment, index->ignores_case);
        uint32_t slot = slot_of(index->edges, index->edge_mask, index->texts, at, hash, segment,
                                index->ignores_case);
        if (index->edges[slot].child)
            walk(index, index->edges[slot].child, behind, bits);
    }
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
