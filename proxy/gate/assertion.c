/* The assertion: who comes, told to an app in a JWT that only we can have signed (http-rules.md
 * section 2). ES256, audience = the app's name, only the claims that its policy lists.
 *
 * Signing costs more than all the rest of a request, so it is done once for a credential and app
 * and used until shortly before its end. It is kept with the credential and dies with it; what it
 * was made by (the app's settings) may change with each snapshot, so another one makes it anew. */
#include "proxy/gate/gate_impl.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/secret.h"
#include "proxy/config/keyring.h"

enum {
    LASTS_S = 5 * 60,
    SPARE_S = 30, /* an upstream that looks at it in so many seconds finds it good */
    KEPT_MOST = 16,
    COORDINATE = 32,
    B64_32 = 43, /* of 32 bytes */
    JTI_BYTES = 16,
    TEXT_MOST = 48 * 1024, /* a longer one fits in no head */
};

struct assertion {
    struct assertion *next;
    uint64_t serial; /* of the snapshot whose settings it was made by */
    int64_t reuse_until_s;
    str app, issuer, jwt;
    unsigned left_out; /* claims that could not be carried */
};

struct assertion_key {
    EVP_PKEY *pkey;
    char x[B64_32], y[B64_32], kid[B64_32];
};

struct assertion_keys {
    struct assertion_key keys[KEYRING_GENERATIONS]; /* newest first */
    size_t n;
    str jwks;
    char *scratch; /* TEXT_MOST */
};

/* ---- keys ------------------------------------------------------------------------------------ */

static EVP_PKEY *read_pem(str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;
    BIO_free(bio);
    return pkey;
}

static bool read_coordinate(const EVP_PKEY *pkey, const char *name, char out[B64_32])
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
static bool make_kid(struct assertion_key *k)
{
    char text[192];
    unsigned char digest[32];
    unsigned n = sizeof digest;
    struct jout j;
    jout_init(&j, text, sizeof text);
    jout_open(&j, '{');
    jout_kplain(&j, STR("crv"), STR("P-256"));
    jout_kplain(&j, STR("kty"), STR("EC"));
    jout_kplain(&j, STR("x"), (str){k->x, B64_32});
    jout_kplain(&j, STR("y"), (str){k->y, B64_32});
    jout_close(&j, '}');
    if (EVP_Digest(j.buf, j.n, digest, &n, EVP_sha256(), NULL) != 1)
        return false;
    base64url_encode((str){(char *)digest, sizeof digest}, k->kid);
    return true;
}

static bool read_key(struct assertion_key *k, str pem)
{
    char group[64];
    size_t n;
    k->pkey = read_pem(pem);
    bool is_good = k->pkey && EVP_PKEY_is_a(k->pkey, "EC") &&
                   EVP_PKEY_get_group_name(k->pkey, group, sizeof group, &n) == 1 &&
                   strcmp(group, "prime256v1") == 0 &&
                   read_coordinate(k->pkey, OSSL_PKEY_PARAM_EC_PUB_X, k->x) &&
                   read_coordinate(k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, k->y) && make_kid(k);
    ERR_clear_error();
    if (!is_good)
        EVP_PKEY_free(k->pkey);
    return is_good;
}

/* All generations: what the old ones signed is in the hands of apps for minutes. */
static str write_jwks(const struct assertion_keys *k)
{
    size_t room = 32 + k->n * 320;
    struct jout j;
    jout_init(&j, mem_alloc(room), room);
    jout_open(&j, '{');
    jout_key(&j, STR("keys"));
    jout_open(&j, '[');
    for (size_t i = 0; i < k->n; i++) {
        jout_open(&j, '{');
        jout_kplain(&j, STR("kty"), STR("EC"));
        jout_kplain(&j, STR("crv"), STR("P-256"));
        jout_kplain(&j, STR("use"), STR("sig"));
        jout_kplain(&j, STR("alg"), STR("ES256"));
        jout_kplain(&j, STR("kid"), (str){k->keys[i].kid, B64_32});
        jout_kplain(&j, STR("x"), (str){k->keys[i].x, B64_32});
        jout_kplain(&j, STR("y"), (str){k->keys[i].y, B64_32});
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    return jout_text(&j);
}

struct assertion_keys *assertion_keys_open(const struct keyring *ring)
{
    struct assertion_keys *k = mem_alloc(sizeof *k);
    for (size_t i = 0; ring && i < ring->n; i++)
        k->n += read_key(&k->keys[k->n], ring->pems[i]);
    k->jwks = write_jwks(k);
    return k;
}

void assertion_keys_close(struct assertion_keys *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < k->n; i++)
        EVP_PKEY_free(k->keys[i].pkey);
    free((void *)(uintptr_t)k->jwks.p);
    free(k->scratch);
    free(k);
}

