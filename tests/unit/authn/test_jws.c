/* Signatures: the public vectors of the RFCs, and every form that is no compact JWS. */
#include "check.h"

#include <openssl/err.h>
#include <pthread.h>

#include "authn/keyset.h"
#include "base/encode.h"

#define JOE                                                                                        \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define FRODO                                                                                      \
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250" \
    "byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hl" \
    "cmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
#define BILBO                                                                                      \
    "{\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":\"sig\",\"n\":"           \
    "\"n4EPtAOCc9Al"                                                                               \
    "keQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKr" \
    "Kb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1" \
    "FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwd" \
    "q_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw\",\"e\":\"AQAB\"}"

static const struct vector {
    const char *name, *jwk, *token;
    enum token_alg alg;
} VECTORS[] = {
    {"RFC 7515 A.2",
     "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-"
     "Vaw-"
     "4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_"
     "7OMg0LOL"
     "-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
     "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG"
     "4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\","
     "\"e\":\"AQAB\"}",
     "eyJhbGciOiJSUzI1NiJ9." JOE
     ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
     "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
     "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L"
     "07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
     "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUi"
     "pUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
     ALG_RS256},
    {"RFC 7515 A.3",
     "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
     "\"y\":"
     "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
     "eyJhbGciOiJFUzI1NiJ9." JOE
     ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
     ALG_ES256},
    {"RFC 7515 A.4",
     "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":"
     "\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOn"
     "YG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-"
     "x3"
     "S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}",
     "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-m"
     "ZZqwqT2SI-KGDKB34XO0aw_"
     "7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYb"
     "SW9ERBXukOXolLzeO_Jn",
     ALG_ES512},
    {"RFC 8037 A.4",
     "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
     "09PGcvMg3"
     "AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
     ALG_EDDSA},
    {"RFC 7520 4.1", BILBO,
     "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." FRODO ".MRjdkly7_-"
     "oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglI"
     "I7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_"
     "qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1"
     "Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-"
     "Zn"
     "mKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
     ALG_RS256},
    {"RFC 7520 4.2", BILBO,
     "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." FRODO
     ".cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-"
     "tPid6VrklHkqsGqDqHCdP6O8TTB"
     "5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-"
     "UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8"
     "P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_"
     "jLAeQTlqRHtfa64QQSU"
     "mFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
     ALG_PS384},
};

static void verifies_public_vectors(void **state)
{
    for (size_t i = 0; i < ROWS(VECTORS); i++) {
        const struct vector *v = &VECTORS[i];
        struct keyset *keys = signer_keys(v->jwk, NULL);
        str token = str_of(v->token);
        assert_row(v->name, keyset_count(keys) == 1);
        /* twice: once with new contexts, once with those kept from the first time */
        for (int again = 0; again < 2; again++)
            assert_verdict(v->name, token_verify_signature(ALG_BIT(v->alg), keys, token), TOKEN_OK);
        assert_verdict(v->name, token_verify_signature(~ALG_BIT(v->alg), keys, token), TOKEN_ALG);
        assert_verdict(v->name, token_verify_signature(0, keys, token), TOKEN_ALG);
        assert_verdict(v->name, token_verify_signature(~0u, NULL, token), TOKEN_UNKNOWN_KID);
        keyset_unref(&keys);
    }
}

/* Another valid character in the middle of the part that starts at `from`. */
static str spoil(str token, size_t from)
{
    str copy = arena_dup(&signer_arena, token);
    char *c = (char *)copy.p + from;
    *c = *c == 'A' ? 'B' : 'A';
    return copy;
}

static void notices_a_changed_bit(void **state)
{
    for (size_t i = 0; i < ROWS(VECTORS); i++) {
        const struct vector *v = &VECTORS[i];
        struct keyset *keys = signer_keys(v->jwk, NULL);
        str token = str_of(v->token);
        size_t payload = str_find(token, '.') + 1, sig = str_rfind(token, '.') + 1;
        assert_verdict(v->name, token_verify_signature(~0u, keys, spoil(token, sig + 5)),
                       TOKEN_SIGNATURE);
        assert_verdict(v->name, token_verify_signature(~0u, keys, spoil(token, payload + 5)),
                       TOKEN_SIGNATURE);
        /* a failed check leaves the kept contexts usable */
        assert_verdict(v->name, token_verify_signature(~0u, keys, token), TOKEN_OK);
        assert_int_equal(ERR_peek_error(), 0);
        keyset_unref(&keys);
    }
}

