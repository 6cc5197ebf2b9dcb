/* Refresh tokens of the built-in issuer: signed, and nothing is kept of them, so that a restart
 * ends no session. What tells them from ID tokens is `aud`, which is the token endpoint and no
 * client: they open nothing elsewhere. (libjwt writes "JWT" as `typ`, whatever it is told.)
 *
 * What they name is looked up anew at each use: a user who is gone, disabled or has another
 * password than when he signed in gets none. */
#include "authn/builtin_impl.h"

#include "authn/claims.h"
#include "authn/jws.h"
#include "base/encode.h"
#include "base/secret.h"

enum { MARK_BYTES = 16, MARK_CHARS = 22, PAYLOAD_MAX = 4096 };

/* Changes with the password, and cannot be turned back into its hash. */
static void mark_of(const struct builtin_user *user, char out[MARK_CHARS])
{
    struct arena a;
    char block[1024];
    unsigned char digest[BUILTIN_DIGEST];

    arena_init(&a, block, sizeof block);
    builtin_digest(arena_printf(&a, "postern refresh 1\n%.*s\n%.*s", STR_ARG(user->subject),
                                STR_ARG(user->password)),
                   digest);
    base64url_encode((str){(char *)digest, MARK_BYTES}, out);
    arena_finish(&a);
}

str builtin_refresh_make(const struct builtin *b, const struct builtin_user *user, str amr,
                         int64_t auth_time_s, int64_t now_s, struct arena *a)
{
    char room[PAYLOAD_MAX], mark[MARK_CHARS];
    struct jout j;

    mark_of(user, mark);
    jout_init(&j, room, sizeof room);
    jout_open(&j, '{');
    jout_kstr(&j, STR("iss"), b->issuer);
    jout_kstr(&j, STR("aud"), b->token_audience);
    jout_kstr(&j, STR("sub"), user->subject);
    jout_kstr(&j, STR("mark"), (str){mark, MARK_CHARS});
    jout_kstr(&j, STR("way"), amr);
    jout_kint(&j, STR("auth_time"), auth_time_s);
    jout_kint(&j, STR("iat"), now_s);
    jout_kint(&j, STR("exp"), now_s + BUILTIN_REFRESH_S);
    jout_close(&j, '}');
    return j.overflow ? (str){NULL, 0} : builtin_sign(b, jout_text(&j), a);
}

static bool is_time_good(const struct jnode *payload, int64_t now_s, struct builtin_refresh *out)
{
    double exp, auth_time;

    if (!claims_time(jread_get(payload, "exp"), &exp) ||
        !claims_time(jread_get(payload, "auth_time"), &auth_time) || exp <= (double)now_s)
        return false;
    out->auth_time_s = (int64_t)auth_time;
    return true;
}

static bool is_user_good(const struct builtin *b, const struct jnode *payload,
                         struct builtin_refresh *out)
{
    char mark[MARK_CHARS];

    out->user = builtin_users_by_subject(b->users, jread_text(payload, "sub"));
    if (!out->user || out->user->is_disabled)
        return false;
    mark_of(out->user, mark);
    return secret_eq(jread_text(payload, "mark"), (str){mark, MARK_CHARS});
}

static bool read_payload(const struct builtin *b, const struct jnode *payload, int64_t now_s,
                         struct arena *a, struct builtin_refresh *out)
{
    out->amr = arena_dup(a, jread_text(payload, "way"));
    return payload && str_eq(jread_text(payload, "iss"), b->issuer) &&
           str_eq(jread_text(payload, "aud"), b->token_audience) &&
           is_time_good(payload, now_s, out) && is_user_good(b, payload, out) && out->amr.n > 0;
}

bool builtin_refresh_read(const struct builtin *b, str token, int64_t now_s, struct arena *a,
                          struct builtin_refresh *out)
{
    struct jws_room room;
    struct jws jws;
    char *bytes;
    size_t n;
    bool is_good = false;

    *out = (struct builtin_refresh){0};
    jws_room_init(&room);
    if (jws_open(token, ALG_BIT(ALG_ES256), &room, &jws) == TOKEN_OK &&
        jws_check(&jws, NULL, b->keys.keyset) == TOKEN_OK && jws_payload(&jws, &room, &bytes, &n))
        is_good = read_payload(b, jread_object(&room.nodes, bytes, n, NULL), now_s, a, out);
    jws_room_finish(&room);
    return is_good;
}