str gate_jwks(const struct gate *g)
{
    return g->assertion_keys->jwks;
}

/* ---- what it says ---------------------------------------------------------------------------- */

static void write_value(struct jout *j, const struct policy_value *v)
{
    switch (v->kind) {
    case POLICY_VALUE_TEXT:
        jout_str(j, v->text);
        return;
    case POLICY_VALUE_NUMBER:
    case POLICY_VALUE_BOOL:
        jout_raw(j, v->text);
        return;
    case POLICY_VALUE_LIST:
        jout_open(j, '[');
        for (size_t i = 0; i < v->n; i++)
            write_value(j, &v->items[i]);
        jout_close(j, ']');
        return;
    case POLICY_VALUE_OTHER:
        return;
    }
}

static bool is_carriable(const struct policy_value *v)
{
    bool is_good = v->kind != POLICY_VALUE_OTHER;
    for (size_t i = 0; i < v->n; i++)
        is_good &= v->items[i].kind != POLICY_VALUE_OTHER;
    return is_good;
}

static void write_groups(struct jout *j, const struct policy_identity *id)
{
    if (!id->groups_known)
        return;
    jout_key(j, STR("groups"));
    jout_open(j, '[');
    for (size_t i = 0; i < id->n_groups; i++)
        jout_str(j, id->groups[i]);
    jout_close(j, ']');
}

static bool is_email(const struct credential *c, str claim)
{
    return str_eq(claim, STR("email")) || (c->email_claim.n && str_eq(claim, c->email_claim));
}

/* By the rules of identity headers: an address that nobody verified is left out, groups are those
 * that rules see. True when it had to be left out. */
static bool write_claim(struct jout *j, const struct credential *c, str claim)
{
    const struct policy_identity *id = &c->facts;
    if (is_email(c, claim)) {
        if (c->email_counts)
            jout_kstr(j, claim, id->email);
        return !c->email_counts && id->email.p;
    }
    if (str_eq(claim, STR("groups"))) {
        write_groups(j, id);
        return false;
    }
    for (size_t i = 0; i < id->n_claims; i++) {
        if (!str_eq(id->claims[i].name, claim))
            continue;
        if (!is_carriable(&id->claims[i].value))
            return true;
        jout_key_text(j, claim);
        write_value(j, &id->claims[i].value);
        return false;
    }
    return false;
}

static void write_payload(struct jout *j, struct assertion *a, const struct credential *c,
                          const struct app *app, int64_t now_s, int64_t ends_s)
{
    unsigned char random[JTI_BYTES];
    char jti[2 * JTI_BYTES];
    random_fill(random, sizeof random);
    hex_encode(random, sizeof random, jti);
    jout_open(j, '{');
    jout_kstr(j, STR("iss"), a->issuer);
    jout_kstr(j, STR("aud"), app->name);
    jout_kstr(j, STR("sub"), c->facts.subject);
    jout_kint(j, STR("iat"), now_s);
    jout_kint(j, STR("exp"), ends_s);
    jout_kplain(j, STR("jti"), (str){jti, sizeof jti});
    for (size_t i = 0; i < app->n_assertion_claims; i++)
        a->left_out += write_claim(j, c, app->assertion_claims[i]);
    jout_close(j, '}');
}

/* ---- signing --------------------------------------------------------------------------------- */

/* DER to the two numbers side by side (RFC 7518 section 3.4). */
static bool raw_signature(const unsigned char *der, size_t n, unsigned char out[2 * COORDINATE])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool is_good = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, COORDINATE) == COORDINATE &&
                   BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + COORDINATE, COORDINATE) == COORDINATE;
    ECDSA_SIG_free(sig);
    return is_good;
}

static bool sign(EVP_PKEY *pkey, str text, unsigned char out[2 * COORDINATE])
{
    unsigned char der[80];
    size_t n = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_good = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
                   EVP_DigestSign(ctx, der, &n, (const unsigned char *)text.p, text.n) == 1 &&
                   raw_signature(der, n, out);
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return is_good;
}

static str header_of(const struct assertion_key *k, char *room, size_t cap)
{
    struct jout j;
    jout_init(&j, room, cap);
    jout_open(&j, '{');
    jout_kplain(&j, STR("alg"), STR("ES256"));
    jout_kplain(&j, STR("kid"), (str){k->kid, B64_32});
    jout_kplain(&j, STR("typ"), STR("JWT"));
    jout_close(&j, '}');
    return jout_text(&j);
}

