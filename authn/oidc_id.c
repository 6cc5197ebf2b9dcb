/* What an ID token must say beyond what every token must (OpenID Connect Core, 3.1.3.7, 3.1.3.8,
 * 3.3.2.11, 12.2). See oidc_inner.h. */
#include "authn/oidc_inner.h"

#include <openssl/evp.h>

#include "authn/jwa.h"
#include "authn/jws.h"
#include "base/encode.h"
#include "base/secret.h"

enum { MAX_DIGEST = 64 };

/* An ID token is for the client, whatever audience the issuer's access tokens have; a second
 * audience makes azp due, which is the client again. */
struct issuer oidc_issuer_of(const struct oidc_client *c)
{
    struct issuer issuer = *c->issuer;
    issuer.audiences = issuer.parties = &c->client_id;
    issuer.n_audiences = issuer.n_parties = c->client_id.n > 0;
    issuer.service_claim = (str){NULL, 0}; /* a service does not log in: no empty subject */
    return issuer;
}

const struct jnode *oidc_payload(struct arena *scratch, str token)
{
    str header, payload, sig;
    size_t n;
    if (token.n > TOKEN_MAX_BYTES || !jws_split(token, &header, &payload, &sig))
        return NULL;
    char *bytes = arena_text(scratch, payload.n + 1);
    if (!base64url_decode(payload, (unsigned char *)bytes, &n))
        return NULL;
    return jread_object(scratch, bytes, n, NULL);
}

/* Left half of the hash that the token's own algorithm uses. EdDSA names none: SHA-512, which
 * Ed25519 has inside. */
static bool half_hash_is(enum token_alg alg, str text, str wanted)
{
    unsigned char digest[MAX_DIGEST];
    char half[(MAX_DIGEST / 2 * 4 + 2) / 3];
    size_t n = 0;
    const char *name = jwa_of(alg)->digest ? jwa_of(alg)->digest : "SHA512";
    if (EVP_Q_digest(NULL, name, NULL, text.p, text.n, digest, &n) != 1)
        return false;
    base64url_encode((str){(char *)digest, n / 2}, half);
    return secret_eq((str){half, base64url_len(n / 2)}, wanted);
}

/* A token that was put beside another access token or code does not belong to this answer. */
static bool hash_fits(const struct identity *id, str name, str text)
{
    const struct claim *claim = identity_claim(id, name);
    if (!claim)
        return true;
    return claim->kind == CLAIM_STRING && text.p && half_hash_is(id->alg, text, claim->text);
}

static bool is_recent(const struct oidc_call *k, const struct identity *id)
{
    int64_t max_age_s = k->f->wish.max_age_s;
    if (max_age_s < 0)
        return true;
    if (!id->has_auth_time || id->auth_time_s > k->now_s + TOKEN_MAX_SKEW_S)
        return false;
    return k->now_s - id->auth_time_s <= max_age_s ||
           k->now_s - id->auth_time_s - max_age_s <= TOKEN_MAX_SKEW_S;
}

static bool is_of_class(const struct oidc_call *k, const struct identity *id)
{
    str rest = k->f->wish.acr;
    if (!rest.p)
        return true;
    while (rest.p) {
        str one = str_cut(&rest, ' ');
        if (one.n > 0 && str_eq(one, id->acr))
            return true;
    }
    return false;
}

static enum oidc_verdict check_login(const struct oidc_call *k, const struct identity *id)
{
    if (!secret_eq(id->nonce, (str){k->f->nonce, OIDC_STATE_CHARS}))
        return OIDC_NONCE;
    if (!hash_fits(id, STR("c_hash"), k->f->code))
        return OIDC_HASH;
    if (!is_recent(k, id))
        return OIDC_AUTH_TIME;
    return is_of_class(k, id) ? OIDC_OK : OIDC_ACR;
}

enum oidc_verdict oidc_id_check(const struct oidc_call *k, const struct identity *id)
{
    /* Step 5 of 3.1.3.7: also when there is one audience. */
    if (identity_claim(id, STR("azp")) && !str_eq(id->azp, k->c->client_id)) {
        k->f->token_verdict = TOKEN_AZP;
        return OIDC_TOKEN;
    }
    if (!hash_fits(id, STR("at_hash"), k->f->access_token))
        return OIDC_HASH;
    if (!k->f->is_refresh)
        return check_login(k, id);
    return str_eq(id->subject, k->f->subject) ? OIDC_OK : OIDC_OTHER_PERSON;
}