static void verifies_every_algorithm(void **state)
{
    for (unsigned alg = 0; alg < ALG_COUNT; alg++) {
        struct signer s = signer_make((enum token_alg)alg, "k");
        struct signer other = signer_make((enum token_alg)alg, "other");
        struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
        const char *name = alg_name(s.alg).p;
        other.kid = "k";
        for (int i = 0; i < 20; i++) /* r and s with and without leading zeros */
            assert_verdict(name, token_verify_signature(~0u, keys, signer_token(&s, "{}")),
                           TOKEN_OK);
        assert_verdict(name, token_verify_signature(~0u, keys, signer_token(&other, "{}")),
                       TOKEN_SIGNATURE);
        keyset_unref(&keys);
    }
    struct signer ed448 = signer_ed448("k");
    struct keyset *keys = signer_keys(signer_jwk(&ed448, ""), NULL);
    assert_verdict("Ed448", token_verify_signature(~0u, keys, signer_token(&ed448, "{}")),
                   TOKEN_OK);
    keyset_unref(&keys);
}

static void holds_algorithm_and_key_together(void **state)
{
    struct signer rs = signer_make(ALG_RS256, "r"), es = signer_make(ALG_ES256, "e");
    struct keyset *keys = signer_keys(signer_jwk(&rs, ""), signer_jwk(&es, ""), NULL);
    const struct {
        const char *row, *header;
        const struct signer *signer;
        enum token_alg as;
        enum token_verdict wanted;
    } rows[] = {
        {"PS256 said, RS256 signed", "{\"alg\":\"PS256\",\"kid\":\"r\"}", &rs, ALG_RS256,
         TOKEN_SIGNATURE},
        {"RS256 said, PS256 signed", "{\"alg\":\"RS256\",\"kid\":\"r\"}", &rs, ALG_PS256,
         TOKEN_SIGNATURE},
        {"RS384 said, RS256 signed", "{\"alg\":\"RS384\",\"kid\":\"r\"}", &rs, ALG_RS256,
         TOKEN_SIGNATURE},
        {"ES256 said, key is RSA", "{\"alg\":\"ES256\",\"kid\":\"r\"}", &es, ALG_ES256, TOKEN_KEY},
        {"RS256 said, key is EC", "{\"alg\":\"RS256\",\"kid\":\"e\"}", &rs, ALG_RS256, TOKEN_KEY},
        {"ES384 said, curve is P-256", "{\"alg\":\"ES384\",\"kid\":\"e\"}", &es, ALG_ES384,
         TOKEN_KEY},
        {"EdDSA said, key is EC", "{\"alg\":\"EdDSA\",\"kid\":\"e\"}", &es, ALG_ES256, TOKEN_KEY},
        {"none", "{\"alg\":\"none\",\"kid\":\"r\"}", &rs, ALG_RS256, TOKEN_ALG},
        {"None", "{\"alg\":\"None\",\"kid\":\"r\"}", &rs, ALG_RS256, TOKEN_ALG},
        {"HS256", "{\"alg\":\"HS256\",\"kid\":\"r\"}", &rs, ALG_RS256, TOKEN_ALG},
        {"rs256", "{\"alg\":\"rs256\",\"kid\":\"r\"}", &rs, ALG_RS256, TOKEN_ALG},
        {"RS256 and a space", "{\"alg\":\"RS256 \",\"kid\":\"r\"}", &rs, ALG_RS256, TOKEN_ALG},
        {"ES256K", "{\"alg\":\"ES256K\",\"kid\":\"e\"}", &es, ALG_ES256, TOKEN_ALG},
        {"alg missing", "{\"kid\":\"r\"}", &rs, ALG_RS256, TOKEN_ALG},
        {"alg a number", "{\"alg\":256,\"kid\":\"r\"}", &rs, ALG_RS256, TOKEN_ALG},
        {"alg a list", "{\"alg\":[\"RS256\"],\"kid\":\"r\"}", &rs, ALG_RS256, TOKEN_ALG},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        str token = signer_sign_as(rows[i].signer, rows[i].as, rows[i].header, STR("{}"));
        assert_verdict(rows[i].row, token_verify_signature(~0u, keys, token), rows[i].wanted);
    }
    keyset_unref(&keys);
}