/* header.payload.signature, on the heap; {NULL, 0} when it cannot be made. */
static str encode(const struct assertion_key *k, str payload)
{
    char header[128];
    unsigned char signature[2 * COORDINATE];
    str head = header_of(k, header, sizeof header);
    size_t head_n = base64url_len(head.n), n = head_n + 1 + base64url_len(payload.n);
    char *out = mem_alloc(n + 1 + base64url_len(sizeof signature));
    base64url_encode(head, out);
    out[head_n] = '.';
    base64url_encode(payload, out + head_n + 1);
    if (!sign(k->pkey, (str){out, n}, signature)) {
        free(out);
        return (str){NULL, 0};
    }
    out[n++] = '.';
    base64url_encode((str){(char *)signature, sizeof signature}, out + n);
    return (str){out, n + base64url_len(sizeof signature)};
}

/* ---- one for a credential and app ------------------------------------------------------------ */

static void assertion_free(struct assertion *a)
{
    if (a)
        free((void *)(uintptr_t)a->jwt.p);
    free(a);
}

void assertions_drop(struct assertion **all)
{
    while (*all) {
        struct assertion *a = *all;
        *all = a->next;
        assertion_free(a);
    }
}

/* A wildcard app has no one address: then it is that which was asked for. */
static str host_of(const struct visit *v)
{
    str host = v->app->policy->host;
    return str_starts(host, STR("*.")) ? v->request.host : host;
}

static str issuer_of(const struct visit *v)
{
    str origin = v->pin->snapshot->config->portal.origin;
    return origin.n ? origin : arena_printf(v->arena, "https://%.*s", STR_ARG(host_of(v)));
}

static struct assertion *mint(struct visit *v, str issuer, int64_t now_s)
{
    struct assertion_keys *keys = v->gate->assertion_keys;
    int64_t ends_s = now_s + LASTS_S, proof_s = v->who->facts.expires_s;
    struct jout j;
    if (!keys->scratch)
        keys->scratch = mem_alloc(TEXT_MOST);
    if (proof_s && proof_s < ends_s)
        ends_s = proof_s;
    struct assertion *a = mem_alloc(sizeof *a + v->app->name.n + issuer.n);
    char *texts = (char *)(a + 1);
    memcpy(texts, v->app->name.p, v->app->name.n);
    memcpy(texts + v->app->name.n, issuer.p, issuer.n);
    a->app = (str){texts, v->app->name.n};
    a->issuer = (str){texts + v->app->name.n, issuer.n};
    a->serial = v->pin->snapshot->serial;
    /* Near the end of the proof itself there is no later one to be had. */
    a->reuse_until_s = ends_s == now_s + LASTS_S ? ends_s - SPARE_S : ends_s;
    jout_init(&j, keys->scratch, TEXT_MOST);
    write_payload(&j, a, v->who, v->app, now_s, ends_s);
    if (!j.overflow)
        a->jwt = encode(&keys->keys[0], jout_text(&j));
    if (a->jwt.p)
        return a;
    assertion_free(a);
    return NULL;
}

static bool is_good(const struct assertion *a, const struct visit *v, str issuer, int64_t now_s)
{
    return a->serial == v->pin->snapshot->serial && now_s < a->reuse_until_s &&
           str_eq(a->app, v->app->name) && str_eq(a->issuer, issuer);
}

static struct assertion *find(struct visit *v, str issuer, int64_t now_s)
{
    struct assertion *a = v->who->assertions;
    while (a && !is_good(a, v, issuer, now_s))
        a = a->next;
    return a;
}

/* The oldest make room, and those that are over or of an old snapshot go first. */
static void keep(struct visit *v, struct assertion *made, int64_t now_s)
{
    struct assertion **link = &v->who->assertions;
    made->next = *link;
    *link = made;
    link = &made->next;
    for (size_t n = 1; *link;) {
        struct assertion *a = *link;
        if (a->serial == made->serial && now_s < a->reuse_until_s && ++n <= KEPT_MOST) {
            link = &a->next;
            continue;
        }
        *link = a->next;
        assertion_free(a);
    }
}

str assertion_of(struct visit *v, unsigned *left_out)
{
    int64_t now_s = v->wall_us / 1000000;
    if (!v->app->wants_assertion || !v->gate->assertion_keys->n)
        return (str){NULL, 0};
    str issuer = issuer_of(v);
    struct assertion *a = find(v, issuer, now_s);
    if (!a) {
        a = mint(v, issuer, now_s);
        if (a)
            keep(v, a, now_s);
    }
    *left_out += a ? a->left_out : 1;
    return a ? a->jwt : (str){NULL, 0};
}
