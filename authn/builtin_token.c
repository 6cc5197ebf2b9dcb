/* The token endpoint of the built-in issuer (RFC 6749, sections 4.1.3 and 6; RFC 7636, section
 * 4.6). Its one client is public and calls in process: what it proves is the code's verifier. */
#include "authn/builtin_impl.h"

#include <stdlib.h>

#include "authn/oidc_inner.h"
#include "base/encode.h"
#include "base/secret.h"

enum { VERIFIER_MIN = 43, VERIFIER_MAX = 128, HASH_BYTES = 16, MAX_INTEGER_CHARS = 15 };

/* RFC 6749, section 5.2. */
#define REFUSAL(error) STR("{\"error\":\"" error "\"}")

static void refuse(struct builtin_answer *out, int status, str body)
{
    *out = (struct builtin_answer){status, STR("application/json"), body};
}

/* ---- claims of the file ---- */

/* Rules compare whole numbers as they are written: one that a double would change stays text. */
static bool is_integer(const struct doc_node *node)
{
    size_t sign = node->text.n && node->text.p[0] == '-';
    str digits = str_from(node->text, sign);
    uint64_t v;

    return node->is_plain && digits.n <= MAX_INTEGER_CHARS && str_to_u64(digits, INT64_MAX, &v) &&
           (digits.n == 1 ? !sign || v : digits.p[0] != '0');
}

static bool is_bool(const struct doc_node *node)
{
    return node->is_plain && (str_eq(node->text, STR("true")) || str_eq(node->text, STR("false")));
}

static void write_value(struct jout *j, const struct doc_node *node)
{
    if (node->kind == DOC_SCALAR) {
        if (is_bool(node) || is_integer(node))
            jout_raw(j, node->text);
        else
            jout_str(j, node->text);
        return;
    }
    jout_open(j, '[');
    for (size_t i = 0; i < node->n; i++)
        write_value(j, node->items[i]);
    jout_close(j, ']');
}

void builtin_write_claims(struct jout *j, const struct builtin_user *user)
{
    jout_key(j, STR("groups")); /* none is said aloud: else it would be unknown */
    jout_open(j, '[');
    for (size_t i = 0; i < user->n_groups; i++)
        jout_str(j, user->groups[i]);
    jout_close(j, ']');
    for (size_t i = 0; user->claims && i < user->claims->n; i++) {
        jout_key_text(j, user->claims->keys[i]->text);
        write_value(j, user->claims->items[i]);
    }
}

/* ---- tokens ---- */

/* OpenID Connect Core, section 3.1.3.6: the left half of the hash. */
static void hash_of(str access_token, char out[22])
{
    unsigned char digest[BUILTIN_DIGEST];

    builtin_digest(access_token, digest);
    base64url_encode((str){(char *)digest, HASH_BYTES}, out);
}

struct grant {
    const struct builtin_user *user;
    str nonce, amr; /* nonce absent: a refresh */
    int64_t auth_time_s;
};

static str id_token(const struct builtin *b, const struct grant *g, str access_token, int64_t now_s,
                    struct arena *a)
{
    char at_hash[22];
    struct jout j;

    hash_of(access_token, at_hash);
    jout_init(&j, arena_text(a, TOKEN_MAX_BYTES), TOKEN_MAX_BYTES);
    jout_open(&j, '{');
    jout_kstr(&j, STR("iss"), b->issuer);
    jout_kstr(&j, STR("aud"), b->client_id);
    jout_kstr(&j, STR("sub"), g->user->subject);
    jout_kint(&j, STR("iat"), now_s);
    jout_kint(&j, STR("exp"), now_s + BUILTIN_ID_TOKEN_S);
    jout_kint(&j, STR("auth_time"), g->auth_time_s);
    jout_key(&j, STR("amr"));
    jout_open(&j, '[');
    jout_str(&j, g->amr);
    jout_close(&j, ']');
    jout_kplain(&j, STR("at_hash"), (str){at_hash, sizeof at_hash});
    if (g->nonce.p)
        jout_kstr(&j, STR("nonce"), g->nonce);
    jout_kstr(&j, STR("email"), g->user->email);
    jout_kbool(&j, STR("email_verified"), true);
    if (g->user->name.p)
        jout_kstr(&j, STR("name"), g->user->name);
    builtin_write_claims(&j, g->user);
    jout_close(&j, '}');
    return j.overflow ? (str){NULL, 0} : builtin_sign(b, jout_text(&j), a);
}

