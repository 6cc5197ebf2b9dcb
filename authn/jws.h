/* jws: the compact serialisation (RFC 7515, section 7.1), taken apart and its header judged. */
#ifndef AUTHN_JWS_H
#define AUTHN_JWS_H

#include "authn/jread.h"
#include "authn/keyset.h"

enum { JWS_MAX_SIGNATURE = 1024 }; /* RSA 8192; nothing else comes near */

/* Room for one token, on the stack: decoded texts and, unless the token is large, its nodes. */
struct jws_room {
    char text[TOKEN_MAX_BYTES];
    size_t used;
    struct arena nodes;
    char block[16 * 1024];
};

struct jws {
    enum token_alg alg;
    str kid, typ; /* absent when none */
    str input;    /* what is signed */
    str payload;  /* still encoded */
    unsigned char sig[JWS_MAX_SIGNATURE];
    size_t n_sig;
};

void jws_room_init(struct jws_room *room);
void jws_room_finish(struct jws_room *room);

/* "a.b.c" and nothing more: five parts are encryption, braces the JSON serialisation. */
bool jws_split(str token, str *header, str *payload, str *sig);
/* TOKEN_OK when the header is one that may be checked with `algs`. */
enum token_verdict jws_open(str token, unsigned algs, struct jws_room *room, struct jws *out);
/* Chooses the key and checks the signature; `issuer` may be NULL (only 65537 as exponent). */
enum token_verdict jws_check(const struct jws *jws, const struct issuer *issuer,
                             const struct keyset *keys);
/* Decodes the payload behind what the room holds; false when it is no base64url. */
bool jws_payload(const struct jws *jws, struct jws_room *room, char **bytes, size_t *n);

#endif
