/* See builtin_kit.h. */
#include "builtin_kit.h"

#include <assert.h>
#include <openssl/pem.h>

#include "authn/oidc_inner.h"

struct arena kit_arena;
struct addr kit_here = {4, {192, 0, 2, 1}}, kit_there = {4, {192, 0, 2, 2}};

static str pem_of(size_t i)
{
    static str pems[4];
    if (pems[i].p)
        return pems[i];
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    assert(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1);
    long n = BIO_get_mem_data(bio, &text);
    pems[i] = arena_dup(&kit_arena, (str){text, (size_t)n});
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return pems[i];
}

struct builtin *kit_issuer_with(size_t first_key, size_t n_keys)
{
    str pems[4];
    struct fail fail = {0};
    for (size_t i = 0; i < n_keys; i++)
        pems[i] = pem_of(first_key + i);
    struct builtin_options o = {.issuer = STR(KIT_ISSUER),
                                .client_id = STR("postern"),
                                .redirect_uri = STR(KIT_CALLBACK),
                                .key_pems = pems,
                                .n_keys = n_keys};
    struct builtin *b = builtin_create(&o, &fail);
    assert(b);
    kit_set_users(b, KIT_USERS);
    return b;
}

struct builtin *kit_issuer(void)
{
    return kit_issuer_with(0, 1);
}

void kit_set_users(struct builtin *b, const char *yaml)
{
    struct doc_file file = {STR("users.yaml"), str_of(yaml)};
    struct findings f;
    findings_init(&f);
    struct builtin_users *users = builtin_users_parse(&file, &f);
    if (!users)
        findings_print(&f, stderr);
    assert(users);
    builtin_set_users(b, users);
    builtin_users_unref(&users);
    findings_finish(&f);
}

str kit_ticket(struct builtin *b, int64_t now_s)
{
    char *text = arena_text(&kit_arena, BUILTIN_TICKET_CHARS);
    enum builtin_verdict v = builtin_authorize(b, STR(KIT_QUERY), NULL, now_s, text);
    assert(v == BUILTIN_OK);
    return (str){text, BUILTIN_TICKET_CHARS};
}

enum builtin_verdict kit_sign_in(struct builtin *b, str ticket, const char *email, bool is_right,
                                 int64_t now_s, str *url_out)
{
    const struct builtin_user *user;
    enum builtin_verdict v = builtin_attempt(b, ticket, str_of(email), &kit_here, now_s, &user);
    if (v != BUILTIN_OK)
        return v;
    if (user && is_right)
        return builtin_grant(b, ticket, user, STR("pwd"), now_s, &kit_arena, url_out);
    builtin_attempt_failed(b, str_of(email), &kit_here, now_s);
    return BUILTIN_REFUSED;
}

str kit_parameter(str url, const char *name)
{
    struct oidc_form form;
    str query = str_from(url, str_find(url, '?') + 1);
    return oidc_form_read(&kit_arena, query, &form) ? oidc_form_get(&form, str_of(name))
                                                    : (str){NULL, 0};
}

struct builtin_answer kit_token(struct builtin *b, str body, int64_t now_s)
{
    struct builtin_answer out;
    builtin_fetch(b, STR(KIT_ISSUER "/token"), body, (str){NULL, 0}, now_s, &kit_arena, &out);
    return out;
}

struct builtin_answer kit_redeem(struct builtin *b, str code, int64_t now_s)
{
    const struct oidc_field fields[] = {{STR("grant_type"), STR("authorization_code")},
                                        {STR("code"), code},
                                        {STR("client_id"), STR("postern")},
                                        {STR("redirect_uri"), STR(KIT_CALLBACK)},
                                        {STR("code_verifier"), STR(KIT_VERIFIER)}};
    return kit_token(b, oidc_form_write(&kit_arena, fields, ROWS(fields)), now_s);
}

struct builtin_answer kit_refresh(struct builtin *b, str refresh_token, int64_t now_s)
{
    const struct oidc_field fields[] = {{STR("grant_type"), STR("refresh_token")},
                                        {STR("refresh_token"), refresh_token},
                                        {STR("client_id"), STR("postern")}};
    return kit_token(b, oidc_form_write(&kit_arena, fields, ROWS(fields)), now_s);
}

str kit_member(str json, const char *name)
{
    const struct jnode *root =
        jread_object(&kit_arena, (char *)arena_dup(&kit_arena, json).p, json.n, NULL);
    const struct jnode *node = jread_get(root, name);
    return node ? node->text : (str){NULL, 0};
}

enum token_verdict kit_verify(struct builtin *b, str token, enum token_kind kind, int64_t now_s,
                              struct identity **out)
{
    static const str audience = STR("postern");
    struct issuer issuer = {.name = STR("people"),
                            .issuer = STR(KIT_ISSUER),
                            .audiences = &audience,
                            .n_audiences = 1,
                            .algs = ALG_BIT(ALG_ES256)};
    struct builtin_answer jwks;
    builtin_fetch(b, STR(KIT_ISSUER "/jwks.json"), (str){NULL, 0}, (str){NULL, 0}, now_s,
                  &kit_arena, &jwks);
    assert(jwks.status == 200);
    struct keyset *keys = keyset_parse(jwks.body, NULL);
    enum token_verdict v = token_verify(&issuer, keys, token, kind, now_s, out);
    keyset_unref(&keys);
    return v;
}
