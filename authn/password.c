/* Passwords as scrypt hashes (RFC 7914) in PHC form: $scrypt$ln=15,r=8,p=1$SALT$HASH, both in
 * base64 without padding.
 *
 * The file is edited by hand, so the parameters of a stored hash are bounded on both sides: a weak
 * one would be guessed, and a huge one would let a line of the file take all memory. */
#include "authn/builtin.h"

#include <stdio.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "authn/password.h"
#include "base/encode.h"
#include "base/secret.h"

enum {
    LN = 15,
    BLOCKS = 8,
    LANES = 1,
    SALT_BYTES = 16,
    HASH_BYTES = 32,
    MAX_LN = 17,
    MIN_SALT = 8,
    MAX_BYTES = 64, /* of a salt, of a hash */
    MIN_HASH = 16,
    MIN_COST = 1 << 17,             /* N * r * p: half of ours */
    MAX_COST = 1 << 20,             /* four times ours */
    MAX_MEMORY = 160 * 1024 * 1024, /* 128 * N * r, and some */
};

struct scrypt {
    unsigned ln, r, p;
    unsigned char salt[MAX_BYTES], hash[MAX_BYTES];
    size_t n_salt, n_hash;
};

/* ---- reading ---- */

static bool read_number(str *rest, str name, unsigned max, unsigned *out)
{
    str part = str_cut(rest, ',');
    uint64_t v = 0;

    if (!str_starts(part, name) || !str_to_u64(str_from(part, name.n), max, &v))
        return false;
    *out = (unsigned)v;
    return true;
}

/* Base64 without padding, at least `min` bytes. */
static bool read_bytes(str text, size_t min, unsigned char out[MAX_BYTES], size_t *n_out)
{
    char padded[MAX_BYTES * 4 / 3 + 8];
    unsigned char bytes[sizeof padded];

    if (!text.n || text.n > MAX_BYTES * 4 / 3 + 2 || str_find(text, '=') != text.n)
        return false;
    size_t n = text.n;
    memcpy(padded, text.p, n);
    while (n % 4)
        padded[n++] = '=';
    if (!base64_decode((str){padded, n}, bytes, n_out) || *n_out < min || *n_out > MAX_BYTES)
        return false;
    memcpy(out, bytes, *n_out);
    return true;
}

static bool is_bounded(const struct scrypt *s)
{
    if (s->ln > MAX_LN)
        return false;
    uint64_t cost = (uint64_t)s->r * s->p << s->ln;
    return cost >= MIN_COST && cost <= MAX_COST;
}

static bool scrypt_read(str text, struct scrypt *out, const char **why)
{
    str rest = text;
    *out = (struct scrypt){0};

    *why = "is not of the form $scrypt$ln=15,r=8,p=1$SALT$HASH";
    if (text.n >= PASSWORD_HASH_MAX || str_cut(&rest, '$').n ||
        !str_eq(str_cut(&rest, '$'), STR("scrypt")))
        return false;
    str parameters = str_cut(&rest, '$'), salt = str_cut(&rest, '$');
    if (!read_number(&parameters, STR("ln="), 63, &out->ln) ||
        !read_number(&parameters, STR("r="), 4096, &out->r) ||
        !read_number(&parameters, STR("p="), 4096, &out->p) || parameters.p)
        return false;
    if (!read_bytes(salt, MIN_SALT, out->salt, &out->n_salt) ||
        !read_bytes(rest, MIN_HASH, out->hash, &out->n_hash))
        return false;
    *why = "asks for too little or too much work: half to four times that of ln=15,r=8,p=1 is "
           "accepted";
    return is_bounded(out);
}

bool password_hash_is_sound(str hash, const char **why)
{
    struct scrypt s;
    return scrypt_read(hash, &s, why);
}

/* ---- the work ---- */

static bool derive(const struct scrypt *s, str password, unsigned char *out, size_t n_out)
{
    uint64_t n = UINT64_C(1) << s->ln, memory = MAX_MEMORY;
    uint32_t r = s->r, p = s->p;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)password.p, password.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)s->salt, s->n_salt),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
        OSSL_PARAM_construct_end()};
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool is_good = ctx && EVP_KDF_derive(ctx, out, n_out, params) == 1;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    ERR_clear_error();
    return is_good;
}

/* What a person can type again on another keyboard. */
static bool is_acceptable(str password, struct fail *fail)
{
    size_t chars = 0;

    if (password.n > PASSWORD_MAX_BYTES)
        return fail_set(fail, FAIL_LIMIT, "the password has %zu bytes, at most %d are taken",
                        password.n, PASSWORD_MAX_BYTES);
    for (size_t i = 0; i < password.n; chars++) {
        int32_t c = utf8_next(password, &i);
        if (c < ' ' || (c >= 0x7F && c < 0xA0))
            return fail_set(fail, FAIL_INPUT,
                            "the password must be UTF-8 text without control characters");
    }
    if (chars < PASSWORD_MIN_CHARS)
        return fail_set(fail, FAIL_INPUT, "the password has %zu characters, it needs at least %d",
                        chars, PASSWORD_MIN_CHARS);
    return true;
}

static size_t encode(const unsigned char *bytes, size_t n, char *out)
{
    size_t len;

    base64_encode((str){(const char *)bytes, n}, out, &len);
    while (len && out[len - 1] == '=')
        len--;
    return len;
}

bool password_hash(str password, char out[PASSWORD_HASH_MAX], struct fail *fail)
{
    struct scrypt s = {.ln = LN, .r = BLOCKS, .p = LANES, .n_salt = SALT_BYTES};
    char salt[2 * MAX_BYTES], hash[2 * MAX_BYTES];

    if (!is_acceptable(password, fail))
        return false;
    random_fill(s.salt, s.n_salt);
    if (!derive(&s, password, s.hash, HASH_BYTES))
        return fail_set(fail, FAIL_CRYPTO, "scrypt does not work here");
    int n_salt = (int)encode(s.salt, s.n_salt, salt),
        n_hash = (int)encode(s.hash, HASH_BYTES, hash);
    snprintf(out, PASSWORD_HASH_MAX, "$scrypt$ln=%d,r=%d,p=%d$%.*s$%.*s", LN, BLOCKS, LANES, n_salt,
             salt, n_hash, hash);
    return true;
}

bool password_check(str hash, str password)
{
    struct scrypt s;
    const char *why;
    unsigned char found[MAX_BYTES];

    if (password.n > PASSWORD_MAX_BYTES || !scrypt_read(hash, &s, &why) ||
        !derive(&s, password, found, s.n_hash))
        return false;
    bool is_same = secret_eq((str){(char *)found, s.n_hash}, (str){(char *)s.hash, s.n_hash});
    secret_wipe(found, sizeof found);
    return is_same;
}

void password_check_nobody(str password)
{
    struct scrypt s = {.ln = LN, .r = BLOCKS, .p = LANES, .n_salt = SALT_BYTES};
    unsigned char found[HASH_BYTES];

    if (password.n <= PASSWORD_MAX_BYTES)
        (void)derive(&s, password, found, sizeof found);
}
