/* Keysets that grow by one PEM key at a time: of issuers that publish each key below its kid. */
#include "authn/keyset.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

/* P-256 and nothing else: what the one issuer of this kind signs with. */
static bool read_pem(str pem, struct key *out)
{
    char group[32];
    size_t n = 0;
    BIO *bio = BIO_new_mem_buf(pem.p ? pem.p : "", (int)pem.n);
    out->pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    EVP_PKEY_CTX *ctx = out->pkey ? EVP_PKEY_CTX_new_from_pkey(NULL, out->pkey, NULL) : NULL;
    bool is_good = ctx && EVP_PKEY_is_a(out->pkey, "EC") &&
                   EVP_PKEY_get_group_name(out->pkey, group, sizeof group, &n) == 1 &&
                   strcmp(group, "prime256v1") == 0 && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!is_good) {
        EVP_PKEY_free(out->pkey);
        out->pkey = NULL;
        return false;
    }
    out->type = KEY_EC;
    out->curve = STR("P-256");
    out->algs = ALG_BIT(ALG_ES256);
    return true;
}

static void share_key(struct keyset *set, const struct key *from)
{
    struct key *to = &set->keys[set->n++];
    EVP_PKEY_up_ref(from->pkey);
    to->type = from->type;
    to->pkey = from->pkey;
    to->kid = arena_dup(&set->arena, from->kid);
    to->curve = from->curve;
    to->algs = from->algs;
}

/* Differs from that of every set with other keys. */
static bool digest_of(const struct keyset *old, str kid, str pem, unsigned char out[32])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned n = 0;
    bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
                (!old || EVP_DigestUpdate(ctx, old->digest, sizeof old->digest) == 1) &&
                EVP_DigestUpdate(ctx, &kid.n, sizeof kid.n) == 1 &&
                EVP_DigestUpdate(ctx, kid.p, kid.n) == 1 &&
                EVP_DigestUpdate(ctx, pem.p, pem.n) == 1 && EVP_DigestFinal_ex(ctx, out, &n) == 1;
    EVP_MD_CTX_free(ctx);
    return good && n == 32;
}

struct keyset *keyset_with_pem(const struct keyset *old, str kid, str pem, struct fail *fail)
{
    struct key key = {0};
    size_t n_old = keyset_count(old);
    size_t first = n_old >= KEYSET_PEM_MOST ? n_old - KEYSET_PEM_MOST + 1 : 0;
    if (!kid.n || keyset_has_kid(old, kid) || pem.n > KEYSET_MAX_BYTES || !read_pem(pem, &key)) {
        fail_set(fail, FAIL_INPUT, "this is no public key on P-256 in PEM");
        return NULL;
    }
    struct keyset *set = mem_alloc(sizeof *set);
    atomic_init(&set->refs, 1);
    arena_init(&set->arena, NULL, 0);
    set->keys = arena_array(&set->arena, struct key, n_old - first + 1);
    for (size_t i = first; i < n_old; i++)
        share_key(set, &old->keys[i]);
    key.kid = kid;
    share_key(set, &key);
    EVP_PKEY_free(key.pkey);
    if (digest_of(old, kid, pem, set->digest))
        return set;
    fail_set(fail, FAIL_CRYPTO, "SHA-256 is not available");
    keyset_unref(&set);
    return NULL;
}
