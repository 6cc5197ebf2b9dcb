/* Proofs of fronts: a load balancer's header, keys below their kid, a daemon's whois, and services
 * without a subject. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <string.h>

#include "base/addr.h"
#include "base/encode.h"
#include "signer.h"

#define NOW 1795000000
#define ARN "arn:aws:elasticloadbalancing:eu:1:loadbalancer/app/web/1"
#define ROWS(table) (sizeof(table) / sizeof *(table))

static const str clients[] = {STR("web")};
static const struct issuer alb = {.name = STR("alb"),
                                  .issuer = STR(ARN),
                                  .audiences = clients,
                                  .n_audiences = 1,
                                  .algs = ALG_BIT(ALG_ES256)};

static str pem_of(const struct signer *s)
{
    char *p;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, s->pkey);
    long n = BIO_get_mem_data(bio, &p);
    str out = arena_dup(&signer_arena, (str){p, (size_t)n});
    BIO_free(bio);
    return out;
}

static str padded(str part)
{
    static const char *const pads[] = {"", "", "==", "="};
    return arena_printf(&signer_arena, "%.*s%s", STR_ARG(part), pads[part.n % 4]);
}

/* As a load balancer signs: the padding is part of what is signed. */
static str alb_sign(const struct signer *s, const char *header, const char *payload)
{
    unsigned char der[128], raw[64];
    size_t n = sizeof der;
    str h = padded(b64(str_of(header))), p = padded(b64(str_of(payload)));
    str input = arena_printf(&signer_arena, "%.*s.%.*s", STR_ARG(h), STR_ARG(p));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const unsigned char *at = der;
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, s->pkey), 1);
    assert_int_equal(EVP_DigestSign(ctx, der, &n, (const unsigned char *)input.p, input.n), 1);
    EVP_MD_CTX_free(ctx);
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
    BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
    ECDSA_SIG_free(sig);
    str last = padded(b64((str){(char *)raw, sizeof raw}));
    return arena_printf(&signer_arena, "%.*s.%.*s", STR_ARG(input), STR_ARG(last));
}

#define HEAD                                                                                       \
    "{\"alg\":\"ES256\",\"kid\":\"k\",\"signer\":\"" ARN "\",\"client\":\"web\",\"exp\":"          \
    "1795000100"
#define BODY "{\"sub\":\"eva\",\"email\":\"eva@corp.example\""

