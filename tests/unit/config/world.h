/* world: a small configuration in a directory, whole and good, for tests that break one thing. */
#ifndef TESTS_UNIT_CONFIG_WORLD_H
#define TESTS_UNIT_CONFIG_WORLD_H

#include "room.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "proxy/config/config.h"

#define JWKS                                                                                       \
    "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"alg\":\"RS256\",\"e\":\"AQAB\",\"n\":\""          \
    "prZtomDH-Qfuu9EXy3p-ibZwr4iPQ5x1HdtNJYOHzsEWB1Mzp7_bD1IljV056lJbnFormIYWif_KtFNC"             \
    "PWdjbFZTKbdKk-4oDPJeWR2SIl602jTTK67oiwUnC3BLjB_LVvz2AWdBNp6lSVjpwNNAicYH73yNkDzt"             \
    "ASYjk1hZiz21gf7PgLtrIrLqZZZBday5P-3UQJoggHrqL46cpuqmDrb7CV4AFr5eOCKWNmBbCCSFJhsD"             \
    "n6wSciXv8nwmN_G_Od3FBjmIeSj6ufU2zNEVmWaRzxyjF3QUjeT5x1jDsImcxO7XtOovrDwtLMK1vaQX"             \
    "IP8K6hXysJQu7mF1ajIq5Q"                                                                       \
    "\"}]}"

#define GOOD_CONFIG                                                                                \
    "version: 1\n"                                                                                 \
    "listeners:\n"                                                                                 \
    "  - {address: \":8443\", tls: {certificates: [{cert: cert.pem, key: key.pem}]}}\n"            \
    "  - {address: \"127.0.0.1:8080\"}\n"                                                          \
    "state: state\n"                                                                               \
    "issuers:\n"                                                                                   \
    "  corp: {issuer: \"https://login.example\", audience: postern}\n"                             \
    "  ci: {issuer: \"https://ci.example\", audience: postern, jwks_file: ci.json}\n"

#define GOOD_POLICY                                                                                \
    "version: 1\n"                                                                                 \
    "apps:\n"                                                                                      \
    "  - name: inventory\n"                                                                        \
    "    host: inventory.example\n"                                                                \
    "    upstream: http://127.0.0.1:3000\n"                                                        \
    "    identity: {headers: {X-WEBAUTH-USER: email}}\n"                                           \
    "rules:\n"                                                                                     \
    "  - {id: in, effect: allow, who: {groups: [staff]}, to: {apps: [inventory]}}\n"               \
    "tests:\n"                                                                                     \
    "  - {name: staff, as: {user: a@b.example, groups: [staff]}, at: 2026-11-27T15:00:00Z,\n"      \
    "     do: GET https://inventory.example/, expect: allow}\n"

enum { WORLD_WALL_S = 1795000000 };

/* The certificate ends at that moment. */
static inline void world_certificate_until(const char *name, int64_t end_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    FILE *f;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(end_s - 90 * 86400));
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)end_s);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    char names[80];
    snprintf(names, sizeof names, "DNS:%s", name);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    X509_add_ext(x, san, -1);
    X509_EXTENSION_free(san);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    f = fopen(room_path("cert.pem"), "w");
    PEM_write_X509(f, x);
    fclose(f);
    f = fopen(room_path("key.pem"), "w");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    assert_int_equal(chmod(room_path("key.pem"), 0600), 0);
    X509_free(x);
    EVP_PKEY_free(key);
}

static inline void world_certificate(const char *name)
{
    world_certificate_until(name, WORLD_WALL_S + 60 * 86400);
}

/* Starts over: the room holds what is written here and nothing else. */
static inline void world_make(void)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'/*", room);
    assert_int_equal(system(command), 0);
    world_certificate("inventory.example");
    room_write("ci.json", JWKS);
    room_write("postern.yaml", GOOD_CONFIG);
    room_mkdir("policies");
    room_write("policies/inventory.yaml", GOOD_POLICY);
}

static inline struct snapshot_inputs world_inputs(void)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/postern.yaml", room);
    return (struct snapshot_inputs){.config_path = path,
                                    .wall_us = INT64_C(1000000) * WORLD_WALL_S};
}

/* The findings are the caller's to finish. */
static inline struct snapshot *world_build(const struct snapshot *previous, struct findings *f)
{
    struct snapshot_inputs in = world_inputs();
    bool is_broken;
    findings_init(f);
    return snapshot_build(&in, previous, &is_broken, f);
}

#endif
