/* OpenSSL 3.0's EVP allocates a context for each digest, whatever the caller keeps ready: four
 * calls of the allocator for a record. These functions are the same code without that: deprecated,
 * not gone. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "proxy/audit/chain.h"

#include "base/encode.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdlib.h>

#define SEQ_KEY ",\"seq\":"
#define PREV_KEY ",\"prev\":\""

enum { SEQ_KEY_CHARS = sizeof(SEQ_KEY) - 1, PREV_KEY_CHARS = sizeof(PREV_KEY) - 1 };

static void hash_parts(unsigned char prefix, const void *a, size_t an, const void *b, size_t bn,
                       struct hash *out)
{
    SHA256_CTX ctx;
    if (!SHA256_Init(&ctx) || !SHA256_Update(&ctx, &prefix, 1) || !SHA256_Update(&ctx, a, an) ||
        (bn && !SHA256_Update(&ctx, b, bn)) || !SHA256_Final(out->b, &ctx))
        abort();
}

void hash_leaf(str line, struct hash *out)
{
    hash_parts(0x00, line.p, line.n, NULL, 0, out);
}

void hash_node(const struct hash *left, const struct hash *right, struct hash *out)
{
    hash_parts(0x01, left->b, HASH_BYTES, right->b, HASH_BYTES, out);
}

bool hash_eq(const struct hash *a, const struct hash *b)
{
    return memcmp(a->b, b->b, HASH_BYTES) == 0;
}

void tree_add(struct tree *t, const struct hash *leaf)
{
    struct hash node = *leaf;
    unsigned level = 0;
    for (; t->size >> level & 1; level++)
        hash_node(&t->full[level], &node, &node);
    assert(level < TREE_LEVELS);
    t->full[level] = node;
    t->size++;
}

void tree_root(const struct tree *t, struct hash *out)
{
    bool is_set = false;
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        if (!(t->size >> level & 1))
            continue;
        if (is_set)
            hash_node(&t->full[level], out, out);
        else
            *out = t->full[level];
        is_set = true;
    }
    /* RFC 9162, 2.1.1: the hash of an empty list is the hash of an empty string. */
    if (!is_set)
        SHA256(NULL, 0, out->b);
}

void tree_write(const struct tree *t, struct jout *j)
{
    jout_open(j, '[');
    for (unsigned level = TREE_LEVELS; level-- > 0;) {
        char hex[HASH_HEX];
        if (!(t->size >> level & 1))
            continue;
        hex_encode(t->full[level].b, HASH_BYTES, hex);
        jout_str(j, (str){hex, HASH_HEX});
    }
    jout_close(j, ']');
}

bool tree_read(struct tree *t, uint64_t size, const str *hex, size_t n)
{
    size_t at = 0;
    if (size >> TREE_LEVELS)
        return false;
    t->size = size;
    for (unsigned level = TREE_LEVELS; level-- > 0;) {
        if (!(size >> level & 1))
            continue;
        if (at == n || hex[at].n != HASH_HEX || !hex_decode(hex[at], t->full[level].b))
            return false;
        at++;
    }
    return at == n;
}

static size_t put_u64(char *out, uint64_t v)
{
    size_t n = 1;
    for (uint64_t rest = v; rest >= 10; rest /= 10)
        n++;
    for (size_t at = n; at > 0; v /= 10)
        out[--at] = (char)('0' + v % 10);
    return n;
}

size_t chain_link(struct chain *c, str record, char *out)
{
    assert(record.n > 2 && record.p[0] == '{' && record.p[record.n - 1] == '}');
    size_t n = record.n - 1;
    memcpy(out, record.p, n);
    memcpy(out + n, SEQ_KEY, SEQ_KEY_CHARS);
    n += SEQ_KEY_CHARS;
    n += put_u64(out + n, c->seq + 1);
    memcpy(out + n, PREV_KEY, PREV_KEY_CHARS);
    n += PREV_KEY_CHARS;
    hex_encode(c->last.b, HASH_BYTES, out + n);
    n += HASH_HEX;
    memcpy(out + n, "\"}", 2);
    n += 2;
    chain_follow(c, (str){out, n});
    out[n++] = '\n';
    return n;
}

void chain_follow(struct chain *c, str line)
{
    hash_leaf(line, &c->last);
    tree_add(&c->tree, &c->last);
    c->seq++;
}

/* The members are written by chain_link alone, always last and always in this form, so the end of
 * the line is read backwards: no text inside the record can pretend to be them. */
bool line_tail(str line, uint64_t *seq, struct hash *prev)
{
    size_t tail = PREV_KEY_CHARS + HASH_HEX + 2;
    if (line.n < tail + SEQ_KEY_CHARS + 2 || line.p[0] != '{')
        return false;
    const char *p = line.p + line.n - tail;
    if (memcmp(p, PREV_KEY, PREV_KEY_CHARS) != 0 || memcmp(line.p + line.n - 2, "\"}", 2) != 0 ||
        !hex_decode((str){p + PREV_KEY_CHARS, HASH_HEX}, prev->b))
        return false;
    const char *digits = p;
    while (digits > line.p && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    if (digits - line.p < SEQ_KEY_CHARS + 1 || digits == p || digits[0] == '0' ||
        memcmp(digits - SEQ_KEY_CHARS, SEQ_KEY, SEQ_KEY_CHARS) != 0)
        return false;
    return str_to_u64((str){digits, (size_t)(p - digits)}, UINT64_MAX >> 1, seq);
}
