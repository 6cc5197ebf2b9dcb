/* Keys of the built-in issuer, and what libjwt makes with them. libjwt writes tokens; it reads
 * none. */
#include "authn/builtin_impl.h"

#include <stdlib.h>

#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/secret.h"

enum { COORDINATE = 32 };

static EVP_PKEY *read_pem(str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;

    BIO_free(bio);
    return pkey;
}

static bool read_coordinate(const EVP_PKEY *pkey, const char *name, char out[44])
{
    unsigned char bytes[COORDINATE];
    BIGNUM *v = NULL;
    bool is_good = EVP_PKEY_get_bn_param(pkey, name, &v) == 1 &&
                   BN_bn2binpad(v, bytes, COORDINATE) == COORDINATE;

    BN_free(v);
    if (is_good)
        base64url_encode((str){(char *)bytes, COORDINATE}, out);
    return is_good;
}

/* RFC 7638: the required members in the order of their names. */
static void make_kid(struct builtin_key *key)
{
    struct arena a;
    char block[512];
    unsigned char digest[BUILTIN_DIGEST];

    arena_init(&a, block, sizeof block);
    str text = arena_printf(&a, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
                            key->x, key->y);
    builtin_digest(text, digest);
    base64url_encode((str){(char *)digest, sizeof digest}, key->kid);
    arena_finish(&a);
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[64];
    size_t n;

    return EVP_PKEY_is_a(pkey, "EC") &&
           EVP_PKEY_get_group_name(pkey, group, sizeof group, &n) == 1 &&
           !strcmp(group, "prime256v1");
}

bool builtin_key_read(struct builtin_key *key, str pem, struct fail *fail)
{
    *key = (struct builtin_key){.pkey = read_pem(pem)};
    ERR_clear_error();
    if (!key->pkey || !is_p256(key->pkey) ||
        !read_coordinate(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, key->x) ||
        !read_coordinate(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, key->y))
        return fail_set(fail, FAIL_CRYPTO, "a key of the built-in issuer is no P-256 key in PEM");
    make_kid(key);
    key->n_pem = pem.n;
    key->pem = secret_alloc(pem.n);
    memcpy(key->pem, pem.p, pem.n);
    return true;
}

void builtin_key_finish(struct builtin_key *key)
{
    EVP_PKEY_free(key->pkey);
    secret_free(key->pem, key->n_pem);
    *key = (struct builtin_key){0};
}

str builtin_keys_json(const struct builtin_key *keys, size_t n, struct arena *a)
{
    size_t room = n * 320 + 32;
    struct jout j;

    jout_init(&j, arena_text(a, room), room);
    jout_open(&j, '{');
    jout_key(&j, STR("keys"));
    jout_open(&j, '[');
    for (size_t i = 0; i < n; i++) {
        jout_open(&j, '{');
        jout_kplain(&j, STR("kty"), STR("EC"));
        jout_kplain(&j, STR("crv"), STR("P-256"));
        jout_kplain(&j, STR("use"), STR("sig"));
        jout_kplain(&j, STR("alg"), STR("ES256"));
        jout_kplain(&j, STR("kid"), str_of(keys[i].kid));
        jout_kplain(&j, STR("x"), str_of(keys[i].x));
        jout_kplain(&j, STR("y"), str_of(keys[i].y));
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    return jout_text(&j);
}

static bool fill(jwt_t *jwt, const struct builtin_key *key, const char *payload)
{
    return jwt_add_header(jwt, "kid", key->kid) == 0 && jwt_add_grants_json(jwt, payload) == 0 &&
           jwt_set_alg(jwt, JWT_ALG_ES256, (const unsigned char *)key->pem, (int)key->n_pem) == 0;
}

str builtin_sign(const struct builtin *b, str payload, struct arena *a)
{
    jwt_t *jwt = NULL;
    char *text = NULL;
    str out = {NULL, 0};

    if (jwt_new(&jwt) == 0 && fill(jwt, &b->keys.keys[0], arena_dup(a, payload).p))
        text = jwt_encode_str(jwt);
    if (text && strlen(text) <= TOKEN_MAX_BYTES)
        out = arena_dup(a, str_of(text));
    free(text);
    jwt_free(jwt);
    ERR_clear_error(); /* libjwt leaves it dirty, and others would read it as theirs */
    return out;
}
