/* Fuzz target: any bytes as a token, and the same bytes as the payload of one whose signature is
 * good. What our JSON reader accepts, jansson accepts as well, with as many members. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>

#include "authn/claims.h"
#include "authn/jws.h"

static const char KEYS[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

static const str AUDIENCES[] = {{"postern", 7}};
static const str MFA[] = {{"otp", 3}};
static const struct service_claim CI[] = {{{"sub", 3}, {"repo:*", 6}}};
static const struct service_match SERVICES[] = {{{"ci", 2}, {"corp", 4}, CI, 1}};

static struct issuer issuer_of_fuzz(void)
{
    return (struct issuer){.name = STR("corp"),
                           .issuer = STR("joe"),
                           .audiences = AUDIENCES,
                           .n_audiences = 1,
                           .algs = ~0u,
                           .mfa_amr = MFA,
                           .n_mfa_amr = 1};
}

static void as_token(str token, const struct keyset *keys)
{
    static char scratch[TOKEN_PEEK_BYTES];
    struct issuer issuer = issuer_of_fuzz();
    struct token_peek peek;
    struct identity *id;
    token_peek(token, scratch, &peek);
    for (int kind = TOKEN_KIND_ACCESS; kind <= TOKEN_KIND_SET; kind++) {
        enum token_verdict verdict =
            token_verify(&issuer, keys, token, (enum token_kind)kind, 1300819000, &id);
        MUST(verdict != TOKEN_INVALID && (id != NULL) == (verdict == TOKEN_OK));
        identity_unref(&id);
    }
    MUST(token_verify_signature(~0u, keys, token) != TOKEN_INVALID);
}

static void walk(const struct identity *id)
{
    size_t sum = id->issuer.n + id->subject.n + id->email.n;
    for (size_t i = 0; i < id->n_claims; i++) {
        const struct claim *c = &id->claims[i];
        for (size_t k = 0; k < c->n_items; k++)
            for (size_t b = 0; b < c->items[k].text.n; b++)
                sum += (unsigned char)c->items[k].text.p[b];
        for (size_t b = 0; b < c->text.n; b++)
            MUST((unsigned char)c->text.p[b] >= 0x20);
    }
    for (size_t i = 0; i < id->n_groups; i++)
        sum += id->groups[i].n;
    MUST(sum > 0 && id->subject.n <= TOKEN_MAX_SUBJECT);
}

static void as_claims(const struct jnode *payload, const char *text, size_t n)
{
    struct issuer issuer = issuer_of_fuzz();
    if (claims_check(&issuer, payload, TOKEN_KIND_ACCESS, 1300819000) != TOKEN_OK)
        return;
    struct identity *id = identity_build(
        &(struct claims_source){.issuer = &issuer, .payload = payload, .text = text, .n_text = n});
    identity_match_services(id, SERVICES, 1);
    walk(id);
    identity_unref(&id);
}

static void as_json(const uint8_t *data, size_t n)
{
    static const char *const names[] = {"iss"};
    struct arena a;
    bool has_control = false;
    str iss;
    arena_init(&a, NULL, 0);
    str tree = arena_dup(&a, (str){(const char *)data, n});
    str copy = arena_dup(&a, (str){(const char *)data, n});
    const struct jnode *root = jread_object(&a, (char *)tree.p, n, &has_control);
    bool is_peeked = jread_peek((char *)copy.p, n, names, &iss, 1);
    if (root) {
        json_t *other = json_loadb((const char *)data, n, JSON_REJECT_DUPLICATES, NULL);
        MUST(json_is_object(other) && json_object_size(other) == root->n);
        json_decref(other);
        MUST(is_peeked && str_eq(iss, jread_text(root, "iss")));
        if (!has_control)
            as_claims(root, tree.p, n);
    }
    arena_finish(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct keyset *keys;
    if (!keys)
        keys = keyset_parse(str_of(KEYS), NULL);
    MUST(keyset_count(keys) == 2);
    as_token((str){(const char *)data, n}, keys);
    as_json(data, n);
    return 0;
}
