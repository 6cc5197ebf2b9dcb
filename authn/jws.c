/* Compact JWS. See jws.h.
 *
 * Header members that carry or name keys (jwk, jku, x5c, x5u) are never looked at: a key that comes
 * with the message proves nothing. Members that change how the message is to be read are refused,
 * understood or not, so that a token has one reading. */
#include "authn/jws.h"

#include "base/encode.h"

enum { RSA_F4 = 65537 };

void jws_room_init(struct jws_room *room)
{
    room->used = 0;
    arena_init(&room->nodes, room->block, sizeof room->block);
}

void jws_room_finish(struct jws_room *room)
{
    arena_finish(&room->nodes);
}

bool jws_split(str token, str *header, str *payload, str *sig)
{
    str rest = token;
    *header = str_cut(&rest, '.');
    if (!rest.p)
        return false;
    *payload = str_cut(&rest, '.');
    *sig = rest;
    return rest.p && str_find(rest, '.') == rest.n;
}

/* Decoded behind what is there. The parts of a token within its limit always fit. */
static bool decode_part(struct jws_room *room, str part, char **bytes, size_t *n)
{
    if (part.n > (sizeof room->text - room->used) / 3 * 4)
        return false;
    *bytes = room->text + room->used;
    if (!base64url_decode(part, (unsigned char *)*bytes, n))
        return false;
    room->used += *n;
    return true;
}

/* A string member or none; false when it is there as something else. */
static bool header_text(const struct jnode *header, const char *name, str *out)
{
    const struct jnode *m = jread_get(header, name);
    *out = m ? m->text : (str){NULL, 0};
    return !m || m->kind == J_STRING;
}

static bool demands_extension(const struct jnode *header)
{
    static const char *const names[] = {"crit", "b64", "zip", "enc"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (jread_get(header, names[i]))
            return true;
    /* A token within a token (RFC 7519, 5.2). */
    str cty = jread_text(header, "cty");
    return str_eq_nocase(cty, STR("JWT")) || str_eq_nocase(cty, STR("application/jwt"));
}

static enum token_verdict judge_header(const struct jnode *header, unsigned algs, struct jws *out)
{
    str alg;
    if (!header_text(header, "alg", &alg) || !alg.p || !alg_from_name(alg, &out->alg) ||
        !(algs & ALG_BIT(out->alg)))
        return TOKEN_ALG;
    if (demands_extension(header))
        return TOKEN_CRIT;
    if (!header_text(header, "kid", &out->kid) || !header_text(header, "typ", &out->typ))
        return TOKEN_MALFORMED;
    return TOKEN_OK;
}

enum token_verdict jws_open(str token, unsigned algs, struct jws_room *room, struct jws *out)
{
    str header, sig;
    char *bytes;
    size_t n;
    bool has_control = false;
    if (token.n > TOKEN_MAX_BYTES)
        return TOKEN_TOO_LONG;
    if (!jws_split(token, &header, &out->payload, &sig) || !decode_part(room, header, &bytes, &n))
        return TOKEN_MALFORMED;
    const struct jnode *root = jread_object(&room->nodes, bytes, n, &has_control);
    if (!root)
        return TOKEN_MALFORMED;
    if (has_control)
        return TOKEN_CONTROL;
    enum token_verdict verdict = judge_header(root, algs, out);
    if (verdict != TOKEN_OK)
        return verdict;
    if (sig.n > base64url_len(sizeof out->sig))
        return TOKEN_SIGNATURE;
    out->input = str_upto(token, header.n + 1 + out->payload.n);
    return base64url_decode(sig, out->sig, &out->n_sig) ? TOKEN_OK : TOKEN_MALFORMED;
}

static bool exponent_allowed(const struct issuer *issuer, uint64_t e)
{
    if (e == RSA_F4)
        return true;
    for (size_t i = 0; issuer && i < issuer->n_rsa_exponents; i++)
        if (issuer->rsa_exponents[i] == e)
            return true;
    return false;
}

enum token_verdict jws_check(const struct jws *jws, const struct issuer *issuer,
                             const struct keyset *keys)
{
    struct key *key = NULL;
    enum token_verdict verdict = keyset_choose(keys, jws->kid, jws->alg, &key);
    if (verdict != TOKEN_OK)
        return verdict;
    if (key->type == KEY_RSA && !exponent_allowed(issuer, key->rsa_exponent))
        return TOKEN_KEY;
    return key_verify(key, jws->alg, jws->input, jws->sig, jws->n_sig) ? TOKEN_OK : TOKEN_SIGNATURE;
}

bool jws_payload(const struct jws *jws, struct jws_room *room, char **bytes, size_t *n)
{
    return decode_part(room, jws->payload, bytes, n);
}
