/* What the relying party sends. See oidc_inner.h.
 *
 * PKCE with S256 always (RFC 7636), whether the provider says that it knows it or not: one that
 * does not ignores it. */
#include "authn/oidc_inner.h"

#include <assert.h>
#include <openssl/evp.h>

#include "base/encode.h"

enum { MAX_REQUEST_FIELDS = 16, MAX_CLIENT_FIELDS = 3, DIGEST_BYTES = 32 };

static str flow_text(const char text[OIDC_STATE_CHARS])
{
    return (str){text, OIDC_STATE_CHARS};
}

static bool has_openid(const struct oidc_client *c)
{
    for (size_t i = 0; i < c->n_scopes; i++)
        if (str_eq(c->scopes[i], STR("openid")))
            return true;
    return false;
}

static str scope_of(struct arena *a, const struct oidc_client *c)
{
    str scope = has_openid(c) ? (str){"", 0} : STR("openid");
    for (size_t i = 0; i < c->n_scopes; i++)
        scope = arena_printf(a, "%.*s%s%.*s", STR_ARG(scope), scope.n ? " " : "",
                             STR_ARG(c->scopes[i]));
    return scope;
}

static str challenge_of(struct arena *a, const struct oidc_flow *f)
{
    unsigned char digest[DIGEST_BYTES];
    size_t n = 0;
    if (EVP_Q_digest(NULL, "SHA256", NULL, f->verifier, OIDC_STATE_CHARS, digest, &n) != 1)
        abort(); /* without SHA-256 nothing here works; an empty challenge would look like one */
    char *out = arena_text(a, base64url_len(n));
    base64url_encode((str){(char *)digest, n}, out);
    return (str){out, base64url_len(n)};
}

/* The authorization request (OpenID Connect Core, 3.1.2.1), however it travels. */
static size_t request_fields(const struct oidc_call *k, struct oidc_field out[MAX_REQUEST_FIELDS])
{
    struct oidc_flow *f = k->f;
    const struct oidc_wish *wish = &f->wish;
    str max_age = {NULL, 0};
    if (wish->max_age_s >= 0)
        max_age = arena_printf(&f->arena, "%lld", (long long)wish->max_age_s);
    const struct oidc_field fields[] = {
        {STR("response_type"), STR("code")},
        {STR("client_id"), k->c->client_id},
        {STR("redirect_uri"), k->c->redirect_uri},
        {STR("scope"), scope_of(&f->arena, k->c)},
        {STR("state"), flow_text(f->state)},
        {STR("nonce"), flow_text(f->nonce)},
        {STR("code_challenge"), challenge_of(&f->arena, f)},
        {STR("code_challenge_method"), STR("S256")},
        {STR("max_age"), max_age},
        {STR("acr_values"), wish->acr},
        {STR("login_hint"), wish->login_hint},
        {STR("prompt"), wish->prompt_login ? STR("login") : (str){NULL, 0}},
    };
    memcpy(out, fields, sizeof fields);
    return sizeof fields / sizeof *fields;
}

static void set_url(struct oidc_flow *f, str endpoint, const struct oidc_field *fields, size_t n)
{
    char joint = str_find(endpoint, '?') == endpoint.n ? '?' : '&';
    f->url = arena_printf(&f->arena, "%.*s%c%s", STR_ARG(endpoint), joint,
                          oidc_form_write(&f->arena, fields, n).p);
}

void oidc_request_url(const struct oidc_call *k)
{
    struct oidc_field fields[MAX_REQUEST_FIELDS];
    set_url(k->f, k->p->authorization_endpoint, fields, request_fields(k, fields));
}

void oidc_request_url_of_par(const struct oidc_call *k, str request_uri)
{
    const struct oidc_field fields[] = {{STR("client_id"), k->c->client_id},
                                        {STR("request_uri"), request_uri}};
    set_url(k->f, k->p->authorization_endpoint, fields, 2);
}

