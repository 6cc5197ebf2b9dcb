/* The keys of one issuer: reading a JWK set and choosing a key. See authn.h and keyset.h. */
#include "authn/keyset.h"

#include <openssl/err.h>
#include <stdlib.h>

static bool digest_document(struct keyset *set, str json)
{
    size_t n = 0;
    return EVP_Q_digest(NULL, "SHA256", NULL, json.p, json.n, set->digest, &n) == 1 && n == 32;
}

static void read_keys(struct keyset *set, const struct jnode *list)
{
    set->keys = arena_array(&set->arena, struct key, list->n);
    for (const struct jnode *m = list->first; m; m = m->next) {
        struct key *key = &set->keys[set->n];
        if (jwk_read(&set->arena, m, key)) {
            set->n++;
        } else {
            memset(key, 0, sizeof *key);
            set->skipped++;
        }
    }
}

static bool parse_into(struct keyset *set, str json, struct fail *fail)
{
    struct arena scratch;
    arena_init(&scratch, NULL, 0);
    char *copy = mem_dup(json);
    bool is_good = false;
    const struct jnode *root = jread_object(&scratch, copy, json.n, NULL);
    const struct jnode *list = jread_get(root, "keys");
    if (!root)
        fail_set(fail, FAIL_INPUT, "the JWK set is not one object of strict JSON");
    else if (!list || list->kind != J_LIST)
        fail_set(fail, FAIL_INPUT, "the JWK set has no list \"keys\"");
    else if (list->n > KEYSET_MAX_KEYS)
        fail_set(fail, FAIL_LIMIT, "the JWK set has %zu keys, at most %d are read", list->n,
                 KEYSET_MAX_KEYS);
    else if (!digest_document(set, json))
        fail_set(fail, FAIL_CRYPTO, "SHA-256 is not available");
    else {
        read_keys(set, list);
        is_good = set->n > 0;
        if (!is_good)
            fail_set(fail, FAIL_INPUT,
                     "none of the %zu keys of the JWK set can verify signatures here", list->n);
    }
    ERR_clear_error();
    free(copy);
    arena_finish(&scratch);
    return is_good;
}

struct keyset *keyset_parse(str json, struct fail *fail)
{
    if (json.n > KEYSET_MAX_BYTES) {
        fail_set(fail, FAIL_LIMIT, "the JWK set has %zu bytes, at most %d are read", json.n,
                 KEYSET_MAX_BYTES);
        return NULL;
    }
    struct keyset *set = mem_alloc(sizeof *set);
    atomic_init(&set->refs, 1);
    arena_init(&set->arena, NULL, 0);
    if (!parse_into(set, json, fail))
        keyset_unref(&set);
    return set;
}

struct keyset *keyset_ref(const struct keyset *set)
{
    struct keyset *s = (struct keyset *)set;
    if (s)
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void keyset_unref(struct keyset **set)
{
    struct keyset *s = *set;
    *set = NULL;
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < s->n; i++)
        jwk_finish(&s->keys[i]);
    arena_finish(&s->arena);
    free(s);
}

size_t keyset_count(const struct keyset *set)
{
    return set ? set->n : 0;
}

size_t keyset_skipped(const struct keyset *set)
{
    return set ? set->skipped : 0;
}

static bool has_kid(const struct key *key, str kid)
{
    return key->kid.p && str_eq(key->kid, kid);
}

bool keyset_has_kid(const struct keyset *set, str kid)
{
    for (size_t i = 0; i < keyset_count(set); i++)
        if (has_kid(&set->keys[i], kid))
            return true;
    return false;
}

bool keyset_same(const struct keyset *a, const struct keyset *b)
{
    if (!a || !b)
        return a == b;
    return memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

/* With a kid: the key of that name. Several keys may share one if only one fits the algorithm
 * (RFC 7517, 4.5). Without: the only key that fits, never the first of several. */
enum token_verdict keyset_choose(const struct keyset *set, str kid, enum token_alg alg,
                                 struct key **out)
{
    size_t named = 0, fitting = 0;
    for (size_t i = 0; i < keyset_count(set); i++) {
        struct key *key = &set->keys[i];
        if (kid.p && !has_kid(key, kid))
            continue;
        named++;
        if (!(key->algs & ALG_BIT(alg)))
            continue;
        fitting++;
        *out = key;
    }
    if (fitting > 1)
        return TOKEN_AMBIGUOUS_KEY;
    if (fitting == 1)
        return TOKEN_OK;
    return kid.p && named ? TOKEN_KEY : TOKEN_UNKNOWN_KID;
}
