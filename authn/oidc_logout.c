/* Logout, to the provider and from it. See oidc.h. */
#include "authn/oidc_inner.h"

#include "base/secret.h"

size_t oidc_logout_fields(const struct oidc_client *c, const struct oidc_provider *p, str id_token,
                          str return_to, struct oidc_field out[OIDC_LOGOUT_FIELDS])
{
    size_t n = 0;
    if (!p->end_session_endpoint.p)
        return 0;
    out[n++] = (struct oidc_field){STR("client_id"), c->client_id};
    if (id_token.n)
        out[n++] = (struct oidc_field){STR("id_token_hint"), id_token};
    if (return_to.n)
        out[n++] = (struct oidc_field){STR("post_logout_redirect_uri"), return_to};
    return n;
}

/* Section 2.4: the member that makes it a logout, and an object, which may be empty. */
static bool says_logout(const struct jnode *payload)
{
    const struct jnode *event = jread_get(jread_get(payload, "events"),
                                          "http://schemas.openid.net/event/backchannel-logout");
    return event && event->kind == J_OBJECT;
}

/* Else one and the same token could be sent again, and a sid of another kind could pass for none,
 * which ends all sessions of the subject. */
static bool is_complete(const struct identity *id, const struct jnode *payload)
{
    return says_logout(payload) && id->jti.n > 0 && id->has_iat &&
           (id->sid.n > 0 || !jread_get(payload, "sid"));
}

static enum token_verdict read_token(const struct oidc_client *c, const struct keyset *keys,
                                     str token, int64_t now_s, struct arena *a,
                                     struct oidc_logout *out)
{
    struct issuer issuer = oidc_issuer_of(c);
    struct identity *id;
    struct arena scratch;
    enum token_verdict verdict = token_verify(&issuer, keys, token, TOKEN_KIND_LOGOUT, now_s, &id);
    if (verdict != TOKEN_OK)
        return verdict;
    arena_init(&scratch, NULL, 0);
    if (is_complete(id, oidc_payload(&scratch, token))) {
        *out = (struct oidc_logout){.jti = arena_dup(a, id->jti), .exp_s = id->exp_s};
        out->subject = id->subject.p ? arena_dup(a, id->subject) : id->subject;
        out->sid = id->sid.p ? arena_dup(a, id->sid) : id->sid;
    } else {
        verdict = TOKEN_CLAIM;
    }
    arena_finish(&scratch);
    identity_unref(&id);
    return verdict;
}

enum token_verdict oidc_logout_read(const struct oidc_client *c, const struct keyset *keys,
                                    str form, int64_t now_s, struct arena *a,
                                    struct oidc_logout *out)
{
    struct arena scratch;
    struct oidc_form fields;
    enum token_verdict verdict = TOKEN_MALFORMED;
    *out = (struct oidc_logout){0};
    arena_init(&scratch, NULL, 0);
    if (oidc_form_read(&scratch, form, &fields)) {
        str token = oidc_form_get(&fields, STR("logout_token"));
        if (token.n > 0)
            verdict = read_token(c, keys, token, now_s, a, out);
    }
    arena_wipe(&scratch);
    return verdict;
}
