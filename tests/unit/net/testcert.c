/* testcert: see testcert.h. P-256 keys, valid from an hour ago for a day. */
#include "testcert.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void must(int ok)
{
    if (ok <= 0)
        abort();
}

static str bio_text(BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    char *copy = calloc(1, (size_t)n + 1);
    memcpy(copy, p, (size_t)n);
    BIO_free(bio);
    return (str){copy, (size_t)n};
}

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(e && X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
}

void testcert_make(struct testcert *c, const char *name, const char *san,
                   const struct testcert *issuer)
{
    static long serial;
    X509 *x = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(x && key);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509 *parent = issuer ? issuer->x509 : x;
    X509_set_issuer_name(x, X509_get_subject_name(parent));
    add_extension(x, parent, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    if (san)
        add_extension(x, parent, NID_subject_alt_name, san);
    must(X509_sign(x, issuer ? issuer->key : key, EVP_sha256()));
    c->x509 = x;
    c->key = key;
    BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
    must(PEM_write_bio_X509(cert_bio, x));
    must(PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL));
    c->cert_pem = bio_text(cert_bio);
    c->key_pem = bio_text(key_bio);
    unsigned char *spki = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
    must(EVP_Digest(spki, (size_t)n, c->pin, NULL, EVP_sha256(), NULL));
    OPENSSL_free(spki);
}

void testcert_finish(struct testcert *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
    free((char *)c->cert_pem.p);
    free((char *)c->key_pem.p);
}
