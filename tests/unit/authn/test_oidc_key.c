/* private_key_jwt: the key that is read, and the assertion that it signs. */
#include "op.h"

#include <openssl/pem.h>
#include <stdio.h>

#include "authn/oidc_inner.h"

static str pem_of(EVP_PKEY *pkey, const EVP_CIPHER *cipher)
{
    char *bytes;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, cipher, (unsigned char *)"pw",
                                              cipher ? 2 : 0, NULL, NULL),
                     1);
    long n = BIO_get_mem_data(bio, &bytes);
    str pem = arena_dup(&signer_arena, (str){bytes, (size_t)n});
    BIO_free(bio);
    return pem;
}

static void reads_rsa_and_p256(void **state)
{
    struct signer small = signer_rsa(1024, 65537, NULL);
    struct signer rsa = signer_make(ALG_RS256, "k"), es = signer_make(ALG_ES256, "k");
    struct signer p384 = signer_make(ALG_ES384, "k"), ed = signer_make(ALG_EDDSA, "k");
    const struct {
        const char *row;
        str pem;
        bool is_good;
    } rows[] = {
        {"RSA", pem_of(rsa.pkey, NULL), true},
        {"P-256", pem_of(es.pkey, NULL), true},
        {"RSA 1024", pem_of(small.pkey, NULL), false},
        {"P-384", pem_of(p384.pkey, NULL), false},
        {"Ed25519", pem_of(ed.pkey, NULL), false},
        {"encrypted", pem_of(es.pkey, EVP_aes_128_cbc()), false},
        {"text", STR("no key"), false},
        {"empty", STR(""), false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail fail = {0};
        struct oidc_key *key = oidc_key_read(rows[i].pem, &fail);
        assert_row(rows[i].row, (key != NULL) == rows[i].is_good);
        assert_row(rows[i].row, (fail.code == FAIL_NONE) == rows[i].is_good);
        oidc_key_free(&key);
        assert_null(key);
    }
    EVP_PKEY_free(small.pkey);
}

static void check_assertion(enum token_alg alg)
{
    struct op o = op_make();
    struct signer s = signer_make(alg, "k");
    struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
    struct oidc_key *key = oidc_key_read(pem_of(s.pkey, NULL), NULL);
    struct issuer us = corp();
    struct identity *id, *again;
    op_settle(&o)->client.auth = OIDC_AUTH_KEY;
    o.client.key = key;
    op_to_token(&o, NULL);
    str body = oidc_flow_fetch(o.flow)->body;
    const char *jwt = param(body, "client_assertion");
    assert_string_equal(param(body, "client_assertion_type"),
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_string_equal(param(body, "client_secret"), "");
    assert_string_equal(param(body, "client_id"), CLIENT_ID);

    /* as the provider would judge it */
    static const str endpoint[] = {{"https://idp.example/token", 25}};
    us.issuer = STR(CLIENT_ID);
    us.audiences = endpoint, us.n_audiences = 1;
    assert_verdict("assertion", token_verify(&us, keys, str_of(jwt), TOKEN_KIND_ID, NOW, &id),
                   TOKEN_OK);
    assert_true(str_eq(id->subject, STR(CLIENT_ID)));
    assert_int_equal(id->exp_s, NOW + 60);
    assert_int_equal(id->iat_s, NOW);
    assert_true(id->jti.n >= 16);
    str second = oidc_key_assertion(&signer_arena, key, STR(CLIENT_ID), endpoint[0], NOW);
    assert_verdict("second", token_verify(&us, keys, second, TOKEN_KIND_ID, NOW, &again), TOKEN_OK);
    assert_false(str_eq(id->jti, again->jti));
    identity_unref(&id);
    identity_unref(&again);
    oidc_key_free(&key);
    keyset_unref(&keys);
    op_finish(&o);
}

static void signs_what_a_provider_can_check(void **state)
{
    check_assertion(ALG_RS256);
    check_assertion(ALG_ES256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_rsa_and_p256),
        cmocka_unit_test(signs_what_a_provider_can_check),
    };
    return cmocka_run_group_tests_name("authn/oidc_key", tests, NULL, NULL);
}
