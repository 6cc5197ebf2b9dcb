/* Fuzz target: any bytes as a JWK set, as a discovery document and as a Cache-Control value. */
#include "tests/fuzz/fuzz.h"

#include "authn/keyset.h"

static void as_keys(str json)
{
    struct fail fail = {0};
    struct keyset *keys = keyset_parse(json, &fail);
    MUST((keys != NULL) == (fail.code == FAIL_NONE));
    MUST(!keys || keyset_count(keys) > 0);
    for (unsigned alg = 0; keys && alg < ALG_COUNT; alg++) {
        struct key *key = NULL;
        enum token_verdict verdict = keyset_choose(keys, (str){NULL, 0}, (enum token_alg)alg, &key);
        if (verdict == TOKEN_OK)
            MUST(
                !key_verify(key, (enum token_alg)alg, json, (const unsigned char *)"signature", 9));
    }
    keyset_unref(&keys);
}

static void as_discovery(str json)
{
    struct arena a;
    struct discovery d;
    arena_init(&a, NULL, 0);
    MUST(!discovery_parse(&a, json, STR("https://idp.example"), &d, NULL) || d.jwks_uri.n > 8);
    fetch_url_allowed(json);
    arena_finish(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    str text = {(const char *)data, n};
    as_keys(text);
    as_discovery(text);
    return 0;
}