static void a_load_balancers_header(void **state)
{
    static const struct {
        const char *id, *header, *payload;
        enum token_verdict verdict;
    } rows[] = {
        {"good", HEAD "}", BODY "}", TOKEN_OK},
        {"typ", HEAD ",\"typ\":\"JWT\"}", BODY "}", TOKEN_OK},
        {"other typ", HEAD ",\"typ\":\"logout+jwt\"}", BODY "}", TOKEN_TYP},
        {"no signer", "{\"alg\":\"ES256\",\"kid\":\"k\",\"client\":\"web\",\"exp\":1795000100}",
         BODY "}", TOKEN_ISSUER},
        {"signer as a number",
         "{\"alg\":\"ES256\",\"kid\":\"k\",\"signer\":1,\"client\":\"web\",\"exp\":1795000100}",
         BODY "}", TOKEN_ISSUER},
        {"two signers", HEAD ",\"signer\":\"x\"}", BODY "}", TOKEN_MALFORMED},
        /* before anything else: also before it is seen that the algorithm is none of ours */
        {"signer first", "{\"alg\":\"none\",\"signer\":\"x\"}", BODY "}", TOKEN_ISSUER},
        {"other client",
         "{\"alg\":\"ES256\",\"kid\":\"k\",\"signer\":\"" ARN
         "\",\"client\":\"x\",\"exp\":1795000100}",
         BODY "}", TOKEN_AUDIENCE},
        {"no exp", "{\"alg\":\"ES256\",\"kid\":\"k\",\"signer\":\"" ARN "\",\"client\":\"web\"}",
         BODY ",\"exp\":1795000100}", TOKEN_NO_EXPIRY},
        {"expired",
         "{\"alg\":\"ES256\",\"kid\":\"k\",\"signer\":\"" ARN
         "\",\"client\":\"web\",\"exp\":1795000000}",
         BODY "}", TOKEN_EXPIRED},
        {"expired within", HEAD "}", BODY ",\"exp\":1794999999}", TOKEN_EXPIRED},
        {"exp is text", HEAD "}", BODY ",\"exp\":\"x\"}", TOKEN_NO_EXPIRY},
        {"crit", HEAD ",\"crit\":[\"exp\"]}", BODY "}", TOKEN_CRIT},
        {"no sub", HEAD "}", "{\"email\":\"eva@corp.example\"}", TOKEN_SUBJECT},
        {"empty sub", HEAD "}", "{\"sub\":\"\"}", TOKEN_SUBJECT},
        {"control", HEAD "}", BODY ",\"name\":\"a\\u0001\"}", TOKEN_CONTROL},
        {"list", HEAD "}", "[]", TOKEN_MALFORMED},
    };
    struct signer s = signer_make(ALG_ES256, "k"), other = signer_make(ALG_ES256, "other");
    struct keyset *keys = keyset_with_pem(NULL, STR("k"), pem_of(&s), NULL);
    struct identity *id;
    for (size_t i = 0; i < ROWS(rows); i++) {
        str token = alb_sign(&s, rows[i].header, rows[i].payload);
        enum token_verdict v = alb_verify(&alb, keys, token, NOW, &id);
        if (v != rows[i].verdict)
            fail_msg("%s: %s", rows[i].id, token_verdict_code(v));
        assert_int_equal(id != NULL, v == TOKEN_OK);
        identity_unref(&id);
    }
    str good = alb_sign(&s, HEAD "}", BODY ",\"exp\":1795000050,\"iss\":\"https://idp\"}");
    assert_int_equal(alb_verify(&alb, keys, good, NOW, &id), TOKEN_OK);
    assert_true(str_eq(id->issuer, STR(ARN)) && str_eq(id->subject, STR("eva")));
    assert_int_equal(id->exp_s, 1795000050);
    assert_false(id->email_counts);
    identity_unref(&id);
    assert_int_equal(alb_verify(&alb, NULL, good, NOW, &id), TOKEN_UNKNOWN_KID);
    assert_int_equal(alb_verify(&alb, keys, alb_sign(&other, HEAD "}", BODY "}"), NOW, &id),
                     TOKEN_SIGNATURE);
    /* no other reader takes the padding */
    assert_int_equal(token_verify(&alb, keys, good, TOKEN_KIND_ACCESS, NOW, &id), TOKEN_MALFORMED);
    /* and the unpadded form, signed so, is fine */
    assert_int_equal(alb_verify(&alb, keys, signer_sign(&s, HEAD "}", STR(BODY "}")), NOW, &id),
                     TOKEN_OK);
    identity_unref(&id);
    char scratch[TOKEN_PEEK_BYTES];
    str kid;
    assert_true(alb_peek_kid(good, scratch, &kid) && str_eq(kid, STR("k")));
    assert_false(alb_peek_kid(STR("=.=.="), scratch, &kid));
    keyset_unref(&keys);
}

static void keys_one_by_one(void **state)
{
    struct signer ec = signer_make(ALG_ES256, "k"), rsa = signer_make(ALG_RS256, "r"),
                  ec384 = signer_make(ALG_ES384, "x");
    struct fail f = {0};
    struct keyset *set = NULL;
    assert_null(keyset_with_pem(NULL, STR("k"), STR("no key"), &f));
    assert_null(keyset_with_pem(NULL, STR("k"), pem_of(&rsa), &f));
    assert_null(keyset_with_pem(NULL, STR("k"), pem_of(&ec384), &f));
    assert_null(keyset_with_pem(NULL, STR(""), pem_of(&ec), &f));
    for (int i = 0; i < 20; i++) {
        str kid = arena_printf(&signer_arena, "k%d", i);
        struct keyset *next = keyset_with_pem(set, kid, pem_of(&ec), &f);
        assert_non_null(next);
        assert_true(keyset_has_kid(next, kid) && !keyset_same(set, next));
        assert_null(keyset_with_pem(next, kid, pem_of(&ec), &f));
        keyset_unref(&set);
        set = next;
    }
    assert_int_equal(keyset_count(set), KEYSET_PEM_MOST);
    assert_true(keyset_has_kid(set, STR("k12")) && !keyset_has_kid(set, STR("k11")));
    keyset_unref(&set);
}