static void judges_the_header(void **state)
{
    static const struct {
        const char *header;
        enum token_verdict wanted;
    } rows[] = {
        {"{\"alg\":\"ES256\"}", TOKEN_OK},
        {" {\"alg\" : \"ES256\"} ", TOKEN_OK},
        {"{\"alg\":\"ES256\",\"x\":{\"y\":[1]}}", TOKEN_OK},
        {"{\"alg\":\"ES256\",\"jwk\":{\"kty\":\"oct\"},\"jku\":\"https://evil.example\"}",
         TOKEN_OK},
        {"{\"alg\":\"ES256\",\"x5u\":\"https://evil.example\",\"x5c\":[\"AA==\"]}", TOKEN_OK},
        {"{\"alg\":\"ES256\",\"crit\":[\"exp\"]}", TOKEN_CRIT},
        {"{\"alg\":\"ES256\",\"crit\":[]}", TOKEN_CRIT},
        {"{\"alg\":\"ES256\",\"crit\":null}", TOKEN_CRIT},
        {"{\"alg\":\"ES256\",\"b64\":false}", TOKEN_CRIT},
        {"{\"alg\":\"ES256\",\"b64\":true}", TOKEN_CRIT},
        {"{\"alg\":\"ES256\",\"zip\":\"DEF\"}", TOKEN_CRIT},
        {"{\"alg\":\"ES256\",\"enc\":\"A128GCM\"}", TOKEN_CRIT},
        {"{\"alg\":\"ES256\",\"cty\":\"JWT\"}", TOKEN_CRIT},
        {"{\"alg\":\"ES256\",\"cty\":\"application/jwt\"}", TOKEN_CRIT},
        {"{\"alg\":\"ES256\",\"cty\":\"text/plain\"}", TOKEN_OK},
        {"{\"alg\":\"ES256\",\"alg\":\"ES256\"}", TOKEN_MALFORMED},
        {"{\"alg\":\"ES256\",\"\\u0061lg\":\"none\"}", TOKEN_MALFORMED},
        {"{\"alg\":\"ES256\",\"kid\":1}", TOKEN_MALFORMED},
        {"{\"alg\":\"ES256\",\"kid\":null}", TOKEN_MALFORMED},
        {"{\"alg\":\"ES256\",\"typ\":1}", TOKEN_MALFORMED},
        {"{\"alg\":\"ES256\",\"kid\":\"a\\nb\"}", TOKEN_CONTROL},
        {"{\"alg\":\"ES256\"}x", TOKEN_MALFORMED},
        {"[\"ES256\"]", TOKEN_MALFORMED},
        {"\"ES256\"", TOKEN_MALFORMED},
        {"", TOKEN_MALFORMED},
        {"{\"alg\":\"ES256\",\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", TOKEN_MALFORMED},
    };
    struct signer s = signer_make(ALG_ES256, "k");
    struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_verdict(
            rows[i].header,
            token_verify_signature(~0u, keys, signer_sign(&s, rows[i].header, STR("any bytes"))),
            rows[i].wanted);
    keyset_unref(&keys);
}

static str paste(str a, const char *b)
{
    return arena_printf(&signer_arena, "%.*s%s", STR_ARG(a), b);
}