/* RFC 6749, section 5.1. The access token opens nothing: there is no userinfo, as the ID token says
 * all; it is there because the protocol has it. */
static void answer_tokens(const struct builtin *b, const struct grant *g, int64_t now_s,
                          struct arena *a, struct builtin_answer *out)
{
    char access[BUILTIN_TOKEN_CHARS];
    unsigned char digest[BUILTIN_DIGEST];
    struct jout j;

    builtin_random(access, digest);
    str access_token = {access, sizeof access};
    str id = id_token(b, g, access_token, now_s, a);
    str refresh = builtin_refresh_make(b, g->user, g->amr, g->auth_time_s, now_s, a);
    if (!id.p || !refresh.p) {
        refuse(out, 500, REFUSAL("server_error"));
        return;
    }
    size_t room = id.n + refresh.n + 512;
    jout_init(&j, arena_text(a, room), room);
    jout_open(&j, '{');
    jout_kplain(&j, STR("token_type"), STR("Bearer"));
    jout_kint(&j, STR("expires_in"), BUILTIN_ID_TOKEN_S);
    jout_kstr(&j, STR("access_token"), access_token);
    jout_kstr(&j, STR("id_token"), id);
    jout_kstr(&j, STR("refresh_token"), refresh);
    jout_close(&j, '}');
    *out = (struct builtin_answer){200, STR("application/json"), jout_text(&j)};
}

/* ---- grants ---- */

static bool is_verifier(str s)
{
    if (s.n < VERIFIER_MIN || s.n > VERIFIER_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower_char(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !strchr("-._~", c))
            return false;
    }
    return true;
}

static bool proves(str verifier, const char challenge[BUILTIN_TOKEN_CHARS])
{
    unsigned char digest[BUILTIN_DIGEST];
    char text[BUILTIN_TOKEN_CHARS];

    if (!is_verifier(verifier))
        return false;
    builtin_digest(verifier, digest);
    base64url_encode((str){(char *)digest, sizeof digest}, text);
    return secret_eq((str){text, sizeof text}, (str){challenge, BUILTIN_TOKEN_CHARS});
}

static void take_code(struct builtin *b, const struct oidc_form *form, int64_t now_s,
                      struct arena *a, struct builtin_answer *out)
{
    struct builtin_code *c = builtin_code_take(b, oidc_form_get(form, STR("code")), now_s);

    if (!c) {
        refuse(out, 400, REFUSAL("invalid_grant"));
        return;
    }
    struct grant g = {.user = builtin_users_by_subject(b->users, c->subject),
                      .nonce = c->nonce,
                      .amr = arena_dup(a, str_of(c->amr)),
                      .auth_time_s = c->made_s};
    if (g.user && !g.user->is_disabled &&
        str_eq(oidc_form_get(form, STR("redirect_uri")), b->redirect_uri) &&
        proves(oidc_form_get(form, STR("code_verifier")), c->challenge))
        answer_tokens(b, &g, now_s, a, out);
    else
        refuse(out, 400, REFUSAL("invalid_grant"));
    builtin_code_drop(c); /* tried once, whatever came of it */
}

static void take_refresh(struct builtin *b, const struct oidc_form *form, int64_t now_s,
                         struct arena *a, struct builtin_answer *out)
{
    struct builtin_refresh r;

    if (!builtin_refresh_read(b, oidc_form_get(form, STR("refresh_token")), now_s, a, &r)) {
        refuse(out, 400, REFUSAL("invalid_grant"));
        return;
    }
    struct grant g = {.user = r.user, .amr = r.amr, .auth_time_s = r.auth_time_s};
    answer_tokens(b, &g, now_s, a, out);
}

void builtin_token(struct builtin *b, str text, str authorization, int64_t now_s, struct arena *a,
                   struct builtin_answer *out)
{
    struct oidc_form form;

    if (!oidc_form_read(a, text, &form)) {
        refuse(out, 400, REFUSAL("invalid_request"));
        return;
    }
    str type = oidc_form_get(&form, STR("grant_type"));
    if (authorization.p || !str_eq(oidc_form_get(&form, STR("client_id")), b->client_id))
        refuse(out, 401,
               REFUSAL(
                   "invalid_client")); /* a public client, which has nothing to prove itself with */
    else if (str_eq(type, STR("authorization_code")))
        take_code(b, &form, now_s, a, out);
    else if (str_eq(type, STR("refresh_token")))
        take_refresh(b, &form, now_s, a, out);
    else
        refuse(out, 400, type.p ? REFUSAL("unsupported_grant_type") : REFUSAL("invalid_request"));
}
