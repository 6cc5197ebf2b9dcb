/* The whole check of a token, from bytes to an identity. See authn.h. */
#include "authn/claims.h"
#include "authn/jws.h"

#include <assert.h>

#include "base/encode.h"

static const struct {
    const char *code, *text;
} verdicts[TOKEN_VERDICT_COUNT] = {
#define X(id, code, text) [id] = {code, text},
    TOKEN_VERDICTS(X)
#undef X
};

const char *token_verdict_code(enum token_verdict verdict)
{
    assert((unsigned)verdict < TOKEN_VERDICT_COUNT);
    return verdicts[verdict].code;
}

const char *token_verdict_text(enum token_verdict verdict)
{
    assert((unsigned)verdict < TOKEN_VERDICT_COUNT);
    return verdicts[verdict].text;
}

/* A media type whose "application/" may be left out; compared without case (RFC 7515, 4.1.9). */
static bool typ_is(str typ, str wanted)
{
    str prefix = STR("application/");
    if (typ.n > prefix.n && str_eq_nocase(str_upto(typ, prefix.n), prefix))
        typ = str_from(typ, prefix.n);
    return str_eq_nocase(typ, wanted);
}

/* Kinds must not pass for one another: a logout token is no log-in (RFC 8725, 3.11). */
static bool typ_fits(const struct issuer *issuer, str typ, enum token_kind kind)
{
    switch (kind) {
    case TOKEN_KIND_ACCESS:
        if (issuer->wants_at_jwt)
            return typ_is(typ, STR("at+jwt"));
        return !typ.p || typ_is(typ, STR("JWT")) || typ_is(typ, STR("at+jwt"));
    case TOKEN_KIND_ID:
        return !typ.p || typ_is(typ, STR("JWT"));
    case TOKEN_KIND_LOGOUT:
        return typ_is(typ, STR("logout+jwt"));
    case TOKEN_KIND_SET:
        return typ_is(typ, STR("secevent+jwt"));
    }
    return false;
}

static enum token_verdict read_payload(const struct issuer *issuer, const struct jws *jws,
                                       struct jws_room *room, enum token_kind kind, int64_t now_s,
                                       struct identity **out)
{
    char *bytes;
    size_t n;
    bool has_control = false;
    if (!jws_payload(jws, room, &bytes, &n))
        return TOKEN_MALFORMED;
    const struct jnode *payload = jread_object(&room->nodes, bytes, n, &has_control);
    if (!payload)
        return TOKEN_MALFORMED;
    if (has_control)
        return TOKEN_CONTROL;
    enum token_verdict verdict = claims_check(issuer, payload, kind, now_s);
    if (verdict == TOKEN_OK)
        *out = identity_build(&(struct claims_source){.issuer = issuer,
                                                      .payload = payload,
                                                      .kid = jws->kid,
                                                      .alg = jws->alg,
                                                      .text = room->text,
                                                      .n_text = room->used});
    return verdict;
}

/* The payload is looked at only when the signature holds: before, it is anybody's text. */
static enum token_verdict verify_in(struct jws_room *room, const struct issuer *issuer,
                                    const struct keyset *keys, str token, enum token_kind kind,
                                    int64_t now_s, struct identity **out)
{
    struct jws jws;
    enum token_verdict verdict = jws_open(token, issuer->algs, room, &jws);
    if (verdict != TOKEN_OK)
        return verdict;
    if (!typ_fits(issuer, jws.typ, kind))
        return TOKEN_TYP;
    verdict = jws_check(&jws, issuer, keys);
    if (verdict != TOKEN_OK)
        return verdict;
    return read_payload(issuer, &jws, room, kind, now_s, out);
}

enum token_verdict token_verify(const struct issuer *issuer, const struct keyset *keys, str token,
                                enum token_kind kind, int64_t now_s, struct identity **out)
{
    struct jws_room room;
    *out = NULL;
    jws_room_init(&room);
    enum token_verdict verdict = verify_in(&room, issuer, keys, token, kind, now_s, out);
    jws_room_finish(&room);
    return verdict;
}

enum token_verdict token_verify_signature(unsigned algs, const struct keyset *keys, str token)
{
    struct jws_room room;
    struct jws jws;
    char *bytes;
    size_t n;
    jws_room_init(&room);
    enum token_verdict verdict = jws_open(token, algs, &room, &jws);
    if (verdict == TOKEN_OK && !jws_payload(&jws, &room, &bytes, &n))
        verdict = TOKEN_MALFORMED;
    if (verdict == TOKEN_OK)
        verdict = jws_check(&jws, NULL, keys);
    jws_room_finish(&room);
    return verdict;
}

bool token_peek(str token, char scratch[TOKEN_PEEK_BYTES], struct token_peek *out)
{
    static const char *const header_names[] = {"kid"}, *const payload_names[] = {"iss"};
    str header, payload, sig;
    size_t n_header, n_payload;
    *out = (struct token_peek){0};
    if (token.n / 4 * 3 + 3 > TOKEN_PEEK_BYTES || !jws_split(token, &header, &payload, &sig) ||
        !base64url_decode(header, (unsigned char *)scratch, &n_header))
        return false;
    char *behind = scratch + n_header;
    return base64url_decode(payload, (unsigned char *)behind, &n_payload) &&
           jread_peek(scratch, n_header, header_names, &out->kid, 1) &&
           jread_peek(behind, n_payload, payload_names, &out->issuer, 1);
}

str token_peek_issuer(str token, char scratch[TOKEN_PEEK_BYTES])
{
    struct token_peek peek;
    return token_peek(token, scratch, &peek) ? peek.issuer : (str){NULL, 0};
}