static void takes_one_form_alone(void **state)
{
    struct signer s = signer_make(ALG_ES256, "k");
    struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
    str t = signer_sign(&s, "{\"alg\":\"ES256\"}", STR("{\"a\":1}"));
    size_t dot = str_find(t, '.'), sig = str_rfind(t, '.');
    str head = str_upto(t, dot), payload = str_upto(str_from(t, dot + 1), sig - dot - 1);
    /* 64 bytes end in a character with four unused bits: another one spells the same bytes */
    str tail = arena_dup(&signer_arena, t);
    char *last = (char *)tail.p + tail.n - 1;
    *last = *last == 'Q' ? 'R' : (char)(*last + 1);
    const struct {
        const char *row;
        str token;
        enum token_verdict wanted;
    } rows[] = {
        {"good", t, TOKEN_OK},
        {"empty", STR(""), TOKEN_MALFORMED},
        {"one part", head, TOKEN_MALFORMED},
        {"two parts", str_upto(t, sig), TOKEN_MALFORMED},
        {"four parts", paste(t, ".AA"), TOKEN_MALFORMED},
        {"trailing dot", paste(t, "."), TOKEN_MALFORMED},
        {"five parts", paste(t, ".AA.AA"), TOKEN_MALFORMED},
        {"only dots", STR(".."), TOKEN_MALFORMED},
        {"no signature", str_upto(t, sig + 1), TOKEN_SIGNATURE},
        {"padded signature", paste(t, "=="), TOKEN_MALFORMED},
        {"trailing space", paste(t, " "), TOKEN_MALFORMED},
        {"trailing newline", paste(t, "\n"), TOKEN_MALFORMED},
        {"leading space", arena_printf(&signer_arena, " %s", t.p), TOKEN_MALFORMED},
        {"tail bits", tail, TOKEN_MALFORMED},
        {"NUL within", (str){"a\0b.c.d", 7}, TOKEN_MALFORMED},
        {"standard alphabet",
         arena_printf(&signer_arena, "%.*s.%.*s.+/", STR_ARG(head), STR_ARG(payload)),
         TOKEN_MALFORMED},
        {"JSON serialisation",
         arena_printf(&signer_arena,
                      "{\"payload\":\"%.*s\",\"protected\":\"%.*s\",\"signature\":\"%s\"}",
                      STR_ARG(payload), STR_ARG(head), t.p + sig + 1),
         TOKEN_MALFORMED},
        {"Bearer before it", arena_printf(&signer_arena, "Bearer %s", t.p), TOKEN_MALFORMED},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_verdict(rows[i].row, token_verify_signature(~0u, keys, rows[i].token),
                       rows[i].wanted);
    keyset_unref(&keys);
}

static void takes_signatures_of_exact_length(void **state)
{
    struct signer s = signer_make(ALG_ES256, "k");
    struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
    unsigned char raw[200] = {0};
    size_t n;
    str t = signer_token(&s, "{}");
    str input = str_upto(t, str_rfind(t, '.') + 1);
    assert_true(base64url_decode(str_from(t, input.n), raw, &n));
    assert_int_equal(n, 64);
    const struct {
        const char *row;
        size_t n;
        bool zero, wanted;
    } rows[] = {{"64", 64, false, true},
                {"63", 63, false, false},
                {"65", 65, false, false},
                {"128", 128, false, false},
                {"r = s = 0", 64, true, false}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        static const unsigned char zeros[64];
        str sig = {(const char *)(rows[i].zero ? zeros : raw), rows[i].n};
        str token = arena_printf(&signer_arena, "%.*s%s", STR_ARG(input), b64(sig).p);
        assert_verdict(rows[i].row, token_verify_signature(~0u, keys, token),
                       rows[i].wanted ? TOKEN_OK : TOKEN_SIGNATURE);
    }
    keyset_unref(&keys);
}

static void bounds_the_length(void **state)
{
    struct signer s = signer_make(ALG_ES256, "k");
    struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
    static char payload[TOKEN_MAX_BYTES];
    memset(payload, 'x', sizeof payload);
    size_t rest = signer_token(&s, "").n, seen = 0;
    for (size_t n = (TOKEN_MAX_BYTES - rest) / 4 * 3 - 3; seen < 2; n++) {
        str token = signer_sign(&s, "{\"alg\":\"ES256\",\"kid\":\"k\"}", (str){payload, n});
        bool fits = token.n <= TOKEN_MAX_BYTES;
        seen += token.n >= TOKEN_MAX_BYTES;
        assert_int_equal(token_verify_signature(~0u, keys, token),
                         fits ? TOKEN_OK : TOKEN_TOO_LONG);
    }
    keyset_unref(&keys);
}

struct shared {
    struct keyset *keys;
    str good[ALG_COUNT], bad[ALG_COUNT];
};

static void *verify_many(void *arg)
{
    const struct shared *shared = arg;
    size_t wrong = 0;
    for (unsigned i = 0; i < 20 * ALG_COUNT; i++) {
        unsigned alg = i % ALG_COUNT;
        wrong += token_verify_signature(~0u, shared->keys, shared->good[alg]) != TOKEN_OK;
        wrong += token_verify_signature(~0u, shared->keys, shared->bad[alg]) != TOKEN_SIGNATURE;
    }
    return (void *)wrong;
}

/* Workers share the keys of a snapshot, and with them the contexts that are kept. */
static void shares_keys_between_threads(void **state)
{
    struct shared shared = {0};
    pthread_t threads[4];
    struct signer rs = signer_make(ALG_RS256, "k"), es = signer_make(ALG_ES256, "k");
    struct signer es384 = signer_make(ALG_ES384, "k"), es512 = signer_make(ALG_ES512, "k");
    struct signer ed = signer_make(ALG_EDDSA, "k");
    shared.keys = signer_keys(signer_jwk(&rs, ""), signer_jwk(&es, ""), signer_jwk(&es384, ""),
                              signer_jwk(&es512, ""), signer_jwk(&ed, ""), NULL);
    for (unsigned alg = 0; alg < ALG_COUNT; alg++) {
        struct signer s = signer_make((enum token_alg)alg, "k");
        shared.good[alg] = signer_token(&s, "{}");
        shared.bad[alg] = spoil(shared.good[alg], str_find(shared.good[alg], '.') + 1);
    }
    for (size_t i = 0; i < ROWS(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_many, &shared), 0);
    for (size_t i = 0; i < ROWS(threads); i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    keyset_unref(&shared.keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifies_public_vectors),
        cmocka_unit_test(notices_a_changed_bit),
        cmocka_unit_test(verifies_every_algorithm),
        cmocka_unit_test(holds_algorithm_and_key_together),
        cmocka_unit_test(judges_the_header),
        cmocka_unit_test(takes_one_form_alone),
        cmocka_unit_test(takes_signatures_of_exact_length),
        cmocka_unit_test(bounds_the_length),
        cmocka_unit_test(shares_keys_between_threads),
    };
    return cmocka_run_group_tests_name("authn/jws", tests, NULL, NULL);
}
