/* The rules for registered claims. See claims.h. */
#include "authn/claims.h"

bool claims_time(const struct jnode *node, double *out)
{
    static const double most = 9007199254740991.0; /* 2^53 - 1 */
    return jread_number(node, out) && -most <= *out && *out <= most;
}

static bool is_among(str s, const str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(s, list[i]))
            return true;
    return false;
}

static enum token_verdict check_audience(const struct issuer *issuer, const struct jnode *payload)
{
    const struct jnode *aud = jread_get(payload, "aud");
    bool is_ours = false;
    if (!aud)
        return TOKEN_AUDIENCE;
    if (aud->kind == J_STRING)
        return is_among(aud->text, issuer->audiences, issuer->n_audiences) ? TOKEN_OK
                                                                           : TOKEN_AUDIENCE;
    if (!jread_is_texts(aud))
        return TOKEN_AUDIENCE;
    for (const struct jnode *m = aud->first; m; m = m->next)
        is_ours |= is_among(m->text, issuer->audiences, issuer->n_audiences);
    return is_ours ? TOKEN_OK : TOKEN_AUDIENCE;
}

/* A token for several audiences could be one that another of them asked for and now replays. */
static enum token_verdict check_party(const struct issuer *issuer, const struct jnode *payload)
{
    const struct jnode *aud = jread_get(payload, "aud");
    str azp = jread_text(payload, "azp");
    if (aud->kind == J_STRING || aud->n == 1)
        return TOKEN_OK;
    bool is_ours = issuer->n_parties ? is_among(azp, issuer->parties, issuer->n_parties)
                                     : is_among(azp, issuer->audiences, issuer->n_audiences);
    return azp.p && is_ours ? TOKEN_OK : TOKEN_AZP;
}

static enum token_verdict check_not_ahead(const struct jnode *node, int64_t now_s)
{
    double at;
    if (!node)
        return TOKEN_OK;
    if (!claims_time(node, &at))
        return TOKEN_CLAIM;
    return at > (double)(now_s + TOKEN_MAX_SKEW_S) ? TOKEN_NOT_YET : TOKEN_OK;
}

static enum token_verdict check_times(const struct jnode *payload, enum token_kind kind,
                                      int64_t now_s)
{
    const struct jnode *iat = jread_get(payload, "iat");
    double exp;
    enum token_verdict verdict;
    if (!claims_time(jread_get(payload, "exp"), &exp))
        return TOKEN_NO_EXPIRY;
    if (exp <= (double)now_s)
        return TOKEN_EXPIRED;
    if ((verdict = check_not_ahead(jread_get(payload, "nbf"), now_s)) != TOKEN_OK ||
        (verdict = check_not_ahead(iat, now_s)) != TOKEN_OK)
        return verdict;
    return iat || kind == TOKEN_KIND_ACCESS ? TOKEN_OK : TOKEN_CLAIM;
}

static bool is_subject(const struct jnode *node)
{
    return node && node->kind == J_STRING && node->text.n > 0 && node->text.n <= TOKEN_MAX_SUBJECT;
}

static enum token_verdict check_subject(const struct issuer *issuer, const struct jnode *payload,
                                        enum token_kind kind)
{
    const struct jnode *sub = jread_get(payload, "sub");
    /* A service's: it has no subject, and a name instead. */
    if (issuer->service_claim.p && kind == TOKEN_KIND_ACCESS && sub && sub->kind == J_STRING &&
        sub->text.n == 0)
        return is_subject(jread_get(payload, issuer->service_claim.p)) ? TOKEN_OK : TOKEN_SUBJECT;
    if (sub)
        return is_subject(sub) ? TOKEN_OK : TOKEN_SUBJECT;
    if (kind == TOKEN_KIND_SET)
        return TOKEN_OK;
    return kind == TOKEN_KIND_LOGOUT && jread_text(payload, "sid").n > 0 ? TOKEN_OK : TOKEN_SUBJECT;
}

enum token_verdict claims_check(const struct issuer *issuer, const struct jnode *payload,
                                enum token_kind kind, int64_t now_s)
{
    enum token_verdict verdict;
    str iss = jread_text(payload, "iss");
    if (!iss.p || iss.n == 0 || !str_eq(iss, issuer->issuer))
        return TOKEN_ISSUER;
    if ((verdict = check_audience(issuer, payload)) != TOKEN_OK ||
        (verdict = check_party(issuer, payload)) != TOKEN_OK ||
        (verdict = check_times(payload, kind, now_s)) != TOKEN_OK ||
        (verdict = check_subject(issuer, payload, kind)) != TOKEN_OK)
        return verdict;
    /* Back-Channel Logout, 2.4: a nonce would let a logout token pass for an ID token. */
    if (kind == TOKEN_KIND_LOGOUT && jread_get(payload, "nonce"))
        return TOKEN_CLAIM;
    return TOKEN_OK;
}
