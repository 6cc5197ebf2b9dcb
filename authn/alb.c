/* The identity header of an AWS Application Load Balancer, X-Amzn-Oidc-Data. See authn.h.
 *
 * It is a JWS and no JWT of ours to be strict with: its parts are padded, padding is part of what
 * is signed, `exp`, `client` and `signer` stand in the header, and it has no audience. Every load
 * balancer of a region signs with keys from one place: only `signer` tells ours from anybody's,
 * which is why it is compared before anything else. */
#include "authn/claims.h"
#include "authn/jws.h"

#include "base/encode.h"

/* Without its padding; false when that is not what the length asks for. */
static bool unpad(str *part)
{
    size_t n = part->n, pad = 0;
    while (pad < 2 && pad < n && part->p[n - 1 - pad] == '=')
        pad++;
    part->n = n - pad;
    return pad == 0 || n % 4 == 0;
}

/* The token as others write it, in `room`. */
static bool plain_form(str token, char room[TOKEN_MAX_BYTES], str *out)
{
    str parts[3];
    size_t n = 0;
    if (!jws_split(token, &parts[0], &parts[1], &parts[2]))
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (!unpad(&parts[i]))
            return false;
        if (i)
            room[n++] = '.';
        memcpy(room + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    *out = (str){room, n};
    return true;
}

static enum token_verdict check_exp(const struct jnode *node, int64_t now_s, double *out)
{
    if (!claims_time(node, out))
        return TOKEN_NO_EXPIRY;
    return *out > (double)now_s ? TOKEN_OK : TOKEN_EXPIRED;
}

static bool is_client(const struct issuer *issuer, str client)
{
    for (size_t i = 0; i < issuer->n_audiences; i++)
        if (str_eq(client, issuer->audiences[i]))
            return true;
    return issuer->n_audiences == 0;
}

static const struct jnode *read_part(struct jws_room *room, str part, bool *has_control)
{
    char *bytes = room->text + room->used;
    size_t n;
    if (part.n > (sizeof room->text - room->used) / 3 * 4 ||
        !base64url_decode(part, (unsigned char *)bytes, &n))
        return NULL;
    room->used += n;
    return jread_object(&room->nodes, bytes, n, has_control);
}

static enum token_verdict check_header(struct jws_room *room, const struct issuer *issuer,
                                       str token, int64_t now_s, double *exp)
{
    bool has_control = false;
    const struct jnode *header =
        read_part(room, str_upto(token, str_find(token, '.')), &has_control);
    str signer = jread_text(header, "signer");
    if (!header)
        return TOKEN_MALFORMED;
    if (!signer.n || !str_eq(signer, issuer->issuer))
        return TOKEN_ISSUER;
    if (has_control)
        return TOKEN_CONTROL;
    if (!is_client(issuer, jread_text(header, "client")))
        return TOKEN_AUDIENCE;
    return check_exp(jread_get(header, "exp"), now_s, exp);
}

static enum token_verdict check_payload(const struct jnode *payload, bool has_control,
                                        int64_t now_s, double *exp)
{
    const struct jnode *own = jread_get(payload, "exp"), *sub = jread_get(payload, "sub");
    double at = *exp;
    if (!payload)
        return TOKEN_MALFORMED;
    if (has_control)
        return TOKEN_CONTROL;
    if (!sub || sub->kind != J_STRING || sub->text.n == 0 || sub->text.n > TOKEN_MAX_SUBJECT)
        return TOKEN_SUBJECT;
    enum token_verdict verdict = own ? check_exp(own, now_s, &at) : TOKEN_OK;
    *exp = at < *exp ? at : *exp;
    return verdict;
}

/* The provider's `iss`, if any, stays a claim: it is the load balancer that is believed. */
static struct identity *build(const struct issuer *issuer, const struct jws *jws,
                              const struct jws_room *room, const struct jnode *payload, double exp)
{
    struct identity *id = identity_build(&(struct claims_source){.issuer = issuer,
                                                                 .payload = payload,
                                                                 .kid = jws->kid,
                                                                 .alg = jws->alg,
                                                                 .text = room->text,
                                                                 .n_text = room->used});
    id->issuer = arena_dup(&id->arena, issuer->issuer);
    id->exp_s = (int64_t)exp;
    return id;
}

static enum token_verdict verify_in(struct jws_room *room, const struct issuer *issuer,
                                    const struct keyset *keys, str token, str plain, int64_t now_s,
                                    struct identity **out)
{
    struct jws jws;
    bool has_control = false;
    double exp;
    enum token_verdict verdict;
    if ((verdict = check_header(room, issuer, plain, now_s, &exp)) != TOKEN_OK ||
        (verdict = jws_open(plain, issuer->algs, room, &jws)) != TOKEN_OK)
        return verdict;
    if (jws.typ.p && !str_eq_nocase(jws.typ, STR("JWT")))
        return TOKEN_TYP;
    jws.input = str_upto(token, str_rfind(token, '.')); /* signed with its padding */
    if ((verdict = jws_check(&jws, issuer, keys)) != TOKEN_OK)
        return verdict;
    const struct jnode *payload = read_part(room, jws.payload, &has_control);
    if ((verdict = check_payload(payload, has_control, now_s, &exp)) == TOKEN_OK)
        *out = build(issuer, &jws, room, payload, exp);
    return verdict;
}

enum token_verdict alb_verify(const struct issuer *issuer, const struct keyset *keys, str token,
                              int64_t now_s, struct identity **out)
{
    struct jws_room room;
    char text[TOKEN_MAX_BYTES];
    str plain;
    *out = NULL;
    if (token.n > TOKEN_MAX_BYTES)
        return TOKEN_TOO_LONG;
    if (!plain_form(token, text, &plain))
        return TOKEN_MALFORMED;
    jws_room_init(&room);
    enum token_verdict verdict = verify_in(&room, issuer, keys, token, plain, now_s, out);
    jws_room_finish(&room);
    return verdict;
}

bool alb_peek_kid(str token, char scratch[TOKEN_PEEK_BYTES], str *out)
{
    static const char *const names[] = {"kid"};
    str header = str_upto(token, str_find(token, '.'));
    size_t n;
    *out = (str){NULL, 0};
    return header.n / 4 * 3 + 3 <= TOKEN_PEEK_BYTES && unpad(&header) &&
           base64url_decode(header, (unsigned char *)scratch, &n) &&
           jread_peek(scratch, n, names, out, 1);
}
