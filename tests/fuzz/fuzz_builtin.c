/* Fuzz target: any bytes as what a browser or a thief may send to the issuer of our own: the
 * authorization query, the token form, and both again behind what is right. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <openssl/pem.h>

#include "authn/builtin.h"
#include "authn/jread.h"
#include "authn/oidc_inner.h"

#define ISSUER "https://access.example/.postern/issuer"
#define CALLBACK "https://access.example/.postern/callback"
#define QUERY                                                                                      \
    "client_id=postern&redirect_uri=https%3A%2F%2Faccess.example%2F.postern%2Fcallback"            \
    "&response_type=code&scope=openid&state=s&nonce=n&code_challenge_method=S256"                  \
    "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define REDEEM                                                                                     \
    "grant_type=authorization_code&client_id=postern"                                              \
    "&redirect_uri=https%3A%2F%2Faccess.example%2F.postern%2Fcallback"                             \
    "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&code="

/* A minute later each time, so that tickets and codes of earlier inputs run out. */
static int64_t now_s = 1700000000;

static const char USERS[] = "version: 1\nusers:\n  kim@acme.example: {pin: true, groups: [a]}\n";

static struct builtin_users *users_of(str yaml)
{
    struct doc_file file = {STR("users.yaml"), yaml};
    struct findings f;
    findings_init(&f);
    struct builtin_users *u = builtin_users_parse(&file, &f);
    findings_finish(&f);
    return u;
}

static str key_made(void)
{
    static char pem[512];
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(pkey && bio && PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1);
    int n = BIO_read(bio, pem, sizeof pem);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    MUST(n > 0);
    return (str){pem, (size_t)n};
}

static struct builtin *issuer_made(const struct builtin_users *users)
{
    static str pem;
    struct fail fail = {0};
    if (!pem.p)
        pem = key_made();
    struct builtin_options o = {STR(ISSUER), STR("postern"), STR(CALLBACK), &pem, 1};
    struct builtin *b = builtin_create(&o, &fail);
    MUST(b != NULL);
    builtin_set_users(b, users);
    return b;
}

static bool says(const struct oidc_form *f, const char *name, str value)
{
    return str_eq(oidc_form_get(f, str_of(name)), value);
}

/* A ticket is for our client, our address and a challenge, or there is none. */
static bool as_authorization(struct builtin *b, str query, struct arena *a)
{
    char ticket[BUILTIN_TICKET_CHARS];
    struct oidc_form f;
    if (builtin_authorize(b, query, NULL, now_s, ticket) != BUILTIN_OK)
        return false;
    MUST(oidc_form_read(a, query, &f));
    MUST(says(&f, "client_id", STR("postern")) && says(&f, "redirect_uri", STR(CALLBACK)));
    MUST(says(&f, "response_type", STR("code")));
    MUST(says(&f, "code_challenge_method", STR("S256")));
    str hint = builtin_ticket_hint(b, (str){ticket, sizeof ticket});
    MUST(hint.n <= query.n); /* the browser's own words, and escaped where they are shown */
    return true;
}

static int as_token(struct builtin *b, str form, struct arena *a)
{
    struct builtin_answer out;
    builtin_fetch(b, STR(ISSUER "/token"), form, (str){NULL, 0}, now_s, a, &out);
    char *copy = arena_text(a, out.body.n);
    memcpy(copy, out.body.p, out.body.n);
    const struct jnode *root = jread_object(a, copy, out.body.n, NULL);
    MUST(root != NULL);
    MUST((jread_get(root, "id_token") != NULL) == (out.status == 200));
    MUST((jread_get(root, "error") != NULL) == (out.status != 200));
    return out.status;
}

/* What kim's browser brings back: code=...&state=...&iss=... */
static str code_made(struct builtin *b, const struct builtin_users *users, struct arena *a)
{
    char ticket[BUILTIN_TICKET_CHARS];
    struct oidc_form f;
    str url;
    const struct builtin_user *kim = builtin_users_find(users, STR("kim@acme.example"));
    MUST(builtin_authorize(b, STR(QUERY), NULL, now_s, ticket) == BUILTIN_OK);
    MUST(builtin_grant(b, (str){ticket, sizeof ticket}, kim, STR("otp"), now_s, a, &url) ==
         BUILTIN_OK);
    MUST(oidc_form_read(a, str_from(url, str_find(url, '?') + 1), &f));
    return oidc_form_get(&f, STR("code"));
}

static void with_a_code(struct builtin *b, const struct builtin_users *users, str text,
                        struct arena *a)
{
    str code = code_made(b, users, a);
    str form = arena_printf(a, "%s%.*s&%.*s", REDEEM, STR_ARG(code), STR_ARG(text));
    if (as_token(b, form, a) == 200)
        MUST(as_token(b, form, a) != 200); /* once */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct builtin_users *users;
    static struct builtin *b;
    str text = {(const char *)data, n};
    struct arena a;
    if (!users)
        users = users_of(str_of(USERS));
    MUST(users != NULL);
    if (!b)
        b = issuer_made(users);
    now_s += 60;
    arena_init(&a, NULL, 0);
    MUST(as_authorization(b, STR(QUERY), &a));
    as_authorization(b, text, &a);
    as_authorization(b, arena_printf(&a, "%s&%.*s", QUERY, STR_ARG(text)), &a);
    MUST(as_token(b, text, &a) != 200); /* nobody guesses a code */
    with_a_code(b, users, text, &a);
    struct builtin_users *any = users_of(text);
    builtin_users_unref(&any);
    arena_finish(&a);
    return 0;
}
