/* testcert: certificates made on the spot. */
#ifndef TESTS_UNIT_NET_TESTCERT_H
#define TESTS_UNIT_NET_TESTCERT_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/str.h"

struct testcert {
    X509 *x509;
    EVP_PKEY *key;
    str cert_pem, key_pem; /* heap, NUL-terminated */
    unsigned char pin[32]; /* SHA-256 of the SubjectPublicKeyInfo */
};

/* `san` as in openssl.cnf, e.g. "DNS:a.example,IP:127.0.0.1", NULL for none. `issuer` NULL:
 * self-signed CA. */
void testcert_make(struct testcert *c, const char *name, const char *san,
                   const struct testcert *issuer);
void testcert_finish(struct testcert *c);

#endif
