/* seal: tokens of providers at rest, AES-256-GCM.
 *
 *     01 | 4 bytes that name the key | 12 bytes nonce | ciphertext | 16 bytes tag
 *
 * The nonce is random: at 2^32 tokens under one key a repetition has a chance of 2^-33. The row and
 * the column are authenticated, so that whoever can write the file cannot give one person's token
 * to another's session. */
#include "proxy/store/db.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/secret.h"

enum { FORMAT = 1, ID = 4, NONCE = 12, TAG = 16, HEAD = 1 + ID + NONCE, AAD = 9 };

static bool name_key(struct seal_key *k)
{
    unsigned char hash[32];
    if (EVP_Digest(k->bytes, sizeof k->bytes, hash, NULL, EVP_sha256(), NULL) != 1)
        return false;
    memcpy(k->id, hash, ID);
    return true;
}

bool seal_keys_take(struct store_db *db, const unsigned char (*keys)[32], size_t n, struct fail *f)
{
    db->n_seal_keys = 0;
    for (size_t i = 0; i < n && i < SEAL_KEYS; i++) {
        struct seal_key *k = &db->seal_keys[i];
        memcpy(k->bytes, keys[i], sizeof k->bytes);
        if (!name_key(k))
            return fail_set(f, FAIL_CRYPTO, "SHA-256 is not there");
        db->n_seal_keys++;
    }
    return true;
}

bool store_seal_keys(struct store_db *db, const unsigned char (*keys)[32], size_t n, struct fail *f)
{
    return seal_keys_take(db, keys, n, f);
}

static void bind_to(int64_t row, enum seal_kind kind, unsigned char aad[AAD])
{
    for (int i = 0; i < 8; i++)
        aad[i] = (unsigned char)((uint64_t)row >> (56 - 8 * i));
    aad[8] = (unsigned char)kind;
}

static bool encrypt(EVP_CIPHER_CTX *c, const struct seal_key *k, const unsigned char aad[AAD],
                    str text, unsigned char *out)
{
    int n;
    return EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, k->bytes, out + 1 + ID) == 1 &&
           EVP_EncryptUpdate(c, NULL, &n, aad, AAD) == 1 &&
           EVP_EncryptUpdate(c, out + HEAD, &n, (const unsigned char *)text.p, (int)text.n) == 1 &&
           EVP_EncryptFinal_ex(c, out + HEAD + text.n, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, out + HEAD + text.n) == 1;
}

bool seal_close(struct store_db *db, int64_t row, enum seal_kind kind, str text, struct arena *a,
                str *sealed_out, struct fail *f)
{
    unsigned char aad[AAD];
    *sealed_out = (str){NULL, 0};
    if (!text.p)
        return true;
    if (!db->n_seal_keys)
        return fail_set(f, FAIL_CRYPTO, "there is no seal key, so no token can be kept");
    if (text.n > INT_MAX - SEAL_MORE_BYTES)
        return fail_set(f, FAIL_LIMIT, "a token of %zu bytes is too long to be kept", text.n);
    unsigned char *out = arena_alloc(a, text.n + SEAL_MORE_BYTES);
    out[0] = FORMAT;
    memcpy(out + 1, db->seal_keys[0].id, ID);
    random_fill(out + 1 + ID, NONCE);
    bind_to(row, kind, aad);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    bool ok = c && encrypt(c, &db->seal_keys[0], aad, text, out);
    EVP_CIPHER_CTX_free(c);
    ERR_clear_error();
    if (!ok)
        return fail_set(f, FAIL_CRYPTO, "a token could not be sealed");
    *sealed_out = (str){(const char *)out, text.n + SEAL_MORE_BYTES};
    return true;
}

static const struct seal_key *find_key(const struct store_db *db, const unsigned char *id)
{
    for (size_t i = 0; i < db->n_seal_keys; i++)
        if (memcmp(db->seal_keys[i].id, id, ID) == 0)
            return &db->seal_keys[i];
    return NULL;
}

static bool decrypt(EVP_CIPHER_CTX *c, const struct seal_key *k, const unsigned char aad[AAD],
                    const unsigned char *in, size_t n_text, unsigned char *out)
{
    int n;
    return EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, k->bytes, in + 1 + ID) == 1 &&
           EVP_DecryptUpdate(c, NULL, &n, aad, AAD) == 1 &&
           EVP_DecryptUpdate(c, out, &n, in + HEAD, (int)n_text) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, (void *)(in + HEAD + n_text)) == 1 &&
           EVP_DecryptFinal_ex(c, out + n_text, &n) == 1;
}

bool seal_open(struct store_db *db, int64_t row, enum seal_kind kind, str sealed, struct arena *a,
               str *text_out, struct fail *f)
{
    const unsigned char *in = (const unsigned char *)sealed.p;
    unsigned char aad[AAD];
    *text_out = (str){NULL, 0};
    if (!sealed.p)
        return true;
    if (sealed.n < SEAL_MORE_BYTES || sealed.n > INT_MAX || in[0] != FORMAT)
        return fail_set(f, FAIL_INPUT, "a sealed token in the store %s is damaged", db->path);
    const struct seal_key *k = find_key(db, in + 1);
    if (!k) /* older than the oldest key: the session lives on without it */
        return true;
    size_t n_text = sealed.n - SEAL_MORE_BYTES;
    unsigned char *out = arena_alloc(a, n_text + 1);
    bind_to(row, kind, aad);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    bool ok = c && decrypt(c, k, aad, in, n_text, out);
    EVP_CIPHER_CTX_free(c);
    ERR_clear_error();
    if (!ok) {
        secret_wipe(out, n_text); /* not authentic: nobody may see it */
        return fail_set(f, FAIL_CRYPTO,
                        "a sealed token in the store %s was changed, or is not of its row",
                        db->path);
    }
    out[n_text] = '\0';
    *text_out = (str){(const char *)out, n_text};
    return true;
}