/* RFC 6749, 2.3.1: both halves are form-encoded first, else a colon in the id would shift them. */
static str basic(struct arena *a, const struct oidc_client *c)
{
    const struct oidc_field id = {{"", 0}, c->client_id}, secret = {{"", 0}, c->client_secret};
    str left = str_from(oidc_form_write(a, &id, 1), 1);
    str right = str_from(oidc_form_write(a, &secret, 1), 1);
    str both = arena_printf(a, "%.*s:%.*s", STR_ARG(left), STR_ARG(right));
    char *text = arena_text(a, 4 * ((both.n + 2) / 3));
    size_t n;
    base64_encode(both, text, &n);
    return arena_printf(a, "Basic %.*s", (int)n, text);
}

/* Adds how the client proves itself. The audience of an assertion is the token endpoint (Core,
 * section 9), which providers take for PAR as well (RFC 9126, section 2). */
static bool add_client(const struct oidc_call *k, struct oidc_field *fields, size_t *n,
                       str *authorization)
{
    struct arena *a = &k->f->arena;
    const struct oidc_client *c = k->c;
    switch (c->auth) {
    case OIDC_AUTH_BASIC:
        *authorization = basic(a, c);
        return true;
    case OIDC_AUTH_POST:
        fields[(*n)++] = (struct oidc_field){STR("client_secret"), c->client_secret};
        return true;
    case OIDC_AUTH_KEY: {
        str jwt = {NULL, 0};
        if (c->key)
            jwt = oidc_key_assertion(a, c->key, c->client_id, k->p->token_endpoint, k->now_s);
        fields[(*n)++] =
            (struct oidc_field){STR("client_assertion_type"),
                                STR("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")};
        fields[(*n)++] = (struct oidc_field){STR("client_assertion"), jwt};
        return jwt.p != NULL;
    }
    case OIDC_AUTH_NONE:
        break;
    }
    return true;
}

static bool set_post(const struct oidc_call *k, str url, struct oidc_field *fields, size_t n)
{
    struct oidc_fetch *fetch = &k->f->fetch;
    *fetch = (struct oidc_fetch){.url = url,
                                 .content_type = STR("application/x-www-form-urlencoded"),
                                 .accept = STR("application/json"),
                                 .is_secret = true};
    if (!add_client(k, fields, &n, &fetch->authorization))
        return false;
    fetch->body = oidc_form_write(&k->f->arena, fields, n);
    return true;
}

bool oidc_request_par(const struct oidc_call *k)
{
    struct oidc_field fields[MAX_REQUEST_FIELDS + MAX_CLIENT_FIELDS];
    size_t n = request_fields(k, fields);
    return set_post(k, k->p->par_endpoint, fields, n);
}

/* With Basic the id stands in the header alone; else it says whose secret or assertion this is. */
static str id_in_body(const struct oidc_client *c)
{
    return c->auth == OIDC_AUTH_BASIC ? (str){NULL, 0} : c->client_id;
}

bool oidc_request_code(const struct oidc_call *k)
{
    struct oidc_field fields[5 + MAX_CLIENT_FIELDS] = {
        {STR("grant_type"), STR("authorization_code")},
        {STR("code"), k->f->code},
        {STR("redirect_uri"), k->c->redirect_uri},
        {STR("code_verifier"), flow_text(k->f->verifier)},
        {STR("client_id"), id_in_body(k->c)},
    };
    return set_post(k, k->p->token_endpoint, fields, 5);
}

bool oidc_request_refresh(const struct oidc_call *k, str refresh_token)
{
    struct oidc_field fields[3 + MAX_CLIENT_FIELDS] = {
        {STR("grant_type"), STR("refresh_token")},
        {STR("refresh_token"), refresh_token},
        {STR("client_id"), id_in_body(k->c)},
    };
    return set_post(k, k->p->token_endpoint, fields, 3);
}

void oidc_request_userinfo(const struct oidc_call *k)
{
    struct oidc_flow *f = k->f;
    f->fetch = (struct oidc_fetch){
        .url = k->p->userinfo_endpoint,
        .authorization = arena_printf(&f->arena, "Bearer %.*s", STR_ARG(f->access_token)),
        .accept = STR("application/json"),
        .is_secret = true};
}