#define NODE(more)                                                                                 \
    "{\"Node\":{\"StableID\":\"n1\",\"Name\":\"laptop.\",\"Addresses\":[\"100.64.0.9/32\","        \
    "\"fd7a:115c:a1e0::9/128\"]" more "},\"UserProfile\":{\"ID\":12,\"LoginName\":"                \
    "\"eva@corp.example\",\"DisplayName\":\"Eva\"}}"

static void whose_an_address_is(void **state)
{
    static const struct issuer tailnet = {
        .name = STR("tailscale"), .issuer = STR("tailscale"), .trusted_email = true};
    static const struct {
        const char *id, *json, *address;
        enum whois_kind kind;
        const char *subject; /* NULL: nobody */
        bool is_service_only;
        int64_t ends_s;
    } rows[] = {
        {"person", NODE(""), "100.64.0.9", WHOIS_PERSON, "12", false, NOW + 60},
        {"by v6", NODE(""), "fd7a:115c:a1e0::9", WHOIS_PERSON, "12", false, NOW + 60},
        {"never expires", NODE(",\"KeyExpiry\":\"0001-01-01T00:00:00Z\""), "100.64.0.9",
         WHOIS_PERSON, "12", false, NOW + 60},
        {"expires later", NODE(",\"KeyExpiry\":\"2126-11-18T00:00:00Z\""), "100.64.0.9",
         WHOIS_PERSON, "12", false, NOW + 60},
        {"expires within", NODE(",\"KeyExpiry\":\"2026-11-18T11:06:50Z\""), "100.64.0.9",
         WHOIS_PERSON, "12", false, NOW + 10},
        {"expired", NODE(",\"KeyExpiry\":\"2026-11-18T11:06:40Z\""), "100.64.0.9", WHOIS_EXPIRED,
         NULL, false, 0},
        {"says expired", NODE(",\"Expired\":true"), "100.64.0.9", WHOIS_EXPIRED, NULL, false, 0},
        {"unreadable end", NODE(",\"KeyExpiry\":\"soon\""), "100.64.0.9", WHOIS_EXPIRED, NULL,
         false, 0},
        {"tagged", NODE(",\"Tags\":[\"tag:web\"]"), "100.64.0.9", WHOIS_TAGGED, "n1", true,
         NOW + 60},
        {"no tags", NODE(",\"Tags\":[]"), "100.64.0.9", WHOIS_PERSON, "12", false, NOW + 60},
        {"shared", NODE(",\"Sharer\":5"), "100.64.0.9", WHOIS_SHARED, "n1", true, NOW + 60},
        {"not shared", NODE(",\"Sharer\":0"), "100.64.0.9", WHOIS_PERSON, "12", false, NOW + 60},
        {"sharee", NODE(",\"Hostinfo\":{\"ShareeNode\":true}"), "100.64.0.9", WHOIS_SHARED, "n1",
         true, NOW + 60},
        {"behind it", NODE(",\"PrimaryRoutes\":[\"10.0.0.0/8\"]"), "10.0.0.1", WHOIS_ROUTED, "n1",
         true, NOW + 60},
        {"empty", "{}", "100.64.0.9", WHOIS_NOBODY, NULL, false, 0},
        {"no profile",
         "{\"Node\":{\"StableID\":\"n1\",\"Addresses\":[\"100.64.0.9/32\"]},\"UserProfile\":null}",
         "100.64.0.9", WHOIS_NOBODY, NULL, false, 0},
        {"control", NODE(",\"ComputedName\":\"\\u0000\""), "100.64.0.9", WHOIS_NOBODY, NULL, false,
         0},
        {"twice", NODE(",\"StableID\":\"n2\""), "100.64.0.9", WHOIS_NOBODY, NULL, false, 0},
        {"html", "<html>", "100.64.0.9", WHOIS_NOBODY, NULL, false, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct addr asked;
        enum whois_kind kind;
        assert_true(addr_parse(str_of(rows[i].address), &asked));
        struct identity *id =
            whois_read(&tailnet, str_of(rows[i].json), &asked, NOW, NOW + 60, &kind);
        if (kind != rows[i].kind || (id != NULL) != (rows[i].subject != NULL))
            fail_msg("%s: %s, %s", rows[i].id, whois_kind_word(kind), id ? "somebody" : "nobody");
        if (id && (!str_eq(id->subject, str_of(rows[i].subject)) ||
                   id->is_service_only != rows[i].is_service_only || id->exp_s != rows[i].ends_s ||
                   id->email_counts != (kind == WHOIS_PERSON)))
            fail_msg("%s: subject %.*s, ends %lld", rows[i].id, STR_ARG(id->subject),
                     (long long)id->exp_s);
        identity_unref(&id);
    }
}

static void whom_serve_names(void **state)
{
    static const struct {
        const char *id, *login, *email; /* email "": none; NULL: nobody */
        bool is_trusted, counts;
    } rows[] = {
        {"address", "eva@corp.example", "eva@corp.example", false, false},
        {"trusted", "eva@corp.example", "eva@corp.example", true, true},
        {"no address", "eva", "", true, false},
        {"two at signs", "eva@x@y", "", true, false},
        {"ends with it", "eva@", "", true, false},
        {"begins with it", "@corp.example", "", true, false},
        {"empty", "", NULL, true, false},
        {"space", "eva ott", NULL, true, false},
        {"beyond ASCII", "\xc3\xa9va@corp.example", NULL, true, false},
        {"encoded word", "=?utf-8?q?=C3=A9va?=", NULL, true, false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct issuer tailnet = {.name = STR("tailscale"),
                                 .issuer = STR("tailscale"),
                                 .trusted_email = rows[i].is_trusted};
        struct identity *id = whois_served(&tailnet, str_of(rows[i].login), STR("Eva \"E\" Ott"),
                                           (str){NULL, 0}, NOW + 60);
        if ((id != NULL) != (rows[i].email != NULL))
            fail_msg("%s: %s", rows[i].id, id ? "somebody" : "nobody");
        if (id && (!str_eq(id->subject, str_of(rows[i].login)) || id->exp_s != NOW + 60 ||
                   !str_eq(id->email, str_of(rows[i].email)) ||
                   id->email_counts != rows[i].counts || id->is_service_only))
            fail_msg("%s: %.*s", rows[i].id, STR_ARG(id->email));
        identity_unref(&id);
    }
}

static void services_without_a_subject(void **state)
{
    static const str ours[] = {STR("postern")};
    static const struct issuer plain = {.name = STR("cf"),
                                        .issuer = STR("https://cf"),
                                        .audiences = ours,
                                        .n_audiences = 1,
                                        .algs = ALG_BIT(ALG_ES256)};
    static const struct {
        const char *id, *claims, *subject; /* NULL: refused */
        bool is_service_only;
    } rows[] = {
        {"person", "\"sub\":\"eva\",\"common_name\":\"x\"", "eva", false},
        {"service", "\"sub\":\"\",\"common_name\":\"ci\"", "ci", true},
        {"no name", "\"sub\":\"\"", NULL, false},
        {"empty name", "\"sub\":\"\",\"common_name\":\"\"", NULL, false},
        {"name is a number", "\"sub\":\"\",\"common_name\":1", NULL, false},
        {"no sub", "\"common_name\":\"ci\"", NULL, false},
    };
    struct issuer cf = plain;
    cf.service_claim = STR("common_name");
    struct signer s = signer_make(ALG_ES256, "k");
    struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct identity *id;
        str token = signer_token(
            &s, arena_printf(&signer_arena,
                             "{\"iss\":\"https://cf\",\"aud\":\"postern\",\"exp\":1795000100,%s}",
                             rows[i].claims)
                    .p);
        enum token_verdict v = token_verify(&cf, keys, token, TOKEN_KIND_ACCESS, NOW, &id);
        if ((v == TOKEN_OK) != (rows[i].subject != NULL) ||
            (id && (!str_eq(id->subject, str_of(rows[i].subject)) ||
                    id->is_service_only != rows[i].is_service_only)))
            fail_msg("%s: %s", rows[i].id, token_verdict_code(v));
        identity_unref(&id);
        /* for any other issuer an empty subject is none */
        v = token_verify(&plain, keys, token, TOKEN_KIND_ACCESS, NOW, &id);
        assert_int_equal(v == TOKEN_OK, rows[i].subject && !rows[i].is_service_only);
        identity_unref(&id);
    }
    keyset_unref(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_balancers_header),    cmocka_unit_test(keys_one_by_one),
        cmocka_unit_test(whose_an_address_is),        cmocka_unit_test(whom_serve_names),
        cmocka_unit_test(services_without_a_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
