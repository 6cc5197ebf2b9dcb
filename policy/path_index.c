#include "policy/path_index.h"

#include <stdlib.h>

enum { MAX_TEXT = UINT16_MAX, SMALL_TABLE = 1024 };

/* ---- segments -------------------------------------------------------------------------------- */

static inline uint64_t stir(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9FB21C651E98DF25u;
    return h ^ h >> 32;
}

static inline uint64_t load_u64(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

static inline uint64_t load_u32(const char *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

/* All bytes of at most eight in one number, some of them twice: of texts of one length none is
 * that of another. */
static inline uint64_t word_of(const char *p, size_t n)
{
    if (n >= 4)
        return load_u32(p) << 32 | load_u32(p + n - 4);
    return n ? (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 |
                   (unsigned char)p[n - 1]
             : 0;
}

/* Who writes the globs knows the names in the table, and who sends the path cannot add any: the
 * hash needs no secret. */
static inline uint64_t text_hash(str s, bool ignores_case)
{
    uint64_t h = 0x2545F4914F6CDD1Du + s.n;

    if (ignores_case) {
        for (size_t i = 0; i < s.n; i++)
            h = stir(h, (unsigned char)str_lower_char(s.p[i]));
        return h;
    }
    for (; s.n > 8; s = (str){s.p + 8, s.n - 8})
        h = stir(h, load_u64(s.p));
    return stir(h, word_of(s.p, s.n));
}

static inline uint32_t child_hash(uint32_t parent, uint64_t of_text)
{
    return (uint32_t)stir(of_text, parent);
}

static inline bool is_same_text(str a, str b, bool ignores_case)
{
    if (ignores_case)
        return str_eq_nocase(a, b);
    if (a.n != b.n || a.n > 8)
        return str_eq(a, b);
    return word_of(a.p, a.n) == word_of(b.p, b.n);
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

static uint32_t add_child(struct path_build *b, uint32_t parent, str text)
{
    uint32_t hash = child_hash(parent, text_hash(text, b->ignores_case));

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

uint32_t path_build_add(struct path_build *b, const struct path_glob *glob, uint32_t place)
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
    return node;
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
        uint32_t hash =
            child_hash(b->nodes[edge->parent].at, text_hash(edge->text, b->ignores_case));
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

static inline void mark(const uint32_t *places, uint32_t n, struct path_bits bits)
{
    for (uint32_t i = 0; i < n; i++) {
        bits.words[places[i] >> 6] |= (uint64_t)1 << (places[i] & 63);
        bits.some[places[i] >> 12] |= (uint64_t)1 << (places[i] >> 6 & 63);
    }
}

/* A path cut at its slashes, as far as the trie goes. */
struct cut_path {
    const struct path_index *index;
    struct path_bits bits;
    size_t n; /* more than PATH_INDEX_DEPTH: it goes on, and nothing ends there */
    str segments[PATH_INDEX_DEPTH];
    uint64_t hashes[PATH_INDEX_DEPTH];
};

static void cut(str path, struct cut_path *out)
{
    const char *end = path.p + path.n;

    out->n = 0;
    for (const char *at = path.p; at < end; out->n++) {
        if (out->n == PATH_INDEX_DEPTH) {
            out->n++;
            return;
        }
        const char *slash = memchr(at + 1, '/', (size_t)(end - at - 1));
        str segment = {at + 1, (size_t)((slash ? slash : end) - at - 1)};
        out->segments[out->n] = segment;
        out->hashes[out->n] = text_hash(segment, out->index->ignores_case);
        at = slash ? slash : end;
    }
}

/* The literal child, 0: none. */
static inline uint32_t find_child(const struct cut_path *path, uint32_t parent, size_t depth)
{
    const struct path_index *index = path->index;
    uint32_t hash = child_hash(parent, path->hashes[depth]);

    for (uint32_t i = hash & index->slot_mask;; i = (i + 1) & index->slot_mask) {
        const struct path_slot *slot = &index->slots[i];
        if (!slot->node)
            return 0;
        if (slot->hash != hash)
            continue;
        const uint32_t *words = index->nodes + slot->node;
        const struct path_node *node = (const struct path_node *)words;
        str text = {(const char *)(words + HEAD_WORDS + node->n_end + node->n_deep), node->n_text};
        if (node->parent == parent &&
            is_same_text(text, path->segments[depth], index->ignores_case))
            return slot->node;
    }
}

static void walk(const struct cut_path *path, uint32_t at, size_t depth)
{
    const struct path_index *index = path->index;
    const uint32_t *places = index->nodes + at + HEAD_WORDS;
    const struct path_node *node = (const struct path_node *)(index->nodes + at);

    mark(places + node->n_end, node->n_deep, path->bits);
    if (depth == path->n) {
        mark(places, node->n_end, path->bits);
        return;
    }
    if (depth == PATH_INDEX_DEPTH)
        return;
    uint32_t child = index->slots ? find_child(path, at, depth) : 0;
    if (child)
        walk(path, child, depth + 1);
    if (node->star && path->segments[depth].n)
        walk(path, node->star, depth + 1);
}

void path_index_match(const struct path_index *index, str path, struct path_bits bits)
{
    struct cut_path cut_path;

    if (!index->nodes)
        return;
    if (path.n && path.p[path.n - 1] == '/')
        path.n--;
    cut_path.index = index;
    cut_path.bits = bits;
    cut(path, &cut_path);
    walk(&cut_path, 0, 0);
}
